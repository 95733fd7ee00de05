"""Nominal: named categories without order."""

from collections.abc import Mapping
from typing import Self

from judgefair.records import Level
from judgefair.rubric.scales._discrete import Discrete, repeated


class Nominal(Discrete):
    """Two or more categories; all that can be said of two ratings is whether they are the same."""

    __slots__ = ()
    kind = "nominal"
    measurement = "nominal"
    kappa_weights = (None,)

    @classmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        if len(levels) < 2:
            return [f"a nominal scale has {len(levels)} level. Expected at least two"]
        return repeated([str(level) for level in levels])

    @classmethod
    def from_words(cls, words: str) -> Self:
        labels = [label.strip() for label in words.split(",") if label.strip()]
        if repeated(labels):
            raise ValueError("; ".join(repeated(labels)))
        return cls(dict.fromkeys(labels))

    @property
    def ends(self) -> tuple[Level, ...]:
        """Categories have no ends: each one needs its anchor."""
        return tuple(self.levels)

    @property
    def numeric(self) -> bool:
        """Never: even a category called 3 is only a name."""
        return False

    @property
    def span(self) -> float:
        return float("nan")


SCALE = Nominal
