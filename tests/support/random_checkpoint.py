"""Random checkpoints in the released layout, written with the safetensors library.

Independent of the package's own reader: the names and shapes are spelled out again here.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

DTYPES = ("float32", "float16", "bfloat16")

Arrays = dict[str, np.ndarray]


def random_checkpoint(
    folder: Path,
    hidden: int = 64,
    intermediate: int | None = 128,
    layers: int = 2,
    vocab: int = 512,
    seed: int = 0,
    dtype: str = "bfloat16",
    shards: int = 1,
    use_lower_bound: bool = True,
    with_tokenizer: bool = True,
    embedding_scale: float = 1.0,
    rms_norm_eps: float = 1e-6,
    eos_token_id: int | None = 2,
) -> Path:
    """Write a checkpoint folder and return it. `intermediate` None writes null (the ratio rule).

    Weights are N(0, 0.02), norm weights N(1, 0.2), lower bounds N(0, 1) and embedding rows
    N(0, embedding_scale): large enough that every layer changes the residual visibly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_config(
        folder,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        vocab_size=vocab,
        use_lower_bound=use_lower_bound,
        rms_norm_eps=rms_norm_eps,
        eos_token_id=eos_token_id,
    )
    if intermediate is None:
        intermediate = -(-int(hidden * 4 * 2 / 3) // 256) * 256
    tensors = random_tensors(
        hidden, intermediate, layers, vocab, seed, use_lower_bound, embedding_scale
    )
    write_checkpoint(folder, tensors, dtype, shards)
    if with_tokenizer:
        byte_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def random_tensors(
    hidden: int,
    intermediate: int,
    layers: int,
    vocab: int,
    seed: int,
    use_lower_bound: bool = True,
    embedding_scale: float = 1.0,
) -> Arrays:
    """The float32 tensors of a random model, by their released names."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, mean: float = 0.0, scale: float = 0.02) -> np.ndarray:
        values = rng.standard_normal(shape, np.float32)
        values *= np.float32(scale)
        values += np.float32(mean)
        return values

    def norm(width: int) -> np.ndarray:
        return normal(width, mean=1.0, scale=0.2)

    tensors = {"model.embeddings.weight": normal(vocab, hidden, scale=embedding_scale)}
    if use_lower_bound:
        tensors["model.lower_bounds"] = normal(layers, hidden, scale=1.0)
    for layer in range(layers):
        p = f"model.layers.{layer}."
        tensors[p + "attn_norm.weight"] = norm(hidden)
        for name in ("i", "f", "g", "o"):
            tensors[f"{p}attn.{name}_proj.weight"] = normal(hidden, hidden)
            tensors[f"{p}attn.{name}_proj.norm.weight"] = norm(hidden)
        tensors[p + "attn.g_norm.weight"] = norm(hidden)
        tensors[p + "mlp_norm.weight"] = norm(hidden)
        tensors[p + "mlp.gate_proj.weight"] = normal(2 * intermediate, hidden)
        tensors[p + "mlp.gate_proj.norm.weight"] = norm(hidden)
        tensors[p + "mlp.down_proj.weight"] = normal(hidden, intermediate)
        tensors[p + "mlp.down_proj.norm.weight"] = norm(intermediate)
    tensors["model.norm.weight"] = norm(hidden)
    tensors["lm_head.weight"] = normal(vocab, hidden)
    tensors["lm_head.norm.weight"] = norm(hidden)
    return tensors


def write_config(folder: Path, **changes: object) -> None:
    """Write config.json with the keys of a released one; `changes` override or add."""
    config: dict[str, object] = {
        "architectures": ["HGRNBitForCausalLM"],
        "attn_mode": "fused_recurrent",
        "bos_token_id": 1,
        "conv_size": 4,
        "eos_token_id": 2,
        "expand_ratio": 1,
        "fuse_cross_entropy": True,
        "hidden_act": "swish",
        "hidden_ratio": 4,
        "initializer_range": 0.02,
        "max_position_embeddings": 2048,
        "model_type": "hgrn_bit",
        "num_heads": 1,
        "rms_norm_eps": 1e-6,
        "share_conv_kernel": True,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_lower_bound": True,
        "use_short_conv": False,
    }
    (folder / "config.json").write_text(json.dumps(config | changes, indent=2))


def write_checkpoint(folder: Path, tensors: Arrays, dtype: str, shards: int = 1) -> None:
    """Write tensors as model.safetensors, or as `shards` files with an index."""
    if shards == 1:
        _write_file(folder / "model.safetensors", tensors, dtype)
        return
    names = sorted(tensors)
    weight_map = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[number::shards]}
        _write_file(folder / file, part, dtype)
        weight_map |= dict.fromkeys(part, file)
    total = sum(t.size for t in tensors.values()) * (4 if dtype == "float32" else 2)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _write_file(path: Path, tensors: Arrays, dtype: str) -> None:
    data = save({name: encode(t, dtype) for name, t in tensors.items()}, {"format": "pt"})
    if dtype == "bfloat16":  # NumPy has no such type: written as 16-bit integers and renamed
        end = 8 + int.from_bytes(data[:8], "little")
        header = data[8:end].replace(b'"U16"', b'"BF16"')
        data = len(header).to_bytes(8, "little") + header + data[end:]
    path.write_bytes(data)


def encode(values: np.ndarray, dtype: str) -> np.ndarray:
    """float32 values in a stored type, rounded to nearest even; bfloat16 as uint16 bits."""
    if dtype == "bfloat16":
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return values.astype(dtype)


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """The float32 values that a reader gets back from a stored type."""
    stored = encode(values, dtype)
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)


def byte_tokenizer() -> Tokenizer:
    """259 tokens: unknown, BOS, EOS and one for each byte; any text round-trips."""
    specials = ["<unk>", "<s>", "</s>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate(specials + alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(s, special=True) for s in specials])
    return tokenizer
