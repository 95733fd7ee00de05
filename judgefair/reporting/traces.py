"""Where do the numbers of a table come from?"""

from collections.abc import Sequence
from dataclasses import dataclass

from judgefair.reporting.blocks import Cell, Table, number
from judgefair.statistics.estimate import Estimate

NAMED_BY = 3
"""Of so many leading cells a row is named."""


@dataclass(frozen=True, slots=True)
class Note:
    """What stands behind some numbers of a table.

    Attributes
    ----------
    about : the estimand, or "" where cells only say something of themselves.
    columns : the columns that its numbers stand in.
    shared : what holds for all of these numbers: method, unit resampled, level, counts, seed.
    of_rows : (what holds for some of them alone, their rows); empty where all is shared.
    source : author and year of the formula.
    """

    about: str
    columns: Sequence[str]
    shared: str
    of_rows: Sequence[tuple[str, Sequence[str]]]
    source: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A table's notes, and which of them (from 1; 0 is none) stands beside which column or cell."""

    notes: Sequence[Note]
    of_columns: Sequence[int]
    of_cells: Sequence[Sequence[int]]


def traced(table: Table) -> Traced:
    """The notes of a table, each told once: equal methods and sources are grouped.

    Where all numbers of a column have one note, the note stands at the column's head; else beside the numbers.

    >>> estimate = Estimate("judge_error", 0.5, 0.25, 0.75, n_items=9, method="judge minus human; t interval")
    >>> table = Table("", ["Population", "Error"], [[Cell("north"), number(estimate)], [Cell("south"), number(estimate)]])
    >>> traced(table).notes[0].shared, traced(table).of_columns
    ('judge minus human; t interval; 95% interval; 9 items', [0, 1])
    """
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for i, row in enumerate(table.rows):
        for j, cell in enumerate(row):
            if cell.title:
                key = ("", table.columns[j]) if cell.estimate is None else (cell.estimate.estimand, cell.estimate.source)
                groups.setdefault(key, []).append((i, j))
    of_cells = [[0] * len(row) for row in table.rows]
    for n, places in enumerate(groups.values(), start=1):
        for i, j in places:
            of_cells[i][j] = n
    of_columns = []
    for j in range(len(table.columns)):
        found = {row[j] for row in of_cells} - {0}
        of_columns.append(found.pop() if len(found) == 1 else 0)
    kept = [[0 if of_columns[j] else n for j, n in enumerate(row)] for row in of_cells]
    return Traced([_note(table, *key, places) for key, places in groups.items()], of_columns, kept)


def _note(table: Table, about: str, source: str, places: Sequence[tuple[int, int]]) -> Note:
    """One note: what all its numbers share, then what is left, row by row."""
    columns = list(dict.fromkeys(table.columns[j] for _, j in places))
    told = {(i, j): _phrases(table.rows[i][j]) for i, j in places}
    shared = [phrase for phrase in next(iter(told.values())) if all(phrase in phrases for phrases in told.values())]
    of_rows: dict[str, list[str]] = {}
    for (i, j), phrases in told.items():
        own = "; ".join(phrase for phrase in phrases if phrase not in shared)
        if own:
            where = f", {table.columns[j]}" if len(columns) > 1 else ""
            of_rows.setdefault(own, []).append(f"{_name(table.rows[i])}{where}")
    return Note(about, columns, "; ".join(shared), list(of_rows.items()), source if about else "")


def _phrases(cell: Cell) -> list[str]:
    """What is to be said of one number, in parts, so that parts that hold for all numbers are said once."""
    estimate = cell.estimate
    if estimate is None:
        return cell.title.split("; ")
    told = estimate.method.split("; ") if estimate.method else []
    if estimate.low == estimate.low:
        told.append(f"{estimate.level:.0%} interval")
    told.append(_counts(estimate))
    if estimate.seed is not None:
        told.append(f"seed {estimate.seed}")
    shown = next((text for text in (number(estimate).text, number(estimate, signed=True).text) if text in cell.text), None)
    return told if shown else [*told, f"by itself {number(estimate).text}"]


def _counts(estimate: Estimate) -> str:
    parts = [f"{estimate.n_items:,} items"]
    if estimate.n_clusters and estimate.n_clusters != estimate.n_items:
        parts[0] += f" in {estimate.n_clusters:,} units"
    if estimate.n_raters:
        parts.append(f"{estimate.n_raters:,} raters")
    if estimate.n_missing:
        parts.append(f"{estimate.n_missing:,} missing")
    return ", ".join(parts)


def _name(row: Sequence[Cell]) -> str:
    """A row by its leading cells that are no numbers."""
    words = []
    for cell in row[:NAMED_BY]:
        if cell.estimate is not None or cell.mark:
            break
        if cell.text and not cell.text[0].isdigit():
            words.append(cell.text)
    return ", ".join(words)
