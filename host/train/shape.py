"""Sizes of a network to train, and its tensors in the released layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INITIAL_STD = 0.02


@dataclass(frozen=True)
class Shape:
    """Sizes of a network to train.

    hidden: D; intermediate: I; vocab: entries of the tokenizer; ternary: whether matrices are
    ternary (False trains the float-weight twin).
    """

    hidden: int
    intermediate: int
    layers: int
    vocab: int
    eps: float = 1e-6
    ternary: bool = True

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Names (without ".weight") and (out, in) of every ternary matrix, in order of use."""
        d, i = self.hidden, self.intermediate
        out: dict[str, tuple[int, int]] = {}
        for layer in range(self.layers):
            for gate in "ifgo":
                out[f"model.layers.{layer}.attn.{gate}_proj"] = (d, d)
            out[f"model.layers.{layer}.mlp.gate_proj"] = (2 * i, d)
            out[f"model.layers.{layer}.mlp.down_proj"] = (d, i)
        out["lm_head"] = (self.vocab, d)
        return out

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of every tensor of the checkpoint."""
        d = self.hidden
        out: dict[str, tuple[int, ...]] = {
            "model.embeddings.weight": (self.vocab, d),
            "model.lower_bounds": (self.layers, d),
            "model.norm.weight": (d,),
        }
        for layer in range(self.layers):
            for norm in ("attn_norm", "attn.g_norm", "mlp_norm"):
                out[f"model.layers.{layer}.{norm}.weight"] = (d,)
        for name, (rows, columns) in self.matrices().items():
            out[f"{name}.weight"] = (rows, columns)
            out[f"{name}.norm.weight"] = (columns,)
        return out

    def ternary_weights(self) -> int:
        """Number of weights in the matrices."""
        return sum(rows * columns for rows, columns in self.matrices().values())

    def config(self, bos: int, eos: int) -> dict[str, Any]:
        """config.json of the `hgrn_bit` layout."""
        return {
            "architectures": ["HGRNBitForCausalLM"],
            "model_type": "hgrn_bit",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_heads": 1,
            "expand_ratio": 1,
            "hidden_ratio": 4,
            "hidden_act": "swish",
            "use_short_conv": False,
            "use_lower_bound": True,
            "rms_norm_eps": self.eps,
            "vocab_size": self.vocab,
            "max_position_embeddings": 2048,
            "initializer_range": INITIAL_STD,
            "tie_word_embeddings": False,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "torch_dtype": "float32",
        }
