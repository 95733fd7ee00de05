"""Are planted gaps found, planted biases of the judge taken out, and is whatever cannot be told called undetermined, with why?

All runs are made up.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from judgefair.estimation import Estimation, Verdict, decide, estimate, load_estimation
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_run, without_humans

FEW = 20  # resamples: the validation beside the verdicts is not looked at here
N = 120  # scenarios, each with an item of every population


def estimated(
    run: Path, rubric: Rubric, items: list[Item] | None = None, ratings: pd.DataFrame | None = None, **planted: Any
) -> Estimation:
    items = planted_items(rubric, N) if items is None else items
    ratings = planted_ratings(items, **planted) if ratings is None else ratings
    return estimate(planted_run(run, rubric, items, ratings), n_resamples=FEW)


def verdict_of(found: Estimation, group: str, criterion: str = "depth") -> Verdict:
    (verdict,) = [v for v in found.verdicts if (v.criterion, v.population) == (criterion, {"dialect": group})]
    return verdict


# What is planted is found


def test_a_disparity_of_the_system_is_found(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, planted_rubric("a", "b"), gap={"b": -0.8}), "b")
    assert (found.answer, found.reasons, found.settles) == ("disparity", [], "")
    assert found.corrected.value == pytest.approx(-0.8, abs=0.15)
    assert found.for_disparity[1] < -0.25
    assert abs(found.judge_made.value) < 0.15


def test_a_bias_of_the_judge_is_taken_out(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, planted_rubric("a", "b"), judge_made={"b": -0.8}), "b")
    assert found.answer == "equivalent"
    assert found.raw.high < -0.25  # the judge's own ratings would have been called a disparity
    assert found.judge_made.value == pytest.approx(-0.8, abs=0.2)
    assert abs(found.corrected.value) < 0.15


def test_no_gap_is_equivalent_with_a_fair_judge(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, planted_rubric("a", "b")), "b")
    assert found.answer == "equivalent"
    low, high, level = found.for_equivalence
    assert -0.25 < low < high < 0.25
    assert level == pytest.approx(0.9)
    assert found.for_disparity[2] == pytest.approx(0.95)


def test_a_bias_that_hides_a_disparity_is_taken_out(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, planted_rubric("a", "b"), gap={"b": -0.8}, judge_made={"b": 0.8}), "b")
    assert found.answer == "disparity"
    assert abs(found.raw.value) < 0.2


def test_a_judge_that_turns_the_sign_does_not_turn_the_verdict(tmp_path: Path) -> None:
    # The judge sees b above a where it lies below; one calibration for both populations would keep the judge's sign, since
    # it moves both by the same amount.
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    ratings = planted_ratings(items, gap={"b": -0.6}, judge_made={"b": 1.2}, labelled=60)
    found = verdict_of(estimated(tmp_path, rubric, items, ratings), "b")
    codes = ratings.assign(group=ratings["item_id"].str[-1]).groupby(["rater_kind", "group"])["code"].mean()
    pooled = codes["judge", "b"] - codes["judge", "a"]
    assert found.raw.value == pytest.approx(pooled)
    assert found.raw.low > 0.25
    assert found.answer == "disparity"
    assert found.corrected.high < -0.25


def test_raw_is_corrected_plus_judge_made_in_what_is_written(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", "c")
    estimated(tmp_path, rubric, gap={"b": -0.3}, judge_made={"c": 0.7}, labelled={"a": 50, "b": 40, "c": 30})
    written = json.loads((tmp_path / "estimation.json").read_text("utf-8"))
    assert len(written["verdicts"]) == 2
    for verdict in written["verdicts"]:
        parts = [verdict[name]["value"] for name in ("raw", "corrected", "judge_made")]
        assert parts[0] == pytest.approx(parts[1] + parts[2], abs=1e-9)
    by_name = {(e["estimand"], str(e["population"])): e["value"] for e in written["estimates"] if e["contrast"]}
    for group in "bc":
        raw, corrected, made = (by_name[f"gap.{x}", str({"dialect": group})] for x in ("raw", "corrected", "judge_made"))
        assert raw == pytest.approx(corrected + made, abs=1e-9)


def test_a_contrast_is_the_population_minus_the_reference(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("b", "a", "c"), gap={"b": 1.0})
    assert [(v.population, v.contrast) for v in found.verdicts] == [
        ({"dialect": "a"}, {"dialect": "b"}),
        ({"dialect": "c"}, {"dialect": "b"}),
    ]
    assert all(v.corrected.value == pytest.approx(-1, abs=0.3) for v in found.verdicts)


def test_intervals_of_a_family_are_wider_than_one_and_the_same_for_all_criteria(tmp_path: Path) -> None:
    two = planted_rubric("a", "b", criteria=("depth", "respect"))
    items = planted_items(two, N)
    depth, respect = (planted_ratings(items, criterion=name, seed=seed) for seed, name in enumerate(("depth", "respect")))
    both = estimated(tmp_path / "two", two, items, pd.concat([depth, respect], ignore_index=True))
    alone = estimated(tmp_path / "one", planted_rubric("a", "b"), items, depth)
    wide, narrow = verdict_of(both, "b").for_disparity, verdict_of(alone, "b").for_disparity
    assert verdict_of(both, "b").corrected == verdict_of(alone, "b").corrected
    assert wide[1] - wide[0] > 1.05 * (narrow[1] - narrow[0])
    assert narrow[:2] == pytest.approx((verdict_of(alone, "b").corrected.low, verdict_of(alone, "b").corrected.high))


@pytest.mark.parametrize(
    ("strict", "loose", "answer"),
    [
        ((0.26, 0.9), (0.3, 0.8), "disparity"),
        ((-0.9, -0.26), (-0.8, -0.3), "disparity"),
        ((0.25, 0.9), (0.3, 0.8), "undetermined"),
        ((-0.3, 0.3), (-0.24, 0.24), "equivalent"),
        ((-0.3, 0.3), (-0.25, 0.24), "undetermined"),
        ((-0.9, 0.9), (-0.8, 0.8), "undetermined"),
        ((float("nan"), float("nan")), (float("nan"), float("nan")), "undetermined"),
    ],
)
def test_a_verdict_is_read_off_two_intervals(strict: tuple[float, float], loose: tuple[float, float], answer: str) -> None:
    assert decide((*strict, 0.95), (*loose, 0.9), 0.25) == answer


# Every road to undetermined


def undetermined(found: Estimation, group: str, why: str, settles: str) -> Verdict:
    verdict = verdict_of(found, group)
    assert verdict.answer == "undetermined"
    assert why in "; ".join(verdict.reasons)
    assert settles in verdict.settles
    return verdict


def test_without_any_labels_nothing_is_told_and_a_pilot_is_asked_for(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b"), gap={"b": -2.0}, labelled=0)
    verdict = undetermined(found, "b", "no human labels of b or a", "label at least 25 scenarios of each population as a pilot")
    assert verdict.raw.value == pytest.approx(-2, abs=0.2)  # the judge's own gap is shown, and decides nothing
    assert not verdict.corrected.is_defined
    assert not verdict.judge_made.is_defined


def test_a_population_without_labels_is_undetermined_and_the_others_are_not(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b", "c"), gap={"b": -0.8}, labelled={"a": N, "b": N})
    assert verdict_of(found, "b").answer == "disparity"
    undetermined(found, "c", "no human labels of c", "labels of at least 25 scenarios of c and of a")


@pytest.mark.parametrize(("labelled", "answer"), [(24, "undetermined"), (25, "disparity")])
def test_under_25_labelled_scenarios_nothing_is_told_however_large_the_gap(labelled: int, answer: str, tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b"), gap={"b": -2.0}, labelled={"a": N, "b": labelled})
    assert verdict_of(found, "b").answer == answer
    if answer == "undetermined":
        undetermined(found, "b", "b: 24 labelled scenarios, and an interval needs 25", "at least 25 scenarios of b and of a")
        assert np.isnan(verdict_of(found, "b").for_disparity[0])


def test_scenarios_are_counted_and_not_items(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = [replace(item, scenario_id=f"s{i // 20}") for i, item in enumerate(planted_items(rubric, 160))]  # 16 scenarios
    found = estimated(tmp_path, rubric, items, gap={"b": -2.0})
    undetermined(found, "b", "16 labelled scenarios", "more items of b and of a: all there are are labelled")


def test_labels_that_hardly_vary_carry_no_interval(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    ratings = planted_ratings(items)
    humans = ratings["rater_kind"] == "human"
    ratings.loc[humans, ["code", "expected"]] = 4.0
    ratings.loc[humans & ratings["item_id"].isin(["s0001-b", "s0002-b"]), ["code", "expected"]] = 7.0
    found = estimated(tmp_path, rubric, items, ratings)
    undetermined(found, "b", "only 2 labelled scenarios differ from the label 4", "more items of b and of a")


@pytest.mark.parametrize("labels", ["constructed", "model"])
def test_labels_that_no_human_gave_decide_nothing(labels: str, tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    run = planted_run(tmp_path, rubric, items, planted_ratings(items, gap={"b": -2.0}), labels=labels)
    found = estimate(run, n_resamples=FEW)
    undetermined(found, "b", f"the labels are {labels}: no human gave them", "labels by humans")
    assert found.scope["labels"] == labels
    again = estimate(run, n_resamples=FEW)  # now read from validation.json
    undetermined(again, "b", f"the labels are {labels}", "labels by humans")


def test_an_interval_that_is_too_wide_says_how_many_labels_of_whom_would_do(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b"), labelled=30, judge_noise=3.0, seed=3)
    verdict = undetermined(found, "b", "lies neither outside ±0.25 nor, at 90%, inside it", "labels of about")
    # Half-widths shrink with the root of the number of labels.
    low, high, _ = verdict.for_disparity
    apart = 0.25 - abs(verdict.corrected.value)
    more = ceil(30 * ((high - low) / 2 / apart) ** 2) - 30
    wanted = f"labels of about {more:,} of b and {more:,} of a more would tell the gap to ±{apart:.2g}"
    assert verdict.settles == f"{wanted}, its distance from the tolerance"
    (plan,) = found.plans
    assert plan.now == {"a": 30, "b": 30}


def test_where_all_items_are_labelled_more_items_are_asked_for(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b"), planted_items(planted_rubric("a", "b"), 28), judge_noise=3.0)
    undetermined(found, "b", "lies neither outside", "more items of b and of a: all there are are labelled")


def missing(ratings: pd.DataFrame, item_ids: list[str], reason: str = "refused") -> pd.DataFrame:
    chosen = (ratings["rater_kind"] == "judge") & ratings["item_id"].isin(item_ids)
    return ratings.assign(
        code=ratings["code"].mask(chosen), expected=ratings["expected"].mask(chosen), missing=np.where(chosen, reason, "")
    )


@pytest.mark.parametrize(("gap", "answer"), [(0.0, "equivalent"), (-0.8, "disparity")])
def test_missing_ratings_that_could_change_the_verdict_leave_it_open(gap: float, answer: str, tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    ratings = planted_ratings(items, gap={"b": gap})
    lost = [item.item_id for item in items if item.populations["dialect"] == "b"][::5]
    assert verdict_of(estimated(tmp_path / "all", rubric, items, ratings), "b").answer == answer
    found = estimated(tmp_path / "lost", rubric, items, missing(ratings, lost))
    verdict = undetermined(found, "b", f"it would be {answer}, but the missing ratings could change that", "the missing ratings")
    # A fifth of b is missing on a scale of 1 to 7: the gap could lie 0.2 * 6 apart.
    assert verdict.bounds.high - verdict.bounds.low == pytest.approx(0.2 * 6, abs=1e-9)
    assert found.find("missing_rate.refused", "depth", {"dialect": "b"}).value == pytest.approx(0.2)
    assert found.find("missing_rate.refused", "depth", {"dialect": "a"}).value == 0


def test_a_criterion_that_does_not_apply_is_not_missing(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    lost = [item.item_id for item in items if item.populations["dialect"] == "b"][::5]
    found = verdict_of(estimated(tmp_path, rubric, items, missing(planted_ratings(items), lost, "not_applicable")), "b")
    assert found.answer == "equivalent"
    assert found.bounds.low == found.bounds.high == found.bounds.value


def test_an_item_rated_in_another_replicate_is_not_missing(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    ratings = planted_ratings(items)
    second = without_humans(ratings).assign(replicate=1)
    lost = [item.item_id for item in items if item.populations["dialect"] == "b"][::5]
    found = verdict_of(estimated(tmp_path, rubric, items, pd.concat([missing(ratings, lost), second], ignore_index=True)), "b")
    assert found.answer == "equivalent"
    assert found.bounds.low == found.bounds.high


def test_a_judge_that_rated_none_of_a_population_is_named_as_the_reason(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, N)
    lost = [item.item_id for item in items if item.populations["dialect"] == "b"]
    found = estimated(tmp_path, rubric, items, missing(planted_ratings(items), lost))
    verdict = undetermined(found, "b", "b has no item that the judge rated", "items of b in the run, with ratings by the judge")
    assert "no human labels" not in "; ".join(verdict.reasons)
    assert not verdict.raw.is_defined


def with_cues(items: list[Item], cues: tuple[str, ...]) -> list[Item]:
    """Scenarios take the cues in turn, the same for all of their arms."""
    return [replace(item, meta={"cue": cues[int(item.item_id[1:5]) % len(cues)]}) for item in items]


def by_cue(items: list[Item], gap: Mapping[str, float]) -> pd.DataFrame:
    ratings = planted_ratings(items)
    cue = {item.item_id: str(item.meta["cue"]) for item in items if item.populations["dialect"] == "b"}
    moved = ratings["item_id"].map(cue).map(gap).fillna(0.0)
    code = (ratings["code"] + moved).clip(1, 7)
    return ratings.assign(code=code, expected=code)


def test_cues_that_contradict_each_other_leave_it_open(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = with_cues(planted_items(rubric, N), ("name", "dialect"))
    found = estimated(tmp_path, rubric, items, by_cue(items, {"name": 1.0, "dialect": -1.0}))
    verdict = undetermined(
        found, "b", "cues disagree: the gap lies above 0 for name and below 0 for dialect", "a gap for each cue"
    )
    assert verdict.for_equivalence[1] < 0.25  # on average there is no gap, and without the cues it would be called equivalent


def test_cues_that_agree_leave_the_verdict_alone(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = with_cues(planted_items(rubric, N), ("name", "dialect"))
    assert (
        verdict_of(estimated(tmp_path, rubric, items, by_cue(items, {"name": -1.0, "dialect": -2.0})), "b").answer == "disparity"
    )


def test_a_population_without_items_is_undetermined_and_asks_for_items(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", "c")
    items = [item for item in planted_items(rubric, N) if item.populations["dialect"] != "c"]
    found = estimated(tmp_path, rubric, items)
    undetermined(found, "c", "no item of the run is of dialect: c", "items of c in the run")
    assert verdict_of(found, "b").answer == "equivalent"


def test_a_reference_without_items_leaves_everything_open(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = [item for item in planted_items(rubric, N) if item.populations["dialect"] != "a"]
    found = estimated(tmp_path, rubric, items)
    undetermined(found, "b", "no human labels of a", "items of a in the run, with ratings by the judge")


def test_a_nominal_scale_has_no_gaps(tmp_path: Path) -> None:
    nominal = {"kind": "nominal", "levels": {name: f"it is {name}" for name in ("praise", "blame", "advice")}}
    rubric = planted_rubric("a", "b", scale=nominal)
    items = planted_items(rubric, N)
    ratings = planted_ratings(items)
    found = estimated(tmp_path, rubric, items, ratings.assign(code=ratings["code"] % 3))
    verdict = undetermined(found, "b", "a nominal scale has no distances", "a scale with distances")
    assert not verdict.raw.is_defined


# Roles


def test_an_axis_that_may_be_used_is_reported_and_not_judged(tmp_path: Path) -> None:
    found = verdict_of(estimated(tmp_path, planted_rubric("a", "b", role="may_use"), gap={"b": -2.0}), "b")
    assert found.answer == "reported"
    assert "the rubric allows the answer to depend on dialect" in found.reasons[0]
    assert found.corrected.value == pytest.approx(-2, abs=0.2)
    assert np.isnan(found.for_disparity[0])


@pytest.mark.parametrize(("gap", "words"), [(-2.0, "difference present"), (0.0, "difference absent")])
def test_an_axis_that_must_be_used_is_checked_for_presence(gap: float, words: str, tmp_path: Path) -> None:
    from judgefair.reporting.words import answer_of

    found = estimated(tmp_path, planted_rubric("a", "b", role="must_use"), gap={"b": gap})
    assert answer_of(verdict_of(found, "b")) == words


# What is kept


def test_an_estimation_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = estimated(tmp_path, planted_rubric("a", "b", "c"), labelled={"a": 40, "b": 40})
    back = load_estimation(tmp_path)
    assert back is not None
    assert json.dumps(back.to_json()) == json.dumps(found.to_json())
    assert back.axes == {"dialect": ["a", "b", "c"]}
    with pytest.raises(KeyError, match="no estimate nothing of depth"):
        back.find("nothing", "depth")


def test_where_there_is_no_estimation_none_is_read(tmp_path: Path) -> None:
    assert load_estimation(tmp_path) is None
