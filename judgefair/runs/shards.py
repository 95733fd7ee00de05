"""Where are the ratings of a run while it is judged? One small table for each shard, put together at the end."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from judgefair.errors import StoreError
from judgefair.runs.parquet import write_table
from judgefair.runs.tables import write_judged

SHARDS = ".shards"


class ShardTables:
    """Tables of ratings by the number of their shard, in a folder of the run that goes when it is done."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self._schema = folder, schema

    def keep(self, number: int, table: pa.Table) -> None:
        """Keep the ratings of a shard."""
        write_table(table, self._path(number))

    def write_ratings(self, run: Path, n_shards: int) -> int:
        """Put all shards together as the run's `ratings.parquet`; how many ratings there are."""
        n = 0

        def tables() -> Iterator[pa.Table]:
            nonlocal n
            for number in range(n_shards):
                table = pq.read_table(self._path(number), schema=self._schema)
                n += len(table)
                yield table

        write_judged(tables(), self._schema, run)
        return n

    def _path(self, number: int) -> Path:
        return self.folder / f"ratings-{number:07d}.parquet"


@contextmanager
def shard_tables(run: Path, schema: pa.Schema) -> Iterator[ShardTables]:
    """The tables of a run's shards, begun anew: what was judged before is in the journal."""
    folder = run / SHARDS
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}). Check the folder's permissions") from None
    try:
        yield ShardTables(folder, schema)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
