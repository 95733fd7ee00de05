"""How is a judge program improved so that every question to a model is kept, budgeted and never paid twice?"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.calibration.ledger import read_looks
from judgefair.compile.dspy_bridge import StopAsking
from judgefair.compile.optimise import Optimised, optimise_program
from judgefair.compile.optimizers._task import Effort
from judgefair.compile.program import JudgeProgram
from judgefair.errors import BudgetError, InputError, JudgefairError
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Body, Model
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Missing
from judgefair.runs.asking import Asking, Progress
from judgefair.runs.folder import open_run, write_manifest

ITEM, JUDGE, REFLECTION = "(optimising)", "judge", "reflection"


def optimise(
    program: JudgeProgram,
    train: CalibrationSet,
    dev: CalibrationSet,
    model: Model,
    run: Path,
    *,
    optimizer: str,
    reflection: Model | None = None,
    effort: Effort = "light",
    seed: int = 0,
    concurrency: int = 8,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Optimised:
    """Improve a judge program by what humans said of train; each call's prompt is changed only where dev shows that it helps.

    The same call again asks only for what is not in the run's journal.

    Parameters
    ----------
    program : a plain one, as `compile_judge` makes it.
    train, dev : `cset.take("train")` and `cset.take("dev")` of one calibration set; other splits are refused.
    run : folder of the journal.
    optimizer : `labeled_few_shot`, `bootstrap`, `bootstrap_random_search`, `gepa`, `mipro`, `copro`, `simba`, `isotonic`, or one that
        is plugged in.
    reflection : the model that proposes words, for optimisers that need one.

    Raises
    ------
    InputError : a locked split, too few labelled items, no such optimiser, no reflection model.
    BudgetError : the budget is used up; what had landed is kept.
    ModelError : no request can succeed.
    """
    if train.id != dev.id:
        raise InputError(f"train is of {train.id} and dev of {dev.id}. Take both from one calibration set")
    budget = budget or Budget()
    for each in filter(None, (model, reflection)):
        budget.refuse_unpriced(each.name)
    progress = Progress(0, budget=budget)
    with open_run(run):
        write_manifest(
            run,
            {
                "stage": "optimise", "program": program.fingerprint, "optimizer": optimizer, "set": train.id,
                "train": train.fingerprint, "dev": dev.fingerprint, "model": {"name": model.name, "server": model.server},
                "reflection": reflection.name if reflection else None,
            },
            as_of,
        )  # fmt: skip
        asking = Asking(run, progress, policy or RetryPolicy(), limits or Limits(), concurrency, use_cache=use_cache)
        try:
            with _asked_from_threads(asking, model, on_progress) as ask:
                return optimise_program(
                    program, train, dev, model, ask, optimizer=optimizer, reflection=reflection, effort=effort, seed=seed,
                    n_threads=concurrency, looks=len(read_looks(train.id)), tell=lambda text: _note(progress, text, on_progress),
                )  # fmt: skip
        except StopAsking as stop:
            raise BudgetError(
                f"{optimizer} is not done: {stop}. What had landed is kept; run the same command with a larger budget to go on"
            ) from None


def _note(progress: Progress, text: str, on_progress: Callable[[Progress], None]) -> None:
    progress.notes.append(text)
    on_progress(progress)


@contextmanager
def _asked_from_threads(
    asking: Asking, judge: Model, on_progress: Callable[[Progress], None]
) -> Iterator[Callable[[Model, Body, int], Reply | Missing]]:
    """A function that asks from any thread, while an event loop in a thread of its own does the asking.

    What ends the work (no budget, a model that cannot be used) is raised by every later question too: optimisers swallow errors.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    lock = threading.Lock()
    failure: list[JudgefairError | StopAsking] = []

    def ask(model: Model, body: Body, sample: int) -> Reply | Missing:
        if failure:
            raise failure[0]
        question = asking.about(ITEM, JUDGE if model is judge else REFLECTION)
        try:
            said = asyncio.run_coroutine_threadsafe(question.ask(model, body, sample), loop).result()
        except JudgefairError as error:
            failure.append(error)
            raise
        if isinstance(said, Missing) and said.reason == "over_budget":
            failure.append(StopAsking(said.detail))
        with lock:
            asking.progress.done += 1
            on_progress(asking.progress)
        return said

    try:
        asyncio.run_coroutine_threadsafe(asking.__aenter__(), loop).result()
        try:
            try:
                yield ask
            except Exception:
                if failure:  # what an optimiser made of it says less
                    raise failure[0] from None
                raise
            if failure:
                raise failure[0]
        finally:
            asyncio.run_coroutine_threadsafe(asking.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
