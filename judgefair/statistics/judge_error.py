"""Does the judge rate some populations higher than the humans do, and more so than others?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from judgefair.statistics.clustered import SOURCE, TWO_WAY_SOURCE, ClusteredMean, TwoWayMean, clustered_mean, two_way_mean
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
    raters: object = None,
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
    raters : (n_ratings,) labels of who gave each human rating, or None. Where the rows that have both ratings come from
        at least two raters who gave more than one each on average, raters count as sampled too: the variance is two-way,
        over clusters and raters, the t has one degree of freedom less than the fewer of the two, and a population
        rated by one rater has no interval. Otherwise raters are taken as fixed, and counted where they are known.

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
    people = None if raters is None else np.unique(np.asarray(raters), return_inverse=True)[1]
    sampled = people is not None and 2 <= len(np.unique(people[paired])) < paired.sum()
    means: dict[str, Any] = {}  # all of them ClusteredMean, or all TwoWayMean
    for name in dict.fromkeys([reference, *sorted(set(names) - {""})]):
        rows = (names == name) & paired
        if people is not None and sampled:
            means[name] = two_way_mean(difference, rows, units, people)
        else:
            totals = np.bincount(units[rows], difference[rows], minlength=units.max(initial=-1) + 1).astype(float)
            means[name] = clustered_mean(totals, np.bincount(units[rows], minlength=len(totals)).astype(float))

    def estimate(estimand: str, mean: ClusteredMean | TwoWayMean, rows: np.ndarray, with_p: bool = False) -> Estimate:
        used = rows & paired
        n_clusters, n_raters = len(np.unique(units[used])), 0 if people is None else len(np.unique(people[used]))
        known: dict[str, Any] = {
            "n_items": int(used.sum()), "n_clusters": n_clusters, "n_raters": n_raters,
            "n_missing": int((rows & ~paired).sum()), "level": confidence, "source": TWO_WAY_SOURCE if sampled else SOURCE,
        }  # fmt: skip
        if np.isnan(mean.value):
            return undefined(estimand, "no row has both a judge's and a human's rating", **known)
        low, high, se, p_value, note = mean.interval(confidence)
        unit = "ratings" if clusters is None else "clusters"
        over = (
            f"{n_clusters:,} {unit} and {n_raters:,} raters, both resampled"
            if sampled
            else f"{n_clusters:,} {unit}, raters fixed"
        )
        method = f"judge minus human, in scale points; t interval over {over}"
        return Estimate(
            estimand, mean.value, low, high, se=se, p_value=p_value if with_p else None,
            method="; ".join(filter(None, [method, note])), **known,
        )  # fmt: skip

    return JudgeError(
        {name: estimate("judge_error", mean, names == name) for name, mean in means.items()},
        {
            name: estimate("judge_error_gap", mean.minus(means[reference]), np.isin(names, [name, reference]), with_p=True)
            for name, mean in means.items()
            if name != reference
        },
    )
