"""Which of many p-values still count once it is known how many there were?"""

import numpy as np
from numpy.typing import ArrayLike

from judgefair.errors import did_you_mean
from judgefair.statistics.resample import Floats

METHODS = {"holm": "holm", "bh": "fdr_bh", "by": "fdr_by"}  # our names and those of statsmodels


def adjust(p: ArrayLike, method: str = "holm") -> Floats:
    """P-values adjusted for their number: reject where the adjusted one is at most the error rate.

    Parameters
    ----------
    p : p-values, in any shape; nan = no test was made, which stays nan and does not count.
    method : "holm" bounds the chance of any false rejection (Holm 1979), "bh" the expected share of false ones among the
        rejections for independent or positively dependent tests (Benjamini and Hochberg 1995), "by" the same under any
        dependence (Benjamini and Yekutieli 2001).

    Returns
    -------
    Adjusted p-values in the shape of `p`.

    Raises
    ------
    ValueError : `method` is none of the three.

    Examples
    --------
    Three tests: Holm multiplies the smallest by 3, the next by 2, and lets none fall below one before it.

    >>> adjust([0.01, 0.04, float("nan"), 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}.{did_you_mean(method, METHODS)} Expected one of: {', '.join(METHODS)}")
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p, dtype=float)
    tested = ~np.isnan(p)
    adjusted = np.full(p.shape, np.nan)
    if tested.any():
        adjusted[tested] = multipletests(p[tested], method=METHODS[method])[1]
    return adjusted
