"""How does the command line speak? Results on stdout, progress and notes on stderr; no text steers the terminal."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from judgefair.records import printable, printable_json

if TYPE_CHECKING:
    from judgefair.runs import Progress

SHOWN_EVERY = 0.1  # seconds
JSON = typer.Option(False, "--json", help="Print the result as one JSON document.")


def say(text: str = "") -> None:
    """A line of the result."""
    typer.echo(printable(text))


def note(text: str) -> None:
    """A line beside the result."""
    typer.echo(printable(text), err=True)


def say_json(content: Any) -> None:
    """The result as one JSON document."""
    typer.echo(printable_json(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)))


def examples(*lines: str) -> str:
    """What stands under a verb's help; each line is a command that can be typed as it is, once its files are there."""
    return "\n\n".join([f"Example{'s' if len(lines) > 1 else ''}:", *lines])


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[["Progress"], None]]:
    """A bar on stderr with rate, time left, spend and notes; where stderr is no terminal, or a dumb one, a line every ten seconds.

    A total of 0 is one that nobody knows beforehand.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    can_draw = console.is_terminal and not console.is_dumb_terminal
    started, last_line, last_done, last_shown = time.monotonic(), [time.monotonic()], [0], [float("-inf")]
    told: list[str] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=not can_draw) as bar:
        task = bar.add_task(what, total=None, detail="")

        def update(progress: "Progress") -> None:
            while len(told) < len(progress.notes):
                told.append(progress.notes[len(told)])
                note(f"{what}: {told[-1]}")
            now = time.monotonic()
            if now - last_shown[0] < SHOWN_EVERY and progress.done != progress.total:  # drawing takes longer than a judgment
                return
            last_shown[0] = now
            asked = max(0, progress.done - progress.reused)  # what was found again is counted before it is settled
            rate = asked / max(time.monotonic() - started, 1e-9)
            missing = sum(progress.missing.values())
            spent = progress.budget
            cost = f", {spent.cost:,.2f} spent" if spent.prices else ""
            detail = f"{rate:,.1f}/s, {spent.calls:,} calls, {spent.tokens:,} tokens{cost}, {missing:,} missing"
            bar.update(task, completed=progress.done, total=progress.total or None, detail=detail)
            is_over = 0 < progress.total == progress.done and last_done[0] < progress.total
            last_done[0] = progress.done
            if not can_draw and (is_over or time.monotonic() - last_line[0] > 10):
                last_line[0] = time.monotonic()
                note(f"{what}: {progress.done:,}{f' of {progress.total:,}' if progress.total else ''} ({detail})")

        yield update
