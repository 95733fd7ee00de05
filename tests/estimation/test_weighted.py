"""Does `estimate` weigh labels by how they were drawn and arms so that axes balance, and leave out what is in no contrast?

The runs are made up, and without noise wherever a number is held to be exact.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from judgefair.estimation import Estimation, Verdict, estimate
from judgefair.estimation.sampling import draw_sample, record_draw
from judgefair.records import Item, Missing
from judgefair.rubric.rubric import Rubric
from judgefair.runs.columns import Columns
from judgefair.runs.facts import Facts
from judgefair.runs.labels import write_sampling
from judgefair.runs.tally import Tally
from judgefair.statistics import disparity
from tests.builders import JUDGE, armed_items, planted_ratings, planted_rubric, planted_run, rated_as

FEW = 20
RUBRIC = planted_rubric("a", "b")
B = {"dialect": "b"}
Value = Callable[[Item], float]
LEFT_OUT = "scenarios are left out of every gap, since the system gave no answer in some arm"


def block(item: Item) -> int:
    return int(item.meta["block"][1:])


def estimated(run: Path, items: Sequence[Item], human: Value, judge: Value | None = None, rubric: Rubric = RUBRIC) -> Estimation:
    """What `estimate` says where two humans give every item `human`, nan for no label, and the judge `judge` or the same."""
    answered = [item for item in items if item.no_response is None]
    codes, judged = [human(item) for item in answered], [(judge or human)(item) for item in answered]
    return estimate(
        planted_run(run, rubric, items, rated_as(answered, {JUDGE: judged, "ann": codes, "bob": codes})), n_resamples=FEW
    )


def gap(found: Estimation, name: str = "gap.corrected", population: Mapping[str, str] = B) -> float:
    return found.find(name, "depth", population).value


def verdict_of(found: Estimation) -> Verdict:
    (verdict,) = found.verdicts
    return verdict


# Labels drawn with known probabilities


def level(item: Item) -> float:
    """By name everybody gets 2 and by dialect 5: no gap. A scenario adds 0 or 1."""
    return (2.0 if item.meta["cue"] == "name" else 5.0) + block(item) % 2 if item.populations else 4.0


LABELLED = {("a", "name"): 30, ("a", "dialect"): 10, ("b", "name"): 10, ("b", "dialect"): 30}


def labelled_unevenly(item: Item) -> float:
    return level(item) if block(item) < LABELLED.get((item.populations.get("dialect", ""), item.meta.get("cue", "")), 0) else nan


def of_one_level(item: Item) -> float:
    return 3.0


def test_labels_count_by_the_inverse_of_their_probability(tmp_path: Path) -> None:
    # Unweighed, the labelled mean of a is (30 * 2.5 + 10 * 5.5)/40 = 3.25, of b (10 * 2.5 + 30 * 5.5)/40 = 4.75. Weighed by 40/30 and 40/10 both are
    # 4. A judge who says the same of everything moves nothing.
    items = armed_items(40, cues=("name", "dialect"))
    plain = estimated(tmp_path / "plain", items, labelled_unevenly, of_one_level)
    assert gap(plain) == pytest.approx(1.5, abs=1e-9)
    assert any("taken as drawn at random" in note for note in plain.notes)
    run = tmp_path / "weighed"
    run.mkdir()
    shares = {i.item_id: LABELLED[i.populations["dialect"], i.meta["cue"]] / 40 for i in items if i.populations}
    write_sampling({"seed": 0, "drawn": {}, "inclusion": shares}, run)
    found = estimated(run, items, labelled_unevenly, of_one_level)
    assert gap(found) == pytest.approx(0, abs=1e-9)
    assert found.find("mean.corrected", "depth", B).value == pytest.approx(4, abs=1e-9)
    assert "Labelled items count by the inverse of the probability with which they were drawn for labelling." in found.notes
    assert found.plans[0].now == {"a": 40, "b": 40}


@pytest.mark.parametrize("n", [50, 90])
def test_a_draw_on_record_gives_the_estimate_of_the_statistic(n: int, tmp_path: Path) -> None:
    items = armed_items(60, cues=("name", "dialect"))
    items = [i for i in items if i.meta["arm"] != "dialect=b, name" or block(i) < 20]  # so that rates differ
    rng = np.random.default_rng(1)
    true = {i.item_id: float(rng.integers(1, 5) + (i.meta.get("cue") == "dialect")) for i in items}
    says = {i.item_id: float(np.clip(true[i.item_id] + rng.integers(-1, 2), 1, 7)) for i in items}
    planted_run(tmp_path, RUBRIC, items, rated_as(items, {JUDGE: [says[i.item_id] for i in items]}))
    draw = draw_sample(tmp_path, RUBRIC.context, n)
    record_draw(draw, tmp_path)
    drawn = {item.item_id for item in draw.items}
    assert len(set(draw.inclusion.values())) > 1
    human = {i.item_id: true[i.item_id] if i.item_id in drawn else nan for i in items}
    found = estimated(tmp_path, items, lambda i: human[i.item_id], lambda i: says[i.item_id])
    shown = [i for i in items if i.populations]
    judge, humans = (np.array([of[i.item_id] for i in shown]) for of in (says, human))
    told = {"clusters": [i.scenario_id for i in shown], "inclusion": [draw.inclusion[i.item_id] for i in shown]}
    theirs = disparity(judge, humans, [i.populations["dialect"] for i in shown], "a", **told).corrected["b"]
    ours = found.find("gap.corrected", "depth", B)
    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high), abs=1e-12)
    told["inclusion"] = [1.0] * len(shown)
    plain = disparity(judge, humans, [i.populations["dialect"] for i in shown], "a", **told).corrected["b"]
    assert ours.value != pytest.approx(plain.value, abs=1e-6)


# Blocks stand or fall together


def hard_for_b(item: Item) -> float:
    """b is 1 below a in the first ten blocks and 3 below from then on; scenarios differ."""
    return 5.0 + block(item) % 3 - (0 if item.populations != B else 1 if block(item) < 10 else 3)


def failed(items: Sequence[Item], reason: str, arm: str) -> list[Item]:
    """No answer in one arm of each block from the tenth on."""
    return [
        replace(item, response="", no_response=Missing(reason)) if block(item) >= 10 and item.meta["arm"] == arm else item
        for item in items
    ]


@pytest.mark.parametrize("reason", ["backend_failure", "over_budget"])
@pytest.mark.parametrize("arm", ["dialect=a, dialect", "dialect=b, dialect", "neutral"])
def test_a_block_with_an_arm_that_failed_is_used_in_no_gap(reason: str, arm: str, tmp_path: Path) -> None:
    items = armed_items(40)
    whole = estimated(tmp_path / "whole", items, hard_for_b)
    assert gap(whole) == pytest.approx(-(10 + 3 * 30) / 40, abs=1e-9)
    assert not any(LEFT_OUT in note for note in whole.notes)
    found = estimated(tmp_path / "broken", failed(items, reason, arm), hard_for_b)
    assert [gap(found, name) for name in ("gap.raw", "gap.corrected")] == pytest.approx([-1, -1], abs=1e-9)
    assert found.find("mean.raw", "depth", {"dialect": "a"}).value == pytest.approx(
        np.mean([5 + k % 3 for k in range(10)]), abs=1e-9
    )
    assert found.plans[0].now == {"a": 10, "b": 10}
    assert [note for note in found.notes if note.startswith(f"30 {LEFT_OUT}")]


def test_a_refusal_does_not_drop_its_block(tmp_path: Path) -> None:
    # a keeps 40 blocks, b its first ten; no arm of a refused block is left out: the mean of a is that of all.
    found = estimated(tmp_path, failed(armed_items(40), "refused", "dialect=b, dialect"), hard_for_b)
    assert not any(LEFT_OUT in note for note in found.notes)
    of_a, of_b = np.mean([5 + k % 3 for k in range(40)]), np.mean([4 + k % 3 for k in range(10)])
    assert found.find("mean.raw", "depth", {"dialect": "a"}).value == pytest.approx(of_a, abs=1e-9)
    assert gap(found, "gap.raw") == pytest.approx(of_b - of_a, abs=1e-9)
    assert found.find("refusal_rate", "all", B).value == pytest.approx(0.75)
    assert found.find("refusal_rate", "all", {"dialect": "a"}).value == 0


# What is in no contrast


def test_neutral_and_placebo_arms_enter_no_contrast(tmp_path: Path) -> None:
    # The placebo repeats an arm of a: were it one of a, the mean of a would be drawn to 1.
    def extreme(item: Item) -> float:
        return hard_for_b(item) if item.populations else 1.0

    items = armed_items(40)
    bare = [item for item in items if item.populations]
    assert len(items) == 2 * len(bare)
    with_them = estimated(tmp_path / "with", items, extreme)
    without = estimated(tmp_path / "without", bare, extreme)
    for name, population in (
        ("gap.raw", B),
        ("gap.corrected", B),
        ("gap.judge_made", B),
        ("mean.raw", B),
        ("mean.corrected", {"dialect": "a"}),
    ):
        ours, theirs = (found.find(name, "depth", population) for found in (with_them, without))
        assert (ours.value, ours.low, ours.high, ours.n_items) == pytest.approx(
            (theirs.value, theirs.low, theirs.high, theirs.n_items), nan_ok=True
        )
    assert with_them.plans == without.plans


# Crossed arms


def crossed_rubric() -> Rubric:
    """The axis `age` beside `dialect`."""
    data = RUBRIC.model_dump()
    cues = {"cues": {"name": ["somebody wrote this"], "dialect": ["somebody would write so"]}}
    data["context"]["populations"].append({"axis": "age", "reference": "x", "groups": dict.fromkeys("xy", cues)})
    for criterion in data["criteria"]:
        criterion["roles"] = {"dialect": "must_ignore", "age": "must_ignore"}
    return Rubric.model_validate(data)


def test_crossed_arms_are_balanced_so_that_another_axis_cancels(tmp_path: Path) -> None:
    # a meets x in two arms of three, b in one of three. y adds 2 and b adds 1. Unweighed b - a is 1 + 2 * (2/3 - 1/3) = 1.667, and
    # y - x likewise 2 + 1/3. With half of each group's weight on x and half on y the other axis cancels, up to the
    # 5e-5 that least squares leaves of it.
    arms = ({"dialect": d, "age": a} for d, a in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")))
    left_out = {"dialect=a, age=y, name", "dialect=b, age=x, name"}
    items = [item for item in armed_items(40, list(arms), ("name", "dialect")) if item.meta["arm"] not in left_out]

    def additive(item: Item) -> float:
        return 2.0 + block(item) % 3 + (item.populations.get("dialect") == "b") + 2 * (item.populations.get("age") == "y")

    found = estimated(tmp_path, items, additive, lambda i: additive(i) - (i.populations.get("age") == "y"), crossed_rubric())
    assert gap(found) == pytest.approx(1, abs=1e-3)
    assert gap(found, "gap.raw") == pytest.approx(1, abs=1e-3)
    assert gap(found, population={"age": "y"}) == pytest.approx(2, abs=1e-3)
    assert gap(found, "gap.raw", {"age": "y"}) == pytest.approx(1, abs=1e-3)
    by_group = pd.Series([additive(i) for i in items]).groupby([i.populations.get("dialect", "") for i in items]).mean()
    assert by_group["b"] - by_group["a"] == pytest.approx(1 + 2 / 3)


# Cues that contradict each other


def seen_by_cue(by_name: float, by_dialect: float) -> Value:
    """A gap of b by each channel, with noise between scenarios and arms."""
    noise = np.random.default_rng(2).normal(0, 0.5, (60, 4)).round()

    def rated(item: Item) -> float:
        if not item.populations:
            return 4.0
        added = {"name": by_name, "dialect": by_dialect}[item.meta["cue"]] if item.populations == B else 0.0
        return float(np.clip(4 + added + noise[block(item), 2 * (item.meta["cue"] == "name") + (item.populations == B)], 1, 7))

    return rated


def test_cues_of_opposite_sign_leave_a_contrast_undetermined(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, armed_items(60, cues=("name", "dialect")), seen_by_cue(2, -1)))
    assert found.corrected.value == pytest.approx(0.5, abs=0.15)
    assert found.answer == "undetermined"
    assert found.reasons[0] == "cues disagree: the gap lies above 0 for name and below 0 for dialect"


@pytest.mark.parametrize(("by_name", "by_dialect"), [(-2, -1), (-2, 0)])
def test_cues_that_do_not_contradict_each_other_leave_the_verdict(by_name: float, by_dialect: float, tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, armed_items(60, cues=("name", "dialect")), seen_by_cue(by_name, by_dialect)))
    assert (found.answer, found.reasons) == ("disparity", [])


def test_a_cue_is_compared_with_the_reference_through_the_same_cue(tmp_path: Path) -> None:
    # By name everybody gets 2 more. Against the whole reference b would lie 1 above by name and 1 below by dialect.
    rated = seen_by_cue(0, 0)

    def more_by_name(item: Item) -> float:
        return min(rated(item) + 2 * (item.meta.get("cue") == "name"), 7.0)

    found = verdict_of(estimated(tmp_path, armed_items(60, cues=("name", "dialect")), more_by_name))
    assert found.reasons == []
    assert found.answer == "equivalent"


def test_labels_of_items_that_were_not_drawn_correct_no_gap(tmp_path):
    rubric = planted_rubric("a", "b")
    items = armed_items(40, [{"dialect": "a"}, {"dialect": "b"}], ["name", "dialect"])
    ratings = planted_ratings(items, labelled=0, seed=1)
    run = planted_run(tmp_path / "run", rubric, items, ratings)
    draw = draw_sample(run, rubric.context, 60, seed=3)
    people = [(item, 3) for item in draw.items]
    record_draw(draw, run)
    first = estimate(run, ratings=sheet(people), n_resamples=20)
    drawn = {item.item_id for item in draw.items}
    others = [(item, 7) for item in items if item.item_id not in drawn and item.populations.get("dialect") == "b"]
    second = estimate(run, ratings=sheet(others), n_resamples=20)
    assert (
        second.find("gap.corrected", "depth", {"dialect": "b"}).value
        == first.find("gap.corrected", "depth", {"dialect": "b"}).value
    )
    assert any(f"{len(others)} labelled items were not among those drawn" in note for note in second.notes)


def sheet(rated):
    return pd.DataFrame(
        [{"item_id": item.item_id, "criterion": "depth", "rater_id": "ann", "value": str(value)} for item, value in rated]
    )


def columns_of(rubric, items, ratings):
    facts = Facts.of(items)
    return Columns(rubric, facts, Tally.of(ratings, facts, [criterion.id for criterion in rubric.criteria]), None, {})


def test_real_queries_do_not_move_the_weights_of_simulated_arms():
    profiles = [{"x": x, "y": y} for x in "ab" for y in "pq"]
    items = armed_items(2, profiles, ["name"])
    lived = [Item(f"l{k}", "q", "r", {"x": "a", "y": "p"}, f"u{k}", {"arm": "as_lived", "mix": "as_lived"}) for k in range(9)]
    empty = pd.DataFrame(columns=["item_id", "criterion", "rater_id", "rater_kind", "replicate", "code", "expected", "missing"])
    rated = [*items, *lived]
    columns = columns_of(planted_rubric("a", "b"), rated, empty)
    weights = columns.weights("x")
    assert weights is not None
    shown = [bool(item.populations) and item.meta["arm"] != "as_lived" for item in rated]
    assert weights[shown] == pytest.approx(1.0)
    assert set(columns.groups("x")[-9:]) == {""}


def test_a_refusal_rate_leaves_out_what_could_not_be_told(tmp_path):
    rubric = planted_rubric("a", "b")
    items = armed_items(40, [{"dialect": "a"}, {"dialect": "b"}], ["name"])
    fates = {"b": [Missing("backend_failure"), Missing("refused"), None, "unread"], "a": [Missing("refused"), None, None, None]}
    told = []
    for k, item in enumerate(items):
        fate = fates[item.populations["dialect"]][(k // 3) % 4] if "dialect" in item.populations else None
        if fate == "unread":
            item = replace(item, meta={**item.meta, "refusal": "unread"})
        told.append(replace(item, no_response=fate) if isinstance(fate, Missing) else item)
    run = planted_run(tmp_path / "run", rubric, told, planted_ratings(told, labelled=0))
    found = estimate(run, n_resamples=20)
    seen = {g: found.find("refusal_rate", "all", {"dialect": g}) for g in "ab"}
    counts = {g: [i for i in told if i.populations.get("dialect") == g] for g in "ab"}
    for group, rate in seen.items():
        refused = sum(i.no_response == Missing("refused") for i in counts[group])
        unknown = sum(i.no_response == Missing("backend_failure") or i.meta.get("refusal") == "unread" for i in counts[group])
        assert rate.value == refused / (len(counts[group]) - unknown)
        assert rate.n_missing == unknown
    assert seen["b"].n_missing > 0


def test_a_flip_is_another_level_and_no_other_probability(tmp_path):
    rubric = planted_rubric("a", "b")
    items = armed_items(30, [{"dialect": "a"}, {"dialect": "b"}], ["name"])
    ratings = rated_as(items, {JUDGE: [4.0] * len(items)})
    ratings["expected"] = 4 + np.linspace(-0.3, 0.3, len(ratings))
    columns = columns_of(rubric, items, ratings)
    assert set(columns.levels("depth")) == {4.0}
    assert len(set(columns.ratings("depth", "judge"))) == len(items)
