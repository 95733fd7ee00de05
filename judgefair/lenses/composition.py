"""Is the whole as fair as its parts? Fair parts do not make a fair whole."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, corrected_gap, doubt, gaps, others, ratings, raw_gap, tell
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.rubric import Composition
from judgefair.statistics.disparity import Disparity
from judgefair.statistics.equivalence import SOURCE as TOST
from judgefair.statistics.equivalence import tost
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.resample import Floats

NAME = "composition"
FRAMEWORK = "Composition: a system may be fair in each of its parts and unfair as a whole, and the other way round."
SOURCE = "Dwork and Ilvento 2019, Fairness Under Composition; equivalence: Schuirmann 1987"
CAN = (
    "For criteria that the rubric says sum up others: whether the gap of the whole, and the gap of each part, lies within its own "
    "tolerance, and how far the whole's gap exceeds the mean of its parts'."
)
CANNOT = (
    "It says nothing of parts that no criterion rates, of components of the system that are not rated on their own, or of other uses into "
    "which the same parts may be put together."
)


def look(seen: Seen) -> Look:
    """Gaps of every whole and its parts, each against its own tolerance, and the excess of the whole's."""
    axes = compared(seen)
    if not seen.rubric.composition:
        raise DoesNotExtend(
            "the rubric declares no criterion that sums up others. It would need `composition`: a list of {whole, parts}"
        )
    findings, says, told = list[Finding](), list[str](), set[tuple[str, str, str]]()
    for composed in seen.rubric.composition:
        for axis in axes:
            found = {name: _Gaps(seen, seen.rubric.criterion(name), axis) for name in (composed.whole, *composed.parts)}
            excess = _Excess(seen, composed, axis)
            for group in others(axis):
                for name, of in found.items():
                    what = "whole" if name == composed.whole else "part"
                    if (what, name, group) not in told:
                        told.add((what, name, group))
                        findings += of.tell(what, group)
                findings += excess.tell(group)
                says.append(_says(composed, axis, group, found, 1 - seen.confidence))
    return Look(findings, says)


class _Gaps:
    """Gaps of one criterion, held against its tolerance."""

    def __init__(self, seen: Seen, criterion: Criterion, axis: Axis) -> None:
        self._seen, self._criterion, self._axis = seen, criterion, axis
        self._gaps: Disparity | None = gaps(seen, axis, *ratings(seen, criterion)) if criterion.scale.has_points else None

    def tell(self, what: str, group: str) -> Iterator[Finding]:
        """The gap of a group by the labels with the test of equivalence, and by the judge."""
        raw = (
            undefined(what, "a nominal scale has no distances") if self._gaps is None else raw_gap(self._axis, self._gaps, group)
        )
        for name, estimate in ((what, self.tested(group)), (f"{what}.raw", raw)):
            yield tell(NAME, name, estimate, self._criterion, self._axis, group)

    def tested(self, group: str) -> Estimate:
        """The corrected gap; its interval has level 2 confidence - 1, and its p-value is that of two one-sided tests."""
        if self._gaps is None:
            return undefined("gap.corrected", "a nominal scale has no distances")
        gap = corrected_gap(self._seen, self._criterion, self._axis, self._gaps, group)
        if not gap.is_defined:
            return gap
        mean, level, delta = self._gaps.linear[group], round(2 * self._seen.confidence - 1, 12), self._criterion.tolerance
        low, high, *_ = mean.interval(level)
        p_value = tost(mean, delta)
        method = f"two one-sided t tests against +-{delta:g}, the larger p-value, {level:.0%} interval; {gap.method}"
        return replace(
            gap, low=low, high=high, level=level, p_value=None if np.isnan(p_value) else p_value, method=method, source=f"{TOST}; {gap.source}"
        )  # fmt: skip

    def is_equivalent(self, group: str, alpha: float) -> bool:
        """Whether the gap is shown to lie within the tolerance."""
        tested = self.tested(group)
        weak = "" if self._gaps is None else self._gaps.weak.get(group, "")
        return not doubt(self._seen, tested, weak) and tested.p_value is not None and tested.p_value < alpha


class _Excess:
    """The gap of the whole minus the mean of its parts' gaps, over items that are rated on all of them."""

    def __init__(self, seen: Seen, composed: Composition, axis: Axis) -> None:
        self._seen, self._axis = seen, axis
        self._whole, *parts = (seen.rubric.criterion(name) for name in (composed.whole, *composed.parts))
        self._reason, self._gaps = _apart(self._whole, parts), None
        if not self._reason:
            of_whole, of_parts = ratings(seen, self._whole), [ratings(seen, part) for part in parts]
            judge, human = (_beyond(of_whole[kind], [each[kind] for each in of_parts]) for kind in (0, 1))
            self._gaps = gaps(seen, axis, judge, human)

    def tell(self, group: str) -> Iterator[Finding]:
        """The excess of a group, by the labels and by the judge."""
        if self._gaps is None:
            raw = mended = undefined("excess", self._reason)
        else:
            raw = raw_gap(self._axis, self._gaps, group)
            mended = corrected_gap(self._seen, self._whole, self._axis, self._gaps, group)
        for name, estimate in (("excess", mended), ("excess.raw", raw)):
            yield tell(NAME, name, estimate, self._whole, self._axis, group)


def _apart(whole: Criterion, parts: list[Criterion]) -> str:
    """Why gaps of whole and parts cannot be set against each other; "" where they can."""
    spans = {criterion.id: criterion.scale.span for criterion in (whole, *parts)}
    if len(set(spans.values())) > 1 or not whole.scale.has_points:
        listed = ", ".join(f"{name} {'none' if np.isnan(span) else f'{span:g}'}" for name, span in spans.items())
        return f"the scales do not span the same number of points ({listed})"
    if len({criterion.better for criterion in (whole, *parts)}) > 1:
        listed = ", ".join(f"{criterion.id} {criterion.better}" for criterion in (whole, *parts))
        return f"better is not the same direction on all of them ({listed})"
    return ""


def _beyond(whole: Floats, parts: list[Floats]) -> Floats:
    difference: Floats = whole - np.mean(parts, axis=0)
    return difference


def _says(composed: Composition, axis: Axis, group: str, found: dict[str, _Gaps], alpha: float) -> str:
    about = f"{axis.axis}, {group} against {axis.reference}"
    parts, whole = ", ".join(composed.parts), composed.whole
    is_whole = found[whole].is_equivalent(group, alpha)
    lacking = [name for name in composed.parts if not found[name].is_equivalent(group, alpha)]
    if not lacking and is_whole:
        return f"{about}: all parts ({parts}) are equivalent within their tolerances, and so is the whole ({whole})."
    if not lacking:
        gap = found[whole].tested(group)
        seen = f": {signed(gap.value)} ({signed(gap.low)} to {signed(gap.high)})" if gap.is_defined else ""
        return f"{about}: all parts ({parts}) are equivalent within their tolerances, and the whole ({whole}) is not shown to be{seen}."
    listed = ", ".join(lacking)
    if is_whole:
        return f"{about}: the whole ({whole}) is equivalent within its tolerance, and of its parts {listed} not shown to be."
    return f"{about}: neither the whole ({whole}) nor all of its parts are shown to be equivalent (not shown: {listed})."
