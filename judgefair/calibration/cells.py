"""How does a text stand in a table that people open in a spreadsheet, so that nothing is computed and it reads back the same?"""

import re

import pandas as pd

from judgefair.records import sendable

# What makes a spreadsheet compute a cell, with the wide forms that some take for the same; and the mark itself.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠'")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def as_cell(text: str) -> str:
    """The text for a cell: with an apostrophe before it where a spreadsheet would compute it.

    >>> as_cell("=1+1"), as_cell("1+1"), as_cell("'tis")
    ("'=1+1", '1+1', "''tis")
    """
    text = sendable(text)
    return f"'{text}" if text[:1] in _FORMULA else text


def from_cell(cell: str) -> str:
    """The text behind a cell that `as_cell` wrote.

    >>> from_cell("'=1+1")
    '=1+1'
    """
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def as_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table of text with every cell and column name as `as_cell`; a plain number is computed to itself, and stays one.

    >>> as_cells(pd.DataFrame({"value": ["-1.5", "-1+1"]}))["value"].tolist()
    ['-1.5', "'-1+1"]
    """
    return table.map(lambda text: text if _NUMBER.fullmatch(text) else as_cell(text)).rename(columns=as_cell)


def from_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table behind one that `as_cells` made."""
    return table.map(from_cell).rename(columns=from_cell)
