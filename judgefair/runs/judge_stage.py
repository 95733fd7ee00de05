"""What does the judge say of every item? The stage that asks the model, resumes where it stopped and pays nothing twice."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from judgefair.compile.parse import Judgment
from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.cache import ReplyCache, reply_key
from judgefair.models.client import Client
from judgefair.models.model import Model
from judgefair.models.reply import Reply
from judgefair.models.retry import RetryPolicy
from judgefair.records import Item, Missing, Rating
from judgefair.runs.folder import PROGRAM, open_run, write_manifest
from judgefair.runs.journal import Journal
from judgefair.runs.tables import write_items, write_ratings

T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far the stage is: judgments done of all, those taken from journal or cache, and what was spent."""

    total: int
    done: int = 0
    reused: int = 0
    budget: Budget = field(default_factory=Budget)
    missing: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Judged:
    """The ratings of a stage, in the order of items, criteria and replicates, and its final progress."""

    ratings: list[Rating]
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Job:
    index: int
    item: Item
    call: str
    replicate: int


def judge(
    program: JudgeProgram,
    items: Sequence[Item],
    model: Model,
    run: Path,
    *,
    concurrency: int = 8,
    replicates: int = 1,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Judged:
    """Judge items with a model; the run folder then holds program, items, ratings, journal and manifest.

    Run again, it asks only for what is not in the journal: replies are kept by server, model, body and sample index, so
    that a changed item, prompt or model is asked anew and nothing else is.

    Parameters
    ----------
    concurrency : at most so many requests are in flight; a reply is in the journal before its worker asks again.
    replicates : judgments of each item; more than one are sampled at the program's replicate temperature.
    budget : hard limits; items beyond them are Missing `over_budget`.
    use_cache : whether replies of other runs may be used and these be kept for them.
    on_progress : called after each judgment.

    Raises
    ------
    ModelError : no request can succeed; what had landed is kept.
    InputError : another process works in the run folder, or ids of items repeat.
    """
    if concurrency < 1 or replicates < 1:
        raise InputError(f"concurrency is {concurrency} and replicates {replicates}. Expected at least 1 each")
    if len({item.item_id for item in items}) < len(items):
        raise InputError("an item_id stands twice among the items. Ids must be unique")
    with open_run(run):
        program.save(run / PROGRAM)
        write_items(items, run)
        write_manifest(
            run,
            {
                "stage": "judge",
                "program": program.fingerprint,
                "rubric": {"id": program.rubric.id, "version": program.rubric.version, "fingerprint": program.rubric.fingerprint},
                "model": {"name": model.name, "server": model.server},
                "items": {"n": len(items), "fingerprint": fingerprint([[i.item_id, i.query, i.response] for i in items])},
                "replicates": replicates,
            },
            as_of,
        )
        stage = _Stage(
            program, items, model, run, replicates, budget or Budget(), policy or RetryPolicy(), use_cache, on_progress
        )
        judged = run_sync(stage.run(concurrency))
        write_ratings(judged.ratings, {criterion.id: criterion.scale for criterion in program.rubric.criteria}, run)
    return judged


class _Stage:
    def __init__(
        self,
        program: JudgeProgram,
        items: Sequence[Item],
        model: Model,
        run: Path,
        replicates: int,
        budget: Budget,
        policy: RetryPolicy,
        use_cache: bool,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._program, self._items, self._model, self._folder = program, items, model, run
        self._replicates, self._policy, self._use_cache, self._on_progress = replicates, policy, use_cache, on_progress
        self._progress = Progress(len(items) * len(program.prompts) * replicates, budget=budget)
        self._outcomes: list[Reply | Missing | None] = [None] * self._progress.total

    async def run(self, concurrency: int) -> Judged:
        self._journal = Journal(self._folder)
        self._cache = ReplyCache() if self._use_cache else None
        try:
            async with self._model.open() as post:
                self._client = Client(self._model, post, self._progress.budget, self._policy)
                jobs = self._jobs()
                await _all_or_first_error([self._work(jobs) for _ in range(concurrency)])
        finally:
            self._journal.close()
            if self._cache:
                self._cache.close()
        return Judged(self._ratings(), self._progress)

    def _jobs(self) -> Iterator[_Job]:
        """Criterion by criterion, so that servers keep the static prompt at hand."""
        index = 0
        for call in self._program.prompts:
            for replicate in range(self._replicates):
                for item in self._items:
                    yield _Job(index, item, call, replicate)
                    index += 1

    async def _work(self, jobs: Iterator[_Job]) -> None:
        for job in jobs:
            outcome = await self._judge(job)
            self._outcomes[job.index] = outcome
            self._progress.done += 1
            self._progress.missing.update(
                judged.value.reason for judged in self._judgments(job.call, outcome).values() if isinstance(judged.value, Missing)
            )
            self._on_progress(self._progress)

    async def _judge(self, job: _Job) -> Reply | Missing:
        prompt = self._program.prompts[job.call]
        body = self._model.body(
            prompt.render(job.item), prompt.schema, dict(self._program.sampling), job.replicate, self._replicates
        )
        key = reply_key(self._model, body, job.replicate)
        landed = self._journal.get(key)
        if landed is not None:
            self._progress.reused += 1
            return landed
        known = self._cache.get(key) if self._cache else None
        if known is not None:
            self._progress.reused += 1
            await self._journal.land(key, job.item.item_id, job.call, job.replicate, known)
            return known
        reply = await self._client.ask(body, lambda attempt: self._journal.attempted(key, attempt))
        if isinstance(reply, Reply):
            await self._journal.land(key, job.item.item_id, job.call, job.replicate, reply)
            if self._cache and self._is_understood(job.call, reply):
                await self._cache.put(key, reply)
        return reply

    def _is_understood(self, call: str, reply: Reply) -> bool:
        failures = {"unparsable", "refused"}
        values = [judgment.value for judgment in self._judgments(call, reply).values()]
        return not any(isinstance(value, Missing) and value.reason in failures for value in values)

    def _judgments(self, call: str, outcome: Reply | Missing) -> dict[str, Judgment]:
        criteria = self._program.criteria_of(call)
        if isinstance(outcome, Missing):
            return {criterion: Judgment(outcome) for criterion in criteria}
        return {criterion: self._program.parse(criterion, outcome) for criterion in criteria}

    def _ratings(self) -> list[Rating]:
        order = {item.item_id: place for place, item in enumerate(self._items)}
        criteria = [criterion.id for criterion in self._program.rubric.criteria]
        program_fingerprint = self._program.fingerprint
        ratings = []
        for job in self._jobs():
            outcome = self._outcomes[job.index] or Missing("not_rated")
            for criterion, judgment in self._judgments(job.call, outcome).items():
                said = (judgment.value, job.replicate, judgment.rationale, judgment.distribution)
                ratings.append(Rating(job.item.item_id, criterion, self._model.name, "judge", *said, program_fingerprint))
        return sorted(ratings, key=lambda r: (order[r.item_id], criteria.index(r.criterion), r.replicate))


async def _all_or_first_error(tasks: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; the first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


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
