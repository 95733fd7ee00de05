"""Is the AUC that of a rank-sum test, and does its interval hold with scenarios that cases and controls share?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.clustered_auc import clustered_auc, cross_fitted_factor

scored = st.lists(st.tuples(st.sampled_from([nan, 0.0, 1.0, 2.0]), st.booleans(), st.integers(0, 4)), max_size=16)


def simulate(
    rng: np.random.Generator, n_scenarios: int, shift: float = 0.5, alike: float = 0.5, shared: bool = True, rows: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normal scores of as many cases and controls a scenario, cases higher by `shift`; correlated by `alike` within it."""
    case = np.tile(np.repeat([1.0, 0.0], rows), (n_scenarios, 1))
    scenario = np.repeat(np.arange(n_scenarios)[:, None], 2 * rows, axis=1)
    effect = rng.normal(size=(n_scenarios, 2))
    effect = effect[:, :1] if shared else np.repeat(effect, rows, axis=1)
    scores = alike**0.5 * effect + (1 - alike) ** 0.5 * rng.normal(size=case.shape) + shift * case
    return scores.ravel(), case.ravel() > 0, (scenario if shared else scenario + n_scenarios * (case > 0)).ravel()


# Points and variance


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_the_auc_is_the_statistic_of_a_rank_sum_test_over_the_number_of_pairs(cases: list[int], controls: list[int]) -> None:
    u = stats.mannwhitneyu(cases, controls).statistic
    found = clustered_auc(np.array([*cases, *controls], dtype=float), [True] * len(cases) + [False] * len(controls))
    assert found.value == pytest.approx(u / (len(cases) * len(controls)))


def test_the_standard_error_is_that_of_obuchowskis_sums() -> None:
    # Obuchowski 1997, equations (2) to (6): with I clusters that have m_i cases and n_i controls, X_i. the sum of the placements
    # of its cases and Y_i. that of its controls, S10 = I / ((I - 1) M) sum (X_i. - m_i A)^2, S01 likewise with N,
    # S11 = I / (I - 1) sum (X_i. - m_i A) (Y_i. - n_i A), and var A = S10 / M + S01 / N + 2 S11 / (M N).
    scores, case, scenario = simulate(np.random.default_rng(1), 25, rows=3)
    m = n = 75
    cases, controls = scores[case], scores[~case]
    area = np.mean([x > y for x in cases for y in controls])
    s10 = s01 = s11 = 0.0
    for each in range(25):
        x = sum((c > controls).mean() - area for c in scores[case & (scenario == each)])
        y = sum((c < cases).mean() - area for c in scores[~case & (scenario == each)])
        s10, s01, s11 = s10 + x * x, s01 + y * y, s11 + x * y
    variance = 25 / 24 * (s10 / m**2 + s01 / n**2 + 2 * s11 / (m * n))
    found = clustered_auc(scores, case, scenario)
    assert found.value == pytest.approx(area)
    assert found.se == pytest.approx(variance**0.5)


def test_scores_of_different_strata_are_never_compared() -> None:
    scores, case, scenario = simulate(np.random.default_rng(2), 40)
    fold = scenario % 4
    apart = clustered_auc(scores + 100 * fold, case, scenario, fold)
    assert apart.value == pytest.approx(clustered_auc(scores, case, scenario, fold).value)
    by_fold = [clustered_auc(scores[fold == k], case[fold == k], scenario[fold == k]).value for k in range(4)]
    assert apart.value == pytest.approx(np.mean(by_fold))  # as many pairs in each
    # A strange fold with controls alone has no pair to add.
    more = clustered_auc(np.append(scores, 7.0), np.append(case, False), np.append(scenario, 99), np.append(fold, 9))
    assert more.value == pytest.approx(clustered_auc(scores, case, scenario, fold).value)
    assert more.n_missing == 1


def test_what_a_scenario_adds_to_cases_and_controls_alike_cancels() -> None:
    scores, case, scenario = simulate(np.random.default_rng(3), 100, alike=0.9)
    paired, apart = clustered_auc(scores, case, scenario), clustered_auc(scores, case, scenario + 1000 * case)
    assert paired.value == apart.value
    assert paired.se < 0.7 * apart.se


def test_a_factor_of_the_variance_widens_the_interval_and_moves_no_value() -> None:
    given = simulate(np.random.default_rng(6), 200)
    one, other = clustered_auc(*given), clustered_auc(*given, variance_factor=cross_fitted_factor(5))
    assert other.value == one.value
    assert other.se == pytest.approx(1.5 * one.se)
    assert other.high - other.low == pytest.approx(1.5 * (one.high - one.low), rel=0.02)


# Degenerate data


def test_scores_that_always_or_never_tell_keep_an_interval_with_width() -> None:
    told = clustered_auc(np.repeat([1.0, 0.0], 30), np.repeat([True, False], 30), [*range(30)] * 2)
    assert told.value == told.high == 1.0
    assert 0.8 < told.low < 0.95
    tied = clustered_auc(np.zeros(60), np.repeat([True, False], 30), [*range(30)] * 2)
    assert tied.value == 0.5
    assert tied.low < 0.4
    assert tied.low + tied.high == pytest.approx(1)


def test_one_side_alone_has_no_auc_and_one_scenario_no_interval() -> None:
    assert clustered_auc(np.ones(3), [True] * 3).method == "undefined: there is no case beside a control"
    lone = clustered_auc(np.array([1.0, 0.0, 2.0]), [True, False, False], ["s", "s", "t"])
    assert lone.value == 0.5
    assert isnan(lone.low)
    assert "no interval: cases or controls of one scenario" in lone.method


@given(scored)
def test_any_scores_give_a_value_within_its_interval_or_nan_with_a_reason(rows: list[tuple]) -> None:
    scores, case, clusters = zip(*rows, strict=True) if rows else ((), (), ())
    found = clustered_auc(np.array(scores), case, clusters)
    assert isnan(found.value) == found.method.startswith("undefined: ")
    assert isnan(found.low) == ("undefined: " in found.method or "no interval: " in found.method)
    assert isnan(found.low) or -1e-12 <= found.low <= found.value + 1e-12 <= found.high + 2e-12 <= 1 + 3e-12


@given(scored.filter(len))
def test_cases_for_controls_mirrors_the_auc_and_its_interval(rows: list[tuple]) -> None:
    scores, case, clusters = zip(*rows, strict=True)
    one, other = clustered_auc(np.array(scores), case, clusters), clustered_auc(np.array(scores), np.logical_not(case), clusters)
    assert (1 - one.value, 1 - one.high, 1 - one.low) == pytest.approx(
        (other.value, other.low, other.high), nan_ok=True, abs=1e-9
    )


# Coverage: 1,500 samples; the AUC of two normals one shift apart is Phi(shift / sqrt(2)).


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
@pytest.mark.parametrize(("n_scenarios", "shared", "rows"), [(30, True, 1), (100, True, 2), (60, False, 2)])
def test_intervals_hold_the_auc_as_often_as_they_say(
    n_scenarios: int, shared: bool, rows: int, shift: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(5)
    found = [clustered_auc(*simulate(rng, n_scenarios, shift, 0.5, shared, rows)) for _ in range(1500)]
    # Two scores of one scenario are correlated, a case and a control of different ones are not, and these are nearly all pairs.
    truth = stats.norm.cdf(shift / 2**0.5)
    if shared:
        within = stats.norm.cdf(shift / (2 * 0.5) ** 0.5)
        truth += (within - truth) / n_scenarios
    assert_nominal_coverage(found, float(truth))
