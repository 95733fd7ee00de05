"""Where do the texts of a run's items come from, when only some of them are asked for?"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import overload

import pyarrow as pa
import pyarrow.parquet as pq

from judgefair.records import Item
from judgefair.runs.items import ITEMS, items_from, stream_items
from judgefair.runs.parquet import matching, readable


class RunItems(Sequence[Item]):
    """The items of a run, read from its table as they are asked for; none is kept."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def __len__(self) -> int:
        return int(pq.read_metadata(self._run / ITEMS).num_rows)

    def __iter__(self) -> Iterator[Item]:
        return stream_items(self._run)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        wanted = range(len(self))[place]
        if isinstance(wanted, int):
            return next(islice(self, wanted, None))
        items = {k: item for k, item in enumerate(self) if k in wanted}
        return [items[k] for k in wanted]


def find_items(run: Path, ids: Iterable[str]) -> list[Item]:
    """The items of a run that have these ids, in the order of its table; no text of any other is kept."""
    with readable(run / ITEMS, "items"):
        return [item for table in matching(run / ITEMS, "item_id", pa.array(ids, pa.string())) for item in items_from(table)]
