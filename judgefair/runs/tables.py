"""How do items and ratings lie on disk? Parquet tables, written whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from judgefair.errors import InputError
from judgefair.fingerprint import file_sha256
from judgefair.records import Missing, Rating
from judgefair.rubric.scale import Scale
from judgefair.runs.parquet import ROWS, ROWS_WITH_TEXT, pieces, readable, row_groups, table_writer, write_table

if TYPE_CHECKING:
    import pandas as pd  # brought in where a frame is made: who only judges makes none

RATINGS = "ratings.parquet"
CODED = ("item_id", "criterion", "rater_id", "rater_kind", "replicate", "code", "expected", "missing", "rationale")
"""Columns of ratings as `read_ratings` gives them."""
ORDERS = ("as_written", "swapped")
"""Of ratings that compare two responses: what was said in each order in which they were shown, as levels of the item's own order."""


def ratings_schema(scales: Iterable[Scale]) -> pa.Schema:
    """Columns of `ratings.parquet`. `value` is a double, or text where some level of a scale is a name."""
    scales = list(scales)
    named = any(isinstance(level, str) for scale in scales for level in scale.levels)
    orders = ORDERS if any(scale.compares for scale in scales) else ()
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
            *((name, pa.string()) for name in orders),
        ]
    )


def write_judged(tables: Iterable[pa.Table], schema: pa.Schema, run: Path) -> None:
    """Write tables of a judge's ratings, one row group each, as the `ratings.parquet` of a run, beside human ratings that it held.

    Raises
    ------
    InputError : the human ratings are on scales of another kind, and would be lost.
    """
    with table_writer(run / RATINGS, schema) as writer:
        for table in tables:
            writer.write_table(table)
        for held in row_groups(run / RATINGS) if (run / RATINGS).is_file() else ():
            of_humans = held.filter(pc.field("rater_kind") == "human")
            if of_humans.num_rows and not held.schema.equals(schema):
                raise InputError(
                    f"{run / RATINGS}: holds human ratings on scales of another kind than the program's. Choose another --out, or delete the "
                    "file to give them up"
                )
            if of_humans.num_rows:
                writer.write_table(of_humans)


def ratings_table(ratings: Iterable[Rating], schema: pa.Schema) -> pa.Table:
    """Ratings as rows of `ratings.parquet`."""
    named = schema.field("value").type == pa.string()
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for rating in ratings:
        value = rating.value
        missing = value if isinstance(value, Missing) else None
        row = (
            rating.item_id, rating.criterion, rating.rater_id, rating.rater_kind, rating.replicate,
            None if value is None or isinstance(value, Missing) else str(value) if named else float(value),
            missing.reason if missing else None,
            rating.rationale or (missing.detail if missing and missing.detail else None),
            None if rating.distribution is None else list(rating.distribution.items()), rating.program_fingerprint,
            *(None if said is None or isinstance(said, Missing) else str(said) for said in rating.orders or (None, None)),
        )  # fmt: skip
        for column, cell in zip(columns.values(), row, strict=False):  # the last two are there where something is compared
            column.append(cell)
    return pa.table([pa.array(column, schema.field(name).type) for name, column in columns.items()], schema=schema)


def keep_rows(path: Path, condition: pc.Expression, more: Iterable[pa.Table] = ()) -> None:
    """Write a table anew with the rows that fulfil a condition, and more behind them."""
    with table_writer(path, pq.read_schema(path)) as writer:
        for held in row_groups(path):
            kept = held.filter(condition)
            if kept.num_rows:
                writer.write_table(kept)
        for table in more:
            writer.write_table(table)


def add_human_ratings(frame: "pd.DataFrame", scales: Mapping[str, Scale], run: Path) -> None:
    """Put human ratings beside the judge's in the run's one table, in place of those that were there.

    `frame` as `read_ratings` gives it.
    """
    path = run / RATINGS
    keep_rows(path, pc.field("rater_kind") == "judge", [_from_codes(frame, scales, pq.read_schema(path))])


def ratings_fingerprint(run: Path) -> str:
    """sha256 of the run's table of ratings; InputError where there is none."""
    try:
        return file_sha256(run / RATINGS)
    except OSError as error:
        raise InputError(
            f"{run / RATINGS}: cannot be read ({error.strerror}). Run judgefair judge ... --out {run} first"
        ) from None


def write_coded(frame: "pd.DataFrame", scales: Mapping[str, Scale], run: Path) -> None:
    """Write ratings that came as a table, in the form of `read_ratings`; what is `expected` comes back by a column `distribution`."""
    write_table(_from_codes(frame, scales, ratings_schema(scales.values())), run / RATINGS)


def read_ratings(
    run: Path,
    scales: Mapping[str, Scale],
    *,
    kind: str | None = None,
    items: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """The ratings of a run, of the criteria that have a scale here.

    Parameters
    ----------
    kind : only those by raters of this kind.
    items : only those of these items.

    Returns
    -------
    Columns item_id, criterion, rater_id, rater_kind, replicate, code (nan where missing, and where a panel's rating, or that of
    two orders, lies as near to two levels), expected (the mean of the distribution where there is one, else the code), missing
    (the reason, or ""), rationale; and the codes of `ORDERS` where a scale compares two responses.

    Raises
    ------
    InputError : there is no such table.
    """
    chosen = None if items is None else pa.array(items, pa.string())
    import pandas as pd

    columns = [*CODED, *orders_of(scales)]
    return pd.concat(stream_ratings(run, scales, kind=kind, items=chosen, columns=columns), ignore_index=True)


def orders_of(scales: Mapping[str, Scale]) -> Sequence[str]:
    """The columns of orders that ratings on these scales have."""
    return ORDERS if any(scale.compares for scale in scales.values()) else ()


def stream_ratings(
    run: Path,
    scales: Mapping[str, Scale],
    *,
    kind: str | None = None,
    items: pa.Array | None = None,
    columns: Sequence[str] = CODED,
) -> "Iterator[pd.DataFrame]":
    """The ratings of a run as `read_ratings` gives them, some ten thousands at a time: `columns` of them, and no others are read."""
    stored = {"code": ["value"], "expected": ["value", "distribution"]}
    names = {"criterion", "rater_kind", *(each for name in columns for each in stored.get(name, [name]))}
    names |= {"item_id"} if items is not None else set()
    among = {"criterion": pa.array(scales, pa.string())}
    if kind is not None:
        among["rater_kind"] = pa.array([kind])
    if items is not None:
        among["item_id"] = items
    with readable(run / RATINGS, "ratings"):
        rows = ROWS_WITH_TEXT if "rationale" in names else ROWS
        holding = None if kind is None else ("rater_kind", kind)
        for number, table in enumerate(pieces(run / RATINGS, sorted(names), rows=rows, holding=holding)):
            is_wanted = [pc.is_in(table[name], value_set=values) for name, values in among.items()]
            wanted = table.filter(reduce(pc.and_, is_wanted))
            if len(wanted) or number == 0:
                yield _coded(wanted, scales)[list(columns)]


def _coded(table: pa.Table, scales: Mapping[str, Scale]) -> "pd.DataFrame":
    """Rows of `ratings.parquet`, of whatever columns were read, with values as codes."""
    frame: pd.DataFrame = table.drop(
        [name for name in ("distribution", "program_fingerprint") if name in table.column_names]
    ).to_pandas()
    frame = frame.assign(**{name: frame[name].fillna("") for name in ("missing", "rationale") if name in frame})
    orders = {name: _codes(frame, name, scales) for name in ORDERS if name in frame}
    codes = _codes(frame, "value", scales)
    expected = codes.copy()
    if "distribution" in table.column_names and table["distribution"].null_count < len(table):
        for row, distribution in enumerate(table["distribution"].to_pylist()):
            scale = scales[str(frame["criterion"].iat[row])]
            if distribution and scale.has_points:  # of a panel split between two levels it is all there is
                expected[row] = sum(share * scale.code(scale.read(level)) for level, share in distribution)
    return frame.assign(code=codes, expected=expected, **orders)


def _codes(frame: "pd.DataFrame", column: str, scales: Mapping[str, Scale]) -> np.ndarray:
    codes = np.full(len(frame), np.nan)
    for criterion, scale in scales.items():
        mine = (frame["criterion"] == criterion).to_numpy()
        values = frame.loc[mine, column]
        known = {value: scale.code(scale.read(_text(value))) for value in values.dropna().unique()}
        codes[mine] = values.map(known).to_numpy(dtype=float)
    return codes


def read_judgments(run: Path, scales: Mapping[str, Scale]) -> list[Rating]:
    """The judge's ratings of a run, in the order they were written."""
    ratings = []
    for table in row_groups(run / RATINGS):
        for row in table.filter(pc.field("rater_kind") == "judge").to_pylist():
            missing = None if row["missing"] is None else Missing(row["missing"], row["rationale"] or "")
            scale = scales[row["criterion"]]
            value = missing or (None if row["value"] is None else scale.read(_text(row["value"])))
            rationale = None if missing else row["rationale"]
            distribution = None if row["distribution"] is None else dict(row["distribution"])
            as_written, swapped = (None if row.get(name) is None else scale.read(row[name]) for name in ORDERS)
            said = (value, row["replicate"], rationale, distribution, row["program_fingerprint"])
            orders = (as_written, swapped) if scale.compares else None
            ratings.append(Rating(row["item_id"], row["criterion"], row["rater_id"], "judge", *said, orders))
    return ratings


def _from_codes(frame: "pd.DataFrame", scales: Mapping[str, Scale], schema: pa.Schema) -> pa.Table:
    named = schema.field("value").type == pa.string()
    import pandas as pd

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
            "distribution": pa.array(
                frame["distribution"] if "distribution" in frame else [None] * len(frame), schema.field("distribution").type
            ),
            "program_fingerprint": pa.nulls(len(frame), pa.string()),
            **{name: pa.nulls(len(frame), pa.string()) for name in ORDERS if name in schema.names},
        },
        schema=schema,
    )  # fmt: skip


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
