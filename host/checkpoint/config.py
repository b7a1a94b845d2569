"""config.json of an hgrn_bit checkpoint, checked."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tritstream.checkpoint.json_object import json_file
from tritstream.errors import CheckpointError

MODEL_TYPE = "hgrn_bit"

MOST_CHAT_TEMPLATE = 1 << 16
"""Characters of a chat template."""

# Far above any released model; a larger figure is a damaged file, not a model.
_LARGEST = 1 << 20


@dataclass(frozen=True)
class CheckpointConfig:
    """What config.json fixes about the model. Sizes are counts of elements.

    `num_heads` is absent because it changes nothing: with expand_ratio 1 the recurrence is
    element-wise and the gate norm runs over the whole vector, so heads are only a reshape.
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    vocab_size: int
    rms_norm_eps: float
    use_lower_bound: bool
    bos_token_id: int | None
    eos_token_id: int | tuple[int, ...] | None
    """The token that ends a text, or all of several."""
    add_bos_token: bool | None = None
    """Whether a text begins with BOS, as tokenizer_config.json says; None where it says nothing."""
    chat_template: str | None = None
    """How messages become a text, in Jinja: of chat_template.jinja or tokenizer_config.json."""


def read_config(path: Path) -> CheckpointConfig:
    """Read and check config.json. Raises CheckpointError naming the file and the key.

    What ends a text is looked up in generation_config.json first, as transformers does; whether it
    begins with BOS, and the chat template, in tokenizer_config.json, where these lie beside it.
    """
    try:
        raw = json_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} has no config.json; a checkpoint is a folder with config.json, "
            "model.safetensors and tokenizer.json"
        ) from error
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    config = parse_config(raw, str(path))
    generation = _beside(path, "generation_config.json")
    if "eos_token_id" in generation:
        source = str(path.with_name("generation_config.json"))
        ends = _tokens(generation, "eos_token_id", None, config.vocab_size, source)
        config = replace(config, eos_token_id=ends)
    tokenizer = _beside(path, "tokenizer_config.json")
    add, template = tokenizer.get("add_bos_token"), _chat_template(path, tokenizer)
    return replace(
        config, add_bos_token=add if isinstance(add, bool) else None, chat_template=template
    )


def _chat_template(path: Path, tokenizer: Mapping[str, Any]) -> str | None:
    """The template for chats: a file of its own, as transformers writes it now, or one of several
    by name in tokenizer_config.json."""
    own = path.with_name("chat_template.jinja")
    source, found = own, tokenizer.get("chat_template")
    try:
        found = own.read_text(encoding="utf-8")
    except FileNotFoundError:
        source = path.with_name("tokenizer_config.json")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{own} cannot be read ({error}): mend or remove it") from error
    if isinstance(found, list):
        named = [item for item in found if isinstance(item, dict) and item.get("name") == "default"]
        found = named[0].get("template") if named else None
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > MOST_CHAT_TEMPLATE:
        raise CheckpointError(
            f"{source}: the chat template must be a text of {MOST_CHAT_TEMPLATE:,} characters at "
            f"most: mend or remove it"
        )
    return found


def _beside(path: Path, name: str) -> dict[str, Any]:
    """What another file of the folder holds; {} where there is none."""
    try:
        return json_file(path.with_name(name))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.with_name(name)} cannot be read ({error}): mend or remove it"
        ) from error


def parse_config(raw: Mapping[str, Any], source: str) -> CheckpointConfig:
    """Turn the object of config.json into a CheckpointConfig. `source` names it in errors.

    Keys that are absent take the defaults of the authors' configuration class. Raises
    CheckpointError for what is missing, malformed or not supported.
    """
    model_type = raw.get("model_type")
    if model_type != MODEL_TYPE:
        raise CheckpointError(
            f"{source}: model_type is {model_type!r}; only {MODEL_TYPE!r} "
            "(MatMul-free language models) is supported"
        )
    _refuse_variants(raw, source)

    hidden_size = _size(raw, "hidden_size", source)
    num_heads = _size(raw, "num_heads", source, default=1)
    if hidden_size % num_heads:
        raise CheckpointError(
            f"{source}: hidden_size {hidden_size} is not a multiple of num_heads {num_heads}"
        )
    vocab_size = _size(raw, "vocab_size", source)
    return CheckpointConfig(
        hidden_size=hidden_size,
        intermediate_size=_intermediate_size(raw, hidden_size, source),
        num_hidden_layers=_size(raw, "num_hidden_layers", source),
        vocab_size=vocab_size,
        rms_norm_eps=_epsilon(raw, source),
        use_lower_bound=_flag(raw, "use_lower_bound", source, default=True),
        bos_token_id=_token(raw, "bos_token_id", 1, vocab_size, source),
        eos_token_id=_tokens(raw, "eos_token_id", 2, vocab_size, source),
    )


def _refuse_variants(raw: Mapping[str, Any], source: str) -> None:
    """Refuse what the model class could do but no released checkpoint does."""
    supported: dict[str, tuple[Any, ...]] = {
        "use_short_conv": (False, None),
        "expand_ratio": (1, None),
        "hidden_act": ("swish", "silu", None),
        "attn_mode": ("fused_recurrent", None),
        "tie_word_embeddings": (False, None),
        "moe": (False, None),
    }
    for key, values in supported.items():
        value = raw.get(key)
        if value not in values:
            raise CheckpointError(
                f"{source}: {key} is {json.dumps(value)}, which is not supported; "
                f"only {json.dumps(values[0])} is"
            )


def _intermediate_size(raw: Mapping[str, Any], hidden_size: int, source: str) -> int:
    if raw.get("intermediate_size") is not None:
        return _size(raw, "intermediate_size", source)
    ratio = raw.get("hidden_ratio")
    if ratio is None:
        ratio = 4
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio <= 1024:
        raise CheckpointError(
            f"{source}: hidden_ratio is {ratio!r}; expected a positive number, "
            "because intermediate_size is not given"
        )
    return 256 * math.ceil(int(hidden_size * ratio * 2 / 3) / 256)


def _size(raw: Mapping[str, Any], key: str, source: str, default: int | None = None) -> int:
    value = raw.get(key)
    if value is None:
        if default is None:
            raise CheckpointError(f"{source} has no {key}")
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
        raise CheckpointError(f"{source}: {key} is {value!r}; expected a positive whole number")
    return value


def _flag(raw: Mapping[str, Any], key: str, source: str, default: bool) -> bool:
    value = raw.get(key, default)
    if not isinstance(value, bool):
        raise CheckpointError(f"{source}: {key} is {value!r}; expected true or false")
    return value


def _epsilon(raw: Mapping[str, Any], source: str) -> float:
    value = raw.get("rms_norm_eps", 1e-6)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise CheckpointError(
            f"{source}: rms_norm_eps is {value!r}; expected a number between 0 and 1"
        )
    return float(value)


def _token(
    raw: Mapping[str, Any], key: str, default: int, vocab_size: int, source: str
) -> int | None:
    value = raw.get(key, default)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < vocab_size:
        raise CheckpointError(
            f"{source}: {key} is {value!r}; expected a token id below vocab_size {vocab_size}"
        )
    return value


def _tokens(
    raw: Mapping[str, Any], key: str, default: int | None, vocab_size: int, source: str
) -> int | tuple[int, ...] | None:
    """One token id, a tuple of several, or None."""
    value = raw.get(key, default)
    if not isinstance(value, list):
        return _token({key: value}, key, 0, vocab_size, source)
    each = (_token({key: v}, key, 0, vocab_size, source) for v in value)
    found = tuple(dict.fromkeys(v for v in each if v is not None))
    return found if len(found) > 1 else next(iter(found), None)
