"""What do we know of a judge, once it was held against humans?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from judgefair.probes import Probed
from judgefair.records import Item
from judgefair.rubric.scale import Scale
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding, Population
from judgefair.validation.gate import Check
from judgefair.validation.levels import NONE_GIVEN, Levels


@dataclass(frozen=True, slots=True)
class Validation:
    """A judge held against humans.

    Attributes
    ----------
    scope : what the findings hold for: context, judge, program, set, split, labels, populations, languages, date.
    scales : of each criterion.
    findings : every estimate, by criterion and population. Populations of raters stand under the axis `rater.<attribute>`.
    gate : what the rubric's `validity` asks of the judge, and whether it was shown; empty without a rubric.
    items : the rated items; of a run without human ratings, read from its table as they are asked for.
    ratings : judge and humans in one table: item_id, criterion, rater_id, rater_kind, code, missing, rationale; none where a
        run without human ratings is read back.
    notes : what a reader must know, such as a set without populations.
    levels : how often each level was given.
    probes : what moves the judge that should not, where probes were put to it.
    """

    scope: Mapping[str, Any]
    scales: Mapping[str, Scale]
    findings: Sequence[Finding]
    gate: Sequence[Check]
    items: Sequence[Item]
    ratings: pd.DataFrame
    notes: Sequence[str]
    levels: Levels
    probes: Sequence[Probed] = ()

    def find(self, estimand: str, criterion: str, population: Population | None = None) -> Estimate:
        """One estimate; KeyError where there is none of that name.

        `population` is None for overall, or `{axis: group}`.
        """
        for finding in self.findings:
            if (finding.estimate.estimand, finding.criterion, finding.population) == (estimand, criterion, population):
                return finding.estimate
        raise KeyError(f"no estimate {estimand} of {criterion} for {population or 'all items'}")

    def given(self, criterion: str, kind: str) -> "pd.Series[int]":
        """How often raters of a kind gave each level, by its code."""
        return self.levels.get(criterion, {}).get(kind, NONE_GIVEN)

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axes of the items and their groups, in the order they are reported."""
        return self._axes(of_raters=False)

    @property
    def rater_axes(self) -> dict[str, list[str]]:
        """Attributes of the raters and their groups, in the order they are reported."""
        return self._axes(of_raters=True)

    @property
    def passes(self) -> bool:
        """Whether every check of the gate was passed; true without a rubric, which has none."""
        return all(check.status == "passed" for check in self.gate)

    def _axes(self, of_raters: bool) -> dict[str, list[str]]:
        axes: dict[str, list[str]] = {}
        for finding in self.findings:
            for axis, group in (finding.population or {}).items():
                if axis.startswith("rater.") == of_raters:
                    groups = axes.setdefault(axis, [])
                    if group not in groups:
                        groups.append(group)
        return axes
