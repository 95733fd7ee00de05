"""Which population is served worst, and by how much less than the reference? (Maximin.)"""

from dataclasses import replace

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import absent, by_the_judge, compared, doubt, doubted, gaps, not_of, others, ratings, tell
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.disparity import Disparity
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.worst_population import WorstPopulation, worst_of

NAME = "worst_off"
FRAMEWORK = "Maximin: what counts is how well the population is served that is served worst."
SOURCE = (
    "Rawls 1971, A Theory of Justice; worst groups: Hashimoto, Srivastava, Namkoong and Liang 2018, Fairness Without Demographics in "
    "Repeated Loss Minimization"
)
CAN = (
    "Which of the declared populations of an axis is served worst on each criterion, and how much worse than the reference, granted that "
    "one looked at all of them."
)
CANNOT = (
    "It says nothing of who is not declared, of intersections, or of the worst served person of a population; nor whether another system "
    "would serve the worst-off better, for which that system would have to be judged on the same items."
)


def look(seen: Seen) -> Look:
    """The worst gap of every criterion and axis, raw and corrected, and every gap with its simultaneous interval."""
    axes = compared(seen)
    reasons = {criterion.id: why for criterion in seen.rubric.criteria if (why := _without_direction(criterion))}
    if len(reasons) == len(seen.rubric.criteria):
        told = "; ".join(f"{name} {why}" for name, why in reasons.items())
        raise DoesNotExtend(f"{told}. It would need a criterion of which more, or less, is better")
    findings, says = not_of(NAME, "worst", reasons), list[str]()
    for criterion in seen.rubric.criteria:
        if criterion.id not in reasons:
            for axis in axes:
                _tell(seen, criterion, axis, findings, says)
    return Look(findings, says)


def _without_direction(criterion: Criterion) -> str:
    if not criterion.scale.has_points:
        return "has a nominal scale, on which no population can be worse off"
    return (
        "says that neither more nor less is better, so that no population can be worse off" if criterion.better == "none" else ""
    )


def _tell(seen: Seen, criterion: Criterion, axis: Axis, findings: list[Finding], says: list[str]) -> None:
    judge, human = ratings(seen, criterion)
    found = gaps(seen, axis, judge, human)
    weak = {group: found.weak.get(group, absent(axis, group)) for group in others(axis)}
    mended = _worst(seen, criterion, axis, _only(found, [group for group in found.corrected if not weak.get(group)]))
    # By the judge alone: as if its ratings of the run were the labels.
    of_run = np.where(seen.columns.is_run, judge, np.nan)
    by_judge = _worst(seen, criterion, axis, gaps(seen, axis, of_run, of_run))
    n_raters = seen.columns.n_raters(criterion.id)
    left_out = "; ".join(dict.fromkeys(f"{group} ({why})" for group, why in weak.items() if why))
    worst = replace(mended.worst, n_raters=n_raters)
    if mended.population is None and left_out:
        worst = undefined("worst", f"no corrected gap can bear an interval: {left_out}", level=seen.confidence)
    elif left_out:
        worst = replace(worst, method=f"{worst.method}; left out, since their labels cannot bear an interval: {left_out}")
    why_not = doubt(seen, worst, "")
    worst = doubted(worst, why_not)
    contrast = {axis.axis: axis.reference}
    for what, population, estimate in (
        ("worst", mended.population, worst),
        ("worst.raw", by_judge.population, _of_judge(by_judge.worst)),
    ):
        about = None if population is None else {axis.axis: population}
        findings.append(Finding(criterion.id, about, contrast, estimate.renamed(f"lens.{NAME}.{what}")))
    for what, estimate in (("spread", mended.spread), ("spread.raw", _of_judge(by_judge.spread))):
        findings.append(Finding(criterion.id, None, {axis.axis: "any"}, estimate.renamed(f"lens.{NAME}.{what}")))
    for group in others(axis):
        gap = undefined("gap", weak[group]) if weak[group] else replace(mended.gaps[group], n_raters=n_raters)
        findings.append(tell(NAME, "gap", doubted(gap, why_not), criterion, axis, group))
    says += _says(criterion, axis, mended.population, worst, why_not)


def _worst(seen: Seen, criterion: Criterion, axis: Axis, found: Disparity) -> WorstPopulation:
    return worst_of(found, axis.reference, better=criterion.better, confidence=seen.confidence, rng=seen.seed)


def _only(found: Disparity, groups: list[str]) -> Disparity:
    """The gaps of some groups."""
    return replace(
        found,
        corrected={group: found.corrected[group] for group in groups},
        linear={group: found.linear[group] for group in groups},
    )


def _of_judge(estimate: Estimate) -> Estimate:
    return by_the_judge(replace(estimate, method=estimate.method.replace("corrected ", "")))


def _says(criterion: Criterion, axis: Axis, population: str | None, worst: Estimate, why_not: str) -> list[str]:
    about = f"{criterion.id}, {axis.axis}"
    if why_not or population is None:
        return [f"{about}: who is worst off is not shown: {why_not}."]
    if worst.low > 0:
        by = f"{signed(worst.value)} ({signed(worst.low)} to {signed(worst.high)}, granted that all were looked at)"
        return [f"{about}: {population} is served worst of the populations compared, and worse than {axis.reference}: by {by}."]
    return [f"{about}: no population is shown to be served worse than {axis.reference}."]
