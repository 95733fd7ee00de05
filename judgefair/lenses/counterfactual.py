"""Is the same request rated otherwise when the cue of another population is swapped in?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, excludes_zero, others
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.runs.arms import reference_arms
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.flip_rate import flip_rate
from judgefair.statistics.placebo_controlled import placebo_controlled
from judgefair.statistics.resample import Floats

NAME = "counterfactual"
FRAMEWORK = "Counterfactual fairness: the answer would be the same had the person been of another population."
SOURCE = (
    "Kusner, Loftus, Russell and Silva 2017; as a swap of cues in a text: Garg, Perot, Limtiaco, Taly, Chi and Beutel 2019; minus a "
    "placebo's: Lipsitch, Tchetgen Tchetgen and Cohen 2010"
)
CAN = (
    "How far the judge's rating of an answer in this context moves when one declared cue is swapped for another population's and all "
    "else of the request stays, channel by channel, beyond what other words for the same population move it."
)
CANNOT = (
    "It swaps a cue and not a person: somebody of another population would also ask and live otherwise, and no causal model of that is "
    "given; other cues may move ratings otherwise; and a change may be the judge's own, where it sees the cue."
)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Rows of arms and of placebos in one channel; `base` (n,) is the row that each row is compared with."""

    arms: np.ndarray
    placebos: np.ndarray
    base: np.ndarray
    units: np.ndarray


def look(seen: Seen) -> Look:
    """By criterion, group and channel: `change` and `change_excess` (signed), `magnitude_excess` and `flip_excess`."""
    if not seen.facts.meta["arm"].is_there.any():
        raise DoesNotExtend(
            "no item is an arm of a simulated request, so that nothing tells how the same request would fare with another cue. It would need "
            "queries made by judgefair simulate, in which only the cue differs"
        )
    axes = compared(seen)
    findings, says, n_compared = list[Finding](), list[str](), 0
    for axis in axes:
        by_group = {group: dict(_channels(seen, axis, group)) for group in others(axis)}
        for criterion in seen.rubric.criteria:
            for group, channels in by_group.items():
                if not channels:
                    reason = "no arm of it stands beside an arm of the reference that differs from it in nothing but this cue"
                    alone = undefined(f"lens.{NAME}.change", reason)
                    findings.append(Finding(criterion.id, {axis.axis: group}, {axis.axis: axis.reference}, alone))
                for cue, pairs in channels.items():
                    told = _told(seen, criterion, pairs)
                    about = {axis.axis: group, "cue": cue}, {axis.axis: axis.reference, "cue": cue}
                    findings += [Finding(criterion.id, *about, each) for each in told]
                    n_compared += 1
                    says += _said(criterion, axis, group, cue, told)
    if n_compared and not says:
        says.append(f"In none of {n_compared:,} swaps of a cue, each by itself, is a change beyond the placebo's shown.")
    return Look(findings, says)


def _channels(seen: Seen, axis: Axis, group: str) -> Iterator[tuple[str, _Pairs]]:
    """The pairs of a group by channel, in order of their names."""
    n, columns = len(seen.facts), seen.columns
    group_of, whole, cue = seen.groups(axis)[:n], columns.is_whole[:n], columns.cue[:n]
    base = reference_arms(seen.facts, group_of, axis, whole)
    arms = whole & (group_of == group) & (base >= 0)
    placebos = whole & seen.facts.meta["placebo"].is_there & (base >= 0)
    for name in sorted(set(cue[arms])):
        yield name, _Pairs(np.flatnonzero(arms & (cue == name)), np.flatnonzero(placebos & (cue == name)), base, columns.units)


def _told(seen: Seen, criterion: Criterion, pairs: _Pairs) -> list[Estimate]:
    arms, placebos, base, units = pairs.arms, pairs.placebos, pairs.base, pairs.units
    level, rating = seen.columns.levels(criterion.id), seen.columns.ratings(criterion.id, "judge")
    flips, sizes = (
        flip_rate(
            of[arms], of[base[arms]], of[placebos], of[base[placebos]], units[arms], units[placebos], confidence=seen.confidence
        )
        for of in (level, rating)
    )
    if criterion.scale.has_points:
        signed_change = placebo_controlled(
            rating[base[arms]], rating[arms], _of_placebos(rating, pairs), clusters=units[arms], confidence=seen.confidence
        )["all"]
        excess = signed_change.excess
        if not len(placebos):
            excess = undefined(
                "change_excess", "no placebo arm in this channel, so that what any other wording moves is not known"
            )
        told = {"change": signed_change.change, "change_excess": excess, "magnitude_excess": sizes.change_excess}
    else:
        names = ("change", "change_excess", "magnitude_excess")
        told = {name: undefined(name, "a nominal scale has no distances") for name in names}
    return [each.renamed(f"lens.{NAME}.{name}") for name, each in (told | {"flip_excess": flips.excess}).items()]


def _of_placebos(rating: Floats, pairs: _Pairs) -> Floats | None:
    """For each arm the mean rating of the placebos of its reference arm; nan where none is rated."""
    if not len(pairs.placebos):
        return None
    rated = pairs.placebos[~np.isnan(rating[pairs.placebos])]
    of = pairs.base[rated]
    n, total = (np.bincount(of, weights, minlength=len(pairs.base)) for weights in (None, rating[rated]))
    with np.errstate(invalid="ignore"):
        means: Floats = (total / n)[pairs.base[pairs.arms]]
    return means


def _said(criterion: Criterion, axis: Axis, group: str, cue: str, told: list[Estimate]) -> Iterator[str]:
    about = f"{criterion.id}, {axis.axis}: with the {cue} cue of {group} in place of {axis.reference}'s"
    role = criterion.roles.get(axis.axis, "must_ignore")
    may = "" if role == "must_ignore" else f", which may be right, since the rubric says {role}"
    for estimate, what in zip(told[1:], ("points on average", "points in size", "of the ratings differing"), strict=True):
        if excludes_zero(estimate):
            yield (
                f"{about} ratings of the judge move by {signed(estimate.value)} {what} beyond the placebo's "
                f"({signed(estimate.low)} to {signed(estimate.high)}, this swap alone){may}."
            )
