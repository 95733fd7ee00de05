"""Is each shipped context whole: a rubric that checks, its scenarios and cues, and anchors that cover levels and populations evenly?

Labels of the anchors are constructed; nothing here says anything of people.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from judgefair.calibration import load_calibration_set
from judgefair.calibration.card import read_card
from judgefair.folders import shipped
from judgefair.records import Item
from judgefair.rubric.load import check_rubric, load_rubric
from judgefair.rubric.rubric import Rubric

CONTEXTS = (
    "benefits_advice", "email_editing", "lending_explanation", "local_business", "mental_health_support", "resume_feedback",
    "symptom_triage", "writing_tutor",
)  # fmt: skip
FEWEST_SCENARIOS, FEWEST_ANCHORS = 12, 60
every_context = pytest.mark.parametrize("context", CONTEXTS)


def anchors_of(context: str) -> Path:
    return shipped("calibration_sets") / f"{context}_anchors"


@cache
def rubric_of(context: str) -> Rubric:
    return load_rubric(context)


@cache
def items_of(context: str) -> tuple[Item, ...]:
    return tuple(load_calibration_set(f"{context}_anchors").items)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_']+", text.lower()))


@every_context
def test_the_rubric_checks_without_warnings_and_its_version_is_bound_to_its_content(context: str) -> None:
    rubric, warnings = check_rubric(shipped("rubrics") / context)
    assert (rubric.id, warnings) == (context, [])


@every_context
def test_the_readme_names_each_harm_and_says_that_nobody_was_asked(context: str) -> None:
    readme = (shipped("rubrics") / context / "README.md").read_text("utf-8")
    flat = " ".join(readme.split())
    assert [harm.id for harm in rubric_of(context).context.harms if harm.id not in readme] == []
    assert rubric_of(context).participation == "unknown"
    assert "Nobody was asked" in flat
    assert "must ask its own stakeholders" in flat


@every_context
def test_there_are_enough_scenarios_each_with_facts_and_what_the_user_says(context: str) -> None:
    scenarios = rubric_of(context).context.scenarios
    assert len(scenarios) >= FEWEST_SCENARIOS
    assert all(scenario.facts and scenario.turns for scenario in scenarios)
    assert any(isinstance(value, list) for scenario in scenarios for value in scenario.facts.values())
    assert sum(scenario.paraphrase is not None for scenario in scenarios) >= 6


@every_context
def test_every_group_of_an_axis_has_as_many_cues_in_each_channel_and_two_channels_or_more(context: str) -> None:
    for axis in rubric_of(context).context.populations:
        counts = [{channel: len(texts) for channel, texts in (group.cues or {}).items()} for group in axis.groups.values()]
        assert all(count == counts[0] for count in counts), axis.axis
        assert len(counts[0]) >= 2
        assert min(counts[0].values()) >= 2


@every_context
def test_every_level_of_every_criterion_is_anchored(context: str) -> None:
    for criterion in rubric_of(context).criteria:
        assert all(criterion.scale.levels.values()), criterion.id


@every_context
def test_the_anchors_are_constructed_and_on_the_scales_of_the_rubric(context: str) -> None:
    card = read_card(anchors_of(context) / "card.yaml")
    assert (card.id, card.labels, card.source.kind) == (f"{context}_anchors", "constructed", "files")
    assert "No human rated these items" in " ".join(card.rater_pool.split())
    assert set(card.criteria) == {criterion.id for criterion in rubric_of(context).criteria}
    for criterion in rubric_of(context).criteria:
        assert card.criteria[criterion.id].scale.to_json() == criterion.scale.to_json()


@every_context
def test_there_are_enough_anchors_and_no_two_responses_are_one_template(context: str) -> None:
    items = items_of(context)
    assert len(items) >= FEWEST_ANCHORS
    assert len({item.item_id for item in items}) == len({item.response for item in items}) == len(items)
    shared = {
        (a.item_id, b.item_id): len(words(a.response) & words(b.response)) / len(words(a.response) | words(b.response))
        for a, b in combinations(items, 2)
    }
    pair = max(shared, key=lambda each: shared[each])
    assert shared[pair] <= 0.4, pair


@every_context
def test_the_anchors_are_of_scenarios_of_their_own_with_several_arms(context: str) -> None:
    rendered = {scenario.id for scenario in rubric_of(context).context.scenarios}
    by_scenario: dict[str, list[Item]] = defaultdict(list)
    for item in items_of(context):
        assert item.scenario_id
        assert item.populations
        by_scenario[item.scenario_id].append(item)
    assert rendered.isdisjoint(by_scenario)
    assert all(len(arms) >= 2 for arms in by_scenario.values())


@every_context
def test_populations_of_the_anchors_are_those_of_the_rubric(context: str) -> None:
    declared = {axis.axis: set(axis.groups) for axis in rubric_of(context).context.populations}
    found: dict[str, set[str]] = defaultdict(set)
    for item in items_of(context):
        for axis, group in item.populations.items():
            found[axis].add(group)
    assert set(found) == set(declared)
    for axis in rubric_of(context).context.populations:
        assert axis.reference in found[axis.axis]
        assert len(found[axis.axis]) >= 2
        assert found[axis.axis] <= declared[axis.axis]


@every_context
def test_every_item_has_one_constructed_rating_on_every_criterion(context: str) -> None:
    rows = rows_of(anchors_of(context) / "ratings.csv")
    wanted = {(item.item_id, criterion.id) for item in items_of(context) for criterion in rubric_of(context).criteria}
    assert Counter((row["item_id"], row["criterion"]) for row in rows) == Counter(wanted)
    assert {row["rater_id"] for row in rows} == {"constructed"}
    assert [row["rater_id"] for row in rows_of(anchors_of(context) / "raters.csv")] == ["constructed"]


@every_context
def test_every_population_has_every_level_about_equally_often(context: str) -> None:
    level_of = {
        (row["item_id"], row["criterion"]): row["value"]
        for row in rows_of(anchors_of(context) / "ratings.csv")
        if not row["missing"]
    }
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in items_of(context):
        for population in item.populations.items():
            members[population].append(item.item_id)
    for criterion in rubric_of(context).criteria:
        for population, ids in members.items():
            counts = Counter(level_of[i, criterion.id] for i in ids if (i, criterion.id) in level_of)
            assert set(counts) == {str(level) for level in criterion.scale.levels}, (criterion.id, population)
            assert max(counts.values()) - min(counts.values()) <= 2, (criterion.id, population, counts)


@every_context
def test_nothing_in_the_anchors_claims_that_a_person_labelled_them(context: str) -> None:
    for name in ("card.yaml", "README.md", "raters.csv"):
        text = " ".join((anchors_of(context) / name).read_text("utf-8").split())
        assert not re.search(r"\b(rated|labelled|labeled|annotated|scored) by\b", text, re.IGNORECASE), name
    lines = (anchors_of(context) / "items.jsonl").read_text("utf-8").splitlines()
    assert all("cue" in json.loads(line)["meta"] for line in lines)
