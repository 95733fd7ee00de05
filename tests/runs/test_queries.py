"""Does what was asked and answered come back from its tables as it was, and become the items that are judged?"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefair.errors import InputError
from judgefair.records import MISSING_REASONS, Missing, Query, Response
from judgefair.runs.items import read_run_items, write_items
from judgefair.runs.queries import (
    QUERIES,
    RESPONSES,
    items_of,
    read_queries,
    read_responses,
    reject,
    write_queries,
    write_responses,
)

ASKED = Query(
    "b0000-a001", "tides", "b0000", "age=child, name", "name", None, {"age": "child"}, ("Where is the atlas?",), seed=3, merit=2.0,
    gates={"length": 1.5},
)  # fmt: skip
SAID = ({"role": "user", "content": "Where is the atlas?"}, {"role": "assistant", "content": "Row 3."})
ANSWERED = Response("b0000-a001.desk.0", "b0000-a001", "desk", 0, "Row 3.", None, SAID, "f" * 64, {"prompt_tokens": 9}, 12.5)

texts = st.text(max_size=20)
maybe = st.none() | texts
names = st.text(min_size=1, max_size=8)
numbers = st.floats(allow_nan=False)
queries = st.builds(
    Query, texts, texts, texts, texts, maybe, maybe, st.dictionaries(names, texts, max_size=2),
    st.lists(texts, min_size=1, max_size=3).map(tuple), texts, texts, st.integers(0, 2**31), maybe, st.none() | numbers, maybe,
    st.dictionaries(names, numbers, max_size=2), maybe,
)  # fmt: skip
turns = st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(["user", "assistant"]), texts)
responses = st.builds(
    Response, texts, texts, texts, st.integers(0, 9), texts, st.none() | st.builds(Missing, st.sampled_from(MISSING_REASONS), texts),
    st.lists(turns, max_size=3).map(tuple), texts, st.dictionaries(names, st.integers(0, 10**6), max_size=2), st.none() | numbers,
)  # fmt: skip


@given(st.lists(queries, max_size=4))
@settings(max_examples=60)
def test_queries_come_back_as_they_were(written: list[Query]) -> None:
    with TemporaryDirectory() as folder:
        write_queries(written, Path(folder))
        assert read_queries(Path(folder)) == written


@given(st.lists(responses, max_size=4))
@settings(max_examples=60)
def test_responses_come_back_as_they_were(written: list[Response]) -> None:
    with TemporaryDirectory() as folder:
        write_responses(written, Path(folder))
        read = read_responses(Path(folder))
    assert read == written
    assert [r.missing.detail for r in read if r.missing] == [r.missing.detail for r in written if r.missing]


def test_half_a_surrogate_pair_is_written_as_a_question_mark(tmp_path: Path) -> None:
    half = json.loads('"\\ud83d"')
    write_queries([replace(ASKED, turns=(f"Where {half}",))], tmp_path)
    write_responses([replace(ANSWERED, text=half, turns=({"role": "user", "content": half},))], tmp_path)
    assert read_queries(tmp_path)[0].turns == ("Where ?",)
    assert (read_responses(tmp_path)[0].text, read_responses(tmp_path)[0].turns[0]["content"]) == ("?", "?")


def test_the_tables_have_the_columns_that_are_told(tmp_path: Path) -> None:
    write_queries([ASKED, reject(replace(ASKED, query_id="b0000-a002"), "length")], tmp_path)
    write_responses([ANSWERED], tmp_path)
    table = pq.read_table(tmp_path / QUERIES)
    assert {
        "query_id", "scenario_id", "block_id", "arm", "cue", "placebo", "pop.age", "turns", "language", "generator", "seed", "kept",
        "rejected_because", "gate.length",
    } <= set(table.column_names)  # fmt: skip
    assert table["turns"].to_pylist()[0] == [{"role": "user", "content": "Where is the atlas?"}]
    assert [table[name].to_pylist() for name in ("kept", "rejected_because")] == [[True, False], [None, "length"]]
    answered = pq.read_table(tmp_path / RESPONSES)
    assert {
        "response_id", "query_id", "target", "replicate", "text", "missing", "usage", "latency_ms", "system_fingerprint",
    } <= set(answered.column_names)  # fmt: skip
    assert json.loads(answered["usage"].to_pylist()[0]) == {"prompt_tokens": 9}


def test_two_writings_of_the_same_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_queries([ASKED], tmp_path / name)
        write_responses([ANSWERED], tmp_path / name)
        write_responses([ANSWERED], tmp_path / name)
        write_items(items_of([ASKED], [ANSWERED]), tmp_path / name)
    for table in (QUERIES, RESPONSES, "items.parquet"):
        assert (tmp_path / "first" / table).read_bytes() == (tmp_path / "second" / table).read_bytes()


def test_responses_of_another_system_stay_and_those_of_the_same_are_replaced(tmp_path: Path) -> None:
    other = replace(ANSWERED, response_id="b0000-a001.kiosk.0", target="kiosk", text="Ask the desk.")
    write_responses([ANSWERED], tmp_path)
    write_responses([other], tmp_path)
    write_responses([replace(ANSWERED, text="Row 4.")], tmp_path)
    assert sorted((r.target, r.text) for r in read_responses(tmp_path)) == [("desk", "Row 4."), ("kiosk", "Ask the desk.")]


@pytest.mark.parametrize(
    ("read", "table", "next_"), [(read_queries, QUERIES, "judgefair simulate"), (read_responses, RESPONSES, "judgefair respond")]
)
def test_a_table_that_is_not_there_or_is_none_is_refused_with_what_writes_it(
    tmp_path: Path, read: Any, table: str, next_: str
) -> None:
    with pytest.raises(InputError, match=f"{table}: cannot be read .*Run {next_}"):
        read(tmp_path)
    (tmp_path / table).write_text("not parquet", "utf-8")
    with pytest.raises(InputError, match=f"{table}: cannot be read .*Run {next_}"):
        read(tmp_path)


# Items


def test_an_item_is_a_response_with_its_population_and_the_arm_it_came_from() -> None:
    (item,) = items_of([ASKED], [ANSWERED])
    assert (item.item_id, item.scenario_id, item.populations) == ("b0000-a001.desk.0", "tides", {"age": "child"})
    assert (item.query, item.response, item.no_response) == ("Where is the atlas?", "Row 3.", None)
    assert item.meta == {
        "arm": "age=child, name", "block": "b0000", "query_id": "b0000-a001", "replicate": 0, "cue": "name", "merit": 2.0,
    }  # fmt: skip


def test_a_placebo_shows_no_population_of_its_own() -> None:
    (item,) = items_of([replace(ASKED, placebo="same_group")], [ANSWERED])
    assert item.populations == {}
    assert (item.meta["placebo"], item.meta["shows"], item.meta["cue"]) == ("same_group", {"age": "child"}, "name")


def test_a_real_users_item_says_that_it_is_of_the_mix_as_it_is_lived() -> None:
    (item,) = items_of([replace(ASKED, generator="logs", cue=None, intent="find a map")], [ANSWERED])
    assert (item.meta["mix"], item.meta["intent"], item.populations) == ("as_lived", "find a map", {"age": "child"})
    assert "cue" not in item.meta


def test_without_a_response_there_is_nothing_to_rate_and_the_reason_stays(tmp_path: Path) -> None:
    refused = replace(ANSWERED, text="I cannot help.", missing=Missing("refused", "opens with 'I cannot'"))
    failed = replace(ANSWERED, response_id="x", text="", missing=Missing("backend_failure", "no answer"), turns=SAID[:1])
    write_items(items_of([ASKED], [refused, failed, replace(ANSWERED, response_id="y")]), tmp_path)
    read = read_run_items(tmp_path)
    assert [item.no_response for item in read] == [Missing("refused"), Missing("backend_failure"), None]
    assert [item.response for item in read] == ["I cannot help.", "", "Row 3."]
    assert [item.query for item in read] == ["Where is the atlas?"] * 3


def test_of_a_conversation_all_before_the_last_answer_is_the_query() -> None:
    more = ({"role": "user", "content": "And the globe?"}, {"role": "assistant", "content": "Row 4."})
    (item,) = items_of([ASKED], [replace(ANSWERED, turns=(*SAID, *more), text="Row 4.")])
    assert item.query == "User: Where is the atlas?\n\nAssistant: Row 3.\n\nUser: And the globe?"
    (unanswered,) = items_of([ASKED], [replace(ANSWERED, turns=(*SAID, more[0]), text="", missing=Missing("refused"))])
    assert unanswered.query == item.query
    (never_put,) = items_of([ASKED], [replace(ANSWERED, turns=())])
    assert never_put.query == ASKED.text
