"""What would humans say on average, when they labelled a few items and the judge rated all of them?"""

from typing import Any

import numpy as np

from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

SOURCE = "Angelopoulos, Duchi and Zrnic 2023, PPI++: Efficient Prediction-Powered Inference"
MIN_DIFFERING = 5
"""Below so many labelled scenarios on which judge and humans differ, the variance of their difference rests on too few events."""


def ppi_mean(
    human: Floats,
    judge: Floats,
    judge_eval: Floats,
    lam: float | None = None,
    clusters: object = None,
    eval_clusters: object = None,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Prediction-powered mean: the humans' mean on labelled items, moved by what the judge says of the others.

    theta = mean(human) + lam * (mean(judge_eval) - mean(judge)). It is unbiased for what humans would say on average,
    whatever the judge's error, provided that the labelled items were drawn from the same items as the others. A good
    judge narrows the interval; lam = 0 is the humans' mean alone, lam = 1 the judge's mean corrected by its error.

    Parameters
    ----------
    human, judge : (n_labelled,), on the scale; an item with a nan is left out.
    judge_eval : (n_unlabelled,), the judge on the items without a label.
    lam : how far the judge is used; None chooses the value with the smallest variance, within 0 and 1 (eq. 6 there). Where
        judge and humans differ, from what is usual, on fewer than five labelled scenarios it is 0: an error seen so
        rarely, or not at all, has no variance one could rely on.
    clusters, eval_clusters : scenario labels of the labelled and of the other items; equal labels are one scenario.

    Returns
    -------
    Estimate of `mean.corrected`, with a t interval on the labelled scenarios (one degree of freedom less where lam is
    chosen). Undefined, with the reason, where no item is labelled or no other item is judged.

    Examples
    --------
    The judge is 1 too high on both labelled items and says 4 on average elsewhere: humans would say 3.

    >>> ppi_mean(np.array([2.0, 3.0]), np.array([3.0, 4.0]), np.array([3.0, 5.0]), lam=1).value
    3.0
    """
    human, judge, judge_eval = (np.asarray(x, dtype=float) for x in (human, judge, judge_eval))
    labelled, judged = ~(np.isnan(human) | np.isnan(judge)), ~np.isnan(judge_eval)
    both = _codes(clusters, eval_clusters, len(human), len(judge_eval))
    units, eval_units = both[: len(human)][labelled], both[len(human) :][judged]
    known: dict[str, Any] = {
        "n_items": int(labelled.sum()), "n_clusters": len(set(units)), "n_missing": int((~labelled).sum() + (~judged).sum()),
        "level": confidence, "source": SOURCE,
    }  # fmt: skip
    if not labelled.any():
        return undefined("mean.corrected", "no item has both a judge's and a human's rating", **known)
    if not judged.any():
        return undefined("mean.corrected", "the judge rated no item beside the labelled ones", **known)
    n_units = int(both.max()) + 1
    of_humans = mean_by_unit(human[labelled], units, n_units)
    shift = combine(
        (1, mean_by_unit(judge_eval[judged], eval_units, n_units)), (-1, mean_by_unit(judge[labelled], units, n_units))
    )
    chosen = lam is None
    if lam is None:
        lam = 0.0 if is_rare(human[labelled] - judge[labelled], units) else tuned(of_humans, shift)
    mean = powered(of_humans, shift, lam, chosen)
    low, high, se, _, trouble = mean.interval(confidence)
    unit = "items" if clusters is None else "scenarios"
    how = f"{'tuned' if chosen else 'given'} lam {lam:.3f}; t interval over {known['n_clusters']:,} labelled {unit}, raters fixed"
    return Estimate(
        "mean.corrected", mean.value, low, high, se=se, method="; ".join(filter(None, ["prediction-powered mean", how, trouble])), **known
    )  # fmt: skip


def mean_by_unit(values: Floats, units: np.ndarray, n_units: int, weights: Floats | None = None) -> ClusteredMean:
    """Mean of values, weighted where weights are given, with what each unit moves it, over all units 0..n_units."""
    weights = np.ones(len(values)) if weights is None else weights
    totals = np.bincount(units, values * weights, minlength=n_units).astype(float)
    return clustered_mean(totals, np.bincount(units, weights, minlength=n_units).astype(float))


def combine(*parts: tuple[float, ClusteredMean]) -> ClusteredMean:
    """A sum of means times coefficients; each keeps the small-sample factor n/(n - 1) of its own clusters."""
    has_data = np.logical_or.reduce([mean.has_data for _, mean in parts])
    whole = _factor(int(has_data.sum()))
    influence = sum(
        (coefficient * np.sqrt(_factor(int(mean.has_data.sum())) / whole) * mean.influence for coefficient, mean in parts),
        start=np.zeros(len(has_data)),
    )
    value = float(sum(coefficient * mean.value for coefficient, mean in parts))
    return ClusteredMean(value, influence, has_data, min(mean.fewest for _, mean in parts))


def powered(human: ClusteredMean, shift: ClusteredMean, lam: float, is_tuned: bool) -> ClusteredMean:
    """The humans' mean plus lam times the judge's shift from labelled to evaluated items.

    A tuned lam is one more parameter fitted to the labelled items: their residual has one degree of freedom less.
    """
    mean = combine((1.0, human), (lam, shift))
    return fitted(mean) if is_tuned and lam > 0 else mean


def fitted(mean: ClusteredMean, n_parameters: int = 1) -> ClusteredMean:
    """The mean with fewer degrees of freedom, for parameters that were fitted to its own residuals."""
    n, left = mean.fewest, mean.fewest - n_parameters
    return ClusteredMean(mean.value, mean.influence * np.sqrt((n - 1) / (left - 1)), mean.has_data, left) if left > 1 else mean


def tuned(human: ClusteredMean, shift: ClusteredMean) -> float:
    """The lam within 0 and 1 of the smallest variance; 0 where the judge says nothing beyond the labelled items."""
    moved = weighed(shift)
    variance = float(moved @ moved)
    if variance < 1e-18:
        return 0.0
    return float(np.clip(-(weighed(human) @ moved) / variance, 0, 1))


def weighed(mean: ClusteredMean) -> Floats:
    """What each cluster moves the mean, times the small-sample factor that its variance will have."""
    influence: Floats = mean.influence * np.sqrt(_factor(int(mean.has_data.sum())))
    return influence


def is_rare(difference: Floats, units: np.ndarray) -> bool:
    """Whether judge and humans differ, from what is usual, on fewer than `MIN_DIFFERING` labelled scenarios.

    No difference at all on few labels is no proof that there is none: 25 labels without one are likely at an error of 5 %.
    """
    values, counts = np.unique(difference.round(9), return_counts=True)
    unusual = difference.round(9) != values[counts.argmax()]
    return len(np.unique(units[unusual])) < MIN_DIFFERING


def _factor(n_clusters: int) -> float:
    return n_clusters / (n_clusters - 1) if n_clusters > 1 else 1.0


def _codes(clusters: object, eval_clusters: object, n: int, n_eval: int) -> np.ndarray:
    """One numbering of the scenarios of both samples; without labels every item is its own."""
    if (clusters is None) != (eval_clusters is None):
        raise ValueError("clusters and eval_clusters are given together, or neither is")
    if clusters is None:
        return np.arange(n + n_eval)
    labels = np.concatenate([np.asarray(clusters, dtype=object), np.asarray(eval_clusters, dtype=object)])
    return np.unique(labels.astype(str), return_inverse=True)[1]
