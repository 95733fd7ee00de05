"""The verb that asks what moves a judge that should not: probe."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, note, progress_bar, say, say_json
from judgefair.errors import UsageError

if TYPE_CHECKING:
    from judgefair.probes import Probed


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "probe",
        epilog=examples(
            "judgefair probe --program program.json --set dices_350 --model gpt-4.1-mini --out runs/dices",
            "judgefair probe --program program.json --items items.jsonl --model scripted:hash --probe padding --out runs/probed",
        ),
    )(probe_)


def probe_(
    program: Annotated[Path, typer.Option("--program", help="A judge program that `compile` wrote.")],
    model: options.ModelName,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Folder for probes.json; that of `validate` adds the probes to its report. The same command again resumes.",
        ),
    ],
    set_id: Annotated[
        str | None,
        typer.Option("--set", autocompletion=completing.sets, help="A calibration set whose items are used: its id or folder."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            autocompletion=completing.splits,
            help="train, dev, test or all; test and all are looks, kept in the ledger.",
        ),
    ] = "dev",
    items: Annotated[
        Path | None, typer.Option("--items", help="items.jsonl, or a run's items.parquet, in place of --set.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="With --set: at most so many items, in whole scenarios.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--probe", autocompletion=completing.probes, help="This probe alone; repeated for several. `plugins` lists them."
        ),
    ] = None,
    paraphrased: Annotated[
        str | None,
        typer.Option(
            "--paraphrased", autocompletion=completing.rubrics, help="The same rubric in other words, for the probe `paraphrase`."
        ),
    ] = None,
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
    seed: Annotated[int, typer.Option("--seed", help="Seed of every draw.")] = 0,
    as_of: options.AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Put versions of items to a judge that a sound judge rates alike: padded, with another cue, levels in another order.

    Each is compared with a placebo that means nothing, by population. No human label is used.
    """
    from judgefair.calibration import ItemsFile, load_calibration_set
    from judgefair.calibration.ledger import look_at
    from judgefair.compile import load_program
    from judgefair.probes import probe
    from judgefair.records import Item
    from judgefair.rubric import load_rubric
    from judgefair.runs.items import ITEMS, ItemsTable

    if (set_id is None) == (items is None):
        raise UsageError("expected --set ID or --items FILE, and not both")
    loaded = load_program(program)
    chosen = options.model_named(model, key_env, key_file, timeout)
    asked: list[Item]
    if set_id is not None:
        cset = load_calibration_set(set_id)
        part = cset.take(split) if limit is None else cset.take(split).limit(limit)
        asked = list(part.items)
        looks = look_at(part, loaded.fingerprint, chosen.name)
        if looks:
            note(f"This is look {looks} at the locked test split of {cset.id}; the ledger holds them all.")
    elif items is not None:
        asked = [item for item in (ItemsTable(items) if items.name == ITEMS else ItemsFile(items)) if item.no_response is None]
    with progress_bar("probing") as update:
        found = probe(
            loaded, asked, chosen, out, names=only or None, paraphrased=load_rubric(paraphrased) if paraphrased else None,
            concurrency=concurrency, budget=options.budget(max_calls, max_tokens, max_cost, max_seconds, prices),
            limits=options.limits(rpm, tpm), use_cache=cache, seed=seed, as_of=as_of, on_progress=lambda _, progress: update(progress),
        )  # fmt: skip
    if as_json:
        say_json({"out": str(out), "probes": [one.to_json() for one in found]})
        return
    for one in found:
        for line in _told(one):
            say(line)


def _told(one: "Probed") -> Iterator[str]:
    """What a probe found, in words: its question, then where the judge was moved."""
    from judgefair.probes import is_moved
    from judgefair.statistics.estimate import signed

    if one.reason:
        yield f"{one.name}: not put to the judge: {one.reason}"
        return
    has_placebo = one.placebo != "none"
    excesses = [found for found in one.findings if found.estimate.estimand.endswith(".excess") and found.estimate.is_defined]
    told = [found for found in excesses if is_moved(found.estimate) or (not has_placebo and found.population is None)]
    yield f"{one.name}: {one.question}{'' if told else ' Not shown.'}"
    beyond = " beyond its placebo" if has_placebo else ""
    for finding in told:
        where = "all items" if finding.population is None else ", ".join(f"{a}: {g}" for a, g in finding.population.items())
        of = finding.estimate
        has_interval = of.low == of.low
        found = f"{signed(of.value)} [{signed(of.low)}, {signed(of.high)}]" if has_interval else signed(of.value)
        alike = "" if has_interval else ", the same in every scenario"
        yield f"  {finding.criterion}, {where}: {found} scale points{beyond}{alike}"
