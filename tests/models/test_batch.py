"""Is every request of a batch answered once and paid once, whatever the server does and wherever the process dies?"""

import json
from collections import Counter
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import openai
import pytest

from judgefair.errors import ModelError
from judgefair.models.batch import Batches, BatchFailure, BatchLimits, Submission
from judgefair.models.batch_file import input_file, read_result, request_line, requests_of, write_files
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from tests import batch_server as bs

CANARY = "sk-canary-51c09e7d"
POLICY = RetryPolicy(attempts=8, first_wait=1.0, longest_wait=60.0)
CREATE, UPLOAD, LIST = "POST /v1/batches", "POST /v1/files", "GET /v1/batches"
POLL, READ = "GET /v1/batches/ID", "GET /v1/files/ID/content"


class Death(BaseException):
    """The process ends here."""


class Steps:
    """Counts what the process does, and ends it at one of them."""

    def __init__(self, *dies_at):
        self.taken, self.dies_at = 0, dies_at

    def take(self):
        self.taken += 1
        if self.taken in self.dies_at:
            raise Death


class Rows:
    """A ledger that outlives the process; one can die before and after each of its lines."""

    def __init__(self, rows: dict[str, dict], steps: Steps):
        self._rows, self._steps = rows, steps

    def unfinished(self) -> list[Submission]:
        return [Submission(token, **row) for token, row in self._rows.items() if "status" not in row]

    async def begin(self, token, n_requests):
        self._note(token, n_requests=n_requests)

    async def uploaded(self, token, file_id):
        self._note(token, file_id=file_id)

    async def submitted(self, token, batch_id):
        self._note(token, batch_id=batch_id)

    async def ended(self, token, status):
        self._note(token, status=status)

    def _note(self, token, **known):
        self._steps.take()
        self._rows.setdefault(token, {}).update(known)
        self._steps.take()


class Life:
    """One process after another on one folder: what landed stays, and only what has not is asked."""

    def __init__(self, folder: Path, server: bs.BatchServer, ids, **options):
        self.folder, self.server, self.ids, self.options = folder, server, list(ids), {"policy": POLICY, **options}
        self.rows, self.landed, self.failures, self.told = {}, {}, [], []

    @property
    def unfinished(self):
        return Rows(self.rows, Steps()).unfinished()

    @property
    def open(self):
        return [(custom_id, body_of(custom_id)) for custom_id in self.ids if custom_id not in self.landed]

    async def live(self, *dies_at) -> int:
        """Ask for all that is open; how many steps were taken."""
        steps = Steps(*dies_at)
        async with client_of(self.server, steps) as client:
            batches = Batches(client, Rows(self.rows, steps), self.folder / "batches", tell=self.told.append, **self.options)
            async with aclosing(batches.ask(self.open)) as outcomes:
                async for custom_id, outcome in outcomes:
                    steps.take()
                    if isinstance(outcome, BatchFailure) and outcome.again:
                        self.failures.append((custom_id, outcome))
                    else:
                        assert custom_id not in self.landed or self.landed[custom_id] == outcome
                        self.landed[custom_id] = outcome
                    steps.take()
        return steps.taken


@asynccontextmanager
async def client_of(server, steps=None):
    async def step(_):
        (steps or Steps()).take()

    hooks = {"request": [step], "response": [step]}
    async with (
        openai.DefaultAioHttpClient(event_hooks=hooks, verify=False) as http_client,
        openai.AsyncOpenAI(api_key=CANARY, base_url=server.address, max_retries=0, timeout=20, http_client=http_client) as client,
    ):
        yield client


def body_of(custom_id):
    return {"model": "tiny", "messages": [{"role": "user", "content": f"rate {custom_id}"}]}


def text_of(outcome):
    return Reply.from_chat(outcome).text


def ids(n):
    return [f"{number:064x}" for number in range(n)]


def assert_all_landed(life, server):
    assert {custom_id: text_of(outcome) for custom_id, outcome in life.landed.items()} == {
        custom_id: f"heard: rate {custom_id}" for custom_id in life.ids
    }
    assert not bs.repeated(server)
    assert not life.unfinished
    assert not list((life.folder / "batches").iterdir())


# Files


def sizes(folder, submissions):
    return [input_file(folder, submission.token).stat().st_size for submission in submissions]


def test_files_hold_as_many_requests_as_the_limit_and_no_more(tmp_path):
    lines = [request_line(custom_id, body_of(custom_id)) for custom_id in ids(10)]
    files = list(write_files(lines, tmp_path, BatchLimits(requests=4)))
    assert [file.n_requests for file in files] == [4, 4, 2]
    held = [line for file in files for _, line in requests_of(input_file(tmp_path, file.token))]
    assert held == lines


def test_files_hold_as_many_bytes_as_the_limit_to_the_byte(tmp_path):
    lines = [request_line(custom_id, body_of(custom_id)) for custom_id in ids(6)]
    three = sum(map(len, lines[:3]))
    assert sizes(tmp_path, write_files(lines, tmp_path, BatchLimits(bytes=three))) == [three, three]
    assert [file.n_requests for file in write_files(lines, tmp_path, BatchLimits(bytes=three - 1))] == [2, 2, 2]


def test_a_file_is_written_only_when_the_one_before_was_taken(tmp_path):
    taken = []
    lines = (taken.append(n) or request_line(str(n), {}) for n in range(100))
    files = write_files(lines, tmp_path, BatchLimits(requests=10))
    next(files)
    assert len(taken) == 11


def test_no_requests_make_no_file(tmp_path):
    assert list(write_files([], tmp_path, BatchLimits())) == []
    assert not list(tmp_path.iterdir())


def test_the_limits_are_those_of_the_documentation():
    assert BatchLimits() == BatchLimits(requests=50_000, bytes=200_000_000)


@pytest.mark.parametrize("text", ["a\u2028b\x85c", "line\nbreak", "half \ud83d", "é漢", '"quoted"'])
def test_a_request_is_one_line_and_reads_back_as_it_was(text):
    line = request_line("a", {"messages": [{"content": text}]})
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line)["body"]["messages"][0]["content"] == text


# What a line of results says


def result(response=None, error=None, custom_id="a"):
    return json.dumps({"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": error}).encode()


def failed(status, code=None, message="no"):
    return result({"status_code": status, "request_id": "r", "body": {"error": {"message": message, "code": code}}})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (failed(500), BatchFailure("no", None, 500, again=True)),
        (failed(503), BatchFailure("no", None, 503, again=True)),
        (failed(429, "rate_limit_exceeded"), BatchFailure("no", "rate_limit_exceeded", 429, again=True)),
        (failed(429, "insufficient_quota"), BatchFailure("no", "insufficient_quota", 429)),
        (failed(408), BatchFailure("no", None, 408, again=True)),
        (failed(400, "context_length_exceeded"), BatchFailure("no", "context_length_exceeded", 400)),
        (failed(404, "model_not_found"), BatchFailure("no", "model_not_found", 404)),
        (failed(400, message="x" * 1000), BatchFailure("x" * 400, None, 400)),
        (failed(400, message="half \ud83d"), BatchFailure("half ?", None, 400)),
        (result({"status_code": 502, "body": "Bad gateway"}), BatchFailure("Bad gateway", None, 502, again=True)),
        (result({"status_code": 500, "body": None}), BatchFailure("the server gave no reason", None, 500, again=True)),
        (result({"status_code": 200, "body": None}), BatchFailure("the result holds no completion", again=True)),
        (result({"status_code": "200", "body": {}}), BatchFailure("the result holds no completion", again=True)),
        (result({}), BatchFailure("the result holds no completion", again=True)),
        (result(None, {"code": "batch_expired", "message": "late"}), BatchFailure("late", "batch_expired", again=True)),
        (result(None, {"code": "request_timeout", "message": "slow"}), BatchFailure("slow", "request_timeout", again=True)),
        (result(None, {"code": "batch_cancelled", "message": "off"}), BatchFailure("off", "batch_cancelled")),
        (result(None, None), BatchFailure("the server gave no reason", again=True)),
        (result(None, "words"), BatchFailure("words", again=True)),
    ],
)
def test_a_failure_says_whether_it_may_be_sent_again(line, expected):
    assert read_result(line) == ("a", expected)


@pytest.mark.parametrize(
    "line", [b"", b"<html>", b"null", b"[]", b"{}", b'{"custom_id": 1}', b'{"custom_id": null}', b"[" * 100_000, b"\xff\xfe{"]
)
def test_what_is_no_result_is_none(line):
    assert read_result(line) is None


# A batch as it should be


async def test_results_out_of_order_join_by_their_custom_id(tmp_path, waits):
    for seed in range(3):
        with bs.batch_server(bs.Script(order=bs.shuffled(seed))) as server:
            life = Life(tmp_path / str(seed), server, ids(40), limits=BatchLimits(requests=15))
            life.folder.mkdir()
            await life.live()
            assert_all_landed(life, server)
            assert [len(sent) for sent in server.sent()] == [15, 15, 10]


async def test_files_of_requests_are_what_the_protocol_asks_for(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(2))
        await life.live()
        [batch] = server.batches.values()
        upload = next(call for call in server.calls if call.name == UPLOAD)
    [token] = life.rows
    assert batch.data["metadata"] == {"judgefair": token}
    assert f'filename="judgefair-{token}.jsonl"'.encode() in upload.body
    assert b'{"custom_id":"' + ids(1)[0].encode() + b'","method":"POST","url":"/v1/chat/completions","body":{' in upload.body


async def test_compressed_results_are_read(tmp_path, waits):
    with bs.batch_server(bs.Script(gzip=True)) as server:
        life = Life(tmp_path, server, ids(50))
        await life.live()
        assert_all_landed(life, server)


async def test_line_separators_within_a_result_do_not_break_it(tmp_path, waits):
    def answer(body):
        said = bs.completion(body)
        said["choices"][0]["message"]["content"] = "one\u2028two\x85three\x0bfour"
        return said

    with bs.batch_server(bs.Script(answer=answer)) as server:
        life = Life(tmp_path, server, ids(3))
        await life.live()
    assert {text_of(outcome) for outcome in life.landed.values()} == {"one\u2028two\x85three\x0bfour"}


async def test_no_requests_send_nothing(tmp_path, waits):
    with bs.batch_server() as server:
        await Life(tmp_path, server, []).live()
        assert not server.calls


async def test_a_request_that_stands_twice_is_sent_once(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, [*ids(3), *ids(3)], limits=BatchLimits(requests=2))
        await life.live()
        assert [len(sent) for sent in server.sent()] == [2, 1]


async def test_a_request_beyond_the_byte_limit_fails_alone(tmp_path, waits):
    class Long(Life):
        @property
        def open(self):
            return [(name, body_of("x" * (900 if name == ids(2)[1] else 1))) for name in self.ids]

    with bs.batch_server() as server:
        life = Long(tmp_path, server, ids(3), limits=BatchLimits(bytes=600))
        await life.live()
        assert sorted(name for sent in server.sent() for name in sent) == [ids(3)[0], ids(3)[2]]
    failure = life.landed[ids(2)[1]]
    assert (failure.code, failure.again) == ("too_large", False)
    assert "and a file may have 600" in failure.message


async def test_polls_come_further_apart_until_the_longest_wait(tmp_path, waits):
    with bs.batch_server(bs.Script(polls=9)) as server:
        await Life(tmp_path, server, ids(1)).live()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_body_is_answered_alike_in_a_batch_and_alone(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(1))
        await life.live()
        async with client_of(server) as client:
            alone = await client.post("/chat/completions", cast_to=httpx.Response, body=body_of(ids(1)[0]))
    assert life.landed == {ids(1)[0]: alone.json()}


# Partial failure, expiry, odd results


async def test_what_expired_or_failed_for_a_while_is_sent_again_and_nothing_else_is(tmp_path, waits):
    a, b, c, d, e = ids(5)
    fates = {a: [bs.EXPIRES], b: [bs.Fate(500), bs.Fate(429, "rate_limit_exceeded")], c: [bs.Fate(400, "invalid", "too odd")]}
    with bs.batch_server(bs.Script(fates=fates)) as server:
        life = Life(tmp_path, server, ids(5))
        await life.live()
        assert [set(sent) for sent in server.sent()] == [{a, b, c, d, e}, {a, b}, {b}]
        assert [batch.data["status"] for batch in server.batches.values()] == ["expired", "completed", "completed"]
        assert not bs.repeated(server)
        assert server.names[READ] == 2 + 2 + 1
    assert life.landed.pop(c) == BatchFailure("too odd", "invalid", 400)
    assert {text_of(outcome) for outcome in life.landed.values()} == {f"heard: rate {name}" for name in (a, b, d, e)}
    assert Counter(name for name, _ in life.failures) == {a: 1, b: 2}


async def test_a_batch_without_one_success_has_no_output_file(tmp_path, waits):
    with bs.batch_server(bs.Script(fates={name: [bs.Fate(400)] for name in ids(3)})) as server:
        life = Life(tmp_path, server, ids(3))
        await life.live()
        assert [batch.data["output_file_id"] for batch in server.batches.values()] == [None]
    assert {outcome.status for outcome in life.landed.values()} == {400}


async def test_after_the_last_attempt_a_failure_stands(tmp_path, waits):
    with bs.batch_server(bs.Script(fates={ids(1)[0]: [bs.EXPIRES] * 9})) as server:
        life = Life(tmp_path, server, ids(2), attempts=3)
        await life.live()
        assert len(server.batches) == 3
    assert len(life.failures) == 2
    assert life.landed[ids(1)[0]] == BatchFailure(bs.EXPIRES.message, "batch_expired", again=False)
    assert not life.unfinished


async def test_repeated_unknown_and_unreadable_lines_change_nothing_and_are_told(tmp_path, waits):
    wrong = bs.completion(body_of("of another"))
    extra = (b"<html>", b"", b'{"custom_id": 7}', *bs.lines_of([("stranger", wrong)]))
    fates = {ids(1)[0]: [bs.Fate(lines=bs.lines_of([(ids(1)[0], {**wrong, "n": n}) for n in (1, 2)]))]}
    with bs.batch_server(bs.Script(extra=extra, fates=fates, order=list)) as server:
        life = Life(tmp_path, server, ids(2))
        await life.live()
        assert len(server.batches) == 1
    assert set(life.landed) == set(ids(2))
    assert life.landed[ids(1)[0]]["n"] == 1
    assert any("4 lines of its results cannot be read, repeat a request or belong to none" in words for words in life.told)


async def test_a_request_of_which_the_results_say_nothing_is_sent_again(tmp_path, waits):
    fates = {ids(2)[0]: [bs.FORGOTTEN], ids(2)[1]: [bs.Fate(lines=(b'{"custom_id": "00',))]}
    with bs.batch_server(bs.Script(fates=fates)) as server:
        life = Life(tmp_path, server, ids(4))
        await life.live()
        assert_all_landed(life, server)
        assert [len(sent) for sent in server.sent()] == [4, 2]
    assert {failure.code for _, failure in life.failures} == {"no_result"}


async def test_a_batch_that_someone_cancelled_is_not_sent_again(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(4))
        server.script.trouble = lambda call: _cancel_at_first_poll(server, call)
        await life.live()
        assert len(server.batches) == 1
    assert not life.failures
    assert [isinstance(life.landed[name], BatchFailure) for name in ids(4)] == [False, False, True, True]
    assert [life.landed[name].code for name in ids(4)[2:]] == ["batch_cancelled", "no_result"]


def _cancel_at_first_poll(server, call):
    [batch] = server.batches.values() or [None]
    if call.name == POLL and batch.is_live:
        server.cancel(batch)


async def test_a_batch_that_is_done_before_its_file_is_named_is_polled_on(tmp_path, waits):
    with bs.batch_server(bs.Script(unnamed_for=3)) as server:
        life = Life(tmp_path, server, ids(2))
        await life.live()
        assert_all_landed(life, server)
        assert len(server.batches) == 1


# Batches that are refused as a whole


async def test_a_refused_file_is_an_error_in_the_servers_words_and_a_later_run_sends_it_anew(tmp_path, waits):
    refusals = [("invalid_model", f"The model is not for batches, says {CANARY}.")]
    with bs.batch_server(bs.Script(refusals=refusals)) as server:
        life = Life(tmp_path, server, ids(2))
        with pytest.raises(ModelError, match=r"the server refused the file: The model is not for batches, says \[key\]\."):
            await life.live()
        assert not life.unfinished
        await life.live()
        assert_all_landed(life, server)


async def test_requests_for_two_models_are_refused_with_their_reason(tmp_path, waits):
    class Two(Life):
        @property
        def open(self):
            return [(name, body_of(name) | {"model": f"model-{name[-1]}"}) for name in self.ids]

    with bs.batch_server() as server, pytest.raises(ModelError, match="All requests must name one model"):
        await Two(tmp_path, server, ids(2)).live()


async def test_what_finds_no_room_in_the_queue_is_sent_when_others_have_ended(tmp_path, waits):
    with bs.batch_server(bs.Script(most_enqueued=25)) as server:
        life = Life(tmp_path, server, ids(40), limits=BatchLimits(requests=10))
        await life.live()
        assert_all_landed(life, server)
        assert {len(sent) for sent in server.sent()} == {10}


async def test_a_file_that_alone_is_too_much_for_the_queue_is_cut_until_it_is_not(tmp_path, waits):
    with bs.batch_server(bs.Script(most_enqueued=10)) as server:
        life = Life(tmp_path, server, ids(70), limits=BatchLimits(requests=32))
        await life.live()
        assert_all_landed(life, server)
        assert {batch.data["status"] for batch in server.batches.values() if len(batch.requests) > 10} == {"failed"}


async def test_where_there_is_no_room_for_one_request_it_is_an_error(tmp_path, waits):
    with bs.batch_server(bs.Script(most_enqueued=0)) as server:
        life = Life(tmp_path, server, ids(4))
        with pytest.raises(ModelError, match="no room for a single request: Enqueued token limit reached"):
            await life.live()
        server.script.most_enqueued = None
        await life.live()
        assert_all_landed(life, server)


# A server that does not answer


ENDPOINTS = [UPLOAD, CREATE, POLL, READ]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "trouble",
    [
        bs.DROP,
        bs.DROP_AFTER,
        bs.Trouble(500),
        bs.Trouble(500, after=True),
        bs.Trouble(503, after=True),
        bs.Trouble(429),
        bs.Trouble(408, after=True),
        bs.Trouble(cut=20),
    ],
)
async def test_no_trouble_on_the_way_sends_anything_twice(name, trouble, tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=bs.on(name, trouble, trouble))) as server:
        life = Life(tmp_path, server, ids(5), limits=BatchLimits(requests=3))
        await life.live()
        assert_all_landed(life, server)
        assert len(server.batches) == 2


@pytest.mark.parametrize("name", [UPLOAD, CREATE, POLL])
@pytest.mark.parametrize("raw", [b"<html>", b"", b"null", b"[]", b"{}", b"\xff\xfe{", b'{"id": null}'])
async def test_an_answer_that_is_none_is_asked_for_again(name, raw, tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=bs.on(name, bs.Trouble(200, after=True, raw=raw)))) as server:
        life = Life(tmp_path, server, ids(3))
        await life.live()
        assert_all_landed(life, server)
        assert len(server.batches) == 1


@pytest.mark.parametrize("trouble", [bs.DROP_AFTER, bs.Trouble(500, after=True)])
async def test_a_batch_that_was_made_unheard_is_found_though_the_list_is_late_and_long(trouble, tmp_path, waits):
    with bs.batch_server(bs.Script(listed_after=2, page=3)) as server:
        for n in range(8):
            await Life(_made(tmp_path / str(n)), server, [f"other {n}"]).live()
        server.script.trouble = bs.on(CREATE, trouble)
        life = Life(_made(tmp_path / "ours"), server, ids(3))
        await life.live()
        assert_all_landed(life, server)
        assert len(server.batches) == 9
        assert server.names[CREATE] == 9


async def test_a_429_upon_creation_is_waited_for_without_looking(tmp_path, waits):
    slow = bs.Trouble(429, headers={"retry-after": "7"})
    with bs.batch_server(bs.Script(trouble=bs.on(CREATE, slow))) as server:
        await Life(tmp_path, server, ids(1)).live()
        assert server.names[LIST] == 0
    assert waits[0] == 7


async def test_an_upload_that_was_not_heard_of_is_found_by_its_name(tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=bs.on(UPLOAD, bs.DROP_AFTER), page=1)) as server:
        await Life(tmp_path, server, ids(1)).live()
        assert server.names[UPLOAD] == 1


async def test_polls_that_fail_for_long_end_in_an_error_and_the_batch_is_taken_up_later(tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=lambda call: bs.Trouble(503) if call.name == POLL else None)) as server:
        life = Life(tmp_path, server, ids(2))
        with pytest.raises(ModelError, match=r"batch_\d+: HTTP 503: no.*the same command goes on from there"):
            await life.live()
        assert server.names[POLL] == POLICY.attempts
        server.script.trouble = lambda _: None
        await life.live()
        assert_all_landed(life, server)
        assert len(server.batches) == 1


async def test_a_server_that_never_answered_is_not_waited_for_as_long(tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=lambda _: bs.DROP)) as server:
        with pytest.raises(ModelError, match="the same command goes on from there"):
            await Life(tmp_path, server, ids(2), policy=RetryPolicy(attempts=64)).live()
        assert server.names[UPLOAD] == 1
    assert len(waits) == 5


async def test_a_poll_without_a_status_is_asked_for_again(tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=bs.on(POLL, bs.Trouble(200, raw=b'{"id": "batch_1"}')))) as server:
        life = Life(tmp_path, server, ids(2))
        await life.live()
        assert_all_landed(life, server)


@pytest.mark.parametrize("name", [UPLOAD, CREATE])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 413])
async def test_a_refusal_stops_at_once_and_leaves_nothing_that_blocks_a_later_run(name, code, tmp_path, waits):
    said = json.dumps({"error": {"message": f"Incorrect API key provided: {CANARY}"}}).encode()
    with bs.batch_server(bs.Script(trouble=bs.on(name, bs.Trouble(code, raw=said)))) as server:
        life = Life(tmp_path, server, ids(2))
        with pytest.raises(ModelError, match=rf"HTTP {code}: Incorrect API key provided: \[key\]"):
            await life.live()
        assert not waits
        await life.live()
        assert_all_landed(life, server)


async def test_an_uploaded_file_that_the_server_has_lost_does_not_block_a_later_run(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(2))
        server.script.trouble = lambda call: bs.DROP if call.name == CREATE else None
        with pytest.raises(ModelError, match="the same command goes on from there"):
            await life.live()
        server.script.trouble = lambda _: None
        server.files.clear()
        with pytest.raises(ModelError, match="HTTP 400: No such File object"):
            await life.live()
        await life.live()
        assert_all_landed(life, server)


async def test_a_batch_that_the_server_does_not_know_stops_and_stays_on_record(tmp_path, waits):
    with bs.batch_server(bs.Script(trouble=bs.on(POLL, bs.Trouble(404)))) as server:
        life = Life(tmp_path, server, ids(2))
        with pytest.raises(ModelError, match="HTTP 404"):
            await life.live()
        assert len(life.unfinished) == 1
        await life.live()
        assert_all_landed(life, server)


# A process that dies


def _made(folder):
    folder.mkdir()
    return folder


def _eventful():
    """Of two files the first is sent again in part, and of the second one failure stands; a new batch is late in the list."""
    again, also, _, stands = ids(4)
    return bs.Script(polls=1, fates={again: [bs.EXPIRES], also: [bs.Fate(500)], stands: [bs.Fate(400)]}, listed_after=1)


async def _dies(life, *dies_at):
    try:
        await life.live(*dies_at)
    except Death:
        return True
    return False


@pytest.mark.parametrize("lives", [1, 2])
async def test_a_death_at_any_step_costs_nothing(lives, tmp_path, waits):
    for step in count(1):
        with bs.batch_server(_eventful()) as server:
            life = Life(_made(tmp_path / str(step)), server, ids(4), limits=BatchLimits(requests=3))
            died = [await _dies(life, step) for _ in range(lives)]
            await life.live()
            stands = life.landed.pop(ids(4)[3])
            life.ids = ids(3)
            assert_all_landed(life, server)
            assert stands == BatchFailure("no", None, 400)
            assert Counter(name for sent in server.sent() for name in sent) == Counter(ids(4)) + Counter(ids(2))
        if not any(died):
            break
    assert step > 60


async def test_a_death_while_the_queue_is_full_costs_nothing(tmp_path, waits):
    for step in count(1):
        with bs.batch_server(bs.Script(most_enqueued=1, polls=1)) as server:
            life = Life(_made(tmp_path / str(step)), server, ids(2))
            died = await _dies(life, step)
            await life.live()
            assert_all_landed(life, server)
        if not died:
            break
    assert step > 40


async def test_after_a_death_new_requests_go_beside_those_at_work(tmp_path, waits):
    with bs.batch_server(bs.Script(polls=3)) as server:
        life = Life(tmp_path, server, ids(3))
        assert await _died_at_the_first(POLL, life, server)
        life.ids = ids(5)
        await life.live()
        assert_all_landed(life, server)
        assert [len(sent) for sent in server.sent()] == [3, 2]


async def _died_at_the_first(name, life, server):
    """Die again and again, each time a step later, until a call of that name came in; whether one did."""
    for step in count(1):
        if not await _dies(life, step):
            return False
        if server.names[name]:
            return True
    return False


async def test_results_of_a_request_that_is_no_longer_asked_are_handed_out_too(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(2))
        assert await _died_at_the_first(POLL, life, server)
        life.ids = []
        await life.live()
        assert set(life.landed) == set(ids(2))


async def test_an_input_file_that_is_gone_is_fetched_back_where_it_was_uploaded(tmp_path, waits):
    with bs.batch_server(bs.Script(polls=3, fates={ids(1)[0]: [bs.EXPIRES]})) as server:
        life = Life(tmp_path, server, ids(3))
        assert await _died_at_the_first(POLL, life, server)
        [path] = (tmp_path / "batches").iterdir()
        path.unlink()
        server.script.trouble = bs.on(READ, bs.Trouble(cut=20))
        await life.live()
        assert_all_landed(life, server)
        assert [len(sent) for sent in server.sent()] == [3, 1]


async def test_an_input_file_that_is_gone_before_it_was_uploaded_was_never_sent(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(3))
        assert await _died_at_the_first(UPLOAD, life, server)
        for path in (tmp_path / "batches").iterdir():
            path.unlink()
        await life.live()
        assert_all_landed(life, server)


async def test_a_file_that_was_written_and_never_begun_is_cleared_away(tmp_path, waits):
    with bs.batch_server() as server:
        life = Life(tmp_path, server, ids(3))
        _made(tmp_path / "batches")
        input_file(tmp_path / "batches", "stray").write_bytes(b"half a li")
        await life.live()
        assert_all_landed(life, server)


def test_a_submission_says_how_far_it_came():
    begun = Submission("t", 3)
    assert (begun.file_id, begun.batch_id, begun.attempt) == (None, None, 1)
    assert replace(begun, file_id="file-1").batch_id is None
