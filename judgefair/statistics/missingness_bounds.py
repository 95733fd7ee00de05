"""How far could a gap be moved by the ratings that are missing?"""

from dataclasses import replace
from math import isnan

from judgefair.statistics.estimate import Estimate, undefined

SOURCE = "worst-case bounds: Manski 1990; Horowitz and Manski 2000"


def missingness_bounds(
    gap: Estimate,
    mean: float,
    reference_mean: float,
    missing: float,
    reference_missing: float,
    low: float,
    high: float,
) -> Estimate:
    """Bounds of a gap whatever the missing ratings would have been.

    Parameters
    ----------
    gap : population minus reference among the rated items.
    mean, reference_mean : the two means it is made of, in scale points.
    missing, reference_missing : share of the items that should have been rated and were not.
    low, high : ends of the scale; a missing rating is taken to be the one or the other, whichever is worse.

    Returns
    -------
    Estimate of `gap.missingness_bounds`: value is the gap, low and high are bounds of that value. They are no confidence
    interval and hold no sampling error.

    Examples
    --------
    A tenth of a population is missing on a scale of 1 to 5; its mean is 3: the gap may lie 0.2 to either side.

    >>> bounds = missingness_bounds(Estimate("gap.corrected", 0.5), 3.0, 2.5, 0.1, 0.0, 1.0, 5.0)
    >>> round(bounds.low, 3), round(bounds.high, 3)
    (0.3, 0.7)
    """
    if not gap.is_defined or isnan(mean) or isnan(reference_mean):
        return undefined("gap.missingness_bounds", "the gap itself is undefined", source=SOURCE)
    if isnan(missing) or isnan(reference_missing):
        return undefined("gap.missingness_bounds", "no rating was asked for", source=SOURCE)
    down = missing * (mean - low) + reference_missing * (high - reference_mean)
    up = missing * (high - mean) + reference_missing * (reference_mean - low)
    method = (
        f"worst case: {missing:.1%} of the population's and {reference_missing:.1%} of the reference's ratings are missing "
        f"and are set to {low:g} or {high:g}; bounds of the value, not a confidence interval"
    )
    return replace(
        gap, estimand="gap.missingness_bounds", low=gap.value - max(down, 0.0), high=gap.value + max(up, 0.0), se=float("nan"),
        p_value=None, method=method, source=SOURCE,
    )  # fmt: skip
