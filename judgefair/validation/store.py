"""Keep a validation in a run folder, and read it back."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.probes import read_probes
from judgefair.records import Item
from judgefair.rubric.scale import Scale, scale_from_json
from judgefair.runs.folder import PROGRAM, write_json
from judgefair.runs.items import ITEMS, read_item_ids, write_items
from judgefair.runs.tables import RATINGS, add_human_ratings, ratings_fingerprint, read_ratings, stream_ratings, write_coded
from judgefair.runs.texts import RunItems, find_items
from judgefair.statistics.finding import Finding
from judgefair.validation.assemble import Examined
from judgefair.validation.gate import Check
from judgefair.validation.levels import Levels, levels_given
from judgefair.validation.validation import Validation

NAME, CARRIED, SCHEMA_VERSION = "validation.json", "validated", 1
PARTS = ("scope", "scales", "findings", "gate", "notes", "items", "ratings")


def save_validation(validation: Validation, run: Path) -> None:
    """Write `validation.json` beside the run's tables, and the human ratings into its `ratings.parquet`.

    A validation on some of a run's items is known by its human ratings: the items that have one. An earlier validation goes
    before the tables change, so that whatever ends the process, none stands beside ratings that it does not speak of.

    Raises
    ------
    InputError : the folder holds the run of a judge program, and this validation is of none.
    """
    if (run / PROGRAM).exists() and "program" not in validation.scope:
        raise InputError(
            f"{run}: holds a run of a judge program, whose ratings these would replace. Choose another --out; human labels of "
            f"that run are brought in by judgefair estimate {run} --ratings FILE"
        )
    run.mkdir(parents=True, exist_ok=True)
    (run / NAME).unlink(missing_ok=True)
    if (run / PROGRAM).exists():
        add_human_ratings(validation.ratings[validation.ratings["rater_kind"] == "human"], validation.scales, run)
    else:
        write_items(validation.items, run)
        write_coded(validation.ratings, validation.scales, run)
    found = Examined(list(validation.findings), list(validation.gate), list(validation.notes))
    _write(found, validation.scope, validation.scales, [item.item_id for item in validation.items], run)


def save_examined(
    found: Examined,
    scope: Mapping[str, Any],
    scales: Mapping[str, Scale],
    item_ids: Sequence[str],
    humans: pd.DataFrame,
    run: Path,
) -> None:
    """The same for what was found of these items of a run of a judge program, whose tables hold them already."""
    (run / NAME).unlink(missing_ok=True)
    add_human_ratings(humans, scales, run)
    _write(found, scope, scales, item_ids, run)


def _write(found: Examined, scope: Mapping[str, Any], scales: Mapping[str, Scale], item_ids: Sequence[str], run: Path) -> None:
    content = {
        "schema_version": SCHEMA_VERSION,
        "scope": dict(scope),
        "scales": {name: scale.to_json() for name, scale in scales.items()},
        "findings": [finding.to_json() for finding in found.findings],
        "gate": [check.to_json() for check in found.gate],
        "notes": list(found.notes),
        "items": fingerprint(item_ids),
        "ratings": ratings_fingerprint(run),
    }
    write_json(run / NAME, content)


def carry_validation(source: Path, run: Path) -> None:
    """Keep the validation of another run beside this one's tables, in place of one of its own without labels."""
    kept = run / CARRIED
    if source.resolve() != kept.resolve():
        kept.mkdir(exist_ok=True)
        (kept / NAME).unlink(missing_ok=True)
        for name in (ITEMS, RATINGS, NAME):  # the validation last: without it the tables are in nobody's use
            partial = kept / f"{name}.partial"
            shutil.copyfile(source / name, partial)
            partial.replace(kept / name)
    (run / NAME).unlink(missing_ok=True)


def read_scope(run: Path) -> dict[str, Any] | None:
    """The scope of a run's own validation; None where it has none, or none of the ratings that it holds now."""
    if not (run / NAME).is_file():
        return None
    data = _read(run / NAME)
    return dict(data["scope"]) if data["ratings"] == ratings_fingerprint(run) else None


def load_validation(run: Path) -> Validation:
    """The validation in a run folder.

    Raises
    ------
    InputError : there is none, or it has another schema.
    """
    path = run / NAME
    data = _read(path)
    try:
        scales = {name: scale_from_json(scale) for name, scale in data["scales"].items()}
        findings = [Finding.from_json(finding) for finding in data["findings"]]
        gate = [Check(**check) for check in data["gate"]]
        items, ratings, levels = _rated(data["items"], scales, run)
        scope = data["scope"]
        probed = read_probes(run, scope["program"], scope["judge"]) if "program" in scope else []
        return Validation(scope, scales, findings, gate, items, ratings, data["notes"], levels, probed)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: a part is missing or wrong ({type(error).__name__}: {error}). Run validate again") from None


def _rated(known_by: str, scales: Mapping[str, Scale], run: Path) -> tuple[Sequence[Item], pd.DataFrame, Levels]:
    """The items that a validation speaks of, all of the run or those that humans rated; their ratings; and their levels.

    Where no human rated any, nothing is said of single items, and none is kept in memory.
    """
    ids = read_item_ids(run)
    humans = read_ratings(run, scales, kind="human")
    labelled = set(humans.loc[humans["code"].notna(), "item_id"])
    is_of_all = fingerprint(ids) == known_by
    if is_of_all and not labelled:
        given = stream_ratings(run, scales, columns=["criterion", "rater_kind", "code"])
        return RunItems(run), humans, levels_given(given, scales)
    if not is_of_all:
        ids = [item_id for item_id in ids if item_id in labelled]
        if fingerprint(ids) != known_by:
            raise InputError(
                f"{run / NAME}: speaks of other items than {ITEMS} and {RATINGS} beside it, which were written anew since. "
                "Run the command that wrote it again"
            )
    ratings = read_ratings(run, scales, items=None if is_of_all else ids)
    return find_items(run, ids), ratings, levels_given([ratings], scales)


def _read(path: Path) -> dict[str, Any]:
    again = f"Run judgefair validate ... --out {path.parent}"
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no validation can be read ({error}). {again} first") from None
    if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path}: no validation of schema version {SCHEMA_VERSION}. {again} again")
    lacking = [name for name in PARTS if name not in data]
    if lacking:
        raise InputError(f"{path}: has no {' and no '.join(lacking)}. {again} again")
    return data


def find_validation(run: Path) -> Validation:
    """The validation a run stands on: its own, or the one that was carried over to it; InputError where there is neither."""
    own, carried = run / NAME, run / CARRIED / NAME
    return load_validation(run if own.is_file() or not carried.is_file() else run / CARRIED)
