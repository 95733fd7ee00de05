"""Is the judge as close to the humans as they are to each other?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from judgefair.statistics.clustered import SOURCE as INTERVAL
from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats, cluster_codes


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Mean absolute distance, in scale points, to the mean of the other humans, and judge minus human."""

    human: Estimate
    judge: Estimate
    difference: Estimate


def leave_one_out(judge: Floats, values: Floats, clusters: object = None, *, confidence: float = 0.95) -> LeaveOneOut:
    """Losses of the humans and of the judge against the same means.

    For every rating x_ru with at least one other human on item u, the reference is the mean of those others. The
    human's loss is |x_ru - reference|, the judge's |judge_u - reference|: the same held-out raters, the same number of
    raters behind each reference, so that neither side profits from a less noisy mean.

    Parameters
    ----------
    judge : (n_items,), on the scale; nan = missing.
    values : (n_raters, n_items), the humans; nan = no rating.
    clusters : (n_items,) scenario labels; None takes items as independent.

    Returns
    -------
    LeaveOneOut, estimands `loo.human`, `loo.judge`, `loo.difference`; undefined where no item has two humans and a judge.

    Examples
    --------
    Humans 1 and 3, judge 2: each human is 2 from the other, the judge is 1 from each.

    >>> losses = leave_one_out(np.array([2.0]), np.array([[1.0], [3.0]]))
    >>> losses.human.value, losses.judge.value, losses.difference.value
    (2.0, 1.0, -1.0)
    """
    judge, values = np.asarray(judge, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    rated = ~np.isnan(values)
    m = rated.sum(0)
    usable = ~np.isnan(judge) & (m >= 2)
    codes, n_clusters = cluster_codes(clusters, usable)
    known: dict[str, Any] = {
        "n_items": int(usable.sum()), "n_clusters": n_clusters, "n_raters": int(rated[:, usable].any(axis=1).sum()),
        "n_missing": int((~usable).sum()), "level": confidence, "source": INTERVAL,
    }  # fmt: skip
    if not usable.any():
        reason = "no item has two humans" if (m < 2).all() else "no item has two humans and a judge"
        return LeaveOneOut(*(undefined(f"loo.{name}", reason, **known) for name in ("human", "judge", "difference")))
    judge, values, rated, m = judge[usable], values[:, usable], rated[:, usable], m[usable]
    others = (np.nansum(values, axis=0) - values) / (m - 1)
    groups = np.arange(len(judge)) if codes is None else codes
    counts = np.bincount(groups, m).astype(float)

    def mean_loss(loss: Floats) -> ClusteredMean:
        return clustered_mean(np.bincount(groups, np.nansum(loss, axis=0)).astype(float), counts)

    human_loss, judge_loss = mean_loss(np.abs(values - others)), mean_loss(np.abs(judge - others))
    unit = "items" if clusters is None else "scenarios"

    def estimate(name: str, mean: ClusteredMean, with_p: bool = False) -> Estimate:
        low, high, se, p_value, trouble = mean.interval(confidence)
        method = f"mean absolute distance to the mean of the other humans, in scale points; t interval over {n_clusters:,} {unit}, raters fixed"
        return Estimate(
            name, mean.value, low, high, se=se, p_value=p_value if with_p else None,
            method="; ".join(filter(None, [method, trouble])), **known,
        )  # fmt: skip

    return LeaveOneOut(
        estimate("loo.human", human_loss),
        estimate("loo.judge", judge_loss),
        estimate("loo.difference", judge_loss.minus(human_loss), with_p=True),
    )
