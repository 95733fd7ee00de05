"""How is a question put once, whatever ends the process? Journal first, then cache, then the model."""

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.cache import ReplyCache, reply_key
from judgefair.models.gate import Gate, Limits
from judgefair.models.model import Body, Model
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Missing
from judgefair.runs.journal import JOURNAL, Journal, ReadOnlyJournal
from judgefair.runs.salvage import DAMAGED

if TYPE_CHECKING:
    from judgefair.models.client import Client

RARELY = (200_000, 20, 100)
T = TypeVar("T")
Job = TypeVar("Job")


@dataclass(slots=True)
class Progress:
    """How far a stage is: pieces of work done of all (0 where nobody knows), those taken from journal or cache, what was spent, and what to tell."""

    total: int
    done: int = 0
    reused: int = 0
    budget: Budget = field(default_factory=Budget)
    missing: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class Clients:
    """The clients of a process: an async context in which each model is opened once, when it is first needed."""

    def __init__(self, policy: RetryPolicy, gate: Callable[[], Gate]) -> None:
        self._policy, self._gate = policy, gate
        self._clients: dict[int, Client] = {}
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Nothing is opened yet."""
        self._stack = AsyncExitStack()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close every model."""
        await self._stack.aclose()

    def opened(self, model: Model) -> "Client | None":
        """The client of a model that was opened before."""
        return self._clients.get(id(model))

    async def open(self, model: Model) -> "Client":
        """The one client of a model."""
        from judgefair.models.client import Client  # brings openai, which replaying finished work does not need

        async with self._opening:
            if id(model) not in self._clients:
                post = await self._stack.enter_async_context(model.open())
                self._clients[id(model)] = Client(model, post, self._gate_of(model), self._policy)
            return self._clients[id(model)]

    def _gate_of(self, model: Model) -> Gate:
        """Models on one server pass one gate."""
        there = (client.gate for client in self._clients.values() if client.model.server == model.server)
        return next(there, None) or self._gate()


class Asking:
    """All questions of one stage, or of one shard of it: an async context that holds journal, cache and clients.

    Attributes
    ----------
    is_new : nothing had landed when it was opened.
    in_flight : requests by key, with a future for their outcome where somebody else waits for it.

    Parameters
    ----------
    clients : where they outlive the stage; else they are opened and closed with it.
    earlier : a journal of the run that nobody writes to meanwhile, in which replies are looked up too.
    """

    def __init__(
        self,
        run: Path,
        progress: Progress,
        policy: RetryPolicy,
        limits: Limits,
        concurrency: int,
        *,
        use_cache: bool,
        clients: Clients | None = None,
        earlier: ReadOnlyJournal | None = None,
    ) -> None:
        self.progress, self.earlier = progress, earlier
        self.in_flight: dict[bytes, asyncio.Future[Reply | Missing] | None] = {}
        self._run, self._use_cache, self._are_lent = run, use_cache, clients is not None
        self.clients = clients or Clients(policy, lambda: Gate(concurrency, limits, progress.budget))

    async def __aenter__(self) -> Self:
        """Open journal and cache."""
        self._stack = AsyncExitStack()
        self.journal = Journal(self._run)
        self._stack.callback(self.journal.close)
        self.is_new = self.earlier is None and self.journal.was_empty
        if self.journal.salvaged is not None:
            self.progress.notes.append(
                f"{self._run / JOURNAL} was damaged: {self.journal.salvaged:,} rows of it could be read and are used; "
                f"the damaged file stands beside it ({DAMAGED})"
            )
        self.cache = ReplyCache() if self._use_cache else None
        if self.cache:
            self._stack.push_async_callback(self.cache.close)
        if not self._are_lent:
            await self._stack.enter_async_context(self.clients)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close models, cache and journal; everything that landed is on disk."""
        await self._stack.aclose()

    def about(self, item_id: str, call: str, is_understood: Callable[[Reply], bool] = lambda _: True) -> "Question":
        """An `Asker` whose replies are journalled under this item and call; only understood ones are kept for other runs."""
        return Question(self, item_id, call, is_understood)

    async def answer(self, question: "Question", model: Model, body: Body, sample: int, key: bytes) -> Reply | Missing:
        """A new reply, kept when this returns."""
        client = self.clients.opened(model) or await self.clients.open(model)
        said = await client.ask(body, lambda attempt: self.journal.failed(key, attempt))
        if isinstance(said, Missing):
            return said
        reply, attempt = said
        await self.journal.land(key, question.item_id, question.call, sample, reply, attempt)
        if self.cache and question.is_understood(reply):
            self.cache.put(key, reply)
        return reply

    def same(self, key: bytes) -> Awaitable[Reply | Missing]:
        """What will come of a request that is in flight."""
        awaited = self.in_flight[key]
        if awaited is None:
            awaited = self.in_flight[key] = asyncio.get_running_loop().create_future()
        return asyncio.shield(awaited)

    def landed_of(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that landed in this run, by key of their request."""
        found = self.journal.get_all(keys)
        return found if self.earlier is None else self.earlier.get_all(keys) | found

    def landed(self, key: bytes) -> Reply | None:
        """The reply to this request that landed in this run."""
        return self.journal.get(key) or (self.earlier.get(key) if self.earlier else None)


class Question(NamedTuple):
    """What is asked about one item; it is the `Asker` that stages hand down."""

    asking: Asking
    item_id: str
    call: str
    is_understood: Callable[[Reply], bool]

    async def ask(self, model: Model, body: Body, sample: int = 0, key: bytes | None = None) -> Reply | Missing:
        """The reply that landed for this request in this run, or in another, or a new one.

        Where the same request is in flight already (two items with the same text), its outcome serves both.

        Parameters
        ----------
        key : `reply_key` of the request, where it is known.
        """
        asking, key = self.asking, key or reply_key(model, body, sample)
        landed = asking.landed(key)
        if landed is not None:
            asking.progress.reused += 1
            return landed
        known = asking.cache.get(key) if asking.cache else None
        if known is not None:
            asking.progress.reused += 1
            await asking.journal.land(key, self.item_id, self.call, sample, known)
            return known
        if key in asking.in_flight:
            asking.progress.reused += 1
            return await asking.same(key)
        asking.in_flight[key] = None
        outcome: Reply | Missing | None = None
        try:
            outcome = await asking.answer(self, model, body, sample, key)
        finally:
            awaited = asking.in_flight.pop(key)
            if awaited is not None:
                awaited.cancel() if outcome is None else awaited.set_result(outcome)
        return outcome

    async def once(self, identity: Any, make: Callable[[], Awaitable[str | Missing]]) -> Reply | Missing:
        """What was made for this identity in this run, or is made now; a Missing is tried again by the next run."""
        asking, key = self.asking, bytes.fromhex(fingerprint(identity))
        landed = asking.landed(key)
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


@contextmanager
def few_collections() -> Iterator[None]:
    """Have Python look for cyclic garbage more rarely: a call leaves hardly any, and the looking takes a quarter of its time."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
