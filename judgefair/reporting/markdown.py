"""The report as Markdown: everything but the pictures, whose numbers stand in the tables."""

import re

from judgefair.records import printable
from judgefair.reporting.blocks import Block, Chart, Quote, Table, Text
from judgefair.reporting.report import Report
from judgefair.reporting.words import NO_HUMANS


def to_markdown(report: Report) -> str:
    """Render the report; all text is escaped, so that judged text cannot format anything."""
    lines = [f"# {_plain(report.title)}", "", f"**{_plain(report.headline)}**", ""]
    if report.labels != "human":
        lines += [NO_HUMANS[report.labels], ""]
    lines += [f"As of {report.as_of}, made with judgefair {report.judgefair}.", ""]
    for section in report.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""] if not isinstance(block, Chart) else []
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> list[str]:
    match block:
        case Text(text):
            return [_plain(text)]
        case Table(caption, columns, rows):
            head = ["| " + " | ".join(map(_plain, columns)) + " |", "|" + " --- |" * len(columns)]
            return [
                f"_{_plain(caption)}_",
                "",
                *head,
                *("| " + " | ".join(_plain(cell.text) for cell in row) + " |" for row in rows),
            ]
        case Quote(title, parts):
            return [f"### {_plain(title)}", "", *(f"- {_plain(name)}: {_plain(text)}" for name, text in parts)]
    return []


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|!~$&])", r"\\\1", printable(" ".join(text.split())))
