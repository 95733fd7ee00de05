"""What holds of a run after whatever happened: each item has one outcome a judge and replicate, and no reply was paid for twice."""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from shutil import copy
from typing import Any

import pyarrow.parquet as pq

from judgefair.compile import JudgeProgram
from judgefair.models.cache import reply_key
from judgefair.models.openai_server import OpenAIServer
from judgefair.records import MISSING_REASONS, Item
from judgefair.runs.judging import Job
from tests.faults.hostile_server import HINDRANCES, Mischief
from tests.loopback import Call, Loopback

REPLICATES = 1


def judge_of(server: Loopback, timeout: float = 600) -> OpenAIServer:
    return OpenAIServer("tiny", server.address, timeout=timeout)


def rows_of(run: Path) -> list[dict[str, Any]]:
    return pq.read_table(run / "ratings.parquet").to_pylist()


def assert_each_outcome_once(run: Path, items: Sequence[Item], program: JudgeProgram, replicates: int = REPLICATES) -> None:
    """Each item has one rating a criterion and replicate, a value or a reason, and nothing half-done is left in the folder."""
    rows = rows_of(run)
    criteria = [criterion.id for criterion in program.rubric.criteria]
    found = Counter((row["item_id"], row["criterion"], row["rater_id"], row["replicate"]) for row in rows)
    assert found == Counter(product([item.item_id for item in items], criteria, ["tiny"], range(replicates)))
    for row in rows:
        assert (row["value"] is None) == (row["missing"] in MISSING_REASONS), row
        assert (row["value"] is None) != (row["missing"] is None), row
    left = {path.name for path in run.iterdir()} - {
        "journal.sqlite.damaged",
        "journal.sqlite.damaged-wal",
        "journal.sqlite.damaged-shm",
    }
    assert left == {".lock", "items.parquet", "journal.sqlite", "manifest.json", "program.json", "ratings.parquet"}


def assert_said_what_the_server_said(
    run: Path,
    items: Sequence[Item],
    program: JudgeProgram,
    server: Loopback,
    replicates: int = REPLICATES,
    lost: Iterable[str] = (),
) -> None:
    """Each rating is what the server had to say to that very request; `lost` are reasons that may stand instead."""
    mischief = server.script
    assert isinstance(mischief, Mischief)
    job = Job(program, judge_of(server), replicates, concurrency=1)
    said = {(row["item_id"], row["criterion"], row["replicate"]): row for row in rows_of(run)}
    for _, criterion, replicate, item in job.calls(items):
        row = said[item.item_id, criterion, replicate]
        expected = mischief.answer(job.body(criterion, item, replicate)).outcome
        assert (row["missing"] or row["value"]) in {expected, *lost}, row


def keys_of(calls: Iterable[Call], server: Loopback, program: JudgeProgram) -> list[bytes]:
    """Under which keys the replies to these calls are kept."""
    return [reply_key(judge_of(server), call.body, call.body["seed"] - program.sampling["seed"]) for call in calls]


def paid(server: Loopback, program: JudgeProgram) -> Counter[bytes]:
    """How many good replies went out whole, by key."""
    mischief = server.script
    assert isinstance(mischief, Mischief)
    good = [sent.call for sent in server.sent if sent.is_whole and mischief.happened[sent.call.number] in HINDRANCES]
    return Counter(keys_of(good, server, program))


def assert_nothing_paid_twice(server: Loopback, program: JudgeProgram, *, in_flight: int = 0) -> None:
    """No good reply went out twice for one request, but for those that were in flight when the client met its end."""
    assert sum(count - 1 for count in paid(server, program).values()) <= in_flight


def assert_every_attempt_is_journalled(run: Path, server: Loopback, program: JudgeProgram) -> None:
    """The journal and the server tell of the same calls; of each request the last attempt alone brought a reply.

    Where a connection is reset after a reply that came through, the next request on it is lost before the server hears of it.
    """
    attempts: dict[bytes, list[str | None]] = {}
    for key, error in _rows_of_journal(run, "SELECT key, error FROM attempts ORDER BY rowid"):
        attempts.setdefault(key, []).append(error)
    unheard = Counter({key: len(errors) for key, errors in attempts.items()})
    unheard.subtract(keys_of(server.calls, server, program))
    assert min(unheard.values()) >= 0
    assert unheard.total() <= sum(sent.behaviour.reset and sent.is_whole for sent in server.sent)
    landed = landed_keys(run)
    for key, errors in attempts.items():
        assert all(errors[:-1]), errors
        assert (errors[-1] is None) == (key in landed), errors


def landed_keys(run: Path) -> set[bytes]:
    """Keys of the replies in a journal, of which a copy is read: SQLite mends the original when it opens it."""
    return {key for (key,) in _rows_of_journal(run, "SELECT key FROM replies")}


def _rows_of_journal(run: Path, sql: str) -> list[tuple[Any, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        for path in run.glob("journal.sqlite*"):
            if not path.name.endswith("-shm"):
                copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / "journal.sqlite")) as journal:
            is_begun = journal.execute("SELECT 1 FROM sqlite_master").fetchone()
            return journal.execute(sql).fetchall() if is_begun else []
