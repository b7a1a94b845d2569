"""Golden vectors: inputs and results of every operation and of whole tokens, by the specification.

    PYTHONPATH=tests python -m support.golden_vectors      # rewrites the files in tests/golden

They pin the number formats down: a change that alters one changes what every image and every
bitstream means. Arrays are int64 in `.npz` files without pickled objects; names are
`<operation>.<argument>` and `<operation>.result`.
"""

from pathlib import Path

import numpy as np

from tritstream.engines.spec import SpecEngine
from tritstream.image import open_image
from tritstream.models import shipped_model
from tritstream.numerics import PROFILES, Profile
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints, Scalar
from tritstream.packing.fold import fold_norm
from tritstream.reference.norms import FloatNorm
from tritstream.spec import operations as op

FOLDER = Path(__file__).parent.parent / "golden"
Arrays = dict[str, np.ndarray]


def operations(profile: Profile) -> Arrays:
    """Random and extreme cases of every operation in one profile."""
    rng = np.random.default_rng(7)
    cases: Arrays = {}
    n = 64

    def gate(count: int) -> Ints:
        wide = rng.integers(-GATE_MAX, GATE_MAX + 1, count)
        near = np.rint(rng.normal(0, 3, count) * 2.0**profile.gate_frac).astype(np.int64)
        values = np.where(rng.random(count) < 0.3, wide, near)
        values[:5] = 0, 1, -1, GATE_MAX, -GATE_MAX
        return values

    def share(count: int) -> Ints:
        values = rng.integers(0, profile.one + 1, count)
        values[:3] = 0, profile.one, profile.one // 2
        return values

    x, y = gate(256), gate(256)
    cases |= {"silu.x": x, "silu.result": op.silu(x, profile)}
    room = share(256)
    cases |= {"forget.pre": x, "forget.room": room}
    cases["forget.result"] = op.forget(x, room, profile)
    fresh = share(256)
    cases |= {"state_update.state": x, "state_update.candidate": y, "state_update.fresh": fresh}
    cases["state_update.result"] = op.state_update(x, y, fresh, profile)
    cases |= {"gated_product.a": x, "gated_product.b": y}
    cases["gated_product.result"] = op.gated_product(x, y)
    residual = rng.integers(-VECTOR_MAX, VECTOR_MAX + 1, 256)
    delta = rng.integers(-VECTOR_MAX, VECTOR_MAX + 1, 256)
    cases |= {"residual_add.x": residual, "residual_add.delta": delta}
    cases["residual_add.result"] = op.residual_add(residual, delta)

    sums = rng.integers(-(2**20) + 1, 2**20, (32, 16))
    mantissa = rng.integers(1 << (profile.scale_bits - 1), 1 << profile.scale_bits, 32)
    exponent = rng.integers(-66, 4, 32)
    scale = Scalar(mantissa, exponent)
    cases |= {"dequantise.sums": sums, "dequantise.mantissa": mantissa}
    cases["dequantise.exponent"] = exponent
    cases["dequantise.gate_result"] = op.dequantise(sums, scale, GATE_MAX)
    cases["dequantise.vector_result"] = op.dequantise(sums, scale, VECTOR_MAX)

    codes = rng.integers(-127, 128, n)
    trits = rng.integers(-1, 2, (23, n)).astype(np.int8)
    trits[:3] = np.array([[1], [-1], [0]])
    cases |= {"ternary_matvec.trits": trits, "ternary_matvec.codes": codes}
    cases["ternary_matvec.result"] = op.ternary_matvec(trits, codes)

    vectors = np.stack(
        [
            np.zeros(n, np.int64),
            np.full(n, VECTOR_MAX),
            np.where(np.arange(n) == 9, -1, 0),
            *(np.rint(rng.normal(0, 2.0**k, n)).astype(np.int64) for k in (3, 22, 30, 41)),
        ]
    )
    cases["norm_codes.vectors"] = vectors
    plain = op.sum_of_squares(vectors, profile)
    cases |= {
        "norm_codes.plain_mantissa": plain.mantissa,
        "norm_codes.plain_exponent": plain.exponent,
    }
    for matrix in ("i", "o", "gate", "down", "head"):
        block = None if matrix == "down" else rng.normal(1, 0.3, n)
        p = fold_norm(matrix, FloatNorm(block, rng.normal(1, 0.3, n), 1e-6, 0.02), profile)
        found = op.norm_codes(vectors, p, plain, profile)
        at = f"norm_codes.{matrix}"
        scalars = [
            *(p.scale.mantissa, p.scale.exponent, p.square_exponent),
            *(p.eps_square.mantissa, p.eps_square.exponent, p.eps.mantissa, p.eps.exponent),
        ]
        cases |= {f"{at}.gain": p.gain, f"{at}.block": p.block}
        cases[f"{at}.scalars"] = np.array([int(s) for s in scalars])
        cases[f"{at}.codes"] = found.codes
        cases[f"{at}.scale_mantissa"] = found.scale.mantissa
        cases[f"{at}.scale_exponent"] = found.scale.exponent
    return cases


def whole_tokens(path: Path, token_ids: list[int]) -> Arrays:
    """Residuals, states, int32 logits and their scale of a prompt on a shipped image."""
    engine = SpecEngine(open_image(path))
    x = engine.residuals(token_ids)
    logits = engine.head(x)
    return {
        "token_ids": np.array(token_ids),
        "residual": x,
        "state": engine.state,
        "logits": logits.codes[-1].astype(np.int32),
        "scale_mantissa": logits.scale.mantissa,
        "scale_exponent": logits.scale.exponent,
    }


if __name__ == "__main__":
    for profile in PROFILES.values():
        np.savez_compressed(FOLDER / f"operations-{profile.name}.npz", **operations(profile))
    tokens = whole_tokens(shipped_model("demo"), [1, 300, 301, 302])
    np.savez_compressed(FOLDER / "demo-tokens.npz", **tokens)
