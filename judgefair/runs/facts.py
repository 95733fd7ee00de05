"""What is known of a run's items beside their texts?"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from judgefair.records import Item
from judgefair.runs.coded import Coded, Coder, coded
from judgefair.runs.items import ITEMS, POPULATION
from judgefair.runs.parquet import pieces, readable

META = ("arm", "block", "contestants", "cue", "intent", "merit", "mix", "placebo", "refusal", "replicate", "shows")
"""Of what stands in an item's `meta`, all that estimates and draws ask for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One row an item, in the order of their table; no text.

    Attributes
    ----------
    ids : (n,) text.
    scenario : ids of scenarios, where items have one.
    groups : by axis, the group of each item.
    meta : by field of `META`, what items say; null is as good as left out.
    no_response : why the system gave nothing to rate.
    """

    ids: pa.Array
    scenario: Coded
    groups: Mapping[str, Coded]
    meta: Mapping[str, Coded]
    no_response: Coded

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Facts":
        """Of items that are in memory."""
        axes = dict.fromkeys(axis for item in items for axis in item.populations)
        return cls(
            pa.array([item.item_id for item in items], pa.string()),
            coded(item.scenario_id or None for item in items),
            {axis: coded(item.populations.get(axis) or None for item in items) for axis in axes},
            {name: coded(item.meta.get(name) for item in items) for name in META},
            coded(item.no_response.reason if item.no_response else None for item in items),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def units(self) -> np.ndarray:
        """(n,) codes of what is resampled: the scenario, or the item where it has none; in order of first appearance."""
        if not self.scenario.is_there.any():
            return np.arange(len(self))
        if self.scenario.is_there.all():
            return pd.factorize(self.scenario.codes)[0]
        return pd.factorize(self.unit_names(np.arange(len(self))))[0]

    def unit_names(self, rows: np.ndarray) -> np.ndarray:
        """What is resampled, by name, of some rows."""
        scenario = self.scenario.take(rows)
        return np.where(scenario.is_there, scenario.told(), np.array(self.ids_of(rows), dtype=object))

    def ids_of(self, rows: np.ndarray) -> list[str]:
        """The ids of some items."""
        found: list[str] = self.ids.take(pa.array(rows, pa.int64())).to_pylist()
        return found

    def group_of(self, axis: str) -> np.ndarray:
        """(n,) the group of each item on an axis; "" where it has none."""
        return self.groups[axis].told("") if axis in self.groups else np.full(len(self), "", dtype=object)

    def populations(self, row: int) -> dict[str, str]:
        """Axes and groups of one item."""
        return {axis: group.values[group.codes[row]] for axis, group in self.groups.items() if group.codes[row] >= 0}

    def place(self, ids: Iterable[str]) -> np.ndarray:
        """(m,) the rows that items stand in; -1 for what is no item here."""
        found = pc.index_in(pa.array(ids, pa.string()), value_set=self.ids)
        rows: np.ndarray = found.fill_null(-1).to_numpy(zero_copy_only=False)
        return rows

    def take(self, rows: np.ndarray) -> "Facts":
        """The facts of some items."""
        return Facts(
            self.ids.take(pa.array(rows, pa.int64())),
            self.scenario.take(rows),
            {axis: group.take(rows) for axis, group in self.groups.items()},
            {name: said.take(rows) for name, said in self.meta.items()},
            self.no_response.take(rows),
        )


def read_facts(run: Path) -> Facts:
    """The facts of a run's items, whose texts are not read; InputError where it has none."""
    path = run / ITEMS
    ids: list[pa.Array] = []
    columns: dict[str, Coder] = {}
    meta = {name: Coder() for name in META}
    with readable(path, "items"):
        stored = pq.read_schema(path).names
        told = [name for name in stored if name in ("scenario_id", "missing") or name.startswith(POPULATION)]
        for table in pieces(path, [*told, "item_id", *({"meta"} & {*stored})]):
            ids += table["item_id"].chunks
            for name in told:
                columns.setdefault(name, Coder()).add_column(table[name])
            for text in table["meta"].to_pylist() if "meta" in stored else [None] * len(table):
                said = json.loads(text) if text else {}
                for name, coder in meta.items():
                    coder.add(said.get(name))
    n = sum(map(len, ids))
    of = {name: coder.coded() for name, coder in columns.items()}
    nothing = Coded(np.full(n, -1, dtype=np.int8), ())
    return Facts(
        pa.concat_arrays([pa.array([], pa.string()), *ids]),
        of.get("scenario_id", nothing),
        {name.removeprefix(POPULATION): column for name, column in of.items() if name.startswith(POPULATION) and column.values},
        {name: coder.coded() for name, coder in meta.items()},
        of.get("missing", nothing),
    )
