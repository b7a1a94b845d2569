"""What a fine-tuning run starts from: a checkpoint, or a packed image, as float32 parameters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from tritstream.checkpoint import Checkpoint
from tritstream.errors import CheckpointError, TokenizerError
from tritstream.image import Image, open_image
from tritstream.models import model_path
from tritstream.train.model import Parameters
from tritstream.train.shape import Shape

PARTS = {"gate": "mlp", "down": "mlp"}


@dataclass(frozen=True)
class Origin:
    """name: as it was given. digest: SHA-256 of the weights. shape: sizes of the network."""

    name: str
    digest: str
    shape: Shape
    parameters: Parameters
    tokenizer: Tokenizer


def read_origin(name: str) -> Origin:
    """Open a checkpoint folder, a Hub id, an image or the name of a model of the package.

    A checkpoint's float16 or bfloat16 weights become float32 master weights, exactly. An image has
    only trits left: its master weights stand in the middle of each trit's range, so that training
    starts from the very network that the image is.
    Raises CheckpointError, ImageError or TokenizerError for what cannot be used.
    """
    path = _image_path(name)
    if path is not None:
        image = open_image(path)
        return _origin(name, *_of_image(image), image.tokenizer_json)
    checkpoint = Checkpoint.open(name)
    c = checkpoint.config
    shape = Shape(c.hidden_size, c.intermediate_size, c.num_hidden_layers, c.vocab_size)
    arrays = {
        tensor: checkpoint.tensor(tensor)
        for tensor in shape.tensors()
        if c.use_lower_bound or tensor != "model.lower_bounds"
    }
    tokenizer = checkpoint.tokenizer_path.read_bytes()
    return _origin(name, arrays, c.rms_norm_eps, shape, tokenizer)


def _image_path(name: str) -> Path | None:
    """The image of this name, or None for what should be a checkpoint."""
    if Path(name).is_dir() or ("/" in name and not Path(name).exists()):
        return None
    return model_path(name)


def _of_image(image: Image) -> tuple[dict[str, np.ndarray], float, Shape]:
    g = image.geometry
    shape = Shape(g.hidden, g.intermediate, g.layers, g.vocabulary)
    arrays: dict[str, np.ndarray] = {
        name: np.array(vector) for name, vector in image.float_vectors.items()
    }
    arrays["model.embeddings.weight"] = image.embedding.real(np.arange(g.vocabulary))
    for layer in range(g.layers):
        for matrix in (m.name for m in g.layer_matrices):
            part = PARTS.get(matrix, "attn")
            name = f"model.layers.{layer}.{part}.{matrix}_proj.weight"
            arrays[name] = _master(image, layer, matrix, f"{layer}.{matrix}")
    arrays["lm_head.weight"] = _master(image, g.layers, "head", "head")
    return arrays, image.header.rms_norm_eps, shape


def _master(image: Image, record: int, matrix: str, key: str) -> np.ndarray:
    """Weights whose trits and whose scale, the mean of their sizes, are those of the image."""
    trits = image.layout(record).read_trits(image.record(record), matrix)
    used = np.count_nonzero(trits) / trits.size
    return trits * (image.header.weight_scales[key] / max(used, 1e-9))


def _origin(
    name: str,
    arrays: dict[str, np.ndarray],
    eps: float,
    shape: Shape,
    tokenizer: bytes | None,
) -> Origin:
    if "model.lower_bounds" not in arrays:
        raise CheckpointError(
            f"{name} has no lower bounds on its forget gates; training needs them"
        )
    if tokenizer is None:
        raise TokenizerError(f"{name} carries no tokenizer, and its text needs one")
    try:
        opened = Tokenizer.from_str(tokenizer.decode())
    except Exception as error:  # the library raises plain Exception
        raise TokenizerError(f"the tokenizer of {name} cannot be read: {error}") from error
    digest = hashlib.sha256()
    parameters = {}
    for tensor, size in shape.tensors().items():
        values = np.ascontiguousarray(arrays[tensor].reshape(size), dtype=np.float32)
        digest.update(values.data)
        parameters[tensor] = torch.from_numpy(values)
    full = Shape(shape.hidden, shape.intermediate, shape.layers, shape.vocab, eps)
    return Origin(name, digest.hexdigest(), full, parameters, opened)
