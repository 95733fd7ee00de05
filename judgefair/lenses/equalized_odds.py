"""Is a positive rating as frequent in every population among those who merit it, and among those who do not? (Equalized odds.)"""

from dataclasses import replace

from judgefair.lenses._decided import Decided, decided
from judgefair.lenses._look import Look, Seen
from judgefair.lenses._rated import absent, by_the_judge, compared, corrected_gap, doubt, gaps, not_of, others, rates, said, tell
from judgefair.rubric.context import Axis
from judgefair.statistics.estimate import undefined
from judgefair.statistics.finding import Finding

NAME = "equalized_odds"
FRAMEWORK = "Equalized odds: given merit, a positive outcome does not depend on population."
SOURCE = "Hardt, Price and Srebro 2016, Equality of Opportunity in Supervised Learning, definitions 2.1 and 2.2"
CAN = (
    "On criteria with two levels and items whose right level is known by construction: how often the higher level is given where it is "
    "right and where it is not, by population."
)
CANNOT = (
    "It says nothing where merit is not known, as of most open-ended answers; merit is one number a scenario and taken as right for every "
    "criterion that has it as a level; equal rates on constructed items need not be equal in use."
)
RATES = (("tpr", 1.0, "true positive rate"), ("fpr", 0.0, "false positive rate"))


def look(seen: Seen) -> Look:
    """True and false positive rates of every binary criterion, axis and group, and their gaps."""
    axes = compared(seen)
    known, reasons = decided(seen)
    findings = [finding for what, *_ in RATES for finding in not_of(NAME, f"{what}_gap", reasons)]
    says: list[str] = []
    for of in known:
        for axis in axes:
            for what, merit, words in RATES:
                _tell(seen, of, axis, what, merit, words, findings, says)
    return Look(findings, says)


def _tell(
    seen: Seen, of: Decided, axis: Axis, what: str, merit: float, words: str, findings: list[Finding], says: list[str]
) -> None:
    rows = of.merit == merit
    by_level = rates(seen, axis, of.level, rows, what)
    mended = gaps(seen, axis, of.judge, of.human, rows=rows)
    n_raters = seen.columns.n_raters(of.criterion.id)
    for group in axis.groups:
        lacks = undefined(what, absent(axis, group))
        mean = replace(mended.mean_corrected.get(group, lacks), n_raters=n_raters)
        findings.append(tell(NAME, what, by_the_judge(by_level.rates.get(group, lacks)), of.criterion, axis, group, is_gap=False))
        findings.append(tell(NAME, f"{what}.corrected", mean, of.criterion, axis, group, is_gap=False))
    for group in others(axis):
        raw = by_the_judge(by_level.gaps.get(group, undefined(what, absent(axis, group))))
        corrected = corrected_gap(seen, of.criterion, axis, mended, group)
        findings.append(tell(NAME, f"{what}_gap", raw, of.criterion, axis, group))
        findings.append(tell(NAME, f"{what}_gap.corrected", corrected, of.criterion, axis, group))
        says += said(of.criterion, axis, group, words, raw, corrected, doubt(seen, corrected, mended.weak.get(group, "")))
