"""Is what streams past summed up as a table in memory would be, whatever order and row groups ratings come in?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefair.records import MISSING_REASONS, Item
from judgefair.rubric.scale import parse_scale
from judgefair.runs import parquet, tables
from judgefair.runs.facts import Facts
from judgefair.runs.tally import Tally, read_tally

SCALES = {"depth": parse_scale("ordinal:1-5"), "length": parse_scale("interval:0-10")}
ITEMS = [Item(f"i{k}", "q", "r", {}) for k in range(4)]
NUMBER = {"depth": st.integers(1, 5).map(float), "length": st.floats(0, 10, allow_subnormal=False)}


@st.composite
def rating(draw: st.DrawFn) -> dict[str, Any]:
    """A row of `ratings.parquet`; one item of five is none of the run's."""
    criterion, kind = draw(st.sampled_from([*SCALES])), draw(st.sampled_from(["judge", "judge", "human"]))
    value = draw(st.none() | NUMBER[criterion])
    shares = None
    if kind == "judge" and criterion == "depth" and value is not None:
        shares = draw(st.none() | st.lists(st.floats(0, 1), min_size=5, max_size=5))
    return {
        "item_id": f"i{draw(st.integers(0, 4))}", "criterion": criterion, "rater_kind": kind,
        "rater_id": "j" if kind == "judge" else draw(st.sampled_from(["ann", "bob"])),
        "replicate": draw(st.integers(0, 3)), "value": value, "rationale": draw(st.none() | st.just("because")),
        "missing": draw(st.sampled_from(MISSING_REASONS)) if value is None else None,
        "distribution": None if shares is None else [(str(level), share) for level, share in enumerate(shares, start=1)],
        "program_fingerprint": None,
    }  # fmt: skip


def in_memory(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows as `read_ratings` is to give them."""
    frame = pd.DataFrame(rows, columns=[*rows[0]]) if rows else pd.DataFrame(columns=[*tables.CODED, "value", "distribution"])
    expected = [
        row["value"] if row["distribution"] is None else sum(share * int(level) for level, share in row["distribution"])
        for row in rows
    ]
    return frame.assign(
        code=frame["value"].astype(float), expected=np.array(expected, dtype=float), missing=frame["missing"].fillna(""),
        rationale=frame["rationale"].fillna(""), replicate=frame["replicate"].astype("int64"),
    )[list(tables.CODED)]  # fmt: skip


def write(rows: Sequence[dict[str, Any]], sizes: Sequence[int], run: Path) -> None:
    """`ratings.parquet` with row groups of these sizes, and one of what is left."""
    schema = tables.ratings_schema(SCALES.values())
    with pq.ParquetWriter(run / tables.RATINGS, schema) as writer:
        for size in [*sizes, len(rows)]:
            if rows[:size]:
                writer.write_table(pa.Table.from_pylist(rows[:size], schema=schema))
            rows = rows[size:]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a few rows in memory at a time."""
    for module in (parquet, tables):
        monkeypatch.setattr(module, "ROWS", 5)
        monkeypatch.setattr(module, "ROWS_WITH_TEXT", 3)


@pytest.mark.usefixtures("small_pieces")
@settings(max_examples=40)
@given(rows=st.lists(rating(), max_size=40), sizes=st.lists(st.integers(1, 9), max_size=6))
def test_a_stream_of_row_groups_comes_to_what_the_whole_table_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], sizes: list[int]
) -> None:
    run = tmp_path_factory.mktemp("run")
    write(rows, sizes, run)
    frame, facts = in_memory(rows), Facts.of(ITEMS)
    pd.testing.assert_frame_equal(tables.read_ratings(run, SCALES), frame, check_dtype=False)
    humans = frame[frame["rater_kind"] == "human"].reset_index(drop=True)
    read = tables.read_ratings(run, SCALES, kind="human")
    pd.testing.assert_frame_equal(read, humans, check_dtype=False)
    some = frame[frame["item_id"].isin(["i1", "i4"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables.read_ratings(run, SCALES, items=["i4", "i1"]), some, check_dtype=False)
    for tally in (read_tally(run, SCALES, facts, read), Tally.of(frame, facts, SCALES)):
        assert_sums_up(tally, frame, facts)


def assert_sums_up(tally: Tally, frame: pd.DataFrame, facts: Facts) -> None:
    """Each column from the table as a whole, sorted and grouped by pandas; equal to the last bit."""
    ids = [item.item_id for item in ITEMS]
    frame = frame[frame["item_id"].isin(ids)]
    judged = frame[frame["rater_kind"] == "judge"]
    assert tally.is_repeated.tolist() == [bool((judged.loc[judged["item_id"] == item, "replicate"] > 0).any()) for item in ids]
    for criterion in SCALES:
        found = tally.judge[criterion]
        np.testing.assert_array_equal(found.mean, means(judged[judged["criterion"] == criterion], ids))
        humans = frame[(frame["rater_kind"] == "human") & (frame["criterion"] == criterion)]
        np.testing.assert_array_equal(tally.human_mean(criterion, facts), means(humans, ids))
        pd.testing.assert_frame_equal(
            tally.rated(criterion).reset_index(drop=True),
            humans[humans["code"].notna()].reset_index(drop=True),
            check_dtype=False,
        )
        mine = judged[judged["criterion"] == criterion].sort_values("replicate", kind="stable")
        levels = mine[mine["code"].notna()].drop_duplicates("item_id").set_index("item_id")["code"]
        np.testing.assert_array_equal(found.level, levels.reindex(ids).to_numpy(dtype=float))
        first = mine.drop_duplicates("item_id").set_index("item_id").reindex(ids)
        np.testing.assert_array_equal(found.first, first["code"].to_numpy(dtype=float))
        np.testing.assert_array_equal(found.first_expected, first["expected"].to_numpy(dtype=float))
        assert found.first_reason.tolist() == first["missing"].fillna("not_rated").tolist()
        is_missing = mine.assign(is_missing=mine["missing"] != "").sort_values(["is_missing", "replicate"], kind="stable")
        reasons = is_missing.drop_duplicates("item_id").set_index("item_id")["missing"].reindex(ids)
        assert found.reason.tolist() == reasons.fillna("not_rated").tolist()


def means(ratings: pd.DataFrame, ids: Sequence[str]) -> np.ndarray:
    """By item, the mean of the expected values, added up in the order of the table."""
    told = []
    for item in ids:
        values = ratings.loc[(ratings["item_id"] == item) & ratings["expected"].notna(), "expected"].tolist()
        total = 0.0
        for value in values:
            total += value
        told.append(total / len(values) if values else np.nan)
    return np.array(told)


def test_a_tally_takes_no_more_room_for_more_replicates() -> None:
    facts = Facts.of(ITEMS)
    one = pd.DataFrame(
        {
            "item_id": ["i0", "i1"],
            "criterion": "depth",
            "rater_id": "j",
            "rater_kind": "judge",
            "code": 2.0,
            "expected": 2.0,
            "missing": "",
        }
    )
    sizes = []
    for replicates in (1, 50):
        frame = pd.concat([one.assign(replicate=k) for k in range(replicates)], ignore_index=True)
        tally = Tally.of(frame, facts, ["depth"]).judge["depth"]
        sizes.append(sum(part.nbytes for name in tally.__slots__ if isinstance(part := getattr(tally, name), np.ndarray)))
        assert tally.n.tolist() == [replicates, replicates, 0, 0]
    assert sizes[0] == sizes[1]
