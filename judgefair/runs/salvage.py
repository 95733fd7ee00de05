"""What can still be read of a SQLite file that was cut off or damaged?"""

import sqlite3
from itertools import pairwise
from pathlib import Path

from judgefair.errors import StoreError
from judgefair.models.group_writer import connect

DAMAGED = ".damaged"
MANY = 1_024
LONGEST_GAP = 10_000
"""After so many rows in a row that cannot be read, the rest is taken for lost."""


def salvage_if_damaged(path: Path, schema: str) -> int | None:
    """Rebuild a damaged file from the rows that can be read, and keep the damaged one beside it.

    Returns
    -------
    How many rows were kept; None where the file is whole, or there is none.
    """
    if not path.is_file() or not is_damaged(path):
        return None
    fresh, aside = path.with_name(f"{path.name}.salvaged"), path.with_name(f"{path.name}{DAMAGED}")
    fresh.unlink(missing_ok=True)
    kept = 0
    try:
        target = connect(fresh)
        target.executescript(schema)
        tables = [name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            kept += _copy_rows(path, target, table)
        target.close()
        for suffix in ("-wal", "-shm"):  # they are of the damaged file
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.replace(aside.with_name(aside.name + suffix))
        path.replace(aside)
        fresh.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{path}: is damaged, and what is left of it cannot be copied ({error}). Free some space and run the same command again; "
            "or move the file away, and everything is asked anew"
        ) from None
    return kept


def is_damaged(path: Path) -> bool:
    """Whether a file is no database any more, or its pages are not those its tables need."""
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        return False  # SQLite makes a new database of it
    if start != b"SQLite format 3\x00":
        return True
    try:
        connection = connect(path)
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return not isinstance(error, sqlite3.OperationalError)
    return bool(said != "ok")


def _copy_rows(source: Path, target: sqlite3.Connection, table: str) -> int:
    """Copy every row of a table that can be read, around those that cannot: many at a time, and one by one where there is damage."""
    connection = sqlite3.connect(source, isolation_level=None)
    try:
        connection.execute("PRAGMA writable_schema=ON")  # first of all, else a file that is shorter than it says is not read
        connection.execute("PRAGMA cell_size_check=ON")
        sql = f"SELECT rowid, * FROM {table} WHERE rowid >= ? ORDER BY rowid LIMIT ?"  # the name is of our own schema
        names = ", ".join(["rowid", *(name for _, name, *_ in target.execute(f"PRAGMA table_info({table})"))])
        into = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(names.split(', ')))})"
        start, at_once, unreadable, kept = 1, MANY, 0, 0
        target.execute("BEGIN")
        while unreadable < LONGEST_GAP:
            try:
                rows = connection.execute(sql, (start, at_once)).fetchall()
                if not _are_in_order([row[0] for row in rows], start):
                    raise sqlite3.DatabaseError("rows that are none")
            except sqlite3.DatabaseError:
                if at_once == 1:
                    start, unreadable = start + 1, unreadable + 1
                at_once = max(1, at_once // 2)
                continue
            if not rows:
                break
            kept += target.executemany(into, rows).rowcount
            start, at_once, unreadable = rows[-1][0] + 1, min(MANY, 2 * at_once), 0
        target.execute("COMMIT")
    finally:
        connection.close()
    return kept


def _are_in_order(ids: list[int], start: int) -> bool:
    """Whether these are the next row ids, as far as one can tell: damage makes up others."""
    return all(a < b <= a + LONGEST_GAP for a, b in pairwise([start - 1, *ids]))
