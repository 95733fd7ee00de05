"""What else is known of a run's human labels: who the raters are, and with what probability an item was drawn."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from judgefair.errors import InputError
from judgefair.runs.folder import write_json
from judgefair.runs.parquet import write_table

RATERS, SAMPLING = "raters.parquet", "sampling.json"


def read_raters(run: Path, ratings: pd.DataFrame) -> pd.DataFrame:
    """The run's human raters: column rater_id, and one for each attribute that was recorded.

    ratings : of the run, as `read_ratings` gives them.
    """
    there = ratings.loc[ratings["rater_kind"] == "human", ["rater_id"]].drop_duplicates()
    if not (run / RATERS).is_file():
        return there
    known: pd.DataFrame = pq.read_table(run / RATERS).to_pandas()
    return there.merge(known, on="rater_id", how="left").fillna("")


def write_raters(raters: pd.DataFrame, run: Path) -> None:
    """Write `raters.parquet`, keeping raters that it holds already, and of each what is not given anew."""
    if (run / RATERS).is_file():
        raters = join_raters(pq.read_table(run / RATERS).to_pandas(), raters)
    text = {str(name): pa.array(raters[name].fillna("").astype(str), pa.string()) for name in raters.columns}
    write_table(pa.table(text), run / RATERS)


def join_raters(held: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Raters of both tables; an attribute that `given` leaves empty or out is as it was."""
    names = dict.fromkeys([*held.columns, *given.columns])
    old, new = (table.set_index("rater_id").astype(object).replace("", None) for table in (held, given))
    joined: pd.DataFrame = new.combine_first(old).reset_index()
    return joined[list(names)].fillna("")


def read_inclusion(run: Path) -> dict[str, float]:
    """By item, the probability with which it was drawn to be labelled; empty where no draw is recorded."""
    return {item_id: float(share) for item_id, share in read_sampling(run).get("inclusion", {}).items()}


def read_drawn(run: Path) -> frozenset[str] | None:
    """The items that were drawn to be labelled; None where no draw is recorded."""
    recorded = read_sampling(run)
    return frozenset(recorded["items"]) if "items" in recorded else None


def read_sampling(run: Path) -> dict[str, Any]:
    """What is recorded of draws: `inclusion` by item, how many are `drawn` by stratum, and the `items`; empty where there was none."""
    path = run / SAMPLING
    if not path.is_file():
        return {}
    try:
        recorded = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}). It says how labels were drawn: restore it from a copy") from None
    if not isinstance(recorded, dict):
        raise InputError(f"{path}: does not say how labels were drawn. Restore it from a copy")
    return recorded


def write_sampling(recorded: dict[str, Any], run: Path) -> None:
    """Write `sampling.json`."""
    write_json(run / SAMPLING, recorded)
