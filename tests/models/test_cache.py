"""Is a reply that was paid for used again, and a failure never?"""

import pytest

from judgefair.models.cache import ReplyCache, reply_key
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply, Token
from judgefair.models.stand_ins import scripted
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import landed, run_here, tiny_items, tiny_program, write_items


def judged(server, run, n=2, *, name="tiny", **options):
    return judge(tiny_program(), tiny_items(n), OpenAIServer(name, server.address), run, policy=RetryPolicy(1), **options)


def test_a_second_run_folder_asks_nothing_that_was_answered_before(tmp_path):
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path / "one")
        second = judged(server, tmp_path / "two")
    assert len(server.calls) == second.progress.reused == 4
    assert second.progress.budget.calls == 0
    one, two = (tmp_path / name for name in ("one", "two"))
    assert (one / "ratings.parquet").read_bytes() == (two / "ratings.parquet").read_bytes()
    assert landed(one) == landed(two)


def test_without_the_cache_a_second_run_folder_asks_again_and_keeps_nothing_for_others(tmp_path, home):
    with lb.loopback(lb.ok(1)) as server:
        for name in ("one", "two"):
            judged(server, tmp_path / name, use_cache=False)
    assert len(server.calls) == 8
    assert not (home / "cache" / "replies.sqlite").exists()


def test_no_cache_is_an_option_of_the_command_line(tmp_path, monkeypatch):
    program = tmp_path / "program.json"
    tiny_program().save(program)
    items = write_items(tiny_items(2), tmp_path / "items.jsonl")
    with lb.loopback(lb.ok(1)) as server:
        line = ["judge", "--program", program, "--items", items, "--model", f"tiny@{server.address}"]
        for run, more, asked in (("one", [], 4), ("two", [], 4), ("three", ["--no-cache"], 8)):
            assert run_here(["", "", "", *map(str, [*line, "--out", tmp_path / run, *more])], monkeypatch) == 0
            assert len(server.calls) == asked


@pytest.mark.parametrize(
    "failure",
    [
        lb.status(500),
        lb.status(400),
        lb.CUT_BODY,
        lb.NOT_JSON,
        lb.NO_CHOICES,
        lb.EMPTY,
        lb.says('{"level": '),
        lb.says('{"level": 9}'),
        lb.says('{"level": 1}', "length"),
        lb.refusal(),
    ],
    ids=["500", "400", "cut body", "not json", "no choices", "empty", "cut json", "no level", "length", "refusal"],
)
def test_a_failure_is_never_kept_for_other_runs(tmp_path, failure):
    with lb.loopback(failure) as server:
        first = judged(server, tmp_path / "one")
        server.script = lb.in_turn(lb.ok(1))
        second = judged(server, tmp_path / "two")
    assert sum(first.progress.missing.values()) == 4
    assert len(server.calls) == 8
    assert not second.progress.missing


def test_an_answer_that_the_criterion_does_not_apply_is_an_answer_and_kept(tmp_path):
    with lb.loopback(lambda _, body: lb.ok("not_applicable") if "helpfulness" in str(body["messages"]) else lb.ok(1)) as server:
        first = judged(server, tmp_path / "one")
        judged(server, tmp_path / "two")
    assert first.progress.missing["not_applicable"] == 2
    assert len(server.calls) == 4


@pytest.mark.parametrize("other", [{"name": "other"}, {"replicates": 2}])
def test_another_model_or_other_sampling_is_asked_anew(tmp_path, other):
    with lb.loopback(lb.ok(1)) as server:
        judged(server, tmp_path / "one")
        judged(server, tmp_path / "two", **other)
    assert len(server.calls) == 4 + 4 * other.get("replicates", 1)


def test_another_server_is_asked_anew(tmp_path):
    with lb.loopback(lb.ok(1)) as one, lb.loopback(lb.ok(2)) as two:
        judged(one, tmp_path / "one")
        result = judged(two, tmp_path / "two")
    assert len(two.calls) == 4
    assert result.progress.reused == 0


async def test_the_cache_gives_back_exactly_the_reply_that_was_put_in(tmp_path):
    reply = Reply('{"level": "é"}', None, None, [Token("é", {"é": -0.5, "e": -1.0})], 7, 3)
    cache = ReplyCache(tmp_path / "replies.sqlite")
    cache.put(b"key", reply)
    await cache.close()
    again = ReplyCache(tmp_path / "replies.sqlite")
    assert again.get(b"key") == reply
    assert again.get(b"other") is None
    await again.close()


def test_the_key_is_decided_by_server_model_body_and_sample_and_by_nothing_else():
    model, other = scripted("first"), scripted("hash")
    key = reply_key(model, {"a": 1, "b": 2}, 0)
    assert key == reply_key(scripted("first"), {"b": 2, "a": 1}, 0)
    others = [reply_key(other, {"a": 1, "b": 2}, 0), reply_key(model, {"a": 1, "b": 3}, 0), reply_key(model, {"a": 1, "b": 2}, 1)]
    assert len({key, *others}) == 4
