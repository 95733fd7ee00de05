"""Would the judge do in the place of one of the humans? The alternative annotator test."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from judgefair.errors import did_you_mean
from judgefair.statistics.adjust import adjust
from judgefair.statistics.clustered import SOURCE as INTERVAL
from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats, cluster_codes

SOURCE = "Calderon, Reichart and Dror 2025, The Alternative Annotator Test for LLM-as-a-Judge"
SCORES = ("accuracy", "neg_rmse")
ADVISED = 3  # annotators, in the paper's FAQ; with two, the reference for each is the other alone


@dataclass(frozen=True, slots=True)
class AltTest:
    """The judge against each annotator; `p_values`, `wins` and `n_items` are (n_raters,), in the order of the rows.

    Attributes
    ----------
    winning_rate : share of the tested annotators whom the judge may replace; the paper asks for at least 0.5.
    advantage : mean over annotators of the share of their items on which the judge does at least as well as they.
    p_values : one-sided, unadjusted; nan for annotators who could not be tested.
    wins : significant after Benjamini-Yekutieli; False where not tested.
    annotators : rows with enough items, those behind `advantage`.
    n_items : items on which an annotator can be compared with the judge.
    """

    winning_rate: Estimate
    advantage: Estimate
    p_values: Floats
    wins: NDArray[np.bool_]
    annotators: NDArray[np.int64]
    n_items: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class JointAltTest:
    """Winning rates by context and over all annotators of all contexts, their p-values adjusted together."""

    by_context: Mapping[str, Estimate]
    joint: Estimate
    wins: Mapping[str, NDArray[np.bool_]]


def alt_test(
    judge: Floats,
    values: Floats,
    epsilon: float,
    score: str = "accuracy",
    q: float = 0.05,
    clusters: object = None,
    *,
    min_items: int = 30,
    confidence: float = 0.95,
) -> AltTest:
    """Share of the annotators against whom the judge loses by less than epsilon, and how often it does as well as they.

    Annotator j is left out, and the other annotators of each item are the reference for both. W^f is 1 where the judge
    scores at least as well against them as j does, W^h where j scores at least as well as the judge. Tested is
    H0: E(W^h) - E(W^f) >= epsilon, by a one-sided t test of d = W^h - W^f (the paper's section 3).

    Parameters
    ----------
    judge : (n_items,), on the scale; nan = missing.
    values : (n_raters, n_items), the annotators; nan = no rating. Items with one annotator are left out.
    epsilon : what the judge's lower price is worth, as a difference of shares; the paper advises 0.2 where annotators are
        experts, 0.15 where they are skilled, 0.1 where they are crowd-workers.
    score : "accuracy", the share of the others with the same value, or "neg_rmse", the root of the mean squared distance to them.
    q : false discovery rate of the wins.
    clusters : (n_items,) scenario labels; None takes items as independent.
    min_items : an annotator with fewer is not tested; the paper asks for at least 30, for the sake of the t test.

    Returns
    -------
    AltTest, estimands `alt_test.winning_rate` and `alt_test.advantage`; undefined, with the reason, where nobody can be
    tested. Two annotators are enough for the formula; the paper advises three, and `method` says so.

    Raises
    ------
    ValueError : `score` is neither, or `epsilon` is not at least 0 and below 1.

    Notes
    -----
    The advantage is the mean of the annotators' shares rho_j = sum_i W^f_ij / n_j. An item serves several annotators, so
    its interval takes the scenario c (or the item) as the unit: c moves the mean over m annotators by
    (1/m) sum_j sum_(i in c) (W^f_ij - rho_j) / n_j, and the variance is G/(G - 1) times the sum of squares of these.

    Where d never varies the t test divides by 0. If d is c < epsilon in all G scenarios, then under H0 a scenario has
    d > c with a probability of at least (epsilon - c)/(1 - c), since d is at most 1 and its mean at least epsilon, so that
    p = ((1 - epsilon)/(1 - c))^G bounds the chance of what was seen; with c >= epsilon p is 1.

    Examples
    --------
    The judge fails three items on which all agree, and is right on nine on which the third annotator is not:
    it does as well as each of them on 37 of 40.

    >>> humans, judge = np.ones((3, 40)), np.ones(40)
    >>> humans[2, ::4] = judge[:4] = 2
    >>> test = alt_test(judge, humans, 0.2)
    >>> round(test.advantage.value, 3), test.winning_rate.value, test.p_values.round(4).tolist()
    (0.925, 1.0, [0.0026, 0.0026, 0.0001])
    """
    if score not in SCORES:
        raise ValueError(f"score is {score!r}.{did_you_mean(score, SCORES)} Expected one of: {', '.join(SCORES)}")
    if not 0 <= epsilon < 1:
        raise ValueError(f"epsilon is {epsilon!r}. Expected a difference of shares, at least 0 and below 1")
    judge, values = np.asarray(judge, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    m = (~np.isnan(values)).sum(0)
    usable = ~np.isnan(judge) & (m >= 2)
    codes, n_clusters = cluster_codes(clusters, usable)
    known: dict[str, Any] = {
        "n_items": int(usable.sum()), "n_clusters": n_clusters, "n_missing": int((~usable).sum()), "level": confidence,
    }  # fmt: skip
    judge, values = judge[usable], values[:, usable]
    groups = np.arange(len(judge)) if codes is None else codes
    rated = ~np.isnan(values)
    n_items = rated.sum(1)
    annotators = np.flatnonzero(n_items >= max(min_items, 1))
    p_values = np.full(len(values), nan)
    shares = []
    for j in annotators:
        own = rated[j]
        d = _human_ahead(judge[own], values[j, own], np.delete(values[:, own], j, axis=0), score)
        p_values[j] = _p_value(_mean(d, groups[own], n_clusters), epsilon)
        shares.append(_mean((d <= 0).astype(float), groups[own], n_clusters))
    wins = adjust(p_values, "by") <= q
    n_tested = int((~np.isnan(p_values)).sum())
    unit = "items" if clusters is None else "scenarios"
    why = _why_undefined(m, n_items, min_items)
    n_compared = int((n_items > 0).sum())
    advice = f"{n_compared} annotators, where the paper advises {ADVISED} or more" if n_compared < ADVISED else ""
    test_known = known | {"n_raters": n_tested, "source": SOURCE}
    if n_tested:
        method = (
            f"share of {n_tested} annotators, {score}, epsilon {epsilon:g}; one-sided t tests over {unit}, Benjamini-Yekutieli at {q:g}; "
            "no interval: a share of these annotators"
        )
        rate = Estimate(
            "alt_test.winning_rate", float(wins.sum() / n_tested), method="; ".join(filter(None, [method, advice])), **test_known
        )
    else:
        rate = undefined("alt_test.winning_rate", why or f"no annotator has two {unit}", **test_known)
    advantage = _advantage(
        shares, why, f"{score}; t interval over {n_clusters:,} {unit}, cut at 0 and 1", advice, confidence, known
    )
    return AltTest(rate, advantage, p_values, wins, annotators, n_items)


def joint_alt_test(tests: Mapping[str, AltTest], q: float = 0.05) -> JointAltTest:
    """Winning rates of several contexts, the p-values of all their annotators adjusted together.

    Parameters
    ----------
    tests : the test of each context.
    q : false discovery rate over all annotators of all contexts (Benjamini-Yekutieli).

    Returns
    -------
    JointAltTest, estimand `alt_test.winning_rate`. A context in which nobody was tested stays undefined, and does not count.

    Examples
    --------
    >>> humans = np.tile([1.0, 2.0], (3, 20))
    >>> tests = {"tutor": alt_test(humans[0], humans, 0.2), "triage": alt_test(3 - humans[0], humans, 0.2)}
    >>> joint = joint_alt_test(tests)
    >>> joint.by_context["tutor"].value, joint.by_context["triage"].value, joint.joint.value
    (1.0, 0.0, 0.5)
    """
    together = adjust(np.concatenate([np.empty(0), *(test.p_values for test in tests.values())]), "by") <= q
    bounds = np.cumsum([len(test.p_values) for test in tests.values()])[:-1]
    wins = dict(zip(tests, np.split(together, bounds), strict=True)) if tests else {}
    tested = {context: int((~np.isnan(test.p_values)).sum()) for context, test in tests.items()}
    n_tested = sum(tested.values())
    n_contexts = sum(n > 0 for n in tested.values())
    method = f"Benjamini-Yekutieli at {q:g} over {n_tested} annotators of {n_contexts} contexts; no interval: a share of these annotators"
    by_context = {
        context: replace(test.winning_rate, value=float(wins[context].sum() / tested[context]), method=method)
        if tested[context]
        else test.winning_rate
        for context, test in tests.items()
    }
    known: dict[str, Any] = {
        name: sum(getattr(test.winning_rate, name) for test in tests.values())
        for name in ("n_items", "n_clusters", "n_raters", "n_missing")
    } | {"source": SOURCE}
    joint = (
        Estimate("alt_test.winning_rate", float(together.sum() / n_tested), method=method, **known)
        if n_tested
        else undefined("alt_test.winning_rate", "no annotator of any context could be tested", **known)
    )
    return JointAltTest(by_context, joint, wins)


def _human_ahead(judge: Floats, human: Floats, others: Floats, score: str) -> Floats:
    """W^h - W^f of each item: 1 where the human is closer to the others, -1 where the judge is, 0 where they are level."""
    if score == "accuracy":
        judge_loss, human_loss = (((others != each) & ~np.isnan(others)).sum(0).astype(float) for each in (judge, human))
    else:
        judge_loss, human_loss = (np.nansum((others - each) ** 2, axis=0) for each in (judge, human))
    behind = judge_loss - human_loss
    # 0.1 and 0.5 are equally far from 0.3, though not in binary.
    return np.where(np.abs(behind) <= 1e-9 * (judge_loss + human_loss), 0.0, np.sign(behind))


def _mean(per_item: Floats, groups: NDArray[np.int64], n_clusters: int) -> ClusteredMean:
    return clustered_mean(
        np.bincount(groups, per_item, minlength=n_clusters).astype(float), np.bincount(groups, minlength=n_clusters).astype(float)
    )


def _p_value(mean: ClusteredMean, epsilon: float) -> float:
    """Of H0 that the mean of d is at least epsilon; nan for one cluster."""
    if mean.fewest < 2:
        return nan
    se = mean.interval(0.95)[2]
    if not isnan(se):
        return float(stats.t.cdf((mean.value - epsilon) / se, mean.fewest - 1))
    return 1.0 if mean.value >= epsilon else float(((1 - epsilon) / (1 - mean.value)) ** mean.fewest)


def _advantage(
    shares: list[ClusteredMean], why: str, how: str, advice: str, confidence: float, known: dict[str, Any]
) -> Estimate:
    known = known | {"n_raters": len(shares), "source": f"{SOURCE}; {INTERVAL}"}
    if not shares:
        return undefined("alt_test.advantage", why, **known)
    mean = ClusteredMean(
        float(np.mean([share.value for share in shares])),
        np.mean([share.influence for share in shares], axis=0),
        np.any([share.has_data for share in shares], axis=0),
        min(share.fewest for share in shares),
    )
    low, high, se, _, trouble = mean.interval(confidence)
    method = f"mean over {len(shares)} annotators of the share of items on which the judge does at least as well, {how}, annotators fixed"
    return Estimate(
        "alt_test.advantage", mean.value, float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)), se=se,
        method="; ".join(filter(None, [method, trouble, advice])), **known,
    )  # fmt: skip


def _why_undefined(m: NDArray[np.int64], n_items: NDArray[np.int64], min_items: int) -> str:
    if not n_items.any():
        return "no item has two annotators and a judge" if (m >= 2).any() else "no item has two annotators"
    if n_items.max() < min_items:
        return f"no annotator has {min_items} items with another annotator and a judge; the most is {n_items.max()}"
    return ""
