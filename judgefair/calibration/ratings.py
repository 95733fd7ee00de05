"""Which ratings does a table hold, and is each of them a level of its scale?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judgefair.errors import InputError, did_you_mean
from judgefair.records import MISSING_REASONS, Item
from judgefair.rubric.scale import Scale

REQUIRED = ("item_id", "rater_id", "value")
OPTIONAL = ("criterion", "rater_kind", "missing", "rationale", "replicate", "scenario_id", "query", "response", "second_response")
ONLY_CRITERION = "rating"


@dataclass(frozen=True, slots=True)
class RatedItems:
    """Ratings of any origin in one form, with the items and raters they speak of.

    Attributes
    ----------
    items : one for each item_id, with scenario and populations where the table has them.
    ratings : columns item_id, criterion, rater_id, rater_kind, replicate, code (float, nan where missing), missing
        (the reason, or ""), rationale (what the rater wrote beside it, or ""); row order of the source.
    raters : column rater_id and one for each attribute, text.
    """

    items: list[Item]
    ratings: pd.DataFrame
    raters: pd.DataFrame


def read_table(source: Path) -> pd.DataFrame:
    """A CSV, JSONL or Parquet file with every cell as text and empty where there is nothing."""
    try:
        match source.suffix.lower():
            case ".csv" | ".tsv" as suffix:
                separator = "," if suffix == ".csv" else "\t"
                frame = pd.read_csv(source, dtype="str", keep_default_na=False, encoding="utf-8-sig", sep=separator)
                if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first cells for row labels
                    raise ValueError(f"rows have more cells than the header, which has {len(frame.columns)}")
                return frame
            case ".jsonl" | ".ndjson":
                rows = [json.loads(line) for line in source.read_text("utf-8-sig").split("\n") if line.strip()]
                return as_text(pd.DataFrame(rows, dtype=object))  # pandas' own reader takes some names of columns for dates
            case ".parquet":
                return as_text(pd.read_parquet(source))
    except FileNotFoundError:
        raise InputError(f"{source}: no such file. Expected a CSV, TSV, JSONL or Parquet table of ratings") from None
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(
            f"{source}: cannot be read as a table ({error}). Check that it is UTF-8 and that every row has all columns"
        ) from None
    raise InputError(f"{source}: '{source.suffix}' is no table. Expected .csv, .tsv, .jsonl or .parquet")


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell as text: whole numbers without a decimal point, missing as empty."""
    return pd.DataFrame({str(name): column.map(_cell).astype("str") for name, column in frame.items()}, index=frame.index)


def rated_items(table: pd.DataFrame, scales: Mapping[str, Scale] | Scale, where: str) -> RatedItems:
    """Check a long table of ratings and bring it into the one form.

    Parameters
    ----------
    table : text cells; of the columns `REQUIRED`, all; of `OPTIONAL`, `pop.<axis>` and `rater.<attribute>`, those there are.
    scales : one for each criterion, or one for all.
    where : the source's name, for errors.

    Raises
    ------
    InputError : a column is missing; a value is no level of its scale or is empty without a reason (row and column are
        named); a rating stands twice; an item changes its scenario or population from row to row.
    """
    _check_columns(table, where)
    if table.empty:
        raise InputError(f"{where}: no ratings, only a header. Add one row for each rating")
    table = table.reset_index(drop=True)
    criterion = table["criterion"] if "criterion" in table else pd.Series(ONLY_CRITERION, index=table.index, dtype="str")
    ratings = pd.DataFrame(
        {
            "item_id": table["item_id"],
            "criterion": criterion,
            "rater_id": table["rater_id"],
            "rater_kind": table.get("rater_kind", "human"),
            "replicate": _replicates(table, where),
            "missing": table.get("missing", ""),
            "rationale": table.get("rationale", ""),
        }
    )
    ratings.insert(5, "code", _codes(table["value"], criterion, ratings["missing"], scales, where))
    for name in ("item_id", "rater_id", "criterion"):
        _refuse_first(ratings[name] == "", where, name, "is empty. Every rating needs one")
    _refuse_first(~ratings["rater_kind"].isin(["human", "judge"]), where, "rater_kind", "is neither 'human' nor 'judge'")
    twice = ratings.duplicated(["item_id", "criterion", "rater_id", "replicate"])
    _refuse_first(
        twice,
        where,
        "item_id, criterion, rater_id",
        "stands in an earlier row too. Remove one, or number them in a column replicate",
    )
    return RatedItems(_items(table, where), ratings, _raters(table))


def column_of(table: pd.DataFrame, prefix: str) -> dict[str, str]:
    """Names behind a prefix such as `pop.` or `rater.`, with their columns."""
    return {name.removeprefix(prefix): name for name in table.columns if name.startswith(prefix) and name != prefix}


def _check_columns(table: pd.DataFrame, where: str) -> None:
    for name in REQUIRED:
        if name not in table.columns:
            raise InputError(
                f"{where}: no column '{name}'.{did_you_mean(name, table.columns)} Found: {', '.join(table.columns)}. "
                f"Expected at least {', '.join(REQUIRED)}; rename the column"
            )


def _codes(
    values: pd.Series, criterion: pd.Series, missing: pd.Series, scales: Mapping[str, Scale] | Scale, where: str
) -> np.ndarray:
    codes = np.full(len(values), np.nan)
    for name in criterion.unique():
        if isinstance(scales, Scale):
            scale = scales
        elif name in scales:
            scale = scales[name]
        else:
            raise InputError(f"{where}: criterion '{name}' has no scale.{did_you_mean(name, scales)} Known: {', '.join(scales)}")
        rows = np.flatnonzero((criterion == name).to_numpy())
        texts, which = np.unique(values.to_numpy(dtype=object)[rows].astype(str), return_inverse=True)
        read = np.full(len(texts), np.nan)
        bad = {}
        for i, text in enumerate(texts):
            try:
                read[i] = scale.code(scale.read(text)) if text.strip() else np.nan
            except ValueError as error:
                bad[i] = str(error)
        for i, problem in bad.items():
            row = rows[np.flatnonzero(which == i)[0]]
            raise InputError(f"{where}: row {row + 2}, column value: '{texts[i]}' is no level of {name}: {problem}")
        codes[rows] = read[which]
    _refuse_first(
        np.isnan(codes) & (missing == "").to_numpy(),
        where, "value", f"is empty, and no reason stands in a column missing. Write a level, or one of: {', '.join(MISSING_REASONS)}",
    )  # fmt: skip
    _refuse_first(
        ~np.isnan(codes) & (missing != "").to_numpy(),
        where,
        "missing",
        "gives a reason though there is a value. Keep one of them",
    )
    _refuse_first(
        ~missing.isin(["", *MISSING_REASONS]), where, "missing", f"is no reason. Expected one of: {', '.join(MISSING_REASONS)}"
    )
    return codes


def _replicates(table: pd.DataFrame, where: str) -> np.ndarray:
    if "replicate" not in table:
        return np.zeros(len(table), dtype=np.int64)
    numbers = pd.to_numeric(table["replicate"].replace("", "0"), errors="coerce")
    _refuse_first(numbers.isna() | (numbers < 0) | (numbers % 1 != 0), where, "replicate", "is no whole number from 0")
    return numbers.to_numpy(dtype=np.int64)


def _items(table: pd.DataFrame, where: str) -> list[Item]:
    axes = column_of(table, "pop.")
    kept = [name for name in ("scenario_id", "query", "response", "second_response", *axes.values()) if name in table.columns]
    for name in kept:
        differing = table.groupby("item_id", sort=False)[name].transform("first") != table[name]
        _refuse_first(differing, where, name, "differs from an earlier row of the same item. An item has one")
    first = table.drop_duplicates("item_id")
    return [
        Item(
            row["item_id"],
            row.get("query", ""),
            row.get("response", ""),
            {axis: row[column] for axis, column in axes.items() if row[column]},
            row.get("scenario_id") or None,
            second_response=row.get("second_response") or None,
        )
        for row in first[["item_id", *kept]].to_dict("records")
    ]


def _raters(table: pd.DataFrame) -> pd.DataFrame:
    attributes = column_of(table, "rater.")
    raters = table.drop_duplicates("rater_id")[["rater_id", *attributes.values()]]
    return raters.rename(columns={column: name for name, column in attributes.items()}).reset_index(drop=True)


def _refuse_first(is_bad: Any, where: str, column: str, problem: str) -> None:
    rows = np.flatnonzero(np.asarray(is_bad))
    if len(rows):
        more = f" ({len(rows) - 1:,} more rows like it)" if len(rows) > 1 else ""
        raise InputError(f"{where}: row {rows[0] + 2}, column {column} {problem}{more}")


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
