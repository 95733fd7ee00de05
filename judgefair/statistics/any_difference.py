"""Do populations differ at all in their ratings? A permutation test."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats

SOURCE = "permutation test: Pitman 1937; add-one p-value: Phipson and Smyth 2010"


def any_difference(
    values: Floats,
    populations: object,
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    rng: Rng = 0,
) -> Estimate:
    """Test that the population says nothing of the rating, without naming which population differs.

    The statistic is the spread of the population means about the overall mean, each weighted by its items, after the
    scenario's own mean was taken away where a scenario holds several populations. Populations are permuted within such
    scenarios; scenarios of one population are permuted among each other. All items of one population in a scenario move as
    one: what they share, such as a wording, is noise of the scenario and tells nothing of the population.

    Parameters
    ----------
    values : (n_items,), on the scale, by one kind of rater; nan is left out. Of a judge the test is one of its ratings, of
        humans one of what they see.
    populations : (n_items,) names; rows of no population carry None or "".
    clusters : (n_items,) scenario labels; None takes items as independent.

    Returns
    -------
    Estimate of `any_difference`: the value is the standard deviation of the population means about the overall mean, in
    scale points; p_value is the test's, level the confidence it would need. No interval. Undefined where fewer than two
    populations are rated.

    Examples
    --------
    >>> any_difference([1, 1, 2, 1, 4, 5, 4, 4], list("aaaabbbb"), rng=1).p_value < 0.05
    True
    """
    values = np.asarray(values, dtype=float)
    names = np.array(["" if x is None or x != x else str(x) for x in np.asarray(populations, dtype=object)], dtype=object)
    kept = ~np.isnan(values) & (names != "")
    known: dict[str, Any] = {"n_items": int(kept.sum()), "n_missing": int((~kept).sum()), "level": confidence, "source": SOURCE}
    labels, group = np.unique(names[kept].astype(str), return_inverse=True)
    if len(labels) < 2:
        return undefined("any_difference", "fewer than two populations were rated", **known)
    units = np.arange(len(group)) if clusters is None else np.unique(np.asarray(clusters)[kept], return_inverse=True)[1]
    known["n_clusters"] = int(units.max()) + 1
    blocks, block = np.unique(units * len(labels) + group, return_inverse=True)  # a population's items in a scenario
    unit_of, group_of = np.divmod(blocks, len(labels))
    is_mixed = np.bincount(unit_of)[unit_of] > 1
    x, apart = values[kept], ~is_mixed[block]
    overall = x[apart].mean() if apart.any() else 0.0
    x = x - np.where(apart, overall, (np.bincount(units, x) / np.bincount(units))[units])
    totals, sizes = np.bincount(block, x), np.bincount(block)
    stratum = np.where(is_mixed, unit_of, -1)  # blocks are exchangeable within it
    place = np.argsort(stratum, kind="stable")

    def spread(groups: NDArray[np.int64]) -> float:
        sums, counts = np.bincount(groups, totals, len(labels)), np.bincount(groups, sizes, len(labels))
        return float(np.sqrt((sums**2 / np.maximum(counts, 1)).sum() / len(x)))

    observed = spread(group_of)
    generator = np.random.default_rng(rng)
    at_least, permuted = 0, np.empty_like(group_of)
    for _ in range(n_resamples):
        permuted[place] = group_of[np.lexsort((generator.random(len(blocks)), stratum))]
        at_least += spread(permuted) >= observed - 1e-12
    method = f"spread of population means; {n_resamples:,} permutations of populations " + (
        "within scenarios" if is_mixed.all() else "over items" if clusters is None else "within and over scenarios"
    )
    return Estimate(
        "any_difference", observed, p_value=(1 + at_least) / (1 + n_resamples), method=method,
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip
