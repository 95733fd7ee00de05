"""What is reported of every number: its value, its interval, what stands behind it and how it was made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isnan, nan
from typing import Any, Self

Rng = Any
"""A numpy Generator, or a seed for one; a seed is kept with the estimate."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One reported number.

    Attributes
    ----------
    estimand : name, as in `alpha.human`.
    value, low, high : point and interval; nan where undefined, with the reason in `method`.
    level : confidence of the interval.
    se : standard error; nan where the method gives none.
    p_value : None where the method has none.
    n_items, n_clusters, n_raters : what the value rests on.
    n_missing : items (or ratings, where the estimand is one of ratings) left out for want of data.
    method : how it was computed, the unit that was resampled, and the reason where it is undefined.
    seed : of the resampling; None where nothing was drawn.
    source : author and year of the formula.
    """

    estimand: str
    value: float
    low: float = nan
    high: float = nan
    level: float = 0.95
    se: float = nan
    p_value: float | None = None
    n_items: int = 0
    n_clusters: int = 0
    n_raters: int = 0
    n_missing: int = 0
    method: str = ""
    seed: int | None = None
    source: str = ""

    @property
    def is_defined(self) -> bool:
        """Whether there is a value at all."""
        return not isnan(self.value)

    def renamed(self, estimand: str) -> Self:
        """The same estimate under another estimand's name."""
        return replace(self, estimand=estimand)

    def to_json(self) -> dict[str, Any]:
        """Plain data; nan becomes null.

        >>> Estimate("judge_error", 0.5).to_json()["low"] is None
        True
        """
        return {name: None if isinstance(field, float) and isnan(field) else field for name, field in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The estimate that `to_json` wrote.

        >>> Estimate.from_json(Estimate("judge_error", 0.5).to_json()).value
        0.5
        """
        return cls(**(dict(data) | {name: nan for name in ("value", "low", "high", "se") if data[name] is None}))


def signed(value: float, digits: int = 2) -> str:
    """A difference with its sign, for people: a minus sign that is one, and none before a zero.

    >>> signed(-0.254), signed(-0.001)
    ('−0.25', '+0.00')
    """
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def undefined(estimand: str, reason: str, **known: Any) -> Estimate:
    """An estimate without a value, and why."""
    return Estimate(estimand, nan, method=f"undefined: {reason}", **known)
