"""On what scale is a criterion rated, and which answers are levels of it?"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import nan
from typing import Any, ClassVar, Self

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.records import Level


@dataclass(frozen=True, slots=True)
class Scale(ABC):
    """Levels with their anchors. Each kind is a subclass in its own file of `judgefair/rubric/scales`.

    Attributes
    ----------
    levels : mapping of level to its anchor (None where it has none), in order.
    measurement : how far two levels differ, in Krippendorff's words: nominal, ordinal or interval.
    kappa_weights : the weightings of Cohen's kappa that mean something on this kind.
    compares : whether two responses are compared, in place of one being rated.
    unanchored : in words, where a level without an anchor lies.
    """

    levels: Mapping[Level, str | None]
    kind: ClassVar[str]
    measurement: ClassVar[str]
    kappa_weights: ClassVar[tuple[str | None, ...]]
    compares: ClassVar[bool] = False
    unanchored: ClassVar[str] = "between its neighbours"

    @classmethod
    @abstractmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        """What keeps `levels` from being a scale of this kind, each with what to do."""

    @classmethod
    @abstractmethod
    def from_words(cls, words: str) -> Self:
        """The scale that `--scale kind:words` names; ValueError says what was expected."""

    @abstractmethod
    def read(self, text: str) -> Level:
        """The level written as `text` in a table; ValueError says what was expected."""

    @abstractmethod
    def accept(self, value: Any) -> Level:
        """The level that a model's JSON `value` is, and nothing repaired; ValueError otherwise."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON schema of a level."""

    @abstractmethod
    def code(self, level: Level) -> float:
        """The level as a number: in scale points, or on a nominal scale only a label."""

    @abstractmethod
    def level(self, code: float) -> Level:
        """The level of a code; the inverse of `code`."""

    @property
    def ends(self) -> tuple[Level, ...]:
        """The levels that must be anchored: both ends."""
        levels = list(self.levels)
        return (levels[0], levels[-1])

    @property
    def span(self) -> float:
        """Scale points from the lowest to the highest level; nan where distances mean nothing."""
        if self.measurement == "nominal" and len(self.levels) > 2:
            return nan
        low, high = self.ends
        return self.code(high) - self.code(low)

    @property
    def has_points(self) -> bool:
        """Whether a difference of two levels is a number of scale points."""
        return self.span == self.span

    def has_levels_of(self, other: "Scale") -> bool:
        """Whether ratings on both scales can be held against each other, whatever the anchors say."""
        return self.kind == other.kind and self._distinct == other._distinct

    @property
    def _distinct(self) -> tuple[Level, ...]:
        """What tells the scale from another of its kind."""
        return tuple(self.levels)

    def describe(self) -> str:
        """The levels in words, for prompts and errors."""
        return ", ".join(str(level) for level in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Plain data with level types and order kept; `scale_from_json` reads it back."""
        return {"kind": self.kind, "levels": [[level, anchor] for level, anchor in self.levels.items()]}


def make_scale(kind: str, levels: Mapping[Level, str | None]) -> Scale:
    """A checked scale; InputError says what is wrong with the kind or the levels."""
    cls = scale_kind(kind)
    problems = cls.problems(levels)
    if problems:
        raise InputError("; ".join(problems))
    return cls(dict(levels))


@cache
def scale_kind(kind: str) -> type[Scale]:
    """The class of a scale kind, found by its file or entry point."""
    known = plugins.names("scales")
    if kind not in known:
        from judgefair.errors import did_you_mean

        raise InputError(f"kind is '{kind}'.{did_you_mean(kind, known)} Kinds: {', '.join(known)}")
    found: type[Scale] = plugins.load("scales", kind).SCALE
    return found


def scale_from_json(data: Mapping[str, Any]) -> Scale:
    """The scale that `Scale.to_json` wrote."""
    return make_scale(data["kind"], dict(data["levels"]))


def parse_scale(text: str) -> Scale:
    """The scale that `--scale` names.

    `binary`, `nominal:a,b,c`, `ordinal:1-5`, `ordinal:low,mid,high`, `interval:0-100` or `pairwise:a,b,tie`.

    >>> parse_scale("ordinal:1-5").describe()
    '1, 2, 3, 4, 5'
    """
    kind, _, words = text.partition(":")
    cls = scale_kind(kind)
    try:
        scale = cls.from_words(words)
    except ValueError as error:
        raise InputError(f"--scale is '{text}': {error}") from None
    problems = cls.problems(scale.levels)
    if problems:
        raise InputError(f"--scale is '{text}': {'; '.join(problems)}")
    return scale
