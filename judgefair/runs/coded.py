"""How does a column take little room when few of its values differ?"""

from array import array
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Coded:
    """A column with few distinct values.

    Attributes
    ----------
    codes : (n,) place of each row's value in `values`; -1 where it has none.
    values : in the order in which they first appear.
    """

    codes: np.ndarray
    values: tuple[Any, ...]

    def told(self, otherwise: Any = None, by: Callable[[Any], Any] = lambda value: value) -> np.ndarray:
        """(n,) what `by` makes of the value of each row, `otherwise` where it has none."""
        known = np.empty(len(self.values) + 1, dtype=object)
        known[:] = [*map(by, self.values), otherwise]
        found: np.ndarray = known[self.codes]
        return found

    @property
    def is_there(self) -> np.ndarray:
        """(n,) true where the row has a value."""
        found: np.ndarray = self.codes >= 0
        return found

    def among(self, values: Iterable[Any]) -> np.ndarray:
        """(n,) true where the value is one of these."""
        wanted = set(values)
        is_wanted = [isinstance(value, Hashable) and value in wanted for value in self.values]
        found: np.ndarray = np.array([*is_wanted, False])[self.codes]
        return found

    def take(self, rows: np.ndarray) -> "Coded":
        """The column of some rows."""
        return Coded(self.codes[rows], self.values)


class Coder:
    """Gives the values of a column their codes as they come; null and "" are no value."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._places: dict[Any, int] = {}
        self._codes = array("i")

    def add(self, value: Any) -> None:
        """One row more."""
        self._codes.append(self._code(value))

    def add_column(self, column: pa.ChunkedArray) -> None:
        """Many rows of text more."""
        for chunk in column.chunks:
            coded = chunk.dictionary_encode()
            codes = np.array([*map(self._code, coded.dictionary.to_pylist()), -1], dtype=np.intc)
            self._codes.frombytes(codes[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)].tobytes())

    def coded(self) -> Coded:
        """The column of all rows that came."""
        fewest_bits = np.min_scalar_type(-len(self._values) - 1)
        return Coded(np.array(self._codes, dtype=fewest_bits), tuple(self._values))

    def _code(self, value: Any) -> int:
        if value is None or value == "":
            return -1
        key = value if isinstance(value, str) else (type(value), repr(value))
        if key not in self._places:
            self._places[key] = len(self._values)
            self._values.append(value)
        return self._places[key]


def coded(values: Iterable[Any]) -> Coded:
    """A column of values that are in memory.

    >>> coded(["old", "young", None, "old"]).codes.tolist()
    [0, 1, -1, 0]
    """
    coder = Coder()
    for value in values:
        coder.add(value)
    return coder.coded()
