"""What gap could these data have seen?"""

from scipy import stats

SOURCE = "Bloom 1995, Minimum detectable effects"


def minimal_effect(se: float, *, power: float = 0.8, confidence: float = 0.95, df: float = float("inf")) -> float:
    """The smallest true gap that a two-sided test would find with the given power, in scale points.

    Parameters
    ----------
    se : standard error of the gap; nan gives nan.
    df : degrees of freedom of its t interval.

    Examples
    --------
    Bloom 1995: at 80 % power and 5 % two-sided, 2.80 standard errors.

    >>> round(minimal_effect(1.0), 2)
    2.8
    """
    return float((stats.t.ppf((1 + confidence) / 2, df) + stats.t.ppf(power, df)) * se)
