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
    scenarios; scenarios of one population are permuted among each other, whole.

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
    populations are rated or nothing can be permuted.

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
    n_units = int(units.max()) + 1
    known["n_clusters"] = n_units
    per_unit = np.zeros((n_units, len(labels)), dtype=np.int64)
    np.add.at(per_unit, (units, group), 1)
    is_mixed = ((per_unit > 0).sum(1) > 1)[units]
    x = values[kept] - values[kept].mean()
    unit_mean = np.bincount(units, x) / np.bincount(units)
    x = np.where(is_mixed, x - unit_mean[units], x)

    # Whole scenarios move as one, so that their sums are enough; items of mixed scenarios move one by one.
    whole = np.flatnonzero(np.bincount(units[~is_mixed], minlength=n_units) > 0)
    if not is_mixed.any() and len(whole) < 2:
        return undefined("any_difference", "one scenario of one population leaves nothing to permute", **known)
    group_of_unit = np.zeros(n_units, dtype=np.int64)
    group_of_unit[units] = group
    totals, sizes = np.bincount(units, x, minlength=n_units)[whole], np.bincount(units, minlength=n_units)[whole]
    mixed = np.flatnonzero(is_mixed)
    mixed = mixed[np.argsort(units[mixed], kind="stable")]

    def spread(of_whole: NDArray[np.int64], of_mixed: NDArray[np.int64]) -> float:
        sums = np.bincount(of_whole, totals, len(labels)) + np.bincount(of_mixed, x[mixed], len(labels))
        counts = np.bincount(of_whole, sizes, len(labels)) + np.bincount(of_mixed, minlength=len(labels))
        return float(np.sqrt((sums**2 / np.maximum(counts, 1)).sum() / len(x)))

    of_whole, of_mixed = group_of_unit[whole], group[mixed]
    observed = spread(of_whole, of_mixed)
    generator = np.random.default_rng(rng)
    at_least = 0
    for _ in range(n_resamples):
        within = np.lexsort((generator.random(len(mixed)), units[mixed]))
        at_least += spread(generator.permutation(of_whole), of_mixed[within]) >= observed - 1e-12
    method = f"spread of population means; {n_resamples:,} permutations of populations " + (
        "within scenarios" if is_mixed.all() else "over items" if clusters is None else "within and over scenarios"
    )
    return Estimate(
        "any_difference", observed, p_value=(1 + at_least) / (1 + n_resamples), method=method,
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip
