"""Verbs on what a researcher writes: init, check, compile."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, note, progress_bar, say, say_json
from judgefair.errors import InputError, JudgefairError, UsageError

YAML = {".yaml", ".yml"}
TABLES = {".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog=examples("judgefair init my_rubric"))(init)
    app.command(epilog=examples("judgefair check my_rubric", "judgefair check rubric.yaml study.yaml ratings.csv"))(check)
    app.command(
        "compile",
        epilog=examples(
            "judgefair compile my_rubric --out program.json",
            "judgefair compile chat_safety --set dices_350 --optimizer gepa --model gpt-4.1-mini --reflection-model gpt-4.1 "
            "--out better.json",
        ),
    )(compile_)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write the starter into.")], as_json: bool = JSON
) -> None:
    """Write a commented rubric to start from; it passes `check` as it is."""
    from judgefair.rubric.starter import write_starter

    written = list(map(str, write_starter(folder)))
    if as_json:
        say_json({"files": written})
    for path in [] if as_json else written:
        say(path)
    note(f"Edit {folder / 'rubric.yaml'}, then: judgefair check {folder}")


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Rubrics, studies, cards or tables of ratings.")],
    as_json: bool = JSON,
) -> None:
    """Check files: a rubric, a study, a calibration set's card, or a table of ratings.

    Every problem of every file is told; exit code 1 where there is one. Of a table it says what the file supports, what it does
    not, and which column would unlock it.
    """
    results: list[dict[str, Any]] = []
    for path in paths:
        try:
            results.append({"path": str(path), "ok": True, **_checked(path)})
        except JudgefairError as error:
            results.append({"path": str(path), "ok": False, "errors": str(error).splitlines()})
    if as_json:
        say_json(results)
    else:
        for result in results:
            _tell(result)
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


def compile_(
    ctx: typer.Context,
    rubric: options.Rubric,
    out: Annotated[Path, typer.Option("--out", help="Where to write the judge program.")],
    optimizer: Annotated[
        str | None,
        typer.Option(
            "--optimizer",
            autocompletion=completing.optimizers,
            help="labeled_few_shot, bootstrap, bootstrap_random_search, gepa, mipro, copro, simba or isotonic: learn from --set.",
        ),
    ] = None,
    set_id: Annotated[
        str | None,
        typer.Option(
            "--set", autocompletion=completing.sets, help="A calibration set to learn from: train and dev alone, never test."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            envvar=options.VARIABLE,
            autocompletion=completing.models,
            help="The judge: local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.",
        ),
    ] = None,
    reflection_model: Annotated[
        str | None,
        typer.Option(
            "--reflection-model",
            autocompletion=completing.models,
            help="The model that proposes words, for gepa, mipro, copro and simba.",
        ),
    ] = None,
    effort: Annotated[
        Literal["light", "medium", "heavy"],
        typer.Option("--effort", metavar="HOW", help="How much the optimiser tries: light, medium or heavy."),
    ] = "light",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Folder of the journal; the same command again resumes. Beside --out where left out."),
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
    seed: Annotated[int, typer.Option("--seed", help="Seed of the optimiser's draws.")] = 0,
    as_of: options.AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Compile a rubric into a judge program (JSON), and with --optimizer have it learn from a calibration set.

    An optimiser sees the set's train and dev splits. What it comes to is kept only where dev shows a gain in agreement
    beyond its interval; otherwise the plain program is written, and says so.
    """
    from judgefair.compile import compile_judge
    from judgefair.rubric import check_rubric

    given = {"--set": set_id, "--model": model}
    if optimizer is None and any(
        part is not None for part in (set_id, options.typed(ctx, "model", model), reflection_model, run)
    ):
        raise UsageError("--set, --model, --reflection-model and --run go with --optimizer NAME")
    lacking = [name for name, value in given.items() if value is None] if optimizer else []
    if lacking:
        raise UsageError(f"--optimizer needs {' and '.join(lacking)}")
    checked, warnings = check_rubric(rubric)
    for warning in warnings:
        note(f"warning: {warning}")
    program, learned = compile_judge(checked), None
    if optimizer is not None and set_id is not None and model is not None:
        from judgefair.calibration import load_calibration_set
        from judgefair.runs.optimise_stage import optimise

        cset = load_calibration_set(set_id)
        chosen = options.model_named(model, key_env, key_file, timeout)
        reflection = options.model_named(reflection_model, key_env, key_file, timeout) if reflection_model else None
        with progress_bar(f"optimising by {optimizer}") as update:
            learned = optimise(
                program, cset.take("train"), cset.take("dev"), chosen, run or out.with_name(f"{out.stem}.{optimizer}"),
                optimizer=optimizer, reflection=reflection, effort=effort, seed=seed, concurrency=concurrency,
                budget=options.budget(max_calls, max_tokens, max_cost, max_seconds, prices), limits=options.limits(rpm, tpm),
                use_cache=cache, as_of=as_of, on_progress=update,
            )  # fmt: skip
        program = learned.program
    program.save(out)
    result: dict[str, Any] = {
        "program": str(out),
        "fingerprint": program.fingerprint,
        "rubric": checked.id,
        "version": checked.version,
        "calls": list(program.prompts),
    }
    if learned is not None:
        result |= {"optimizer": optimizer, "outcomes": {outcome.call: outcome.to_json() for outcome in learned.outcomes}}
    if as_json:
        say_json(result)
        return
    say(f"{out}: {checked.id} {checked.version}, {program.n_calls} call(s) an item, fingerprint {program.fingerprint[:12]}")
    for outcome in learned.outcomes if learned else []:
        say(outcome.in_words())
        if outcome.accepted and outcome.advice:
            say(f"  advice, to be read before use:\n{outcome.advice}")


def _checked(path: Path) -> dict[str, Any]:
    if path.suffix.lower() in TABLES and path.name != "items.jsonl":
        from judgefair.calibration.support import supported

        return {"kind": "ratings", **supported(path)}
    if (path / "card.yaml").is_file() or path.name == "card.yaml":
        return _checked_set(path if path.is_dir() else path.parent)
    if path.suffix in YAML and _is_study(path):
        return _checked_study(path)
    if (path / "rubric.yaml").is_file() or path.suffix in YAML:
        from judgefair.rubric import check_rubric

        rubric, warnings = check_rubric(path)
        return {
            "kind": "rubric",
            "id": rubric.id,
            "version": rubric.version,
            "fingerprint": rubric.fingerprint,
            "warnings": warnings,
        }
    raise InputError(
        f"{path}: nothing to check. Expected a folder with rubric.yaml or card.yaml, such a file, a study, or a table of ratings "
        "(.csv, .jsonl, .parquet)"
    )


def _is_study(path: Path) -> bool:
    from judgefair.rubric.strict_yaml import read_yaml

    content = read_yaml(path).data
    return path.name == "study.yaml" or (isinstance(content, dict) and "systems" in content)


def _checked_study(path: Path) -> dict[str, Any]:
    """A study, and what it names beside it; no system is opened, and nothing of it is run."""
    from judgefair.calibration import find_set
    from judgefair.compile import load_program
    from judgefair.rubric import check_rubric
    from judgefair.simulate import plan
    from judgefair.study import load_study

    study = load_study(path)

    def found(source: str) -> Path | str:
        beside = path.resolve().parent / source
        return beside if beside.exists() else source

    rubric, warnings = check_rubric(found(study.rubric))
    asked = study.plan
    plan(
        rubric,
        asked.scenarios,
        strength=asked.strength,
        axes=asked.axes,
        cues=asked.cues,
        placebos=asked.placebos,
        seed=study.seed,
    )
    for judge in study.judges:
        if judge.program is not None:
            load_program(found(judge.program), rubric)
    if study.calibration.set is not None:
        find_set(found(study.calibration.set))
    return {
        "kind": "study", "id": study.id, "rubric": rubric.id, "version": rubric.version, "systems": [one.id for one in study.systems],
        "judges": [one.model for one in study.judges], "warnings": warnings,
    }  # fmt: skip


def _checked_set(folder: Path) -> dict[str, Any]:
    from judgefair.calibration import load_calibration_set
    from judgefair.calibration.card import read_card

    card = read_card(folder / "card.yaml")
    found: dict[str, Any] = {"kind": "card", "id": card.id, "labels": card.labels}
    if card.source.kind == "files":
        cset = load_calibration_set(folder)
        found |= {"items": len(cset.items), "ratings": len(cset.ratings)}
    return found


def _tell(result: dict[str, Any]) -> None:
    if not result["ok"]:
        for error in result["errors"]:
            note(error)
        return
    extras = {
        "rubric": lambda r: f"rubric {r['id']} {r['version']}, fingerprint {r['fingerprint'][:12]}",
        "study": lambda r: f"study {r['id']} of rubric {r['rubric']} {r['version']}",
        "ratings": lambda r: f"{r['summary']}",
    }
    say(f"{result['path']}: ok, " + extras.get(result["kind"], lambda r: f"set {r['id']}, labels {r['labels']}")(result))
    for warning in result.get("warnings", []):
        note(f"warning: {warning}")
    for line in result.get("supports", []):
        say(f"  {'yes' if line['supported'] else 'no '}  {line['what']}: {line['why']}")
