"""Which two responses are compared? Those of an item, or of two systems to the same query."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest

from judgefair.calibration.items_file import is_two_names, two_names
from judgefair.compile.program import ONE_RESPONSE
from judgefair.errors import InputError
from judgefair.records import Item


class Paired:
    """The items of one system, each with the other system's response beside its own.

    Both have to list the same queries in the same order, as two runs of one design do; each is read as it is gone through.
    An item of which either system gave no response has none.

    Parameters
    ----------
    names : of the two, as contestants.

    Raises
    ------
    InputError : while it is gone through, where the two are not of the same queries; the first place is named.
    """

    def __init__(self, items: Iterable[Item], others: Iterable[Item], names: tuple[str, str]) -> None:
        self._items, self._others, self._names = items, others, names

    def __iter__(self) -> Iterator[Item]:
        for place, (one, other) in enumerate(zip_longest(self._items, self._others), start=1):
            if one is None or other is None:
                lacks = "the other" if other is None else "the first"
                raise InputError(f"item {place}: {lacks} has no more items. {_SAME}")
            if one.query != other.query or _question(one) != _question(other):
                raise InputError(f"item {place}: '{one.item_id}' and '{other.item_id}' do not answer the same query. {_SAME}")
            yield replace(
                one, second_response=other.response, meta={**one.meta, "contestants": list(self._names)},
                no_response=one.no_response or other.no_response,
            )  # fmt: skip


_SAME = "Both have to list the same queries in the same order, as two runs do that answered one queries.parquet"


class PairsOnly:
    """Items of which each has two responses, or none.

    Raises
    ------
    InputError : while they are gone through, where one has a single response, or does not name two contestants.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Item]:
        for item in self._items:
            if item.second_response is None and item.no_response is None:
                raise InputError(f"item '{item.item_id}' {ONE_RESPONSE}")
            if "contestants" in item.meta and not is_two_names(item.meta["contestants"]):
                raise InputError(f"item '{item.item_id}': meta.contestants {two_names(item.meta['contestants'])}")
            yield item


def _question(item: Item) -> object:
    """What tells queries apart that are in the same words."""
    return item.meta.get("query_id", item.item_id), item.meta.get("replicate"), dict(item.populations)
