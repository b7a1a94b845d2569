import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritstream import sampling
from tritstream.errors import EngineError, OptionError
from tritstream.native import built
from tritstream.sampling import Sampler, Sampling

LOGITS = np.array([0.0, 3.0, 1.0, 2.0, -1.0], np.float32)


def draws(sampling: Sampling, count: int = 4000, logits: np.ndarray = LOGITS) -> np.ndarray:
    sampler = Sampler(sampling)
    return np.bincount([sampler.pick(logits) for _ in range(count)], minlength=logits.size)


def test_greedy_takes_the_likeliest_and_the_lower_id_of_a_tie() -> None:
    assert Sampler(Sampling()).pick(LOGITS) == 1
    assert Sampler(Sampling()).pick(np.array([1, 2, 2], np.float32)) == 1


def test_logits_are_left_alone() -> None:
    logits = LOGITS.copy()
    Sampler(Sampling(1.0, repetition_penalty=2.0), seen=[1, 4]).pick(logits)
    np.testing.assert_array_equal(logits, LOGITS)


def test_same_seed_same_tokens_other_seed_others() -> None:
    def tokens(seed: int) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.5, seed=seed))
        return [sampler.pick(LOGITS) for _ in range(50)]

    assert tokens(7) == tokens(7)
    assert tokens(7) != tokens(8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_softmax(temperature: float) -> None:
    weights = np.exp(LOGITS.astype(np.float64) / temperature)
    expected = 4000 * weights / weights.sum()
    counts = draws(Sampling(temperature, seed=1))
    # Five standard deviations of a binomial: a fixed seed that fails would be a wrong sampler.
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected) + 1).all()


def test_top_k_keeps_the_k_likeliest() -> None:
    counts = draws(Sampling(10.0, top_k=2, seed=1))
    assert set(np.flatnonzero(counts)) == {1, 3}
    assert set(np.flatnonzero(draws(Sampling(10.0, top_k=99, seed=1)))) == set(range(5))


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05])).astype(np.float32)
    for top_p, kept in ((0.4, {0}), (0.6, {0, 1}), (0.9, {0, 1, 2}), (1.0, {0, 1, 2, 3})):
        counts = draws(Sampling(1.0, top_p=top_p, seed=1), logits=logits)
        assert set(np.flatnonzero(counts)) == kept


def test_repetition_penalty_acts_on_what_was_seen_and_drawn() -> None:
    logits = np.array([2.0, 1.5, -1.0, -1.2], np.float32)
    sampler = Sampler(Sampling(repetition_penalty=2.0), seen=[2])
    assert sampler.pick(logits) == 0
    assert sampler.pick(logits) == 1  # 2.0 became 1.0
    assert sampler.pick(logits) == 0  # 1.5 became 0.75
    negative = np.array([-1.0, -1.2], np.float32)
    assert Sampler(Sampling(repetition_penalty=2.0), seen=[0]).pick(negative) == 1
    assert Sampler(Sampling(repetition_penalty=2.0), seen=[999]).pick(negative) == 0


def test_a_seed_is_drawn_where_none_is_given_and_can_be_used_again() -> None:
    seeded = Sampling(1.0).seeded()
    assert seeded.seed is not None
    assert (draws(seeded, 50) == draws(Sampling(1.0, seed=seeded.seed), 50)).all()


def test_infinite_logits_rule_tokens_out() -> None:
    logits = np.array([-np.inf, 1.0, -np.inf], np.float32)
    assert set(np.flatnonzero(draws(Sampling(1.0, seed=0), 50, logits))) == {1}


def test_nan_is_an_error_not_a_token() -> None:
    with pytest.raises(EngineError, match="NaN"):
        Sampler(Sampling()).pick(np.array([1, np.nan], np.float32))


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"repetition_penalty": 0},
        {"seed": -1},
    ],
)
def test_values_out_of_range_name_the_option(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong)).replace("_", " ")):
        Sampling(**wrong)  # type: ignore[arg-type]


@given(
    st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40),
    st.floats(0.01, 5),
    st.integers(0, 50),
    st.floats(0.01, 1),
    st.integers(0, 2**64),
)
def test_what_is_drawn_is_always_allowed(
    values: list[float], temperature: float, top_k: int, top_p: float, seed: int
) -> None:
    logits = np.array(values, np.float32)
    token = Sampler(Sampling(temperature, top_k, top_p, seed=seed)).pick(logits)
    rank = int((logits > logits[token]).sum())
    assert rank < (top_k or logits.size)


def slow_pick(
    logits: np.ndarray, sampling: Sampling, seen: list[int], random: np.random.Generator
) -> int:
    """The definition: every score in float64, a stable sort of all, then the cuts and the draw."""
    scores, penalty = logits.astype(np.float64), sampling.repetition_penalty
    for token in dict.fromkeys(seen):
        scores[token] = scores[token] / penalty if scores[token] > 0 else scores[token] * penalty
    order = np.argsort(-scores, kind="stable")
    if sampling.temperature == 0:
        return int(order[0])
    if sampling.top_k:
        order = order[: sampling.top_k]
    elif sampling.top_p == 1:
        order = np.arange(scores.size)
    powers = np.exp((scores[order] - scores[order].max()) / sampling.temperature)
    weights = np.rint(powers * 2.0**40).astype(np.int64)
    cumulative = np.cumsum(weights)
    keep = int(np.searchsorted(cumulative, sampling.top_p * int(cumulative[-1]))) + 1
    cumulative = cumulative[:keep]
    drawn = int(random.random() * int(cumulative[-1]))
    return int(order[np.searchsorted(cumulative, drawn, side="right")])


@pytest.fixture(params=["native", "numpy"])
def search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are found by the native core, or by NumPy where there is none."""
    if request.param == "numpy":
        monkeypatch.setattr(sampling, "_core", lambda: None)
    elif built() is None:
        pytest.skip("the native core was not compiled here")


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize("vocabulary", [1, 2, 7, 40, 641, 3072, 32_000])
@pytest.mark.parametrize("penalty", [1.0, 1.1, 0.9])
@pytest.mark.parametrize(("top_k", "top_p"), [(0, 1.0), (0, 0.9), (1, 1.0), (40, 0.9), (900, 0.5)])
def test_the_shortcuts_draw_what_the_definition_draws(
    vocabulary: int, penalty: float, top_k: int, top_p: float
) -> None:
    rng = np.random.default_rng([vocabulary, top_k])
    for kind in ("normal", "ties", "constant", "ruled out", "steep"):
        logits = rng.normal(0, 3, vocabulary).astype(np.float32)
        if kind == "ties":
            logits = np.round(logits)
        elif kind == "constant":
            logits[:] = 1.5
        elif kind == "ruled out":
            logits[1:][rng.random(vocabulary - 1) < 0.9] = -np.inf
        elif kind == "steep":
            logits *= 30
        seen = rng.integers(0, vocabulary, 30).tolist()
        for temperature in (0.0, 0.3, 1.3):
            options = Sampling(temperature, top_k, top_p, penalty, seed=vocabulary)
            sampler, random = Sampler(options, seen), np.random.default_rng(vocabulary)
            so_far = list(seen)
            for _ in range(3):
                expected = slow_pick(logits, options, so_far, random)
                assert sampler.pick(logits) == expected, kind
                so_far.append(expected)


def test_a_temperature_next_to_nothing_is_greedy_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for top_k, top_p in ((0, 1.0), (0, 0.9), (3, 0.9)):
            assert Sampler(Sampling(1e-310, top_k, top_p, seed=1)).pick(LOGITS) == 1


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("at", [0, 31_999])
@pytest.mark.parametrize("penalty", [1.0, 1.1])
def test_nan_is_found_wherever_it_is(temperature: float, at: int, penalty: float) -> None:
    logits = np.zeros(32_000, np.float32)
    logits[at] = np.nan
    for top_k, top_p in ((0, 1.0), (40, 1.0), (0, 0.9)):
        with pytest.raises(EngineError, match="NaN"):
            Sampler(Sampling(temperature, top_k, top_p, penalty, seed=1), [0]).pick(logits)


def test_nothing_finite_is_an_error() -> None:
    for value in (-np.inf, np.inf):
        with pytest.raises(EngineError, match="no finite logit"):
            Sampler(Sampling(0.7, seed=1)).pick(np.full(5, value, np.float32))


def test_weights_are_the_exponential() -> None:
    x = np.concatenate([np.linspace(-30, 0, 100_001), [-1e9, -np.inf, -1e-300]])
    exact = np.exp(x) * 2.0**40
    assert np.abs(sampling._weights(x, 0.0, 1.0) - exact).max() < 0.51


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_the_core_draws_what_numpy_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, size = np.random.default_rng(5), 4099
    for seed in range(60):
        options = Sampling(rng.uniform(0.05, 3), int(rng.integers(1, 32)), rng.uniform(0.1, 1))
        options = replace(options, repetition_penalty=rng.uniform(0.8, 1.3), seed=seed)
        core = Sampler(options, range(seed))
        with monkeypatch.context() as without:
            logits = rng.normal(0, 4, (20, size)).astype(np.float32)
            found = [core.pick(row) for row in logits]
            without.setattr(sampling, "_core", lambda: None)
            numpy = Sampler(options, range(seed))
            assert found == [numpy.pick(row) for row in logits]
