"""Where the packages are; everything else about the distribution is in pyproject.toml.

`host/` is the import package `tritstream` and `kernels/` is `tritstream.kernels`. The data folders
become packages too, so that `importlib.resources.files("tritstream.tcl")` finds them in a wheel and
in an editable install alike.
"""

from pathlib import Path

from setuptools import Extension, find_packages, setup

FOLDERS = {
    "tritstream": "host",
    "tritstream.kernels": "kernels",
    "tritstream.bitstreams": "bitstreams",
    "tritstream.notebooks": "notebooks",
    "tritstream.tcl": "tcl",
}

NATIVE = Path("host/native/src")

# Native code is optional=True: without a compiler the package installs and works, only slower. A C
# library without Python's headers, loaded by ctypes: one build serves every version of Python.
EXTENSIONS = [
    Extension(
        "tritstream.native._core",
        sources=sorted(str(p) for p in NATIVE.glob("*.c")),
        depends=sorted(str(p) for p in NATIVE.glob("*.h")),
        extra_compile_args=[
            "-std=gnu11",
            "-O3",
            "-fwrapv",
            "-fno-math-errno",
            "-fno-tree-pre",  # with it, GCC writes the mat-vec's sums to memory at every step
            "-fvisibility=hidden",
            "-pthread",
        ],
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
