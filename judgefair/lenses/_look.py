"""What does a fairness framework see in a run, and what can it not see?

A lens is one file of this folder, or an entry point of the group `judgefair.lenses`, whose module has

FRAMEWORK, SOURCE : str, the framework, and who defined it where.
CAN, CANNOT : str, what may be claimed through this lens in one context, and what may not, in one sentence each.
look(seen) -> Look : what is seen; raises `DoesNotExtend` where the framework says nothing of this run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from judgefair.records import Item
from judgefair.rubric.context import Axis
from judgefair.rubric.rubric import Rubric
from judgefair.runs.columns import Columns
from judgefair.runs.facts import Facts
from judgefair.statistics.finding import Finding


class DoesNotExtend(Exception):  # noqa: N818 - an answer, not an error: it is printed as the reason
    """The framework does not extend to this run; the message says why, and what it would need."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen.

    Attributes
    ----------
    findings : estimates, each named `lens.<name>.<what>`; one that is undefined says why in its `method`.
    says : what follows from them in words, one sentence each; nothing that the findings do not show.
    """

    findings: Sequence[Finding]
    says: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a lens may look at.

    Attributes
    ----------
    columns : ratings, units, cues and merit, a row an item; rows of the run are those of `columns.is_run`, and come first.
    facts : the run's items without their texts, in the order of those rows.
    items : the same with their texts, read as they are asked for; go through them once.
    labels : human, constructed, model or simulated: who gave the human ratings.
    """

    rubric: Rubric
    columns: Columns
    facts: Facts
    items: Sequence[Item]
    labels: str = "human"
    confidence: float = 0.95
    seed: int = 0
    _groups: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def groups(self, axis: Axis) -> np.ndarray:
        """(n,) the group of each row on an axis; "" where it has none that the rubric declares. Placebo arms have none."""
        if axis.axis not in self._groups:
            group_of = self.columns.groups(axis.axis)
            self._groups[axis.axis] = np.where(np.isin(group_of, list(axis.groups)), group_of, "").astype(object)
        return self._groups[axis.axis]
