"""C simulation: the checked-in C++ of a kernel, compiled by g++ and called through ctypes.

Needs g++ and AMD's open ap_int headers, which the PyPI package hls4ml carries and Vitis HLS brings
along; no Allo. Compiled libraries are cached by the hash of everything that goes into them.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tritstream.caches import made_cache_folder
from tritstream.configurations import Configuration
from tritstream.errors import EngineError
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.kernels.manifest import folder_of, read_manifest
from tritstream.toolchain.cxx import compiler
from tritstream.toolchain.programs import load_library, run

_LOG = logging.getLogger(__name__)
FLAGS = ("-std=c++14", "-O2", "-w", "-shared", "-fPIC")
HEADERS_VARIABLE = "XILINX_HLS"
"""Where an installation of Vitis HLS says that it is; its headers are used where hls4ml is not."""
_HLS4ML_FOLDER = "hls4ml/templates/vivado/ap_types"


def compiled_kernel(configuration: Configuration, kernel: str) -> ctypes.CDLL:
    """The kernel's library, compiled at its first use.

    Raises ConfigurationError where the generated sources are not this configuration's, EngineError
    where g++ or the headers are missing or compiling fails.
    """
    read_manifest(configuration)
    return load(folder_of(configuration) / f"{kernel}.cpp")


def call(function: Any, *arguments: Any) -> None:
    """Call a top: arrays by address, integers by value as int32."""
    converted: list[Any] = []
    for a in arguments:
        if isinstance(a, np.ndarray):
            if not a.flags.c_contiguous:
                raise ValueError("kernels take contiguous arrays")
            converted.append(ctypes.c_void_p(a.ctypes.data))
        else:
            converted.append(ctypes.c_int32(a))
    function.restype = None
    function(*converted)


def header_folder() -> Path:
    """The folder with ap_int.h. Raises EngineError where there is none."""
    try:
        found = Path(str(importlib.metadata.distribution("hls4ml").locate_file(_HLS4ML_FOLDER)))
    except importlib.metadata.PackageNotFoundError:
        found = Path(os.environ.get(HEADERS_VARIABLE, ".")) / "include"
    if not (found / "ap_int.h").is_file():
        raise EngineError(
            "engine 'csim' needs AMD's ap_int headers, which the package hls4ml carries: run "
            "`pip install --no-deps hls4ml`, or set XILINX_HLS to an installation of Vitis HLS"
        )
    return found


@cache
def load(source: Path) -> ctypes.CDLL:
    """The library of a source file. Raises EngineError as `compiled_kernel`."""
    tool = compiler()
    headers = header_folder()
    digest = hashlib.sha256()
    for part in (
        source.read_bytes(),
        tool.key.encode(),
        " ".join(FLAGS).encode(),
        *_contents(headers),
    ):
        digest.update(hashlib.sha256(part).digest())
    folder = made_cache_folder("csim")
    target = folder / f"{source.parent.name}-{source.stem}-{digest.hexdigest()[:16]}.so"
    if not target.is_file():
        _LOG.info("compiling %s: some seconds, kept for the next time", source.name)
        with scratch_folder("csim") as place:
            made = place / "kernel.so"
            command: list[str | Path] = [*tool.command, *FLAGS, f"-I{headers}", source, "-o", made]
            run(command, f"compiling {source.name}")
            atomic_write_bytes(target, made.read_bytes())
    return load_library(target, "XDG_CACHE_HOME")


def _contents(headers: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(headers.rglob("*.h"))]
