"""What is this run folder, and may this process write to it?"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from judgefair.errors import InputError
from judgefair.runs.parquet import storing

MANIFEST, PROGRAM, SYSTEM, LOCK = "manifest.json", "program.json", "system.json", ".lock"


@contextmanager
def open_run(run: Path) -> Iterator[Path]:
    """Make the folder and hold its lock; a new one in which nothing was written goes again.

    Raises
    ------
    InputError : another process works in it, or it cannot be written.
    """
    is_new = not run.exists()
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(f"{run}: another process is working in this run folder. Wait for it, or choose another --out") from None
    except OSError as error:
        raise InputError(f"{run}: cannot be written ({error.strerror}). Choose another --out") from None
    try:
        yield run
    finally:
        lock.release()
        if is_new and [path.name for path in run.iterdir()] == [LOCK]:
            (run / LOCK).unlink()
            run.rmdir()


def write_manifest(run: Path, content: dict[str, Any], as_of: str | None = None) -> dict[str, Any]:
    """Write what the run is made of.

    The date `as_of` of an earlier start is kept, so that a rebuilt report has the same bytes; and so is what the `labels` in the
    folder are, which stages that know nothing of them must not turn into human ones.
    """
    earlier = read_manifest(run)
    kept = {"labels": earlier["labels"]} if "labels" in earlier else {}
    manifest = {
        "as_of": as_of or earlier.get("as_of") or date.today().isoformat(),
        "command": sys.argv[:1] and [Path(sys.argv[0]).name, *sys.argv[1:]],
        "judgefair": version("judgefair"),
        **kept,
        **content,
    }
    write_json(run / MANIFEST, manifest)
    return manifest


def read_manifest(run: Path) -> dict[str, Any]:
    """The manifest of a run; empty where there is none yet, InputError where it cannot be read."""
    path = run / MANIFEST
    manifest = read_json(path)
    if manifest is None:
        return {}
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: is no manifest of a run. Remove it, and run the command that filled {run} again")
    return manifest


def are_made_again(run: Path) -> bool:
    """Whether the labels in a run come back with its next stage: those of a calibration set, or of simulated raters."""
    manifest = read_manifest(run)
    return "set" in manifest or manifest.get("labels") == "simulated"


def read_system(run: Path) -> dict[str, Any]:
    """What the manifest is to say of the system that answered; empty where nothing was kept."""
    system = read_json(run / SYSTEM)
    return {} if system is None else {"system": system}


def read_json(path: Path) -> Any:
    """What a JSON file of a run holds; None where there is no such file, InputError where it cannot be read."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}). Remove it, and run the command that filled {path.parent} again"
        ) from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON whole or not at all; StoreError where it cannot be."""
    partial = path.with_name(f"{path.name}.partial")
    with storing(path, partial):
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        partial.replace(path)
