"""How much of a gap between populations lies in the system, and how much did the judge make?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import lsq_linear

from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.plan_labels import Spread
from judgefair.statistics.ppi_mean import MIN_DIFFERING, SOURCE, combine, fitted, is_rare, mean_by_unit, powered, tuned, weighed
from judgefair.statistics.resample import Floats

MIN_LABELLED = 25
"""Below so many labelled scenarios of a population an interval of its corrected mean cannot be relied on (benchmarks/validity.py)."""
MIN_UNUSUAL = 5
"""So many labelled scenarios at least must differ from the most usual label: with fewer a mean is too skewed for a t interval."""


@dataclass(frozen=True, slots=True)
class Disparity:
    """Gaps of every population to the reference, population minus reference, in scale points.

    Attributes
    ----------
    raw, corrected, judge_made : by population: the judge's own gap, the gap humans would find, and their difference.
    mean_raw, mean_corrected : by population, the reference included.
    weak : by population, why the labels of it or of the reference cannot bear an interval of the corrected gap.
    linear : by population, the corrected gap with what each cluster moves it; `simultaneous` reads it.
    spread : by population, the reference included, what its corrected mean varies by; `plan_labels` reads it.
    n_labelled : by population, labelled items.
    """

    raw: Mapping[str, Estimate]
    corrected: Mapping[str, Estimate]
    judge_made: Mapping[str, Estimate]
    mean_raw: Mapping[str, Estimate]
    mean_corrected: Mapping[str, Estimate]
    weak: Mapping[str, str]
    linear: Mapping[str, ClusteredMean]
    spread: Mapping[str, Spread]
    n_labelled: Mapping[str, int]


def disparity(
    judge: Floats,
    human: Floats,
    populations: object,
    reference: str,
    clusters: object = None,
    lam: float | None = None,
    *,
    evaluated: object = None,
    strata: object = None,
    weights: object = None,
    inclusion: object = None,
    confidence: float = 0.95,
) -> Disparity:
    """Raw, corrected and judge-made gaps, each population with its own calibration.

    A population's corrected mean is mean(human) + lam * (mean(judge, evaluated) - mean(judge, labelled)) on its own items;
    nothing is pooled across populations, since a judge's error may differ between them. raw = corrected + judge_made
    exactly; with lam = 1 the judge-made gap is the gap of the judge's error on the labelled items.

    Parameters
    ----------
    judge, human : (n_items,), on the scale; human nan where unlabelled. Rows without the judge's rating are left out.
    populations : (n_items,) names; rows of no population carry None or "".
    reference : the population that gaps are taken against.
    clusters : (n_items,) scenario labels. Where populations share scenarios the gap is paired by scenario.
    lam : how far the judge is used, see `ppi_mean`. None tunes it for the smallest variance: for each mean on its own, and
        for each gap on both of its populations, which is the same where they share no scenarios.
    evaluated : (n_items,) true for items of the run; None means all. Labelled items from elsewhere are false: they tell
        the judge's error but not how the system answers, so that lam is then to be 1.
    strata : (n_items,) labels, such as merit: means are then averages over strata, weighted by the strata's share of all
        evaluated items, so that populations are compared at equal strata (direct standardisation).
    weights : (n_items,) of each row in every mean, at least 0, such as those that balance crossed axes; None is 1.
    inclusion : (n_items,) probability with which a row was drawn to be labelled; None is 1. Labelled rows count by its inverse
        (Hajek 1971), so that populations or arms may be labelled at different rates.

    Returns
    -------
    Disparity; estimands `gap.raw`, `gap.corrected`, `gap.judge_made`, `mean.raw`, `mean.corrected`. A population without
    labels is undefined in what is corrected; without an interval where fewer than two scenarios are labelled.

    Examples
    --------
    The judge adds 1 to everything about a. Humans see no gap; the judge made all of it.

    >>> judge, human = np.array([2.0, 3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0, 2.0])
    >>> gap = disparity(judge, human, ["a", "a", "b", "b"], "b", lam=1)
    >>> gap.raw["a"].value, gap.corrected["a"].value, gap.judge_made["a"].value
    (1.0, 0.0, 1.0)
    """
    rows = _Rows(judge, human, populations, clusters, evaluated, strata, weights, inclusion)
    names = [reference, *sorted(rows.names - {reference})]
    sides = {name: _Side(rows, name, lam) for name in names}
    tell = _Teller(rows, confidence, clusters is not None)
    raw, corrected, judge_made, linear, weak = {}, {}, {}, {}, {}
    for name in names[1:]:
        side, base = sides[name], sides[reference]
        seen = combine((1, side.evaluated), (-1, base.evaluated))
        mended, how = _gap(side, base, lam)
        linear[name] = mended
        weak[name] = "; ".join(f"{who}: {reason}" for who, reason in ((name, side.weak), (reference, base.weak)) if reason)
        problem = next((f"{who} {x.problem}" for who, x in ((name, side), (reference, base)) if x.problem), "")
        raw[name] = tell("gap.raw", seen, [side, base], "", next((f"{x.name} {x.unseen}" for x in (side, base) if x.unseen), ""))
        corrected[name] = tell("gap.corrected", mended, [side, base], how, problem)
        judge_made[name] = tell(
            "gap.judge_made", combine((1, seen), (-1, mended)), [side, base], f"raw minus corrected; {how}", problem
        )
    return Disparity(
        raw, corrected, judge_made,
        {name: tell("mean.raw", side.evaluated, [side], "", side.unseen) for name, side in sides.items()},
        {name: tell("mean.corrected", side.corrected, [side], side.how, side.problem) for name, side in sides.items()},
        weak, linear, _spreads(sides, reference), {name: side.n_labels for name, side in sides.items()},
    )  # fmt: skip


class _Rows:
    """The columns, and which rows say what."""

    def __init__(
        self,
        judge: Floats,
        human: Floats,
        populations: object,
        clusters: object,
        evaluated: object,
        strata: object,
        weights: object,
        inclusion: object,
    ) -> None:
        self.judge, self.human = np.asarray(judge, dtype=float), np.asarray(human, dtype=float)
        n = len(self.judge)
        self.population = np.array(
            ["" if x is None or x != x else str(x) for x in np.asarray(populations, dtype=object)], dtype=object
        )
        self.names = set(self.population) - {""}
        self.units = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
        self.n_units = int(self.units.max(initial=-1)) + 1
        judged = ~np.isnan(self.judge)
        inside = np.ones(n, dtype=bool) if evaluated is None else np.asarray(evaluated, dtype=bool)
        self.counts_for = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
        drawn = np.ones(n) if inclusion is None else np.asarray(inclusion, dtype=float)
        self.stands_for = self.counts_for / drawn
        counted = judged & (self.counts_for > 0)
        self.is_evaluated, self.is_labelled = counted & inside, counted & ~np.isnan(self.human)
        named = self.population != ""
        labels, codes = (
            (["all"], np.zeros(n, dtype=int))
            if strata is None
            else np.unique(np.asarray(strata).astype(str), return_inverse=True)
        )
        self.strata, self.stratum = list(labels), codes
        of_run = self.is_evaluated & named
        counts = np.bincount(codes[of_run], self.counts_for[of_run], minlength=len(self.strata)).astype(float)
        self.weight = counts / (counts.sum() or 1)


class _Side:
    """One population: what the judge says of the run, what humans say of the labelled items, and both together."""

    def __init__(self, rows: _Rows, name: str, lam: float | None) -> None:
        self.name = name
        mine = rows.population == name
        self.n_items, labelled, seen = (
            int((mine & (rows.is_evaluated | rows.is_labelled)).sum()),
            mine & rows.is_labelled,
            mine & rows.is_evaluated,
        )
        self.n_missing = int((mine & (rows.counts_for > 0)).sum()) - self.n_items
        self.human = _standardised(rows, rows.human, labelled, rows.stands_for)
        self.judge = _standardised(rows, rows.judge, labelled, rows.stands_for)
        self.evaluated = _standardised(rows, rows.judge, seen, rows.counts_for)
        self.shift = combine((1, self.evaluated), (-1, self.judge))
        self.unseen = _lacks(rows, seen, "has no item that the judge rated")
        self.problem = self.unseen or _lacks(rows, labelled, "has no item with both a judge's and a human's rating")
        self.units = rows.units[labelled]
        self.n_labelled = len(np.unique(self.units))
        self.is_rare = bool(labelled.any()) and is_rare(rows.human[labelled] - rows.judge[labelled], self.units)
        self.lam = lam if lam is not None else 0.0 if self.is_rare else tuned(self.human, self.shift)
        self.corrected = powered(self.human, self.shift, self.lam, lam is None)
        self.how = f"lam {self.lam:.3f}"
        self.n_labels = int(labelled.sum())
        self.n_evaluated = int(seen.sum())
        self.weak = _weakness(rows.human[labelled], self.units, self.n_labelled)
        if lam and self.is_rare and not self.weak:
            self.weak = (
                f"judge and humans differ on fewer than {MIN_DIFFERING} labelled scenarios, too few to tell the judge's error by"
            )


def _standardised(rows: _Rows, values: Floats, chosen: np.ndarray, weights: Floats) -> ClusteredMean:
    """Weighted mean over the chosen rows, each stratum with its weight."""
    parts = []
    for code, weight in enumerate(rows.weight):
        if weight > 0:
            within = chosen & (rows.stratum == code)
            parts.append((float(weight), mean_by_unit(values[within], rows.units[within], rows.n_units, weights[within])))
    if len(parts) == 1:
        return parts[0][1]
    if not parts:
        return mean_by_unit(values[:0], rows.units[:0], rows.n_units)
    mean = combine(*parts)
    fewest = int(mean.has_data.sum()) if mean.fewest > 1 else mean.fewest  # how one cluster of a stratum varies is not known
    return ClusteredMean(mean.value, mean.influence, mean.has_data, fewest)


def _spreads(sides: Mapping[str, _Side], reference: str) -> dict[str, Spread]:
    """What each population adds to the variance of its gap, for one label and by the judge's ratings of the run.

    Its share is the covariance of its mean with the gap, so that what populations share in a scenario cancels as it does in
    the gap. The reference adds a share to every gap, of which the largest is taken.
    """
    labelled = {name: weighed(side.human) - side.lam * weighed(side.judge) for name, side in sides.items()}
    judged = {name: side.lam * weighed(side.evaluated) for name, side in sides.items()}
    others = [name for name in sides if name != reference]

    def share(name: str, against: str, moved: Mapping[str, Floats]) -> float:
        """Of one population in the variance of its gap against another."""
        return max(float(moved[name] @ (moved[name] - moved[against])), 0.0)

    spreads = {}
    for name, side in sides.items():
        against = [reference] if name != reference else others
        label, judge = (max((share(name, other, moved) for other in against), default=0.0) for moved in (labelled, judged))
        is_known = side.n_labelled > 1 and not np.isnan(side.human.value)
        label_sd = float(np.sqrt(label * side.n_labels)) if is_known else np.nan
        spreads[name] = Spread(label_sd, float(np.sqrt(judge)), side.n_evaluated)
    return spreads


def _lacks(rows: _Rows, chosen: np.ndarray, problem: str) -> str:
    counts = np.bincount(rows.stratum[chosen], minlength=len(rows.strata))
    empty = [name for name, count, weight in zip(rows.strata, counts, rows.weight, strict=True) if count == 0 and weight > 0]
    if not chosen.any():
        return problem
    return f"{problem} in stratum {', '.join(empty)}" if empty else ""


def _weakness(human: Floats, units: np.ndarray, n_labelled: int) -> str:
    """Why these labels cannot bear an interval, or nothing."""
    if n_labelled < MIN_LABELLED:
        return f"{n_labelled:,} labelled scenarios, and an interval needs {MIN_LABELLED}"
    values, counts = np.unique(human, return_counts=True)
    unusual = len(np.unique(units[human != values[counts.argmax()]]))
    if unusual < MIN_UNUSUAL:
        return f"only {unusual:,} labelled scenarios differ from the label {values[counts.argmax()]:g}, and an interval needs {MIN_UNUSUAL}"
    return ""


def _gap(side: _Side, base: _Side, lam: float | None) -> tuple[ClusteredMean, str]:
    """The corrected gap: lam of both populations chosen together, since what they share cancels in it."""
    human = combine((1, side.human), (-1, base.human))
    if lam is not None:
        of_side = of_base = lam
    else:
        of_side, of_base = _tuned_together(human, side, base)
    gap = combine((1, human), (of_side, side.shift), (-of_base, base.shift))
    if lam is None and max(of_side, of_base) > 0:
        are_paired = bool((side.human.has_data & base.human.has_data).any())
        gap = fitted(gap, 2 if are_paired else 1)
    return gap, f"lam {of_side:.3f} and {of_base:.3f}"


def _tuned_together(human: ClusteredMean, side: _Side, base: _Side) -> tuple[float, float]:
    free = [x for x in (side, base) if not x.is_rare and float(x.shift.influence @ x.shift.influence) > 1e-18]
    lams = {side.name: 0.0, base.name: 0.0}
    if free and not np.isnan(human.value):
        moved = human.has_data | np.logical_or.reduce([x.shift.has_data for x in free])
        sign = {side.name: -1.0, base.name: 1.0}
        design = np.column_stack([sign[x.name] * weighed(x.shift)[moved] for x in free])
        scale = np.sqrt((design**2).sum(0))
        found = lsq_linear(design / scale, weighed(human)[moved], bounds=(np.zeros(len(free)), scale), method="bvls").x / scale
        lams |= {x.name: float(np.clip(value, 0, 1)) for x, value in zip(free, found, strict=True)}
    return lams[side.name], lams[base.name]


class _Teller:
    """Writes estimates."""

    def __init__(self, rows: _Rows, confidence: float, has_clusters: bool) -> None:
        self._rows, self._confidence, self._unit = rows, confidence, "scenarios" if has_clusters else "items"

    def __call__(self, estimand: str, mean: ClusteredMean, sides: list[_Side], how: str, problem: str) -> Estimate:
        known: dict[str, Any] = {
            "n_items": sum(side.n_items for side in sides), "n_clusters": int(mean.has_data.sum()),
            "n_missing": sum(side.n_missing for side in sides), "level": self._confidence, "source": SOURCE,
        }  # fmt: skip
        if problem or np.isnan(mean.value):
            return undefined(estimand, problem or "nothing was rated", **known)
        low, high, se, p_value, trouble = mean.interval(self._confidence)
        labelled = ", ".join(f"{side.n_labelled:,} of {side.name}" for side in sides)
        rests = f"t interval over {known['n_clusters']:,} {self._unit}" + (f", labelled {labelled}" if how else "")
        what = "prediction-powered, each population with its own calibration" if how else "the judge's ratings as they are"
        method = "; ".join(filter(None, [what, how, rests, "raters fixed", trouble]))
        return Estimate(
            estimand, mean.value, low, high, se=se, p_value=p_value if estimand.startswith("gap") else None, method=method, **known
        )  # fmt: skip
