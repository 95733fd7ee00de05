"""What binary, nominal, ordinal and pairwise scales share: a short list of levels, each with its own code."""

from typing import Any

from judgefair.records import Level
from judgefair.rubric.scale import Scale


class Discrete(Scale):
    """A scale whose answers are exactly its levels."""

    __slots__ = ()

    def read(self, text: str) -> Level:
        word = text.strip()
        for level in self.levels:
            if word == str(level) or (not isinstance(level, str) and _as_number(word) == level):
                return level
        raise ValueError(f"expected one of {self.describe()}")

    def accept(self, value: Any) -> Level:
        for level in self.levels:
            if type(value) is type(level) and value == level:
                return level
        raise ValueError(f"{value!r} is not one of {self.describe()}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.levels)}

    def code(self, level: Level) -> float:
        return float(level) if self.numeric else float(list(self.levels).index(level))

    def level(self, code: float) -> Level:
        return next(level for level in self.levels if self.code(level) == code)

    @property
    def numeric(self) -> bool:
        """Whether every level is a number, so that it is its own code."""
        return not any(isinstance(level, str) for level in self.levels)


def repeated(labels: list[str]) -> list[str]:
    """A problem for each label that stands twice."""
    return [f"'{label}' stands twice. Give each level one name" for label in sorted({x for x in labels if labels.count(x) > 1})]


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
