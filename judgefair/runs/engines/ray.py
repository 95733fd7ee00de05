"""The work of a stage on a Ray cluster: actors that hold one client each take shards, and one gate stands before all of them."""

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from judgefair.compile.program import load_program
from judgefair.errors import InputError, JudgefairError, ModelError, StoreError
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.choose import choose_again
from judgefair.models.gate import Gate, Limits
from judgefair.models.model import Named
from judgefair.models.policy import RetryPolicy
from judgefair.models.prices import Price
from judgefair.models.reply import Reply
from judgefair.runs.asking import Asking, Clients, Progress
from judgefair.runs.engines.engine import Engine
from judgefair.runs.folder import PROGRAM
from judgefair.runs.items import ITEMS, n_shards, read_shard
from judgefair.runs.journal import Journal, ReadOnlyJournal, merge_shards, shard_journal
from judgefair.runs.judging import Job, OnProgress, judge_shards
from judgefair.runs.shards import SHARDS, ShardTables, shard_tables
from judgefair.runs.submissions import refuse_open_batches

SHARDS_AT_ONCE = 2
"""Of a worker, so that the last replies of one shard do not leave it idle."""
MOST_DEATHS = 3
"""Workers that may die over one shard before the run is given up."""
LOOK = 0.5  # seconds between looks at what was spent
NO_LIMIT = 1_000_000_000


def ray_cluster(address: str | None = None, workers: int | None = None) -> Engine:
    """An engine that maps shards over the workers of a Ray cluster.

    The run folder must lie on a disk that all machines share, judgefair must be installed on them, and a key must be in their
    environment. A worker that dies costs what was in flight: its shard goes to another, which finds what had landed.

    Parameters
    ----------
    address : of a running cluster, such as `auto` or `ray://head:10001`; a cluster in this machine where left out.
    workers : how many; one for each CPU of the cluster where left out.
    """

    def work(job: Job, run: Path, progress: Progress, on_progress: OnProgress) -> int:
        if job.model.named is None:
            raise ModelError(
                f"{job.model.name} was not chosen by name, so that no other process can reach it. Choose it by choose_model(...), or "
                "judge in this process"
            )
        with _connected(address, workers), shard_tables(run, job.schema) as tables:
            journal = Journal(run)
            refuse_open_batches(journal)
            journal.close()  # so that workers find all of it in the one file
            n = n_shards(run)
            wanted = min(workers or _cpus(), job.concurrency, max(1, n))
            _Cluster(job, job.model.named, run.resolve(), wanted, progress, on_progress).run(n)
            merge_shards(run)
            return tables.write_ratings(run, n)

    return work


@dataclass(frozen=True, slots=True)
class _Told:
    """What a worker is told; the program it reads from the run, and the key from its own environment."""

    run: Path
    model: Named
    replicates: int
    concurrency: int
    policy: RetryPolicy
    limits: Limits
    use_cache: bool
    prices: Mapping[str, Price]
    permits: int


@dataclass(slots=True)
class _Spent:
    """What replies cost that the gate has not heard of yet; `expected` are the tokens that were asked for them."""

    tokens: int = 0
    cost: float = 0.0
    unpriced: Counter[str] = field(default_factory=Counter)
    expected: float = 0.0


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a shard."""

    done: int
    reused: int
    missing: Counter[str]
    notes: list[str]


class SharedGate:
    """The one budget, and the one pace, of a whole cluster; a Ray actor."""

    def __init__(self, budget: Budget, limits: Limits) -> None:
        self._gate = Gate(NO_LIMIT, limits, budget)

    async def take(self, n: int, tokens: float, spent: _Spent) -> tuple[int, str]:
        """How many of `n` calls may be sent now, after whatever wait the limits ask for; and why none may."""
        self.hear(spent)
        granted = 0
        try:
            for _ in range(n):
                await self._gate.enter(tokens)
                self._gate.leave()
                granted += 1
        except OverBudgetError as error:
            return granted, str(error)
        return granted, ""

    def hear(self, spent: _Spent) -> None:
        """Count what replies cost."""
        budget = self._gate.budget
        budget.tokens += spent.tokens
        budget.cost += spent.cost
        budget.unpriced.update(spent.unpriced)
        self._gate.correct(spent.expected - spent.tokens)

    def give_back(self, calls: int) -> None:
        """Calls that were granted and are not needed."""
        self._gate.budget.calls -= calls

    def pause(self, seconds: float) -> None:
        """The server asked one worker to wait; all of them do."""
        self._gate.failed(time.monotonic(), is_overloaded=False, pause=seconds)

    def so_far(self) -> tuple[int, _Spent]:
        """Calls, and what they cost."""
        budget = self._gate.budget
        return budget.calls, _Spent(budget.tokens, budget.cost, budget.unpriced)


class WorkerGate(Gate):
    """The gate of one worker: its share of the requests in flight, each by permit of the gate that all share.

    permits : how many are fetched at a time; one where anything is limited, so that nothing is overspent.
    """

    def __init__(self, concurrency: int, shared: Any, limits: Limits, prices: Mapping[str, Price], permits: int) -> None:
        super().__init__(concurrency, Limits(), Budget(prices=prices))
        self._shared, self._fetched, self._have = shared, permits, 0
        self._fetching = asyncio.Semaphore(1 if permits > 1 else concurrency)
        self._expected = 0.0
        self._wants_tokens = limits.tokens_per_minute is not None

    @property
    def counts_tokens(self) -> bool:
        """Whether `enter` wants to know how many tokens a request may take."""
        return self._wants_tokens

    async def enter(self, tokens: float = 0.0) -> float:
        """Wait for a permit and for one's turn."""
        async with self._fetching:
            if self._have < 1:
                granted, why = await self._shared.take.remote(self._fetched, tokens, self._take_spent())
                self._have += granted
                if not granted:
                    raise OverBudgetError(why)
            self._have -= 1
        return await super().enter(tokens)

    def answered(self, reply: Reply, seconds: float, model: str, estimated: float = 0.0) -> None:
        """Count what a reply cost; at once where the gate has to know before it lets another pass."""
        super().answered(reply, seconds, model, estimated)
        self._expected += estimated
        if self._fetched == 1:
            self._shared.hear.remote(self._take_spent())

    def failed(self, sent_at: float, is_overloaded: bool, pause: float | None) -> None:
        """Fewer at a time here, and a pause for all."""
        super().failed(sent_at, is_overloaded, pause)
        if pause is not None:
            self._shared.pause.remote(pause)

    async def settle(self) -> None:
        """Say what is not said yet, and give back what is not needed."""
        have, self._have = self._have, 0
        await self._shared.hear.remote(self._take_spent())
        await self._shared.give_back.remote(have)

    def _take_spent(self) -> _Spent:
        budget = self.budget
        spent = _Spent(budget.tokens, budget.cost, budget.unpriced, self._expected)
        budget.tokens, budget.cost, budget.unpriced, self._expected = 0, 0.0, Counter(), 0.0
        return spent


class Worker:
    """Judges shards, several at a time over one client; a Ray actor."""

    def __init__(self, told: _Told, shared: Any) -> None:
        if not (told.run / ITEMS).is_file():
            raise StoreError(
                f"{told.run}: is not there on this worker's machine. The run folder must lie on a disk that all machines share"
            )
        self._told = told
        share = told.concurrency
        model = choose_again(told.model)
        self._job = Job(load_program(told.run / PROGRAM), model, told.replicates, share, told.policy, told.limits, told.use_cache)
        self._gate = WorkerGate(share, shared, told.limits, told.prices, told.permits)
        self._tables = ShardTables(told.run / SHARDS, self._job.schema)
        self._clients: Clients | None = None

    async def judge(self, number: int) -> _Done:
        """Judge one shard; its replies land in a journal of its own."""
        job, told = self._job, self._told
        if self._clients is None:
            self._clients = await Clients(job.policy, lambda: self._gate).__aenter__()  # until the actor ends
        items = read_shard(told.run, number)
        progress = Progress(len(items) * job.program.n_calls * job.replicates)
        earlier = ReadOnlyJournal(told.run, immutable=True)
        asking = Asking(
            shard_journal(told.run, number), progress, job.policy, job.limits, job.concurrency,
            use_cache=job.use_cache, clients=self._clients, earlier=earlier,
        )  # fmt: skip
        try:
            async with asking:
                await judge_shards(job, [(number, items)], asking, self._tables.keep, lambda _: None)
        finally:
            earlier.close()
        await self._gate.settle()
        return _Done(progress.done, progress.reused, progress.missing, progress.notes)


class _Cluster:
    """The workers of one run, and the shards they are at."""

    def __init__(self, job: Job, model: Named, run: Path, workers: int, progress: Progress, on_progress: OnProgress) -> None:
        import ray

        budget, limits = progress.budget, job.limits
        is_limited = any(
            limit is not None
            for limit in (
                budget.max_calls, budget.max_tokens, budget.max_cost, limits.requests_per_minute, limits.tokens_per_minute,
            )
        )  # fmt: skip
        share = max(1, job.concurrency // workers)
        permits = 1 if is_limited else share
        self._told = _Told(run, model, job.replicates, share, job.policy, limits, job.use_cache, budget.prices, permits)
        self._progress, self._on_progress = progress, on_progress
        self._shared = ray.remote(num_cpus=0)(SharedGate).remote(replace(budget), job.limits)
        self._make = ray.remote(num_cpus=1, max_concurrency=SHARDS_AT_ONCE)(Worker)
        self._workers = [self._worker() for _ in range(workers)]
        self._busy: dict[Any, tuple[int, Any, int]] = {}
        self._deaths: Counter[int] = Counter()

    def run(self, shards: int) -> None:
        """Judge shards 0, 1, ... to the end."""
        import ray

        waiting = deque(range(shards))
        try:
            for place in [*range(len(self._workers))] * SHARDS_AT_ONCE:
                self._give(place, waiting)
            while self._busy:
                ended, _ = ray.wait(list(self._busy), num_returns=1, timeout=LOOK)
                for one in ended:
                    place, worker, number = self._busy.pop(one)
                    try:
                        self._count(ray.get(one))
                    except ray.exceptions.RayActorError as error:
                        self._replace(place, worker, number, error)
                        waiting.appendleft(number)
                    except ray.exceptions.RayTaskError as error:
                        raise _own(error) from None
                    self._give(place, waiting)
                self._tell()
        finally:
            for worker in self._workers:
                ray.kill(worker)
            self._tell()
            ray.kill(self._shared)

    def _worker(self) -> Any:
        return self._make.remote(self._told, self._shared)

    def _give(self, place: int, waiting: deque[int]) -> None:
        if waiting:
            number, worker = waiting.popleft(), self._workers[place]
            self._busy[worker.judge.remote(number)] = place, worker, number

    def _replace(self, place: int, dead: Any, number: int, error: Exception) -> None:
        """Another worker in the place of one that died; what had landed of its shards is not asked again."""
        self._deaths[number] += 1
        if self._deaths[number] > MOST_DEATHS:
            raise StoreError(
                f"{self._deaths[number]} workers died over shard {number} ({str(error).strip().splitlines()[0]}). What had landed is kept: "
                "look at the cluster's logs, then run the same command again"
            ) from None
        if self._workers[place] is dead:  # the other shard it was at comes here too
            self._progress.notes.append(f"a worker died at shard {number}; another went on with what had landed")
            self._workers[place] = self._worker()

    def _count(self, done: _Done) -> None:
        progress = self._progress
        progress.done += done.done
        progress.reused += done.reused
        progress.missing.update(done.missing)
        progress.notes += done.notes

    def _tell(self) -> None:
        import ray

        calls, spent = ray.get(self._shared.so_far.remote())
        budget = self._progress.budget
        budget.calls, budget.tokens, budget.cost, budget.unpriced = calls, spent.tokens, spent.cost, spent.unpriced
        self._on_progress(self._progress)


@contextmanager
def _connected(address: str | None, workers: int | None) -> Iterator[None]:
    """A connection to the cluster, or a cluster of this machine's own for as long as the work takes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it reports over the network
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs Ray. Run: pip install 'judgefair[ray]'") from None
    if ray.is_initialized():
        yield
        return
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:  # "local", or Ray joins whatever cluster somebody else has on this machine
            ray.init("local", num_cpus=workers, **quiet)
        else:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"--address {address}: no Ray cluster answers ({error}). Start one with: ray start --head, and on the others: ray start --address=..."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _cpus() -> int:
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _own(error: Any) -> Exception:
    """The error that a worker raised, as it was there."""
    cause = error.cause
    return cause if isinstance(cause, JudgefairError) else StoreError(f"a worker failed: {type(cause).__name__}: {cause}")
