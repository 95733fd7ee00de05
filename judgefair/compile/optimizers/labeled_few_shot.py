"""Show the judge examples that humans rated; nothing is asked of any model."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task

SAYS = "shows rated examples of train; asks no model"
NEEDS_REFLECTION = False


def improve(task: Task) -> Any:
    """The student with some examples of train as demonstrations."""
    dspy = import_dspy()
    optimizer = dspy.LabeledFewShot(k=task.by_effort(4, 8, 16))
    return optimizer.compile(task.student, trainset=task.shown, sample=False)
