"""Verbs that bring people in: annotate export, annotate import."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from judgefair.cli.output import JSON, examples, say, say_json

EXPORT = "judgefair annotate export runs/tutor --n 200 --allocation worst-gap"
IMPORT = "judgefair annotate import runs/tutor export.json --raters raters.csv"
Run = Annotated[Path, typer.Argument(help="A run folder that judge or run filled.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        no_args_is_help=True, help="Have people label a random sample of a run's own items.", epilog=examples(EXPORT, IMPORT)
    )
    group.command("export", epilog=examples(EXPORT, f"{EXPORT} --format csv --out for_annotators"))(export)
    group.command("import", epilog=examples(IMPORT, "judgefair annotate import runs/tutor filled.csv"))(import_)
    app.add_typer(group, name="annotate")


def export(
    run: Run,
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="How many items.")],
    allocation: Annotated[
        str, typer.Option("--allocation", help="equal: as many of each population; worst-gap: most where the plan lacks most.")
    ] = "equal",
    format: Annotated[str, typer.Option("--format", help="label-studio or csv.")] = "label-studio",  # noqa: A002
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for what annotators get; RUN/annotation/N where left out.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the draw.")] = 0,
    as_json: bool = JSON,
) -> None:
    """Draw items at random, blind and in random order, and write a Label Studio project or a sheet."""
    from judgefair.errors import InputError, did_you_mean
    from judgefair.estimation.annotating import export_sample
    from judgefair.estimation.sampling import Allocation

    known = get_args(Allocation)
    if allocation not in known:
        raise InputError(f"--allocation is '{allocation}'.{did_you_mean(allocation, known)} Expected one of: {', '.join(known)}")
    sample = export_sample(run, n, allocation=allocation, format=format, out=out, seed=seed)  # type: ignore[arg-type]
    result = {
        "sample": sample.number,
        "items": sample.n,
        "by_population": sample.by_population,
        "files": list(map(str, sample.files)),
    }
    if as_json:
        say_json(result)
        return
    say(f"sample {sample.number}: {sample.n:,} items")
    for population, count in sample.by_population.items():
        say(f"  {population}: {count:,}")
    for path in sample.files:
        say(str(path))
    say(f"When they are annotated: judgefair annotate import {run} FILE [--raters raters.csv]")


def import_(
    run: Run,
    annotations: Annotated[
        Path, typer.Argument(metavar="FILE", help="Label Studio's JSON export, a filled sheet, or a folder of them.")
    ],
    raters: Annotated[Path | None, typer.Option("--raters", help="CSV: rater_id and one column an attribute.")] = None,
    as_json: bool = JSON,
) -> None:
    """Read annotations of the sample that is out; a partial or changed file is refused, and nothing of it kept."""
    from judgefair.estimation.annotating import import_annotations

    ratings, items, people = import_annotations(run, annotations, raters)
    if as_json:
        say_json({"run": str(run), "ratings": ratings, "items": items, "raters": people})
    else:
        say(f"{run}: {ratings:,} ratings of {items:,} items by {people:,} raters. Next: judgefair estimate {run}")
