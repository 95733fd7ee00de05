"""Is the prediction-powered mean that of its authors' package, and does it take scenarios for what was sampled?"""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.estimate import Estimate
from judgefair.statistics.ppi_mean import MIN_DIFFERING, ppi_mean

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(rng: np.random.Generator, n: int, n_other: int, noise: float = 0.6) -> Sample:
    """Human and judge on n labelled items, judge on n_other: the judge is 0.3 too high, with an error of sd `noise`."""
    truth = rng.normal(3, 1, n + n_other)
    judge = np.round(truth + rng.normal(0.3, noise, n + n_other), 1)
    return np.round(truth[:n] + rng.normal(0, 0.5, n), 1), judge[:n], judge[n:]


# Points and standard errors

SAMPLE = draw(np.random.default_rng(7), 60, 400)
# ppi-python 0.2.3: ppi_mean_pointestimate(human, judge, judge_eval, lam=lam), ppi_mean_ci(..., alpha=0.05, lam=lam), on SAMPLE.
PPI_PY = {
    0.0: (2.8533333333333335, 2.59693211, 3.10973456),
    0.5: (2.9949583333333334, 2.81372012, 3.17619655),
    1.0: (3.1365833333333333, 2.92145660, 3.35171007),
}


@pytest.mark.parametrize("lam", PPI_PY)
def test_the_mean_and_its_standard_error_are_those_of_the_authors_package(lam: float) -> None:
    # Their variance is var(human - lam judge)/n + lam^2 var(judge_eval)/N with variances that divide by n and by N. Ours are
    # the sums of squared influences ((h - h_mean) - lam (j - j_mean))/n and lam (j - j_mean)/N, which are those same terms,
    # each times its own n/(n - 1): var_ours = var_theirs_labelled n/(n - 1) + var_theirs_eval N/(N - 1).
    n, n_other, judge_eval = len(SAMPLE[0]), len(SAMPLE[2]), SAMPLE[2]
    ours = ppi_mean(*SAMPLE, lam=lam)
    point, low, high = PPI_PY[lam]
    assert ours.value == pytest.approx(point, abs=1e-12)
    theirs = (high - low) / 2 / stats.norm.ppf(0.975)
    of_eval = lam**2 * judge_eval.var() / n_other
    expected = np.sqrt((theirs**2 - of_eval) * n / (n - 1) + of_eval * n_other / (n_other - 1))
    assert ours.se == pytest.approx(expected, rel=1e-7)  # their bounds are printed to eight decimals
    assert ours.high - ours.low == pytest.approx(2 * stats.t.ppf(0.975, n - 1) * ours.se, rel=1e-12)


def test_the_tuned_lam_is_the_closed_formula_and_near_the_authors() -> None:
    # Theirs is cov(human, judge) / ((1 + n/N) var(judge)), with the variance of both samples together; ppi-python 0.2.3 gives
    # the point 3.03308272 with lam=None. Ours has the variance of each sample where it is used:
    #   lam = cov/n / (var_labelled/n + var_eval/N), all three with n - 1 and N - 1,
    # which is theirs, but for (n - 1)/n, where the two variances are equal. Here the labelled sample's is 1.29, the other 1.18.
    human, judge, judge_eval = SAMPLE
    n, n_other = len(human), len(judge_eval)
    covariance = np.cov(human, judge)[0, 1]
    lam = covariance / n / (judge.var(ddof=1) / n + judge_eval.var(ddof=1) / n_other)
    tuned = ppi_mean(*SAMPLE)
    shift = judge_eval.mean() - judge.mean()
    assert tuned.value == pytest.approx(human.mean() + lam * shift, abs=1e-12)
    assert f"tuned lam {lam:.3f}" in tuned.method
    theirs = covariance * (n - 1) / n / ((1 + n / n_other) * np.r_[judge, judge_eval].var(ddof=1))
    assert human.mean() + theirs * shift == pytest.approx(3.03308272, abs=1e-8)
    assert lam == pytest.approx(theirs, rel=0.1)


def test_the_tuned_lam_nears_the_authors_as_samples_grow() -> None:
    human, judge, judge_eval = draw(np.random.default_rng(3), 20_000, 60_000)
    theirs = np.cov(human, judge)[0, 1] / ((1 + 20_000 / 60_000) * np.r_[judge, judge_eval].var())
    tuned = ppi_mean(human, judge, judge_eval)
    assert (tuned.value - human.mean()) / (judge_eval.mean() - judge.mean()) == pytest.approx(theirs, rel=0.01)


def test_no_other_lam_has_a_smaller_standard_error_than_the_tuned() -> None:
    # The tuned one has one degree of freedom less: its variance is (n - 1)/(n - 2) of that of the same lam, given.
    human, judge, judge_eval = SAMPLE
    tuned = ppi_mean(*SAMPLE)
    lam = (tuned.value - human.mean()) / (judge_eval.mean() - judge.mean())
    at = ppi_mean(*SAMPLE, lam=lam)
    assert tuned.se == pytest.approx(at.se * np.sqrt(59 / 58), rel=1e-9)
    assert tuned.high - tuned.value == pytest.approx(stats.t.ppf(0.975, 58) * tuned.se, rel=1e-9)
    for step in (1e-4, 1e-3, 0.1, 0.3):
        assert all(ppi_mean(*SAMPLE, lam=lam + sign * step).se > at.se for sign in (-1, 1))


def test_lam_stays_within_0_and_1() -> None:
    human, judge, judge_eval = SAMPLE
    assert "tuned lam 0.000" in ppi_mean(human, -judge, -judge_eval).method
    assert "tuned lam 1.000" in ppi_mean(human, judge / 10, judge_eval / 10).method


def test_the_variance_over_scenarios_is_the_one_by_hand() -> None:
    # Labelled scenarios s (items 1, 3 with judge 1, 1) and t (5 with judge 3): human mean 3, judge mean 5/3. Elsewhere u (2, 4)
    # and v (6): mean 4. lam 1: 3 + 4 - 5/3 = 16/3. A scenario moves the mean by the sum of deviations over the items, /3:
    #   s: human (1 + 3 - 2*3)/3 = -2/3, judge (1 + 1 - 2*5/3)/3 = -4/9, so -2/3 + 4/9 = -2/9;   t: 2/3 - 4/9 = 2/9
    #   u: (2 + 4 - 2*4)/3 = -2/3;   v: 2/3
    # Both samples have two scenarios: variance = 2/1 (2 (2/9)^2 + 2 (2/3)^2) = 160/81.
    found = ppi_mean(
        np.array([1.0, 3.0, 5.0]), np.array([1.0, 1.0, 3.0]), np.array([2.0, 4.0, 6.0]), 1.0, list("sst"), list("uuv")
    )
    assert found.value == pytest.approx(16 / 3, abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(160 / 81), abs=1e-12)
    assert (found.n_items, found.n_clusters) == (3, 2)


def test_a_scenario_in_both_samples_is_one() -> None:
    # lam 1, judge = human: what is left is the mean elsewhere. With a judge that is right, 1 in s and 3 in t, and the same
    # scenarios elsewhere, the corrected mean is the judge's mean elsewhere, and moves as that alone: variance 2 (2 (1/2)^2).
    same = ppi_mean(np.array([1.0, 3.0]), np.array([1.0, 3.0]), np.array([1.0, 3.0]), 1.0, list("st"), list("st"))
    assert same.se == pytest.approx(1.0, abs=1e-12)
    # Where humans are constant, the labelled and the other items of a scenario cancel: nothing is left that varies.
    cancels = ppi_mean(np.array([2.0, 2.0]), np.array([1.0, 3.0]), np.array([1.0, 3.0]), 1.0, list("st"), list("st"))
    assert isnan(cancels.se)
    assert "no interval: no variance between clusters" in cancels.method
    apart = ppi_mean(np.array([2.0, 2.0]), np.array([1.0, 3.0]), np.array([1.0, 3.0]), 1.0, list("st"), list("uv"))
    assert apart.se == pytest.approx(np.sqrt(2), abs=1e-12)


@pytest.mark.parametrize("lam", [None, 0.0, 0.7, 1.0])
def test_duplicating_items_inside_scenarios_does_not_shrink_the_interval(lam: float | None) -> None:
    human, judge, judge_eval = SAMPLE
    of, elsewhere = np.arange(60) // 2, 100 + np.arange(400) // 4
    once = ppi_mean(human, judge, judge_eval, lam, of, elsewhere)
    often = ppi_mean(np.tile(human, 3), np.tile(judge, 3), np.tile(judge_eval, 3), lam, np.tile(of, 3), np.tile(elsewhere, 3))
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high), abs=1e-9)
    assert often.n_clusters == once.n_clusters == 30
    without = ppi_mean(np.tile(human, 3), np.tile(judge, 3), np.tile(judge_eval, 3), lam)
    assert without.se < 0.8 * once.se


# Errors seen rarely


def test_where_the_judge_differs_in_fewer_than_five_scenarios_lam_is_0() -> None:
    rng = np.random.default_rng(5)
    human = rng.integers(0, 2, 100).astype(float)
    judge_eval = rng.integers(0, 2, 1000).astype(float)
    for n_differing in (1, MIN_DIFFERING - 1, MIN_DIFFERING):
        judge = human.copy()
        judge[:n_differing] = 1 - judge[:n_differing]
        assert ("tuned lam 0.000" in ppi_mean(human, judge, judge_eval).method) == (n_differing < MIN_DIFFERING)
    # Ten items that differ, all in two scenarios, are two.
    judge = human.copy()
    judge[:10] = 1 - judge[:10]
    scenarios = np.arange(100) // 5
    assert "tuned lam 0.000" in ppi_mean(human, judge, judge_eval, None, scenarios, 100 + np.arange(1000)).method


def test_a_judge_who_is_off_by_a_constant_is_used_once_it_was_seen_to_differ_at_all() -> None:
    human = np.random.default_rng(6).integers(1, 5, 100).astype(float)
    judge_eval = np.random.default_rng(7).integers(2, 6, 900).astype(float)
    judge = human + 1
    # No difference on 100 labels is likely at an error of 2 %: nothing is known of the error's variance.
    assert "tuned lam 0.000" in ppi_mean(human, judge, judge_eval).method
    judge[:MIN_DIFFERING] += 1e-3
    found = ppi_mean(human, judge, judge_eval)
    assert "tuned lam 0.895" in found.method  # 1 / (1 + n/N) = 0.9, but for the two samples' variances
    assert found.se < 0.5 * ppi_mean(human, judge, judge_eval, lam=0).se


# Degenerate data

UNDEFINED = {
    "empty": ([], [], [], "no item has both a judge's and a human's rating"),
    "no label": ([nan, nan], [1, 2], [1, 2], "no item has both a judge's and a human's rating"),
    "no judge on labelled": ([1, 2], [nan, nan], [1, 2], "no item has both a judge's and a human's rating"),
    "no judge elsewhere": ([1, 2], [1, 2], [nan], "the judge rated no item beside the labelled ones"),
    "nothing elsewhere": ([1, 2], [1, 2], [], "the judge rated no item beside the labelled ones"),
}


@pytest.mark.parametrize(("human", "judge", "judge_eval", "reason"), UNDEFINED.values(), ids=UNDEFINED)
def test_the_mean_is_undefined_with_a_reason_where_a_sample_is_missing(
    human: list, judge: list, judge_eval: list, reason: str
) -> None:
    found = ppi_mean(human, judge, judge_eval)
    assert isnan(found.value)
    assert found.method == f"undefined: {reason}"


def test_one_labelled_scenario_has_a_point_and_no_interval() -> None:
    found = ppi_mean(np.array([1.0, 2.0]), np.array([2.0, 2.0]), np.array([3.0, 4.0]), 1.0, ["s", "s"], ["t", "u"])
    assert found.value == 3.0
    assert isnan(found.low)
    assert "no interval: a mean of one cluster" in found.method


def test_clusters_of_one_sample_alone_are_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="given together"):
        ppi_mean(np.ones(2), np.ones(2), np.ones(2), clusters=["s", "t"])


def test_items_without_a_rating_are_left_out_and_counted() -> None:
    found = ppi_mean(np.array([1.0, nan, 3.0]), np.array([1.0, 2.0, nan]), np.array([nan, 2.0]), lam=1)
    assert (found.value, found.n_items, found.n_missing) == (2.0, 1, 3)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(*[st.sampled_from([nan, 1.0, 2.0, 4.0])] * 2, st.integers(0, 3)), max_size=9),
    st.lists(st.tuples(st.sampled_from([nan, 1.0, 2.0, 4.0]), st.integers(2, 6)), max_size=9),
    st.sampled_from([None, 0.0, 0.4, 1.0]),
)
def test_the_mean_of_any_samples_is_a_number_or_nan_with_a_reason(labelled: list, other: list, lam: float | None) -> None:
    human, judge, of = (list(column) for column in zip(*labelled, strict=True)) if labelled else ([], [], [])
    judge_eval, elsewhere = (list(column) for column in zip(*other, strict=True)) if other else ([], [])
    for found in (ppi_mean(human, judge, judge_eval, lam), ppi_mean(human, judge, judge_eval, lam, of, elsewhere)):
        assert isnan(found.value) == found.method.startswith("undefined: ")
        assert isnan(found.low) == ("undefined: " in found.method or "no interval: " in found.method)
        assert isnan(found.low) or found.low < found.value < found.high


# Coverage: 1,500 samples. The truth is 3 by construction.


def simulate(rng: np.random.Generator, n: int, n_other: int, lam: float | None, size: int) -> tuple[Estimate, Estimate]:
    """By scenario, and as if items were independent: scenarios of `size` items share half of the variance of truth and error."""
    scenario = np.arange((n + n_other) * size) // size
    common, error = rng.normal(0, 0.7, n + n_other)[scenario], rng.normal(0.3, 0.4, n + n_other)[scenario]
    human = 3 + common + rng.normal(0, 0.7, len(scenario))
    judge = human + error + rng.normal(0, 0.4, len(scenario))
    cut = n * size
    rows = human[:cut], judge[:cut], judge[cut:], lam
    return ppi_mean(*rows, scenario[:cut], scenario[cut:]), ppi_mean(*rows)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "lam"), [(25, None), (40, None), (40, 1.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(
    n: int, lam: float | None, assert_nominal_coverage: object, assert_too_few_cover: object
) -> None:
    rng = np.random.default_rng(11)
    by_scenario, by_item = zip(*(simulate(rng, n, 200, lam, 3) for _ in range(1500)), strict=True)
    assert_nominal_coverage(by_scenario, 3.0)  # type: ignore[operator]
    assert_too_few_cover(by_item, 3.0)  # type: ignore[operator]
