"""Is a late request sent once more only where that was asked for, and does whichever answer comes first count?"""

import asyncio
from pathlib import Path

import pytest

from judgefair.models.hedge import first_answer
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import attempts, tiny_items, tiny_program

FOREVER = 3_600.0


class Requests:
    """Each in its turn: seconds until it ends, and an answer or an error."""

    def __init__(self, *ends: tuple[float, str | Exception]) -> None:
        self._ends, self.sent, self.cancelled = list(ends), 0, 0

    async def __call__(self) -> str:
        seconds, outcome = self._ends[self.sent]
        self.sent += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.mark.parametrize(
    ("ends", "sent", "cancelled"),
    [
        ([(0, "first")], 1, 0),
        ([(FOREVER, ""), (0, "first")], 2, 1),
        ([(0.2, "first"), (FOREVER, "")], 2, 1),
        ([(0.2, OSError()), (0.4, "first")], 2, 0),
        ([(0.4, "first"), (0, OSError())], 2, 0),
    ],
    ids=["in time", "the second", "the first after all", "the second where the first fails", "the first where the second fails"],
)
async def test_the_first_answer_counts_and_the_other_request_is_let_go(
    ends: list[tuple[float, str | Exception]], sent: int, cancelled: int
) -> None:
    requests = Requests(*ends)
    assert await first_answer(requests, after=0.05) == "first"
    assert (requests.sent, requests.cancelled) == (sent, cancelled)


async def test_where_both_fail_the_failure_is_raised() -> None:
    with pytest.raises(OSError, match="no"):
        await first_answer(Requests((0.1, OSError("no")), (0.1, OSError("no"))), after=0.02)


async def test_a_failure_before_its_time_is_over_sends_nothing_more() -> None:
    requests = Requests((0, OSError("no")))
    with pytest.raises(OSError, match="no"):
        await first_answer(requests, after=FOREVER)
    assert requests.sent == 1


def hedged(tmp_path: Path, hedge_after: float | None) -> int:
    """How many requests are sent where the first is held until a second one comes, or for a while."""
    with lb.loopback(lambda number, _: lb.ok(1, held=number == 1)) as server:
        policy = RetryPolicy(1, hedge_after=hedge_after)
        model = OpenAIServer("tiny", server.address, timeout=2)
        result = judge(tiny_program(per_call="all"), tiny_items(1), model, tmp_path, policy=policy, use_cache=False)
        assert result.progress.budget.calls == len(server.calls)
        return len(server.calls)


def test_nothing_is_sent_twice_unless_it_was_asked_for(tmp_path: Path) -> None:
    assert hedged(tmp_path / "plain", None) == 1
    assert attempts(tmp_path / "plain")[0][1] is not None
    assert hedged(tmp_path / "hedged", 0.05) == 2
    assert attempts(tmp_path / "hedged") == [(1, None)]
