"""Is a validation complete, are its numbers those of independent packages, and does it say what it cannot tell?

Tables here are made up, and say nothing of any judge, except where a test reads the published files of a set.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest

import judgefair as jf
from judgefair.calibration import CalibrationSet, find_set
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.fetch import fetch_set
from judgefair.calibration.ledger import read_looks
from judgefair.calibration.ratings import rated_items
from judgefair.compile import JudgeProgram
from judgefair.errors import InputError
from judgefair.models.model import Body
from judgefair.records import MISSING_REASONS
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.scale import parse_scale

FEW = 20  # resamples, where only points are looked at
ALWAYS = {
    "alpha.human", "alpha.judge_human", "agreement.human", "kappa.none", "gwet.ac2_quadratic", "icc.2_1", "loo.human", "loo.judge",
    "loo.difference", "alt_test.winning_rate", "alt_test.advantage", "judge_error",
} | {f"missing_rate.{reason}" for reason in MISSING_REASONS}  # fmt: skip
GAPS = {"judge_error_gap", "dif.uniform", "dif.nonuniform"}
ORDERED = ALWAYS | {"kappa.linear", "kappa.quadratic"}


def made_up(n_items: int = 24, seed: int = 0, **columns: Callable[[int], str]) -> pd.DataFrame:
    """Made-up ratings 1 to 5 by two humans and a judge; extra columns are functions of the item's number."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_items):
        level = rng.integers(1, 6)
        for rater in ("judge", "ann", "bob"):
            value = int(np.clip(level + rng.integers(-1, 2), 1, 5))
            rows.append({"item_id": f"i{i:02}", "rater_id": rater, "value": value} | {n: f(i) for n, f in columns.items()})
    return pd.DataFrame(rows)


def validated(table: pd.DataFrame, scale: Any = "ordinal:1-5", **options: Any) -> jf.Validation:
    return jf.validate_ratings(table, "judge", scale, n_resamples=FEW, as_of="2026-01-01", **options)


def rubric_of(scale: dict[str, Any], mode: str = "score", **changes: Any) -> Rubric:
    """The shipped writing_tutor rubric, with its one criterion `depth` on the given scale."""
    data = jf.load_rubric("writing_tutor").model_dump()
    criterion = data["criteria"][0] | {"id": "depth", "scale": scale, "not_applicable": None}
    judging = {"mode": mode, "criteria_per_call": "one"}
    return Rubric.model_validate(data | {"criteria": [criterion], "judging": judging} | changes)


def set_of(table: pd.DataFrame, scale: str, criterion: str = "depth") -> CalibrationSet:
    """A made-up calibration set with the table's ratings."""
    parsed = parse_scale(scale)
    written = {"scale": {"kind": parsed.kind, "levels": dict(parsed.levels)}, "polarity": "made up"}
    card = Card.model_validate(
        {
            "id": "made_up", "title": "Made-up ratings", "citation": "none", "licence": "none", "homepage": "none",
            "labels": "human", "rater_pool": "nobody: made up", "criteria": {criterion: written},
            "source": {"kind": "files"}, "known_issues": [],
        }
    )  # fmt: skip
    rated = rated_items(table.assign(criterion=criterion).astype(str), parsed, "made up")
    return CalibrationSet(card, rated, Path())


def shipped_set(set_id: str, data_folder: Path) -> CalibrationSet:
    fetch_set(read_card(find_set(set_id) / "card.yaml"), data_folder)
    return jf.load_calibration_set(set_id)


def program_for(rubric: str) -> JudgeProgram:
    return jf.compile_judge(jf.load_rubric(rubric))


# What is reported


def test_every_estimand_is_there_for_every_criterion_overall_and_for_every_population() -> None:
    one = made_up(**{"pop.dialect": lambda i: "ab"[i % 2], "pop.age": lambda i: ["old", "young", ""][i % 3]})
    table = pd.concat([one.assign(criterion="depth"), one.assign(criterion="respect")])
    validation = validated(table)
    assert validation.axes == {"dialect": ["a", "b"], "age": ["old", "young"]}
    for criterion in ("depth", "respect"):
        for population in (None, {"dialect": "a"}, {"dialect": "b"}, {"age": "old"}, {"age": "young"}):
            found = {f.estimate.estimand for f in validation.findings if (f.criterion, f.population) == (criterion, population)}
            is_compared = population in ({"dialect": "b"}, {"age": "young"})
            assert found == ORDERED | (GAPS if is_compared else set()), (criterion, population)


def test_an_estimand_of_a_population_is_reported_once() -> None:
    validation = validated(made_up(**{"pop.dialect": lambda i: "abc"[i % 3]}))
    keys = [(f.criterion, str(f.population), f.estimate.estimand) for f in validation.findings]
    assert len(keys) == len(set(keys))


def test_a_nominal_scale_has_no_points_and_says_so() -> None:
    table = made_up(**{"pop.dialect": lambda i: "ab"[i % 2]}).assign(value=lambda t: t["value"].map(dict(enumerate("xxyyzz"))))
    validation = validated(table, "nominal:x,y,z")
    for population in (None, {"dialect": "a"}, {"dialect": "b"}):
        for name in ("loo.human", "loo.judge", "loo.difference", "judge_error"):
            estimate = validation.find(name, "rating", population)
            assert not estimate.is_defined
            assert "nominal" in estimate.method
        assert validation.find("kappa.none", "rating", population).is_defined
        with pytest.raises(KeyError, match=r"kappa\.linear"):
            validation.find("kappa.linear", "rating", population)
    gap = validation.find("judge_error_gap", "rating", {"dialect": "b"})
    assert not gap.is_defined
    assert "nominal" in gap.method


def test_a_binary_scale_has_points() -> None:
    table = made_up().assign(value=lambda t: (t["value"] > 3).astype(int))
    assert validated(table, "binary").find("judge_error", "rating").is_defined


# Against krippendorff 0.8, called on arrays that are built here from the published files


def test_human_alpha_of_dices_350_is_that_of_krippendorff(data_folder: Path) -> None:
    path = next(data_folder.rglob("dices_350_crowdsourced.json"))
    instances = json.loads(path.read_text("utf-8"))["instances"]
    place = {"no": 0, "unsure": 1, "yes": 2}
    votes = [[place[vote.lower()] for vote in i["annotations"]["safety"]["individual_human_scores"]] for i in instances]
    expected = krippendorff.alpha(np.array(votes, dtype=float).T, level_of_measurement="ordinal")
    cset = shipped_set("dices_350", data_folder)
    validation = jf.validate(program_for("chat_safety"), cset, jf.models.scripted("hash"), n_resamples=FEW)
    alpha = validation.find("alpha.human", "unsafe")
    assert alpha.value == pytest.approx(expected, abs=1e-12)
    assert (alpha.n_items, alpha.n_raters) == (350, 123)
    assert validation.axes == {}


def test_human_alpha_of_hatecheck_is_that_of_krippendorff_overall_and_for_every_target(data_folder: Path) -> None:
    with next(data_folder.rglob("all_cases.csv")).open(encoding="utf-8", newline="") as file:
        target = {row["case_id"]: row["target_ident"] for row in csv.DictReader(file)}
    with next(data_folder.rglob("all_annotations.csv")).open(encoding="utf-8", newline="") as file:
        rated = {row["case_id"]: [row[f"label_{k}"] for k in range(1, 11)] for row in csv.DictReader(file)}
    code = {"hateful": 1.0, "non-hateful": 0.0, "": np.nan}

    def expected(cases: list[str]) -> float:
        values = np.array([[code[label] for label in rated[case]] for case in cases]).T
        return float(krippendorff.alpha(values, level_of_measurement="nominal"))

    cset = shipped_set("hatecheck", data_folder)
    validation = jf.validate(program_for("hateful_content"), cset, jf.models.scripted("length"), n_resamples=FEW)
    assert validation.find("alpha.human", "hateful").value == pytest.approx(expected(list(rated)), abs=1e-12)
    groups = sorted(set(target.values()) - {""})
    assert sorted(validation.axes["target"]) == groups
    assert len(groups) == 7
    for group in groups:
        found = validation.find("alpha.human", "hateful", {"target": group})
        cases = [case for case in rated if target[case] == group]
        assert found.value == pytest.approx(expected(cases), abs=1e-12), group
        assert found.n_items == len(cases)


def test_human_alpha_of_ellipse_is_undefined_and_the_reason_is_given(data_folder: Path) -> None:
    cset = shipped_set("ellipse", data_folder)
    validation = jf.validate(
        program_for("english_learner_essay"), cset, jf.models.scripted("middle"), split="dev", n_resamples=FEW
    )
    for criterion in validation.scales:
        alpha = validation.find("alpha.human", criterion)
        assert not alpha.is_defined
        assert alpha.method.startswith("undefined: ")
        assert "two" in alpha.method
        assert validation.find("judge_error", criterion).is_defined


# Gaps and references


def test_a_gap_is_the_population_minus_the_reference() -> None:
    # Made up: the humans say 3; the judge says 4 of every a and 2 of every b. Errors are +1 and -1, and b - a = -2.
    table = pd.DataFrame(
        [
            {"item_id": f"i{i}", "rater_id": rater, "value": 3 if rater != "judge" else (4, 2)[i % 2], "pop.dialect": "ab"[i % 2]}
            for i in range(10)
            for rater in ("judge", "ann", "bob")
        ]
    )
    validation = validated(table, references={"dialect": "a"})
    assert validation.find("judge_error", "rating", {"dialect": "a"}).value == 1.0
    assert validation.find("judge_error", "rating", {"dialect": "b"}).value == -1.0
    (gap,) = [f for f in validation.findings if f.estimate.estimand == "judge_error_gap"]
    assert (gap.population, gap.contrast, gap.estimate.value) == ({"dialect": "b"}, {"dialect": "a"}, -2.0)
    (other,) = [f for f in validated(table, references={"dialect": "b"}).findings if f.estimate.estimand == "judge_error_gap"]
    assert (other.population, other.contrast, other.estimate.value) == ({"dialect": "a"}, {"dialect": "b"}, 2.0)


def test_without_a_declared_reference_it_is_the_largest_group_and_a_note_says_so() -> None:
    table = made_up(**{"pop.dialect": lambda i: "large" if i % 3 else "a_small_one"})
    validation = validated(table)
    (gap,) = [f for f in validation.findings if f.estimate.estimand == "judge_error_gap"]
    assert gap.contrast == {"dialect": "large"}
    assert any("largest group, large" in note for note in validation.notes)
    assert not any("largest group" in note for note in validated(table, references={"dialect": "a_small_one"}).notes)


def test_the_reference_of_the_rubric_is_taken_where_the_items_have_it() -> None:
    program = program_for("writing_tutor")
    declared = {axis.axis: axis.reference for axis in program.rubric.context.populations}
    validation = jf.validate(
        program, jf.load_calibration_set("writing_tutor_anchors"), jf.models.scripted("hash"), split="train", n_resamples=FEW
    )
    gaps = [f for f in validation.findings if f.estimate.estimand == "judge_error_gap"]
    assert gaps
    assert all(f.contrast == {axis: declared[axis]} for f in gaps for axis in f.population or {})


def test_an_unknown_axis_or_group_of_a_reference_is_refused_with_a_suggestion() -> None:
    table = made_up(**{"pop.dialect": lambda i: ("north", "south")[i % 2]})
    with pytest.raises(InputError, match="Did you mean 'dialect'"):
        validated(table, references={"dialct": "north"})
    with pytest.raises(InputError, match="Did you mean 'north'"):
        validated(table, references={"dialect": "nort"})


def test_a_table_without_populations_says_that_nothing_can_be_told_of_them() -> None:
    validation = validated(made_up())
    assert validation.axes == {}
    assert any("no populations" in note for note in validation.notes)
    assert all(f.population is None for f in validation.findings)


# Missing


def test_a_missing_rating_of_the_judge_is_counted_and_never_a_number() -> None:
    # Made up: on items 0 to 9 the judge agrees exactly with both humans. On 10 it has no row, on 11 it refused.
    rows = [
        {"item_id": f"i{i}", "rater_id": rater, "value": str(1 + i % 5), "missing": "", "pop.dialect": "ab"[i % 2]}
        for i in range(12)
        for rater in ("judge", "ann", "bob")
        if (i, rater) != (10, "judge")
    ]
    for row in rows:
        if (row["item_id"], row["rater_id"]) == ("i11", "judge"):
            row |= {"value": "", "missing": "refused"}
    validation = validated(pd.DataFrame(rows))
    rates = {reason: validation.find(f"missing_rate.{reason}", "rating").value for reason in MISSING_REASONS}
    assert rates == dict.fromkeys(MISSING_REASONS, 0.0) | {"not_rated": 1 / 12, "refused": 1 / 12}
    assert validation.find("missing_rate.not_rated", "rating", {"dialect": "a"}).value == 1 / 6
    assert validation.find("missing_rate.not_rated", "rating", {"dialect": "b"}).value == 0
    error, agreement = validation.find("judge_error", "rating"), validation.find("alpha.judge_human", "rating")
    assert (error.value, error.n_items) == (0.0, 10)
    assert (agreement.value, agreement.n_items) == (1.0, 10)
    assert validation.find("alpha.human", "rating").n_items == 12


def test_where_a_rater_rated_twice_the_first_rating_counts_and_a_note_says_so() -> None:
    table = made_up().assign(replicate=0)
    again = table[table["rater_id"] == "judge"].assign(replicate=1, value=1)
    validation, once = validated(pd.concat([again, table])), validated(table)
    assert [f.to_json() for f in validation.findings] == [f.to_json() for f in once.findings]
    assert any("first rating counts" in note for note in validation.notes)


def test_another_judge_of_the_table_is_left_out_and_named() -> None:
    table = made_up().assign(rater_kind=lambda t: np.where(t["rater_id"] == "judge", "judge", "human"))
    other = table[table["rater_id"] == "judge"].assign(rater_id="other", value=1)
    validation = validated(pd.concat([table, other]))
    assert [f.to_json() for f in validation.findings] == [f.to_json() for f in validated(table).findings]
    assert any("other" in note and "Left out" in note for note in validation.notes)


# The locked split


@pytest.mark.parametrize("split", ["test", "all"])
def test_a_look_at_the_locked_split_is_a_line_of_the_ledger(split: str) -> None:
    program, cset = program_for("writing_tutor"), jf.load_calibration_set("writing_tutor_anchors")
    for number in (1, 2):
        validation = jf.validate(program, cset, jf.models.scripted("hash"), split=split, n_resamples=FEW)
        looks = read_looks(cset.id)
        assert len(looks) == number
        assert any(f"look {number} at the locked test split" in note for note in validation.notes)
    assert {(look.program, look.judge, look.split) for look in looks} == {(program.fingerprint, "scripted:hash", split)}


@pytest.mark.parametrize("split", ["train", "dev"])
def test_train_and_dev_are_no_looks(split: str) -> None:
    cset = jf.load_calibration_set("writing_tutor_anchors")
    jf.validate(program_for("writing_tutor"), cset, jf.models.scripted("hash"), split=split, n_resamples=FEW)
    assert read_looks(cset.id) == []


def test_only_items_of_the_split_are_judged() -> None:
    cset = jf.load_calibration_set("writing_tutor_anchors")
    validation = jf.validate(program_for("writing_tutor"), cset, jf.models.scripted("hash"), split="dev", n_resamples=FEW)
    assert [item.item_id for item in validation.items] == [item.item_id for item in cset.take("dev").items]
    assert set(validation.ratings["item_id"]) == {item.item_id for item in cset.take("dev").items}


# Programs that do not fit the set


def test_a_rubric_without_a_criterion_of_the_set_is_refused() -> None:
    cset = jf.load_calibration_set("writing_tutor_anchors")
    with pytest.raises(InputError, match=r"no ratings of hateful; it has critique_depth, respect_for_dialect"):
        jf.validate(program_for("hateful_content"), cset, jf.models.scripted("hash"))
    assert read_looks(cset.id) == []


def test_a_rubric_with_another_scale_than_the_humans_used_is_refused() -> None:
    program = jf.compile_judge(rubric_of({"kind": "ordinal", "levels": {0: "low", 1: None, 2: "high"}}))
    with pytest.raises(
        InputError, match=r"depth: the rubric's scale is ordinal 0, 1, 2, and made_up was rated on ordinal 1, 2, 3"
    ):
        jf.validate(program, set_of(made_up(), "ordinal:1-5"), jf.models.scripted("hash"))


def test_a_criterion_that_the_set_does_not_rate_is_named_as_unvalidated() -> None:
    program = program_for("writing_tutor")
    table = jf.load_calibration_set("writing_tutor_anchors")
    only = table.ratings[table.ratings["criterion"] == "critique_depth"]
    card = table.card.model_copy(update={"criteria": {"critique_depth": table.card.criteria["critique_depth"]}})
    part = CalibrationSet(card, type(table.rated)(table.items, only, table.rated.raters), table.folder)
    validation = jf.validate(program, part, jf.models.scripted("hash"), split="dev", n_resamples=FEW)
    assert list(validation.scales) == ["critique_depth"]
    unrated = [criterion.id for criterion in program.rubric.criteria if criterion.id != "critique_depth"]
    assert unrated
    for name in unrated:
        assert any(f"no ratings of {name}" in note and "unvalidated" in note for note in validation.notes)


# Distribution mode


def test_in_distribution_mode_error_uses_the_expected_value_and_agreement_the_modal_level() -> None:
    # Made up: every human says 0 on odd items and 1 on even ones. The scripted judge always answers the first level, 0, with
    # 0.7 on it and 0.3 shared evenly by the other four: expected 0.3 / 4 * (1 + 2 + 3 + 4) = 0.75. Its error is
    # 0.75 - 0.5 = 0.25. By the modal level it would be -0.5.
    # Agreement by the modal level: judge 0 everywhere, humans 0 and 1 in equal shares, so that kappa (which needs exact
    # levels) is 0: observed agreement 1/2, expected 1 * 1/2.
    levels = {level: f"anchor {level}" for level in range(5)}
    program = jf.compile_judge(rubric_of({"kind": "ordinal", "levels": levels}, "distribution"))
    humans = pd.DataFrame(
        [
            {"item_id": f"i{i}", "rater_id": rater, "value": int(i % 2 == 0), "query": f"q{i}", "response": f"r{i}"}
            for i in range(20)
            for rater in ("ann", "bob")
        ]
    )
    validation = jf.validate(program, set_of(humans, "ordinal:0-4"), jf.models.scripted("first"), n_resamples=FEW)
    assert validation.find("judge_error", "depth").value == pytest.approx(0.25, abs=1e-12)
    judged = validation.ratings[validation.ratings["rater_kind"] == "judge"]
    assert set(judged["code"]) == {0.0}
    assert judged["expected"].to_numpy() == pytest.approx(0.75)
    assert validation.find("kappa.none", "depth").value == pytest.approx(0.0, abs=1e-12)
    # Leave-one-out: both humans agree on every item (loss 0); the judge's modal 0 is 1 off on half of the items.
    assert validation.find("loo.human", "depth").value == 0.0
    assert validation.find("loo.judge", "depth").value == 0.5


def test_in_score_mode_the_error_is_that_of_the_level_given() -> None:
    levels = {level: f"anchor {level}" for level in range(5)}
    program = jf.compile_judge(rubric_of({"kind": "ordinal", "levels": levels}))
    humans = made_up(10).query("rater_id != 'judge'").assign(value=1)
    validation = jf.validate(program, set_of(humans, "ordinal:0-4"), jf.models.scripted("first"), n_resamples=FEW)
    assert validation.find("judge_error", "depth").value == -1.0


class Garbled(jf.models.Scripted):
    """Answers every third item with no JSON at all."""

    def _complete(self, body: Body) -> dict[str, Any]:
        reply = super()._complete(body)
        self.asked = getattr(self, "asked", 0) + 1
        if self.asked % 3 == 0:
            reply["choices"][0]["message"]["content"] = "I would say 4 out of 5."
        return reply


def test_replies_that_cannot_be_read_are_counted_as_unparsable_and_never_scored() -> None:
    levels = {level: f"anchor {level}" for level in range(5)}
    program = jf.compile_judge(rubric_of({"kind": "ordinal", "levels": levels}))
    humans = made_up(9, query=lambda i: f"q{i}", response=lambda i: f"r{i}").query("rater_id != 'judge'").assign(value=1)
    model = Garbled("first", lambda _, __: 0)
    validation = jf.validate(program, set_of(humans, "ordinal:0-4"), model, n_resamples=FEW, use_cache=False, concurrency=1)
    assert validation.find("missing_rate.unparsable", "depth").value == pytest.approx(1 / 3)
    error = validation.find("judge_error", "depth")
    assert (error.value, error.n_items, error.n_missing) == (-1.0, 6, 6)  # three items with two human ratings each


def test_the_same_validation_gives_the_same_numbers() -> None:
    table = made_up(**{"pop.dialect": lambda i: "ab"[i % 2]})
    assert [f.to_json() for f in validated(table).findings] == [f.to_json() for f in validated(table).findings]


def test_find_names_what_there_is_no_estimate_of() -> None:
    with pytest.raises(KeyError, match=r"no estimate alpha\.human of rating"):
        validated(made_up()).find("alpha.human", "rating", {"dialect": "a"})
