"""Is a mean close enough to 0 to count as none? Two one-sided tests."""

from math import isnan, nan
from typing import Any

import numpy as np
from scipy import stats

from judgefair.statistics.clustered import SOURCE as INTERVAL
from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

SOURCE = f"two one-sided tests: Schuirmann 1987; {INTERVAL}"


def equivalence(values: Floats, delta: float, clusters: object = None, *, confidence: float = 0.95) -> Estimate:
    """Mean of the values, with the p-value of its lying at or beyond +-delta.

    Parameters
    ----------
    values : (n,), in scale points, as a difference of paired ratings; nan is left out.
    delta : the tolerance, in scale points; a mean strictly within +-delta counts as none.
    clusters : (n,) labels of what was sampled, the scenario; None takes values as independent.
    confidence : 1 - alpha; each of the two tests is made at alpha.

    Returns
    -------
    Estimate of `equivalence`: `p_value` is the larger of the two one-sided ones, and the interval, at level
    2 confidence - 1, lies within +-delta exactly where the p-value is below alpha (Schuirmann 1987, section 3).

    Raises
    ------
    ValueError : `delta` is not above 0, or `confidence` not between 0.5 and 1.

    Examples
    --------
    Mean 0, standard error 0.408, tolerance 1: t = 2.449 with 3 degrees of freedom on either side.

    >>> estimate = equivalence([-1, 0, 0, 1], 1)
    >>> estimate.value, round(estimate.p_value, 3), estimate.level
    (0.0, 0.046, 0.9)
    """
    check_delta(delta)
    if not 0.5 < confidence < 1:
        raise ValueError(
            f"confidence is {confidence!r}. Expected a number between 0.5 and 1: the interval has level 2 confidence - 1"
        )
    values = np.asarray(values, dtype=float)
    present = ~np.isnan(values)
    units = np.arange(len(values)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    n_units = units.max(initial=-1) + 1
    totals = np.bincount(units[present], values[present], minlength=n_units).astype(float)
    mean = clustered_mean(totals, np.bincount(units[present], minlength=n_units).astype(float))
    n_clusters, level = int(mean.has_data.sum()), round(2 * confidence - 1, 12)
    known: dict[str, Any] = {
        "n_items": int(present.sum()), "n_clusters": n_clusters, "n_missing": int((~present).sum()), "level": level, "source": SOURCE,
    }  # fmt: skip
    if isnan(mean.value):
        return undefined("equivalence", "there is no value", **known)
    low, high, se, _, trouble = mean.interval(level)
    p_value = tost(mean, delta)
    unit = "values" if clusters is None else "clusters"
    method = f"two one-sided t tests against +-{delta:g}, the larger p-value; {level:.0%} t interval over {n_clusters:,} {unit}"
    return Estimate(
        "equivalence", mean.value, low, high, se=se, p_value=None if isnan(p_value) else p_value,
        method="; ".join(filter(None, [method, trouble])), **known,
    )  # fmt: skip


def tost(mean: ClusteredMean, delta: float) -> float:
    """The larger p-value of the two one-sided t tests that a mean lies at or beyond -delta or +delta (Schuirmann 1987).

    nan where the mean has no standard error. ValueError where `delta` is not above 0.

    >>> round(tost(clustered_mean(np.array([-1.0, 0.0, 0.0, 1.0]), np.ones(4)), 1), 3)
    0.046
    """
    check_delta(delta)
    se = mean.interval(0.95)[2]
    # The mean is as far from the nearer bound as delta exceeds its size: that side's p-value is the larger.
    return nan if isnan(se) else float(stats.t.sf((delta - abs(mean.value)) / se, mean.fewest - 1))


def check_delta(delta: float) -> None:
    """ValueError for a tolerance that nothing could lie within."""
    if not delta > 0:
        raise ValueError(f"delta is {delta!r}. Expected a tolerance above 0, in scale points")
