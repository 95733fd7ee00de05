"""Is what a change moves, beyond a placebo, the paired mean of other packages, and does its interval hold the truth?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.estimate import Estimate
from judgefair.statistics.placebo_controlled import PlaceboControlled, placebo_controlled

CoverageCheck = Callable[[list[Estimate], float], None]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
PLANTED = {"a": 0.2, "b": 0.5}  # what the change adds beyond the placebo, by population


def draw(rng: np.random.Generator, n: int) -> Rows:
    """Ratings as they are, changed (0.5 up, as the placebo is 0.1 up) and under the placebo, in tenths of a point."""
    base = rng.integers(1, 6, n).astype(float)
    return base, np.round(base + rng.normal(0.6, 1, n), 1), np.round(base + rng.normal(0.1, 0.5, n), 1)


def every(found: PlaceboControlled) -> list[Estimate]:
    return [found.change, found.placebo, found.excess, *([found.gap] if found.gap else [])]


# Points and standard errors


def test_without_clusters_change_placebo_and_excess_are_paired_t_tests() -> None:
    # scipy 1.17: ttest_1samp(changed - base, 0), ttest_1samp(placebo - base, 0), ttest_rel(changed, placebo)
    base, changed, placebo = draw(np.random.default_rng(1), 40)
    found = placebo_controlled(base, changed, placebo)["all"]
    tests = (stats.ttest_1samp(changed - base, 0), stats.ttest_1samp(placebo - base, 0), stats.ttest_rel(changed, placebo))
    for ours, theirs in zip((found.change, found.placebo, found.excess), tests, strict=True):
        interval = theirs.confidence_interval(0.95)
        assert ours.value / ours.se == pytest.approx(theirs.statistic, abs=1e-10)
        assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
        assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
        assert (ours.n_items, ours.n_clusters, ours.n_missing) == (40, 40, 0)
    assert found.excess.value == found.change.value - found.placebo.value
    assert found.gap is None


def test_without_a_direction_magnitudes_are_compared() -> None:
    base, changed, placebo = draw(np.random.default_rng(2), 30)
    found = placebo_controlled(base, changed, placebo, is_directed=False)["all"]
    theirs = stats.ttest_rel(np.abs(changed - base), np.abs(placebo - base))
    assert found.excess.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.change.value == pytest.approx(np.abs(changed - base).mean(), abs=1e-12)
    assert (found.change.p_value, found.placebo.p_value) == (None, None)  # a magnitude is never below 0
    turned = placebo_controlled(base, 2 * base - changed, placebo, is_directed=False)["all"]
    assert turned.excess.value == pytest.approx(found.excess.value, abs=1e-12)


def test_without_a_placebo_the_excess_is_the_change_and_a_magnitude_alone_is_not_tested() -> None:
    base, changed, _ = draw(np.random.default_rng(3), 30)
    for is_directed in (True, False):
        found = placebo_controlled(base, changed, None, is_directed=is_directed)["all"]
        assert (found.excess.value, found.excess.low, found.excess.se) == (found.change.value, found.change.low, found.change.se)
        assert isnan(found.placebo.value)
        assert found.placebo.method == "undefined: there is no change that means nothing to compare with"
        assert (found.excess.p_value is None) == (not is_directed)
        assert "no placebo" in found.excess.method


@pytest.mark.parametrize("is_directed", [True, False])
def test_by_scenario_the_excess_is_a_cluster_robust_mean(is_directed: bool) -> None:
    # statsmodels 0.15: OLS(changed - placebo, ones).fit(cov_type="cluster", cov_kwds={"groups": scenario}, use_t=True), whose
    # small-sample factor is G/(G - 1) (N - 1)/(N - 1) with one parameter, on G - 1 degrees of freedom.
    rng = np.random.default_rng(4)
    scenario = rng.integers(0, 15, 80)
    base, changed, placebo = draw(rng, 80)
    changed += rng.normal(0, 1, 15)[scenario]
    found = placebo_controlled(base, changed, placebo, clusters=scenario, is_directed=is_directed)["all"].excess
    moved = changed - placebo if is_directed else np.abs(changed - base) - np.abs(placebo - base)
    fit = sm.OLS(moved, np.ones(80)).fit(cov_type="cluster", cov_kwds={"groups": scenario}, use_t=True)
    assert (found.value, found.se) == pytest.approx((fit.params[0], fit.bse[0]), rel=1e-10)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int(0.05)[0]), rel=1e-10)
    assert found.p_value == pytest.approx(fit.pvalues[0], rel=1e-8)
    assert (found.n_items, found.n_clusters) == (80, 15)


def test_a_gap_of_populations_in_the_same_scenarios_is_paired() -> None:
    # OLS on a dummy of the population: statsmodels multiplies by (N - 1)/(N - 2) for its second parameter, which is undone.
    rng = np.random.default_rng(5)
    scenario, population = np.repeat(np.arange(12), 6), np.tile(["a", "a", "a", "b", "b", "b"], 12)
    base, changed, placebo = draw(rng, 72)
    changed += rng.normal(0, 1, 12)[scenario]
    found = placebo_controlled(base, changed, placebo, population, "a", scenario)
    fit = sm.OLS(changed - placebo, sm.add_constant((population == "b").astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": scenario}, use_t=True
    )
    gap = found["b"].gap
    assert gap is not None
    assert gap.value == pytest.approx(fit.params[1], rel=1e-10)
    assert gap.se == pytest.approx(fit.bse[1] * np.sqrt(70 / 71), rel=1e-10)
    assert gap.value == pytest.approx(found["b"].excess.value - found["a"].excess.value, abs=1e-12)
    assert found["a"].gap is None
    assert (gap.n_items, gap.n_clusters) == (72, 12)


def test_a_gap_of_populations_in_scenarios_of_their_own_has_both_variances() -> None:
    # Welch's standard error: scipy 1.17, ttest_ind(..., equal_var=False); the degrees of freedom are those of the smaller one.
    rng = np.random.default_rng(6)
    base, changed, placebo = draw(rng, 50)
    population = np.array(["a"] * 35 + ["b"] * 15)
    gap = placebo_controlled(base, changed, placebo, population, "a")["b"].gap
    moved = changed - placebo
    theirs = stats.ttest_ind(moved[35:], moved[:35], equal_var=False)
    assert gap is not None
    assert gap.value / gap.se == pytest.approx(theirs.statistic, rel=1e-10)
    assert gap.high - gap.value == pytest.approx(stats.t.ppf(0.975, 14) * gap.se, rel=1e-10)


# What is missing


def test_a_missing_rating_is_left_out_and_counted() -> None:
    # change: 1, -, 3, 2 of the three items that have both: mean 2. placebo: 0, 1, -, 0: mean 1/3.
    base, changed, placebo = np.array([1.0, 2, 3, nan]), np.array([2.0, nan, 6, 4]), np.array([1.0, 3, 3, 1])
    found = placebo_controlled(base, changed, placebo)["all"]
    assert (found.change.value, found.change.n_items, found.change.n_missing) == (2.0, 2, 2)
    assert (found.placebo.value, found.placebo.n_items, found.placebo.n_missing) == (pytest.approx(1 / 3), 3, 1)
    assert (found.excess.value, found.excess.n_missing) == (pytest.approx(5 / 3), 3)


def test_where_a_version_has_no_rating_there_is_no_number() -> None:
    found = placebo_controlled([1, 2], [nan, nan], [1, 3], ["a", "b"], "a")
    for population in ("a", "b"):
        assert found[population].change.method == "undefined: no item has both ratings"
        assert isnan(found[population].excess.value)
        assert found[population].placebo.value == (0 if population == "a" else 1)
    assert found["b"].gap is not None
    assert isnan(found["b"].gap.value)


def test_one_scenario_or_no_variance_gives_a_value_and_no_interval() -> None:
    one = placebo_controlled([1, 2], [2, 4], [1, 2], clusters=["s", "s"])["all"].excess
    assert (one.value, isnan(one.low), one.p_value) == (1.5, True, None)
    assert "no interval: a mean of one cluster" in one.method
    alike = placebo_controlled([1, 2, 3], [2, 3, 4], [1, 2, 3])["all"].excess
    assert (alike.value, isnan(alike.low), alike.p_value) == (1.0, True, None)
    assert "no interval: no variance between clusters" in alike.method


def test_items_of_no_population_are_left_out_and_a_reference_that_is_absent_leaves_no_gap() -> None:
    found = placebo_controlled([1, 2, 3, 1], [2, 2, 9, 2], [1, 2, 3, 1], ["b", "b", "", "c"], "a")
    assert set(found) == {"b", "c"}
    assert found["b"].change.value == 0.5
    assert found["b"].gap is None
    assert placebo_controlled([], [], [], [], "a") == {}


some_rows = st.lists(
    st.tuples(
        *[st.sampled_from([nan, 1.0, 2.0, 3.5])] * 3, st.sampled_from(["a", "b", ""]), st.integers(0, 3)
    ), min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=150)
@given(some_rows, st.booleans(), st.booleans())
def test_every_number_has_a_value_with_its_count_or_a_reason(rows: list[tuple], is_directed: bool, has_placebo: bool) -> None:
    base, changed, placebo = (np.array([row[k] for row in rows]) for k in range(3))
    population = np.array([row[3] for row in rows], dtype=object)
    found = placebo_controlled(
        base, changed, placebo if has_placebo else None, population, "a", [row[4] for row in rows], is_directed=is_directed
    )
    assert set(found) == set(population) - {""}
    for name, of in found.items():
        assert of.change.n_items + of.change.n_missing == (population == name).sum()
        for each in every(of):
            assert each.is_defined != each.method.startswith("undefined: ")
            assert each.low <= each.value <= each.high or (
                isnan(each.low) and ("no interval" in each.method or not each.is_defined)
            )
            assert each.is_defined or each.p_value is None


def test_duplicating_items_inside_scenarios_changes_no_point_and_shrinks_no_interval() -> None:
    base, changed, placebo = draw(np.random.default_rng(7), 30)
    population, scenario = np.array(["a", "b"] * 15), np.arange(30) // 2
    once = placebo_controlled(base, changed, placebo, population, "a", scenario)
    often = placebo_controlled(
        *(np.tile(x, 3) for x in (base, changed, placebo)), np.tile(population, 3), "a", np.tile(scenario, 3)
    )
    for name in ("a", "b"):
        for one, three in zip(every(once[name]), every(often[name]), strict=True):
            assert (three.value, three.low, three.high) == pytest.approx((one.value, one.low, one.high), abs=1e-10)


# Coverage


def simulate(rng: np.random.Generator, n_scenarios: int, is_shared: bool) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Two items of each population in every scenario, or of one population in each, on whole levels.

    A scenario moves the change in all its items alike (sd 0.5). Levels are rounded at random, so that means are exact.
    """
    n = 4 * n_scenarios
    scenario = np.repeat(np.arange(n_scenarios), 4)
    population = np.tile(["a", "a", "b", "b"], n_scenarios) if is_shared else np.repeat(np.resize(["a", "b"], n_scenarios), 4)
    true = 4 + rng.normal(0, 0.7, n)
    planted = np.array([PLANTED[name] for name in population]) + rng.normal(0, 0.5, n_scenarios)[scenario]
    said = (true, true + 0.3 + planted, true + 0.3)
    base, changed, placebo = (np.floor(value + rng.normal(0, 0.4, n) + rng.uniform(0, 1, n)) for value in said)
    return (base, changed, placebo), population, scenario


@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [True, False])
def test_intervals_of_excess_and_gap_hold_the_truth_as_often_as_they_say(
    is_shared: bool, assert_nominal_coverage: CoverageCheck
) -> None:
    rng = np.random.default_rng(8)
    found = []
    for _ in range(2_000):
        rows, population, scenario = simulate(rng, 40, is_shared)
        found.append(placebo_controlled(*rows, population, "a", scenario))
    for name, truth in PLANTED.items():
        assert_nominal_coverage([of[name].excess for of in found], truth)
    if is_shared:
        assert_nominal_coverage([of["b"].gap for of in found], PLANTED["b"] - PLANTED["a"])
    else:  # t with the degrees of freedom of one population, where both add variance: a little wide
        gaps = [of["b"].gap for of in found]
        held = np.mean([gap.low <= 0.3 <= gap.high for gap in gaps])
        assert 0.94 <= held <= 0.975


@pytest.mark.slow
def test_intervals_that_take_items_for_scenarios_would_be_too_narrow(assert_too_few_cover: CoverageCheck) -> None:
    rng = np.random.default_rng(9)
    simulated = (simulate(rng, 40, False) for _ in range(1_000))
    assert_too_few_cover([placebo_controlled(*rows, population)["b"].excess for rows, population, _ in simulated], PLANTED["b"])
