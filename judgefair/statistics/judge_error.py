"""Does the judge rate some populations higher than the humans do, and more so than others?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from judgefair.statistics.clustered import SOURCE, ClusteredMean, clustered_mean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats


@dataclass(frozen=True, slots=True)
class JudgeError:
    """Judge minus human by population, and its gap to the reference, in scale points."""

    by_population: Mapping[str, Estimate]
    gaps: Mapping[str, Estimate]


def judge_error(
    judge: Floats,
    human: Floats,
    populations: object,
    reference: str,
    clusters: object = None,
    *,
    confidence: float = 0.95,
) -> JudgeError:
    """Mean of judge minus human by population, and population minus reference.

    Parameters
    ----------
    judge, human : (n_ratings,), one row for each human rating, on the scale; a row with a nan is left out.
    populations : (n_ratings,) names; rows of no population carry None or "".
    reference : the population that gaps are taken against.
    clusters : (n_ratings,) labels of what was sampled: the scenario, or the item when items are rated more than once.
        None takes rows as independent.

    Returns
    -------
    JudgeError; estimands `judge_error` and `judge_error_gap`, the latter with a two-sided p-value. Where both
    populations share clusters, the gap is paired. A population without rows is undefined there.

    Examples
    --------
    >>> error = judge_error([3, 3, 2, 2], [2, 2, 2, 1], ["a", "a", "b", "b"], "b")
    >>> error.by_population["a"].value, error.gaps["a"].value
    (1.0, 0.5)
    """
    difference = np.asarray(judge, dtype=float) - np.asarray(human, dtype=float)
    names = np.asarray(["" if name is None or name != name else str(name) for name in np.asarray(populations, dtype=object)])
    paired = ~np.isnan(difference)
    units = np.arange(len(difference)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    means = {}
    for name in dict.fromkeys([reference, *sorted(set(names) - {""})]):
        rows = (names == name) & paired
        totals = np.bincount(units[rows], difference[rows], minlength=units.max(initial=-1) + 1).astype(float)
        means[name] = clustered_mean(totals, np.bincount(units[rows], minlength=len(totals)).astype(float))

    def estimate(estimand: str, mean: ClusteredMean, rows: np.ndarray, with_p: bool = False) -> Estimate:
        n_clusters = int(mean.has_data.sum())
        known: dict[str, Any] = {
            "n_items": int((rows & paired).sum()), "n_clusters": n_clusters,
            "n_missing": int((rows & ~paired).sum()), "level": confidence, "source": SOURCE,
        }  # fmt: skip
        if np.isnan(mean.value):
            return undefined(estimand, "no row has both a judge's and a human's rating", **known)
        low, high, se, p_value, trouble = mean.interval(confidence)
        unit = "ratings" if clusters is None else "clusters"
        method = f"judge minus human, in scale points; t interval over {n_clusters:,} {unit}, raters fixed"
        return Estimate(
            estimand, mean.value, low, high, se=se, p_value=p_value if with_p else None,
            method="; ".join(filter(None, [method, trouble])), **known,
        )  # fmt: skip

    return JudgeError(
        {name: estimate("judge_error", mean, names == name) for name, mean in means.items()},
        {
            name: estimate("judge_error_gap", mean.minus(means[reference]), np.isin(names, [name, reference]), with_p=True)
            for name, mean in means.items()
            if name != reference
        },
    )
