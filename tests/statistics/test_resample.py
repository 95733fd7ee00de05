"""Is the collapsed bootstrap the plain one: columns drawn with replacement and the statistic computed anew?"""

from math import isnan, nan

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics import resample
from judgefair.statistics.coincidence import alpha_from_sums, value_counts, within_terms
from judgefair.statistics.resample import (
    acceleration,
    bootstrap,
    bootstrap_interval,
    cluster_codes,
    distinct_rows,
    drawn_raters,
    few_drawn,
    percentile_interval,
)

LEVELS = ("nominal", "ordinal", "interval")
N_DRAWS, N_PLAIN = 20_000, 1500


def rate(rng: np.random.Generator, n_scenarios: int, per_scenario: int, n_values: int = 5) -> np.ndarray:
    """3 raters, a fifth of the ratings missing; every item keeps two."""
    item = np.repeat(rng.normal(size=n_scenarios), per_scenario) + 0.6 * rng.normal(size=n_scenarios * per_scenario)
    values = np.clip(np.round(item + 0.7 * rng.normal(size=(3, len(item))) + (n_values + 1) / 2), 1, n_values)
    rater, items, lost = rng.integers(3, size=len(item)), np.arange(len(item)), rng.random(len(item)) < 0.6
    values[rater, items] = np.where(lost, nan, values[rater, items])
    return values


def collapsed(values: np.ndarray, level: str, clusters: np.ndarray | None, rng: object, n_draws: int = N_DRAWS) -> np.ndarray:
    counts, domain = value_counts(values)
    return bootstrap(
        counts,
        lambda rows: within_terms(rows, domain, level),
        lambda sums: alpha_from_sums(sums, level),
        clusters,
        n_draws,
        rng,
    )


def plain(values: np.ndarray, level: str, clusters: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Whole scenarios, or items, drawn with replacement; alpha of the drawn columns by the krippendorff package."""
    units = np.arange(values.shape[1]) if clusters is None else clusters
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    draws = []
    for _ in range(N_PLAIN):
        columns = np.concatenate([members[unit] for unit in rng.integers(len(members), size=len(members))])
        draws.append(krippendorff.alpha(values[:, columns], level_of_measurement=level))
    return np.array(draws)


def assert_same_distribution(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert stats.ks_2samp(ours, theirs).pvalue > 0.001
    for q in (0.025, 0.25, 0.5, 0.75, 0.975):
        # The share of the fewer draws below the q-th quantile of the many is q, within four binomial standard deviations.
        fewer = min(len(ours), len(theirs))
        assert abs((theirs <= np.quantile(ours, q)).mean() - q) <= 4 * (2 * q * (1 - q) / fewer) ** 0.5
    assert ours.std() == pytest.approx(theirs.std(), rel=0.08)  # the sd of an sd of 1,500 draws is about 1.8 %


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n_items", [40, 200], ids=["few items a pattern", "many items a pattern"])
def test_drawing_collapsed_items_is_drawing_items(level: str, n_items: int) -> None:
    rng = np.random.default_rng([LEVELS.index(level), n_items])
    values = rate(rng, n_items, 1, n_values=5 if n_items == 40 else 2)
    assert_same_distribution(collapsed(values, level, None, rng), plain(values, level, None, rng))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("n_scenarios", "n_values"), [(30, 5), (160, 2)], ids=["scenarios differ", "scenarios repeat"])
def test_drawing_collapsed_scenarios_is_drawing_scenarios(level: str, n_scenarios: int, n_values: int) -> None:
    rng = np.random.default_rng([LEVELS.index(level), n_scenarios])
    values = rate(rng, n_scenarios, 2, n_values)
    clusters = np.repeat(np.arange(n_scenarios), 2)
    clusters[-3:] = clusters[0]  # scenarios of unequal size
    clusters = cluster_codes(clusters, np.ones(len(clusters), dtype=bool))[0]
    assert_same_distribution(collapsed(values, level, clusters, rng), plain(values, level, clusters, rng))


def test_the_order_of_items_within_and_among_scenarios_does_not_matter_to_the_distribution() -> None:
    rng = np.random.default_rng(5)
    values, clusters = rate(rng, 30, 3), np.repeat(np.arange(30), 3)
    order = rng.permutation(90)
    assert_same_distribution(
        collapsed(values, "ordinal", clusters, 1), collapsed(values[:, order], "ordinal", clusters[order], 2)
    )


def test_scenarios_of_one_item_are_items() -> None:
    values = rate(np.random.default_rng(6), 60, 1)
    assert_same_distribution(collapsed(values, "ordinal", None, 1), collapsed(values, "ordinal", np.arange(60), 2))


# Draws


@pytest.mark.parametrize(
    "times", [np.ones(50, dtype=int), np.arange(1, 8), np.array([60, 1, 39]), np.array([400])],
    ids=["all differ", "some repeat", "most repeat", "all alike"],
)  # fmt: skip
def test_weights_are_draws_of_as_many_units_as_there_are(times: np.ndarray) -> None:
    weights = resample._draw_weights(times, 4000, np.random.default_rng(0))
    n = times.sum()
    assert weights.shape == (4000, len(times))
    assert (weights.sum(axis=1) == n).all()
    # Multinomial: mean t, variance t (1 - t/n), covariance -t s/n, here within 5 standard errors of 4,000 draws.
    covariance = np.diag(times) - np.outer(times, times) / n
    assert np.abs(weights.mean(axis=0) - times).max() <= 5 * (times.max() / 4000) ** 0.5
    spread = np.outer(times, times) + covariance**2
    assert (np.abs(np.atleast_2d(np.cov(weights.T)) - covariance) <= 5 * ((spread + np.diag(times)) / 4000) ** 0.5 + 1e-12).all()


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_chunks_do_not_change_the_draws(level: str, clustered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    values = rate(np.random.default_rng(7), 40, 2)
    clusters = np.repeat(np.arange(40), 2) if clustered else None
    whole = collapsed(values, level, clusters, 3, 101)
    assert len(whole) == 101
    for max_cells in (1, 100, 1000):  # 1 to a few resamples a chunk, the last one incomplete
        monkeypatch.setattr(resample, "MAX_CELLS", max_cells)
        assert collapsed(values, level, clusters, 3, 101) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
def test_the_same_seed_gives_the_same_draws_to_the_last_bit(clustered: bool) -> None:
    values = rate(np.random.default_rng(8), 40, 2)
    clusters = np.repeat(np.arange(40), 2) if clustered else None
    once, again, other = (collapsed(values, "ordinal", clusters, seed, 200) for seed in (3, 3, 4))
    assert once.tobytes() == again.tobytes()
    assert once.tobytes() != other.tobytes()


@pytest.mark.parametrize("clustered", [False, True])
def test_a_draw_without_variance_is_nan_and_not_one(clustered: bool) -> None:
    values = np.ones((2, 8))
    values[0, 0] = 2
    draws = collapsed(values, "nominal", np.arange(8) if clustered else None, 0)
    # The odd item is missed by (7/8)^8 = 0.344 of the draws.
    assert np.isnan(draws).mean() == pytest.approx(0.344, abs=4 * (0.344 * 0.656 / N_DRAWS) ** 0.5)


# Distinct rows


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 20), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_distinct_rows_and_their_inverse_rebuild_the_rows(rows: np.ndarray) -> None:
    distinct, inverse = distinct_rows(rows)
    assert (distinct[inverse] == rows).all()
    assert len(distinct) == len({tuple(row) for row in rows})


@pytest.mark.parametrize("n_columns", [1, 61, 70, 200])
@pytest.mark.parametrize("largest", [0, 1, 123])
def test_distinct_rows_of_wide_tables_are_found_whether_they_fit_one_integer_or_not(n_columns: int, largest: int) -> None:
    rng = np.random.default_rng(n_columns)
    rows = rng.integers(0, largest + 1, size=(8, n_columns))[rng.integers(8, size=40)]
    distinct, inverse = distinct_rows(rows)
    assert (distinct[inverse] == rows).all()
    assert len(distinct) == len({tuple(row) for row in rows})


def test_a_hundred_columns_that_never_vary_still_fit_one_integer() -> None:
    rows = np.zeros((6, 100), dtype=np.int64)
    rows[:, 40] = [0, 1, 2, 0, 1, 2]
    distinct, inverse = distinct_rows(rows)
    assert distinct[:, 40].tolist() == [0, 1, 2]
    assert inverse.tolist() == [0, 1, 2, 0, 1, 2]


# Percentile intervals


def test_the_interval_is_the_percentiles_of_the_draws() -> None:
    low, high, se, trouble = percentile_interval(np.arange(1001.0), 0.95)
    assert (low, high) == pytest.approx((25, 975), abs=1e-9)
    assert se == pytest.approx(np.arange(1001.0).std(ddof=1), rel=1e-12)
    assert trouble == ""


def test_a_few_undefined_draws_are_left_out_and_many_leave_no_interval() -> None:
    draws = np.arange(100.0)
    few, many = np.where(draws < 5, nan, draws), np.where(draws < 6, nan, draws)
    assert percentile_interval(few, 0.95)[:3] == percentile_interval(few[5:], 0.95)[:3]
    low, high, se, trouble = percentile_interval(many, 0.95)
    assert isnan(low)
    assert isnan(high)
    assert isnan(se)
    assert trouble == "no interval: undefined in 6% of the resamples"
    assert percentile_interval(np.full(9, nan), 0.95)[3] == "no interval: undefined in 100% of the resamples"


def test_draws_that_differ_by_rounding_alone_leave_no_interval() -> None:
    low, _, se, trouble = percentile_interval(1 - 1e-16 * np.arange(10), 0.95)
    assert isnan(low)
    assert isnan(se)
    assert trouble == "no interval: all resamples give the same value"


# Codes of clusters


def test_clusters_are_coded_without_gaps_among_the_kept() -> None:
    codes, n_clusters = cluster_codes(["d", "a", "c", "a"], np.array([True, True, False, True]))
    assert codes.tolist() == [1, 0, 0]
    assert n_clusters == 2


def test_without_clusters_the_kept_units_are_counted() -> None:
    assert cluster_codes(None, np.array([True, False, True])) == (None, 2)


def test_few_drawn_names_the_kind_of_interval() -> None:
    assert few_drawn(50) == few_drawn(50, "bca") == ""
    assert few_drawn(49) == "few were drawn: with fewer than 50 a percentile interval tends to be too narrow"
    assert few_drawn(49, "bca") == "few were drawn: with fewer than 50 a BCa interval tends to be too narrow"


# BCa intervals


def units_of(values: np.ndarray, level: str, clusters: np.ndarray | None) -> tuple[resample.Units, resample.Statistic]:
    counts, domain = value_counts(values)
    units = resample.collapsed(counts, lambda rows: within_terms(rows, domain, level), clusters)
    return units, lambda sums: alpha_from_sums(sums, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("per_scenario", [1, 3])
def test_the_acceleration_is_that_of_leaving_out_items_or_scenarios_one_by_one(level: str, per_scenario: int) -> None:
    values = rate(np.random.default_rng(9), 40, per_scenario, n_values=3)
    values[:, : 6 * per_scenario] = np.tile(values[:, :per_scenario], 6)  # units that repeat count as often as they occur
    clusters = np.repeat(np.arange(40), per_scenario)
    left = np.array([krippendorff.alpha(values[:, clusters != c], level_of_measurement=level) for c in range(40)])
    deviations = left.mean() - left
    brute = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    units, statistic = units_of(values, level, clusters if per_scenario > 1 else None)
    assert len(units.times) < 40
    assert acceleration(units, statistic) == pytest.approx(brute, abs=1e-10)


def test_chunks_do_not_change_the_acceleration(monkeypatch: pytest.MonkeyPatch) -> None:
    units, statistic = units_of(rate(np.random.default_rng(9), 40, 2), "ordinal", np.repeat(np.arange(40), 2))
    whole = acceleration(units, statistic)
    for max_cells in (1, 100):
        monkeypatch.setattr(resample, "MAX_CELLS", max_cells)
        assert acceleration(units, statistic) == pytest.approx(whole, abs=1e-12)


def test_the_bca_interval_is_that_of_scipy() -> None:
    values = rate(np.random.default_rng(10), 25, 1)
    counts, domain = value_counts(values)
    low, high, se, trouble = bootstrap_interval(
        counts, lambda rows: within_terms(rows, domain, "interval"), lambda sums: alpha_from_sums(sums, "interval"),
        None, 40_000, 1, 0.95, "bca",
    )  # fmt: skip
    theirs = stats.bootstrap(
        (np.arange(25),), lambda columns: krippendorff.alpha(values[:, columns], level_of_measurement="interval"),
        n_resamples=4000, method="BCa", vectorized=False, rng=np.random.default_rng(2),
    )  # fmt: skip
    # A 2.5 % quantile of 4,000 draws has a standard error of about sd (p (1 - p) / n)^(1/2) / density = 0.04 sd.
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.16 * se)
    assert se == pytest.approx(theirs.standard_error, rel=0.05)
    assert trouble == ""
    percentile = percentile_interval(collapsed(values, "interval", None, 1, 40_000), 0.95)
    assert abs(percentile[0] - low) > 0.2 * se  # the two kinds differ here by more than chance


def test_a_value_beyond_all_resamples_leaves_no_bca_interval() -> None:
    units = resample.Units(np.arange(8.0).reshape(-1, 1), np.ones(8, dtype=np.int64))
    draws = np.linspace(30, 40, 100)
    low, _, se, trouble = resample.bca_interval(draws, units, lambda sums: sums[:, 0], 0.95)
    assert isnan(low)
    assert isnan(se)
    assert trouble == "no interval: all resamples lie on one side of the value"


# Drawn raters


@pytest.mark.parametrize("clustered", [False, True])
def test_raters_and_units_are_drawn_with_replacement_and_apart(clustered: bool) -> None:
    clusters = np.repeat(np.arange(4), 3) if clustered else None
    drawn = list(drawn_raters(6, 12, clusters, "both", 3000, 0))
    raters, units = (np.array(each) for each in zip(*drawn, strict=True))
    assert (raters.sum(1) == 6).all()
    units = units.reshape(3000, 4, 3)[:, :, 0] if clustered else units
    n = units.shape[1]
    assert (units.sum(1) == n).all()
    # Multinomial: mean 1, variance 1 - 1/n; 5 standard errors of 3,000 draws, of which each has a variance of about 1 and 3.
    for weights, size in ((raters, 6), (units, n)):
        assert np.abs(weights.mean(0) - 1).max() < 5 / 3000**0.5
        assert np.abs(weights.var(0) - (1 - 1 / size)).max() < 5 * (3 / 3000) ** 0.5
    assert abs(np.corrcoef(raters[:, 0], units[:, 0])[0, 1]) < 5 / 3000**0.5


def test_drawing_raters_alone_leaves_units_as_they_are() -> None:
    assert all((units == 1).all() for _, units in drawn_raters(4, 7, None, "raters", 50, 0))
