"""Was this very question asked before? Replies kept across runs."""

import json
from pathlib import Path

from judgefair import folders
from judgefair.fingerprint import fingerprint
from judgefair.models.group_writer import GroupWriter, connect
from judgefair.models.model import Body, Model
from judgefair.models.reply import Reply


class ReplyCache:
    """Replies by their key, in SQLite. Only replies that were understood are put in; failures never are."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or folders.cache() / "replies.sqlite"
        self._writer = GroupWriter(path, "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL)")
        self._reader = connect(path)

    def get(self, key: str) -> Reply | None:
        """The reply kept under the key, or None."""
        row = self._reader.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else Reply.from_json(json.loads(row[0]))

    async def put(self, key: str, reply: Reply) -> None:
        """Keep a reply."""
        await self._writer.write(("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, json.dumps(reply.to_json()))))

    def close(self) -> None:
        """End the writer."""
        self._writer.close()
        self._reader.close()


def reply_key(model: Model, body: Body, sample: int) -> str:
    """The key of a request: server, model, body and sample index. Nothing else decides what the reply can be."""
    return fingerprint({"server": model.server, "model": model.name, "body": body, "sample": sample})
