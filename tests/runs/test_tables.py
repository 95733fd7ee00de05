"""Is what a run writes what it reads back, for every kind of item and scale, and is a broken table named?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.records import RATING_COLUMNS, Item, Missing, Rating
from judgefair.rubric.scale import Scale, parse_scale
from judgefair.runs import items as run_items
from judgefair.runs import tables
from tests.builders import write_ratings

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = st.text("abcxyz_", min_size=1, max_size=5)
ITEMS = st.lists(
    st.builds(
        Item, st.uuids().map(str), TEXT, TEXT, st.dictionaries(NAMES, NAMES, max_size=3), st.none() | NAMES,
        st.dictionaries(NAMES, st.none() | st.booleans() | st.integers(-5, 5) | TEXT, max_size=3),
    ),
    max_size=6,
)  # fmt: skip
SCALES = {
    "depth": parse_scale("ordinal:1-5"),
    "tone": parse_scale("nominal:kind,cold"),
    "length": parse_scale("interval:0-10"),
    "unsafe": parse_scale("binary"),
}


@given(ITEMS)
def test_items_are_read_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, items: list[Item]) -> None:
    run = tmp_path_factory.mktemp("run")
    run_items.write_items(items, run)
    assert run_items.read_run_items(run) == items
    assert [path.name for path in run.iterdir()] == ["items.parquet"]


def test_items_lie_on_disk_under_the_names_of_the_contract(tmp_path: Path) -> None:
    run_items.write_items([Item("i", "q", "r", {"dialect": "a", "age": "old"}, "s", {"cue": "name"})], tmp_path)
    assert pq.read_table(tmp_path / "items.parquet").column_names == [
        "item_id", "scenario_id", "query", "response", "pop.dialect", "pop.age", "meta",
    ]  # fmt: skip


def coded(criterion: str, codes: list[float], kind: str = "human", rater: str = "ann", **more: object) -> pd.DataFrame:
    columns = {"item_id": [f"i{k}" for k in range(len(codes))], "criterion": criterion, "rater_id": rater, "rater_kind": kind}
    missing = ["refused" if code != code else "" for code in codes]
    return pd.DataFrame(columns | {"replicate": 0, "code": codes, "expected": codes, "missing": missing, "rationale": ""} | more)


def of(*criteria: str) -> dict[str, Scale]:
    return {name: SCALES[name] for name in criteria}


@pytest.mark.parametrize(
    ("criterion", "codes"),
    [
        ("depth", [1.0, 5.0, np.nan, 3.0]),
        ("tone", [0.0, 1.0, np.nan, 0.0]),
        ("length", [0.0, 2.75, np.nan, 10.0]),
        ("unsafe", [0.0, 1.0, np.nan, 1.0]),
    ],
)
def test_ratings_of_every_scale_are_read_back(criterion: str, codes: list[float], tmp_path: Path) -> None:
    frame = coded(criterion, codes, rationale=["", "why", "", "Grüße"])
    tables.write_coded(frame, of(criterion), tmp_path)
    pd.testing.assert_frame_equal(tables.read_ratings(tmp_path, of(criterion)), frame, check_dtype=False)
    assert tuple(pq.read_table(tmp_path / "ratings.parquet").column_names) == RATING_COLUMNS


def test_numbers_and_names_share_one_table(tmp_path: Path) -> None:
    frame = pd.concat([coded("depth", [1.0, 2.0]), coded("tone", [0.0, 1.0]), coded("length", [2.5, 3.0])], ignore_index=True)
    tables.write_coded(frame, of("depth", "tone", "length"), tmp_path)
    kept = pq.read_table(tmp_path / "ratings.parquet")["value"].to_pylist()
    assert kept == ["1", "2", "kind", "cold", "2.5", "3.0"]
    pd.testing.assert_frame_equal(tables.read_ratings(tmp_path, of("depth", "tone", "length")), frame, check_dtype=False)


def test_criteria_without_a_scale_are_not_read(tmp_path: Path) -> None:
    frame = pd.concat([coded("depth", [1.0]), coded("length", [2.5])], ignore_index=True)
    tables.write_coded(frame, of("depth", "length"), tmp_path)
    assert set(tables.read_ratings(tmp_path, of("depth"))["criterion"]) == {"depth"}


def judged(*values: int | Missing, distribution: dict[str, float] | None = None) -> list[Rating]:
    return [
        Rating(f"i{k}", "depth", "m", "judge", value, rationale="because", distribution=distribution, program_fingerprint="f")
        for k, value in enumerate(values)
    ]


def test_of_a_distribution_the_mean_is_expected(tmp_path: Path) -> None:
    write_ratings(judged(5, distribution={"1": 0.25, "5": 0.75}), of("depth"), tmp_path)
    (row,) = tables.read_ratings(tmp_path, of("depth")).to_dict("records")
    assert (row["code"], row["expected"]) == (5.0, 4.0)


def test_a_missing_rating_keeps_its_reason_and_no_number(tmp_path: Path) -> None:
    write_ratings(judged(3, Missing("unparsable", "no JSON")), of("depth"), tmp_path)
    frame = tables.read_ratings(tmp_path, of("depth"))
    assert frame["missing"].tolist() == ["", "unparsable"]
    assert np.isnan(frame["code"]).tolist() == [False, True]
    assert np.isnan(frame["expected"]).tolist() == [False, True]


def test_human_ratings_take_the_place_of_those_there_were_and_leave_the_judge_s_alone(tmp_path: Path) -> None:
    write_ratings(judged(5, 4, distribution={"3": 0.5, "5": 0.5}), of("depth"), tmp_path)
    before = pq.read_table(tmp_path / "ratings.parquet").to_pylist()
    for rater in ("ann", "bob"):
        tables.add_human_ratings(coded("depth", [1.0, 2.0], rater=rater), of("depth"), tmp_path)
    rows = pq.read_table(tmp_path / "ratings.parquet").to_pylist()
    assert rows[:2] == before
    assert [(row["rater_id"], row["rater_kind"], row["value"]) for row in rows[2:]] == [
        ("bob", "human", 1.0),
        ("bob", "human", 2.0),
    ]


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and then nothing"])
def test_a_table_that_cannot_be_read_is_named_with_the_command_that_writes_it(content: bytes | None, tmp_path: Path) -> None:
    for name in ("items.parquet", "ratings.parquet"):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"items\.parquet: no items can be read .*Run judgefair judge"):
        run_items.read_run_items(tmp_path)
    with pytest.raises(InputError, match=r"ratings\.parquet: no ratings can be read .*Run judgefair judge"):
        tables.read_ratings(tmp_path, of("depth"))


def test_a_process_that_ends_while_it_writes_leaves_the_earlier_table(tmp_path: Path) -> None:
    class Interrupted(list[Item]):
        def __iter__(self) -> Iterator[Item]:
            yield from [Item(f"j{k}", "q", "r") for k in range(run_items.SHARD + 1)]
            raise KeyboardInterrupt

    run_items.write_items([Item("i", "q", "r")], tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_items.put_items(Interrupted(), tmp_path, labels_can_be_made_again=False)
    assert [item.item_id for item in run_items.read_run_items(tmp_path)] == ["i"]
    assert [path.name for path in tmp_path.iterdir()] == ["items.parquet"]


def many(n: int, **more: Any) -> list[Item]:
    return [Item(f"i{k}", f"q{k}", "r", {"age": "old"}, **more) for k in range(n)]


def test_items_beyond_one_row_group_are_read_back_in_order_also_where_a_late_one_has_another_axis(tmp_path: Path) -> None:
    items = [*many(2 * run_items.SHARD), Item("late", "q", "r", {"dialect": "a"}, no_response=Missing("refused", "no"))]
    written = run_items.write_items(items, tmp_path)
    assert run_items.read_run_items(tmp_path) == items
    assert [len(shard) for shard in run_items.read_shards(tmp_path)] == [run_items.SHARD, run_items.SHARD, 1]
    assert written == run_items.Written(len(items), fingerprint([[item.item_id, item.query, item.response] for item in items]))


def test_an_id_that_stands_twice_far_apart_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'i3' stands twice"):
        run_items.write_items([*many(run_items.SHARD + 5), many(4)[3]], tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_same_items_again_leave_the_file_and_the_ratings_as_they_are(tmp_path: Path) -> None:
    for _ in range(2):
        run_items.put_items(many(3), tmp_path, labels_can_be_made_again=False)
        if not (tmp_path / "ratings.parquet").exists():
            write_ratings(judged(5, 4, 3), of("depth"), tmp_path)
    assert pq.read_table(tmp_path / "ratings.parquet")["value"].to_pylist() == [5.0, 4.0, 3.0]


def test_human_ratings_on_scales_of_another_kind_are_not_lost_in_silence(tmp_path: Path) -> None:
    write_ratings(judged(5), of("depth"), tmp_path)
    tables.add_human_ratings(coded("depth", [1.0]), of("depth"), tmp_path)
    named = [Rating("i0", "tone", "m", "judge", "kind")]
    with pytest.raises(InputError, match="holds human ratings on scales of another kind"):
        write_ratings(named, of("tone"), tmp_path)
    assert len(pq.read_table(tmp_path / "ratings.parquet")) == 2


@given(st.lists(st.sampled_from([1, 2, 5, Missing("refused", "no"), Missing("unparsable")]), max_size=8))
def test_judgments_are_read_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    run = tmp_path_factory.mktemp("run")
    ratings = [
        Rating(f"i{k}", "depth", "m", "judge", value, rationale=None if isinstance(value, Missing) else "so")
        for k, value in enumerate(values)
    ]
    write_ratings(ratings, of("depth"), run)
    assert tables.read_judgments(run, of("depth")) == ratings
