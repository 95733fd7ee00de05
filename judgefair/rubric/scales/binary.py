"""Binary: 0 is no, 1 is yes."""

from collections.abc import Mapping
from typing import Self

from judgefair.records import Level
from judgefair.rubric.scales._discrete import Discrete

_WORDS = {"0": 0, "0.0": 0, "no": 0, "false": 0, "1": 1, "1.0": 1, "yes": 1, "true": 1}


class Binary(Discrete):
    """Two levels, 0 and 1; tables may also write no and yes, or false and true."""

    __slots__ = ()
    kind = "binary"
    measurement = "nominal"
    kappa_weights = (None,)

    @classmethod
    def problems(cls, levels: Mapping[Level, str | None]) -> list[str]:
        if list(levels) == [0, 1] and all(type(level) is int for level in levels):
            return []
        return [f"binary levels are {', '.join(map(str, levels)) or 'none'}. Expected exactly 0 and 1, in this order"]

    @classmethod
    def from_words(cls, words: str) -> Self:
        if words:
            raise ValueError("binary takes no levels; write 'binary', or 'nominal:a,b' for other names")
        return cls({0: None, 1: None})

    def read(self, text: str) -> Level:
        try:
            return _WORDS[text.strip().lower()]
        except KeyError:
            raise ValueError("expected 0 or 1 (or no, yes, false, true)") from None


SCALE = Binary
