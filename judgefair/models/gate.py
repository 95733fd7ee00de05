"""May this request be sent now? Concurrency that adapts, rates of the server, pauses it asked for, and the budget."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.reply import Reply

SLOWER = 2.0
"""Latency holds while its running mean is below so many times the lowest it has been."""
MEMORY = 0.1
"""Weight of the newest reply in the running mean of latency."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one server may be asked in a minute.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute : None is no limit. Tokens of a request are estimated before it is sent, and set
        right by what its reply says.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class Rate:
    """So many units a minute, evenly spaced: after a burst of one second's worth, whoever comes waits in line.

    >>> rate = Rate(60)
    >>> rate.take(1, now=0.0), rate.take(1, now=0.0)
    (0.0, 1.0)
    """

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = 60 / per_minute
        self._burst = max(0.0, 1.0 - self._seconds_each)
        self._free_at = float("-inf")

    def take(self, units: float, now: float) -> float:
        """Take units, and say how many seconds to wait before they may be used."""
        start = max(self._free_at, now - self._burst)
        self._free_at = start + units * self._seconds_each
        return max(0.0, start - now)

    def give_back(self, units: float) -> None:
        """Return what was taken too much; a negative number takes more."""
        self._free_at -= units * self._seconds_each


class Gate:
    """What every request to one server passes, in order of arrival.

    The number in flight starts at `concurrency`, halves when the server answers 429 or 503 (once for all requests sent
    before), and grows by one for each round of replies whose latency holds. A wait that the server asks for holds up all.
    """

    def __init__(self, concurrency: int, limits: Limits, budget: Budget) -> None:
        self.concurrency, self.budget = concurrency, budget
        self.in_flight = 0
        self._allowed = float(concurrency)
        self._halved_at = self._paused_until = float("-inf")
        self._latency = self._lowest = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._requests = Rate(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = Rate(limits.tokens_per_minute) if limits.tokens_per_minute else None

    @property
    def allowed(self) -> int:
        """How many requests may be in flight now."""
        return max(1, int(self._allowed))

    @property
    def counts_tokens(self) -> bool:
        """Whether `enter` wants to know how many tokens a request may take."""
        return self._tokens is not None

    async def enter(self, tokens: float = 0.0) -> float:
        """Wait until a request may be sent, and count it; when it was sent, on the clock of `time.monotonic`.

        Raises
        ------
        OverBudgetError : the budget allows no further call.
        """
        self.budget.check()
        for rate, units in ((self._requests, 1.0), (self._tokens, tokens)):
            if rate is not None and (wait := rate.take(units, time.monotonic())) > 0:
                await asyncio.sleep(wait)
        waited_until = float("-inf")
        while True:
            now = time.monotonic()
            if self._paused_until > max(waited_until, now):
                waited_until = self._paused_until
                await asyncio.sleep(waited_until - now)
            elif self.in_flight >= self.allowed:
                await self._next_free()
            else:
                break
        try:
            self.budget.reserve()
        except OverBudgetError:
            self._let_in()  # those behind have to hear of it too
            raise
        self.in_flight += 1
        return now

    def leave(self) -> None:
        """A request that had entered has ended, however it did."""
        self.in_flight -= 1
        self._let_in()

    def answered(self, reply: Reply, seconds: float, model: str, estimated: float = 0.0) -> None:
        """Count what a reply cost, and let more in where the server keeps up."""
        self.budget.spend(reply, model)
        self.correct(estimated - reply.prompt_tokens - reply.completion_tokens)
        self._latency += MEMORY * (seconds - self._latency) if self._latency else seconds
        self._lowest = min(self._lowest or self._latency, self._latency)
        if self._allowed < self.concurrency and self._latency <= SLOWER * self._lowest:
            self._allowed = min(self.concurrency, self._allowed + 1 / self._allowed)

    def correct(self, tokens: float) -> None:
        """So many tokens fewer were taken than had been expected."""
        if self._tokens is not None:
            self._tokens.give_back(tokens)

    def failed(self, sent_at: float, is_overloaded: bool, pause: float | None) -> None:
        """A request failed: fewer at a time where the server is overloaded, and nobody before the pause it asked for is over."""
        now = time.monotonic()
        if is_overloaded and sent_at > self._halved_at:
            self._allowed, self._halved_at = max(1.0, self._allowed / 2), now
        if pause is not None:
            self._paused_until = max(self._paused_until, now + pause)

    async def _next_free(self) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            self._let_in()  # whoever was woken and goes away hands its place on
            raise

    def _let_in(self) -> None:
        free = self.allowed - self.in_flight
        while self._waiting and free > 0:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                free -= 1
