"""The compiled passes of a training step: built with the C++ compiler on first use, then cached."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from importlib import resources
from pathlib import Path
from typing import Any

from tritstream.caches import made_cache_folder
from tritstream.errors import EngineError, FileError
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.toolchain.cxx import Compiler, find_compiler
from tritstream.toolchain.programs import run

SWITCH = "TRITSTREAM_TRAIN_KERNELS"
# Of mallopt(3), in glibc's malloc.h.
_TRIM, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-fPIC", "-std=c++20")


def load_kernels() -> tuple[Any | None, str]:
    """The operators (`torch.ops.tritstream_train`) and "", or None and why there are none."""
    import torch

    if os.environ.get(SWITCH) == "off":
        return None, f"are switched off ({SWITCH}=off)"
    if hasattr(torch.ops.tritstream_train, "glu_f32"):
        return torch.ops.tritstream_train, ""
    compiler = find_compiler()
    if compiler is None:
        return None, "need a C++ compiler (g++, or name one in CXX)"
    source = resources.files(__package__).joinpath("kernels.cpp").read_text()
    try:
        library = _cached(source, compiler)
        if not library.exists():
            _build(source, compiler, library)
        torch.ops.load_library(str(library))
    except EngineError as error:
        lines = [line for line in str(error).splitlines() if "error" in line] or [str(error)]
        return None, f"do not compile here: {lines[0]}"
    except FileError as error:
        return None, str(error)
    except OSError as error:
        return None, f"cannot be built or loaded: {error}"
    return torch.ops.tritstream_train, ""


def keep_memory() -> None:
    """Have the C library keep freed memory for the next step instead of returning it.

    A step frees and takes again some hundred MB in large pieces; fetching every page anew costs
    about a fifth of the step (measured with glibc). Elsewhere nothing changes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 1 << 30), (_TRIM, 2**31 - 1)):
        mallopt(parameter, value)


def _cached(source: str, compiler: Compiler) -> Path:
    """Where the library for this source, compiler, torch and processor lies or will lie.

    `-march=native` ties the result to the processor, and a home folder may be shared by several.
    """
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    parts = (source, *FLAGS, compiler.key, torch.__version__, platform.machine(), features)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return made_cache_folder(f"train/{key}") / "kernels.so"


def _build(source: str, compiler: Compiler, library: Path) -> None:
    import torch
    from torch.utils.cpp_extension import include_paths

    flags = list(FLAGS)
    libraries = ["-ltorch", "-ltorch_cpu", "-lc10"]
    if platform.machine() == "x86_64":
        # exp() of a whole vector comes from libmvec, 16 lanes wide where the processor has them.
        flags.append("-mprefer-vector-width=512")
        libraries += ["-lmvec", "-lm"]
    flags.append(f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}")
    includes = [f"-I{path}" for path in include_paths()]
    torch_libraries = Path(torch.__file__).parent / "lib"
    # Built elsewhere and renamed: two runs that start together must not read half a library.
    with scratch_folder("train") as folder:
        unit, out = folder / "kernels.cpp", folder / "kernels.so"
        unit.write_text(source)
        command = [*compiler.command, *flags, *includes, "-c", str(unit), "-o", str(out) + ".o"]
        run(command, "the C++ compiler")
        # -ffast-math is left out here: at the link it would switch denormals off for all of Python.
        command = [*compiler.command, "-shared", str(out) + ".o", "-o", str(out)]
        command += [f"-L{torch_libraries}", f"-Wl,-rpath,{torch_libraries}", *libraries]
        run(command, "the linker")
        atomic_write_bytes(library, out.read_bytes())
