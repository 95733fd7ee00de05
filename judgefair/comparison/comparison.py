"""What do judges show in each context, and where do they differ?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from judgefair.comparison.attribution import Attribution
from judgefair.comparison.family import Adjusted
from judgefair.comparison.panels import Panel
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding


@dataclass(frozen=True, slots=True)
class Context:
    """Where judges are validated: one version of a rubric, one set, one split of it.

    Attributes
    ----------
    name : rubric, version, set and split in words; what cells and differences name.
    rubric : id, version and fingerprint; None where a table was rated without a rubric.
    split_fingerprint : of the items that were rated, the same for every judge of the context.
    """

    name: str
    rubric: Mapping[str, str] | None
    use_case: str
    set_id: str
    split: str
    split_fingerprint: str
    labels: str
    n_items: int
    criteria: Sequence[str]


@dataclass(frozen=True, slots=True)
class Judge:
    """A row of the matrix.

    Attributes
    ----------
    name : the judge's own, with the program's fingerprint where one context holds several programs of it, and with the server
        where two serve a judge of that name.
    judge, server : as runs name them; server is None where ratings were given in a table.
    program : None where each context has one program of this judge.
    """

    name: str
    judge: str
    server: str | None
    program: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One judge in one context, on one criterion.

    Attributes
    ----------
    judge, context : names of a `Judge` and a `Context`.
    run : the folder that holds it.
    n_missing : items that the judge gave no rating.
    agreement, human : `alpha.judge_human` and `alpha.human`, as the validation has them.
    ratio : the first over the second, `alpha_ratio`.
    worst_gap : the largest `judge_error_gap` over the populations, with an interval that holds for all of them.
    gate : how many checks of the criterion have each status; empty without a rubric.
    winning_rate : of the alternative annotator test within this context.
    joint_winning_rate : the same, adjusted over the annotators of all contexts of this judge.
    rank : best and worst rank that the data allow among the judges of this context; None where there is no other, or its
        agreement is undefined.
    """

    judge: str
    context: str
    criterion: str
    run: str
    n_missing: int
    agreement: Estimate
    human: Estimate
    ratio: Estimate
    worst_gap: Finding
    gate: Mapping[str, int]
    winning_rate: Estimate
    joint_winning_rate: Estimate
    rank: tuple[int, int] | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        estimates = ("agreement", "human", "ratio", "worst_gap", "winning_rate", "joint_winning_rate")
        told = {name: getattr(self, name) for name in ("judge", "context", "criterion", "run", "n_missing")}
        told |= {name: getattr(self, name).to_json() for name in estimates}
        return told | {"gate": dict(self.gate), "rank": None if self.rank is None else list(self.rank)}


FEWEST = 10
"""Scenarios, below which two judges are not told apart."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two judges of one context on the items that both rated: first minus second.

    Attributes
    ----------
    agreement : of `alpha.judge_human`; above 0 where the first agrees better with the humans.
    absolute_error : of the mean distance to the humans, in scale points; below 0 where the first is closer.
    better : the judge that agrees better, where the adjusted interval of `agreement` excludes 0 and rests on `FEWEST` scenarios
        or more; else None. Of few scenarios nearly every resample is alike, and an interval far too narrow.
    """

    context: str
    criterion: str
    first: str
    second: str
    agreement: Adjusted
    absolute_error: Adjusted

    @property
    def better(self) -> str | None:
        """Which of the two agrees better with the humans, where that can be told."""
        if self.agreement.estimate.n_clusters < FEWEST:
            return None
        if self.agreement.low > 0:
            return self.first
        return self.second if self.agreement.high < 0 else None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {name: getattr(self, name) for name in ("context", "criterion", "first", "second", "better")}
        return told | {"agreement": self.agreement.to_json(), "absolute_error": self.absolute_error.to_json()}


@dataclass(frozen=True, slots=True)
class Flag:
    """A judge that is used where it was not validated.

    Attributes
    ----------
    kind : `used_elsewhere` where its error was carried over from another context, `not_validated` where nothing was.
    validated_in : names of the contexts it was validated in; for `not_validated` those among the runs compared.
    message : in words.
    """

    kind: str
    judge: str
    run: str
    used_in: str
    validated_in: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Judges by contexts by criteria.

    Nothing here is averaged over contexts, and there is no method that would: contexts differ in use, in people, in labels
    and in what a scale point means, so that a mean over them is of no use that anybody has, and a judge that is fair
    in one need not be in another. For the same reason the joint test adjusts over contexts and reports each by itself.

    Attributes
    ----------
    as_of : the date it stands for.
    cells : in the order of contexts, criteria and judges.
    differences : all pairs of judges in each context and criterion.
    flags : judges used where they were not validated.
    notes : what a reader must know.
    level : confidence that intervals of differences hold together.
    panels : of each context and criterion that several judges rated, the judges together.
    attribution : of two runs of one judge on the same items, what changed ratings are laid to; None of any other runs.
    """

    as_of: str
    contexts: Sequence[Context]
    judges: Sequence[Judge]
    cells: Sequence[Cell]
    differences: Sequence[Difference]
    flags: Sequence[Flag]
    notes: Sequence[str]
    level: float
    panels: Sequence[Panel] = ()
    attribution: Attribution | None = None

    def find(self, judge: str, context: str, criterion: str) -> Cell | None:
        """One cell; None where this judge was not run there."""
        wanted = (judge, context, criterion)
        return next((cell for cell in self.cells if (cell.judge, cell.context, cell.criterion) == wanted), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "as_of": self.as_of,
            "contexts": [asdict(context) for context in self.contexts],
            "judges": [asdict(judge) for judge in self.judges],
            "cells": [cell.to_json() for cell in self.cells],
            "differences": [difference.to_json() for difference in self.differences],
            "flags": [asdict(flag) for flag in self.flags],
            "notes": list(self.notes),
            "level": self.level,
            "panels": [panel.to_json() for panel in self.panels],
            "attribution": None if self.attribution is None else self.attribution.to_json(),
        }
