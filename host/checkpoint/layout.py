"""Names and shapes of the tensors of an hgrn_bit checkpoint, and which of them make a mat-vec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tritstream.checkpoint.config import CheckpointConfig

_WRAPPERS = ("_orig_mod", "module")
"""What torch.compile and DataParallel put into the names of the module that they wrap."""


class MatrixTensors(NamedTuple):
    """The tensors of one mat-vec and of the norms in front of it; a layer's without its prefix."""

    weight: str
    own: str
    """The norm of the BitLinear."""
    block: str | None
    """The norm of the block, or the gate norm; None where there is none."""


LAYER_TENSORS = {
    **{
        name: MatrixTensors(f"attn.{name}_proj.weight", f"attn.{name}_proj.norm.weight", block)
        for name, block in (
            *((gate, "attn_norm.weight") for gate in "ifg"),
            ("o", "attn.g_norm.weight"),
        )
    },
    "gate": MatrixTensors("mlp.gate_proj.weight", "mlp.gate_proj.norm.weight", "mlp_norm.weight"),
    "down": MatrixTensors("mlp.down_proj.weight", "mlp.down_proj.norm.weight", None),
}
"""By matrix, in the order of use."""
HEAD_TENSORS = MatrixTensors("lm_head.weight", "lm_head.norm.weight", "model.norm.weight")
LOWER_BOUNDS = "model.lower_bounds"


def matrix_tensors(layer: int, matrix: str) -> MatrixTensors:
    """Whole names for a matrix of a layer, or for ``head``, whatever ``layer`` is then."""
    if matrix == "head":
        return HEAD_TENSORS
    weight, own, block = LAYER_TENSORS[matrix]
    prefix = f"model.layers.{layer}."
    return MatrixTensors(prefix + weight, prefix + own, None if block is None else prefix + block)


def expected_tensors(config: CheckpointConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor the model needs, name -> shape, in the order in which a token meets them."""
    d, i = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {"model.embeddings.weight": (config.vocab_size, d)}
    if config.use_lower_bound:
        shapes["model.lower_bounds"] = (config.num_hidden_layers, d)
    for layer in range(config.num_hidden_layers):
        prefix = f"model.layers.{layer}"
        shapes[f"{prefix}.attn_norm.weight"] = (d,)
        for name in ("i_proj", "f_proj", "g_proj"):
            shapes |= _bit_linear(f"{prefix}.attn.{name}", d, d)
        shapes[f"{prefix}.attn.g_norm.weight"] = (d,)
        shapes |= _bit_linear(f"{prefix}.attn.o_proj", d, d)
        shapes[f"{prefix}.mlp_norm.weight"] = (d,)
        shapes |= _bit_linear(f"{prefix}.mlp.gate_proj", 2 * i, d)
        shapes |= _bit_linear(f"{prefix}.mlp.down_proj", d, i)
    shapes["model.norm.weight"] = (d,)
    shapes |= _bit_linear("lm_head", config.vocab_size, d)
    return shapes


def _bit_linear(prefix: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}.weight": (rows, columns), f"{prefix}.norm.weight": (columns,)}


def plain_names(stored: Iterable[str], expected: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Every name of a checkpoint -> the name that the model has for it.

    They are the same, unless the model was saved compiled or wrapped: then names have `_orig_mod`
    or `module` in them, or all have one prefix, such as PEFT's `base_model.model.`, or lack
    `model.`. They are only changed where that gives every expected one, and no two become the same.
    """
    same = {name: name for name in stored}
    if not expected.keys() <= same.keys():
        for changed in _unwrapped(same):
            found = set(changed.values())
            if expected.keys() <= found and len(found) == len(changed):
                return changed
    return same


def _unwrapped(names: Iterable[str]) -> Iterable[dict[str, str]]:
    """Ways to take off what wraps the names."""
    bare = {n: ".".join(p for p in n.split(".") if p not in _WRAPPERS) for n in names}
    yield bare
    ends = ("model.embeddings.weight", "embeddings.weight", "lm_head.weight")
    found = {n.removesuffix(end) for n in bare.values() for end in ends if n.endswith(end)}
    for prefix in sorted(found, key=len):
        short = {name: plain.removeprefix(prefix) for name, plain in bare.items()}
        yield short
        yield {
            name: plain if plain.startswith(("lm_head.", "model.")) else f"model.{plain}"
            for name, plain in short.items()
        }
