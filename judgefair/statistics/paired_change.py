"""What did another version of the judge change, on the same items: does it come closer to the humans, and for whom?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from judgefair.statistics.alpha import SOURCE as ALPHA_SOURCE
from judgefair.statistics.clustered import SOURCE, ClusteredMean
from judgefair.statistics.coincidence import Terms, alpha_from_sums, between_terms, check_level, value_counts
from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.ppi_mean import mean_by_unit
from judgefair.statistics.rate_gap import Words, clustered_share, difference_estimate, share_estimate
from judgefair.statistics.resample import Floats, bootstrap_interval, cluster_codes, described_draws, few_drawn, totals

NO_ROW = "no item has a rating by both versions and by a human"


@dataclass(frozen=True, slots=True)
class PairedChange:
    """What a new version of the judge changed against an old one on the same items, new minus old.

    Attributes
    ----------
    judge_error : mean of judge minus human, in scale points.
    absolute_error : mean distance of judge and human, in scale points; below 0 the new version is closer to the humans.
    alpha : Krippendorff's alpha of judge with humans.
    missing : share of items that the judge did not rate.
    flips : share of items that the two versions rate differently; a magnitude, and of neither version.
    """

    judge_error: Estimate
    absolute_error: Estimate
    alpha: Estimate
    missing: Estimate
    flips: Estimate


def paired_change(
    old: Floats,
    new: Floats,
    human: Floats,
    clusters: object = None,
    *,
    level: str,
    n_resamples: int = 2000,
    rng: Rng = 0,
    confidence: float = 0.95,
) -> PairedChange:
    """What changed between two judges, or two versions of one, on the items of one population.

    Errors and alpha rest on the items that both versions rated, so that a version gains nothing by leaving out what is hard.

    Parameters
    ----------
    old, new : (n_items,), on the scale; nan = missing.
    human : (n_raters, n_items), on the scale; nan = no rating.
    clusters : (n_items,) scenario labels; None takes items as independent. Ratings of one item never are.
    level : "nominal", "ordinal" or "interval", for alpha.

    Returns
    -------
    PairedChange; estimands `change.judge_error`, `change.absolute_error`, `change.alpha`, `change.missing` and
    `change.flips`. The two errors are means over ratings with a t interval over items or scenarios and a two-sided p-value;
    where a scale has no points they say nothing. Alpha has a percentile bootstrap in which both versions are read off the
    same resamples. The change of the missing rate has the interval of `rate_gap`, paired by item, and flips have Wilson's.
    Where there is nothing to compare an estimate is undefined, with the reason.

    Raises
    ------
    ValueError : `level` is none of the three.

    Notes
    -----
    In the change of the error human ratings cancel: (new - human) - (old - human) = new - old. They decide which items
    count, and how often, and nothing else. Whether the change was for the better tells the absolute error.

    Examples
    --------
    The new version is half a point stricter, and closer to the humans by as much:

    >>> found = paired_change([3, 4, 2, 5], [3, 3, 2, 4], [[3, 3, 2, 4]], level="ordinal")
    >>> found.judge_error.value, found.absolute_error.value, found.flips.value
    (-0.5, -0.5, 0.5)
    """
    check_level(level)
    before, after = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    human = np.atleast_2d(np.asarray(human, dtype=float))
    rows = _Rows.of(before, after, human, clusters, confidence)
    item, given, n_units = rows.item, rows.given, int(rows.units.max(initial=-1)) + 1
    moved = after[item] - before[item]
    farther = np.abs(after[item] - given) - np.abs(before[item] - given)
    both = np.where(np.isnan(before) | np.isnan(after), np.nan, before != after)
    words = Words("items", rows.unit, "there are no items"), Words("items", rows.unit, "no item has a rating by both versions")
    lost = [clustered_share(np.isnan(each).astype(float), rows.units, n_units, confidence, words[0]) for each in (after, before)]
    return PairedChange(
        rows.mean("change.judge_error", "mean of judge minus human", mean_by_unit(moved, rows.units[item], n_units)),
        rows.mean("change.absolute_error", "mean distance of judge and human", mean_by_unit(farther, rows.units[item], n_units)),
        _alpha_change(before, after, human, clusters, level, n_resamples, rng, confidence),
        replace(difference_estimate("change.missing", *lost), n_items=len(before)),
        share_estimate("change.flips", clustered_share(both, rows.units, n_units, confidence, words[1])),
    )


def paired_gap_change(
    old: Floats,
    new: Floats,
    human: Floats,
    populations: object,
    reference: str,
    clusters: object = None,
    *,
    confidence: float = 0.95,
) -> Mapping[str, Estimate]:
    """By population, how much more the judge's error moved than it did for the reference, from the old version to the new.

    Parameters
    ----------
    old, new, human, clusters : as for `paired_change`, items of all populations.
    populations : (n_items,) names; items of no population carry None or "".
    reference : the population that gaps are taken against.

    Returns
    -------
    Estimates of `change.judge_error_gap`, the change of `judge_error_gap`, in scale points, with a two-sided p-value; none
    for the reference. Scenarios that both populations share count as pairs. A population without items that both versions
    and a human rated is undefined.

    Examples
    --------
    The new version rates a half a point higher, and b as before:

    >>> found = paired_gap_change([2, 3, 2, 3], [3, 3, 2, 3], [[2, 3, 2, 3]], ["a", "a", "b", "b"], "b")
    >>> found["a"].value
    0.5
    """
    before, after = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    human = np.atleast_2d(np.asarray(human, dtype=float))
    names = np.array(["" if name is None or name != name else str(name) for name in np.asarray(populations, dtype=object)])
    rows = _Rows.of(before, after, human, clusters, confidence)
    moved, n_units = (after - before)[rows.item], int(rows.units.max(initial=-1)) + 1

    def mean_of(name: str) -> ClusteredMean:
        mine = names[rows.item] == name
        return mean_by_unit(moved[mine], rows.units[rows.item[mine]], n_units)

    base = mean_of(reference)
    return {
        name: rows.among(np.isin(names, [name, reference])).mean(
            "change.judge_error_gap", f"judge minus human, {name} minus {reference}", mean_of(name).minus(base)
        )
        for name in sorted({*names.tolist()} - {"", reference})
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """The human ratings of items that both versions rated, and what all items are.

    Attributes
    ----------
    item, rater, given : (n_ratings,) which item, by whom, and the rating.
    units : (n_items,) cluster codes 0..
    chosen : (n_items,) whether an item is among those asked about.
    """

    item: NDArray[np.int64]
    rater: NDArray[np.int64]
    given: Floats
    units: NDArray[np.int64]
    chosen: NDArray[np.bool_]
    unit: str
    confidence: float

    @classmethod
    def of(cls, old: Floats, new: Floats, human: Floats, clusters: object, confidence: float) -> "_Rows":
        rater, item = np.nonzero(~np.isnan(human) & ~np.isnan(old) & ~np.isnan(new))
        units = np.arange(len(old)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
        unit, everything = "items" if clusters is None else "scenarios", np.ones(len(old), dtype=bool)
        return cls(item, rater, human[rater, item], units.astype(np.int64), everything, unit, confidence)

    def among(self, chosen: NDArray[np.bool_]) -> "_Rows":
        """The rows of some items."""
        mine = chosen[self.item]
        return replace(self, item=self.item[mine], rater=self.rater[mine], given=self.given[mine], chosen=chosen)

    def mean(self, estimand: str, what: str, mean: ClusteredMean) -> Estimate:
        """What is reported of a mean over these rows."""
        n_items, n_clusters = len(np.unique(self.item)), len(np.unique(self.units[self.item]))
        known: dict[str, Any] = {
            "n_items": n_items, "n_clusters": n_clusters, "n_raters": len(np.unique(self.rater)),
            "n_missing": int(self.chosen.sum()) - n_items, "level": self.confidence, "source": SOURCE,
        }  # fmt: skip
        if np.isnan(mean.value):
            return undefined(estimand, NO_ROW, **known)
        low, high, se, p_value, trouble = mean.interval(self.confidence)
        how = f"new minus old: {what}, in scale points; paired t interval over {n_clusters:,} {self.unit}, raters fixed"
        method = "; ".join(filter(None, [how, trouble]))
        return Estimate(estimand, mean.value, low, high, se=se, p_value=p_value, method=method, **known)


def _alpha_change(
    old: Floats, new: Floats, human: Floats, clusters: object, level: str, n_resamples: int, rng: Rng, confidence: float
) -> Estimate:
    """Alpha of the new version with humans minus that of the old one, on items that both rated."""
    shared = ~np.isnan(old) & ~np.isnan(new) & ~np.isnan(human).all(axis=0)
    codes, n_clusters = cluster_codes(clusters, shared)
    humans, judges = human[:, shared], np.stack([old[shared], new[shared]])
    n_raters = int((~np.isnan(humans)).any(axis=1).sum())
    known: dict[str, Any] = {
        "n_items": int(shared.sum()), "n_clusters": n_clusters, "n_raters": n_raters,
        "n_missing": int((~shared).sum()), "level": confidence, "source": f"{ALPHA_SOURCE}; pairs restricted to judge and human",
    }  # fmt: skip
    if not shared.any():
        return undefined("change.alpha", NO_ROW, **known)
    for name, judge in zip(("the old version", "the new version"), judges, strict=True):
        values = np.unique(np.append(humans[~np.isnan(humans)], judge))
        if len(values) == 1:
            reason = f"{name} and the humans all say {values[0]:g}: without variance, agreement beyond chance cannot be told"
            return undefined("change.alpha", reason, **known)
    counts, domain = value_counts(np.vstack([humans, judges]))
    positions = np.searchsorted(domain, judges)
    for position in positions:
        counts[np.arange(len(position)), position] -= 1
    rows = np.column_stack([*positions, counts])

    def terms(distinct: NDArray[np.int64]) -> Terms:
        old_terms, new_terms = (between_terms(distinct[:, k], distinct[:, 2:], domain, level) for k in (0, 1))
        if isinstance(old_terms, np.ndarray) and isinstance(new_terms, np.ndarray):
            return np.hstack([old_terms, new_terms])
        return sparse.hstack([old_terms, new_terms], format="csr")

    def change(sums: Floats) -> Floats:
        before, after = (alpha_from_sums(half, level) for half in np.split(sums, 2, axis=1))
        return after - before

    low, high, se, trouble = bootstrap_interval(rows, terms, change, codes, n_resamples, rng, confidence, "percentile")
    unit = "items" if clusters is None else "scenarios"
    drawn = described_draws(n_clusters, unit, n_raters, "items", n_resamples, "percentile")
    notes = [f"new minus old: {level} alpha over judge-human pairs; {drawn}, the same for both", trouble or few_drawn(n_clusters)]
    return Estimate(
        "change.alpha", float(change(totals(terms(rows)))[0]), low, high, se=se, method="; ".join(filter(None, notes)),
        seed=rng if isinstance(rng, int) else None, **known,
    )  # fmt: skip
