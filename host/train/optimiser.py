"""The optimiser of a run: AdamW for every parameter, or Muon for the matrices between the two ends.

Muon (Jordan 2024, arXiv 2502.16982) orthogonalises the momentum of a matrix before it is applied.
Its updates are scaled to the size of AdamW's, so that one rate and one decay serve both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tritstream.errors import OptionError
from tritstream.train import model

BETAS = (0.9, 0.95)
MOMENTUM = 0.95
MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")
"""What an optimiser remembers of a parameter."""


class Optimiser:
    """The chosen optimisers, with the rates of one."""

    def __init__(self, parameters: model.Parameters, choice: str) -> None:
        """Raises OptionError for Muon where PyTorch has none."""
        self._parts: list[torch.optim.Optimizer] = []
        decayed = [t for n, t in parameters.items() if t.dim() == 2 and n != "model.lower_bounds"]
        plain = [t for n, t in parameters.items() if t.dim() == 1 or n == "model.lower_bounds"]
        if choice == "muon":
            if not hasattr(torch.optim, "Muon"):
                raise OptionError(
                    f"--optimiser muon needs PyTorch 2.9 or newer, not {torch.__version__}"
                )
            inner = [t for n, t in parameters.items() if t.dim() == 2 and ".layers." in n]
            decayed = [t for t in decayed if not any(t is other for other in inner)]
            self._parts.append(
                torch.optim.Muon(
                    inner, lr=0.0, weight_decay=0.0, momentum=MOMENTUM,
                    adjust_lr_fn="match_rms_adamw",
                )
            )  # fmt: skip
            self._parts[0].param_groups[0]["decays"] = True
        groups = [{"params": decayed, "decays": True}, {"params": plain, "decays": False}]
        self._parts.append(
            torch.optim.AdamW(groups, lr=0.0, betas=BETAS, weight_decay=0.0, fused=True)
        )

    def step(self, rate: float, decay: float) -> None:
        """Apply the gradients. decay: of matrices and embedding; norms and bounds have none."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate
                group["weight_decay"] = decay if group["decays"] else 0.0
            part.step()

    def moments(self, parameters: model.Parameters) -> Iterator[tuple[str, Tensor]]:
        """(moment/parameter, value) of all that is remembered."""
        for name, tensor in parameters.items():
            for key, value in self._of(tensor).items():
                yield f"{key}/{name}", value

    def restore(self, parameters: model.Parameters, saved: dict[str, Tensor]) -> None:
        """Take back what `moments` gave."""
        for name, tensor in parameters.items():
            for key in MOMENTS:
                if f"{key}/{name}" in saved:
                    self._of(tensor)[key] = saved[f"{key}/{name}"].to(tensor.device, copy=True)

    def _of(self, tensor: Tensor) -> dict[str, Any]:
        for part in self._parts:
            if any(t is tensor for group in part.param_groups for t in group["params"]):
                state: dict[str, Any] = part.state[tensor]
                return state
        raise KeyError("no optimiser has this parameter")
