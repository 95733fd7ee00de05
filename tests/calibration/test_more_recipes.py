"""Do the recipes that no original was at hand for read files of the published layout, and do their cards say so?

Every text, rater and number below is made up.
"""

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from judgefair import plugins
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.ratings import RatedItems, rated_items
from judgefair.calibration.recipes._unseen import one_answer, rater_attributes
from judgefair.calibration.tables import SET_RATING_COLUMNS, SetTables
from judgefair.cli import app
from judgefair.errors import InputError
from judgefair.folders import shipped

UNSEEN = ("dices_raters_350", "dices_raters_990", "sbic")
every_set = pytest.mark.parametrize("set_id", UNSEEN)

Row = dict[str, str]


def card_of(set_id: str) -> Card:
    return read_card(shipped("calibration_sets") / set_id / "card.yaml")


def read_with(set_id: str, path: Path) -> SetTables:
    """The tables as the recipe makes them, held to what every set promises."""
    (file,) = card_of(set_id).source.files
    tables: SetTables = plugins.load("recipes", set_id).read({file.name: path})
    assert tuple(tables.ratings.columns) == SET_RATING_COLUMNS
    assert set(tables.ratings["item_id"]) <= {item.item_id for item in tables.items}
    assert set(tables.ratings["rater_id"]) <= set(tables.raters["rater_id"])
    assert not tables.raters.isna().any(axis=None)
    return tables


def check_with_card(set_id: str, tables: SetTables) -> RatedItems:
    return rated_items(tables.ratings, {name: rated.scale for name, rated in card_of(set_id).criteria.items()}, set_id)


def values_of(tables: SetTables, criterion: str) -> list[tuple[str, ...]]:
    asked = tables.ratings[tables.ratings["criterion"] == criterion]
    return [tuple(row) for row in asked[["item_id", "rater_id", "value", "missing"]].itertuples(index=False)]


# Cards


@every_set
def test_a_card_says_first_that_its_recipe_was_not_run_on_the_original(set_id: str) -> None:
    card = card_of(set_id)
    assert (card.id, card.labels, card.source.kind) == (set_id, "human", "recipe")
    assert card.known_issues[0].startswith("Not tested on the original: ")
    assert "made-up rows only" in card.known_issues[0]
    assert "unknown" in card.rater_pool
    assert card.licence
    assert all(rated.scale.levels[end] for rated in card.criteria.values() for end in rated.scale.ends)


@every_set
def test_a_recipe_names_the_columns_it_reads(set_id: str) -> None:
    assert re.search(r"^(Columns|Fields) read: ", plugins.load("recipes", set_id).__doc__ or "", re.MULTILINE)


@every_set
def test_sets_list_shows_the_set_as_one_to_fetch(set_id: str) -> None:
    listed = {row["id"]: row for row in json.loads(CliRunner().invoke(app, ["sets", "list", "--json"]).stdout)}
    assert (listed[set_id]["labels"], listed[set_id]["here"]) == ("human", False)


# What such recipes share


def test_a_rating_that_stands_twice_counts_once_and_one_told_two_ways_is_missing() -> None:
    told = [("a", "r", "yes"), ("a", "r", "yes"), ("b", "r", "yes"), ("b", "r", "no"), ("b", "r", "yes"), ("b", "s", "no")]
    table = pd.DataFrame(
        [(item, "unsafe", rater, value, "") for item, rater, value in told], columns=list(SET_RATING_COLUMNS), dtype="str"
    )
    assert one_answer(table).to_numpy().tolist() == [
        ["a", "unsafe", "r", "yes", ""],
        ["b", "unsafe", "r", "", "not_rated"],
        ["b", "unsafe", "s", "no", ""],
    ]


def test_an_attribute_that_differs_between_rows_is_unknown() -> None:
    table = pd.DataFrame({"rater_id": ["1", "1", "2", "2"], "age": ["", "30", "30", "31"], "gender": ["x", "x", "", ""]})
    assert rater_attributes(table, ["age", "gender"]).to_numpy().tolist() == [["1", "30", "x"], ["2", "", ""]]


# DICES


def dices_row(**changes: str) -> Row:
    row = {
        "id": "0", "rater_id": "296001", "rater_gender": "Woman", "rater_locale": "IN", "rater_race": "White", "rater_age": "gen z",
        "rater_education": "Other", "item_id": "007", "context": "A: made up\\nB: again", "response": "A made-up reply.",
        "safety_gold": "No", "Q3_bias_overall": "No", "Q3_unfair_bias_overall": "No", "Q_overall": "Yes",
    }  # fmt: skip
    return row | changes


def write_rows(path: Path, *rows: Row) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("set_id", "attributes"),
    [
        ("dices_raters_350", ["rater_id", "gender", "race", "age"]),
        ("dices_raters_990", ["rater_id", "gender", "locale", "race", "age"]),
    ],
)
def test_dices_keeps_who_the_raters_are(set_id: str, attributes: list[str], tmp_path: Path) -> None:
    second = {"rater_id": "296002", "rater_gender": "Man", "Q_overall": "Unsure", "Q3_bias_overall": "Yes"}
    path = write_rows(tmp_path / "d.csv", dices_row(), dices_row(**second), dices_row(item_id="8", Q_overall="No"))
    tables = read_with(set_id, path)
    assert values_of(tables, "unsafe") == [
        ("007", "296001", "yes", ""),
        ("007", "296002", "unsure", ""),
        ("8", "296001", "no", ""),
    ]
    assert set(tables.ratings["criterion"]) == set(card_of(set_id).criteria)
    assert list(tables.raters.columns) == attributes
    assert tables.raters["gender"].tolist() == ["Woman", "Man"]
    assert [(item.item_id, item.query) for item in tables.items] == [
        ("007", "A: made up\nB: again"),
        ("8", "A: made up\nB: again"),
    ]
    assert check_with_card(set_id, tables).ratings["code"].notna().all()


def test_dices_350_has_the_experts_label_and_990_has_none(tmp_path: Path) -> None:
    assert read_with("dices_raters_350", write_rows(tmp_path / "a.csv", dices_row())).items[0].meta == {"gold": "no"}
    no_gold = {name: cell for name, cell in dices_row().items() if name != "safety_gold"}
    assert read_with("dices_raters_990", write_rows(tmp_path / "b.csv", no_gold)).items[0].meta == {}


def test_dices_takes_an_empty_vote_as_missing(tmp_path: Path) -> None:
    tables = read_with("dices_raters_350", write_rows(tmp_path / "d.csv", dices_row(Q_overall="")))
    assert values_of(tables, "unsafe") == [("007", "296001", "", "not_rated")]


def test_dices_takes_a_rater_who_votes_twice_and_differently_as_not_having_voted(tmp_path: Path) -> None:
    tables = read_with("dices_raters_350", write_rows(tmp_path / "d.csv", dices_row(), dices_row(Q_overall="No")))
    assert values_of(tables, "unsafe") == [("007", "296001", "", "not_rated")]
    assert values_of(tables, "unfair_bias") == [("007", "296001", "no", "")]


def test_dices_refuses_an_id_with_two_conversations(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="item_id '007' stands beside two different values of context or response"):
        read_with("dices_raters_990", write_rows(tmp_path / "d.csv", dices_row(), dices_row(response="Another.")))


@pytest.mark.parametrize(("set_id", "lost"), [("dices_raters_350", "Q3_bias_overall"), ("dices_raters_990", "rater_locale")])
def test_dices_without_a_column_is_refused_with_those_it_has(set_id: str, lost: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "d.csv", {name: cell for name, cell in dices_row().items() if name != lost})
    with pytest.raises(
        InputError, match=rf"no column '{lost}'.*Found: id, rater_id.*Expected at least rater_id, item_id.*report"
    ):
        read_with(set_id, path)


def test_a_vote_that_is_no_level_is_refused_by_the_card(tmp_path: Path) -> None:
    tables = read_with("dices_raters_350", write_rows(tmp_path / "d.csv", dices_row(Q_overall="Perhaps")))
    with pytest.raises(InputError, match="'perhaps' is no level of unsafe: expected one of no, unsure, yes"):
        check_with_card("dices_raters_350", tables)


# SBIC


def sbic_row(**changes: str) -> Row:
    row = {
        "whoTarget": "1.0", "intentYN": "0.66", "sexYN": "0.0", "sexReason": "", "offensiveYN": "1.0", "annotatorGender": "woman",
        "annotatorMinority": "", "sexPhrase": "", "speakerMinorityYN": "", "WorkerId": "-77", "HITId": "3A", "annotatorPolitics": "",
        "annotatorRace": "asian", "annotatorAge": "40.0", "post": "A made-up post.", "targetMinority": "made-up folks",
        "targetCategory": "social", "targetStereotype": "they are made up", "dataSource": "t/made-up",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def sbic(tmp_path: Path) -> Callable[..., Path]:
    """An archive laid out as published, the three parts beside an aggregated one."""

    def write(trn: list[Row], dev: list[Row], tst: list[Row], leave_out: str = "") -> Path:
        path = tmp_path / "SBIC.v2.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for part, rows in (("trn", trn), ("dev", dev), ("tst", tst), ("agg.trn", [{"post": "not to be read"}])):
                content = pd.DataFrame(rows, columns=None if rows else list(sbic_row())).to_csv(index=False).encode()
                member = tarfile.TarInfo(f"./SBIC.v2.{part}.csv")
                member.size = len(content)
                if part != leave_out:
                    archive.addfile(member, io.BytesIO(content))
        return path

    return write


def test_sbic_counts_an_answer_once_however_many_statements_the_rater_wrote(sbic: Callable[..., Path]) -> None:
    statements = [sbic_row(), sbic_row(targetStereotype="another statement"), sbic_row(targetMinority="others")]
    path = sbic(statements, [sbic_row(HITId="3B", post="Another.")], [sbic_row(HITId="3C", post="A third.", offensiveYN="0.5")])
    tables = read_with("sbic", path)
    assert values_of(tables, "offensive") == [("3A", "-77", "yes", ""), ("3B", "-77", "yes", ""), ("3C", "-77", "maybe", "")]
    assert {value for *_, value, _ in values_of(tables, "intent_to_offend")} == {"probably"}
    assert tables.raters.to_numpy().tolist() == [["-77", "woman", "40", "asian"]]
    assert (tables.items[0].response, tables.items[0].populations) == ("A made-up post.", {"origin": "t/made-up"})
    assert check_with_card("sbic", tables).ratings["code"].notna().all()


def test_sbic_takes_an_empty_answer_and_one_that_changes_as_missing(sbic: Callable[..., Path]) -> None:
    tables = read_with("sbic", sbic([sbic_row(sexYN="", offensiveYN="1.0"), sbic_row(sexYN="", offensiveYN="0.0")], [], []))
    assert values_of(tables, "lewd") == values_of(tables, "offensive") == [("3A", "-77", "", "not_rated")]
    assert values_of(tables, "intent_to_offend") == [("3A", "-77", "probably", "")]


def test_sbic_posts_of_one_text_stand_together(sbic: Callable[..., Path]) -> None:
    tables = read_with("sbic", sbic([sbic_row(), sbic_row(HITId="3B")], [], [sbic_row(HITId="3C", post="Another.")]))
    assert [(item.item_id, item.unit) for item in tables.items] == [("3A", "3A"), ("3B", "3A"), ("3C", "3C")]


def test_sbic_refuses_an_id_with_two_posts(sbic: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"HITId '3A' stands beside two different values of post or dataSource \(1 such rows\)"):
        read_with("sbic", sbic([sbic_row()], [sbic_row(post="Another.")], []))


def test_sbic_refuses_a_code_that_is_none_of_the_published_ones(sbic: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"'0\.7' is no level of offensive: expected one of no, maybe, yes"):
        check_with_card("sbic", read_with("sbic", sbic([sbic_row(offensiveYN="0.7")], [], [])))


def test_sbic_refuses_a_part_without_a_column_by_name(sbic: Callable[..., Path]) -> None:
    without = {name: cell for name, cell in sbic_row().items() if name != "WorkerId"}
    with pytest.raises(InputError, match=r"SBIC\.v2\.dev\.csv: no column 'WorkerId'"):
        read_with("sbic", sbic([sbic_row()], [without], []))


def test_sbic_refuses_an_archive_that_lacks_a_part_or_is_none(sbic: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds SBIC\.v2\.dev\.csv, SBIC\.v2\.trn\.csv of .*Expected all three"):
        read_with("sbic", sbic([sbic_row()], [], [], leave_out="tst"))
    (tmp_path / "no.tgz").write_text("no archive")
    with pytest.raises(InputError, match=r"no\.tgz: cannot be read \(ReadError"):
        read_with("sbic", tmp_path / "no.tgz")
