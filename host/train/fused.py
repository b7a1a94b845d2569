"""Loss and gradients of a training step through the compiled passes of kernels.cpp.

Forward and backward are written out by hand: mat-muls by torch, everything else in one compiled
pass between two mat-muls. int8 codes and trits are exact in bfloat16 and their sums accumulate in
float32, so `torch.bfloat16` changes a mat-mul's result only by rounding the accumulator; with
`torch.float32` it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from tritstream.train.model import Parameters, Shape, lower_bounds


@dataclass
class _Projection:
    """A matrix in the form of the mat-mul: value = acc * sx * sw."""

    name: str
    trits: Tensor
    sw: float


class Fused:
    """`loss` and `loss_and_grad` for one shape, on the compiled passes `kernels`."""

    def __init__(self, kernels: ModuleType, shape: Shape, dtype: torch.dtype) -> None:
        self.shape = shape
        self.dtype = dtype
        self._suffix = {torch.float32: "_f32", torch.bfloat16: "_bf16"}[dtype]
        self._kernels = kernels

    def _run(self, name: str, *arguments: Any) -> Any:
        return getattr(self._kernels, name + self._suffix)(*arguments)

    def _projections(self, parameters: Parameters) -> dict[str, _Projection]:
        out = {}
        for name in self.shape.matrices():
            w = parameters[f"{name}.weight"].detach()
            if self.shape.ternary:
                trits, sw = self._run("ternarise", w)
            else:
                trits, sw = w.to(self.dtype), 1.0
            out[name] = _Projection(name, trits, sw)
        return out

    @torch.no_grad()
    def loss(
        self, parameters: Parameters, tokens: Tensor, targets: Tensor, reset: Tensor, states: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Loss per token, float32 (B, T), in nats, and the next states (layers, B, D)."""
        loss, after, _ = self._step(parameters, tokens, targets, reset, states, 0.0)
        return loss, after

    @torch.no_grad()
    def loss_and_grad(
        self,
        parameters: Parameters,
        tokens: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        weight: float,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """As `loss`, and the gradients of `weight` times the summed loss, by parameter."""
        return self._step(parameters, tokens, targets, reset, states, weight)

    def _step(
        self,
        parameters: Parameters,
        tokens: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        weight: float,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        shape, run, eps = self.shape, self._run, self.shape.eps
        lanes, length = tokens.shape
        value = {name: tensor.detach() for name, tensor in parameters.items()}
        projections = self._projections(parameters)
        with torch.enable_grad():
            bounds = lower_bounds(parameters)
        lb = bounds.detach().contiguous()
        grads: dict[str, Tensor] = {}

        x = value["model.embeddings.weight"][tokens.flatten()]
        # What the backward pass of each layer needs, and the residual branch still to be added.
        tape: list[tuple[Any, ...]] = []
        after = []
        pending: tuple[Tensor | None, Tensor | None, float] = (None, None, 0.0)
        for layer in range(shape.layers):
            p = f"model.layers.{layer}."
            ifg = [projections[f"{p}attn.{gate}_proj"] for gate in "ifg"]
            o, up, down = (
                projections[p + s] for s in ("attn.o_proj", "mlp.gate_proj", "mlp.down_proj")
            )
            norms = [value[f"{q.name}.norm.weight"] for q in ifg]
            x, r1, r2, *rest = run(
                "norm_quant", x, *pending, value[p + "attn_norm.weight"], norms, eps
            )
            codes, sx = rest[:3], rest[3:]
            acc = [c @ q.trits.T for c, q in zip(codes, ifg, strict=True)]
            mixed = run(
                "mixer", acc, sx, [q.sw for q in ifg], lb[layer], value[p + "attn.g_norm.weight"],
                value[f"{o.name}.norm.weight"], states[layer], reset, eps,
            )  # fmt: skip
            codes_o, so, h, rg, ro, last = mixed
            after.append(last)
            attention = (x, r1, r2, codes, sx, acc, codes_o, so, h, rg, ro, pending[1])
            pending = (codes_o @ o.trits.T, so, o.sw)
            x, r1, r2, codes_u, su = run(
                "norm_quant",
                x,
                *pending,
                value[p + "mlp_norm.weight"],
                [value[f"{up.name}.norm.weight"]],
                eps,
            )
            acc_u = codes_u @ up.trits.T
            codes_d, sd, rd = run("glu", acc_u, su, up.sw, value[f"{down.name}.norm.weight"])
            if weight > 0:
                tape.append((attention, (x, r1, r2, codes_u, su, acc_u, codes_d, sd, rd, so)))
            pending = (codes_d @ down.trits.T, sd, down.sw)
        head = projections["lm_head"]
        head_norm = value["lm_head.norm.weight"]
        x, r1, r2, codes_h, sh = run(
            "norm_quant", x, *pending, value["model.norm.weight"], [head_norm], eps
        )
        acc_h = codes_h @ head.trits.T
        loss = run("cross_entropy", acc_h, sh, head.sw, targets.flatten().contiguous(), weight)
        loss = loss.view(lanes, length)
        next_states = torch.stack(after)
        if weight <= 0:
            return loss, next_states, {}

        def weight_grad(q: _Projection, G: Tensor, codes: Tensor) -> None:
            grads[f"{q.name}.weight"] = (G.T @ codes).float()

        G = acc_h  # cross_entropy left the gradient in place
        weight_grad(head, G, codes_h)
        dx, G, dw = run(
            "norm_quant_backward", x, r1, r2, value["model.norm.weight"], [head_norm], [G @ head.trits],
            [sh], [head.sw], None, pending[1],
        )  # fmt: skip
        grads["model.norm.weight"], grads["lm_head.norm.weight"] = dw[0], dw[1]
        dlb = torch.zeros_like(lb)
        for layer in reversed(range(shape.layers)):
            p = f"model.layers.{layer}."
            ifg = [projections[f"{p}attn.{gate}_proj"] for gate in "ifg"]
            o, up, down = (
                projections[p + s] for s in ("attn.o_proj", "mlp.gate_proj", "mlp.down_proj")
            )
            attention, mlp = tape[layer]
            x, r1, r2, codes_u, su, acc_u, codes_d, sd, rd, so = mlp
            weight_grad(down, G, codes_d)
            G, grads[f"{down.name}.norm.weight"] = run(
                "glu_backward",
                acc_u,
                su,
                up.sw,
                value[f"{down.name}.norm.weight"],
                rd,
                G @ down.trits,
                sd,
                down.sw,
            )
            weight_grad(up, G, codes_u)
            dx, G, dw = run(
                "norm_quant_backward", x, r1, r2, value[p + "mlp_norm.weight"], [value[f"{up.name}.norm.weight"]],
                [G @ up.trits], [su], [up.sw], dx, so,
            )  # fmt: skip
            grads[p + "mlp_norm.weight"], grads[f"{up.name}.norm.weight"] = dw[0], dw[1]
            x, r1, r2, codes, sx, acc, codes_o, so, h, rg, ro, residual = attention
            weight_grad(o, G, codes_o)
            *Gs, dw = run(
                "mixer_backward", acc, sx, [q.sw for q in ifg], lb[layer], value[p + "attn.g_norm.weight"],
                value[f"{o.name}.norm.weight"], states[layer], reset, h, rg, ro, G @ o.trits, so, o.sw,
            )  # fmt: skip
            dlb[layer], grads[p + "attn.g_norm.weight"], grads[f"{o.name}.norm.weight"] = dw
            for q, G, c in zip(ifg, Gs, codes, strict=True):
                weight_grad(q, G, c)
            dx, G, dw = run(
                "norm_quant_backward", x, r1, r2, value[p + "attn_norm.weight"],
                [value[f"{q.name}.norm.weight"] for q in ifg], [G @ q.trits for q, G in zip(ifg, Gs, strict=True)],
                sx, [q.sw for q in ifg], dx, residual,
            )  # fmt: skip
            grads[p + "attn_norm.weight"] = dw[0]
            for k, q in enumerate(ifg):
                grads[f"{q.name}.norm.weight"] = dw[k + 1]
        embedding = torch.zeros_like(value["model.embeddings.weight"])
        embedding.index_add_(0, tokens.flatten(), dx)
        grads["model.embeddings.weight"] = embedding
        (grads["model.lower_bounds"],) = torch.autograd.grad(
            bounds, parameters["model.lower_bounds"], dlb
        )
        return loss, next_states, grads
