"""Is all that can be read of a damaged journal used, and nothing else, and is it said what happened?"""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import judgefair, run_here, tiny_items, tiny_program, write_items
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_said_what_the_server_said,
    judge_of,
    keys_of,
    landed_keys,
)
from tests.faults.hostile_server import HINDRANCES, Mischief

CONCURRENCY = 8
ITEMS = tiny_items(60)
CALLS = 2 * len(ITEMS)
PROGRAM = tiny_program("reason_then_score")
PAGE = 4_096


def judged(server, run):
    return judge(PROGRAM, ITEMS, judge_of(server), run, use_cache=False, concurrency=CONCURRENCY)


def inside_a_page(path, rng, first=0):
    """A place in a file that is not between two pages."""
    return PAGE * rng.randrange(first, path.stat().st_size // PAGE) + rng.randrange(1, PAGE)


def readable(run, earlier):
    """Which rows of `earlier` are still in the journal as they were, looked up one by one in a copy."""
    copy = shutil.copytree(run, run.with_name("copy"))
    found = {}
    try:
        with closing(sqlite3.connect(copy / "journal.sqlite")) as journal:
            journal.execute("PRAGMA writable_schema=ON")  # reads a file that is shorter than it says
            journal.execute("PRAGMA cell_size_check=ON")
            for rowid, row in earlier.items():
                try:
                    if journal.execute("SELECT key, reply FROM replies WHERE rowid = ?", (rowid,)).fetchone() == row:
                        found[rowid] = row
                except sqlite3.DatabaseError:
                    continue
    finally:
        shutil.rmtree(copy)
    return {key for key, _ in found.values()}


def says_it_is_whole(run):
    """Whether SQLite finds all pages of the journal in their places, in a copy."""
    copy = shutil.copytree(run, run.with_name("copy"))
    try:
        with closing(sqlite3.connect(copy / "journal.sqlite")) as journal:
            return journal.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False
    finally:
        shutil.rmtree(copy)


def rows_of_journal(run):
    copy = shutil.copytree(run, run.with_name("copy"))
    try:
        with closing(sqlite3.connect(copy / "journal.sqlite")) as journal:
            return {rowid: (key, reply) for rowid, key, reply in journal.execute("SELECT rowid, key, reply FROM replies")}
    finally:
        shutil.rmtree(copy)


def cut(path, at):
    with path.open("r+b") as file:
        file.truncate(at)


def overwrite(path, at, content):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def assert_only_what_cannot_be_read_is_asked_again(server, run, earlier):
    """Judge once more, after the damage."""
    kept, before = readable(run, earlier), len(server.calls)
    done = judged(server, run)
    asked, landed = keys_of(server.calls[before:], server, PROGRAM), dict(earlier.values())
    again = landed.keys() & set(asked)
    assert not again & kept
    # A salvage reads row after row, and may find some whose way from the root of the table is lost: they are as they landed.
    now = dict(rows_of_journal(run).values())
    assert {key: now[key] for key in landed.keys() - again} == {key: landed[key] for key in landed.keys() - again}
    assert len(asked) == len(set(asked)) == CALLS - len(landed.keys() - again)
    assert_each_outcome_once(run, ITEMS, PROGRAM)
    assert_said_what_the_server_said(run, ITEMS, PROGRAM, server)
    after = len(server.calls)
    assert judged(server, run).progress.notes == []
    assert len(server.calls) == after
    return done.progress.notes


def test_a_journal_that_was_cut_within_a_page_is_salvaged(tmp_path, seed, rng):
    run = tmp_path / "run"
    with lb.loopback(Mischief(seed, HINDRANCES)) as server:
        judged(server, run)
        earlier = rows_of_journal(run)
        cut(run / "journal.sqlite", inside_a_page(run / "journal.sqlite", rng))
        has_all_pages = says_it_is_whole(run)
        notes = assert_only_what_cannot_be_read_is_asked_again(server, run, earlier)
    if has_all_pages:  # what was lost is the end of a long reply, which is asked for again, or held nothing
        assert notes == []
        return
    assert [f"{run}/journal.sqlite was damaged" in note for note in notes] == [True]
    assert (run / "journal.sqlite.damaged").exists()


@pytest.mark.parametrize("what", ["a page", "the first page", "some bytes"])
def test_a_journal_of_which_a_part_was_overwritten_is_salvaged(tmp_path, seed, rng, what):
    run = tmp_path / "run"
    with lb.loopback(Mischief(seed, HINDRANCES)) as server:
        judged(server, run)
        earlier = rows_of_journal(run)
        journal = run / "journal.sqlite"
        page = 0 if what == "the first page" else PAGE * rng.randrange(1, journal.stat().st_size // PAGE)
        if what == "some bytes":
            overwrite(journal, page + rng.randrange(200, PAGE - 100), rng.randbytes(100))
        else:
            overwrite(journal, page, rng.randbytes(PAGE))
        assert_only_what_cannot_be_read_is_asked_again(server, run, earlier)


@pytest.mark.parametrize("what", ["journal.sqlite-wal", "journal.sqlite"])
def test_a_run_that_died_and_lost_the_end_of_a_file_goes_on(tmp_path, seed, rng, what):
    """The folder as a machine that stops leaves it: nobody closed the journal."""
    run, dead, n = tmp_path / "run", tmp_path / "dead", rng.randrange(CONCURRENCY, CALLS - CONCURRENCY)
    mischief = Mischief(seed, HINDRANCES)

    def script(number, body):
        return replace(mischief(number, body), held=number > n)

    with lb.loopback(script) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(judged, server, run)
        server.wait_until(lambda s: len(s.calls) == n + CONCURRENCY)  # each worker asks again only once its reply is on disk
        shutil.copytree(run, dead)
        server.release()
        running.result(60)
        server.wait_until(lambda s: s.answered == CALLS)
        server.script = mischief
        earlier = rows_of_journal(dead)
        assert len(earlier) == n
        cut(dead / what, inside_a_page(dead / what, rng))
        assert_only_what_cannot_be_read_is_asked_again(server, dead, earlier)


def test_a_damaged_journal_is_told_of_on_the_command_line(tmp_path, seed, rng, monkeypatch, capfd):
    run = tmp_path / "run"
    PROGRAM.save(tmp_path / "program.json")
    files = ["--program", tmp_path / "program.json", "--items", write_items(ITEMS, tmp_path / "items.jsonl"), "--out", run]
    with lb.loopback(Mischief(seed, HINDRANCES, odd=0)) as server:
        line = judgefair("judge", *files, "--model", f"tiny@{server.address}", "--no-cache")
        assert run_here(line, monkeypatch) == 0
        earlier = rows_of_journal(run)
        cut(run / "journal.sqlite", inside_a_page(run / "journal.sqlite", rng))
        kept = readable(run, earlier)
        assert run_here(judgefair("show", run, ITEMS[0].item_id), monkeypatch) in {0, 1}
        assert run_here(line, monkeypatch) == 0
        said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "journal.sqlite was damaged: " in said
    assert "the damaged file stands beside it (.damaged)" in said
    assert landed_keys(run) >= kept
    assert len(server.calls) == 2 * CALLS - len(kept)
    assert_each_outcome_once(run, ITEMS, PROGRAM)
