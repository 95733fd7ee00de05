"""Have a model reflect on where judge and humans differ, and write advice for the judge (GEPA, Agrawal et al. 2025)."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task

SAYS = "a second model reads where judge and humans differ, and writes advice for the judge"
NEEDS_REFLECTION = True


def improve(task: Task) -> Any:
    """The student with the advice that does best on dev."""
    dspy = import_dspy()
    optimizer = dspy.GEPA(
        metric=task.with_feedback, auto=task.effort, reflection_lm=task.reflection, reflection_minibatch_size=4,
        num_threads=task.n_threads, seed=task.seed, add_format_failure_as_feedback=True,
    )  # fmt: skip
    return optimizer.compile(task.student, trainset=task.train, valset=task.dev)
