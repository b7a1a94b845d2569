"""The sigmoid's table against the exact function."""

import numpy as np
import pytest

from tritstream.numerics import PROFILES, Profile
from tritstream.numerics.sigmoid import sigmoid, sigmoid_of_negative, sigmoid_table


@pytest.fixture(params=sorted(PROFILES))
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


def grid(profile: Profile) -> np.ndarray:
    """Every cell's ends and many points inside, over twice the table's range."""
    step = 1 << (profile.gate_frac - profile.sigmoid_cells_log2)
    inside = np.random.default_rng(0).integers(0, 32 << profile.gate_frac, 200_000)
    ends = np.arange(0, 32 << profile.gate_frac, step)
    return np.unique(np.concatenate([inside, ends, np.maximum(ends - 1, 0)]))


def test_error_is_within_the_derived_bound(profile: Profile) -> None:
    t = grid(profile)
    exact = 1.0 / (1.0 + np.exp(t / 2.0**profile.gate_frac))
    error = np.abs(sigmoid_of_negative(t, profile) / profile.one - exact)
    inside = t < 16 << profile.gate_frac
    # Interpolation, and two units for the rounding of coefficients and products.
    width = 2.0**-profile.sigmoid_cells_log2
    assert error[inside].max() <= width**3 / 998 + 2 / profile.one
    # Beyond 16 the table stays at its end.
    assert error[~inside].max() <= 1.2e-7 + 2 / profile.one


def test_it_falls_from_one_half_and_stays_positive_or_zero(profile: Profile) -> None:
    values = sigmoid_of_negative(grid(profile), profile)
    assert values[0] == profile.one // 2
    assert values.min() >= 0
    # Rounding may make neighbours rise by a unit inside a cell, never more.
    assert np.diff(values).max() <= 1


def test_sigmoid_of_opposite_arguments_adds_to_one(profile: Profile) -> None:
    x = grid(profile)
    x = x[x > 0]
    assert np.all(sigmoid(x, profile) + sigmoid(-x, profile) == profile.one)


def test_coefficients_fit_the_widths_that_the_kernels_store() -> None:
    for profile in PROFILES.values():
        table = sigmoid_table(profile)
        bits = sum(int(v.max()).bit_length() for v in table)
        assert bits <= 64, profile.name
