"""How much of the variance of ratings is the items' own, and not the raters'? Intraclass correlation."""

from typing import Any, Literal

import numpy as np
from scipy import stats

from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

SOURCE = "Shrout and Fleiss 1979; interval: McGraw and Wong 1996, table 7"
KINDS = ("2,1", "2,k")
APART = 10
"""Where the raters' mean square is more often than not beyond so many times the error's, simulated coverage fell under 94 %."""
RATERS_APART = "raters differ much in level: with few raters the F interval then tends to be too narrow"
TOO_LITTLE = "no interval: the items differ too little beside the raters and the error"


def icc(values: Floats, kind: Literal["2,1", "2,k"] = "2,1", *, confidence: float = 0.95) -> Estimate:
    """Intraclass correlation for absolute agreement, items and raters both taken as samples.

    Parameters
    ----------
    values : (n_raters, n_items), on an interval scale; nan = no rating. Every rater must have rated an item for it to be
        used; a rater without any rating is not counted as one.
    kind : "2,1" for the rating of one rater, "2,k" for the mean of all k raters.

    Returns
    -------
    Estimate of `icc.2_1` or `icc.2_k`, with the F interval (two-way normal model; it gives no standard error). Undefined,
    with the reason, with fewer than two raters or items or where nothing varies. `n_missing` counts items left out.

    Raises
    ------
    ValueError : `kind` is neither.

    Notes
    -----
    The interval leans on an approximation that fails where few raters differ much in level: with as much variance between
    raters as between items, 95 % intervals held the truth in 0.83 of simulations with 4 raters and 200 items, in 0.90 with
    10. `method` says so where the raters' mean square is more than 10 times that of the error.

    Examples
    --------
    The 4 judges and 6 targets of Shrout and Fleiss 1979, table 2: 0.29 for one judge, 0.62 for their mean.

    >>> judges = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]])
    >>> round(icc(judges).value, 2), round(icc(judges, "2,k").value, 2)
    (0.29, 0.62)
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}. Expected one of: {', '.join(map(repr, KINDS))}")
    estimand = f"icc.{kind.replace(',', '_')}"
    values = np.atleast_2d(np.asarray(values, dtype=float))
    values = values[~np.isnan(values).all(axis=1)]
    complete = ~np.isnan(values).any(axis=0) & (len(values) > 0)
    x = values[:, complete]
    k, n = x.shape
    known: dict[str, Any] = {
        "n_items": n, "n_clusters": n, "n_raters": k, "n_missing": int((~complete).sum()),
        "level": confidence, "source": SOURCE,
    }  # fmt: skip
    if k < 2:
        return undefined(estimand, "there is one rater" if k else "there are no ratings", **known)
    if n < 2:
        return undefined(
            estimand, f"{'one item has' if n else 'no item has'} a rating from every rater, and two are needed", **known
        )
    if np.ptp(x) == 0:
        return undefined(estimand, f"all {x.size:,} ratings are {x[0, 0]:g}: without variance there are no shares of it", **known)
    ms_items, ms_raters, ms_error = _mean_squares(x)
    # The variance of a rating and that of a mean of k, both times k. A mean square below its error can leave none.
    of_one = ms_items + (k - 1) * ms_error + k * (ms_raters - ms_error) / n
    of_mean = ms_items + (ms_raters - ms_error) / n
    if (of_one if kind == "2,1" else of_mean) <= 1e-12 * (ms_items + ms_raters + ms_error):
        return undefined(
            estimand, "the items differ so much less than their error that no variance is left to share out", **known
        )
    single = (ms_items - ms_error) / of_one
    point = single if kind == "2,1" else (ms_items - ms_error) / of_mean
    low, high, trouble = _interval(single, ms_items, ms_raters, ms_error, n, k, confidence)
    if kind == "2,k" and not trouble:
        if 1 + (k - 1) * low <= 0:
            low, high, trouble = np.nan, np.nan, "no interval: its lower end has no variance left to share out"
        else:
            low, high = (k * end / (1 + (k - 1) * end) for end in (low, high))
    left_out = known["n_missing"]
    method = [
        f"two-way random, absolute agreement, {'one rater' if kind == '2,1' else f'mean of {k:,} raters'}; F interval over {n:,} items"
        f" and {k:,} raters, both sampled",
        f"items without a rating from every rater, left out: {left_out:,}" if left_out else "",
        trouble or (RATERS_APART if ms_raters > APART * ms_error else ""),
    ]
    return Estimate(estimand, float(point), low, high, method="; ".join(filter(None, method)), **known)


def _mean_squares(x: Floats) -> tuple[float, float, float]:
    """Of items, raters and error. What is rounding beside the whole is 0."""
    k, n = x.shape
    x = (x - x.mean()) / np.ptp(x)
    items, raters = x.mean(axis=0), x.mean(axis=1)
    squares = k * (items**2).sum() / (n - 1), n * (raters**2).sum() / (k - 1)
    error = ((x - items - raters[:, None]) ** 2).sum() / ((n - 1) * (k - 1))
    ms_items, ms_raters, ms_error = (float(square) if square > 1e-24 else 0.0 for square in (*squares, error))
    return ms_items, ms_raters, ms_error


def _interval(
    icc_2_1: float, ms_items: float, ms_raters: float, ms_error: float, n: int, k: int, confidence: float
) -> tuple[float, float, str]:
    """Low, high and what to say where there is none, of ICC(2,1): Satterthwaite's v for the error of raters and residual."""
    if ms_raters + ms_error == 0:
        return np.nan, np.nan, "no interval: no two raters differ on any item"
    a = k * icc_2_1 * ms_raters
    b = (n * (1 - icc_2_1) + k * (n - 1) * icc_2_1) * ms_error
    if a + b == 0:
        return np.nan, np.nan, TOO_LITTLE
    v = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2)
    tail = (1 + confidence) / 2
    f_low, f_high = stats.f.ppf(tail, n - 1, v), stats.f.ppf(tail, v, n - 1)
    if not np.isfinite([f_low, f_high]).all():
        return np.nan, np.nan, TOO_LITTLE
    rest = k * ms_raters + (k * n - k - n) * ms_error
    low = n * (ms_items - f_low * ms_error) / (f_low * rest + n * ms_items)
    high = n * (f_high * ms_items - ms_error) / (rest + n * f_high * ms_items)
    if not low < icc_2_1 < high:
        return np.nan, np.nan, TOO_LITTLE
    return float(low), float(high), ""
