"""What if the Batch API misbehaves? A server on 127.0.0.1 with the real endpoints that does what a script says.

It checks files as OpenAI's does, works through batches as they are polled, and notes what it was asked, so that a test can
hold that no request was at work twice.
"""

import asyncio
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import count
from random import Random
from typing import Any

from aiohttp import web

from tests.loopback import PATIENCE, ok

ENDED = {"completed", "expired", "cancelled", "failed"}
STAGES = ("validating", "in_progress", "finalizing")
CHAT = "/v1/chat/completions"

Order = Callable[[list[bytes]], list[bytes]]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call: before the server has done anything, or after, so that the caller cannot know."""

    status: int | None = None  # None: the connection is dropped
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b'{"error": {"message": "no", "type": "error", "code": null}}'
    cut: int | None = None  # of the right answer, only so many bytes


DROP = Trouble()
DROP_AFTER = Trouble(after=True)


@dataclass(frozen=True)
class Call:
    """One call, as it came in; `number` of the first is 1."""

    number: int
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        """Method and path, ids left out: `GET /v1/files/ID/content`."""
        return " ".join(
            [
                self.method,
                "/".join("ID" if part[:5] in {"file-", "batch"} and "_" in part else part for part in self.path.split("/")),
            ]
        )


@dataclass(frozen=True)
class Fate:
    """What becomes of one request once: an HTTP error, an error without a response, or lines of the results that are wrong."""

    status: int | None = None
    code: str | None = None
    message: str = "no"
    lines: tuple[bytes, ...] | None = None  # in place of its own


EXPIRES = Fate(code="batch_expired", message="This request could not be executed before the completion window expired.")
CANCELLED = Fate(code="batch_cancelled", message="This request was not executed because the batch was cancelled.")
FORGOTTEN = Fate(lines=())


@dataclass
class Script:
    """How the server behaves.

    `polls` until a batch has ended; `fates` of each custom_id, in turn, as long as there are any; `refusals` of whole batches as
    (code, message), in turn; `most_enqueued` requests at work at once; `listed_after` so many calls a new batch is in the
    list; `unnamed_for` so many polls of one that has ended its output file is not named; `order` of the lines of results;
    `gzip` for files; `trouble` of a call. `extra` lines stand in each output file.
    """

    polls: int = 2
    fates: dict[str, list[Fate]] = field(default_factory=dict)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    most_enqueued: int | None = None
    listed_after: int = 0
    unnamed_for: int = 0
    order: Order = lambda lines: lines[::-1]
    gzip: bool = False
    trouble: Callable[[Call], Trouble | None] = lambda _: None
    extra: tuple[bytes, ...] = ()
    most_requests: int = 50_000
    most_bytes: int = 200 * 2**20
    page: int = 100
    answer: Callable[[dict[str, Any]], dict[str, Any]] = field(default_factory=lambda: completion)


def shuffled(seed: int) -> Order:
    return lambda lines: Random(seed).sample(lines, len(lines))


def on(name: str, *troubles: Trouble | None) -> Callable[[Call], Trouble | None]:
    """These troubles, in turn, for calls of this name; then none."""
    left = list(troubles)
    return lambda call: left.pop(0) if call.name == name and left else None


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """The first allowed level where there is a schema, else an echo of the prompt."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    answer = ok().content
    content = answer(schema) if schema and answer else f"heard: {body['messages'][-1]['content']}"
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    return {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}


@dataclass
class Batch:
    """A batch as the server keeps it; `data` is what it tells of it."""

    data: dict[str, Any]
    requests: dict[str, dict[str, Any]]
    refusals: list[dict[str, Any]]
    polls: int = 0
    unlisted: int = 0

    @property
    def is_live(self) -> bool:
        return self.data["status"] not in ENDED


class BatchServer:
    """The server and what it saw.

    Attributes
    ----------
    answered : how often each custom_id got a completion, which is what is paid for.
    twice : custom_ids that came in while another batch was at work on them.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.files: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.batches: dict[str, Batch] = {}
        self.answered: Counter[str] = Counter()
        self.twice: list[str] = []
        self._numbers = count(1)
        self._times: defaultdict[str, int] = defaultdict(int)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def names(self) -> Counter[str]:
        """How often each endpoint was called."""
        return Counter(call.name for call in self.calls)

    def sent(self) -> list[list[str]]:
        """The custom_ids of each batch, in the order the batches were created."""
        return [list(batch.requests) for batch in self.batches.values()]

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=2**30)
        app.add_routes(
            [
                web.post("/v1/files", self._handle(self._upload)),
                web.get("/v1/files", self._handle(self._list_files)),
                web.get("/v1/files/{id}", self._handle(self._file)),
                web.get("/v1/files/{id}/content", self._handle(self._content)),
                web.post("/v1/batches", self._handle(self._create)),
                web.get("/v1/batches", self._handle(self._list_batches)),
                web.get("/v1/batches/{id}", self._handle(self._batch)),
                web.post("/v1/batches/{id}/cancel", self._handle(self._cancel)),
                web.post(CHAT, self._handle(self._chat)),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        self._started.set()
        await self._end.wait()
        await runner.cleanup()

    def _handle(self, answer: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(len(self.calls) + 1, request.method, request.path, await request.read(), dict(request.headers))
            self.calls.append(call)
            trouble = self.script.trouble(call)
            if trouble is None:
                return await answer(request)
            response = await answer(request) if trouble.after or trouble.cut is not None else None
            if trouble.status is not None:
                return web.Response(
                    status=trouble.status, body=trouble.raw, headers=trouble.headers, content_type="application/json"
                )
            if trouble.cut is not None:
                assert response is not None
                part = web.StreamResponse(headers={"content-length": str(len(response.body))})
                await part.prepare(request)
                await part.write(response.body[: trouble.cut])
            assert request.transport
            request.transport.abort()
            return web.Response()

        return handle

    async def _upload(self, request: web.Request) -> web.Response:
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in message_from_bytes(head + await request.read()).walk()
        }
        upload, purpose = parts.get("file"), parts.get("purpose")
        if purpose is None or upload is None or purpose.get_payload() != "batch":
            return _error(400, "'purpose' must be 'batch', and 'file' a file")
        content = upload.get_payload(decode=True)
        if len(content) > self.script.most_bytes:
            return _error(413, "The file is too large")
        return web.json_response(self._keep_file(upload.get_filename(), content, "batch"))

    def _keep_file(self, filename: str, content: bytes, purpose: str) -> dict[str, Any]:
        number = next(self._numbers)
        data = {
            "id": f"file-_{number}",
            "object": "file",
            "bytes": len(content),
            "created_at": number,
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
        }
        self.files[data["id"]] = (data, content)
        return data

    async def _list_files(self, request: web.Request) -> web.Response:
        purpose = request.query.get("purpose")
        files = [data for data, _ in self.files.values() if purpose in {None, data["purpose"]}]
        return self._page(request, files[::-1])

    async def _file(self, request: web.Request) -> web.Response:
        data, _ = self.files.get(request.match_info["id"], (None, None))
        return web.json_response(data) if data else _error(404, "No such File object")

    async def _content(self, request: web.Request) -> web.Response:
        data, content = self.files.get(request.match_info["id"], (None, None))
        if data is None:
            return _error(404, "No such File object")
        response = web.Response(body=content, content_type="application/octet-stream")
        if self.script.gzip:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        data, content = self.files.get(asked.get("input_file_id"), (None, b""))
        if data is None or data["purpose"] != "batch":
            return _error(400, "No such File object")
        if asked.get("endpoint") != CHAT or asked.get("completion_window") != "24h":
            return _error(400, "Invalid endpoint or completion_window")
        metadata = asked.get("metadata") or {}
        if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
            return _error(400, "Invalid metadata")
        requests, refusals = self._read(content)
        number = next(self._numbers)
        batch = Batch(
            {
                "id": f"batch_{number}",
                "object": "batch",
                "endpoint": CHAT,
                "errors": None,
                "input_file_id": data["id"],
                "completion_window": "24h",
                "status": "validating",
                "output_file_id": None,
                "error_file_id": None,
                "created_at": number,
                "request_counts": {"total": 0, "completed": 0, "failed": 0},
                "metadata": metadata,
            },
            requests,
            refusals,
            unlisted=self.script.listed_after,
        )
        at_work = {custom_id for other in self.batches.values() if other.is_live for custom_id in other.requests}
        self.twice += [custom_id for custom_id in requests if custom_id in at_work]
        enqueued = sum(len(other.requests) for other in self.batches.values() if other.is_live)
        if self.script.refusals:
            code, message = self.script.refusals.pop(0)
            batch.refusals.append({"code": code, "message": message, "line": None, "param": None})
        elif self.script.most_enqueued is not None and enqueued + len(requests) > self.script.most_enqueued:
            message = f"Enqueued token limit reached. Limit: {self.script.most_enqueued} enqueued tokens."
            batch.refusals.append({"code": "token_limit_exceeded", "message": message, "line": None, "param": None})
        self.batches[batch.data["id"]] = batch
        return web.json_response(batch.data)

    def _read(self, content: bytes) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """The requests of an input file, and what is wrong with it."""
        requests: dict[str, dict[str, Any]] = {}
        wrong: list[dict[str, Any]] = []
        lines = content.splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                request = json.loads(line)
                custom_id, body = request["custom_id"], request["body"]
                assert (request["method"], request["url"]) == ("POST", CHAT)
                assert isinstance(custom_id, str)
                assert body["model"]
                assert isinstance(body["messages"], list)
            except (ValueError, KeyError, TypeError, AssertionError):
                wrong.append(
                    {"code": "invalid_json_line", "message": "This line is not a valid request.", "line": number, "param": None}
                )
                continue
            if custom_id in requests:
                wrong.append(
                    {
                        "code": "duplicate_custom_id",
                        "message": f"The custom_id {custom_id} repeats.",
                        "line": number,
                        "param": None,
                    }
                )
            requests[custom_id] = body
        if len(lines) > self.script.most_requests or not lines:
            wrong.append({"code": "invalid_request_count", "message": "Too many requests, or none.", "line": None, "param": None})
        if len({body["model"] for body in requests.values()}) > 1:
            wrong.append(
                {"code": "mismatched_model", "message": "All requests must name one model.", "line": None, "param": None}
            )
        return requests, wrong

    async def _list_batches(self, request: web.Request) -> web.Response:
        listed = []
        for batch in self.batches.values():
            batch.unlisted -= 1
            if batch.unlisted < 0:
                listed.append(batch.data)
        return self._page(request, listed[::-1])

    async def _batch(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return _error(404, "No batch found with that id")
        if batch.is_live:
            batch.polls += 1
            self._work(batch)
        if not batch.is_live and self.script.unnamed_for:
            self.script.unnamed_for -= 1
            return web.json_response(batch.data | {"output_file_id": None})
        return web.json_response(batch.data)

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None or not batch.is_live:
            return _error(409, "It cannot be cancelled")
        self.cancel(batch)
        return web.json_response(batch.data)

    def cancel(self, batch: Batch) -> None:
        """As a person may do it in the console: half of the requests are done, one is named as cancelled, of others nothing is said."""
        ids = list(batch.requests)
        undone = ids[len(ids) // 2 :]
        self._finish(
            batch, {custom_id: CANCELLED if place == 0 else FORGOTTEN for place, custom_id in enumerate(undone)}, "cancelled"
        )

    async def _chat(self, request: web.Request) -> web.Response:
        return web.json_response(self.script.answer(await request.json()))

    def _work(self, batch: Batch) -> None:
        data = batch.data
        if batch.refusals:
            data["status"], data["errors"] = "failed", {"object": "list", "data": batch.refusals}
        elif batch.polls < self.script.polls:
            data["status"] = STAGES[min(batch.polls, len(STAGES) - 1)]
            data["request_counts"]["total"] = len(batch.requests)
        else:
            fates = {custom_id: left.pop(0) for custom_id in batch.requests if (left := self.script.fates.get(custom_id))}
            self._finish(batch, fates, "expired" if EXPIRES in fates.values() else "completed")

    def _finish(self, batch: Batch, fates: Mapping[str, Fate], status: str) -> None:
        output, errors = [], []
        for custom_id, body in batch.requests.items():
            fate = fates.get(custom_id)
            if fate is None or fate.lines is not None:
                self.answered[custom_id] += fate is None
                output += [_result(custom_id, 200, self.script.answer(body))] if fate is None else list(fate.lines or ())
            elif fate.status is None:
                errors.append(_result(custom_id, None, None, {"code": fate.code, "message": fate.message}))
            else:
                said = {"error": {"message": fate.message, "type": "error", "param": None, "code": fate.code}}
                errors.append(_result(custom_id, fate.status, said))
        output += self.script.extra
        data = batch.data
        data["status"] = status
        data["request_counts"] = {"total": len(batch.requests), "completed": len(output), "failed": len(errors)}
        for name, lines in (("output", output), ("error", errors)):
            if lines:
                content = b"".join(line + b"\n" for line in self.script.order(lines))
                data[f"{name}_file_id"] = self._keep_file(f"{data['id']}_{name}.jsonl", content, "batch_output")["id"]

    def _page(self, request: web.Request, found: list[dict[str, Any]]) -> web.Response:
        ids = [data["id"] for data in found]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        limit = min(int(request.query.get("limit", 20)), self.script.page)
        page = found[start : start + limit]
        listed = {"object": "list", "data": page, "has_more": start + limit < len(found)}
        if page:
            listed |= {"first_id": page[0]["id"], "last_id": page[-1]["id"]}
        return web.json_response(listed)


def _result(custom_id: str, status: int | None, body: Any, error: Any = None) -> bytes:
    response = None if status is None else {"status_code": status, "request_id": f"req_{custom_id}", "body": body}
    line = {"id": f"batch_req_{custom_id}", "custom_id": custom_id, "response": response, "error": error}
    return json.dumps(line, ensure_ascii=False).encode()


def _error(status: int, message: str) -> web.Response:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
    return web.json_response(error, status=status)


@contextmanager
def batch_server(script: Script | None = None) -> Iterator[BatchServer]:
    """A running server."""
    server = BatchServer(script or Script())
    server.start()
    try:
        yield server
    finally:
        server.stop()


def repeated(server: BatchServer) -> list[str]:
    """custom_ids that were paid for twice, or at work twice at once: there are to be none."""
    return server.twice + [custom_id for custom_id, times in server.answered.items() if times > 1]


def lines_of(results: Iterable[tuple[str, Any]]) -> tuple[bytes, ...]:
    """Good results for these custom_ids, as a file holds them."""
    return tuple(_result(custom_id, 200, body) for custom_id, body in results)
