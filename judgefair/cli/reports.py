"""Verbs on what was made: report, plugins."""

from pathlib import Path
from typing import Annotated

import typer

from judgefair.cli.output import JSON, say, say_json


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(report)
    app.command()(plugins)


def report(
    run: Annotated[Path, typer.Argument(help="A run folder that validate or estimate filled.")], as_json: bool = JSON
) -> None:
    """Write report.html, report.md and report.json from what a run holds: its validation and, after estimate, its verdicts."""
    from judgefair.reporting import build_report, write_report

    found = build_report(run)
    path = write_report(found, run)
    if as_json:
        say_json(found.to_json())
    else:
        say(f"{found.headline}\nReport: {path}")


def plugins(as_json: bool = JSON) -> None:
    """What is plugged in: recipes, scale kinds and report sections, ours and those of other packages."""
    from judgefair.plugins import GROUPS, names

    found = {group: names(group) for group in GROUPS}
    if as_json:
        say_json(found)
        return
    for group, listed in found.items():
        say(f"{group}: {', '.join(listed)}")
