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

BITLINEAR_EPS = 1e-6
INITIAL_STD = 0.02


@dataclass(frozen=True)
class Shape:
    """Sizes of a network to train.

    hidden: D; intermediate: I; vocab: entries of the tokenizer; ternary: whether matrices are
    ternary (False trains the float-weight twin).
    """

    hidden: int
    intermediate: int
    layers: int
    vocab: int
    eps: float = 1e-6
    ternary: bool = True

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Names (without ".weight") and (out, in) of every ternary matrix, in order of use."""
        d, i = self.hidden, self.intermediate
        out: dict[str, tuple[int, int]] = {}
        for layer in range(self.layers):
            for gate in "ifgo":
                out[f"model.layers.{layer}.attn.{gate}_proj"] = (d, d)
            out[f"model.layers.{layer}.mlp.gate_proj"] = (2 * i, d)
            out[f"model.layers.{layer}.mlp.down_proj"] = (d, i)
        out["lm_head"] = (self.vocab, d)
        return out

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of every tensor of the checkpoint."""
        d = self.hidden
        out: dict[str, tuple[int, ...]] = {
            "model.embeddings.weight": (self.vocab, d),
            "model.lower_bounds": (self.layers, d),
            "model.norm.weight": (d,),
        }
        for layer in range(self.layers):
            for norm in ("attn_norm", "attn.g_norm", "mlp_norm"):
                out[f"model.layers.{layer}.{norm}.weight"] = (d,)
        for name, (rows, columns) in self.matrices().items():
            out[f"{name}.weight"] = (rows, columns)
            out[f"{name}.norm.weight"] = (columns,)
        return out

    def ternary_weights(self) -> int:
        """Number of weights in the matrices."""
        return sum(rows * columns for rows, columns in self.matrices().values())


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


def scan(f: Tensor, x: Tensor, h0: Tensor) -> Tensor:
    """h[t] = f[t] * h[t-1] + x[t] over axis 1 of (B, T, D), by doubling: log2(T) passes."""
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


def bitlinear(shape: Shape, parameters: Parameters, name: str, v: Tensor) -> Tensor:
    """ternary(W) @ quant8(rms(v)); with `shape.ternary` off, W stays as it is."""
    w = parameters[f"{name}.weight"]
    codes = quant8(rms(v, parameters[f"{name}.norm.weight"], BITLINEAR_EPS))
    return codes @ (ternary(w) if shape.ternary else w).T


def forward(
    shape: Shape, parameters: Parameters, tokens: Tensor, reset: Tensor, states: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits (B, T, vocab) and the next states (layers, B, D).

    tokens: int64 (B, T). reset: bool (B, T), True where the state restarts from zero before the
    token. states: (layers, B, D) before the first token.
    """
    x = parameters["model.embeddings.weight"][tokens]
    bounds = lower_bounds(parameters)
    keep = (~reset)[..., None].to(x.dtype)
    after = []
    for layer in range(shape.layers):
        p = f"model.layers.{layer}."

        def linear(name: str, v: Tensor, p: str = p) -> Tensor:
            return bitlinear(shape, parameters, p + name, v)

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
        x = x + linear("attn.o_proj", o)
        n = rms(x, parameters[p + "mlp_norm.weight"], shape.eps)
        a, b = linear("mlp.gate_proj", n).chunk(2, -1)
        x = x + linear("mlp.down_proj", a * a.sigmoid() * b)
    x = rms(x, parameters["model.norm.weight"], shape.eps)
    return bitlinear(shape, parameters, "lm_head", x), torch.stack(after)


def config(shape: Shape, bos: int, eos: int) -> dict[str, Any]:
    """config.json of the `hgrn_bit` layout."""
    return {
        "architectures": ["HGRNBitForCausalLM"],
        "model_type": "hgrn_bit",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_heads": 1,
        "expand_ratio": 1,
        "hidden_ratio": 4,
        "hidden_act": "swish",
        "use_short_conv": False,
        "use_lower_bound": True,
        "rms_norm_eps": shape.eps,
        "vocab_size": shape.vocab,
        "max_position_embeddings": 2048,
        "initializer_range": INITIAL_STD,
        "tie_word_embeddings": False,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "torch_dtype": "float32",
    }
