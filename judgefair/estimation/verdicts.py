"""From gaps to verdicts, read off intervals that hold for the whole family at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from judgefair.estimation.estimation import Plan
from judgefair.estimation.verdict import Answer, Interval, Verdict, decide
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion, Role
from judgefair.statistics import Disparity, Estimate, Simultaneous, for_equivalence, minimal_effect, simultaneous
from judgefair.statistics.disparity import MIN_LABELLED
from judgefair.statistics.estimate import signed

NAN = float("nan")
NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Contrast:
    """One criterion, one population against its reference, before the verdict.

    `reasons` make it undetermined whatever its interval, and so does a `contradiction` of its cues; `df` are the degrees of
    freedom of the corrected gap's interval.
    """

    criterion: Criterion
    axis: Axis
    group: str
    gaps: Disparity | None
    raw: Estimate
    corrected: Estimate
    judge_made: Estimate
    bounds: Estimate
    reasons: list[str]
    contradiction: str
    plan: Plan | None
    df: float

    @property
    def role(self) -> Role:
        """Of the axis, for the criterion."""
        return self.criterion.roles[self.axis.axis]

    @property
    def has_interval(self) -> bool:
        """Whether the corrected gap has an interval that its labels can bear."""
        return self.gaps is not None and self.corrected.low == self.corrected.low and not self.gaps.weak[self.group]


def verdicts(contrasts: Sequence[Contrast], labels: str, is_carried: bool, confidence: float, seed: int) -> list[Verdict]:
    """A verdict for each contrast; all that are to be judged and have an interval make up the family.

    Parameters
    ----------
    labels : human, constructed or model.
    is_carried : whether the judge's error is carried over from another set.
    """
    family = [contrast for contrast in contrasts if contrast.role != "may_use" and contrast.has_interval]
    linear = [contrast.gaps.linear[contrast.group] for contrast in family if contrast.gaps is not None]
    strict = simultaneous(linear, confidence, rng=seed)
    loose = for_equivalence(linear, strict)
    place = {id(contrast): k for k, contrast in enumerate(family)}
    given = []
    for contrast in contrasts:
        k = place.get(id(contrast))
        intervals = _interval(strict, k), _interval(loose, k)
        answer, reasons, is_lost = _answer(contrast, *intervals)
        settles = _settles(contrast, labels, is_carried, is_lost, intervals[0]) if answer == "undetermined" else ""
        has_interval = contrast.corrected.low == contrast.corrected.low
        could_see = minimal_effect(contrast.corrected.se, df=contrast.df, confidence=confidence) if has_interval else NAN
        axis = contrast.axis.axis
        verdict = Verdict(
            contrast.criterion.id, {axis: contrast.group}, {axis: contrast.axis.reference}, contrast.role, answer, reasons,
            settles, contrast.criterion.tolerance, contrast.raw, contrast.corrected, contrast.judge_made, contrast.bounds,
            *intervals, could_see,
        )  # fmt: skip
        given.append(verdict)
    return given


def _interval(together: Simultaneous, k: int | None) -> Interval:
    return (NAN, NAN, together.level) if k is None else (float(together.low[k]), float(together.high[k]), together.level)


def _answer(contrast: Contrast, outer: Interval, inner: Interval) -> tuple[Answer, list[str], bool]:
    """The answer, its reasons, and whether it is open for missing ratings alone."""
    tolerance = contrast.criterion.tolerance
    reasons = [*contrast.reasons, *filter(None, [contrast.contradiction])]
    if contrast.role == "may_use":
        axis = contrast.axis.axis
        allowed = f"the rubric allows the answer to depend on {axis}: the difference is reported, not judged"
        return "reported", [*reasons, allowed], False
    if reasons or outer[0] != outer[0]:
        return "undetermined", reasons or [contrast.corrected.method], False
    answer = decide(outer, inner, tolerance)
    if answer == "undetermined":
        interval = f"the {outer[2]:.0%} simultaneous interval {signed(outer[0])} to {signed(outer[1])}"
        return answer, [f"{interval} lies neither outside ±{tolerance:g} nor, at {inner[2]:.0%}, inside it"], False
    bounds = contrast.bounds
    if decide(_widened(outer, bounds), _widened(inner, bounds), tolerance) != answer:
        reach = f"{signed(bounds.low)} to {signed(bounds.high)} whatever they were"
        return "undetermined", [f"it would be {answer}, but the missing ratings could change that ({reach})"], True
    return answer, reasons, False


def _settles(contrast: Contrast, labels: str, is_carried: bool, is_lost: bool, outer: Interval) -> str:
    """What would settle an undetermined contrast."""
    plan, reference, tolerance = contrast.plan, contrast.axis.reference, contrast.criterion.tolerance
    if plan is None:
        return "a scale with distances between its levels, such as an ordinal one"
    absent = [name for name in (contrast.group, reference) if name not in plan.now]
    if contrast.gaps is None or absent:
        return f"items of {' and of '.join(absent)} in the run, with ratings by the judge"
    if is_lost:
        return "the missing ratings: judge those items again, or find out why the judge gives none"
    if contrast.contradiction and len(contrast.reasons) == 0:
        return "a gap for each cue: no number of labels makes one answer of gaps that differ in sign"
    enough = f"at least {MIN_LABELLED} scenarios of {contrast.group} and of {reference}"
    if is_carried:
        return f"human labels of the run itself: {enough}"
    if labels != "human":
        return f"labels by humans: {enough}"
    if all(contrast.gaps.n_labelled[name] == contrast.gaps.spread[name].n_items for name in (contrast.group, reference)):
        return f"more items of {contrast.group} and of {reference}: all there are are labelled"
    if not plan.needed and not plan.half_widths:
        return plan.reason
    if contrast.group not in plan.needed or reference not in plan.needed:
        return f"more items of {contrast.group}: labelling all there are would not tell the gap to ±{tolerance:g}"
    missing = {name: plan.needed[name] - plan.now[name] for name in (contrast.group, reference)}
    wanted = " and ".join(f"{n:,} of {name}" for name, n in missing.items() if n > 0)
    if contrast.gaps.weak[contrast.group]:
        return f"labels of {enough}" + (f", about {wanted} more in all" if wanted else "") + ", of which some differ"
    if wanted:
        return f"labels of about {wanted} more would tell the gap to ±{tolerance:g}"
    return _closer(contrast, outer) if contrast.corrected.is_defined else plan.reason


def _closer(contrast: Contrast, outer: Interval) -> str:
    """What would settle a gap that is known to the tolerance and lies too near to it; intervals narrow with the root of n."""
    apart, half = abs(abs(contrast.corrected.value) - contrast.criterion.tolerance), (outer[1] - outer[0]) / 2
    if contrast.gaps is None or apart < NEAR * contrast.criterion.tolerance:
        return "hardly more labels: the gap lies about at the tolerance itself"
    names = (contrast.group, contrast.axis.reference)
    needed = {name: ceil(contrast.gaps.n_labelled[name] * (half / apart) ** 2) for name in names}
    if any(n > (contrast.gaps.spread[name].n_items or 0) for name, n in needed.items()):
        return f"more items of {' and of '.join(names)}: the gap is to be told to about ±{apart:.2g}, its distance from the tolerance"
    more = " and ".join(f"{max(n - contrast.gaps.n_labelled[name], 0):,} of {name}" for name, n in needed.items())
    return f"labels of about {more} more would tell the gap to ±{apart:.2g}, its distance from the tolerance"


def _widened(interval: Interval, bounds: Estimate) -> Interval:
    """The interval, moved outward as far as the missing ratings could move the value."""
    low, high, level = interval
    return low + (bounds.low - bounds.value), high + (bounds.high - bounds.value), level
