"""How often was a locked test split looked at, by which program? An append-only file, each line bound to the last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from judgefair import folders
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint

if TYPE_CHECKING:
    from judgefair.calibration.calibration_set import CalibrationSet

LOCKED = ("test", "all")


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a test split.

    Attributes
    ----------
    when : ISO 8601, UTC.
    program : fingerprint of the judge program.
    judge : name of the model.
    set, split, split_fingerprint : what was looked at.
    previous : sha256 of the line before, "" for the first.
    """

    when: str
    program: str
    judge: str
    set: str
    split: str
    split_fingerprint: str
    previous: str = ""


def record_look(look: Look) -> int:
    """Append a look to its set's ledger; the number of looks that are now in it."""
    path = ledger_path(look.set)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        looks = read_looks(look.set)
        previous = fingerprint(asdict(looks[-1])) if looks else ""
        line = json.dumps({**asdict(look), "previous": previous}, ensure_ascii=False)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        _write_head(look.set, len(looks) + 1, fingerprint(asdict(replace(look, previous=previous))))
    return len(looks) + 1


def look_at(cset: "CalibrationSet", program: str, judge: str) -> int:
    """Record that a split was looked at, now, where it is locked or holds what is; how many looks there are with it, else 0."""
    if cset.split not in LOCKED:
        return 0
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return record_look(Look(now, program, judge, cset.id, cset.split, cset.fingerprint))


def read_looks(set_id: str) -> list[Look]:
    """All looks at the set's test split, oldest first.

    Raises
    ------
    InputError : a line does not follow from the one before, or lines that were there are gone, or the whole file is.
    """
    path = ledger_path(set_id)
    if not path.is_file():
        _check_head(set_id, [])
        return []
    looks: list[Look] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            data: Mapping[str, str] = json.loads(line)
            look = Look(**data)
        except (ValueError, TypeError):
            raise InputError(
                f"{path}:{number}: not a line of the ledger. It was edited by hand; restore it from a backup"
            ) from None
        if look.previous != (fingerprint(asdict(looks[-1])) if looks else ""):
            raise InputError(
                f"{path}:{number}: does not follow from the line before. A look was edited or removed; restore the ledger from a backup"
            )
        looks.append(look)
    _check_head(set_id, looks)
    return looks


def _check_head(set_id: str, looks: Sequence[Look]) -> None:
    """InputError where the ledger ends before the last look that was written to it.

    What is kept of it is in the cache, away from the ledger: who deletes one does not delete the other by the way. It says
    nothing where the cache was emptied.
    """
    try:
        head = json.loads(_head_path(set_id).read_text("utf-8"))
        n, last = int(head["looks"]), str(head["last"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if n > len(looks) or (n and fingerprint(asdict(looks[n - 1])) != last):
        raise InputError(
            f"{ledger_path(set_id)}: holds {len(looks)} looks, and {n} were written to it. Looks were removed or changed, or the file "
            "was deleted; restore the ledger from a backup"
        )


def _write_head(set_id: str, n: int, last: str) -> None:
    path = _head_path(set_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps({"looks": n, "last": last}), "utf-8")
    partial.replace(path)


def _head_path(set_id: str) -> Path:
    return folders.cache() / "ledger_heads" / f"{folders.safe_name(set_id)}.json"


def ledger_path(set_id: str) -> Path:
    """The ledger of a set; it is kept for the user, not in the cache."""
    return folders.ledgers() / f"{folders.safe_name(set_id)}.jsonl"
