"""Does the number in flight follow what the server can bear, does everybody wait when it says so, and does a pace hold?"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from judgefair.models import gate as gates
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.gate import Gate, Limits, Rate
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.runs.judge_stage import Judged, judge
from tests import loopback as lb
from tests.builders import tiny_items, tiny_program

REPLY = Reply("", prompt_tokens=90, completion_tokens=10)


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(gates.time, "monotonic", made.monotonic)
    monkeypatch.setattr(gates.asyncio, "sleep", made.sleep)
    return made


async def answered(gate: Gate, clock: Clock, seconds: float = 1.0) -> None:
    sent_at = await gate.enter()
    clock.now += seconds
    gate.answered(REPLY, clock.now - sent_at, "tiny")
    gate.leave()


async def test_an_overload_halves_the_number_in_flight_once_for_all_that_was_sent_before(clock: Clock) -> None:
    gate = Gate(16, Limits(), Budget())
    sent = [await gate.enter() for _ in range(16)]
    clock.now += 1
    for sent_at in sent:
        gate.failed(sent_at, is_overloaded=True, pause=None)
        gate.leave()
    assert gate.allowed == 8
    clock.now += 1
    gate.failed(await gate.enter(), is_overloaded=True, pause=None)
    assert gate.allowed == 4


async def test_it_never_falls_below_one(clock: Clock) -> None:
    gate = Gate(2, Limits(), Budget())
    for _ in range(5):
        clock.now += 1
        gate.failed(clock.now, is_overloaded=True, pause=None)
    assert gate.allowed == 1
    await asyncio.wait_for(gate.enter(), 1)


async def test_it_grows_again_by_one_for_each_round_whose_latency_holds(clock: Clock) -> None:
    gate = Gate(8, Limits(), Budget())
    await answered(gate, clock)
    gate.failed(clock.now + 1, is_overloaded=True, pause=None)
    assert gate.allowed == 4
    for _ in range(5):  # 4 replies are a round, and rounding takes a little more
        await answered(gate, clock)
    assert gate.allowed == 5
    for _ in range(100):
        await answered(gate, clock)
    assert gate.allowed == 8


async def test_it_does_not_grow_while_the_server_is_slower_than_it_was(clock: Clock) -> None:
    gate = Gate(8, Limits(), Budget())
    await answered(gate, clock, 1.0)
    gate.failed(clock.now + 1, is_overloaded=True, pause=None)
    for _ in range(100):
        await answered(gate, clock, 5.0)
    assert gate.allowed == 4


async def test_a_failure_that_is_no_overload_leaves_the_number_as_it_is(clock: Clock) -> None:
    gate = Gate(8, Limits(), Budget())
    gate.failed(clock.now, is_overloaded=False, pause=None)
    assert gate.allowed == 8


async def test_a_pause_holds_up_everybody(clock: Clock) -> None:
    gate = Gate(8, Limits(), Budget())
    gate.failed(clock.now, is_overloaded=True, pause=30.0)
    assert [await gate.enter() for _ in range(3)] == [1_030.0] * 3


@pytest.mark.parametrize(
    ("per_minute", "units", "waits"),
    [
        (60, 1, [0, 1, 2, 3]),
        (600, 1, [0] * 10 + [0.1, 0.2]),
        (6, 1, [0, 10, 20]),
        (600, 50, [0, 4.1, 9.1]),
    ],
)
def test_a_rate_lets_one_second_s_worth_pass_and_then_keeps_its_pace(per_minute: float, units: float, waits: list[float]) -> None:
    rate = Rate(per_minute)
    assert [rate.take(units, now=5.0) for _ in waits] == pytest.approx(waits, abs=1e-9)


async def test_requests_a_minute_are_kept(clock: Clock) -> None:
    gate = Gate(1_000, Limits(requests_per_minute=120), Budget())
    for _ in range(121):
        await gate.enter()
    assert 59 <= clock.now - 1_000 <= 60


async def test_tokens_a_minute_are_kept_by_what_replies_really_took(clock: Clock) -> None:
    gate = Gate(1_000, Limits(tokens_per_minute=6_000), Budget())
    for _ in range(61):
        await gate.enter(500.0)
        gate.answered(REPLY, 0.0, "tiny", estimated=500.0)  # 100 in truth
        gate.leave()
    assert 58 <= clock.now - 1_000 <= 66


async def test_whoever_waits_hears_that_the_budget_is_used_up() -> None:
    gate = Gate(1, Limits(), Budget(max_calls=2))
    await gate.enter()
    waiting = [asyncio.create_task(gate.enter()) for _ in range(4)]
    await asyncio.sleep(0)
    gate.leave()
    await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    gate.leave()
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert sum(isinstance(one, float) for one in ended) == 1
    assert sum(isinstance(one, OverBudgetError) for one in ended) == 3


async def test_a_place_is_handed_on_where_its_owner_was_cancelled() -> None:
    gate = Gate(1, Limits(), Budget())
    await gate.enter()
    first, second = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.leave()
    first.cancel()
    await asyncio.wait_for(second, 5)
    assert gate.in_flight == 1


def worked(server: lb.Loopback, run: Path, n: int, **options: Any) -> Judged:
    model = OpenAIServer("tiny", server.address)
    return judge(tiny_program(), tiny_items(n), model, run, use_cache=False, policy=RetryPolicy(20), **options)


def test_after_a_429_fewer_requests_are_in_flight(tmp_path: Path) -> None:
    def script(number: int, _: object) -> lb.Behaviour:
        return lb.status(429, retry_after_ms="1") if number <= 16 else lb.ok(held=number <= 24)

    with lb.loopback(script) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(worked, server, tmp_path, 40, concurrency=16)
        server.wait_until(lambda s: len(s.calls) >= 24 and s.in_flight == 8)
        with pytest.raises(TimeoutError):
            server.wait_until(lambda s: s.in_flight > 8, patience=0.3)
        server.release()
        running.result(60)
    assert server.answered == 16 + 80
