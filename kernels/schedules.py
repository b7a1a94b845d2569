"""Helpers of the kernels' schedules."""

# mypy: ignore-errors
from __future__ import annotations

from collections.abc import Iterable, Mapping

INDEPENDENT = "tritstream.independent"
"""Attribute of an array whose accesses in different iterations of a loop never meet."""


def partition(schedule, arrays: Mapping[str, Iterable[tuple[str, int]]]) -> None:
    """Split arrays completely along a dimension (0: along all), by the function they live in."""
    for function, entries in arrays.items():
        for array, dimension in entries:
            schedule.partition(f"{function}:{array}", dim=dimension)


def mark_independent(schedule, function: str, arrays: Iterable[str]) -> None:
    """Put INDEPENDENT on the allocations of a function's arrays; see `finish.dependence`."""
    from allo._mlir.ir import UnitAttr

    missing = set(arrays)
    with schedule.module.context:
        for op in _operations(_function(schedule.module, function)):
            if op.name == "memref.alloc" and "name" in op.attributes:
                name = op.attributes["name"].value
                if name in missing:
                    op.attributes[INDEPENDENT] = UnitAttr.get()
                    missing.discard(name)
    if missing:
        raise AssertionError(f"{function} has no array {sorted(missing)}")


def _function(module, name: str):
    for op in module.body.operations:
        if op.operation.name == "func.func" and op.attributes["sym_name"].value == name:
            return op
    raise AssertionError(f"no function {name}")


def _operations(op):
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield inner.operation
                yield from _operations(inner)
