"""What does the page show of items: their texts, who rated them how, and the arms beside them?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from judgefair.records import Item
from judgefair.reviewing.known import Known
from judgefair.rubric.scale import Scale
from judgefair.runs.parquet import matching
from judgefair.runs.tables import ORDERS, RATINGS
from judgefair.runs.texts import find_items

EXCERPT = 240
"""Characters of a text in a list."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One rating as it is told: `told` is its level or why there is none, `orders` what was said in each order of two responses."""

    rater: str
    kind: str
    replicate: int
    told: str
    anchor: str
    rationale: str
    orders: Mapping[str, str]


def items_at(run: Path, known: Known, rows: np.ndarray) -> list[Item]:
    """The items of some rows, in their order."""
    ids = known.facts.ids_of(rows)
    found = {item.item_id: item for item in find_items(run, ids)}
    return [found[item_id] for item_id in ids]


def excerpt(text: str) -> str:
    """The start of a text.

    >>> excerpt("short")
    'short'
    """
    return text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + " …"


def ratings_of(run: Path, known: Known, item_id: str) -> dict[str, list[Rated]]:
    """By criterion, all ratings of an item: the judge's first, then people's."""
    found: dict[str, list[Rated]] = {criterion: [] for criterion in known.scales}
    for table in matching(run / RATINGS, "item_id", pa.array([item_id])):
        for row in table.to_pylist():
            if row["criterion"] in found:
                found[row["criterion"]].append(_rated(row, known.scales[row["criterion"]]))
    return {name: sorted(rated, key=lambda one: (one.kind != "judge", one.rater, one.replicate)) for name, rated in found.items()}


def _rated(row: Mapping[str, Any], scale: Scale) -> Rated:
    level = None if row["value"] is None else scale.read(_text(row["value"]))
    orders = {name.replace("_", " "): row[name] for name in ORDERS if row.get(name) is not None}
    why = f"missing: {row['missing'].replace('_', ' ')}" if row["missing"] else "split between levels"
    return Rated(
        row["rater_id"], row["rater_kind"], row["replicate"], why if level is None else str(level),
        (scale.levels.get(level) or "") if level is not None else "", row["rationale"] or "", orders,
    )  # fmt: skip


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def judged_at(known: Known, row: int, criteria: Iterable[str]) -> dict[str, str]:
    """By criterion, the judge's level of one item, or why there is none."""
    told = {}
    for name in criteria:
        code, why = known.level[name][row], known.why[name][row]
        split = "split between levels" if not why else f"none ({why.replace('_', ' ')})"
        told[name] = split if np.isnan(code) else _text(known.scales[name].level(float(code)))
    return told


def arms_beside(known: Known, row: int) -> np.ndarray:
    """(m,) the rows of all arms of an item's block, or else of its scenario: the reference first, in declared order, placebos last."""
    block, scenario = known.facts.meta["block"], known.facts.scenario
    column = block if block.is_there[row] else scenario
    if not column.is_there[row]:
        return np.array([row])
    rows = np.flatnonzero(column.codes == column.codes[row])
    meta = {name: known.facts.meta[name].take(rows).told("", str) for name in ("placebo", "cue", "replicate")}
    places = [_places(known, axis, groups)[rows] for axis, groups in known.axes.items()]
    is_bare = np.all([place == _ABSENT for place in places], axis=0) if places else np.zeros(len(rows), dtype=bool)
    keys = zip(meta["placebo"], is_bare, *places, meta["cue"], meta["replicate"], rows, strict=True)
    return np.array([key[-1] for key in sorted(keys, key=lambda key: (key[0] != "", *key))])


_ABSENT = np.iinfo(np.int64).max


def _places(known: Known, axis: str, groups: Sequence[str]) -> np.ndarray:
    """(n,) the place of each item's group among those of an axis."""
    if axis not in known.facts.groups:
        return np.full(len(known.facts), _ABSENT)
    found: np.ndarray = known.facts.groups[axis].told(_ABSENT, groups.index).astype(np.int64)
    return found


def arm_name(item: Item) -> str:
    """What an arm is, in words: as the design names it, or the populations that it shows.

    >>> arm_name(Item("i1", "", "", {"dialect": "mainstream"}))
    'dialect: mainstream'
    """
    told = item.meta.get("arm") or ", ".join(f"{axis}: {group}" for axis, group in item.populations.items())
    return str(told) if told else "no population"
