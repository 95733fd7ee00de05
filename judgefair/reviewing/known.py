"""What is known of every item of a run beside its texts, so that items can be chosen and put in order?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from judgefair.compile.program import load_program
from judgefair.errors import InputError
from judgefair.estimation.estimation import NAME as ESTIMATION
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.scale import Scale, scale_from_json
from judgefair.runs.facts import Facts, read_facts
from judgefair.runs.folder import PROGRAM, read_json, read_manifest
from judgefair.runs.items import ITEMS
from judgefair.runs.tables import RATINGS, ratings_fingerprint, read_ratings
from judgefair.runs.tally import Tally, read_tally
from judgefair.statistics.resample import Floats
from judgefair.validation.gate import Check
from judgefair.validation.store import CARRIED
from judgefair.validation.store import NAME as VALIDATION


@dataclass(frozen=True, slots=True)
class Known:
    """What a run holds of its items but their texts; arrays have one row an item, in the order of their table.

    Attributes
    ----------
    rubric : None where the run is of ratings alone.
    level : by criterion, code of the judge's level; nan where there is none.
    why : by criterion, the reason why the judge gave no rating; "" where it gave one.
    n_humans : by criterion, how many human ratings there are.
    apart : by criterion, mean distance of the judge's level to the human ratings, in scale points; on a nominal scale the share of
        humans who say otherwise; nan where either is missing.
    failed : checks of the validity gate that were not passed, of a population.
    labels : what the labels are: human, constructed, model or simulated.
    is_outdated : whether ratings changed since the run was validated or its gaps were estimated.
    """

    facts: Facts
    rubric: Rubric | None
    scales: Mapping[str, Scale]
    axes: Mapping[str, Sequence[str]]
    level: Mapping[str, Floats]
    why: Mapping[str, np.ndarray]
    n_humans: Mapping[str, np.ndarray]
    apart: Mapping[str, Floats]
    failed: Sequence[Check]
    labels: str
    is_outdated: bool

    def question(self, criterion: str) -> str:
        """What raters of a criterion were asked; "" where no rubric says it."""
        return "" if self.rubric is None else self.rubric.criterion(criterion).question

    def row(self, item_id: str) -> int:
        """The row of an item; InputError where there is none of that id."""
        (row,) = self.facts.place([item_id])
        if row < 0:
            raise InputError(f"the run has no item '{item_id}'. Expected an item_id of its items.parquet")
        return int(row)


class Knowing:
    """What is known of a run, read again when one of its files was written anew."""

    def __init__(self, run: Path) -> None:
        self.run, self._lock = run, Lock()
        self._known: tuple[Any, Known] | None = None

    def get(self) -> Known:
        """As the run's files are now; InputError where they cannot be read."""
        with self._lock:
            stamp = [
                _stamp(self.run / name) for name in (ITEMS, RATINGS, PROGRAM, VALIDATION, ESTIMATION, f"{CARRIED}/{VALIDATION}")
            ]
            if self._known is None or self._known[0] != stamp:
                self._known = stamp, read_known(self.run)
            return self._known[1]


def _stamp(path: Path) -> tuple[int, int]:
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)


def read_known(run: Path) -> Known:
    """Read what is known of a run's items; of their texts and of rationales nothing.

    Raises
    ------
    InputError : the folder holds no items, no ratings, or nothing that says on which scales they are.
    """
    own = read_json(run / VALIDATION) or {}
    carried = {} if own else read_json(run / CARRIED / VALIDATION) or {}
    rubric = load_program(run / PROGRAM).rubric if (run / PROGRAM).is_file() else None
    if rubric is not None:
        scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
    else:
        scales = {name: scale_from_json(scale) for name, scale in own.get("scales", {}).items()}
    if not scales:
        raise InputError(f"{run}: has neither {PROGRAM} nor {VALIDATION}. Expected a run folder that judge or validate filled")
    facts = read_facts(run)
    humans = read_ratings(run, scales, kind="human")
    tally = read_tally(run, scales, facts, humans)
    counts, apart = {}, {}
    for criterion, scale in scales.items():
        counts[criterion], apart[criterion] = _against_humans(tally, facts, criterion, scale)
    silent = facts.no_response
    why = {name: np.where(silent.is_there, silent.told(""), tally.judge[name].reason).astype(object) for name in scales}
    level = {name: tally.judge[name].level for name in scales}
    failed = [Check(**check) for check in (own or carried).get("gate", [])]
    now = ratings_fingerprint(run)
    estimated = (read_json(run / ESTIMATION) or {}).get("scope", {}).get("ratings", now)
    return Known(
        facts, rubric, scales, _axes(facts, rubric), level, why, counts, apart,
        [check for check in failed if check.population is not None and check.status != "passed"],
        own.get("scope", {}).get("labels") or read_manifest(run).get("labels", "human"),
        own.get("ratings", now) != now or estimated != now,
    )  # fmt: skip


def _against_humans(tally: Tally, facts: Facts, criterion: str, scale: Scale) -> tuple[np.ndarray, Floats]:
    """(n,) how many humans rated each item, and how far the judge's level is from theirs."""
    rated: pd.DataFrame = tally.rated(criterion)
    rows = facts.place(rated["item_id"])
    counts = np.bincount(rows, minlength=len(facts))
    away = np.abs(rated["code"].to_numpy(dtype=float) - tally.judge[criterion].level[rows])
    loss = away if scale.has_points else np.where(np.isnan(away), np.nan, away > 0)
    with np.errstate(invalid="ignore"):
        return counts, np.where(counts > 0, np.bincount(rows, loss, minlength=len(facts)) / counts, np.nan)


def _axes(facts: Facts, rubric: Rubric | None) -> dict[str, list[str]]:
    """Axes and groups of the items: as the rubric declares them, the reference first, then what it does not declare."""
    axes: dict[str, list[str]] = {}
    for axis in rubric.context.populations if rubric else ():
        axes[axis.axis] = [axis.reference, *(group for group in axis.groups if group != axis.reference)]
    for name, coded in facts.groups.items():
        held = axes.setdefault(name, [])
        held += [group for group in coded.values if group not in held]
    return axes


def populations_of(known: Known, row: int) -> Iterator[tuple[str, str]]:
    """Axis and group of one item, in the order of the axes."""
    shown = known.facts.populations(row)
    return ((axis, shown[axis]) for axis in known.axes if axis in shown)
