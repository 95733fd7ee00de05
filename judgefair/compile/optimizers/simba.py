"""Find examples on which the judge wavers, and add demonstrations or rules for them (SIMBA)."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task
from judgefair.errors import InputError

SAYS = "finds examples on which the judge wavers, and adds demonstrations or rules for them"
NEEDS_REFLECTION = True
BATCH = 16


def improve(task: Task) -> Any:
    """The student with demonstrations and rules."""
    dspy = import_dspy()
    if len(task.train) < BATCH:
        raise InputError(f"simba draws {BATCH} examples at a time, and train has {len(task.train)}. Use another optimiser")
    optimizer = dspy.SIMBA(
        metric=task.metric, bsize=BATCH, num_candidates=task.by_effort(3, 6, 6), max_steps=task.by_effort(3, 6, 8), max_demos=4,
        prompt_model=task.reflection, num_threads=task.n_threads,
    )  # fmt: skip
    return optimizer.compile(task.student, trainset=task.train, seed=task.seed)
