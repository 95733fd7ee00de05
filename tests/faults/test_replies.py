"""Is whatever a server can put into a reply an outcome of its own, and never the end of a run?"""

import json
import random

import pytest

from judgefair.models.policy import RetryPolicy
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import tiny_items, tiny_program
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_every_attempt_is_journalled,
    assert_nothing_paid_twice,
    assert_said_what_the_server_said,
    judge_of,
    landed_keys,
    rows_of,
)
from tests.faults.hostile_server import HINDRANCES, Mischief

TWICE = RetryPolicy(attempts=2, first_wait=0.0, longest_wait=0.0)
HOSTILE = (
    None, True, -1, 10**30, -(10**19), 1e999, -1e999, float("nan"), 0.5, 1e308, 2**63, "", "many", "\ud83d", "\x00\x1b[2J", "\u202e",
    "9" * 5_000, [], {}, [[]], [None], {"": None}, {"\ud83d": 1}, ["1"], {"content": "1"},
)  # fmt: skip


def test_an_answer_that_is_none_is_an_outcome_and_is_not_asked_for_again(tmp_path, seed):
    run, items = tmp_path / "run", tiny_items(40)
    with lb.loopback(Mischief(seed, HINDRANCES, odd=1.0)) as server:
        for _ in range(2):
            judge(tiny_program(), items, judge_of(server), run, use_cache=False, concurrency=16)
    assert_each_outcome_once(run, items, tiny_program())
    assert_said_what_the_server_said(run, items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program())
    assert_every_attempt_is_journalled(run, server, tiny_program())
    assert len(server.calls) == 2 * len(items)


@pytest.mark.parametrize("mode", ["score", "distribution"])
def test_no_value_in_any_place_of_a_reply_ends_the_run(tmp_path, seed, mode):
    run, items, program = tmp_path / "run", tiny_items(150), tiny_program(mode=mode)

    def script(number, body):
        return lb.raw(spoilt(random.Random(f"{seed} {body['messages'][-1]['content']}"), mode == "distribution"))

    with lb.loopback(script) as server:
        judge(program, items, judge_of(server), run, policy=TWICE, use_cache=False, concurrency=16)
        assert_each_outcome_once(run, items, program)
        assert_every_attempt_is_journalled(run, server, program)
        before, first = len(server.calls), rows_of(run)
        judge(program, items, judge_of(server), run, policy=TWICE, use_cache=False, concurrency=16)
    not_landed = len(first) - len(landed_keys(run))
    assert 0 < not_landed < len(first)
    assert len(server.calls) == before + 2 * not_landed
    assert rows_of(run) == first


def spoilt(rng: random.Random, tokens_alone: bool) -> str:
    """A completion with one value in a random place replaced by another."""
    alternatives = [{"token": "1", "logprob": -0.2}, {"token": "0", "logprob": -1.7}]
    tokens = [{"token": token, "logprob": -0.2, "top_logprobs": alternatives} for token in ('{"level": ', "1", "}")]
    message = {"role": "assistant", "content": '{"level": 1}', "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": {"content": tokens}}
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    completion = json.loads(json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}))
    place = rng.choice([path for path in _places(completion) if not tokens_alone or "logprobs" in path[:-2]])
    holder = completion
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = rng.choice(HOSTILE)
    return json.dumps(completion)


def _places(value, path=()):
    if path:
        yield path
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _places(value[step], (*path, step))
