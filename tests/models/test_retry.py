"""Is the wait that a server asks for the wait that it gets?"""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from judgefair.models.policy import RetryPolicy
from judgefair.models.retry import retry_after
from judgefair.records import Missing
from tests import loopback as lb
from tests.models.test_client import asked, level_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Mon, 05 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 05 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_milliseconds_and_as_a_date(headers, seconds):
    assert retry_after(httpx.Headers(headers), NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "9999"}, 60.0),
        ({"retry_after": "inf"}, 60.0),
    ],
)
async def test_a_429_is_waited_for_as_long_as_it_says_and_at_most_the_longest_wait(headers, seconds, waits):
    with lb.loopback(lb.in_turn(lb.status(429, "slow down", "rate_limit_exceeded", **headers), lb.ok(1))) as server:
        reply, [first, second] = await asked(server)
    assert level_of(reply) == 1
    assert waits == [pytest.approx(seconds, abs=0.1)]
    assert (first.error, second.error) == ("HTTP 429: slow down", None)


async def test_a_429_with_a_date_is_waited_for_until_then(waits):
    with lb.loopback(
        lambda number, _: lb.ok(1) if number > 1 else lb.try_later_at(datetime.now(UTC) + timedelta(seconds=30))
    ) as server:
        reply, _ = await asked(server)
    assert level_of(reply) == 1
    [wait] = waits
    assert 25 < wait <= 30


async def test_a_500_with_retry_after_is_waited_for_too(waits):
    with lb.loopback(lb.in_turn(lb.status(503, retry_after="4"), lb.ok(1))) as server:
        await asked(server)
    assert waits == [pytest.approx(4.0, abs=0.1)]


async def test_a_429_without_a_word_waits_longer_each_time_up_to_the_cap(waits):
    with lb.loopback(lb.status(429)) as server:
        outcome, _ = await asked(server, policy=RetryPolicy(6, first_wait=1.0, longest_wait=5.0))
    assert outcome == Missing("backend_failure")
    for wait, expected in zip(waits, [1, 2, 4, 5, 5], strict=True):
        assert 0.75 * expected <= wait <= 1.25 * expected


async def test_waits_differ_so_that_callers_do_not_come_back_at_once(waits):
    with lb.loopback(lb.status(500)) as server:
        await asked(server, policy=RetryPolicy(2), times=5)
    assert len(set(waits)) == 5
