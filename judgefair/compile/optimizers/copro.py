"""Have a model propose advice for the judge, and refine what does best on train (COPRO)."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task

SAYS = "a second model proposes advice for the judge, several times over, and keeps the best on train"
NEEDS_REFLECTION = True


def improve(task: Task) -> Any:
    """The student with the best advice."""
    dspy = import_dspy()
    optimizer = dspy.COPRO(
        prompt_model=task.reflection, metric=task.metric, breadth=task.by_effort(3, 5, 10), depth=task.by_effort(2, 3, 3),
        init_temperature=1.0,
    )  # fmt: skip
    how = {"num_threads": task.n_threads, "display_progress": False, "display_table": 0}
    return optimizer.compile(task.student, trainset=task.train, eval_kwargs=how)
