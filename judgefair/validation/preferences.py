"""Which of two contestants does the judge prefer, in each population, and how much of it is due to which is shown first?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from judgefair.rubric.scale import Scale
from judgefair.runs.facts import Facts
from judgefair.runs.tables import ORDERS
from judgefair.runs.tally import Tally
from judgefair.statistics import bradley_terry, position_bias
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.finding import Finding, Population
from judgefair.statistics.resample import Floats

ABILITY, PREFIXES = "bradley_terry.ability", ("bradley_terry.", "position_bias.")


def preferences(
    criterion: str, scale: Scale, facts: Facts, tally: Tally, axes: Mapping[str, Sequence[str]], confidence: float = 0.95
) -> Iterator[Finding]:
    """Abilities, order effect, ties and position bias, of all items and then of each population; none where nothing is compared.

    Abilities are against the contestant that gave the first item's response. `bradley_terry.ability.<contestant>` names the
    other one; an item that names no contestants has the two sides of its scale for them.

    Parameters
    ----------
    axes : groups of each axis.
    """
    orders = tally.judge[criterion].orders
    if not scale.compares or not orders:
        return
    compared = _Compared(scale, facts, [orders[name] for name in ORDERS], confidence)
    populations: list[Population | None] = [None, *({axis: group} for axis, groups in axes.items() for group in groups)]
    for population in populations:
        chosen = np.ones(len(facts), dtype=bool)
        for axis, group in (population or {}).items():
            chosen &= facts.group_of(axis) == group
        for estimate in compared.estimates(chosen):
            yield Finding(criterion, population, None, estimate)


class _Compared:
    """What one criterion says of every pair, in both orders."""

    def __init__(self, scale: Scale, facts: Facts, orders: Sequence[Floats], confidence: float) -> None:
        self._as_written, self._swapped = orders[0], -orders[1]  # of what is shown first, as a judge answers
        self._confidence = confidence
        sides = [str(level) for level in scale.levels][:2]
        named = facts.meta["contestants"]
        self._one, self._other = (named.told(side, itemgetter(at)) for at, side in enumerate(sides))
        self._names = sorted({*self._one.tolist(), *self._other.tolist()})
        self._reference = str(self._one[0]) if len(self._one) else sides[0]
        units = facts.units
        self._units, self._has_scenarios = units, int(units.max(initial=-1)) + 1 < len(units)

    def estimates(self, chosen: np.ndarray) -> Iterator[Estimate]:
        """Of the chosen items; both verdicts on a pair are of one cluster."""
        one, other, units = self._one[chosen], self._other[chosen], self._units[chosen]
        as_written, swapped = self._as_written[chosen], self._swapped[chosen]
        is_absent = self._reference not in {*one.tolist(), *other.tolist()}
        found = bradley_terry(
            np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([as_written, swapped]),
            np.concatenate([units, units]), reference=None if is_absent else self._reference, confidence=self._confidence,
        )  # fmt: skip
        is_compared = ~np.isnan(as_written) | ~np.isnan(swapped)
        counts: dict[str, Any] = {"n_items": int(is_compared.sum()), "n_missing": int((~is_compared).sum())}
        for name in self._names:
            if name == self._reference:
                continue
            why = f"{self._reference if is_absent else name} is not compared here"
            ability = undefined(ABILITY, why) if is_absent or name not in found.abilities else found.abilities[name]
            yield replace(ability, estimand=f"{ABILITY}.{name}", **counts)
        yield replace(found.order, **counts)
        yield replace(found.ties, **counts)
        bias = position_bias(as_written, swapped, units if self._has_scenarios else None, confidence=self._confidence)
        yield bias.inconsistent
        yield bias.first
