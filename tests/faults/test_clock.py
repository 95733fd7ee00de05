"""Does a clock that jumps, on either side, hold nothing up and lose nothing?"""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from judgefair.models import retry
from judgefair.models.policy import RetryPolicy
from judgefair.runs import judge
from judgefair.runs.shown import show_item
from tests import loopback as lb
from tests.builders import tiny_items, tiny_program
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_every_attempt_is_journalled,
    assert_nothing_paid_twice,
    assert_said_what_the_server_said,
    judge_of,
)
from tests.faults.hostile_server import ASKS_TO_WAIT, HINDRANCES, LONG_WAIT, Mischief

POLICY = RetryPolicy(attempts=8, first_wait=0.001, longest_wait=0.01)
DAY = 86_400


@pytest.fixture
def jumping(monkeypatch, rng):
    """The time of day leaps by up to a day, forwards or back, each time somebody looks at it; the longest sleep is noted."""
    now, sleep, sleeps = time.time, asyncio.sleep, [0.0]

    def leap():
        return now() + rng.uniform(-DAY, DAY)

    class Leaping(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(leap(), tz)

    async def note(seconds, result=None):
        sleeps.append(seconds)
        return await sleep(seconds, result)

    monkeypatch.setattr(time, "time", leap)
    monkeypatch.setattr(retry, "datetime", Leaping)
    monkeypatch.setattr(asyncio, "sleep", note)
    return sleeps


def test_a_clock_that_jumps_loses_nothing_and_no_wait_is_longer_than_the_longest(tmp_path, seed, jumping):
    run, items = tmp_path / "run", tiny_items(30)
    with lb.loopback(Mischief(seed, {**ASKS_TO_WAIT, **LONG_WAIT, **HINDRANCES})) as server:
        for _ in range(2):
            judge(tiny_program(), items, judge_of(server), run, policy=POLICY, use_cache=False, concurrency=16)
    assert max(jumping) <= 1.25 * POLICY.longest_wait
    assert_each_outcome_once(run, items, tiny_program())
    assert_said_what_the_server_said(run, items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program())
    assert_every_attempt_is_journalled(run, server, tiny_program())


def test_attempts_are_shown_in_their_order_whatever_the_clock_said(tmp_path, seed, jumping):
    (item,) = tiny_items(1)
    with lb.loopback(Mischief(seed, ASKS_TO_WAIT, tries=6)) as server:
        judge(tiny_program(), [item], judge_of(server), tmp_path / "run", policy=POLICY, use_cache=False)
    for call in show_item(tmp_path / "run", item.item_id)["calls"]:
        assert [attempt["number"] for attempt in call["attempts"]] == [1, 2, 3, 4, 5, 6]


def test_a_server_whose_clock_is_wrong_is_waited_for_no_longer_than_the_longest_wait(tmp_path, seed, jumping):
    items = tiny_items(10)
    with lb.loopback(Mischief(seed, {"429, wrong clock": wrong_clock})) as server:
        judge(tiny_program(), items, judge_of(server), tmp_path / "run", policy=POLICY, use_cache=False, concurrency=8)
    assert max(jumping) <= 1.25 * POLICY.longest_wait
    assert_each_outcome_once(tmp_path / "run", items, tiny_program())
    assert_said_what_the_server_said(tmp_path / "run", items, tiny_program(), server)


def wrong_clock(rng: random.Random, answer: lb.Behaviour) -> lb.Behaviour:
    when = datetime.fromtimestamp(0, UTC) + timedelta(days=rng.randrange(0, 2_900_000))
    return lb.status(429, "slow down", retry_after=format_datetime(when, usegmt=True))
