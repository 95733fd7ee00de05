"""Does the judge's alpha count judge-human pairs alone, each item once?"""

from collections import Counter
from collections.abc import Callable
from math import isnan, nan
from typing import Literal

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics import alpha, judge_alpha

LEVELS = ("nominal", "ordinal", "interval")
every_level = pytest.mark.parametrize("level", LEVELS)
four_by_nine = hnp.arrays(float, (4, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0]))  # a judge and three humans


def rate(rng: np.random.Generator, n_raters: int, n_items: int, n_values: int = 5, missing: float = 0.0) -> np.ndarray:
    """Raters who see the same items with noise, on the scale 1 to n_values."""
    seen = rng.normal(size=n_items) + 0.8 * rng.normal(size=(n_raters, n_items))
    values = np.clip(np.round(seen * n_values / 5 + (n_values + 1) / 2), 1, n_values)
    return np.where(rng.random(values.shape) < missing, nan, values)


def judge_alpha_by_pairs(judge: np.ndarray, values: np.ndarray, level: str) -> float:
    """From the definition: each human of an item adds 1/m_u to o_ck both ways, and alpha is 1 - D_o / D_e of that table."""
    o: Counter[tuple[float, float]] = Counter()
    for item, verdict in enumerate(judge):
        humans = [value for value in values[:, item] if not isnan(value)]
        for human in humans if not isnan(verdict) else []:
            o[verdict, human] += 1 / len(humans)
            o[human, verdict] += 1 / len(humans)
    n_c: Counter[float] = Counter()
    for (c, _), mass in o.items():
        n_c[c] += mass
    n = sum(n_c.values())

    def distance(c: float, k: float) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        return (sum(n_c[g] for g in n_c if min(c, k) <= g <= max(c, k)) - (n_c[c] + n_c[k]) / 2) ** 2

    observed = sum(mass * distance(c, k) for (c, k), mass in o.items()) / n
    expected = sum(n_c[c] * n_c[k] * distance(c, k) for c in n_c for k in n_c) / (n * (n - 1))
    return 1 - observed / expected


# Points


@every_level
@pytest.mark.parametrize(("n_raters", "missing"), [(1, 0.0), (2, 0.2), (3, 0.4), (6, 0.6), (40, 0.9)])
def test_judge_alpha_equals_the_loop_over_judge_human_pairs(level: str, n_raters: int, missing: float) -> None:
    rng = np.random.default_rng(n_raters)
    panel = rate(rng, n_raters + 1, 60, missing=missing)
    judge, values = np.where(rng.random(60) < 0.1, nan, rate(rng, 1, 60)[0]), panel[1:]
    ours = judge_alpha(judge, values, level, n_resamples=2).value
    assert ours == pytest.approx(judge_alpha_by_pairs(judge, values, level), abs=1e-12)


@every_level
@pytest.mark.parametrize("n_values", [2, 5, 101])
def test_with_one_human_judge_alpha_is_the_alpha_of_two_raters(level: str, n_values: int) -> None:
    judge, human = rate(np.random.default_rng(4), 2, 80, n_values, missing=0.1)
    theirs = krippendorff.alpha(reliability_data=np.stack([judge, human]), level_of_measurement=level)
    assert judge_alpha(judge, human[None, :], level, n_resamples=2).value == pytest.approx(theirs, abs=1e-12)


@every_level
def test_with_one_human_an_item_judge_alpha_is_the_alpha_of_two_raters_whoever_that_human_is(level: str) -> None:
    rng = np.random.default_rng(5)
    judge, human = rate(rng, 2, 80)
    spread = np.full((4, 80), nan)
    spread[rng.integers(4, size=80), np.arange(80)] = human
    estimate = judge_alpha(judge, spread, level, n_resamples=2)
    assert estimate.value == pytest.approx(alpha(np.stack([judge, human]), level).value, abs=1e-12)
    assert estimate.n_raters == 4


@every_level
def test_humans_who_only_repeat_each_other_change_nothing(level: str) -> None:
    judge, human, other = rate(np.random.default_rng(6), 3, 50, missing=0.1)
    alone = alpha(np.stack([judge, human]), level, n_resamples=2).value
    assert judge_alpha(judge, np.stack([human] * 3), level, n_resamples=2).value == pytest.approx(alone, abs=1e-12)
    panel = np.stack([human, other])
    once, twice = (
        judge_alpha(judge, panel, level, n_resamples=2),
        judge_alpha(judge, np.tile(panel, (2, 1)), level, n_resamples=2),
    )
    assert twice.value == pytest.approx(once.value, abs=1e-12)


@every_level
def test_disagreement_among_humans_alone_does_not_enter(level: str) -> None:
    # Humans 1 and 3 around a judge who says 2, or two humans who take turns at 1 and 3: the judge's pairs are the same,
    # half of them with a 1 and half with a 3, though the first humans never agree and the second always do.
    judge = np.array([2.0, 2.0, 5.0, 5.0])
    split = np.array([[1.0, 1.0, 5.0, 5.0], [3.0, 3.0, 5.0, 5.0]])
    united = np.array([[1.0, 3.0, 5.0, 5.0], [1.0, 3.0, 5.0, 5.0]])
    assert alpha(split, level, n_resamples=2).value < alpha(united, level, n_resamples=2).value
    assert judge_alpha(judge, split, level, n_resamples=2).value == pytest.approx(
        judge_alpha(judge, united, level, n_resamples=2).value, abs=1e-12
    )


@every_level
def test_an_item_counts_once_however_many_humans_rated_it(level: str) -> None:
    # The first item has five humans who say 1, the second one who says 2: with five more, the second weighs no more.
    judge = np.array([1.0, 3.0, 2.0, 3.0])
    many = np.array([[1.0, 2.0, 2.0, 3.0]] * 5)
    few = np.where(np.array([[False] * 4] + [[False, True, True, True]] * 4), nan, many)
    assert judge_alpha(judge, few, level, n_resamples=2).value == pytest.approx(
        judge_alpha(judge, many, level, n_resamples=2).value, abs=1e-12
    )


@every_level
def test_a_judge_who_is_one_more_human_has_the_alpha_of_the_humans(level: str) -> None:
    # The ratio alpha.judge_human / alpha.human of the validity gate is 1 for such a judge, whatever the number of humans
    # an item has. 20,000 items: the two differ by about 0.005 by chance.
    panel = rate(np.random.default_rng(8), 5, 20_000)
    panel[3:, ::2] = nan
    panel[2:, ::5] = nan
    judge, humans = panel[0], panel[1:]
    judge_human, human = judge_alpha(judge, humans, level, n_resamples=2), alpha(humans, level, n_resamples=2)
    assert judge_human.value == pytest.approx(human.value, abs=0.02)


def test_judge_alpha_says_how_many_items_scenarios_humans_and_missing_it_rests_on() -> None:
    judge = np.array([1.0, 2.0, nan, 3.0, 2.0])
    values = np.array([[1.0, 2.0, 3.0, nan, 1.0], [1.0, nan, 3.0, nan, 2.0], [nan] * 5])
    estimate = judge_alpha(judge, values, "ordinal", ["a", "a", "b", "c", "d"])
    assert estimate.estimand == "alpha.judge_human"
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (3, 2, 2, 2)


def test_an_unknown_level_of_measurement_is_refused() -> None:
    with pytest.raises(ValueError, match="level is 'ordnal'"):
        judge_alpha(np.ones(2), np.ones((1, 2)), "ordnal")


# Degenerate data

NOTHING_SHARED = {
    "empty": ([], []),
    "no human": ([1, 2], np.empty((0, 2))),
    "humans all missing": ([1, 2], np.full((3, 2), nan)),
    "judge all missing": ([nan, nan], [[1, 2]]),
    "no overlap": ([1, nan], [[nan, 2]]),
}


@every_level
@pytest.mark.parametrize(("judge", "values"), NOTHING_SHARED.values(), ids=NOTHING_SHARED)
def test_judge_alpha_is_undefined_when_judge_and_humans_share_no_item(judge: object, values: object, level: str) -> None:
    estimate = judge_alpha(np.array(judge, dtype=float), np.array(values, dtype=float), level)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == "undefined: no item has both a judge's and a human's rating"


@every_level
def test_judge_alpha_is_undefined_without_variance_and_not_one(level: str) -> None:
    estimate = judge_alpha(np.array([2.0, 2.0, 4.0]), np.array([[2.0, 2.0, nan], [2.0, nan, nan]]), level)
    assert isnan(estimate.value)
    assert estimate.method.startswith("undefined: judge and humans all say 2: without variance")


@every_level
def test_one_scenario_gives_a_point_without_an_interval(level: str) -> None:
    estimate = judge_alpha(np.array([1.0, 2, 3]), np.array([[1.0, 2, 2]]), level, ["only"] * 3)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert "no interval: all resamples give the same value" in estimate.method


@every_level
def test_a_judge_who_uses_a_hundred_values_beside_humans_who_use_two_has_an_interval(level: str) -> None:
    rng = np.random.default_rng(0)
    judge = np.arange(100.0)
    estimate = judge_alpha(judge, np.where(judge + 20 * rng.normal(size=(2, 100)) > 50, 99.0, 0.0), level)
    assert estimate.low < estimate.value < estimate.high


@settings(max_examples=150)
@given(st.data(), st.integers(0, 6), st.integers(0, 3), st.sampled_from(LEVELS), st.booleans())
def test_judge_alpha_of_any_table_is_a_number_or_nan_with_a_reason(
    data: st.DataObject, n_items: int, n_raters: int, level: str, clustered: bool
) -> None:
    elements = st.sampled_from([nan, 0.1, 0.3, 2.0])
    judge = data.draw(hnp.arrays(float, n_items, elements=elements))
    values = data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    estimate = judge_alpha(judge, values, level, clusters, n_resamples=50)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)


# Properties


@given(four_by_nine, st.sampled_from(LEVELS), st.permutations(range(3)), st.permutations(range(9)))
def test_judge_alpha_ignores_the_order_of_humans_and_items(
    table: np.ndarray, level: str, humans: list[int], items: list[int]
) -> None:
    before = judge_alpha(table[0], table[1:], level, n_resamples=2)
    after = judge_alpha(table[0][items], table[1:][humans][:, items], level, n_resamples=2)
    assert after.value == pytest.approx(before.value, abs=1e-9, nan_ok=True)


@given(four_by_nine, st.permutations([10.0, -2.0, 0.5]))
def test_nominal_judge_alpha_ignores_relabelling(table: np.ndarray, names: list[float]) -> None:
    renamed = np.where(np.isnan(table), nan, np.array(names)[np.nan_to_num(table, nan=1).astype(int) - 1])
    before, after = (judge_alpha(each[0], each[1:], "nominal", n_resamples=2) for each in (table, renamed))
    assert after.value == pytest.approx(before.value, abs=1e-9, nan_ok=True)


@given(four_by_nine, st.sampled_from([1e-6, 3.0]))
def test_interval_judge_alpha_ignores_unit_and_origin(table: np.ndarray, unit: float) -> None:
    moved = unit * (table - 100)
    before, after = (judge_alpha(each[0], each[1:], "interval", n_resamples=40) for each in (table, moved))
    assert (after.value, after.low) == pytest.approx((before.value, before.low), abs=1e-6, nan_ok=True)


@given(hnp.arrays(float, (3, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0])), st.sampled_from(LEVELS), st.integers(2, 4))
def test_duplicating_all_scenarios_moves_judge_alpha_by_its_sample_correction_alone(
    table: np.ndarray, level: str, k: int
) -> None:
    # As for alpha: 1 - alpha_k = (1 - alpha) (n - 1/k) / (n - 1), where each shared item adds 2 to n.
    once = judge_alpha(table[0], table[1:], level, n_resamples=2)
    often = judge_alpha(np.tile(table[0], k), np.tile(table[1:], k), level, n_resamples=2)
    n = 2 * once.n_items
    assert 1 - often.value == pytest.approx((1 - once.value) * (n - 1 / k) / (n - 1), abs=1e-9, nan_ok=True)


def test_duplicating_items_inside_scenarios_does_not_shrink_the_clustered_interval() -> None:
    table, scenarios = rate(np.random.default_rng(3), 3, 160), np.repeat(np.arange(40), 4)
    once = judge_alpha(table[0], table[1:], "ordinal", scenarios)
    twice = judge_alpha(np.tile(table[0], 2), np.tile(table[1:], 2), "ordinal", np.tile(scenarios, 2))
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.005)


# Intervals


@every_level
@pytest.mark.parametrize("clustered", [False, True])
def test_the_same_seed_gives_the_same_interval_and_another_seed_another(level: str, clustered: bool) -> None:
    table = rate(np.random.default_rng(1), 3, 60)
    clusters = np.repeat(np.arange(20), 3) if clustered else None
    first, again, other = (judge_alpha(table[0], table[1:], level, clusters, rng=seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


# Drawn humans


@every_level
@pytest.mark.parametrize("over", ["raters", "both"])
def test_intervals_over_humans_are_those_of_a_bootstrap_by_hand(level: str, over: Literal["raters", "both"]) -> None:
    rng = np.random.default_rng(21)
    table = rate(rng, 7, 15, missing=0.2)
    judge, values = table[0], np.clip(table[1:] + rng.integers(-1, 2, 6)[:, None], 1, 5)
    by_hand = []
    for _ in range(600):
        drawn, items = rng.integers(6, size=6), np.arange(15) if over == "raters" else rng.integers(15, size=15)
        by_hand.append(judge_alpha_by_pairs(judge[items], values[drawn][:, items], level))
    ours = judge_alpha(judge, values, level, over=over, n_resamples=4000)
    # Standard errors of 600 draws: about 3 % of an sd (doubled for tails), 0.11 sd for a 2.5 % quantile. By hand every
    # item is drawn, and so are those without a judge or a human, which moves "both" a little.
    assert ours.se == pytest.approx(np.std(by_hand), rel=0.2)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])), abs=0.5 * ours.se)
    assert ours.value == judge_alpha(judge, values, level).value


def test_judge_alpha_says_what_was_drawn_and_needs_three_humans_to_draw_from() -> None:
    table = rate(np.random.default_rng(22), 5, 60)
    method = judge_alpha(table[0], table[1:], "ordinal", over="both", n_resamples=100).method
    assert "percentile bootstrap over 60 items and 4 raters (pigeonhole), 100 resamples" in method
    assert "BCa bootstrap over 60 items" in judge_alpha(table[0], table[1:], "ordinal", interval="bca", n_resamples=100).method
    two = judge_alpha(table[0], table[1:3], "ordinal", over="raters")
    assert isnan(two.low)
    assert "no interval: fewer than three raters to draw from" in two.method


# Coverage: 1,000 tables of a judge and 3 humans, a fifth of the human ratings missing; 200 items, or 150 scenarios of 3.
# The judge is noisier than the humans and lenient by half a point. The truth is that of a million items. For small tables
# see test_alpha.py.


def simulate(rng: np.random.Generator, n_scenarios: int, per_scenario: int) -> tuple[np.ndarray, np.ndarray]:
    n_items = n_scenarios * per_scenario
    item = np.repeat(rng.normal(size=n_scenarios), per_scenario) * 0.8 + 0.6 * rng.normal(size=n_items)
    humans = np.clip(np.round(item + 0.8 * rng.normal(size=(3, n_items)) + 3), 1, 5)
    judge = np.clip(np.round(item + 1.0 * rng.normal(size=n_items) + 3.5), 1, 5)
    return judge, np.where(rng.random(humans.shape) < 0.2, nan, humans)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["ordinal", "interval"])
@pytest.mark.parametrize(("n_scenarios", "per_scenario"), [(200, 1), (150, 3)], ids=["items", "scenarios"])
def test_intervals_of_judge_alpha_hold_the_truth_as_often_as_they_say(
    level: str, n_scenarios: int, per_scenario: int, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(12)
    truth = judge_alpha(*simulate(rng, 1_000_000 // per_scenario, per_scenario), level, n_resamples=2).value
    clusters = np.repeat(np.arange(n_scenarios), per_scenario) if per_scenario > 1 else None
    tables = (simulate(rng, n_scenarios, per_scenario) for _ in range(1000))
    assert_nominal_coverage([judge_alpha(*table, level, clusters, n_resamples=1000, rng=rng) for table in tables], truth)
