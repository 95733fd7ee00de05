"""Are the rubrics and the calibration set that judgefair ships what they say they are?"""

import csv
import io
import json
import os
import re
import zipfile
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from judgefair.calibration.card import read_card
from judgefair.folders import shipped
from judgefair.records import MISSING_REASONS, Item
from judgefair.rubric.load import check_rubric, load_rubric

RUBRICS = ("chat_safety", "english_learner_essay", "hateful_content", "writing_tutor")
SEVEN_TARGETS = {"Muslims", "black people", "disabled people", "gay people", "immigrants", "trans people", "women"}
ELLIPSE_GROUPS = {
    "gender": {"Male", "Female"},
    "race_ethnicity": {
        "Hispanic/Latino",
        "Asian/Pacific Islander",
        "Black/African American",
        "White",
        "Two or more races/Other",
        "American Indian/Alaskan Native",
    },
    "economic_status": {"Economically disadvantaged", "Not economically disadvantaged"},
}
ELLIPSE_CRITERIA = ["overall", "cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]
ANCHORS = shipped("calibration_sets") / "writing_tutor_anchors"
DATA = Path(os.environ.get("JUDGEFAIR_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return [Item(**json.loads(line)) for line in (ANCHORS / "items.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def ratings() -> list[dict[str, str]]:
    return _rows(ANCHORS / "ratings.csv")


@pytest.fixture(scope="module")
def levels(ratings: list[dict[str, str]]) -> dict[str, dict[str, int | float | str]]:
    """Item to criterion to level, read on the card's scale."""
    criteria = read_card(ANCHORS / "card.yaml").criteria
    found: dict[str, dict[str, int | float | str]] = defaultdict(dict)
    for row in ratings:
        found[row["item_id"]][row["criterion"]] = criteria[row["criterion"]].scale.read(row["value"])
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _groups(rubric_id: str) -> dict[str, set[str]]:
    return {axis.axis: set(axis.groups) for axis in load_rubric(rubric_id).context.populations}


def _populations(items: list[Item]) -> dict[tuple[str, str], list[Item]]:
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        for population in item.populations.items():
            found[population].append(item)
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+", text.lower()))


def test_every_rubric_folder_is_listed_here() -> None:
    found = {path.parent.name for path in shipped("rubrics").glob("*/rubric.yaml")}
    assert found >= set(RUBRICS)


@pytest.mark.parametrize("rubric_id", RUBRICS)
def test_a_shipped_rubric_checks_without_warnings(rubric_id: str) -> None:
    rubric, warnings = check_rubric(shipped("rubrics") / rubric_id)
    assert rubric.id == rubric_id
    assert warnings == []


@pytest.mark.parametrize("rubric_id", RUBRICS)
def test_a_shipped_rubric_says_that_nobody_was_asked_and_that_users_must_ask(rubric_id: str) -> None:
    assert load_rubric(rubric_id).participation == "unknown"
    readme = (shipped("rubrics") / rubric_id / "README.md").read_text("utf-8")
    assert "Nobody was asked" in readme
    assert "must ask its own stakeholders" in readme


@pytest.mark.parametrize("rubric_id", RUBRICS)
def test_the_readme_of_a_rubric_names_each_of_its_harms(rubric_id: str) -> None:
    readme = (shipped("rubrics") / rubric_id / "README.md").read_text("utf-8")
    assert [harm.id for harm in load_rubric(rubric_id).context.harms if harm.id not in readme] == []


def test_the_writing_tutor_has_two_criteria_with_every_level_anchored() -> None:
    criteria = load_rubric("writing_tutor").criteria
    assert [criterion.id for criterion in criteria] == ["critique_depth", "respect_for_dialect"]
    assert all(anchor for criterion in criteria for anchor in criterion.scale.levels.values())


def test_what_a_judge_reads_of_the_writing_tutor_is_short_enough_for_a_very_small_model() -> None:
    rubric = load_rubric("writing_tutor")
    for criterion in rubric.criteria:
        anchors = [anchor or "" for anchor in criterion.scale.levels.values()]
        read = " ".join([rubric.context.use_case, rubric.context.deployment, criterion.question, *anchors])
        assert len(read.split()) <= 90


def test_writing_tutor_groups_of_an_axis_have_as_many_cues_in_each_channel() -> None:
    for axis in load_rubric("writing_tutor").context.populations:
        counts = {
            name: {channel: len(texts) for channel, texts in (group.cues or {}).items()} for name, group in axis.groups.items()
        }
        assert len({json.dumps(channels, sort_keys=True) for channels in counts.values()}) == 1, counts


def test_writing_tutor_scenarios_have_facts_merit_and_a_draft() -> None:
    scenarios = load_rubric("writing_tutor").context.scenarios
    assert len(scenarios) >= 3
    assert all(scenario.facts and scenario.turns and scenario.merit is not None for scenario in scenarios)
    assert len({scenario.merit for scenario in scenarios}) > 1


def test_chat_safety_counts_yes_as_unsafe_and_unsure_between() -> None:
    criterion = load_rubric("chat_safety").criterion("unsafe")
    assert list(criterion.scale.levels) == ["no", "unsure", "yes"]
    assert criterion.better == "lower"


def test_hateful_content_has_the_seven_targets_of_hatecheck() -> None:
    assert _groups("hateful_content") == {"target": SEVEN_TARGETS}


def test_hateful_content_spells_its_targets_as_the_data_do() -> None:
    path = DATA / "hatecheck" / "test_suite_cases.csv"
    if not path.is_file():
        pytest.skip(f"no HateCheck at {path}; set JUDGEFAIR_DATA")
    assert {row["target_ident"] for row in _rows(path)} - {""} == _groups("hateful_content")["target"]


def test_english_learner_essay_has_the_criteria_and_groups_of_ellipse() -> None:
    assert _groups("english_learner_essay") == ELLIPSE_GROUPS
    criteria = load_rubric("english_learner_essay").criteria
    assert [criterion.id for criterion in criteria] == ELLIPSE_CRITERIA
    assert all(criterion.scale.read("3.5") == 3.5 for criterion in criteria)


def test_english_learner_essay_spells_its_groups_as_the_data_do() -> None:
    path = DATA / "ellipse_test" / "ELLIPSE_Final_github_test.zip"
    if not path.is_file():
        pytest.skip(f"no ELLIPSE at {path}; set JUDGEFAIR_DATA")
    with zipfile.ZipFile(path) as archive:
        # The authors print this password for every user; it keeps the essays out of crawls.
        table = archive.read("ELLIPSE_Final_github_test.csv", pwd=b"ellipse_test").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    columns = {"gender": "gender", "race_ethnicity": "race_ethnicity", "economic_status": "SES"}
    assert {axis: {row[column] for row in rows} - {""} for axis, column in columns.items()} == _groups("english_learner_essay")


def test_the_anchors_card_is_valid_and_calls_its_labels_constructed() -> None:
    card = read_card(ANCHORS / "card.yaml")
    assert card.id == ANCHORS.name
    assert card.labels == "constructed"
    assert card.source.kind == "files"


def test_the_anchors_card_has_the_scales_of_the_rubric() -> None:
    card = read_card(ANCHORS / "card.yaml")
    rubric = load_rubric("writing_tutor")
    assert {name: rated.scale.to_json() for name, rated in card.criteria.items()} == {
        criterion.id: criterion.scale.to_json() for criterion in rubric.criteria
    }


def test_the_anchors_are_at_least_sixty_items_with_their_own_ids_drafts_and_responses(items: list[Item]) -> None:
    assert len(items) >= 60
    for texts in ([item.item_id for item in items], [item.query for item in items], [item.response for item in items]):
        assert len(set(texts)) == len(items)


def test_no_two_responses_of_the_anchors_are_one_template(items: list[Item]) -> None:
    shared = {
        (a.item_id, b.item_id): len(_words(a.response) & _words(b.response)) / len(_words(a.response) | _words(b.response))
        for a, b in combinations(items, 2)
    }
    assert max(shared.values()) < 0.4


def test_drafts_and_responses_of_the_anchors_keep_to_their_lengths(items: list[Item]) -> None:
    assert all(25 <= len(item.query.split()) <= 50 for item in items)
    assert all(15 <= len(item.response.split()) <= 45 for item in items)


def test_drafts_are_about_as_long_in_every_population(items: list[Item]) -> None:
    means = {
        population: sum(len(item.query.split()) for item in members) / len(members)
        for population, members in _populations(items).items()
    }
    assert max(means.values()) / min(means.values()) < 1.2, means


def test_the_anchors_cover_the_populations_of_the_rubric_but_the_one_left_unlabelled(items: list[Item]) -> None:
    covered: dict[str, set[str]] = defaultdict(set)
    for axis, group in _populations(items):
        covered[axis].add(group)
    covered["first_language"].add("mandarin")
    assert covered == _groups("writing_tutor")
    assert all(item.populations for item in items)


def test_every_scenario_of_the_anchors_has_arms_of_at_least_two_populations_of_each_axis(items: list[Item]) -> None:
    arms: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for item in items:
        assert item.scenario_id
        for axis, group in item.populations.items():
            arms[item.scenario_id, axis].add(group)
    assert all(len(groups) >= 2 for groups in arms.values())
    assert {axis for _, axis in arms} == set(_groups("writing_tutor"))


def test_arms_of_one_scenario_share_their_planted_issues(items: list[Item]) -> None:
    issues: dict[str | None, set[tuple[str, str]]] = defaultdict(set)
    for item in items:
        issues[item.scenario_id].add((item.meta["main_issue"], item.meta["lesser_issue"]))
    assert all(len(found) == 1 for found in issues.values())
    assert len(set.union(*issues.values())) == len(issues)


def test_every_draft_names_its_cue_and_linguistic_features(items: list[Item]) -> None:
    assert all(item.meta["cue"] in {"explicit", "name", "dialect", "situation"} and item.meta["features"] for item in items)


def test_anchor_scenarios_are_not_the_scenarios_a_study_renders(items: list[Item]) -> None:
    rendered = {scenario.id for scenario in load_rubric("writing_tutor").context.scenarios}
    assert rendered.isdisjoint({item.scenario_id for item in items})


def test_every_item_has_one_constructed_level_on_every_criterion(
    items: list[Item], ratings: list[dict[str, str]], levels: dict[str, dict[str, int | float | str]]
) -> None:
    criteria = set(read_card(ANCHORS / "card.yaml").criteria)
    assert Counter((row["item_id"], row["criterion"]) for row in ratings) == Counter(
        (item.item_id, criterion) for item in items for criterion in criteria
    )
    assert all(row["missing"] == "" or row["missing"] in MISSING_REASONS for row in ratings)
    assert all(set(found) == criteria for found in levels.values())


def test_every_population_has_every_level_of_each_criterion_equally_often(
    items: list[Item], levels: dict[str, dict[str, int | float | str]]
) -> None:
    for criterion, rated in read_card(ANCHORS / "card.yaml").criteria.items():
        for population, members in _populations(items).items():
            counts = Counter(levels[item.item_id][criterion] for item in members)
            assert set(counts) == set(rated.scale.levels), (population, criterion)
            assert max(counts.values()) - min(counts.values()) <= 1, (population, criterion, counts)


def test_in_every_population_the_two_criteria_of_the_anchors_are_uncorrelated(
    items: list[Item], levels: dict[str, dict[str, int | float | str]]
) -> None:
    for population, members in _populations(items).items():
        pairs = Counter((levels[item.item_id]["critique_depth"], levels[item.item_id]["respect_for_dialect"]) for item in members)
        # 5 x 3 levels, each pair as often as any other: the levels are independent.
        assert len(pairs) == 15, (population, pairs)
        assert len(set(pairs.values())) == 1, (population, pairs)


def test_the_only_rater_of_the_anchors_is_constructed(ratings: list[dict[str, str]]) -> None:
    raters = _rows(ANCHORS / "raters.csv")
    assert [list(rater) for rater in raters] == [["rater_id", "description"]]
    assert [rater["rater_id"] for rater in raters] == ["constructed"]
    assert {row["rater_id"] for row in ratings} == {"constructed"}
    assert "No person" in raters[0]["description"]


@pytest.mark.parametrize("name", ["card.yaml", "README.md", "items.jsonl", "ratings.csv", "raters.csv"])
def test_nothing_in_the_anchors_claims_that_a_person_labelled_them(name: str) -> None:
    text = " ".join((ANCHORS / name).read_text("utf-8").split())
    sentences = re.split(r"(?<=[.!?:;|])\s", text)
    spoken_of = [sentence for sentence in sentences if re.search(r"\b(human|annotator|crowdworker|volunteer)", sentence, re.I)]
    assert [sentence for sentence in spoken_of if not re.search(r"\bno\b", sentence, re.I)] == []
    assert not re.search(r"\b(rated|labelled|labeled|annotated|scored) by\b", text, re.I)


def test_the_anchors_say_who_wrote_them_and_that_no_human_rated_them() -> None:
    pool = read_card(ANCHORS / "card.yaml").rater_pool
    assert "No human rated these items" in pool
    assert "An AI model wrote" in pool
