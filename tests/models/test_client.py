"""Does each way a server can fail end as the right thing: a reply, a Missing with its reason, or an error that stops?"""

import json

import pytest

from judgefair.errors import ModelError
from judgefair.models.budget import Budget
from judgefair.models.client import Client
from judgefair.models.gate import Gate, Limits
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import Attempt, RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Missing
from tests import loopback as lb
from tests.builders import tiny_items, tiny_program

CANARY = "sk-canary-0f9d2c71"
POLICY = RetryPolicy(attempts=3, first_wait=1.0)


async def asked(server, *, policy=POLICY, budget=None, times=1, timeout=20.0):
    """What came of asking once (the last of `times`), and the attempts that were told of."""
    model = OpenAIServer("tiny", server.address, key=CANARY, timeout=timeout)
    attempts: list[Attempt] = []

    async def note(attempt: Attempt) -> None:
        attempts.append(attempt)

    gate = Gate(8, Limits(), budget or Budget())

    program = tiny_program()
    prompt = program.prompts["helpfulness"]
    body = model.body(prompt.render(tiny_items(1)[0]), prompt.schema, dict(program.sampling), 0, 1)
    outcome = None
    async with model.open() as post:
        for _ in range(times):
            outcome = await Client(model, post, gate, policy).ask(body, note)
            if not isinstance(outcome, Missing):
                outcome, landed = outcome
                attempts.append(landed)
    return outcome, attempts


def level_of(reply):
    return tiny_program().parse("helpfulness", reply).value


async def test_a_reply_carries_its_text_and_what_it_cost(waits):
    budget = Budget()
    with lb.loopback(lb.ok(3)) as server:
        reply, attempts = await asked(server, budget=budget)
    assert isinstance(reply, Reply)
    assert reply.seconds is not None
    assert reply.seconds > 0
    assert reply._replace(seconds=None) == Reply('{"level": 3}', "stop", prompt_tokens=90, completion_tokens=10)
    assert (budget.calls, budget.tokens) == (1, 100)
    assert [(attempt.number, attempt.error) for attempt in attempts] == [(1, None)]
    assert not waits


@pytest.mark.parametrize(
    "behaviour",
    [
        lb.status(500),
        lb.status(503),
        lb.status(408),
        lb.status(429),
        lb.DROP_BEFORE_HEADERS,
        lb.DROP_WITHIN_HEADERS,
        lb.CUT_BODY,
        lb.NOT_JSON,
        lb.raw(""),
        lb.raw("[1, 2]"),
        lb.raw("null"),
        lb.raw("[" * 100_000),
        lb.raw(b"\xff\xfe{"),
        lb.NO_CHOICES,
        lb.raw('{"error": {"message": "overloaded"}}'),
        lb.raw('{"choices": [{"message": null}]}'),
        lb.raw('{"choices": [{"message": {"content": [{"type": "text", "text": "1"}]}}]}'),
        lb.raw('{"choices": [{"message": {"content": 1}}]}'),
        lb.raw('{"choices": [{"message": {"content": "1"}, "logprobs": {"content": [{"token": "1"}]}}]}'),
        lb.raw('{"choices": [{"message": {"content": "1"}}], "usage": {"prompt_tokens": "many"}}'),
    ],
    ids=lambda behaviour: behaviour.drop or f"{behaviour.status} cut" * bool(behaviour.cut) or str(behaviour.raw)[:40],
)
async def test_a_failure_of_the_server_is_asked_again_and_then_missing_as_backend_failure(behaviour, waits):
    with lb.loopback(behaviour) as server:
        outcome, attempts = await asked(server)
    assert outcome == Missing("backend_failure")
    assert outcome.detail
    assert len(server.calls) == POLICY.attempts
    assert [attempt.number for attempt in attempts] == [1, 2, 3]
    assert all(attempt.error for attempt in attempts)
    assert [0.75 <= waits[0] <= 1.25, 1.5 <= waits[1] <= 2.5, len(waits)] == [True, True, 2]


@pytest.mark.parametrize(
    "behaviour",
    [lb.status(500), lb.status(429, retry_after="1"), lb.DROP_BEFORE_HEADERS, lb.CUT_BODY, lb.NOT_JSON, lb.NO_CHOICES, lb.EMPTY],
    ids=["500", "429", "drop", "cut", "not json", "no choices", "empty"],
)
async def test_a_failure_that_passes_leaves_the_reply(behaviour, waits):
    with lb.loopback(lb.in_turn(behaviour, behaviour, lb.ok(2))) as server:
        reply, attempts = await asked(server)
    assert level_of(reply) == 2
    assert [bool(attempt.error) for attempt in attempts] == [True, True, False]


async def test_every_attempt_sends_the_identical_bytes(waits):
    with lb.loopback(lb.in_turn(lb.status(500), lb.CUT_BODY, lb.NOT_JSON, lb.EMPTY, lb.ok())) as server:
        await asked(server, policy=RetryPolicy(6))
    assert len(server.calls) == 5
    assert len({call.raw for call in server.calls}) == 1


async def test_an_empty_reply_is_asked_again_and_then_unparsable(waits):
    with lb.loopback(lb.in_turn(lb.EMPTY, lb.says(None), lb.says(" \n"))) as server:
        outcome, _ = await asked(server)
    assert outcome == Missing("unparsable")
    assert len(server.calls) == 3


@pytest.mark.parametrize(
    "text",
    [
        '{"level": ',
        '{"level": 7}',
        '{"level": "two"}',
        '{"level": 1.5}',
        '{"level": true}',
        '{"level": 1, "level": 2}',
        '{"level": 1} {"level": 2}',
        '{"level": null}',
        "{}",
        "two",
        "[" * 100_000,
        '{"level": NaN}',
    ],
)
async def test_an_answer_that_is_no_level_is_unparsable_and_not_asked_again(text, waits):
    with lb.loopback(lb.in_turn(lb.says(text), lb.ok(1))) as server:
        reply, _ = await asked(server)
    assert level_of(reply) == Missing("unparsable")
    assert len(server.calls) == 1


async def test_an_answer_cut_at_its_token_limit_is_unparsable_and_not_asked_again(waits):
    for text in ('{"level": 1}', ""):
        with lb.loopback(lb.says(text, "length")) as server:
            reply, _ = await asked(server)
        assert level_of(reply) == Missing("unparsable")
        assert len(server.calls) == 1


@pytest.mark.parametrize("behaviour", [lb.refusal(), lb.says("", "content_filter"), lb.says('{"level": 1}', "content_filter")])
async def test_a_refusal_is_refused_and_not_asked_again(behaviour, waits):
    with lb.loopback(behaviour) as server:
        reply, _ = await asked(server)
    assert level_of(reply) == Missing("refused")
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (lb.status(401), "the key was refused"),
        (lb.status(403), "the key may not use it"),
        (lb.status(404), "no such model or address"),
        (lb.NO_QUOTA, "quota is used up"),
    ],
    ids=["401", "403", "404", "quota"],
)
async def test_what_no_request_can_mend_stops_at_once(behaviour, told, waits):
    with lb.loopback(behaviour) as server, pytest.raises(ModelError, match=told) as caught:
        await asked(server)
    assert len(server.calls) == 1
    assert not waits
    assert server.address in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_request_that_the_server_cannot_read_is_a_backend_failure_and_not_asked_again(code, waits):
    with lb.loopback(lb.status(code, "context length exceeded")) as server:
        outcome, [attempt] = await asked(server)
    assert outcome == Missing("backend_failure")
    assert outcome.detail == attempt.error == f"HTTP {code}: context length exceeded"
    assert len(server.calls) == 1


async def test_a_server_that_is_not_there_is_a_backend_failure(waits):
    with lb.loopback() as server:
        pass
    outcome, attempts = await asked(server)
    assert outcome == Missing("backend_failure")
    assert len(attempts) == 3


async def test_a_reply_that_does_not_come_in_time_is_a_backend_failure(waits):
    with lb.loopback(lb.ok(held=True)) as server:
        outcome, [attempt] = await asked(server, policy=RetryPolicy(1), timeout=0.2)
    assert outcome == Missing("backend_failure")
    assert "APITimeoutError" in attempt.error


async def test_one_attempt_is_one_request_without_a_wait(waits):
    with lb.loopback(lb.status(500)) as server:
        outcome, _ = await asked(server, policy=RetryPolicy(1))
    assert outcome == Missing("backend_failure")
    assert (len(server.calls), waits) == (1, [])


async def test_failed_attempts_count_against_the_budget(waits):
    budget = Budget(max_calls=2)
    with lb.loopback(lb.status(500)) as server:
        outcome, _ = await asked(server, policy=RetryPolicy(6), budget=budget)
    assert outcome == Missing("over_budget")
    assert len(server.calls) == budget.calls == 2


async def test_the_key_is_sent_as_bearer_and_told_to_nobody(waits):
    echo = lb.status(500, f"Incorrect API key provided: {CANARY}.")
    with lb.loopback(lb.in_turn(echo, lb.raw(f"<b>{CANARY}</b>"), lb.DROP_BEFORE_HEADERS, echo)) as server:
        outcome, attempts = await asked(server, policy=RetryPolicy(4))
    assert server.calls[0].headers["authorization"] == f"Bearer {CANARY}"
    assert len(attempts) == 4
    assert CANARY not in json.dumps([outcome.detail, *(attempt.error for attempt in attempts)])


async def test_a_server_without_a_key_is_asked_without_the_users_key(monkeypatch, waits):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    model = OpenAIServer("tiny", "http://unused")
    with lb.loopback() as server:
        model.server = server.address
        async with model.open() as post:
            await post(
                {"messages": [{"content": ""}], "response_format": {"json_schema": {"schema": {"properties": {}}}}, "model": ""}
            )
    assert CANARY not in str(server.calls[0].headers)


async def test_half_a_surrogate_pair_in_what_the_server_says_is_kept_as_a_question_mark(waits):
    said = lb.raw(r'{"choices": [{"message": {"content": "\ud83d", "refusal": "no \ud83d"}}]}')
    broken = lb.Behaviour(500, raw=rb'{"error": {"message": "no \ud83d"}}')
    with lb.loopback(lb.in_turn(broken, said)) as server:
        reply, [first, _] = await asked(server)
    assert (reply.text, reply.refusal) == ("?", "no ?")
    assert first.error == "HTTP 500: no ?"
