"""C simulation: the checked-in C++ of a kernel, compiled by g++ and called through ctypes.

Needs g++ and AMD's open ap_int headers, which the PyPI package hls4ml carries and Vitis HLS brings
along; no Allo. Compiled libraries are cached by the hash of everything that goes into them.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tritstream.configurations import Configuration
from tritstream.errors import EngineError
from tritstream.kernels.manifest import GENERATED, read_manifest

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
    return load(GENERATED / configuration.name / f"{kernel}.cpp")


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


def cache_folder() -> Path:
    """Where compiled libraries are kept: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "tritstream" / "csim"


@cache
def load(source: Path) -> ctypes.CDLL:
    """The library of a source file. Raises EngineError as `compiled_kernel`."""
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise EngineError(
            "engine 'csim' compiles C++ and found no g++: install it (on Debian: apt-get install "
            "g++), or choose another engine"
        )
    headers = header_folder()
    digest = hashlib.sha256()
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    for part in (source.read_bytes(), version, " ".join(FLAGS).encode(), *_contents(headers)):
        digest.update(hashlib.sha256(part).digest())
    target = cache_folder() / f"{source.parent.name}-{source.stem}-{digest.hexdigest()[:16]}.so"
    if not target.is_file():
        _compile(compiler, source, headers, target)
    return ctypes.CDLL(str(target))


def _contents(headers: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(headers.rglob("*.h"))]


def _compile(compiler: str, source: Path, headers: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its final name, so that a second process finds either nothing or a whole library.
        handle, name = tempfile.mkstemp(prefix=".", suffix=".so", dir=target.parent)
    except OSError as error:
        raise EngineError(
            f"cannot write to the cache folder {target.parent} ({error.strerror}): set "
            f"XDG_CACHE_HOME to a folder that can be written"
        ) from error
    os.close(handle)
    try:
        command = [compiler, *FLAGS, f"-I{headers}", str(source), "-o", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[:3])
            raise EngineError(f"g++ cannot compile {source.name}: {last}")
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
