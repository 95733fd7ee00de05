"""Does a run come to its end however often its process is killed or told to stop, and at whatever point?"""

import signal
import subprocess
from contextlib import contextmanager

from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import judgefair, tiny_items, tiny_program, write_items
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_nothing_paid_twice,
    assert_said_what_the_server_said,
    judge_of,
    keys_of,
    landed_keys,
    paid,
)
from tests.faults.hostile_server import ASKS_TO_WAIT, HINDRANCES, Mischief

CONCURRENCY = 8
ITEMS = tiny_items(60)
CALLS = 2 * len(ITEMS)
QUICK = {**ASKS_TO_WAIT, **HINDRANCES}


@contextmanager
def process(server, folder, sigint=signal.SIG_DFL):
    """The command line at work on `folder/run`; a shell starts its background jobs with SIGINT ignored."""
    tiny_program().save(folder / "program.json")
    files = ["--program", folder / "program.json", "--items", write_items(ITEMS, folder / "items.jsonl"), "--out", folder / "run"]
    options = ["--concurrency", CONCURRENCY, "--attempts", 12, "--no-cache"]

    def set_sigint():
        signal.signal(signal.SIGINT, sigint)

    line = judgefair("judge", *files, "--model", f"tiny@{server.address}", *options)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=set_sigint) as running:
        try:
            yield running
        finally:
            running.kill()


def stop(server, folder, signum, after):
    """Send a signal when so many calls more have come in; the exit code, and what was said."""
    come = len(server.calls) + after
    with process(server, folder) as running:
        server.wait_until(lambda s: len(s.calls) >= come)
        running.send_signal(signum)
        _, said = running.communicate(timeout=60)
    server.wait_until(lambda s: s.is_left_alone)  # what was sent before the end has been counted
    return running.returncode, said


def assert_no_kept_reply_is_asked_for_again(server, calls_before, kept):
    assert not kept & set(keys_of(server.calls[calls_before:], server, tiny_program()))


def assert_complete(server, run, ends):
    assert_each_outcome_once(run, ITEMS, tiny_program())
    assert_said_what_the_server_said(run, ITEMS, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program(), in_flight=ends * CONCURRENCY)


def test_a_run_that_is_killed_again_and_again_loses_and_repeats_nothing(tmp_path, seed, rng):
    run, stops = tmp_path / "run", []
    with lb.loopback(Mischief(seed, QUICK)) as server:
        for after in (rng.randrange(1, CALLS // 2), rng.randrange(1, CALLS // 4)):
            code, _ = stop(server, tmp_path, signal.SIGKILL, after)
            kept = landed_keys(run)
            assert code == -signal.SIGKILL or len(kept) == CALLS
            assert len(paid(server, tiny_program()).keys() - kept) <= CONCURRENCY
            stops.append((len(server.calls), kept))
        judge(tiny_program(), ITEMS, judge_of(server), run, use_cache=False, concurrency=CONCURRENCY)
    for calls_before, kept in stops:
        assert_no_kept_reply_is_asked_for_again(server, calls_before, kept)
    assert_complete(server, run, ends=2)


def test_a_run_that_is_killed_while_it_writes_its_tables_writes_them_again(tmp_path, seed):
    run = tmp_path / "run"
    with lb.loopback(Mischief(seed, HINDRANCES)) as server:
        with process(server, tmp_path) as running:
            server.wait_until(lambda s: s.answered == CALLS)
            running.kill()
        server.wait_until(lambda s: s.is_left_alone)
        kept = landed_keys(run)
        assert CALLS - len(kept) <= CONCURRENCY
        judge(tiny_program(), ITEMS, judge_of(server), run, use_cache=False, concurrency=CONCURRENCY)
        assert_no_kept_reply_is_asked_for_again(server, CALLS, kept)
    assert_complete(server, run, ends=1)


def test_a_run_that_is_told_to_stop_stops_in_order_and_goes_on(tmp_path, seed, rng):
    run = tmp_path / "run"
    with lb.loopback(Mischief(seed, QUICK)) as server:
        code, said = stop(server, tmp_path, signal.SIGTERM, rng.randrange(1, CALLS))
        kept, before = landed_keys(run), len(server.calls)
        assert code > 0 or len(kept) == CALLS
        assert "Traceback" not in said
        assert not (run / ".shards").exists()
        judge(tiny_program(), ITEMS, judge_of(server), run, use_cache=False, concurrency=CONCURRENCY)
        assert_no_kept_reply_is_asked_for_again(server, before, kept)
    assert_complete(server, run, ends=1)


def test_a_background_job_that_is_told_to_stop_stops(tmp_path, seed, rng):
    after = rng.randrange(1, CALLS // 2)
    with (
        lb.loopback(lambda number, _: lb.ok(held=number > after)) as server,
        process(server, tmp_path, signal.SIG_IGN) as running,
    ):
        server.wait_until(lambda s: len(s.calls) == after + CONCURRENCY)
        running.terminate()
        server.release()
        running.communicate(timeout=60)
    assert running.returncode > 0
