"""What do lenses compare? Ratings of whole blocks, with labels and arms counted as `estimate` counts them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from judgefair.lenses._look import DoesNotExtend, Seen
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.disparity import Disparity, disparity
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.rate_gap import RateGap, rate_gap
from judgefair.statistics.resample import Floats

RESTS_ON_LABELS = ("human", "simulated")
"""Labels that a claim may rest on; simulated ones are those of a planted study, whose truth is known."""


def compared(seen: Seen) -> list[Axis]:
    """Axes of which the run has items of two groups or more; DoesNotExtend where there is none."""
    run = seen.columns.is_run
    axes = [axis for axis in seen.rubric.context.populations if len(set(seen.groups(axis)[run]) - {""}) > 1]
    if not axes:
        raise DoesNotExtend(
            "no two populations that the rubric declares are in the run, so that nothing can be compared. It would need items of at "
            "least two groups of one axis"
        )
    return axes


def others(axis: Axis) -> list[str]:
    """The groups that are compared with the reference."""
    return [group for group in axis.groups if group != axis.reference]


def ratings(seen: Seen, criterion: Criterion) -> tuple[Floats, Floats]:
    """(n,) each, by judge and humans; nan where there is none, and where some arm of the block has no answer."""
    columns = seen.columns
    judge, human = (np.where(columns.is_whole, columns.ratings(criterion.id, kind), np.nan) for kind in ("judge", "human"))
    return judge, human


def clusters(seen: Seen) -> np.ndarray | None:
    """(n,) scenarios, or None where every item stands alone."""
    return seen.columns.units if seen.columns.has_scenarios else None


def given_lam(seen: Seen) -> float | None:
    """How far the judge is used: 1 where its error is carried over from another set's labels, None where that is to be tuned."""
    return None if seen.columns.is_run.all() else 1.0


def gaps(
    seen: Seen,
    axis: Axis,
    judge: Floats,
    human: Floats,
    *,
    rows: NDArray[np.bool_] | None = None,
    strata: np.ndarray | None = None,
) -> Disparity:
    """Raw and corrected gaps of an axis over all rows or some, each population with its own calibration."""
    columns, group_of = seen.columns, seen.groups(axis)
    return disparity(
        judge, human, group_of if rows is None else np.where(rows, group_of, ""), axis.reference, clusters(seen), given_lam(seen),
        evaluated=columns.is_run, strata=strata, weights=columns.weights(axis.axis), inclusion=columns.inclusion,
        confidence=seen.confidence,
    )  # fmt: skip


def rates(seen: Seen, axis: Axis, flags: Floats, rows: NDArray[np.bool_], estimand: str) -> RateGap:
    """Shares of true flags among some rows of the run, and their gaps; arms that show several axes count so that these balance."""
    group_of = np.where(rows & seen.columns.is_run, seen.groups(axis), "")
    weights = seen.columns.weights(axis.axis)
    if weights is None or np.allclose(weights[group_of != ""], 1):
        return rate_gap(flags, group_of, axis.reference, clusters(seen), estimand=estimand, confidence=seen.confidence)
    found = disparity(
        flags, np.full(len(flags), np.nan), group_of, axis.reference, clusters(seen), weights=weights, confidence=seen.confidence
    )
    return RateGap(
        {name: rate.renamed(estimand) for name, rate in found.mean_raw.items()},
        {name: gap.renamed(f"{estimand}_gap") for name, gap in found.raw.items()},
    )


def raw_gap(axis: Axis, found: Disparity, group: str) -> Estimate:
    """The judge's own gap of a group, undefined where the run has no item of it."""
    return found.raw[group] if group in found.raw else undefined("gap.raw", absent(axis, group))


def corrected_gap(seen: Seen, criterion: Criterion, axis: Axis, found: Disparity, group: str) -> Estimate:
    """The gap that humans would find; its method says why its labels cannot bear a claim, where they cannot."""
    if group not in found.corrected:
        return undefined("gap.corrected", absent(axis, group))
    gap = replace(found.corrected[group], n_raters=seen.columns.n_raters(criterion.id))
    return doubted(gap, doubt(seen, gap, found.weak[group]))


def absent(axis: Axis, group: str) -> str:
    """Why a gap is undefined of which one side is not there."""
    return f"no item that counts here is of {axis.axis}: {group}"


def by_the_judge(estimate: Estimate) -> Estimate:
    """The estimate, whose method says that nothing is corrected in it."""
    return replace(estimate, method=f"{estimate.method}; the judge's ratings as they are") if estimate.is_defined else estimate


def doubt(seen: Seen, corrected: Estimate, weak: str) -> str:
    """Why nothing may be claimed from a corrected estimate, whatever its interval; "" where something may."""
    if not corrected.is_defined:
        return corrected.method.removeprefix("undefined: ")
    if seen.labels not in RESTS_ON_LABELS:
        return f"the labels are {seen.labels}: no human gave them"
    return weak


def doubted(estimate: Estimate, why: str) -> Estimate:
    """The estimate with its doubt told in `method`."""
    return replace(estimate, method=f"{estimate.method}; bears no claim: {why}") if why and estimate.is_defined else estimate


def excludes_zero(estimate: Estimate) -> bool:
    """Whether its interval does; one that has none does not."""
    return estimate.low > 0 or estimate.high < 0


def tell(
    lens: str, what: str, estimate: Estimate, criterion: Criterion, axis: Axis, group: str, *, is_gap: bool = True
) -> Finding:
    """A finding of a group, or of its contrast with the reference."""
    contrast = {axis.axis: axis.reference} if is_gap else None
    return Finding(criterion.id, {axis.axis: group}, contrast, estimate.renamed(f"lens.{lens}.{what}"))


def not_of(lens: str, what: str, reasons: dict[str, str]) -> list[Finding]:
    """Why the lens says nothing of some criteria."""
    return [Finding(name, None, None, undefined(f"lens.{lens}.{what}", reason)) for name, reason in reasons.items()]


def said(
    criterion: Criterion, axis: Axis, group: str, what: str, raw: Estimate, corrected: Estimate, why_not: str
) -> Iterator[str]:
    """What may be said of one gap in words, if anything; `why_not` is its `doubt`."""
    about = f"{criterion.id}, {axis.axis}: the {what} of {group} minus that of {axis.reference}"
    if not why_not and excludes_zero(corrected):
        side = "above" if corrected.low > 0 else "below"
        yield (
            f"{about} lies {side} 0, corrected by the labels: {signed(corrected.value)} ({signed(corrected.low)} to "
            f"{signed(corrected.high)}, this contrast alone)."
        )
    elif excludes_zero(raw):
        side = "above" if raw.low > 0 else "below"
        reason = why_not or "its corrected interval holds 0"
        yield f"{about} lies {side} 0 by the judge alone, and corrected it is not shown to differ from 0: {reason}."
