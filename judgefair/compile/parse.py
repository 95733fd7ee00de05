"""Which level did the judge give? Read strictly: what is not exactly an answer is Missing, never repaired."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from judgefair.models.reply import Reply, Token
from judgefair.records import Level, Missing
from judgefair.rubric.criterion import Criterion

NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Judgment:
    """One parsed reply, or two of which each shows a pair of responses in another order; see `Rating` for its parts."""

    value: Level | Missing | None
    rationale: str | None = None
    distribution: Mapping[str, float] | None = None
    orders: tuple[Level | Missing | None, Level | Missing | None] | None = None


class Unparsable(Exception):  # noqa: N818 - it names an outcome, and never leaves this package
    """The reply is not an answer; the message says why."""


def read_fields(reply: Reply, names: Sequence[str]) -> dict[str, Any]:
    """The reply's one JSON object, holding exactly `names`; Unparsable says what else was found.

    One Markdown code fence around the whole reply is looked through, nothing more.
    """
    if reply.finish_reason == "length":
        raise Unparsable("the reply was cut off at its token limit")
    text = _without_code_fence(reply.text)
    if not text.strip():
        raise Unparsable("an empty reply")
    try:
        fields = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Unparsable(f"not one JSON object: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Unparsable("not one JSON object: nested without end") from None
    except ValueError:
        raise Unparsable("not one JSON object: a number of thousands of digits") from None
    if not isinstance(fields, dict):
        raise Unparsable(f"a JSON {type(fields).__name__} where an object was asked for")
    if set(fields) != set(names):
        raise Unparsable(f"the object has the keys {sorted(fields)} and was to have {sorted(names)}")
    return fields


def read_level(answer: Any, criterion: Criterion) -> Level | Missing:
    """The level that was answered, or that the criterion does not apply where it says when; Unparsable otherwise."""
    if criterion.not_applicable and answer == NOT_APPLICABLE:
        return Missing("not_applicable", "the judge says that the criterion does not apply")
    try:
        return criterion.scale.accept(answer)
    except ValueError as error:
        raise Unparsable(f"level {error}") from None


def refusal(reply: Reply) -> Missing | None:
    """Missing where the server says that the model refused or its answer was withheld."""
    if reply.refusal:
        return Missing("refused", reply.refusal[:300])
    if reply.finish_reason == "content_filter":
        return Missing("refused", "withheld by the server's content filter")
    return None


def level_probabilities(text: str, tokens: Sequence[Token], said: Any, labels: Sequence[Any]) -> dict[Any, float]:
    """Probability of each label in the place where the reply has its answer, normalised over the labels.

    Unparsable where the answer's token cannot be found, or no label is among its likeliest tokens.
    """
    written = json.dumps(said, ensure_ascii=False)
    trimmed = "".join(token.text for token in tokens).find(text)  # characters that the server left out before the text
    if trimmed < 0 or written not in text:
        raise Unparsable("the answer was not found in the tokens that carry the log-probabilities")
    place = trimmed + text.rfind(written) + (1 if isinstance(said, str) else 0)
    ends = accumulate(len(token.text) for token in tokens)
    token = next(token for token, end in zip(tokens, ends, strict=True) if place < end)
    mass = dict.fromkeys(labels, 0.0)
    for alternative, logprob in token.alternatives.items():
        label = _label(alternative, labels)
        if label is not None:
            mass[label] += math.exp(logprob)
    total = sum(mass.values())
    if total <= 0:
        raise Unparsable("no level is among the likeliest tokens of the answer")
    return {label: share / total for label, share in mass.items()}


def _label(token: str, labels: Sequence[Any]) -> Any:
    bare = token.strip(' \t\n":,}{')
    return next((label for label in labels if str(label) == bare), None)


def _without_code_fence(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    return rest.removesuffix("```") if first.rstrip() in {"```", "```json"} and rest.endswith("```") else text


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise Unparsable("a key stands twice in the object")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise Unparsable(f"{name} is no level")


_STRICT = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
