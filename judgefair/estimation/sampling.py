"""Which items are to be labelled? A random draw within strata, with the probability of each item on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from judgefair.errors import InputError
from judgefair.estimation.columns import broken_blocks
from judgefair.estimation.estimation import Plan
from judgefair.fingerprint import fingerprint
from judgefair.records import Item
from judgefair.rubric.context import Context
from judgefair.runs.labels import SAMPLING, read_sampling, write_sampling
from judgefair.runs.queries import AS_LIVED
from judgefair.runs.tables import read_run_items

Allocation = Literal["worst-gap", "equal"]


@dataclass(frozen=True, slots=True)
class Draw:
    """Items drawn for labelling, in a random order.

    Attributes
    ----------
    inclusion : by item of every stratum drawn from, the probability with which it is drawn in this or an earlier draw.
    drawn : by stratum, how many items are drawn in all.
    """

    items: Sequence[Item]
    inclusion: Mapping[str, float]
    drawn: Mapping[str, int]
    seed: int


def draw_sample(
    run: Path, context: Context, n: int, *, allocation: Allocation = "equal", plans: Sequence[Plan] = (), seed: int = 0
) -> Draw:
    """Draw `n` items that no earlier draw has.

    Strata are arms (or populations, in a run without arms). Within a stratum every item is as likely as any other; all
    strata follow one random order of scenarios, so that arms of the same scenarios are labelled and gaps are paired.

    Parameters
    ----------
    allocation : `equal` gives every population as many labels; `worst-gap` gives each what `plans` say it lacks, or without
        them the reference the square root of the number of its contrasts times as many, since it stands in each.

    Raises
    ------
    InputError : fewer items are left than asked for; the items that an earlier draw was from are not the same any more.
    """
    every = read_run_items(run)
    broken = broken_blocks(every)
    items = [
        item
        for item in every
        if item.no_response is None
        and item.populations
        and item.meta.get("mix") != AS_LIVED
        and item.meta.get("block") not in broken
    ]
    earlier = read_sampling(run)
    seed = earlier.get("seed", seed)
    before: dict[str, int] = earlier.get("drawn", {})
    strata: dict[str, list[Item]] = {}
    for item in items:
        strata.setdefault(_stratum(item), []).append(item)
    _check_unchanged(strata, earlier, run)
    units = _units(strata)
    for mine in strata.values():
        mine.sort(key=lambda item: fingerprint([seed, units[item.item_id]]))
    left = {name: len(mine) - before.get(name, 0) for name, mine in strata.items()}
    available = sum(left.values())
    if n < 1 or n > available:
        expected = f"Expected 1 to {available}" if available else "There is nothing to draw"
        raise InputError(
            f"--n is {n}, and {available:,} of the run's {len(items):,} answered items that show a population are not drawn yet. {expected}"
        )
    counts = _allocated(n, _weights(strata, context, allocation, plans), left, strata)
    drawn = {name: before.get(name, 0) + counts[name] for name in strata}
    chosen = [item for name, mine in strata.items() for item in mine[before.get(name, 0) : drawn[name]]]
    inclusion = {item.item_id: drawn[name] / len(mine) for name, mine in strata.items() for item in mine if drawn[name]}
    shuffled = np.random.default_rng([seed, sum(drawn.values())]).permutation(len(chosen))
    return Draw([chosen[i] for i in shuffled], inclusion, drawn, seed)


def record_draw(draw: Draw, run: Path) -> None:
    """Keep the probabilities of a draw whose labels have come in; estimates weigh by them from then on."""
    earlier = read_sampling(run).get("items", [])
    items = sorted({*earlier, *(item.item_id for item in draw.items)})
    write_sampling({"seed": draw.seed, "drawn": dict(draw.drawn), "inclusion": dict(draw.inclusion), "items": items}, run)


def _check_unchanged(strata: Mapping[str, Sequence[Item]], earlier: Mapping[str, Any], run: Path) -> None:
    """InputError where the strata of an earlier draw hold other items now: nobody could tell their probabilities."""
    before = {name for name, count in earlier.get("drawn", {}).items() if count}
    now = {item.item_id for name in before for item in strata.get(name, ())}
    changed = sorted(now ^ set(earlier.get("inclusion", {})))
    if changed:
        raise InputError(
            f"{run / SAMPLING}: the run's answered items are not those that labels were drawn from ({len(changed):,} differ, such as "
            f"'{changed[0]}'). Restore items.parquet, or judge into another run and draw there"
        )


def _units(strata: Mapping[str, Sequence[Item]]) -> dict[str, str]:
    """By item, what is put into random order: its scenario, or itself where some stratum has several items of a scenario.

    Several of one scenario would follow one another, and not be as likely as those of a scenario with fewer.
    """
    units = {item.item_id: str(item.meta.get("block", item.unit)) for mine in strata.values() for item in mine}
    if all(len({units[item.item_id] for item in mine}) == len(mine) for mine in strata.values()):
        return units
    return {item_id: item_id for item_id in units}


def _stratum(item: Item) -> str:
    shows = item.meta.get("arm") or ", ".join(f"{axis}={group}" for axis, group in sorted(item.populations.items()))
    return f"{shows} #{item.meta['replicate']}" if item.meta.get("replicate") else str(shows)


def _weights(
    strata: Mapping[str, Sequence[Item]], context: Context, allocation: Allocation, plans: Sequence[Plan]
) -> dict[str, float]:
    """How many labels each stratum is to get, relative to the others: a population's share, split over its strata."""
    shares: dict[tuple[str, str], float] = {}
    for axis in context.populations:
        for group in axis.groups:
            base = sqrt(max(len(axis.groups) - 1, 1)) if group == axis.reference and allocation == "worst-gap" else 1.0
            shares[axis.axis, group] = base
        known = [plan for plan in plans if plan.axis == axis.axis and plan.needed] if allocation == "worst-gap" else []
        for group in axis.groups if known else ():
            lacks = [max(plan.needed.get(group, 0) - plan.now.get(group, 0), 0) for plan in known]
            shares[axis.axis, group] = float(max(lacks, default=0))
    if not any(shares.values()):  # every plan is met: go on evenly
        shares = dict.fromkeys(shares, 1.0)
    profiles = {name: dict(mine[0].populations) for name, mine in strata.items()}
    shown = {key: sum(profile.get(key[0]) == key[1] for profile in profiles.values()) for key in shares}
    return {
        name: max((shares.get(key, 0.0) / max(shown.get(key, 1), 1) for key in profile.items()), default=0.0)
        for name, profile in profiles.items()
    }


def _allocated(
    n: int, weights: Mapping[str, float], left: Mapping[str, int], strata: Mapping[str, Sequence[Item]]
) -> dict[str, int]:
    """How many of each stratum: first for each population, so that its arms' remainders do not add up, then for its arms."""
    arms: dict[str, list[str]] = {}
    for name, mine in strata.items():
        arms.setdefault(str(sorted(mine[0].populations.items())), []).append(name)
    wanted = {who: sum(weights[name] for name in names) for who, names in arms.items()}
    of_population = _apportioned(n, wanted, {who: sum(left[name] for name in names) for who, names in arms.items()})
    return {
        name: count
        for who, names in arms.items()
        for name, count in _apportioned(
            of_population[who], {name: weights[name] for name in names}, {name: left[name] for name in names}
        ).items()
    }


def _apportioned(n: int, weights: Mapping[str, float], left: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers in proportion to the weights (largest remainders), none beyond what is left."""
    full: dict[str, int] = {}
    while True:
        free = {name: weight for name, weight in weights.items() if name not in full}
        short, total = n - sum(full.values()), sum(free.values())
        shares = {name: round(short * (weight / total if total else 1 / len(free)), 9) for name, weight in free.items()}
        over = {name: left[name] for name, share in shares.items() if share >= left[name]}
        if not over:
            break
        full |= over
    counts = full | {name: int(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (-(shares[name] % 1), name))
    return counts | {name: counts[name] + 1 for name in by_remainder[: n - sum(counts.values())]}


def draw_json(draw: Draw) -> dict[str, Any]:
    """Plain data of a draw; `draw_from` reads it back."""
    return {
        "seed": draw.seed, "items": [item.item_id for item in draw.items], "drawn": dict(draw.drawn), "inclusion": dict(draw.inclusion),
    }  # fmt: skip


def draw_from(data: Mapping[str, Any], items: Mapping[str, Item], where: Path) -> Draw:
    """The draw that `draw_json` wrote; InputError where it names items that the run no longer has."""
    lost = [item_id for item_id in data["items"] if item_id not in items]
    if lost:
        raise InputError(
            f"{where}: drew '{lost[0]}', which is no item of the run any more ({len(lost):,} such). Draw another sample"
        )
    return Draw([items[item_id] for item_id in data["items"]], data["inclusion"], data["drawn"], data["seed"])
