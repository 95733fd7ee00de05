"""What does the judge say of every item? The stage that asks the model, resumes where it stopped and pays nothing twice."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.models.policy import RetryPolicy
from judgefair.records import Item, Rating
from judgefair.runs.asking import Progress, few_collections
from judgefair.runs.engines import Engine, local
from judgefair.runs.folder import PROGRAM, are_made_again, open_run, write_manifest
from judgefair.runs.items import put_items
from judgefair.runs.journal import merge_shards
from judgefair.runs.judging import Job
from judgefair.runs.pairs import PairsOnly
from judgefair.runs.parquet import storing
from judgefair.runs.tables import read_judgments

__all__ = ["Judged", "Progress", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a stage has done: how many ratings it wrote, its final progress, and where."""

    run: Path
    n_ratings: int
    progress: Progress
    program: JudgeProgram = field(repr=False)

    @property
    def ratings(self) -> list[Rating]:
        """The judge's ratings, read from the run, in the order of items, criteria and replicates."""
        return read_judgments(self.run, {criterion.id: criterion.scale for criterion in self.program.rubric.criteria})


def judge(
    program: JudgeProgram,
    items: Iterable[Item],
    model: Model,
    run: Path,
    *,
    concurrency: int = 8,
    replicates: int = 1,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    engine: Engine | None = None,
    as_of: str | None = None,
    beside: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Judged:
    """Judge items with a model; the run folder then holds program, items, ratings, journal and manifest.

    Run again, it asks only for what is not in the journal: replies are kept by server, model, body and sample index, so
    that a changed item, prompt or model is asked anew and nothing else is. An item that people labelled must keep its text.

    Parameters
    ----------
    items : a list, or anything that can be gone through more than once, such as a file of items; of that a thousand at a time
        are in memory.
    concurrency : at most so many requests are in flight; a reply is in the journal before its worker asks again.
    replicates : judgments of each item; more than one are sampled at the program's replicate temperature.
    budget : hard limits; items beyond them are Missing `over_budget`.
    limits : requests and tokens a minute.
    use_cache : whether replies of other runs may be used and these be kept for them.
    engine : where the work is done: this process where left out; `engines.batch()`, `engines.ray()`. The ratings are the same.
    beside : what else the manifest is to say, such as which system gave the responses.
    on_progress : called after each judgment.

    Raises
    ------
    ModelError : no request can succeed; what had landed is kept.
    InputError : another process works in the run folder, ids of items repeat, or the program compares two responses and an
        item has one.
    StoreError : the disk is full, or the folder may not be written to; what had landed is kept.
    """
    if concurrency < 1 or replicates < 1:
        raise InputError(f"concurrency is {concurrency} and replicates {replicates}. Expected at least 1 each")
    budget = budget or Budget()
    budget.refuse_unpriced(model.name)
    with open_run(run), few_collections():
        if any(prompt.is_pair for prompt in program.prompts.values()):
            items = PairsOnly(items)
        written = put_items(items, run, labels_can_be_made_again=are_made_again(run))
        with storing(run / PROGRAM):
            program.save(run / PROGRAM)
        write_manifest(
            run,
            {
                "stage": "judge",
                "program": program.fingerprint,
                "rubric": {"id": program.rubric.id, "version": program.rubric.version, "fingerprint": program.rubric.fingerprint},
                "model": {"name": model.name, "server": model.server},
                "items": written.to_json(),
                "replicates": replicates,
                **(beside or {}),
            },
            as_of,
        )
        merge_shards(run)
        job = Job(program, model, replicates, concurrency, policy or RetryPolicy(), limits or Limits(), use_cache)
        progress = Progress(written.n * program.n_calls * replicates, budget=budget)
        n_ratings = (engine or local)(job, run, progress, on_progress)
    return Judged(run, n_ratings, progress, program)
