"""The verb that shows everything on the embedded model: demo."""

from pathlib import Path
from typing import Annotated

import typer

from judgefair.cli.output import JSON, note, progress_bar, say, say_json

RUBRIC, SET = "writing_tutor", "writing_tutor_anchors"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the demo's runs.")] = Path("demo"),
    model: Annotated[str, typer.Option("--model", help="Another judge than the embedded one.")] = "local",
    as_json: bool = JSON,
) -> None:
    """Hold the embedded model, as a judge of a writing tutor, against a small set with constructed labels."""
    import judgefair as jf
    from judgefair.estimation import estimate
    from judgefair.models.embedded import SLOTS, WEIGHTS, pull
    from judgefair.reporting import write_report

    if model == "local" and not WEIGHTS.is_here:
        note(f"Fetching the embedded model ({WEIGHTS.name}, 98 MB) ...")
        pull()
    program = jf.compile_judge(jf.load_rubric(RUBRIC))
    run = out / "real"
    program_path = run / "program.json"
    program.save(program_path)
    with progress_bar(f"judging {SET}") as update:
        jf.validate(
            program, jf.load_calibration_set(SET), jf.models.choose_model(model),
            split="all", run=run, concurrency=SLOTS, on_progress=update,
        )  # fmt: skip
    estimate(run)
    report = jf.build_report(run)
    path = write_report(report, run)
    if as_json:
        say_json(report.to_json())
    else:
        say(f"{report.headline}\nReport: {path.resolve()}")
