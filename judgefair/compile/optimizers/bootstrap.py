"""Show the judge its own judgments of train that agree with humans, beside rated examples."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task

SAYS = "shows the judge's own judgments of train that humans share, and rated examples"
NEEDS_REFLECTION = False


def improve(task: Task) -> Any:
    """The student with demonstrations that were bootstrapped, and labelled ones."""
    dspy = import_dspy()
    optimizer = dspy.BootstrapFewShot(
        metric=task.metric, metric_threshold=task.good_enough, max_bootstrapped_demos=task.by_effort(4, 8, 8),
        max_labeled_demos=task.by_effort(8, 16, 24), max_errors=len(task.train),
    )  # fmt: skip
    return optimizer.compile(task.student, trainset=task.shown)
