"""The models that come with the package, as packed images."""

import os
from importlib.resources import files
from pathlib import Path

from tritstream.errors import ImageError

DEMO = "demo"


def shipped_models() -> dict[str, Path]:
    """Names of the images in this folder and where they are."""
    folder = Path(str(files(__name__)))
    return {path.stem: path for path in sorted(folder.glob("*.trit"))}


def model_path(name: str | os.PathLike[str]) -> Path:
    """The file or folder of that name, or else the image of the package of that name.

    Raises ImageError where there is neither.
    """
    # os.path, unlike pathlib, takes a name that is too long for one that does not exist.
    return Path(name) if os.path.exists(name) else shipped_model(os.fspath(name))


def shipped_model(name: str) -> Path:
    """The image of that name. Raises ImageError naming the ones there are."""
    models = shipped_models()
    if name not in models:
        known = ", ".join(models) or "none"
        raise ImageError(
            f"there is no file or folder {name}, and no model of that name comes with the package "
            f"(these do: {known})"
        )
    return models[name]
