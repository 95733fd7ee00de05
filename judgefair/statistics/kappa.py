"""How far do two ratings of the same items agree beyond chance? Cohen's kappa."""

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats, Interval, bootstrap_interval, cluster_codes, few_drawn, totals

SOURCE = "Cohen 1960; weighted: Cohen 1968"


def kappa(
    a: Floats,
    b: Floats,
    weights: Literal["linear", "quadratic"] | None = None,
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
    rng: Rng = 0,
) -> Estimate:
    """Cohen's kappa of two ratings, with disagreements weighted by their distance on the scale.

    Parameters
    ----------
    a, b : (n_pairs,), on the scale; a pair with a nan is left out.
    weights : None counts every disagreement alike; linear and quadratic weigh by |a - b| and (a - b)^2.
    clusters : (n_pairs,) labels to resample: the scenario or item a pair belongs to; None to resample pairs.
    interval : "percentile", or "bca" (bias-corrected and accelerated: Efron 1987).

    Returns
    -------
    Estimate of `kappa.none`, `kappa.linear` or `kappa.quadratic`. Undefined, with the reason, where no disagreement
    is expected by chance.

    Examples
    --------
    The table of Fleiss, Cohen and Everitt 1969: 100 items, two judges, kappa 0.429.

    >>> table = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
    >>> a, b = np.repeat([0, 0, 0, 1, 1, 1, 2, 2, 2], table.ravel()), np.repeat([0, 1, 2] * 3, table.ravel())
    >>> round(kappa(a, b).value, 3)
    0.429
    """
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(f"weights is {weights!r}. Expected None, 'linear' or 'quadratic'")
    estimand = f"kappa.{weights or 'none'}"
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    paired = ~(np.isnan(a) | np.isnan(b))
    codes, n_clusters = cluster_codes(clusters, paired)
    known: dict[str, Any] = {
        "n_items": int(paired.sum()), "n_clusters": n_clusters, "n_raters": 2, "n_missing": int((~paired).sum()),
        "level": confidence, "source": SOURCE,
    }  # fmt: skip
    if not paired.any():
        return undefined(estimand, "no item has both ratings", **known)
    domain, both = np.unique(np.stack([a[paired], b[paired]]), return_inverse=True)
    if len(domain) == 1:
        return undefined(
            estimand, f"all ratings are {domain[0]:g}: without variance, agreement beyond chance cannot be told", **known
        )
    # Kappa depends on neither origin nor unit; sums of squares would lose digits to both.
    domain = (domain - domain.mean()) / np.ptp(domain)
    rows = both.reshape(2, -1).T.astype(np.int64)
    terms, statistic = (
        (partial(_quadratic_terms, domain=domain), _quadratic_kappa)
        if weights == "quadratic"
        else (partial(_cells, n_values=len(domain)), partial(_kappa, distance=_distance(domain, weights)))
    )
    point = statistic(totals(terms(rows)))[0]
    if np.isnan(point):
        return undefined(estimand, "no disagreement is expected by chance", **known)
    low, high, se, trouble = bootstrap_interval(rows, terms, statistic, codes, n_resamples, rng, confidence, interval)
    unit = "pairs" if clusters is None else "clusters of pairs"
    name = "percentile" if interval == "percentile" else "BCa"
    notes = [
        f"{name} bootstrap over {n_clusters:,} {unit}, {n_resamples:,} resamples",
        trouble or few_drawn(n_clusters, interval),
    ]
    return Estimate(
        estimand, float(point), low, high, se=se, method="; ".join(filter(None, notes)),
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip


def _distance(domain: Floats, weights: str | None) -> Floats:
    apart = np.abs(domain[:, None] - domain[None, :])
    return (apart > 0).astype(float) if weights is None else apart


def _cells(rows: NDArray[np.int64], n_values: int) -> sparse.csr_matrix:
    """Which cell of the table a pair falls into: (n_rows, n_values^2)."""
    cell = rows[:, 0] * n_values + rows[:, 1]
    return sparse.csr_matrix((np.ones(len(rows)), (np.arange(len(rows)), cell)), shape=(len(rows), n_values**2))


def _kappa(sums: Floats, distance: Floats) -> Floats:
    size = len(distance)
    table = sums.reshape(-1, size, size)
    observed = (table * distance).sum((1, 2))
    expected = np.einsum("ri,ij,rj->r", table.sum(2), distance, table.sum(1)) / table.sum((1, 2))
    return _one_minus(observed, expected)


def _quadratic_terms(rows: NDArray[np.int64], domain: Floats) -> Floats:
    a, b = domain[rows].T
    return np.column_stack([np.ones(len(rows)), a, b, a**2, b**2, (a - b) ** 2])


def _quadratic_kappa(sums: Floats) -> Floats:
    n, a, b, aa, bb, observed = sums.T
    return _one_minus(observed, aa + bb - 2 * a * b / n)


def _one_minus(observed: Floats, expected: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 1e-9, 1 - observed / expected, np.nan)
