"""The models that come with the package, as packed images, and what names a model."""

import os
import re
from importlib.resources import files
from pathlib import Path

from tritstream.errors import ImageError

DEMO = "demo"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def shipped_models() -> dict[str, Path]:
    """Names of the images in this folder and where they are."""
    folder = Path(str(files(__name__)))
    return {path.stem: path for path in sorted(folder.glob("*.trit"))}


def model_path(name: str | os.PathLike[str]) -> Path:
    """The image of the package of that name, or else the file or folder.

    A path, such as ``./demo`` or a Path object, is never a name: what happens to lie in the current
    folder does not hide a model. Raises ImageError where there is neither.
    """
    if isinstance(name, str) and name in shipped_models():
        return shipped_models()[name]
    # os.path, unlike pathlib, takes a name that is too long for one that does not exist.
    try:
        there = os.path.exists(name)
    except ValueError:  # a null character
        there = False
    return Path(name) if there else shipped_model(os.fspath(name))


def shipped_model(name: str) -> Path:
    """The image of that name. Raises ImageError naming the ones there are."""
    models = shipped_models()
    if name not in models:
        known = ", ".join(models) or "none"
        if _ADDRESS.match(name):
            raise ImageError(
                f"{name} is an address: download it first, and name the file or folder; a model of "
                f"the Hugging Face Hub is named owner/name"
            )
        raise ImageError(
            f"there is no file or folder {name[:300]}, and no model of that name comes with the "
            f"package (these do: {known})"
        )
    return models[name]
