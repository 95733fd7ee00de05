"""What has landed? Every reply and every attempt of a run, on disk before the next question is asked."""

import shutil
import sqlite3
import struct
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from judgefair.errors import StoreError
from judgefair.models.group_writer import GroupWriter, cannot_keep, connect
from judgefair.models.policy import Attempt
from judgefair.models.reply import Reply
from judgefair.runs.salvage import salvage_if_damaged

JOURNAL, SHARD_JOURNALS = "journal.sqlite", ".shard-journals"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB NOT NULL, item_id TEXT NOT NULL, call TEXT NOT NULL, replicate INTEGER NOT NULL, reply BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
    key BLOB NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, seconds REAL NOT NULL, error TEXT);
CREATE TABLE IF NOT EXISTS submissions (
    token TEXT PRIMARY KEY, server TEXT NOT NULL, n_requests INTEGER NOT NULL, file_id TEXT, batch_id TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS sent (
    key BLOB PRIMARY KEY, item_id TEXT NOT NULL, call TEXT NOT NULL, replicate INTEGER NOT NULL, failure TEXT);
"""
_BY_KEY = "CREATE UNIQUE INDEX IF NOT EXISTS replies_by_key ON replies (key)"
_ONE_OF_EACH = "DELETE FROM replies WHERE rowid NOT IN (SELECT max(rowid) FROM replies GROUP BY key)"
LAND = "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)"
ATTEMPT = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?)"
MARKS = 2**27
CACHE_KIB = 32_768
"""Of an index, to have it at hand; rows that are written one after the other and not read need none."""

_four_words = struct.Struct(">4I").unpack_from


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    """An attempt as the journal has it; `at` in seconds since 1970."""

    number: int
    at: float
    seconds: float
    error: str | None


class Journal:
    """`journal.sqlite` of a run folder. Replies are kept by their request's key, so that a changed item is asked anew.

    A journal that was cut off (a full disk, a copy that broke) is salvaged when it is opened: `salvaged` rows of it could be read.

    Replies are found by an index of their keys. A new journal has none until it is closed, or a reply of its own is looked for:
    keys have no order, and to keep their index while rows come in takes longer than to write the rows.

    Attributes
    ----------
    was_empty : nothing had landed when it was opened. What lands is then marked, since looking for each request in a file that
        does not hold it takes longer than to make the request.
    """

    def __init__(self, run: Path) -> None:
        self.salvaged = salvage_if_damaged(run / JOURNAL, _SCHEMA)
        self.writer = GroupWriter(run / JOURNAL, _SCHEMA)
        self.was_empty = self.writer.read("SELECT 1 FROM replies LIMIT 1") is None
        self._marked = _Marks() if self.was_empty else None
        self._is_indexed = False
        if not self.was_empty:
            self.index()

    def index(self) -> None:
        """Have replies found by their keys from now on."""
        if not self._is_indexed:
            self.writer.execute(_index)
            self._is_indexed = True

    def get(self, key: bytes) -> Reply | None:
        """The reply that landed for this request, or None."""
        if self._marked is not None and key not in self._marked:
            return None
        self.index()
        row = self.writer.read("SELECT reply FROM replies WHERE key = ?", (key,))
        return None if row is None else _reply(row[0])

    def get_all(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that landed for these requests, by key; of many, a third of the time that `get` takes for each."""
        self.index()
        try:
            return _replies(self.writer.connection, keys)
        except sqlite3.Error as error:
            raise cannot_keep(self.writer.path, error) from None

    def land(
        self, key: bytes, item_id: str, call: str, replicate: int, reply: Reply, attempt: Attempt | None = None
    ) -> Awaitable[None]:
        """Keep a reply, and the attempt that brought it where one was made; on disk once this was awaited."""
        if self._marked is not None:
            self._marked.add(key)
        landed = (LAND, (key, item_id, call, replicate, orjson.dumps(reply.to_json())))
        if attempt is None:
            return self.writer.write(landed)
        return self.writer.write(landed, (ATTEMPT, _row(key, attempt)))

    def failed(self, key: bytes, attempt: Attempt) -> Awaitable[None]:
        """Keep an attempt that failed; on disk once this was awaited."""
        return self.writer.write((ATTEMPT, _row(key, attempt)))

    def close(self) -> None:
        """Everything awaited is on disk."""
        try:
            with suppress(StoreError):  # a full disk: what landed is kept all the same, and is indexed when it is opened next
                self.index()
        finally:
            self.writer.close()


class _Marks:
    """Which keys may have landed: a Bloom filter (Bloom 1970, Communications of the ACM 13:422) of `MARKS` bits, four a key.

    Of keys that did not land, (1 - exp(-4 n / MARKS))^4 are taken for one of n that did: where a million landed, one in a million.
    """

    def __init__(self) -> None:
        self._bits = bytearray(MARKS // 8)

    def add(self, key: bytes) -> None:
        """It may have landed."""
        bits = self._bits
        a, b, c, d = _four_words(key)  # one by one, since every call passes here
        bits[a >> 8] |= 1 << (a & 7)
        bits[b >> 8] |= 1 << (b & 7)
        bits[c >> 8] |= 1 << (c & 7)
        bits[d >> 8] |= 1 << (d & 7)

    def __contains__(self, key: bytes) -> bool:
        bits = self._bits
        a, b, c, d = _four_words(key)
        return bool(
            bits[a >> 8] >> (a & 7) & 1 and bits[b >> 8] >> (b & 7) & bits[c >> 8] >> (c & 7) & bits[d >> 8] >> (d & 7) & 1
        )


class ReadOnlyJournal:
    """The journal of a run, to look things up in.

    immutable : nobody writes to it meanwhile; then it may be read from several machines that share a disk.
    """

    def __init__(self, run: Path, *, immutable: bool = False) -> None:
        self._path = run / JOURNAL
        try:
            self._connection = connect(self._path, immutable=immutable) if self._path.is_file() else None
        except sqlite3.Error as error:
            raise cannot_keep(self._path, error) from None

    def get(self, key: bytes) -> Reply | None:
        """The reply that landed for this request, or None."""
        row = self._rows("SELECT reply FROM replies WHERE key = ?", key)
        return _reply(row[0][0]) if row else None

    def get_all(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that landed for these requests, by key."""
        try:
            return {} if self._connection is None else _replies(self._connection, keys)
        except sqlite3.Error as error:
            raise cannot_keep(self._path, error) from None

    def attempts(self, key: bytes) -> list[KeptAttempt]:
        """Every attempt at this request, in order."""
        return [
            KeptAttempt(*row)
            for row in self._rows("SELECT number, at, seconds, error FROM attempts WHERE key = ? ORDER BY rowid", key)
        ]

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()

    def _rows(self, sql: str, key: bytes) -> list[Any]:
        try:
            return [] if self._connection is None else self._connection.execute(sql, (key,)).fetchall()
        except sqlite3.OperationalError:  # no such table: nothing has landed
            return []
        except sqlite3.Error as error:
            raise cannot_keep(self._path, error) from None


def _replies(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Reply]:
    sql = f"SELECT key, reply FROM replies WHERE key IN ({', '.join('?' * len(keys))})"
    found = {key: _reply(kept) for key, kept in connection.execute(sql, keys)}
    return {key: reply for key, reply in found.items() if reply is not None}


def _reply(kept: bytes) -> Reply | None:
    """The reply that was kept; None where its bytes are not those any more, so that it is asked for again."""
    try:
        return Reply.from_json(orjson.loads(kept))
    except (ValueError, TypeError, KeyError):
        return None


def merge_shards(run: Path) -> None:
    """Bring what landed in journals of shards into the run's own, and remove them; an earlier start may have left some."""
    folders = sorted((run / SHARD_JOURNALS).glob("*"))
    if not folders:
        return
    journal = Journal(run)
    try:
        journal.index()
        for folder in folders:
            Journal(folder).close()  # salvages what an abrupt end left, and takes in what was not yet checkpointed
            journal.writer.connection.execute("ATTACH ? AS shard", (str(folder / JOURNAL),))
            journal.writer.execute(_take_over)
            journal.writer.connection.execute("DETACH shard")
            shutil.rmtree(folder)
        (run / SHARD_JOURNALS).rmdir()
    finally:
        journal.close()


def _index(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    try:
        connection.execute(_BY_KEY)
    except sqlite3.IntegrityError:  # of what a damaged journal had twice, the later counts
        connection.execute(_ONE_OF_EACH)
        connection.execute(_BY_KEY)


def _take_over(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR IGNORE INTO replies SELECT * FROM shard.replies")
    connection.execute("INSERT INTO attempts SELECT * FROM shard.attempts")


def shard_journal(run: Path, number: int) -> Path:
    """The folder of a shard's journal."""
    return run / SHARD_JOURNALS / f"{number:07d}"


def _row(key: bytes, attempt: Attempt) -> tuple[Any, ...]:
    return key, attempt.number, time.time(), attempt.seconds, attempt.error
