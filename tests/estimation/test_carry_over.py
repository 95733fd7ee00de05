"""May the judge's error on another set stand for its error on this run? Every reason against it is given, and none is passed over.

All runs are made up.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from judgefair.errors import InputError
from judgefair.estimation import Estimation, Verdict, estimate
from judgefair.estimation.carry_over import MAX_AUC
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.validation.store import find_validation
from tests.builders import (
    LENIENT,
    human_csv,
    planted_items,
    planted_ratings,
    planted_rubric,
    planted_run,
    planted_validation,
    without_humans,
)

FEW = 20
N = 120
BIAS = {"b": -0.8}  # of the judge, in set and run alike


@pytest.fixture
def rubric() -> Rubric:
    return planted_rubric("a", "b")


def run_of(folder: Path, rubric: Rubric, items: list[Item] | None = None, **planted: Any) -> Path:
    """A run without human labels, on scenarios that the set does not have."""
    items = planted_items(rubric, N, first=500) if items is None else items
    return planted_run(folder / "run", rubric, items, without_humans(planted_ratings(items, judge_made=BIAS, seed=1, **planted)))


def set_of(folder: Path, rubric: Rubric, items: list[Item] | None = None, **options: Any) -> Path:
    items = planted_items(rubric, 150) if items is None else items
    planted_validation(folder / "set", rubric, items, planted_ratings(items, judge_made=BIAS), **options)
    return folder / "set"


def carried(folder: Path, rubric: Rubric, **options: Any) -> Estimation:
    return estimate(run_of(folder, rubric), validation=set_of(folder, rubric, **options), n_resamples=FEW)


def verdict_of(found: Estimation, group: str = "b") -> Verdict:
    (verdict,) = [v for v in found.verdicts if v.population == {"dialect": group}]
    return verdict


def test_a_judge_that_passes_everything_is_corrected_by_what_the_set_knows_of_it(tmp_path: Path, rubric: Rubric) -> None:
    found = carried(tmp_path, rubric)
    verdict = verdict_of(found)
    assert (verdict.answer, verdict.reasons) == ("equivalent", [])
    assert verdict.raw.high < -0.25
    assert verdict.judge_made.value == pytest.approx(-0.8, abs=0.2)
    assert "lam 1.000 and 1.000" in verdict.corrected.method
    assert found.find("shift.auc", "all").value < MAX_AUC
    assert found.scope["labels_from"] == "made_up_set"
    assert found.scope["gate_blocks"] is False
    assert any("carried over from made_up_set, with lam = 1" in note for note in found.notes)


def test_a_disparity_of_the_run_is_found_with_labels_of_the_set_alone(tmp_path: Path, rubric: Rubric) -> None:
    run = run_of(tmp_path, rubric, gap={"b": -1.0})
    assert verdict_of(estimate(run, validation=set_of(tmp_path, rubric), n_resamples=FEW)).answer == "disparity"


def test_labels_of_the_set_tell_the_judge_s_error_and_not_how_the_system_answers(tmp_path: Path, rubric: Rubric) -> None:
    # In the set b is served worse by 1; in the run it is not.
    items = planted_items(rubric, 150)
    planted_validation(tmp_path / "set", rubric, items, planted_ratings(items, gap={"b": -1.0}, judge_made=BIAS))
    found = verdict_of(estimate(run_of(tmp_path, rubric), validation=tmp_path / "set", n_resamples=FEW))
    assert abs(found.corrected.value) < 0.25


def undetermined(found: Estimation, why: str, group: str = "b") -> None:
    verdict = verdict_of(found, group)
    assert verdict.answer == "undetermined"
    assert why in "; ".join(verdict.reasons)
    assert "human labels of the run itself: at least 25 scenarios of" in verdict.settles


def test_a_judge_that_failed_the_gate_is_not_carried_over(tmp_path: Path) -> None:
    strict = planted_rubric("a", "b", validity=LENIENT | {"max_judge_error_gap": 0.25})
    found = carried(tmp_path, strict)
    undetermined(found, "the judge did not pass the gate on made_up_set: the judge's error differs from the reference's by −0.8")
    assert found.scope["gate_blocks"] is True


def test_a_failure_on_another_population_does_not_block_this_one(tmp_path: Path) -> None:
    strict = planted_rubric("a", "b", "c", validity=LENIENT | {"max_judge_error_gap": 0.25})
    found = estimate(run_of(tmp_path, strict, gap={"c": -1.5}), validation=set_of(tmp_path, strict), n_resamples=FEW)
    undetermined(found, "did not pass the gate")
    assert verdict_of(found, "c").answer == "disparity"
    assert found.scope["gate_blocks"] is True  # the judge as a whole did not pass


def test_a_gate_that_was_not_shown_to_be_passed_is_not_passed(tmp_path: Path, rubric: Rubric) -> None:
    items = planted_items(rubric, 150)
    ratings = planted_ratings(items, judge_made=BIAS)
    one_human = ratings[ratings["rater_id"] != "bob"].reset_index(drop=True)
    planted_validation(tmp_path / "set", rubric, items, one_human)
    found = estimate(run_of(tmp_path, rubric), validation=tmp_path / "set", n_resamples=FEW)
    undetermined(found, "did not pass the gate on made_up_set: whether the judge agrees with humans as they do with each other")


@pytest.mark.parametrize("split", ["dev", "train"])
def test_only_the_locked_split_counts(split: str, tmp_path: Path, rubric: Rubric) -> None:
    undetermined(
        carried(tmp_path, rubric, split=split), f"locked test split, and the judge was validated on {split} of made_up_set"
    )


def test_texts_that_a_classifier_tells_apart_are_not_alike(tmp_path: Path, rubric: Rubric) -> None:
    other = set_of(tmp_path, rubric, planted_items(rubric, 150, topic="recipe"))
    found = estimate(run_of(tmp_path, rubric), validation=other, n_resamples=FEW)
    assert found.find("shift.auc", "all").value > 0.99
    undetermined(
        found, "the items of made_up_set differ from the run's: a classifier tells them apart with AUC 1.00, at most 0.7"
    )
    assert found.scope["gate_blocks"] is False


def test_without_texts_nobody_knows_whether_the_set_resembles_the_run(tmp_path: Path, rubric: Rubric) -> None:
    blank = set_of(tmp_path, rubric, [replace(item, query="", response="") for item in planted_items(rubric, 150)])
    found = estimate(run_of(tmp_path, rubric), validation=blank, n_resamples=FEW)
    undetermined(found, "whether made_up_set resembles the run cannot be told: 0 and 240 texts")


@pytest.mark.parametrize("labels", ["constructed", "model"])
def test_labels_that_no_human_gave_are_not_carried_over(labels: str, tmp_path: Path, rubric: Rubric) -> None:
    found = carried(tmp_path, rubric, labels=labels)
    undetermined(found, f"the labels are {labels}: no human gave them")
    assert found.scope["labels"] == labels


def test_a_population_that_the_set_does_not_have_is_undetermined(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", "c")
    only = [item for item in planted_items(rubric, 150) if item.populations["dialect"] != "c"]
    found = estimate(run_of(tmp_path, rubric), validation=set_of(tmp_path, rubric, only), n_resamples=FEW)
    undetermined(found, "no human labels of c", "c")
    assert verdict_of(found).answer == "equivalent"


def test_a_criterion_that_the_set_does_not_rate_is_undetermined(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", criteria=("depth", "respect"))
    items = planted_items(rubric, N, first=500)
    judged = [without_humans(planted_ratings(items, criterion=name)) for name in ("depth", "respect")]
    run = planted_run(tmp_path / "run", rubric, items, pd.concat(judged, ignore_index=True))
    found = estimate(run, validation=set_of(tmp_path, rubric), n_resamples=FEW)
    (respect,) = [v for v in found.verdicts if v.criterion == "respect"]
    assert respect.answer == "undetermined"
    assert "no human labels of b or a" in respect.reasons


def test_a_plan_counts_labels_of_the_run_and_not_those_of_the_set(tmp_path: Path, rubric: Rubric) -> None:
    (plan,) = carried(tmp_path, rubric).plans
    assert plan.now == {"a": 0, "b": 0}


# Whose error it is


def test_a_validation_of_another_judge_is_refused(tmp_path: Path, rubric: Rubric) -> None:
    other = set_of(tmp_path, rubric, judge="another-judge")
    with pytest.raises(InputError, match="holds for the judge another-judge, and the run was judged by planted-judge"):
        estimate(run_of(tmp_path, rubric), validation=other, n_resamples=FEW)
    assert sorted(path.name for path in (tmp_path / "run").glob("*.json")) == ["manifest.json", "program.json"]


def test_a_validation_of_another_program_is_refused(tmp_path: Path, rubric: Rubric) -> None:
    other = set_of(tmp_path, planted_rubric("a", "b", tolerance=0.5))
    with pytest.raises(InputError, match=r"--validation holds for program .*, and the run was judged with"):
        estimate(run_of(tmp_path, rubric), validation=other, n_resamples=FEW)


def test_a_folder_without_a_validation_is_refused_with_the_command_that_makes_one(tmp_path: Path, rubric: Rubric) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="Run judgefair validate"):
        estimate(run_of(tmp_path, rubric), validation=tmp_path / "empty", n_resamples=FEW)


def test_labels_of_the_run_itself_go_before_those_of_a_set(tmp_path: Path) -> None:
    # The gate failed on the set; with labels of its own the run does not need it.
    rubric = planted_rubric("a", "b", validity=LENIENT | {"max_judge_error_gap": 0.25})
    items = planted_items(rubric, N, first=500)
    ratings = planted_ratings(items, judge_made=BIAS, seed=1)
    run = planted_run(tmp_path / "run", rubric, items, without_humans(ratings))
    validation, humans = set_of(tmp_path, rubric), human_csv(ratings, tmp_path / "humans.csv")
    found = estimate(run, validation=validation, ratings=humans, n_resamples=FEW)
    assert verdict_of(found).answer == "equivalent"
    assert found.scope["labels_from"] == "the run itself"
    assert found.scope["gate_blocks"] is False
    assert any("stand on their own: nothing is carried over from made_up_set" in note for note in found.notes)
    assert not (run / "validated").exists()
    gate = find_validation(run).gate
    assert any(check.status == "failed" for check in gate)  # printed, and it does not block


# The folder, whatever the order of the commands


def test_estimates_one_after_another_leave_a_folder_that_holds_together(tmp_path: Path, rubric: Rubric) -> None:
    items = planted_items(rubric, N, first=500)
    ratings = planted_ratings(items, judge_made=BIAS, seed=1)
    run = planted_run(tmp_path / "run", rubric, items, without_humans(ratings))
    validation = set_of(tmp_path, rubric)

    assert verdict_of(estimate(run, n_resamples=FEW)).answer == "undetermined"
    assert find_validation(run).scope["set"]["id"] == "the run's own labels"
    assert "The run has no human labels." in find_validation(run).notes

    assert verdict_of(estimate(run, validation=validation, n_resamples=FEW)).answer == "equivalent"
    assert find_validation(run).scope["set"]["id"] == "made_up_set"
    assert not (run / "validation.json").exists()

    again = estimate(run, validation=run / "validated", n_resamples=FEW)  # the copy that the run keeps serves as well
    assert verdict_of(again).answer == "equivalent"
    assert find_validation(run).scope["set"]["id"] == "made_up_set"

    humans = human_csv(ratings, tmp_path / "humans.csv")
    own = estimate(run, ratings=humans, n_resamples=FEW)
    assert own.scope["labels_from"] == "the run itself"
    assert find_validation(run).scope["set"]["id"] == "the run's own labels"
    assert len(find_validation(run).items) == len(items)

    kept = (run / "estimation.json").read_bytes()
    estimate(run, n_resamples=FEW)  # the labels stay
    assert (run / "estimation.json").read_bytes() == kept
    assert find_validation(run).scope["set"]["id"] == "the run's own labels"
