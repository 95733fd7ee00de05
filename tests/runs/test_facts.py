"""Is what is known of items beside their texts the same whether they are read or in memory, and are texts left where they are?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.records import Item, Missing
from judgefair.runs import items as run_items
from judgefair.runs.coded import Coded
from judgefair.runs.facts import META, Facts, read_facts
from judgefair.runs.texts import RunItems, find_items

NAMES = st.text("abcxyz_", min_size=1, max_size=5)
SAID = (
    st.text("ab", min_size=1, max_size=2)
    | st.integers(0, 3)
    | st.booleans()
    | st.floats(0, 2)
    | st.dictionaries(NAMES, NAMES, max_size=2)
)
ITEM = st.builds(
    Item, st.uuids().map(str), st.just("q"), st.just("r"), st.dictionaries(st.sampled_from("xyz"), NAMES), st.none() | NAMES,
    st.dictionaries(st.sampled_from([*META, "query_id"]), SAID), st.none() | st.sampled_from(["refused", "not_rated"]).map(Missing),
)  # fmt: skip


def told(column: Coded) -> list[object]:
    """The values row by row, in a form that tells 1 from True."""
    return [(type(value), value) for value in column.told()]


@given(st.lists(ITEM, max_size=12))
def test_facts_are_read_as_items_have_them(tmp_path_factory: pytest.TempPathFactory, items: list[Item]) -> None:
    run = tmp_path_factory.mktemp("run")
    run_items.write_items(items, run)
    everything = np.arange(len(items))
    for facts in (read_facts(run), Facts.of(items)):
        assert facts.ids_of(everything) == [item.item_id for item in items]
        assert set(facts.groups) == {axis for item in items for axis in item.populations}
        assert [facts.populations(row) for row in range(len(items))] == [item.populations for item in items]
        for name in META:
            assert told(facts.meta[name]) == [(type(value), value) for value in (item.meta.get(name) for item in items)]
        assert facts.scenario.told().tolist() == [item.scenario_id for item in items]
        reasons = [item.no_response.reason if item.no_response else None for item in items]
        assert facts.no_response.told().tolist() == reasons
        assert facts.unit_names(everything).tolist() == [item.unit for item in items]
        firsts = {unit: k for k, unit in enumerate(dict.fromkeys(item.unit for item in items))}
        assert facts.units.tolist() == [firsts[item.unit] for item in items]
        assert facts.place([item.item_id for item in reversed(items)]).tolist() == everything[::-1].tolist()
        assert facts.place(["nowhere"]).tolist() == [-1]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven items in row groups of two."""
    monkeypatch.setattr(run_items, "SHARD", 2)
    run_items.write_items([Item(f"i{k}", f"q{k}", f"r{k}", {"dialect": "ab"[k % 2]}) for k in range(7)], tmp_path)
    assert pq.read_metadata(tmp_path / run_items.ITEMS).num_row_groups == 4
    return tmp_path


def test_items_are_found_by_their_ids(run: Path) -> None:
    every = run_items.read_run_items(run)
    assert find_items(run, ["i5", "i0", "i4", "elsewhere"]) == [every[0], every[4], every[5]]
    assert find_items(run, []) == []


def test_items_read_as_they_are_asked_for_are_a_sequence(run: Path) -> None:
    every, lazily = run_items.read_run_items(run), RunItems(run)
    assert (len(lazily), list(lazily), lazily[3], lazily[-1], lazily[1:6:2]) == (7, every, every[3], every[-1], every[1:6:2])
    with pytest.raises(IndexError):
        lazily[7]


def test_no_text_is_read_of_row_groups_without_an_item_that_is_asked_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    batches = pq.ParquetFile.iter_batches

    def watched(self, size, *, row_groups, **more):
        read.extend(row_groups)
        return batches(self, size, row_groups=row_groups, **more)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    find_items(run, ["i2", "i6"])
    assert read == [1, 3]


def test_null_and_nothing_are_no_value() -> None:
    items = [Item("a", "", "", {"x": ""}, "", {"cue": None, "arm": ""}), Item("b", "", "", {"x": "y"}, "s", {"cue": "name"})]
    facts = Facts.of(items)
    assert (facts.group_of("x").tolist(), facts.group_of("z").tolist()) == (["", "y"], ["", ""])
    assert facts.meta["cue"].is_there.tolist() == [False, True]
    assert not facts.meta["arm"].is_there.any()
    assert facts.unit_names(np.arange(2)).tolist() == ["a", "s"]
    assert Facts.of([replace(items[0], item_id="s"), items[1]]).units.tolist() == [0, 0]  # an id may be another's scenario
