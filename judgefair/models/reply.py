"""What did a model say, and how did it stop?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from judgefair.errors import ModelError
from judgefair.records import sendable

MOST_TOKENS = 2**53
"""No count of tokens is larger; a larger one is not kept by every format."""
IMPOSSIBLE = -9_999.0
"""The log-probability of what cannot be; servers that say minus infinity are read as saying this, as OpenAI does."""
ROUNDING = 1e-3
_WORDS = str | None


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a reply, and the log-probabilities of the likeliest tokens in its place."""

    text: str
    alternatives: Mapping[str, float]


class Reply(NamedTuple):
    """One completion of a chat request.

    Attributes
    ----------
    text : what was said; empty where nothing was.
    finish_reason : `stop`, `length`, `content_filter`, ... as the server says; None where it does not.
    refusal : the server's own refusal message, where it has one.
    tokens : with log-probabilities, where they were asked for and given.
    seconds : how long the server took; None where that says nothing.
    """

    text: str
    finish_reason: str | None = "stop"
    refusal: str | None = None
    tokens: Sequence[Token] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None

    @classmethod
    def from_chat(cls, data: Mapping[str, Any], seconds: float | None = None) -> Self:
        """Read the first choice of a chat completion, which took so long; ValueError where there is none."""
        try:
            choice = data["choices"][0]
            message = choice["message"]
            usage = data.get("usage") or {}
            logprobs = (choice.get("logprobs") or {}).get("content")
            for words in (message.get("content"), message.get("refusal"), choice.get("finish_reason")):
                if not isinstance(words, _WORDS):
                    raise TypeError(f"a {type(words).__name__} where text was expected")
            return cls(
                text=sendable(message.get("content") or ""),
                finish_reason=choice.get("finish_reason") and sendable(choice["finish_reason"]),
                refusal=message.get("refusal") and sendable(message["refusal"]),
                tokens=None if not logprobs else [_token(entry) for entry in logprobs],
                prompt_tokens=_count(usage.get("prompt_tokens")),
                completion_tokens=_count(usage.get("completion_tokens")),
                seconds=seconds,
            )
        except (KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a chat completion: {type(error).__name__}: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` reads it back."""
        tokens = None if self.tokens is None else [[token.text, dict(token.alternatives)] for token in self.tokens]
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "refusal": self.refusal,
            "tokens": tokens,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reply that `to_json` wrote."""
        tokens = None if data["tokens"] is None else [Token(text, alternatives) for text, alternatives in data["tokens"]]
        return cls(
            data["text"], data["finish_reason"], data["refusal"], tokens, data["prompt_tokens"], data["completion_tokens"], data["seconds"]
        )  # fmt: skip


def _token(entry: Mapping[str, Any]) -> Token:
    """A token's entry; of alternatives that read the same, the likeliest counts."""
    alternatives: dict[str, float] = {}
    for other in [entry, *(entry.get("top_logprobs") or [])]:
        text = sendable(other["token"])
        alternatives[text] = max(_logprob(other["logprob"]), alternatives.get(text, IMPOSSIBLE))
    return Token(sendable(entry["token"]), alternatives)


def _count(said: Any) -> int:
    count = int(said or 0)
    if not 0 <= count <= MOST_TOKENS:
        raise ValueError(f"a usage of {count:g} tokens")
    return count


def _logprob(said: Any) -> float:
    logprob = float(said)
    if not logprob <= ROUNDING:
        raise ValueError(f"a log-probability of {logprob:g}")
    return min(0.0, max(logprob, IMPOSSIBLE))


def needs_tokens(reply: Reply, model: str) -> Sequence[Token]:
    """The tokens of a reply; ModelError names the mode that works where the server gave none."""
    if reply.tokens is None:
        raise ModelError(
            f"{model}: the reply carries no log-probabilities, and judging mode 'distribution' reads them. "
            "Use judging.mode: score, or a server that answers `logprobs`"
        )
    return reply.tokens
