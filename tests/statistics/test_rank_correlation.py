"""Are the rank correlations Spearman's and Kendall's, and do their intervals hold what they say?"""

import tracemalloc
from collections.abc import Callable
from itertools import combinations, combinations_with_replacement
from math import isnan, nan, sqrt
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics.rank_correlation import rank_correlation

Kind = Literal["spearman", "kendall"]
KINDS: tuple[Kind, ...] = ("spearman", "kendall")
both_kinds = pytest.mark.parametrize("kind", KINDS)
pairs = hnp.arrays(float, st.tuples(st.just(2), st.integers(1, 12)), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 4.0]))


def by_definition(kind: Kind, a: np.ndarray, b: np.ndarray) -> float:
    """Counting: midranks and their product-moment correlation, or pairs of items and tau-b. nan where one does not vary."""
    if len(set(a)) == 1 or len(set(b)) == 1:
        return nan
    if kind == "kendall":
        signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in combinations(range(len(a)), 2)]
        return sum(x * y for x, y in signs) / sqrt(sum(x * x for x, _ in signs) * sum(y * y for _, y in signs))
    ranks = [[sum(v < u for v in x) + (sum(v == u for v in x) + 1) / 2 for u in x] for x in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


# Points


def test_the_correlations_are_those_published_for_tuna() -> None:
    # Hollander and Wolfe 1973, p. 187: lightness of canned tuna and a consumer panel's mean rating. Kendall's K is 16 of
    # 36 pairs (0.444); the squared rank differences sum to 48: 1 - 6 * 48 / (9 * 80) = 0.6.
    lightness = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1]
    panel = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8]
    assert rank_correlation(lightness, panel, "kendall").value == pytest.approx(16 / 36, abs=1e-12)
    assert rank_correlation(lightness, panel, "spearman").value == pytest.approx(0.6, abs=1e-12)


@given(pairs, st.sampled_from(KINDS))
def test_the_correlation_of_ratings_with_ties_is_that_of_the_definition(both: np.ndarray, kind: Kind) -> None:
    rated = both[:, ~np.isnan(both).any(axis=0)]
    expected = by_definition(kind, *rated) if rated.size else nan
    assert rank_correlation(*both, kind, n_resamples=2).value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_pair_with_a_missing_rating_is_left_out_and_counted() -> None:
    a, b = np.array([1, 2, nan, 3, 1, 2]), np.array([1, 2, 3, nan, 2, 2])
    estimate = rank_correlation(a, b, clusters=list("xxyyzz"))
    assert estimate.value == rank_correlation(a[[0, 1, 4, 5]], b[[0, 1, 4, 5]]).value
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (4, 2, 2, 2)


@both_kinds
def test_the_estimand_names_the_kind(kind: Kind) -> None:
    assert rank_correlation([1, 2], [1, 2], kind).estimand == f"rank_correlation.{kind}"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kind is 'pearson'\. Expected 'spearman' or 'kendall'"):
        rank_correlation([1, 2], [1, 2], "pearson")  # type: ignore[arg-type]


# Draws


@settings(max_examples=60)
@given(st.data(), st.sampled_from(KINDS), st.sampled_from([2, 5, 40]))
def test_resamples_are_correlations_of_the_pairs_drawn(data: st.DataObject, kind: Kind, n_values: int) -> None:
    # Three clusters can be drawn in 10 ways, the rarest (one cluster thrice) in 1 of 27 resamples: the 99 % interval ends
    # at the least and the greatest of 10 correlations, which scipy computes from the pairs themselves.
    size = data.draw(st.integers(3, 15))
    a, b = data.draw(hnp.arrays(float, (2, size), elements=st.integers(1, n_values)))
    clusters = np.arange(size) % 3
    correlation = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[kind]
    possible = []
    for drawn in combinations_with_replacement(range(3), 3):
        rows = np.concatenate([np.flatnonzero(clusters == cluster) for cluster in drawn])
        if np.ptp(a[rows]) == 0 or np.ptp(b[rows]) == 0:
            return  # an undefined draw, of which other tests tell
        possible.append(correlation(a[rows], b[rows]).statistic)
    estimate = rank_correlation(a, b, kind, clusters, confidence=0.99)
    if np.ptp(possible) < 1e-9:
        assert isnan(estimate.low)
    else:
        assert (estimate.low, estimate.high) == pytest.approx((min(possible), max(possible)), abs=1e-9)


@both_kinds
@pytest.mark.parametrize("n_values", [5, 10_000], ids=["levels", "all values differ"])
def test_the_standard_error_is_that_of_a_loop_over_resamples(kind: Kind, n_values: int) -> None:
    rng = np.random.default_rng(1)
    a, b = correlate(rng, 150)
    if n_values == 5:
        a, b = to_levels(a), to_levels(b)
    correlation = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[kind]
    loop = [correlation(a[rows], b[rows]).statistic for rows in rng.integers(150, size=(1500, 150))]
    estimate = rank_correlation(a, b, kind, n_resamples=6000)
    # 1,500 draws know a standard error to 2 %.
    assert estimate.se == pytest.approx(np.std(loop, ddof=1), rel=0.08)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.quantile(loop, [0.025, 0.975])), abs=0.015)


@both_kinds
def test_memory_stays_bounded_where_every_value_differs(kind: Kind) -> None:
    # All resamples at once would take 100 x 10,000 weights of 8 bytes many times over, the table of values 800 megabytes.
    a, b = correlate(np.random.default_rng(2), 10_000)
    tracemalloc.start()
    rank_correlation(a, b, kind, n_resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


# Degenerate data


@both_kinds
@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([nan, nan], [1, 2]), ([nan, 1], [1, nan])], ids=["empty", "all missing", "no overlap"]
)
def test_the_correlation_is_undefined_when_no_item_has_both_ratings(a: list[float], b: list[float], kind: Kind) -> None:
    estimate = rank_correlation(a, b, kind)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == "undefined: no item has both ratings"
    assert estimate.n_missing == len(a)


@both_kinds
@pytest.mark.parametrize(
    ("a", "b", "constant"),
    [([3, 3, 3], [1, 2, 3], "a is 3"), ([1, 2, 3], [4, 4, 4], "b is 4"), ([1], [2], "a is 1")],
    ids=["a", "b", "one pair"],
)
def test_the_correlation_is_undefined_where_a_rating_does_not_vary(
    a: list[float], b: list[float], constant: str, kind: Kind
) -> None:
    estimate = rank_correlation(a, b, kind)
    assert isnan(estimate.value)
    assert estimate.method == f"undefined: {constant} on every item: without variance there is no order"


@both_kinds
def test_one_cluster_gives_a_point_without_an_interval(kind: Kind) -> None:
    estimate = rank_correlation([1, 2, 3], [1, 3, 2], kind, ["only"] * 3)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert isnan(estimate.se)
    assert "no interval: all resamples give the same value" in estimate.method


@both_kinds
def test_the_same_order_is_one_and_never_an_interval_of_no_width(kind: Kind) -> None:
    a = np.random.default_rng(3).normal(size=60)
    estimate = rank_correlation(a, np.exp(a), kind)
    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert isnan(estimate.low)
    assert "no interval" in estimate.method


@both_kinds
def test_resamples_that_do_not_vary_are_told_and_give_no_interval(kind: Kind) -> None:
    # One of 20 pairs differs from the rest: a resample without it, (19/20)^20 = 36 %, has no variance.
    estimate = rank_correlation([1] * 19 + [2], [1] * 19 + [2], kind)
    assert estimate.value == pytest.approx(1)
    assert isnan(estimate.low)
    assert "no interval: undefined in 3" in estimate.method


@settings(max_examples=150)
@given(hnp.arrays(float, st.tuples(st.just(2), st.integers(0, 6)), elements=st.sampled_from([nan, 0.1, 0.3, 2.0])),
       st.sampled_from(KINDS), st.booleans())  # fmt: skip
def test_the_correlation_of_any_pairs_is_a_number_or_nan_with_a_reason(both: np.ndarray, kind: Kind, clustered: bool) -> None:
    clusters = [str(pair // 2) for pair in range(both.shape[1])] if clustered else None
    estimate = rank_correlation(*both, kind, clusters, n_resamples=50)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)


# Properties


@given(pairs, st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_the_correlation_ignores_rater_order_and_item_order(both: np.ndarray, kind: Kind, random: object) -> None:
    order = random.sample(range(both.shape[1]), both.shape[1])  # type: ignore[attr-defined]
    before, after = rank_correlation(*both, kind, n_resamples=2), rank_correlation(*both[::-1, order], kind, n_resamples=2)
    assert after.value == pytest.approx(before.value, abs=1e-9, nan_ok=True)


@given(pairs, st.sampled_from(KINDS))
def test_only_the_order_of_the_values_matters_to_point_and_interval(both: np.ndarray, kind: Kind) -> None:
    before, after = (
        rank_correlation(*both, kind, n_resamples=20),
        rank_correlation(both[0] ** 3, both[1] / 7 - 2, kind, n_resamples=20),
    )
    assert (after.value, after.low, after.high) == pytest.approx((before.value, before.low, before.high), nan_ok=True)


@given(pairs, st.sampled_from(KINDS))
def test_turning_one_scale_round_turns_the_sign(both: np.ndarray, kind: Kind) -> None:
    before, after = rank_correlation(*both, kind, n_resamples=20), rank_correlation(both[0], -both[1], kind, n_resamples=2)
    assert after.value == pytest.approx(-before.value, abs=1e-9, nan_ok=True)


@given(pairs, st.integers(2, 4))
def test_duplicating_all_scenarios_leaves_the_correlation_alone(both: np.ndarray, k: int) -> None:
    for kind in KINDS:
        often = rank_correlation(*np.tile(both, k), kind, n_resamples=2)
        assert often.value == pytest.approx(rank_correlation(*both, kind, n_resamples=2).value, abs=1e-9, nan_ok=True)


@both_kinds
def test_duplicating_pairs_inside_clusters_does_not_shrink_the_clustered_interval(kind: Kind) -> None:
    (a, b), items = correlate(np.random.default_rng(4), 120), np.repeat(np.arange(40), 3)
    once, twice = rank_correlation(a, b, kind, items), rank_correlation(np.tile(a, 2), np.tile(b, 2), kind, np.tile(items, 2))
    assert (twice.low, twice.high, twice.se) == pytest.approx((once.low, once.high, once.se), abs=1e-12)


@both_kinds
@pytest.mark.parametrize("clustered", [False, True])
def test_the_same_seed_gives_the_same_interval_and_another_seed_another(kind: Kind, clustered: bool) -> None:
    a, b = correlate(np.random.default_rng(5), 60)
    clusters = np.repeat(np.arange(20), 3) if clustered else None
    first, again, other = (rank_correlation(a, b, kind, clusters, rng=seed) for seed in (5, 5, 6))
    assert first == again
    assert first.seed == 5
    assert (first.low, first.high) != (other.low, other.high)


@pytest.mark.parametrize(("n_pairs", "said"), [(49, True), (50, False)])
def test_few_pairs_are_said(n_pairs: int, said: bool) -> None:
    assert ("few were drawn" in rank_correlation(*correlate(np.random.default_rng(6), n_pairs)).method) == said


# Coverage: 600 samples of 150 pairs, or of 60 clusters of 3 pairs. Where values are continuous the truth is that of the
# normal distribution (Pearson 1907: 6/pi asin(r/2) and 2/pi asin(r)), else that of a million pairs by scipy.


def correlate(rng: np.random.Generator, n_clusters: int, per_cluster: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Normal pairs with correlation 0.6, of unit variance, of which clusters share half."""
    common = np.repeat(rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n_clusters), per_cluster, axis=0)
    own = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], len(common))
    a, b = ((common + own) / sqrt(2)).T
    return a, b


def to_levels(x: np.ndarray) -> np.ndarray:
    return np.clip(np.round(x + 2.5), 1, 5)


@pytest.mark.slow
@both_kinds
@pytest.mark.parametrize("levels", [True, False], ids=["levels", "all values differ"])
@pytest.mark.parametrize(("n_clusters", "per_cluster"), [(150, 1), (60, 3)])
def test_intervals_of_the_correlation_hold_the_truth_as_often_as_they_say(
    kind: Kind, levels: bool, n_clusters: int, per_cluster: int, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(19)
    if levels:
        million = map(to_levels, correlate(rng, 1_000_000))
        truth = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[kind](*million).statistic
    else:
        truth = {"spearman": 6 / np.pi * np.arcsin(0.3), "kendall": 2 / np.pi * np.arcsin(0.6)}[kind]
    clusters = np.repeat(np.arange(n_clusters), per_cluster) if per_cluster > 1 else None
    estimates = []
    for _ in range(600):
        a, b = correlate(rng, n_clusters, per_cluster)
        a, b = (to_levels(a), to_levels(b)) if levels else (a, b)
        estimates.append(rank_correlation(a, b, kind, clusters, n_resamples=600, rng=rng))
    assert_nominal_coverage(estimates, truth)
