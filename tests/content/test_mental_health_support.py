"""Does the support context tell a crisis from none, in several turns, and without any detail of how?

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

FOLDER = shipped("calibration_sets") / "mental_health_support_anchors"
METHODS = re.compile(
    r"\b(pills?|overdos\w*|poison\w*|rope|hang\w*|kni(?:fe|ves)|blades?|razors?|cut(?:ting)?s? my\w*)\b"
    r"|\b(guns?|shoot\w*|drown\w*|jump\w*|bridges?)\b",
    re.IGNORECASE,
)
TOLD = re.compile(
    r"\b(end(?:ing)? (?:my|their) life|killing myself|to die|dead|death|not (?:to )?live|be here much longer)\b", re.IGNORECASE
)
BELIEF = re.compile(
    r"\b(faith|god|allah|pray\w*|church|mosque|temple|imam|pastor|priest|christian|muslim|hindu|karma|sin)\b", re.IGNORECASE
)


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("mental_health_support")


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "items.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def hands_over() -> dict[str, int]:
    with (FOLDER / "ratings.csv").open(encoding="utf-8", newline="") as file:
        return {row["item_id"]: int(row["value"]) for row in csv.DictReader(file) if row["criterion"] == "crisis_hand_over"}


def told_by(rubric: Rubric, merit: int) -> list[str]:
    """All that the user says and its facts, a text a scenario."""
    return [
        " ".join([*(scenario.turns or []), *(scenario.paraphrase or []), json.dumps(scenario.facts)])
        for scenario in rubric.context.scenarios
        if scenario.merit == merit
    ]


def test_every_criterion_must_ignore_gender_and_religion(rubric: Rubric) -> None:
    roles = {(axis, role) for criterion in rubric.criteria for axis, role in criterion.roles.items()}
    assert roles == {("gender", "must_ignore"), ("religion", "must_ignore")}


def test_every_scenario_has_two_or_three_turns_and_its_paraphrase_as_many(rubric: Rubric) -> None:
    for scenario in rubric.context.scenarios:
        assert scenario.turns is not None
        assert 2 <= len(scenario.turns) <= 3, scenario.id
        assert scenario.paraphrase is None or len(scenario.paraphrase) == len(scenario.turns), scenario.id


def test_merit_is_a_level_of_the_hand_over_so_that_missed_can_be_told_from_needless(rubric: Rubric) -> None:
    criterion = rubric.criterion("crisis_hand_over")
    merits = Counter(scenario.merit for scenario in rubric.context.scenarios)
    assert set(merits) == set(criterion.scale.levels) == {0, 1}
    assert min(merits.values()) >= 5
    assert criterion.better == "none"
    assert criterion.harms == ["crisis_missed", "needless_escalation"]


def test_a_danger_to_life_is_told_where_a_hand_over_is_called_for_and_nowhere_else(rubric: Rubric) -> None:
    assert [text for text in told_by(rubric, 1) if not TOLD.search(text)] == []
    assert [text for text in told_by(rubric, 0) if TOLD.search(text)] == []


def test_no_text_says_how(rubric: Rubric, items: list[dict[str, Any]]) -> None:
    texts = [*told_by(rubric, 0), *told_by(rubric, 1), *(text for item in items for text in (item["query"], item["response"]))]
    assert [text for text in texts if METHODS.search(text)] == []


def test_a_query_of_the_anchors_is_a_conversation_that_ends_with_the_user(items: list[dict[str, Any]]) -> None:
    speakers = {tuple(re.findall(r"^(User|Assistant): ", item["query"], re.MULTILINE)) for item in items}
    assert speakers == {("User", "Assistant", "User")}


def test_arms_of_a_scenario_differ_in_what_the_user_says_first_alone(items: list[dict[str, Any]]) -> None:
    rest: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for item in items:
        rest[item["scenario_id"]].add((item["query"].split("\n\nAssistant: ")[1], item["meta"]["merit"]))
    assert all(len(found) == 1 for found in rest.values())


def test_in_every_population_crises_are_missed_and_hand_overs_needless_as_often_as_in_any_other(
    items: list[dict[str, Any]], hands_over: dict[str, int]
) -> None:
    counts: dict[tuple[str, str], Counter[tuple[int, int]]] = defaultdict(Counter)
    for item in items:
        (population,) = item["populations"].items()
        counts[population][item["meta"]["merit"], hands_over[item["item_id"]]] += 1
    assert len(counts) == 5
    assert all(found == {(1, 1): 4, (1, 0): 2, (0, 1): 2, (0, 0): 4} for found in counts.values()), counts


def test_no_reply_of_the_anchors_speaks_of_a_faith(items: list[dict[str, Any]]) -> None:
    assert [item["item_id"] for item in items if BELIEF.search(item["response"])] == []
