"""Write to SQLite from many tasks: one thread commits what has come in, and each task awaits its own commit."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Statement = tuple[str, Sequence[Any]]
BUSY_TIMEOUT = 60


class GroupWriter:
    """A SQLite file in WAL mode. What `write` was awaited for survives the death of the process."""

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(schema)
        connection.close()
        self._queue: queue.SimpleQueue[tuple[list[Statement], asyncio.AbstractEventLoop, asyncio.Future[None]] | None]
        self._queue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._commit_groups, name=f"writer of {path.name}", daemon=True)
        self._thread.start()

    async def write(self, *statements: Statement) -> None:
        """Execute and commit, together with whatever other tasks bring in meanwhile."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.put((list(statements), loop, done))
        await done

    def close(self) -> None:
        """Commit what is waiting and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _commit_groups(self) -> None:
        connection = connect(self._path)
        open_for_work = True
        while open_for_work:
            group = [self._queue.get()]
            while not self._queue.empty():
                group.append(self._queue.get())
            open_for_work = None not in group
            work = [entry for entry in group if entry is not None]
            failure: Exception | None = None
            try:
                with connection:
                    for statements, _, _ in work:
                        for sql, values in statements:
                            connection.execute(sql, values)
            except Exception as error:  # whatever it is, the tasks that wait must hear of it
                failure = error
            for _, loop, done in work:
                loop.call_soon_threadsafe(_settle, done, failure)
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits for other writers."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _settle(done: asyncio.Future[None], failure: Exception | None) -> None:
    if done.cancelled():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
