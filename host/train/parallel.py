"""The processes of one run: which lanes each trains, and what they tell one another.

`torchrun` starts the processes and says in the environment who is who; without it a run is a group
of one. Every process holds the whole network and the optimiser; each computes the gradient of its
own lanes, and their sum is what all of them apply (synchronous data parallelism).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from tritstream.errors import OptionError
from tritstream.train import model

CPU = torch.device("cpu")
BUCKET = 1 << 24
"""Elements that one exchange carries: few exchanges, and little memory beside the gradients."""


@dataclass(frozen=True)
class Group:
    """One process among `size`; `rank` 0 writes the files. device: where its tensors lie."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        return self.rank == 0

    def own(self, lanes: int) -> slice:
        """The lanes of this process. Raises OptionError where they do not share out evenly."""
        if lanes % self.size:
            raise OptionError(
                f"--lanes must be a multiple of the {self.size} processes, not {lanes}"
            )
        each = lanes // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def sum_gradients(self, parameters: model.Parameters) -> None:
        """Replace every gradient by the sum over all processes."""
        if self.size == 1:
            return
        grads = [t.grad.view(-1) for t in parameters.values() if t.grad is not None]
        while grads:
            bucket = [grads.pop(0)]
            while grads and sum(map(len, bucket)) + len(grads[0]) <= BUCKET:
                bucket.append(grads.pop(0))
            flat = torch.cat(bucket)
            dist.all_reduce(flat)
            for grad, total in zip(bucket, flat.split([len(g) for g in bucket]), strict=True):
                grad.copy_(total)

    def gather(self, states: Tensor) -> Tensor:
        """The states of all lanes (layers, lanes, D), on every process, from those of its own."""
        if self.size == 1:
            return states
        parts = [torch.empty_like(states) for _ in range(self.size)]
        dist.all_gather(parts, states.contiguous())
        return torch.cat(parts, 1)

    def of_first(self, value: float) -> float:
        """What the first process says."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(shared, 0)
        return float(shared)

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def group(device: str | None) -> Iterator[Group]:
    """The group that torchrun's environment describes, closed at the end.

    device: "cpu" or "cuda"; None takes a GPU where there is one. Raises OptionError where a device
    is asked for that is not there.
    """
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise OptionError("--device cuda: PyTorch finds no GPU here; leave the option out")
    kind = device or ("cuda" if found else "cpu")
    rank, size = (int(os.environ.get(name, at)) for name, at in (("RANK", 0), ("WORLD_SIZE", 1)))
    place = torch.device(kind)
    if kind == "cuda":
        place = torch.device(kind, int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(place)
    if size == 1:
        yield Group(device=place)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Group(rank, size, place)
        # Together: a process that has ended may take the other's connection down with it.
        dist.barrier()
    finally:
        dist.destroy_process_group()
