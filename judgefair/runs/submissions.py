"""Which requests of a run are at work in a batch, and what came of those that brought no reply? On record in its journal."""

from typing import Any

from judgefair.errors import InputError
from judgefair.models.batch_file import Submission
from judgefair.models.reply import Reply
from judgefair.runs.journal import Journal

_OPEN = "SELECT token, n_requests, file_id, batch_id FROM submissions WHERE status IS NULL AND server = ? ORDER BY rowid"


class Submissions:
    """The ledger of the batches of one server, and which request is of which judgment."""

    def __init__(self, journal: Journal, server: str) -> None:
        self._journal, self._server = journal, server
        self._noted: list[tuple[bytes, str, str, int]] = []

    def unfinished(self) -> list[Submission]:
        """What was begun and has not ended."""
        rows = self._journal.writer.execute(lambda connection: connection.execute(_OPEN, (self._server,)).fetchall())
        return [Submission(*row) for row in rows]

    async def begin(self, token: str, n_requests: int) -> None:
        """A file of requests is about to be uploaded: which judgments they are of is on record before."""
        noted = [("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, NULL)", row) for row in self._noted]
        self._noted = []
        row = (token, self._server, n_requests)
        await self._journal.writer.write(*noted, ("INSERT INTO submissions (token, server, n_requests) VALUES (?, ?, ?)", row))

    async def uploaded(self, token: str, file_id: str) -> None:
        """The server has the file."""
        await self._journal.writer.write(("UPDATE submissions SET file_id = ? WHERE token = ?", (file_id, token)))

    async def submitted(self, token: str, batch_id: str) -> None:
        """The server works on it."""
        await self._journal.writer.write(("UPDATE submissions SET batch_id = ? WHERE token = ?", (batch_id, token)))

    async def ended(self, token: str, status: str) -> None:
        """All outcomes are kept, or the server did not take the batch."""
        await self._journal.writer.write(("UPDATE submissions SET status = ? WHERE token = ?", (status, token)))

    def note(self, key: bytes, item_id: str, call: str, replicate: int) -> None:
        """A request is written into the file that is begun next."""
        self._noted.append((key, item_id, call, replicate))

    def judgment_of(self, key: bytes) -> tuple[str, str, int] | None:
        """Item, call and replicate of a request; None where this run never sent it."""
        row: tuple[str, str, int] | None = self._journal.writer.read(
            "SELECT item_id, call, replicate FROM sent WHERE key = ?", (key,)
        )
        return row

    async def land(self, key: bytes, judgment: tuple[str, str, int], reply: Reply) -> None:
        """Keep a reply."""
        await self._journal.land(key, *judgment, reply)

    async def fail(self, key: bytes, message: str) -> None:
        """Keep why a request brought no reply; another run of the command sends it again."""
        await self._journal.writer.write(("UPDATE sent SET failure = ? WHERE key = ?", (message, key)))

    def failure(self, key: bytes) -> str | None:
        """Why a request brought no reply; None where it was not sent."""
        row: Any = self._journal.writer.read("SELECT failure FROM sent WHERE key = ?", (key,))
        return None if row is None else row[0]


def refuse_open_batches(journal: Journal) -> None:
    """InputError where requests of the run are at work in a batch: to ask them online too would pay for them twice."""
    found = journal.writer.read("SELECT server, sum(n_requests) FROM submissions WHERE status IS NULL GROUP BY server")
    if found is not None:
        raise InputError(
            f"{journal.writer.path.parent}: {found[1]:,} requests are at work in a batch at {found[0]}, and would be paid for twice. "
            "Run the command with --via batch until they have come back, or choose another --out"
        )
