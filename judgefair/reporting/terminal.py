"""The report for a terminal: its first screen, and why what is open is open."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text as RichText

from judgefair.estimation import Estimation, Plan, Verdict
from judgefair.records import printable
from judgefair.reporting.blocks import Cell, Table, Text, number
from judgefair.reporting.headline import verdict_line
from judgefair.reporting.report import Report
from judgefair.reporting.summary import Summary
from judgefair.reporting.words import MARKS, NO_HUMANS, answer_of, population_name, told_of

SHOWN = (
    "used_elsewhere", "matrix", "differences", "rubric_changes", "attributed", "moved", "attribution", "participation",
)  # fmt: skip
"""Sections of reports without a first screen of their own, which are comparisons."""
OPEN = ("verdicts", "agreement", "missingness")
"""Sections whose sentences say why a number is not there, or what is not there."""
MOST_REASONS = 4


def closing_words(report: Mapping[str, Any]) -> str:
    """What a finished study says in a terminal, from its `report.json`: the headline, and what must stand beside it."""
    caution = NO_HUMANS.get(report["labels"], "")
    return printable("\n".join(filter(None, [report["headline"], caution])))


class TerminalReport:
    """What rich prints of a report: its first screen, why what is open is open, and the notes; of a comparison its tables."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts, in the report's order; text is never read as markup."""
        report = self._report
        yield Panel(_text(report.headline), title=_text(report.title), border_style="blue")
        if report.labels != "human":
            yield _text(NO_HUMANS[report.labels], style="yellow")
        yield from _sections(report) if report.summary is None else _first_screen(report, report.summary)
        for note in report.notes:
            yield _text(note, style="dim")


def _first_screen(report: Report, first: Summary) -> Iterator[RichTable | RichText]:
    yield _text(first.scope)
    if first.verdicts is not None:
        yield _text("\nVerdicts", style="bold")
        yield from _by_criterion(first.verdicts)
    yield _text("\nHow far the judge can be trusted", style="bold")
    if first.gate is not None:
        yield _text(_marked(first.gate))
    yield _text(first.trust.caption, style="italic")
    yield _table(first.trust)
    told = [
        block.text
        for section in report.sections
        if section.id in OPEN
        for block in section.blocks
        if isinstance(block, Text) and ("undefined" in block.text or "To settle it" in block.text)
    ]
    if told:
        yield _text("\nWhat is open, and why", style="bold")
    for text in told[:MOST_REASONS]:
        yield _text(text, style="dim")
    if len(told) > MOST_REASONS:
        yield _text(f"{len(told) - MOST_REASONS} more reasons stand in report.html.", style="dim")


def _by_criterion(verdicts: Table) -> Iterator[RichTable | RichText]:
    """A table for each criterion, since all columns beside each other would not fit."""
    yield _text(verdicts.caption, style="italic")
    for (*about, tolerance), rows in groupby(verdicts.rows, key=lambda row: [cell.text for cell in (*row[:-4], row[-1])]):
        yield _text(f"\n{', '.join(about)}, tolerance {tolerance}", style="italic")
        yield _table(Table("", verdicts.columns[-4:-1], [row[-4:-1] for row in rows]))


def _sections(report: Report) -> Iterator[RichTable | RichText]:
    for section in report.sections:
        if section.id not in SHOWN:
            continue
        yield _text(f"\n{section.title}", style="bold")
        for block in section.blocks:
            if isinstance(block, Table):
                yield _text(f"\n{block.caption}", style="italic")
                yield _table(block)
            elif isinstance(block, Text) and "undefined" in block.text:
                yield _text(block.text, style="dim")


class VerdictTable:
    """What rich prints of an estimation: a row for each contrast, and why the open ones are open."""

    def __init__(self, estimation: Estimation) -> None:
        self._estimation = estimation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the headline, the table, and the notes."""
        found = self._estimation
        yield Panel(_text(verdict_line(found)), border_style="blue")
        if found.scope["labels"] != "human":
            yield _text(NO_HUMANS[found.scope["labels"]], style="yellow")
        why: dict[str, list[str]] = {}
        families: dict[tuple[str, str], list[Verdict]] = {}
        for verdict in found.verdicts:
            families.setdefault((verdict.criterion, next(iter(verdict.population))), []).append(verdict)
            if verdict.answer == "undetermined":
                why.setdefault(told_of(verdict), []).append(f"{verdict.criterion}, {population_name(verdict.population)}")
        for (criterion, axis), verdicts in families.items():
            title = f"{criterion}, {axis} against {verdicts[0].contrast[axis]}, tolerance ±{verdicts[0].tolerance:g}"
            yield _text(f"\n{title}", style="italic")
            table = _plain(("population", "verdict", "corrected", "raw", "made by the judge"))
            for verdict in verdicts:
                gaps = (number(gap, signed=True).text for gap in (verdict.corrected, verdict.raw, verdict.judge_made))
                table.add_row(*map(_text, (verdict.population[axis], f"{MARKS[answer_of(verdict)]} {answer_of(verdict)}", *gaps)))
            yield table
        yield _text("")
        for reason, contrasts in why.items():
            more = f" and {len(contrasts) - 3} more" if len(contrasts) > 3 else ""
            yield _text(f"Undetermined ({'; '.join(contrasts[:3])}{more}): {reason}.", style="dim")
        for line in found.notes:
            yield _text(line, style="dim")


class PlanTable:
    """What rich prints of plans: labels there are and labels needed."""

    def __init__(self, plans: Sequence[Plan], could_see: Sequence[Mapping[str, Any]]) -> None:
        self._plans, self._could_see = plans, could_see

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table for each plan, and what the data could have seen."""
        for plan in self._plans:
            yield _text(f"\n{plan.criterion}, {plan.axis}: labelled items for ±{plan.delta:g}", style="italic")
            table = _plain(("population", "now", "needed"))
            for name, n in plan.now.items():
                table.add_row(*map(_text, (name, f"{n:,}", f"{plan.needed[name]:,}" if name in plan.needed else "none suffices")))
            yield table
            if plan.needed:
                equal = "not enough at any number" if plan.equal_split is None else f"{plan.equal_split:,}"
                yield _text(f"In all {sum(plan.needed.values()):,} labelled items; split equally {equal}.")
            if plan.raters_per_item is not None:
                yield _text(f"Raters an item: {plan.raters_per_item}, if a new item costs as much as a rating.")
            if plan.reason:
                yield _text(f"{plan.reason}.", style="dim")
        for verdict in self._could_see:
            if verdict["could_see"] is not None:
                contrast = f"{population_name(verdict['population'])} − {next(iter(verdict['contrast'].values()))}"
                yield _text(
                    f"{verdict['criterion']}, {contrast}: with these labels a gap of {verdict['could_see']:.2f} would be seen with 80 % power."
                )


def _plain(columns: Sequence[str]) -> RichTable:
    table = RichTable(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(_text(column), overflow="fold")
    return table


def _table(block: Table) -> RichTable:
    table = _plain(block.columns)
    for row in block.rows:
        table.add_row(*(_text(_marked(cell)) for cell in row))
    return table


def _marked(cell: Cell) -> str:
    return f"{cell.mark} {cell.text}" if cell.mark else cell.text


def _text(text: str, style: str = "") -> RichText:
    return RichText(printable(text), style=style)
