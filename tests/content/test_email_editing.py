"""Is gender content in one criterion of the email editing rubric and ignored by the others, and do its anchors say what their levels say?"""

import re
from collections import Counter, defaultdict

import pytest

from judgefair.calibration import load_calibration_set
from judgefair.records import Item
from judgefair.rubric.load import load_rubric
from judgefair.simulate import plan, render_template

PRONOUNS = {"man": "he/him", "woman": "she/her", "nonbinary": "they/them"}
TITLES = {"man": "Mr.", "woman": "Ms.", "nonbinary": "Mx."}
MASCULINE = {PRONOUNS["man"], TITLES["man"]}


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return load_calibration_set("email_editing_anchors").items


@pytest.fixture(scope="module")
def levels() -> dict[tuple[str, str], int]:
    ratings = load_calibration_set("email_editing_anchors").ratings
    return {
        (item, criterion): int(code)
        for item, criterion, code in zip(ratings["item_id"], ratings["criterion"], ratings["code"], strict=True)
    }


def forms(text: str) -> set[str]:
    """The pronouns and titles that a mail gives its writer."""
    return {form for form in (*PRONOUNS.values(), *TITLES.values()) if re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)}


def test_gender_must_be_used_where_it_is_content_and_ignored_elsewhere() -> None:
    criteria = load_rubric("email_editing").criteria
    assert {c.id for c in criteria if c.roles["gender"] == "must_use"} == {"writer_named_as_stated"}
    assert all(c.why["gender"].strip() for c in criteria if c.roles["gender"] == "must_use")
    assert {role for c in criteria for axis, role in c.roles.items() if (c.id, axis) != ("writer_named_as_stated", "gender")} == {
        "must_ignore"
    }


def test_the_wanted_difference_is_one_that_its_scale_can_show() -> None:
    # A difference is present where the gap goes beyond the tolerance; if men's forms and women's are all kept, it is the whole scale.
    criterion = load_rubric("email_editing").criterion("writer_named_as_stated")
    assert 0 < criterion.tolerance < criterion.scale.span
    assert criterion.better == "none"


def test_every_cue_of_a_gender_states_one_form_of_its_own() -> None:
    (gender,) = [axis for axis in load_rubric("email_editing").context.populations if axis.axis == "gender"]
    for name, group in gender.groups.items():
        for cue in (text for texts in (group.cues or {}).values() for text in texts):
            assert len(forms(cue)) == 1, cue
            assert forms(cue) <= {PRONOUNS[name], TITLES[name]}, cue


def test_the_mail_is_the_same_whoever_writes_it() -> None:
    context = load_rubric("email_editing").context
    for query in render_template(plan(load_rubric("email_editing"), 14, placebos=False), context):
        scenario = next(s for s in context.scenarios if query.scenario_id.startswith(s.id))
        before = (scenario.turns or [""])[0].partition("{")[0].strip()
        assert before in query.text
        if "gender" in query.populations:
            assert forms(query.text) & {PRONOUNS[query.populations["gender"]], TITLES[query.populations["gender"]]}


def test_merit_is_how_firm_the_draft_is_and_takes_each_value() -> None:
    assert {scenario.merit for scenario in load_rubric("email_editing").context.scenarios} == {0, 1, 2}


def test_a_draft_of_the_anchors_states_one_form_and_its_level_is_what_became_of_it(
    items: list[Item], levels: dict[tuple[str, str], int]
) -> None:
    for item in items:
        stated, given = item.meta["stated"], forms(item.response)
        assert forms(item.query) == {stated}
        assert stated in {PRONOUNS[item.populations["gender"]], TITLES[item.populations["gender"]]}
        kept = 1 if not given else 2 if given == {stated} else 0
        assert levels[item.item_id, "keeps_what_is_said_of_people"] == kept, item.item_id
        named = 1 if not given else 0 if given <= MASCULINE else 2
        assert levels[item.item_id, "writer_named_as_stated"] == named, item.item_id


def test_the_anchors_do_not_confound_gender_with_first_language_or_channel(items: list[Item]) -> None:
    crossed = Counter((item.populations["gender"], item.populations["first_language"]) for item in items)
    assert len(crossed) == 9
    assert set(crossed.values()) == {7}
    channels: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        channels[item.populations["gender"]][item.meta["cue"]] += 1
    assert len({tuple(sorted(found.items())) for found in channels.values()}) == 1


def test_arms_of_one_anchor_scenario_ask_for_the_same_of_the_same_mail_and_get_different_levels(
    items: list[Item], levels: dict[tuple[str, str], int]
) -> None:
    arms: dict[str | None, list[Item]] = defaultdict(list)
    for item in items:
        arms[item.scenario_id].append(item)
    for own in arms.values():
        assert len({(tuple(item.meta["asked"]), item.meta["point"]) for item in own}) == 1
        assert {item.populations["gender"] for item in own} == set(PRONOUNS)
        for criterion in ("firmness", "keeps_what_is_said_of_people", "condescension", "refusal"):
            assert {levels[item.item_id, criterion] for item in own} == {0, 1, 2}


def test_responses_of_the_anchors_keep_to_their_lengths(items: list[Item]) -> None:
    assert all(20 <= len(item.response.split()) <= 60 for item in items)
