"""Items that humans rated, ready to hold a judge against."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import orjson
import pandas as pd

from judgefair import folders, plugins
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.cells import from_cells
from judgefair.calibration.fetch import fetched_files
from judgefair.calibration.ratings import RatedItems, rated_items, read_table
from judgefair.calibration.splits import SPLITS, assign_splits
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError, did_you_mean
from judgefair.fingerprint import fingerprint
from judgefair.records import Item

FIELDS = {"item_id", "query", "response", "populations", "scenario_id", "meta"}


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
        items = [[i.item_id, i.scenario_id, i.query, i.response, dict(i.populations)] for i in self.items]
        columns = [self.ratings[name].tolist() for name in ("item_id", "criterion", "rater_id", "replicate", "missing")]
        columns.append([str(code) for code in self.ratings["code"]])
        return fingerprint({"set": self.id, "items": items, "ratings": columns})

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


def read_items(path: Path) -> list[Item]:
    """Items of an `items.jsonl`; InputError names the line that is not one."""
    items = list(ItemsFile(path))
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise InputError(f"{path}: item_id '{item.item_id}' stands twice. Ids must be unique")
        seen.add(item.item_id)
    return items


class ItemsFile:
    """The items of an `items.jsonl`, however many: read a line at a time, anew whenever they are gone through.

    Raises
    ------
    InputError : names the line that is no item; the file cannot be read, or holds none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Item]:
        number = n = 0
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, 1):  # by line feeds: a text may hold U+2028, which is none
                    if line.strip():
                        n += 1
                        yield _item(line.decode("utf-8"), f"{self._path}:{number}")
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read ({error.strerror}). Expected one JSON object a line") from None
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self._path}:{number}: not UTF-8 text (byte {error.start} of the line). Save it as UTF-8"
            ) from None
        if not n:
            raise InputError(
                f'{self._path}: no items. Expected lines such as {{"item_id": "a1", "query": "...", "response": "..."}}'
            )


def _item(line: str, where: str) -> Item:
    try:
        data = orjson.loads(line)
    except ValueError:
        data = _read_slowly(line, where)
    if not isinstance(data, dict):
        raise InputError(f"{where}: a JSON {type(data).__name__}. Expected an object with item_id, query and response")
    for name in data.keys() - FIELDS:
        raise InputError(f"{where}: '{name}' is no field of an item.{did_you_mean(name, FIELDS)} Put anything else under meta")
    for name in ("item_id", "query", "response"):
        if not isinstance(data.get(name), str):
            raise InputError(f"{where}: {name} is {data.get(name)!r}. Expected text")
    populations = data.get("populations") or {}
    if not isinstance(populations, dict) or not all(isinstance(group, str) for group in populations.values()):
        raise InputError(f"{where}: populations is {populations!r}. Expected an object of axis to group")
    if not isinstance(data.get("scenario_id"), str | None):
        raise InputError(f"{where}: scenario_id is {data['scenario_id']!r}. Expected text or null")
    return Item(data["item_id"], data["query"], data["response"], populations, data.get("scenario_id"), data.get("meta") or {})


def _read_slowly(line: str, where: str) -> Any:
    """What the standard library reads and orjson does not, such as half a surrogate pair; or what is wrong with the line."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}). Write one object a line") from None


def _recipe(card: Card) -> Callable[[dict[str, Path]], SetTables]:
    read: Callable[[dict[str, Path]], SetTables] = plugins.load("recipes", card.id).read
    return read


def _read_files(folder: Path) -> SetTables:
    raters = folder / "raters.csv"
    ratings = from_cells(read_table(folder / "ratings.csv"))
    known = from_cells(read_table(raters)) if raters.is_file() else ratings.filter(["rater_id"]).drop_duplicates()
    return SetTables(read_items(folder / "items.jsonl"), ratings, known)
