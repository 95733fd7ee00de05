"""Pairwise: which of two responses is better, the first or the second?"""

from collections.abc import Mapping
from typing import Self

from judgefair.records import Level
from judgefair.rubric.scales._discrete import Discrete, repeated

_CODES = (-1.0, 1.0, 0.0)


class Pairwise(Discrete):
    """Two sides, the item's `response` and its `second_response`, and a tie where one is allowed, in this order.

    A side's code is its sign, -1 for the first and 1 for the second, and a tie is 0. So a mean of codes says to which side
    preferences lean, and swapping the responses turns its sign. The tie lies between the sides: the levels are ordered, though
    they are written sides first. Without a tie there are two levels, whose order says no more than that they differ. A judge is
    shown the two in both orders, and a rating is always of the item's own order.
    """

    __slots__ = ()
    kind = "pairwise"
    measurement = "ordinal"
    kappa_weights = (None, "linear", "quadratic")
    compares = True
    unanchored = "neither is preferred"

    @classmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        if len(levels) not in {2, 3}:
            return [
                f"pairwise levels are {', '.join(map(str, levels)) or 'none'}. Expected one for the first response, one for the second "
                "and, where a tie is allowed, one for the tie"
            ]
        if not all(isinstance(level, str) for level in levels):
            return [f"pairwise levels are {', '.join(map(repr, levels))}. Expected names, since codes are -1, 1 and 0"]
        return []

    @classmethod
    def from_words(cls, words: str) -> Self:
        labels = [label.strip() for label in words.split(",") if label.strip()]
        if repeated(labels):
            raise ValueError("; ".join(repeated(labels)))
        return cls(dict.fromkeys(labels))

    @property
    def ends(self) -> tuple[Level, ...]:
        """The two sides, which need their anchors; a tie lies between them."""
        return tuple(self.levels)[:2]

    def code(self, level: Level) -> float:
        return _CODES[list(self.levels).index(level)]


SCALE = Pairwise
