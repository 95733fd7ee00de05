"""Does `show` tell everything about one item, and nothing of another?"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgefair.errors import InputError
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.records import Item
from judgefair.runs import judge
from judgefair.runs.shown import show_item
from tests import loopback as lb
from tests.builders import judgefair, run_here, tiny_items, tiny_program


def judged(server: lb.Loopback, run: Path, items: list[Item], **options: Any) -> None:
    options = {"policy": RetryPolicy(2, first_wait=0.001), "concurrency": 1, "use_cache": False} | options
    judge(tiny_program(), items, OpenAIServer("tiny", server.address), run, **options)


def test_prompt_attempts_reply_and_ratings_of_an_item_are_shown(tmp_path: Path) -> None:
    with lb.loopback(lb.in_turn(lb.ok(1), lb.status(500, "overloaded"), lb.ok(3))) as server:
        judged(server, tmp_path, tiny_items(2))
        sent = {call.number: call.body for call in server.calls}
    found = show_item(tmp_path, "i02")
    assert (found["query"], found["response"], found["populations"]) == ("Where is book 2?", "On shelf 2.", {"age": "child"})
    first = found["calls"][0]
    assert (first["call"], first["replicate"], first["request"]) == ("helpfulness", 0, sent[2])
    assert [(attempt["number"], attempt["error"]) for attempt in first["attempts"]] == [(1, "HTTP 500: overloaded"), (2, None)]
    assert first["reply"]["text"] == '{"level": 3}'
    assert [(row["criterion"], row["value"]) for row in found["ratings"]] == [("helpfulness", 3.0), ("talks_down", None)]
    assert len(found["calls"]) == 2


def test_replicates_are_shown_apart(tmp_path: Path) -> None:
    with lb.loopback(lambda number, _: lb.ok(number % 2)) as server:
        judged(server, tmp_path, tiny_items(1), replicates=2)
    found = show_item(tmp_path, "i01")
    assert [(call["call"], call["replicate"], call["request"]["seed"]) for call in found["calls"]] == [
        ("helpfulness", 0, 0), ("helpfulness", 1, 1), ("talks_down", 0, 0), ("talks_down", 1, 1),
    ]  # fmt: skip
    assert len(found["ratings"]) == 4


def test_two_items_of_one_text_share_their_reply(tmp_path: Path) -> None:
    twin = replace(tiny_items(1)[0], item_id="twin")
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path, [*tiny_items(1), twin], concurrency=4)
    assert len(server.calls) == 2
    assert [call["reply"]["text"] for call in show_item(tmp_path, "twin")["calls"]] == ['{"level": 1}'] * 2


def test_an_item_that_the_run_does_not_have_is_named_with_the_nearest(tmp_path: Path) -> None:
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path, tiny_items(2))
    with pytest.raises(InputError, match=r"has no item 'i2'\. Did you mean 'i02'\?"):
        show_item(tmp_path, "i2")


def test_a_run_that_ended_early_shows_what_has_landed(tmp_path: Path) -> None:
    with (
        lb.loopback(lambda number, _: lb.status(401) if number > 1 else lb.ok(1)) as server,
        pytest.raises(Exception, match="key"),
    ):
        judged(server, tmp_path, tiny_items(1))
    found = show_item(tmp_path, "i01")
    assert [call["reply"] is None for call in found["calls"]] == [False, True]
    assert found["ratings"] == []


def test_the_command_line_shows_text_and_json_and_lets_no_text_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    item = replace(tiny_items(1)[0], response="On shelf \x1b[31m1.")
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path, [item])
    assert run_here(judgefair("show", tmp_path, "i01"), monkeypatch) == 0
    said = capfd.readouterr().out
    assert "attempt 1" in said
    assert "helpfulness   tiny (judge), replicate 0: 1.0" in said
    assert "\x1b" not in said
    assert run_here(judgefair("show", tmp_path, "i01", "--json"), monkeypatch) == 0
    assert json.loads(capfd.readouterr().out) == show_item(tmp_path, "i01")
