"""Verbs that turn ratings into verdicts, and say what would settle the open ones: estimate, plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli.output import JSON, examples, note, say, say_json
from judgefair.errors import UsageError

if TYPE_CHECKING:
    from judgefair.estimation import Estimation, Plan

Run = Annotated[Path, typer.Argument(help="A run folder that judge or validate filled.")]
FromValidation = Annotated[
    Path | None,
    typer.Option("--validation", help="Run folder of validate, whose judge error is carried over where the run has no labels."),
]
Ratings = Annotated[
    Path | None, typer.Option("--ratings", help="Human ratings of the run's items: item_id, criterion, rater_id, value.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the resampling.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(
        "estimate",
        epilog=examples(
            "judgefair estimate runs/mine --ratings human_labels.csv", "judgefair estimate runs/mine --validation runs/dices"
        ),
    )(estimate_)
    app.command(
        "plan",
        epilog=examples(
            "judgefair plan runs/mine", "judgefair plan --sd 1 --correlation 0.6 --items 500 --populations 4 --tolerance 0.25"
        ),
    )(plan_)


def estimate_(
    run: Run,
    validation: FromValidation = None,
    ratings: Ratings = None,
    confidence: Annotated[
        float, typer.Option("--confidence", metavar="N", min=0.8, max=0.999, help="1 - alpha of the family of verdicts.")
    ] = 0.95,
    seed: Seed = 0,
    as_json: bool = JSON,
) -> None:
    """Gaps between populations, corrected for the judge, and a verdict for each contrast the rubric declares.

    Human labels are those in the run (from validate, or --ratings), or else those of --validation. Exit code 3 where the
    judge's error had to be carried over and the judge did not pass the gate.
    """
    from rich.console import Console

    from judgefair.estimation import estimate
    from judgefair.reporting.terminal import VerdictTable

    found = estimate(run, validation=validation, ratings=ratings, confidence=confidence, seed=seed)
    if as_json:
        say_json(found.to_json())
    else:
        Console().print(VerdictTable(found))
        say(f"{run / 'estimation.json'} written. Next: judgefair report {run}")
    if found.scope["gate_blocks"]:
        note(
            "judgefair: the judge did not pass the validity gate of its rubric, so that its error may not be carried over to this run"
        )
        raise typer.Exit(3)


def plan_(
    run: Annotated[Path | None, typer.Argument(help="A run folder with some human labels: the pilot.")] = None,
    validation: FromValidation = None,
    ratings: Ratings = None,
    populations: Annotated[
        int | None,
        typer.Option(
            "--populations", metavar="N", min=2, help="Without a run: populations, the reference included; 2 unless told."
        ),
    ] = None,
    sd: Annotated[
        float | None,
        typer.Option("--sd", metavar="N", min=0.0, help="Without a run: standard deviation of human labels, in scale points."),
    ] = None,
    correlation: Annotated[
        float | None,
        typer.Option(
            "--correlation", metavar="N", min=-1.0, max=1.0, help="Without a run: of judge and human labels; 0 unless told."
        ),
    ] = None,
    items: Annotated[
        int | None,
        typer.Option("--items", metavar="N", min=1, help="Without a run: items of each population that the judge rates."),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="Without a run: the half-width wanted, in scale points.")
    ] = None,
    seed: Seed = 0,
    as_json: bool = JSON,
) -> None:
    """How many human labels of which populations bring every corrected gap within the tolerance. Nothing is written.

    From a pilot (a run with some labels), or from assumptions: --sd, --correlation, --items and --tolerance.
    """
    from rich.console import Console

    from judgefair.reporting.terminal import PlanTable

    if run is not None:
        if any(assumed is not None for assumed in (populations, sd, correlation, items, tolerance)):
            raise UsageError(
                "--sd, --tolerance and the like are assumptions in place of a run. Give a run folder, or the assumptions"
            )
        plans, could_see = _from_pilot(run, validation, ratings, seed)
    else:
        if validation is not None or ratings is not None:
            raise UsageError("--validation and --ratings belong to a run. Give its folder, or assumptions without them")
        if sd is None or tolerance is None:
            raise UsageError(
                "expected a run folder, or assumptions: --sd 1.0 --tolerance 0.25 [--correlation 0.6 --items 500 --populations 4]"
            )
        plans, could_see = [_assumed(populations or 2, sd, correlation or 0.0, items, tolerance)], []
    if as_json:
        from dataclasses import asdict

        say_json({"plans": [asdict(plan) for plan in plans], "could_see": could_see})
    else:
        Console().print(PlanTable(plans, could_see))


def _from_pilot(run: Path, validation: Path | None, ratings: Path | None, seed: int) -> tuple[list["Plan"], list[dict[str, Any]]]:
    from judgefair.estimation import pilot

    found: Estimation = pilot(run, validation=validation, ratings=ratings, seed=seed)
    could_see = [
        {name: verdict[name] for name in ("criterion", "population", "contrast", "could_see")}
        for verdict in found.to_json()["verdicts"]
    ]
    return list(found.plans), could_see


def _assumed(n_populations: int, sd: float, correlation: float, items: int | None, tolerance: float) -> "Plan":
    from judgefair.estimation import Plan
    from judgefair.statistics import plan_labels, spread_from

    names = ["reference", *(f"population {k}" for k in range(1, n_populations))]
    try:
        planned = plan_labels({name: spread_from(sd, correlation, items) for name in names}, "reference", tolerance)
    except ValueError as error:
        raise UsageError(f"--tolerance: {error}") from None
    return Plan(
        "assumed", "populations", "reference", tolerance, dict.fromkeys(names, 0), dict(planned.labels), dict(planned.half_widths),
        planned.equal_split, None, planned.reason,
    )  # fmt: skip
