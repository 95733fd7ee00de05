"""What did a judge and the humans of a context give each item, as arrays?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judgefair.rubric.scale import Scale
from judgefair.runs.facts import Facts
from judgefair.runs.tally import Tally
from judgefair.statistics.resample import Floats
from judgefair.validation import Validation


@dataclass(frozen=True, slots=True)
class Rated:
    """One criterion of one run; items in the order of their ids, so that those of two runs of a context stand side by side.

    Attributes
    ----------
    judge, expected : (n_items,) code and expected value of the judge's first rating; nan = none.
    values : (most ratings of an item, n_items) what the humans gave; nan = nothing. Rows are no raters.
    item, code, rater : (n_ratings,) the humans' ratings one by one: row of the item, code, and who gave it.
    units : (n_items,) codes of scenarios.
    clusters : the same, or None where each item is its own.
    facts : of the items.
    """

    scale: Scale
    judge: Floats
    expected: Floats
    values: Floats
    item: np.ndarray
    code: Floats
    rater: np.ndarray
    units: np.ndarray
    clusters: np.ndarray | None
    facts: Facts

    @property
    def n_raters(self) -> int:
        """How many humans rated."""
        return len(np.unique(self.rater))

    def by_rater(self) -> Floats:
        """The humans' ratings as (n_raters, n_items)."""
        raters, who = np.unique(self.rater, return_inverse=True)
        table = np.full((len(raters), len(self.judge)), np.nan)
        table[who, self.item] = self.code
        return table

    def labels(self) -> list[Any]:
        """What another run of the same context must hold too: items with their scenarios, and every human rating."""
        ids = self.facts.ids.to_pylist()
        return [ids, self.units.tolist(), self.scale.to_json(), self.item.tolist(), self.code.tolist(), self.rater.tolist()]


def rated_criteria(validation: Validation) -> dict[str, Rated]:
    """The ratings behind a validation, by criterion."""
    items = sorted(validation.items, key=lambda item: item.item_id)
    facts = Facts.of(items)
    tally = Tally.of(validation.ratings, facts, validation.scales)
    units = facts.units
    clusters = units if int(units.max(initial=-1)) + 1 < len(units) else None
    found = {}
    for criterion, scale in validation.scales.items():
        humans = tally.humans[tally.humans["criterion"] == criterion].sort_values("replicate", kind="stable")
        humans = humans.assign(at=facts.place(humans["item_id"])).drop_duplicates(["at", "rater_id"])
        humans = humans[humans["code"].notna()].sort_values(["at", "rater_id"], kind="stable")
        item, code = humans["at"].to_numpy(dtype=np.int64), humans["code"].to_numpy(dtype=float)
        judged = tally.judge[criterion]
        found[criterion] = Rated(
            scale, judged.first, judged.first_expected, _by_turn(item, code, len(facts)), item, code,
            humans["rater_id"].to_numpy(dtype=object), units, clusters, facts,
        )  # fmt: skip
    return found


def _by_turn(item: np.ndarray, code: Floats, n_items: int) -> Floats:
    turn = pd.Series(item).groupby(item).cumcount().to_numpy(dtype=np.int64)
    values = np.full((int(turn.max(initial=0)) + 1, n_items), np.nan)
    values[turn, item] = code
    return values
