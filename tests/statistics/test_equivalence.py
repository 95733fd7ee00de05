"""Do the two one-sided tests agree with the interval, with another package, and with their error rate?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from judgefair.statistics.clustered import clustered_mean
from judgefair.statistics.equivalence import equivalence, tost

numbers = st.lists(st.sampled_from([nan, -1.0, -0.5, 0.0, 0.3, 1.0, 2.0]), max_size=12)


def clustered(rng: np.random.Generator, n_clusters: int, mean: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Values and the cluster of each: clusters of one to four values, which are alike."""
    sizes = rng.integers(1, 5, n_clusters)
    clusters = np.repeat(np.arange(n_clusters), sizes)
    return mean + 0.6 * rng.normal(size=n_clusters)[clusters] + 0.5 * rng.normal(size=len(clusters)), clusters


# Points, p-values and intervals


@pytest.mark.parametrize(("shift", "delta"), [(0.0, 0.3), (0.2, 0.3), (-0.25, 0.5), (0.6, 0.4)])
def test_the_p_value_is_that_of_statsmodels_on_paired_ratings(shift: float, delta: float) -> None:
    rng = np.random.default_rng(1)
    human = rng.normal(3, 1, 25)
    judge = human + shift + 0.6 * rng.normal(size=25)
    estimate = equivalence(judge - human, delta)
    larger, below, above = ttost_paired(judge, human, -delta, delta)
    assert estimate.p_value == pytest.approx(larger, rel=1e-9)
    assert larger == max(below[1], above[1])
    assert estimate.value == pytest.approx(below[0] * estimate.se - delta, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_is_the_t_interval_at_twice_the_confidence_minus_one(confidence: float) -> None:
    values = np.random.default_rng(2).normal(size=20)
    estimate = equivalence(values, 0.5, confidence=confidence)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(2 * confidence - 1)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(theirs), rel=1e-9)
    assert estimate.level == 2 * confidence - 1 or estimate.level == round(2 * confidence - 1, 12)
    assert f"{2 * confidence - 1:.0%} t interval over 20 values" in estimate.method


def test_the_standard_error_is_that_of_a_clustered_regression_on_a_constant() -> None:
    values, clusters = clustered(np.random.default_rng(3), 30, 0.1)
    estimate = equivalence(values, 0.4, clusters)
    theirs = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    assert estimate.se == pytest.approx(theirs.bse[0], rel=1e-10)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(theirs.conf_int(0.1)[0]), rel=1e-9)
    sides = [stats.t.sf((theirs.params[0] + 0.4) / theirs.bse[0], 29), stats.t.cdf((theirs.params[0] - 0.4) / theirs.bse[0], 29)]
    assert estimate.p_value == pytest.approx(max(sides), rel=1e-8)
    assert (estimate.n_items, estimate.n_clusters) == (len(values), 30)


@given(numbers, st.floats(0.05, 2), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_p_value_is_below_alpha_exactly_where_the_interval_lies_within_the_tolerance(
    values: list[float], delta: float, confidence: float
) -> None:
    estimate = equivalence(values, delta, confidence=confidence)
    assume(estimate.p_value is not None)
    assume(min(abs(estimate.low + delta), abs(estimate.high - delta)) > 1e-9)
    assert (estimate.p_value < 1 - confidence) == (-delta < estimate.low and estimate.high < delta)


@given(numbers, st.floats(0.05, 2))
def test_the_sign_of_the_values_does_not_matter(values: list[float], delta: float) -> None:
    ours, mirrored = equivalence(values, delta), equivalence([-value for value in values], delta)
    assert (mirrored.low, mirrored.high) == pytest.approx((-ours.high, -ours.low), abs=1e-12, nan_ok=True)
    assert (ours.p_value is None) == (mirrored.p_value is None)
    assert ours.p_value is None or mirrored.p_value == pytest.approx(ours.p_value, abs=1e-9)


def test_tost_is_the_p_value_of_equivalence() -> None:
    values, clusters = clustered(np.random.default_rng(4), 12)
    mean = clustered_mean(np.bincount(clusters, values), np.bincount(clusters).astype(float))
    assert tost(mean, 0.3) == equivalence(values, 0.3, clusters).p_value


def test_tost_of_a_gap_has_the_degrees_of_freedom_of_the_smaller_population() -> None:
    # 4 scenarios against 40: 3 degrees of freedom, as in the interval of the gap.
    rng = np.random.default_rng(5)
    few, many = np.zeros(44), np.zeros(44)
    few[:4], many[4:] = 1, 1
    values = rng.normal(0, 0.1, 44)
    gap = clustered_mean(values * few, few).minus(clustered_mean(values * many, many))
    se = gap.interval(0.95)[2]
    assert tost(gap, 0.3) == pytest.approx(stats.t.sf((0.3 - abs(gap.value)) / se, 3), rel=1e-9)


def test_missing_values_are_left_out_and_counted() -> None:
    estimate = equivalence([1.0, nan, 0.0, -1.0, nan], 2, list("aabbc"))
    assert (estimate.n_items, estimate.n_clusters, estimate.n_missing) == (3, 2, 2)
    assert estimate.value == 0


# Degenerate data


@pytest.mark.parametrize("values", [[], [nan], [nan, nan]])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_mean_of_nothing_is_undefined(values: list[float], clustered: bool) -> None:
    estimate = equivalence(values, 1, ["a"] * len(values) if clustered else None)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.p_value is None
    assert estimate.method == "undefined: there is no value"


@pytest.mark.parametrize(
    ("values", "clusters", "reason"),
    [
        ([0.1], None, "no interval: a mean of one cluster"),
        ([0.1, 0.2], ["only"] * 2, "no interval: a mean of one cluster"),
        ([0.1] * 5, None, "no interval: no variance between clusters"),
        ([0.0] * 5, None, "no interval: no variance between clusters"),
    ],
)
def test_what_never_varies_or_comes_once_is_not_called_equivalent(values: list, clusters: list | None, reason: str) -> None:
    estimate = equivalence(values, 1, clusters)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.p_value is None
    assert reason in estimate.method


def test_tost_of_a_mean_without_a_standard_error_is_nan() -> None:
    assert isnan(tost(clustered_mean(np.zeros(3), np.ones(3)), 1))
    assert isnan(tost(clustered_mean(np.ones(1), np.ones(1)), 1))
    assert isnan(tost(clustered_mean(np.zeros(0), np.zeros(0)), 1))


@pytest.mark.parametrize("delta", [0, -1, nan])
def test_a_tolerance_that_nothing_lies_within_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match=r"delta is .*\. Expected a tolerance above 0, in scale points"):
        equivalence([1, 2], delta)
    with pytest.raises(ValueError, match="delta is"):
        tost(clustered_mean(np.ones(2), np.ones(2)), delta)


@pytest.mark.parametrize("confidence", [0.5, 1, 95])
def test_a_confidence_without_an_interval_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence is .*\. Expected a number between 0.5 and 1"):
        equivalence([1, 2], 1, confidence=confidence)


@settings(max_examples=100)
@given(numbers, st.booleans())
def test_equivalence_of_any_values_is_a_number_or_nan_with_a_reason(values: list[float], in_clusters: bool) -> None:
    estimate = equivalence(values, 0.7, [i // 3 for i in range(len(values))] if in_clusters else None)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    assert isnan(estimate.low) == (estimate.p_value is None)


@given(numbers.filter(len), st.integers(2, 4))
def test_duplicating_values_inside_clusters_does_not_shrink_the_interval(values: list[float], k: int) -> None:
    clusters = [i // 2 for i in range(len(values))]
    once, often = equivalence(values, 1, clusters), equivalence(values * k, 1, clusters * k)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-9, nan_ok=True)


# Error rate: 4,000 samples whose true mean is the tolerance itself, where equivalence is false but nearly true.


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [10, 40])
def test_a_mean_at_the_tolerance_is_called_equivalent_as_often_as_alpha_says(n_clusters: int) -> None:
    rng = np.random.default_rng(6)
    samples = [clustered(rng, n_clusters, 0.8) for _ in range(4000)]
    low, high = stats.binom.interval(0.999, 4000, 0.05)
    assert low <= sum(equivalence(values, 0.8, clusters).p_value < 0.05 for values, clusters in samples) <= high
    # The control: values of a cluster taken as independent call it equivalent too often.
    assert sum(equivalence(values, 0.8).p_value < 0.05 for values, _ in samples) > high


@pytest.mark.slow
def test_the_interval_holds_the_mean_as_often_as_it_says(assert_nominal_coverage: Callable[..., None]) -> None:
    rng = np.random.default_rng(7)
    drawn = [clustered(rng, 30, 0.2) for _ in range(2000)]
    # A confidence of 0.975 makes the interval one of 95 %.
    assert_nominal_coverage([equivalence(values, 1, clusters, confidence=0.975) for values, clusters in drawn], 0.2)
