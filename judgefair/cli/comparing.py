"""The verb that holds judges, or versions of a rubric, side by side: compare."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, note, progress_bar, say, say_json
from judgefair.errors import UsageError

if TYPE_CHECKING:
    from judgefair.comparison import VersionComparison
    from judgefair.reporting.report import Report
    from judgefair.rubric.rubric import Rubric


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "compare",
        epilog=examples(
            "judgefair compare runs/dices runs/hatecheck --out runs/matrix",
            "judgefair compare --rubric rubric_old rubric_new --set my_set --model gpt-4.1-mini --out runs/versions",
        ),
    )(compare_)


def compare_(
    ctx: typer.Context,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Folders that validate wrote; those of judge are flagged where not validated."),
    ] = None,
    rubric: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--rubric",
            metavar="V1 V2",
            help="In place of runs: two versions of a rubric, by which --model judges --set once each.",
        ),
    ] = None,
    set_id: Annotated[
        str | None,
        typer.Option("--set", autocompletion=completing.sets, help="With --rubric: a calibration set, by its id or folder."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            autocompletion=completing.splits,
            help="With --rubric: train, dev, test or all; test and all are looks, kept in the ledger.",
        ),
    ] = "dev",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="With --rubric: at most so many items, in whole scenarios.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            envvar=options.VARIABLE,
            autocompletion=completing.models,
            help="With --rubric: local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for comparison.html, comparison.md and comparison.json; with --rubric for the runs too, and needed.",
        ),
    ] = None,
    confidence: Annotated[
        float,
        typer.Option("--confidence", metavar="N", min=0.8, max=0.999, help="That all intervals of differences hold together."),
    ] = 0.95,
    concurrency: options.Concurrency = 8,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    prices: options.Prices = None,
    max_seconds: options.MaxSeconds = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    timeout: options.Timeout = 600,
    cache: options.Cache = True,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the resampling.")] = 0,
    as_of: options.AsOf = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the report as Markdown, for a pull request.")] = False,
    as_json: bool = JSON,
) -> None:
    """Judges by contexts: agreement, gaps of judge error, gate, and which judge is better where. Nothing is averaged over contexts.

    With --rubric, two versions of a rubric: what they say differently, what that moved in one judge's ratings, and for whom.
    """
    if markdown and as_json:
        raise UsageError("--markdown and --json each take all of stdout. Choose one; --out DIR writes both")
    if rubric is None:
        _refuse_with_runs({"--set": set_id, "--model": options.typed(ctx, "model", model), "--limit": limit})
        if not runs:
            raise UsageError("expected RUN..., or --rubric V1 V2 --set ID --model M --out DIR")
        from judgefair.comparison import compare, comparison_document, comparison_report, write_comparison

        found = compare(runs, as_of=as_of, seed=seed, confidence=confidence)
        path = None if out is None else write_comparison(found, out)
        report = comparison_report(found)
        _print(report, comparison_document(found, report), path, markdown, as_json)
        return
    if runs:
        raise UsageError(
            f"--rubric judges two versions of a rubric anew, and {', '.join(map(str, runs))} is judged already. Leave one of them out"
        )
    if set_id is None or model is None:
        raise UsageError("--rubric V1 V2 needs --set ID, whose items are judged, and --model M, which judges them")
    if out is None:
        raise UsageError(
            "--rubric needs --out DIR: what is judged is kept there, so that the same command goes on and nothing is paid twice"
        )
    from judgefair.calibration import load_calibration_set
    from judgefair.comparison import compare_versions, version_document, version_report, write_versions
    from judgefair.rubric import load_rubric

    old, new = map(load_rubric, rubric)
    cset, chosen = load_calibration_set(set_id), options.model_named(model, key_env, key_file, timeout)
    with progress_bar(f"judging {cset.id} by both versions") as update:
        versions = compare_versions(
            old, new, cset, chosen, out, split=split, limit=limit, concurrency=concurrency,
            budget=options.budget(max_calls, max_tokens, max_cost, max_seconds, prices), limits=options.limits(rpm, tpm),
            use_cache=cache, seed=seed, confidence=confidence, as_of=as_of, on_progress=update,
        )  # fmt: skip
    path = write_versions(versions, out)
    report = version_report(versions)
    _print(report, version_document(versions, report), path, markdown, as_json)
    _stop_on_missing(versions, old, new)


def _refuse_with_runs(given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise UsageError(
                f"{option} goes with --rubric V1 V2: runs are judged already. Leave it out, or name two versions of a rubric"
            )


def _print(report: "Report", document: Mapping[str, Any], path: Path | None, markdown: bool, as_json: bool) -> None:
    if as_json:
        say_json(document)
    elif markdown:
        from judgefair.reporting.markdown import to_markdown

        say(to_markdown(report).rstrip("\n"))
    else:
        from rich.console import Console

        from judgefair.reporting.terminal import TerminalReport

        Console().print(TerminalReport(report))
        say("Written nowhere: --out DIR keeps the report." if path is None else f"Report: {path}")


def _stop_on_missing(versions: "VersionComparison", old: "Rubric", new: "Rubric") -> None:
    """Exit code 4 where more ratings by a version are missing than it allows."""
    allowed = (old.validity.max_unparsable_rate, new.validity.max_unparsable_rate)
    parts = zip((versions.old, versions.new), versions.missing, versions.n_ratings, allowed, strict=True)
    too_many = False
    for name, missing, n_ratings, share in parts:
        by_reason = Counter(missing)
        lost = by_reason["unparsable"] + by_reason["backend_failure"]
        if lost > share * n_ratings:
            too_many = True
            note(
                f"judgefair: {lost:,} of {n_ratings:,} ratings by {name} are missing ({by_reason['unparsable']:,} unparsable, "
                f"{by_reason['backend_failure']:,} failed), and it allows {share:.1%}. Run the same command again to ask once more for what failed"
            )
    if too_many:
        raise typer.Exit(4)
