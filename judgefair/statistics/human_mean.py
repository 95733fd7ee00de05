"""What did the humans say of each item on average, and how far may that be off?"""

import numpy as np

from judgefair.statistics.resample import Floats


def mean_and_its_variance(values: Floats) -> tuple[Floats, Floats | None]:
    """Mean rating of each item, and the variance of its error.

    Parameters
    ----------
    values : (n_raters, n_items), on the scale; nan = no rating. Rows need not be raters.

    Returns
    -------
    (n_items,) means, nan where an item has no rating; and (n_items,) variances, in squared scale points: that of ratings
    within items, pooled over the items given, over the number of the item's ratings. None where no item has two.

    Examples
    --------
    The squares within items are 0.5 + 0 with one degree of freedom each: a variance of 0.25, halved for two ratings.

    >>> mean, variance = mean_and_its_variance(np.array([[1.0, 3, 5], [2, 3, np.nan]]))
    >>> mean.tolist(), variance.tolist()
    ([1.5, 3.0, 5.0], [0.125, 0.125, 0.25])
    """
    m = (~np.isnan(values)).sum(0)
    total = np.nansum(values, axis=0)
    mean = np.where(m > 0, total / np.maximum(m, 1), np.nan)
    free = int((m[m > 1] - 1).sum())
    if free == 0:
        return mean, None
    within = float(np.nansum((values - mean) ** 2) / free)
    return mean, np.where(m > 0, within / np.maximum(m, 1), np.nan)
