"""Verbs that ask a judge, or hold one against humans: judge, validate."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, note, progress_bar, say, say_json
from judgefair.errors import BudgetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgefair.records import Item
    from judgefair.runs.engines import Engine
    from judgefair.validation import Check, Validation

Via = Annotated[
    Literal["online", "batch"], typer.Option("--via", metavar="HOW", help="online, or batch: the same requests by the Batch API.")
]
EngineName = Annotated[
    Literal["local", "ray"], typer.Option("--engine", metavar="WHERE", help="local: this process; ray: a Ray cluster.")
]
Address = Annotated[str | None, typer.Option("--address", help="With --engine ray: the cluster; one of its own where left out.")]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="With --engine ray: how many; one a CPU where left out.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(
        "judge",
        epilog=examples(
            "judgefair judge --program program.json --items items.jsonl --model gpt-4.1-mini --out runs/mine",
            "judgefair judge --program program.json --items items.jsonl --model scripted:hash --out runs/tried --json",
        ),
    )(judge_)
    app.command(
        epilog=examples(
            "judgefair validate --ratings ratings.csv --judge gpt-4 --scale ordinal:1-5 --out checked",
            "judgefair validate --program program.json --set dices_350 --split dev --model gpt-4.1-mini --out runs/dices",
        )
    )(validate)


def judge_(
    program: Annotated[Path, typer.Option("--program", help="A judge program that `compile` wrote.")],
    items: Annotated[
        Path,
        typer.Option(
            "--items",
            help="items.jsonl (item_id, query, response, second_response?, populations?, scenario_id?), or a run's items.parquet.",
        ),
    ],
    model: options.ModelName,
    out: Annotated[Path, typer.Option("--out", help="Run folder; the same command again resumes.")],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", help="Items of another system that answered the same queries, for a rubric that compares two responses."
        ),
    ] = None,
    concurrency: options.Concurrency = 8,
    replicates: Annotated[int, typer.Option("--replicates", metavar="N", min=1, help="Judgments of each item.")] = 1,
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
    call_seconds: options.CallSeconds = None,
    attempts: options.Attempts = 6,
    hedge_after: options.HedgeAfter = None,
    via: Via = "online",
    engine: EngineName = "local",
    address: Address = None,
    workers: Workers = None,
    cache: options.Cache = True,
    as_of: options.AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Judge items and write ratings.parquet; every reply is kept as it lands, and none is paid twice."""
    from judgefair.compile import load_program
    from judgefair.models.policy import RetryPolicy
    from judgefair.runs import judge
    from judgefair.runs.pairs import Paired

    loaded = load_program(program)
    read, system, name = _items(items)
    if against is not None:
        others, theirs, other = _items(against)
        read = Paired(read, others, (name, other) if name != other else (str(items), str(against)))
        system |= {"against": theirs.get("system", {"items": other})}
    chosen = options.model_named(model, key_env, key_file, timeout)
    with progress_bar("judging") as update:
        judged = judge(
            loaded, read, chosen, out,
            concurrency=concurrency, replicates=replicates, policy=RetryPolicy(attempts, call_seconds=call_seconds, hedge_after=hedge_after),
            budget=options.budget(max_calls, max_tokens, max_cost, max_seconds, prices), limits=options.limits(rpm, tpm),
            use_cache=cache, engine=_engine(via, engine, address, workers), as_of=as_of, beside=system, on_progress=update,
        )  # fmt: skip
    result = {"run": str(out), "ratings": str(out / "ratings.parquet"), **options.spent(judged.progress)}
    if as_json:
        say_json(result)
    else:
        say(
            f"{result['ratings']}: {judged.n_ratings:,} ratings by {chosen.name}, {sum(judged.progress.missing.values()):,} missing"
        )
        options.say_spent(judged.progress)
    _stop_on_missing(judged.progress.missing, judged.n_ratings, loaded.rubric.validity.max_unparsable_rate)


def validate(
    ctx: typer.Context,
    program: Annotated[Path | None, typer.Option("--program", help="A judge program that `compile` wrote.")] = None,
    set_id: Annotated[
        str | None, typer.Option("--set", autocompletion=completing.sets, help="A calibration set: its id or folder.")
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            autocompletion=completing.splits,
            help="train, dev, test or all; test and all are looks, kept in the ledger.",
        ),
    ] = "test",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="For a pilot: at most so many items, in whole scenarios.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            envvar=options.VARIABLE,
            autocompletion=completing.models,
            help="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.",
        ),
    ] = None,
    ratings: Annotated[
        Path | None, typer.Option("--ratings", help="A table of ratings, instead of program, set and model.")
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option("--judge", help="With --ratings: rater_id of the judge; with --panel repeated.")
    ] = None,
    panel: Annotated[
        Literal["mean", "median", "majority"] | None,
        typer.Option(
            "--panel",
            metavar="HOW",
            help="With several --judge: how their ratings are made into one, mean, median or majority; ties are left missing.",
        ),
    ] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option(
            "--scale",
            help="With --ratings: binary, nominal:a,b, ordinal:1-5, ordinal:low,mid,high, interval:0-100, pairwise:a,b,tie; or "
            "CRITERION=SCALE, repeated.",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", help="With --ratings: AXIS=GROUP to take gaps against.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run and its report; the same command again resumes.")] = ...,  # type: ignore[assignment]
    concurrency: options.Concurrency = 8,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    prices: options.Prices = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    timeout: options.Timeout = 600,
    cache: options.Cache = True,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the resampling.")] = 0,
    as_of: options.AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Hold a judge against humans, overall and for each population, and write a report.

    With a program, a set and a model, the model judges the set. With --ratings, --judge and --scale nothing is asked:
    one rater of a table, or several as a panel, is held against the others.
    """
    import judgefair as jf
    from judgefair.validation import save_validation

    if ratings is not None:
        _refuse({"--program": program, "--set": set_id, "--model": options.typed(ctx, "model", model)}, "--ratings")
        if not judge or not scale:
            raise UsageError("--ratings needs --judge NAME (a rater_id of the table) and --scale, such as --scale ordinal:1-5")
        if len(judge) > 1 and panel is None:
            raise UsageError(f"--judge names {len(judge)} raters. Choose --panel mean, median or majority, or name one of them")
        if len(judge) == 1 and panel is not None:
            raise UsageError(f"--panel {panel} needs two raters or more. Repeat --judge, or leave --panel out")
        references = dict(_pair(text, "--reference", "AXIS=GROUP") for text in reference or [])
        given = jf.validate_ratings(ratings, judge, _scales(scale), panel=panel, references=references, as_of=as_of, seed=seed)
        save_validation(given, out)
        _report(given, out, as_json)
        return
    if program is None or set_id is None or model is None:
        raise UsageError("expected --program P.json --set ID --model M, or --ratings FILE --judge NAME --scale S")
    _refuse({"--judge": judge, "--panel": panel, "--scale": scale, "--reference": reference}, "--program")
    loaded, cset = jf.load_program(program), jf.load_calibration_set(set_id)
    chosen = options.model_named(model, key_env, key_file, timeout)
    with progress_bar(f"judging {cset.id}") as update:
        validation = jf.validate(
            loaded, cset, chosen, split=split, limit=limit, run=out, concurrency=concurrency,
            budget=options.budget(max_calls, max_tokens, max_cost, None, prices), limits=options.limits(rpm, tpm),
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


def _items(path: Path) -> "tuple[Iterable[Item], dict[str, Any], str]":
    """The items of a file, what is known of the system that gave the responses, and what that is called."""
    from judgefair.calibration import ItemsFile
    from judgefair.runs.folder import read_system
    from judgefair.runs.items import ITEMS, ItemsTable

    if path.name != ITEMS:
        return ItemsFile(path), {}, path.stem
    system = read_system(path.parent)
    return ItemsTable(path), system, str(system["system"]["id"]) if "system" in system else path.parent.name


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


def _engine(via: str, engine: str, address: str | None, workers: int | None) -> "Engine | None":
    """Where the work is done; None is this process."""
    if engine != "ray" and (address is not None or workers is not None):
        raise UsageError("--address and --workers go with --engine ray")
    if via == "batch":
        if engine == "ray":
            raise UsageError("--via batch is worked through by the server. Leave --engine ray out")
        from judgefair.runs.engines.batch import batch

        return batch(tell=note)
    if engine == "ray":
        from judgefair.runs.engines.ray import ray_cluster

        return ray_cluster(address, workers)
    return None


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
