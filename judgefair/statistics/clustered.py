"""How sure is a mean, or a difference of means, when items come in scenarios, and ratings from raters who gave many?"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import special

from judgefair.statistics.resample import Floats

SOURCE = "cluster-robust (CR1) variance: Liang and Zeger 1986; t with few clusters: Cameron and Miller 2015"
TWO_WAY_SOURCE = (
    "two-way cluster-robust variance: Cameron, Gelbach and Miller 2011; never below either one-way variance: "
    "MacKinnon, Nielsen and Webb 2024; t with few clusters: Cameron and Miller 2015"
)


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
        return _t_interval(self.value, se, self.fewest - 1, confidence)


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


@dataclass(frozen=True, slots=True)
class TwoWayMean:
    """A mean and what each rating moves it, where ratings share clusters one way and raters the other.

    Attributes
    ----------
    influence, has_data, clusters, raters : (n_ratings,), the last two codes 0..
    fewest : clusters or raters behind the mean, whichever are fewer; a fraction where degrees of freedom are a fraction.
    strata : (n_ratings,) codes of the groups that raters were sampled from; each has its own G / (G - 1). None for one group.
    by_rater : (n_ratings,) what a rater moves by a rating, where that is more than `influence`, since other ratings are
        compared with it; None where it is the same.
    """

    value: float
    influence: Floats
    has_data: NDArray[np.bool_]
    clusters: NDArray[np.int64]
    raters: NDArray[np.int64]
    fewest: float
    strata: NDArray[np.int64] | None = None
    by_rater: Floats | None = None

    def minus(self, other: "TwoWayMean") -> "TwoWayMean":
        """The difference of the means of two disjoint parts of one list of ratings."""
        return TwoWayMean(
            self.value - other.value,
            self.influence - other.influence,
            self.has_data | other.has_data,
            self.clusters,
            self.raters,
            min(self.fewest, other.fewest),
        )

    def interval(self, confidence: float) -> tuple[float, float, float, float | None, str]:
        """Low, high, standard error, two-sided p-value of 0, and what to say of the interval.

        V = V_clusters + V_raters - V_cells, where a cell is a cluster's ratings by one rater (Cameron, Gelbach and Miller
        2011), each with its own G / (G - 1). In a sample V can fall below one of the first two, or below 0; then the larger
        of those is taken (MacKinnon, Nielsen and Webb 2024, "Jackknife inference with two-way clustering"). Where a rating
        moves the mean `by_rater` too, its noise counts twice in V_raters, and twice in V_cells, so that V_raters alone is
        no bound, and V_clusters is.
        """
        if self.fewest < 2:
            return nan, nan, nan, None, "no interval: a mean of one cluster or of one rater"
        used = self.has_data
        clusters, raters = self.clusters[used], self.raters[used]
        moved = (self.influence if self.by_rater is None else self.by_rater)[used]
        strata = np.zeros_like(raters) if self.strata is None else self.strata[used]
        over_clusters = _variance(self.influence[used], clusters)
        over_raters = sum(_variance(moved[strata == each], raters[strata == each]) for each in np.unique(strata))
        variance = over_clusters + over_raters - _variance(moved, clusters * (raters.max() + 1) + raters)
        if variance < 1e-12 * (over_clusters + over_raters):  # the parts cancel up to rounding, or are outweighed
            variance = min(variance, 0.0)
        floor = max(over_clusters, over_raters) if self.by_rater is None else over_clusters
        interval = _t_interval(self.value, float(np.sqrt(max(variance, floor))), self.fewest - 1, confidence)
        if interval[-1] or variance >= floor * (1 - 1e-9):
            return interval
        way = "clusters" if over_clusters == floor else "raters"
        return *interval[:-1], f"the two-way variance was smaller than that over {way} alone, which is used"


def two_way_mean(values: Floats, rows: NDArray[np.bool_], clusters: NDArray[np.int64], raters: NDArray[np.int64]) -> TwoWayMean:
    """Mean of the values in `rows`, of ratings that share clusters and raters: all (n_ratings,), codes 0...

    >>> codes = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> two_way_mean(np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4, dtype=bool), *codes).value
    3.0
    """
    n = rows.sum()
    if n == 0:
        return TwoWayMean(nan, np.zeros(len(values)), rows, clusters, raters, 0)
    value = float(values[rows].mean())
    fewest = min(len(np.unique(codes[rows])) for codes in (clusters, raters))
    return TwoWayMean(value, np.where(rows, (values - value) / n, 0.0), rows, clusters, raters, fewest)


def _variance(influence: Floats, codes: NDArray[np.int64]) -> float:
    """The CR1 variance over clusters, of which there are at least two or their share is 0."""
    _, codes = np.unique(codes, return_inverse=True)
    moved = np.bincount(codes, influence)
    return float(len(moved) / max(len(moved) - 1, 1) * (moved**2).sum())


def _t_interval(value: float, se: float, df: float, confidence: float) -> tuple[float, float, float, float | None, str]:
    if se < 1e-12:
        return nan, nan, nan, None, "no interval: no variance between clusters"
    # The functions behind scipy.stats.t, which is many times slower.
    reach = float(special.stdtrit(df, (1 + confidence) / 2)) * se
    p_value = float(2 * special.stdtr(df, -abs(value) / se))
    return value - reach, value + reach, se, p_value, ""
