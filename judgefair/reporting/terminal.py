"""The report for a terminal: headline, tables and notes."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text as RichText

from judgefair.reporting.blocks import Table, Text
from judgefair.reporting.report import Report
from judgefair.reporting.words import printable

SHOWN = ("judge_bias", "agreement", "missingness")


class TerminalReport:
    """What rich prints of a report: the sections with numbers, and the notes on their scope."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts, in the report's order; text is never read as markup."""
        report = self._report
        yield Panel(_text(report.headline), title=_text(report.title), border_style="blue")
        if report.labels != "human":
            yield _text(f"The labels of this set are {report.labels}: no human rated these items.", style="yellow")
        for note in report.notes:
            yield _text(note, style="dim")
        for section in report.sections:
            if section.id not in SHOWN:
                continue
            yield _text(f"\n{section.title}", style="bold")
            for block in section.blocks:
                if isinstance(block, Table):
                    yield Padding(_table(block), (1, 0, 0, 0))
                elif isinstance(block, Text) and "undefined" in block.text:
                    yield _text(block.text, style="dim")


def _table(block: Table) -> RichTable:
    table = RichTable(title=_text(block.caption, style="italic"), title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in block.columns:
        table.add_column(_text(column), overflow="fold")
    for row in block.rows:
        table.add_row(*(_text(cell.text) for cell in row))
    return table


def _text(text: str, style: str = "") -> RichText:
    return RichText(printable(text), style=style)
