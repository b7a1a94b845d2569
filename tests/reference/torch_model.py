"""An evaluation path in PyTorch, written from the model's description alone.

It shares nothing with the package: dense float64 weights that are fake-quantised, one token at a
time, the state a Python list. `tests/reference/test_reference.py` holds the float engine to it.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open


def rms(v: torch.Tensor, w: torch.Tensor, eps: float) -> torch.Tensor:
    return v / torch.sqrt((v**2).mean() + eps) * w


def quant8(v: torch.Tensor) -> torch.Tensor:
    s = 127 / v.abs().max().clamp(min=1e-5)
    return (v * s).round().clamp(-128, 127) / s


def ternary(w: torch.Tensor) -> torch.Tensor:
    a = 1 / w.abs().mean().clamp(min=1e-5)
    return (w * a).round().clamp(-1, 1) / a


class TorchModel:
    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.t = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                self.t |= {k: file.get_tensor(k).to(torch.float64) for k in file.keys()}  # noqa: SIM118
        self.cache: dict[str, torch.Tensor] = {}

    def bit_linear(self, name: str, v: torch.Tensor) -> torch.Tensor:
        if name not in self.cache:
            self.cache[name] = ternary(self.t[f"{name}.weight"])
        return self.cache[name] @ quant8(rms(v, self.t[f"{name}.norm.weight"], 1e-6))

    def lower_bounds(self) -> torch.Tensor | None:
        if not self.config["use_lower_bound"]:
            return None
        p = torch.softmax(self.t["model.lower_bounds"], dim=0)
        return p.cumsum(0) - p[0]

    def logits(self, ids: list[int]) -> torch.Tensor:
        eps = self.config["rms_norm_eps"]
        lb = self.lower_bounds()
        layers = self.config["num_hidden_layers"]
        state = [
            torch.zeros(self.config["hidden_size"], dtype=torch.float64) for _ in range(layers)
        ]
        out = []
        for token in ids:
            x = self.t["model.embeddings.weight"][token]
            for index in range(layers):
                p = f"model.layers.{index}"
                n = rms(x, self.t[f"{p}.attn_norm.weight"], eps)
                i = self.bit_linear(f"{p}.attn.i_proj", n)
                f = torch.sigmoid(self.bit_linear(f"{p}.attn.f_proj", n))
                g = self.bit_linear(f"{p}.attn.g_proj", n)
                if lb is not None and index > 0:
                    f = lb[index] + (1 - lb[index]) * f
                h = f * state[index] + torch.nn.functional.silu(i) * (1 - f)
                state[index] = h
                o = rms(g, self.t[f"{p}.attn.g_norm.weight"], eps) * h * torch.sigmoid(h)
                x = x + self.bit_linear(f"{p}.attn.o_proj", o)
                n = rms(x, self.t[f"{p}.mlp_norm.weight"], eps)
                a, b = self.bit_linear(f"{p}.mlp.gate_proj", n).chunk(2)
                x = x + self.bit_linear(f"{p}.mlp.down_proj", torch.nn.functional.silu(a) * b)
            out.append(self.bit_linear("lm_head", rms(x, self.t["model.norm.weight"], eps)))
        return torch.stack(out)
