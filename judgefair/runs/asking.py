"""How is a question put once, whatever ends the process? Journal first, then cache, then the model."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.cache import ReplyCache, reply_key
from judgefair.models.client import Client
from judgefair.models.model import Body, Model
from judgefair.models.reply import Reply
from judgefair.models.retry import RetryPolicy
from judgefair.records import Missing
from judgefair.runs.journal import Journal

T = TypeVar("T")
Job = TypeVar("Job")


@dataclass(slots=True)
class Progress:
    """How far a stage is: pieces of work done of all, those taken from journal or cache, and what was spent."""

    total: int
    done: int = 0
    reused: int = 0
    budget: Budget = field(default_factory=Budget)
    missing: Counter[str] = field(default_factory=Counter)


class Asking:
    """All questions of one stage: an async context in which models are opened as they are needed."""

    def __init__(self, run: Path, progress: Progress, policy: RetryPolicy, *, use_cache: bool) -> None:
        self.progress = progress
        self._run, self._policy, self._use_cache = run, policy, use_cache
        self._clients: dict[int, Client] = {}
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Open journal and cache."""
        self._stack = AsyncExitStack()
        self.journal = Journal(self._run)
        self._stack.callback(self.journal.close)
        self.cache = ReplyCache() if self._use_cache else None
        if self.cache:
            self._stack.callback(self.cache.close)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close models, cache and journal; everything that landed is on disk."""
        await self._stack.aclose()

    def about(self, item_id: str, call: str, is_understood: Callable[[Reply], bool] = lambda _: True) -> "Question":
        """An `Asker` whose replies are journalled under this item and call; only understood ones are kept for other runs."""
        return Question(self, item_id, call, is_understood)

    async def client(self, model: Model) -> Client:
        """The one client of a model, opened when it is first needed."""
        async with self._opening:
            if id(model) not in self._clients:
                post = await self._stack.enter_async_context(model.open())
                self._clients[id(model)] = Client(model, post, self.progress.budget, self._policy)
            return self._clients[id(model)]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one item; it is the `Asker` that stages hand down."""

    asking: Asking
    item_id: str
    call: str
    is_understood: Callable[[Reply], bool]

    async def ask(self, model: Model, body: Body, sample: int = 0) -> Reply | Missing:
        """The reply that landed for this request in this run, or in another, or a new one."""
        asking, key = self.asking, reply_key(model, body, sample)
        landed = asking.journal.get(key)
        if landed is not None:
            asking.progress.reused += 1
            return landed
        known = asking.cache.get(key) if asking.cache else None
        if known is not None:
            asking.progress.reused += 1
            await asking.journal.land(key, self.item_id, self.call, sample, known)
            return known
        client = await asking.client(model)
        reply = await client.ask(body, lambda attempt: asking.journal.attempted(key, attempt))
        if isinstance(reply, Reply):
            await asking.journal.land(key, self.item_id, self.call, sample, reply)
            if asking.cache and self.is_understood(reply):
                await asking.cache.put(key, reply)
        return reply

    async def once(self, identity: Any, make: Callable[[], Awaitable[str | Missing]]) -> Reply | Missing:
        """What was made for this identity in this run, or is made now; a Missing is tried again by the next run."""
        asking, key = self.asking, fingerprint(identity)
        landed = asking.journal.get(key)
        if landed is not None:
            asking.progress.reused += 1
            return landed
        try:
            asking.progress.budget.reserve()
        except OverBudgetError as error:
            return Missing("over_budget", str(error))
        made = await make()
        if isinstance(made, Missing):
            return made
        reply = Reply(made)
        await asking.journal.land(key, self.item_id, self.call, 0, reply)
        return reply


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, in a thread of its own where a loop is running already (notebooks)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    result: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            result.append(asyncio.run(work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


async def work_through(jobs: Iterable[Job], work: Callable[[Job], Awaitable[None]], concurrency: int) -> None:
    """Do every job, so many at a time; the first error cancels the rest and is raised as it is."""
    waiting = iter(jobs)

    async def worker() -> None:
        for job in waiting:
            await work(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
