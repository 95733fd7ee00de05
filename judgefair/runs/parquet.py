"""How does a table of any size get to disk, whole or not at all, and back, a piece at a time?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from judgefair.errors import InputError, StoreError

PARTIAL = ".partial"
ROWS, ROWS_WITH_TEXT = 65_536, 8_192
"""In memory at a time."""


@contextmanager
def storing(path: Path, partial: Path | None = None) -> Iterator[None]:
    """StoreError, with what to do, where a file of a run cannot be written; what is `partial` does not stay."""
    try:
        yield
    except BaseException as error:
        if partial is not None:
            with suppress(OSError):  # on a disk that can only be read, it cannot go either
                partial.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise StoreError(
            f"{path}: cannot be written ({error.strerror or error}). Free some space or check the folder's permissions, then run the "
            "same command again: what had landed is kept"
        ) from None


@contextmanager
def table_writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer of row groups; the file takes its name when all of them are written, and an earlier one stands until then.

    Raises
    ------
    StoreError : the disk is full, or the folder may not be written to.
    """
    partial = path.with_name(path.name + PARTIAL)
    with storing(path, partial):
        with pq.ParquetWriter(partial, schema) as writer:
            yield writer
        partial.replace(path)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table whole or not at all."""
    with table_writer(path, table.schema) as writer:
        writer.write_table(table)


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """InputError, with what to do, where a table of a run cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: no {what} can be read ({error}). Run judgefair judge ... --out {path.parent} first") from None


def row_groups(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The row groups of a file, one after the other."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=None if columns is None else list(columns))


def pieces(path: Path, columns: Sequence[str], *, rows: int = ROWS, holding: tuple[str, str] | None = None) -> Iterator[pa.Table]:
    """The rows of a file, at most `rows` at a time however large its row groups are; an empty piece first, for what its columns are.

    `holding` leaves out row groups that cannot hold a value in a column, as their statistics tell.
    """
    with pq.ParquetFile(path) as file:
        groups = [
            number for number in range(file.num_row_groups) if holding is None or _may_hold(file.metadata, number, *holding)
        ]
        names = [name for name in file.schema_arrow.names if name in columns]
        yield file.schema_arrow.empty_table().select(names)
        for together in _bundles(groups, [file.metadata.row_group(number).num_rows for number in groups], rows):
            for batch in file.iter_batches(rows, row_groups=together, columns=names, use_threads=False):
                yield pa.Table.from_batches([batch])


def matching(path: Path, column: str, values: pa.Array) -> Iterator[pa.Table]:
    """The rows of a file that have one of these values in a column; of row groups without any such row nothing else is read."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            there = file.read_row_group(number, columns=[column])[column]
            if pc.any(pc.is_in(there, value_set=values)).as_py():
                for batch in file.iter_batches(ROWS_WITH_TEXT, row_groups=[number], use_threads=False):
                    yield pa.Table.from_batches([batch.filter(pc.is_in(batch[column], value_set=values))])


def _bundles(groups: Sequence[int], sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Row groups to be read at one go: a reader holds on to all that it has read of its row groups, until its last one."""
    bundle, n = list[int](), 0
    for group, size in zip(groups, sizes, strict=True):
        if bundle and n + size > most:
            yield bundle
            bundle, n = [], 0
        bundle.append(group)
        n += size
    if bundle:
        yield bundle


def _may_hold(metadata: pq.FileMetaData, group: int, column: str, value: str) -> bool:
    found = (metadata.row_group(group).column(k) for k in range(metadata.num_columns))
    known = next(chunk.statistics for chunk in found if chunk.path_in_schema == column)
    return known is None or not known.has_min_max or known.min <= value <= known.max
