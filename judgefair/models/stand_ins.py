"""Deterministic stand-ins for a judge: for tests, tutorials and planted studies. They read no meaning at all."""

import hashlib
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from judgefair.errors import ModelError, did_you_mean
from judgefair.models.model import Body, Model, Post

Pick = Callable[[str, list[Any]], int]
"""From the text of the last message and the possible answers, the index of the answer."""


PLAIN = (
    "That is good as it stands.",
    "The first sentence could be clearer.",
    "Say why, and give one example.",
    "Which part should I look at first?",
    "Two points are sound; the third needs a reason, and the ending repeats the beginning.",
)
"""What is answered where no format is asked for."""


class Scripted(Model):
    """Answers every request by a rule; it has the type and the reply format of the real thing.

    A request with a schema gets an object of that schema, any other one of the sentences in `PLAIN`.
    """

    has_latency = False

    def __init__(self, name: str, pick: Pick) -> None:
        self.name, self.server = f"scripted:{name}", f"scripted:{name}"
        self._pick = pick

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            return self._complete(body)

        yield post

    def _complete(self, body: Body) -> dict[str, Any]:
        text = body["messages"][-1]["content"]
        fields = body["response_format"]["json_schema"]["schema"]["properties"] if "response_format" in body else None
        if fields is None:
            content = PLAIN[self._pick(text, list(PLAIN))]
        else:
            content = json.dumps({name: self._answer(text, field) for name, field in fields.items()}, ensure_ascii=False)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        if fields is not None and body.get("logprobs"):
            choice["logprobs"] = {"content": _tokens(content, fields)}
        usage = {"prompt_tokens": sum(len(m["content"]) for m in body["messages"]) // 4, "completion_tokens": len(content) // 4}
        return {"object": "chat.completion", "model": self.name, "choices": [choice], "usage": usage}

    def _answer(self, text: str, field: dict[str, Any]) -> Any:
        options = _options(field)
        return options[self._pick(text, options)] if options else "A scripted judge gives no reason."


def scripted(name: str) -> Scripted:
    """The scripted model of that name: `first`, `middle`, `hash` or `length`.

    >>> scripted("middle").name
    'scripted:middle'
    """
    if name not in SCRIPTS:
        raise ModelError(f"'scripted:{name}' is not known.{did_you_mean(name, SCRIPTS)} Known: {', '.join(SCRIPTS)}")
    return Scripted(name, SCRIPTS[name])


def _options(field: dict[str, Any]) -> list[Any]:
    if "anyOf" in field:
        return _options(field["anyOf"][0])
    if "enum" in field:
        return list(field["enum"])
    if field.get("type") == "number":
        low, high = field["minimum"], field["maximum"]
        return [low + (high - low) * step / 8 for step in range(9)]
    return []


def _hash(text: str, options: list[Any]) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % len(options)


def _length(text: str, options: list[Any]) -> int:
    return min(len(options) - 1, int(len(options) * math.log1p(len(text)) / math.log1p(8_000)))


def _tokens(content: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The reply as three tokens, the answer being one of them, with 0.7 on it and the rest shared evenly."""
    options = _options(fields["level"])
    said = json.loads(content)["level"]
    written = json.dumps(said)
    start = content.rindex(written) + (1 if isinstance(said, str) else 0)
    end = start + len(str(said))
    others = [option for option in options if option != said]
    top = [{"token": str(said), "logprob": math.log(0.7)}]
    top += [{"token": str(option), "logprob": math.log(0.3 / len(others))} for option in others]
    pieces = [(content[:start], []), (content[start:end], top), (content[end:], [])]
    return [
        {"token": text, "logprob": alternatives[0]["logprob"] if alternatives else 0.0, "top_logprobs": alternatives}
        for text, alternatives in pieces
    ]


SCRIPTS: dict[str, Pick] = {
    "first": lambda _, __: 0,
    "middle": lambda _, options: len(options) // 2,
    "hash": _hash,
    "length": _length,
}
