"""Which differences between judges stand, once it is known how many were looked at?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from scipy import special

from judgefair.statistics import Estimate, adjust


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An estimate as one of a family.

    Attributes
    ----------
    estimate : on its own.
    low, high : of an interval that holds together with those of the rest of the family; nan where there is none.
    pointwise_level : of that interval, taken alone.
    p_value : two-sided, of no difference, adjusted for the family; None where no test was made.
    """

    estimate: Estimate
    low: float
    high: float
    pointwise_level: float
    p_value: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data; nan becomes null."""
        return {
            "estimate": self.estimate.to_json(),
            "low": None if isnan(self.low) else self.low,
            "high": None if isnan(self.high) else self.high,
            "pointwise_level": self.pointwise_level,
            "p_value": self.p_value,
        }


def adjusted(family: Sequence[Estimate], confidence: float = 0.95) -> list[Adjusted]:
    """The members of a family with Bonferroni intervals, and p-values adjusted by Holm's method.

    Both are of a t with one degree of freedom less than there are clusters, and the member's standard error, since the ends
    of a bootstrap so far out as a family needs them would rest on a handful of draws. Members without a standard error do
    not count. Holm rejects all that Bonferroni does and at times more, so that an adjusted p-value may be small where the
    interval still holds 0.

    Parameters
    ----------
    family : estimates with `se` and `n_clusters`.
    confidence : that all intervals hold.

    Examples
    --------
    Two differences, each 3 standard errors from 0 with 11 scenarios: by the table t(10) leaves 0.0133 beyond it, and Holm
    takes it twice. 97.5 % of t(10) lies within 2.634.

    >>> one = Estimate("alpha_difference", 0.3, se=0.1, n_clusters=11)
    >>> first, _ = adjusted([one, one])
    >>> round(first.p_value, 4), round(first.low, 4), first.pointwise_level
    (0.0267, 0.0366, 0.975)
    """
    tests = [nan if isnan(member.se) or member.n_clusters < 2 else _p_value(member) for member in family]
    level = 1 - (1 - confidence) / max(1, sum(not isnan(p_value) for p_value in tests))
    told = []
    for member, p_value in zip(family, adjust(tests, "holm"), strict=True):
        if isnan(p_value):
            told.append(Adjusted(member, nan, nan, level, None))
        else:
            reach = float(special.stdtrit(member.n_clusters - 1, (1 + level) / 2)) * member.se
            told.append(Adjusted(member, member.value - reach, member.value + reach, level, float(p_value)))
    return told


def _p_value(member: Estimate) -> float:
    return float(2 * special.stdtr(member.n_clusters - 1, -abs(member.value) / member.se))
