"""Does the corrected gap find what humans would, population by population, and know how far it may be off?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.disparity import MIN_LABELLED, MIN_UNUSUAL, Disparity, disparity
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.judge_error import judge_error
from judgefair.statistics.ppi_mean import ppi_mean

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
GAPS = {"a": -0.3, "b": 0.0, "c": 0.2}
ERRORS = {"a": 0.5, "b": 0.0, "c": -0.2}
ratings = st.sampled_from([nan, 0.0, 1.0, 2.5])
rows_of_any_kind = st.lists(
    st.tuples(ratings, ratings, st.sampled_from(["a", "b", "b", "c", "", None]), st.integers(0, 5), st.booleans(),
              st.sampled_from(["low", "high"])), max_size=16,
)  # fmt: skip
lams = st.sampled_from([None, 0.0, 0.3, 1.0])


def simulate(
    rng: np.random.Generator, n_scenarios: int, n_labelled: int, shared: bool = True, items: int = 2, apart: bool = False
) -> Rows:
    """Judge, human (nan where unlabelled), population and scenario of each item.

    A scenario moves humans (sd 0.7) and the judge's error (sd 0.3) in all its populations alike and in each by itself (sd
    0.4); in `n_labelled` scenarios of every population all items are labelled, `apart` in other scenarios for each
    population. Where scenarios are not shared, each has one population.
    """
    names = np.array(list(GAPS))
    if shared:
        scenario, column = (x.repeat(items) for x in np.divmod(np.arange(n_scenarios * 3), 3))
    else:
        scenario = np.arange(3 * n_scenarios).repeat(items)
        column = scenario % 3
    rank = scenario if shared else scenario // 3
    n = scenario.max() + 1
    human = (
        3 + np.array(list(GAPS.values()))[column] + rng.normal(0, 0.7, n)[scenario] + rng.normal(0, 0.4, (n, 3))[scenario, column]
    )
    error = (
        np.array(list(ERRORS.values()))[column] + rng.normal(0, 0.3, n)[scenario] + rng.normal(0, 0.3, (n, 3))[scenario, column]
    )
    human += rng.normal(0, 0.4, len(human))
    judge = human + error + rng.normal(0, 0.4, len(human))
    first = column * n_labelled if apart else 0
    labelled = (first <= rank) & (rank < first + n_labelled)
    return judge, np.where(labelled, human, nan), names[column], scenario


def every(found: Disparity) -> list[Estimate]:
    parts = found.raw, found.corrected, found.judge_made, found.mean_raw, found.mean_corrected
    return [estimate for part in parts for estimate in part.values()]


# Points


@settings(max_examples=300)
@given(rows_of_any_kind, lams, st.booleans(), st.booleans(), st.booleans())
def test_the_raw_gap_is_the_corrected_plus_what_the_judge_made(
    rows: list[tuple], lam: float | None, clustered: bool, partly: bool, stratified: bool
) -> None:
    judge, human, populations, clusters, inside, merit = (list(x) for x in zip(*rows, strict=True)) if rows else ([],) * 6
    found = disparity(
        judge, human, populations, "b", clusters if clustered else None, lam,
        evaluated=inside if partly else None, strata=merit if stratified else None,
    )  # fmt: skip
    assert found.raw.keys() == found.corrected.keys() == found.judge_made.keys() == {x for x in populations if x} - {"b"}
    for name, raw in found.raw.items():
        corrected, made = found.corrected[name], found.judge_made[name]
        assert corrected.is_defined == made.is_defined
        assert raw.is_defined or not corrected.is_defined
        if corrected.is_defined:
            assert raw.value == pytest.approx(corrected.value + made.value, abs=1e-9)
    for estimate in every(found):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert isnan(estimate.low) or estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize("lam", [None, 0.0, 0.6, 1.0])
def test_each_corrected_mean_is_the_prediction_powered_mean_of_its_own_population(lam: float | None) -> None:
    # The judge's mean over all items is n/(n + N) of the labelled and N/(n + N) of the others: the shift from labelled to all is
    # N/(n + N) of that to the others, so that lam here is lam N/(n + N) there.
    judge, human, populations, _ = simulate(np.random.default_rng(1), 120, 40, shared=False)
    found = disparity(judge, human, populations, "b", None, lam)
    for name in GAPS:
        mine, labelled = populations == name, ~np.isnan(human)
        sample = human[mine & labelled], judge[mine & labelled], judge[mine & ~labelled]
        theirs = ppi_mean(*sample, lam=None if lam is None else lam * len(sample[2]) / mine.sum())
        # Exactly with a given lam. A tuned one depends on how the two variances of the judge are weighed: see test_ppi_mean.
        assert found.mean_corrected[name].value == pytest.approx(theirs.value, abs=1e-12 if lam is not None else 0.02)
        assert found.mean_corrected[name].se == pytest.approx(theirs.se, rel=0.02)
        assert found.mean_raw[name].value == pytest.approx(judge[mine].mean(), abs=1e-12)


def test_with_lam_0_the_corrected_gap_is_the_humans() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(2), 60, 30)
    found = disparity(judge, human, populations, "b", clusters, 0)
    for name in ("a", "c"):
        gap = np.nanmean(human[populations == name]) - np.nanmean(human[populations == "b"])
        assert found.corrected[name].value == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
def test_with_lam_1_the_judge_made_gap_is_the_gap_of_the_judges_error(shared: bool) -> None:
    # judge_error has G/(G - 1) of the scenarios of both populations, here each mean has its own. Where all scenarios are
    # shared they are one. Where populations have 30 each, G is 60: 60/59 there and 30/29 here.
    judge, human, populations, clusters = simulate(np.random.default_rng(3), 60, 30, shared)
    made = disparity(judge, human, populations, "b", clusters, 1).judge_made
    for name, theirs in judge_error(judge, human, populations, "b", clusters).gaps.items():
        assert made[name].value == pytest.approx(theirs.value, abs=1e-12)
        assert made[name].se == pytest.approx(theirs.se * (1 if shared else np.sqrt((30 / 29) / (60 / 59))), rel=1e-9)
        assert (made[name].low < theirs.value < made[name].high, made[name].level) == (True, 0.95)


@pytest.mark.parametrize("lam", [None, 1.0])
def test_one_calibration_for_all_would_turn_the_gap_around_and_ours_does_not(lam: float | None) -> None:
    # Of 1,000 answers each, 600 of a and 660 of b are good: a gap of -0.06. The judge passes 28 + 98 too few of the good and
    # 72 + 2 too many of the bad: it passes 644 of a and 564 of b, a gap of +0.08.
    # One calibration for both: sensitivity 1 - 126/1260 = 0.9, specificity 1 - 74/740 = 0.9, so that Rogan and Gladen's
    # correction divides the gap by 0.8: +0.10. One mean error for both leaves it at +0.08.
    cells = {"a": (572, 28, 72, 328), "b": (562, 98, 2, 338)}  # good and passed, good and failed, bad and passed, bad and failed
    counts = 20 * np.array([cells[name] for name in ("a", "b")]).ravel()
    human, judge = np.tile([1.0, 1, 0, 0], 2).repeat(counts), np.tile([1.0, 0, 1, 0], 2).repeat(counts)
    populations = np.array(["a", "b"]).repeat(20_000)
    labelled = np.arange(40_000) % 2 == 0
    rate = {name: judge[populations == name].mean() for name in "ab"}
    pooled = [judge[labelled & (human == good)].mean() for good in (0, 1)]
    assert (rate["a"] - rate["b"]) / (pooled[1] - pooled[0]) == pytest.approx(0.10, abs=1e-9)

    found = disparity(judge, np.where(labelled, human, nan), populations, "b", lam=lam)
    assert found.raw["a"].value == pytest.approx(0.08, abs=1e-9)
    assert found.corrected["a"].value == pytest.approx(-0.06, abs=1e-9)
    assert found.judge_made["a"].value == pytest.approx(0.14, abs=1e-9)
    assert found.corrected["a"].high < 0 < found.raw["a"].low


@pytest.mark.parametrize("lam", [None, 0.5, 1.0])
def test_labels_of_a_third_population_move_nothing_between_the_other_two(lam: float | None) -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(4), 80, 30)
    rng = np.random.default_rng(5)
    other = np.where(populations == "c", 5 - human + rng.normal(0, 3, len(human)), human)
    before, after = (disparity(judge, x, populations, "b", clusters, lam) for x in (human, other))
    for part in ("raw", "corrected", "judge_made", "mean_raw", "mean_corrected", "spread", "weak"):
        assert getattr(before, part)["a"] == getattr(after, part)["a"]
    assert before.mean_corrected["b"] == after.mean_corrected["b"]
    assert before.corrected["c"] != after.corrected["c"]
    dropped = disparity(judge, np.where(populations == "c", nan, human), populations, "b", clusters, lam)
    assert dropped.corrected["a"] == before.corrected["a"]


@pytest.mark.parametrize("lam", [None, 1.0])
def test_a_gap_at_equal_merit_may_have_the_other_sign(lam: float | None) -> None:
    # Humans give a 1 and 3 at low and high merit, b 2 and 4; 80 % of a and 20 % of b are of high merit. a 2.6, b 2.4: +0.2.
    # At equal merit: -1. The judge adds 0.5 to a at high merit alone: 3.0 against 2.4, and at equal merit -0.75, since half
    # of all items are of high merit.
    high = np.tile(np.r_[np.ones(80), np.zeros(20), np.ones(20), np.zeros(80)] == 1, 2)
    populations = np.tile(np.array(["a", "b"]).repeat(100), 2)
    human = 1 + 2.0 * high + (populations == "b") + np.tile([0.1, -0.1], 200)
    judge = human + 0.5 * ((populations == "a") & high)
    labelled = np.where(np.arange(400) < 200, human, nan)
    marginal = disparity(judge, labelled, populations, "b", lam=lam)
    given_merit = disparity(judge, labelled, populations, "b", lam=lam, strata=np.where(high, "high", "low"))
    assert (marginal.raw["a"].value, marginal.corrected["a"].value) == pytest.approx((0.6, 0.2), abs=1e-9)
    assert (given_merit.raw["a"].value, given_merit.corrected["a"].value) == pytest.approx((-0.75, -1), abs=1e-9)


def test_labels_from_elsewhere_tell_the_judges_error_and_not_the_mean() -> None:
    # Carried over, a mean is that of the judge in the run plus human minus judge elsewhere, two independent samples:
    # variance var(judge of the run)/N + var(human - judge)/n, each with its own n - 1.
    rng = np.random.default_rng(6)
    populations = np.array(["a", "b"]).repeat([150, 170])
    inside = np.concatenate([np.arange(150) < 100, np.arange(170) < 110])
    judge = rng.normal(3, 1, 320) + inside
    human = np.where(inside, nan, judge - 0.4 * (populations == "a") + rng.normal(0, 0.5, 320))
    found = disparity(judge, human, populations, "b", lam=1, evaluated=inside)
    means, variances = {}, {}
    for name in "ab":
        run, error = judge[inside & (populations == name)], (human - judge)[~inside & (populations == name)]
        means[name] = run.mean() + error.mean()
        variances[name] = run.var(ddof=1) / len(run) + error.var(ddof=1) / len(error)
        assert found.mean_corrected[name].value == pytest.approx(means[name], abs=1e-12)
        assert found.mean_corrected[name].se == pytest.approx(np.sqrt(variances[name]), rel=1e-9)
    assert found.corrected["a"].value == pytest.approx(means["a"] - means["b"], abs=1e-12)
    assert found.corrected["a"].se == pytest.approx(np.sqrt(variances["a"] + variances["b"]), rel=1e-9)
    assert found.raw["a"].value == pytest.approx(
        judge[inside & (populations == "a")].mean() - judge[inside & (populations == "b")].mean()
    )


# Intervals


def test_with_lam_0_the_gap_has_the_standard_error_of_welchs_test() -> None:
    # s_a^2/n_a + s_b^2/n_b. The t has the degrees of freedom of the smaller population, which are never more than Welch's.
    judge, human, populations, _ = simulate(np.random.default_rng(7), 60, 30, shared=False, items=1)
    human[np.flatnonzero(populations == "a")[:10]] = nan
    ours = disparity(judge, human, populations, "b", lam=0).corrected["a"]
    a, b = (human[(populations == name) & ~np.isnan(human)] for name in "ab")
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert (len(a), len(b)) == (20, 30)
    assert ours.value / ours.se == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.high - ours.value == pytest.approx(stats.t.ppf(0.975, 19) * ours.se, rel=1e-9)
    assert theirs.df > 19


def test_with_lam_0_populations_that_share_scenarios_are_compared_by_a_paired_t_test() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(8), 60, 30, items=1)
    ours = disparity(judge, human, populations, "b", clusters, 0).corrected["a"]
    a, b = (human[(populations == name) & ~np.isnan(human)] for name in "ab")
    theirs = stats.ttest_rel(a, b)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-9)
    assert disparity(judge, human, populations, "b", None, 0).corrected["a"].se > 1.2 * ours.se


def test_a_given_lam_compares_shared_scenarios_by_a_paired_test_of_what_each_moves() -> None:
    # One item of each population in each of N scenarios, n of them labelled. A labelled scenario moves the gap by the
    # difference of human - lam judge, over n, and every scenario by lam times the difference of the judge, over N. With n/(n - 1) of
    # the former and N/(N - 1) of the latter, both about their means, the variance is the sum of squares.
    judge, human, populations, clusters = simulate(np.random.default_rng(9), 60, 30, items=1)
    ours = disparity(judge, human, populations, "b", clusters, 0.7).corrected["a"]
    (h_a, j_a), (h_b, j_b) = ((human[populations == name], judge[populations == name]) for name in "ab")
    labelled = ~np.isnan(h_a)
    left = (h_a - h_b - 0.7 * (j_a - j_b))[labelled]
    moved = 0.7 * (j_a - j_b - (j_a - j_b).mean()) / 60 * np.sqrt(60 / 59)
    moved[labelled] += (left - left.mean()) / 30 * np.sqrt(30 / 29)
    assert ours.se == pytest.approx(np.sqrt((moved**2).sum()), rel=1e-9)


def test_strata_are_weighed_by_their_share_of_all_evaluated_items() -> None:
    # lam 0: a mean is sum w_s mean_s, its variance sum w_s^2 var_s / n_s (Cochran 1977, theorem 5.3, without the finite part).
    judge, human, populations, _ = simulate(np.random.default_rng(10), 90, 40, shared=False, items=1)
    merit = np.random.default_rng(11).choice(["low", "middle", "high"], len(judge), p=[0.5, 0.3, 0.2])
    found = disparity(judge, human, populations, "b", lam=0, strata=merit).corrected["a"]
    value, variance = 0.0, 0.0
    for sign, name in ((1, "a"), (-1, "b")):
        for each in np.unique(merit):
            rows = human[(populations == name) & (merit == each) & ~np.isnan(human)]
            weight = (merit == each).mean()
            value += sign * weight * rows.mean()
            variance += weight**2 * rows.var(ddof=1) / len(rows)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_a_stratum_with_one_labelled_scenario_leaves_no_interval() -> None:
    # How such a stratum varies is not known; to take it for 0 would make the interval too narrow.
    judge, human, populations, _ = simulate(np.random.default_rng(12), 90, 40, shared=False, items=1)
    merit = np.where(np.arange(len(judge)) % 2, "low", "high")
    rows = np.flatnonzero((populations == "a") & (merit == "low") & ~np.isnan(human))
    human[rows[1:]] = nan
    found = disparity(judge, human, populations, "b", lam=0, strata=merit)
    assert found.corrected["a"].is_defined
    assert isnan(found.corrected["a"].low)
    assert "no interval: a mean of one cluster" in found.corrected["a"].method
    assert not isnan(found.corrected["c"].low)


@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
def test_no_other_lam_gives_the_gap_a_smaller_standard_error_than_the_tuned(shared: bool) -> None:
    # A tuned gap has a degree of freedom less for each lam that was fitted to the same scenarios: two where they are shared.
    judge, human, populations, clusters = simulate(np.random.default_rng(13), 80, 30, shared)
    found = disparity(judge, human, populations, "b", clusters).corrected["a"]
    left = 30 - (2 if shared else 1)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, left - 1) * found.se, rel=1e-9)
    at = found.se * np.sqrt((left - 1) / 29)
    given = [disparity(judge, human, populations, "b", clusters, lam).corrected["a"].se for lam in np.linspace(0, 1, 21)]
    assert at <= min(given) * (1 + 1e-9)
    assert at > 0.9 * min(given)


def test_the_lam_of_a_gap_without_shared_scenarios_is_that_of_its_means() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(14), 80, 30, shared=False)
    found = disparity(judge, human, populations, "b", clusters)
    means = found.mean_corrected
    assert found.corrected["a"].value == pytest.approx(means["a"].value - means["b"].value, abs=1e-9)


def test_a_judge_who_runs_against_the_humans_is_not_used() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(15), 80, 30, shared=False)
    judge[populations == "a"] *= -1
    found = disparity(judge, human, populations, "b", clusters)
    assert "lam 0.000 and 0." in found.corrected["a"].method
    assert "lam 0.000;" in found.mean_corrected["a"].method


@pytest.mark.parametrize("lam", [None, 0.0, 0.7, 1.0])
@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
def test_duplicating_items_inside_scenarios_does_not_shrink_the_intervals(shared: bool, lam: float | None) -> None:
    rows = simulate(np.random.default_rng(16), 60, 30, shared)
    judge, human, populations, clusters = (np.tile(x, 3) for x in rows)
    once, often = disparity(*rows[:3], "b", rows[3], lam), disparity(judge, human, populations, "b", clusters, lam)
    for ours, theirs in zip(every(once), every(often), strict=True):
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9)
        assert theirs.n_clusters == ours.n_clusters


@given(rows_of_any_kind.filter(len), lams, st.randoms(use_true_random=False))
def test_gaps_ignore_the_order_of_rows(rows: list[tuple], lam: float | None, random: object) -> None:
    shuffled = random.sample(rows, len(rows))  # type: ignore[attr-defined]
    columns = [[list(x) for x in zip(*each, strict=True)] for each in (rows, shuffled)]
    before, after = (disparity(j, h, p, "b", c, lam, evaluated=e, strata=s) for j, h, p, c, e, s in columns)
    for ours, theirs in zip(every(before), every(after), strict=True):
        assert (theirs.value, theirs.se) == pytest.approx((ours.value, ours.se), abs=1e-6, nan_ok=True)


# What labels are worth, for `plan_labels`


@pytest.mark.parametrize("lam", [0.5, 1.0])
def test_the_spread_of_each_population_makes_up_the_variance_of_its_gap(lam: float) -> None:
    # Labels from elsewhere: variance label_sd^2/n + judge_se^2 for each of the two, by the derivation above.
    rng = np.random.default_rng(17)
    populations, inside = np.array(["a", "b"]).repeat(150), np.tile(np.arange(150) < 90, 2)
    judge = rng.normal(3, 1, 300)
    human = np.where(inside, nan, judge + rng.normal(0, 0.5, 300))
    found = disparity(judge, human, populations, "b", lam=lam, evaluated=inside)
    parts = [found.spread[name].label_sd ** 2 / found.n_labelled[name] + found.spread[name].judge_se ** 2 for name in "ab"]
    assert found.corrected["a"].se == pytest.approx(np.sqrt(sum(parts)), rel=1e-9)
    assert [found.spread[name].n_items for name in "ab"] == [90, 90]


def test_a_judge_who_says_the_same_of_every_item_leaves_no_error_beyond_the_labels() -> None:
    rng = np.random.default_rng(18)
    found = disparity(np.ones(80), rng.normal(1, 1, 80), ["a"] * 40 + ["b"] * 40, "b", lam=1, evaluated=np.arange(80) % 2 == 0)
    assert found.spread["a"].judge_se == 0
    assert found.spread["a"].label_sd > 0


# Labels too few to bear an interval


def weak_of(human: np.ndarray, clusters: np.ndarray | None = None) -> str:
    rng = np.random.default_rng(19)
    n = len(human)
    populations = np.array(["a"] * n + ["b"] * 60)
    units = None if clusters is None else np.r_[clusters, 1000 + np.arange(60)]
    return disparity(rng.normal(size=n + 60), np.r_[human, rng.normal(size=60)], populations, "b", units).weak["a"]


def test_a_given_lam_is_weak_where_the_judge_was_hardly_seen_to_err() -> None:
    # With lam = 1 the labels tell nothing but the judge's error. None on 40 labels is likely at an error of 5 %.
    rng = np.random.default_rng(0)
    human, populations = rng.integers(0, 2, 80).astype(float), np.repeat(["a", "b"], 40)
    for n_differing, is_weak in ((0, True), (4, True), (5, False)):
        judge = human.copy()
        judge[:n_differing] = 1 - judge[:n_differing]
        judge[40:45] = 1 - judge[40:45]
        found = disparity(judge, human, populations, "b", lam=1).weak["a"]
        assert (
            found == "a: judge and humans differ on fewer than 5 labelled scenarios, too few to tell the judge's error by"
        ) == is_weak
        assert disparity(judge, human, populations, "b", lam=0).weak["a"] == ""
        assert disparity(judge, human, populations, "b").weak["a"] == ""


def test_labels_are_weak_below_25_scenarios_and_below_5_that_differ_from_the_usual() -> None:
    rng = np.random.default_rng(20)
    assert (MIN_LABELLED, MIN_UNUSUAL) == (25, 5)
    assert weak_of(rng.normal(size=24)) == "a: 24 labelled scenarios, and an interval needs 25"
    assert weak_of(rng.normal(size=25)) == ""
    assert weak_of(rng.normal(size=48), np.arange(48) // 2) == "a: 24 labelled scenarios, and an interval needs 25"
    binary = np.zeros(40)
    binary[:4] = 1
    assert weak_of(binary) == "a: only 4 labelled scenarios differ from the label 0, and an interval needs 5"
    binary[4] = 1
    assert weak_of(binary) == ""
    # Ten unusual labels in four scenarios are four.
    many = np.zeros(120)
    many[:10] = 1
    assert weak_of(many, np.arange(120) // 3).startswith("a: only 4 labelled scenarios differ")


def test_a_weak_reference_makes_every_gap_weak() -> None:
    rng = np.random.default_rng(21)
    populations = np.array(["a", "c", "b"]).repeat([40, 40, 10])
    found = disparity(rng.normal(size=90), rng.normal(size=90), populations, "b")
    assert set(found.weak.values()) == {"b: 10 labelled scenarios, and an interval needs 25"}


def test_where_the_judge_errs_in_fewer_than_five_scenarios_of_a_population_it_is_not_used_there() -> None:
    rng = np.random.default_rng(22)
    human = rng.integers(0, 2, 400).astype(float)
    judge, populations, labelled = human.copy(), np.array(["a", "b"]).repeat(200), np.tile(np.arange(200) < 60, 2)
    judge[[3, 50]] = 1 - judge[[3, 50]]
    judge[200:230:3] = 1 - judge[200:230:3]
    found = disparity(judge, np.where(labelled, human, nan), populations, "b")
    assert "lam 0.000;" in found.mean_corrected["a"].method
    assert "lam 0.000 and 0." in found.corrected["a"].method
    assert "lam 0.000 and 0.000" not in found.corrected["a"].method


# Degenerate data


def test_empty_arrays_leave_the_reference_undefined_and_no_gap() -> None:
    for clusters, strata in ((None, None), ([], [])):
        found = disparity([], [], [], "b", clusters, strata=strata)
        assert found.raw == found.corrected == found.judge_made == found.weak == found.linear == {}
        for mean in (found.mean_raw["b"], found.mean_corrected["b"]):
            assert isnan(mean.value)
            assert mean.method == "undefined: has no item that the judge rated"


@pytest.mark.parametrize("empty", ["a", "b"], ids=["population", "reference"])
@pytest.mark.parametrize("lam", [None, 0.0, 1.0])
def test_a_population_without_labels_has_a_raw_gap_and_no_corrected(empty: str, lam: float | None) -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(23), 20, 10)
    found = disparity(judge, np.where(populations == empty, nan, human), populations, "b", clusters, lam)
    assert found.raw["a"].is_defined
    for estimate in (found.corrected["a"], found.judge_made["a"]):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert estimate.method == f"undefined: {empty} has no item with both a judge's and a human's rating"
    assert isnan(found.mean_corrected[empty].value)
    assert isnan(found.linear["a"].value)
    assert f"{empty}: 0 labelled scenarios" in found.weak["a"]
    assert found.corrected["c"].is_defined == (empty == "a")


def test_a_reference_nobody_belongs_to_leaves_every_gap_undefined() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(24), 20, 10)
    found = disparity(judge, human, populations, "z", clusters)
    assert set(found.raw) == {"a", "b", "c"}
    for part in (found.raw, found.corrected, found.judge_made):
        assert {estimate.method for estimate in part.values()} == {"undefined: z has no item that the judge rated"}
    assert found.mean_corrected["a"].is_defined


def test_a_judge_who_rated_nothing_leaves_everything_undefined() -> None:
    found = disparity(np.full(6, nan), np.ones(6), list("aaabbb"), "b")
    for estimate in every(found):
        assert isnan(estimate.value)
        assert estimate.method.startswith("undefined: ")
        assert estimate.n_missing == (6 if estimate.estimand.startswith("gap") else 3)


def test_one_scenario_gives_points_without_intervals() -> None:
    judge, human = np.array([2.0, 3, 1, 4]), np.array([1.0, 2, 2, 2])
    for lam in (None, 1.0):
        for estimate in every(disparity(judge, human, list("aabb"), "b", ["only"] * 4, lam)):
            assert estimate.is_defined
            assert isnan(estimate.low)
            assert isnan(estimate.se)
            assert estimate.p_value is None
            assert "no interval: a mean of one cluster" in estimate.method


def test_constant_ratings_have_no_interval_of_no_width() -> None:
    for estimate in every(disparity(np.full(60, 2.0), np.full(60, 1.0), ["a"] * 30 + ["b"] * 30, "b")):
        assert estimate.is_defined
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert "no interval: no variance between clusters" in estimate.method


def test_a_stratum_that_a_population_lacks_leaves_its_gap_undefined_and_says_which() -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(25), 40, 20, shared=False, items=1)
    merit = np.where(np.arange(len(judge)) % 2, "low", "high")
    unlabelled = np.where((populations == "a") & (merit == "low"), nan, human)
    found = disparity(judge, unlabelled, populations, "b", strata=merit)
    assert found.corrected["a"].method == "undefined: a has no item with both a judge's and a human's rating in stratum low"
    assert found.raw["a"].is_defined
    found = disparity(judge, human, populations, "b", strata=np.where(populations == "a", "high", merit))
    assert found.raw["a"].method == "undefined: a has no item that the judge rated in stratum low"


def test_rows_without_a_population_move_nothing() -> None:
    judge, human, populations, clusters = simulate(np.random.default_rng(26), 30, 15)
    more = np.r_[judge, [9.0, 9.0]], np.r_[human, [1.0, nan]], np.array([*populations, None, ""], dtype=object)
    before, after = disparity(judge, human, populations, "b", clusters), disparity(*more, "b", np.r_[clusters, [0, 1]])
    for ours, theirs in zip(every(before), every(after), strict=True):
        assert (ours.value, ours.se, ours.n_items) == pytest.approx((theirs.value, theirs.se, theirs.n_items), abs=1e-9)


# Coverage: 1,000 runs each; the true gap is GAPS["a"] by construction

REGIMES: dict[str, tuple[dict, float | None]] = {
    "shared scenarios, 30 labelled": ({"n_scenarios": 150, "n_labelled": 30}, None),
    "shared scenarios, each population labelled in others": ({"n_scenarios": 150, "n_labelled": 30, "apart": True}, None),
    "scenarios apart, 25 labelled": ({"n_scenarios": 150, "n_labelled": 25, "shared": False}, None),
    "scenarios apart, lam 1": ({"n_scenarios": 150, "n_labelled": 40, "shared": False}, 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize(("how", "lam"), REGIMES.values(), ids=REGIMES)
def test_intervals_of_the_corrected_gap_hold_the_truth_as_often_as_they_say(
    how: dict, lam: float | None, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(27)
    found = []
    for _ in range(1000):
        judge, human, populations, clusters = simulate(rng, **how)
        kept = populations != "c"
        found.append(disparity(judge[kept], human[kept], populations[kept], "b", clusters[kept], lam))
    assert_nominal_coverage([each.corrected["a"] for each in found], GAPS["a"])
    assert_nominal_coverage([each.raw["a"] for each in found], GAPS["a"] + ERRORS["a"])
    assert_nominal_coverage([each.judge_made["a"] for each in found], ERRORS["a"])


@pytest.mark.slow
def test_intervals_that_take_items_for_independent_hold_the_truth_too_rarely(assert_too_few_cover: Callable[..., None]) -> None:
    rng = np.random.default_rng(28)
    found = []
    for _ in range(500):
        judge, human, populations, _ = simulate(rng, 60, 25, shared=False, items=4)
        found.append(disparity(judge, human, populations, "b").corrected["a"])
    assert_too_few_cover(found, GAPS["a"])
