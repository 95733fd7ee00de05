"""How often is there no rating, and does it happen more to some?"""

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from judgefair.statistics.estimate import Estimate, undefined

SOURCE = "Wilson 1927; effective sample size by the design effect: Korn and Graubard 1998"


def missing_rate(missing: object, reason: str, clusters: object = None, *, confidence: float = 0.95) -> Estimate:
    """Share of ratings that are missing for one reason.

    Parameters
    ----------
    missing : (n_ratings,) true where the rating is missing for this reason.
    reason : one of `MISSING_REASONS`; it names the estimand, `missing_rate.<reason>`.
    clusters : (n_ratings,) scenario labels; None takes ratings as independent.

    Returns
    -------
    Estimate with the Wilson interval on n divided by the design effect (never more than n); where no rating or every
    rating is missing, the design effect cannot be told and n is the number of clusters.

    Examples
    --------
    No missing rating among 10 is no proof of a rate of 0 (Wilson's upper bound for 0 of 10 is 0.278):

    >>> rate = missing_rate([False] * 10, "refused")
    >>> rate.value, round(rate.high, 3)
    (0.0, 0.278)
    """
    flags = np.asarray(missing, dtype=float)
    estimand = f"missing_rate.{reason}"
    n = len(flags)
    if n == 0:
        return undefined(estimand, "there are no ratings", level=confidence, source=SOURCE)
    units = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    n_clusters = int(units.max()) + 1
    low, high, _ = clustered_wilson(flags, units, confidence)
    unit = "ratings" if clusters is None else "scenarios"
    return Estimate(
        estimand, float(flags.mean()), low, high, level=confidence, n_items=n, n_clusters=n_clusters,
        n_missing=int(flags.sum()), method=f"share of ratings; Wilson interval, {n_clusters:,} {unit}", source=SOURCE,
    )  # fmt: skip


def clustered_wilson(flags: np.ndarray, units: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Wilson's interval of a share, low and high, and the number of independent flags that it takes them to be worth.

    Parameters
    ----------
    flags : (n,), 0 or 1, at least one.
    units : (n,) cluster codes 0.., none left out.
    """
    effective = _effective_n(flags, units, int(units.max()) + 1)
    low, high = proportion_confint(float(flags.mean()) * effective, effective, alpha=1 - confidence, method="wilson")
    return float(low), float(high), effective


def _effective_n(flags: np.ndarray, units: np.ndarray, n_clusters: int) -> float:
    n, rate = len(flags), flags.mean()
    if n_clusters == n:
        return n
    if rate in {0.0, 1.0} or n_clusters < 2:
        return n_clusters
    residual = np.bincount(units, flags) - rate * np.bincount(units)
    spread = (residual**2).sum()
    if spread < 1e-18:  # equal rates, up to rounding
        return n_clusters
    return float(min(n, rate * (1 - rate) / (n_clusters / (n_clusters - 1) * spread / n**2)))
