"""Search demonstrations and advice together (MIPROv2, Opsahl-Ong et al. 2024)."""

from typing import Any

from judgefair.compile.export import import_dspy
from judgefair.compile.optimizers._task import Task
from judgefair.errors import InputError

SAYS = "searches demonstrations and a second model's advice together; needs the extra `optimize`"
NEEDS_REFLECTION = True
MINIBATCH = 35


def improve(task: Task) -> Any:
    """The student with the best pair of demonstrations and advice."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError(
            "mipro needs optuna, which is not installed. Install it with: pip install 'judgefair[optimize]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    dspy = import_dspy()
    optimizer = dspy.MIPROv2(
        metric=task.metric, prompt_model=task.reflection, task_model=dspy.settings.lm, auto=None,
        num_candidates=task.by_effort(4, 8, 12), max_bootstrapped_demos=4, max_labeled_demos=4, num_threads=task.n_threads,
        max_errors=len(task.train) + len(task.dev), metric_threshold=task.good_enough, seed=task.seed + 1,
    )  # fmt: skip
    return optimizer.compile(
        task.student, trainset=task.shown, valset=task.dev, num_trials=task.by_effort(6, 16, 30),
        minibatch=len(task.dev) > MINIBATCH, minibatch_size=MINIBATCH, program_aware_proposer=False,
    )  # fmt: skip
