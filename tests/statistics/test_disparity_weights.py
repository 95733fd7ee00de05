"""Do gaps stay right where rows do not count alike: arms labelled at different rates, and axes that are crossed?"""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import WLS

from judgefair.statistics.disparity import Disparity, disparity
from judgefair.statistics.estimate import Estimate
from tests.statistics.conftest import CoverageCheck, coverage

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
RATES = {("a", 0): 0.7, ("a", 1): 0.25, ("b", 0): 0.3, ("b", 1): 0.6}


def every(found: Disparity) -> list[Estimate]:
    parts = found.raw, found.corrected, found.judge_made, found.mean_raw, found.mean_corrected
    return [estimate for part in parts for estimate in part.values()]


def simulate(rng: np.random.Generator, n_scenarios: int = 60, of_arm: float = 1.5, judge_error: float = 0.4) -> Rows:
    """Judge, human (nan where unlabelled), population, scenario and inclusion of two arms each of a and b in every scenario.

    Humans rate the second arm `of_arm` higher in both populations, so that there is no gap; the judge overrates a by
    0.5. Each item is labelled by itself with the probability in `RATES`.
    """
    scenario, column = np.divmod(np.arange(4 * n_scenarios), 4)
    population, arm = np.array(["a", "b"])[column // 2], column % 2
    n = len(scenario)
    human = 3 + of_arm * arm + rng.normal(0, 0.6, n_scenarios)[scenario] + rng.normal(0, 0.5, n)
    judge = human + 0.5 * (population == "a") + rng.normal(0, judge_error, n)
    inclusion = np.array([RATES[each] for each in zip(population.tolist(), arm.tolist(), strict=True)])
    return judge, np.where(rng.random(n) < inclusion, human, nan), population, scenario, inclusion


def same_numbers(ours: Disparity, theirs: Disparity, abs_: float = 1e-9) -> None:
    for mine, other in zip(every(ours), every(theirs), strict=True):
        assert (mine.value, mine.low, mine.high, mine.se) == pytest.approx(
            (other.value, other.low, other.high, other.se), abs=abs_, nan_ok=True
        )
        assert mine.n_clusters == other.n_clusters


# Oracles


def test_a_weighted_mean_has_the_cluster_robust_variance_of_weighted_least_squares() -> None:
    # statsmodels 0.15.0, WLS(y, 1, weights).fit(cov_type="cluster", cov_kwds={"groups": scenarios}). Its small-sample factor is
    # G/(G - 1) (N - 1)/(N - k); with k = 1 that is the G/(G - 1) here.
    judge, human, population, scenario, inclusion = simulate(np.random.default_rng(1))
    weights = np.random.default_rng(2).uniform(0.2, 3, len(judge))
    found = disparity(judge, human, population, "b", scenario, 0, weights=weights, inclusion=inclusion)
    for name in "ab":
        rows = (population == name) & ~np.isnan(human)
        fit = WLS(human[rows], np.ones(rows.sum()), weights=(weights / inclusion)[rows]).fit(
            cov_type="cluster", cov_kwds={"groups": scenario[rows]}
        )
        ours = found.mean_corrected[name]
        assert (ours.value, ours.se) == pytest.approx((fit.params[0], fit.bse[0]), rel=1e-9)
        seen = population == name
        raw = WLS(judge[seen], np.ones(seen.sum()), weights=weights[seen]).fit(
            cov_type="cluster", cov_kwds={"groups": scenario[seen]}
        )
        assert (found.mean_raw[name].value, found.mean_raw[name].se) == pytest.approx((raw.params[0], raw.bse[0]), rel=1e-9)


def test_a_weighted_gap_has_the_cluster_robust_variance_of_weighted_least_squares() -> None:
    # statsmodels 0.15.0, the slope of WLS(y, [1, is_a], weights) clustered by scenario. Here k = 2, so that its variance has
    # (N - 1)/(N - 2) beside the G/(G - 1); every scenario has a labelled item of both, so that G is one number.
    judge, human, population, scenario, inclusion = simulate(np.random.default_rng(3), 80)
    labelled = ~np.isnan(human)
    both = set(scenario[labelled & (population == "a")]) & set(scenario[labelled & (population == "b")])
    kept = np.isin(scenario, list(both))
    judge, human, population, scenario, inclusion = (x[kept] for x in (judge, human, population, scenario, inclusion))
    found = disparity(judge, human, population, "b", scenario, 0, inclusion=inclusion).corrected["a"]
    rows = ~np.isnan(human)
    design = np.column_stack([np.ones(rows.sum()), population[rows] == "a"])
    fit = WLS(human[rows], design, weights=1 / inclusion[rows]).fit(cov_type="cluster", cov_kwds={"groups": scenario[rows]})
    n = rows.sum()
    assert len(both) >= 30
    assert found.value == pytest.approx(fit.params[1], rel=1e-9)
    assert found.se == pytest.approx(fit.bse[1] * np.sqrt((n - 2) / (n - 1)), rel=1e-9)


@pytest.mark.parametrize("lam", [None, 0.0, 0.7, 1.0])
@pytest.mark.parametrize("stratified", [True, False])
def test_a_whole_weight_counts_as_so_many_rows_of_the_scenario(lam: float | None, stratified: bool) -> None:
    judge, human, population, scenario, _ = simulate(np.random.default_rng(4), 80)
    weights = np.random.default_rng(5).choice([1, 2, 3], len(judge))
    merit = np.where(scenario % 3 == 0, "low", "high")
    ours = disparity(judge, human, population, "b", scenario, lam, weights=weights, strata=merit if stratified else None)
    rows = np.arange(len(judge)).repeat(weights)
    theirs = disparity(
        judge[rows], human[rows], population[rows], "b", scenario[rows], lam, strata=merit[rows] if stratified else None
    )
    same_numbers(ours, theirs)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000), st.sampled_from([None, 0.0, 0.6, 1.0]), st.booleans(), st.booleans(),
    st.sampled_from([1e-4, 0.3, 1.0, 500.0]), st.sampled_from([0.01, 0.5, 1.0]),
)  # fmt: skip
def test_only_the_proportions_of_weights_count(
    seed: int, lam: float | None, clustered: bool, stratified: bool, scale: float, rate: float
) -> None:
    judge, human, population, scenario, inclusion = simulate(np.random.default_rng(seed), 12)
    weights = np.random.default_rng(seed + 1).uniform(0.5, 2, len(judge))
    clusters, strata = scenario if clustered else None, scenario % 2 if stratified else None
    ours, theirs = (
        disparity(judge, human, population, "b", clusters, lam, strata=strata, weights=w, inclusion=p)
        for w, p in ((weights, inclusion), (weights * scale, inclusion * rate))
    )
    same_numbers(ours, theirs)


@pytest.mark.parametrize("lam", [None, 0.5])
def test_weights_of_1_and_a_draw_of_everything_change_nothing(lam: float | None) -> None:
    judge, human, population, scenario, _ = simulate(np.random.default_rng(6))
    ones = np.ones(len(judge))
    plain = disparity(judge, human, population, "b", scenario, lam)
    weighted = disparity(judge, human, population, "b", scenario, lam, weights=ones, inclusion=ones)
    for mine, other in zip(every(weighted), every(plain), strict=True):
        assert mine == other
    assert (weighted.spread, weighted.weak, weighted.n_labelled) == (plain.spread, plain.weak, plain.n_labelled)


@pytest.mark.parametrize("lam", [None, 0.5])
def test_a_row_of_weight_0_is_as_if_it_were_not_there(lam: float | None) -> None:
    judge, human, population, scenario, inclusion = simulate(np.random.default_rng(7))
    judge[5], judge[8] = nan, nan
    weights = np.where(np.random.default_rng(8).random(len(judge)) < 0.3, 0.0, 1.5)
    weights[5], weights[8] = 0, 1.5
    kept = weights > 0
    ours = disparity(judge, human, population, "b", scenario, lam, weights=weights, inclusion=inclusion)
    theirs = disparity(
        judge[kept], human[kept], population[kept], "b", scenario[kept], lam, weights=weights[kept], inclusion=inclusion[kept]
    )
    for mine, other in zip(every(ours), every(theirs), strict=True):
        assert replace(mine, value=0, low=0, high=0, se=0, p_value=0) == replace(other, value=0, low=0, high=0, se=0, p_value=0)
    same_numbers(ours, theirs)
    assert ours.mean_raw["a"].n_missing + ours.mean_raw["b"].n_missing == 1


def test_a_population_whose_rows_all_have_weight_0_is_undefined() -> None:
    judge, human, population, scenario, _ = simulate(np.random.default_rng(9))
    found = disparity(judge, human, population, "b", scenario, weights=(population == "b").astype(float))
    assert isnan(found.raw["a"].value)
    assert "a has no item that the judge rated" in found.raw["a"].method
    assert found.mean_raw["b"].is_defined


# Labelled at different rates


def test_labels_at_other_rates_in_each_arm_would_make_a_gap_and_do_not_when_weighed() -> None:
    # Unweighed, the labelled mean of a is 3 + 1.5 * 0.25/(0.7 + 0.25) = 3.395, of b 3 + 1.5 * 0.6/(0.3 + 0.6) = 4: a gap of -0.605 with lam 0.
    # With lam 1 it is the judge's gap over all items less the gap of its error, which is the same in both arms: 0 either way.
    rng = np.random.default_rng(10)
    found: dict[tuple[bool, float], list[float]] = {}
    for _ in range(150):
        judge, human, population, scenario, inclusion = simulate(rng)
        for weighed in (True, False):
            for lam in (0.0, 0.5, 1.0):
                gaps = disparity(judge, human, population, "b", scenario, lam, inclusion=inclusion if weighed else None)
                found.setdefault((weighed, lam), []).append(gaps.corrected["a"].value)
    mean = {key: float(np.mean(values)) for key, values in found.items()}
    error = {key: float(np.std(values)) / np.sqrt(150) for key, values in found.items()}
    for lam in (0.0, 0.5, 1.0):
        assert abs(mean[True, lam]) < 4 * error[True, lam]
        assert mean[False, lam] == pytest.approx(-0.605 * (1 - lam), abs=4 * error[False, lam])
    assert mean[False, 0.0] < -0.5


def test_the_raw_gap_does_not_ask_how_items_were_drawn_for_labelling() -> None:
    judge, human, population, scenario, inclusion = simulate(np.random.default_rng(11))
    weighed = disparity(judge, human, population, "b", scenario, inclusion=inclusion)
    plain = disparity(judge, human, population, "b", scenario)
    assert weighed.raw == plain.raw
    assert weighed.corrected["a"].value != plain.corrected["a"].value
    assert weighed.raw["a"].value == pytest.approx(weighed.corrected["a"].value + weighed.judge_made["a"].value, abs=1e-12)


# Crossed axes


@pytest.mark.parametrize("lam", [None, 0.0, 1.0])
def test_weights_that_balance_another_axis_cancel_its_effect_exactly(lam: float | None) -> None:
    # Arms of a: x, x, y; of b: x, y, y. y adds 2, a adds -1. By the weights half of each is y: -1. Unweighed: -1 + 2/3 - 4/3.
    arms = [("a", "x", 0.5), ("a", "x", 0.5), ("a", "y", 1.0), ("b", "x", 1.0), ("b", "y", 0.5), ("b", "y", 0.5)]
    population, age, weights = (np.tile(x, 40) for x in zip(*arms, strict=True))
    scenario = np.arange(40).repeat(6)
    of_scenario = np.random.default_rng(12).normal(0, 1, 40)[scenario]
    human = 3 + of_scenario - (population == "a") + 2.0 * (age == "y")
    judge = human + 0.5 * (age == "y") + 0.25 * (population == "a")
    labelled = np.where(scenario < 30, human, nan)
    weighed = disparity(judge, labelled, population, "b", scenario, lam, weights=weights).corrected["a"]
    plain = disparity(judge, labelled, population, "b", scenario, lam)
    assert weighed.value == pytest.approx(-1, abs=1e-9)
    assert disparity(judge, labelled, population, "b", scenario, lam, weights=weights).raw["a"].value == pytest.approx(
        -0.75, abs=1e-9
    )
    assert plain.corrected["a"].value == pytest.approx(-1 - 2 / 3, abs=1e-9)


# Coverage


def gaps_of(n_sims: int, lam: float | None, seed: int, weighed: bool = True) -> list[Estimate]:
    rng, found = np.random.default_rng(seed), []
    for _ in range(n_sims):
        judge, human, population, scenario, inclusion = simulate(rng, 80)
        gaps = disparity(judge, human, population, "b", scenario, lam, inclusion=inclusion if weighed else None)
        found.append(gaps.corrected["a"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("lam", [None, 0.0, 1.0])
def test_the_weighted_gap_is_covered_as_often_as_it_says(lam: float | None, assert_nominal_coverage: CoverageCheck) -> None:
    assert_nominal_coverage(gaps_of(2000, lam, 21), 0.0)


@pytest.mark.slow
def test_the_unweighted_gap_is_not(assert_too_few_cover: CoverageCheck) -> None:
    assert_too_few_cover(gaps_of(500, 0.0, 22, weighed=False), 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("lam", [None, 0.0])
def test_a_fixed_number_of_each_arm_from_one_order_of_scenarios_is_covered_at_least_as_often(lam: float | None) -> None:
    # As `draw_sample` draws. Fixing how many of each arm are labelled takes the arms' difference out of the truth's error, and
    # the variance does not know that: intervals are too wide where arms differ, never too narrow.
    rng, found = np.random.default_rng(23), []
    for _ in range(2000):
        judge, _, population, scenario, inclusion = simulate(rng, 80)
        human = judge - 0.5 * (population == "a") + rng.normal(0, 0.4, len(judge))
        rank = rng.permutation(80)[scenario]
        labelled = np.where(rank < np.round(80 * inclusion), human, nan)
        share = np.round(80 * inclusion) / 80
        found.append(disparity(judge, labelled, population, "b", scenario, lam, inclusion=share).corrected["a"])
    assert coverage(found, 0.0) > 0.936  # the lower end of the central 99.9 % of Binomial(2000, 0.95), 0.934, and a little
