"""Is alpha Krippendorff's, and does its interval hold what it says?"""

import sys
from collections.abc import Callable
from math import isnan, nan
from typing import Literal

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics import alpha
from judgefair.statistics.alpha import _within_table, alpha_from_table
from judgefair.statistics.coincidence import alpha_from_sums, value_counts, within_terms

LEVELS = ("nominal", "ordinal", "interval")
every_level = pytest.mark.parametrize("level", LEVELS)

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: 4 observers, 12 units.
OBSERVERS = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
])  # fmt: skip

tables = hnp.arrays(float, st.tuples(st.integers(2, 5), st.integers(2, 12)), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 4.0]))


def rate(rng: np.random.Generator, n_raters: int, n_items: int, n_values: int = 5, missing: float = 0.0) -> np.ndarray:
    """Raters who see the same items with noise, on the scale 1 to n_values."""
    seen = rng.normal(size=n_items) + 0.8 * rng.normal(size=(n_raters, n_items))
    values = np.clip(np.round(seen * n_values / 5 + (n_values + 1) / 2), 1, n_values)
    return np.where(rng.random(values.shape) < missing, nan, values)


def alpha_by_pairs(values: np.ndarray, level: str) -> float:
    """1 - D_o / D_e over every pair of ratings, from the definition and loop by loop."""
    units = [unit[~np.isnan(unit)] for unit in values.T]
    units = [unit for unit in units if len(unit) >= 2]
    pooled = np.concatenate(units)

    def distance(c: float, k: float) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        between = ((pooled >= low) & (pooled <= high)).sum()
        return (between - ((pooled == c).sum() + (pooled == k).sum()) / 2) ** 2 if c != k else 0.0

    observed = sum(distance(c, k) / (len(unit) - 1) for unit in units for i, c in enumerate(unit) for k in np.delete(unit, i))
    expected = sum(distance(c, k) for c in pooled for k in pooled)
    return 1 - (len(pooled) - 1) * observed / expected


def same(a: float, b: float) -> bool:
    return (isnan(a) and isnan(b)) or abs(a - b) < 1e-9


# Points


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_what_krippendorff_published(level: str, published: float) -> None:
    assert round(alpha(OBSERVERS, level).value, 3) == published


# irrCAC 0.4.4 (numpy 1.26.4): CAC(pandas.DataFrame(OBSERVERS.T), weights=..., digits=10).krippendorff()["est"]
# with weights "identity" and "quadratic". Its "ordinal" weights are another distance than Krippendorff's.
@pytest.mark.parametrize(("level", "irrcac"), [("nominal", 0.7434210526), ("interval", 0.8491071429)])
def test_alpha_equals_the_one_of_irrcac(level: str, irrcac: float) -> None:
    assert alpha(OBSERVERS, level).value == pytest.approx(irrcac, abs=1e-10)


@every_level
@pytest.mark.parametrize(
    ("n_raters", "n_items", "n_values", "missing"),
    [
        (2, 50, 2, 0.0),
        (3, 80, 5, 0.3),
        (5, 200, 7, 0.6),
        (60, 40, 5, 0.9),
        (123, 30, 3, 0.5),
        (4, 60, 101, 0.2),
        (2, 3000, 5, 0.1),
    ],
)
def test_alpha_and_its_sums_equal_the_krippendorff_package(
    level: str, n_raters: int, n_items: int, n_values: int, missing: float
) -> None:
    values = rate(np.random.default_rng(n_raters), n_raters, n_items, n_values, missing)
    theirs = krippendorff.alpha(reliability_data=values, level_of_measurement=level)
    assert alpha(values, level, n_resamples=2).value == pytest.approx(theirs, abs=1e-12)
    # The point is the package's own; what the bootstrap resamples is ours, and has to be the same statistic.
    counts, domain = value_counts(values)
    counts = counts[counts.sum(1) >= 2]
    sums = np.asarray(within_terms(counts, domain, level).sum(axis=0)).reshape(1, -1)
    assert alpha_from_sums(sums, level)[0] == pytest.approx(theirs, abs=1e-12)


@every_level
@pytest.mark.parametrize("seed", range(4))
def test_alpha_equals_the_loop_over_all_pairs(level: str, seed: int) -> None:
    values = rate(np.random.default_rng(seed), 4, 15, 5, 0.3)
    assert alpha(values, level, n_resamples=2).value == pytest.approx(alpha_by_pairs(values, level), abs=1e-12)


def test_an_item_with_one_rating_is_missing_and_does_not_move_alpha() -> None:
    lone = np.array([[5.0], [nan], [nan], [nan]])
    estimate, before = alpha(np.hstack([OBSERVERS, lone]), "ordinal"), alpha(OBSERVERS, "ordinal")
    assert estimate.value == before.value
    assert (estimate.n_items, estimate.n_missing) == (before.n_items, before.n_missing + 1)


def test_alpha_says_how_many_items_scenarios_raters_and_missing_it_rests_on() -> None:
    scenarios = np.repeat(["a", "b", "c", "d"], 3)
    estimate = alpha(OBSERVERS, "nominal", scenarios)
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (11, 4, 4, 1)
    assert alpha(OBSERVERS, "nominal").n_clusters == 11


def test_an_unknown_level_of_measurement_is_refused() -> None:
    with pytest.raises(ValueError, match="level is 'ratio'"):
        alpha(OBSERVERS, "ratio")


# Degenerate data

NO_PAIR = {
    "empty": np.empty((0, 0)),
    "no item": np.empty((3, 0)),
    "no rater": np.empty((0, 4)),
    "all missing": np.full((3, 4), nan),
    "no overlap": np.array([[1, 2, nan, nan], [nan, nan, 2, 3]]),
}


@every_level
@pytest.mark.parametrize("values", NO_PAIR.values(), ids=NO_PAIR)
def test_alpha_is_undefined_when_no_item_has_two_ratings(values: np.ndarray, level: str) -> None:
    estimate = alpha(values, level)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == "undefined: no item has two ratings"
    assert estimate.n_missing == values.shape[1]


@every_level
def test_alpha_is_undefined_for_one_rater_and_says_so(level: str) -> None:
    for values in ([1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0], [nan, nan, nan]]):
        estimate = alpha(np.array(values), level)
        assert isnan(estimate.value)
        assert estimate.method == "undefined: no item has two ratings, since there is one rater"


@every_level
def test_alpha_is_undefined_without_variance_and_not_one(level: str) -> None:
    estimate = alpha(np.full((3, 4), 2.0), level)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method.startswith("undefined: all 12 ratings are 2: without variance")


@every_level
def test_a_rating_that_varies_on_an_item_rated_once_is_no_variance(level: str) -> None:
    estimate = alpha(np.array([[2.0, 2.0, 5.0], [2.0, 2.0, nan]]), level)
    assert isnan(estimate.value)
    assert estimate.method.startswith("undefined: all 4 ratings are 2")


@every_level
def test_one_scenario_gives_a_point_without_an_interval(level: str) -> None:
    estimate = alpha(OBSERVERS, level, ["only"] * 12)
    assert estimate.value == alpha(OBSERVERS, level).value
    assert isnan(estimate.low)
    assert isnan(estimate.high)
    assert isnan(estimate.se)
    assert "no interval: all resamples give the same value" in estimate.method


@every_level
@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-6, 1e6])
def test_perfect_agreement_is_one_and_never_an_interval_of_no_width(level: str, scale: float) -> None:
    once = np.array([1.0, 3.0, 3.0, 7.0, 1.0, 7.0, 2.0, 3.0]) * scale
    estimate = alpha(np.stack([once, once, once]), level)
    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert isnan(estimate.low)
    assert "no interval: all resamples give the same value" in estimate.method


@every_level
def test_too_few_varying_items_give_a_point_without_an_interval(level: str) -> None:
    # One item of 20 differs from the rest: (19/20)^20 = 36 % of the resamples miss it and have no variance.
    values = np.ones((2, 20))
    values[0, 7] = 2
    estimate = alpha(values, level)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert "no interval: undefined in 3" in estimate.method


@settings(max_examples=150)
@given(hnp.arrays(float, st.tuples(st.integers(0, 4), st.integers(0, 6)), elements=st.sampled_from([nan, 0.1, 0.3, 2.0])),
       st.sampled_from(LEVELS), st.booleans())  # fmt: skip
def test_alpha_of_any_table_is_a_number_or_nan_with_a_reason(values: np.ndarray, level: str, clustered: bool) -> None:
    clusters = [str(item // 2) for item in range(values.shape[1])] if clustered else None
    estimate = alpha(values, level, clusters, n_resamples=50)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    assert isnan(estimate.low) or estimate.low < estimate.high


# Properties


@given(tables, st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_alpha_ignores_rater_order(values: np.ndarray, level: str, random: object) -> None:
    order = random.sample(range(len(values)), len(values))  # type: ignore[attr-defined]
    assert same(alpha(values[order], level, n_resamples=2).value, alpha(values, level, n_resamples=2).value)


@given(tables, st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_alpha_ignores_item_order(values: np.ndarray, level: str, random: object) -> None:
    order = random.sample(range(values.shape[1]), values.shape[1])  # type: ignore[attr-defined]
    assert same(alpha(values[:, order], level, n_resamples=2).value, alpha(values, level, n_resamples=2).value)


@given(tables, st.permutations([10.0, -2.0, 0.5, 7.0]))
def test_nominal_alpha_ignores_relabelling(values: np.ndarray, names: list[float]) -> None:
    renamed = np.where(np.isnan(values), nan, np.array(names)[np.nan_to_num(values, nan=1).astype(int) - 1])
    before, after = alpha(values, "nominal", n_resamples=2), alpha(renamed, "nominal", n_resamples=2)
    assert same(before.value, after.value)
    assert before.n_items == after.n_items


@given(tables)
def test_ordinal_alpha_ignores_relabelling_that_keeps_the_order(values: np.ndarray) -> None:
    assert same(alpha(np.exp(values), "ordinal", n_resamples=2).value, alpha(values, "ordinal", n_resamples=2).value)


@given(tables, st.sampled_from([1e-6, 0.01, 3.0, 1e5]), st.sampled_from([-1e3, 0.0, 1e3]))
def test_interval_alpha_and_its_interval_ignore_unit_and_origin(values: np.ndarray, unit: float, origin: float) -> None:
    before, after = alpha(values, "interval", n_resamples=40), alpha(unit * (values + origin), "interval", n_resamples=40)
    assert after.value == pytest.approx(before.value, abs=1e-6, nan_ok=True)
    assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=1e-6, nan_ok=True)


@given(tables, st.sampled_from(LEVELS), st.integers(2, 4))
def test_duplicating_all_scenarios_moves_alpha_by_its_sample_correction_alone(values: np.ndarray, level: str, k: int) -> None:
    # With every item k times, the observed disagreement, a sum over items, grows k-fold and the expected one, a sum over
    # pairs of ratings, k^2-fold (both k^2-fold more where ordinal distances count ratings). Alpha is
    # 1 - (n - 1) O/E with n pairable ratings, so 1 - alpha_k = (kn - 1) kO/(k^2 E) = (n - 1/k) O/E, that is
    # (1 - alpha_k) = (1 - alpha) (n - 1/k) / (n - 1): the same but for the n - 1 that corrects for the sample's size.
    once, often = alpha(values, level, n_resamples=2), alpha(np.tile(values, k), level, n_resamples=2)
    rated = (~np.isnan(values)).sum(0)
    n = rated[rated >= 2].sum()
    assert isnan(once.value) == isnan(often.value)
    if not isnan(once.value):
        assert 1 - often.value == pytest.approx((1 - once.value) * (n - 1 / k) / (n - 1), abs=1e-9)


@every_level
def test_duplicating_items_inside_scenarios_does_not_shrink_the_clustered_interval(level: str) -> None:
    # The same scenarios are drawn, and each draw moves by its own n - 1 correction alone (see above): with n = 480
    # ratings by no more than (n - 1/2)/(n - 1), about a thousandth of 1 - alpha.
    values, scenarios = rate(np.random.default_rng(3), 3, 160), np.repeat(np.arange(40), 4)
    once, twice = alpha(values, level, scenarios), alpha(np.tile(values, 2), level, np.tile(scenarios, 2))
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.005)
    assert twice.se == pytest.approx(once.se, rel=0.005)
    # Where the duplicates are taken for items of their own, the interval shrinks by the square root of two.
    assert alpha(np.tile(values, 2), level).se == pytest.approx(alpha(values, level).se / 2**0.5, rel=0.1)


# Intervals


@every_level
@pytest.mark.parametrize("clustered", [False, True])
def test_the_same_seed_gives_the_same_interval_and_another_seed_another(level: str, clustered: bool) -> None:
    values = rate(np.random.default_rng(1), 3, 60)
    clusters = np.repeat(np.arange(20), 3) if clustered else None
    first, again, other = (alpha(values, level, clusters, rng=seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert first.value == other.value
    assert first.low == pytest.approx(other.low, abs=0.05)


def test_a_generator_gives_the_interval_of_its_seed() -> None:
    values = rate(np.random.default_rng(1), 3, 60)
    drawn, seeded = alpha(values, "ordinal", rng=np.random.default_rng(5)), alpha(values, "ordinal", rng=5)
    assert (drawn.low, drawn.high, drawn.se) == (seeded.low, seeded.high, seeded.se)


def test_a_higher_confidence_widens_the_interval() -> None:
    values = rate(np.random.default_rng(1), 3, 60)
    wide, narrow = alpha(values, "ordinal", confidence=0.99), alpha(values, "ordinal", confidence=0.9)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (wide.level, narrow.level) == (0.99, 0.9)


@every_level
def test_the_bootstrap_touches_distinct_rows_and_not_items(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Why 2,000 resamples of 100,000 items cost no more than three plain alphas (benchmarks/alpha_bootstrap.py).
    touched = []

    def spy(counts: np.ndarray, domain: np.ndarray, measurement: str) -> object:
        touched.append(len(counts))
        return within_terms(counts, domain, measurement)

    monkeypatch.setattr(sys.modules["judgefair.statistics.alpha"], "within_terms", spy)
    values = rate(np.random.default_rng(2), 5, 20_000, 3)
    distinct = len(np.unique(np.sort(values, axis=0), axis=1).T)
    assert distinct <= 21  # ways to spread 5 ratings over 3 values: C(7, 2)
    alpha(values, level)
    alpha(values, level, np.repeat(np.arange(5_000), 4), n_resamples=10)
    assert touched == [distinct, distinct]


# Drawn raters


def alpha_of_drawn(values: np.ndarray, drawn: np.ndarray, items: np.ndarray, level: str) -> float:
    """Alpha of copies of raters and items, over ordered pairs of copies of different raters, unit by unit from the definition."""
    domain = np.unique(values[~np.isnan(values)])
    o = np.zeros((len(domain), len(domain)))
    for item in items:
        copies = [(rater, np.searchsorted(domain, values[rater, item])) for rater in drawn if not isnan(values[rater, item])]
        pairs = [(c, k) for r, c in copies for s, k in copies if r != s]
        for c, k in pairs:  # none where one rater alone is drawn for the item
            o[c, k] += len(copies) / len(pairs)
    n_c = o.sum(1)
    rank = np.cumsum(n_c) - n_c / 2
    distance = {
        "nominal": 1 - np.eye(len(domain)),
        "interval": (domain[:, None] - domain) ** 2,
        "ordinal": (rank[:, None] - rank) ** 2,
    }[level]
    return float(1 - (n_c.sum() - 1) * (o * distance).sum() / (n_c @ distance @ n_c))


@every_level
def test_alpha_of_raters_drawn_once_each_is_alpha(level: str) -> None:
    values = rate(np.random.default_rng(20), 5, 40, missing=0.2)
    values = values[:, (~np.isnan(values)).sum(0) >= 2]
    expected = alpha(values, level, n_resamples=2).value
    assert alpha_of_drawn(values, np.arange(5), np.arange(values.shape[1]), level) == pytest.approx(expected, abs=1e-12)


@every_level
@pytest.mark.parametrize("seed", range(5))
def test_the_weights_of_drawn_raters_and_items_give_the_alpha_of_their_copies(level: str, seed: int) -> None:
    rng = np.random.default_rng([30, seed])
    values, drawn, items = rate(rng, 6, 15, missing=0.3), rng.integers(6, size=6), rng.integers(15, size=15)
    domain, weight = np.unique(values[~np.isnan(values)]), np.bincount(drawn, minlength=6)[:, None]
    sums, own = (np.stack([(each * (values == c)).sum(0) for c in domain], axis=1) for each in (weight, weight**2))
    table = _within_table(sums.astype(float), own.astype(float), np.bincount(items, minlength=15).astype(float))
    assert alpha_from_table(table, domain, level) == pytest.approx(alpha_of_drawn(values, drawn, items, level), abs=1e-10)


@every_level
@pytest.mark.parametrize("over", ["raters", "both"])
def test_intervals_over_raters_are_those_of_a_bootstrap_by_hand(level: str, over: Literal["raters", "both"]) -> None:
    rng = np.random.default_rng(21)
    values = rate(rng, 6, 15, missing=0.2) + 0.0
    values = np.clip(values + rng.integers(-1, 2, 6)[:, None], 1, 5)  # raters who differ
    values = values[:, (~np.isnan(values)).sum(0) >= 2]
    n_items = values.shape[1]
    scenarios = np.arange(n_items) // 2
    by_hand = []
    for _ in range(600):
        drawn = rng.integers(6, size=6)
        chosen = rng.integers(scenarios.max() + 1, size=scenarios.max() + 1)
        items = np.arange(n_items) if over == "raters" else np.concatenate([np.flatnonzero(scenarios == s) for s in chosen])
        by_hand.append(alpha_of_drawn(values, drawn, items, level))
    ours = alpha(values, level, scenarios, over=over, n_resamples=4000)
    # Standard errors of 600 draws: about 3 % of an sd (doubled for tails), 0.11 sd for a 2.5 % quantile.
    assert ours.se == pytest.approx(np.std(by_hand), rel=0.15)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])), abs=0.45 * ours.se)
    assert ours.value == alpha(values, level, scenarios).value


def test_a_rater_drawn_twice_is_not_compared_with_its_copy() -> None:
    # Raters who answer at random: alpha is 0, and so is that of drawn ones; with copies compared it would be about 1/6.
    values = np.random.default_rng(22).integers(1, 6, size=(6, 400)).astype(float)
    estimate = alpha(values, "nominal", over="raters", n_resamples=500)
    assert estimate.low < 0 < estimate.high < 0.05


def test_alpha_says_what_was_drawn() -> None:
    values = rate(np.random.default_rng(23), 4, 60)
    scenarios = np.repeat(np.arange(20), 3)
    methods = {
        over: alpha(values, "nominal", scenarios, over=over, n_resamples=100).method for over in ("items", "raters", "both")
    }
    assert "percentile bootstrap over 20 scenarios, 100 resamples, raters fixed" in methods["items"]
    assert "percentile bootstrap over 4 raters, 100 resamples, scenarios fixed" in methods["raters"]
    assert "percentile bootstrap over 20 scenarios and 4 raters (pigeonhole), 100 resamples" in methods["both"]
    assert "BCa bootstrap over 20 scenarios" in alpha(values, "nominal", scenarios, interval="bca", n_resamples=100).method
    assert "percentile bootstrap over 4" in alpha(values, "nominal", interval="bca", over="raters", n_resamples=100).method


@pytest.mark.parametrize("over", ["raters", "both"])
def test_two_raters_leave_no_interval_over_raters(over: Literal["raters", "both"]) -> None:
    estimate = alpha(rate(np.random.default_rng(24), 2, 60), "ordinal", over=over)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert "no interval: fewer than three raters to draw from" in estimate.method


@pytest.mark.parametrize("over", ["raters", "both"])
def test_the_same_seed_draws_the_same_raters(over: Literal["raters", "both"]) -> None:
    values = rate(np.random.default_rng(25), 5, 40, missing=0.2)
    first, again, other = (alpha(values, "ordinal", over=over, n_resamples=200, rng=seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


@settings(max_examples=100)
@given(hnp.arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 6)), elements=st.sampled_from([nan, 0.1, 0.3, 2.0])),
       st.sampled_from(LEVELS), st.sampled_from(["raters", "both"]), st.sampled_from(["percentile", "bca"]))  # fmt: skip
def test_alpha_over_raters_of_any_table_is_a_number_or_nan_with_a_reason(
    values: np.ndarray, level: str, over: Literal["raters", "both"], interval: Literal["percentile", "bca"]
) -> None:
    for estimate in (alpha(values, level, over=over, n_resamples=30), alpha(values, level, interval=interval, n_resamples=30)):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert (
            isnan(estimate.low)
            == isnan(estimate.high)
            == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        )


# Coverage: 1,000 tables, 3 raters, a fifth of the ratings missing; 200 items, or 150 scenarios of 3.
# The truth is alpha of a million items, off by less than 0.001 where the intervals are 0.1 to 0.2 wide.
# Small tables are left out on purpose, since percentile intervals under-cover there. By this simulation, 2,000 tables each:
# items      20: ordinal 0.94, interval 0.91   50: 0.95, 0.92   200: 0.94, 0.95
# scenarios  10: ordinal 0.90, interval 0.86   25: 0.93, 0.91    50: 0.94, 0.92   100: 0.95, 0.94 (4 items each)
# BCa beside percentile intervals of the same 1,500 tables, 4 items a scenario:
# ordinal    10: 0.90 beside 0.89   20: 0.92, 0.93   50: 0.93, 0.93      20 items: 0.93, 0.93   50: 0.96, 0.96   150: 0.94, 0.94
# interval   10: 0.88 beside 0.87   20: 0.92, 0.91   50: 0.94, 0.94      20 items: 0.94, 0.92   50: 0.94, 0.93   150: 0.95, 0.95
# 800 tables each, 1,000 resamples, for the judge's alpha and for kappa with three humans an item, scenarios or items clustered:
# judge's, ordinal   10: 0.90 beside 0.91   20: 0.92, 0.94   50: 0.96, 0.96      interval   10: 0.90, 0.89   20: 0.91, 0.91   50: 0.94, 0.94
# kappa, unweighted  10: 0.88 beside 0.89   20: 0.90, 0.91   50: 0.93, 0.94      quadratic  10: 0.87, 0.86   20: 0.91, 0.89   50: 0.93, 0.93

BREADTH = {"ordinal": 5, "interval": 11}


def simulate(rng: np.random.Generator, level: str, n_scenarios: int, per_scenario: int) -> np.ndarray:
    n_values, n_items = BREADTH[level], n_scenarios * per_scenario
    item = np.repeat(rng.normal(size=n_scenarios), per_scenario) * 0.8 + 0.6 * rng.normal(size=n_items)
    seen = item + 0.8 * rng.normal(size=(3, n_items))
    values = np.clip(np.round(seen * n_values / 5 + (n_values + 1) / 2), 1, n_values)
    return np.where(rng.random(values.shape) < 0.2, nan, values)


@pytest.mark.slow
@pytest.mark.parametrize("level", BREADTH)
@pytest.mark.parametrize(("n_scenarios", "per_scenario"), [(200, 1), (150, 3)], ids=["items", "scenarios"])
def test_intervals_of_alpha_hold_the_truth_as_often_as_they_say(
    level: str, n_scenarios: int, per_scenario: int, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(11)
    truth = krippendorff.alpha(simulate(rng, level, 1_000_000 // per_scenario, per_scenario), level_of_measurement=level)
    clusters = np.repeat(np.arange(n_scenarios), per_scenario) if per_scenario > 1 else None
    assert_nominal_coverage(
        [alpha(simulate(rng, level, n_scenarios, per_scenario), level, clusters, n_resamples=1000, rng=rng) for _ in range(1000)],
        truth,
    )


@pytest.mark.slow
def test_intervals_over_raters_and_items_are_wide_enough_where_those_over_items_are_not(
    assert_too_few_cover: Callable[..., None],
) -> None:
    # 10 raters, harsher or milder (sd 0.7), of 60 items each, a fifth of the ratings missing. The truth is that of items rated
    # by two of very many raters. The pigeonhole bootstrap is conservative, so that coverage has a lower bound only.
    rng = np.random.default_rng(26)

    def simulate_raters(n_items: int, harsh: np.ndarray) -> np.ndarray:
        seen = rng.normal(size=n_items) + harsh + 0.8 * rng.normal(size=(len(harsh), n_items))
        return np.clip(np.round(seen + 3), 1, 5)

    truth = alpha(simulate_raters(200_000, rng.normal(0, 0.7, (2, 200_000))), "interval", n_resamples=2).value
    tables = [simulate_raters(60, rng.normal(0, 0.7, (10, 1))) for _ in range(150)]
    tables = [np.where(rng.random(table.shape) < 0.2, nan, table) for table in tables]
    both = [alpha(table, "interval", over="both", n_resamples=300, rng=rng) for table in tables]
    assert np.mean([estimate.low <= truth <= estimate.high for estimate in both]) > 0.93
    se, sd = np.mean([estimate.se for estimate in both]), np.std([estimate.value for estimate in both])
    assert sd < se < 2 * sd
    assert_too_few_cover([alpha(table, "interval", n_resamples=500, rng=rng) for table in tables], truth)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_ratings_that_are_all_other_numbers_give_what_the_package_gives(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=40)
    values = truth + rng.normal(scale=0.4, size=(3, 40))
    values[:, ::4] = np.round(values[:, ::4])
    by_package = krippendorff.alpha(reliability_data=values, level_of_measurement=level)  # krippendorff 0.9.0
    monkeypatch.setattr(sys.modules[alpha.__module__], "MOST_COMPARED", 0)
    assert alpha(values, level, n_resamples=10).value == pytest.approx(by_package, abs=1e-12)
