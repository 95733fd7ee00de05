"""What changed in a rubric, what moved with it in the judge's ratings, and which change is it laid to?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgefair.comparison.attribution import Attribution
from judgefair.comparison.family import Adjusted
from judgefair.rubric.diff import Change, RubricDiff
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding, Population


@dataclass(frozen=True, slots=True)
class Reached:
    """Which changes of the rubric reach the judge's prompt of a criterion.

    Attributes
    ----------
    changes : those that can reach it; empty where the prompt is the same in both versions.
    """

    criterion: str
    changes: tuple[Change, ...]

    @property
    def cause(self) -> Change | None:
        """The one change that what moved is laid to; None where none reaches the prompt, or several do."""
        return self.changes[0] if len(self.changes) == 1 else None

    @property
    def told(self) -> str:
        """In words."""
        if not self.changes:
            return "none: the judge is asked the same in both versions"
        if self.cause is not None:
            return f"{self.cause.path}: nothing else that reaches this prompt changed"
        return (
            f"{len(self.changes)} changes reach this prompt and cannot be told apart. To tell them apart, compare versions that differ in one "
            "of them"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data; changes by their paths."""
        return {
            "criterion": self.criterion,
            "changes": [change.path for change in self.changes],
            "cause": None if self.cause is None else self.cause.path,
            "told": self.told,
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """A number of the judge that the new version changed, on the items that both versions rated.

    Attributes
    ----------
    population, contrast : as of a `Finding`.
    change : new minus old, as one of the family of all criteria and populations.
    old, new : the same number of each version alone, on all items that it rated; None where a validation has none.
    """

    criterion: str
    population: Population | None
    contrast: Population | None
    change: Adjusted
    old: Estimate | None
    new: Estimate | None

    @property
    def is_shown(self) -> bool:
        """Whether the interval that holds for the whole family excludes 0."""
        return self.change.low > 0 or self.change.high < 0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "criterion": self.criterion,
            "population": self.population,
            "contrast": self.contrast,
            "estimand": self.change.estimate.estimand,
            "is_shown": self.is_shown,
            "change": self.change.to_json(),
            "old": None if self.old is None else self.old.to_json(),
            "new": None if self.new is None else self.new.to_json(),
        }


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """Two versions of a rubric, and one judge that rated the same items by both.

    Attributes
    ----------
    old, new : names of the versions.
    runs : the folders that hold them.
    scope : set, split, labels, judge, server, number of items, and both rubrics.
    reached : of each criterion that is compared.
    not_comparable : by criterion, why it is not compared, or only in part.
    moved : judge error, distance to the labels, alpha and, by axis, the gap of judge error; overall first, then population by population.
    counts : change of the missing share and share of changed ratings, each with its own interval.
    attribution : to rubric, program, model or system, by fingerprint.
    gates : of each version, how many checks of the gate have each status.
    missing : of each version, how many of its ratings are missing, by reason.
    n_ratings : of each version.
    notes : what a reader must know.
    level : confidence that all intervals of one measure hold together.
    """

    diff: RubricDiff
    old: str
    new: str
    runs: tuple[str, str]
    scope: Mapping[str, Any]
    reached: Sequence[Reached]
    not_comparable: Mapping[str, str]
    moved: Sequence[Moved]
    counts: Sequence[Finding]
    attribution: Attribution
    gates: tuple[Mapping[str, int], Mapping[str, int]]
    missing: tuple[Mapping[str, int], Mapping[str, int]]
    n_ratings: tuple[int, int]
    notes: Sequence[str]
    as_of: str
    level: float

    def find(self, estimand: str, criterion: str, population: Population | None = None) -> Estimate:
        """One change; KeyError where there is none of that name. `population` is None for overall, or `{axis: group}`."""
        every = [(moved.criterion, moved.population, moved.change.estimate) for moved in self.moved]
        every += [(finding.criterion, finding.population, finding.estimate) for finding in self.counts]
        for of, where, estimate in every:
            if (estimate.estimand, of, where) == (estimand, criterion, population):
                return estimate
        raise KeyError(f"no estimate {estimand} of {criterion} for {population or 'all items'}")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "as_of": self.as_of,
            "old": self.old,
            "new": self.new,
            "runs": list(self.runs),
            "scope": dict(self.scope),
            "diff": self.diff.to_json(),
            "consultations": [asked.model_dump(mode="json") for asked in self.diff.consultations],
            "reached": [reached.to_json() for reached in self.reached],
            "not_comparable": dict(self.not_comparable),
            "moved": [moved.to_json() for moved in self.moved],
            "counts": [finding.to_json() for finding in self.counts],
            "attribution": self.attribution.to_json(),
            "gates": [dict(gate) for gate in self.gates],
            "missing": [dict(missing) for missing in self.missing],
            "n_ratings": list(self.n_ratings),
            "notes": list(self.notes),
            "level": self.level,
        }
