"""Is the change of a gap per turn that of a regression within conversations, with labels where there are some?"""

from math import nan

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from judgefair.lenses import DoesNotExtend, turns
from judgefair.records import Item
from tests.lenses.seeing import NOMINAL, arms, assert_covers, found, rated, rubric_with, seen

LENS = "lens.turns"
GRID = {"kind": "interval", "levels": {0: "low", 100: "high"}}
RUBRIC = rubric_with({"depth": {"scale": GRID}})


def talks(n: int, n_turns: int = 4, shared: bool = True, lost: int = 0) -> list[Item]:
    """Conversations of both groups in each scenario, as long as `n_turns`, every `lost`-th of b by two turns shorter."""
    return [
        Item(
            f"s{s}-{group}-{turn}", "q", "r", {"dialect": group}, f"s{s}" if shared else f"s{s}{group}", {"turn": turn, "arm": f"arm {group}"}
        )
        for s in range(n)
        for group in "ab"
        for turn in range(1, n_turns + 1 - (2 if lost and group == "b" and s % lost == 0 else 0))
    ]  # fmt: skip


def simulated(rng: np.random.Generator, items: list[Item], slopes: dict[str, float], level: float = 5.0) -> np.ndarray:
    """Scenarios differ in level and slope, and turns in noise."""
    names = list(dict.fromkeys(item.scenario_id for item in items))
    of = dict(zip(names, rng.normal(0, level, len(names)), strict=True))
    steep = dict(zip(names, rng.normal(0, 0.5, len(names)), strict=True))
    return np.array(
        [
            50 + of[i.scenario_id] + (slopes[i.populations["dialect"]] + steep[i.scenario_id]) * i.meta["turn"] + rng.normal(0, 1)
            for i in items
        ]
    )


def test_slopes_and_their_gap_are_those_of_a_regression_with_a_constant_for_each_conversation():
    items = talks(30, lost=3)
    values = simulated(np.random.default_rng(1), items, {"a": 0.0, "b": -1.0})
    look = turns.look(seen(items, rated(items, values), RUBRIC))
    table = pd.DataFrame(
        {
            "y": values, "turn": [i.meta["turn"] for i in items], "b": [float(i.populations["dialect"] == "b") for i in items],
            "talk": [i.scenario_id + i.populations["dialect"] for i in items], "unit": [int(i.scenario_id[1:]) for i in items],
        }
    )  # fmt: skip
    # statsmodels 0.15, covariance clustered by scenario; its factor (N - 1)/(N - K) is taken out, as CR1 here is G/(G - 1) alone.
    fit = smf.ols("y ~ C(talk) + turn + turn:b", table).fit(
        cov_type="cluster", cov_kwds={"groups": table["unit"], "use_correction": False}
    )
    a, gap = found(look, f"{LENS}.slope", "a"), found(look, f"{LENS}.slope_gap", "b")
    assert (a.value, gap.value) == pytest.approx((fit.params["turn"], fit.params["turn:b"]))
    factor = np.sqrt(30 / 29)
    assert (a.se, gap.se) == pytest.approx((fit.bse["turn"] * factor, fit.bse["turn:b"] * factor))
    assert found(look, f"{LENS}.slope", "b").value == pytest.approx(a.value + gap.value)


def test_short_conversations_of_another_level_move_no_slope():
    # Nothing changes within any conversation; short ones of b lie 30 lower, so that a line through all of b's turns would rise.
    items = talks(30, lost=2)
    values = [20.0 if i.populations["dialect"] == "b" and int(i.scenario_id[1:]) % 2 == 0 else 50.0 for i in items]
    look = turns.look(seen(items, rated(items, values), RUBRIC))
    assert found(look, f"{LENS}.slope", "b").value == pytest.approx(0)
    of_b = [(i.meta["turn"], v) for i, v in zip(items, values, strict=True) if i.populations["dialect"] == "b"]
    assert np.polyfit(*zip(*of_b, strict=True), 1)[0] > 2


def test_where_all_are_labelled_corrected_slopes_are_the_humans():
    items = talks(30)
    rng = np.random.default_rng(2)
    human = simulated(rng, items, {"a": 0.0, "b": -1.0})
    judge = (
        human
        + np.array([i.meta["turn"] if i.populations["dialect"] == "b" else 0.0 for i in items])
        + rng.normal(0, 1, len(items))
    )
    look = turns.look(seen(items, [*rated(items, judge), *rated(items, human, who="ann")], RUBRIC))
    alone = turns.look(seen(items, rated(items, human), RUBRIC))
    ours, theirs = found(look, f"{LENS}.slope_gap.corrected", "b"), found(alone, f"{LENS}.slope_gap", "b")
    assert ours.value == pytest.approx(theirs.value)
    assert found(look, f"{LENS}.slope_gap", "b").value == pytest.approx(theirs.value + 1, abs=0.2)
    (sentence,) = look.says
    assert sentence.startswith("depth, dialect: the change per turn of b minus that of a lies below 0, corrected by the labels")


def test_conversations_labelled_at_one_turn_tell_no_slope():
    items = talks(30)
    values = simulated(np.random.default_rng(3), items, {"a": 0.0, "b": -1.0})
    human = np.where([i.meta["turn"] == 2 for i in items], values, nan)
    look = turns.look(seen(items, [*rated(items, values), *rated(items, human, who="ann")], RUBRIC))
    assert found(look, f"{LENS}.slope_gap", "b").is_defined
    corrected = found(look, f"{LENS}.slope_gap.corrected", "b")
    assert corrected.method == "undefined: b has no labels to tell it by"


def test_arms_and_replicates_of_a_scenario_are_conversations_of_their_own():
    # Two replicates of each conversation, at levels far apart and with other turns: were they one, the slope would be steep.
    items = [
        Item(f"{s}{g}{r}{t}", "q", "r", {"dialect": g}, f"s{s}", {"turn": t, "arm": g, "replicate": r})
        for s in range(10)
        for g in "ab"
        for r in (0, 1)
        for t in (1 + 2 * r, 2 + 2 * r)
    ]
    values = [10.0 + 60 * i.meta["replicate"] for i in items]
    assert found(turns.look(seen(items, rated(items, values), RUBRIC)), f"{LENS}.slope", "a").value == pytest.approx(0)


def test_a_nominal_criterion_beside_another_is_undefined():
    items = talks(5)
    rubric = rubric_with({"depth": {"scale": GRID}, "tone": {"scale": NOMINAL, "better": "none"}})
    look = turns.look(seen(items, rated(items, [50.0] * len(items)), rubric))
    assert "no distances" in found(look, f"{LENS}.slope_gap", criterion="tone").method


def test_refuses_where_no_item_says_its_turn():
    items = arms(5, meta={"turn": "first"})
    with pytest.raises(DoesNotExtend, match=r"no item says which turn of a conversation it is. It would need an integer `turn`"):
        turns.look(seen(items, rated(items, [3, 4] * 5), rubric_with()))


def test_refuses_where_every_conversation_has_one_turn():
    items = talks(5, n_turns=1)
    with pytest.raises(
        DoesNotExtend, match="no conversation, which is what items of one scenario and arm are, has items of two turns"
    ):
        turns.look(seen(items, rated(items, [50.0] * 10), RUBRIC))


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_slope_gaps_hold_the_truth_as_often_as_they_say(shared: bool) -> None:
    rng, items = np.random.default_rng(11), talks(60, shared=shared, lost=3)
    is_labelled = np.array([int(item.item_id[1:].split("-")[0]) < 30 for item in items])
    turn = np.array([item.meta["turn"] for item in items])
    is_b = np.array([item.populations["dialect"] == "b" for item in items])
    raw, corrected = [], []
    for _ in range(300):
        human = simulated(rng, items, {"a": 0.2, "b": -0.3})
        judge = human + 0.4 * turn * is_b + rng.normal(0, 1, len(items))
        ratings = [*rated(items, judge), *rated(items, np.where(is_labelled, human, nan), who="ann")]
        look = turns.look(seen(items, ratings, RUBRIC))
        raw.append(found(look, f"{LENS}.slope_gap", "b"))
        corrected.append(found(look, f"{LENS}.slope_gap.corrected", "b"))
    assert_covers(raw, -0.1)
    assert_covers(corrected, -0.5)
