"""What can be said of a run with simulated users beyond its gaps: its queries, flips, refusals, and the mix of real users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from judgefair.estimation.source import Source
from judgefair.records import Query
from judgefair.rubric.context import Axis
from judgefair.runs.arms import reference_arms
from judgefair.runs.columns import Columns
from judgefair.runs.facts import Facts
from judgefair.runs.folder import read_json
from judgefair.runs.logs import CARD_COPY as LOGS_CARD
from judgefair.runs.queries import DESIGN, LOGS, QUERIES, UNREAD, read_queries
from judgefair.runs.texts import find_items
from judgefair.simulate.audit import audit
from judgefair.statistics import Estimate, disparity, distribution_shift, flip_rate, oaxaca_blinder, rate_gap
from judgefair.statistics.finding import Finding

SHOWN_SCENARIOS = 2
PLANTED = "planted.json"


@dataclass(slots=True)
class Simulated:
    """Findings, notes, and what is shown; all empty for a run without simulated users."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shown: dict[str, Any] | None = None


def simulation(source: Source, columns: Columns, groups: Mapping[str, np.ndarray], confidence: float, seed: int) -> Simulated:
    """Everything that rests on queries and arms; `groups` are the compared groups of each axis, by row."""
    found = Simulated()
    _refusals(found, source, columns, groups, confidence)
    fallen = (~columns.is_whole & ~columns.is_lived)[columns.is_run]
    broken = len(np.unique(source.facts.meta["block"].codes[fallen]))
    if broken:
        found.notes.append(
            f"{broken:,} scenarios are left out of every gap, since the system gave no answer in some arm: all arms stand or fall together."
        )
    if not (source.run / QUERIES).is_file():
        return found
    queries = read_queries(source.run)
    design = read_json(source.run / DESIGN) or {}
    removed = []
    simulated = [query for query in queries if query.generator != LOGS]
    for row in audit(simulated, source.rubric.context, confidence=confidence, seed=seed):
        found.findings.append(Finding("all", row.population, None, row.estimate))
        if row.n_removed:
            removed.append({"gate": row.gate, "population": row.population, "n": row.n_removed})
    _flips(found, source, columns, groups, confidence)
    _as_lived(found, source, columns, queries, confidence, seed)
    found.notes += design.get("notes", [])
    if design.get("imbalance", 0) > 0.005:
        found.notes.append(
            f"Crossed arms are not balanced in full: a gap on one axis may carry up to {design['imbalance']:.0%} of another axis' effect. "
            "Strength 1 carries none."
        )
    found.shown = {
        "design": {name: value for name, value in design.items() if name != "arms"} | {"arms": len(design.get("arms", []))},
        "queries": {"kept": sum(query.kept for query in simulated), "rendered": len(simulated)},
        "removed": removed,
        "arms": _side_by_side(source, columns),
        "truth": read_json(source.run / PLANTED) if source.labels == "simulated" else None,
        "logs": read_json(source.run / LOGS_CARD),
    }
    return found


def _refusals(found: Simulated, source: Source, columns: Columns, groups: Mapping[str, np.ndarray], confidence: float) -> None:
    """How often the system refused, by population, where answers may be refusals."""
    run, refused = columns.is_run, _refused(source.facts)
    if not (source.facts.no_response.is_there | source.facts.meta["arm"].is_there).any():
        return
    for axis in source.rubric.context.populations:
        rates = rate_gap(
            refused, groups[axis.axis][run], axis.reference, columns.units[run], estimand="refusal_rate", confidence=confidence
        )
        for group in axis.groups:
            if group in rates.rates:
                found.findings.append(Finding("all", {axis.axis: group}, None, rates.rates[group]))
            if group in rates.gaps:
                found.findings.append(Finding("all", {axis.axis: group}, {axis.axis: axis.reference}, rates.gaps[group]))


def _refused(facts: Facts) -> np.ndarray:
    """(n,) 1 or 0; nan where there was no answer to tell by, or nothing could tell whether it is a refusal."""
    why = facts.no_response
    is_unknown = (why.is_there & ~why.among(["refused"])) | (~why.is_there & facts.meta["refusal"].among([UNREAD]))
    return np.where(is_unknown, np.nan, why.among(["refused"]))


def _flips(found: Simulated, source: Source, columns: Columns, groups: Mapping[str, np.ndarray], confidence: float) -> None:
    """How often the judge's rating differs from that of the reference arm, minus how often a placebo's does."""
    run, units = columns.is_run, columns.units
    whole = columns.is_whole[run]
    is_placebo = whole & source.facts.meta["placebo"].is_there
    axes = source.rubric.context.populations
    bases = {axis.axis: reference_arms(source.facts, groups[axis.axis][run], axis, whole) for axis in axes}
    for criterion in source.rubric.criteria:
        judge = columns.levels(criterion.id)
        for axis in axes:
            group_of, base = groups[axis.axis][run], bases[axis.axis]
            placebos = np.flatnonzero(is_placebo & (base >= 0))
            for group in axis.groups:
                arms = np.flatnonzero(whole & (group_of == group) & (base >= 0))
                if group == axis.reference or not len(arms):
                    continue
                flips = flip_rate(
                    judge[arms], judge[base[arms]], judge[placebos], judge[base[placebos]], units[arms], units[placebos],
                    confidence=confidence,
                )  # fmt: skip
                told = [flips.flips, flips.placebo, flips.excess]
                if criterion.scale.has_points:
                    told += [flips.change, flips.change_placebo, flips.change_excess]
                contrast = {axis.axis: axis.reference}
                found.findings += [Finding(criterion.id, {axis.axis: group}, contrast, estimate) for estimate in told]


def _as_lived(found: Simulated, source: Source, columns: Columns, queries: Sequence[Query], confidence: float, seed: int) -> None:
    """Gaps in the mix of what real users ask, their part by what is asked, and how far simulated queries are from real ones."""
    lived = columns.is_lived & columns.is_run
    if not lived.any():
        return
    rows = np.flatnonzero(lived)
    intents = source.facts.meta["intent"].take(rows).told("", str)
    for axis in source.rubric.context.populations:
        group_of = source.facts.group_of(axis.axis)[rows]
        for criterion in source.rubric.criteria:
            if criterion.scale.has_points:
                judge, human = (columns.ratings(criterion.id, kind)[rows] for kind in ("judge", "human"))
                units = columns.units[rows]
                gaps = disparity(
                    judge, human, group_of, axis.reference, units, inclusion=columns.inclusion[rows], confidence=confidence
                )
                _tell_lived(found, criterion.id, axis, gaps.raw, "as_lived.gap.raw")
                _tell_lived(found, criterion.id, axis, gaps.corrected, "as_lived.gap.corrected")
                for group in axis.groups:
                    chosen = (group_of == group) | (group_of == axis.reference)
                    if group == axis.reference or not (group_of == group).any() or not intents[chosen].astype(bool).all():
                        continue
                    split = oaxaca_blinder(
                        judge[chosen], group_of[chosen] == group, intents[chosen], units[chosen], confidence=confidence
                    )
                    for part in (split.explained, split.unexplained):
                        found.findings.append(Finding(criterion.id, {axis.axis: group}, {axis.axis: axis.reference}, part))
        _distances(found, axis, queries, seed)


def _tell_lived(found: Simulated, criterion: str, axis: Axis, gaps: Mapping[str, Estimate], name: str) -> None:
    for group in axis.groups:
        if group in gaps:
            contrast = {axis.axis: axis.reference}
            found.findings.append(Finding(criterion, {axis.axis: group}, contrast, gaps[group].renamed(name)))


def _distances(found: Simulated, axis: Axis, queries: Sequence[Query], seed: int) -> None:
    kept = [query for query in queries if query.kept and query.placebo is None]
    for group in axis.groups:
        of_group = [query for query in kept if query.populations.get(axis.axis) == group]
        real, made = ([q for q in of_group if (q.generator == LOGS) == is_real] for is_real in (True, False))
        if real and made:
            distance = distribution_shift(
                [q.text for q in made], [q.text for q in real], [f"s/{q.scenario_id}" for q in made],
                [f"r/{q.scenario_id}" for q in real], seed=seed,
            )  # fmt: skip
            found.findings.append(Finding("all", {axis.axis: group}, None, replace(distance, estimand="sim_to_real.auc")))


def _side_by_side(source: Source, columns: Columns) -> list[dict[str, Any]]:
    """All arms of the first scenarios, with what was asked, answered and rated."""
    meta = source.facts.meta
    block, is_first = meta["block"].codes, meta["replicate"].told(0) == 0
    candidates = np.flatnonzero(meta["arm"].is_there & (block >= 0) & is_first)
    chosen = [candidates[block[candidates] == code] for code in pd.unique(block[candidates])[:SHOWN_SCENARIOS]]
    items = {
        item.item_id: item for item in find_items(source.run, source.facts.ids_of(np.concatenate([candidates[:0], *chosen])))
    }
    ratings = {criterion.id: columns.ratings(criterion.id, "judge") for criterion in source.rubric.criteria}
    shown = []
    for rows in chosen:
        for i, item_id in zip(rows.tolist(), source.facts.ids_of(rows), strict=True):
            item = items[item_id]
            rated = {criterion: float(values[i]) for criterion, values in ratings.items() if values[i] == values[i]}
            missing = item.no_response.reason if item.no_response else None
            shown.append(
                {
                    "scenario": item.scenario_id, "arm": item.meta["arm"], "query": item.query, "response": item.response,
                    "missing": missing, "ratings": rated,
                }
            )  # fmt: skip
    return shown
