"""What do the two original tables of DICES share? One row a rater and conversation, with who the rater is."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table, read_text, rows
from judgefair.calibration.recipes._unseen import expect_columns, one_answer, one_text, rater_attributes
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

GOLD = "safety_gold"


def read_original(
    path: Path, criteria: Mapping[str, str], attributes: Mapping[str, str], more: tuple[str, ...] = ()
) -> SetTables:
    """Conversations, votes and raters of one table.

    Parameters
    ----------
    criteria : by criterion, the column of its votes.
    attributes : by attribute of a rater, its column.
    more : columns that an item has besides its texts.
    """
    table = read_text(path)
    texts = ["context", "response", *more]
    columns = ["rater_id", "item_id", *texts, *criteria.values(), *attributes.values()]
    expect_columns(table.columns, columns, path)
    table = table[columns]
    raters = table.rename(columns={column: name for name, column in attributes.items()})
    items = [_item(row) for row in rows(one_text(table, "item_id", texts, path))]
    return SetTables(items, one_answer(_votes(table, criteria)), rater_attributes(raters, list(attributes)))


def _votes(table: pd.DataFrame, criteria: Mapping[str, str]) -> pd.DataFrame:
    return rating_table(
        (row["item_id"], criterion, row["rater_id"], row[column].lower(), "" if row[column] else "not_rated")
        for row in rows(table)
        for criterion, column in criteria.items()
    )


def _item(row: Mapping[str, str]) -> Item:
    meta = {"gold": row[GOLD].lower()} if row.get(GOLD) else {}
    return Item(row["item_id"], _real_newlines(row["context"]), _real_newlines(row["response"]), meta=meta)


def _real_newlines(text: str) -> str:
    return re.sub(r"\\+n", "\n", text)
