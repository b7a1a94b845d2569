"""Where the packages are; everything else about the distribution is in pyproject.toml.

`host/` is the import package `tritstream` and `kernels/` is `tritstream.kernels`. The data folders
become packages too, so that `importlib.resources.files("tritstream.tcl")` finds them in a wheel and
in an editable install alike.
"""

from setuptools import Extension, find_packages, setup

FOLDERS = {
    "tritstream": "host",
    "tritstream.kernels": "kernels",
    "tritstream.bitstreams": "bitstreams",
    "tritstream.notebooks": "notebooks",
    "tritstream.tcl": "tcl",
}

# Native code is optional=True: without a compiler the package installs and works, only slower.
EXTENSIONS: list[Extension] = []


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
)
