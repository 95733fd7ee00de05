"""Does a rating mean the same merit in every population? (Calibration; predictive parity where ratings are plain.)"""

import numpy as np

from judgefair.lenses._corrected import Rows, Side, Statistic, corrected, sides
from judgefair.lenses._decided import Decided, decided
from judgefair.lenses._look import Look, Seen
from judgefair.lenses._rated import (
    absent,
    by_the_judge,
    compared,
    corrected_gap,
    doubt,
    gaps,
    not_of,
    others,
    rates,
    raw_gap,
    said,
    tell,
)
from judgefair.rubric.context import Axis
from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.ppi_mean import combine, mean_by_unit
from judgefair.statistics.resample import Floats

NAME = "calibration"
FRAMEWORK = "Calibration: given a rating, merit does not depend on population."
SOURCE = (
    "predictive parity: Chouldechova 2017, Fair prediction with disparate impact; calibration within groups: Kleinberg, Mullainathan "
    "and Raghavan 2016"
)
CAN = (
    "On criteria with two levels and items whose right level is known by construction: how often the higher level is right where it is "
    "given, and the lower one where that is given, by population; and, of probabilities, their mean error."
)
CANNOT = (
    "These shares move with how often items merit the higher level, which whoever made the items chose; a mean error of 0 is no "
    "calibration at each probability; merit is one number a scenario and taken as right for every criterion that has it as a level."
)
VALUES = (("ppv", 1.0, "positive predictive value"), ("npv", 0.0, "negative predictive value"))


def look(seen: Seen) -> Look:
    """Predictive values of every binary criterion, axis and group, mean errors of probabilities, and gaps of both."""
    axes = compared(seen)
    known, reasons = decided(seen)
    findings = [finding for what, *_ in VALUES for finding in not_of(NAME, f"{what}_gap", reasons)]
    says: list[str] = []
    for of in known:
        gives_probabilities = bool(((of.judge > 0) & (of.judge < 1))[seen.columns.is_run].any())
        for axis in axes:
            for what, level, words in VALUES:
                _predictive(seen, of, axis, what, level, words, findings, says)
            if gives_probabilities:
                _errors(seen, of, axis, findings, says)
    return Look(findings, says)


def _predictive(
    seen: Seen, of: Decided, axis: Axis, what: str, level: float, words: str, findings: list[Finding], says: list[str]
) -> None:
    is_known, is_right = ~np.isnan(of.merit), np.where(np.isnan(of.merit), np.nan, of.merit == level)
    by_level = rates(seen, axis, is_right, is_known & (of.level == level), what)
    mended = sides(seen, axis, of.judge, of.human, _value(seen, is_right, level), is_known)
    how = f"share of {'positive' if level else 'negative'} ratings that merit it, each item counted by the share of its ratings that are so"

    def as_humans_have_it(mean: ClusteredMean, concerned: list[Side]) -> tuple[Estimate, str]:
        return corrected(seen, of.criterion, what, mean, concerned, how)

    for group in axis.groups:
        raw = by_the_judge(by_level.rates.get(group, undefined(what, absent(axis, group))))
        findings.append(tell(NAME, what, raw, of.criterion, axis, group, is_gap=False))
        found, _ = as_humans_have_it(mended[group].corrected, [mended[group]])
        findings.append(tell(NAME, f"{what}.corrected", found, of.criterion, axis, group, is_gap=False))
    base = mended[axis.reference]
    for group in others(axis):
        raw = by_the_judge(by_level.gaps.get(group, undefined(what, absent(axis, group))))
        gap = combine((1, mended[group].corrected), (-1, base.corrected))
        found, why_not = as_humans_have_it(gap, [mended[group], base])
        findings.append(tell(NAME, f"{what}_gap", raw, of.criterion, axis, group))
        findings.append(tell(NAME, f"{what}_gap.corrected", found, of.criterion, axis, group))
        says += said(of.criterion, axis, group, words, raw, found, why_not)


def _value(seen: Seen, is_right: Floats, level: float) -> Statistic:
    """Mean of `is_right` over rows, each counted by the share of its ratings that are of the level."""
    units = seen.columns.units
    n_units = int(units.max(initial=-1)) + 1

    def statistic(rated: Floats, rows: Rows, weights: Floats) -> ClusteredMean:
        share = rated[rows] if level else 1 - rated[rows]
        return mean_by_unit(is_right[rows], units[rows], n_units, weights[rows] * share)

    return statistic


def _errors(seen: Seen, of: Decided, axis: Axis, findings: list[Finding], says: list[str]) -> None:
    """Mean of merit minus the probability that was given for it."""
    found = gaps(seen, axis, of.merit - of.judge, of.merit - of.human)
    for group in axis.groups:
        lacks = undefined("error", absent(axis, group))
        findings.append(tell(NAME, "error", found.mean_raw.get(group, lacks), of.criterion, axis, group, is_gap=False))
        mended = found.mean_corrected.get(group, lacks)
        findings.append(tell(NAME, "error.corrected", mended, of.criterion, axis, group, is_gap=False))
    for group in others(axis):
        raw, mended = raw_gap(axis, found, group), corrected_gap(seen, of.criterion, axis, found, group)
        findings.append(tell(NAME, "error_gap", raw, of.criterion, axis, group))
        findings.append(tell(NAME, "error_gap.corrected", mended, of.criterion, axis, group))
        says += said(of.criterion, axis, group, "mean error", raw, mended, doubt(seen, mended, found.weak.get(group, "")))
