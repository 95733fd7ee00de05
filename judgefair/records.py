"""What is rated, by whom, and what a rating is: the records every stage exchanges, and their columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

MISSING_REASONS = ("not_applicable", "refused", "unparsable", "backend_failure", "over_budget", "not_rated")

RATING_COLUMNS = (
    "item_id",
    "criterion",
    "rater_id",
    "rater_kind",
    "replicate",
    "value",
    "missing",
    "rationale",
    "distribution",
    "program_fingerprint",
)

_TURNS_READING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
UNPRINTABLE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS_READING}\ud800-\udfff\ufffe\uffff]")

Level = int | float | str
"""One level of a scale, as its rubric writes it: a number, or a label."""


def sendable(text: str) -> str:
    """The text with `?` for half a surrogate pair, which can neither be sent nor stored.

    >>> sendable("half \\ud83d")
    'half ?'
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def printable(text: str) -> str:
    """The text with U+FFFD for each control character, mark that turns the direction of reading, and half pair.

    They could steer a terminal, or make a text read as another; a line that ends as on Windows just ends.

    >>> printable("bell\\x07")
    'bell\ufffd'
    """
    return UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def printable_json(text: str) -> str:
    """JSON that says the same, with escapes for what `printable` replaces.

    >>> printable_json('"\x7f"') == '"' + chr(92) + 'u007f"'
    True
    """
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no rating: one of `MISSING_REASONS`, never a number.

    `detail` says what happened in words; two Missing are equal when their reasons are.

    >>> Missing("unparsable", "the reply ends inside the JSON object") == Missing("unparsable")
    True
    """

    reason: str
    detail: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.reason not in MISSING_REASONS:
            raise ValueError(f"'{self.reason}' is no reason for a missing rating: {', '.join(MISSING_REASONS)}")


Turn = Mapping[str, str]
"""One message of a conversation: `role` (user or assistant) and `content`."""


@dataclass(frozen=True, slots=True)
class Query:
    """What one simulated or real user says, and which arm of which block it is.

    Attributes
    ----------
    scenario_id : the intent with its facts; the sampling unit.
    block_id : all arms of one scenario, which stand or fall together.
    arm : which version of the scenario this is; `neutral` shows no population.
    cue : the channel through which the population shows; None for neutral and for real users.
    placebo : `paraphrase` or `same_group` where the arm repeats its reference in other words; else None.
    turns : what the user says, in order; for a dialogue the opening alone.
    language : code, such as en.
    generator : `template`, the name of a model, or `logs` for real users.
    goal : what a simulated user in a dialogue wants and, on a second line, knows; None where the turns are all there is.
    merit : the level that is right by construction, the same in all arms; None where it is not known.
    intent : what kind of thing a real user asks for, where the logs say it.
    gates : by gate, the number the query was accepted or rejected by.
    rejected_because : the gate that it did not pass; None where it is kept.
    """

    query_id: str
    scenario_id: str
    block_id: str
    arm: str
    cue: str | None
    placebo: str | None
    populations: Mapping[str, str]
    turns: tuple[str, ...]
    language: str = "en"
    generator: str = "template"
    seed: int = 0
    goal: str | None = None
    merit: float | None = None
    intent: str | None = None
    gates: Mapping[str, float] = field(default_factory=dict)
    rejected_because: str | None = None

    @property
    def kept(self) -> bool:
        """Whether it is put to the system."""
        return self.rejected_because is None

    @property
    def text(self) -> str:
        """All that the user says."""
        return "\n\n".join(self.turns)


@dataclass(frozen=True, slots=True)
class Response:
    """What the system under evaluation answered, or why there is no answer.

    Attributes
    ----------
    text : the last answer of the conversation; empty where there is none, and what was said where it is a refusal.
    missing : why there is nothing to rate; a refusal is an outcome of its own, never a low rating.
    turns : the whole conversation, the user's and the system's turns.
    usage : tokens, where the system tells them.
    latency_ms : of the last answer, where a server gave it.
    is_refusal_read : false where nothing could tell whether the answer is a refusal.
    """

    response_id: str
    query_id: str
    target: str
    replicate: int
    text: str
    missing: Missing | None
    turns: tuple[Turn, ...]
    system_fingerprint: str
    usage: Mapping[str, int] = field(default_factory=dict)
    latency_ms: float | None = None
    is_refusal_read: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """What is rated: a query and the response to it, or two responses that are compared, with the populations they concern.

    Attributes
    ----------
    populations : mapping of axis to group; an axis that does not apply is left out.
    scenario_id : the sampling unit; None where each item stands alone.
    meta : anything else a set knows of the item; never shown to a judge.
    no_response : why the system gave nothing to rate; such an item is put to no judge.
    second_response : what `response` is compared with on a pairwise scale; None where it is rated alone. Who gave the two may
        stand in `meta` as `contestants`, in this order.

    >>> Item("e1", "Comment on my draft.", "Good start.", {"dialect": "mainstream"}).unit
    'e1'
    """

    item_id: str
    query: str
    response: str
    populations: Mapping[str, str] = field(default_factory=dict)
    scenario_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    no_response: Missing | None = None
    second_response: str | None = None

    @property
    def unit(self) -> str:
        """The scenario, or the item where it has none: what resampling and splits draw."""
        return self.scenario_id or self.item_id

    @property
    def texts(self) -> list[str]:
        """What is judged: query, response and, where two are compared, the second one."""
        return [self.query, self.response, *([] if self.second_response is None else [self.second_response])]

    @property
    def shown(self) -> str:
        """The response as people read it; both, each under its name, where two are compared.

        >>> print(Item("e1", "", "Yes.", second_response="No.").shown)
        First response:
        Yes.
        <BLANKLINE>
        Second response:
        No.
        """
        if self.second_response is None:
            return self.response
        return f"First response:\n{self.response}\n\nSecond response:\n{self.second_response}"

    @property
    def swapped(self) -> "Item":
        """The same with its two responses in the other order; ValueError where it has one."""
        if self.second_response is None:
            raise ValueError(f"item '{self.item_id}' has one response, which cannot change places with another")
        return replace(self, response=self.second_response, second_response=self.response)


class Rating(NamedTuple):
    """One rater's answer on one criterion of one item. Humans and judges share this record.

    Attributes
    ----------
    value : a level, or why there is none; None where a judge of two responses is split between the sides and no tie is allowed,
        so that only the distribution says something.
    orders : of a judge of two responses, what it said with them as the item has them and with them swapped, both as levels of
        the item.
    """

    item_id: str
    criterion: str
    rater_id: str
    rater_kind: Literal["human", "judge"]
    value: Level | Missing | None
    replicate: int = 0
    rationale: str | None = None
    distribution: Mapping[str, float] | None = None
    program_fingerprint: str | None = None
    orders: tuple[Level | Missing | None, Level | Missing | None] | None = None
