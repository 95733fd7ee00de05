"""Is the correlation of judges' errors Pearson's, its interval one over scenarios, and the humans' error taken out of it?"""

from collections.abc import Callable
from itertools import combinations
from math import atanh, isnan, nan, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics import Estimate
from judgefair.statistics.error_correlation import ErrorCorrelation, error_correlation

tables = hnp.arrays(float, (4, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 5.0]))


def every(found: ErrorCorrelation) -> list[Estimate]:
    return [*found.by_pair.values(), found.mean]


def simulate(
    rng: np.random.Generator, n_scenarios: int, per_scenario: int, rho: float, n_judges: int = 3, noise: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judges, human mean and scenario; judges' own errors have variance 1 and correlate by `rho`.

    30 % of the variance of an error is its scenario's. The human mean has an error of sd `noise` on each item.
    """
    scenario = np.repeat(np.arange(n_scenarios), per_scenario)

    def correlated(n: int) -> np.ndarray:
        return rho**0.5 * rng.normal(size=n) + (1 - rho) ** 0.5 * rng.normal(size=(n_judges, n))

    errors = 0.3**0.5 * correlated(n_scenarios)[:, scenario] + 0.7**0.5 * correlated(len(scenario))
    true = 3 + rng.normal(size=len(scenario))
    return true + errors + 0.4, true + noise * rng.normal(size=len(scenario)), scenario


# Points


def test_correlations_are_pearsons_of_judge_minus_human_on_the_items_that_both_judges_rated() -> None:
    rng = np.random.default_rng(1)
    values, human, _ = simulate(rng, 60, 1, 0.4, n_judges=4)
    values[rng.random(values.shape) < 0.2] = nan
    human[::11] = nan
    found = error_correlation(values, human)
    for j, k in combinations(range(4), 2):
        rows = ~np.isnan(values[j] + values[k] + human)
        expected = stats.pearsonr((values[j] - human)[rows], (values[k] - human)[rows]).statistic
        assert found.by_pair[j, k].value == pytest.approx(expected, abs=1e-12)
        assert (found.by_pair[j, k].n_items, found.by_pair[j, k].n_missing) == (rows.sum(), 60 - rows.sum())
    assert found.mean.value == pytest.approx(np.mean([each.value for each in found.by_pair.values()]), abs=1e-12)
    assert {each.estimand for each in found.by_pair.values()} == {"panel.error_correlation"}
    assert found.mean.estimand == "panel.error_correlation.mean"
    assert (found.by_pair[0, 1].n_raters, found.mean.n_raters) == (2, 4)


def test_the_correction_takes_the_human_variance_off_covariance_and_both_variances() -> None:
    rng = np.random.default_rng(2)
    values, human, _ = simulate(rng, 50, 1, 0.4, noise=0.5)
    variance = rng.uniform(0.1, 0.4, 50)
    C = np.cov(values - human) - variance.mean()
    found = error_correlation(values, human, human_error_variance=variance)
    for j, k in combinations(range(3), 2):
        assert found.by_pair[j, k].value == pytest.approx(C[j, k] / (C[j, j] * C[k, k]) ** 0.5, abs=1e-12)


def test_the_humans_error_makes_independent_judges_seem_correlated_and_the_correction_undoes_it() -> None:
    # Own errors of variance 1 and a human error of variance 0.49, in every judge's error: 0.49 / 1.49 = 0.329.
    values, human, _ = simulate(np.random.default_rng(3), 40_000, 1, 0.0, noise=0.7)
    assert error_correlation(values, human).mean.value == pytest.approx(0.49 / 1.49, abs=0.015)
    assert error_correlation(values, human, human_error_variance=0.49).mean.value == pytest.approx(0, abs=0.02)


# Intervals


@pytest.mark.parametrize("clustered", [True, False], ids=["scenarios", "items"])
def test_the_interval_is_a_t_interval_of_z_by_a_jackknife_over_clusters(clustered: bool) -> None:
    # Anew, by leaving out the columns of each cluster: variance (G - 1)/G sum (z_(g) - mean)^2, t with G - 1.
    values, human, scenario = simulate(np.random.default_rng(4), 14, 3, 0.5)
    units = scenario if clustered else np.arange(len(scenario))
    found = error_correlation(values, human, scenario if clustered else None)
    n = len(set(units))
    z_mean = []
    for j, k in combinations(range(3), 2):
        z = []
        for unit in range(n):
            rows = units != unit
            z.append(atanh(stats.pearsonr((values[j] - human)[rows], (values[k] - human)[rows]).statistic))
        z_mean.append(np.tanh(z))
        ours = found.by_pair[j, k]
        assert_interval(ours, np.array(z), n)
    assert_interval(found.mean, np.arctanh(np.mean(z_mean, axis=0)), n)
    assert found.mean.n_clusters == n


def assert_interval(ours: Estimate, z: np.ndarray, n: int) -> None:
    se, centre = ((n - 1) / n * ((z - z.mean()) ** 2).sum()) ** 0.5, atanh(ours.value)
    reach = stats.t.ppf(0.975, n - 1) * se
    assert (ours.low, ours.high) == pytest.approx((tanh(centre - reach), tanh(centre + reach)), abs=1e-10)
    assert ours.se == pytest.approx(se * (1 - ours.value**2), rel=1e-9)
    assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(centre) / se, n - 1), rel=1e-8)


def test_of_many_independent_normal_items_the_interval_is_fishers() -> None:
    # Fisher 1921: z has the standard error 1 / sqrt(n - 3) where items are independent and errors normal.
    values, human, _ = simulate(np.random.default_rng(5), 5000, 1, 0.6, n_judges=2)
    ours = error_correlation(values, human).by_pair[0, 1]
    theirs = stats.pearsonr(*(values - human)).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.004)


def test_the_mean_of_two_judges_is_their_pair() -> None:
    values, human, scenario = simulate(np.random.default_rng(6), 20, 2, 0.3, n_judges=2)
    found = error_correlation(values, human, scenario, human_error_variance=0.1)
    assert found.mean == found.by_pair[0, 1].renamed("panel.error_correlation.mean")


# Degenerate data


def test_a_panel_of_one_judge_has_no_pair() -> None:
    found = error_correlation(np.ones((1, 4)), np.arange(4.0))
    assert found.by_pair == {}
    assert found.mean.method == "undefined: a panel of fewer than two judges has no pair"


def test_judges_without_common_items_are_undefined_and_so_is_the_mean() -> None:
    values = np.array([[1, 2, nan, nan], [nan, nan, 2, 1], [1, 3, 2, 4]])
    found = error_correlation(values, np.array([1, 1, 2, 3]))
    assert found.by_pair[0, 1].method == "undefined: no item has a human's rating and one of each judge"
    assert found.mean.method == "undefined: judges 0 and 1: no item has a human's rating and one of each judge"
    assert found.by_pair[0, 2].value == pytest.approx(1)


def test_a_judge_whose_errors_never_vary_is_correlated_with_nobody() -> None:
    human = np.array([1, 2, 3, 4.0])
    found = error_correlation(np.array([human + 0.1, [1, 1, 4, 4]]), human)
    assert isnan(found.mean.value)
    assert found.by_pair[0, 1].method == (
        "undefined: the errors of judge 0 are all 0.1: without variance there is no correlation"
    )  # fmt: skip


def test_equal_judges_are_correlated_by_one_without_an_interval() -> None:
    human = np.arange(6.0)
    values = np.array([[1, 1, 4, 4, 3, 2], [1, 1, 4, 4, 3, 2]])
    for estimate in every(error_correlation(values, human)):
        assert estimate.value == pytest.approx(1)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert "no interval: the errors of one judge follow from those of the other" in estimate.method


def test_judges_who_differ_in_one_scenario_alone_have_no_interval() -> None:
    human, errors = np.zeros(6), np.array([1, -1, 0, 2, 1, 0.0])
    other = errors.copy()
    other[5] = 1
    found = error_correlation(np.array([errors, other]), human).by_pair[0, 1]
    assert 0 < found.value < 1
    assert isnan(found.low)
    assert "no interval: undefined without one of the 6 items" in found.method


def test_one_scenario_gives_a_point_without_an_interval() -> None:
    values, human, _ = simulate(np.random.default_rng(7), 1, 8, 0.3)
    for estimate in every(error_correlation(values, human, ["only"] * 8)):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert "no interval: undefined without one of the 1 scenarios" in estimate.method


def test_intervals_of_rare_errors_are_said_to_be_too_narrow_and_withheld_where_fewer_than_five_scenarios_have_one() -> None:
    def found(n_rare: int) -> Estimate:
        errors = np.zeros((2, 400))
        errors[:, :n_rare] = 1
        errors[1, n_rare - 1 : n_rare + 1] = 0, 1
        return error_correlation(errors, np.zeros(400)).by_pair[0, 1]

    assert "no interval: a judge errs by other than usual on 4 items alone" in found(4).method
    assert isnan(found(4).low)
    assert "a judge errs by other than usual on 5 items alone: the interval tends to be too narrow" in found(5).method
    assert found(5).low < found(5).value < found(5).high
    assert "too narrow" in found(39).method  # 39 of 400 are rare
    assert "too narrow" not in found(41).method  # 41 are more than a tenth, and not


def test_errors_that_are_mostly_the_humans_own_are_undefined() -> None:
    values, human, _ = simulate(np.random.default_rng(8), 200, 1, 0.2, noise=0.5)
    variance = np.var(values[0] - human, ddof=1)
    found = error_correlation(values, human, human_error_variance=0.8 * variance)
    assert "20% of the variance of judge 0's errors is not the humans' own error" in found.by_pair[0, 1].method
    assert error_correlation(values, human, human_error_variance=0.5 * variance).by_pair[0, 1].is_defined


def test_a_corrected_correlation_beyond_one_is_undefined() -> None:
    # Errors are given the variances 1.9 and 0.8 and the covariance 1.22 exactly, which correlate by 0.99. Less 0.4 all three,
    # they would by 0.82 / sqrt(1.5 * 0.4) = 1.06.
    rng = np.random.default_rng(9)
    white = rng.normal(size=(2, 400))
    white -= white.mean(1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(white)), white)
    errors = np.linalg.cholesky(np.array([[1.9, 1.22], [1.22, 0.8]])) @ white
    found = error_correlation(errors, np.zeros(400), human_error_variance=0.4).by_pair[0, 1]
    assert found.method == (
        "undefined: with the humans' error variance taken out the correlation is 1.06, beyond what one can be"
    )  # fmt: skip


def test_a_negative_error_variance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"human_error_variance holds -1; a variance is 0 or more"):
        error_correlation(np.ones((2, 2)), np.ones(2), human_error_variance=np.array([0.5, -1]))


def test_items_without_an_error_variance_are_left_out() -> None:
    values, human, _ = simulate(np.random.default_rng(10), 30, 1, 0.4)
    variance = np.where(np.arange(30) < 5, nan, 0.05)
    found = error_correlation(values, human, human_error_variance=variance).mean
    expected = error_correlation(values[:, 5:], human[5:], human_error_variance=0.05).mean
    assert (found.value, found.low, found.n_missing) == pytest.approx((expected.value, expected.low, 5))


@settings(max_examples=150)
@given(tables, hnp.arrays(float, 9, elements=st.sampled_from([nan, 1.0, 2.5, 4.0])), st.booleans(), st.sampled_from([None, 0.3]))
def test_correlations_of_any_table_are_numbers_or_nan_with_a_reason(
    values: np.ndarray, human: np.ndarray, clustered: bool, variance: float | None
) -> None:
    found = error_correlation(values, human, [0, 0, 0, 1, 1, 1, 2, 2, 3] if clustered else None, human_error_variance=variance)
    for estimate in every(found):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert isnan(estimate.low) or -1 <= estimate.low <= estimate.value <= estimate.high <= 1


# Properties


def test_correlations_ignore_shifts_scale_and_order_and_follow_the_judges() -> None:
    values, human, scenario = simulate(np.random.default_rng(11), 12, 2, 0.3)
    before = error_correlation(values, human, scenario, human_error_variance=0.1)
    items = np.random.default_rng(0).permutation(24)
    shifted = 10 * (values + np.array([[0.0], [1.0], [-2.0]]))
    after = error_correlation(shifted[[2, 0, 1]][:, items], 10 * human[items], scenario[items], human_error_variance=10)
    for (j, k), pair in {(0, 1): (1, 2), (0, 2): (0, 1), (1, 2): (0, 2)}.items():
        ours, theirs = before.by_pair[j, k], after.by_pair[pair]
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-10)
    assert (after.mean.value, after.mean.low) == pytest.approx((before.mean.value, before.mean.low), abs=1e-10)


def test_duplicating_items_inside_scenarios_does_not_shrink_the_intervals() -> None:
    values, human, scenario = simulate(np.random.default_rng(12), 12, 2, 0.3)
    once = error_correlation(values, human, scenario)
    often = error_correlation(np.tile(values, 3), np.tile(human, 3), np.tile(scenario, 3))
    for ours, theirs in zip(every(once), every(often), strict=True):
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9)


# Coverage: 1,000 samples of scenarios of three items; 0.3 of an error's variance is its scenario's.


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [20, 80])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.85])
def test_intervals_hold_the_correlation_as_often_as_they_say(
    n_scenarios: int, rho: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng([13, n_scenarios, int(100 * rho)])
    found = [error_correlation(*simulate(rng, n_scenarios, 3, rho)) for _ in range(1000)]
    assert_nominal_coverage([each.by_pair[0, 1] for each in found], rho)
    assert_nominal_coverage([each.mean for each in found], rho)


@pytest.mark.slow
def test_intervals_hold_the_correlation_of_errors_on_a_scale_of_levels(assert_nominal_coverage: Callable[..., None]) -> None:
    def levels(rng: np.random.Generator, n_scenarios: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, human, scenario = simulate(rng, n_scenarios, 3, 0.5)
        return np.clip(np.round(values), 1, 5), np.clip(np.round(human), 1, 5), scenario

    rng = np.random.default_rng(14)
    values, human, _ = levels(rng, 300_000)
    truth = float(np.corrcoef(values - human)[np.triu_indices(3, 1)].mean())
    found = [error_correlation(*levels(rng, 40)) for _ in range(1000)]
    assert_nominal_coverage([each.by_pair[1, 2] for each in found], truth)
    assert_nominal_coverage([each.mean for each in found], truth)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_corrected_intervals_hold_the_correlation_that_uncorrected_ones_miss(
    rho: float, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng([15, int(100 * rho)])
    samples = [simulate(rng, 60, 3, rho, noise=0.7) for _ in range(1000)]
    found = [error_correlation(*rows, human_error_variance=0.49) for rows in samples]
    assert_nominal_coverage([each.by_pair[0, 1] for each in found], rho)
    assert_nominal_coverage([each.mean for each in found], rho)
    assert_too_few_cover([error_correlation(*rows).mean for rows in samples], rho)


@pytest.mark.slow
def test_intervals_that_take_alike_items_as_independent_are_too_narrow(assert_too_few_cover: Callable[..., None]) -> None:
    rng = np.random.default_rng(16)
    samples = [simulate(rng, 20, 12, 0.5) for _ in range(600)]
    assert_too_few_cover([error_correlation(values, human).mean for values, human, _ in samples], 0.5)


def rarely_wrong(rng: np.random.Generator, n_scenarios: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judges who are right on 93 % of the items, and else 1 too high or, less often, too low."""
    values, human, scenario = simulate(rng, n_scenarios, 3, 0.6)
    errors = values - human - 0.4
    return (errors > stats.norm.ppf(0.95)).astype(float) - (errors < stats.norm.ppf(0.02)), np.zeros(len(scenario)), scenario


@pytest.mark.slow
def test_intervals_of_rare_errors_are_too_narrow_and_say_so(assert_too_few_cover: Callable[..., None]) -> None:
    rng = np.random.default_rng(17)
    values, human, _ = rarely_wrong(rng, 300_000)
    truth = float(np.corrcoef(values - human)[np.triu_indices(3, 1)].mean())
    found = [error_correlation(*rarely_wrong(rng, 60)).mean for _ in range(800)]
    having = [each for each in found if not isnan(each.low)]
    assert len(having) > 700
    assert_too_few_cover(having, truth)
    assert sum("too narrow" in each.method for each in having) > 0.98 * len(having)
