"""Does the gap grow from turn to turn of a conversation?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judgefair.lenses._corrected import Rows, Statistic, corrected, raw, sides
from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, not_of, others, ratings, said, tell
from judgefair.records import Item
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.finding import Finding
from judgefair.statistics.ppi_mean import combine
from judgefair.statistics.resample import Floats

NAME = "turns"
FRAMEWORK = "Fairness over time: a gap that is small in one answer may grow as a conversation goes on."
SOURCE = (
    "delayed impact: Liu, Dean, Rolf, Simchowitz and Hardt 2018; within-conversation regression with cluster-robust variance: Arellano "
    "1987, Computing Robust Standard Errors for Within-groups Estimators"
)
CAN = (
    "Of conversations whose turns are rated one by one: how the rating changes from one turn to the next within a conversation, by "
    "population, and whether it changes otherwise than the reference's."
)
CANNOT = (
    "It fits a straight line and sees no other course; it says nothing of turns beyond those rated, of users whom earlier answers would "
    "make ask otherwise or leave, or of effects from one conversation to the next."
)
WHAT = "change of the rating per turn within conversations, by least squares"


def look(seen: Seen) -> Look:
    """Slopes over turns of every criterion, axis and group, and their gaps."""
    axes = compared(seen)
    turn = np.full(len(seen.columns.is_run), np.nan)
    turn[seen.columns.is_run] = _turns(seen.items)
    if np.isnan(turn).all():
        raise DoesNotExtend(
            "no item says which turn of a conversation it is. It would need an integer `turn` in `meta` of the items"
        )
    conversation = _conversations(seen)
    if not _several(turn, conversation):
        raise DoesNotExtend(
            "no conversation, which is what items of one scenario and arm are, has items of two turns. It would need the answers of "
            "several turns of a conversation, each as an item"
        )
    reasons = {c.id: "a nominal scale has no distances" for c in seen.rubric.criteria if not c.scale.has_points}
    findings, says = not_of(NAME, "slope_gap", reasons), list[str]()
    for criterion in seen.rubric.criteria:
        if criterion.id not in reasons:
            for axis in axes:
                _tell(seen, criterion, axis, turn, conversation, findings, says)
    return Look(findings, says)


def slope(
    turn: Floats, values: Floats, conversation: NDArray[np.int64], units: NDArray[np.int64], n_units: int, weights: Floats
) -> ClusteredMean:
    """Least-squares slope of values over turns with a constant for each conversation, and what each unit moves it.

    Parameters
    ----------
    turn, values, weights : (n,) without nan.
    conversation, units : (n,) codes 0.. of conversations and of what is sampled, of which there are `n_units`.

    Examples
    --------
    One conversation rises by 1 a turn, one by 3; what lies between them does not matter.

    >>> codes = np.array([0, 0, 1, 1])
    >>> slope(np.array([1.0, 2.0, 1.0, 2.0]), np.array([1.0, 2.0, 5.0, 8.0]), codes, codes, 2, np.ones(4)).value
    2.0
    """
    x, y = (_within(column, conversation, weights) for column in (turn, values))
    return clustered_mean(
        np.bincount(units, weights * x * y, minlength=n_units).astype(float),
        np.bincount(units, weights * x * x, minlength=n_units).astype(float),
    )


def _within(column: Floats, conversation: NDArray[np.int64], weights: Floats) -> Floats:
    """What is left of a column once each conversation's mean is taken off; exactly 0 where a conversation has one row."""
    counts = np.bincount(conversation, weights)
    means = np.bincount(conversation, weights * column) / counts
    left: Floats = column - means[conversation]
    return np.where(np.abs(left) < 1e-12, 0.0, left)


def _tell(
    seen: Seen,
    criterion: Criterion,
    axis: Axis,
    turn: Floats,
    conversation: NDArray[np.int64],
    findings: list[Finding],
    says: list[str],
) -> None:
    judge, human = ratings(seen, criterion)
    found = sides(seen, axis, judge, human, _slope_of(seen, turn, conversation), ~np.isnan(turn))
    for group in axis.groups:
        side = found[group]
        mended, _ = corrected(seen, criterion, "slope", side.corrected, [side], WHAT)
        by_judge = raw(seen, "slope", side.raw, [side], WHAT)
        findings.append(tell(NAME, "slope", by_judge, criterion, axis, group, is_gap=False))
        findings.append(tell(NAME, "slope.corrected", mended, criterion, axis, group, is_gap=False))
    base = found[axis.reference]
    for group in others(axis):
        both = [found[group], base]
        by_judge = raw(seen, "slope_gap", combine((1, both[0].raw), (-1, base.raw)), both, WHAT)
        mended, why_not = corrected(
            seen, criterion, "slope_gap", combine((1, both[0].corrected), (-1, base.corrected)), both, WHAT
        )
        findings.append(tell(NAME, "slope_gap", by_judge, criterion, axis, group))
        findings.append(tell(NAME, "slope_gap.corrected", mended, criterion, axis, group))
        says += said(criterion, axis, group, "change per turn", by_judge, mended, why_not)


def _slope_of(seen: Seen, turn: Floats, conversation: NDArray[np.int64]) -> Statistic:
    units = seen.columns.units
    n_units = int(units.max(initial=-1)) + 1

    def statistic(rated: Floats, rows: Rows, weights: Floats) -> ClusteredMean:
        codes = np.unique(conversation[rows], return_inverse=True)[1]
        return slope(turn[rows], rated[rows], codes, units[rows], n_units, weights[rows])

    return statistic


def _turns(items: Sequence[Item]) -> Floats:
    """The turn of each item; nan where it says none that is an integer."""
    said = (item.meta.get("turn") for item in items)
    return np.array([turn if isinstance(turn, int) and not isinstance(turn, bool) else np.nan for turn in said], dtype=float)


def _conversations(seen: Seen) -> NDArray[np.int64]:
    """(n,) codes of conversations: items of one scenario, populations, block, arm and replicate; -1 beyond the run."""
    facts = seen.facts
    same = [facts.units, *(group.codes for group in facts.groups.values())]
    same += [facts.meta[name].codes for name in ("block", "arm", "replicate")]
    codes = pd.DataFrame(dict(enumerate(same))).groupby(list(range(len(same))), sort=False).ngroup().to_numpy()
    found = np.full(len(seen.columns.is_run), -1)
    found[seen.columns.is_run] = codes
    return found


def _several(turn: Floats, conversation: NDArray[np.int64]) -> bool:
    """Whether some conversation has rows of two turns."""
    known = ~np.isnan(turn)
    said = pd.Series(turn[known]).groupby(conversation[known]).nunique()
    return bool((said > 1).any())
