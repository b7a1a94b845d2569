"""A checkpoint folder: config, tensors and tokenizer."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tritstream.checkpoint import hub
from tritstream.checkpoint.config import CheckpointConfig, read_config
from tritstream.checkpoint.json_object import json_file
from tritstream.checkpoint.layout import expected_tensors, plain_names
from tritstream.checkpoint.safetensors_file import StoredTensor, read_header
from tritstream.errors import CheckpointError

Shape = tuple[int, ...]

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_OTHER_TOKENIZERS = ("tokenizer.model", "vocab.json", "spiece.model")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint. Nothing but headers is in memory; each `tensor` call reads one."""

    folder: Path
    config: CheckpointConfig
    _tensors: Mapping[str, StoredTensor]

    @classmethod
    def open(cls, source: str | os.PathLike[str]) -> "Checkpoint":
        """Open a folder, or a Hub id such as `owner/name` if no such folder exists.

        Checks the config, that every tensor the model needs is there with its shape and a
        supported type, and that no file is truncated. Values are checked as they are read.
        Raises CheckpointError.
        """
        folder = _folder(source)
        config = read_config(folder / "config.json")
        expected = expected_tensors(config)
        tensors = _find_tensors(folder, expected)
        _check(folder, expected, tensors)
        return cls(folder, config, tensors)

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer.json of the folder. Raises CheckpointError if there is none."""
        path = self.folder / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{self.folder} has no tokenizer.json{self._other_tokenizer}")
        return path

    @property
    def _other_tokenizer(self) -> str:
        if not any((self.folder / name).is_file() for name in _OTHER_TOKENIZERS):
            return ""
        return (
            "; it has one in another format, which transformers converts: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
        )

    def tensor(self, name: str) -> np.ndarray:
        """Read one tensor: a new float32 array of the shape in `expected_tensors(config)`.

        Raises CheckpointError if there is no such tensor or a value is NaN or infinite.
        """
        try:
            stored = self._tensors[name]
        except KeyError:
            raise CheckpointError(f"{self.folder} has no tensor {name}") from None
        return stored.read()

    def layer_tensor(self, layer: int, name: str) -> np.ndarray:
        """`tensor` of one decoder layer: layer_tensor(3, "attn.i_proj.weight")."""
        return self.tensor(f"model.layers.{layer}.{name}")

    def embedding(self) -> np.ndarray:
        """The embedding table, float32 (vocab_size, hidden_size)."""
        return self.tensor("model.embeddings.weight")

    def lower_bounds(self) -> np.ndarray | None:
        """The raw (pre-softmax) lower bounds, float32 (layers, hidden_size); None if unused."""
        return self.tensor("model.lower_bounds") if self.config.use_lower_bound else None


def _folder(source: str | os.PathLike[str]) -> Path:
    folder = Path(source)
    if os.path.isdir(folder):  # unlike pathlib, lets a name that is too long not exist
        return _snapshot(folder)
    if os.path.exists(folder):
        raise CheckpointError(f"{folder} is a file; a checkpoint is a folder with config.json")
    if isinstance(source, str) and (named := hub.hub_id(source)) is not None:
        return hub.download(named)
    raise CheckpointError(f"there is no checkpoint folder {folder}")


def _snapshot(folder: Path) -> Path:
    """The checkpoint in a folder of the Hub's own cache (models--owner--name); else the folder."""
    if (folder / "config.json").exists() or not (folder / "refs" / "main").is_file():
        return folder
    revision = (folder / "refs" / "main").read_text(encoding="utf-8", errors="replace").strip()
    inside = folder / "snapshots" / revision
    return inside if Path(revision).name == revision and inside.is_dir() else folder


def _find_tensors(folder: Path, expected: Mapping[str, Shape]) -> dict[str, StoredTensor]:
    """The folder's tensors by the names that the model has for them."""
    if (folder / _SINGLE).is_file():
        stored = read_header(folder / _SINGLE)
        names = plain_names(stored, expected)
        return {names[name]: tensor for name, tensor in stored.items()}
    if (folder / _INDEX).is_file():
        return _find_sharded(folder, expected)
    if any((folder / name).exists() for name in _PICKLED):
        raise CheckpointError(
            f"{folder} has its weights only as pytorch_model.bin, which can run code when it is "
            f"read and is not supported; convert it to {_SINGLE}"
        )
    raise CheckpointError(f"{folder} has neither {_SINGLE} nor {_INDEX}")


def _find_sharded(folder: Path, expected: Mapping[str, Shape]) -> dict[str, StoredTensor]:
    index = folder / _INDEX
    try:
        weight_map = json_file(index)["weight_map"]
        places = {str(name): str(file) for name, file in weight_map.items()}
    except OSError as error:
        raise CheckpointError(f"cannot read {index}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{index} is damaged: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is damaged: it has no readable weight_map") from error
    headers: dict[str, dict[str, StoredTensor]] = {}
    tensors = {}
    names = plain_names(places, expected)
    for name, file in places.items():
        if names[name] not in expected and not name.endswith(".bias"):
            # Not needed, so not looked for; what is told of it is its name.
            tensors[names[name]] = StoredTensor(folder / file, name, "", (), 0, 0)
            continue
        if file not in headers:
            if Path(file).name != file:
                raise CheckpointError(f"{index}: {file!r} is not the name of a file beside it")
            if not (folder / file).is_file():
                raise CheckpointError(f"{folder} lacks {file}, which {_INDEX} names")
            headers[file] = read_header(folder / file)
        if name not in headers[file]:
            raise CheckpointError(
                f"{folder / file} lacks tensor {name}, which {_INDEX} places there"
            )
        tensors[names[name]] = headers[file][name]
    return tensors


def _check(
    folder: Path, expected: Mapping[str, Shape], tensors: Mapping[str, StoredTensor]
) -> None:
    missing = [name for name in expected if name not in tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        there = next((f": it has {name}" for name in tensors if name not in expected), "")
        raise CheckpointError(f"{folder} lacks tensor {missing[0]}{more}{there}")
    for name, shape in expected.items():
        tensors[name].check()
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"{tensors[name].path}: tensor {name} has shape {list(tensors[name].shape)}, "
                f"but config.json asks for {list(shape)}"
            )
    extra = sorted(tensors.keys() - expected.keys() - {"model.lower_bounds"})
    biases = [name for name in extra if name.endswith(".bias")]
    if biases:
        raise CheckpointError(f"{folder}: tensor {biases[0]} is a bias; this model type has none")
    if extra:
        warnings.warn(
            f"{folder}: tensors that are not part of the model are ignored, {len(extra)} in all: "
            + ", ".join(extra[:3])
            + (", ..." if len(extra) > 3 else ""),
            stacklevel=3,
        )
