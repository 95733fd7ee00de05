"""Which model answers, and how is it reached?"""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

Body = dict[str, Any]
Post = Callable[[Body], Awaitable[dict[str, Any]]]

_REASONING = re.compile(r"^(?:.*/)?(?:o\d|gpt-5)")
TOKENS_FOR_REASONING = 4_000


class Model(ABC):
    """A model behind the chat completions protocol.

    Attributes
    ----------
    name : what requests call it, and the rater id of its ratings.
    server : where it runs; part of the key under which replies are kept. For an embedded model the hash of its
        weights, since its port says nothing.
    """

    name: str
    server: str

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
        if _REASONING.match(self.name):
            return body | {"max_completion_tokens": sampling["max_tokens"] + TOKENS_FOR_REASONING}
        body |= {
            "max_tokens": sampling["max_tokens"],
            "temperature": sampling["replicate_temperature"] if replicates > 1 else 0,
            "seed": sampling["seed"] + sample,
        }
        if sampling.get("top_logprobs"):
            body |= {"logprobs": True, "top_logprobs": sampling["top_logprobs"]}
        return body
