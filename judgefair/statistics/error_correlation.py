"""Do judges err on the same items, and in the same direction?"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import atanh, nan, tanh
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import MIN_DIFFERING
from judgefair.statistics.resample import FEW, Floats, Units, jackknife, totals

SOURCE = (
    "product-moment correlation: Pearson 1896; z scale: Fisher 1921; jackknife there: Miller 1974, "
    "not too small on average: Efron and Stein 1981; over clusters, t with few of them: Cameron and Miller 2015"
)
CORRECTION = "human error subtracted as in Spearman 1904, shared by both judges"
MIN_SHARE = 0.3
"""Below it, of the variance of a judge's error, what is not the humans' error is too little to tell it from chance."""
CONSTANT = 1e-9  # a smaller share of the mean square is rounding
PERFECT = 1e-9
USUAL = 0.9  # share of the items above which one error is usual and all others are rare
PAIR, MEAN = "panel.error_correlation", "panel.error_correlation.mean"
N_SUMS = 7


@dataclass(frozen=True, slots=True)
class ErrorCorrelation:
    """How far the errors of judges go together.

    Attributes
    ----------
    by_pair : of two judges, by their rows in `values`, the lower one first; `panel.error_correlation`.
    mean : over all pairs; `panel.error_correlation.mean`.
    """

    by_pair: Mapping[tuple[int, int], Estimate]
    mean: Estimate


def error_correlation(
    values: Floats,
    human: Floats,
    clusters: object = None,
    *,
    human_error_variance: Floats | float | None = None,
    confidence: float = 0.95,
) -> ErrorCorrelation:
    """Correlation over items of the errors of two judges, an error being judge minus mean human rating.

    Parameters
    ----------
    values : (n_judges, n_items), on the scale; nan = missing. A pair is compared on the items that both rated.
    human : (n_items,), mean human rating of the item; an item with a nan is left out.
    clusters : (n_items,) scenario labels; None takes items as independent.
    human_error_variance : variance of the error of `human`, in squared scale points, one or (n_items,) of them: of a mean
        of m raters, the variance of ratings of one item divided by m. It is subtracted. None leaves it in.

    Returns
    -------
    ErrorCorrelation. p-values are of no correlation. A pair is undefined, with the reason, where a judge's errors do not
    vary, or vary hardly more than the humans' own error; the mean is undefined where a pair is.

    Raises
    ------
    ValueError : `human_error_variance` is negative.

    Notes
    -----
    Errors are taken about their mean: that two judges are both too mild does not correlate their errors.

    The humans' error correlates them. Where the humans of an item would say t on average and their mean is t + h, a judge
    who says t + d_j has the error e_j = d_j - h. With h independent of the judges' own errors d, and v the mean of its
    variance over the items,

        cov(e_j, e_k) = cov(d_j, d_k) + v    and    var(e_j) = var(d_j) + v,

    so that judges with independent errors of variance s^2 seem correlated by v / (s^2 + v). The correction takes v off the
    covariance and off both variances. It needs h to be independent of the judges: it does not serve judges that
    were fitted to these very ratings, nor does it remove what all humans asked get wrong together.

    Items of a scenario are alike, and errors are seldom normal, so Fisher's standard error of z does not hold. The interval is
    a t interval of z = atanh(r), its standard error from a jackknife over scenarios: it asks nothing of the errors
    within scenarios. In simulations it held the truth in 0.93 to 0.97 of the samples from 20 scenarios on, and in fewer where
    errors are rare: with other than usual errors of each judge on about 10 scenarios in 0.87 to 0.92, on about 35 in 0.91 to
    0.94. Below 50 `method` says so, below 5 there is no interval. A corrected correlation can reach 1 by chance; it is then
    undefined, since no z belongs to it.

    Examples
    --------
    Errors 1, -1, 1, -1 and 1, -1, -1, 1 are uncorrelated; humans rate each item 3.

    >>> found = error_correlation(np.array([[4, 2, 4, 2], [4, 2, 2, 4], [5, 1, 4, 2]]), np.full(4, 3))
    >>> found.by_pair[0, 1].value, round(found.by_pair[0, 2].value, 3), round(found.mean.value, 3)
    (0.0, 0.949, 0.422)
    """
    errors, variance = judge_errors(values, human, human_error_variance)
    n_judges, n_items = errors.shape
    pairs = list(combinations(range(n_judges), 2))
    known: dict[str, Any] = {
        "level": confidence, "source": SOURCE if human_error_variance is None else f"{SOURCE}; {CORRECTION}",
    }  # fmt: skip
    if not pairs:
        known |= {"n_raters": n_judges, "n_missing": int(np.isnan(errors).all(axis=0).sum())}
        return ErrorCorrelation({}, undefined(MEAN, "a panel of fewer than two judges has no pair", **known))
    both: NDArray[np.bool_] = np.array([~np.isnan(errors[j] + errors[k]) for j, k in pairs])
    units = np.arange(n_items) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    unit = "items" if clusters is None else "scenarios"
    sums = np.hstack([_sums(errors[j], errors[k], variance, rows, units) for (j, k), rows in zip(pairs, both, strict=True)])
    value = _correlations(totals(sums))[0]
    left = jackknife(Units(sums, np.ones(len(sums), dtype=np.int64)), _correlations)
    has_data = sums[:, ::N_SUMS] > 0
    few = [min(unusual(errors[judge, rows], units[rows]) for judge in pair) for pair, rows in zip(pairs, both, strict=True)]

    def estimate(
        name: str, r: float, left_out: Floats, used: NDArray[np.bool_], n_raters: int, n_unusual: int, reason: str
    ) -> Estimate:  # fmt: skip
        counts: dict[str, Any] = {
            "n_items": int(used.sum()), "n_clusters": len(left_out), "n_raters": n_raters, "n_missing": int((~used).sum()),
        }  # fmt: skip
        if reason:
            return undefined(name, reason, **counts, **known)
        low, high, se, p_value, trouble = _interval(r, left_out, n_unusual, unit, confidence)
        method = (
            f"correlation of judge minus human, {described_error(human_error_variance)}; "
            f"jackknife over {len(left_out):,} {unit}, t interval of Fisher's z"
        )
        return Estimate(
            name, r, low, high, se=se, p_value=p_value, method="; ".join(filter(None, [method, trouble])), **counts, **known
        )  # fmt: skip

    by_pair = {}
    for at, ((j, k), rows) in enumerate(zip(pairs, both, strict=True)):
        reason = _why_undefined((j, k), errors[[j, k]][:, rows], variance[rows], float(value[at]))
        by_pair[j, k] = estimate(PAIR, float(value[at]), left[has_data[:, at], at], rows, 2, few[at], reason)
    lacking = {pair: each.method for pair, each in by_pair.items() if not each.is_defined}
    reason = "".join(f"judges {j} and {k}: {method.removeprefix('undefined: ')}" for (j, k), method in [*lacking.items()][:1])
    mean_left = left[has_data.any(axis=1)].mean(axis=1)
    mean = estimate(MEAN, float(value.mean()), mean_left, np.any(both, axis=0), n_judges, min(few), reason)
    return ErrorCorrelation(by_pair, mean)


def judge_errors(values: Floats, human: Floats, human_error_variance: Floats | float | None) -> tuple[Floats, Floats]:
    """Judge minus human, (n_judges, n_items), nan where one is missing, and the human error variance, 0 where there is none."""
    values, human = np.atleast_2d(np.asarray(values, dtype=float)), np.asarray(human, dtype=float)
    given = 0.0 if human_error_variance is None else human_error_variance
    variance = np.broadcast_to(np.asarray(given, dtype=float), human.shape)
    if (variance < 0).any():
        raise ValueError(f"human_error_variance holds {np.nanmin(variance):g}; a variance is 0 or more")
    return np.where(np.isfinite(variance), values - human, np.nan), np.where(np.isfinite(variance), variance, 0.0)


def described_error(human_error_variance: Floats | float | None) -> str:
    """Whether the humans' error is in a number, for `method`."""
    if human_error_variance is None:
        return "the error of the human mean not taken out, which makes judges seem to err together"
    return "the error variance of the human mean taken out"


def unusual(error: Floats, units: NDArray[np.int64]) -> int:
    """Clusters on which a judge errs by other than usual, where that is rare; `FEW` where it is not, or in more of them.

    Errors are often all 0 but for a few, and then the few are the sample.
    """
    known = ~np.isnan(error)
    error, units = error[known].round(9), units[known]
    values, counts = np.unique(error, return_counts=True)
    if len(error) == 0 or counts.max() <= USUAL * len(error):
        return FEW
    return min(len(np.unique(units[error != values[counts.argmax()]])), FEW)


def jackknife_t(
    value: float, left: Floats, n_unusual: int, unit: str, confidence: float
) -> tuple[float, float, float, float | None, str]:  # fmt: skip
    """Low, high, standard error, two-sided p-value of 0, and what to say without them, from the values without each cluster.

    There is none where judges err by other than usual on fewer than `MIN_DIFFERING` clusters, `n_unusual`. The variance is
    (n - 1) / n times the squares of the values about their mean, (n_clusters,) of them, and the t has one degree of freedom less
    than clusters.
    """
    n = len(left)
    if n < 2 or not np.isfinite(left).all():
        return nan, nan, nan, None, f"no interval: undefined without one of the {n:,} {unit}"
    if n_unusual < MIN_DIFFERING:
        return nan, nan, nan, None, f"no interval: a judge errs by other than usual on {n_unusual} {unit} alone"
    influence = (n - 1) / n * (left.mean() - left)
    *interval, p_value, trouble = ClusteredMean(value, influence, np.ones(n, dtype=bool), n).interval(confidence)
    if not trouble and n_unusual < FEW:
        trouble = f"a judge errs by other than usual on {n_unusual} {unit} alone: the interval tends to be too narrow"
    return interval[0], interval[1], interval[2], p_value, trouble


def _sums(x: Floats, y: Floats, variance: Floats, rows: NDArray[np.bool_], units: NDArray[np.int64]) -> Floats:
    """By cluster, number, sums, squares and product of two judges' errors, and the human error variances, (n_clusters, 7)."""
    parts = [np.ones(len(x)), x, y, x**2, y**2, x * y, variance]
    n_units = int(units.max(initial=-1)) + 1
    return np.column_stack([np.bincount(units[rows], part[rows], minlength=n_units).astype(float) for part in parts])


def _correlations(sums: Floats) -> Floats:
    """From sums of every pair, (r, 7 n_pairs), their correlations (r, n_pairs); nan where errors do not vary."""
    n, x, y, xx, yy, xy, noise = np.moveaxis(sums.reshape(len(sums), -1, N_SUMS), 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = noise / n
        of_x, of_y = ((squares - total**2 / n) / (n - 1) for total, squares in ((x, xx), (y, yy)))
        varies = (of_x * (n - 1) > CONSTANT * xx) & (of_y * (n - 1) > CONSTANT * yy) & (np.minimum(of_x, of_y) > shared)
        return np.where(varies, ((xy - x * y / n) / (n - 1) - shared) / np.sqrt((of_x - shared) * (of_y - shared)), np.nan)


def _why_undefined(pair: tuple[int, int], errors: Floats, variance: Floats, r: float) -> str:
    """`errors` (2, n_items) and `variance` (n_items,) of the items that both judges rated."""
    if errors.shape[1] == 0:
        return "no item has a human's rating and one of each judge"
    for judge, error in zip(pair, errors, strict=True):
        if np.ptp(error) < CONSTANT:
            return f"the errors of judge {judge} are all {error[0]:g}: without variance there is no correlation"
        share = 1 - variance.mean() / error.var(ddof=1)
        if share < MIN_SHARE:
            return (
                f"{max(share, 0.0):.0%} of the variance of judge {judge}'s errors is not the humans' own error, "
                "too little to correct (30 % is needed)"
            )
    if variance.any() and abs(r) >= 1:
        return f"with the humans' error variance taken out the correlation is {r:.2f}, beyond what one can be"
    return "" if np.isfinite(r) else "the errors hardly vary"


def _interval(
    r: float, left: Floats, n_unusual: int, unit: str, confidence: float
) -> tuple[float, float, float, float | None, str]:  # fmt: skip
    """As `jackknife_t`, on the scale of z and back."""
    if abs(r) > 1 - PERFECT:
        return nan, nan, nan, None, "no interval: the errors of one judge follow from those of the other"
    z = np.arctanh(np.where(np.abs(left) < 1 - PERFECT, left, np.nan))
    low, high, se, p_value, trouble = jackknife_t(atanh(r), z, n_unusual, unit, confidence)
    return tanh(low), tanh(high), se * (1 - r**2), p_value, trouble
