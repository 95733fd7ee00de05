"""The work of a stage by the server itself: the same requests as files of its Batch API, at its price and pace."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

from judgefair.errors import ModelError
from judgefair.models.batch import PATIENCE, Batches, BatchFailure, BatchLimits, Outcome
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.client import expected_tokens, read_reply
from judgefair.models.model import Body, Model
from judgefair.models.openai_server import MalformedReplyError, OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.models.retry import EmptyReplyError
from judgefair.records import Missing
from judgefair.runs.asking import Asking, Progress, Question, run_sync
from judgefair.runs.engines.engine import Engine
from judgefair.runs.items import n_shards, read_shards
from judgefair.runs.judging import Job, OnProgress, judge_shards
from judgefair.runs.shards import shard_tables
from judgefair.runs.submissions import Submissions

FOLDER = ".batches"


def batch(
    *, limits: BatchLimits | None = None, policy: RetryPolicy = PATIENCE, tell: Callable[[str], None] = lambda _: None
) -> Engine:
    """An engine that sends what has not landed yet as batches, waits for them, and makes the ratings of what they bring.

    Every submission is recorded before it is made, so that a process that dies at any point sends nothing twice; the same
    command goes on from there. A reply of an earlier run is used as it is online.

    Parameters
    ----------
    limits : of one input file; the server's documented ones where left out.
    policy : how patiently the server is polled.
    tell : hears in words how batches fare.
    """

    def work(job: Job, run: Path, progress: Progress, on_progress: OnProgress) -> int:
        if not isinstance(job.model, OpenAIServer):
            raise ModelError(f"{job.model.name} has no Batch API. Judge online, or name a server that has one: NAME@BASE_URL")
        server = job.model
        with shard_tables(run, job.schema) as tables:

            async def send_and_judge() -> None:
                async with _Landed(run, progress, job.policy, job.limits, job.concurrency, use_cache=job.use_cache) as asking:
                    await _Sender(job, server, run, asking, on_progress).send(limits, policy, tell)
                    asking.is_new = False
                    progress.done = progress.reused = 0  # counted anew as the ratings are made
                    await judge_shards(job, enumerate(read_shards(run)), asking, tables.keep, on_progress)

            run_sync(send_and_judge())
            return tables.write_ratings(run, n_shards(run))

    return work


class _Landed(Asking):
    """Questions to which only what has landed is an answer."""

    over_budget = "not sent"
    submissions: Submissions

    async def answer(self, question: Question, model: Model, body: Body, sample: int, key: bytes) -> Reply | Missing:  # noqa: ARG002
        """Why there is none."""
        failure = self.submissions.failure(key)
        return Missing("over_budget", self.over_budget) if failure is None else Missing("backend_failure", failure)


class _Sender:
    """Sends what is open, and lands what comes of it."""

    def __init__(self, job: Job, server: OpenAIServer, run: Path, asking: _Landed, on_progress: OnProgress) -> None:
        self._job, self._server, self._run, self._asking, self._on_progress = job, server, run, asking, on_progress
        self._submissions = asking.submissions = Submissions(asking.journal, server.server)
        self._expected = _Expected(asking.progress.budget, server.name)

    async def send(self, limits: BatchLimits | None, policy: RetryPolicy, tell: Callable[[str], None]) -> None:
        """Send, wait and land, until nothing is open."""
        budget = self._asking.progress.budget
        attempts = (
            1 if budget.max_calls is not None else self._job.policy.attempts
        )  # a request that is sent again is one more call
        async with self._server.client() as client:
            batches = Batches(
                client, self._submissions, self._run / FOLDER, limits=limits, attempts=attempts, policy=policy, tell=tell
            )
            async with aclosing(batches.ask(self._open_requests())) as outcomes:
                async for custom_id, outcome in outcomes:
                    await self._keep(bytes.fromhex(custom_id), outcome)
        folder = self._run / FOLDER
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def _open_requests(self) -> Iterator[tuple[str, Body]]:
        """What is neither landed nor kept by another run, as far as the budget goes."""
        job, asking = self._job, self._asking
        for items in read_shards(self._run):
            for _, call, replicate, item in job.calls(items):
                if item.no_response is not None:
                    continue
                key = job.key(call, item, replicate)
                if asking.journal.get(key) is not None or (asking.cache and asking.cache.get(key) is not None):
                    continue
                body = job.body(call, item, replicate)
                try:
                    self._expected.reserve(key, body)
                except OverBudgetError as error:
                    asking.over_budget = str(error)
                    return
                self._submissions.note(key, item.item_id, call, replicate)
                yield key.hex(), body

    async def _keep(self, key: bytes, outcome: Outcome) -> None:
        judgment = self._submissions.judgment_of(key)
        self._expected.settle(key)
        if judgment is None:  # of a batch that somebody else made
            return
        if isinstance(outcome, BatchFailure):
            if outcome.again:
                self._asking.progress.budget.calls += 1
            else:
                await self._submissions.fail(key, outcome.message)
            return
        try:
            reply = read_reply(outcome)
        except (MalformedReplyError, EmptyReplyError) as error:
            await self._submissions.fail(key, str(error))
            return
        progress = self._asking.progress
        progress.budget.spend(reply, self._server.name)
        await self._submissions.land(key, judgment, reply)
        if self._asking.cache and self._job.is_understood(judgment[1], reply):
            self._asking.cache.put(key, reply)
        progress.done += 1
        self._on_progress(progress)


class _Expected:
    """What requests that are out may still cost, so that a batch is no larger than what is left to spend."""

    def __init__(self, budget: Budget, model: str) -> None:
        self._budget, self._model = budget, model
        self._counts = budget.max_tokens is not None or budget.max_cost is not None
        self._tokens: dict[bytes, tuple[int, int]] = {}
        self._sums = [0, 0]

    def reserve(self, key: bytes, body: Body) -> None:
        """Take a call from the budget, with the tokens that it may take."""
        budget = self._budget
        if self._counts:
            prompt = int(expected_tokens(body, reply=False))
            whole = int(expected_tokens(body))
            likely = Budget(None, budget.max_tokens, budget.max_cost, None, budget.prices, tokens=budget.tokens, cost=budget.cost)
            likely.spend(Reply("", prompt_tokens=self._sums[0], completion_tokens=self._sums[1]), self._model)
            likely.check()
            self._tokens[key] = prompt, whole - prompt
            self._sums = [self._sums[0] + prompt, self._sums[1] + whole - prompt]
        budget.reserve()

    def settle(self, key: bytes) -> None:
        """The request is out no more."""
        prompt, reply = self._tokens.pop(key, (0, 0))
        self._sums = [self._sums[0] - prompt, self._sums[1] - reply]
