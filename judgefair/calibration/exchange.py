"""Bring anybody's ratings into a set's folder."""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from judgefair.calibration.cells import as_cells
from judgefair.calibration.ratings import OPTIONAL, REQUIRED, as_text, rated_items, read_table
from judgefair.calibration.tables import SET_RATING_COLUMNS
from judgefair.errors import InputError, did_you_mean
from judgefair.rubric.scale import Scale, parse_scale

LABELS = ("human", "constructed", "model")


def import_set(
    source: str, folder: Path, scale: str, labels: str, columns: Sequence[str], criterion: str, licence: str, title: str
) -> Path:
    """Write card.yaml, items.jsonl, ratings.csv and raters.csv from a long table; all or nothing.

    Parameters
    ----------
    source : a table's path, or `hub:OWNER/NAME[@REVISION][#SPLIT]`.
    columns : `NAME=COLUMN` for each column that has another name than the tables of ratings have.

    Raises
    ------
    InputError : as `rated_items`; or the folder is not empty, or a column named is not there.
    """
    if labels not in LABELS:
        raise InputError(f"--labels is '{labels}'.{did_you_mean(labels, LABELS)} Expected one of: {', '.join(LABELS)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", folder.name):
        raise InputError(
            f"--out is '{folder}', and its last part becomes the set's id. Expected lower case, digits and underscores"
        )
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty, and nothing is overwritten. Choose another --out")
    table = _renamed(_read(source), columns, source)
    if "criterion" not in table:
        table["criterion"] = criterion
    if "rater_kind" in table:
        table = table[table["rater_kind"] != "judge"]  # a set holds whom a judge is held against
    parsed = parse_scale(scale)
    rated = rated_items(table, parsed, source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        lines = [
            json.dumps(
                {
                    "item_id": i.item_id,
                    "scenario_id": i.scenario_id,
                    "query": i.query,
                    "response": i.response,
                    **({} if i.second_response is None else {"second_response": i.second_response}),
                    "populations": dict(i.populations),
                },
                ensure_ascii=False,
            )
            for i in rated.items
        ]
        (made / "items.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        kept = table.reindex(columns=[*SET_RATING_COLUMNS, *(["replicate"] if "replicate" in table else [])], fill_value="")
        as_cells(kept).to_csv(made / "ratings.csv", index=False)
        as_cells(rated.raters).to_csv(made / "raters.csv", index=False)
        card = _card(
            folder.name, title or f"Imported from {Path(source).name}", labels, licence, parsed, sorted(set(table["criterion"]))
        )
        (made / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True), "utf-8")
        if folder.exists():
            folder.rmdir()
        made.replace(folder)
    return folder


def _read(source: str) -> pd.DataFrame:
    return _read_hub(source.removeprefix("hub:")) if source.startswith("hub:") else read_table(Path(source))


def _read_hub(name: str) -> pd.DataFrame:
    """A data set of the hub (or a folder that the `datasets` package reads), through `datasets`."""
    from datasets import load_dataset

    name, _, split = name.partition("#")
    name, _, revision = name.partition("@")
    try:
        found = load_dataset(name, revision=revision or None, split=split or "train")
    except Exception as error:  # whatever `datasets` raises, its words say what it could not find
        raise InputError(
            f"hub:{name}: could not be loaded ({type(error).__name__}: {error}). Check the name, revision and split (#train)"
        ) from None
    return as_text(found.to_pandas())


def _renamed(table: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    renames: dict[str, str] = {}
    for text in columns:
        name, equals, column = text.partition("=")
        known = [*REQUIRED, *OPTIONAL]
        if not equals or (name not in known and not name.startswith(("pop.", "rater."))):
            raise InputError(
                f"--map is '{text}'.{did_you_mean(name, known)} "
                f"Expected NAME=COLUMN with NAME one of {', '.join(known)}, pop.<axis>, rater.<attribute>"
            )
        if column not in table:
            raise InputError(
                f"{source}: no column '{column}'.{did_you_mean(column, table.columns)} Found: {', '.join(table.columns)}"
            )
        renames[column] = name
    return table.rename(columns=renames)


def _card(set_id: str, title: str, labels: str, licence: str, scale: Scale, criteria: list[str]) -> dict[str, Any]:
    written = {"kind": scale.kind, "levels": dict(scale.levels)}
    return {
        "id": set_id,
        "title": title,
        "citation": "unknown",
        "licence": licence,
        "homepage": "none",
        "labels": labels,
        "rater_pool": "unknown",
        "criteria": {name: {"scale": written, "polarity": "unknown"} for name in criteria},
        "source": {"kind": "files"},
        "known_issues": [],
    }
