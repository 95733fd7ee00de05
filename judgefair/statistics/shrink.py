"""What can be said of small populations if they are taken as members of one family? Empirical Bayes."""

from dataclasses import dataclass
from math import nan

import numpy as np
from scipy import optimize, stats

from judgefair.statistics.resample import Floats

SOURCE = "Morris 1983, Parametric empirical Bayes inference, section 5; between-population variance: Paule and Mandel 1982"


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Raw values beside those drawn towards their common centre; arrays (n_populations,).

    Attributes
    ----------
    raw : the values as they came.
    shrunk, low, high : the value drawn towards the centre and its interval; nan where a population has no value or no
        positive, finite standard error.
    weight : share of the shrunk value that is the population's own, the rest being the centre's.
    tau : standard deviation of the populations' true values; nan where it cannot be told.
    centre : their mean.
    n_used : populations behind tau and centre.
    level : confidence of the intervals.
    method : how it was computed, and why where there is no shrinkage.
    source : author and year of the formula.
    """

    raw: Floats
    shrunk: Floats
    low: Floats
    high: Floats
    weight: Floats
    tau: float
    centre: float
    n_used: int
    level: float
    method: str
    source: str = SOURCE


def shrink(values: Floats, ses: Floats, *, confidence: float = 0.95) -> Shrunk:
    """Values of populations drawn towards their common centre, each the more the less is known of it.

    y_i ~ N(theta_i, V_i) with V_i = se_i^2, theta_i ~ N(mu, A). A is the Paule-Mandel estimate, W_i = 1 / (V_i + A), mu the
    mean weighted by W. With k populations and r_i = k W_i / sum W (Morris 1983, section 5, for a common mean):

        B_i     = (k - 3) / (k - 1) * V_i / (V_i + A)
        theta_i = (1 - B_i) y_i + B_i mu
        s_i^2   = V_i (1 - (k - r_i) / k * B_i) + v_i (y_i - mu)^2
        v_i     = 2 / (k - 3) * B_i^2 * (Vbar + A) / (V_i + A),    Vbar = sum W V / sum W

    r_i carries the uncertainty of mu, and v_i and the factor of B_i that of A; the interval is theta_i +- z s_i.

    Parameters
    ----------
    values, ses : (n_populations,) estimates and their standard errors, in the same units; nan = none.

    Returns
    -------
    Shrunk. The intervals hold the truth as often as they say on average over the populations, not for each: one that is
    truly unlike the others is drawn towards them too. No evidence, then, that a small population is like the others.
    With fewer than 3 populations tau cannot be told: the raw values, without intervals. With 3, B is 0: nothing is
    shrunk, and the intervals are those of the raw values.

    Examples
    --------
    Seven populations of one standard error, raw variance 4.67 against 1 of noise: A = 3.67, B = 4/6 * 1/4.67 = 0.143.

    >>> family = shrink([1, 2, 3, 4, 5, 6, 7], [1] * 7)
    >>> round(family.tau**2, 2), round(family.centre, 2), family.shrunk.round(2).tolist()
    (3.67, 4.0, [1.43, 2.29, 3.14, 4.0, 4.86, 5.71, 6.57])
    """
    raw, ses = np.asarray(values, dtype=float), np.asarray(ses, dtype=float)
    with np.errstate(invalid="ignore"):
        used = np.isfinite(raw) & np.isfinite(ses) & (ses > 0) & (ses**2 > 0)
    k = int(used.sum())
    out_of = f"{k} of {len(raw)} populations have a value and a positive standard error"
    none = np.full(len(raw), nan)
    if k < 3:
        method = f"not shrunk: {out_of}; with fewer than 3 their spread cannot be told; no interval"
        return Shrunk(raw, np.where(used, raw, nan), none, none, np.where(used, 1.0, nan), nan, nan, k, confidence, method)
    y, V = raw[used], ses[used] ** 2
    A = paule_mandel(y, V)
    W = 1 / (V + A)
    mu = float(W @ y / W.sum())
    B = (k - 3) / (k - 1) * V * W
    r = k * W / W.sum()
    v = 2 / (k - 3) * B**2 * (W @ V / W.sum() + A) * W if k > 3 else 0.0
    theta = (1 - B) * y + B * mu
    reach = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(V * (1 - (k - r) / k * B) + v * (y - mu) ** 2)
    method = f"normal-normal empirical Bayes, Paule-Mandel variance, Morris intervals, which hold on average over populations; {out_of}"
    if k == 3:
        method += "; with 3 nothing is shrunk"

    def spread(part: Floats) -> Floats:
        whole = none.copy()
        whole[used] = part
        return whole

    return Shrunk(
        raw,
        spread(theta),
        spread(theta - reach),
        spread(theta + reach),
        spread(1 - B),
        float(np.sqrt(A)),
        mu,
        k,
        confidence,
        method,
    )


def paule_mandel(y: Floats, V: Floats) -> float:
    """Variance between populations at which their weighted sum of squares equals its expectation, k - 1; 0 if it never does.

    >>> round(paule_mandel(np.array([0.0, 2.0, 4.0]), np.ones(3)), 9)
    3.0
    """

    def excess(A: float) -> float:
        W = 1 / (V + A)
        return float(W @ (y - W @ y / W.sum()) ** 2) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    # The weighted squares are least about the weighted mean, so at the raw variance of y the excess is below 0, and surely at twice that.
    top = 2 * float(y.var(ddof=1))
    return float(optimize.brentq(excess, 0.0, top, xtol=max(1e-14 * top, 1e-300)))
