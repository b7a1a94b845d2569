import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.random_checkpoint import (
    DTYPES,
    encode,
    random_checkpoint,
    random_tensors,
    rounded,
    write_checkpoint,
    write_config,
)
from tritstream.checkpoint import Checkpoint, expected_tensors
from tritstream.checkpoint.config import parse_config
from tritstream.errors import CheckpointError, FileError

SMALL = {"hidden": 8, "intermediate": 16, "layers": 2, "vocab": 300}


def small_tensors(**changes: int) -> dict[str, np.ndarray]:
    return random_tensors(**{**SMALL, "seed": 3, **changes})


def rewrite(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    write_checkpoint(folder, tensors, "float32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("use_lower_bound", [True, False])
def test_every_tensor_comes_back(
    tmp_path: Path, dtype: str, shards: int, use_lower_bound: bool
) -> None:
    random_checkpoint(
        tmp_path, **SMALL, seed=3, dtype=dtype, shards=shards, use_lower_bound=use_lower_bound
    )
    written = small_tensors(use_lower_bound=use_lower_bound)
    checkpoint = Checkpoint.open(tmp_path)
    assert expected_tensors(checkpoint.config) == {n: t.shape for n, t in written.items()}
    for name, values in written.items():
        read = checkpoint.tensor(name)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, rounded(values, dtype))
    np.testing.assert_array_equal(
        checkpoint.layer_tensor(1, "mlp.down_proj.norm.weight"),
        checkpoint.tensor("model.layers.1.mlp.down_proj.norm.weight"),
    )
    assert checkpoint.embedding().shape == (300, 8)
    assert (checkpoint.lower_bounds() is None) is not use_lower_bound
    assert checkpoint.tokenizer_path.name == "tokenizer.json"


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL, dtype="float32")
    checkpoint = Checkpoint.open(tmp_path)
    first = checkpoint.embedding()
    first[:] = 0
    assert checkpoint.embedding().any()


def test_bfloat16_covers_specials_and_ties() -> None:
    values = np.array([1.0, -0.0, 2.0**-126, 1 + 2.0**-8, 1 + 3 * 2.0**-8], np.float32)
    assert encode(values, "bfloat16").tolist() == [0x3F80, 0x8000, 0x0080, 0x3F80, 0x3F82]


def base_config(**changes: object) -> dict[str, object]:
    config: dict[str, object] = {
        "model_type": "hgrn_bit",
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "vocab_size": 32000,
    }
    return config | changes


@pytest.mark.parametrize(("hidden", "expected"), [(1024, 2816), (2048, 5632), (2560, 6912)])
def test_null_intermediate_size_gives_the_released_widths(hidden: int, expected: int) -> None:
    config = parse_config(base_config(hidden_size=hidden, intermediate_size=None), "config.json")
    assert config.intermediate_size == expected


def test_absent_keys_take_the_authors_defaults() -> None:
    config = parse_config(base_config(), "config.json")
    assert (config.rms_norm_eps, config.use_lower_bound) == (1e-6, True)
    assert (config.bos_token_id, config.eos_token_id) == (1, 2)


def test_heads_do_not_matter_as_long_as_they_divide() -> None:
    assert parse_config(base_config(num_heads=4), "c") == parse_config(base_config(), "c")
    with pytest.raises(CheckpointError, match="num_heads 3"):
        parse_config(base_config(num_heads=3), "c")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"model_type": None}, "model_type is None"),
        ({"use_short_conv": True}, "use_short_conv is true, which is not supported"),
        ({"expand_ratio": 2}, "expand_ratio is 2, which is not supported"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings"),
        ({"hidden_size": None}, "has no hidden_size"),
        ({"hidden_size": "1024"}, "hidden_size is '1024'"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"vocab_size": 1e5}, "vocab_size"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps"),
        ({"rms_norm_eps": 0}, "rms_norm_eps"),
        ({"use_lower_bound": "yes"}, "use_lower_bound"),
        ({"eos_token_id": 32000}, "eos_token_id is 32000"),
        ({"bos_token_id": [1, 2]}, "bos_token_id"),
        ({"intermediate_size": None, "hidden_ratio": -1}, "hidden_ratio"),
    ],
)
def test_bad_configs_name_file_and_key(changes: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=r"some/config\.json") as caught:
        parse_config(base_config(**changes), "some/config.json")
    assert words in str(caught.value)


def test_missing_tensor_is_named(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    tensors = small_tensors()
    del tensors["model.layers.1.attn.o_proj.weight"]
    rewrite(tmp_path, tensors)
    with pytest.raises(CheckpointError, match=r"lacks tensor model\.layers\.1\.attn\.o_proj"):
        Checkpoint.open(tmp_path)


def test_misshaped_tensor_is_named(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    tensors = small_tensors()
    tensors["lm_head.weight"] = tensors["lm_head.weight"][:-1]
    rewrite(tmp_path, tensors)
    with pytest.raises(CheckpointError, match=r"lm_head\.weight has shape \[299, 8\].*\[300, 8\]"):
        Checkpoint.open(tmp_path)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_weight_is_named_with_its_place(tmp_path: Path, dtype: str, value: float) -> None:
    random_checkpoint(tmp_path, **SMALL)
    tensors = small_tensors()
    tensors["model.layers.0.mlp.gate_proj.weight"][5, 2] = value
    write_checkpoint(tmp_path, tensors, dtype)
    checkpoint = Checkpoint.open(tmp_path)
    with pytest.raises(CheckpointError, match=r"mlp\.gate_proj\.weight holds .* at \[5, 2\]"):
        checkpoint.layer_tensor(0, "mlp.gate_proj.weight")


@pytest.mark.parametrize("keep", [0, 5, 8, 200, -1])
def test_truncated_file_is_told(tmp_path: Path, keep: int) -> None:
    random_checkpoint(tmp_path, **SMALL)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is truncated or damaged"):
        Checkpoint.open(tmp_path)


def raw_safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(64)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ([], "not a JSON object"),
        ({"x": 3}, "tensor x is not an object"),
        ({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "has 4 bytes"),
        ({"x": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, "has -8 bytes"),
        ({"x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, "malformed"),
        ({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}, "malformed"),
        ({"x": {"dtype": "F32", "shape": [200], "data_offsets": [0, 800]}}, "ends at byte"),
        ({"x": {"dtype": "I8", "shape": [2], "data_offsets": [2, 0]}}, "has -2 bytes"),
    ],
)
def test_bad_headers(tmp_path: Path, header: object, words: str) -> None:
    random_checkpoint(tmp_path, **SMALL)
    (tmp_path / "model.safetensors").write_bytes(raw_safetensors(header))
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.open(tmp_path)
    assert words in str(caught.value)


def test_header_length_beyond_reason(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        Checkpoint.open(tmp_path)


def test_missing_shard_and_bad_index(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL, shards=3)
    shard = tmp_path / "model-00002-of-00003.safetensors"
    data = shard.read_bytes()
    shard.unlink()
    with pytest.raises(CheckpointError, match="lacks model-00002-of-00003"):
        Checkpoint.open(tmp_path)
    shard.write_bytes(data)
    index = tmp_path / "model.safetensors.index.json"
    good = index.read_text()
    index.write_text(good.replace("model-00002-of-00003", "../model-00002-of-00003"))
    with pytest.raises(CheckpointError, match="not the name of a file"):
        Checkpoint.open(tmp_path)
    index.write_text(good.replace("model-00002-of-00003", "model-00001-of-00003"))
    with pytest.raises(CheckpointError, match="lacks tensor"):
        Checkpoint.open(tmp_path)
    for text in ("", "[]", '{"weight_map": 3}', "{}"):
        index.write_text(text)
        with pytest.raises(CheckpointError, match="damaged"):
            Checkpoint.open(tmp_path)


def test_biases_are_refused_and_strangers_warned_about(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    rewrite(tmp_path, small_tensors() | {"model.something": np.zeros(3, np.float32)})
    with pytest.warns(UserWarning, match=r"model\.something"):
        Checkpoint.open(tmp_path)
    rewrite(tmp_path, small_tensors() | {"lm_head.bias": np.zeros(300, np.float32)})
    with pytest.raises(CheckpointError, match=r"lm_head\.bias is a bias"):
        Checkpoint.open(tmp_path)


def test_places_that_are_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint folder"):
        Checkpoint.open(tmp_path / "missing")
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        Checkpoint.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="is not valid JSON"):
        Checkpoint.open(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="must hold a JSON object"):
        Checkpoint.open(tmp_path)
    with pytest.raises(CheckpointError, match="is a file"):
        Checkpoint.open(tmp_path / "config.json")
    write_config(tmp_path, hidden_size=8, num_hidden_layers=2, vocab_size=300)
    with pytest.raises(CheckpointError, match=r"neither model\.safetensors nor"):
        Checkpoint.open(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"only as pytorch_model\.bin"):
        Checkpoint.open(tmp_path)


def test_missing_tokenizer_is_named(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL, with_tokenizer=False)
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json"):
        _ = Checkpoint.open(tmp_path).tokenizer_path


def test_hub_ids_go_through_huggingface_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    random_checkpoint(tmp_path / "cache", **SMALL)
    asked = []

    def snapshot_download(repo_id: str, allow_patterns: list[str]) -> str:
        asked.append((repo_id, allow_patterns))
        if repo_id == "owner/absent":
            raise OSError("no network\nand more")
        return str(tmp_path / "cache")

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    assert Checkpoint.open("owner/name-370M").config.hidden_size == 8
    assert asked[0][0] == "owner/name-370M"
    assert "*.bin" not in asked[0][1]
    with pytest.raises(CheckpointError, match=r"owner/absent .* could not be fetched.*no network$"):
        Checkpoint.open("owner/absent")


def edit_header(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write a .safetensors file's header anew; places are relative to its end, so data stays."""
    data = file.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    text = json.dumps(change(json.loads(data[8:end]))).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])


@pytest.mark.parametrize("dtype", ["I64", "BOOL", "F64", "F8_E4M3", "of the future"])
def test_a_tensor_that_is_not_needed_is_not_looked_at(tmp_path: Path, dtype: str) -> None:
    random_checkpoint(tmp_path, **SMALL)
    stranger = {"dtype": dtype, "shape": [3], "data_offsets": [0, 5]}
    edit_header(tmp_path / "model.safetensors", lambda h: h | {"model.steps": stranger})
    with pytest.warns(UserWarning, match=r"ignored, 1 in all: model\.steps"):
        checkpoint = Checkpoint.open(tmp_path)
    assert checkpoint.embedding().shape == (300, 8)
    needed = {"model.norm.weight": stranger | {"shape": [8]}}
    edit_header(tmp_path / "model.safetensors", lambda h: h | needed)
    words = r"tensor model\.norm\.weight has type .*; only F32, F16 and BF16"
    with pytest.raises(CheckpointError, match=words):
        Checkpoint.open(tmp_path)


def test_a_shard_that_is_not_needed_may_be_missing(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL, shards=2)
    index = tmp_path / "model.safetensors.index.json"
    places = json.loads(index.read_text())
    places["weight_map"]["optimizer.moments"] = "optimizer.safetensors"
    index.write_text(json.dumps(places))
    with pytest.warns(UserWarning, match=r"ignored, 1 in all: optimizer\.moments"):
        Checkpoint.open(tmp_path)


WRAPPED = {
    "compiled": lambda name: f"_orig_mod.{name}",
    "compiled within": lambda name: name.replace("model.", "model._orig_mod.", 1),
    "parallel": lambda name: f"module.{name}",
    "both": lambda name: f"module._orig_mod.{name}",
    "PEFT": lambda name: f"base_model.model.{name}",
    "bare": lambda name: name.removeprefix("model."),
    "a trainer's": lambda name: f"student.net.{name.removeprefix('model.')}",
}


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("wrap", WRAPPED)
def test_names_behind_a_prefix(tmp_path: Path, wrap: str, shards: int) -> None:
    random_checkpoint(tmp_path, **SMALL, seed=3, dtype="float32", shards=shards)
    plain = Checkpoint.open(tmp_path).layer_tensor(1, "attn.i_proj.weight")
    for file in tmp_path.glob("*.safetensors"):
        edit_header(
            file,
            lambda h: {k if k == "__metadata__" else WRAPPED[wrap](k): v for k, v in h.items()},
        )
    if shards > 1:
        index = tmp_path / "model.safetensors.index.json"
        places = json.loads(index.read_text())["weight_map"]
        index.write_text(
            json.dumps({"weight_map": {WRAPPED[wrap](k): v for k, v in places.items()}})
        )
    found = Checkpoint.open(tmp_path).layer_tensor(1, "attn.i_proj.weight")
    np.testing.assert_array_equal(found, plain)


def test_names_that_would_become_the_same_are_left(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)

    def twice(header: dict[str, Any]) -> dict[str, Any]:
        moved = {f"module.{k}": v for k, v in header.items() if k != "__metadata__"}
        return moved | {"_orig_mod.model.norm.weight": header["model.norm.weight"]}

    edit_header(tmp_path / "model.safetensors", twice)
    with pytest.raises(CheckpointError, match=r"lacks tensor .*: it has module\."):
        Checkpoint.open(tmp_path)


@pytest.mark.parametrize(
    ("config", "generation", "ends"),
    [
        ([2, 70], None, (2, 70)),
        (2, [2, 70], (2, 70)),
        (2, 70, 70),
        ([2], None, 2),
        ([2, 2], None, 2),
        (2, None, 2),
        (None, None, None),
        ([], None, None),
    ],
)
def test_all_ends_of_a_text(
    tmp_path: Path, config: object, generation: object, ends: object
) -> None:
    """generation_config.json decides where it speaks, as in transformers."""
    random_checkpoint(tmp_path, **SMALL)
    raw = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(raw | {"eos_token_id": config}))
    other = {} if generation is None else {"eos_token_id": generation}
    (tmp_path / "generation_config.json").write_text(json.dumps({"do_sample": True} | other))
    assert Checkpoint.open(tmp_path).config.eos_token_id == ends


def test_ends_that_make_no_sense_are_named(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    file = tmp_path / "generation_config.json"
    for text, words in (
        ('{"eos_token_id": [2, 300]}', "eos_token_id is 300"),
        ("[2]", "mend or remove it"),
        ("{", "mend or remove it"),
    ):
        file.write_text(text)
        with pytest.raises(CheckpointError, match=rf"generation_config\.json.*{words}"):
            Checkpoint.open(tmp_path)


def test_whether_a_text_begins_with_bos_is_read(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    assert Checkpoint.open(tmp_path).config.add_bos_token is None
    for says in (True, False):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": says}))
        assert Checkpoint.open(tmp_path).config.add_bos_token is says


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL, shards=2)
    (tmp_path / "generation_config.json").write_text("{}")
    for name in ("config.json", "generation_config.json", "model.safetensors.index.json"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (tmp_path / name).read_bytes())
    Checkpoint.open(tmp_path)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 741234567\n"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_git_lfs_pointer_is_named(tmp_path: Path, name: str) -> None:
    random_checkpoint(tmp_path, **SMALL)
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(FileError, match=rf"{name} is a git-lfs pointer.*git lfs pull"):
        Checkpoint.open(tmp_path)


def test_a_folder_of_the_hubs_cache(tmp_path: Path) -> None:
    root = tmp_path / "models--owner--name"
    random_checkpoint(root / "snapshots" / "abc", **SMALL)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("abc")
    assert Checkpoint.open(root).folder == root / "snapshots" / "abc"
    for other in ("def", "../../x", ""):
        (root / "refs" / "main").write_text(other)
        with pytest.raises(CheckpointError, match=r"has no config\.json"):
            Checkpoint.open(root)


def test_a_tokenizer_in_another_format_is_told(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, **SMALL)
    (tmp_path / "tokenizer.json").rename(tmp_path / "tokenizer.model")
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json; .*save_pretrained"):
        _ = Checkpoint.open(tmp_path).tokenizer_path
