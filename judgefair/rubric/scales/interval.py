"""Interval: any number between two ends."""

import re
from collections.abc import Mapping
from typing import Any, Self

from judgefair.records import Level
from judgefair.rubric.scale import Scale


class Interval(Scale):
    """Numbers from the lowest to the highest level; levels between them are only anchors."""

    __slots__ = ()
    kind = "interval"
    measurement = "interval"
    kappa_weights = ("linear", "quadratic")

    @classmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        if any(isinstance(level, str) for level in levels):
            return [f"levels are {', '.join(map(repr, levels))}. Expected numbers"]
        if len(levels) < 2 or list(levels) != sorted(levels):
            return [f"levels are {', '.join(map(str, levels)) or 'none'}. Expected at least two, lowest first"]
        return []

    @classmethod
    def from_words(cls, words: str) -> Self:
        bounds = re.fullmatch(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)", words)
        if not bounds:
            raise ValueError("expected interval:LOW-HIGH, as in interval:0-100")
        return cls({_number(bounds[1]): None, _number(bounds[2]): None})

    def read(self, text: str) -> Level:
        try:
            return self._within(float(text))
        except ValueError:
            raise ValueError(f"expected a number from {self.describe()}") from None

    def accept(self, value: Any) -> Level:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r} is not a number")
        return self._within(value)

    def schema(self) -> dict[str, Any]:
        low, high = self.ends
        return {"type": "number", "minimum": low, "maximum": high}

    def code(self, level: Level) -> float:
        return float(level)

    def level(self, code: float) -> Level:
        return code

    def describe(self) -> str:
        low, high = self.ends
        return f"{low} to {high}"

    @property
    def _distinct(self) -> tuple[Level, ...]:
        return self.ends

    def _within(self, number: float) -> float:
        low, high = (float(end) for end in self.ends)
        if not low <= number <= high:
            raise ValueError(f"{number!r} is not within {self.describe()}")
        return float(number)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


SCALE = Interval
