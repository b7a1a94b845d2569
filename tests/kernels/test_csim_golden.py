"""The emitted kernels on the golden vectors that pin the number formats down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.kernel_inputs import first_codes, matvec_beats, norm_inputs
from tritstream.configurations import configuration_named
from tritstream.engines.csim import CsimEngine
from tritstream.image import open_image
from tritstream.kernels.memories import beside
from tritstream.models import shipped_model
from tritstream.numerics.integers import Scalar
from tritstream.spec.operations import NormParameters

GOLDEN = Path(__file__).parents[1] / "golden"
CONFIGURATIONS = ("tiny", "z7020")  # of profiles default and small


def vectors_of(name: str) -> dict[str, np.ndarray]:
    profile = configuration_named(name).profile_name
    with np.load(GOLDEN / f"operations-{profile}.npz", allow_pickle=False) as golden:
        return {key: golden[key] for key in golden.files}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_ternary_matvec(name: str, kernel: Callable) -> None:
    golden, c = vectors_of(name), configuration_named(name)
    d = c.sample.hidden
    small = golden["ternary_matvec.trits"]
    trits = np.zeros((d, d), np.int8)
    trits[: small.shape[0], : small.shape[1]] = small
    # The vector is the last of those that share the pass.
    codes = np.zeros((c.tokens, max(c.hidden, c.intermediate)), np.int8)
    codes[-1, : small.shape[1]] = golden["ternary_matvec.codes"]
    sums = np.zeros((d, c.tokens), np.int32)
    kernel(name, "ternary_matvec")(*matvec_beats(trits, c), beside(codes, c.lanes), sums)
    assert np.array_equal(sums[: len(small), -1], golden["ternary_matvec.result"])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_dequantise(name: str, kernel: Callable) -> None:
    golden, c = vectors_of(name), configuration_named(name)
    sums = np.zeros(c.sample.hidden, np.int32)
    gates = np.zeros_like(sums)
    # The accumulators are as wide as this geometry's sums can be.
    limit = 127 * max(c.sample.hidden, c.sample.intermediate)
    for row in range(len(golden["dequantise.sums"])):
        given = golden["dequantise.sums"][row]
        fits = np.abs(given) <= limit
        sums[: len(given)] = np.where(fits, given, 0)
        scale = [golden[f"dequantise.{part}"][row] for part in ("mantissa", "exponent")]
        kernel(name, "dequantise", "dequantise_gates")(sums, np.array(scale, np.int32), gates)
        expected = golden["dequantise.gate_result"][row]
        assert np.array_equal(gates[: len(given)][fits], expected[fits])


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("matrix", ["i", "o", "gate", "down", "head"])
def test_rmsnorm(name: str, matrix: str, kernel: Callable) -> None:
    golden, c = vectors_of(name), configuration_named(name)
    at = f"norm_codes.{matrix}"
    s = [np.int64(v) for v in golden[f"{at}.scalars"]]
    norm = NormParameters(
        gain=golden[f"{at}.gain"],
        block=golden[f"{at}.block"],
        scale=Scalar(s[0], s[1]),  # type: ignore[arg-type]
        square_exponent=int(s[2]),
        eps_square=Scalar(s[3], s[4]),  # type: ignore[arg-type]
        eps=Scalar(s[5], s[6]),  # type: ignore[arg-type]
    )
    for row, vector in enumerate(golden["norm_codes.vectors"]):
        plain = [int(golden[f"norm_codes.plain_{part}"][row]) for part in ("mantissa", "exponent")]
        inputs = norm_inputs(vector, norm, (plain[0], plain[1]), c)
        codes, scale = np.zeros(len(inputs[0]), np.int8), np.zeros(2, np.int32)
        kernel(name, "rmsnorm")(*inputs, codes, scale)
        assert np.array_equal(first_codes(codes, c)[: len(vector)], golden[f"{at}.codes"][row])
        assert scale.tolist() == [
            golden[f"{at}.scale_{part}"][row] for part in ("mantissa", "exponent")
        ]


@pytest.mark.usefixtures("what_csim_needs")
def test_whole_tokens_of_the_demo_model() -> None:
    engine = CsimEngine(open_image(shipped_model("demo")))
    with np.load(GOLDEN / "demo-tokens.npz", allow_pickle=False) as golden:
        engine.prefill(golden["token_ids"].tolist())
        found = engine.sums()
        assert np.array_equal(engine.residual, golden["residual"][-1])
        assert np.array_equal(engine.state, golden["state"])
        assert np.array_equal(found.codes[0], golden["logits"])
        assert int(found.scale.mantissa[0]) == int(golden["scale_mantissa"][-1])
        assert int(found.scale.exponent[0]) == int(golden["scale_exponent"][-1])
