"""How far does the judge agree with the humans beyond chance, on the footing of the humans' own alpha?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgefair.statistics.alpha import SOURCE, alpha_from_table
from judgefair.statistics.coincidence import Terms, alpha_from_sums, between_terms, check_level, value_counts
from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import (
    Floats,
    Interval,
    Over,
    bootstrap_interval,
    cluster_codes,
    described_draws,
    few_drawn,
    rater_interval,
    totals,
)


def judge_alpha(
    judge: Floats,
    values: Floats,
    level: str,
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
    over: Over = "items",
    rng: Rng = 0,
) -> Estimate:
    """Krippendorff's alpha over judge-human pairs only.

    Unit u adds 1/m_u to the coincidences for each of its m_u humans, both ways, so that an item counts once however
    many humans rated it. With one human a unit it is the ordinary alpha of two raters.

    Parameters
    ----------
    judge : (n_items,), on the scale; nan = missing.
    values : (n_raters, n_items), the humans; nan = no rating.
    level : "nominal", "ordinal" or "interval".
    clusters : (n_items,) scenario labels to resample, or None to resample items.
    interval, over : as for `alpha`. The judge is never drawn; a human drawn twice counts twice.

    Returns
    -------
    Estimate of `alpha.judge_human`. Undefined, with the reason, where judge and humans share no item or no two values
    differ. `n_missing` counts items without a judge or without a human.

    Examples
    --------
    With one human it is the ordinary alpha:

    >>> from judgefair.statistics.alpha import alpha
    >>> judge, human = np.array([1, 2, 3, 3, 2, 1.0]), np.array([1, 2, 3, 1, 2, 2.0])
    >>> ordinary = alpha(np.stack([judge, human]), "ordinal").value
    >>> abs(judge_alpha(judge, human[None, :], "ordinal").value - ordinary) < 1e-12
    True
    """
    check_level(level)
    judge, values = np.asarray(judge, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    shared = ~np.isnan(judge) & ~np.isnan(values).all(axis=0)
    codes, n_clusters = cluster_codes(clusters, shared)
    known: dict[str, Any] = {
        "n_items": int(shared.sum()),
        "n_clusters": n_clusters,
        "n_raters": int((~np.isnan(values[:, shared])).any(axis=1).sum()),
        "n_missing": int((~shared).sum()),
        "level": confidence,
        "source": f"{SOURCE}; pairs restricted to judge and human",
    }
    if not shared.any():
        return undefined("alpha.judge_human", "no item has both a judge's and a human's rating", **known)
    judge, values = judge[shared], values[:, shared]
    both, domain = value_counts(np.vstack([values, judge]))
    if len(domain) == 1:
        reason = f"judge and humans all say {domain[0]:g}: without variance, agreement beyond chance cannot be told"
        return undefined("alpha.judge_human", reason, **known)
    position = np.searchsorted(domain, judge)
    both[np.arange(len(judge)), position] -= 1
    rows = np.column_stack([position, both])

    def terms(distinct: NDArray[np.int64]) -> Terms:
        return between_terms(distinct[:, 0], distinct[:, 1:], domain, level)

    point = alpha_from_sums(totals(terms(rows)), level)[0]
    unit = "items" if clusters is None else "scenarios"
    if over == "items":
        low, high, se, trouble = bootstrap_interval(
            rows, terms, lambda sums: alpha_from_sums(sums, level), codes, n_resamples, rng, confidence, interval
        )
        n_drawn = n_clusters
    else:
        n_drawn, interval = min(known["n_raters"], n_clusters) if over == "both" else known["n_raters"], "percentile"
        given = np.eye(len(domain))[position]
        low, high, se, trouble = rater_interval(
            values, domain, codes, over, n_resamples, rng, confidence,
            lambda weights, _, units: alpha_from_table(_between_table(given, weights, units), domain, level),
        )  # fmt: skip
    drawn = described_draws(n_clusters, unit, known["n_raters"], over, n_resamples, interval)
    notes = [f"{level} alpha over judge-human pairs; {drawn}", trouble or few_drawn(n_drawn, interval)]
    return Estimate(
        "alpha.judge_human", float(point), low, high, se=se, method="; ".join(filter(None, notes)),
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip


def _between_table(given: Floats, weights: Floats, units: Floats) -> Floats:
    """Coincidences of the judge's values, `given` (n_units, n_values) in 0 and 1, with those of drawn humans, both ways."""
    m = weights.sum(1)
    each = np.divide(units, m, out=np.zeros_like(m), where=m > 0)[:, None]
    one_way: Floats = given.T @ (weights * each)
    return one_way + one_way.T
