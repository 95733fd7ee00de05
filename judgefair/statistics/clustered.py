"""How sure is a mean, or a difference of means, when items come in scenarios?"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from judgefair.statistics.resample import Floats

SOURCE = "cluster-robust (CR1) variance: Liang and Zeger 1986; t with few clusters: Cameron and Miller 2015"


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A ratio of sums and what each cluster moves it: `influence` (n_clusters,), 0 for clusters without data.

    `fewest`: clusters behind it, for a difference of means behind the mean that has fewer. A small population's mean
    carries nearly all the variance of its gap to a large reference, so the degrees of freedom are the small one's.
    """

    value: float
    influence: Floats
    has_data: NDArray[np.bool_]
    fewest: int

    def minus(self, other: "ClusteredMean") -> "ClusteredMean":
        """The difference of two means; clusters that carry both count as pairs."""
        return ClusteredMean(
            self.value - other.value,
            self.influence - other.influence,
            self.has_data | other.has_data,
            min(self.fewest, other.fewest),
        )

    def interval(self, confidence: float) -> tuple[float, float, float, float | None, str]:
        """Low, high, standard error, two-sided p-value of 0, and what to say where there is no interval."""
        n_clusters = int(self.has_data.sum())
        if self.fewest < 2:
            return nan, nan, nan, None, "no interval: a mean of one cluster"
        se = float(np.sqrt(n_clusters / (n_clusters - 1) * (self.influence**2).sum()))
        if se < 1e-12:
            return nan, nan, nan, None, "no interval: no variance between clusters"
        reach = float(stats.t.ppf((1 + confidence) / 2, self.fewest - 1)) * se
        p_value = float(2 * stats.t.sf(abs(self.value) / se, self.fewest - 1))
        return self.value - reach, self.value + reach, se, p_value, ""


def clustered_mean(totals: Floats, counts: Floats) -> ClusteredMean:
    """Mean of what clusters sum to: sum(totals) / sum(counts), linearised.

    Parameters
    ----------
    totals, counts : (n_clusters,) sum and number of the values of each cluster; a count of 0 is no data.

    >>> clustered_mean(np.array([2.0, 4.0]), np.array([1.0, 1.0])).value
    3.0
    """
    n = counts.sum()
    if n == 0:
        return ClusteredMean(nan, np.zeros(len(totals)), np.zeros(len(totals), dtype=bool), 0)
    value = float(totals.sum() / n)
    return ClusteredMean(value, (totals - value * counts) / n, counts > 0, int((counts > 0).sum()))
