"""A checked-in kernel as its RTL, called with NumPy arrays as C simulation calls the C++."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration, configuration_named
from tritstream.errors import EngineError
from tritstream.rtl._compile import Options, compile_function
from tritstream.rtl._compiled import Compiled
from tritstream.rtl._lower import places
from tritstream.rtl._mlir import MemRefType, Module, Type, parse
from tritstream.rtl._ports import ArgumentPort, MasterPort, MemoryPort, RegisterPort, StreamPort
from tritstream.rtl._schedule import FABRICS
from tritstream.rtl._simulate.run import Outcome, Simulation, Stalls
from tritstream.rtl.targets import VENDOR, Target


def module_of(configuration: str | Configuration, kernel: str) -> Module:
    """The generated MLIR of a kernel. Raises EngineError if there is no such kernel,
    ConfigurationError if the configuration has none, or stale ones."""
    from tritstream.kernels.manifest import folder_of, read_manifest

    if isinstance(configuration, str):
        configuration = configuration_named(configuration)
    read_manifest(configuration)
    return _parsed(folder_of(configuration) / f"{kernel}.mlir", configuration.name)


@cache
def _parsed(path: Path, name: str) -> Module:
    if not path.is_file():
        raise EngineError(
            f"there is no MLIR of kernel '{path.stem}' for configuration '{name}' in "
            f"{path.parent}: run `python -m tritstream.kernels build`"
        )
    return parse(path.read_text(), f"{name}/{path.name}")


OPEN_PERIOD, OPEN_RECURRENCE = 8.5, 16.0
"""Nanoseconds that stages of the target zynq7-open are filled to, by the delay model."""


def options_for(configuration: Configuration, target: Target = VENDOR) -> Options:
    """The clock and fabric of the configuration's board. Targets other than the vendor's are for
    7-series."""
    if target is not VENDOR:
        return Options(
            period=OPEN_PERIOD,
            fabric=FABRICS["xc7-open"],
            target=target,
            recurrence=OPEN_RECURRENCE,
        )
    board = configuration.board
    fabric = FABRICS["xc7" if board.ps_type == "zynq7" else "xcup"]
    return Options(period=1e9 / board.clock_hz, fabric=fabric)


def compile_kernel(
    configuration: Configuration,
    kernel: str,
    top: str | None = None,
    prefix: str = "",
    target: Target = VENDOR,
) -> Compiled:
    """RTL of a checked-in kernel for the configuration's board, or a target.

    Raises UnsupportedError, and whatever module_of() raises.
    """
    module = module_of(configuration, kernel)
    options = replace(options_for(configuration, target), prefix=prefix)
    return compile_function(module, top or kernel, options)


class RtlKernel:
    """One kernel of a simulation; ``types`` are those of the function's arguments."""

    def __init__(
        self,
        simulation: Simulation,
        index: int,
        types: Sequence[Type],
        stalls: Stalls | None = None,
    ) -> None:
        self.simulation = simulation
        self.index = index
        self.compiled = simulation.kernels[index]
        self.types = list(types)
        self.stalls = stalls or Stalls()
        self.outcome: Outcome | None = None
        """Of the latest call."""

    def __call__(self, *arguments: Any, limit: int = 50_000_000, trace: Path | None = None) -> None:
        """Run on arrays, which change in place as in C, and integers.

        An element takes as many bytes as the array has for it; an array may be shorter than the
        kernel declares it, as memories are. Raises EngineError if the kernel does not end.
        """
        sent = [
            _sent(port, t, value)
            for port, t, value in zip(self.compiled.arguments, self.types, arguments, strict=True)
        ]
        outcome = self.simulation.run(sent, self.index, self.stalls, limit, trace)
        self.outcome = outcome
        for port, t, value, words in zip(
            self.compiled.arguments, self.types, arguments, outcome.values, strict=True
        ):
            if isinstance(port, MemoryPort):
                at = places(_array(t))
                _store(value, words[at[:, 0], at[:, 1]], port.width)
            elif isinstance(port, RegisterPort):
                if words is not None and isinstance(value, np.ndarray):
                    _store(value, words, port.width)
            elif isinstance(port, MasterPort) and port.writes:
                _store(value, words, port.width)


def _array(t: Type) -> MemRefType:
    assert isinstance(t, MemRefType)
    return t


def _sent(port: ArgumentPort, t: Type, value: Any) -> Any:
    if isinstance(port, RegisterPort):
        return int(value.reshape(-1)[0]) if isinstance(value, np.ndarray) else int(value)
    if not isinstance(value, np.ndarray):
        return value
    if isinstance(port, StreamPort):
        return _words(value, port.width, -1)
    if not isinstance(port, MemoryPort):
        return _words(value, port.width, -1)
    words = _words(value, port.width, _array(t).size)
    banks = np.zeros((port.banks, port.depth, words.shape[1]), np.uint32)
    at = places(_array(t))
    banks[at[:, 0], at[:, 1]] = words
    return list(banks)


def _words(value: npt.NDArray[Any], width: int, size: int) -> npt.NDArray[np.uint32]:
    """(size, words) of the array's elements, which are cut to ``width`` bits; padded with zeros."""
    each = 4 * -(-width // 32)
    raw = np.ascontiguousarray(value)
    stored = _element_bytes(value, width)
    flat = raw.view(np.uint8).reshape(-1, stored)
    if size >= 0 and len(flat) > size:
        raise EngineError(f"an array of {len(flat)} elements for a kernel that takes {size}")
    count = len(flat) if size < 0 else size
    words = np.zeros((count, each), np.uint8)
    words[: len(flat), : min(each, stored)] = flat[:, : min(each, stored)]
    result = words.view(np.uint32)
    if width % 32:
        result[:, -1] &= (1 << (width % 32)) - 1
    return result


def _store(value: npt.NDArray[Any], words: npt.NDArray[np.uint32], width: int) -> None:
    """Write elements back, sign-extended where an element has room for more bits."""
    stored = _element_bytes(value, width)
    count = value.nbytes // stored
    raw = np.ascontiguousarray(words[:count]).view(np.uint8)
    if width <= 64:
        wide = np.zeros((count, 8), np.uint8)
        wide[:, : raw.shape[1]] = raw[:, :8]
        raw = ((wide.view(np.int64) << (64 - width)) >> (64 - width)).view(np.uint8)
    value.view(np.uint8).reshape(count, stored)[:] = raw[:, :stored]


def _element_bytes(value: npt.NDArray[Any], width: int) -> int:
    """Bytes that an element takes: a power of two, as C++ has it, and what the array gives it."""
    return max(1 << (-(-width // 8) - 1).bit_length(), value.itemsize)
