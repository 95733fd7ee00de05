"""Does a journal find what landed, and nothing else?"""

from pathlib import Path

import pytest

from judgefair.models.reply import Reply
from judgefair.runs.journal import Journal

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
