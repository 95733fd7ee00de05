"""Which population is served worst, and by how much, once it is granted that one looked at all of them?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from judgefair.statistics.disparity import Disparity, disparity
from judgefair.statistics.estimate import Estimate, Rng, undefined
from judgefair.statistics.resample import Floats
from judgefair.statistics.simultaneous import SOURCE, simultaneous

Better = Literal["higher", "lower", "none"]


@dataclass(frozen=True, slots=True)
class WorstPopulation:
    """The corrected gap that is worst, and all of them with intervals that hold together.

    Attributes
    ----------
    population : its name; None where no gap has an interval.
    worst : how much worse it is served than the reference, in scale points; the p-value is that of "no gap at all".
    gaps : by population, with simultaneous intervals and adjusted p-values.
    spread : largest minus smallest corrected mean. Descriptive: it grows with the number of populations and with noise, and
        carries no interval and no test.
    """

    population: str | None
    worst: Estimate
    gaps: Mapping[str, Estimate]
    spread: Estimate


def worst_population(
    judge: Floats,
    human: Floats,
    populations: object,
    reference: str,
    clusters: object = None,
    lam: float | None = None,
    *,
    better: Better = "higher",
    evaluated: object = None,
    confidence: float = 0.95,
    rng: Rng = 0,
) -> WorstPopulation:
    """The largest corrected gap to the reference in the direction that harms.

    Parameters
    ----------
    judge, human, populations, reference, clusters, lam, evaluated : as in `disparity`.
    better : which way is better; with "none" the largest gap in either direction.

    Returns
    -------
    WorstPopulation. The interval of `worst` reaches from the largest lower to the largest upper end of the simultaneous
    intervals: where all of them hold, so does it. The value itself is the largest of several noisy ones, and too large on
    average.

    Examples
    --------
    >>> human = np.array([3.0, 4.0, 3.0, 1.0, 2.0, 1.0, 3.0, 4.0, 2.0])
    >>> found = worst_population(human, human, ["r"] * 3 + ["a"] * 3 + ["b"] * 3, "r")
    >>> found.population, round(found.worst.value, 3)
    ('a', 2.0)
    """
    return worst_of(
        disparity(judge, human, populations, reference, clusters, lam, evaluated=evaluated, confidence=confidence),
        reference, better=better, confidence=confidence, rng=rng,
    )  # fmt: skip


def worst_of(
    gaps: Disparity, reference: str, *, better: Better = "higher", confidence: float = 0.95, rng: Rng = 0
) -> WorstPopulation:
    """The worst of gaps that were already estimated."""
    names = list(gaps.corrected)
    together = simultaneous([gaps.linear[name] for name in names], confidence, rng=rng)
    kept = {}
    for name, low, high, p_value in zip(names, together.low, together.high, together.p_values, strict=True):
        pointwise = gaps.corrected[name]
        how = f"{pointwise.method}; simultaneous over {len(names)} gaps (max-T)"
        kept[name] = replace(
            pointwise, low=float(low), high=float(high), p_value=None if np.isnan(p_value) else float(p_value), method=how,
            seed=rng if isinstance(rng, int) else None, source=SOURCE,
        ) if pointwise.is_defined else pointwise  # fmt: skip
    means = [mean.value for mean in gaps.mean_corrected.values() if mean.is_defined]
    spread = (
        Estimate("corrected_mean_spread", max(means) - min(means), method="largest minus smallest corrected mean; descriptive, no interval")
        if len(means) > 1
        else undefined("corrected_mean_spread", "fewer than two populations have a corrected mean")
    )  # fmt: skip
    harm = {name: _harm(gap, better) for name, gap in kept.items() if not np.isnan(gap.low)}
    if not harm:
        return WorstPopulation(
            None, undefined("worst_population", "no corrected gap has an interval", level=confidence), kept, spread
        )
    worst = max(harm, key=lambda name: harm[name][1])
    p_values = [gap.p_value for gap in kept.values() if gap.p_value is not None]
    return WorstPopulation(
        worst,
        replace(
            kept[worst], estimand="worst_population", value=harm[worst][1], low=max(h[0] for h in harm.values()),
            high=max(h[2] for h in harm.values()), se=np.nan, p_value=min(p_values),
            method=f"{worst} minus {reference} in the harmful direction ({better} is better), the largest of {len(harm)}; max-T",
        ),
        kept, spread,
    )  # fmt: skip


def _harm(gap: Estimate, better: Better) -> tuple[float, float, float]:
    """Low, value and high of how much worse a population is served."""
    if better == "lower" or (better == "none" and gap.value >= 0):
        return gap.low, gap.value, gap.high
    return -gap.high, -gap.value, -gap.low
