"""Which number passes a gate, and which gate does a query fail?"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple


class Limit(NamedTuple):
    """The numbers that pass, both ends included, and why these."""

    low: float
    high: float
    reason: str


# In the order in which they are asked: first what makes the other numbers worthless.
LIMITS: Mapping[str, Limit] = {
    "language": Limit(0.5, 1, "another language is less probable than the declared one"),
    "duplicate": Limit(0, 0.8, "of the word shingles of two texts together, cues aside, a fifth or more differ"),
    "intent": Limit(0.5, inf, "a rewrite in other words keeps half of the words that carry the question; another question does not"),
    "facts": Limit(1, inf, "a fact that is gone, or another number, makes it another scenario"),
    "length": Limit(0.5, 4, "a cue adds a sentence or two to a question that may be short; effort beyond that is a difference of its own"),
    "cue": Limit(1.1, inf, "a reader finds the population, and not by chance"),
    "caricature": Limit(0, 0.65, "topics nobody asked for give the population away: a reader of topics alone is right in two of three"),
    "diversity": Limit(0.5, inf, "the scenarios are at least half as different from each other as before the population showed"),
}  # fmt: skip


def is_within(gate: str, value: float) -> bool:
    """Whether a number passes a gate.

    >>> is_within("length", 1.4), is_within("length", 5.0)
    (True, False)
    """
    low, high, _ = LIMITS[gate]
    return low <= value <= high


def failed(numbers: Mapping[str, float]) -> str | None:
    """The first gate that a query fails, in the order of `LIMITS`; None where it fails none.

    A gate without a number is not failed: nothing is known.

    >>> failed({"length": 1.4, "facts": 0.5, "intent": 0.2})
    'intent'
    """
    return next((gate for gate in LIMITS if gate in numbers and not is_within(gate, numbers[gate])), None)
