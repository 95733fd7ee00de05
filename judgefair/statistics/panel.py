"""What does a panel of judges say of each item, together?"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from judgefair.statistics.coincidence import value_counts
from judgefair.statistics.resample import Floats

Combine = Literal["mean", "median", "majority"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One rating of several judges, by item.

    Attributes
    ----------
    rating : (n_items,), on the scale; nan where the panel gives none.
    n_judges : (n_items,), how many judges rated the item.
    n_tied : items without a rating since two levels or more were named equally often, and most often.
    n_missing : items without a rating since too few judges rated them; none of them is among the tied.
    """

    rating: Floats
    n_judges: NDArray[np.int64]
    n_tied: int
    n_missing: int


def panel(values: Floats, combine: Combine = "mean", *, at_least: int | None = None) -> Panel:
    """The judges' ratings of each item made into one.

    Parameters
    ----------
    values : (n_judges, n_items), on the scale; nan = missing.
    combine : "mean"; "median"; or "majority", the level that most of the judges who rated the item named, whether or not
        they are more than half. On a nominal scale only the last has a meaning.
    at_least : how many judges must have rated an item, or it is left missing. None is more than half of the judges: 2 of
        2, 2 of 3, 3 of 4. A panel of one judge is that judge.

    Returns
    -------
    Panel. A mean, and a median of an even number of judges who are split between two levels, may lie between levels: it
    is then an expected value and no level. A majority is always a level, and a tie for it is left missing, since whatever
    breaks ties favours some levels, and with them the populations that get those levels more often.

    Raises
    ------
    ValueError : `combine` is none of the three, or no panel of these judges could have `at_least` ratings.

    Notes
    -----
    Ratings of fewer judges are noisier and, where judges differ in what they leave out, others' ratings: `n_judges` tells
    which are. `at_least` the number of judges keeps the items that all of them rated.

    Examples
    --------
    Three judges and four items: all agree but one, each names another level, one judge has no rating, two have none.

    >>> nan = float("nan")
    >>> values = np.array([[4, 1, 2, nan], [4, 2, 4, nan], [1, 3, nan, 3]])
    >>> panel(values, "median").rating.tolist()
    [4.0, 2.0, 3.0, nan]
    >>> voted = panel(values, "majority")
    >>> voted.rating.tolist(), voted.n_tied, voted.n_missing
    ([4.0, nan, nan, nan], 2, 1)
    """
    if combine not in get_args(Combine):
        raise ValueError(f"combine is {combine!r}. Expected 'mean', 'median' or 'majority'")
    values = np.atleast_2d(np.asarray(values, dtype=float))
    most = len(values)
    needed = most // 2 + 1 if at_least is None else at_least
    if not 1 <= needed <= most:
        raise ValueError(f"at_least is {needed}. Expected 1 to {most}, the number of judges")
    n_judges = (~np.isnan(values)).sum(axis=0)
    enough = n_judges >= needed
    rating = np.full(values.shape[1], np.nan)
    rating[enough] = _majority(values[:, enough]) if combine == "majority" else _middle(values[:, enough], combine)
    n_missing = int((~enough).sum())
    return Panel(rating, n_judges, int(np.isnan(rating).sum()) - n_missing, n_missing)


def _middle(values: Floats, combine: Combine) -> Floats:
    """Mean or median of the ratings there are, at least one an item."""
    return np.asarray(np.nanmean(values, axis=0) if combine == "mean" else np.nanmedian(values, axis=0), dtype=float)


def _majority(values: Floats) -> Floats:
    """The level named most often on each item, nan where that is not one level alone."""
    counts, domain = value_counts(values)
    if len(domain) == 0:
        return np.full(values.shape[1], np.nan)
    most_named = counts == counts.max(axis=1, keepdims=True)
    return np.where(most_named.sum(axis=1) == 1, domain[most_named.argmax(axis=1)], np.nan)
