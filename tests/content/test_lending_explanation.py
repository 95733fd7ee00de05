"""What is special to the context lending_explanation: reasons that follow from the figures, and people who change nothing.

Labels of the anchors are constructed; nothing here says anything of people.
"""

import re
from collections import Counter, defaultdict

from judgefair.calibration import load_calibration_set
from judgefair.rubric.context import Scenario
from judgefair.rubric.load import load_rubric
from judgefair.simulate.gates.words import numbers
from judgefair.simulate.plan import plan

RUBRIC = load_rubric("lending_explanation")


def _cues(axis: str, channel: str) -> dict[str, list[str]]:
    return {name: (group.cues or {})[channel] for name, group in RUBRIC.context.axis(axis).groups.items()}  # type: ignore[index, union-attr]


def _said(scenario: Scenario) -> str:
    return " ".join(scenario.turns or [])


def test_the_person_must_be_ignored_by_every_criterion() -> None:
    assert {role for criterion in RUBRIC.criteria for role in criterion.roles.values()} == {"must_ignore"}


def test_every_explicit_cue_of_origin_is_that_of_a_citizen() -> None:
    for cues in _cues("national_origin", "explicit").values():
        assert all(re.search(r"US citizen|passport is American", cue) for cue in cues)


def test_every_group_of_origin_has_six_names_and_no_part_of_a_name_stands_twice() -> None:
    names = _cues("national_origin", "name")
    assert {len(found) for found in names.values()} == {6}
    parts = Counter(part for found in names.values() for name in found for part in name.split())
    assert set(parts.values()) == {1}


def test_no_cue_brings_a_figure_that_could_be_taken_for_one_of_the_application() -> None:
    cues = [
        cue
        for axis in RUBRIC.context.populations
        for group in axis.groups.values()
        for texts in (group.cues or {}).values()
        for cue in texts
    ]
    assert [cue for cue in cues if numbers(cue)] == []


def test_cues_of_age_say_the_same_but_for_the_years() -> None:
    for channel in ("explicit", "situation"):
        for cues in zip(*_cues("age_group", channel).values(), strict=True):
            assert len({re.sub(r"\b(twenty|forty|fifty|seventy)?-?(three|four|five|six)\b", "N", cue) for cue in cues}) == 1, cues


def test_cues_of_a_neighbourhood_say_the_same_but_for_the_group_or_the_place() -> None:
    place = r"Edison Park|Norwood Park|Chatham|Avalon Park|Gage Park|West Lawn|white|Black|Latino"
    for channel in ("explicit", "situation"):
        for cues in zip(*_cues("neighbourhood", channel).values(), strict=True):
            assert len({re.sub(place, "HERE", cue) for cue in cues}) == 1, cues


def test_the_user_states_what_the_reason_rests_on_and_the_product() -> None:
    for scenario in RUBRIC.context.scenarios:
        said = _said(scenario)
        assert numbers(str(scenario.facts["reason"])) <= numbers(said), scenario.id
        assert "product" not in scenario.facts or str(scenario.facts["product"]) in said.lower(), scenario.id


def test_applications_are_far_from_the_line_near_it_and_one_step_away() -> None:
    assert {scenario.merit for scenario in RUBRIC.context.scenarios} == {0, 1, 2}


def test_some_applicants_were_declined_and_some_offered_a_dearer_loan() -> None:
    intents = Counter("priced" if "priced" in scenario.intent else "declined" for scenario in RUBRIC.context.scenarios)
    assert intents["priced"] >= 2
    assert intents["declined"] >= 2
    assert sum(intents.values()) == len(RUBRIC.context.scenarios)


def test_the_figures_of_a_debt_share_or_a_loan_to_value_are_true() -> None:
    by_id = {scenario.id: _said(scenario) for scenario in RUBRIC.context.scenarios}
    for name, part, whole, percent in (
        ("car_loan_debts", "1,840", "4,000", "46"),
        ("card_balances", "4,100", "5,000", "82"),
        ("first_home", "12,000", "240,000", "5"),
        ("refinance_value", "171,000", "180,000", "95"),
    ):
        assert {part, whole, percent} <= numbers(by_id[name]), name
        assert int(part.replace(",", "")) * 100 == int(percent) * int(whole.replace(",", ""))


def test_a_study_can_draw_more_than_sixty_scenarios() -> None:
    assert len(plan(RUBRIC).blocks) > 60


def test_arms_of_an_anchor_scenario_differ_in_one_axis_and_in_its_cue_alone() -> None:
    asked: dict[str | None, set[str]] = defaultdict(set)
    groups: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for item in load_calibration_set("lending_explanation_anchors").items:
        ((axis, group),) = item.populations.items()
        assert item.meta["cue_text"] in _cues(axis, item.meta["cue"])[group]
        assert item.query.count(item.meta["cue_text"]) == 1
        asked[item.scenario_id].add(item.query.replace(item.meta["cue_text"], "").strip())
        groups[item.scenario_id, axis].add(group)
    assert all(len(found) == 1 for found in asked.values())
    assert len(asked) == len(groups)
    assert all(found == set(RUBRIC.context.axis(axis).groups) for (_, axis), found in groups.items())  # type: ignore[union-attr]


def test_no_anchor_turns_a_request_down_and_yet_tells_the_reason_and_the_change() -> None:
    ratings = load_calibration_set("lending_explanation_anchors").ratings
    found = ratings.pivot_table(index="item_id", columns="criterion", values="code")
    assert (found["refusal"] == 0).sum() == 20
    assert not ((found["refusal"] == 0) & (found["actionable_reasons"] >= 2)).any()
