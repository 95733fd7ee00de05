"""What do the human-validated data support? Verdicts, the gaps behind them, and what would settle the open ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judgefair.errors import InputError
from judgefair.estimation.verdict import Verdict
from judgefair.lenses import Lensed
from judgefair.runs.folder import write_json
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding, Population

NAME, SCHEMA_VERSION = "estimation.json", 3


@dataclass(frozen=True, slots=True)
class Plan:
    """Human labels that would bring the gaps of one axis within the tolerance.

    Attributes
    ----------
    delta : half-width aimed at, in scale points.
    now, needed : labelled items by population; `needed` is empty where no number of labels suffices.
    half_widths : of each gap, under the plan.
    equal_split : labels in total if every population got the same number; None where that does not suffice.
    raters_per_item : how many raters an item make the most of a budget of ratings, where a new item costs as much as a
        rating; None where no item has two raters.
    reason : why there is no plan, or what it assumes.
    """

    criterion: str
    axis: str
    reference: str
    delta: float
    now: Mapping[str, int]
    needed: Mapping[str, int]
    half_widths: Mapping[str, float]
    equal_split: int | None
    raters_per_item: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Estimation:
    """A run's gaps, held against tolerances.

    Attributes
    ----------
    scope : what the verdicts hold for.
    verdicts : one for each criterion and population contrast the rubric declares, in its order.
    findings : gaps, means, bounds and missing rates of the run.
    plans : one for each criterion and axis.
    notes : what a reader must know.
    simulation : of a run with simulated users, plain data: its `design`, `removed` (queries by gate and population), `arms` of
        a scenario side by side, and in a planted study the `truth`; None for other runs.
    lenses : what each fairness framework sees in the run, or why it does not extend to it.
    """

    scope: Mapping[str, Any]
    verdicts: Sequence[Verdict]
    findings: Sequence[Finding]
    plans: Sequence[Plan]
    notes: Sequence[str]
    simulation: Mapping[str, Any] | None = None
    lenses: Sequence[Lensed] = ()

    def find(self, estimand: str, criterion: str, population: Population | None = None) -> Estimate:
        """One estimate; KeyError where there is none of that name."""
        for finding in self.findings:
            if (finding.estimate.estimand, finding.criterion, finding.population) == (estimand, criterion, population):
                return finding.estimate
        raise KeyError(f"no estimate {estimand} of {criterion} for {population or 'all items'}")

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axes and their groups, in the order of the rubric."""
        axes: dict[str, list[str]] = {}
        for finding in self.findings:
            for axis, group in (finding.population or {}).items():
                if axis in self.scope["populations"] and group not in axes.setdefault(axis, []):
                    axes[axis].append(group)
        return axes

    def to_json(self) -> dict[str, Any]:
        """Plain data, as `estimation.json` holds it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "scope": dict(self.scope),
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "estimates": [finding.to_json() for finding in self.findings],
            "plans": [_finite(asdict(plan)) for plan in self.plans],
            "notes": list(self.notes),
            "simulation": self.simulation,
            "lenses": [lensed.to_json() for lensed in self.lenses],
        }


def save_estimation(estimation: Estimation, run: Path) -> None:
    """Write `estimation.json` into a run folder."""
    write_json(run / NAME, estimation.to_json())


def load_estimation(run: Path) -> Estimation | None:
    """The estimation in a run folder, None where there is none; InputError where it cannot be read."""
    path = run / NAME
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            raise KeyError(f"schema version {data['schema_version']}")
        return Estimation(
            data["scope"],
            [Verdict.from_json(verdict) for verdict in data["verdicts"]],
            [Finding.from_json(finding) for finding in data["estimates"]],
            [Plan(**plan) for plan in data["plans"]],
            data["notes"],
            data["simulation"],
            [Lensed.from_json(lensed) for lensed in data["lenses"]],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no estimation can be read ({error}). Run judgefair estimate {run} again") from None


def _finite(plan: dict[str, Any]) -> dict[str, Any]:
    return plan | {"half_widths": {name: None if width != width else width for name, width in plan["half_widths"].items()}}
