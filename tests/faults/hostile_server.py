"""What if a server does all that a server can do wrong? What goes wrong follows from a seed, the request and its how-manieth asking."""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any

from tests import loopback as lb
from tests.loopback import Behaviour

SEED = int(os.environ.get("JUDGEFAIR_FAULT_SEED", "20260105"))
TRIES = 4
"""A request that is asked so often gets its reply."""
HUGE = 33_000_000
LONGEST_RATIONALE = 6_000
GZIPPED = {"content-encoding": "gzip"}
CHUNKED = {"transfer-encoding": "chunked"}
HTML = {"content-type": "text/html"}

Make = Callable[[random.Random, Behaviour], Behaviour]


def _later(name: str, value: str) -> Make:
    return lambda rng, _: Behaviour(rng.choice([429, 503]), {name: value}, raw=b'{"error": {"message": "slow down"}}')


def _at(later: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + later, usegmt=True)


def _cut(rng: random.Random, answer: Behaviour) -> Behaviour:
    return replace(answer, cut=rng.randrange(0, 60))


def _truncated(rng: random.Random, answer: Behaviour) -> Behaviour:
    keep = rng.randrange(1, 60)
    return replace(answer, encode=lambda body: body[:keep])


def _bad_utf8(rng: random.Random, answer: Behaviour) -> Behaviour:
    hostile = rng.choice([b"\xff", b"\xc3\x28", b"\x80", b"\xf5\x80\x80\x80"])
    return replace(answer, encode=lambda body: body.replace(b'"assistant"', b'"assis' + hostile + b'tant"'))


def _spoilt_gzip(rng: random.Random, answer: Behaviour) -> Behaviour:
    at = rng.randrange(0, 10)
    return replace(answer, headers=GZIPPED, encode=lambda body: gzip.compress(body)[:at] + b"\x00nonsense")


@cache
def _swelling() -> bytes:
    return gzip.compress(bytes(HUGE), 1)


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 31] for start in range(0, len(body), 31)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


ASKS_TO_WAIT: Mapping[str, Make] = {
    "429, retry-after-ms": _later("retry-after-ms", "3"),
    "429, seconds": _later("retry-after", "0.004"),
    "429, HTTP date": lambda rng, answer: _later("retry-after", _at(timedelta(seconds=-1)))(rng, answer),
}
"""The three forms of Retry-After, with next to nothing to wait for."""
LONG_WAIT: Mapping[str, Make] = {
    "429, milliseconds far off": _later("retry-after-ms", "86400000"),
    "429, HTTP date far off": lambda rng, answer: _later("retry-after", _at(timedelta(days=rng.randrange(1, 9_000))))(
        rng, answer
    ),
    "429, seconds far off": _later("retry-after", "7200"),
}
"""The same three, for clients that wait no longer than they said."""
FAILURES: Mapping[str, Make] = {
    **ASKS_TO_WAIT,
    **LONG_WAIT,
    "429, nonsense": lambda rng, answer: _later(
        rng.choice(["retry-after", "retry-after-ms"]),
        rng.choice(["soon", "", "-5", "nan", "inf", "1e999", "Mon, 99 Foo 2031", "Thu, 31 Dec 9999 23:59:59 -2359"]),
    )(rng, answer),
    "429": lambda *_: lb.status(429, "slow down"),
    "500": lambda *_: lb.status(500, "oops"),
    "502, a page": lambda *_: Behaviour(502, HTML, raw=b"<html>Bad gateway</html>"),
    "503": lambda *_: lb.status(503, "overloaded"),
    "500, not even text": lambda *_: Behaviour(500, raw=b"\xff\xfe\x00"),
    "closed before the headers": lambda *_: lb.DROP_BEFORE_HEADERS,
    "reset before the headers": lambda *_: Behaviour(drop="before", reset=True),
    "closed within the headers": lambda *_: lb.DROP_WITHIN_HEADERS,
    "reset within the headers": lambda *_: Behaviour(drop="headers", reset=True),
    "closed within the body": _cut,
    "reset within the body": lambda rng, answer: replace(_cut(rng, answer), reset=True),
    "closed within a chunk": lambda _, answer: replace(
        answer, headers=CHUNKED, encode=lambda body: _chunks(body)[:50], reset=True
    ),
    "a page": lambda *_: Behaviour(headers=HTML, raw=b"<html>Welcome to the hotel's network</html>"),
    "nothing": lambda *_: lb.raw(""),
    "204": lambda *_: Behaviour(204, raw=b""),
    "truncated JSON": _truncated,
    "invalid UTF-8": _bad_utf8,
    "spoilt gzip": _spoilt_gzip,
    "gzip cut short": lambda _, answer: replace(answer, headers=GZIPPED, encode=lambda body: gzip.compress(body)[:-60]),
    "gzip that swells": lambda _, answer: replace(answer, headers=GZIPPED, encode=lambda _: _swelling()),
    "a huge reply": lambda _, answer: replace(answer, encode=lambda body: body + b" " * HUGE),
    "a huge reply in chunks": lambda _, answer: replace(
        answer, headers=CHUNKED, encode=lambda _: b"%x\r\n%b\r\n0\r\n\r\n" % (HUGE, b" " * HUGE)
    ),
    "a chunk of no length": lambda _, answer: replace(answer, headers=CHUNKED, encode=lambda body: b"zz\r\n" + body),
    "a length that is none": lambda _, answer: replace(answer, headers={"content-length": "plenty"}),
    "an endless header": lambda _, answer: replace(answer, headers={"x-much": "a" * 100_000}),
    "no HTTP": lambda _, answer: replace(answer, headers={"\x00\r\n\x01": "\x7f"}),
    "an error that says 200": lambda *_: lb.raw('{"error": {"message": "overloaded"}}'),
    "no choice": lambda *_: lb.NO_CHOICES,
    "a choice that is empty": lambda *_: lb.raw('{"choices": [{}]}'),
    "no words": lambda *_: lb.EMPTY,
    "null": lambda *_: lb.raw("null"),
    "brackets": lambda *_: lb.raw("[" * 100_000),
}
"""After these the same request has to be asked again."""
COSTLY = {"gzip that swells", "a huge reply", "a huge reply in chunks"}
"""Seldom, for the sake of whoever waits for the tests."""
HINDRANCES: Mapping[str, Make] = {
    "none": lambda _, answer: answer,
    "slow drip": lambda rng, answer: replace(answer, drip=rng.randrange(5, 40)),
    "gzip": lambda _, answer: replace(answer, headers=GZIPPED, encode=gzip.compress),
    "wrong content type": lambda rng, answer: replace(
        answer, headers={"content-type": rng.choice(["text/html", "image/png", "text/plain; charset=utf-16", ";;"])}
    ),
    "chunks": lambda _, answer: replace(answer, headers=CHUNKED, encode=_chunks),
    "chunks in gzip": lambda _, answer: replace(
        answer, headers=CHUNKED | GZIPPED, encode=lambda body: _chunks(gzip.compress(body))
    ),
    "a megabyte of space": lambda _, answer: replace(answer, encode=lambda body: b" " * 1_000_000 + body),
    "closed after the body": lambda _, answer: replace(answer, headers={"connection": "close"}),
}
"""These bring the reply all the same, and it must not be asked for again."""
MAY_BE_LOST: Mapping[str, Make] = {"reset after the body": lambda _, answer: replace(answer, reset=True)}
"""A reset may overtake the reply."""
EVERYTHING: Mapping[str, Make] = {**FAILURES, **HINDRANCES, **MAY_BE_LOST}
STALLS: Mapping[str, Make] = {"stalls within the body": lambda rng, answer: replace(_cut(rng, answer), stalls=True)}
"""A failure too, for clients that do not wait for ever."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge says to one request, and what comes of it: a level, or why there is none."""

    behaviour: Behaviour
    outcome: Any


def _levels(rng: random.Random, schema: Mapping[str, Any]) -> Answer:
    level = rng.choice(schema["properties"]["level"]["enum"])
    return Answer(lb.ok(level, rationale=rng.randbytes(rng.randrange(LONGEST_RATIONALE // 2)).hex()), level)


ODD_ANSWERS: tuple[Answer, ...] = (
    *(
        Answer(lb.says(text), "unparsable")
        for text in (
            '{"level": 7}', '{"level": -1}', '{"level": 1.5}', '{"level": "1"}', '{"level": true}', '{"level": NaN}', '{"level": ',
            '{"level": 1, "level": 1}', '{"level": 1} {"level": 1}', '{"level": 1, "sure": true}', "{}", "2", "two, I think",
            "[" * 50_000, '{"level": ' + "9" * 5_000 + "}", "\u202e1 :level\x1b[2J",
        )
    ),
    Answer(lb.says('{"level": 1}', "length"), "unparsable"),
    Answer(lb.says("", "length"), "unparsable"),
    Answer(lb.refusal(), "refused"),
    Answer(lb.says('{"level": 1}', "content_filter"), "refused"),
)  # fmt: skip


@dataclass
class Mischief:
    """The script of a hostile server.

    Attributes
    ----------
    faults : by name, what may happen to a call before its request was asked `tries` times.
    odd : share of requests whose answer is none that was asked for.
    """

    seed: int
    faults: Mapping[str, Make] = field(default_factory=lambda: EVERYTHING)
    tries: int = TRIES
    odd: float = 0.3
    happened: dict[int, str] = field(default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, number: int, body: dict[str, Any]) -> Behaviour:
        request = json.dumps(body, sort_keys=True)
        self._asked[request] += 1
        rng = random.Random(f"{self.seed} {self._asked[request]} {request}")
        is_last = self._asked[request] >= self.tries
        possible = sorted((HINDRANCES.keys() & self.faults.keys() or {"none"}) if is_last else self.faults)
        (name,) = rng.choices(possible, [0.05 if name in COSTLY else 1.0 for name in possible])
        self.happened[number] = name
        return {**HINDRANCES, **self.faults}[name](rng, self.answer(body).behaviour)

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """What the judge has to say to a request, however often it is asked."""
        rng = random.Random(f"{self.seed} {json.dumps(body, sort_keys=True)}")
        odd = rng.random() < self.odd
        return rng.choice(ODD_ANSWERS) if odd else _levels(rng, body["response_format"]["json_schema"]["schema"])
