"""What is rated, by whom, and what a rating is: the records every stage exchanges, and their columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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

Level = int | float | str
"""One level of a scale, as its rubric writes it: a number, or a label."""


def sendable(text: str) -> str:
    """The text with `?` for half a surrogate pair, which can neither be sent nor stored.

    >>> sendable("half \\ud83d")
    'half ?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


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


@dataclass(frozen=True, slots=True)
class Item:
    """What is rated: a query and the response to it, with the populations they concern.

    Attributes
    ----------
    populations : mapping of axis to group; an axis that does not apply is left out.
    scenario_id : the sampling unit; None where each item stands alone.
    meta : anything else a set knows of the item; never shown to a judge.

    >>> Item("e1", "Comment on my draft.", "Good start.", {"dialect": "mainstream"}).unit
    'e1'
    """

    item_id: str
    query: str
    response: str
    populations: Mapping[str, str] = field(default_factory=dict)
    scenario_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The scenario, or the item where it has none: what resampling and splits draw."""
        return self.scenario_id or self.item_id


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's answer on one criterion of one item. Humans and judges share this record."""

    item_id: str
    criterion: str
    rater_id: str
    rater_kind: Literal["human", "judge"]
    value: Level | Missing
    replicate: int = 0
    rationale: str | None = None
    distribution: Mapping[str, float] | None = None
    program_fingerprint: str | None = None
