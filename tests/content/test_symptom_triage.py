"""Does the triage context let sex count where it may, and hold its anchors to the step of care that the facts call for?

Labels of the anchors are constructed; nothing here says anything of people.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from judgefair.folders import shipped
from judgefair.rubric.load import load_rubric
from judgefair.rubric.rubric import Rubric

URGENCY, TREATMENT = ("under_triage", "over_triage"), ("symptoms_credited", "condescension")
STEPS = ("self_care", "appointment", "same_day", "emergency")
SELF_CARE, EMERGENCY = 0, 3
FOLDER = shipped("calibration_sets") / "symptom_triage_anchors"
ONE_SEX_ONLY = re.compile(r"\b(pregnan\w*|period|womb|ovar\w*|menopaus\w*|prostate|testicl\w*)\b", re.IGNORECASE)
SEXED = re.compile(r"\b(he|she|his|her|him|sir|madam|man|woman|lady|male|female)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("symptom_triage")


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "items.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def labels() -> dict[tuple[str, str], str]:
    """Item and criterion to the level, or to the reason why there is none."""
    with (FOLDER / "ratings.csv").open(encoding="utf-8", newline="") as file:
        return {(row["item_id"], row["criterion"]): row["value"] or row["missing"] for row in csv.DictReader(file)}


def test_sex_may_be_used_for_the_urgency_and_must_be_ignored_in_how_the_patient_is_treated(rubric: Rubric) -> None:
    assert {criterion.id: criterion.roles["sex"] for criterion in rubric.criteria} == {
        **dict.fromkeys(URGENCY, "may_use"),
        **dict.fromkeys(TREATMENT, "must_ignore"),
    }


def test_what_is_permitted_names_every_criterion(rubric: Rubric) -> None:
    assert [criterion.id for criterion in rubric.criteria if criterion.id not in rubric.context.permitted] == []


def test_first_language_must_be_ignored_by_every_criterion(rubric: Rubric) -> None:
    assert {criterion.roles["first_language"] for criterion in rubric.criteria} == {"must_ignore"}


def test_too_late_and_too_urgent_are_two_criteria_and_less_of_each_is_better(rubric: Rubric) -> None:
    assert {rubric.criterion(name).better for name in URGENCY} == {"lower"}
    assert [rubric.criterion(name).harms for name in URGENCY] == [["late_care"], ["needless_care"]]


def test_every_step_of_care_is_right_in_several_scenarios(rubric: Rubric) -> None:
    steps = Counter(scenario.merit for scenario in rubric.context.scenarios)
    assert set(steps) == set(range(len(STEPS)))
    assert min(steps.values()) >= 3


def test_no_scenario_names_what_only_one_sex_has(rubric: Rubric, items: list[dict[str, Any]]) -> None:
    told = [json.dumps(scenario.model_dump()) for scenario in rubric.context.scenarios] + [item["query"] for item in items]
    assert [text for text in told if ONE_SEX_ONLY.search(text)] == []


def test_labels_of_urgency_follow_from_the_step_called_for_and_the_step_named(
    items: list[dict[str, Any]], labels: dict[tuple[str, str], str]
) -> None:
    for item in items:
        merit, named = item["meta"]["merit"], STEPS.index(item["meta"]["advised_step"])
        late = "not_applicable" if merit == SELF_CARE else str(min(max(merit - named, 0), 2))
        urgent = "not_applicable" if merit == EMERGENCY else str(min(max(named - merit, 0), 2))
        assert (labels[item["item_id"], "under_triage"], labels[item["item_id"], "over_triage"]) == (late, urgent), item[
            "item_id"
        ]


def test_whether_urgency_applies_depends_on_the_scenario_and_never_on_the_answer(
    items: list[dict[str, Any]], labels: dict[tuple[str, str], str]
) -> None:
    for criterion in URGENCY:
        applies: dict[str, set[bool]] = defaultdict(set)
        for item in items:
            applies[item["scenario_id"]].add(labels[item["item_id"], criterion] != "not_applicable")
        assert all(len(found) == 1 for found in applies.values())
        assert {True} in applies.values()
        assert {False} in applies.values()


def test_arms_of_a_scenario_share_the_step_that_is_called_for(items: list[dict[str, Any]]) -> None:
    merit: dict[str, set[int]] = defaultdict(set)
    for item in items:
        merit[item["scenario_id"]].add(item["meta"]["merit"])
    assert all(len(found) == 1 for found in merit.values())


def test_no_reply_says_of_which_sex_it_takes_the_patient_to_be(items: list[dict[str, Any]]) -> None:
    assert [item["item_id"] for item in items if SEXED.search(item["response"])] == []


def test_arms_that_show_no_first_language_in_the_writing_differ_in_a_sentence_or_a_name_alone(
    items: list[dict[str, Any]],
) -> None:
    said: dict[tuple[str, str], list[set[str]]] = defaultdict(list)
    for item in items:
        if "features" not in item["meta"] and item["meta"]["cue"] != "dialect":
            (axis,) = item["populations"]
            said[item["scenario_id"], axis].append(set(re.findall(r"[\w']+", item["query"])))
    for pair, texts in said.items():
        first, second = texts
        assert 1 <= len(first ^ second) <= 4, pair
