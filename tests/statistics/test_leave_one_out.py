"""Are the humans and the judge held against the same means of the other humans?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics import Estimate, leave_one_out

tables = hnp.arrays(float, (4, 7), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 5.0]))


def rate(
    rng: np.random.Generator, n_scenarios: int, per_scenario: int = 1, missing: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """A judge and 4 humans on a scale of 1 to 5; items of a scenario are alike, and are alike hard to rate."""
    n_items = n_scenarios * per_scenario
    item = np.repeat(rng.normal(size=n_scenarios), per_scenario) * 0.8 + 0.6 * rng.normal(size=n_items)
    noise = np.repeat(rng.uniform(0.3, 1.3, n_scenarios), per_scenario)
    humans = np.clip(np.round(item + noise * rng.normal(size=(4, n_items)) + 3), 1, 5)
    judge = np.clip(np.round(item + noise * rng.normal(size=n_items) + 3.3), 1, 5)
    return judge, np.where(rng.random(humans.shape) < missing, nan, humans)


def losses_by_loop(judge: np.ndarray, values: np.ndarray) -> tuple[list[float], list[float], list[int]]:
    """Of every rating with another human beside it: the human's loss, the judge's, and the item."""
    human_losses, judge_losses, items = [], [], []
    for item in range(values.shape[1]):
        for rater in range(len(values)):
            others = [values[other, item] for other in range(len(values)) if other != rater and not isnan(values[other, item])]
            if isnan(values[rater, item]) or not others or isnan(judge[item]):
                continue
            reference = sum(others) / len(others)
            human_losses.append(abs(values[rater, item] - reference))
            judge_losses.append(abs(judge[item] - reference))
            items.append(item)
    return human_losses, judge_losses, items


# Points and standard errors


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.7])
def test_losses_equal_the_loop_over_held_out_humans(missing: float) -> None:
    judge, values = rate(np.random.default_rng(1), 60, missing=missing)
    judge[::9] = nan
    losses = leave_one_out(judge, values)
    human, machine, items = losses_by_loop(judge, values)
    assert losses.human.value == pytest.approx(np.mean(human), abs=1e-12)
    assert losses.judge.value == pytest.approx(np.mean(machine), abs=1e-12)
    assert losses.difference.value == pytest.approx(np.mean(machine) - np.mean(human), abs=1e-12)
    assert losses.human.n_items == len(set(items))


@pytest.mark.parametrize("per_scenario", [1, 3])
def test_standard_errors_equal_those_of_a_clustered_regression_on_a_constant(per_scenario: int) -> None:
    # statsmodels corrects by G/(G - 1) (N - 1)/(N - K); with the constant alone K = 1, and it is our G/(G - 1).
    judge, values = rate(np.random.default_rng(2), 40, per_scenario)
    scenarios = np.repeat(np.arange(40), per_scenario)
    losses = leave_one_out(judge, values, scenarios)
    human, machine, items = (np.array(column) for column in losses_by_loop(judge, values))
    for ours, loss in ((losses.human, human), (losses.judge, machine), (losses.difference, machine - human)):
        theirs = sm.OLS(loss, np.ones(len(loss))).fit(cov_type="cluster", cov_kwds={"groups": scenarios[items]}, use_t=True)
        assert ours.value == pytest.approx(theirs.params[0], abs=1e-12)
        assert ours.se == pytest.approx(theirs.bse[0], rel=1e-10)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.conf_int()[0]), rel=1e-10)
    assert losses.difference.p_value == pytest.approx(theirs.pvalues[0], rel=1e-8)


def test_without_clusters_the_items_are_the_clusters() -> None:
    judge, values = rate(np.random.default_rng(3), 40)
    assert leave_one_out(judge, values).difference.se == leave_one_out(judge, values, np.arange(40)).difference.se


def test_a_judge_who_copies_the_first_human_loses_what_that_human_loses() -> None:
    # With two humans the references are each other. The first human and the judge lose |x1 - x2| against x2; against x1
    # the second human loses |x1 - x2| and the judge nothing: half the humans' loss.
    _, values = rate(np.random.default_rng(4), 50, missing=0)
    losses = leave_one_out(values[0], values[:2])
    assert losses.judge.value == pytest.approx(losses.human.value / 2, abs=1e-12)


def test_only_the_difference_has_a_p_value() -> None:
    losses = leave_one_out(*rate(np.random.default_rng(5), 30))
    assert losses.human.p_value is None
    assert losses.judge.p_value is None
    assert 0 <= losses.difference.p_value <= 1


def test_losses_say_how_many_items_scenarios_humans_and_missing_they_rest_on() -> None:
    judge = np.array([1.0, 2.0, nan, 3.0, 2.0])
    values = np.array([[1, 2, 3, nan, 1], [1, 3, 3, 2, 2], [nan] * 5])
    for estimate in each(leave_one_out(judge, values, list("aabcd"))):
        assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (3, 2, 2, 2)


def each(losses: object) -> list[Estimate]:
    return [losses.human, losses.judge, losses.difference]  # type: ignore[attr-defined]


# Degenerate data

NOTHING_TO_HOLD_OUT = {
    "empty": ([], np.empty((0, 0)), "no item has two humans"),
    "no human": ([1, 2], np.empty((0, 2)), "no item has two humans"),
    "one human": ([1, 2], [[1, 2]], "no item has two humans"),
    "no overlap of humans": ([1, 2], [[1, nan], [nan, 2]], "no item has two humans"),
    "humans all missing": ([1, 2], np.full((3, 2), nan), "no item has two humans"),
    "judge all missing": ([nan, nan], [[1, 2], [2, 2]], "no item has two humans and a judge"),
    "no overlap with the judge": ([1, nan], [[nan, 2], [nan, 3]], "no item has two humans and a judge"),
}


@pytest.mark.parametrize(("judge", "values", "reason"), NOTHING_TO_HOLD_OUT.values(), ids=NOTHING_TO_HOLD_OUT)
def test_losses_are_undefined_where_there_is_nobody_to_hold_out(judge: object, values: object, reason: str) -> None:
    for estimate in each(leave_one_out(np.array(judge, dtype=float), np.array(values, dtype=float))):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert estimate.method == f"undefined: {reason}"


@pytest.mark.parametrize("clusters", [None, ["only"] * 2])
def test_one_item_or_one_scenario_gives_points_without_intervals(clusters: list[str] | None) -> None:
    judge, values = ([2.0, 4.0], [[1.0, 2.0], [3.0, 5.0]]) if clusters else ([2.0], [[1.0], [3.0]])
    for estimate in each(leave_one_out(np.array(judge), np.array(values), clusters)):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert isnan(estimate.se)
        assert estimate.p_value is None
        assert "no interval: a mean of one cluster" in estimate.method


def test_losses_that_never_vary_have_no_interval_of_no_width() -> None:
    for estimate in each(leave_one_out(np.full(9, 2.0), np.array([[1.0] * 9, [3.0] * 9]))):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert "no interval: no variance between clusters" in estimate.method


@settings(max_examples=100)
@given(st.data(), st.integers(0, 4), st.integers(0, 6), st.booleans())
def test_losses_of_any_table_are_numbers_or_nan_with_a_reason(
    data: st.DataObject, n_raters: int, n_items: int, clustered: bool
) -> None:
    elements = st.sampled_from([nan, 0.1, 0.3, 2.0])
    judge = data.draw(hnp.arrays(float, n_items, elements=elements))
    values = data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    for estimate in each(leave_one_out(judge, values, clusters)):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)


# Properties


@given(tables, st.permutations(range(3)), st.permutations(range(7)))
def test_losses_ignore_the_order_of_humans_and_items(table: np.ndarray, humans: list[int], items: list[int]) -> None:
    before, after = leave_one_out(table[0], table[1:]), leave_one_out(table[0][items], table[1:][humans][:, items])
    for ours, theirs in zip(each(before), each(after), strict=True):
        assert (theirs.value, theirs.se) == pytest.approx((ours.value, ours.se), abs=1e-9, nan_ok=True)


@given(tables, st.integers(2, 4))
def test_duplicating_all_scenarios_leaves_losses_alone(table: np.ndarray, k: int) -> None:
    once, often = leave_one_out(table[0], table[1:]), leave_one_out(np.tile(table[0], k), np.tile(table[1:], k))
    for ours, theirs in zip(each(once), each(often), strict=True):
        assert theirs.value == pytest.approx(ours.value, abs=1e-12, nan_ok=True)


@given(tables, st.integers(2, 4))
def test_duplicating_items_inside_scenarios_does_not_shrink_the_intervals(table: np.ndarray, k: int) -> None:
    scenarios = np.arange(7) // 2
    once = leave_one_out(table[0], table[1:], scenarios)
    often = leave_one_out(np.tile(table[0], k), np.tile(table[1:], k), np.tile(scenarios, k))
    for ours, theirs in zip(each(once), each(often), strict=True):
        assert (theirs.low, theirs.high) == pytest.approx((ours.low, ours.high), abs=1e-9, nan_ok=True)


# Coverage: 2,000 tables of a judge and 4 humans, 60 items, or 60 scenarios of 4. The truth is that of a million items.


@pytest.mark.slow
@pytest.mark.parametrize("per_scenario", [1, 4])
def test_intervals_of_the_losses_hold_the_truth_as_often_as_they_say(
    per_scenario: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(14)
    truth = leave_one_out(*rate(rng, 1_000_000 // per_scenario, per_scenario))
    scenarios = np.repeat(np.arange(60), per_scenario)
    drawn = [rate(rng, 60, per_scenario) for _ in range(2000)]
    simulated = [leave_one_out(*table, scenarios) for table in drawn]
    for name in ("human", "judge", "difference"):
        assert_nominal_coverage([getattr(losses, name) for losses in simulated], getattr(truth, name).value)
    if per_scenario > 1:
        assert_too_few_cover([leave_one_out(*table).human for table in drawn], truth.human.value)
