"""Are the bounds what a gap would be with the missing ratings at either end of the scale?"""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.statistics.estimate import Estimate
from judgefair.statistics.missingness_bounds import missingness_bounds

ratings = st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]), min_size=1, max_size=8)


@given(ratings, ratings, st.integers(0, 6), st.integers(0, 6))
def test_bounds_are_the_gaps_with_the_missing_ratings_at_either_end(a: list, b: list, lost_a: int, lost_b: int) -> None:
    gap = np.mean(a) - np.mean(b)
    bounds = missingness_bounds(
        Estimate("gap.corrected", float(gap)), float(np.mean(a)), float(np.mean(b)),
        lost_a / (lost_a + len(a)), lost_b / (lost_b + len(b)), 1.0, 5.0,
    )  # fmt: skip
    filled = [np.mean(a + [x] * lost_a) - np.mean(b + [y] * lost_b) for x in (1, 5) for y in (1, 5)]
    assert (bounds.low, bounds.high) == pytest.approx((min(filled), max(filled)), abs=1e-12)
    assert bounds.low <= bounds.value + 1e-12
    assert bounds.value <= bounds.high + 1e-12
    assert bounds.value == gap


def test_ratings_in_between_the_ends_never_lead_beyond_the_bounds() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 6, 30).astype(float), rng.integers(1, 6, 20).astype(float)
    bounds = missingness_bounds(Estimate("gap.corrected", a.mean() - b.mean()), a.mean(), b.mean(), 10 / 40, 5 / 25, 1, 5)
    for _ in range(200):
        gap = np.r_[a, rng.uniform(1, 5, 10)].mean() - np.r_[b, rng.uniform(1, 5, 5)].mean()
        assert bounds.low < gap < bounds.high


def test_bounds_keep_what_the_gap_rests_on_and_are_no_confidence_interval() -> None:
    gap = Estimate("gap.corrected", 0.5, 0.1, 0.9, se=0.2, p_value=0.01, n_items=7, n_clusters=5, n_missing=2, method="m", seed=3)
    bounds = missingness_bounds(gap, 3.0, 2.5, 0.0, 0.0, 1, 5)
    assert (bounds.low, bounds.value, bounds.high) == (0.5, 0.5, 0.5)
    assert (bounds.estimand, bounds.n_items, bounds.n_clusters, bounds.n_missing) == ("gap.missingness_bounds", 7, 5, 2)
    assert isnan(bounds.se)
    assert bounds.p_value is None
    assert "not a confidence interval" in bounds.method


def test_a_corrected_mean_beyond_the_scale_does_not_turn_bounds_inside_out() -> None:
    bounds = missingness_bounds(Estimate("gap.corrected", 0.4), 5.2, 4.8, 0.5, 0.0, 1, 5)
    assert bounds.low <= bounds.value <= bounds.high


@pytest.mark.parametrize(
    ("gap", "means", "shares", "reason"),
    [
        (nan, (3.0, 2.0), (0.1, 0.1), "the gap itself is undefined"),
        (0.5, (nan, 2.0), (0.1, 0.1), "the gap itself is undefined"),
        (0.5, (3.0, nan), (0.1, 0.1), "the gap itself is undefined"),
        (0.5, (3.0, 2.0), (nan, 0.1), "no rating was asked for"),
        (0.5, (3.0, 2.0), (0.1, nan), "no rating was asked for"),
    ],
)
def test_without_a_gap_or_a_share_bounds_are_undefined(gap: float, means: tuple, shares: tuple, reason: str) -> None:
    bounds = missingness_bounds(Estimate("gap.corrected", gap), *means, *shares, 1, 5)
    assert isnan(bounds.value)
    assert isnan(bounds.low)
    assert bounds.method == f"undefined: {reason}"
