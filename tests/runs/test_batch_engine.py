"""Do batches give the ratings that single requests give, is nothing sent twice, and does a budget hold?"""

import json
import signal
import subprocess
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgefair.errors import InputError, ModelError
from judgefair.models.batch import BatchLimits
from judgefair.models.budget import Budget
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.prices import Price
from judgefair.models.stand_ins import scripted
from judgefair.records import Missing
from judgefair.runs.engines.batch import batch
from judgefair.runs.judge_stage import Judged, judge
from tests import batch_server as bs
from tests.builders import judgefair, landed, run_here, tiny_items, tiny_program, write_items
from tests.pairs import pair_program, pairs

QUICK = RetryPolicy(attempts=8, first_wait=0.01, longest_wait=0.02)
CRITERIA = ("helpfulness", "talks_down")


def judged(server: bs.BatchServer, run: Path, n: int = 6, *, limits: BatchLimits | None = None, **options: Any) -> Judged:
    """By batches."""
    options = {"use_cache": False, "policy": RetryPolicy(3), "engine": batch(limits=limits, policy=QUICK)} | options
    return judge(tiny_program(), tiny_items(n), OpenAIServer("tiny", server.address), run, **options)


def online(server: bs.BatchServer, run: Path, n: int = 6, **options: Any) -> Judged:
    return judge(tiny_program(), tiny_items(n), OpenAIServer("tiny", server.address), run, policy=RetryPolicy(1), **options)


def bodies(server: bs.BatchServer) -> list[str]:
    sent = [body for one in server.batches.values() for body in one.requests.values()]
    return sorted(json.dumps(body, sort_keys=True) for body in sent)


def ids(server: bs.BatchServer) -> list[str]:
    return [custom_id for one in server.sent() for custom_id in one]


def test_batches_send_the_same_bodies_and_give_the_same_ratings_as_single_requests(tmp_path: Path) -> None:
    with bs.batch_server(bs.Script(order=bs.shuffled(7), gzip=True)) as server:
        judged(server, tmp_path / "batch", limits=BatchLimits(requests=5))
        online(server, tmp_path / "online", use_cache=False)
        asked = [json.dumps(json.loads(call.body), sort_keys=True) for call in server.calls if call.path.endswith(bs.CHAT[3:])]
    assert len(server.batches) == 3
    assert bodies(server) == sorted(asked)
    assert (tmp_path / "batch" / "ratings.parquet").read_bytes() == (tmp_path / "online" / "ratings.parquet").read_bytes()
    assert landed(tmp_path / "batch") == landed(tmp_path / "online")
    assert not list((tmp_path / "batch").glob(".*batches*"))


def test_pairs_are_sent_in_both_orders_and_two_responses_that_are_the_same_once(tmp_path: Path) -> None:
    items = [*pairs(4), replace(pairs(1)[0], item_id="same", second_response=pairs(1)[0].response)]
    with bs.batch_server(bs.Script(order=bs.shuffled(7))) as server:
        for name, options in (("batch", {"engine": batch(policy=QUICK)}), ("online", {})):
            model = OpenAIServer("tiny", server.address)
            judge(pair_program(), items, model, tmp_path / name, use_cache=False, policy=RetryPolicy(3), **options)
    assert len(ids(server)) == 9
    assert (tmp_path / "batch" / "ratings.parquet").read_bytes() == (tmp_path / "online" / "ratings.parquet").read_bytes()


def test_what_landed_or_was_kept_by_another_run_is_not_sent(tmp_path: Path) -> None:
    with bs.batch_server() as server:
        online(server, tmp_path / "one", n=2)
        online(server, tmp_path / "two", n=3, use_cache=False)
        result = judged(server, tmp_path / "two", n=5, use_cache=True)
        again = judged(server, tmp_path / "two", n=5)
    assert len(ids(server)) == 4  # of five items three had landed in the run, two of them in the other one too
    assert result.progress.reused == again.progress.reused == 10
    assert [rating.value for rating in again.ratings if isinstance(rating.value, Missing)] == []


def fated(tmp_path: Path, *fates: list[bs.Fate], n: int = 3, **options: Any) -> tuple[bs.BatchServer, Judged]:
    """A run in which the first requests that come in meet these fates."""
    left = list(fates)

    class Fates(dict[str, list[bs.Fate]]):
        def get(self, custom_id: str, default: Any = None) -> Any:
            if custom_id not in self and left:
                self[custom_id] = left.pop(0)
            return super().get(custom_id, default)

    with bs.batch_server(bs.Script(fates=Fates())) as server:
        return server, judged(server, tmp_path, n, **options)


def test_what_expires_or_fails_in_passing_is_sent_again(tmp_path: Path) -> None:
    server, result = fated(tmp_path, [bs.EXPIRES], [bs.Fate(500), bs.Fate(429)], [bs.FORGOTTEN])
    assert bs.repeated(server) == []
    assert result.n_ratings == len(server.answered) == 6
    assert not result.progress.missing
    assert result.progress.budget.calls == 6 + 4


def test_what_cannot_be_answered_says_why_and_the_next_run_sends_only_that(tmp_path: Path) -> None:
    too_long = bs.Fate(400, message="context length exceeded")
    server, result = fated(tmp_path, [too_long])
    assert len(server.batches) == 1
    assert result.progress.missing == Counter(backend_failure=1)
    assert [row.value.detail for row in result.ratings if isinstance(row.value, Missing)] == ["context length exceeded"]


def test_a_run_that_failed_in_part_is_completed_by_the_same_command(tmp_path: Path) -> None:
    class First(dict[str, list[bs.Fate]]):
        def get(self, custom_id: str, default: Any = None) -> Any:
            self.setdefault(custom_id, [bs.Fate(400)] if not self else [])
            return super().get(custom_id, default)

    with bs.batch_server(bs.Script(fates=First())) as server:
        assert judged(server, tmp_path).progress.missing == Counter(backend_failure=1)
        again = judged(server, tmp_path)
    assert [len(sent) for sent in server.sent()] == [12, 1]
    assert bs.repeated(server) == []
    assert not again.progress.missing


def test_a_reply_that_says_nothing_is_missing(tmp_path: Path) -> None:
    empty = {"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}
    with bs.batch_server(bs.Script(answer=lambda _: empty)) as server:
        result = judged(server, tmp_path, n=1)
    assert result.progress.missing == Counter(backend_failure=2)


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_calls=7),
        Budget(max_tokens=2_600),
        Budget(max_cost=2.6, prices={"tiny": Price(input=1_000, output=1_000)}),
    ],
    ids=["calls", "tokens", "cost"],
)
def test_no_more_is_sent_than_the_budget_allows(tmp_path: Path, budget: Budget) -> None:
    with bs.batch_server() as server:
        result = judged(server, tmp_path, n=20, budget=budget)
        assert 0 < len(ids(server)) < 40
        assert budget.max_calls is None or len(ids(server)) == budget.max_calls
        assert result.progress.missing == Counter(over_budget=40 - len(ids(server)))
        rest = judged(server, tmp_path, n=20)
    assert not rest.progress.missing
    assert bs.repeated(server) == []


def test_requests_that_are_out_in_a_batch_are_not_asked_online_too(tmp_path: Path) -> None:
    with bs.batch_server(bs.Script(trouble=bs.on("GET /v1/batches/ID", bs.Trouble(401)))) as server:
        with pytest.raises(ModelError, match="What was sent is on record"):
            judged(server, tmp_path)
        with pytest.raises(InputError, match="12 requests are at work in a batch"):
            online(server, tmp_path, use_cache=False)
        judged(server, tmp_path)
    assert len(server.batches) == 1
    assert len(landed(tmp_path)) == 12


def test_a_model_without_a_batch_api_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no Batch API"):
        judge(tiny_program(), tiny_items(1), scripted("first"), tmp_path, engine=batch())


def test_via_batch_is_an_option_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    with bs.batch_server(bs.Script(polls=1)) as server:
        assert run_here(command(server, tmp_path), monkeypatch) == 0
    said = capfd.readouterr()
    assert "12 requests were sent" in said.err
    assert "12 ratings by tiny, 0 missing" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches/ID", "GET /v1/files/ID/content"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_process_killed_at_any_call_sends_nothing_twice(tmp_path: Path, name: str, after: bool) -> None:
    """SIGKILL as the server hears the call, and does what was asked or not."""
    killed = threading.Event()
    process: list[subprocess.Popen[bytes]] = []

    def kill(call: bs.Call) -> bs.Trouble | None:
        if call.name != name or killed.is_set():
            return None
        killed.set()
        process[0].send_signal(signal.SIGKILL)
        process[0].wait()
        return bs.DROP_AFTER if after else bs.DROP

    with bs.batch_server(bs.Script(polls=1, trouble=kill)) as server:
        line = command(server, tmp_path)
        process.append(subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        assert process[0].wait(60) == -signal.SIGKILL
        judged(server, tmp_path / "run")
    assert bs.repeated(server) == []
    assert len(server.answered) == len(landed(tmp_path / "run")) == 12


def command(server: bs.BatchServer, tmp_path: Path) -> list[str]:
    program = tmp_path / "program.json"
    tiny_program().save(program)
    items = write_items(tiny_items(6), tmp_path / "items.jsonl")
    files = ["--program", program, "--items", items, "--out", tmp_path / "run"]
    return judgefair("judge", *files, "--model", f"tiny@{server.address}", "--via", "batch", "--no-cache")
