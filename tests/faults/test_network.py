"""Does a run come through all that server and network can do to a call?"""

import asyncio

import pytest

from judgefair.models.policy import RetryPolicy
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import attempts, judgefair, run_here, tiny_items, tiny_program, write_items
from tests.faults.checks import (
    assert_each_outcome_once,
    assert_every_attempt_is_journalled,
    assert_nothing_paid_twice,
    assert_said_what_the_server_said,
    judge_of,
    keys_of,
    landed_keys,
)
from tests.faults.hostile_server import EVERYTHING, FAILURES, HINDRANCES, LONG_WAIT, STALLS, TRIES, Mischief

PATIENT = RetryPolicy(attempts=3 * TRIES, first_wait=0.001, longest_wait=0.01)
HASTY = RetryPolicy(attempts=2, first_wait=0.001, longest_wait=0.01)


def judged(server, run, items, policy=PATIENT, **options):
    return judge(tiny_program(), items, judge_of(server), run, policy=policy, use_cache=False, **options)


@pytest.mark.parametrize("name", EVERYTHING)
def test_one_kind_of_fault_costs_no_reply(tmp_path, seed, name):
    items = tiny_items(1)
    mischief = Mischief(seed, {name: EVERYTHING[name]}, tries=2)
    with lb.loopback(mischief) as server:
        judged(server, tmp_path / "run", items, concurrency=2)
    assert_each_outcome_once(tmp_path / "run", items, tiny_program())
    assert_said_what_the_server_said(tmp_path / "run", items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program())
    assert_every_attempt_is_journalled(tmp_path / "run", server, tiny_program())
    counts = set(server.prompts.values())
    assert counts == {2} if name in FAILURES else counts == {1} if name in HINDRANCES else counts <= {1, 2}


def test_all_faults_together_cost_no_reply(tmp_path, seed):
    items = tiny_items(60)
    with lb.loopback(Mischief(seed)) as server:
        judged(server, tmp_path / "run", items, concurrency=16, replicates=2)
    assert_each_outcome_once(tmp_path / "run", items, tiny_program(), 2)
    assert_said_what_the_server_said(tmp_path / "run", items, tiny_program(), server, 2)
    assert_nothing_paid_twice(server, tiny_program())
    assert_every_attempt_is_journalled(tmp_path / "run", server, tiny_program())


def test_who_gives_up_too_soon_gets_there_by_running_again(tmp_path, seed):
    run, items = tmp_path / "run", tiny_items(30)
    with lb.loopback(Mischief(seed)) as server:
        for _ in range(TRIES):
            kept, before = landed_keys(run), len(server.calls)
            judged(server, run, items, HASTY, concurrency=16)
            assert_each_outcome_once(run, items, tiny_program())
            assert_said_what_the_server_said(run, items, tiny_program(), server, lost=["backend_failure", "unparsable"])
            assert not kept & set(keys_of(server.calls[before:], server, tiny_program()))
    assert_said_what_the_server_said(run, items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program())
    assert_every_attempt_is_journalled(run, server, tiny_program())


def test_a_server_that_is_gone_is_told_with_what_to_do_and_asked_again_when_it_is_back(tmp_path, seed, monkeypatch, capfd):
    run, items = tmp_path / "run", tiny_items(5)
    tiny_program().save(tmp_path / "program.json")
    files = ["--program", tmp_path / "program.json", "--items", write_items(items, tmp_path / "items.jsonl"), "--out", run]
    gone = Mischief(seed, {"reset before the headers": EVERYTHING["reset before the headers"]}, tries=2, odd=0)
    with lb.loopback(gone) as server:
        line = judgefair("judge", *files, "--model", f"tiny@{server.address}", "--attempts", 1, "--no-cache")
        assert run_here(line, monkeypatch) == 4
        assert_each_outcome_once(run, items, tiny_program())
        assert "10 of 10 ratings are missing (0 unparsable, 10 failed)" in (said := capfd.readouterr().err)
        assert "Run the same command again to ask once more for what failed" in said
        assert run_here(line, monkeypatch) == 0
    assert_each_outcome_once(run, items, tiny_program())
    assert_said_what_the_server_said(run, items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program())


def test_a_reply_that_stops_midway_is_given_up_and_asked_again(tmp_path, seed):
    run, items = tmp_path / "run", tiny_items(4)
    with lb.loopback(Mischief(seed, STALLS, tries=2)) as server:
        judge(tiny_program(), items, judge_of(server, timeout=1.5), run, policy=PATIENT, use_cache=False, concurrency=8)
    given_up = sum("APITimeoutError" in (error or "") for _, error in attempts(run))
    assert_each_outcome_once(run, items, tiny_program())
    assert_said_what_the_server_said(run, items, tiny_program(), server)
    assert_nothing_paid_twice(server, tiny_program(), in_flight=given_up - 8)  # a busy machine may be late with a whole one too
    assert_every_attempt_is_journalled(run, server, tiny_program())


def test_a_wait_that_the_server_asks_for_is_capped_in_each_form(tmp_path, seed, monkeypatch):
    waits, sleep = [], asyncio.sleep

    async def note(seconds, result=None):
        waits.append(seconds)
        return await sleep(0, result)

    monkeypatch.setattr(asyncio, "sleep", note)
    policy = RetryPolicy(attempts=2, first_wait=0.0, longest_wait=7.0)
    for name, make in LONG_WAIT.items():
        waits.clear()
        with lb.loopback(Mischief(seed, {name: make}, tries=2)) as server:
            judged(server, tmp_path / name, tiny_items(1), policy, concurrency=1)
        assert 6.0 < max(waits) <= 7.0, waits
        assert_each_outcome_once(tmp_path / name, tiny_items(1), tiny_program())
