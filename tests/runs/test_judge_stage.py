"""Is every item judged once, whatever ends the process, and nothing paid twice?"""

import json
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.calibration import ItemsFile
from judgefair.errors import InputError, ModelError
from judgefair.fingerprint import wire_json
from judgefair.models.cache import reply_key
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.stand_ins import scripted
from judgefair.records import RATING_COLUMNS, Item
from judgefair.runs import judge
from judgefair.runs.folder import read_manifest, write_manifest
from judgefair.runs.items import put_items, read_run_items
from judgefair.runs.judging import Job
from judgefair.runs.tables import add_human_ratings
from tests import loopback as lb
from tests.builders import attempts, judgefair, landed, run_here, tiny_items, tiny_program, tiny_rubric, write_items

CANARY = "sk-canary-5b11e0aa"
CRITERIA = ("helpfulness", "talks_down")
ONCE = RetryPolicy(attempts=1)


def judged(server, run, items, *, program=None, **options):
    model = OpenAIServer("tiny", server.address, key=CANARY)
    return judge(program or tiny_program(), items, model, run, policy=options.pop("policy", ONCE), **options)


def command(server, tmp_path, n, *more):
    program = tmp_path / "program.json"
    tiny_program().save(program)
    items = write_items(tiny_items(n), tmp_path / "items.jsonl")
    model = f"tiny@{server.address}"
    files = ["--program", program, "--items", items, "--out", tmp_path / "run"]
    return judgefair("judge", *files, "--model", model, "--attempts", 1, *more)


def heed_interrupts():
    """A shell starts its background jobs with SIGINT ignored, and their children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def rows(run):
    return pq.read_table(run / "ratings.parquet").to_pylist()


def bytes_of(run):
    return (run / "ratings.parquet").read_bytes()


def everything_under(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def reply_then_hold(answered):
    """The first calls get their answer; the others wait until they are let go."""
    return lambda number, _: lb.ok(held=number > answered)


def assert_complete_and_paid_once(server, run, n, kept, in_flight):
    """Each item has each criterion once; what was `kept` was asked once, and at most what was in flight twice."""
    pairs = Counter((row["item_id"], row["criterion"]) for row in rows(run))
    assert pairs == {(item.item_id, criterion): 1 for item in tiny_items(n) for criterion in CRITERIA}
    asked = Counter((call.prompt, call.raw) for call in server.calls)
    assert len(asked) == 2 * n
    assert sum(count - 1 for count in asked.values()) <= in_flight
    before = {call.raw for call in server.calls[:kept]}
    assert not before & {call.raw for call in server.calls[kept:]}
    assert not list(run.rglob("*.partial"))


def test_ratings_have_the_columns_of_the_record_and_each_item_and_criterion_once(tmp_path):
    with lb.loopback(lb.ok(1)) as server:
        result = judged(server, tmp_path / "run", tiny_items(3), as_of="2026-01-05")
    table = pq.read_table(tmp_path / "run" / "ratings.parquet")
    assert tuple(table.column_names) == RATING_COLUMNS
    assert [(r["item_id"], r["criterion"], r["value"]) for r in table.to_pylist()] == [
        (f"i{k:02}", criterion, 1.0) for k in (1, 2, 3) for criterion in CRITERIA
    ]
    assert {(r["rater_id"], r["rater_kind"], r["replicate"], r["missing"]) for r in rows(tmp_path / "run")} == {
        ("tiny", "judge", 0, None)
    }
    assert {r["program_fingerprint"] for r in rows(tmp_path / "run")} == {tiny_program().fingerprint}
    assert len(result.ratings) == len(server.calls) == 6
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert (manifest["as_of"], manifest["model"]) == ("2026-01-05", {"name": "tiny", "server": server.address})


def test_a_killed_run_resumes_without_repeating_a_call_whose_reply_had_landed(tmp_path):
    run = tmp_path / "run"
    with lb.loopback(reply_then_hold(13)) as server:
        line = command(server, tmp_path, 20, "--concurrency", 4, "--no-cache")
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            server.wait_until(lambda s: len(s.calls) == 17)  # each worker asks again only once its reply is on disk
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert len(landed(run)) == 13
        assert not (run / "ratings.parquet").exists()
        server.release()
        judged(server, run, tiny_items(20), use_cache=False)
        assert len(server.calls) == 40 + 4
        assert_complete_and_paid_once(server, run, 20, kept=13, in_flight=4)


def test_an_interrupted_run_exits_with_an_error_and_resumes(tmp_path):
    run = tmp_path / "run"
    with lb.loopback(reply_then_hold(7)) as server:
        line = command(server, tmp_path, 10, "--concurrency", 3, "--no-cache")
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(line, **pipes, preexec_fn=heed_interrupts) as process:
            server.wait_until(lambda s: len(s.calls) == 10)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert process.returncode not in (0, -signal.SIGKILL)
        assert "Traceback" not in said
        assert len(landed(run)) == 7
        server.release()
        judged(server, run, tiny_items(10), use_cache=False)
        assert_complete_and_paid_once(server, run, 10, kept=7, in_flight=3)


def test_a_second_process_is_refused_while_the_first_works_in_the_folder(tmp_path):
    run = tmp_path / "run"
    with lb.loopback(lb.ok(held=True)) as server:
        line = command(server, tmp_path, 2)
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            server.wait_until(lambda s: len(s.calls) == 4)
            with pytest.raises(InputError, match="another process is working in this run folder"):
                judged(server, run, tiny_items(2))
            server.release()
            assert process.wait(30) == 0
        assert_complete_and_paid_once(server, run, 2, kept=4, in_flight=0)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_at_most_so_many_requests_are_in_flight_as_were_allowed(tmp_path, concurrency):
    with lb.loopback(reply_then_hold(0)) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(judged, server, tmp_path / "run", tiny_items(10), concurrency=concurrency)
        server.wait_until(lambda s: s.in_flight == concurrency)
        with pytest.raises(TimeoutError):
            server.wait_until(lambda s: s.in_flight > concurrency, patience=0.3)
        server.release()
        running.result(30)
        assert server.most_in_flight == concurrency
    assert len(server.calls) == 20


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path):
    with lb.loopback(lb.ok(2)) as server:
        judged(server, tmp_path / "run", tiny_items(5), use_cache=False)
        first = bytes_of(tmp_path / "run")
        again = judged(server, tmp_path / "run", tiny_items(5), use_cache=False)
    assert bytes_of(tmp_path / "run") == first
    assert len(server.calls) == again.progress.reused == 10
    assert again.progress.budget.calls == 0


@pytest.mark.parametrize("concurrency", [1, 6])  # when the second is asked about, the first has landed, or is in flight
def test_items_of_one_text_are_asked_about_once(tmp_path, concurrency):
    twins = [replace(item, query="The same.", response="The same.") for item in tiny_items(3)]
    with lb.loopback() as server:
        result = judged(server, tmp_path / "run", twins, use_cache=False, concurrency=concurrency)
    assert len(server.calls) == len(CRITERIA)
    assert result.progress.reused == 2 * len(CRITERIA)
    assert len(rows(tmp_path / "run")) == 3 * len(CRITERIA)


def test_concurrency_does_not_change_a_byte_of_the_ratings(tmp_path):
    for concurrency in (1, 8):
        judge(
            tiny_program(), tiny_items(9), scripted("hash"), tmp_path / str(concurrency), concurrency=concurrency, use_cache=False
        )
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "8")


def test_a_changed_item_is_asked_again_and_only_that_one(tmp_path):
    items = tiny_items(4)
    with lb.loopback() as server:
        judged(server, tmp_path / "run", items, use_cache=False)
        changed = [*items[:2], replace(items[2], response="On a shelf that moved."), items[3]]
        judged(server, tmp_path / "run", changed, use_cache=False)
    new = server.calls[8:]
    assert len(new) == len(CRITERIA)
    assert all("On a shelf that moved." in call.prompt for call in new)
    assert len(rows(tmp_path / "run")) == 8


def test_items_of_a_file_that_the_run_has_already_are_not_read_again(tmp_path, monkeypatch):
    items, run = [replace(item, populations={}) for item in tiny_items(3)], tmp_path / "run"
    path = write_items(items, tmp_path / "items.jsonl")
    with lb.loopback() as server:
        judged(server, run, ItemsFile(path), use_cache=False)
        before, kept = bytes_of(run), read_manifest(run)["items"]
        with monkeypatch.context() as patch:
            patch.setattr(ItemsFile, "__iter__", lambda _: pytest.fail("the file was read"))
            judged(server, run, ItemsFile(path), use_cache=False)
        assert (bytes_of(run), read_manifest(run)["items"]) == (before, kept)

        put_items([Item("other", "q", "r")], run, labels_can_be_made_again=False)  # the table is not what it was: the file counts
        judged(server, run, ItemsFile(path), use_cache=False)
        assert (bytes_of(run), read_run_items(run), len(server.calls)) == (before, items, 6)

        write_items([replace(items[0], response="Nowhere."), *items[1:]], path)
        judged(server, run, ItemsFile(path), use_cache=False)
    assert read_run_items(run)[0].response == "Nowhere."
    assert len(server.calls) == 8


def test_items_added_or_left_out_change_the_ratings_and_ask_only_for_the_new(tmp_path):
    with lb.loopback() as server:
        judged(server, tmp_path / "run", tiny_items(2), use_cache=False)
        judged(server, tmp_path / "run", tiny_items(3)[1:], use_cache=False)
    assert len(server.calls) == 6
    assert {row["item_id"] for row in rows(tmp_path / "run")} == {"i02", "i03"}


def test_replicates_are_separate_calls_with_temperature_and_seeds_of_their_own(tmp_path):
    with lb.loopback(lambda number, _: lb.ok(number % 2)) as server:
        result = judged(server, tmp_path / "run", tiny_items(2), replicates=3)
        judged(server, tmp_path / "run", tiny_items(2), replicates=3)
    assert len(server.calls) == 12
    assert {(call.body["temperature"], call.body["seed"]) for call in server.calls} == {(1.0, 0), (1.0, 1), (1.0, 2)}
    assert [(r.item_id, r.criterion, r.replicate) for r in result.ratings] == [
        (item, criterion, k) for item in ("i01", "i02") for criterion in CRITERIA for k in range(3)
    ]


def test_one_call_can_ask_for_all_criteria(tmp_path):
    program = tiny_program(per_call="all")
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path / "run", tiny_items(3), program=program)
    assert len(server.calls) == 3
    assert [(row["criterion"], row["value"]) for row in rows(tmp_path / "run")] == [(c, 1.0) for c in CRITERIA] * 3


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_refused_key_keeps_what_had_landed_and_stops(tmp_path, concurrency):
    run = tmp_path / "run"
    with lb.loopback(lambda number, _: lb.status(401) if number > 6 else lb.ok()) as server:
        with pytest.raises(ModelError, match="the key was refused"):
            judged(server, run, tiny_items(10), concurrency=concurrency, use_cache=False)
        refused = len(server.calls) - 6
        assert 1 <= refused <= concurrency
        kept = len(landed(run))
        assert 6 - (concurrency - 1) <= kept <= 6
        assert not (run / "ratings.parquet").exists()
        server.script = lb.in_turn(lb.ok())
        result = judged(server, run, tiny_items(10), use_cache=False)
    assert result.progress.reused == kept
    assert len(server.calls) == 6 + refused + 20 - kept
    assert all(row["missing"] is None for row in rows(run))


def test_failures_are_missing_with_their_reason_and_only_those_of_the_server_are_asked_again(tmp_path):
    run = tmp_path / "run"
    script = lb.in_turn(lb.ok(2), lb.status(500), lb.says('{"level": '), lb.refusal(), lb.says('{"level": "not_applicable"}'))
    with lb.loopback(script) as server:
        result = judged(server, run, tiny_items(5), concurrency=1)
        first = [row["missing"] for row in rows(run) if row["criterion"] == "helpfulness"]
        server.script = lb.in_turn(lb.ok(1))
        judged(server, run, tiny_items(5), concurrency=1, use_cache=False)
    assert first == [None, "backend_failure", "unparsable", "refused", "not_applicable"]
    assert result.progress.missing["backend_failure"] == 1
    again = [(row["missing"], row["value"]) for row in rows(run) if row["criterion"] == "helpfulness"]
    assert again == [(None, 2), (None, 1), ("unparsable", None), ("refused", None), ("not_applicable", None)]
    assert len(server.calls) == 10 + 1


def test_every_attempt_is_in_the_journal(tmp_path, monkeypatch):
    monkeypatch.setattr("judgefair.models.client.RetryAfterWait", lambda _: lambda _: 0)
    with lb.loopback(lb.in_turn(lb.status(429, "slow down"), lb.CUT_BODY, lb.ok())) as server:
        judged(server, tmp_path / "run", tiny_items(1), concurrency=1, policy=RetryPolicy(3))
    noted = attempts(tmp_path / "run")
    assert [number for number, _ in noted] == [1, 2, 3, 1]
    assert [bool(error) for _, error in noted] == [True, True, False, False]
    assert noted[0][1] == "HTTP 429: slow down"


def test_the_key_is_in_no_file_that_a_run_leaves_and_in_no_word_it_says(tmp_path, home, monkeypatch, capfd):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with lb.loopback(lambda number, _: lb.status(500, f"bad key {CANARY}") if number == 3 else lb.ok()) as server:
        assert run_here(command(server, tmp_path, 3, "--concurrency", 1), monkeypatch) == 4
        server.script = lb.in_turn(lb.status(401, f"bad key {CANARY}"))
        assert run_here(command(server, tmp_path, 4), monkeypatch) == 1
    said = "".join(capfd.readouterr())
    assert "the key was refused" in said
    assert all(call.headers["authorization"] == f"Bearer {CANARY}" for call in server.calls)
    files = everything_under(tmp_path) + b"".join(path.read_bytes() for path in (home / "cache").glob("replies*"))
    assert b"HTTP 401" in files
    assert CANARY.encode() not in files
    assert CANARY not in said


HALF_A_PAIR = json.loads('"\\ud83d"')


def test_half_a_surrogate_pair_in_a_reply_stops_nothing(tmp_path):
    content = f'{{"rationale": "so {HALF_A_PAIR}", "level": 1}}'
    with lb.loopback(lb.says(content)) as server:
        judged(server, tmp_path / "run", tiny_items(1), program=tiny_program(mode="reason_then_score"))
    assert [row["value"] for row in rows(tmp_path / "run")] == [1, 1]


def test_half_a_surrogate_pair_in_an_item_stops_nothing(tmp_path):
    item = replace(tiny_items(1)[0], query=f"Where {HALF_A_PAIR}?")
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path / "run", [item])
    assert [row["value"] for row in rows(tmp_path / "run")] == [1, 1]


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"replicates": 0}])
def test_no_worker_and_no_replicate_are_refused(tmp_path, options):
    with pytest.raises(InputError, match="at least 1"):
        judge(tiny_program(), tiny_items(1), scripted("first"), tmp_path / "run", **options)


def test_an_item_id_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="twice"):
        judge(tiny_program(), tiny_items(1) * 2, scripted("first"), tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        judge(tiny_program(), tiny_items(1), scripted("first"), tmp_path / "file" / "run")


async def test_judge_can_be_called_where_a_loop_is_running(tmp_path):
    assert len(judge(tiny_program(), tiny_items(2), scripted("middle"), tmp_path / "run").ratings) == 4


def test_a_distribution_without_log_probabilities_is_refused_with_the_mode_that_works(tmp_path):
    with lb.loopback(lb.ok(1)) as server, pytest.raises(ModelError, match=r"Use judging.mode: score"):
        judged(server, tmp_path / "run", tiny_items(2), program=tiny_program(mode="distribution"), concurrency=1)
    assert len(server.calls) == 1


def test_labels_of_an_item_are_never_taken_for_labels_of_another_text(tmp_path: Path) -> None:
    items = tiny_items(2)
    scales = {criterion.id: criterion.scale for criterion in tiny_rubric().criteria}
    judge(tiny_program(), items, scripted("first"), tmp_path, use_cache=False)
    rows = [
        {
            "item_id": item.item_id,
            "criterion": "helpfulness",
            "rater_id": "ann",
            "rater_kind": "human",
            "replicate": 0,
            "code": 1.0,
        }
        | {"missing": "", "rationale": ""}
        for item in items
    ]
    add_human_ratings(pd.DataFrame(rows), scales, tmp_path)
    judge(tiny_program(), items, scripted("first"), tmp_path, use_cache=False)
    assert len(humans(tmp_path)) == 2
    changed = [items[0], replace(items[1], response="Another answer.")]
    with pytest.raises(InputError, match="1 human ratings of items whose texts would change or go, such as 'i02'"):
        judge(tiny_program(), changed, scripted("first"), tmp_path, use_cache=False)
    assert len(humans(tmp_path)) == 2
    write_manifest(tmp_path, {**read_manifest(tmp_path), "labels": "simulated"})  # such labels come back by themselves
    judge(tiny_program(), changed, scripted("first"), tmp_path, use_cache=False)
    assert humans(tmp_path) == [items[0].item_id]


def humans(run: Path) -> list[str]:
    ratings = pd.read_parquet(run / "ratings.parquet")
    return list(ratings.loc[ratings["rater_kind"] == "human", "item_id"])


def test_judging_starts_without_what_only_compilation_asking_or_statistics_need() -> None:
    needless = ("dspy", "openai", "httpx", "pandas", "scipy", "judgefair.calibration.calibration_set")
    code = f"import sys, judgefair.compile, judgefair.runs; print([name for name in {needless} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("mode", ["score", "distribution"])
@given(st.text(), st.text(st.characters()))  # the second with halves of surrogate pairs
def test_requests_and_their_keys_are_the_same_from_a_template_whatever_is_judged(mode: str, query: str, response: str) -> None:
    job = Job(tiny_program(mode), scripted("first"), replicates=2, concurrency=1)
    items = [Item("a", "q", "r"), Item("b", query, response)]
    for _, call, replicate, item in job.calls(items):
        body = job.body(call, item, replicate)
        asked, key = job.request(call, item, replicate)
        assert (asked, asked.wire) == (body, wire_json(body))
        assert key == job.key(call, item, replicate) == reply_key(job.model, body, replicate)
