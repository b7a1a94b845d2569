"""The compiled passes of a training step: built with the C++ compiler on first use, then cached."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import resources
from pathlib import Path
from types import ModuleType

FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-std=c++20")


def cache_folder(source: bytes) -> Path:
    """A folder that is specific to source, compiler flags, torch and processor.

    `-march=native` ties the result to this processor, so a home directory shared by several
    machines must not share the build.
    """
    import torch

    key = hashlib.sha256(source)
    for part in (*FLAGS, torch.__version__, platform.machine(), _processor()):
        key.update(part.encode())
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "tritstream" / "train" / key.hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def load_kernels() -> tuple[ModuleType | None, str]:
    """The extension module and "", or None and the reason in one line why there is none."""
    if os.environ.get("TRITSTREAM_TRAIN_KERNELS") == "off":
        return None, "switched off by TRITSTREAM_TRAIN_KERNELS=off"
    source = resources.files(__package__).joinpath("kernels.cpp").read_bytes()
    flags = list(FLAGS)
    libraries = []
    if platform.machine() == "x86_64":
        flags.append("-mprefer-vector-width=512")
        libraries = ["-lmvec", "-lm"]
    try:
        from torch.utils import cpp_extension

        folder = cache_folder(source)
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / "kernels.cpp"
        if not copy.exists() or copy.read_bytes() != source:
            copy.write_bytes(source)
        module = cpp_extension.load(
            name="tritstream_train_kernels",
            sources=[str(copy)],
            extra_cflags=flags,
            extra_ldflags=libraries,
            build_directory=str(folder),
        )
    except (RuntimeError, OSError, ImportError) as error:
        return None, f"could not be compiled: {str(error).strip().splitlines()[0]}"
    return module, ""
