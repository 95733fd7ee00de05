"""What does an optimiser work on? A dspy module for one call of a judge program, whose rubric it cannot rewrite.

An optimiser is one file of this folder, or an entry point of the group `judgefair.optimizers`, whose module has

SAYS : str, what it does, in one sentence.
NEEDS_REFLECTION : bool, whether a second model proposes words.
improve(task) -> dspy.Module : the improved student.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import dspy

Effort = Literal["light", "medium", "heavy"]


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a judge program, as dspy sees it.

    Attributes
    ----------
    student : the module to improve.
    train, dev : dspy examples; those of dev choose among candidates, and never become demonstrations.
    shown : the examples of train on which humans gave one answer; they may become demonstrations.
    metric : agreement with humans, from 0 to 1; a reply that is no answer counts 0 here, and is no rating anywhere else.
    with_feedback : the same with feedback in words, for optimisers that read it.
    good_enough : agreement from which an example may be shown as a demonstration.
    reflection : the model that proposes words; None where the optimiser needs none.
    effort : light, medium or heavy.
    """

    student: "dspy.Module"
    train: list[Any]
    dev: list[Any]
    shown: list[Any]
    metric: Callable[..., float]
    with_feedback: Callable[..., Any]
    good_enough: float
    reflection: "dspy.LM | None"
    effort: Effort
    seed: int
    n_threads: int

    def by_effort(self, light: int, medium: int, heavy: int) -> int:
        """A number that grows with the effort."""
        return {"light": light, "medium": medium, "heavy": heavy}[self.effort]
