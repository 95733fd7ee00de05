"""How fast can a harness ask? A chat-completions server on loopback that answers at once, so that only the harness is measured.

Run as `python benchmarks/throughput_server.py`; it prints its port, and ends when its input is closed. It reads no body, and
every reply is one write of the same bytes. `POST /reset` takes the delay of replies in seconds and forgets what was counted;
`GET /stats` says what was counted since: a stopwatch that treats all harnesses alike, from the first request received to the
last reply sent.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

ANSWERS = {
    b"POST /v1/chat/completions": {"level": 1},
    b"POST /autorubric/v1/chat/completions": {"criterion_status": "MET", "explanation": "It insults people for their group."},
}
"""What the judge says, by address: one harness wants an answer in its own words."""
MODELS = {"object": "list", "data": [{"id": "gpt-4.1-mini", "object": "model", "created": 1700000000, "owned_by": "nobody"}]}


def http(content: object) -> bytes:
    """A whole HTTP reply."""
    body = json.dumps(content).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def chat(answer: object) -> dict[str, object]:
    """A chat completion that says it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4.1-mini",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": json.dumps(answer), "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 500, "completion_tokens": 6, "total_tokens": 506},
        "system_fingerprint": "fp_1",
    }


@dataclass(slots=True)
class Counted:
    """What happened since the last reset; `first` and `last` are seconds of one clock, `began` is the time of day."""

    delay: float = 0.0
    calls: int = 0
    received: int = 0
    first: float | None = None
    last: float | None = None
    began: float | None = None
    in_flight: int = 0
    most_in_flight: int = 0
    most_connections: int = 0
    cpu: float = field(default_factory=time.process_time)


class Server:
    """The replies, what was counted, and the open connections."""

    def __init__(self) -> None:
        self.replies = {start: http(chat(answer)) for start, answer in ANSWERS.items()}
        self.counted = Counted()
        self.connections = 0

    def reset(self, body: bytes) -> bytes:
        """Count from now on, with this delay."""
        self.counted = Counted(delay=float(body or b"0"))
        return http({})

    def stats(self) -> bytes:
        """What was counted, with the server's own processor time."""
        return http({**asdict(self.counted), "cpu": time.process_time() - self.counted.cpu})


class Connection(asyncio.Protocol):
    """One client's connection: requests come one after the other, each with its Content-Length."""

    def __init__(self, server: Server) -> None:
        self.server, self.buffer = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self.loop = asyncio.get_running_loop()
        self.server.connections += 1

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Count it no more."""
        self.server.connections -= 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        data = self.buffer + data if self.buffer else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            at = head.find(b"content-length:")
            size = end + 4 + (int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0)
            if len(data) < size:
                break
            self.answer(data[: data.index(b" ", data.index(b" ") + 1)], data[end + 4 : size])
            data = data[size:]
        self.buffer = data

    def answer(self, start: bytes, body: bytes) -> None:
        """Reply to one request, now or after the delay."""
        server = self.server
        if (reply := server.replies.get(start)) is None:
            self.transport.write(
                server.stats() if start == b"GET /stats"
                else server.reset(body) if start == b"POST /reset"
                else http(MODELS) if start == b"GET /v1/models"
                else b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
            )  # fmt: skip
            return
        counted = server.counted
        if counted.first is None:
            counted.first, counted.began = time.perf_counter(), time.time()
        counted.calls += 1
        counted.received += len(body)
        counted.in_flight += 1
        counted.most_in_flight = max(counted.most_in_flight, counted.in_flight)
        counted.most_connections = max(counted.most_connections, server.connections)
        if counted.delay:
            self.loop.call_later(counted.delay, self.send, reply, counted)
        else:
            self.send(reply, counted)

    def send(self, reply: bytes, counted: Counted) -> None:
        """Send a reply, and stop the clock for now."""
        self.transport.write(reply)
        counted.in_flight -= 1
        counted.last = time.perf_counter()


async def serve() -> None:
    """Print the port, and answer until the input ends."""
    loop, is_over, server = asyncio.get_running_loop(), asyncio.Event(), Server()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=1024)
    loop.add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1() or is_over.set())
    print(listening.sockets[0].getsockname()[1], flush=True)
    await is_over.wait()


if __name__ == "__main__":
    asyncio.run(serve())
