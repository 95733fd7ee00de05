"""Does a journal find what landed, and nothing else?"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from judgefair.models.reply import Reply
from judgefair.runs.journal import JOURNAL, Journal, ReadOnlyJournal, _Marks

KEY, OF_THE_SAME_BEGINNING, OTHER = bytes(32), bytes(31) + b"1", b"1" * 32


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_journal_finds_what_landed_since_it_was_opened_and_before(tmp_path: Path, reopened: bool) -> None:
    journal = Journal(tmp_path)
    assert journal.was_empty
    assert journal.get(KEY) is None
    await journal.land(KEY, "an item", "a call", 0, Reply("4"))
    if reopened:
        journal.close()
        journal = Journal(tmp_path)
    assert journal.was_empty is not reopened
    assert journal.get(KEY) == Reply("4")
    assert journal.get(OF_THE_SAME_BEGINNING) is journal.get(OTHER) is None
    journal.close()


async def test_what_a_journal_holds_twice_counts_once_and_as_the_later_says(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for text in ("3", "4"):  # nobody lands the same twice, but what was damaged and salvaged may hold it so
        await journal.land(KEY, "an item", "a call", 0, Reply(text))
    assert journal.get(KEY) == Reply("4")
    journal.close()


async def test_a_reply_that_came_while_nothing_was_looked_for_is_found_by_who_reads_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await journal.land(KEY, "an item", "a call", 0, Reply("4"))
    await journal.land(OTHER, "another", "a call", 0, Reply("2"))
    during = ReadOnlyJournal(tmp_path)
    assert during.get(KEY) == Reply("4")
    journal.close()
    assert during.get_all([KEY, OTHER, OF_THE_SAME_BEGINNING]) == {KEY: Reply("4"), OTHER: Reply("2")}
    during.close()
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as database:
        (plan,) = database.execute("EXPLAIN QUERY PLAN SELECT reply FROM replies WHERE key = x'00'").fetchall()
    assert "USING INDEX" in plan[-1]


def test_keys_that_landed_are_known_by_their_marks_and_others_are_not_mistaken_for_them() -> None:
    rng = random.Random(0)
    marks = _Marks()
    landed = [rng.randbytes(32) for _ in range(50_000)]
    for key in landed:
        marks.add(key)
    assert all(key in marks for key in landed)
    assert not any(rng.randbytes(32) in marks for _ in range(50_000))
