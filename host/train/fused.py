"""Loss and gradients of a training step through the compiled passes of kernels.cpp.

Forward and backward are written out by hand: mat-muls by torch, everything else in one compiled
pass between two mat-muls. int8 codes and trits are exact in bfloat16 and their sums accumulate in
float32, so `torch.bfloat16` changes a mat-mul's result only by rounding the accumulator; with
`torch.float32` it is exact.

As in kernels.cpp, G is a projection's gradient times the scale of its input's codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tritstream.train.model import Dropout, Parameters, lower_bounds
from tritstream.train.shape import Shape


@dataclass(frozen=True)
class _Matrix:
    """A BitLinear in the form of the mat-mul: value = codes @ trits^T * sx * sw."""

    name: str
    norm: Tensor
    trits: Tensor
    sw: float


class _Pending(NamedTuple):
    """A residual branch that the next norm adds: the accumulator of a projection and its scales."""

    acc: Tensor | None = None
    sx: Tensor | None = None
    sw: float = 0.0
    number: int = 0


class _Normed(NamedTuple):
    """A block norm and the quantised inputs of the projections that it feeds.

    x: the residual stream before the norm. branch, number: scale of the branch that was added to
    make x, and which branch of the network it is.
    """

    x: Tensor
    r1: Tensor
    r2: Tensor
    codes: list[Tensor]
    sx: list[Tensor]
    branch: Tensor | None
    number: int


class _Mixed(NamedTuple):
    """The mixer: accumulators of i, f, g; codes and scale for o_proj; state; two norm factors."""

    acc: list[Tensor]
    codes: Tensor
    sx: Tensor
    h: Tensor
    rg: Tensor
    ro: Tensor


class _Gated(NamedTuple):
    """The gated unit: accumulator of gate_proj; codes, scale and norm factor for down_proj."""

    acc: Tensor
    codes: Tensor
    sx: Tensor
    r: Tensor


class _Layer(NamedTuple):
    attention: _Normed
    mixed: _Mixed
    mlp: _Normed
    gated: _Gated


class Fused:
    """`loss` and `loss_and_grad` for one shape, on the compiled passes `kernels`."""

    def __init__(self, kernels: Any, shape: Shape, dtype: torch.dtype) -> None:
        self.shape = shape
        self.dtype = dtype
        self._suffix = {torch.float32: "_f32", torch.bfloat16: "_bf16"}[dtype]
        self._kernels = kernels

    @torch.no_grad()
    def loss(
        self, parameters: Parameters, tokens: Tensor, targets: Tensor, reset: Tensor, states: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Loss per token, float32 (B, T), in nats, and the next states (layers, B, D)."""
        return _Step(self, parameters, tokens, targets, reset, states).forward(0.0)

    @torch.no_grad()
    def loss_and_grad(
        self,
        parameters: Parameters,
        tokens: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        weight: float,
        dropout: Dropout | None = None,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """As `loss`, and the gradients of `weight` > 0 times the summed loss, by name."""
        step = _Step(self, parameters, tokens, targets, reset, states, dropout)
        loss, after = step.forward(weight)
        return loss, after, step.backward()

    def run(self, name: str, *arguments: Any) -> Any:
        """Call a compiled pass in this dtype."""
        return getattr(self._kernels, name + self._suffix)(*arguments)

    def matrix(self, parameters: Parameters, name: str) -> _Matrix:
        """Quantise one matrix."""
        w, norm = parameters[f"{name}.weight"].detach(), parameters[f"{name}.norm.weight"].detach()
        if self.shape.ternary:
            return _Matrix(name, norm, *self.run("ternarise", w))
        return _Matrix(name, norm, w.to(self.dtype), 1.0)


class _Step:
    """One batch: the forward pass keeps on a tape what the backward pass reads."""

    def __init__(
        self,
        fused: Fused,
        parameters: Parameters,
        tokens: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        dropout: Dropout | None = None,
    ) -> None:
        self.dropout = dropout or Dropout()
        self.run, self.shape = fused.run, fused.shape
        self.tokens, self.targets, self.reset, self.states = tokens, targets, reset, states
        self.matrices = {n: fused.matrix(parameters, n) for n in fused.shape.matrices()}
        self.value = {name: tensor.detach() for name, tensor in parameters.items()}
        # The one part small enough for autograd.
        self.bounds_of = self.value["model.lower_bounds"].clone().requires_grad_()
        with torch.enable_grad():
            self.bounds = lower_bounds({"model.lower_bounds": self.bounds_of})
        self.lb = self.bounds.detach().contiguous()
        self.tape: list[_Layer] = []
        self.grads: dict[str, Tensor] = {}

    def forward(self, weight: float) -> tuple[Tensor, Tensor]:
        """Loss (B, T) and next states; weight > 0 prepares `backward`."""
        x = self.value["model.embeddings.weight"][self.tokens.flatten()]
        pending, after = _Pending(), []
        for layer in range(self.shape.layers):
            i, f, g, o, up, down = self._layer_matrices(layer)
            attention = self._norm(x, pending, f"model.layers.{layer}.attn_norm", [i, f, g])
            acc = [c @ q.trits.T for c, q in zip(attention.codes, (i, f, g), strict=True)]
            codes, sx, h, rg, ro, last = self.run(
                "mixer", acc, attention.sx, [i.sw, f.sw, g.sw], *self._gate(layer), o.norm,
                self.states[layer], self.reset, self.shape.eps,
            )  # fmt: skip
            after.append(last)
            mixed = _Mixed(acc, codes, sx, h, rg, ro)
            pending = _Pending(codes @ o.trits.T, sx, o.sw, 2 * layer)
            mlp = self._norm(attention.x, pending, f"model.layers.{layer}.mlp_norm", [up])
            acc_up = mlp.codes[0] @ up.trits.T
            gated = _Gated(acc_up, *self.run("glu", acc_up, mlp.sx[0], up.sw, down.norm))
            pending = _Pending(gated.codes @ down.trits.T, gated.sx, down.sw, 2 * layer + 1)
            x = mlp.x
            if weight > 0:
                self.tape.append(_Layer(attention, mixed, mlp, gated))
        head = self.matrices["lm_head"]
        self.final = self._norm(x, pending, "model.norm", [head])
        logits = self.final.codes[0] @ head.trits.T
        targets = self.targets.flatten().contiguous()
        loss = self.run("cross_entropy", logits, self.final.sx[0], head.sw, targets, weight)
        self.G = logits  # now the gradient: cross_entropy works in place
        return loss.view(self.tokens.shape), torch.stack(after)

    def backward(self) -> dict[str, Tensor]:
        """Gradients of what `forward` weighted, by parameter name."""
        head = self.matrices["lm_head"]
        self._weight_grad(head, self.G, self.final.codes[0])
        dx, G = self._norm_backward(self.final, "model.norm", [head], [self.G], None)
        dlb = torch.zeros_like(self.lb)
        for layer in reversed(range(self.shape.layers)):
            i, f, g, o, up, down = self._layer_matrices(layer)
            attention, mixed, mlp, gated = self.tape.pop()
            self._weight_grad(down, G, gated.codes)
            G, self.grads[f"{down.name}.norm.weight"] = self.run(
                "glu_backward", gated.acc, mlp.sx[0], up.sw, down.norm, gated.r, G @ down.trits,
                gated.sx, down.sw,
            )  # fmt: skip
            self._weight_grad(up, G, mlp.codes[0])
            dx, G = self._norm_backward(mlp, f"model.layers.{layer}.mlp_norm", [up], [G], dx)
            self._weight_grad(o, G, mixed.codes)
            *Gs, dw = self.run(
                "mixer_backward", mixed.acc, attention.sx, [i.sw, f.sw, g.sw], *self._gate(layer),
                o.norm, self.states[layer], self.reset, mixed.h, mixed.rg, mixed.ro, G @ o.trits,
                mixed.sx, o.sw,
            )  # fmt: skip
            dlb[layer] = dw[0]
            self.grads[f"model.layers.{layer}.attn.g_norm.weight"] = dw[1]
            self.grads[f"{o.name}.norm.weight"] = dw[2]
            for q, Gq, codes in zip((i, f, g), Gs, attention.codes, strict=True):
                self._weight_grad(q, Gq, codes)
            name = f"model.layers.{layer}.attn_norm"
            dx, G = self._norm_backward(attention, name, [i, f, g], Gs, dx)
        embedding = torch.zeros_like(self.value["model.embeddings.weight"])
        embedding.index_add_(0, self.tokens.flatten(), dx)
        self.grads["model.embeddings.weight"] = embedding
        (bounds,) = torch.autograd.grad(self.bounds, self.bounds_of, dlb)
        self.grads["model.lower_bounds"] = bounds
        return self.grads

    def _layer_matrices(self, layer: int) -> list[_Matrix]:
        names = [f"attn.{gate}_proj" for gate in "ifgo"] + ["mlp.gate_proj", "mlp.down_proj"]
        return [self.matrices[f"model.layers.{layer}.{name}"] for name in names]

    def _gate(self, layer: int) -> tuple[Tensor, Tensor]:
        return self.lb[layer], self.value[f"model.layers.{layer}.attn.g_norm.weight"]

    def _norm(self, x: Tensor, pending: _Pending, name: str, fed: list[_Matrix]) -> _Normed:
        weight, norms = self.value[f"{name}.weight"], [q.norm for q in fed]
        acc, sx, sw, number = pending
        x, r1, r2, *rest = self.run(
            "norm_quant", x, acc, sx, sw, weight, norms, self.shape.eps, self.dropout.p,
            self.dropout.branch(number),
        )  # fmt: skip
        return _Normed(x, r1, r2, rest[: len(fed)], rest[len(fed) :], sx, number)

    def _norm_backward(
        self, normed: _Normed, name: str, fed: list[_Matrix], Gs: list[Tensor], dx: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gradient of the residual stream, and G of the branch that was added before the norm."""
        dx, G, dw = self.run(
            "norm_quant_backward", normed.x, normed.r1, normed.r2, self.value[f"{name}.weight"],
            [q.norm for q in fed], [Gq @ q.trits for q, Gq in zip(fed, Gs, strict=True)],
            normed.sx, [q.sw for q in fed], dx, normed.branch, self.dropout.p,
            self.dropout.branch(normed.number),
        )  # fmt: skip
        self.grads[f"{name}.weight"] = dw[0]
        for k, q in enumerate(fed):
            self.grads[f"{q.name}.norm.weight"] = dw[k + 1]
        return dx, G

    def _weight_grad(self, q: _Matrix, G: Tensor, codes: Tensor) -> None:
        self.grads[f"{q.name}.weight"] = (G.T @ codes).float()
