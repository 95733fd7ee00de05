"""Which criteria of fairness cannot hold together, populations being as different as they are?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from judgefair.lenses._corrected import SOURCE as CORRECTED
from judgefair.lenses._corrected import Rows, Statistic, sides
from judgefair.lenses._decided import Decided, decided
from judgefair.lenses._look import Look, Seen
from judgefair.lenses._rated import absent, compared, doubt, doubted, excludes_zero, not_of, others, rates, tell
from judgefair.rubric.context import Axis
from judgefair.statistics.clustered import SOURCE as CLUSTERED
from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.ppi_mean import combine, mean_by_unit
from judgefair.statistics.resample import Floats

NAME = "incompatibility"
FRAMEWORK = "Impossibility: where base rates differ, equal predictive values and equal error rates cannot hold together, but for perfect prediction."
SOURCE = (
    "Chouldechova 2017, Fair prediction with disparate impact; Kleinberg, Mullainathan and Raghavan 2016, Inherent "
    "Trade-Offs in the Fair Determination of Risk Scores"
)
INTERVAL = "limits of a function of rates: Zou and Donner 2008"
CAN = (
    "Whether populations differ in how often their items merit the higher level, and how large a gap of false positive rates that alone "
    "would force if predictive values and false negative rates were made equal to the reference's."
)
CANNOT = (
    "Base rates are those of these items, which whoever made them chose, and not those of the people behind a population; it does not say "
    "which criterion ought to give way, and ratings on more than two levels are not covered."
)


def look(seen: Seen) -> Look:
    """Base rates of every binary criterion, axis and group, their gaps, and the gap that these would force."""
    axes = compared(seen)
    known, reasons = decided(seen)
    findings = not_of(NAME, "base_rate_gap", reasons) + not_of(NAME, "forced_fpr_gap", reasons)
    says: list[str] = []
    for of in known:
        for axis in axes:
            _tell(seen, of, axis, findings, says)
    return Look(findings, says)


def false_positive_rate(base_rate: Any, ppv: Any, fnr: Any) -> Any:
    """The false positive rate that base rate, positive predictive value and false negative rate leave (Chouldechova 2017).

    Examples
    --------
    Of 10 that merit it 8 are rated positive, and of 30 others 4: 10/40, 8/12 and 2/10 give 4/30.

    >>> from fractions import Fraction
    >>> false_positive_rate(Fraction(10, 40), Fraction(8, 12), Fraction(2, 10))
    Fraction(2, 15)
    """
    return base_rate / (1 - base_rate) * (1 - ppv) / ppv * (1 - fnr)


@dataclass(frozen=True, slots=True)
class ForcedGap:
    """A gap with what each cluster moves it, and its limits, which are nan where `note` says why there are none."""

    mean: ClusteredMean
    low: float
    high: float
    note: str


def forced_gap(
    base_rate: ClusteredMean, reference: ClusteredMean, fpr: ClusteredMean, *, confidence: float = 0.95
) -> ForcedGap | str:
    """The gap of false positive rates that base rates force where predictive values and false negative rates are the reference's.

    By the identity a population's rate is to the reference's as their odds of merit are, so that the gap is fpr * (odds ratio - 1).
    Each limit squares and adds what the gap moves by as each of the three rates goes to its own limit, a t interval on the logit
    scale, correlated as what clusters move them by (Zou and Donner 2008).

    Parameters
    ----------
    base_rate, reference : share of items that merit the higher level, of the population and of the reference.
    fpr : false positive rate of the reference.

    Returns
    -------
    The gap, or why there is none.

    Notes
    -----
    Simulated coverage of 95 % intervals, base rates 0.3 to 0.8 and rates of 0.05 to 0.2, of 50 to 500 scenarios a population: 0.94
    to 0.98, and up to 0.99 where base rates are equal; of four items a scenario that are much alike 0.92 to 0.95. Limits of the
    linearised gap held the truth in 0.89 to 0.95, and lay to one side where they did not.

    Examples
    --------
    Odds of 1 against 1/3: three times the reference's rate of 0.25.

    >>> from judgefair.statistics.clustered import clustered_mean
    >>> def share(*flags):
    ...     return clustered_mean(np.array(flags, dtype=float), np.ones(len(flags)))
    >>> gap = forced_gap(share(1, 0, 1, 0), share(1, 0, 0, 0), share(0, 0, 0, 1))
    >>> round(gap.mean.value, 9)
    0.5
    """
    parts = (fpr, base_rate, reference)
    rate, p, q = (part.value for part in parts)
    if not (0 < p < 1 and 0 < q < 1):
        return "base rates that are 0, 1 or not known leave no odds to compare"
    if np.isnan(rate):
        return "the reference has no rating of an item that does not merit the higher level"
    odds_ratio = p / (1 - p) / (q / (1 - q))
    gap = rate * (odds_ratio - 1)
    mean = replace(
        combine(
            (odds_ratio - 1, fpr), (rate * odds_ratio / (p * (1 - p)), base_rate), (-rate * odds_ratio / (q * (1 - q)), reference)
        ),
        value=gap,
    )
    beyond = (
        "the rate would lie above 1: predictive values and false negative rates cannot both be equal" if rate + gap > 1 else ""
    )
    limits = [_limits(part, confidence) for part in parts]
    if np.isnan(limits).any():
        why = f"a rate of {rate:g}" if not 0 < rate < 1 else "too few scenarios"
        return ForcedGap(mean, np.nan, np.nan, "; ".join(filter(None, [f"no interval: {why}", beyond])))
    signs = (1 if odds_ratio >= 1 else -1, 1, -1)  # which way the gap goes as each of the rates rises
    moved = np.array([sign * part.influence for sign, part in zip(signs, parts, strict=True)])
    spread = np.sqrt((moved**2).sum(axis=1))
    alike = moved @ moved.T / np.outer(spread, spread)

    def reach(way: int) -> float:
        ends = [limit[1 if sign == way else 0] for sign, limit in zip(signs, limits, strict=True)]
        steps = [_forced(*(ends[k] if k == i else part.value for k, part in enumerate(parts))) - gap for i in range(3)]
        return way * float(np.sqrt(max(np.array(steps) @ alike @ np.array(steps), 0.0)))

    low, high = gap + reach(-1), gap + reach(1)
    if high - low < 1e-12:
        return ForcedGap(mean, np.nan, np.nan, "no interval: merit is the same for both in every scenario")
    return ForcedGap(mean, low, high, beyond)


def _forced(fpr: float, base_rate: float, reference: float) -> float:
    return fpr * (base_rate / (1 - base_rate) / (reference / (1 - reference)) - 1)


def _limits(share: ClusteredMean, confidence: float) -> tuple[float, float]:
    """A t interval of a share on the logit scale; nan where it has none."""
    _, high, *_ = share.interval(confidence)
    value = share.value
    if np.isnan(high) or not 0 < value < 1:
        return np.nan, np.nan
    half = (high - value) / (value * (1 - value))
    return float(expit(logit(value) - half)), float(expit(logit(value) + half))


def _tell(seen: Seen, of: Decided, axis: Axis, findings: list[Finding], says: list[str]) -> None:
    is_known, mean = ~np.isnan(of.merit) & seen.columns.is_whole, _mean(seen)
    base_rates = rates(seen, axis, of.merit, is_known, "base_rate")
    for group in axis.groups:
        rate = base_rates.rates.get(group, undefined("base_rate", absent(axis, group)))
        findings.append(tell(NAME, "base_rate", rate, of.criterion, axis, group, is_gap=False))
    unlabelled = np.full(len(of.level), np.nan)
    by_level = sides(seen, axis, of.level, unlabelled, mean, of.merit == 0)[axis.reference]
    by_label = sides(seen, axis, of.judge, of.human, mean, of.merit == 0)[axis.reference]
    merits = sides(seen, axis, of.merit, unlabelled, mean, is_known)
    base = merits[axis.reference]
    for group in others(axis):
        gap = base_rates.gaps.get(group, undefined("base_rate_gap", absent(axis, group)))
        findings.append(tell(NAME, "base_rate_gap", gap, of.criterion, axis, group))
        raw, mended = (
            forced_gap(merits[group].raw, base.raw, fpr, confidence=seen.confidence) for fpr in (by_level.raw, by_label.corrected)
        )
        n_items = merits[group].n_items + base.n_items
        by_judge = _write(seen, raw, n_items, "the judge's ratings as they are", CLUSTERED)
        problem = f"{axis.reference} {by_label.problem}" if by_label.problem else ""
        how = f"the rate corrected by the labels, {by_label.how}"
        corrected = _write(seen, problem or mended, n_items, how, CORRECTED)
        corrected = replace(corrected, n_raters=seen.columns.n_raters(of.criterion.id))
        corrected = doubted(corrected, doubt(seen, corrected, f"{axis.reference}: {by_label.weak}" if by_label.weak else ""))
        findings.append(tell(NAME, "forced_fpr_gap", by_judge, of.criterion, axis, group))
        findings.append(tell(NAME, "forced_fpr_gap.corrected", corrected, of.criterion, axis, group))
        says.append(_says(of, axis, group, gap))


def _mean(seen: Seen) -> Statistic:
    units = seen.columns.units
    n_units = int(units.max(initial=-1)) + 1

    def statistic(rated: Floats, rows: Rows, weights: Floats) -> ClusteredMean:
        return mean_by_unit(rated[rows], units[rows], n_units, weights[rows])

    return statistic


def _write(seen: Seen, forced: ForcedGap | str, n_items: int, how: str, source: str) -> Estimate:
    known: dict[str, Any] = {"n_items": n_items, "level": seen.confidence, "source": f"{SOURCE}; {INTERVAL}; {source}"}
    if isinstance(forced, str):
        return undefined("forced_fpr_gap", forced, **known)
    what = "the reference's false positive rate times (odds ratio of base rates - 1)"
    n_clusters, se = int(forced.mean.has_data.sum()), forced.mean.interval(seen.confidence)[2]
    unit = "scenarios" if seen.columns.has_scenarios else "items"
    limits = f"limits squared and added over {n_clusters:,} {unit}" if forced.low == forced.low else ""
    method = "; ".join(filter(None, [what, how, limits, forced.note]))
    return Estimate(
        "forced_fpr_gap", forced.mean.value, forced.low, forced.high, se=se, method=method, n_clusters=n_clusters, **known
    )


def _says(of: Decided, axis: Axis, group: str, gap: Estimate) -> str:
    about = f"{of.criterion.id}, {axis.axis}: base rates of {group} and {axis.reference}"
    if not excludes_zero(gap):
        return f"{about} are not shown to differ on these items, nor that any criteria exclude each other."
    return (
        f"{about} differ on these items by {signed(gap.value)} ({signed(gap.low)} to {signed(gap.high)}): equal predictive values, equal "
        "false negative rates and equal false positive rates cannot hold together, unless no positive rating is wrong or none is right."
    )
