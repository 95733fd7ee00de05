"""What does the judge say of the items of a shard? One job that every engine does in the same way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import pyarrow as pa

from judgefair.compile.orders import of_both_orders
from judgefair.compile.parse import Judgment
from judgefair.compile.program import JudgeProgram
from judgefair.models.cache import Requests
from judgefair.models.gate import Limits
from judgefair.models.model import Body, Model, WrittenBody
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Item, Missing, Rating
from judgefair.runs.asking import Asking, Progress, work_through
from judgefair.runs.tables import ratings_schema, ratings_table

NOT_UNDERSTOOD = {"unparsable", "refused"}
AT_ONCE = 100
READ_ALREADY = 5_000
OnProgress = Callable[[Progress], None]
Keep = Callable[[int, pa.Table], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is judged, by whom and how."""

    program: JudgeProgram
    model: Model
    replicates: int
    concurrency: int
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    use_cache: bool = True
    _requests: dict[tuple[str, int], Requests] = field(default_factory=dict, repr=False)
    _read: dict[tuple[str, str, str | None, str | None], dict[str, Judgment]] = field(default_factory=dict, repr=False)

    @property
    def schema(self) -> pa.Schema:
        """Of the ratings that it makes."""
        return ratings_schema(criterion.scale for criterion in self.program.rubric.criteria)

    def body(self, call: str, item: Item, replicate: int) -> Body:
        """The request for one judgment."""
        prompt = self.program.prompts[call]
        return self.model.body(prompt.render(item), prompt.schema, dict(self.program.sampling), replicate, self.replicates)

    def request(self, call: str, item: Item, replicate: int) -> tuple[WrittenBody, bytes]:
        """The request for one judgment and its `reply_key`, in less time than `body` takes."""
        return self._requests_of(call, item, replicate).written(self.program.prompts[call].last_message(item))

    def key(self, call: str, item: Item, replicate: int) -> bytes:
        """`reply_key` of the request for one judgment."""
        return self._requests_of(call, item, replicate).key(self.program.prompts[call].last_message(item))

    def _requests_of(self, call: str, item: Item, replicate: int) -> Requests:
        requests = self._requests.get((call, replicate))
        if requests is None:
            requests = self._requests[call, replicate] = Requests(self.model, self.body(call, item, replicate), replicate)
        return requests

    def judgments(self, call: str, outcome: Reply | Missing) -> dict[str, Judgment]:
        """What an outcome says, by criterion of the call."""
        criteria = self.program.criteria_of(call)
        if isinstance(outcome, Missing):
            return {criterion: Judgment(outcome) for criterion in criteria}
        if outcome.tokens is not None:
            return {criterion: self.program.parse(criterion, outcome) for criterion in criteria}
        words = (
            call,
            outcome.text,
            outcome.finish_reason,
            outcome.refusal,
        )  # a judge that gives no reasons says few different things
        judged = self._read.get(words)
        if judged is None:
            judged = {criterion: self.program.parse(criterion, outcome) for criterion in criteria}
            if len(self._read) < READ_ALREADY:
                self._read[words] = judged
        return judged

    def is_understood(self, call: str, reply: Reply) -> bool:
        """Whether a reply is an answer, so that other runs may use it."""
        values = [judgment.value for judgment in self.judgments(call, reply).values()]
        return not any(isinstance(value, Missing) and value.reason in NOT_UNDERSTOOD for value in values)

    @property
    def rounds(self) -> list[tuple[str, int, bool]]:
        """Call, replicate, and whether responses are swapped, of every request for one item."""
        return [
            (call, replicate, is_swapped)
            for call, prompt in self.program.prompts.items()
            for replicate in range(self.replicates)
            for is_swapped in ((False, True) if prompt.is_pair else (False,))
        ]

    def calls(self, items: Sequence[Item]) -> Iterator[tuple[int, str, int, Item]]:
        """Place, call, replicate and item of every request, criterion by criterion, so that servers keep the static prompt at hand.

        Where two responses are compared, the item comes once as it is and once with them swapped.
        """
        place = 0
        for call, replicate, is_swapped in self.rounds:
            for item in items:
                yield place, call, replicate, item.swapped if is_swapped and item.no_response is None else item
                place += 1

    def table(self, items: Sequence[Item], said: Sequence[dict[str, Judgment] | None]) -> pa.Table:
        """The ratings of a shard, in the order of items, criteria and replicates."""
        by_fingerprint, name, n = self.program.fingerprint, self.model.name, len(items)
        starts = {round_: n * number for number, round_ in enumerate(self.rounds)}
        calls = [(call, prompt.is_pair, self.program.criteria_of(call)) for call, prompt in self.program.prompts.items()]
        ratings = []
        for place, item in enumerate(items):
            for call, is_pair, criteria in calls:
                for criterion in criteria:
                    for replicate in range(self.replicates):
                        judged = (said[starts[call, replicate, False] + place] or {})[criterion]
                        if is_pair:
                            swapped = (said[starts[call, replicate, True] + place] or {})[criterion]
                            judged = of_both_orders(judged, swapped, self.program.rubric.criterion(criterion).scale)
                        told = (judged.value, replicate, judged.rationale, judged.distribution)
                        ratings.append(Rating(item.item_id, criterion, name, "judge", *told, by_fingerprint, judged.orders))
        return ratings_table(ratings, self.schema)


@dataclass(slots=True)
class _Shard:
    number: int
    items: Sequence[Item]
    said: list[dict[str, Judgment] | None]
    left: int


class _Judging(NamedTuple):
    shard: _Shard
    place: int
    call: str
    replicate: int
    item: Item
    body: Body
    key: bytes


async def judge_shards(
    job: Job, shards: Iterable[tuple[int, Sequence[Item]]], asking: Asking, keep: Keep, on_progress: OnProgress
) -> None:
    """Judge shards one after the other, and keep the ratings of each as soon as its last judgment is there.

    A slow reply holds up its own shard's table and nothing else: workers go on to the next shard meanwhile.
    """
    progress = asking.progress

    def settle(shard: _Shard, place: int, call: str, outcome: Reply | Missing) -> None:
        judged = shard.said[place] = job.judgments(call, outcome)
        shard.left -= 1
        progress.done += 1
        for judgment in judged.values():
            if isinstance(judgment.value, Missing):
                progress.missing[judgment.value.reason] += 1
        if shard.left == 0:
            keep(shard.number, job.table(shard.items, shard.said))

    def waiting() -> Iterator[_Judging | None]:
        """What is to be asked; what has landed is settled at once. None, where signals and timers are to get their turn."""
        for number, items in shards:
            n = len(items) * job.program.n_calls * job.replicates
            shard = _Shard(number, items, [None] * n, n)
            calls = job.calls(items)
            while group := list(islice(calls, AT_ONCE)):
                landed, left = _landed(job, asking, group), []
                for place, call, replicate, item in group:
                    if (known := item.no_response or landed.get(place)) is None:
                        left.append(_Judging(shard, place, call, replicate, item, *job.request(call, item, replicate)))
                    else:
                        progress.reused += item.no_response is None
                        settle(shard, place, call, known)
                yield from left
                if landed:
                    on_progress(progress)
                    yield None

    async def work(one: _Judging | None) -> None:
        if one is None:
            await asyncio.sleep(0)
            return
        settle(one.shard, one.place, one.call, await _ask(job, asking, one))
        on_progress(progress)

    await work_through(waiting(), work, job.concurrency)
    on_progress(progress)


def _landed(job: Job, asking: Asking, calls: Sequence[tuple[int, str, int, Item]]) -> dict[int, Reply]:
    """By place, the replies that landed in the run before; looked up together, which takes a third of the time."""
    if asking.is_new:
        return {}
    keys = {place: job.key(call, item, replicate) for place, call, replicate, item in calls if item.no_response is None}
    found = asking.landed_of(list(keys.values()))
    return {place: found[key] for place, key in keys.items() if key in found}


def _ask(job: Job, asking: Asking, one: _Judging) -> Awaitable[Reply | Missing]:
    question = asking.about(one.item.item_id, one.call, lambda reply: job.is_understood(one.call, reply))
    return question.ask(job.model, one.body, one.replicate, one.key)
