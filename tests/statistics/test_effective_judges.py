"""Is the number of effective judges a ratio of error variances, with an interval over scenarios, and undefined without one?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics.effective_judges import effective_judges

tables = hnp.arrays(float, (3, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 5.0]))


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


def test_the_number_is_the_ratio_of_single_variances_to_the_variance_of_the_mean() -> None:
    values, human, _ = simulate(np.random.default_rng(1), 40, 1, 0.4, n_judges=4)
    values[0] *= 2
    values[2, ::7] = nan
    human[3] = nan
    rows = ~np.isnan(values.sum(0) + human)
    errors = (values - human)[:, rows]
    found = effective_judges(values, human)
    assert found.value == pytest.approx(errors.var(axis=1, ddof=1).mean() / errors.mean(axis=0).var(ddof=1), abs=1e-12)
    assert (found.estimand, found.n_raters) == ("panel.effective_judges", 4)
    assert (found.n_items, found.n_missing) == (rows.sum(), 40 - rows.sum())


def test_of_equal_variances_it_is_the_design_effects_number() -> None:
    # Kish 1965: n / (1 + (n - 1) rho). Errors are given the covariance exactly: variance 1, every pair 0.25; 5 / 2 = 2.5.
    rng = np.random.default_rng(2)
    white = rng.normal(size=(5, 50))
    white -= white.mean(1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(white)), white)
    errors = np.linalg.cholesky(0.75 * np.eye(5) + 0.25) @ white
    assert effective_judges(errors, np.zeros(50)).value == pytest.approx(5 / (1 + 4 * 0.25), abs=1e-12)


def test_judges_of_unequal_variances_who_err_independently_count_in_full() -> None:
    rng = np.random.default_rng(3)
    white = rng.normal(size=(4, 50))
    white -= white.mean(1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(white)), white)
    spread = np.array([[0.5], [1], [2], [3]])
    assert effective_judges(spread * white, np.zeros(50)).value == pytest.approx(4, abs=1e-10)


def test_the_number_follows_from_the_published_consistency_of_four_judges() -> None:
    # ICC(3,k), which is Cronbach's alpha, is n / (n - 1) (1 - tr(C) / 1'C1), so that n tr(C) / 1'C1 = n - (n - 1) ICC(3,k).
    # Shrout and Fleiss 1979, tables 2 to 4: mean squares 11.24 between targets and 1.02 of error, ICC(3,4) = 0.91.
    judges = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]])
    assert effective_judges(judges, np.zeros(6)).value == pytest.approx(4 - 3 * (11.24 - 1.02) / 11.24, abs=0.002)
    assert effective_judges(judges, np.zeros(6)).value == pytest.approx(4 - 3 * 0.91, abs=3 * 0.005)


def test_the_human_error_variance_is_taken_off_single_and_panel_variance() -> None:
    values, human, _ = simulate(np.random.default_rng(5), 60, 1, 0.2, noise=0.4)
    variance = np.random.default_rng(0).uniform(0.1, 0.2, 60)
    errors, v = values - human, variance.mean()
    expected = (errors.var(axis=1, ddof=1).mean() - v) / (errors.mean(axis=0).var(ddof=1) - v)
    assert effective_judges(values, human, human_error_variance=variance).value == pytest.approx(expected, abs=1e-12)


def test_the_humans_error_makes_judges_seem_fewer_and_the_correction_undoes_it() -> None:
    # Three independent judges of error variance 1, human error variance 0.49: (1 + 0.49) / (1 / 3 + 0.49) = 1.81, and 3.
    values, human, _ = simulate(np.random.default_rng(6), 40_000, 1, 0.0, noise=0.7)
    assert effective_judges(values, human).value == pytest.approx(1.49 / (1 / 3 + 0.49), abs=0.03)
    assert effective_judges(values, human, human_error_variance=0.49).value == pytest.approx(3, abs=0.12)


# Intervals


@pytest.mark.parametrize("clustered", [True, False], ids=["scenarios", "items"])
def test_the_interval_is_a_t_interval_of_the_log_excess_by_a_jackknife_over_clusters(clustered: bool) -> None:
    values, human, scenario = simulate(np.random.default_rng(7), 14, 3, 0.4)
    units, errors = scenario if clustered else np.arange(42), values - human
    n = len(set(units))
    left = []
    for unit in range(n):
        rest = errors[:, units != unit]
        left.append(np.log(rest.var(axis=1).mean() / rest.mean(axis=0).var() - 1))
    se = ((n - 1) / n * ((np.array(left) - np.mean(left)) ** 2).sum()) ** 0.5
    ours = effective_judges(values, human, scenario if clustered else None)
    reach = np.exp(stats.t.ppf(0.975, n - 1) * se)
    assert (ours.low, ours.high) == pytest.approx((1 + (ours.value - 1) / reach, 1 + (ours.value - 1) * reach), rel=1e-9)
    assert ours.se == pytest.approx(se * (ours.value - 1), rel=1e-9)
    assert (ours.n_clusters, ours.p_value) == (n, None)


# Degenerate data


def test_a_panel_of_one_judge_is_undefined() -> None:
    assert effective_judges(np.ones((1, 4)), np.arange(4.0)).method == "undefined: a panel of fewer than two judges"


def test_judges_who_never_rated_the_same_item_are_undefined() -> None:
    values = np.array([[1, 2, nan, nan], [nan, nan, 2, 1]])
    assert effective_judges(values, np.ones(4)).method == "undefined: no item has a human's rating and one of every judge"


def test_errors_that_never_vary_are_undefined() -> None:
    human = np.array([1, 2, 3.0])
    found = effective_judges(np.array([human + 0.1, human - 0.3]), human)
    assert found.method == "undefined: no judge's error varies over 3 items"


def test_errors_that_cancel_on_every_item_are_undefined_and_not_infinite() -> None:
    errors = np.array([0.3, -0.7, 0.1])
    found = effective_judges(np.array([errors, 1 - errors]), np.zeros(3))
    assert found.method == "undefined: the errors of the judges cancel on every item, which leaves no variance to divide by"


def test_judges_alike_up_to_a_shift_are_worth_one_without_an_interval() -> None:
    values, human, _ = simulate(np.random.default_rng(8), 20, 1, 0.0, n_judges=1)
    found = effective_judges(np.vstack([values, values + 0.7, values - 0.1]), human)
    assert found.value == 1
    assert isnan(found.low)
    assert "no interval: all judges err alike, up to a shift" in found.method


def test_one_scenario_gives_a_point_without_an_interval() -> None:
    values, human, _ = simulate(np.random.default_rng(9), 1, 8, 0.3)
    found = effective_judges(values, human, ["only"] * 8)
    assert found.is_defined
    assert isnan(found.low)
    assert "no interval: undefined without one of the 1 scenarios" in found.method


def test_two_scenarios_that_leave_the_number_without_an_upper_limit_give_no_interval() -> None:
    errors = np.array([[0, 1, 0, 5.0], [1, 0.1, 0, 5.1]])
    found = effective_judges(errors, np.zeros(4), [0, 0, 1, 1])
    assert found.is_defined
    assert isnan(found.low)
    assert isnan(found.se)
    assert "no interval: 2 scenarios leave the number without an upper limit" in found.method


def test_panels_whose_error_is_mostly_the_humans_own_are_undefined() -> None:
    values, human, _ = simulate(np.random.default_rng(10), 200, 1, 0.0)
    panel = np.var((values - human).mean(0), ddof=1)
    found = effective_judges(values, human, human_error_variance=0.95 * panel)
    assert found.method.startswith("undefined: 5% of the variance of the panel's errors is not the humans' own error")
    assert effective_judges(values, human, human_error_variance=0.8 * panel).is_defined


def test_a_negative_error_variance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"human_error_variance holds -1; a variance is 0 or more"):
        effective_judges(np.ones((2, 2)), np.ones(2), human_error_variance=-1)


@settings(max_examples=150)
@given(tables, hnp.arrays(float, 9, elements=st.sampled_from([nan, 1.0, 2.5, 4.0])), st.booleans(), st.sampled_from([None, 0.3]))
def test_the_number_of_any_table_is_one_or_more_or_nan_with_a_reason(
    values: np.ndarray, human: np.ndarray, clustered: bool, variance: float | None
) -> None:
    found = effective_judges(values, human, [0, 0, 0, 1, 1, 1, 2, 2, 3] if clustered else None, human_error_variance=variance)
    assert isnan(found.value) == found.method.startswith("undefined: ")
    assert isnan(found.low) == ("undefined: " in found.method or "no interval: " in found.method)
    assert isnan(found.value) or found.value >= 1
    assert isnan(found.low) or 1 <= found.low <= found.value <= found.high


# Properties


def test_the_number_ignores_shifts_scale_and_order() -> None:
    values, human, scenario = simulate(np.random.default_rng(11), 12, 2, 0.3)
    before = effective_judges(values, human, scenario, human_error_variance=0.1)
    items = np.random.default_rng(0).permutation(24)
    shifted = 10 * (values + np.array([[0.0], [1.0], [-2.0]]))
    after = effective_judges(shifted[[2, 0, 1]][:, items], 10 * human[items], scenario[items], human_error_variance=10)
    assert (after.value, after.low, after.high) == pytest.approx((before.value, before.low, before.high), abs=1e-9)


def test_duplicating_items_inside_scenarios_does_not_shrink_the_interval() -> None:
    values, human, scenario = simulate(np.random.default_rng(12), 12, 2, 0.3)
    once = effective_judges(values, human, scenario)
    often = effective_judges(np.tile(values, 3), np.tile(human, 3), np.tile(scenario, 3))
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high), abs=1e-9)


# Coverage: 1,000 samples of scenarios of three items; 0.3 of an error's variance is its scenario's.


@pytest.mark.slow
@pytest.mark.parametrize("n_scenarios", [20, 80])
@pytest.mark.parametrize(("rho", "n_judges"), [(0.0, 3), (0.5, 3), (0.85, 2), (0.1, 6)])
def test_intervals_hold_the_number_as_often_as_they_say(
    n_scenarios: int, rho: float, n_judges: int, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng([13, n_scenarios, int(100 * rho)])
    found = [effective_judges(*simulate(rng, n_scenarios, 3, rho, n_judges)) for _ in range(1000)]
    assert_nominal_coverage(found, n_judges / (1 + (n_judges - 1) * rho))


@pytest.mark.slow
def test_intervals_hold_the_number_of_errors_on_a_scale_of_levels(assert_nominal_coverage: Callable[..., None]) -> None:
    def levels(rng: np.random.Generator, n_scenarios: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, human, scenario = simulate(rng, n_scenarios, 3, 0.5)
        return np.clip(np.round(values), 1, 5), np.clip(np.round(human), 1, 5), scenario

    rng = np.random.default_rng(14)
    values, human, _ = levels(rng, 300_000)
    C = np.cov(values - human)
    found = [effective_judges(*levels(rng, 40)) for _ in range(1000)]
    assert_nominal_coverage(found, float(3 * np.trace(C) / C.sum()))


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_corrected_intervals_hold_the_number_that_uncorrected_ones_miss(
    rho: float, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng([15, int(100 * rho)])
    samples = [simulate(rng, 100, 3, rho, noise=0.6) for _ in range(1000)]
    assert_nominal_coverage([effective_judges(*rows, human_error_variance=0.36) for rows in samples], 3 / (1 + 2 * rho))
    assert_too_few_cover([effective_judges(*rows) for rows in samples], 3 / (1 + 2 * rho))


@pytest.mark.slow
def test_intervals_that_take_alike_items_as_independent_are_too_narrow(assert_too_few_cover: Callable[..., None]) -> None:
    rng = np.random.default_rng(16)
    samples = [simulate(rng, 20, 12, 0.5) for _ in range(600)]
    assert_too_few_cover([effective_judges(values, human) for values, human, _ in samples], 1.5)
