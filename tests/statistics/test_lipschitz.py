"""Is the bound the placebo's quantile, and are violations counted beyond the placebo's own, with L uncertain too?"""

from collections.abc import Callable
from math import ceil, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.statistics.lipschitz import lipschitz

ratios_of_any_kind = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0, nan]), min_size=1, max_size=30)


def simulate(rng: np.random.Generator, n_scenarios: int, times: float = 1.0) -> tuple[np.ndarray, ...]:
    """Two placebo pairs and two pairs a scenario, exponential and alike within it; those of the pairs are `times` as large."""
    latent = rng.normal(size=(n_scenarios, 1)) * 0.6 + rng.normal(size=(n_scenarios, 4)) * 0.8
    sizes = np.exp(latent)
    scenarios = np.repeat(np.arange(n_scenarios), 2)
    return times * sizes[:, :2].ravel(), sizes[:, 2:].ravel(), scenarios, scenarios


# Points


def test_bound_and_violations_are_those_counted_one_by_one() -> None:
    ratios, placebo, *clusters = simulate(np.random.default_rng(1), 30, 2.0)
    found = lipschitz(ratios, placebo, *clusters, n_resamples=50)
    bound = sorted(placebo)[ceil(61 * 0.95) - 1]  # of 60 placebos
    assert found.bound.value == bound
    assert found.violations.value == pytest.approx(sum(ratio > bound for ratio in ratios) / 60)
    own = 0
    for place, ratio in enumerate(placebo):  # each placebo held against the 59 others
        others = sorted(np.delete(placebo, place))
        own += ratio > others[ceil(60 * 0.95) - 1]
    assert found.excess.value == pytest.approx(found.violations.value - own / 60)


@pytest.mark.slow
def test_one_more_placebo_lies_above_the_bound_with_the_declared_probability_at_most() -> None:
    # Of m exchangeable values one more lies above the k-th smallest with probability 1 - k / (m + 1): 1 - 39/41 of 40.
    rng = np.random.default_rng(2)
    placebos, more = rng.exponential(size=(4000, 40)), rng.exponential(size=4000)
    bounds = np.array([lipschitz(each[:1], each, [0], range(40), n_resamples=2).bound.value for each in placebos])
    assert (more > bounds).mean() == pytest.approx(2 / 41, abs=4 * (0.05 * 0.95 / 4000) ** 0.5)


def test_ratings_that_no_placebo_moves_leave_a_bound_of_0_that_any_move_violates() -> None:
    found = lipschitz(np.array([0.0, 0.0, 1.0, 2.0]), np.zeros(40), range(4), range(40), n_resamples=50)
    assert (found.bound.value, found.violations.value, found.excess.value) == (0.0, 0.5, 0.5)


def test_pairs_as_the_placebos_are_no_excess_even_where_most_are_0() -> None:
    few = np.repeat([0.0, 1.0], [96, 4])
    found = lipschitz(few, few, range(100), range(100), n_resamples=50)
    assert (found.bound.value, found.violations.value, found.excess.value) == (0.0, 0.04, 0.0)


# Degenerate data


def test_where_every_pair_and_no_placebo_violates_the_interval_keeps_its_width() -> None:
    found = lipschitz(np.full(40, 2.0), np.zeros(40), range(40), range(40), n_resamples=50)
    bound = 1.959964**2 / (40 + 1.959964**2)  # Wilson's for 0 of 40
    assert (found.violations.low, found.violations.high) == pytest.approx((1 - bound, 1), abs=1e-6)
    assert (found.excess.value, found.excess.high) == pytest.approx((1, 1))
    assert 0.8 < found.excess.low < 1 - bound
    assert "no resample moves it; at this bound: " in found.excess.method


@pytest.mark.parametrize(("quantile", "least"), [(0.95, 19), (0.9, 9), (0.99, 99), (0.5, 1)])
def test_too_few_placebos_cannot_tell_the_quantile_and_one_more_can(quantile: float, least: int) -> None:
    ratios, placebo = np.ones(5), np.ones(least)
    short = lipschitz(ratios, placebo[1:], range(5), range(least - 1), quantile=quantile, n_resamples=2)
    assert all(isnan(each.value) for each in (short.bound, short.violations, short.excess))
    assert f"{least} are needed to tell the quantile" in short.excess.method
    assert lipschitz(ratios, placebo, range(5), range(least), quantile=quantile, n_resamples=2).bound.value == 1


def test_without_pairs_the_placebo_still_has_its_bound() -> None:
    found = lipschitz(np.array([nan]), np.arange(20.0), [0], range(20), n_resamples=50)
    assert found.bound.value == 19.0
    assert found.excess.method == "undefined: no pair of an arm and its reference has a distance and both ratings"
    assert found.excess.n_missing == 1


# Properties


@given(ratios_of_any_kind, st.floats(0.1, 10))
def test_another_unit_of_distance_changes_the_bound_and_no_violation(values: list[float], unit: float) -> None:
    ratios, placebo = np.array(values), np.tile([0.0, 0.5, 1.0, 2.0], 6)
    one = lipschitz(ratios, placebo, range(len(ratios)), range(24), n_resamples=2)
    other = lipschitz(ratios * unit, placebo * unit, range(len(ratios)), range(24), n_resamples=2)
    assert other.bound.value == pytest.approx(one.bound.value * unit)
    assert other.violations.value == pytest.approx(one.violations.value, nan_ok=True)
    assert other.excess.value == pytest.approx(one.excess.value, nan_ok=True)


def test_duplicated_pairs_within_scenarios_do_not_narrow_the_interval() -> None:
    ratios, placebo, scenarios, _ = simulate(np.random.default_rng(3), 60, 1.5)
    once = lipschitz(ratios, placebo, scenarios, scenarios).excess
    often = lipschitz(*(np.tile(each, 3) for each in (ratios, placebo, scenarios, scenarios))).excess
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.25)


# Coverage: 300 samples of 100 scenarios. Truth of the excess: P(times * X > q) - 0.05 for log X standard normal.


@pytest.mark.slow
@pytest.mark.parametrize("times", [1.0, 2.0])
def test_intervals_of_the_excess_hold_the_truth_as_often_as_they_say(
    times: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(4)
    found = [lipschitz(*simulate(rng, 100, times), n_resamples=1000).excess for _ in range(300)]
    assert_nominal_coverage(found, norm.sf(norm.ppf(0.95) - np.log(times)) - 0.05)
