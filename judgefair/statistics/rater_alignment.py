"""Is the judge further from some populations' raters than other humans are?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgefair.statistics.clustered import TWO_WAY_SOURCE, TwoWayMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

Codes = NDArray[np.int64]
MAX_PAIRS = 1_000_000  # of cells at a time


@dataclass(frozen=True, slots=True)
class RaterAlignment:
    """Judge loss minus human loss against each group's raters, in scale points, and each group minus all others."""

    by_group: Mapping[str, Estimate]
    gaps: Mapping[str, Estimate]


def rater_alignment(
    judge: Floats, values: Floats, rater_groups: object, clusters: object = None, *, confidence: float = 0.95
) -> RaterAlignment:
    """How much further the judge is from the ratings of a group's raters than other humans are from the same ratings.

    For every rating x_ru of a rater r of group g, on an item u that the judge and at least one other human rated, the
    judge's loss is |judge_u - x_ru|. The human loss is the mean of |x_su - x_ru| over the other raters s of u, where
    every group that has such a rater weighs alike and so do the raters within it. The alignment of g is the mean of
    judge loss minus human loss over its ratings: positive where the judge is further from them than other humans are. The
    gap is the alignment of g minus the mean alignment of the other groups, each weighing alike.

    Parameters
    ----------
    judge : (n_items,), on the scale; nan = missing.
    values : (n_raters, n_items), the humans; nan = no rating.
    rater_groups : (n_raters,) names; None or "" = no group. Raters of no group are left out, as others too.
    clusters : (n_items,) scenario labels; None takes items as independent.

    Returns
    -------
    RaterAlignment; estimands `rater_alignment` and `rater_alignment_gap`, the latter with a two-sided p-value of 0.
    `n_missing` counts ratings without a judge or another human. A group with one rater has a point without an interval,
    and no part in the other groups' gaps.

    Notes
    -----
    Single ratings are compared on both sides, so that a group with one rater an item is not found badly served for its
    noise: that noise is in the judge's loss and in the human loss alike. For this to hold between groups, the others
    must be the same mix for every group, the own group included: with squared distances the alignment would be
    (judge - mu_g)^2 less the mean over groups h of (mu_g - mu_h)^2 + var_h, in which the group's own variance is no more.
    Were the others pooled, a group with many raters would be its own yardstick, and a judge who copies the majority
    would be as aligned with the majority as with the rest; were the own group left out, a noisier group would look worse
    served. Weighing groups alike makes the result one of what groups think and not of how many raters were hired. Where a
    group has no other rater on an item, it cannot enter there: groups are comparable where items are rated by the same
    groups, by two raters of each or more.

    If groups do not differ, x_ru and its losses do not depend on the group, and the gap is 0 but for chance.

    Intervals are over raters and items: the two-way cluster-robust variance of Cameron, Gelbach and Miller 2011. An item
    moves the result by its ratings' judge losses less their human losses; a rater by those of the own ratings, and by
    the human losses of the ratings that the own ones are compared with. The raters of a group count as a sample of their
    own. The t has one degree of freedom less than there are items or scenarios, or, where they are fewer, the degrees
    of freedom of the variance between raters (Satterthwaite 1946).

    Examples
    --------
    The judge says what both raters of "a" say; each is 0 from the other and 2 from the raters of "b", 1 on average.

    >>> values = np.array([[1.0], [1.0], [3.0], [3.0]])
    >>> alignment = rater_alignment(np.array([1.0]), values, ["a", "a", "b", "b"])
    >>> alignment.by_group["a"].value, alignment.by_group["b"].value, alignment.gaps["b"].value
    (-1.0, 1.0, 2.0)
    """
    judge, values = np.asarray(judge, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    listed = ["" if name is None or name != name else str(name) for name in np.asarray(rater_groups, dtype=object)]
    names = sorted(set(listed) - {""})
    group_of = np.array([names.index(name) if name else -1 for name in listed], dtype=np.int64)
    rater, item = np.nonzero(~np.isnan(values) & (group_of >= 0)[:, None]) if names else np.empty((2, 0), dtype=np.int64)
    group = group_of[rater]
    usable = ~np.isnan(judge[item]) & (np.bincount(item, minlength=len(judge))[item] >= 2)
    n_missing = np.bincount(group[~usable], minlength=len(names))
    rater, item, group = rater[usable], item[usable], group[usable]
    x = values[rater, item]
    units = np.arange(len(judge)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    human_loss, as_other = _human_losses(item, group, x, len(names))
    excess = np.abs(judge[item] - x) - human_loss
    n_raters = np.array([_n_distinct(rater[group == g]) for g in range(len(names))], dtype=np.int64)
    unit = "items" if clusters is None else "scenarios"

    def estimate(estimand: str, weights: Floats, trouble: str, with_p: bool = False) -> Estimate:
        members, rows = np.flatnonzero(weights), weights[group] != 0
        n_clusters = _n_distinct(units[item[rows]])
        known: dict[str, Any] = {
            "n_items": _n_distinct(item[rows]), "n_clusters": n_clusters, "n_raters": int(n_raters[members].sum()),
            "n_missing": int(n_missing[members].sum()), "level": confidence, "source": TWO_WAY_SOURCE,
        }  # fmt: skip
        if trouble:
            return undefined(estimand, trouble, **known)
        mean = _weighted_mean(weights, excess, as_other, units[item], rater, group)
        low, high, se, p_value, note = mean.interval(confidence)
        method = (
            f"judge loss minus the other humans' loss, groups weighing alike, in scale points; "
            f"t interval over {n_clusters:,} {unit} and {known['n_raters']:,} raters, both resampled"
        )
        return Estimate(
            estimand, mean.value, low, high, se=se, p_value=p_value if with_p else None,
            method="; ".join(filter(None, [method, note])), **known,
        )  # fmt: skip

    by_group, gaps = {}, {}
    for g, name in enumerate(names):
        one, others = np.eye(len(names))[g], n_raters >= 2
        others[g] = False
        trouble = "" if n_raters[g] else "no item that the group rated has another rater and a judge"
        by_group[name] = estimate("rater_alignment", one, trouble)
        trouble = trouble or ("" if others.any() else "no other group has two raters")
        gaps[name] = estimate("rater_alignment_gap", one - others / max(others.sum(), 1), trouble, with_p=True)
    return RaterAlignment(by_group, gaps)


def _human_losses(item: Codes, group: Codes, x: Floats, n_groups: int) -> tuple[Floats, Floats]:
    """Human loss of each rating, (n,), and what each adds to the summed human losses of each group as one of the others.

    The latter, (n, n_groups), is centred: beside what a rating of its group adds on average.

    Ratings of one item, group and value are one cell, so that the cost grows with the pairs of cells an item has and
    not with its pairs of raters.
    """
    if len(x) == 0:
        return np.zeros(0), np.zeros((0, n_groups))
    domain, level = np.unique(x, return_inverse=True)
    keys, cell, n = np.unique((item * n_groups + group) * len(domain) + level, return_inverse=True, return_counts=True)
    place, of_domain = np.divmod(keys, len(domain))
    cell_item, cell_group = place // n_groups, place % n_groups
    value = domain[of_domain]
    at_place = np.bincount(place, n)[place]  # raters of the cell's group on its item
    n_present = np.bincount(np.unique(place) // n_groups)[cell_item] - (at_place == 1)  # groups that have another rater there
    first = np.searchsorted(cell_item, cell_item)
    losses = np.zeros(len(keys))
    adds, weight = np.zeros((2, len(keys), n_groups))
    n_pairs = np.searchsorted(cell_item, cell_item, side="right") - first
    for cells in np.split(np.arange(len(keys)), np.flatnonzero(np.diff(np.cumsum(n_pairs) // MAX_PAIRS)) + 1):
        partners = n_pairs[cells]
        left = np.repeat(cells, partners)
        right = first[left] + np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
        n_others = at_place[right] - (place[left] == place[right])
        left, right, n_others = (each[n_others > 0] for each in (left, right, n_others))
        apart, share = np.abs(value[left] - value[right]), 1 / (n_present[left] * n_others)
        losses += np.bincount(left, n[right] * share * apart, minlength=len(keys))
        compared = (n[left] - (left == right)) * share
        toward = right * n_groups + cell_group[left]
        adds += np.bincount(toward, compared * apart, minlength=adds.size).reshape(adds.shape)
        weight += np.bincount(toward, compared, minlength=adds.size).reshape(adds.shape)
    of_group = np.zeros((n_groups, len(keys)))
    of_group[cell_group, np.arange(len(keys))] = n
    mean = of_group @ adds / np.maximum(of_group @ weight, 1e-300)
    return losses[cell], (adds - weight * mean[cell_group])[cell]


def _weighted_mean(weights: Floats, excess: Floats, as_other: Floats, units: Codes, rater: Codes, group: Codes) -> TwoWayMean:
    """The groups' mean excesses, weighted, and what each rating moves it, as the rating compared and as another human's."""
    n = np.bincount(group, minlength=len(weights))
    means = np.bincount(group, excess, minlength=len(weights)) / np.maximum(n, 1)
    share = weights / np.maximum(n, 1)
    influence = share[group] * (excess - means[group])
    by_rater = influence - as_other @ share
    sides = [side for side in (weights[group] > 0, weights[group] < 0) if side.any()]
    fewest: float = min(_n_distinct(codes[side]) for side in sides for codes in (units, rater))
    if fewest >= 2:
        n_units = min(_n_distinct(units[side]) for side in sides)
        fewest = min(n_units, 1 + _rater_freedom(by_rater, rater, group))
    has_data = np.isin(units, units[weights[group] != 0])
    return TwoWayMean(float(weights @ means), influence, has_data, units, rater, fewest, group, by_rater)


def _n_distinct(codes: Codes) -> int:
    return int(np.count_nonzero(np.bincount(codes)))


def _rater_freedom(influence: Floats, rater: Codes, group: Codes) -> float:
    """Degrees of freedom of the variance between raters, each group having a variance of its own (Satterthwaite 1946)."""
    _, first, codes = np.unique(rater, return_index=True, return_inverse=True)
    variance = np.bincount(group[first], np.bincount(codes, influence) ** 2)
    freedom = np.maximum(np.bincount(group[first]) - 1, 1)
    if variance.sum() <= 1e-20 * (influence**2).sum():  # equal raters, up to rounding: items alone set the freedom
        return np.inf
    return float(variance.sum() ** 2 / (variance**2 / freedom).sum())
