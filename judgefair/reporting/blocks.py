"""What can stand in a report? Text, tables, charts and quotes, as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from judgefair.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell, and where it is a number what stands behind it.

    Attributes
    ----------
    title : what stands behind the number, in a line.
    estimate : the number itself, so that a form of the report can list where it comes from.
    mark : a sign that stands before the text, so that an answer is told apart without its colour; see `words.MARKS`.
    """

    text: str
    title: str = ""
    estimate: Estimate | None = None
    mark: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"text": self.text, "title": self.title, "mark": self.mark}


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": "text", "text": self.text}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        rows = [[cell.to_json() for cell in row] for row in self.rows]
        return {"kind": "table", "caption": self.caption, "columns": list(self.columns), "rows": rows}


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite chart, and in words what it shows."""

    caption: str
    spec: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": "chart", "caption": self.caption, "spec": self.spec}


@dataclass(frozen=True, slots=True)
class Quote:
    """Judged text side by side with what was said of it; the text is data and is escaped wherever it is shown."""

    title: str
    parts: Sequence[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": "quote", "title": self.title, "parts": [list(part) for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Beside:
    """Quotes that are to be read side by side."""

    caption: str
    quotes: Sequence[Quote]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": "beside", "caption": self.caption, "quotes": [quote.to_json() for quote in self.quotes]}


Block = Text | Table | Chart | Quote | Beside


@dataclass(frozen=True, slots=True)
class Section:
    """One question a report answers."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"id": self.id, "title": self.title, "blocks": [block.to_json() for block in self.blocks]}


def number(estimate: Estimate, signed: bool = False) -> Cell:
    """An estimate with its interval; the cell keeps what it rests on.

    >>> number(Estimate("judge_error", 0.5, 0.25, 0.75), signed=True).text
    '+0.50 [+0.25, +0.75]'
    """
    plus = "+" if signed else ""
    rests = f"{estimate.n_items:,} items" + (f", {estimate.n_raters:,} raters" if estimate.n_raters else "")
    title = f"{estimate.estimand}; {rests}; {estimate.level:.0%} interval; {estimate.method}"
    if not estimate.is_defined:
        return Cell("undefined", title, estimate)
    if estimate.low != estimate.low:
        return Cell(f"{_short(estimate.value, plus)} (no interval)", title, estimate)
    low, high = (_short(end, plus) for end in (estimate.low, estimate.high))
    return Cell(f"{_short(estimate.value, plus)} [{low}, {high}]", title, estimate)


def _short(value: float, plus: str) -> str:
    """Two digits, with a minus sign that is one, and none before a zero."""
    return f"{round(value, 2) + 0.0:{plus}.2f}".replace("-", "−")
