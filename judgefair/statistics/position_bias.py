"""Does a verdict between two responses hold when they change places?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judgefair.statistics.bradley_terry import preferences
from judgefair.statistics.clustered import SOURCE as MEAN_SOURCE
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import mean_by_unit
from judgefair.statistics.rate_gap import Words, clustered_share, share_estimate

SOURCE = "verdicts on swapped responses: Zheng et al. 2023, Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena"
NO_PAIR = "no pair of responses has a verdict in both orders"


@dataclass(frozen=True, slots=True)
class PositionBias:
    """What the order of two responses does to the verdict.

    Attributes
    ----------
    inconsistent : share of pairs whose verdict changes when the responses change places.
    first : how much more often the response shown first is preferred than the second, from -1 (never it) to 1 (always).
    """

    inconsistent: Estimate
    first: Estimate


def position_bias(verdict: object, swapped: object, clusters: object = None, *, confidence: float = 0.95) -> PositionBias:
    """Share of pairs whose verdict follows the position, and the mean preference for the response shown first.

    A verdict holds where it names the same response in both orders, or a tie twice. One that changes between a response and a
    tie counts as inconsistent, and for half in `first`.

    Parameters
    ----------
    verdict, swapped : (n_pairs,), the same two responses in one order and in the other: -1 where the response shown first is
        preferred, 0 for a tie, 1 where the one shown second is. A pair with a nan is left out and counted as missing.
    clusters : (n_pairs,) scenario labels; None takes pairs as independent.

    Returns
    -------
    PositionBias, estimands `position_bias.inconsistent` (Wilson interval) and `position_bias.first` (t interval over
    clusters). Undefined, with the reason, without a pair that has both verdicts.

    Raises
    ------
    ValueError : a verdict is none of -1, 0, 1 and nan.

    Notes
    -----
    A judge that answers at random is inconsistent too. Then `first` is near 0: it tells a bias from noise, as
    `bradley_terry`'s order effect does in log odds.

    Examples
    --------
    Two of four verdicts hold. One goes to the response shown first both times, and one becomes a tie.

    >>> found = position_bias([-1, 0, -1, -1], [1, 0, -1, 0])
    >>> found.inconsistent.value, found.first.value
    (0.5, 0.375)
    """
    leaning = -(preferences(verdict, "verdict") + preferences(swapped, "swapped")) / 2
    units = np.arange(len(leaning)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    n_units, unit = int(units.max(initial=-1)) + 1, "pairs" if clusters is None else "clusters"
    words = Words("pairs judged in both orders", unit, NO_PAIR)
    share = clustered_share(np.where(np.isnan(leaning), np.nan, leaning != 0), units, n_units, confidence, words)
    inconsistent = share_estimate("position_bias.inconsistent", share)
    known: dict[str, Any] = {
        "n_items": share.n_rows, "n_clusters": inconsistent.n_clusters, "n_missing": share.n_missing, "level": confidence,
        "source": f"{SOURCE}; {MEAN_SOURCE}",
    }  # fmt: skip
    sourced = replace(inconsistent, source=f"{SOURCE}; {inconsistent.source}")
    if not share.n_rows:
        return PositionBias(sourced, undefined("position_bias.first", NO_PAIR, **known))
    has_both = ~np.isnan(leaning)
    mean = mean_by_unit(leaning[has_both], units[has_both], n_units)
    low, high, se, p_value, trouble = mean.interval(confidence)
    how = "mean over pairs of 1 where what is shown first wins in both orders and -1 where it loses in both"
    method = "; ".join(filter(None, [how, f"t interval over {known['n_clusters']:,} {unit}", trouble]))
    return PositionBias(
        sourced, Estimate("position_bias.first", mean.value, low, high, se=se, p_value=p_value, method=method, **known)
    )
