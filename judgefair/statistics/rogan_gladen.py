"""What share of items would humans have called 1, when a judge of known error rates called all of them and humans only some?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

SOURCE = "Rogan and Gladen 1978; interval: Lang and Reiczigel 2014, equations 4, 6, 7, 16 and 17, as in Lee et al. 2025"


@dataclass(frozen=True, slots=True)
class _Share:
    """A proportion with `added` ones and as many zeros put to it: the smoothing of Agresti and Coull.

    `influence` (n,) is what each observation moves it, 0 outside the proportion's rows; `added_variance` what the
    observations put to it contribute. Without clusters the squares sum to the binomial p (1 - p) / n of the smoothed p and n.
    """

    value: float
    influence: Floats
    added_variance: float

    @classmethod
    def of(cls, ones: NDArray[np.bool_], rows: NDArray[np.bool_], added: float) -> "_Share":
        n = rows.sum() + 2 * added
        value = float((ones[rows].sum() + added) / n)
        return cls(value, np.where(rows, ones - value, 0.0) / n, added * ((1 - value) ** 2 + value**2) / n**2)


def rogan_gladen(
    human: Floats,
    judge: Floats,
    judge_eval: Floats,
    clusters: object = None,
    eval_clusters: object = None,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Mean of a binary criterion had humans rated every item: the judge's mean, corrected for its errors.

    The judge's sensitivity se and specificity sp are taken from the labelled items, its share p of ones from the unlabelled
    ones; the corrected mean is (p + sp - 1) / (se + sp - 1). It holds where the judge errs on the unlabelled items as often
    as on labelled ones of the same human level, however many ones there are among either.

    Parameters
    ----------
    human, judge : (n,), 0 or 1, the labelled items; an item with a nan is left out and counted.
    judge_eval : (N,), 0 or 1, the items only the judge rated; nan as above. The labelled items are not among them.
    clusters, eval_clusters : (n,) and (N,) scenario labels; items of a scenario are not independent, nor are labelled
        and unlabelled items under one label. None takes items as independent.

    Returns
    -------
    Estimate of `mean.corrected`, n_items labelled and unlabelled together. Undefined, with the reason, without unlabelled
    items, without a human 1 or a human 0, and where se + sp <= 1: a judge without skill says nothing about humans. A point
    or end of an interval outside 0 to 1 is truncated, as in Lang and Reiczigel, and `method` gives the value before that.
    An interval that lies outside altogether contradicts the correction and is not given.

    Raises
    ------
    ValueError : a value other than 0, 1 or nan; an ordinal scale has to be cut in two first.

    Notes
    -----
    The interval of Lang and Reiczigel puts a right and a wrong judgment to the positives and to the negatives, z^2 / 2 ones
    and zeros to the unlabelled items, and shifts the centre for the bias of the ratio. Its variance is the delta method's,
    summed here over observations, or within scenarios first (then with the CR1 factor, and t with as many degrees of freedom
    as the scenarios with positives, with negatives or with unlabelled items, whichever are fewest, less one).

    Of 95 % intervals over se and sp in 0.7 to 0.95, means of 0.1 to 0.5 and 1,000 unlabelled items, at worst these shares held
    the truth with 25, 50, 100 and 200 labels: this interval 0.944, 0.938, 0.943, 0.947; the plain delta method 0.73, 0.91, 0.95,
    0.95; the same on the logit 0.72, 0.90, 0.92, 0.93.

    Examples
    --------
    The judge calls 400 of 1,000 items 1. Of 200 labelled ones it finds 180, of 200 labelled zeros 140: the example of the code
    published by Lee et al. 2025, with (0.4 + 0.7 - 1) / (0.9 + 0.7 - 1) = 1/6 and an interval of 0.0564 to 0.2627.

    >>> human, judge = np.repeat([1, 1, 0, 0], [180, 20, 60, 140]), np.repeat([1, 0, 1, 0], [180, 20, 60, 140])
    >>> mean = rogan_gladen(human, judge, np.repeat([1, 0], [400, 600]))
    >>> round(mean.value, 4), round(mean.low, 4), round(mean.high, 4)
    (0.1667, 0.0564, 0.2627)
    """
    human, judge, judge_eval = (
        _zeros_and_ones(values, name) for values, name in ((human, "human"), (judge, "judge"), (judge_eval, "judge_eval"))
    )
    labelled, judged = ~np.isnan(human) & ~np.isnan(judge), ~np.isnan(judge_eval)
    units = _units(clusters, eval_clusters, labelled, judged)
    human, judge, judge_eval = human[labelled], judge[labelled], judge_eval[judged]
    known: dict[str, Any] = {
        "n_items": len(human) + len(judge_eval), "n_clusters": len(set(units.tolist())),
        "n_missing": int((~labelled).sum() + (~judged).sum()), "level": confidence, "source": SOURCE,
    }  # fmt: skip
    says_one = np.r_[judge, judge_eval] == 1
    positive, negative = (np.r_[human == level, np.zeros(len(judge_eval), dtype=bool)] for level in (1, 0))
    unlabelled = np.r_[np.zeros(len(human), dtype=bool), np.ones(len(judge_eval), dtype=bool)]
    reason = _why_undefined(int(positive.sum()), int(negative.sum()), len(judge_eval))
    if reason:
        return undefined("mean.corrected", reason, **known)
    se, sp, p = says_one[positive].mean(), (~says_one)[negative].mean(), says_one[unlabelled].mean()
    if se + sp <= 1:
        reason = f"the judge has no skill: sensitivity {se:.3g} and specificity {sp:.3g} do not add up to more than 1"
        return undefined("mean.corrected", reason, **known)
    raw = float((p + sp - 1) / (se + sp - 1))
    value = min(max(raw, 0.0), 1.0)

    z = float(stats.norm.ppf((1 + confidence) / 2))
    shares = (
        _Share.of(says_one, positive, 1), _Share.of(~says_one, negative, 1), _Share.of(says_one, unlabelled, z**2 / 2),
    )  # fmt: skip
    clustered = clusters is not None or eval_clusters is not None
    fewest = min(len(np.unique(units[rows])) for rows in (positive, negative, unlabelled)) if clustered else None
    low, high, error, trouble = _interval(shares, units, fewest, value, z, confidence)
    method = (
        f"judge's mean {p:.3g} of {len(judge_eval):,} unlabelled items corrected by its sensitivity {se:.3g} "
        f"({positive.sum():,} labelled 1) and specificity {sp:.3g} ({negative.sum():,} labelled 0), truncated to 0 to 1"
        f"{'' if raw == value else f' (before: {raw:.3g})'}; Lang-Reiczigel interval, "
        + (f"t over {known['n_clusters']:,} clusters" if clustered else "normal, items independent")
    )
    return Estimate(
        "mean.corrected", value, low, high, se=error, method="; ".join(filter(None, [method, trouble])), **known
    )  # fmt: skip


def _zeros_and_ones(values: Floats, name: str) -> Floats:
    values = np.asarray(values, dtype=float).reshape(-1)
    other = values[~np.isnan(values) & (values != 0) & (values != 1)]
    if len(other):
        raise ValueError(
            f"{name} holds {other[0]:g}; expected 0, 1 or nan. Cut an ordinal scale in two, or use the prediction-powered mean"
        )
    return values


def _units(clusters: object, eval_clusters: object, labelled: NDArray[np.bool_], judged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n + N kept,) codes of what varies together; items without labels of their own are each their own."""
    if clusters is not None and eval_clusters is not None:
        both = np.concatenate([np.asarray(clusters)[labelled], np.asarray(eval_clusters)[judged]])
        return _codes(both)
    first, second = (
        np.arange(keep.sum()) if labels is None else _codes(np.asarray(labels)[keep])
        for labels, keep in ((clusters, labelled), (eval_clusters, judged))
    )
    return np.concatenate([first, second + first.max(initial=-1) + 1])


def _codes(labels: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def _why_undefined(n_positive: int, n_negative: int, n_unlabelled: int) -> str:
    if n_positive + n_negative == 0:
        return "no item has both a human's and a judge's rating"
    if n_positive == 0 or n_negative == 0:
        level, rate = (1, "sensitivity") if n_positive == 0 else (0, "specificity")
        return f"no labelled item is {level}, so that the judge's {rate} is not known"
    return "" if n_unlabelled else "the judge rated no unlabelled item"


def _interval(
    shares: tuple[_Share, _Share, _Share], units: NDArray[np.int64], fewest: int | None, value: float, z: float, confidence: float
) -> tuple[float, float, float, str]:
    """Low, high, standard error, and what to say where there is no interval."""
    nothing = (np.nan, np.nan, np.nan)
    if fewest is not None and fewest < 2:
        return *nothing, "no interval: the labelled ones, the labelled zeros or the unlabelled items are of one cluster"
    se, sp, p = shares
    skill = se.value + sp.value - 1
    if skill <= 1e-12:
        return *nothing, "no interval: with one right and one wrong judgment more of each level the judge has no skill"
    mean = (p.value + sp.value - 1) / skill
    n_clusters = len(np.unique(units))
    factor = 1.0 if fewest is None else n_clusters / (n_clusters - 1)
    weights = (-mean / skill, (1 - mean) / skill, 1 / skill)  # the derivatives of the mean by se, sp and p

    def variance(influence: Floats, added: float) -> float:
        return float(factor * (np.bincount(units, influence) ** 2).sum() + added)

    error = variance(
        np.sum([weight * share.influence for weight, share in zip(weights, shares, strict=True)], axis=0),
        sum(weight**2 * share.added_variance for weight, share in zip(weights, shares, strict=True)),
    ) ** 0.5  # fmt: skip
    shift = 2 * z**2 * (mean * variance(se.influence, se.added_variance) - (1 - mean) * variance(sp.influence, sp.added_variance))
    reach = error * (z if fewest is None else float(stats.t.ppf((1 + confidence) / 2, fewest - 1)))
    low, high = mean + shift - reach, mean + shift + reach
    if high <= 0 or low >= 1:
        where = "below 0" if high <= 0 else "above 1"
        trouble = f"no interval: it would lie {where} ({low:.3g} to {high:.3g}), by chance or since the judge errs otherwise here"
        return *nothing, trouble + " than on the labelled items"
    return min(max(low, 0.0), value), max(min(high, 1.0), value), error, ""
