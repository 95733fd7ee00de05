"""Verbs from a rubric to verdicts: simulate, respond, run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from judgefair.cli import completing, gating, options
from judgefair.cli.output import JSON, examples, note, progress_bar, say, say_json
from judgefair.errors import BudgetError, UsageError

if TYPE_CHECKING:
    from judgefair.records import Query
    from judgefair.runs import Progress

MOST_IMBALANCE = 0.05
SIMULATE = "judgefair simulate writing_tutor --scenarios 50 --strength 2 --dry-run"
IMPORT = "judgefair simulate import logs.jsonl --rubric writing_tutor --card card.yaml --out logs"
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of everything that is drawn.")]


class _Simulate(TyperGroup):
    """`simulate RUBRIC` means `simulate users RUBRIC`."""

    default = "users"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb's own name before what is no subcommand."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The subcommands, and what the default one takes first."""
        return [*super().shell_complete(ctx, incomplete), *self.commands[self.default].params[0].shell_complete(ctx, incomplete)]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=_Simulate, no_args_is_help=True,
        epilog=examples(SIMULATE, IMPORT),
        help="Simulated users: simulate RUBRIC [--scenarios N --strength 2 --dry-run]; and real ones beside them: simulate import.",
    )  # fmt: skip
    group.command(
        _Simulate.default, epilog=examples(SIMULATE, "judgefair simulate writing_tutor --scenarios 50 --out runs/tutor")
    )(users)
    group.command("import", epilog=examples(IMPORT))(import_)
    app.add_typer(group, name="simulate")
    app.command(
        "respond",
        epilog=examples(
            "judgefair respond runs/tutor --set model=gpt-4.1-mini",
            "judgefair respond runs/tutor --target python --id tutor --set function=app:answer",
        ),
    )(respond_)
    app.command(
        "run",
        epilog=examples(
            "judgefair run study.yaml --dry-run",
            "judgefair run study.yaml --out runs/tutor",
            "judgefair run study.yaml --out runs/tutor --gate --junit judgefair.xml",
        ),
    )(run_)


def users(
    rubric: options.Rubric,
    scenarios: Annotated[int | None, typer.Option("--scenarios", help="How many; all the rubric has where left out.")] = None,
    strength: Annotated[
        int,
        typer.Option(
            "--strength",
            metavar="N",
            min=1,
            help="1 shows one axis at a time; 2 or more crosses axes, every combination of so many.",
        ),
    ] = 1,
    axis: Annotated[list[str] | None, typer.Option("--axis", help="Only this axis; repeated for more.")] = None,
    cue: Annotated[
        list[str] | None,
        typer.Option(
            "--cue", autocompletion=completing.cues, help="Only this channel: explicit, name, dialect, situation; repeated."
        ),
    ] = None,
    placebos: Annotated[bool, typer.Option("--placebos/--no-placebos", help="Say reference arms again in other words.")] = True,
    model: Annotated[
        str, typer.Option("--model", autocompletion=completing.models, help="template, or a model that rewrites queries.")
    ] = "template",
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader", autocompletion=completing.models, help="A model that checks rewritten queries; another than --model."
        ),
    ] = None,
    rerenders: Annotated[
        int, typer.Option("--rerenders", metavar="N", min=0, help="How often a query that fails a gate is rendered again.")
    ] = 2,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; the same command again resumes.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the design and write nothing.")] = False,
    sd: Annotated[
        float | None,
        typer.Option("--sd", metavar="N", min=0.0, help="For the smallest gap: standard deviation of labels, in scale points."),
    ] = None,
    concurrency: options.Concurrency = 8,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    prices: options.Prices = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    cache: options.Cache = True,
    seed: Seed = 0,
    as_json: bool = JSON,
) -> None:
    """Queries of simulated users, in blocks of one scenario that every population asks in turn; each is checked."""
    from judgefair.compile import compile_judge
    from judgefair.rubric import load_rubric
    from judgefair.simulate import describe, plan

    loaded = load_rubric(rubric)
    design = plan(loaded, scenarios, strength=strength, axes=axis or None, cues=cue or None, placebos=placebos, seed=seed)
    for line in design.notes:
        note(line)
    if dry_run:
        rewritten = [arm for arm in design.arms if arm.populations] if model != "template" else []
        checks = sum(1 + len(arm.populations) for arm in rewritten) if reader else 0  # what is asked, and each population
        by_stage = {
            "render": len(rewritten) * len(design.blocks), "check": checks * len(design.blocks), "respond": design.n_queries,
            "judge": design.n_queries * compile_judge(loaded).n_calls,
        }  # fmt: skip
        told = describe(design, loaded, sd) | {"calls": sum(by_stage.values()), "calls_by_stage": by_stage}
        if as_json:
            say_json(told)
        else:
            _say_design(told)
        return
    if out is None:
        raise UsageError("expected --out RUN to write queries to, or --dry-run to see the design")
    from judgefair.runs.simulate_stage import simulate

    over: list[int] = [0]
    with progress_bar("simulating users") as update:

        def on_progress(progress: "Progress") -> None:
            over[0] = progress.missing["over_budget"]
            update(progress)

        queries = simulate(
            loaded, design, out, renderer=None if model == "template" else options.model_named(model, key_env, key_file),
            reader=options.model_named(reader, key_env, key_file) if reader else None, rerenders=rerenders, concurrency=concurrency,
            budget=options.budget(max_calls, max_tokens, max_cost, None, prices), limits=options.limits(rpm, tpm),
            use_cache=cache, on_progress=on_progress,
        )  # fmt: skip
    _say_queries(queries, out, as_json)
    if over[0]:
        raise BudgetError(
            f"{over[0]:,} questions were not put: the budget is used up. Run the same command with a larger one, and it goes on from here"
        )


def import_(
    logs: Annotated[
        Path, typer.Argument(metavar="LOGS", help="CSV, JSONL or Parquet: query, pop.<axis>, and user_id, intent where known.")
    ],
    rubric: Annotated[
        str, typer.Option("--rubric", autocompletion=completing.rubrics, help="The rubric whose populations the users belong to.")
    ],
    card: Annotated[Path, typer.Option("--card", help="card.yaml: what the logs are, and who consented to their use.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to keep them in; name it in a study as plan.logs.")],
    as_json: bool = JSON,
) -> None:
    """Real users' queries, with consent on record, so that the mix as it is lived stands beside matched intent."""
    from judgefair.rubric import load_rubric
    from judgefair.runs.logs import import_logs

    queries = import_logs(logs, card, load_rubric(rubric).context, out)
    result = {"folder": str(out), "queries": len(queries), "users": len({query.scenario_id for query in queries})}
    if as_json:
        say_json(result)
    else:
        say(f"{out}: {len(queries):,} queries of {result['users']:,} users. Name the folder in a study: plan: {{logs: {out}}}")


def respond_(
    run: Annotated[Path, typer.Argument(help="A run folder that simulate filled.")],
    kind: Annotated[
        str,
        typer.Option("--target", autocompletion=completing.targets, help="chat, python, recorded, or the name of another kind."),
    ] = "chat",
    system: Annotated[str, typer.Option("--id", help="What the system is called.")] = "system",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the kind, such as model=NAME, function=app:answer, path=answers.csv; repeated."),
    ] = None,
    replicates: Annotated[int, typer.Option("--replicates", metavar="N", min=1, help="Answers to each query.")] = 1,
    refusal_judge: Annotated[
        str | None,
        typer.Option("--refusal-judge", autocompletion=completing.models, help="A model that tells refusals from answers."),
    ] = None,
    concurrency: options.Concurrency = 8,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    prices: options.Prices = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    cache: options.Cache = True,
    as_json: bool = JSON,
) -> None:
    """Put a run's queries to the system under evaluation; an error, a time-out or a refusal is kept as what it is."""
    from judgefair.rubric.strict_yaml import read_value
    from judgefair.runs.queries import items_of, read_queries
    from judgefair.runs.respond_stage import keep_answers, respond
    from judgefair.targets import make_target

    settings: dict[str, Any] = {}
    for text in setting or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set is '{text}'. Expected KEY=VALUE, such as model=gpt-4.1-mini")
        settings[name] = read_value(value)
    if kind == "chat":
        settings.setdefault("key_env", key_env)
        if key_file is not None:
            settings.setdefault("key_file", str(key_file))
    target, queries = make_target(system, kind, settings, Path()), read_queries(run)
    with progress_bar(f"{system} answers") as update:
        responses = respond(
            queries, target, run, replicates=replicates,
            refusal_judge=options.model_named(refusal_judge, key_env, key_file) if refusal_judge else None,
            concurrency=concurrency, budget=options.budget(max_calls, max_tokens, max_cost, None, prices),
            limits=options.limits(rpm, tpm), use_cache=cache, on_progress=update,
        )  # fmt: skip
    keep_answers(items_of(queries, responses), target, run)
    missing: dict[str, int] = {}
    for response in responses:
        if response.missing:
            missing[response.missing.reason] = missing.get(response.missing.reason, 0) + 1
    result = {"run": str(run), "responses": len(responses), "missing": missing, "system_fingerprint": target.fingerprint}
    if as_json:
        say_json(result)
    else:
        lost = ", ".join(f"{n:,} {reason}" for reason, n in missing.items()) or "none missing"
        say(f"{run / 'responses.parquet'}: {len(responses):,} responses, {lost}.")
        say(f"Next: judgefair judge --program P.json --items {run / 'items.parquet'} --model M --out {run}")
    if missing.get("over_budget"):
        raise BudgetError(
            f"{missing['over_budget']:,} queries were not put: the budget is used up. Run the same command with a larger one"
        )


def run_(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A study.yaml.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder; runs/<id> where left out. The same command again resumes.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print design, calls and price, and do nothing.")] = False,
    gate: gating.Gate = False,
    strict: gating.Strict = False,
    junit: gating.JUnit = None,
    cache: options.Cache = True,
    as_json: bool = JSON,
) -> None:
    """Everything a study file says, from simulated users to verdicts and one report.

    Exit code 3 where the judge's error had to be carried over and the judge did not pass the gate, 4 where a budget ended the
    work; with --gate, 5 where a verdict fails.
    """
    if dry_run and (gate or junit is not None):
        raise UsageError("--dry-run does nothing that --gate or --junit could hold to anything. Leave one of them out")
    gating.refuse_gate(strict, gate, junit)
    from judgefair.study import price, run_study

    if dry_run:
        told = price(study)
        if as_json:
            say_json(told)
        else:
            _say_design(told)
            _say_price(told)
        return
    import json

    from judgefair.cli.junit import write_junit
    from judgefair.reporting.terminal import closing_words

    with study_progress() as on_progress:
        folder = run_study(study, out, use_cache=cache, on_progress=on_progress)
    report = json.loads((folder / "report.json").read_text("utf-8"))
    if as_json:
        say_json(report)
    else:
        say(closing_words(report))
        say(f"Report: {(folder / 'report.html').resolve()}")
    held = gating.held_to(report, strict=strict)
    if junit is not None:
        write_junit(report, held, junit)
    gating.stop_on(report)
    if gate:
        gating.stop_on_failures(held)


class study_progress:  # noqa: N801 - read as a function, in a with
    """A bar for each stage in turn."""

    def __enter__(self) -> Any:
        """What a study calls with the name of each stage."""
        self._bar: Any = None
        return self._next

    def __exit__(self, *error: object) -> None:
        """End the last bar."""
        self._end()

    def _next(self, what: str) -> Any:
        self._end()
        self._bar = progress_bar(what)
        return self._bar.__enter__()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _say_design(told: dict[str, Any]) -> None:
    say(f"{told['rubric']}: {told['blocks']:,} scenarios, {told['arms']:,} arms each, {told['queries']:,} queries")
    say(f"strength {told['strength']}, {told['coverage']:.0%} of combinations covered, imbalance {told['imbalance']:.1%}")
    if told["imbalance"] > MOST_IMBALANCE:
        note(
            f"a gap on one axis may carry up to {told['imbalance']:.0%} of another axis' effect. Strength 1 carries none, "
            f"and {told['strength'] + 1} less"
        )
    for name in told["arm_names"]:
        say(f"  {name}")
    for criterion, gap in told["minimal_gap_by_criterion"].items():
        say(f"smallest gap that could be told on {criterion}: {gap:.2f} points, if humans labelled every item (80 % power)")
    say(f"calls: {told['calls']:,}")


def _say_price(told: dict[str, Any]) -> None:
    for row in told["by_stage"]:
        money = "price unknown" if row["price"] is None else f"{row['price']:,.2f}"
        say(f"  {row['stage']}, {row['model']}: {row['calls']:,} calls, about {sum(row['tokens'].values()):,} tokens, {money}")
    known = "unknown" if told["price"] is None else f"{told['price']:,.2f}"
    if told["price"] is not None and told["unpriced"]:
        known += f" and that of {', '.join(told['unpriced'])}"
    assumed = told["assumed_tokens"]
    say(
        f"price: {known} (taking {assumed['prompt']:,} tokens a prompt and {assumed['answer']:,} an answer; prices stand in the study file)"
    )


def _say_queries(queries: "list[Query]", out: Path, as_json: bool) -> None:
    kept = sum(query.kept for query in queries)
    rejected: dict[str, int] = {}
    for query in queries:
        if query.rejected_because:
            rejected[query.rejected_because] = rejected.get(query.rejected_because, 0) + 1
    blocks = {query.block_id for query in queries}, {query.block_id for query in queries if query.kept}
    result = {"run": str(out), "queries": len(queries), "kept": kept, "blocks": len(blocks[1]), "rejected_because": rejected}
    if as_json:
        say_json(result)
    else:
        say(f"{out / 'queries.parquet'}: {kept:,} queries kept, {len(blocks[1]):,} of {len(blocks[0]):,} scenarios whole")
        for because, n in sorted(rejected.items(), key=lambda entry: -entry[1])[:5]:
            say(f"  {n:,} rejected: {because}")
        say(f"Next: judgefair respond {out} --set model=NAME")
