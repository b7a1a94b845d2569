"""Checkpoints: the `hgrn_bit` folder for everyone else, and the state to resume from. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from tritstream.errors import CheckpointError
from tritstream.files import atomic_write_bytes
from tritstream.train import model
from tritstream.train.corpus import Corpus
from tritstream.train.optimiser import Optimiser
from tritstream.train.options import Recipe
from tritstream.train.shape import Shape
from tritstream.train.tokenizer import tokenizer_config


def export(
    folder: Path,
    shape: Shape,
    parameters: model.Parameters,
    corpus: Corpus,
    training: dict[str, Any],
) -> None:
    """Write the folder in the released layout: float32 latent weights, tokenizer, training.json."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "config.json", shape.config(corpus.marks.bos, corpus.marks.eos))
    atomic_write_bytes(folder / "tokenizer.json", corpus.tokenizer.to_str(pretty=False).encode())
    atomic_write_bytes(folder / "tokenizer_config.json", tokenizer_config().encode())
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()}
    atomic_write_bytes(folder / "model.safetensors", save(weights, {"format": "pt"}))
    _write_json(folder / "training.json", training)


@dataclass
class State:
    """Where a run stands. states: recurrent states (layers, lanes, D)."""

    states: Tensor
    step: int
    epoch: int
    position: int
    seconds: float
    best: list[dict[str, Any]]
    best_step: int


def save_state(
    folder: Path,
    recipe: dict[str, Any],
    parameters: model.Parameters,
    optimiser: Optimiser,
    state: State,
) -> None:
    """Write weights, optimiser moments and position in one file, so that they always agree."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"states": state.states.cpu().contiguous()}
    for name, tensor in parameters.items():
        tensors[f"weight/{name}"] = tensor.detach()
    tensors.update(optimiser.moments(parameters))
    scalars = {key: value for key, value in asdict(state).items() if key != "states"}
    header = {"recipe": json.dumps(recipe), "state": json.dumps(scalars)}
    atomic_write_bytes(folder / "state.safetensors", save(tensors, header))


def check_state(folder: Path) -> None:
    """Raises CheckpointError where `save_state` has left nothing to resume."""
    path = folder / "state.safetensors"
    if not path.is_file():
        raise CheckpointError(f"there is nothing to resume: {path} does not exist")


def load_state(
    folder: Path,
    recipe: dict[str, Any],
    parameters: model.Parameters,
    optimiser: Optimiser,
) -> State:
    """Fill parameters and optimiser from `save_state`'s file.

    Raises CheckpointError for a missing or damaged file, and where it was made by another recipe.
    """
    check_state(folder)
    path = folder / "state.safetensors"
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
        tensors = load_file(path)
        # An option that came later has its default in an older run.
        saved = {**Recipe().as_json(), **json.loads(header["recipe"])}
        scalars = json.loads(header["state"])
        other = sorted(k for k in recipe.keys() | saved.keys() if recipe.get(k) != saved.get(k))
        if other:
            raise CheckpointError(
                f"{path} was made with another {', '.join(other)}; resume with the same options, "
                "or train into another folder"
            )
        with torch.no_grad():
            for name, tensor in parameters.items():
                tensor.copy_(tensors[f"weight/{name}"])
        optimiser.restore(parameters, tensors)
        return State(states=tensors["states"].clone(), **scalars)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged and cannot be resumed: {error}") from error


def _write_json(path: Path, value: dict[str, Any]) -> None:
    atomic_write_bytes(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())
