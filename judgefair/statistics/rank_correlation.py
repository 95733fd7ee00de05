"""Do two ratings put the items in the same order? Spearman's and Kendall's rank correlations."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats, bootstrap, cluster_codes, distinct_rows, few_drawn, percentile_interval

SOURCES = {"spearman": "Spearman 1904, ties by midranks", "kendall": "Kendall 1945, tau-b"}
Codes = NDArray[np.int64]


def rank_correlation(
    a: Floats,
    b: Floats,
    kind: Literal["spearman", "kendall"] = "spearman",
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    rng: Rng = 0,
) -> Estimate:
    """Rank correlation of two ratings of the same items.

    Parameters
    ----------
    a, b : (n_pairs,), on scales of which only the order counts; a pair with a nan is left out.
    kind : "spearman" (correlation of midranks) or "kendall" (tau-b: pairs of items in the same order less those in
        opposite order, with ties taken out of the possible).
    clusters : (n_pairs,) labels to resample: the scenario or item a pair belongs to; None to resample pairs.

    Returns
    -------
    Estimate of `rank_correlation.spearman` or `rank_correlation.kendall`. Undefined, with the reason, where a or b does
    not vary.

    Raises
    ------
    ValueError : `kind` is neither.

    Notes
    -----
    The point is scipy's. The percentile bootstrap draws weights for the distinct pairs, so that time grows with these:
    2,000 resamples of 10,000 pairs take a moment on rating scales and seconds where every value differs.

    Examples
    --------
    Six items, the second rating with one neighbouring swap: 1 - 6 (1 + 1) / (6 (36 - 1)) = 0.943, and 14 of 15 pairs of
    items in the same order, (14 - 1) / 15 = 0.867.

    >>> a, b = np.array([1, 2, 3, 4, 5, 6]), np.array([1, 2, 4, 3, 5, 6])
    >>> round(rank_correlation(a, b).value, 3), round(rank_correlation(a, b, "kendall").value, 3)
    (0.943, 0.867)
    """
    if kind not in SOURCES:
        raise ValueError(f"kind is {kind!r}. Expected 'spearman' or 'kendall'")
    estimand = f"rank_correlation.{kind}"
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    paired = ~(np.isnan(a) | np.isnan(b))
    codes, n_clusters = cluster_codes(clusters, paired)
    known: dict[str, Any] = {
        "n_items": int(paired.sum()), "n_clusters": n_clusters, "n_raters": 2, "n_missing": int((~paired).sum()),
        "level": confidence, "source": SOURCES[kind],
    }  # fmt: skip
    if not paired.any():
        return undefined(estimand, "no item has both ratings", **known)
    a, b = a[paired], b[paired]
    for name, each in (("a", a), ("b", b)):
        if (each == each[0]).all():
            return undefined(estimand, f"{name} is {each[0]:g} on every item: without variance there is no order", **known)
    ranks = [np.unique(each, return_inverse=True)[1] for each in (a, b)]
    point = stats.spearmanr(*ranks) if kind == "spearman" else stats.kendalltau(*ranks)
    distinct, pair = distinct_rows(np.column_stack(ranks))
    draws = bootstrap(
        pair[:, None],
        lambda rows: sparse.identity(len(rows), format="csr"),
        _statistic(kind, *distinct.T),
        codes,
        n_resamples,
        rng,
    )
    low, high, se, trouble = percentile_interval(draws, confidence)
    unit = "pairs" if clusters is None else "clusters of pairs"
    method = f"percentile bootstrap over {n_clusters:,} {unit}, {n_resamples:,} resamples"
    return Estimate(
        estimand, float(point.statistic), low, high, se=se,
        method="; ".join(filter(None, [method, trouble or few_drawn(n_clusters)])),
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip


def _statistic(kind: str, a: Codes, b: Codes) -> Callable[[Floats], Floats]:
    """Maps weights of the distinct pairs of ranks (a, b), as (n_draws, n_pairs), to correlations (n_draws,)."""
    if kind == "spearman":
        return partial(_spearman, a=a, b=b)
    if a.max() > b.max():
        a, b = b, a
    return partial(_kendall, a=a, b=b, splits=_splits(a, b))


def _spearman(weights: Floats, a: Codes, b: Codes) -> Floats:
    drawn = np.ascontiguousarray(weights.T)
    (of_a, var_a), (of_b, var_b) = (_midranks(drawn, codes) for codes in (a, b))
    return _ratio((drawn * of_a[a] * of_b[b]).sum(0), var_a * var_b)


def _midranks(drawn: Floats, codes: Codes) -> tuple[Floats, Floats]:
    """Midrank of each value about the mean rank, (n_values, n_draws), and the sum of their squares over the pairs."""
    n_c = _value_totals(drawn, codes)
    rank = np.cumsum(n_c, axis=0) - n_c / 2 - n_c.sum(0) / 2
    return rank, (n_c * rank**2).sum(0)


def _kendall(weights: Floats, a: Codes, b: Codes, splits: list["_Split"]) -> Floats:
    drawn = np.ascontiguousarray(weights.T)
    net = sum(split.net_concordance(drawn) for split in splits)
    n = drawn.sum(0)
    untied = [n * (n - 1) - (n_c * (n_c - 1)).sum(0) for n_c in (_value_totals(drawn, codes) for codes in (a, b))]
    return _ratio(2 * np.asarray(net), untied[0] * untied[1])


class _Split(NamedTuple):
    """One binary digit of a: every pair of values of a differs first in one digit, among values alike in all higher ones.

    `lower` are pairs with digit 0, sorted by the higher digits and then by b; `upper` those with digit 1. For each of the
    latter, in `lower`: [start, below) has the higher digits and a smaller b, [above, end) the higher digits and a greater b.
    """

    lower: Codes
    upper: Codes
    start: Codes
    below: Codes
    above: Codes
    end: Codes

    def net_concordance(self, drawn: Floats) -> Floats:
        """Weighted pairs of items in the same order less those in opposite order, (n_draws,)."""
        passed = np.zeros((len(self.lower) + 1, drawn.shape[1]))
        np.cumsum(drawn[self.lower], axis=0, out=passed[1:])
        net = passed[self.below] - passed[self.start] - passed[self.end] + passed[self.above]
        total: Floats = np.einsum("pr,pr->r", drawn[self.upper], net)
        return total


def _splits(a: Codes, b: Codes) -> list[_Split]:
    splits = []
    for digit in range(int(a.max()).bit_length()):
        higher, is_upper = a >> (digit + 1), (a >> digit) & 1 == 1
        key = higher * (b.max() + 1) + b
        lower, upper = np.flatnonzero(~is_upper), np.flatnonzero(is_upper)
        lower = lower[np.argsort(key[lower], kind="stable")]
        start, end = (np.searchsorted(higher[lower], higher[upper], side) for side in ("left", "right"))
        below, above = (np.searchsorted(key[lower], key[upper], side) for side in ("left", "right"))
        splits.append(_Split(lower, upper, start, below, above, end))
    return splits


def _value_totals(drawn: Floats, codes: Codes) -> Floats:
    """Weights summed by value: (n_values, n_draws)."""
    pairs = np.arange(len(codes))
    return np.asarray(sparse.csr_matrix((np.ones(len(codes)), (codes, pairs))) @ drawn)


def _ratio(numerator: Floats, squared: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squared > 0, numerator / np.sqrt(squared), np.nan)
