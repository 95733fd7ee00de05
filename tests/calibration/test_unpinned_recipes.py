"""Do recipes whose files have no known hash read the published layout, from a folder only, and do their cards say so?

Every text, rater and number below is made up.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from judgefair import plugins
from judgefair.calibration import load_calibration_set
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.fetch import fetch_set, is_fetched
from judgefair.calibration.tables import SetTables
from judgefair.cli import app
from judgefair.errors import InputError
from judgefair.fingerprint import file_sha256
from judgefair.folders import shipped

UNPINNED = ("popquorn_offensiveness", "popquorn_politeness", "prism", "healthbench_physicians", "alt_test_cebab_aspects")
every_set = pytest.mark.parametrize("set_id", UNPINNED)

Row = dict[str, Any]


def card_of(set_id: str) -> Card:
    return read_card(shipped("calibration_sets") / set_id / "card.yaml")


def write(folder: Path, name: str, rows: list[Row]) -> Path:
    folder.mkdir(exist_ok=True)
    if name.endswith(".csv"):
        pd.DataFrame(rows).to_csv(folder / name, index=False)
    else:
        (folder / name).write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return folder


def read_from(set_id: str, folder: Path) -> SetTables:
    tables: SetTables = plugins.load("recipes", set_id).read(
        {file.name: folder / file.name for file in card_of(set_id).source.files}
    )
    return tables


def values_of(tables: SetTables) -> list[tuple[str, ...]]:
    return [
        tuple(row) for row in tables.ratings[["item_id", "criterion", "rater_id", "value", "missing"]].itertuples(index=False)
    ]


# Cards, and what is done without a hash


@every_set
def test_a_card_says_that_its_recipe_was_not_run_on_the_original_and_how_to_get_at_it(set_id: str) -> None:
    card = card_of(set_id)
    assert (card.id, card.labels, card.source.kind) == (set_id, "human", "recipe")
    assert card.known_issues[0].startswith("Not tested on the original: ")
    assert f"judgefair sets fetch {set_id} --from FOLDER" in card.known_issues[0]
    assert all(file.sha256 is None for file in card.source.files)
    assert "unknown" in card.rater_pool
    assert all(rated.scale.levels[end] for rated in card.criteria.values() for end in rated.scale.ends)


@every_set
def test_sets_list_shows_the_set_as_one_to_fetch(set_id: str) -> None:
    listed = {row["id"]: row for row in json.loads(CliRunner().invoke(app, ["sets", "list", "--json"]).stdout)}
    assert (listed[set_id]["labels"], listed[set_id]["here"]) == ("human", False)


@every_set
def test_a_file_without_a_known_hash_is_not_downloaded(set_id: str) -> None:
    with pytest.raises(
        InputError, match=rf"knows no sha256 of https://.*not downloaded.*judgefair sets fetch {set_id} --from FOLDER"
    ):
        fetch_set(card_of(set_id))
    assert not is_fetched(card_of(set_id))


def test_one_of_several_files_of_a_name_is_not_picked_without_a_hash(tmp_path: Path) -> None:
    for task in ("offensiveness", "politeness_rating"):
        write(tmp_path / task, "raw_data.csv", [popquorn_row()])
    with pytest.raises(InputError, match=r"holds 2 files called raw_data\.csv, and the card knows no sha256"):
        fetch_set(card_of("popquorn_offensiveness"), tmp_path)
    assert fetch_set(card_of("popquorn_offensiveness"), tmp_path / "offensiveness").is_dir()


def test_fetch_from_a_folder_tells_the_hash_that_was_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "task", "raw_data.csv", [popquorn_row()])
    done = CliRunner().invoke(app, ["sets", "fetch", "popquorn_offensiveness", "--from", str(folder), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["ratings"]) == (0, 1)
    assert f"raw_data.csv: sha256 {file_sha256(folder / 'raw_data.csv')}, checked against nothing" in " ".join(
        done.stderr.split()
    )
    assert load_calibration_set("popquorn_offensiveness").ratings["code"].tolist() == [4.0]


# POPQUORN


def popquorn_row(**changes: str) -> Row:
    row = {
        "instance_id": "530", "user_id": "7.0", "text": "A made-up text.", "offensiveness": "4.0", "gender": "Man", "race": "White",
        "age": "35-39", "occupation": "Student", "education": "Other",
    }  # fmt: skip
    return row | changes


def test_popquorn_keeps_who_the_raters_are_and_gives_a_nameless_rating_a_rater_of_its_own(tmp_path: Path) -> None:
    rows = [
        popquorn_row(),
        popquorn_row(user_id="8", age=""),
        popquorn_row(user_id=""),
        popquorn_row(user_id="", offensiveness="1.0"),
    ]
    tables = read_from("popquorn_offensiveness", write(tmp_path, "raw_data.csv", rows))
    assert values_of(tables) == [
        ("530", "offensiveness", "7", "4.0", ""),
        ("530", "offensiveness", "8", "4.0", ""),
        ("530", "offensiveness", "row-4", "4.0", ""),
        ("530", "offensiveness", "row-5", "1.0", ""),
    ]
    assert tables.raters.to_numpy().tolist()[:2] == [["7", "Man", "White", "35-39"], ["8", "Man", "White", ""]]
    assert [(item.query, item.response) for item in tables.items] == [("", "A made-up text.")]


def test_popquorn_takes_an_empty_rating_and_two_different_ones_as_missing(tmp_path: Path) -> None:
    rows = [popquorn_row(offensiveness=""), popquorn_row(user_id="8"), popquorn_row(user_id="8", offensiveness="2.0")]
    tables = read_from("popquorn_offensiveness", write(tmp_path, "raw_data.csv", rows))
    assert [row[2:] for row in values_of(tables)] == [("7", "", "not_rated"), ("8", "", "not_rated")]


def test_popquorn_refuses_the_file_of_another_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'politeness'.*Found: instance_id, user_id, text, offensiveness"):
        read_from("popquorn_politeness", write(tmp_path, "raw_data.csv", [popquorn_row()]))


def test_popquorn_refuses_an_id_with_two_texts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="instance_id '530' stands beside two different values of text"):
        read_from("popquorn_offensiveness", write(tmp_path, "raw_data.csv", [popquorn_row(), popquorn_row(text="Another.")]))


def test_popquorn_refuses_a_rating_off_the_scale(tmp_path: Path) -> None:
    fetch_set(card_of("popquorn_offensiveness"), write(tmp_path, "raw_data.csv", [popquorn_row(offensiveness="6.0")]))
    with pytest.raises(InputError, match=r"row 2, column value: '6\.0' is no level of offensiveness"):
        load_calibration_set("popquorn_offensiveness")


# PRISM


def person(**changes: Any) -> Row:
    row = {
        "user_id": "user1", "gender": "Female", "age": "18-24 years old", "study_locale": "uk", "religion": {"simplified": "None"},
        "ethnicity": {"self_described": "x", "categorised": "White", "simplified": "White"},
    }  # fmt: skip
    return row | changes


def utterance(**changes: Any) -> Row:
    row = {
        "utterance_id": "ut0", "interaction_id": "int0", "conversation_id": "c0", "user_id": "user1", "turn": 0, "within_turn_id": 0,
        "conversation_type": "unguided", "user_prompt": "A made-up question?", "model_response": "A made-up reply.",
        "model_name": "made-up", "model_provider": "nobody", "score": 71, "if_chosen": True, "included_in_balanced_subset": True,
    }  # fmt: skip
    return row | changes


def prism(folder: Path, people: list[Row], utterances: list[Row]) -> Path:
    return write(write(folder, "survey.jsonl", people), "utterances.jsonl", utterances)


def test_prism_reads_opening_turns_with_who_asked(tmp_path: Path) -> None:
    second = person(user_id="user2", gender="Prefer not to say", age=None)
    utterances = [
        utterance(),
        utterance(utterance_id="ut1", score=None),
        utterance(utterance_id="ut2", turn=1, interaction_id="int1"),
        utterance(utterance_id="ut3", user_id="user2", interaction_id="int2", score=1),
    ]
    tables = read_from("prism", prism(tmp_path, [person(), second, person(user_id="silent")], utterances))
    assert values_of(tables) == [
        ("ut0", "quality", "user1", "71", ""),
        ("ut1", "quality", "user1", "", "not_rated"),
        ("ut3", "quality", "user2", "1", ""),
    ]
    assert [item.unit for item in tables.items] == ["int0", "int0", "int2"]
    assert tables.items[2].populations == {"ethnicity": "White", "study_locale": "uk"}
    assert tables.raters.to_dict("records") == [
        {"rater_id": "user1", "gender": "Female", "age": "18-24 years old", "ethnicity": "White", "study_locale": "uk"},
        {"rater_id": "user2", "gender": "", "age": "", "ethnicity": "White", "study_locale": "uk"},
    ]


@pytest.mark.parametrize(
    ("people", "utterances", "told"),
    [
        ([person(ethnicity="White")], [utterance()], "ethnicity of user_id 'user1' is 'White'. Expected an object"),
        ([person()], [utterance(user_id="user9")], r"user_id 'user9' is not in .*survey\.jsonl \(1 such ids\)"),
        ([person()], [{"utterance_id": "ut0"}], r"utterances\.jsonl:1: no column 'interaction_id'.*Found: utterance_id\."),
    ],
)
def test_prism_refuses_files_that_are_not_as_published(
    people: list[Row], utterances: list[Row], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        read_from("prism", prism(tmp_path, people, utterances))


def test_prism_refuses_a_score_off_the_scale(tmp_path: Path) -> None:
    fetch_set(card_of("prism"), prism(tmp_path, [person()], [utterance(score=0)]))
    with pytest.raises(InputError, match="'0' is no level of quality: expected a number from 1 to 100"):
        load_calibration_set("prism")


# HealthBench


META = "2025-05-07-06-14-12_oss_meta_eval.jsonl"


def graded(**changes: Any) -> Row:
    row = {
        "prompt_id": "p", "completion_id": "c", "category": "cluster:made_up", "rubric": "Names a made-up remedy.",
        "prompt": [{"role": "user", "content": "Made up?"}, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "So?"}],
        "completion": "A made-up reply.", "binary_labels": [True, False], "anonymized_physician_ids": ["d1", "d2"], "canary": "x",
    }  # fmt: skip
    return row | changes


def test_healthbench_takes_a_reply_with_a_criterion_as_an_item(tmp_path: Path) -> None:
    rows = [graded(), graded(rubric="Asks for more."), graded(completion_id="e", binary_labels=[True, None])]
    tables = read_from("healthbench_physicians", write(tmp_path, META, rows))
    assert [row[2:] for row in values_of(tables)] == [
        ("d1", "true", ""), ("d2", "false", ""), ("d1", "true", ""), ("d2", "false", ""), ("d1", "true", ""), ("d2", "", "not_rated"),
    ]  # fmt: skip
    assert len({item.item_id for item in tables.items}) == 3
    assert {item.unit for item in tables.items} == {"p"}
    assert tables.items[0].query == (
        "user: Made up?\n\nassistant: Yes.\n\nuser: So?\n\nCriterion to grade the reply by: Names a made-up remedy."
    )
    assert (tables.items[0].response, tables.items[0].populations) == ("A made-up reply.", {"theme": "cluster:made_up"})
    fetch_set(card_of("healthbench_physicians"), tmp_path)
    assert load_calibration_set("healthbench_physicians").ratings["code"].tolist()[:2] == [1.0, 0.0]


def test_healthbench_takes_two_different_grades_of_one_physician_as_missing(tmp_path: Path) -> None:
    rows = [graded(), graded(binary_labels=[False], anonymized_physician_ids=["d1"])]
    tables = read_from("healthbench_physicians", write(tmp_path, META, rows))
    assert [row[2:] for row in values_of(tables)] == [("d1", "", "not_rated"), ("d2", "false", "")]


def test_healthbench_refuses_labels_without_their_physicians(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'c' has 2 binary_labels and 1 anonymized_physician_ids"):
        read_from("healthbench_physicians", write(tmp_path, META, [graded(anonymized_physician_ids=["d1"])]))


def test_a_line_that_is_no_object_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / META).write_text(f"{json.dumps(graded())}\n\n[1]\n", "utf-8")
    with pytest.raises(InputError, match=r"\.jsonl:3: a JSON list\. Expected one object a line"):
        read_from("healthbench_physicians", tmp_path)
    (tmp_path / META).write_text('{"prompt_id": ', "utf-8")
    with pytest.raises(InputError, match=r"\.jsonl:1: not JSON"):
        read_from("healthbench_physicians", tmp_path)


# CEBaB as in the alternative annotator test


def cebab(folder: Path, annotations: Any, reviews: tuple[str, ...] = ("148000000", "148000002", "3000001")) -> Path:
    prompts = {text_id: {"text_id": text_id, "review": f"Made-up review {text_id}.", "str_prompt": "..."} for text_id in reviews}
    return write(write(folder, "prompts.json", [prompts]), "human_annotations.json", [annotations])


def test_cebab_edits_of_one_review_stand_together_and_each_aspect_is_a_criterion(tmp_path: Path) -> None:
    annotations = {"w1": {"148000000__food": "Positive", "148000000__noise": "unknown", "3000001__food": "Negative"}}
    tables = read_from("alt_test_cebab_aspects", cebab(tmp_path, annotations | {"w2": {"148000002__food": "Positive"}}))
    assert values_of(tables) == [
        ("148000000", "food", "w1", "Positive", ""),
        ("148000000", "noise", "w1", "unknown", ""),
        ("3000001", "food", "w1", "Negative", ""),
        ("148000002", "food", "w2", "Positive", ""),
    ]
    units = {item.item_id: item.unit for item in tables.items}
    assert units == {"148000000": "review-148", "3000001": "review-3", "148000002": "review-148"}
    fetch_set(card_of("alt_test_cebab_aspects"), tmp_path)
    assert load_calibration_set("alt_test_cebab_aspects").ratings["code"].notna().all()


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({"w1": {"9000000__food": "Positive"}}, "text_id '9000000' has no review in"),
        ({"w1": ["148000000__food"]}, "holds more than objects"),
        ([], "a JSON list that holds more than objects"),
    ],
)
def test_cebab_refuses_files_that_are_not_as_published(annotations: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        read_from("alt_test_cebab_aspects", cebab(tmp_path, annotations))


def test_cebab_refuses_an_answer_and_an_aspect_that_the_card_does_not_know(tmp_path: Path) -> None:
    for annotations, told in (
        ({"w1": {"148000000__food": "Neutral"}}, "'Neutral' is no level of food"),
        ({"w1": {"148000000__stars": 5}}, "criterion 'stars' has no scale"),
    ):
        fetch_set(card_of("alt_test_cebab_aspects"), cebab(tmp_path, annotations))
        with pytest.raises(InputError, match=told):
            load_calibration_set("alt_test_cebab_aspects")
