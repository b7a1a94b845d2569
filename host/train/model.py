"""The network as parameters in the `hgrn_bit` layout, and its plain PyTorch forward pass.

The forward pass here is the definition: autograd differentiates it, with straight-through
estimators at the two quantisers. `fused.py` computes the same loss and gradients several times
faster; the tests compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tritstream.train.shape import INITIAL_STD, Shape

BITLINEAR_EPS = 1e-6


Parameters = dict[str, Tensor]


def initial_parameters(shape: Shape, generator: torch.Generator) -> Parameters:
    """Fresh float32 parameters: normal matrices, norms at one, lower bounds at zero."""
    parameters = {}
    for name, size in shape.tensors().items():
        if name == "model.lower_bounds":
            value = torch.zeros(size)
        elif len(size) == 1:
            value = torch.ones(size)
        else:
            value = torch.randn(size, generator=generator) * INITIAL_STD
        parameters[name] = value.requires_grad_()
    return parameters


def rms(v: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Root-mean-square norm over the last axis."""
    return v * torch.rsqrt(v.square().mean(-1, keepdim=True) + eps) * weight


def quant8(v: Tensor) -> Tensor:
    """Per-token absmax int8 codes times their scale; the gradient passes straight through."""
    s = 127 / v.detach().abs().amax(-1, keepdim=True).clamp(min=1e-5)
    quantised = (v.detach() * s).round().clamp(-128, 127) / s
    return v + (quantised - v.detach())


def ternary(w: Tensor) -> Tensor:
    """absmean ternary matrix times its scale; the gradient passes straight through."""
    scale = w.detach().abs().mean().clamp(min=1e-5)
    return w + ((w.detach() / scale).round().clamp(-1, 1) * scale - w.detach())


@dataclass(frozen=True)
class Dropout:
    """Dropout of what each block adds to the residual stream: share p, masks decided by seed."""

    p: float = 0.0
    seed: int = 0

    def branch(self, number: int) -> int:
        """Seed of the branch with this number, an unsigned 32-bit integer."""
        return (self.seed * 0x2545F491 + number * 0x9E3779B1) % 2**32

    def mask(
        self, number: int, rows: int, columns: int, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Factors 0 or 1 / (1 - p), (rows, columns): the hash of kernels.cpp."""
        h = (
            torch.arange(rows * columns, device=device) * 0x9E3779B9 + self.branch(number)
            & 0xFFFFFFFF
        )
        h = (h ^ h >> 16) * 0x7FEB352D & 0xFFFFFFFF
        h = (h ^ h >> 15) * 0x846CA68B & 0xFFFFFFFF
        h = h ^ h >> 16
        return ((h >= int(self.p * 2**32)) / (1 - self.p)).view(rows, columns)


def scan(f: Tensor, x: Tensor, h0: Tensor) -> Tensor:
    """h[t] = f[t] * h[t-1] + x[t] over axis 1 of (B, T, D); h0 is (B, D)."""
    apply: Any = _Scan.apply
    h: Tensor = apply(f, x, h0)
    return h


class _Scan(torch.autograd.Function):
    """The recurrence by parallel scan, and its gradient by the same scan from the other end.

    With a[t] the gradient of the loss by h[t] through all later times, a[t] = dh[t] +
    f[t+1] * a[t+1]; so h alone is kept for the backward pass, not the passes of the scan.
    """

    @staticmethod
    def forward(ctx: Any, f: Tensor, x: Tensor, h0: Tensor) -> Tensor:
        h = _doubling(f, x, h0)
        ctx.save_for_backward(f, h, h0)
        return h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f, h, h0 = ctx.saved_tensors
        (dh,) = grads
        later = torch.cat([f[:, 1:], torch.zeros_like(f[:, :1])], 1).flip(1)
        a = _doubling(later, dh.flip(1), torch.zeros_like(h0)).flip(1)
        before = torch.cat([h0[:, None], h[:, :-1]], 1)
        return a * before, a, f[:, 0] * a[:, 0]


def _doubling(f: Tensor, x: Tensor, h0: Tensor) -> Tensor:
    """The scan in log2(T) passes over the whole tensor (Hillis and Steele 1986)."""
    x = torch.cat([(x[:, :1] + f[:, :1] * h0[:, None]), x[:, 1:]], 1)
    f = torch.cat([torch.zeros_like(f[:, :1]), f[:, 1:]], 1)
    step, length = 1, x.shape[1]
    while step < length:
        x = torch.cat([x[:, :step], x[:, step:] + f[:, step:] * x[:, :-step]], 1)
        f = torch.cat([f[:, :step], f[:, step:] * f[:, :-step]], 1)
        step *= 2
    return x


def lower_bounds(parameters: Parameters) -> Tensor:
    """(layers, D): cumulative softmax over the layers, starting at zero."""
    p = parameters["model.lower_bounds"].softmax(0)
    return p.cumsum(0) - p[:1]


class _Product(torch.autograd.Function):
    """quant8(v) @ ternary(W)^T with bfloat16 mat-muls and the gradients of the definition.

    Codes in [-127, 127] and trits are exact in bfloat16; their sums are rounded once, at the end.
    """

    @staticmethod
    def forward(ctx: Any, v: Tensor, w: Tensor, is_ternary: bool) -> Tensor:
        sx = v.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
        codes = (v / sx).round().clamp(-128, 127).bfloat16()
        if is_ternary:
            sw = w.abs().mean().clamp(min=1e-5)
            trits = (w / sw).round().clamp(-1, 1).bfloat16()
        else:
            sw, trits = torch.ones((), device=w.device), w.bfloat16()
        ctx.save_for_backward(codes, trits, sx, sw)
        return (codes @ trits.T).float() * (sx * sw)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        codes, trits, sx, sw = ctx.saved_tensors
        (dy,) = grads
        dv = (dy * sw).bfloat16() @ trits
        dw = (dy * sx).bfloat16().flatten(0, -2).T @ codes.flatten(0, -2)
        return dv.float(), dw.float(), None


def bitlinear(
    shape: Shape, parameters: Parameters, name: str, v: Tensor, bfloat16: bool = False
) -> Tensor:
    """ternary(W) @ quant8(rms(v)); with `shape.ternary` off, W stays as it is.

    bfloat16: mat-muls in that type, as the compiled passes have them.
    """
    w = parameters[f"{name}.weight"]
    normed = rms(v, parameters[f"{name}.norm.weight"], BITLINEAR_EPS)
    if bfloat16:
        apply: Any = _Product.apply
        product: Tensor = apply(normed, w, shape.ternary)
        return product
    codes = quant8(normed)
    return codes @ (ternary(w) if shape.ternary else w).T


def forward(
    shape: Shape,
    parameters: Parameters,
    tokens: Tensor,
    reset: Tensor,
    states: Tensor,
    dropout: Dropout | None = None,
    bfloat16: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits (B, T, vocab) and the next states (layers, B, D).

    tokens: int64 (B, T). reset: bool (B, T), True where the state restarts from zero before the
    token. states: (layers, B, D) before the first token. bfloat16: of the mat-muls.
    """
    x = parameters["model.embeddings.weight"][tokens]
    bounds = lower_bounds(parameters)
    keep = (~reset)[..., None].to(x.dtype)
    after = []

    def dropped(branch: Tensor, number: int) -> Tensor:
        if dropout is None or not dropout.p:
            return branch
        return branch * dropout.mask(number, tokens.numel(), shape.hidden, branch.device).view(
            branch.shape
        )

    for layer in range(shape.layers):
        p = f"model.layers.{layer}."

        def linear(name: str, v: Tensor, p: str = p) -> Tensor:
            return bitlinear(shape, parameters, p + name, v, bfloat16)

        n = rms(x, parameters[p + "attn_norm.weight"], shape.eps)
        i = linear("attn.i_proj", n)
        z = linear("attn.f_proj", n)
        g = linear("attn.g_proj", n)
        lb = bounds[layer]
        f = lb + (1 - lb) * z.sigmoid()
        rest = (1 - lb) * (-z).sigmoid()
        h = scan(f * keep, i * i.sigmoid() * rest, states[layer])
        after.append(h[:, -1])
        o = rms(g, parameters[p + "attn.g_norm.weight"], shape.eps) * h * h.sigmoid()
        x = x + dropped(linear("attn.o_proj", o), 2 * layer)
        n = rms(x, parameters[p + "mlp_norm.weight"], shape.eps)
        a, b = linear("mlp.gate_proj", n).chunk(2, -1)
        x = x + dropped(linear("mlp.down_proj", a * a.sigmoid() * b), 2 * layer + 1)
    x = rms(x, parameters["model.norm.weight"], shape.eps)
    return bitlinear(shape, parameters, "lm_head", x, bfloat16), torch.stack(after)
