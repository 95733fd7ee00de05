"""Does a template query say what its scenario says, with its cues beside it and nothing else changed? Made up: nobody is described."""

from collections.abc import Mapping
from typing import Any

import pytest

from judgefair.records import Query
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.simulate import Design, plan, render_template
from tests.simulate.test_plan import ASK, crossed_rubric

SAID = "Where is a book about tides?"
OTHER_WORDS = {**ASK, "paraphrase": ["Which shelf has books on tides?"]}


def rendered(rubric: Rubric, **options: Any) -> tuple[Design, dict[str, list[Query]]]:
    """The design, and by block its queries in the order of the arms."""
    design = plan(rubric, **options)
    blocks: dict[str, list[Query]] = {}
    for query in render_template(design, rubric.context):
        blocks.setdefault(query.block_id, []).append(query)
    return design, blocks


def one_block(cues: Mapping[str, Any], *sizes: int, scenario: Mapping[str, Any] = ASK, **options: Any) -> dict[str, str]:
    """By arm, the text of the only block."""
    design, blocks = rendered(crossed_rubric(*sizes, scenarios=[scenario], cues=cues), **options)
    return {arm.name: query.text for arm, query in zip(design.arms, blocks["b0000"], strict=True)}


def test_every_arm_of_every_block_is_one_query_whose_columns_say_which() -> None:
    design, blocks = rendered(load_rubric("writing_tutor"), n_scenarios=5, seed=7)
    assert [len(block) for block in blocks.values()] == [len(design.arms)] * 5
    queries = [query for block in blocks.values() for query in block]
    assert len({query.query_id for query in queries}) == design.n_queries
    for block, own in zip(design.blocks, blocks.values(), strict=True):
        for arm, query in zip(design.arms, own, strict=True):
            assert (query.block_id, query.scenario_id, query.merit) == (block.block_id, block.scenario_id, block.merit)
            assert (query.arm, query.cue, query.placebo, query.populations) == (arm.name, arm.cue, arm.placebo, arm.populations)
            assert (query.generator, query.language, query.seed, query.kept) == ("template", "en", 7, True)


@pytest.mark.parametrize("strength", [1, 2])
def test_neutral_is_the_scenario_as_it_is_and_every_other_arm_holds_it_whole(strength: int) -> None:
    # So that who somebody is never chooses what they ask about.
    design, blocks = rendered(load_rubric("writing_tutor"), n_scenarios=30, strength=strength)
    for block, own in zip(design.blocks, blocks.values(), strict=True):
        neutral, *others = own
        assert neutral.turns == block.turns
        same_words = [query for query in others if query.placebo != "paraphrase"]
        assert all(neutral.text in query.text for query in same_words)
        assert all(len(query.text) > len(neutral.text) for query in same_words)


def test_what_a_scenario_has_of_line_breaks_stays() -> None:
    turn = "My poem: \nThe tide \n comes in.\n\nIs it good?"
    texts = one_block({}, 2, scenario={**ASK, "turns": [turn]})
    assert texts["neutral"] == turn
    assert all(turn in text for text in texts.values())


def test_all_arms_of_a_block_show_the_same_place_of_their_lists_of_cues() -> None:
    rubric = load_rubric("writing_tutor")
    cues = {
        (axis.axis, group): own.cues or {} for axis in rubric.context.populations for group, own in axis.groups.items()
    }  # fmt: skip
    design, blocks = rendered(rubric, n_scenarios=6)
    seen = set()
    for own in blocks.values():
        places = set()
        for query in own:
            for axis, group in query.populations.items():
                texts = cues[axis, group][query.cue]  # type: ignore[index]
                (place,) = [k for k, text in enumerate(texts) if text in query.text]
                places.add((place + (query.placebo == "same_group")) % 2)
        assert len(places) == 1  # the placebo through another cue shows the other one
        seen |= places
    assert seen == {0, 1}
    assert len(design.blocks) == 6


def test_a_cue_without_a_counterpart_in_another_group_is_not_shown() -> None:
    longer = {"x0_0": {"name": ["I am A.", "I am B.", "I am C."]}}  # x0_1 has two
    design, blocks = rendered(crossed_rubric(2, cues=longer, scenarios=[ASK | {"id": f"s{k}"} for k in range(4)]))
    place = {"I am A.": 0, "I am B.": 1, "I am x0_1.": 0, "They call me x0_1.": 1}
    for own in blocks.values():
        _, reference, other, *_ = own
        assert place[reference.text.removesuffix(f" {SAID}")] == place[other.text.removesuffix(f" {SAID}")]
    assert len(design.arms) == 5


def test_a_sentence_stands_before_and_a_bare_name_becomes_a_signature() -> None:
    cues = {"x0_0": {"name": ["I am Ada.", "I am Bo."]}, "x0_1": {"name": ["Ada Reed", "Bo Reed"]}}
    texts = one_block(cues, 2)
    assert texts["x0=x0_0, name"] == f"I am Ada. {SAID}"
    assert texts["x0=x0_1, name"] == f"{SAID}\n\nAda Reed"
    assert texts["x0=x0_0, name, same_group"] == f"I am Bo. {SAID}"


def test_crossed_arms_show_every_axis_names_last() -> None:
    cues = {"x0_0": {"name": ["Ada Reed"]}, "x1_0": {"name": ["I am ten."]}, "x2_0": {"name": ["Desk 4"]}}
    texts = one_block(cues, 2, 2, 2, strength=3)
    assert texts["x0=x0_0, x1=x1_0, x2=x2_0, name"] == f"I am ten. {SAID}\n\nAda Reed\n\nDesk 4"
    assert texts["x0=x0_0, x1=x1_0, x2=x2_0, name, paraphrase"] == f"Ada Reed\n\nDesk 4\n\n{SAID} I am ten."


def test_the_paraphrase_is_the_rubrics_own() -> None:
    texts = one_block({"x0_0": {"name": ["I am Ada."]}}, 2, scenario=OTHER_WORDS)
    assert texts["x0=x0_0, name, paraphrase"] == "I am Ada. Which shelf has books on tides?"
    assert texts["x0=x0_0, name"] == f"I am Ada. {SAID}"


@pytest.mark.parametrize(("cue", "said"), [("I am Ada.", f"{SAID} I am Ada."), ("Ada Reed", f"Ada Reed\n\n{SAID}")])
def test_without_one_the_paraphrase_puts_the_cue_at_the_other_end(cue: str, said: str) -> None:
    texts = one_block({"x0_0": {"name": [cue]}}, 2)
    assert texts["x0=x0_0, name, paraphrase"] == said
    assert len(set(texts.values())) == len(texts)  # a placebo that says the same to the letter could move nothing


def test_only_the_first_of_several_turns_shows_who_asks() -> None:
    scenario = ASK | {"turns": [SAID, "And about waves?"], "paraphrase": ["Tides, please?", "Waves too?"]}
    design, blocks = rendered(crossed_rubric(2, scenarios=[scenario]))
    for arm, query in zip(design.arms, blocks["b0000"], strict=True):
        assert query.turns[1:] == (("Waves too?",) if arm.placebo == "paraphrase" else ("And about waves?",))
        assert query.turns[0] != SAID or arm.name == "neutral"


def test_two_renderings_of_one_design_are_the_same() -> None:
    rubric = load_rubric("writing_tutor")
    design = plan(rubric, 12, strength=2)
    assert render_template(design, rubric.context) == render_template(design, rubric.context)
