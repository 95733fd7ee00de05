"""What do the rating tasks of POPQUORN share? One row a rating, with who the rater is."""

from pathlib import Path

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table, read_text, rows
from judgefair.calibration.recipes._unseen import expect_columns, one_answer, one_text, rater_attributes
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

ATTRIBUTES = ("gender", "race", "age")


def read_task(path: Path, criterion: str) -> SetTables:
    """Texts, ratings and raters of one task, whose ratings stand in the column of the criterion's name."""
    table = read_text(path)
    expect_columns(table.columns, ["instance_id", "user_id", "text", criterion, *ATTRIBUTES], path)
    table = table.assign(rater_id=_rater_ids(table["user_id"]))
    ratings = rating_table(
        (row["instance_id"], criterion, row["rater_id"], row[criterion], "" if row[criterion] else "not_rated")
        for row in rows(table)
    )
    items = [Item(row["instance_id"], "", row["text"]) for row in rows(one_text(table, "instance_id", ["text"], path))]
    return SetTables(items, one_answer(ratings), rater_attributes(table, ATTRIBUTES))


def _rater_ids(users: "pd.Series[str]") -> "pd.Series[str]":
    """The raters' ids without a stray decimal point; a row that names nobody is a rater of its own."""
    rows_of_their_own = pd.Series([f"row-{number}" for number in range(2, len(users) + 2)], index=users.index, dtype="str")
    return users.str.removesuffix(".0").where(users != "", rows_of_their_own)
