"""Is kappa Cohen's, whichever weights, and does its interval hold what it says?"""

from collections.abc import Callable
from math import isnan, nan
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import cohen_kappa_score

from judgefair.statistics import kappa

Weights = Literal["linear", "quadratic"] | None
WEIGHTS: tuple[Weights, ...] = (None, "linear", "quadratic")
every_weighting = pytest.mark.parametrize("weights", WEIGHTS)
pairs = hnp.arrays(float, st.tuples(st.just(2), st.integers(1, 12)), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 4.0]))


def rate(rng: np.random.Generator, n_items: int, n_values: int = 5) -> tuple[np.ndarray, np.ndarray]:
    seen = rng.normal(size=n_items) + 0.8 * rng.normal(size=(2, n_items))
    a, b = np.clip(np.round(seen * n_values / 5 + (n_values + 1) / 2), 1, n_values)
    return a, b


# Points


def test_kappa_is_what_fleiss_cohen_and_everitt_published() -> None:
    # Fleiss, Cohen and Everitt 1969, table 1, in percent: two judges, three diagnoses, kappa 0.429.
    table = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
    a, b = np.repeat(np.repeat([0, 1, 2], 3), table.ravel()), np.repeat(np.tile([0, 1, 2], 3), table.ravel())
    assert round(kappa(a, b).value, 3) == 0.429


# irrCAC 0.4.4: CAC(pandas.DataFrame({"a": a, "b": b}), weights=w, digits=10).conger()["est"], which for two raters is
# Cohen's kappa, with w "identity", "linear" and "quadratic".
@pytest.mark.parametrize(("weights", "irrcac"), [(None, 0.3739130435), ("linear", 0.6666666667), ("quadratic", 0.8577075099)])
def test_kappa_equals_the_one_of_irrcac(weights: Weights, irrcac: float) -> None:
    a, b = [1, 2, 3, 4, 5, 3, 2, 4, 1, 5, 2, 3], [1, 2, 4, 4, 4, 3, 1, 5, 2, 5, 3, 3]
    assert kappa(a, b, weights).value == pytest.approx(irrcac, abs=1e-10)


@every_weighting
@pytest.mark.parametrize(("n_items", "n_values"), [(10, 2), (60, 3), (300, 5), (200, 10), (500, 101)])
def test_kappa_equals_the_one_of_scikit_learn(weights: Weights, n_items: int, n_values: int) -> None:
    a, b = rate(np.random.default_rng(n_items), n_items, n_values)
    # Their distance is that of positions in `labels`, ours that of values: with every value of the scale listed, the same.
    theirs = cohen_kappa_score(a.astype(int), b.astype(int), weights=weights, labels=np.arange(1, n_values + 1))
    assert kappa(a, b, weights, n_resamples=2).value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_a_level_nobody_used_keeps_its_distance(weights: Weights) -> None:
    a, b = np.array([1, 1, 2, 5, 5, 2, 2, 1]), np.array([2, 1, 2, 5, 5, 5, 1, 2])
    on_the_scale = cohen_kappa_score(a, b, weights=weights, labels=[1, 2, 3, 4, 5])
    by_position = cohen_kappa_score(a, b, weights=weights, labels=[1, 2, 5])
    assert kappa(a, b, weights).value == pytest.approx(on_the_scale, abs=1e-12)
    assert abs(on_the_scale - by_position) > 0.02


def test_a_pair_with_a_missing_rating_is_left_out_and_counted() -> None:
    a, b = np.array([1, 2, nan, 3, 1, 2]), np.array([1, 2, 3, nan, 2, 2])
    estimate = kappa(a, b, clusters=list("xxyyzz"))
    assert estimate.value == kappa(a[[0, 1, 4, 5]], b[[0, 1, 4, 5]]).value
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (4, 2, 2, 2)


@every_weighting
def test_the_estimand_names_the_weights(weights: Weights) -> None:
    assert kappa([1, 2], [1, 1], weights).estimand == f"kappa.{weights or 'none'}"


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="weights is 'cubic'"):
        kappa([1, 2], [1, 2], "cubic")  # type: ignore[arg-type]


# Degenerate data


@every_weighting
@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([nan, nan], [1, 2]), ([nan, 1], [1, nan])], ids=["empty", "all missing", "no overlap"]
)
def test_kappa_is_undefined_when_no_item_has_both_ratings(a: list[float], b: list[float], weights: Weights) -> None:
    estimate = kappa(a, b, weights)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == "undefined: no item has both ratings"
    assert estimate.n_missing == len(a)


@every_weighting
def test_kappa_is_undefined_without_variance_and_not_one(weights: Weights) -> None:
    estimate = kappa([3, 3, 1], [3, 3, nan], weights)
    assert isnan(estimate.value)
    assert estimate.method.startswith("undefined: all ratings are 3: without variance")


@every_weighting
@pytest.mark.parametrize("clusters", [None, ["only"] * 2])
def test_one_pair_or_one_cluster_gives_a_point_without_an_interval(weights: Weights, clusters: list[str] | None) -> None:
    a, b = ([1.0, 2.0], [1.0, 1.0]) if clusters else ([1.0], [2.0])
    estimate = kappa(a, b, weights, clusters)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert isnan(estimate.se)
    assert "no interval: all resamples give the same value" in estimate.method


@every_weighting
@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-6, 1e6])
def test_perfect_agreement_is_one_and_never_an_interval_of_no_width(weights: Weights, scale: float) -> None:
    a = np.array([1.0, 3.0, 3.0, 7.0, 1.0, 7.0, 2.0, 3.0]) * scale
    estimate = kappa(a, a, weights)
    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert isnan(estimate.low)
    assert "no interval" in estimate.method


@settings(max_examples=150)
@given(hnp.arrays(float, st.tuples(st.just(2), st.integers(0, 6)), elements=st.sampled_from([nan, 0.1, 0.3, 2.0])),
       st.sampled_from(WEIGHTS), st.booleans())  # fmt: skip
def test_kappa_of_any_pairs_is_a_number_or_nan_with_a_reason(both: np.ndarray, weights: Weights, clustered: bool) -> None:
    clusters = [str(pair // 2) for pair in range(both.shape[1])] if clustered else None
    estimate = kappa(*both, weights, clusters, n_resamples=50)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)


# Properties


@given(pairs, st.sampled_from(WEIGHTS), st.randoms(use_true_random=False))
def test_kappa_ignores_rater_order_and_item_order(both: np.ndarray, weights: Weights, random: object) -> None:
    order = random.sample(range(both.shape[1]), both.shape[1])  # type: ignore[attr-defined]
    before, after = kappa(*both, weights, n_resamples=2), kappa(*both[::-1, order], weights, n_resamples=2)
    assert after.value == pytest.approx(before.value, abs=1e-9, nan_ok=True)


@given(pairs, st.permutations([10.0, -2.0, 0.5, 7.0]))
def test_unweighted_kappa_ignores_relabelling(both: np.ndarray, names: list[float]) -> None:
    renamed = np.where(np.isnan(both), nan, np.array(names)[np.nan_to_num(both, nan=1).astype(int) - 1])
    assert kappa(*renamed, n_resamples=2).value == pytest.approx(kappa(*both, n_resamples=2).value, abs=1e-9, nan_ok=True)


@given(pairs, st.sampled_from(["linear", "quadratic"]), st.sampled_from([1e-6, 0.01, -3.0, 1e5]))
def test_weighted_kappa_ignores_unit_and_origin(both: np.ndarray, weights: Weights, unit: float) -> None:
    before, after = kappa(*both, weights, n_resamples=2), kappa(*(unit * (both + 100)), weights, n_resamples=2)
    assert after.value == pytest.approx(before.value, abs=1e-6, nan_ok=True)


@given(pairs, st.sampled_from(WEIGHTS), st.integers(2, 4))
def test_duplicating_all_scenarios_leaves_kappa_alone(both: np.ndarray, weights: Weights, k: int) -> None:
    often = kappa(*np.tile(both, k), weights, n_resamples=2)
    assert often.value == pytest.approx(kappa(*both, weights, n_resamples=2).value, abs=1e-9, nan_ok=True)


@every_weighting
def test_duplicating_pairs_inside_clusters_does_not_shrink_the_clustered_interval(weights: Weights) -> None:
    (a, b), items = rate(np.random.default_rng(3), 120), np.repeat(np.arange(40), 3)
    once, twice = kappa(a, b, weights, items), kappa(np.tile(a, 2), np.tile(b, 2), weights, np.tile(items, 2))
    assert (twice.low, twice.high, twice.se) == pytest.approx((once.low, once.high, once.se), abs=1e-12)


# Intervals


@every_weighting
@pytest.mark.parametrize("clustered", [False, True])
def test_the_same_seed_gives_the_same_interval_and_another_seed_another(weights: Weights, clustered: bool) -> None:
    a, b = rate(np.random.default_rng(1), 60)
    clusters = np.repeat(np.arange(20), 3) if clustered else None
    first, again, other = (kappa(a, b, weights, clusters, rng=seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


@every_weighting
def test_a_bca_interval_says_so_and_differs(weights: Weights) -> None:
    a, b = rate(np.random.default_rng(1), 60)
    percentile, bca = kappa(a, b, weights), kappa(a, b, weights, interval="bca")
    assert "BCa bootstrap over 60 pairs" in bca.method
    assert (percentile.low, percentile.high) != (bca.low, bca.high)
    assert (percentile.low, percentile.high) == pytest.approx((bca.low, bca.high), abs=0.06)


# Coverage: 1,000 samples of 200 pairs, or of a judge against 3 humans on each of 200 items, pooled, the pairs of an item
# being a cluster. The truth is that of a million pairs.


def simulate(rng: np.random.Generator, n_items: int, n_humans: int) -> tuple[np.ndarray, np.ndarray]:
    item = rng.normal(size=n_items)
    judge = np.clip(np.round(item + 0.7 * rng.normal(size=n_items) + 3.3), 1, 5)
    humans = np.clip(np.round(item[:, None] + 0.8 * rng.normal(size=(n_items, n_humans)) + 3), 1, 5)
    return np.repeat(judge, n_humans), humans.ravel()


@pytest.mark.slow
@pytest.mark.parametrize("n_humans", [1, 3])
def test_intervals_of_kappa_hold_the_truth_as_often_as_they_say(
    n_humans: int, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(13)
    truth = cohen_kappa_score(*simulate(rng, 1_000_000 // n_humans, n_humans), weights="quadratic")
    items = np.repeat(np.arange(200), n_humans) if n_humans > 1 else None
    samples = (simulate(rng, 200, n_humans) for _ in range(1000))
    assert_nominal_coverage([kappa(*sample, "quadratic", items, n_resamples=1000, rng=rng) for sample in samples], truth)
