"""How near does the judge come to the agreement that the humans reach among themselves?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from judgefair.statistics.alpha import SOURCE
from judgefair.statistics.coincidence import Terms, alpha_from_sums, between_terms, check_level, value_counts, within_terms
from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats, bootstrap_interval, cluster_codes, few_drawn, totals


def alpha_ratio(
    judge: Floats,
    values: Floats,
    level: str,
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    rng: Rng = 0,
) -> Estimate:
    """Alpha of the judge with the humans over alpha of the humans among themselves: 1 where the judge agrees as they do.

    Both alphas are computed in each resample, so that the interval knows how they move together.

    Parameters
    ----------
    judge, values, level, clusters : as of `judge_alpha`.

    Returns
    -------
    Estimate of `alpha_ratio`. Undefined where one of the alphas is, or where that of the humans is not above 0, since no
    ratio to it means anything. `n_items` are those with a judge and a human, `n_clusters` what was drawn.

    Raises
    ------
    ValueError : `level` is none of "nominal", "ordinal" and "interval".

    Examples
    --------
    Of four items two humans rate one differently, and the judge sides with the first. Nominal alpha of the humans is
    1 - 7 * 2 / 30 = 8/15: of 8 values 5 are 0 and 3 are 1, and 2 of 8 ordered pairs disagree. Judge and humans give 4.5 times
    0 and 3.5 times 1, and half a pair disagrees both ways: 1 - 7 * 1 / 31.5 = 7/9.

    >>> humans = np.array([[0, 0, 1, 1.0], [0, 0, 1, 0]])
    >>> round(alpha_ratio(humans[0], humans, "nominal").value, 6) == round((7 / 9) / (8 / 15), 6)
    True
    """
    check_level(level)
    judge, values = np.asarray(judge, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    n_humans = (~np.isnan(values)).sum(0)
    rated = ~np.isnan(judge) & (n_humans > 0)
    used = rated | (n_humans > 1)
    codes, n_clusters = cluster_codes(clusters, used)
    known: dict[str, Any] = {
        "n_items": int(rated.sum()), "n_clusters": n_clusters, "n_raters": int((~np.isnan(values[:, used])).any(axis=1).sum()),
        "n_missing": int((~rated).sum()), "level": confidence, "source": SOURCE,
    }  # fmt: skip
    judge, values = judge[used], values[:, used]
    counts, domain = value_counts(np.vstack([values, judge]))
    if len(domain) < 2:
        return undefined("alpha_ratio", "no two ratings differ, or there are none", **known)
    place = np.searchsorted(domain, judge) + 1
    place[np.isnan(judge)] = 0
    there = np.flatnonzero(place)
    counts[there, place[there] - 1] -= 1
    rows = np.column_stack([place, counts])

    def terms(distinct: NDArray[np.int64]) -> sparse.csr_matrix:
        place, counts = distinct[:, 0], distinct[:, 1:]
        is_judged, is_pairable = (place > 0) & counts.any(axis=1), counts.sum(1) > 1
        between = between_terms(place[is_judged] - 1, counts[is_judged], domain, level)
        within = within_terms(counts[is_pairable], domain, level)
        return sparse.hstack([_among_all(between, is_judged), _among_all(within, is_pairable)], format="csr")

    def ratio(sums: Floats) -> Floats:
        with_judge, among_humans = (alpha_from_sums(half, level) for half in np.split(sums, 2, axis=1))
        means_something = among_humans > 0  # false for nan
        found: Floats = np.divide(with_judge, among_humans, out=np.full(len(sums), np.nan), where=means_something)
        return found

    point = float(ratio(totals(terms(rows)))[0])
    if np.isnan(point):
        return undefined("alpha_ratio", "one of both alphas is undefined, or that of the humans is not above 0", **known)
    low, high, se, trouble = bootstrap_interval(rows, terms, ratio, codes, n_resamples, rng, confidence, "percentile")
    unit = "items" if clusters is None else "scenarios"
    drawn = f"{n_clusters:,} {unit}, {n_resamples:,} resamples, the same for both, raters fixed"
    notes = [f"{level} alpha.judge_human over alpha.human; percentile bootstrap over {drawn}", trouble or few_drawn(n_clusters)]
    return Estimate(
        "alpha_ratio",
        point,
        low,
        high,
        se=se,
        method="; ".join(filter(None, notes)),
        seed=rng if isinstance(rng, int) else None,
        **known,
    )


def _among_all(terms: Terms, rows: NDArray[np.bool_]) -> sparse.csr_matrix:
    """The terms of some rows among those of all, which are 0."""
    at = np.flatnonzero(rows)
    place = sparse.csr_matrix((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(rows), len(at)))
    return place @ sparse.csr_matrix(terms)
