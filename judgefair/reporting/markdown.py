"""The report as Markdown: everything but the pictures, whose numbers stand in the tables; and its first screen by itself."""

import re

from judgefair.records import printable
from judgefair.reporting.blocks import Beside, Block, Cell, Chart, Quote, Table, Text
from judgefair.reporting.report import Report
from judgefair.reporting.words import NO_HUMANS

LONGEST, LONGEST_NAME = 4_000, 60
"""Characters of a summary, which is to fit a pull request, and of a name in it."""


def to_markdown(report: Report) -> str:
    """Render the report; all text is escaped, so that judged text cannot format anything."""
    lines = _head(report)
    for section in report.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""] if not isinstance(block, Chart) else []
    return "\n".join(lines).rstrip() + "\n"


def summary_markdown(report: Report) -> str:
    """The first screen of a report as Markdown for a pull request: under 60 lines and 4,000 characters.

    What does not fit is left out from the end of the longest table, and counted.
    """
    n_verdicts = n_trust = 12
    while True:
        told = _summary(report, n_verdicts, n_trust)
        if len(told) < LONGEST or not n_verdicts + n_trust:
            return told if len(told) < LONGEST else f"{told[: LONGEST - 4].rstrip()}…\n"
        n_verdicts, n_trust = (n_verdicts, n_trust - 1) if n_trust > n_verdicts // 2 else (n_verdicts - 1, n_trust)


def _summary(report: Report, n_verdicts: int, n_trust: int) -> str:
    lines = _head(report)
    first = report.summary
    if first is not None:
        lines += [_plain(first.scope), ""]
        if first.verdicts is not None:
            lines += [*_cut(first.verdicts, n_verdicts), ""]
        if first.gate is not None:
            lines += [_cell(first.gate), ""]
        lines += [*_cut(first.trust, n_trust), ""]
    lines.append("In full, with where each number comes from: report.html, report.md and report.json of the run.")
    return "\n".join(lines) + "\n"


def _cut(table: Table, n: int) -> list[str]:
    """The first rows of a table, with names of bearable length, and how many more there are."""
    rows = [[Cell(_short(cell.text), mark=cell.mark) for cell in row] for row in table.rows[:n]]
    more = f" {len(table.rows) - n} more rows stand in the report." if len(table.rows) > n else ""
    return _block(Table(f"{table.caption}{more}", table.columns, rows))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1].rstrip()}…"


def _head(report: Report) -> list[str]:
    lines = [f"# {_plain(report.title)}", "", f"**{_plain(report.headline)}**", ""]
    if report.labels != "human":
        lines += [NO_HUMANS[report.labels], ""]
    return [*lines, f"As of {report.as_of}, made with judgefair {report.judgefair}.", ""]


def _block(block: Block) -> list[str]:
    match block:
        case Text(text):
            return [_plain(text)]
        case Table(caption, columns, rows):
            head = ["| " + " | ".join(map(_plain, columns)) + " |", "|" + " --- |" * len(columns)]
            return [f"_{_plain(caption)}_", "", *head, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)]
        case Quote(title, parts):
            return [f"### {_plain(title)}", "", *(f"- {_plain(name)}: {_plain(text)}" for name, text in parts)]
        case Beside(caption, quotes):
            return [_plain(caption), *(line for quote in quotes for line in ("", *_block(quote)))]
    return []


def _cell(cell: Cell) -> str:
    return f"{cell.mark} {_plain(cell.text)}" if cell.mark else _plain(cell.text)


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|!~$&])", r"\\\1", printable(" ".join(text.split())))
