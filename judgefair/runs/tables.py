"""How do ratings lie on disk? One Parquet table, whose value column is numeric where every level is a number."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from judgefair.records import Missing, Rating
from judgefair.rubric.rubric import Rubric


def ratings_schema(rubric: Rubric) -> pa.Schema:
    """Columns of `ratings.parquet`. `value` is a double, or text where some level of the rubric is a name."""
    named = any(isinstance(level, str) for criterion in rubric.criteria for level in criterion.scale.levels)
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


def write_ratings(ratings: Iterable[Rating], rubric: Rubric, path: Path) -> None:
    """Write the table whole or not at all."""
    schema = ratings_schema(rubric)
    named = schema.field("value").type == pa.string()
    rows = [_row(rating, named) for rating in ratings]
    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), partial)
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
