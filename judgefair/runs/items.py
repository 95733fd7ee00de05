"""How do the items of a run lie on disk, however many, and what becomes of its ratings when they change?"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from judgefair.calibration.items_file import ItemsFile
from judgefair.errors import InputError
from judgefair.fingerprint import file_sha256, wire_json
from judgefair.records import Item, Missing, sendable
from judgefair.runs.folder import read_manifest
from judgefair.runs.parquet import pieces, readable, row_groups, table_writer
from judgefair.runs.tables import RATINGS, keep_rows

ITEMS = "items.parquet"
POPULATION, SECOND = "pop.", "second_response"
SHARD = 1_000
"""Items in a row group: the piece of a run that is worked on, kept and sent about at a time."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many items were written, and the fingerprint of their ids and texts.

    Attributes
    ----------
    source, table : sha256 of the file that they came from, and of the table that holds them; None where they came from none.
    """

    n: int
    fingerprint: str
    source: str | None = None
    table: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it; `written_before` reads it back."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def put_items(items: Iterable[Item], run: Path, labels_can_be_made_again: bool) -> Written:
    """Make these the items of a run, and drop its ratings of items whose texts are others now.

    An id that stands for another text must not inherit what was said of the earlier one. Items of a file that the run has already
    are not read again.

    Raises
    ------
    InputError : people's labels would be lost, which nothing can make again.
    """
    path = items.path if isinstance(items, ItemsFile | ItemsTable) else None
    source = _sha256(path) if path else None
    if source is not None and (before := written_before(run)) is not None and before.source == source:
        return before
    written = _put_items(items, run, labels_can_be_made_again)
    if path is None or source is None or _sha256(path) != source:  # it changed while it was read
        return written
    return replace(written, source=source, table=file_sha256(run / ITEMS))


def written_before(run: Path) -> Written | None:
    """What this version of judgefair wrote into the run, where its table is still as it was and came from a file."""
    manifest = read_manifest(run)
    try:
        before = Written(**manifest["items"])
    except (KeyError, TypeError):
        return None
    is_ours = before.table is not None and manifest.get("judgefair") == version("judgefair")
    return before if is_ours and before.table == _sha256(run / ITEMS) else None


def _sha256(path: Path) -> str | None:
    """None where it cannot be read; whoever reads it next says why."""
    try:
        return file_sha256(path)
    except OSError:
        return None


def _put_items(items: Iterable[Item], run: Path, labels_can_be_made_again: bool) -> Written:
    if not (run / ITEMS).is_file():
        return write_items(items, run)
    new = run / f".new-{ITEMS}"
    try:
        written = write_items(items, run, new.name)
        if file_sha256(new) != file_sha256(run / ITEMS):
            if (run / RATINGS).is_file():
                _drop_ratings(new, run, labels_can_be_made_again)
            new.replace(run / ITEMS)
    finally:
        new.unlink(missing_ok=True)
    return written


def _drop_ratings(new: Path, run: Path, labels_can_be_made_again: bool) -> None:
    """Drop ratings of items that are not the same in the run and in the table that is to take its place."""
    earlier = np.sort(np.fromiter(map(_digest, _stream(run / ITEMS)), np.uint64))
    same = pa.array((item.item_id for item in _stream(new) if _is_among(_digest(item), earlier)), pa.string())
    n_lost, example, is_all_same = 0, "", True
    for held in row_groups(run / RATINGS, ["item_id", "rater_kind"]):
        is_gone = pc.invert(pc.is_in(held["item_id"], same))
        is_all_same &= not pc.any(is_gone).as_py()
        lost = held.filter(pc.and_(is_gone, pc.equal(held["rater_kind"], "human")))
        n_lost, example = n_lost + len(lost), example or (lost["item_id"][0].as_py() if len(lost) else "")
    if n_lost and not labels_can_be_made_again:
        raise InputError(
            f"{run}: holds {n_lost:,} human ratings of items whose texts would change or go, such as '{example}'. They are "
            f"of the earlier answers: choose another --out, or delete {run / RATINGS} to give them up"
        )
    if not is_all_same:
        keep_rows(run / RATINGS, pc.field("item_id").isin(same))


def _digest(item: Item) -> int:
    """64 bits of id and texts: two of a million items share them with a chance of 3 in 100 million."""
    told = repr((item.item_id, *map(sendable, item.texts))).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big")


def _is_among(digest: int, sorted_digests: np.ndarray) -> bool:
    place = int(np.searchsorted(sorted_digests, np.uint64(digest)))
    return place < len(sorted_digests) and int(sorted_digests[place]) == digest


def write_items(items: Iterable[Item], run: Path, name: str = ITEMS) -> Written:
    """Write the `items.parquet` of a run: item_id, scenario_id, query, response, `pop.<axis>`, meta (JSON).

    Where some items have no response, `missing` and `missing_detail` say why; where some have two, `second_response` holds the
    other. A row group has `SHARD` items, and no more than that are in memory where `items` can be gone through anew each time (a
    file, a list).
    """
    columns = _columns_of(islice(items, SHARD))
    while True:
        try:
            return _write_items(items, columns, run / name)
        except _AnotherColumnError:
            columns = _columns_of(items)


def _write_items(items: Iterable[Item], columns: Sequence[str], path: Path) -> Written:
    schema = pa.schema([(name, pa.string()) for name in columns])
    n, sha, ids = 0, hashlib.sha256(b"["), array("q")
    with table_writer(path, schema) as writer:
        waiting = iter(items)
        while shard := list(islice(waiting, SHARD)):
            if not set(_columns_of(shard)) <= set(columns):
                raise _AnotherColumnError
            told = b",".join(wire_json([item.item_id, *item.texts]) for item in shard)
            sha.update(b"," * (n > 0) + told)
            n += len(shard)
            ids.extend(hash(item.item_id) for item in shard)
            try:
                writer.write_table(_items_table(shard, schema))
            except UnicodeEncodeError as error:
                raise InputError(
                    f"item_id, scenario_id or a population of the items {shard[0].item_id!r} to {shard[-1].item_id!r} holds half a "
                    f"surrogate pair ({error.object!r:.60}), which cannot be stored. Write the character whole"
                ) from None
        if len(np.unique(np.array(ids))) < n and (twice := _first_repeated(items)) is not None:
            raise InputError(f"item_id '{twice}' stands twice among the items. Ids must be unique")
    sha.update(b"]")
    return Written(n, sha.hexdigest())


def _first_repeated(items: Iterable[Item]) -> str | None:
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            return item.item_id
        seen.add(item.item_id)
    return None


class _AnotherColumnError(Exception):
    """A later item has a column that no earlier one had."""


def _columns_of(items: Iterable[Item]) -> list[str]:
    axes: dict[str, None] = {}
    any_missing = any_pair = False
    for item in items:
        axes |= dict.fromkeys(item.populations)
        any_missing |= item.no_response is not None
        any_pair |= item.second_response is not None
    texts = ["query", "response", *([SECOND] if any_pair else [])]
    missing = ["missing", "missing_detail"] if any_missing else []
    return ["item_id", "scenario_id", *texts, *(POPULATION + axis for axis in axes), "meta", *missing]


def _items_table(items: Sequence[Item], schema: pa.Schema) -> pa.Table:
    axes = [name.removeprefix(POPULATION) for name in schema.names if name.startswith(POPULATION)]
    columns: dict[str, list[Any]] = {
        "item_id": [item.item_id for item in items],
        "scenario_id": [item.scenario_id for item in items],
        "query": [sendable(item.query) for item in items],
        "response": [sendable(item.response) for item in items],
        SECOND: [None if item.second_response is None else sendable(item.second_response) for item in items],
        **{POPULATION + axis: [item.populations.get(axis) for item in items] for axis in axes},
        "meta": [json.dumps(dict(item.meta), sort_keys=True) if item.meta else None for item in items],
        "missing": [item.no_response.reason if item.no_response else None for item in items],
        "missing_detail": [item.no_response.detail or None if item.no_response else None for item in items],
    }
    return pa.table([pa.array(columns[name], pa.string()) for name in schema.names], schema=schema)


def read_run_items(run: Path) -> list[Item]:
    """The items of a run; InputError where it has none."""
    return list(stream_items(run))


def stream_items(run: Path) -> Iterator[Item]:
    """The items of a run, a row group in memory at a time; InputError where it has none."""
    with readable(run / ITEMS, "items"):
        yield from _stream(run / ITEMS)


class ItemsTable:
    """The items of an `items.parquet`, a row group in memory at a time, anew whenever they are gone through."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Item]:
        return stream_items(self.path.parent)


def read_item_ids(run: Path) -> list[str]:
    """The ids of a run's items, and nothing else of them; InputError where it has none."""
    with readable(run / ITEMS, "items"):
        return [item_id for table in pieces(run / ITEMS, ["item_id"]) for item_id in table["item_id"].to_pylist()]


def read_shards(run: Path) -> Iterator[list[Item]]:
    """The items of a run that were written just now, a row group at a time."""
    return map(items_from, row_groups(run / ITEMS))


def read_shard(run: Path, number: int) -> list[Item]:
    """The items of one row group."""
    with pq.ParquetFile(run / ITEMS) as file:
        return items_from(file.read_row_group(number))


def n_shards(run: Path) -> int:
    """How many row groups the items of a run have."""
    return int(pq.read_metadata(run / ITEMS).num_row_groups)


def _stream(path: Path) -> Iterator[Item]:
    for table in row_groups(path):
        yield from items_from(table)


def items_from(table: pa.Table) -> list[Item]:
    """The items that rows of `items.parquet` describe."""
    axes = [name.removeprefix(POPULATION) for name in table.column_names if name.startswith(POPULATION)]
    groups = [table[POPULATION + axis].to_pylist() for axis in axes]
    columns = (
        table[name].to_pylist() if name in table.column_names else [None] * len(table)
        for name in ("item_id", "query", "response", "scenario_id", "meta", "missing", "missing_detail", SECOND)
    )
    of_item = [{axis: group for axis, group in zip(axes, row, strict=True) if group} for row in zip(*groups, strict=True)] or [
        {}
    ] * len(table)
    return [
        Item(
            item_id,
            query,
            response,
            populations,
            scenario,
            json.loads(meta) if meta else {},
            None if reason is None else Missing(reason, detail or ""),
            second,
        )
        for item_id, query, response, scenario, meta, reason, detail, second, populations in zip(*columns, of_item, strict=True)
    ]
