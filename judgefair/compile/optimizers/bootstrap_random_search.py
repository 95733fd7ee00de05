"""Bootstrap several sets of demonstrations, and keep the one that does best on dev."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task

SAYS = "bootstraps several sets of demonstrations, and keeps the best on dev"
NEEDS_REFLECTION = False


def improve(task: Task) -> Any:
    """The student with the best of several sets of demonstrations."""
    dspy = import_dspy()
    optimizer = dspy.BootstrapFewShotWithRandomSearch(
        metric=task.metric, metric_threshold=task.good_enough, max_bootstrapped_demos=4, max_labeled_demos=8,
        num_candidate_programs=task.by_effort(4, 8, 16), num_threads=task.n_threads, max_errors=len(task.train) + len(task.dev),
    )  # fmt: skip
    return optimizer.compile(task.student, trainset=task.shown, valset=task.dev)
