"""Where the packages are; everything else about the distribution is in pyproject.toml.

`host/` is the import package `tritstream` and `kernels/` is `tritstream.kernels`. The data folders
become packages too, so that `importlib.resources.files("tritstream.tcl")` finds them in a wheel and
in an editable install alike.
"""

from pathlib import Path

import setuptools
from setuptools import Extension, find_packages, setup

OLDEST = 77
"""The first setuptools that reads all of pyproject.toml; older ones build UNKNOWN-0.0.0, or stop
with an error about project.license. pip's build isolation does not hide a board image's own."""

if int(setuptools.__version__.partition(".")[0]) < OLDEST:
    raise SystemExit(
        f"tritstream: error: building tritstream needs setuptools {OLDEST} or later, and this is "
        f"{setuptools.__version__}. For a board, make a folder to install from on a PC: "
        f"`tritstream board bundle`. Elsewhere, run pip in a virtual environment of its own: "
        f"`python3 -m venv .venv`, then `.venv/bin/pip install .`"
    )

FOLDERS = {
    "tritstream": "host",
    "tritstream.kernels": "kernels",
    "tritstream.bitstreams": "bitstreams",
    "tritstream.notebooks": "notebooks",
    "tritstream.tcl": "tcl",
}

NATIVE = Path("host/native/src")


def compiler_flags() -> list[str]:
    lines = (NATIVE / "flags").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


# Native code is optional=True: without a compiler the package installs and works, only slower. A C
# library without Python's headers, loaded by ctypes: one build serves every version of Python.
EXTENSIONS = [
    Extension(
        "tritstream.native._core",
        sources=sorted(str(p) for p in NATIVE.glob("*.c")),
        depends=sorted(str(p) for p in NATIVE.glob("*.h")),
        extra_compile_args=compiler_flags(),
        extra_link_args=["-pthread"],
        libraries=["m"],
        py_limited_api=True,
        optional=True,
    )
]


def packages() -> list[str]:
    """Every top-level package of FOLDERS and each package below it."""
    names = []
    for name, folder in FOLDERS.items():
        names += [name] + [f"{name}.{sub}" for sub in find_packages(folder)]
    return names


setup(
    packages=packages(),
    package_dir=FOLDERS,
    package_data={"": ["**/*"], "tritstream": ["py.typed"]},
    exclude_package_data={"": ["**/__pycache__/*", "**/*.pyc"]},
    ext_modules=EXTENSIONS,
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
