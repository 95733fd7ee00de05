"""Is nothing lost where the disk is full or may not be written to, and is it said what to do?"""

from contextlib import ExitStack

import pytest

from judgefair.errors import StoreError
from judgefair.models.budget import Budget
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import judgefair, run_here, tiny_items, tiny_program, write_items
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_nothing_paid_twice,
    assert_said_what_the_server_said,
    judge_of,
    keys_of,
    landed_keys,
    paid,
)
from tests.faults.disks import read_only, small_disk
from tests.faults.hostile_server import HINDRANCES, Mischief

CONCURRENCY = 8
ITEMS = tiny_items(60)
CALLS = 2 * len(ITEMS)
PROGRAM = tiny_program("reason_then_score")
DISK, PAGE = 8_000_000, 4_096
FREE_SPACE = "Free some space"


class AtCall:
    """A script that does something just before a call is answered, once."""

    def __init__(self, script, number, act):
        self.script, self.number, self.act = script, number, act

    def __call__(self, number, body):
        if number == self.number:
            self.act()
        return self.script(number, body)


def judged(server, run, use_cache=False, **options):
    return judge(PROGRAM, ITEMS, judge_of(server), run, use_cache=use_cache, concurrency=CONCURRENCY, **options)


def why_it_ended(server, run, items):
    try:
        judge(PROGRAM, items, judge_of(server), run, use_cache=False, concurrency=CONCURRENCY)
    except StoreError as error:
        return str(error)
    return None


def files_of(run):
    return {path.name: path.read_bytes() for path in run.iterdir() if path.suffix != ".lock"}


def assert_complete(server, run, in_flight=0):
    assert_each_outcome_once(run, ITEMS, PROGRAM)
    assert_said_what_the_server_said(run, ITEMS, PROGRAM, server)
    assert_nothing_paid_twice(server, PROGRAM, in_flight=in_flight)


@pytest.mark.parametrize("left", ["nothing", "some pages"])
def test_a_disk_that_is_full_while_replies_land_ends_the_run_and_keeps_them(tmp_path, seed, rng, left):
    mischief = Mischief(seed, HINDRANCES)
    with small_disk(tmp_path / "disk", DISK) as disk, lb.loopback() as server:
        run = disk.folder / "run"
        leave = 0 if left == "nothing" else rng.randrange(4_096, 60_000)
        server.script = AtCall(mischief, rng.randrange(CONCURRENCY, CALLS // 2), lambda: disk.fill(leave))
        with pytest.raises(StoreError, match=f"journal.sqlite: .*full.*{FREE_SPACE}.*what had landed is kept"):
            judged(server, run)
        kept, before = landed_keys(run), len(server.calls)
        server.script = mischief
        assert len(paid(server, PROGRAM).keys() - kept) <= CONCURRENCY
        disk.make_room()
        judged(server, run)
        assert not kept & set(keys_of(server.calls[before:], server, PROGRAM))
        assert_complete(server, run, in_flight=CONCURRENCY)


@pytest.mark.parametrize("least", [200_000, 500_000], ids=["a shard", "the ratings"])
def test_a_disk_that_is_full_while_tables_are_written_ends_the_run_and_costs_no_reply(tmp_path, seed, rng, least):
    mischief = Mischief(seed, HINDRANCES, odd=0)
    with small_disk(tmp_path / "disk", DISK) as disk, lb.loopback() as server:
        run = disk.folder / "run"
        leave = rng.randrange(least, least + 50_000)
        server.script = AtCall(mischief, CALLS, lambda: disk.fill(leave))
        with pytest.raises(
            StoreError, match=rf"parquet: cannot be written \(.*No space left.*{FREE_SPACE}.*what had landed is kept"
        ):
            judged(server, run)
        assert len(landed_keys(run)) == CALLS
        assert not {".shards", "ratings.parquet", "ratings.parquet.partial"} & files_of(run).keys()
        server.script = mischief
        disk.make_room()
        judged(server, run)
        assert_complete(server, run)
    assert len(server.calls) == CALLS


def test_a_disk_that_has_a_page_more_each_time_is_told_of_at_every_step(tmp_path, seed):
    items, kept = ITEMS[:3], set()
    with small_disk(tmp_path / "disk", DISK) as disk, lb.loopback(Mischief(seed, HINDRANCES)) as server:
        run = disk.folder / "run"
        for leave in range(0, DISK, PAGE):
            before = len(server.calls)
            disk.fill(leave)
            said = why_it_ended(server, run, items)
            disk.make_room()
            assert not kept & set(keys_of(server.calls[before:], server, PROGRAM))
            if said is None:
                break
            assert FREE_SPACE in said
            kept = landed_keys(run)
        assert why_it_ended(server, run, items) is None  # SQLite takes in its log once there is room
        assert_each_outcome_once(run, items, PROGRAM)
        assert_said_what_the_server_said(run, items, PROGRAM, server)


def test_ratings_that_are_there_stay_where_a_full_disk_keeps_them_from_being_written_anew(tmp_path, seed):
    with small_disk(tmp_path / "disk", DISK) as disk, lb.loopback(Mischief(seed, HINDRANCES)) as server:
        run = disk.folder / "run"
        judged(server, run)
        whole = (run / "ratings.parquet").read_bytes()
        disk.fill()
        with pytest.raises(StoreError, match=FREE_SPACE):
            judged(server, run)
        assert (run / "ratings.parquet").read_bytes() == whole
        disk.make_room()
        judged(server, run)
        assert_complete(server, run)
    assert len(server.calls) == CALLS


def test_a_full_disk_beneath_the_cache_stops_nothing(tmp_path, seed, rng, monkeypatch):
    with small_disk(tmp_path / "home", DISK) as disk, lb.loopback() as server:
        monkeypatch.setenv("JUDGEFAIR_HOME", str(disk.folder))
        mischief = Mischief(seed, HINDRANCES)
        server.script = AtCall(mischief, rng.randrange(1, CALLS), disk.fill)
        judged(server, tmp_path / "run", use_cache=True)
        server.script = mischief
        assert_complete(server, tmp_path / "run")


def test_a_folder_that_is_read_only_is_told_of_before_anything_is_asked(tmp_path, seed, monkeypatch, capfd):
    run = tmp_path / "run"
    PROGRAM.save(tmp_path / "program.json")
    files = ["--program", tmp_path / "program.json", "--items", write_items(ITEMS, tmp_path / "items.jsonl"), "--out", run]
    with lb.loopback(Mischief(seed, HINDRANCES, odd=0)) as server:
        line = judgefair("judge", *files, "--model", f"tiny@{server.address}", "--no-cache")
        assert run_here([*line, "--max-calls", 50], monkeypatch) == 4
        before = files_of(run)
        with read_only(run):
            assert run_here(line, monkeypatch) == 1
        assert "cannot be written (Read-only file system). Choose another --out" in capfd.readouterr().err
        assert (files_of(run), len(server.calls)) == (before, 50)
        assert run_here(line, monkeypatch) == 0
        assert_complete(server, run)


def test_a_folder_that_becomes_read_only_ends_the_run_and_costs_no_reply(tmp_path, seed, rng):
    mischief, run = Mischief(seed, HINDRANCES), tmp_path / "run"
    with lb.loopback() as server, ExitStack() as mounts:
        server.script = AtCall(mischief, rng.randrange(CONCURRENCY, CALLS), lambda: mounts.enter_context(read_only(run)))
        with pytest.raises(
            StoreError, match=r"cannot be written .*check the folder's permissions, then run the same command again"
        ):
            judged(server, run)
        mounts.close()
        server.script = mischief
        judged(server, run)
        assert_complete(server, run)
    assert len(server.calls) == CALLS


def test_a_journal_that_is_read_only_is_told_of_before_anything_is_asked(tmp_path, seed, rng):
    run, n = tmp_path / "run", rng.randrange(1, CALLS)
    with lb.loopback(Mischief(seed, HINDRANCES)) as server:
        judged(server, run, budget=Budget(max_calls=n))
        with (
            read_only(run / "journal.sqlite"),
            pytest.raises(StoreError, match=r"readonly.* Check that the folder may be written to"),
        ):
            judged(server, run)
        assert len(server.calls) == n
        judged(server, run)
        assert_complete(server, run)
