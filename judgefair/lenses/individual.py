"""Are requests that are alike rated alike, under the distance that the rubric declares?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, excludes_zero, not_of, others
from judgefair.lenses._texts import read_texts, sampled_rows
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.runs.arms import reference_arms
from judgefair.simulate.gates.words import numbers, words
from judgefair.statistics.estimate import signed
from judgefair.statistics.finding import Finding
from judgefair.statistics.lipschitz import Lipschitz, lipschitz
from judgefair.statistics.resample import Floats

NAME = "individual"
FRAMEWORK = "Individual fairness: those who are alike are treated alike, by whatever measure of likeness is declared."
SOURCE = "Dwork, Hardt, Pitassi, Reingold and Zemel 2012, Fairness Through Awareness, definition 2.1"
CAN = (
    "Under the distance that the rubric declares: whether answers to a population's requests are rated further apart from the reference's "
    "than their distance allows, more often than answers to requests that mean the same in other words."
)
CANNOT = (
    "It is no better than the distance: words that differ are no measure of what people deserve, and merit is what the rubric's authors "
    "wrote; the bound is taken from placebos and not from what stakeholders would accept; and only pairs of these requests are seen."
)
QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Two rows each, their distance (nan where it is not known), and what is resampled: (n_pairs,) each; and how they were made.

    `group_of` is the group that the first row shows, "" where it is a placebo.
    """

    rows: np.ndarray
    against: np.ndarray
    distance: Floats
    clusters: np.ndarray
    group_of: np.ndarray
    how: str

    def ratios(self, rating: Floats) -> Floats:
        """Scale points per unit of distance; nan where a rating is missing or the two are not apart."""
        apart = np.where(self.distance > 0, self.distance, np.nan)
        found: Floats = np.abs(rating[self.rows] - rating[self.against]) / apart
        return found


def look(seen: Seen) -> Look:
    """By criterion: `lipschitz_placebo`, and for each group `violations` and `violations_excess`."""
    distance = seen.rubric.context.distance
    if distance is None:
        raise DoesNotExtend(
            "the rubric declares no distance between requests, and without one nothing says who is alike. It would need "
            "`distance: words` or `distance: merit` in its context, agreed on with stakeholders"
        )
    if not seen.facts.meta["placebo"].is_there.any():
        raise DoesNotExtend(
            "no item is a placebo arm, so that nothing tells how far ratings of requests move that mean the same. It would need queries made "
            "by judgefair simulate with placebos"
        )
    reasons = {c.id: "a nominal scale has no distances" for c in seen.rubric.criteria if not c.scale.has_points}
    if len(reasons) == len(seen.rubric.criteria):
        raise DoesNotExtend(
            "every criterion has a nominal scale without distances. It would need a scale whose levels have an order"
        )
    axes = compared(seen)
    pairs = _by_words(seen, axes) if distance == "words" else _by_merit(seen, axes)
    findings, says, n_compared = not_of(NAME, "violations_excess", reasons), list[str](), 0
    for criterion in seen.rubric.criteria:
        if criterion.id in reasons:
            continue
        rating = seen.columns.ratings(criterion.id, "judge")
        for axis in axes:
            reference = {axis.axis: axis.reference}
            for group in others(axis):
                found = _held(seen, rating, pairs[axis.axis], group)
                if group == others(axis)[0]:
                    findings.append(Finding(criterion.id, reference, None, found.bound))
                findings += [
                    Finding(criterion.id, {axis.axis: group}, reference, each) for each in (found.violations, found.excess)
                ]
                n_compared += found.excess.is_defined
                says += _said(criterion, axis, group, found)
    if n_compared and not says:
        says.append(
            f"In none of {n_compared:,} contrasts, each by itself, are more pairs beyond the bound than of the placebo shown."
        )
    return Look(findings, says)


def _by_words(seen: Seen, axes: list[Axis]) -> dict[str, _Pairs]:
    """Each arm and placebo with the reference arm that it is compared with; texts of whole scenarios are read."""
    n, units = len(seen.facts), seen.columns.units
    whole, is_placebo = seen.columns.is_whole[:n], seen.facts.meta["placebo"].is_there
    bases, rows, n_all = {}, {}, {}
    for axis in axes:
        group_of = seen.groups(axis)[:n]
        base = bases[axis.axis] = reference_arms(seen.facts, group_of, axis, whole)
        every = np.flatnonzero(whole & (is_placebo | (group_of != "")) & (base >= 0))
        rows[axis.axis], n_all[axis.axis] = sampled_rows(every, units, seen.seed), len(every)
    said = {
        row: frozenset(words(text)) | numbers(text)
        for row, text in read_texts(seen, rows.values(), lambda item: item.query).items()
    }
    found = {}
    for axis in axes:
        group_of, mine = seen.groups(axis), rows[axis.axis]
        first = mine[is_placebo[mine] | (group_of[mine] != axis.reference)]
        against = bases[axis.axis][first]
        apart = [_apart(said.get(one), said.get(other)) for one, other in zip(first.tolist(), against.tolist(), strict=True)]
        how = "arms of one scenario, distance: the share of their words that only one of them has (Jaccard)"
        how += _drawn(len(mine), n_all[axis.axis])
        found[axis.axis] = _Pairs(first, against, np.array(apart, dtype=float), units[first], group_of[first], how)
    return found


def _apart(one: frozenset[str] | None, other: frozenset[str] | None) -> float:
    return np.nan if not one or not other else len(one ^ other) / len(one | other)


def _by_merit(seen: Seen, axes: list[Axis]) -> dict[str, _Pairs]:
    """Each arm and placebo of a scenario with the reference arm of another scenario, the two matched at random."""
    merit = np.array([_number(text) for text in seen.columns.merit], dtype=float)
    if np.isnan(merit[: len(seen.facts)]).all():
        raise DoesNotExtend(
            "the rubric declares the distance merit, and no item's merit is a number. It would need `merit` in scenarios of the rubric, or in "
            "`meta` of the items"
        )
    return {axis.axis: _matched(seen, axis, merit) for axis in axes}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _matched(seen: Seen, axis: Axis, merit: Floats) -> _Pairs:
    n, units, facts = len(seen.facts), seen.columns.units, seen.facts
    whole, group_of, is_placebo = seen.columns.is_whole[:n], seen.groups(axis)[:n], facts.meta["placebo"].is_there
    base = reference_arms(facts, group_of, axis, whole)
    every = np.flatnonzero(whole & (is_placebo | (group_of != "")) & (base >= 0) & ~np.isnan(merit[:n]))
    rows = sampled_rows(every, units, seen.seed)
    names = np.random.default_rng(seen.seed).permutation(np.unique(units[rows]))
    n_couples = len(names) // 2
    partner = np.full(int(units.max(initial=-1)) + 1, -1)
    partner[names[:n_couples]], partner[names[n_couples : 2 * n_couples]] = names[n_couples : 2 * n_couples], names[:n_couples]
    arm, replicate = (facts.meta[name].codes for name in ("arm", "replicate"))
    row_of = dict(
        zip(zip(units[rows].tolist(), arm[rows].tolist(), replicate[rows].tolist(), strict=True), rows.tolist(), strict=True)
    )
    first = rows[is_placebo[rows] | (group_of[rows] != axis.reference)]
    wanted = zip(partner[units[first]].tolist(), arm[base[first]].tolist(), replicate[first].tolist(), strict=True)
    against = np.array([row_of.get(key, -1) for key in wanted], dtype=np.int64)
    first, against = first[against >= 0], against[against >= 0]
    couple = np.minimum(units[first], partner[units[first]])
    how = "arms of two scenarios that were matched at random, distance: the difference of their merit"
    how += _drawn(len(rows), len(every))
    return _Pairs(first, against, np.abs(merit[first] - merit[against]), couple, group_of[first], how)


def _drawn(n: int, n_all: int) -> str:
    return "" if n == n_all else f"; {n:,} of {n_all:,} items, of whole scenarios drawn at random"


def _held(seen: Seen, rating: Floats, pairs: _Pairs, group: str) -> Lipschitz:
    ratios, clusters = pairs.ratios(rating), pairs.clusters
    mine, control = pairs.group_of == group, pairs.group_of == ""
    found = lipschitz(
        ratios[mine],
        ratios[control],
        clusters[mine],
        clusters[control],
        quantile=QUANTILE,
        rng=seen.seed,
        confidence=seen.confidence,
    )
    n_same = int((pairs.distance[mine | control] == 0).sum())
    how = pairs.how + (f"; {n_same:,} pairs that are not apart are left out" if n_same else "")
    return Lipschitz(
        replace(found.bound, estimand=f"lens.{NAME}.lipschitz_placebo", method=f"{found.bound.method}; {how}"),
        replace(found.violations, estimand=f"lens.{NAME}.violations", method=f"{found.violations.method}; {how}"),
        replace(found.excess, estimand=f"lens.{NAME}.violations_excess", method=f"{found.excess.method}; {how}"),
    )


def _said(criterion: Criterion, axis: Axis, group: str, found: Lipschitz) -> Iterator[str]:
    if excludes_zero(found.excess):
        more = "More" if found.excess.value > 0 else "Fewer"
        yield (
            f"{criterion.id}, {axis.axis}: {more} pairs of {group} and {axis.reference} than of a placebo are rated further apart than their "
            f"distance allows: {signed(found.excess.value)} of the pairs ({signed(found.excess.low)} to {signed(found.excess.high)}, this "
            "contrast alone)."
        )
