"""How far do raters agree beyond chance? Krippendorff's alpha, with a bootstrap over units or scenarios."""

from typing import Any

import krippendorff
import numpy as np

from judgefair.statistics.coincidence import alpha_from_sums, check_level, value_counts, within_terms
from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats, bootstrap, cluster_codes, few_drawn, percentile_interval

SOURCE = "Krippendorff 2011, Computing Krippendorff's alpha-reliability"


def alpha(
    values: Floats,
    level: str,
    clusters: object = None,
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    rng: Rng = 0,
) -> Estimate:
    """Krippendorff's alpha of raters among themselves.

    Parameters
    ----------
    values : (n_raters, n_items), on the scale; nan = no rating.
    level : "nominal", "ordinal" or "interval".
    clusters : (n_items,) scenario labels to resample, or None to resample items.

    Returns
    -------
    Estimate of `alpha.human`. Undefined, with the reason, where no item has two ratings or no two values differ.

    Raises
    ------
    ValueError : `level` is none of the three.

    Notes
    -----
    The point is `krippendorff.alpha`. The interval is the percentile bootstrap over units (items with two ratings or
    more), drawn as multinomial weights over distinct rows of counts. Raters are taken as fixed.

    Examples
    --------
    The 4 observers and 12 units of Krippendorff 2011, section C: nominal alpha is 0.743.

    >>> nan = float("nan")
    >>> observers = np.array([
    ...     [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    ...     [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    ...     [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    ...     [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ... ])
    >>> round(alpha(observers, "nominal").value, 3)
    0.743
    """
    check_level(level)
    values = np.atleast_2d(np.asarray(values, dtype=float))
    counts, domain = value_counts(values)
    pairable = counts.sum(1) >= 2
    codes, n_clusters = cluster_codes(clusters, pairable)
    known: dict[str, Any] = {
        "n_items": int(pairable.sum()),
        "n_clusters": n_clusters,
        "n_raters": int((~np.isnan(values[:, pairable])).any(axis=1).sum()),
        "n_missing": int((~pairable).sum()),
        "level": confidence,
        "source": SOURCE,
    }
    counts = counts[pairable]
    reason = _why_undefined(counts, domain, values)
    if reason:
        return undefined("alpha.human", reason, **known)
    used = counts.any(axis=0)
    counts, domain = counts[:, used], domain[used]
    point = krippendorff.alpha(value_counts=counts, value_domain=domain.tolist(), level_of_measurement=level)  # type: ignore[arg-type]
    draws = bootstrap(
        counts,
        lambda rows: within_terms(rows, domain, level),
        lambda sums: alpha_from_sums(sums, level),
        codes,
        n_resamples,
        rng,
    )
    low, high, se, trouble = percentile_interval(draws, confidence)
    unit = "items" if clusters is None else "scenarios"
    method = f"{level} alpha; percentile bootstrap over {n_clusters:,} {unit}, {n_resamples:,} resamples, raters fixed"
    return Estimate(
        "alpha.human", float(point), low, high, se=se, method="; ".join(filter(None, [method, trouble or few_drawn(n_clusters)])),
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip


def _why_undefined(counts: np.ndarray, domain: Floats, values: Floats) -> str:
    if len(counts) == 0:
        n_raters = (~np.isnan(values)).any(axis=1).sum()
        return "no item has two ratings" + (", since there is one rater" if n_raters == 1 else "")
    if (counts.sum(0) > 0).sum() == 1:
        value = domain[counts.sum(0) > 0][0]
        return f"all {counts.sum():,} ratings are {value:g}: without variance, agreement beyond chance cannot be told"
    return ""
