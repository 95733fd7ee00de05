"""How often is one of these scored above one of those, when both come in scenarios?"""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import combine, mean_by_unit
from judgefair.statistics.resample import Floats

SOURCE = (
    "clustered AUC: Obuchowski 1997, Nonparametric analysis of clustered ROC curve data (Biometrics 53, 567); its parts: DeLong, "
    "DeLong and Clarke-Pearson 1988; Wilson's interval on the effective sample size: Korn and Graubard 1998"
)


def cross_fitted_factor(n_folds: int) -> float:
    """By how much the variance of a cross-fitted value exceeds that of scores that were given: 1 + K / (K - 1) for K folds.

    Any two of the readers share most of the texts that they learnt from, and err together. Nadeau and Bengio 2003, Inference for the
    Generalization Error (Machine Learning 52, 239), section 3: a variance over J splits counts as 1/J + n_test / n_train in place of 1/J.

    >>> cross_fitted_factor(5)
    2.25
    """
    return 1 + n_folds / (n_folds - 1)


def clustered_auc(
    scores: Floats,
    is_case: object,
    clusters: object = None,
    strata: object = None,
    *,
    variance_factor: float = 1.0,
    estimand: str = "auc",
    confidence: float = 0.95,
) -> Estimate:
    """Probability that a case has the higher score than a control, ties counting half.

    Parameters
    ----------
    scores : (n_rows,) in any unit; nan = missing.
    is_case : (n_rows,) true for cases, false for controls.
    clusters : (n_rows,) scenario labels, which cases and controls may share. None takes rows as independent.
    strata : (n_rows,) labels within which scores can be compared, such as the fold that a row was scored in; None is one.
        A row of a stratum without the other kind is left out and counted as missing.
    variance_factor : at least 1, by how much the variance is larger than that of scores that were given; `cross_fitted_factor`
        where they come from readers that share most of what they learnt from.

    Returns
    -------
    Estimate. Strata count by the number of their pairs. The variance is Obuchowski's, so that what a scenario adds to cases and
    controls alike cancels; the interval is Wilson's on as many independent comparisons as make that variance, at most as t allows.
    Where no scenario differs from the others (all told, none told, nothing but ties) they are as many as the scenarios of the
    side that has fewer. Undefined without cases or without controls.

    Examples
    --------
    Of the four pairs of a case and a control three have the case above:

    >>> clustered_auc([3, 1, 2, 0], [True, True, False, False]).value
    0.75
    """
    scores, case = np.asarray(scores, dtype=float), np.asarray(is_case, dtype=bool)
    units = np.arange(len(scores)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    stratum = np.zeros(len(scores), dtype=int) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    placed = _placements(scores, case, stratum)
    used = ~np.isnan(placed)
    known: dict[str, Any] = {
        "n_items": int(used.sum()), "n_clusters": len(np.unique(units[used])), "n_missing": int((~used).sum()), "level": confidence,
        "source": SOURCE,
    }  # fmt: skip
    if not used.any():
        return undefined(estimand, "there is no case beside a control", **known)
    mean = _mean(placed, case, units, stratum, used)
    n_clusters = known["n_clusters"]
    low, high, se = _interval(mean, n_clusters, variance_factor, confidence)
    unit = "rows" if clusters is None else "scenarios"
    method = f"share of pairs with the case above; Wilson interval on the effective sample size, {n_clusters:,} {unit}"
    if mean.fewest < 2:
        return Estimate(estimand, mean.value, method=f"{method}; no interval: cases or controls of one scenario", **known)
    return Estimate(estimand, mean.value, low, high, se=se, method=method, **known)


def _placements(scores: Floats, case: np.ndarray, stratum: np.ndarray) -> Floats:
    """Of each case the share of its stratum's controls below it, of each control the share of cases above it; ties count half."""
    placed = np.full(len(scores), np.nan)
    for code in range(int(stratum.max(initial=-1)) + 1):
        mine = (stratum == code) & ~np.isnan(scores)
        cases, controls = np.flatnonzero(mine & case), np.flatnonzero(mine & ~case)
        if len(cases) and len(controls):
            placed[cases] = _share_below(scores[controls], scores[cases])
            placed[controls] = 1 - _share_below(scores[cases], scores[controls])
    return placed


def _share_below(others: Floats, scores: Floats) -> Floats:
    ranked = np.sort(others)
    below = np.searchsorted(ranked, scores, side="left") + np.searchsorted(ranked, scores, side="right")
    found: Floats = below / (2 * len(ranked))
    return found


def _mean(placed: Floats, case: np.ndarray, units: np.ndarray, stratum: np.ndarray, used: np.ndarray) -> ClusteredMean:
    """The AUC with what each scenario moves it: by its cases and by its controls, which both have the AUC as their mean."""
    n_units = int(units.max(initial=-1)) + 1
    sides = [used & case, used & ~case]
    counts = [np.bincount(stratum[side], minlength=int(stratum.max(initial=-1)) + 1) for side in sides]
    pairs = counts[0] * counts[1]
    parts = [
        (float(pairs[code] / pairs.sum()), mean_by_unit(placed[chosen], units[chosen], n_units))
        for code in np.flatnonzero(pairs)
        for side in sides
        for chosen in [side & (stratum == code)]
    ]
    both = combine(*parts)
    fewest = min(len(np.unique(units[side])) for side in sides)
    return replace(both, value=both.value / 2, fewest=fewest)


def _interval(mean: ClusteredMean, n_clusters: int, factor: float, confidence: float) -> tuple[float, float, float]:
    if mean.fewest < 2:
        return np.nan, np.nan, np.nan
    variance = factor * n_clusters / (n_clusters - 1) * float((mean.influence**2).sum())
    se = float(np.sqrt(variance))
    tail = (1 + confidence) / 2
    n = mean.value * (1 - mean.value) / variance if se > 1e-9 and 0 < mean.value < 1 else mean.fewest / factor
    n *= float(stats.norm.ppf(tail) / stats.t.ppf(tail, mean.fewest - 1)) ** 2
    low, high = proportion_confint(mean.value * n, n, alpha=1 - confidence, method="wilson")
    return float(low), float(high), se if se > 1e-9 else np.nan
