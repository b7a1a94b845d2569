"""Loss and gradients of one batch, its lanes shared out over worker threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch
from torch import Tensor

from tritstream.train import model
from tritstream.train.fused import Fused
from tritstream.train.kernels import keep_memory, load_kernels
from tritstream.train.shape import Shape


class Stepper:
    """By the compiled passes where they exist, by autograd where not.

    With the compiled passes every worker runs its lanes on one core and the workers meet once per
    step. Threads inside each operation would meet a few hundred times, and each meeting waits for
    whichever core is busy with something else.
    """

    def __init__(
        self,
        shape: Shape,
        exact: bool,
        threads: int | None,
        device: torch.device | None = None,
    ) -> None:
        """device: where parameters and batches lie (default the processor).

        On a GPU mat-muls are in bfloat16 unless `exact`; by autograd on the processor they are
        always exact, since few processors have bfloat16 of their own.
        """
        self.shape = shape
        self.workers = threads or len(os.sched_getaffinity(0))
        self._bfloat16 = False
        if device is not None and device.type != "cpu":
            self._bfloat16 = not exact
            kernels, self.why_plain = None, "are for processors"
        else:
            kernels, self.why_plain = load_kernels()
        self._train = self._exact = None
        if kernels is None:
            torch.set_num_threads(self.workers)
            return
        torch.set_num_threads(1)
        keep_memory()
        self._exact = Fused(kernels, shape, torch.float32)
        self._train = self._exact if exact else Fused(kernels, shape, torch.bfloat16)
        # The number of threads inside an operation is a setting of each calling thread.
        self._pool = ThreadPoolExecutor(
            self.workers, initializer=torch.set_num_threads, initargs=(1,)
        )

    def _parts(self, lanes: int) -> list[slice]:
        parts = min(self.workers, lanes)
        bounds = [lanes * k // parts for k in range(parts + 1)]
        return [slice(a, b) for a, b in pairwise(bounds)]

    def loss_and_grad(
        self,
        parameters: model.Parameters,
        inputs: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        dropout: model.Dropout | None = None,
        weight: float | None = None,
        first: int = 0,
    ) -> tuple[Tensor, Tensor]:
        """Loss per token (B, T) and next states; adds to `.grad` of every parameter.

        weight: of each token's loss in the gradient (default 1 / tokens, the mean of this batch).
        first: number of the first lane in the whole step, which decides the dropout masks.
        """
        weight = weight or 1.0 / inputs.numel()
        if self._train is None:
            own = dropout and model.Dropout(dropout.p, dropout.seed * 4096 + first)
            loss, after = self._plain(
                parameters, inputs, targets, reset, states, own, self._bfloat16
            )
            (loss.sum() * weight).backward()
            return loss.detach(), after.detach()
        fused = self._train

        def work(part: slice) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
            i, t, r = (tensor[part].contiguous() for tensor in (inputs, targets, reset))
            before = states[:, part].contiguous()
            # Every part has masks of its own.
            own = dropout and model.Dropout(dropout.p, dropout.seed * 4096 + first + part.start)
            return fused.loss_and_grad(parameters, i, t, r, before, weight, own)

        results = list(self._pool.map(work, self._parts(len(inputs))))
        names = list(parameters)
        total = [results[0][2][name] for name in names]
        for _, _, grads in results[1:]:
            torch._foreach_add_(total, [grads[name] for name in names])
        for name, grad in zip(names, total, strict=True):
            before = parameters[name].grad
            parameters[name].grad = grad if before is None else before.add_(grad)
        return torch.cat([r[0] for r in results]), torch.cat([r[1] for r in results], 1)

    @torch.no_grad()
    def loss(
        self,
        parameters: model.Parameters,
        inputs: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Loss per token and next states, with float32 mat-muls whatever training uses.

        A bfloat16 accumulator moves single tokens either way; the mean of many hardly at all.
        """
        if self._exact is None:
            return self._plain(parameters, inputs, targets, reset, states)
        fused = self._exact

        def work(part: slice) -> tuple[Tensor, Tensor]:
            i, t, r = (tensor[part].contiguous() for tensor in (inputs, targets, reset))
            return fused.loss(parameters, i, t, r, states[:, part].contiguous())

        results = list(self._pool.map(work, self._parts(len(inputs))))
        return torch.cat([r[0] for r in results]), torch.cat([r[1] for r in results], 1)

    def _plain(
        self,
        parameters: model.Parameters,
        inputs: Tensor,
        targets: Tensor,
        reset: Tensor,
        states: Tensor,
        dropout: model.Dropout | None = None,
        bfloat16: bool = False,
    ) -> tuple[Tensor, Tensor]:
        logits, after = model.forward(
            self.shape, parameters, inputs, reset, states, dropout, bfloat16
        )
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none"
        )
        return loss.view(inputs.shape), after
