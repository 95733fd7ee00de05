"""Verbs on what a researcher writes: init, check, compile."""

from pathlib import Path
from typing import Annotated, Any

import typer

from judgefair.cli.output import JSON, note, say, say_json
from judgefair.errors import InputError, JudgefairError

TABLES = {".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(init)
    app.command()(check)
    app.command("compile")(compile_)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write the starter into.")]) -> None:
    """Write a commented rubric to start from; it passes `check` as it is."""
    from judgefair.rubric.starter import write_starter

    for path in write_starter(folder):
        say(str(path))
    note(f"Edit {folder / 'rubric.yaml'}, then: judgefair check {folder}")


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Rubrics, cards or tables of ratings.")],
    as_json: bool = JSON,
) -> None:
    """Check files: a rubric, a calibration set's card, or a table of ratings.

    Of a table it says what the file supports, what it does not, and which column would unlock it.
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
    rubric: Annotated[str, typer.Argument(help="A rubric's folder, its file, or the id of a shipped one.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the judge program.")],
    as_json: bool = JSON,
) -> None:
    """Compile a rubric into a judge program (JSON)."""
    from judgefair.compile import compile_judge
    from judgefair.rubric import check_rubric

    checked, warnings = check_rubric(rubric)
    for warning in warnings:
        note(f"warning: {warning}")
    program = compile_judge(checked)
    program.save(out)
    result = {
        "program": str(out),
        "fingerprint": program.fingerprint,
        "rubric": checked.id,
        "version": checked.version,
        "calls": list(program.prompts),
    }
    if as_json:
        say_json(result)
    else:
        say(
            f"{out}: {checked.id} {checked.version}, {len(program.prompts)} call(s) an item, fingerprint {program.fingerprint[:12]}"
        )


def _checked(path: Path) -> dict[str, Any]:
    if path.suffix.lower() in TABLES and path.name != "items.jsonl":
        from judgefair.calibration.support import supported

        return {"kind": "ratings", **supported(path)}
    if (path / "card.yaml").is_file() or path.name == "card.yaml":
        return _checked_set(path if path.is_dir() else path.parent)
    if (path / "rubric.yaml").is_file() or path.suffix in {".yaml", ".yml"}:
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
        f"{path}: nothing to check. Expected a folder with rubric.yaml or card.yaml, such a file, or a table of ratings (.csv, .jsonl, .parquet)"
    )


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
        "ratings": lambda r: f"{r['summary']}",
    }
    say(f"{result['path']}: ok, " + extras.get(result["kind"], lambda r: f"set {r['id']}, labels {r['labels']}")(result))
    for warning in result.get("warnings", []):
        note(f"warning: {warning}")
    for line in result.get("supports", []):
        say(f"  {'yes' if line['supported'] else 'no '}  {line['what']}: {line['why']}")
