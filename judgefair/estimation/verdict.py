"""Is there a disparity, an equivalence, or can neither be told, and what would settle it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from judgefair.rubric.criterion import Role
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Population

Answer = Literal["disparity", "equivalent", "undetermined", "reported"]
Interval = tuple[float, float, float]
"""Low, high and level."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one criterion and one population against its reference.

    Attributes
    ----------
    role : of the axis for the criterion. `must_ignore` axes get a verdict. On a `must_use` axis the answers say whether the
        wanted difference is present (`disparity`) or absent (`equivalent`). A `may_use` axis is `reported`, without a verdict.
    reasons : why it is undetermined, or what a reader must know.
    settles : what would settle it; empty where it is settled.
    raw, corrected, judge_made : pointwise estimates of the gap, population minus reference.
    bounds : of the corrected gap under the missingness that was seen.
    for_disparity, for_equivalence : simultaneous intervals over the family, at 1 - alpha and at 1 - 2 alpha; nan where there is none.
    could_see : the smallest true gap that these data would have told from 0, taken alone, with 80 % power; nan where there
        is no interval.
    """

    criterion: str
    population: Population
    contrast: Population
    role: Role
    answer: Answer
    reasons: Sequence[str]
    settles: str
    tolerance: float
    raw: Estimate
    corrected: Estimate
    judge_made: Estimate
    bounds: Estimate
    for_disparity: Interval
    for_equivalence: Interval
    could_see: float

    def to_json(self) -> dict[str, Any]:
        """Plain data; nan becomes null."""
        return {
            "criterion": self.criterion, "population": dict(self.population), "contrast": dict(self.contrast), "role": self.role,
            "verdict": self.answer, "reasons": list(self.reasons), "settles": self.settles, "tolerance": self.tolerance,
            "raw": self.raw.to_json(), "corrected": self.corrected.to_json(), "judge_made": self.judge_made.to_json(),
            "bounds": self.bounds.to_json(), "for_disparity": _interval(self.for_disparity),
            "for_equivalence": _interval(self.for_equivalence), "could_see": _number(self.could_see),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Verdict":
        """The verdict that `to_json` wrote."""
        estimates = {name: Estimate.from_json(data[name]) for name in ("raw", "corrected", "judge_made", "bounds")}
        intervals = {
            name: tuple(_nan(data[name][end]) for end in ("low", "high", "level"))
            for name in ("for_disparity", "for_equivalence")
        }
        same = {name: data[name] for name in ("criterion", "population", "contrast", "role", "reasons", "settles", "tolerance")}
        return cls(answer=data["verdict"], could_see=_nan(data["could_see"]), **same, **estimates, **intervals)  # type: ignore[arg-type]


def decide(for_disparity: Interval, for_equivalence: Interval, tolerance: float) -> Answer:
    """`disparity` where the 1 - alpha interval lies wholly outside +-tolerance, `equivalent` where the 1 - 2 alpha interval lies wholly inside.

    >>> decide((0.3, 0.6, 0.95), (0.32, 0.58, 0.9), 0.25), decide((-0.3, 0.2, 0.95), (-0.2, 0.15, 0.9), 0.25)
    ('disparity', 'equivalent')
    """
    low, high, _ = for_disparity
    if low > tolerance or high < -tolerance:
        return "disparity"
    low, high, _ = for_equivalence
    if -tolerance < low and high < tolerance:
        return "equivalent"
    return "undetermined"


def _interval(interval: Interval) -> dict[str, float | None]:
    return {name: _number(value) for name, value in zip(("low", "high", "level"), interval, strict=True)}


def _number(value: float) -> float | None:
    return None if value != value else value


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
