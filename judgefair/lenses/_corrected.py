"""What would humans' ratings give for a ratio or a slope, which is no plain mean, when they labelled a few items?

With T any statistic that clusters move linearly, T(human) + lam * (T(judge, evaluated) - T(judge, labelled)), all of it on one
population's own items.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgefair.lenses._look import Seen
from judgefair.lenses._rated import doubt, doubted, given_lam
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.clustered import SOURCE as INTERVAL
from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.disparity import MIN_LABELLED, MIN_UNUSUAL
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import MIN_DIFFERING, combine, is_rare, powered, tuned
from judgefair.statistics.resample import Floats

SOURCE = (
    "estimate on labelled items moved by what the judge says of the others: Chen and Chen 2000; Kluger, Lu, Zrnic, Wang and Bates "
    f"2025 (predict-then-debias); {INTERVAL}"
)
Rows = NDArray[np.bool_]
Statistic = Callable[[Floats, Rows, Floats], ClusteredMean]
"""Of ratings (n,) over some rows (n,), which count by weights (n,)."""


@dataclass(frozen=True, slots=True)
class Side:
    """A statistic of one population.

    Attributes
    ----------
    raw, corrected : by the judge alone, and as humans would have it.
    how : the judge's part in it.
    weak : why the labels cannot bear an interval, or "".
    problem : why there is no corrected value at all, or "".
    """

    name: str
    raw: ClusteredMean
    corrected: ClusteredMean
    how: str
    weak: str
    problem: str
    n_items: int
    n_missing: int


def sides(
    seen: Seen, axis: Axis, judge: Floats, human: Floats, statistic: Statistic, rows: Rows | None = None
) -> dict[str, Side]:
    """By group of the axis, over all rows or some."""
    columns, group_of = seen.columns, seen.groups(axis)
    weights = columns.weights(axis.axis)
    counts = np.ones(len(judge)) if weights is None else weights
    concerned = (counts > 0) & (True if rows is None else rows)
    found = {}
    for group in axis.groups:
        mine = concerned & (group_of == group) & ~np.isnan(judge)
        evaluated, labelled = mine & columns.is_run, mine & ~np.isnan(human)
        raw = statistic(judge, evaluated, counts)
        of_humans, of_judge = (statistic(rated, labelled, counts / columns.inclusion) for rated in (human, judge))
        found[group] = _side(
            seen,
            group,
            raw,
            of_humans,
            of_judge,
            (human - judge)[labelled],
            columns.units[labelled],
            (int(evaluated.sum()), int((concerned & (group_of == group) & columns.is_run & np.isnan(judge)).sum())),
        )
    return found


def raw(seen: Seen, estimand: str, mean: ClusteredMean, of: list[Side], what: str) -> Estimate:
    """An estimate by the judge's ratings as they are."""
    absent = next((f"{side.name} has nothing to tell it by" for side in of if np.isnan(side.raw.value)), "")
    return _write(seen, estimand, mean, of, f"{what}; the judge's ratings as they are", absent, INTERVAL)


def corrected(
    seen: Seen, criterion: Criterion, estimand: str, mean: ClusteredMean, of: list[Side], what: str
) -> tuple[Estimate, str]:
    """An estimate as humans would have it, and why nothing may be claimed from it, or ""."""
    how = f"{what}; corrected by the labels of each population, {' and '.join(side.how for side in of)}"
    found = _write(seen, estimand, mean, of, how, next((f"{x.name} {x.problem}" for x in of if x.problem), ""), SOURCE)
    found = replace(found, n_raters=seen.columns.n_raters(criterion.id))
    why = doubt(seen, found, "; ".join(f"{x.name}: {x.weak}" for x in of if x.weak))
    return doubted(found, why), why


def _side(
    seen: Seen,
    name: str,
    of_run: ClusteredMean,
    of_humans: ClusteredMean,
    of_judge: ClusteredMean,
    difference: Floats,
    units: np.ndarray,
    counted: tuple[int, int],
) -> Side:
    lam, problem, n_labelled = given_lam(seen), "", len(difference)
    is_given = lam is not None
    rare = n_labelled > 0 and is_rare(difference, units)
    shift = combine((1, of_run), (-1, of_judge))
    if np.isnan(of_humans.value):
        problem = "has no labels to tell it by" if n_labelled else "has no item with both a judge's and a human's rating"
    elif np.isnan(of_run.value) or (is_given and np.isnan(shift.value)):
        problem = "has nothing to tell it by in the judge's ratings"
    if lam is None:
        lam = 0.0 if rare or np.isnan(shift.value) else tuned(of_humans, shift)
    mean = of_humans if lam == 0 else powered(of_humans, shift, lam, not is_given)
    weak = _weakness(of_humans)
    if is_given and rare and not weak:
        weak = f"judge and humans differ on fewer than {MIN_DIFFERING} labelled scenarios, too few to tell the judge's error by"
    return Side(name, of_run, mean, f"lam {lam:.3f} of {name}", weak, problem, *counted)


def _weakness(mean: ClusteredMean) -> str:
    """Why these labels cannot bear an interval, or nothing."""
    n_labelled = int(mean.has_data.sum())
    if n_labelled < MIN_LABELLED:
        return f"{n_labelled:,} labelled scenarios, and an interval needs {MIN_LABELLED}"
    _, counts = np.unique(mean.influence[mean.has_data].round(12), return_counts=True)
    unusual = n_labelled - int(counts.max())
    return (
        f"only {unusual:,} labelled scenarios differ from the others, and an interval needs {MIN_UNUSUAL}"
        if unusual < MIN_UNUSUAL
        else ""
    )


def _write(seen: Seen, estimand: str, mean: ClusteredMean, of: list[Side], what: str, problem: str, source: str) -> Estimate:
    known: dict[str, Any] = {
        "n_items": sum(side.n_items for side in of), "n_missing": sum(side.n_missing for side in of),
        "n_clusters": int(mean.has_data.sum()), "level": seen.confidence, "source": source,
    }  # fmt: skip
    if problem or np.isnan(mean.value):
        return undefined(estimand, problem or "nothing was rated", **known)
    low, high, se, p_value, trouble = mean.interval(seen.confidence)
    unit = "scenarios" if seen.columns.has_scenarios else "items"
    method = "; ".join(filter(None, [what, f"t interval over {known['n_clusters']:,} {unit}", trouble]))
    return Estimate(estimand, mean.value, low, high, se=se, p_value=p_value if len(of) > 1 else None, method=method, **known)
