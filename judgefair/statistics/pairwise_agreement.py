"""How often do two raters of the same item give the same level?"""

from typing import Any

import numpy as np

from judgefair.statistics.clustered import SOURCE as INTERVAL
from judgefair.statistics.clustered import clustered_mean
from judgefair.statistics.coincidence import value_counts
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats, cluster_codes


def pairwise_agreement(values: Floats, clusters: object = None, *, confidence: float = 0.95) -> Estimate:
    """Share of pairs of raters that agree exactly, averaged over items: agreement without correction for chance.

    It tells raters who disagree from raters who all say the same: both may have an alpha near 0, since alpha asks whether
    agreement goes beyond what the frequencies of the levels would give by chance.

    Parameters
    ----------
    values : (n_raters, n_items), on the scale; nan = no rating.
    clusters : (n_items,) scenario labels; None takes items as independent.

    Returns
    -------
    Estimate of `agreement.human`. Undefined where no item has two ratings.

    Examples
    --------
    Three raters, of whom two agree on the only item: one pair of three.

    >>> round(pairwise_agreement(np.array([[1.0], [1.0], [2.0]])).value, 3)
    0.333
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    counts, _ = value_counts(values)
    m = counts.sum(1)
    pairable = m >= 2
    codes, n_clusters = cluster_codes(clusters, pairable)
    known: dict[str, Any] = {
        "n_items": int(pairable.sum()), "n_clusters": n_clusters, "n_raters": int((~np.isnan(values[:, pairable])).any(axis=1).sum()),
        "n_missing": int((~pairable).sum()), "level": confidence, "source": f"Fleiss 1971, P_i; {INTERVAL}",
    }  # fmt: skip
    if not pairable.any():
        return undefined("agreement.human", "no item has two ratings", **known)
    counts, m = counts[pairable], m[pairable]
    share = (counts * (counts - 1)).sum(1) / (m * (m - 1))
    groups = np.arange(len(share)) if codes is None else codes
    mean = clustered_mean(np.bincount(groups, share).astype(float), np.bincount(groups).astype(float))
    low, high, se, _, trouble = mean.interval(confidence)
    unit = "items" if clusters is None else "scenarios"
    method = f"share of agreeing pairs of raters; t interval over {n_clusters:,} {unit}, raters fixed"
    return Estimate(
        "agreement.human", mean.value, max(low, 0.0), min(high, 1.0), se=se, method="; ".join(filter(None, [method, trouble])), **known
    )  # fmt: skip
