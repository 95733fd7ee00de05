"""How often does another population change the rating, beyond what any other wording changes?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judgefair.statistics.clustered import SOURCE as MEAN_SOURCE
from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import combine, mean_by_unit
from judgefair.statistics.rate_gap import ClusteredShare, Words, clustered_share, difference_estimate, share_estimate
from judgefair.statistics.resample import Floats

SOURCE = (
    "changes of a targeted edit against those of paraphrases: Yang, Levy, Goldberg and Wallace 2026, Compared to What?; "
    "negative controls: Lipsitch, Tchetgen Tchetgen and Cohen 2010"
)
OF_ARMS = Words("pairs", "scenarios", "no pair of an arm and its reference has both ratings")
OF_PLACEBOS = Words("pairs", "scenarios", "no pair of a placebo and its reference has both ratings")


@dataclass(frozen=True, slots=True)
class FlipRate:
    """How far ratings change from a reference arm to an arm, to a placebo arm, and the one minus the other.

    Attributes
    ----------
    flips, placebo, excess : share of pairs whose ratings differ.
    change, change_placebo, change_excess : mean absolute difference of the two ratings, in scale points.
    """

    flips: Estimate
    placebo: Estimate
    excess: Estimate
    change: Estimate
    change_placebo: Estimate
    change_excess: Estimate


def flip_rate(
    arm: Floats,
    reference: Floats,
    placebo: Floats,
    placebo_reference: Floats,
    clusters: object,
    placebo_clusters: object,
    *,
    confidence: float = 0.95,
) -> FlipRate:
    """Share of scenarios' arms that are rated otherwise than the reference arm, and its excess over a placebo's share.

    A magnitude has no natural zero: a model that answers another wording otherwise also flips where nothing but the name
    of a person of the same group changed. The excess is what the change of population adds to that, provided that the
    placebo changes the wording as much as the arm does. Where wording and population flip ratings independently of each
    other the excess is somewhat less than the population's share alone, for what both would flip counts once.

    Parameters
    ----------
    arm, reference : (n_pairs,), on the scale: ratings of an arm of a scenario, and of its reference arm. A pair with a nan
        is left out and counted as missing.
    placebo, placebo_reference : (n_placebo_pairs,), the same of a placebo arm (a paraphrase, or another name of the same
        group) and of the arm that it was made from.
    clusters, placebo_clusters : (n_pairs,) and (n_placebo_pairs,) scenario labels; equal labels are one scenario.

    Returns
    -------
    FlipRate; estimands `flip_rate`, `flip_rate.placebo`, `flip_rate.excess` and, in scale points, `change`,
    `change.placebo`, `change.excess`. On a nominal scale the last three say nothing. Shares have Wilson intervals and the
    excess the one of `rate_gap`, paired by scenario and within -1 and 1; changes have t intervals over scenarios. Without
    pairs a share and its excess are undefined: no placebo is no excess, and not an excess over nothing.

    Examples
    --------
    Another population's arm is rated otherwise in three scenarios of four, a paraphrase in one of them.

    >>> scenarios = ["s1", "s2", "s3", "s4"]
    >>> found = flip_rate([1, 3, 4, 4], [2, 2, 2, 4], [2, 3, 2, 4], [2, 2, 2, 4], scenarios, scenarios)
    >>> found.flips.value, found.placebo.value, found.excess.value
    (0.75, 0.25, 0.5)
    >>> found.change.value, found.change_placebo.value, found.change_excess.value
    (1.0, 0.25, 0.75)
    """
    units = np.unique(np.concatenate([np.asarray(clusters), np.asarray(placebo_clusters)]), return_inverse=True)[1]
    n_units, n_pairs = int(units.max(initial=-1)) + 1, len(np.asarray(clusters))
    changes = _changes(arm, reference), _changes(placebo, placebo_reference)
    flips, control = (
        clustered_share(np.where(np.isnan(each), np.nan, each > 0), codes, n_units, confidence, words)
        for each, codes, words in zip(changes, (units[:n_pairs], units[n_pairs:]), (OF_ARMS, OF_PLACEBOS), strict=True)
    )
    change, change_placebo = (
        mean_by_unit(each[~np.isnan(each)], codes[~np.isnan(each)], n_units)
        for each, codes in zip(changes, (units[:n_pairs], units[n_pairs:]), strict=True)
    )
    return FlipRate(
        _sourced(share_estimate("flip_rate", flips)),
        _sourced(share_estimate("flip_rate.placebo", control)),
        _sourced(difference_estimate("flip_rate.excess", flips, control)),
        _change("change", change, [flips]),
        _change("change.placebo", change_placebo, [control]),
        _change("change.excess", combine((1, change), (-1, change_placebo)), [flips, control]),
    )


def _changes(arm: Floats, reference: Floats) -> Floats:
    """Absolute differences, nan where either rating is missing."""
    difference: Floats = np.abs(np.asarray(arm, dtype=float) - np.asarray(reference, dtype=float))
    return difference


def _sourced(estimate: Estimate) -> Estimate:
    return replace(estimate, source=f"{SOURCE}; {estimate.source}")


def _change(estimand: str, mean: ClusteredMean, sides: list[ClusteredShare]) -> Estimate:
    n_clusters = int(mean.has_data.sum())
    known: dict[str, Any] = {
        "n_items": sum(side.n_rows for side in sides), "n_clusters": n_clusters,
        "n_missing": sum(side.n_missing for side in sides), "level": sides[0].level, "source": f"{SOURCE}; {MEAN_SOURCE}",
    }  # fmt: skip
    absent = next((side.words.absent for side in sides if not side.n_rows), "")
    if absent:
        return undefined(estimand, absent, **known)
    low, high, se, p_value, trouble = mean.interval(sides[0].level)
    is_excess = len(sides) > 1
    what = "mean absolute difference of the ratings of pairs, in scale points" + (", minus the placebo's" if is_excess else "")
    method = "; ".join(filter(None, [what, f"t interval over {n_clusters:,} scenarios", trouble]))
    return Estimate(estimand, mean.value, low, high, se=se, p_value=p_value if is_excess else None, method=method, **known)
