"""Is the share of missing ratings Wilson's, with as many ratings as the scenarios are worth?"""

from collections.abc import Callable
from math import isnan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from judgefair.statistics import missing_rate


def simulate(rng: np.random.Generator, n_scenarios: int, per_scenario: int) -> tuple[np.ndarray, np.ndarray]:
    """Missing or not, and the scenario. A scenario is refused with a probability of its own, Beta(1, 4): 0.2 on average."""
    own = np.repeat(rng.beta(1, 4, n_scenarios), per_scenario)
    return rng.random(len(own)) < own, np.repeat(np.arange(n_scenarios), per_scenario)


# Points and intervals


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (3, 17), (40, 200), (199, 200), (200, 200)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_without_clusters_the_interval_is_wilsons(k: int, n: int, confidence: float) -> None:
    estimate = missing_rate(np.arange(n) < k, "refused", confidence=confidence)
    scipys = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")  # shares no code with what we call
    assert estimate.value == k / n
    assert (estimate.low, estimate.high) == pytest.approx((scipys.low, scipys.high), abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(k, n, 1 - confidence, "wilson"), abs=1e-12)


def test_with_clusters_the_interval_is_wilsons_on_the_effective_number_of_ratings() -> None:
    # n_eff = p (1 - p) / se^2, with the clustered se of a regression on a constant (its correction is G/(G - 1) for K = 1).
    missing, scenarios = simulate(np.random.default_rng(1), 50, 8)
    estimate = missing_rate(missing, "refused", scenarios)
    p = missing.mean()
    se = sm.OLS(missing.astype(float), np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": scenarios}).bse[0]
    n_eff = p * (1 - p) / se**2
    assert n_eff < 300
    z = stats.norm.ppf(0.975)
    middle = (p + z**2 / (2 * n_eff)) / (1 + z**2 / n_eff)
    reach = z / (1 + z**2 / n_eff) * (p * (1 - p) / n_eff + z**2 / (4 * n_eff**2)) ** 0.5
    assert (estimate.low, estimate.high) == pytest.approx((middle - reach, middle + reach), rel=1e-9)


def test_scenarios_that_are_missing_as_a_whole_count_once_each() -> None:
    # 12 of 40 scenarios missing with all their 5 ratings: as many as 40 ratings tell, less the G - 1 of the variance, 39.
    whole = np.repeat(np.arange(40) < 12, 5)
    estimate = missing_rate(whole, "backend_failure", np.repeat(np.arange(40), 5))
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(0.3 * 39, 39, method="wilson"), rel=1e-9)


def test_a_cluster_a_rating_is_no_cluster() -> None:
    missing = np.arange(30) % 4 == 0
    clustered, plain = missing_rate(missing, "refused", np.arange(30)), missing_rate(missing, "refused")
    assert (clustered.low, clustered.high) == (plain.low, plain.high)


def test_the_interval_never_counts_more_ratings_than_there_are() -> None:
    # One rating of four missing in nearly every scenario: more even than chance, which is no reason for a narrower interval.
    missing, scenarios = np.tile([True, False, False, False], 30), np.repeat(np.arange(30), 4)
    missing[1] = True
    estimate, plain = missing_rate(missing, "refused", scenarios), missing_rate(missing, "refused")
    assert (estimate.low, estimate.high) == (plain.low, plain.high)


def test_the_reason_names_the_estimand_and_the_counts_are_those_of_ratings() -> None:
    estimate = missing_rate([True, False, True, False, False], "unparsable", list("aabbc"))
    assert estimate.estimand == "missing_rate.unparsable"
    assert (estimate.value, estimate.n_items, estimate.n_clusters, estimate.n_missing) == (0.4, 5, 3, 2)


# Degenerate data


@pytest.mark.parametrize("clusters", [None, []])
def test_the_rate_of_no_ratings_is_undefined_and_not_zero(clusters: list[str] | None) -> None:
    estimate = missing_rate([], "refused", clusters)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == "undefined: there are no ratings"


@pytest.mark.parametrize("missing", [True, False])
def test_none_or_all_missing_keeps_an_interval_as_wide_as_the_scenarios_are_few(missing: bool) -> None:
    estimate = missing_rate([missing] * 60, "refused", np.repeat(np.arange(6), 10))
    assert estimate.value == float(missing)
    # Wilson's bound for 0 of 6 is z^2 / (6 + z^2) = 0.39, for 0 of 60 ratings it would have been 0.06.
    bound = 1.959964**2 / (6 + 1.959964**2)
    assert (estimate.low, estimate.high) == pytest.approx((1 - bound, 1) if missing else (0, bound), abs=1e-6)


def test_one_scenario_tells_no_more_than_one_rating() -> None:
    estimate = missing_rate([True, False, False, False], "refused", ["only"] * 4)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(0.25, 1, method="wilson"), abs=1e-12)
    assert estimate.high - estimate.low > 0.75


@pytest.mark.parametrize(("n_clusters", "size", "k"), [(11, 39, 31), (3, 10, 3), (7, 12, 5)])
def test_equal_rates_in_all_scenarios_count_the_scenarios_whatever_the_rounding(n_clusters: int, size: int, k: int) -> None:
    # (11, 39, 31) leaves residuals of 1e-15, which must not pass for a design effect.
    missing = np.tile(np.arange(size) < k, n_clusters)
    estimate = missing_rate(missing, "refused", np.repeat(np.arange(n_clusters), size))
    assert (estimate.low, estimate.high) == pytest.approx(
        proportion_confint(k / size * n_clusters, n_clusters, method="wilson"), abs=1e-12
    )


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), min_size=1, max_size=30), st.booleans())
def test_the_rate_of_any_ratings_lies_within_its_interval_and_the_interval_within_0_and_1(
    rows: list[tuple[bool, str]], clustered: bool
) -> None:
    missing, clusters = (list(column) for column in zip(*rows, strict=True))
    estimate = missing_rate(missing, "refused", clusters if clustered else None)
    assert -1e-12 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1 + 1e-12
    assert estimate.high - estimate.low > 0.05


# Properties


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_rate_ignores_the_order_of_ratings(rows: list[tuple[bool, str]], random: object) -> None:
    shuffled = random.sample(rows, len(rows))  # type: ignore[attr-defined]
    before, after = (
        missing_rate([missing for missing, _ in each], "refused", [cluster for _, cluster in each]) for each in (rows, shuffled)
    )
    assert (after.value, after.low, after.high) == pytest.approx((before.value, before.low, before.high), abs=1e-9)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(2, 4))
def test_duplicating_all_scenarios_leaves_the_rate_alone(missing: list[bool], k: int) -> None:
    assert missing_rate(missing * k, "refused").value == pytest.approx(missing_rate(missing, "refused").value, abs=1e-12)


def test_duplicating_ratings_inside_scenarios_does_not_shrink_the_interval() -> None:
    missing, scenarios = simulate(np.random.default_rng(2), 40, 6)
    once, often = missing_rate(missing, "refused", scenarios), missing_rate(np.tile(missing, 3), "refused", np.tile(scenarios, 3))
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-12)


# Coverage: 4,000 samples of 60 or 150 scenarios with 8 ratings each, refused as a fifth on average (correlation within a
# scenario 1 / (1 + 1 + 4) = 0.17, design effect 2.2).


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [60, 150])
def test_intervals_of_the_rate_hold_the_planted_one_as_often_as_they_say(
    n_scenarios: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(18)
    samples = [simulate(rng, n_scenarios, 8) for _ in range(4000)]
    assert_nominal_coverage([missing_rate(missing, "refused", scenarios) for missing, scenarios in samples], 0.2)
    assert_too_few_cover([missing_rate(missing, "refused") for missing, _ in samples], 0.2)


@pytest.mark.slow
def test_intervals_of_the_rate_of_single_ratings_hold_the_planted_one_as_often_as_they_say(
    assert_nominal_coverage: Callable[..., None],
) -> None:
    rng = np.random.default_rng(19)
    assert_nominal_coverage([missing_rate(rng.random(200) < 0.2, "refused") for _ in range(4000)], 0.2)
