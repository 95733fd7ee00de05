"""Is every query put to the system once, and is whatever it does wrong told apart from an answer?"""

import json
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from judgefair.errors import InputError, ModelError
from judgefair.models.budget import Budget
from judgefair.models.model import Body, Model, Post
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.stand_ins import PLAIN
from judgefair.records import Missing, Query, Response
from judgefair.runs.queries import RESPONSES, items_of, read_responses, reject, write_queries
from judgefair.runs.respond_stage import respond
from judgefair.targets import Target, make_target
from judgefair.targets.chat import Chat
from judgefair.targets.chat import Settings as ChatSettings
from tests import loopback as lb
from tests.builders import judgefair, landed

ONCE = RetryPolicy(attempts=1)
DECLINES = "I'm sorry, but I can't help with that request."
RATHER_NOT = "That is nothing I would rather say much about."


def queries(n: int = 4, *more: str, **known: Any) -> list[Query]:
    """Queries `q00`, `q01`, ... whose texts all differ."""
    return [
        Query(f"q{k:02}", f"s{k}", f"b{k}", "neutral", None, None, {}, (f"Where is book {k}?", *more), **known) for k in range(n)
    ]


class Says(Model):
    """Answers each conversation with what a function makes of its user turns, or of the whole body where it asks for fields."""

    has_latency = False

    def __init__(self, answer: Callable[[Body], str], name: str = "scripted:desk") -> None:
        self.name = self.server = name
        self.bodies: list[Body] = []
        self._answer = answer

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            message = {"role": "assistant", "content": self._answer(body)}
            return {
                "choices": [{"finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 2},
            }

        yield post


def last(body: Body) -> str:
    return str(body["messages"][-1]["content"])


def chat(model: Model, name: str = "desk", **settings: Any) -> Target:
    return Chat(name, model, ChatSettings(model=model.name, **settings))


def echo(body: Body) -> str:
    return f"You said: {last(body)}"


def answered(run: Path, target: Target, asked: Sequence[Query] | None = None, **options: Any) -> list[Response]:
    return respond(asked or queries(), target, run, use_cache=False, policy=ONCE, **options)


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A target of a module with this source; modules and paths of one test are not those of the next."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)

    def opened(source: str, **settings: Any) -> Target:
        (tmp_path / "respond_pipeline.py").write_text(textwrap.dedent(source), "utf-8")
        return make_target("pipeline", "python", {"function": "respond_pipeline:answer", **settings}, tmp_path)

    yield opened
    for name in set(sys.modules) - known:
        if name == "respond_pipeline":
            del sys.modules[name]


# A model behind a prompt


def test_every_kept_query_has_one_response_for_each_replicate(tmp_path: Path) -> None:
    asked = queries(3)
    model = Says(echo)
    target = chat(model)
    responses = answered(tmp_path, target, [*asked[:2], reject(asked[2], "length")], replicates=2)
    assert [(r.response_id, r.query_id, r.replicate) for r in responses] == [
        (f"q{k:02}.desk.{replicate}", f"q{k:02}", replicate) for k in (0, 1) for replicate in (0, 1)
    ]
    assert [r.text for r in responses[::2]] == ["You said: Where is book 0?", "You said: Where is book 1?"]
    assert [body["seed"] for body in sorted(model.bodies, key=str)] == [0, 1, 0, 1]
    assert {r.system_fingerprint for r in responses} == {target.fingerprint}
    assert {r.missing for r in responses} == {None}
    assert {json.dumps(r.usage) for r in responses} == {'{"prompt_tokens": 5, "completion_tokens": 2}'}
    assert read_responses(tmp_path) == responses


def test_latency_is_told_of_a_server_and_not_of_a_stand_in(tmp_path: Path) -> None:
    assert {r.latency_ms for r in answered(tmp_path / "fake", chat(Says(echo)))} == {None}
    with lb.loopback(lb.Behaviour(message={"content": "Row 3."})) as server:
        timed = answered(tmp_path / "real", chat(OpenAIServer("tiny", server.address)))
    assert all(r.latency_ms is not None and r.latency_ms > 0 for r in timed)


def test_the_shipped_stand_in_answers_too(tmp_path: Path) -> None:
    target = make_target("desk", "chat", {"model": "scripted:middle"}, tmp_path)
    assert {r.text for r in answered(tmp_path, target)} == {PLAIN[2]}


def test_what_a_server_does_wrong_is_missing_and_the_others_are_answered(tmp_path: Path) -> None:
    good = lb.Behaviour(message={"content": "Row 3."})
    script = lb.in_turn(good, lb.status(500, "broken"), lb.Behaviour(message={"content": None, "refusal": "Not that."}), good)
    with lb.loopback(script) as server:
        target = chat(OpenAIServer("tiny", server.address))
        first = answered(tmp_path, target, concurrency=1)
        server.script = lb.in_turn(good)
        second = answered(tmp_path, target, concurrency=1)
    assert [r.missing for r in first] == [None, Missing("backend_failure"), Missing("refused"), None]
    assert [r.missing.detail for r in first if r.missing] == ["HTTP 500: broken", "Not that."]
    assert [r.text for r in first] == ["Row 3.", "", "Not that.", "Row 3."]
    assert {r.system_fingerprint for r in first} == {target.fingerprint}
    assert [r.missing for r in second] == [None, None, Missing("refused"), None]  # only what never came is asked again
    assert len(server.calls) == 5


def test_a_key_that_is_refused_ends_the_stage(tmp_path: Path) -> None:
    with lb.loopback(lb.status(401)) as server, pytest.raises(ModelError, match="the key was refused"):
        answered(tmp_path, chat(OpenAIServer("tiny", server.address)))


# A Python function


def test_a_function_that_raises_hangs_or_gives_no_text_is_missing_there_and_nowhere_else(tmp_path: Path, function: Any) -> None:
    target = function(
        """
        import threading

        def answer(text):
            if "book 0" in text:
                raise KeyError("shelf")
            if "book 1" in text:
                threading.Event().wait()
            if "book 2" in text:
                return 7
            if "book 3" in text:
                return "  "
            return "Row 3."
        """,
        timeout=0.2,
    )
    responses = answered(tmp_path, target, queries(6))
    assert [r.missing and (r.missing.reason, r.missing.detail) for r in responses] == [
        ("backend_failure", "KeyError: 'shelf'"),
        ("backend_failure", "no answer within 0.2 s"),
        ("unparsable", "returned int, expected text"),
        ("unparsable", "returned empty text"),
        None,
        None,
    ]
    assert [r.text for r in responses] == ["", "", "", "", "Row 3.", "Row 3."]
    assert {(r.system_fingerprint, r.latency_ms) for r in responses} == {(target.fingerprint, None)}
    assert read_responses(tmp_path) == responses


def test_a_function_is_called_once_for_what_it_answered_and_again_for_what_it_did_not(tmp_path: Path, function: Any) -> None:
    target = function("""
        from pathlib import Path

        CALLS = Path(__file__).with_name("calls")

        def answer(text):
            said = CALLS.read_text() if CALLS.exists() else ""
            CALLS.write_text(said + text + chr(10))
            if "book 1" in text and said.count(text) == 0:
                raise OSError("asleep")
            return "Row 3."
    """)
    first = answered(tmp_path / "run", target, concurrency=1)
    second = answered(tmp_path / "run", target, concurrency=1)
    assert [r.missing for r in first] == [None, Missing("backend_failure"), None, None]
    assert [r.missing for r in second] == [None] * 4
    calls = Counter((tmp_path / "calls").read_text("utf-8").splitlines())
    assert calls == {f"Where is book {k}?": 1 + (k == 1) for k in range(4)}


# Nothing twice


def test_a_killed_run_resumes_and_asks_only_for_the_rest(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_queries(queries(20), run)
    with lb.loopback(lambda number, _: lb.Behaviour(message={"content": "Row 3."}, held=number > 13)) as server:
        settings = ["--set", f"model=tiny@{server.address}", "--id", "desk"]
        line = judgefair("respond", run, *settings, "--concurrency", 4, "--no-cache")
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            server.wait_until(lambda s: len(s.calls) == 17)  # each worker asks again only once its reply is on disk
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert len(landed(run)) == 13
        assert not (run / RESPONSES).exists()
        server.release()
        responses = answered(run, make_target("desk", "chat", {"model": f"tiny@{server.address}"}, tmp_path), queries(20))
    assert [r.text for r in responses] == ["Row 3."] * 20
    asked = Counter(call.prompt for call in server.calls)
    assert len(asked) == 20
    assert len(server.calls) == 20 + 4
    assert not {call.raw for call in server.calls[:13]} & {call.raw for call in server.calls[13:]}


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = Says(echo), Says(echo)
    answered(tmp_path, chat(first), replicates=2)
    written = (tmp_path / RESPONSES).read_bytes()
    answered(tmp_path, chat(second), replicates=2)
    assert (len(first.bodies), second.bodies) == (8, [])
    assert (tmp_path / RESPONSES).read_bytes() == written


def test_another_system_prompt_is_another_system_and_is_asked_anew(tmp_path: Path) -> None:
    model = Says(echo)
    answered(tmp_path, chat(model))
    changed = chat(model, system_prompt="You staff a desk.")
    assert {r.system_fingerprint for r in answered(tmp_path, changed)} == {changed.fingerprint} != {chat(model).fingerprint}
    assert len(model.bodies) == 8


def test_a_budget_leaves_the_rest_over_and_a_larger_one_goes_on_from_there(tmp_path: Path) -> None:
    model = Says(echo)
    first = answered(tmp_path, chat(model), concurrency=1, budget=Budget(3))
    assert [r.missing for r in first] == [None, None, None, Missing("over_budget")]
    assert [r.missing for r in answered(tmp_path, chat(model), budget=Budget(1))] == [None] * 4
    assert len(model.bodies) == 4


def test_two_systems_share_one_table(tmp_path: Path) -> None:
    desk, kiosk = chat(Says(echo)), chat(Says(lambda _: "Ask the desk.", "scripted:kiosk"), "kiosk")
    answered(tmp_path, desk)
    answered(tmp_path, kiosk)
    answered(tmp_path, desk)
    rows = pq.read_table(tmp_path / RESPONSES).to_pylist()
    assert Counter((row["target"], row["system_fingerprint"]) for row in rows) == {
        ("desk", desk.fingerprint): 4, ("kiosk", kiosk.fingerprint): 4,
    }  # fmt: skip
    assert len({row["response_id"] for row in rows}) == 8


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"replicates": 0}])
def test_no_worker_and_no_replicate_are_refused(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(InputError, match="Expected at least 1 each"):
        answered(tmp_path, chat(Says(echo)), **options)


# Refusals


def test_a_marked_refusal_is_missing_and_what_was_said_is_kept(tmp_path: Path) -> None:
    target = chat(Says(lambda body: DECLINES if "book 1" in last(body) else "Row 3."))
    responses = answered(tmp_path, target)
    assert [r.missing for r in responses] == [None, Missing("refused"), None, None]
    assert responses[1].text == DECLINES
    assert responses[1].missing is not None
    assert responses[1].missing.detail == "opens with 'I'm sorry, but I can't help with'"
    item = items_of(queries(), responses)[1]
    assert (item.no_response, item.response, item.query) == (Missing("refused"), DECLINES, "Where is book 1?")


def test_a_refusal_judge_is_asked_of_what_bears_no_marker_and_believed(tmp_path: Path) -> None:
    said = {"book 0": DECLINES, "book 1": RATHER_NOT, "book 2": "Row 3.", "book 3": "Row 4."}
    target = chat(Says(lambda body: next(text for book, text in said.items() if book in last(body))))

    def reads(body: Body) -> str:
        if "Row 4." in last(body):
            return "no idea"
        return json.dumps({"outcome": "refused" if RATHER_NOT in last(body) else "answered"})

    judge = Says(reads, "scripted:reader")
    responses = answered(tmp_path, target, refusal_judge=judge)
    assert [r.missing for r in responses] == [Missing("refused"), Missing("refused"), None, None]
    assert [r.text for r in responses] == list(said.values())
    assert responses[1].missing is not None
    assert responses[1].missing.detail == "scripted:reader reads a refusal"
    assert len(judge.bodies) == 3  # what bears a marker needs no reader
    assert not any(DECLINES in last(body) for body in judge.bodies)


# Conversations


def test_authored_turns_are_put_one_by_one_with_what_was_answered(tmp_path: Path) -> None:
    model = Says(echo)
    (response,) = answered(tmp_path, chat(model), queries(1, "And the globe?"))
    first, second = "Where is book 0?", "And the globe?"
    assert [[m["content"] for m in body["messages"]] for body in model.bodies] == [
        [first], [first, f"You said: {first}", second]
    ]  # fmt: skip
    assert [turn["role"] for turn in response.turns] == ["user", "assistant"] * 2
    assert (response.text, response.usage) == (f"You said: {second}", {"prompt_tokens": 10, "completion_tokens": 4})


def test_a_conversation_that_breaks_off_is_missing_with_what_was_said_before(tmp_path: Path) -> None:
    target = chat(Says(lambda body: " " if "globe" in last(body) else "Row 3."))
    (response,) = answered(tmp_path, target, queries(1, "And the globe?", "Thank you."))
    assert response.missing is not None
    assert (response.missing.reason, response.text) == ("unparsable", "")
    assert [turn["content"] for turn in response.turns] == ["Where is book 0?", "Row 3.", "And the globe?"]


def test_recorded_answers_to_all_turns_are_taken_as_one(tmp_path: Path) -> None:
    rows = [{"query_id": f"q{k:02}", "response": f"Row {k}."} for k in range(3)]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    target = make_target("desk", "recorded", {"path": "answers.jsonl"}, tmp_path)
    asked = queries(4, "And the globe?", goal="Find both")
    responses = answered(tmp_path / "run", target, asked, user=Says(echo, "scripted:user"), dialogue=3)
    assert [r.text for r in responses] == ["Row 0.", "Row 1.", "Row 2.", ""]
    assert [r.missing for r in responses] == [None, None, None, Missing("not_rated")]
    assert [turn["role"] for turn in responses[0].turns] == ["user", "user", "assistant"]
    assert items_of(asked, responses)[0].query == "User: Where is book 0?\n\nUser: And the globe?"


@pytest.mark.parametrize(
    ("dialogue", "users"),
    [(1, ["Where is book 0?"]), (2, ["Where is book 0?", "Turn 2"]), (9, ["Where is book 0?", "Turn 2", "Turn 3"])],
)
def test_a_simulated_user_goes_on_until_done_or_out_of_turns(tmp_path: Path, dialogue: int, users: list[str]) -> None:
    def speaks(body: Body) -> str:
        turn = last(body).count("User: ") + 1
        return json.dumps({"message": f"Turn {turn}", "done": "yes" if turn > 3 else "no"})

    user = Says(speaks, "scripted:user")
    asked = queries(1, goal="Learn where two books are")
    (response,) = answered(tmp_path, chat(Says(echo)), asked, user=user, dialogue=dialogue)
    assert [turn["content"] for turn in response.turns if turn["role"] == "user"] == users
    assert response.text == f"You said: {users[-1]}"
    assert len(user.bodies) == min(dialogue - 1, 3)
    assert all("Learn where two books are" in last(body) for body in user.bodies)
    again = Says(speaks, "scripted:user")
    assert answered(tmp_path, chat(Says(echo)), asked, user=again, dialogue=dialogue) == [response]
    assert again.bodies == []


def test_a_user_that_says_nothing_usable_ends_the_conversation(tmp_path: Path) -> None:
    user = Says(lambda _: "well", "scripted:user")
    (response,) = answered(tmp_path, chat(Says(echo)), queries(1, goal="Learn it"), user=user, dialogue=4)
    assert (response.missing, len(response.turns)) == (None, 2)


def test_a_query_without_a_goal_is_never_gone_on_with(tmp_path: Path) -> None:
    user = Says(echo, "scripted:user")
    assert all(len(r.turns) == 2 for r in answered(tmp_path, chat(Says(echo)), user=user, dialogue=4))
    assert user.bodies == []
