"""Are requests that are alike rated alike, as far as requests are that mean the same?"""

from dataclasses import dataclass
from math import ceil, nan
from typing import Any

import numpy as np
from scipy import sparse

from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.rate_gap import Words, clustered_share, difference_estimate, share_estimate
from judgefair.statistics.resample import TINY, Floats, bootstrap, described_draws, few_drawn, percentile_interval

SOURCE = (
    "Lipschitz condition: Dwork, Hardt, Pitassi, Reingold and Zemel 2012, Fairness through awareness, definition 2.1; the quantile, so "
    "that one more placebo lies above it with at most the declared probability: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018"
)


@dataclass(frozen=True, slots=True)
class Lipschitz:
    """How many pairs are rated further apart than their distance allows.

    Attributes
    ----------
    bound : scale points per unit of distance that all but a small share of placebo pairs keep within.
    violations : share of pairs beyond the bound.
    excess : that share minus the placebo's own.
    """

    bound: Estimate
    violations: Estimate
    excess: Estimate


def lipschitz(
    ratios: Floats,
    placebo: Floats,
    clusters: object,
    placebo_clusters: object,
    *,
    quantile: float = 0.95,
    n_resamples: int = 2000,
    rng: Rng = 0,
    confidence: float = 0.95,
) -> Lipschitz:
    """Share of pairs whose ratings differ by more than L times their distance, where nearly all placebo pairs keep to L.

    The framework says nothing of how large L is. Here it is what a change that means nothing needs: of m placebo ratios the
    ceil((m + 1) q)-th in size, so that a pair that is as a placebo is lies above it with probability 1 - q at most. The placebo's own share
    is of each placebo held against the others, which is the share above the ceil(m q)-th: 1 - q where ratios differ, less with ties.

    Parameters
    ----------
    ratios, placebo : (n_pairs,) and (n_placebo_pairs,) difference of two ratings over their distance, in scale points per
        unit of distance, at least 0; nan = missing, or no distance.
    clusters, placebo_clusters : scenario labels of the pairs; equal labels are one scenario.
    quantile : q, the share of placebo pairs that keep to L.

    Returns
    -------
    Lipschitz; estimands `lipschitz`, `violations` and `violations_excess`, with percentile intervals of a bootstrap over scenarios
    in which L is found anew each time. A share that no resample moves, such as all pairs, has Wilson's interval, and its excess
    Newcombe's, as in `rate_gap`, at this L. Undefined, with the reason, with too few placebo pairs to tell the quantile: 19 for 0.95.

    Examples
    --------
    >>> placebo = np.linspace(0, 1, 20)
    >>> found = lipschitz(np.array([0.5, 2.0, 3.0, 4.0]), placebo, range(4), range(20))
    >>> found.bound.value, found.violations.value, round(found.excess.value, 2)
    (1.0, 0.75, 0.7)
    """
    kept = ~np.isnan(ratios), ~np.isnan(placebo)
    labels = np.concatenate([np.asarray(clusters), np.asarray(placebo_clusters)])[np.concatenate(kept)]
    units = np.unique(labels, return_inverse=True)[1]
    n, m = (int(each.sum()) for each in kept)
    values, rank = np.unique(np.concatenate([ratios[kept[0]], placebo[kept[1]]]), return_inverse=True)
    known: dict[str, Any] = {
        "n_items": n + m, "n_clusters": len(np.unique(units)), "n_missing": sum(int((~each).sum()) for each in kept),
        "level": confidence, "source": SOURCE,
    }  # fmt: skip
    names = ("lipschitz", "violations", "violations_excess")
    if m < (least := _least(quantile)):
        why = f"{m:,} pairs of a placebo and its reference with a distance and both ratings; {least} are needed to tell the quantile {quantile:g}"
        return Lipschitz(*(undefined(name, why, **known) for name in names))
    if not n:
        bound = lipschitz(
            placebo, placebo, placebo_clusters, placebo_clusters, quantile=quantile, rng=rng, confidence=confidence
        ).bound
        why = "no pair of an arm and its reference has a distance and both ratings"
        return Lipschitz(bound, *(undefined(name, why, **known) for name in names[1:]))
    kind = np.repeat([0, 1], [n, m])
    size = len(values)

    def terms(rows: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix(
            (np.ones(len(rows)), (np.arange(len(rows)), rows[:, 0] * size + rows[:, 1])), (len(rows), 2 * size)
        )

    def statistic(sums: Floats) -> Floats:
        return _told(sums.reshape(-1, 2, size), values, quantile)

    point = statistic(np.bincount(kind * size + rank, minlength=2 * size)[None].astype(float))[0]
    draws = bootstrap(np.column_stack([kind, rank]), terms, statistic, units, n_resamples, rng)
    drawn = [
        described_draws(known["n_clusters"], "scenarios", 0, "items", n_resamples, "percentile"),
        few_drawn(known["n_clusters"]),
    ]
    what = (
        f"the quantile {quantile:g} of {m:,} placebo pairs, in scale points per unit of distance",
        f"share of {n:,} pairs beyond {point[0]:.3g} scale points per unit of distance, which {quantile:.0%} of {m:,} placebo pairs keep to",
        f"share of {n:,} pairs beyond the placebo's bound, minus the share of {m:,} placebo pairs beyond that of the others",
    )
    of_pairs, of_placebos = (
        clustered_share((ratio > bound).astype(float), codes, int(units.max()) + 1, confidence, Words("pairs", "scenarios", ""))
        for ratio, bound, codes in (
            (ratios[kept[0]], point[0], units[:n]),
            (placebo[kept[1]], np.sort(placebo[kept[1]])[ceil(m * quantile - 1e-9) - 1], units[n:]),
        )
    )
    fixed = [share_estimate("violations", of_pairs), difference_estimate("violations_excess", of_pairs, of_placebos)]
    told = []
    for name, value, column, how, at_bound in zip(names, point, draws.T, what, [None, *fixed], strict=True):
        low, high, se, trouble = percentile_interval(column, confidence)
        method = [how, *drawn, trouble]
        if at_bound is not None and not np.isnan(column).any() and np.ptp(column) < TINY:
            low, high, method = at_bound.low, at_bound.high, [how, f"no resample moves it; at this bound: {at_bound.method}"]
        seed = rng if isinstance(rng, int) else None
        told.append(Estimate(name, float(value), low, high, se=se, method="; ".join(filter(None, method)), seed=seed, **known))
    return Lipschitz(*told)


def _least(quantile: float) -> int:
    """The fewest placebos of which one is the quantile: ceil((m + 1) q) is at most m.

    >>> _least(0.95)
    19
    """
    return ceil(quantile / (1 - quantile) - 1e-9)


def _told(weights: Floats, values: Floats, quantile: float) -> Floats:
    """(r, 3) bound, share beyond it, and excess, for weights (r, 2, n_values) of pairs and of placebo pairs at each ratio."""
    heaped = weights.cumsum(axis=2)
    n, m = heaped[:, 0, -1], heaped[:, 1, -1]
    needed = np.minimum(np.ceil((m + 1) * quantile - 1e-9), m), np.ceil(m * quantile - 1e-9)
    at, at_others = ((heaped[:, 1] < each[:, None]).sum(axis=1).clip(max=len(values) - 1) for each in needed)
    every = np.arange(len(weights))
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond, own = (n - heaped[every, 0, at]) / n, (m - heaped[every, 1, at_others]) / m
    bound = np.where(m > 0, values[at], nan)
    found: Floats = np.column_stack([bound, np.where(m > 0, beyond, nan), beyond - own])
    return found
