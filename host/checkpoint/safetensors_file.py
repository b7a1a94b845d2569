"""One .safetensors file, read tensor by tensor through a memory map.

The safetensors library has no NumPy route to bfloat16 and does not tell where a tensor lies, so the
header (a little-endian 64-bit length, then JSON) is read here.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from tritstream.checkpoint.json_object import json_object
from tritstream.errors import CheckpointError
from tritstream.files import refuse_pointer

_ITEM_SIZE = {"F32": 4, "F16": 2, "BF16": 2}
_LONGEST_HEADER = 100_000_000  # the limit of the format's own library
_SCAN = 1 << 20


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies: `begin` and `end` are byte offsets from the start of the file."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    def check(self) -> None:
        """Raise CheckpointError if the type is not float32, float16 or bfloat16."""
        if self.dtype not in _ITEM_SIZE:
            raise CheckpointError(
                f"{self.path}: tensor {self.name} has type {self.dtype}; only F32, F16 and BF16 "
                f"are supported"
            )

    def read(self) -> np.ndarray:
        """The tensor as a new float32 array of `shape`; the conversion is exact.

        Raises CheckpointError as `check` does, and if a value is NaN or infinite.
        """
        self.check()
        raw = np.memmap(self.path, np.uint8, "r", offset=self.begin, shape=(self.end - self.begin,))
        values = np.empty(math.prod(self.shape), np.float32)
        if self.dtype == "F32":
            values[:] = raw.view("<f4")
        elif self.dtype == "F16":
            values[:] = raw.view("<f2")
        else:
            # bfloat16 is the upper half of a float32.
            bits = values.view(np.uint32)
            bits[:] = raw.view("<u2")
            bits <<= 16
        self._refuse_nonfinite(values)
        return values.reshape(self.shape)

    def _refuse_nonfinite(self, values: np.ndarray) -> None:
        for start in range(0, values.size, _SCAN):  # in parts: no mask as large as the tensor
            finite = np.isfinite(values[start : start + _SCAN])
            if not finite.all():
                flat = start + int(np.argmin(finite))
                index = [int(i) for i in np.unravel_index(flat, self.shape)]
                raise CheckpointError(
                    f"{self.path}: tensor {self.name} holds {values[flat]} at {index}; "
                    "a checkpoint with NaN or infinite weights cannot be used"
                )


def read_header(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a .safetensors file, name -> place. Reads the header only.

    A type that is not supported only matters where the tensor is needed (`StoredTensor.check`).
    Raises CheckpointError if the file is missing, truncated or its header makes no sense.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            prefix = file.read(64)
            refuse_pointer(path, prefix)
            prefix = prefix[:8]
            if len(prefix) < 8:
                raise _damaged(path, "it is shorter than its 8-byte header length")
            (length,) = struct.unpack("<Q", prefix)
            if length > _LONGEST_HEADER:
                raise _damaged(path, f"its header would be {length} bytes long")
            if 8 + length > size:
                raise _damaged(path, f"its header ends at byte {8 + length} of {size}")
            file.seek(8)
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    try:
        header = json_object(text)
    except ValueError as error:
        raise _damaged(path, "its header is not a JSON object") from error
    return {
        name: _place(path, name, entry, 8 + length, size)
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _place(path: Path, name: str, entry: Any, base: int, size: int) -> StoredTensor:
    if not isinstance(entry, Mapping):
        raise _damaged(path, f"the entry of tensor {name} is not an object")
    dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not (
        isinstance(dtype, str) and _are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2
    ):
        raise _damaged(path, f"the entry of tensor {name} is malformed")
    begin, end = base + offsets[0], base + offsets[1]
    if end > size:
        raise _damaged(path, f"tensor {name} ends at byte {end} of {size}")
    known = _ITEM_SIZE.get(dtype)
    if end - begin != math.prod(shape) * known if known else begin > end:
        raise _damaged(path, f"tensor {name} of {dtype} {list(shape)} has {end - begin} bytes")
    return StoredTensor(path, name, dtype, tuple(shape), begin, end)


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value
    )


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is truncated or damaged ({reason}); download or copy it again")
