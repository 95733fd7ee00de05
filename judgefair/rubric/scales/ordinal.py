"""Ordinal: levels in order, from lowest to highest."""

import re
from collections.abc import Mapping
from typing import Self

from judgefair.records import Level
from judgefair.rubric.scales._discrete import Discrete, repeated


class Ordinal(Discrete):
    """Whole numbers, or names in order; a named level's code is its place, counted from 0."""

    __slots__ = ()
    kind = "ordinal"
    measurement = "ordinal"
    kappa_weights = (None, "linear", "quadratic")

    @classmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        if len(levels) < 2:
            return [f"an ordinal scale has {len(levels)} level. Expected at least two"]
        if all(type(level) is int for level in levels):
            if list(levels) != sorted(levels):
                return [f"levels stand in the order {', '.join(map(str, levels))}. Expected lowest first"]
            return []
        if all(isinstance(level, str) for level in levels):
            return []
        return [
            f"levels are {', '.join(map(repr, levels))}. Expected whole numbers only or names only (half steps: kind interval)"
        ]

    @classmethod
    def from_words(cls, words: str) -> Self:
        if bounds := re.fullmatch(r"(-?\d+)-(-?\d+)", words):
            low, high = int(bounds[1]), int(bounds[2])
            if high - low > 1000:
                raise ValueError("more than 1,000 levels; use interval:LOW-HIGH")
            return cls(dict.fromkeys(range(low, high + 1)))
        labels = [label.strip() for label in words.split(",") if label.strip()]
        if repeated(labels):
            raise ValueError("; ".join(repeated(labels)))
        if labels and all(re.fullmatch(r"-?\d+", label) for label in labels):
            return cls(dict.fromkeys(int(label) for label in labels))
        return cls(dict.fromkeys(labels))


SCALE = Ordinal
