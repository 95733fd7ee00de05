"""Which intervals hold for a whole family of gaps at once?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Rng
from judgefair.statistics.resample import Floats

SOURCE = "max-T: Hothorn, Bretz and Westfall 2008, Simultaneous inference in general parametric models"
N_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """Intervals that hold together.

    Attributes
    ----------
    low, high : (n_family,); nan for a member without variance.
    level : confidence that all of them hold.
    pointwise_level : level of each interval on its own.
    p_values : (n_family,) two-sided, adjusted for the family; nan for a member without variance.
    """

    low: Floats
    high: Floats
    level: float
    pointwise_level: float
    p_values: Floats


def simultaneous(
    family: Sequence[ClusteredMean], confidence: float = 0.95, *, n_draws: int = N_DRAWS, rng: Rng = 0
) -> Simultaneous:
    """Intervals for all members of a family, as narrow as their correlation allows.

    The members' correlation is that of what clusters move them by. The smallest pointwise p-value of a family without
    any effect is simulated from it, and its quantile takes the place of 1 - confidence in every member's own t interval,
    so that members may differ in degrees of freedom. It is never narrower than one interval and never wider than
    Bonferroni's.

    Parameters
    ----------
    family : means or gaps over the same numbering of clusters.

    Examples
    --------
    Two gaps that move together entirely need no more than one interval (98.75 % would be Bonferroni's four):

    >>> one = ClusteredMean(0.0, np.array([1.0, -1.0, 0.5]) / 3, np.ones(3, dtype=bool), 3)
    >>> round(simultaneous([one, one, one, one]).pointwise_level, 2)
    0.95
    """
    n = len(family)
    spread = np.array([np.sqrt((mean.influence**2).sum()) for mean in family])
    usable = np.array([mean.fewest >= 2 and not np.isnan(mean.value) for mean in family], dtype=bool) & (spread > 1e-12)
    low, high, p_values = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    if not usable.any():
        return Simultaneous(low, high, confidence, confidence, p_values)
    members = np.flatnonzero(usable).tolist()
    moved = np.column_stack([family[i].influence / spread[i] for i in members])
    smallest = _smallest_p(moved.T @ moved, n_draws, rng)
    alpha = float(np.clip(np.quantile(smallest, 1 - confidence), (1 - confidence) / len(members), 1 - confidence))
    for i in members:
        low[i], high[i], _, p_value, _ = family[i].interval(1 - alpha)
        if p_value is not None:
            p_values[i] = np.clip((smallest <= p_value).mean(), p_value, min(1, p_value * len(members)))
    return Simultaneous(low, high, confidence, 1 - alpha, p_values)


def for_equivalence(family: Sequence[ClusteredMean], together: Simultaneous) -> Simultaneous:
    """Intervals at 1 - 2 alpha to read equivalences off, given those at 1 - alpha.

    An equivalence is wrong where a gap beyond the tolerance on one side is estimated inside, so that one alone needs no more
    than two one-sided tests at alpha. For a family, max-T intervals at 1 - 2 alpha are too narrow where gaps lie beyond the
    tolerance on different sides: errors on both sides then add up. Two bounds hold on whatever sides the gaps lie: alpha
    shared out equally (Bonferroni, one-sided), and the two-sided max-T at 1 - alpha. The narrower of both is taken.

    Parameters
    ----------
    family : as `simultaneous` was given.
    together : what it gave.

    Examples
    --------
    One gap alone needs its own 90 % interval:

    >>> one = ClusteredMean(0.0, np.array([1.0, -1.0, 0.5]) / 3, np.ones(3, dtype=bool), 3)
    >>> round(for_equivalence([one], simultaneous([one])).pointwise_level, 2)
    0.9
    """
    alpha = 1 - together.level
    n_members = int(np.count_nonzero(~np.isnan(together.low)))
    pointwise = 1 - max(2 * alpha / max(n_members, 1), 1 - together.pointwise_level)
    ends = np.array([mean.interval(pointwise)[:2] for mean in family]).reshape(-1, 2)
    return Simultaneous(ends[:, 0], ends[:, 1], 1 - 2 * alpha, pointwise, together.p_values)


def _smallest_p(correlation: Floats, n_draws: int, rng: Rng) -> Floats:
    """Draws of the smallest two-sided p-value among correlated members without an effect."""
    size = len(correlation)
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(size))
    z = np.random.default_rng(rng).standard_normal((n_draws, size)) @ root.T
    return np.asarray(2 * special.ndtr(-np.abs(z).max(axis=1)), dtype=float)
