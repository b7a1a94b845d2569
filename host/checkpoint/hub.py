"""Fetching a checkpoint from the Hugging Face Hub, when a Hub id is given in place of a folder."""

import re
from pathlib import Path

from tritstream.errors import CheckpointError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILES = [
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("*.safetensors", "*.safetensors.index.json"),
]


_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:/tree/[^?#]*)?/?"
)
"""A model's page, as one copies it from a browser."""


def hub_id(name: str) -> str | None:
    """The `owner/name` that `name` is, or is the Hub's address of; None for anything else.

    A path of an image is none, and an existing folder of that name takes precedence.
    """
    address = _ADDRESS.fullmatch(name)
    found = address[1] if address else name
    good = _HUB_ID.fullmatch(found) is not None and not found.endswith(".trit")
    return found if good else None


def download(hub_id: str) -> Path:
    """The folder of a downloaded checkpoint; what is in the local cache is not fetched again.

    Raises CheckpointError if huggingface_hub is not installed or the download fails.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise CheckpointError(
            f"{hub_id} is not a folder here; to fetch it from the Hugging Face Hub, "
            "install the extra: pip install 'tritstream[hub]'"
        ) from error
    try:
        return Path(snapshot_download(hub_id, allow_patterns=_FILES))
    except Exception as error:  # the library raises its own, its HTTP client's and the system's
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f"{hub_id} is not a folder here and could not be fetched from the Hugging Face Hub: "
            f"{reason[0] if reason else type(error).__name__}"
        ) from error
