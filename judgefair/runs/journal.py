"""What has landed? Every reply and every attempt of a run, on disk before the next question is asked."""

import json
import time
from pathlib import Path

from judgefair.models.client import Attempt
from judgefair.models.group_writer import GroupWriter, connect
from judgefair.models.reply import Reply

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, item_id TEXT NOT NULL, call TEXT NOT NULL, replicate INTEGER NOT NULL, reply TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
    key TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, seconds REAL NOT NULL, error TEXT);
"""


class Journal:
    """`journal.sqlite` of a run folder. Replies are kept by their request's key, so that a changed item is asked anew."""

    def __init__(self, run: Path) -> None:
        self._writer = GroupWriter(run / "journal.sqlite", _SCHEMA)
        self._reader = connect(run / "journal.sqlite")

    def get(self, key: str) -> Reply | None:
        """The reply that landed for this request, or None."""
        row = self._reader.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else Reply.from_json(json.loads(row[0]))

    async def land(self, key: str, item_id: str, call: str, replicate: int, reply: Reply) -> None:
        """Keep a reply; it is on disk when this returns."""
        row = (key, item_id, call, replicate, json.dumps(reply.to_json()))
        await self._writer.write(("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", row))

    async def attempted(self, key: str, attempt: Attempt) -> None:
        """Keep an attempt, whether it succeeded or not."""
        row = (key, attempt.number, time.time(), attempt.seconds, attempt.error)
        await self._writer.write(("INSERT INTO attempts VALUES (?, ?, ?, ?, ?)", row))

    def close(self) -> None:
        """End the writer; everything awaited is on disk."""
        self._writer.close()
        self._reader.close()
