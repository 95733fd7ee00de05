"""Which model answers, and how is it reached?"""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


class WrittenBody(dict[str, Any]):
    """A request whose bytes on the wire are made already; not to be changed."""

    __slots__ = ("wire",)

    def __init__(self, body: Body, wire: bytes) -> None:
        super().__init__(body)
        self.wire = wire


Post = Callable[[Body], Awaitable[dict[str, Any]]]

_REASONING = re.compile(r"^(?:.*/)?(?:o\d|gpt-5)")
TOKENS_FOR_REASONING = 4_000
_NOT_FOR_REASONING = ("temperature", "top_p", "seed", "logprobs", "top_logprobs")


@dataclass(frozen=True, slots=True)
class Named:
    """What `choose_model` was given: enough to choose the same model elsewhere, and no key.

    Attributes
    ----------
    text : the name, as for `--model`.
    has_key : whether a key was found where the model was first chosen.
    """

    text: str
    key_env: str
    key_file: str | None
    timeout: float
    has_key: bool


class Model(ABC):
    """A model behind the chat completions protocol.

    Attributes
    ----------
    name : what requests call it, and the rater id of its ratings.
    server : where it runs; part of the key under which replies are kept. For an embedded model the hash of its
        weights, since its port says nothing.
    has_latency : whether the time it takes says anything; that of a stand-in does not.
    named : what it was chosen by, so that another process may choose the same; None where it was made in another way.
    """

    name: str
    server: str
    has_latency: bool = True
    named: "Named | None" = None

    @abstractmethod
    def open(self) -> AbstractAsyncContextManager[Post]:
        """Make the model ready, and give the function that posts one request and returns the parsed reply."""

    def redact(self, text: str) -> str:
        """The text without any secret that reaches the model; to be kept in journals and errors."""
        return text

    def body(
        self, messages: list[dict[str, str]], schema: dict[str, Any], sampling: dict[str, Any], sample: int, replicates: int
    ) -> Body:
        """The request for one judgment: the same prompt, schema and sampling always give the same body.

        Temperature is 0 unless replicates are asked for. Reasoning models take neither temperature nor seed and are sent
        neither.
        """
        body: Body = {
            "model": self.name,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": {"name": "judgment", "strict": True, "schema": schema}},
        }
        asked = {
            "max_tokens": sampling["max_tokens"],
            "temperature": sampling["replicate_temperature"] if replicates > 1 else 0,
            "seed": sampling["seed"] + sample,
        }
        if sampling.get("top_logprobs"):
            asked |= {"logprobs": True, "top_logprobs": sampling["top_logprobs"]}
        return body | sampling_for(self.name, asked)


def sampling_for(model: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The sampling parameters that a model of this name takes, of those asked for.

    Reasoning models take none but a number of tokens, to which those for reasoning are added.

    >>> sampling_for("o4-mini", {"max_tokens": 48, "temperature": 0, "seed": 3})
    {'max_completion_tokens': 4048}
    """
    if not _REASONING.match(model):
        return dict(asked)
    taken = {name: value for name, value in asked.items() if name not in _NOT_FOR_REASONING}
    if "max_tokens" in taken:
        taken["max_completion_tokens"] = taken.pop("max_tokens") + TOKENS_FOR_REASONING
    return taken
