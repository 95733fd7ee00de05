"""The report as one HTML file: no script, nothing fetched, all text escaped."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from judgefair.records import printable
from judgefair.reporting.blocks import Block, Cell
from judgefair.reporting.charts import in_words, to_svg
from judgefair.reporting.report import Report
from judgefair.reporting.traces import traced
from judgefair.reporting.words import MARKS, NO_HUMANS

LONG_TABLE, MANY_TEXTS, MANY_QUOTES = 24, 6, 4
"""More rows, sentences and quotes than these are folded away: a click, a search and a printer unfold them."""
UNFOLDED = "verdicts"
_NUMBER = re.compile(r"([+−]?[\d.,]+%?|undefined) ?(?:(\[[^\]]+\]|\(no interval\)) ?)?(.*)", re.DOTALL)
_TONES = {MARKS["disparity"]: "bad", MARKS["failed"]: "bad", MARKS["equivalent"]: "good", MARKS["passed"]: "good"}


def to_html(report: Report) -> str:
    """Render the report. The style sheet is allowed by its hash; every other source is forbidden."""
    here = files("judgefair.reporting")
    style = here.joinpath("report.css").read_text("utf-8")
    template = here.joinpath("report.html.jinja").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(template).render(
        report=report,
        no_humans=NO_HUMANS.get(report.labels, ""),
        style=Markup(style),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'",
        counted=_Counted(),
        runs=_runs,
        is_long=lambda section, table: len(table.rows) > LONG_TABLE and section.id != UNFOLDED,
        many_texts=MANY_TEXTS,
        many_quotes=MANY_QUOTES,
        svg=lambda chart: Markup(to_svg(chart.spec)),
        in_words=lambda chart: in_words(chart.spec),
        parts=_parts,
        tone=lambda cell: _TONES.get(cell.mark, "open"),
        traced=traced,
        hint=_hint,
        breakable=_breakable,
    )
    return printable(page)


@dataclass(slots=True)
class _Counted:
    """Numbers of tables and figures, from 1, in the order of the page."""

    n: dict[str, int] = field(default_factory=dict)

    def next(self, kind: str) -> int:
        self.n[kind] = self.n.get(kind, 0) + 1
        return self.n[kind]


def _runs(blocks: Sequence[Block]) -> Iterator[tuple[str, list[Any]]]:
    """Blocks of one kind that follow each other, together: sentences become a list, quotes stand side by side."""
    for kind, found in groupby(blocks, key=lambda block: type(block).__name__):
        yield kind, list(found)


def _hint(cell: Cell, note: int) -> str:
    """What hovering tells: of an estimate its name, what it rests on and its note, which has the method; of other cells all."""
    if cell.estimate is None or not cell.title.startswith(cell.estimate.estimand):
        return cell.title
    return "; ".join([*cell.title.split("; ")[:3], f"note {note}"])


def _breakable(text: str) -> Markup:
    """Text in which a line may break after a joint of a long name.

    >>> str(_breakable("african_american_english, 0.25"))
    'african_<wbr>american_<wbr>english, 0.25'
    """
    return Markup(re.sub(r"(?<=[^\W\d])([._=])(?=[^\W\d_])", r"\1<wbr>", str(escape(text))))


def _parts(cell: Cell) -> tuple[str, str, str]:
    """Value, interval and what follows, of a cell that holds an estimate; all else is one part.

    >>> from judgefair.statistics import Estimate
    >>> _parts(Cell("plain")), _parts(Cell("+0.50 [+0.25, +0.75]", estimate=Estimate("judge_error", 0.5)))
    (('plain', '', ''), ('+0.50', '[+0.25, +0.75]', ''))
    """
    found = _NUMBER.fullmatch(cell.text) if cell.estimate is not None else None
    return (cell.text, "", "") if found is None else (found[1], found[2] or "", found[3])
