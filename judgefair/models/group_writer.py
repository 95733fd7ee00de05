"""Write to SQLite from many tasks: what comes in together is committed together, and each task awaits its own commit."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judgefair.errors import StoreError

Statement = tuple[str, Sequence[Any]]
BUSY_TIMEOUT = 60
PAGES_IN_LOG = 16_384
"""After so many, SQLite takes its log into the database, which waits for the disk."""
MAY_BE_WRITTEN = "BEGIN; PRAGMA user_version = 0; ROLLBACK;"
"""Fails on a file that is read-only, before anything is paid for."""


class GroupWriter:
    """A SQLite file in WAL mode. What `write` was awaited for survives the death of the process.

    Commits are made in the thread of the event loop: a handful of microseconds a row, where a thread of its own would wait for
    the interpreter's lock many times as long. One is made in the next turn of the loop after something came in, so that a busy
    loop shares it among many tasks, and a task that comes alone hardly waits.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _closed_on_error(connect(path)) as self.connection:
                self.connection.execute("PRAGMA journal_mode=WAL")
                self.connection.execute(f"PRAGMA wal_autocheckpoint={PAGES_IN_LOG}")
                self.connection.executescript(f"{schema} {MAY_BE_WRITTEN}")
        except (OSError, sqlite3.Error) as error:
            raise cannot_keep(path, error) from None
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._awaited: list[asyncio.Future[None]] = []

    def write(self, *statements: Statement) -> Awaitable[None]:
        """Execute and commit, together with whatever other tasks bring in meanwhile; to be awaited.

        Raises
        ------
        StoreError : nothing of the group could be written.
        """
        for sql, row in statements:
            self._rows.setdefault(sql, []).append(row)
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        if not self._awaited:
            loop.call_soon(self._commit)
        self._awaited.append(mine)
        return mine

    def read(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None; what is waiting for its commit is not seen."""
        try:
            return self.connection.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise cannot_keep(self.path, error) from None

    def execute(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do something in one transaction, now."""
        try:
            self.connection.execute("BEGIN")
            done = work(self.connection)
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise cannot_keep(self.path, error) from None
        return done

    def close(self) -> None:
        """Commit what is waiting."""
        try:
            self._commit()
        finally:
            self.connection.close()

    def _commit(self) -> None:
        awaited = self._awaited
        if not awaited:  # closed before its time came
            return
        self._awaited = []
        failure: StoreError | None = None
        try:
            self._write_rows()
        except StoreError as error:
            failure = error
        for future in awaited:
            if future.done():  # whoever waited was cancelled
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)

    def _write_rows(self) -> None:
        rows, self._rows = self._rows, {}

        def insert(connection: sqlite3.Connection) -> None:
            for sql, group in rows.items():
                connection.executemany(sql, group).close()  # an open cursor, kept by an error, would keep the file open

        self.execute(insert)


def connect(path: Path, *, patience: float = BUSY_TIMEOUT, immutable: bool = False) -> sqlite3.Connection:
    """A connection that waits for other writers, so many seconds; `immutable` reads a file that nobody writes to, and leaves nothing beside it."""
    if immutable:
        return sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, isolation_level=None)
    with _closed_on_error(sqlite3.connect(path, timeout=patience, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=NORMAL")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """The connection; an error would keep it, and its file, open for as long as somebody holds the error."""
    try:
        yield connection
    except sqlite3.Error:
        connection.close()
        raise


def cannot_keep(path: Path, error: Exception) -> StoreError:
    """What to do where SQLite cannot write or read, in words."""
    said = str(error)
    if "full" in said or "disk I/O" in said:  # a full disk is the latter too, where shared memory is made on it
        what_next = "Free some space, then run the same command again: what had landed is kept"
    elif "malformed" in said or "not a database" in said or "corrupt" in said:
        what_next = "It is damaged; run the same command again, and what can be read of it is kept"
    else:
        what_next = "Check that the folder may be written to and is not used by others, then run the same command again"
    return StoreError(f"{path}: {said}. {what_next}")
