"""How often was a locked test split looked at, by which program? An append-only file, each line bound to the last."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from judgefair import folders
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint


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
    return len(looks) + 1


def read_looks(set_id: str) -> list[Look]:
    """All looks at the set's test split, oldest first; InputError where a line does not follow from the one before."""
    path = ledger_path(set_id)
    if not path.is_file():
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
    return looks


def ledger_path(set_id: str) -> Path:
    """The ledger of a set; it is kept for the user, not in the cache."""
    return folders.ledgers() / f"{folders.safe_name(set_id)}.jsonl"
