"""Which items are to be labelled? A random draw within strata, with the probability of each item on record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from judgefair.errors import InputError
from judgefair.estimation.estimation import Plan
from judgefair.fingerprint import fingerprint
from judgefair.records import Item
from judgefair.rubric.context import Context
from judgefair.runs.columns import broken_blocks
from judgefair.runs.facts import Facts, read_facts
from judgefair.runs.labels import SAMPLING, read_sampling, write_sampling
from judgefair.runs.queries import AS_LIVED
from judgefair.runs.texts import find_items

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
    facts = read_facts(run)
    rows = np.flatnonzero(
        ~facts.no_response.is_there
        & np.any([group.is_there for group in facts.groups.values()], axis=0)
        & ~facts.meta["mix"].among([AS_LIVED])
        & ~facts.meta["block"].among(broken_blocks(facts))
    )
    earlier = read_sampling(run)
    seed = earlier.get("seed", seed)
    before: dict[str, int] = earlier.get("drawn", {})
    strata: dict[str, list[int]] = {}
    for row, stratum in zip(rows.tolist(), _strata(facts, rows), strict=True):
        strata.setdefault(stratum, []).append(row)
    ids = dict(zip(rows.tolist(), facts.ids_of(rows), strict=True))
    _check_unchanged({name: [ids[row] for row in mine] for name, mine in strata.items()}, earlier, run)
    units = _units(facts, rows, strata, ids)
    turn = {unit: fingerprint([seed, unit]) for unit in set(units.values())}
    for mine in strata.values():
        mine.sort(key=lambda row: turn[units[row]])
    profiles = {name: facts.populations(mine[0]) for name, mine in strata.items()}
    left = {name: len(mine) - before.get(name, 0) for name, mine in strata.items()}
    available = sum(left.values())
    if n < 1 or n > available:
        expected = f"Expected 1 to {available}" if available else "There is nothing to draw"
        raise InputError(
            f"--n is {n}, and {available:,} of the run's {len(rows):,} answered items that show a population are not drawn yet. {expected}"
        )
    counts = _allocated(n, _weights(profiles, context, allocation, plans), left, profiles)
    drawn = {name: before.get(name, 0) + counts[name] for name in strata}
    chosen = [ids[row] for name, mine in strata.items() for row in mine[before.get(name, 0) : drawn[name]]]
    inclusion = {ids[row]: drawn[name] / len(mine) for name, mine in strata.items() for row in mine if drawn[name]}
    shuffled = np.random.default_rng([seed, sum(drawn.values())]).permutation(len(chosen))
    items = {item.item_id: item for item in find_items(run, chosen)}
    return Draw([items[chosen[i]] for i in shuffled], inclusion, drawn, seed)


def record_draw(draw: Draw, run: Path) -> None:
    """Keep the probabilities of a draw whose labels have come in; estimates weigh by them from then on."""
    earlier = read_sampling(run).get("items", [])
    items = sorted({*earlier, *(item.item_id for item in draw.items)})
    write_sampling({"seed": draw.seed, "drawn": dict(draw.drawn), "inclusion": dict(draw.inclusion), "items": items}, run)


def _check_unchanged(strata: Mapping[str, Sequence[str]], earlier: Mapping[str, Any], run: Path) -> None:
    """InputError where the strata of an earlier draw hold other items now: nobody could tell their probabilities."""
    before = {name for name, count in earlier.get("drawn", {}).items() if count}
    now = {item_id for name in before for item_id in strata.get(name, ())}
    changed = sorted(now ^ set(earlier.get("inclusion", {})))
    if changed:
        raise InputError(
            f"{run / SAMPLING}: the run's answered items are not those that labels were drawn from ({len(changed):,} differ, such as "
            f"'{changed[0]}'). Restore items.parquet, or judge into another run and draw there"
        )


def _units(facts: Facts, rows: np.ndarray, strata: Mapping[str, Sequence[int]], ids: Mapping[int, str]) -> Mapping[int, str]:
    """By row, what is put into random order: its scenario, or itself where some stratum has several items of a scenario.

    Several of one scenario would follow one another, and not be as likely as those of a scenario with fewer.
    """
    block = facts.meta["block"].take(rows)
    named = np.where(block.is_there, block.told(by=str), facts.unit_names(rows))
    units = dict(zip(rows.tolist(), named.tolist(), strict=True))
    if all(len({units[row] for row in mine}) == len(mine) for mine in strata.values()):
        return units
    return ids


def _strata(facts: Facts, rows: np.ndarray) -> Iterator[str]:
    """The stratum of each row: its arm, or the populations that it shows; each replicate apart."""
    of = [facts.meta["arm"], facts.meta["replicate"], *facts.groups.values()]
    known: dict[tuple[int, ...], str] = {}
    for row, *codes in zip(rows.tolist(), *(column.codes[rows].tolist() for column in of), strict=True):
        if tuple(codes) not in known:
            arm, replicate = (column.take(np.array([row])).told()[0] for column in of[:2])
            shows = arm or ", ".join(f"{axis}={group}" for axis, group in sorted(facts.populations(row).items()))
            known[tuple(codes)] = f"{shows} #{replicate}" if replicate else str(shows)
        yield known[tuple(codes)]


def _weights(
    profiles: Mapping[str, Mapping[str, str]], context: Context, allocation: Allocation, plans: Sequence[Plan]
) -> dict[str, float]:
    """How many labels each stratum is to get, relative to the others: a population's share, split over its strata.

    `profiles` are the populations that each shows.
    """
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
    shown = {key: sum(profile.get(key[0]) == key[1] for profile in profiles.values()) for key in shares}
    return {
        name: max((shares.get(key, 0.0) / max(shown.get(key, 1), 1) for key in profile.items()), default=0.0)
        for name, profile in profiles.items()
    }


def _allocated(
    n: int, weights: Mapping[str, float], left: Mapping[str, int], profiles: Mapping[str, Mapping[str, str]]
) -> dict[str, int]:
    """How many of each stratum: first for each population, so that its arms' remainders do not add up, then for its arms."""
    arms: dict[str, list[str]] = {}
    for name, profile in profiles.items():
        arms.setdefault(str(sorted(profile.items())), []).append(name)
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
