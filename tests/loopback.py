"""What if the server misbehaves? A chat completions server on 127.0.0.1 that does what a script says, call by call."""

import asyncio
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

PATIENCE = 30.0  # seconds until a wait for something that does not come is an error
BETWEEN_DRIPS = 0.001  # seconds


@dataclass(frozen=True)
class Behaviour:
    """What is sent for one call.

    `content` builds the message from the request's schema; `raw` replaces the whole body. `cut` sends only so many bytes
    of the body and closes; `drop` closes before (`"before"`) or in the midst of (`"headers"`) the headers. `held` waits for
    `Loopback.release`. `encode` turns the body into the bytes that are sent, `drip` sends them in so many pieces. `reset`
    ends the connection, wherever it ends, with a reset. `stalls` leaves it open after what was sent, until the client goes away.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[dict[str, Any]], str | None] | None = None
    message: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    raw: bytes | None = None
    cut: int | None = None
    drop: str | None = None
    held: bool = False
    encode: Callable[[bytes], bytes] | None = None
    drip: int | None = None
    reset: bool = False
    stalls: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all of a reply is sent."""
        return self.drop is None and self.cut is None and not self.stalls


@dataclass(frozen=True)
class Call:
    """One request for a completion, as it came in."""

    number: int
    raw: bytes
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def prompt(self) -> str:
        return self.body["messages"][-1]["content"]


@dataclass(frozen=True)
class Sent:
    """What was done about a call, and whether a whole reply went out."""

    call: Call
    behaviour: Behaviour
    is_whole: bool


Script = Callable[[int, dict[str, Any]], Behaviour]


def ok(level: Any = None, *, rationale: str = "Because.", held: bool = False) -> Behaviour:
    """A schema-valid answer: `level` for every criterion, or the first allowed one."""

    def content(schema: dict[str, Any]) -> str:
        fields = schema["properties"]
        given = {name: (entry["enum"][0] if level is None else level) for name, entry in fields.items() if "enum" in entry}
        return json.dumps({name: given.get(name, rationale) for name in fields})

    return Behaviour(content=content, held=held)


def says(text: str | None, finish_reason: str = "stop", **message: Any) -> Behaviour:
    """A completion with exactly this content."""
    return Behaviour(content=lambda _: text, finish_reason=finish_reason, message=message)


def refusal(text: str = "I cannot rate this.") -> Behaviour:
    return says(None, refusal=text)


def status(code: int, message: str = "no", error_code: str | None = None, **headers: str) -> Behaviour:
    """An error; header names are written with underscores."""
    error = {"error": {"message": message, "type": "error", "code": error_code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Behaviour(code, named, raw=json.dumps(error).encode())


def try_later_at(when: Any) -> Behaviour:
    """429 with an HTTP date."""
    return status(429, "slow down", "rate_limit_exceeded", retry_after=format_datetime(when, usegmt=True))


def raw(body: bytes | str) -> Behaviour:
    """HTTP 200 with this body."""
    return Behaviour(raw=body.encode() if isinstance(body, str) else body)


NO_QUOTA = status(429, "You exceeded your current quota.", "insufficient_quota")
DROP_BEFORE_HEADERS = Behaviour(drop="before")
DROP_WITHIN_HEADERS = Behaviour(drop="headers")
CUT_BODY = Behaviour(content=lambda _: json.dumps({"level": 1}), cut=40)
NOT_JSON = raw("<html>Bad gateway</html>")
NO_CHOICES = raw(json.dumps({"object": "chat.completion", "choices": []}))
EMPTY = says("")


def in_turn(*behaviours: Behaviour) -> Script:
    """Each in its turn, the last for ever after."""
    return lambda number, _: behaviours[min(number, len(behaviours)) - 1]


class Loopback:
    """The server and what it saw. `number` of the first call is 1."""

    def __init__(self, script: Script, models: tuple[str, ...]) -> None:
        self.script, self.models = script, models
        self.calls: list[Call] = []
        self.sent: list[Sent] = []
        self.asked_for_models: list[Mapping[str, str]] = []
        self.in_flight = self.most_in_flight = self.answered = 0
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._handlers: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def prompts(self) -> Counter[str]:
        """How often each prompt was asked."""
        return Counter(call.prompt for call in self.calls)

    @property
    def is_left_alone(self) -> bool:
        """Whether nobody is connected."""
        return not self._handlers

    def release(self) -> None:
        """Answer whatever is held, now and from here on."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def wait_until(self, holds: Callable[["Loopback"], bool], patience: float = PATIENCE) -> None:
        """Return once it holds; an error where it does not come to hold."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self), patience):
                raise TimeoutError(f"{len(self.calls)} calls came in and {self.answered} were answered")

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._gate, self._end = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._end.wait()
        server.close()
        for task in self._handlers:
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        with self._changed:
            self._handlers.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            with self._changed:
                self._handlers.discard(task)
                self._changed.notify_all()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        named = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if (method, path) == ("GET", "/v1/models"):
            self.asked_for_models.append(named)
            listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
            await _send(writer, Behaviour(), json.dumps(listed).encode())
            return True
        if (method, path) != ("POST", "/v1/chat/completions"):
            await _send(writer, Behaviour(404), b'{"error": {"message": "no such path"}}')
            return True
        return await self._complete(reader, writer, body, named)

    async def _complete(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw_body: bytes, headers: Mapping[str, str]
    ) -> bool:
        with self._changed:
            call = Call(len(self.calls) + 1, raw_body, json.loads(raw_body), headers)
            self.calls.append(call)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._changed.notify_all()
        try:
            behaviour = self.script(call.number, call.body)
            if behaviour.held:
                await self._gate.wait()
            reply = _completion(behaviour, call.body) if behaviour.raw is None else behaviour.raw
        finally:
            with self._changed:
                self.in_flight -= 1
        await _send(writer, behaviour, reply)
        with self._changed:
            self.answered += 1
            self.sent.append(Sent(call, behaviour, behaviour.is_whole))
            self._changed.notify_all()
        if behaviour.stalls:
            await reader.read()
        if behaviour.reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return behaviour.is_whole and not behaviour.reset and behaviour.headers.get("connection") != "close"


def _completion(behaviour: Behaviour, body: dict[str, Any]) -> bytes:
    content = behaviour.content(body["response_format"]["json_schema"]["schema"]) if behaviour.content else ""
    message = {"role": "assistant", "content": content, **behaviour.message}
    choice = {"index": 0, "finish_reason": behaviour.finish_reason, "message": message}
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    return json.dumps({"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}).encode()


async def _send(writer: asyncio.StreamWriter, behaviour: Behaviour, body: bytes) -> None:
    """Send a reply, whole or cut short."""
    if behaviour.drop == "before":
        return
    body = behaviour.encode(body) if behaviour.encode else body
    named = {"content-type": "application/json", "content-length": str(len(body)), **behaviour.headers}
    if "transfer-encoding" in named:
        del named["content-length"]
    lines = [f"HTTP/1.1 {behaviour.status} Whatever", *(f"{name}: {value}" for name, value in named.items())]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    whole = head[:30] if behaviour.drop == "headers" else head + (body if behaviour.cut is None else body[: behaviour.cut])
    step = -(-len(whole) // (behaviour.drip or 1))
    for start in range(0, len(whole), step):
        writer.write(whole[start : start + step])
        await writer.drain()
        if behaviour.drip:
            await asyncio.sleep(BETWEEN_DRIPS)


@contextmanager
def loopback(script: Script | Behaviour | None = None, models: tuple[str, ...] = ("tiny", "other")) -> Iterator[Loopback]:
    """A running server; without a script every call gets its first allowed level."""
    behaves: Script = script if callable(script) else in_turn(script or ok())
    server = Loopback(behaves, models)
    server.start()
    try:
        yield server
    finally:
        server.stop()
