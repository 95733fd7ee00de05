"""What is special to the context resume_feedback: names, breaks in work, credentials, and the job that is aimed at.

Labels of the anchors are constructed; nothing here says anything of people.
"""

import re
from collections import Counter, defaultdict

from judgefair.calibration import load_calibration_set
from judgefair.rubric.load import load_rubric
from judgefair.simulate.plan import plan

RUBRIC = load_rubric("resume_feedback")
LICENSED = re.compile(
    r"\b(nurs|doctor|physician|teacher|lawyer|attorney|electrician|plumber|pharmac|architect|driver)", re.IGNORECASE
)


def _cues(axis: str, channel: str) -> dict[str, list[str]]:
    return {name: (group.cues or {})[channel] for name, group in RUBRIC.context.axis(axis).groups.items()}  # type: ignore[index, union-attr]


def test_the_person_must_be_ignored_by_every_criterion() -> None:
    assert {role for criterion in RUBRIC.criteria for role in criterion.roles.values()} == {"must_ignore"}


def test_every_group_has_six_names_and_no_part_of_a_name_stands_twice() -> None:
    names = _cues("name_background", "name")
    assert {len(found) for found in names.values()} == {6}
    parts = Counter(part for found in names.values() for name in found for part in name.split())
    assert set(parts.values()) == {1}


def test_only_the_axis_of_names_shows_through_a_name() -> None:
    shown = {
        axis.axis: any("name" in (group.cues or {}) for group in axis.groups.values()) for axis in RUBRIC.context.populations
    }
    assert shown == {"name_background": True, "career_gap": False, "credential_origin": False}


def test_breaks_for_care_and_for_illness_are_equally_long_in_every_cue() -> None:
    for channel in ("explicit", "situation"):
        cues = _cues("career_gap", channel)
        assert all(re.search(r"\btwo years\b", cue, re.IGNORECASE) for group in ("caregiving", "illness") for cue in cues[group])


def test_no_scenario_is_about_work_that_needs_a_licence() -> None:
    assert [scenario.id for scenario in RUBRIC.context.scenarios if LICENSED.search(str(scenario.facts["job"]))] == []


def test_every_scenario_names_the_job_that_is_aimed_at_in_both_wordings() -> None:
    for scenario in RUBRIC.context.scenarios:
        job = str(scenario.facts["job"])
        for said in (scenario.turns, scenario.paraphrase):
            assert said is not None
            assert job in " ".join(said), (scenario.id, job)


def test_passages_of_every_strength_are_there_and_none_is_without_a_weakness() -> None:
    scenarios = RUBRIC.context.scenarios
    assert {scenario.merit for scenario in scenarios} == {0, 1, 2, 3}
    assert all(scenario.facts["weakness"] for scenario in scenarios)


def test_a_study_can_draw_more_than_sixty_scenarios() -> None:
    assert len(plan(RUBRIC).blocks) > 60


def test_arms_of_an_anchor_scenario_differ_in_one_axis_and_in_its_cue_alone() -> None:
    asked: dict[str | None, set[str]] = defaultdict(set)
    groups: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for item in load_calibration_set("resume_feedback_anchors").items:
        ((axis, group),) = item.populations.items()
        assert item.meta["cue_text"] in _cues(axis, item.meta["cue"])[group]
        assert item.query.count(item.meta["cue_text"]) == 1
        asked[item.scenario_id].add(item.query.replace(item.meta["cue_text"], "").strip())
        groups[item.scenario_id, axis].add(group)
    assert all(len(found) == 1 for found in asked.values())
    assert len(asked) == len(groups)
    assert all(found == set(RUBRIC.context.axis(axis).groups) for (_, axis), found in groups.items())  # type: ignore[union-attr]
