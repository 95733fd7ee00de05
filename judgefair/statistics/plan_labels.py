"""How many human labels of which populations would settle the widest gap?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from judgefair.statistics.resample import Floats

SOURCE = "optimal allocation: Neyman 1934; prediction-powered variance: Angelopoulos, Duchi and Zrnic 2023"
MOST = 10_000_000
MAX_RATERS = 10


@dataclass(frozen=True, slots=True)
class Spread:
    """What one population's corrected mean varies by.

    Attributes
    ----------
    label_sd : standard deviation of a labelled item's part, human minus lam times judge, in scale points; the design
        effect of scenarios included.
    judge_se : standard error that is left however many items are labelled, since the judge rated only so many.
    n_items : items there are to label; None is no limit.
    """

    label_sd: float
    judge_se: float = 0.0
    n_items: int | None = None


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """Labels by population, and what they would give.

    Attributes
    ----------
    labels : by population; empty where no number of labels suffices.
    half_widths : by population, of its gap to the reference under the plan (under full labelling where none suffices).
    equal_split : labels in total if every population got the same number; None where that does not suffice either.
    reason : why there is no plan, and what would help; empty otherwise.
    """

    labels: Mapping[str, int]
    half_widths: Mapping[str, float]
    equal_split: int | None
    reason: str

    @property
    def total(self) -> int:
        """Labels over all populations."""
        return sum(self.labels.values())


def spread_from(sd: float, correlation: float, n_items: int | None = None) -> Spread:
    """The spread of a population by assumption: sd of human labels and their correlation with the judge.

    >>> round(spread_from(1.0, 0.8).label_sd, 3)
    0.6
    """
    judge_se = 0.0 if n_items is None else abs(correlation) * sd / sqrt(n_items)
    return Spread(sd * sqrt(1 - correlation**2), judge_se, n_items)


def plan_labels(
    populations: Mapping[str, Spread], reference: str, delta: float, *, confidence: float = 0.95, at_least: int = 25
) -> LabelPlan:
    """The fewest labels that bring the corrected gap of every population to the reference within +-delta.

    Minimises n_r + sum n_k subject to z^2 (s_k^2/n_k + s_r^2/n_r + e_k^2 + e_r^2) <= delta^2 for each k, which for a given n_r is
    solved by each n_k alone. The reference stands in every gap, so it is worth about the square root of the number of
    populations as many labels as each of them, not an equal share. z is Bonferroni's over the gaps.

    Parameters
    ----------
    populations : what each varies by, the reference included; see `spread_from` for assumptions.
    delta : half-width wanted, in scale points, such as the criterion's tolerance.
    at_least : labels no population goes below.

    Raises
    ------
    ValueError : the reference is none of the populations, or delta is not positive.

    Examples
    --------
    Two alike populations, sd 1, no judge: 2 * 1.96^2 / n <= 0.25^2, n = 123 each.

    >>> plan_labels({"a": Spread(1.0), "b": Spread(1.0)}, "b", 0.25).labels
    {'a': 123, 'b': 123}
    """
    if reference not in populations:
        raise ValueError(f"reference is {reference!r}. Expected one of: {', '.join(populations)}")
    if not delta > 0:
        raise ValueError(f"delta is {delta}. Expected a number of scale points above 0")
    at_least = max(at_least, 1)
    others = [name for name in populations if name != reference]
    z = float(stats.norm.ppf(1 - (1 - confidence) / 2 / max(len(others), 1)))
    limit = {name: MOST if spread.n_items is None else spread.n_items for name, spread in populations.items()}
    for name, spread in populations.items():
        if limit[name] < 1 or not np.isfinite([spread.label_sd, spread.judge_se]).all():
            why = f"{name} has no items to label" if limit[name] < 1 else f"how the labels of {name} vary is not known"
            return LabelPlan({}, {}, None, why)

    def half_widths(labels: Mapping[str, int]) -> dict[str, float]:
        part = {name: spread.label_sd**2 / labels[name] + spread.judge_se**2 for name, spread in populations.items()}
        return {name: z * sqrt(part[name] + part[reference]) for name in others}

    widths = half_widths(limit)
    if any(width > delta for width in widths.values()):
        worst = max(widths, key=lambda name: widths[name])
        return LabelPlan(
            {}, widths, None,
            f"even with every item labelled the gap of {worst} would be known to ±{widths[worst]:.2g}, and ±{delta:g} is wanted: "
            "more items (scenarios) are needed, not more labels",
        )  # fmt: skip
    base = populations[reference]

    def needed(n_reference: NDArray[np.int64]) -> dict[str, Floats]:
        """Labels of each population, given those of the reference; inf where none suffices."""
        least = {reference: n_reference.astype(float)}
        for name in others:
            spread = populations[name]
            left = (delta / z) ** 2 - spread.judge_se**2 - base.judge_se**2 - base.label_sd**2 / n_reference
            with np.errstate(divide="ignore"):
                n = np.where(left > 0, np.ceil(spread.label_sd**2 / np.maximum(left, 0) - 1e-9), np.inf)
            n = np.maximum(n, min(at_least, limit[name]))
            least[name] = np.where(n <= limit[name], n, np.inf)
        return least

    first = min(at_least, limit[reference])
    grid = np.unique(np.geomspace(first, limit[reference], 2000).round().astype(np.int64))
    totals = np.sum(list(needed(grid).values()), axis=0)
    # Before rounding up the total is convex in n_r, and rounding adds less than 1 for each other population.
    promising = np.flatnonzero(totals <= totals.min() + len(others))
    near = np.arange(grid[max(promising[0] - 1, 0)], grid[min(promising[-1] + 1, len(grid) - 1)] + 1)
    near = near[:: max(1, len(near) // 100_000)]
    counts = needed(near)
    columns = list(counts.values())
    best = int(np.lexsort((np.max(columns, axis=0), np.sum(columns, axis=0)))[0])  # of equals, the most even
    labels = {name: int(counts[name][best]) for name in populations}
    return LabelPlan(labels, half_widths(labels), _equal_split(half_widths, limit, delta, at_least), "")


def raters_per_item(sd_items: float, sd_raters: float, cost_of_item: float = 1.0) -> int:
    """Raters an item that make the most of a budget of ratings.

    Parameters
    ----------
    sd_items : standard deviation between items of what is estimated, rater noise left out.
    sd_raters : standard deviation of raters about an item's mean.
    cost_of_item : what it costs to prepare and read a new item, in ratings; 0 makes one rater an item always best.

    Notes
    -----
    sqrt(cost_of_item) * sd_raters / sd_items, rounded, at least 1 (two-stage sampling: Cochran 1977, section 10.6).

    >>> raters_per_item(0.5, 1.5), raters_per_item(1.0, 0.8)
    (3, 1)
    """
    if sd_items <= 0:
        return MAX_RATERS if sd_raters > 0 else 1
    return int(np.clip(round(sqrt(cost_of_item) * sd_raters / sd_items), 1, MAX_RATERS))


def _equal_split(
    half_widths: Callable[[Mapping[str, int]], dict[str, float]], limit: Mapping[str, int], delta: float, at_least: int
) -> int | None:
    low, high = at_least, max(limit.values())
    while low < high:
        middle = (low + high) // 2
        if max(half_widths({name: min(middle, most) for name, most in limit.items()}).values(), default=0.0) <= delta:
            high = middle
        else:
            low = middle + 1
    return sum(min(low, most) for most in limit.values())
