"""Are populations rated alike on average, overall and at equal merit? (Demographic parity, and conditional on merit.)"""

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, corrected_gap, doubt, gaps, not_of, others, ratings, raw_gap, said, tell
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.disparity import Disparity
from judgefair.statistics.finding import Finding

NAME = "group_parity"
FRAMEWORK = "Group parity: populations get the same quality on average, or the same at equal merit."
SOURCE = (
    "statistical parity: Dwork, Hardt, Pitassi, Reingold and Zemel 2012, Fairness Through Awareness; conditional on merit: "
    "Corbett-Davies, Pierson, Feller, Goel and Huq 2017"
)
CAN = (
    "How far mean ratings of each declared population lie from the reference's on these criteria and items, by the judge and as humans "
    "would rate, and at equal merit where merit is known."
)
CANNOT = (
    "It says nothing of other use cases, criteria, populations, intersections or cues; equal means hide unequal treatment within a "
    "population; and a gap may be right where the rubric permits it."
)


def look(seen: Seen) -> Look:
    """Gaps of every criterion, axis and group."""
    axes = compared(seen)
    reasons = {
        criterion.id: "a nominal scale has no distances, so that no gap in scale points exists"
        for criterion in seen.rubric.criteria
        if not criterion.scale.has_points
    }
    if len(reasons) == len(seen.rubric.criteria):
        raise DoesNotExtend(
            "every criterion has a nominal scale without distances. It would need a scale whose levels have an order"
        )
    findings, says = not_of(NAME, "gap.raw", reasons) + not_of(NAME, "gap.corrected", reasons), list[str]()
    is_matched, merit = bool(seen.facts.meta["arm"].is_there.any()), seen.columns.merit
    differs = len(set(merit[seen.columns.is_run]) - {""}) > 1
    for criterion in seen.rubric.criteria:
        if criterion.id in reasons:
            continue
        judge, human = ratings(seen, criterion)
        for axis in axes:
            overall = gaps(seen, axis, judge, human)
            _tell(seen, criterion, axis, overall, "", "mean rating", findings, says)
            if differs and not is_matched:
                # Rows whose merit is not known would be a stratum of everything.
                at_equal = gaps(seen, axis, judge, human, rows=merit != "", strata=np.where(merit != "", merit, "unknown"))
                _tell(seen, criterion, axis, at_equal, ".given_merit", "mean rating at equal merit", findings, says)
    if differs and is_matched:
        says.append("All arms of a scenario have one merit, so that these gaps are gaps at equal merit.")
    return Look(findings, says)


def _tell(
    seen: Seen, criterion: Criterion, axis: Axis, found: Disparity, at: str, what: str, findings: list[Finding], says: list[str]
) -> None:
    for group in others(axis):
        raw, corrected = raw_gap(axis, found, group), corrected_gap(seen, criterion, axis, found, group)
        findings.append(tell(NAME, f"gap.raw{at}", raw, criterion, axis, group))
        findings.append(tell(NAME, f"gap.corrected{at}", corrected, criterion, axis, group))
        says += said(criterion, axis, group, what, raw, corrected, doubt(seen, corrected, found.weak.get(group, "")))
