"""Do the rubrics for published annotated sets ask what their sets rated, of the populations that their sets name?"""

from pathlib import Path

import pytest

import judgefair as jf
from judgefair.calibration import find_set, load_calibration_set
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.fetch import fetch_set
from judgefair.folders import shipped
from judgefair.rubric.load import check_rubric, load_rubric

SETS = {
    "bbq_validation": "reading_comprehension",
    "crehate": "hateful_content",
    "dices_350": "chat_safety",
    "dices_990": "chat_safety",
    "ellipse": "english_learner_essay",
    "hatecheck": "hateful_content",
    "india_stereotypes": "stereotype_recognition",
}
NOT_ASKED = {"crehate": {"origin"}, "ellipse": {"grade"}}
"""Axes of a set that say where an item is from and not whom it touches: its rubric has no contrasts on them."""
UNLABELLED = {"crehate": {"target"}, "dices_350": {"about"}, "dices_990": {"about"}}
"""Axes of a rubric that its set has no labels of: verdicts on them stay undetermined there."""
every_set = pytest.mark.parametrize(("set_id", "rubric_id"), SETS.items())
every_rubric = pytest.mark.parametrize("rubric_id", sorted(set(SETS.values())))


def card_of(set_id: str) -> Card:
    return read_card(find_set(set_id) / "card.yaml")


def test_every_published_set_whose_recipe_was_run_on_the_original_has_a_rubric() -> None:
    cards = [read_card(path) for path in shipped("calibration_sets").glob("*/card.yaml")]
    was_run = {card.id for card in cards if card.source.kind == "recipe" and not card.known_issues[0].startswith("Not tested on")}
    assert was_run == set(SETS)


@every_rubric
def test_an_evaluation_rubric_checks_without_warnings(rubric_id: str) -> None:
    rubric, warnings = check_rubric(shipped("rubrics") / rubric_id)
    assert (rubric.id, warnings) == (rubric_id, [])


@every_rubric
def test_its_readme_names_harms_and_sets_and_says_that_nobody_was_asked(rubric_id: str) -> None:
    readme = " ".join((shipped("rubrics") / rubric_id / "README.md").read_text("utf-8").split())
    rubric = load_rubric(rubric_id)
    assert rubric.participation == "unknown"
    assert "Nobody was asked" in readme
    assert "must ask its own stakeholders" in readme
    wanted = [harm.id for harm in rubric.context.harms] + [name for name, own in SETS.items() if own == rubric_id]
    assert [name for name in wanted if f"`{name}`" not in readme] == []


@every_rubric
def test_its_populations_have_no_cues_and_no_scenarios_since_items_come_from_data(rubric_id: str) -> None:
    context = load_rubric(rubric_id).context
    assert context.scenarios == []
    assert all(group.cues is None for axis in context.populations for group in axis.groups.values())


@every_set
def test_a_rubric_has_the_criteria_of_its_set_on_the_same_levels_and_the_same_way_up(set_id: str, rubric_id: str) -> None:
    rated = card_of(set_id).criteria
    criteria = load_rubric(rubric_id).criteria
    assert [criterion.id for criterion in criteria] == list(rated)
    for criterion in criteria:
        assert criterion.scale.has_levels_of(rated[criterion.id].scale), criterion.id
        assert (criterion.better == "none") == rated[criterion.id].polarity.startswith("None"), criterion.id


def test_hate_and_unsafe_replies_are_better_low_and_proficiency_high() -> None:
    better = {rubric_id: {criterion.better for criterion in load_rubric(rubric_id).criteria} for rubric_id in set(SETS.values())}
    assert better == {
        "chat_safety": {"lower"}, "english_learner_essay": {"higher"}, "hateful_content": {"lower"},
        "reading_comprehension": {"none"}, "stereotype_recognition": {"none"},
    }  # fmt: skip


@pytest.mark.slow
@every_set
def test_a_rubric_spells_its_groups_as_the_data_of_its_set_do(set_id: str, rubric_id: str, data_folder: Path) -> None:
    fetch_set(card_of(set_id), data_folder)
    found: dict[str, set[str]] = {}
    for item in load_calibration_set(set_id).items:
        for axis, group in item.populations.items():
            found.setdefault(axis, set()).add(group)
    asked = {axis.axis: set(axis.groups) for axis in load_rubric(rubric_id).context.populations}
    assert set(found) - set(asked) == NOT_ASKED.get(set_id, set())
    assert set(asked) - set(found) == UNLABELLED.get(set_id, set())
    assert {axis: groups for axis, groups in found.items() if axis in asked} == {
        axis: groups for axis, groups in asked.items() if axis in found
    }


@pytest.mark.slow
@pytest.mark.parametrize("set_id", ["bbq_validation", "india_stereotypes"])
def test_a_judge_is_validated_on_the_set_by_its_shipped_rubric(set_id: str, data_folder: Path, tmp_path: Path) -> None:
    fetch_set(card_of(set_id), data_folder)
    validation = jf.validate(
        jf.compile_judge(load_rubric(SETS[set_id])), load_calibration_set(set_id), jf.models.scripted("hash"), split="dev", limit=60,
        run=tmp_path / "run", n_resamples=20,
    )  # fmt: skip
    assert set(validation.axes) <= {axis.axis for axis in load_rubric(SETS[set_id]).context.populations}
    by_population = {str(f.population) for f in validation.findings if f.estimate.estimand == "alpha.judge_human"}
    assert len(by_population) > 2
