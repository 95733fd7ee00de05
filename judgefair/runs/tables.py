"""How do items and ratings lie on disk? Parquet tables, written whole or not at all."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from judgefair.errors import InputError
from judgefair.records import Item, Missing, Rating, sendable
from judgefair.rubric.scale import Scale

ITEMS, RATINGS = "items.parquet", "ratings.parquet"
POPULATION = "pop."


def ratings_schema(scales: Iterable[Scale]) -> pa.Schema:
    """Columns of `ratings.parquet`. `value` is a double, or text where some level of a scale is a name."""
    named = any(isinstance(level, str) for scale in scales for level in scale.levels)
    return pa.schema(
        [
            ("item_id", pa.string()),
            ("criterion", pa.string()),
            ("rater_id", pa.string()),
            ("rater_kind", pa.string()),
            ("replicate", pa.int64()),
            ("value", pa.string() if named else pa.float64()),
            ("missing", pa.string()),
            ("rationale", pa.string()),
            ("distribution", pa.map_(pa.string(), pa.float64())),
            ("program_fingerprint", pa.string()),
        ]
    )


def write_ratings(ratings: Iterable[Rating], scales: Mapping[str, Scale], run: Path) -> None:
    """Write a judge's ratings as the `ratings.parquet` of a run, beside human ratings of the same items that it held."""
    schema = ratings_schema(scales.values())
    named = schema.field("value").type == pa.string()
    judged = pa.Table.from_pylist([_row(rating, named) for rating in ratings], schema=schema)
    path = run / RATINGS
    if path.is_file() and (held := pq.read_table(path)).schema.equals(schema):
        of_humans = held.filter(pc.field("rater_kind") == "human")
        judged = pa.concat_tables([judged, of_humans.filter(pc.field("item_id").isin(judged["item_id"].unique()))])
    write_table(judged, path)


def make_way_for(items: Sequence[Item], run: Path, labels_can_be_made_again: bool) -> None:
    """Drop the run's ratings of items whose texts are not those of `items`, before these are written.

    An id that stands for another text now must not inherit what was said of the earlier one.

    Raises
    ------
    InputError : people's labels would be lost, which nothing can make again.
    """
    if not ((run / ITEMS).is_file() and (run / RATINGS).is_file()):
        return
    texts = {item.item_id: (sendable(item.query), sendable(item.response)) for item in items}
    same = [item.item_id for item in read_run_items(run) if texts.get(item.item_id) == (item.query, item.response)]
    held = pq.read_table(run / RATINGS)
    is_same = pc.is_in(held["item_id"], pa.array(same, pa.string()))
    lost = held.filter(pc.and_(pc.invert(is_same), pc.equal(held["rater_kind"], "human")))
    if len(lost) and not labels_can_be_made_again:
        raise InputError(
            f"{run}: holds {len(lost):,} human ratings of items whose texts would change or go, such as '{lost['item_id'][0].as_py()}'. They are "
            f"of the earlier answers: choose another --out, or delete {run / RATINGS} to give them up"
        )
    if not pc.all(is_same).as_py() and len(held):
        write_table(held.filter(is_same), run / RATINGS)


def add_human_ratings(frame: pd.DataFrame, scales: Mapping[str, Scale], run: Path) -> None:
    """Put human ratings beside the judge's in the run's one table, in place of those that were there.

    `frame` as `read_ratings` gives it.
    """
    path = run / RATINGS
    judged = pq.read_table(path).filter(pc.field("rater_kind") == "judge")
    write_table(pa.concat_tables([judged, _from_codes(frame, scales, judged.schema)]), path)


def ratings_fingerprint(run: Path) -> str:
    """sha256 of the run's table of ratings; InputError where there is none."""
    try:
        return hashlib.sha256((run / RATINGS).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{run / RATINGS}: cannot be read ({error.strerror}). Run judgefair judge ... --out {run} first"
        ) from None


def write_coded(frame: pd.DataFrame, scales: Mapping[str, Scale], run: Path) -> None:
    """Write ratings that came as a table, in the form of `read_ratings`."""
    write_table(_from_codes(frame, scales, ratings_schema(scales.values())), run / RATINGS)


def read_ratings(run: Path, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """The ratings of a run, of the criteria that have a scale here.

    Returns
    -------
    Columns item_id, criterion, rater_id, rater_kind, replicate, code (nan where missing), expected (the mean of the
    distribution where there is one, else the code), missing (the reason, or ""), rationale.

    Raises
    ------
    InputError : there is no such table.
    """
    path = run / RATINGS
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: no ratings can be read ({error}). Run judgefair judge ... --out {run} first") from None
    table = table.filter(pc.field("criterion").isin(list(scales)))
    frame: pd.DataFrame = table.select(
        ["item_id", "criterion", "rater_id", "rater_kind", "replicate", "value", "missing", "rationale"]
    ).to_pandas()
    codes = np.full(len(frame), np.nan)
    for criterion, scale in scales.items():
        mine = (frame["criterion"] == criterion).to_numpy()
        values = frame.loc[mine, "value"]
        known = {value: scale.code(scale.read(_text(value))) for value in values.dropna().unique()}
        codes[mine] = values.map(known).to_numpy(dtype=float)
    expected = codes.copy()
    if table["distribution"].null_count < len(table):
        for row, distribution in enumerate(table["distribution"].to_pylist()):
            scale = scales[str(frame["criterion"].iat[row])]
            if distribution and scale.has_points and not np.isnan(codes[row]):
                expected[row] = sum(share * scale.code(scale.read(level)) for level, share in distribution)
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("item_id", "criterion", "rater_id", "rater_kind", "replicate")},
            "code": codes, "expected": expected, "missing": frame["missing"].fillna(""), "rationale": frame["rationale"].fillna(""),
        }
    )  # fmt: skip


def write_items(items: Sequence[Item], run: Path) -> None:
    """Write the `items.parquet` of a run: item_id, scenario_id, query, response, `pop.<axis>`, meta (JSON).

    Where some items have no response, `missing` and `missing_detail` say why.
    """
    axes = dict.fromkeys(axis for item in items for axis in item.populations)
    columns: dict[str, list[Any]] = {
        "item_id": [item.item_id for item in items],
        "scenario_id": [item.scenario_id for item in items],
        "query": [sendable(item.query) for item in items],
        "response": [sendable(item.response) for item in items],
        **{POPULATION + axis: [item.populations.get(axis) for item in items] for axis in axes},
        "meta": [json.dumps(dict(item.meta), sort_keys=True) if item.meta else None for item in items],
    }
    if any(item.no_response for item in items):
        columns["missing"] = [item.no_response.reason if item.no_response else None for item in items]
        columns["missing_detail"] = [item.no_response.detail or None if item.no_response else None for item in items]
    write_table(pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()}), run / ITEMS)


def read_run_items(run: Path) -> list[Item]:
    """The items of a run; InputError where it has none."""
    path = run / ITEMS
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: no items can be read ({error}). Run judgefair judge ... --out {run} first") from None
    axes = [name.removeprefix(POPULATION) for name in table.column_names if name.startswith(POPULATION)]
    groups = [table[POPULATION + axis].to_pylist() for axis in axes]
    columns = (
        table[name].to_pylist() if name in table.column_names else [None] * len(table)
        for name in ("item_id", "query", "response", "scenario_id", "meta", "missing", "missing_detail")
    )
    of_item = [{axis: group for axis, group in zip(axes, row, strict=True) if group} for row in zip(*groups, strict=True)] or [
        {}
    ] * len(table)
    return [
        Item(
            item_id,
            query,
            response,
            populations,
            scenario,
            json.loads(meta) if meta else {},
            None if reason is None else Missing(reason, detail or ""),
        )
        for item_id, query, response, scenario, meta, reason, detail, populations in zip(*columns, of_item, strict=True)
    ]


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(table, partial)
    partial.replace(path)


def _row(rating: Rating, named: bool) -> dict[str, Any]:
    missing = rating.value if isinstance(rating.value, Missing) else None
    value = None if isinstance(rating.value, Missing) else (str(rating.value) if named else float(rating.value))
    return {
        "item_id": rating.item_id,
        "criterion": rating.criterion,
        "rater_id": rating.rater_id,
        "rater_kind": rating.rater_kind,
        "replicate": rating.replicate,
        "value": value,
        "missing": missing.reason if missing else None,
        "rationale": rating.rationale or (missing.detail if missing and missing.detail else None),
        "distribution": None if rating.distribution is None else list(rating.distribution.items()),
        "program_fingerprint": rating.program_fingerprint,
    }


def _from_codes(frame: pd.DataFrame, scales: Mapping[str, Scale], schema: pa.Schema) -> pa.Table:
    named = schema.field("value").type == pa.string()
    values = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    for criterion, scale in scales.items():
        codes = frame.loc[frame["criterion"] == criterion, "code"].dropna()
        levels = {code: scale.level(float(code)) for code in codes.unique()}
        values[codes.index] = codes.map({code: str(level) if named else float(level) for code, level in levels.items()})
    text = {
        name: pa.array(frame[name].astype(object).where(frame[name] != "", None), pa.string())
        for name in ("missing", "rationale")
    }
    return pa.table(
        {
            **{name: pa.array(frame[name], pa.string()) for name in ("item_id", "criterion", "rater_id", "rater_kind")},
            "replicate": pa.array(frame["replicate"], pa.int64()),
            "value": pa.array(values, schema.field("value").type),
            **text,
            "distribution": pa.nulls(len(frame), schema.field("distribution").type),
            "program_fingerprint": pa.nulls(len(frame), pa.string()),
        },
        schema=schema,
    )  # fmt: skip


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
