"""Verbs that ask a judge, or hold one against humans: judge, validate."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli.output import JSON, note, progress_bar, say, say_json
from judgefair.errors import BudgetError, UsageError

if TYPE_CHECKING:
    from judgefair.runs import Progress
    from judgefair.validation import Check, Validation

ModelOption = Annotated[str, typer.Option("--model", help="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.")]
KeyEnv = Annotated[str, typer.Option("--key-env", help="Environment variable that holds the key.")]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="At most so many requests in flight.")]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", min=0, help="Stop before more calls than this.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=0, help="Stop once so many tokens are spent.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one request may take.")]
Attempts = Annotated[int, typer.Option("--attempts", min=1, help="How often the identical prompt is sent before giving up.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Date of the run, kept in its manifest; today where not given.")]
Cache = Annotated[bool, typer.Option("--cache/--no-cache", help="Use and keep replies across runs.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("judge")(judge_)
    app.command()(validate)


def judge_(
    program: Annotated[Path, typer.Option("--program", help="A judge program that `compile` wrote.")],
    items: Annotated[
        Path,
        typer.Option(
            "--items", help="items.jsonl (item_id, query, response, populations?, scenario_id?), or a run's items.parquet."
        ),
    ],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", help="Run folder; the same command again resumes.")],
    concurrency: Concurrency = 8,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Judgments of each item.")] = 1,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    key_env: KeyEnv = "OPENAI_API_KEY",
    timeout: Timeout = 600,
    attempts: Attempts = 6,
    cache: Cache = True,
    as_of: AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Judge items and write ratings.parquet; every reply is kept as it lands, and none is paid twice."""
    from judgefair.calibration import read_items
    from judgefair.compile import load_program
    from judgefair.models import choose_model
    from judgefair.models.budget import Budget
    from judgefair.models.retry import RetryPolicy
    from judgefair.runs import judge
    from judgefair.runs.respond_stage import read_system
    from judgefair.runs.tables import ITEMS, read_run_items

    loaded, system = load_program(program), {}
    if items.name == ITEMS:  # of simulated users, with what is known of the system that answered them
        read, system = read_run_items(items.parent), read_system(items.parent)
    else:
        read = read_items(items)
    chosen = choose_model(model, key_env=key_env, timeout=timeout)
    with progress_bar("judging") as update:
        judged = judge(
            loaded, read, chosen, out,
            concurrency=concurrency, replicates=replicates, budget=Budget(max_calls, max_tokens),
            policy=RetryPolicy(attempts), use_cache=cache, as_of=as_of, beside=system, on_progress=update,
        )  # fmt: skip
    result = {"run": str(out), "ratings": str(out / "ratings.parquet"), **_spent(judged.progress)}
    if as_json:
        say_json(result)
    else:
        say(
            f"{result['ratings']}: {len(judged.ratings):,} ratings by {chosen.name}, {sum(judged.progress.missing.values()):,} missing"
        )
    _stop_on_missing(judged.progress.missing, len(judged.ratings), loaded.rubric.validity.max_unparsable_rate)


def validate(
    program: Annotated[Path | None, typer.Option("--program", help="A judge program that `compile` wrote.")] = None,
    set_id: Annotated[str | None, typer.Option("--set", help="A calibration set: its id or folder.")] = None,
    split: Annotated[
        str, typer.Option("--split", help="train, dev, test or all; test and all are looks, kept in the ledger.")
    ] = "test",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="For a pilot: at most so many items, in whole scenarios.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.")] = None,
    ratings: Annotated[
        Path | None, typer.Option("--ratings", help="A table of ratings, instead of program, set and model.")
    ] = None,
    judge: Annotated[str | None, typer.Option("--judge", help="With --ratings: rater_id of the judge.")] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option(
            "--scale",
            help="With --ratings: binary, nominal:a,b, ordinal:1-5, ordinal:low,mid,high, interval:0-100; or CRITERION=SCALE, repeated.",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", help="With --ratings: AXIS=GROUP to take gaps against.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run and its report; the same command again resumes.")] = ...,  # type: ignore[assignment]
    concurrency: Concurrency = 8,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    key_env: KeyEnv = "OPENAI_API_KEY",
    timeout: Timeout = 600,
    cache: Cache = True,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the resampling.")] = 0,
    as_of: AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Hold a judge against humans, overall and for each population, and write a report.

    With a program, a set and a model, the model judges the set. With --ratings, --judge and --scale nothing is asked:
    one rater of a table is held against the others.
    """
    import judgefair as jf
    from judgefair.models.budget import Budget
    from judgefair.validation import save_validation

    if ratings is not None:
        _refuse({"--program": program, "--set": set_id, "--model": model}, "--ratings")
        if judge is None or not scale:
            raise UsageError("--ratings needs --judge NAME (a rater_id of the table) and --scale, such as --scale ordinal:1-5")
        references = dict(_pair(text, "--reference", "AXIS=GROUP") for text in reference or [])
        given = jf.validate_ratings(ratings, judge, _scales(scale), references=references, as_of=as_of, seed=seed)
        save_validation(given, out)
        _report(given, out, as_json)
        return
    if program is None or set_id is None or model is None:
        raise UsageError("expected --program P.json --set ID --model M, or --ratings FILE --judge NAME --scale S")
    _refuse({"--judge": judge, "--scale": scale, "--reference": reference}, "--program")
    loaded, cset = jf.load_program(program), jf.load_calibration_set(set_id)
    chosen = jf.models.choose_model(model, key_env=key_env, timeout=timeout)
    with progress_bar(f"judging {cset.id}") as update:
        validation = jf.validate(
            loaded, cset, chosen, split=split, limit=limit, run=out, concurrency=concurrency, budget=Budget(max_calls, max_tokens),
            use_cache=cache, as_of=as_of, seed=seed, on_progress=update,
        )  # fmt: skip
    _report(validation, out, as_json)
    by_judge = validation.ratings[validation.ratings["rater_kind"] == "judge"]
    _stop_on_missing(Counter(by_judge["missing"]), len(by_judge), loaded.rubric.validity.max_unparsable_rate)
    if not validation.passes:
        open_checks = [check for check in validation.gate if check.status != "passed"]
        note(
            f"judgefair: {chosen.name} did not pass the validity gate of {loaded.rubric.id} on {cset.id}: "
            f"{len(open_checks):,} of {len(validation.gate):,} checks, such as {_about(open_checks[0])}. The report lists them"
        )
        raise typer.Exit(3)


def _about(check: "Check") -> str:
    who = "all items" if check.population is None else ", ".join(f"{axis}: {group}" for axis, group in check.population.items())
    return f"{check.criterion}, {who}: {check.reason}"


def _report(validation: "Validation", out: Path, as_json: bool) -> None:
    from rich.console import Console

    from judgefair.reporting import build_report, write_report
    from judgefair.reporting.terminal import TerminalReport

    report = build_report(validation)
    path = write_report(report, out)
    if as_json:
        say_json(report.to_json())
    else:
        Console().print(TerminalReport(report))
        say(f"Report: {path}")


def _stop_on_missing(missing: Counter[str], n_ratings: int, allowed: float) -> None:
    """Exit code 4 where a budget ended the work, or more ratings are missing than the rubric allows."""
    if missing["over_budget"]:
        raise BudgetError(
            f"{missing['over_budget']:,} judgments are missing: the budget is used up. What had landed is kept; "
            "run the same command with a larger budget to go on"
        )
    lost = missing["unparsable"] + missing["backend_failure"]
    if lost > allowed * n_ratings:
        note(
            f"judgefair: {lost:,} of {n_ratings:,} ratings are missing ({missing['unparsable']:,} unparsable, "
            f"{missing['backend_failure']:,} failed), and the rubric allows {allowed:.1%}. "
            "Run the same command again to ask once more for what failed"
        )
        raise typer.Exit(4)


def _spent(progress: "Progress") -> dict[str, Any]:
    return {
        "judgments": progress.done, "reused": progress.reused, "calls": progress.budget.calls, "tokens": progress.budget.tokens,
        "missing": dict(progress.missing),
    }  # fmt: skip


def _scales(texts: list[str]) -> Any:
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    return dict(_pair(text, "--scale", "CRITERION=SCALE") for text in texts)


def _pair(text: str, option: str, expected: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError(f"{option} is '{text}'. Expected {expected}")
    return name, value


def _refuse(given: dict[str, Any], beside: str) -> None:
    for option, value in given.items():
        if value is not None and value != []:
            raise UsageError(f"{option} does not go with {beside}. Leave one of them out")
