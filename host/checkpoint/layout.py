"""Names and shapes of the tensors of an hgrn_bit checkpoint."""

from tritstream.checkpoint.config import CheckpointConfig


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
