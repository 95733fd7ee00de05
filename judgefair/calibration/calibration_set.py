"""Items that humans rated, ready to hold a judge against."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import pandas as pd

from judgefair import folders, plugins
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.cells import from_cells
from judgefair.calibration.fetch import fetched_files
from judgefair.calibration.items_file import read_items
from judgefair.calibration.ratings import RatedItems, rated_items, read_table
from judgefair.calibration.splits import SPLITS, assign_splits
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError, did_you_mean
from judgefair.fingerprint import fingerprint
from judgefair.records import Item
from judgefair.rubric.criterion import Criterion


@dataclass(frozen=True)
class CalibrationSet:
    """A card with its items, ratings and raters; or one split of it.

    Attributes
    ----------
    folder : where the card lies.
    split : train, dev, test or all.
    """

    card: Card
    rated: RatedItems
    folder: Path
    split: str = "all"

    @property
    def id(self) -> str:
        """The set's id."""
        return self.card.id

    @property
    def items(self) -> list[Item]:
        """The items of this split."""
        return self.rated.items

    @property
    def ratings(self) -> pd.DataFrame:
        """The humans' ratings of these items, as in `RatedItems.ratings`."""
        return self.rated.ratings

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of items and ratings of this split."""
        items = [[i.item_id, i.scenario_id, *i.texts, dict(i.populations)] for i in self.items]
        columns = [self.ratings[name].tolist() for name in ("item_id", "criterion", "rater_id", "replicate", "missing")]
        columns.append([str(code) for code in self.ratings["code"]])
        return fingerprint({"set": self.id, "items": items, "ratings": columns})

    def shared(self, criteria: Sequence[Criterion]) -> list[Criterion]:
        """Those of the criteria that the set has ratings of; InputError where there is none, or one was rated on other levels."""
        rated = self.card.criteria
        found = [criterion for criterion in criteria if criterion.id in rated]
        if not found:
            asked = ", ".join(criterion.id for criterion in criteria)
            raise InputError(
                f"{self.id} has no ratings of {asked}; it has {', '.join(rated)}. Choose a set that rates this rubric's criteria"
            )
        for criterion in found:
            ours, theirs = criterion.scale, rated[criterion.id].scale
            if not ours.has_levels_of(theirs):
                raise InputError(
                    f"{criterion.id}: the rubric's scale is {ours.kind} {ours.describe()}, and {self.id} was rated on {theirs.kind} "
                    f"{theirs.describe()}. Give the rubric the scale the humans used"
                )
        return found

    def take(self, split: str) -> Self:
        """One split of the set: train, dev, test, or all.

        Splits are deterministic, stratified by population and grouped by scenario.
        """
        if split == "all":
            return self
        if split not in SPLITS:
            raise InputError(
                f"split is '{split}'.{did_you_mean(split, [*SPLITS, 'all'])} Expected one of: {', '.join(SPLITS)}, all"
            )
        split_of = assign_splits(self.items)
        items = [item for item in self.items if split_of[item.item_id] == split]
        return self._only(items, split)

    def limit(self, n_items: int) -> Self:
        """At most so many items for a pilot: whole scenarios, in the order of their ids' hashes, always the same ones."""
        if n_items >= len(self.items):
            return self
        sizes: dict[str, int] = {}
        for item in self.items:
            sizes[item.unit] = sizes.get(item.unit, 0) + 1
        left, chosen = n_items, set()
        for unit in sorted(sizes, key=fingerprint):
            if sizes[unit] <= left:
                chosen.add(unit)
                left -= sizes[unit]
        if not chosen:
            raise InputError(
                f"--limit is {n_items}, and every scenario of {self.id} has more items. Expected at least {min(sizes.values())}"
            )
        return self._only([item for item in self.items if item.unit in chosen], self.split)

    def _only(self, items: list[Item], split: str) -> Self:
        kept = {item.item_id for item in items}
        ratings = self.ratings[self.ratings["item_id"].isin(kept)].reset_index(drop=True)
        return replace(self, rated=RatedItems(items, ratings, self.rated.raters), split=split)


def load_calibration_set(source: str | os.PathLike[str]) -> CalibrationSet:
    """Load a set: shipped, fetched, or in a folder of one's own.

    Parameters
    ----------
    source : id of a set of the project, or a folder with `card.yaml`.

    Raises
    ------
    InputError : no such set; not fetched yet (the message has the command); a rating that is no level of the card's
        scale, with file, row and column.

    >>> load_calibration_set("writing_tutor_anchors").card.labels
    'constructed'
    """
    folder = find_set(source)
    card = read_card(folder / "card.yaml")
    tables = _read_files(folder) if card.source.kind == "files" else _recipe(card)(fetched_files(card))
    where = str(folder / "ratings.csv") if card.source.kind == "files" else f"recipe of {card.id}"
    ids = [item.item_id for item in tables.items]
    if len(set(ids)) < len(ids):
        raise InputError(f"{folder}: the item_id '{next(i for i in ids if ids.count(i) > 1)}' stands twice. Ids must be unique")
    rated = rated_items(tables.ratings, {name: criterion.scale for name, criterion in card.criteria.items()}, where)
    unknown = set(rated.ratings["item_id"]) - set(ids)
    if unknown:
        raise InputError(f"{where}: item_id '{min(unknown)}' is rated but is no item of the set ({len(unknown):,} such ids)")
    return CalibrationSet(card, RatedItems(tables.items, rated.ratings, tables.raters), folder)


def known_sets() -> list[str]:
    """Ids of the sets the project knows, shipped or to be fetched."""
    return sorted(card.parent.name for card in folders.shipped("calibration_sets").glob("*/card.yaml"))


def find_set(source: str | os.PathLike[str]) -> Path:
    """The folder of a set, by id or path; InputError lists the known ones."""
    for folder in (Path(source), folders.shipped("calibration_sets") / str(source)):
        if (folder / "card.yaml").is_file():
            return folder
    known = known_sets()
    raise InputError(
        f"{source}: no calibration set there.{did_you_mean(str(source), known)} Expected a folder with card.yaml, or one of: {', '.join(known)}"
    )


def _recipe(card: Card) -> Callable[[dict[str, Path]], SetTables]:
    read: Callable[[dict[str, Path]], SetTables] = plugins.load("recipes", card.id).read
    return read


def _read_files(folder: Path) -> SetTables:
    raters = folder / "raters.csv"
    ratings = from_cells(read_table(folder / "ratings.csv"))
    known = from_cells(read_table(raters)) if raters.is_file() else ratings.filter(["rater_id"]).drop_duplicates()
    return SetTables(read_items(folder / "items.jsonl"), ratings, known)
