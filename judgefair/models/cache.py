"""Was this very question asked before? Replies kept across runs."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson

from judgefair import folders
from judgefair.fingerprint import wire_json
from judgefair.models.group_writer import connect
from judgefair.models.model import Body, Model, WrittenBody
from judgefair.models.reply import Reply

GROUP = 256
_PLACE = "\ue000the last message\ue000"
PATIENCE = 5.0
"""Seconds to wait for another process that writes; beyond them replies are kept for this run alone."""


class ReplyCache:
    """Replies by their key, in SQLite. Only replies that were understood are put in; failures never are.

    It is a convenience, and stops nothing: replies are written behind the caller's back, many at a time, and where the file
    cannot be read or written nothing is found in it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or folders.cache() / "replies.sqlite"
        self._waiting: list[tuple[bytes, bytes]] = []
        self._writing: asyncio.Task[None] | None = None
        self._reader: sqlite3.Connection | None = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._reader = connect(self._path)
            self._reader.execute("PRAGMA journal_mode=WAL")
            self._reader.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, reply BLOB NOT NULL)")
        except (OSError, sqlite3.Error):
            self._reader = None

    def get(self, key: bytes) -> Reply | None:
        """The reply kept under the key, or None."""
        if self._reader is None:
            return None
        try:
            row = self._reader.execute("SELECT reply FROM kept WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        return None if row is None else Reply.from_json(orjson.loads(row[0]))

    def put(self, key: bytes, reply: Reply) -> None:
        """Keep a reply, soon."""
        if self._reader is None:
            return
        self._waiting.append((key, orjson.dumps(reply.to_json())))
        if len(self._waiting) >= GROUP and (self._writing is None or self._writing.done()):
            group, self._waiting = self._waiting, []
            self._writing = asyncio.create_task(asyncio.to_thread(self._write, group))

    async def close(self) -> None:
        """Keep what is waiting."""
        if self._writing is not None:
            await self._writing
        if self._reader is not None:
            if self._waiting:
                self._write(self._waiting)
            self._reader.close()

    def _write(self, group: list[tuple[bytes, bytes]]) -> None:
        try:
            with closing(connect(self._path, patience=PATIENCE)) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", group)
        except sqlite3.Error:  # they are in the run's own journal all the same
            return


def reply_key(model: Model, body: Body, sample: int) -> bytes:
    """The key of a request: sha256 of server, model, body and sample index. Nothing else decides what the reply can be."""
    return hashlib.sha256(_asked(model, body, sample)).digest()


class Requests:
    """Requests that differ in their last message alone, and their keys; a third of the work of making each from its parts.

    >>> from judgefair.models.stand_ins import scripted
    >>> body = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    >>> requests = Requests(scripted("first"), body, 0)
    >>> requests.body("b")
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'b'}]}
    >>> requests.key("a") == reply_key(scripted("first"), body, 0)
    True
    >>> requests.written("b")[0].wire
    b'{"messages":[{"content":"b","role":"user"}],"model":"m"}'
    """

    def __init__(self, model: Model, body: Body, sample: int) -> None:
        self._body = body
        *self._static, self._last = body["messages"]
        self._sent = wire_json(self.body(_PLACE)).split(wire_json(_PLACE))
        before, self._after = _asked(model, self.body(_PLACE), sample).split(wire_json(_PLACE))
        self._before = hashlib.sha256(before)

    def body(self, content: str) -> Body:
        """The request whose last message is this."""
        return {**self._body, "messages": [*self._static, {**self._last, "content": content}]}

    def key(self, content: str) -> bytes:
        """Its key."""
        return self._key(wire_json(content))

    def written(self, content: str) -> tuple[WrittenBody, bytes]:
        """The request, in its bytes too, and its key."""
        said = wire_json(content)
        return WrittenBody(self.body(content), said.join(self._sent)), self._key(said)

    def _key(self, said: bytes) -> bytes:
        key = self._before.copy()
        key.update(said)
        key.update(self._after)
        return key.digest()


def _asked(model: Model, body: Body, sample: int) -> bytes:
    return wire_json({"server": model.server, "model": model.name, "body": body, "sample": sample})
