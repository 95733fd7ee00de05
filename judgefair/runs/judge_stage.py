"""What does the judge say of every item? The stage that asks the model, resumes where it stopped and pays nothing twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgefair.compile.parse import Judgment
from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.model import Model
from judgefair.models.reply import Reply
from judgefair.models.retry import RetryPolicy
from judgefair.records import Item, Missing, Rating
from judgefair.runs.asking import Asking, Progress, run_sync, work_through
from judgefair.runs.folder import PROGRAM, open_run, write_manifest
from judgefair.runs.labels import are_made_again
from judgefair.runs.tables import make_way_for, write_items, write_ratings

__all__ = ["Judged", "Progress", "judge"]


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
    beside: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Judged:
    """Judge items with a model; the run folder then holds program, items, ratings, journal and manifest.

    Run again, it asks only for what is not in the journal: replies are kept by server, model, body and sample index, so
    that a changed item, prompt or model is asked anew and nothing else is. An item that people labelled must keep its text.

    Parameters
    ----------
    concurrency : at most so many requests are in flight; a reply is in the journal before its worker asks again.
    replicates : judgments of each item; more than one are sampled at the program's replicate temperature.
    budget : hard limits; items beyond them are Missing `over_budget`.
    use_cache : whether replies of other runs may be used and these be kept for them.
    beside : what else the manifest is to say, such as which system gave the responses.
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
        make_way_for(items, run, labels_can_be_made_again=are_made_again(run))
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
                **(beside or {}),
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
        async with Asking(self._folder, self._progress, self._policy, use_cache=self._use_cache) as asking:

            async def work(job: _Job) -> None:
                outcome = await self._judge(asking, job)
                self._outcomes[job.index] = outcome
                self._progress.done += 1
                self._progress.missing.update(
                    judged.value.reason
                    for judged in self._judgments(job.call, outcome).values()
                    if isinstance(judged.value, Missing)
                )
                self._on_progress(self._progress)

            await work_through(self._jobs(), work, concurrency)
        return Judged(self._ratings(), self._progress)

    def _jobs(self) -> Iterator[_Job]:
        """Criterion by criterion, so that servers keep the static prompt at hand."""
        index = 0
        for call in self._program.prompts:
            for replicate in range(self._replicates):
                for item in self._items:
                    yield _Job(index, item, call, replicate)
                    index += 1

    async def _judge(self, asking: Asking, job: _Job) -> Reply | Missing:
        if job.item.no_response is not None:
            return job.item.no_response
        prompt = self._program.prompts[job.call]
        body = self._model.body(
            prompt.render(job.item), prompt.schema, dict(self._program.sampling), job.replicate, self._replicates
        )
        question = asking.about(job.item.item_id, job.call, lambda reply: self._is_understood(job.call, reply))
        return await question.ask(self._model, body, job.replicate)

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
