"""The verb that shows everything in five minutes: demo."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from judgefair.cli import completing
from judgefair.cli.output import JSON, examples, note, say, say_json
from judgefair.cli.studying import study_progress

STUDIES = {"planted": "planted.yaml", "real": "study.yaml"}
ABOUT = {
    "planted": "A simulation: system, raters and judge are scripted, with a gap and a judge bias that were planted. Are they found?",
    "real": "The embedded model answers simulated students, and judges its own answers. How far can it be trusted?",
}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog=examples("judgefair demo --out demo", "judgefair demo --model scripted:hash --json"))(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the demo's runs.")] = Path("demo"),
    model: Annotated[
        str,
        typer.Option(
            "--model", autocompletion=completing.models, help="Another model than the embedded one, as system and as judge."
        ),
    ] = "local",
    as_json: bool = JSON,
) -> None:
    """Two small studies of a writing tutor: one whose truth is planted and found again, one on the embedded model."""
    from judgefair import folders
    from judgefair.models.embedded import WEIGHTS, pull
    from judgefair.reporting.terminal import closing_words
    from judgefair.study import run_study

    if model == "local" and not WEIGHTS.is_here:
        note(f"Fetching the embedded model ({WEIGHTS.name}, 98 MB) ...")
        pull()
    told: dict[str, Any] = {}
    for name, file in STUDIES.items():
        note(ABOUT[name])
        with study_progress() as on_progress:
            study = folders.shipped("rubrics") / "writing_tutor" / file
            folder = run_study(study, out / name, instead={"local": model}, on_progress=on_progress)
        told[name] = json.loads((folder / "report.json").read_text("utf-8"))
        if not as_json:
            say(f"{ABOUT[name]}\n{closing_words(told[name])}\nReport: {(folder / 'report.html').resolve()}\n")
    if as_json:
        say_json(told)
