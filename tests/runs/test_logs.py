"""Are real users' queries taken in only with consent on record, and only where the rubric knows who asks? All rows are made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgefair.errors import InputError
from judgefair.runs.logs import import_logs, read_logs
from tests.builders import tiny_rubric

CARD = {
    "id": "desk_logs", "title": "Questions put to a desk", "consent": "Readers agreed in 2026 to evaluation; see the form.",
    "collected": "At one desk, in spring 2026", "populations_from": "Readers said so themselves", "licence": "internal",
    "known_issues": "[]",
}  # fmt: skip
ROWS = [
    {"query": "Where is the atlas?", "user_id": "u1", "pop.age": "child", "intent": "find", "query_id": "q1"},
    {"query": "And the globe?", "user_id": "u1", "pop.age": "child", "intent": "find", "query_id": "q2"},
    {"query": "When do you open?", "user_id": "u2", "pop.age": "", "intent": "", "query_id": "q3"},
]


def logs(tmp_path: Path, rows: list[dict[str, Any]], **card: str | None) -> tuple[Path, Path]:
    """A table and its card."""
    table, path = tmp_path / "logs.jsonl", tmp_path / "card.yaml"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    said = {name: value for name, value in {**CARD, **card}.items() if value is not None}
    path.write_text("".join(f"{name}: {value}\n" for name, value in said.items()), "utf-8")
    return table, path


def taken_in(tmp_path: Path, rows: list[dict[str, Any]], **card: str | None) -> Path:
    import_logs(*logs(tmp_path, rows, **card), tiny_rubric().context, tmp_path / "logs")
    return tmp_path / "logs"


def test_queries_come_back_with_their_card_users_and_populations(tmp_path: Path) -> None:
    card, queries = read_logs(taken_in(tmp_path, ROWS))
    assert (card.id, card.consent) == ("desk_logs", CARD["consent"])
    assert [query.query_id for query in queries] == ["desk_logs-q1", "desk_logs-q2", "desk_logs-q3"]
    assert [query.scenario_id for query in queries] == [
        "desk_logs:u1",
        "desk_logs:u1",
        "desk_logs:u2",
    ]  # the user is drawn, not the row
    assert [query.populations for query in queries] == [{"age": "child"}, {"age": "child"}, {}]
    assert [query.intent for query in queries] == ["find", "find", None]
    assert {(query.generator, query.cue, query.placebo, query.language, query.kept) for query in queries} == {
        ("logs", None, None, "en", True)
    }
    assert queries[0].turns == ("Where is the atlas?",)


def test_without_ids_each_row_is_a_user_of_its_own(tmp_path: Path) -> None:
    _, queries = read_logs(taken_in(tmp_path, [{"query": "One?"}, {"query": "Two?"}]))
    assert [(query.query_id, query.scenario_id) for query in queries] == [
        ("desk_logs-1", "desk_logs:1"), ("desk_logs-2", "desk_logs:2")
    ]  # fmt: skip


def test_several_turns_stand_in_a_json_list(tmp_path: Path) -> None:
    _, (query,) = read_logs(taken_in(tmp_path, [{"turns": json.dumps(["Where is the atlas?", "Which shelf?"])}]))
    assert query.turns == ("Where is the atlas?", "Which shelf?")


def test_a_csv_gives_the_same_queries_as_json_lines(tmp_path: Path) -> None:
    lines = ["query,user_id,pop.age,intent,query_id"] + [
        f"{row['query']},{row['user_id']},{row['pop.age']},{row['intent']},{row['query_id']}" for row in ROWS
    ]
    _, card = logs(tmp_path, ROWS)
    (tmp_path / "logs.csv").write_text("\n".join(lines) + "\n", "utf-8")
    context = tiny_rubric().context
    from_csv = import_logs(tmp_path / "logs.csv", card, context, tmp_path / "csv")
    assert from_csv == import_logs(tmp_path / "logs.jsonl", card, context, tmp_path / "jsonl")


@pytest.mark.parametrize("consent", [None, "''", "'  '"])
def test_without_consent_on_record_nothing_is_taken_in(tmp_path: Path, consent: str | None) -> None:
    with pytest.raises(InputError, match=r"card.yaml.*consent"):
        taken_in(tmp_path, ROWS, consent=consent)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"query": "One?", "pop.agee": "child"}], r"'pop.agee' names no axis of the rubric\. Did you mean 'pop.age'\?"),
        ([{"query": "One?", "pop.age": "chlid"}], r"row 1: pop.age is 'chlid'\. Did you mean 'child'\? Groups: adult, child"),
        ([{"query": "One?", "usr_id": "u1"}], r"column 'usr_id' is not known\. Did you mean 'user_id'\?"),
        ([{"query": "One?"}, {"query": "  "}], r"row 2: query is empty"),
        ([{"user_id": "u1"}], r"row 1: query is empty"),
        ([{"turns": "[]"}], r"row 1: turns is '\[\]'\. Expected a list of texts"),
        ([{"turns": '["One?", ""]'}], r"Expected a list of texts, none of them empty"),
        ([{"turns": "One?"}], r"row 1: turns is no JSON"),
        ([{"query": "One?", "query_id": "q1"}, {"query": "Two?", "query_id": "q1"}], r"a query_id stands twice"),
        ([], r"no queries in it"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        taken_in(tmp_path, rows)
    assert not (tmp_path / "logs").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = taken_in(tmp_path, ROWS)
    with pytest.raises(InputError, match="is not empty, and nothing is overwritten"):
        taken_in(tmp_path, ROWS[:1])
    assert len(read_logs(folder)[1]) == 3


def test_a_folder_without_a_card_is_no_logs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no card.yaml"):
        read_logs(tmp_path)
