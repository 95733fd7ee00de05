"""What gaps do a run's ratings support, once the judge's own part in them is taken out?"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from judgefair.errors import InputError
from judgefair.estimation.carry_over import not_passed, shift, why_not
from judgefair.estimation.estimation import Estimation, Plan, save_estimation
from judgefair.estimation.same_family import same_family_note
from judgefair.estimation.simulated import simulation
from judgefair.estimation.source import Source
from judgefair.estimation.verdicts import Contrast, verdicts
from judgefair.lenses import Seen, look_through
from judgefair.records import MISSING_REASONS
from judgefair.rubric.context import Axis
from judgefair.rubric.criterion import Criterion
from judgefair.runs.folder import PROGRAM, open_run
from judgefair.runs.tables import ratings_fingerprint
from judgefair.runs.texts import RunItems
from judgefair.statistics import (
    Disparity,
    Estimate,
    LabelPlan,
    Spread,
    any_difference,
    disparity,
    missing_rate,
    missingness_bounds,
    plan_labels,
    raters_per_item,
)
from judgefair.statistics.disparity import MIN_LABELLED
from judgefair.statistics.estimate import undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.resample import Floats
from judgefair.statistics.worst_population import worst_of
from judgefair.validation.preferences import preferences

MAX_PERMUTED = 10_000
GAPS = ("gap.raw", "gap.corrected", "gap.judge_made", "gap.missingness_bounds")


def estimate(
    run: Path,
    *,
    validation: Path | None = None,
    ratings: Path | pd.DataFrame | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Estimation:
    """Raw, corrected and judge-made gaps of a run, and a verdict for every contrast its rubric declares.

    Human labels come from the run itself, and then stand on their own however bad the judge is; or, where the run has none,
    from another set on which the judge was validated. Then the judge's error there is carried over, which its gate and
    a comparison of the texts must allow.

    Parameters
    ----------
    run : folder that `judge` or `validate` filled. `estimation.json` is written into it, and `validation.json` where the run
        has human labels of its own.
    validation : folder of a `validate` run of the same judge program and model.
    ratings : human ratings of the run's items, a long table or its path (item_id, criterion, rater_id, value).

    Raises
    ------
    InputError : not a run of a judge program; labels of items the run does not have; a validation of another judge.
    """
    if not 0.5 < confidence < 1:
        raise InputError(f"confidence is {confidence:g}. Expected a share above 0.5 and below 1, such as 0.95")
    _check_run(run)
    with open_run(run):
        source = Source(run, validation, ratings, keep=True, seed=seed, n_resamples=n_resamples)
        estimation = _Estimator(source, confidence, seed).estimation()
        save_estimation(estimation, run)
    return estimation


def pilot(run: Path, *, validation: Path | None = None, ratings: Path | pd.DataFrame | None = None, seed: int = 0) -> Estimation:
    """What `estimate` would say, with its plans, and nothing written into the run."""
    _check_run(run)
    return _Estimator(Source(run, validation, ratings, keep=False), 0.95, seed).estimation()


def _check_run(run: Path) -> None:
    if not (run / PROGRAM).is_file():
        raise InputError(
            f"{run}: has no {PROGRAM}, and verdicts need the rubric in it. Expected a run that judgefair judge, or validate with a "
            "--program, filled"
        )


class _Estimator:
    def __init__(self, source: Source, confidence: float, seed: int) -> None:
        self._source, self._confidence, self._seed = source, confidence, seed
        self._columns = source.columns
        self._groups, self._undeclared = {}, list[str]()
        for axis in source.rubric.context.populations:
            group_of = self._columns.groups(axis.axis)
            is_declared = np.isin(group_of, ["", *axis.groups])
            self._undeclared += [f"{axis.axis}: {group}" for group in sorted(set(group_of[~is_declared]))]
            self._groups[axis.axis] = np.where(is_declared, group_of, "").astype(object)
        self._gate_blocks = False
        self._shift = shift(source.outside, source.run, source.facts, seed) if source.is_carried and source.outside else None
        self._clusters = self._columns.units if self._columns.has_scenarios else None
        self._findings: list[Finding] = []
        self._plans: list[Plan] = []

    def estimation(self) -> Estimation:
        source, axes = self._source, self._source.rubric.context.populations
        contrasts = [found for criterion in source.rubric.criteria for axis in axes for found in self._contrasts(criterion, axis)]
        given = verdicts(contrasts, source.labels, source.is_carried, self._confidence, self._seed)
        self._missing()
        self._preferences()
        simulated = simulation(source, self._columns, self._groups, self._confidence, self._seed)
        self._findings += simulated.findings
        notes = [*source.notes, *simulated.notes]
        others = sorted(set(source.facts.groups) - {axis.axis for axis in axes})
        if others or self._undeclared:
            unknown = ", ".join([*others, *self._undeclared])
            notes.append(f"What the items have and the rubric does not declare is not compared: {unknown}.")
        if self._shift is not None:
            self._findings.append(Finding("all", None, None, self._shift))
            notes.append(
                f"The judge's error is carried over from {source.scope()['labels_from']}, with lam = 1: nothing of it is known from the run itself."
            )
        alike = same_family_note(source.judge, source.manifest.get("system"))
        notes += [alike] if alike else []
        scope = source.scope() | {
            "cues": sorted(set(self._columns.cue[self._columns.is_run]) - {""}),
            "confidence": self._confidence,
            "gate_blocks": self._gate_blocks,
            "ratings": ratings_fingerprint(source.run),
        }
        seen = Seen(source.rubric, self._columns, source.facts, RunItems(source.run), source.labels, self._confidence, self._seed)
        return Estimation(scope, given, self._findings, self._plans, notes, simulated.shown, look_through(seen))

    def _preferences(self) -> None:
        """What the run's judge prefers, where it compares two responses."""
        source = self._source
        axes = {axis.axis: list(axis.groups) for axis in source.rubric.context.populations}
        for criterion in source.rubric.criteria:
            self._findings += preferences(criterion.id, criterion.scale, source.facts, source.tally, axes, self._confidence)

    def _contrasts(self, criterion: Criterion, axis: Axis) -> Iterator[Contrast]:
        columns, scale = self._columns, criterion.scale
        others = [group for group in axis.groups if group != axis.reference]
        if not scale.has_points:
            why = "a nominal scale has no distances, so that no gap in scale points exists"
            yield from (_empty(criterion, axis, group, why, None) for group in others)
            return
        judge, human = (np.where(columns.is_whole, columns.ratings(criterion.id, kind), np.nan) for kind in ("judge", "human"))
        gaps, n_raters = self._disparity(judge, human, self._groups[axis.axis], axis), columns.n_raters(criterion.id)
        # Labels of the run itself would be used with a tuned lam, also where nothing but another set's are known yet.
        pilot_gaps = gaps
        if self._source.is_carried:
            pilot_gaps = disparity(
                judge, human, self._groups[axis.axis], axis.reference, self._clusters, evaluated=columns.is_run,
                weights=columns.weights(axis.axis),
            )  # fmt: skip
        plan = self._plan(criterion, axis, pilot_gaps)
        self._plans.append(plan)
        lost = self._lost(criterion.id, axis)
        low, high = (scale.code(end) for end in scale.ends)
        means = gaps.mean_corrected
        for name in (axis.reference, *others):
            if name in gaps.mean_raw:
                self._tell(criterion, axis, name, gaps.mean_raw[name], replace(means[name], n_raters=n_raters))
        for group in others:
            if group not in gaps.raw:
                yield _empty(criterion, axis, group, f"no item of the run is of {axis.axis}: {group}", plan)
                continue
            raw, corrected = gaps.raw[group], replace(gaps.corrected[group], n_raters=n_raters)
            judge_made = replace(gaps.judge_made[group], n_raters=n_raters)
            bounds = missingness_bounds(
                corrected, means[group].value, means[axis.reference].value, lost[group], lost[axis.reference], low, high
            )
            self._tell(criterion, axis, group, raw, corrected, judge_made, bounds, against=axis.reference)
            reasons, df = self._reasons(criterion, axis, group, gaps, human), gaps.linear[group].fewest - 1
            cues = self._contradiction(axis, group, judge, human)
            yield Contrast(criterion, axis, group, gaps, raw, corrected, judge_made, bounds, reasons, cues, plan, df)
        self._given_merit(criterion, axis, judge, human)
        strong = [group for group in others if group in gaps.weak and not gaps.weak[group]]
        borne = replace(
            gaps, corrected={name: gaps.corrected[name] for name in strong}, linear={name: gaps.linear[name] for name in strong}
        )
        worst = worst_of(borne, axis.reference, better=criterion.better, confidence=self._confidence, rng=self._seed)
        served_worst = None if worst.population is None else {axis.axis: worst.population}
        self._findings.append(Finding(criterion.id, served_worst, {axis.axis: axis.reference}, worst.worst))
        self._any_difference(criterion, axis, human)

    def _disparity(
        self, judge: Floats, human: Floats, group_of: np.ndarray, axis: Axis, strata: np.ndarray | None = None
    ) -> Disparity:
        columns = self._columns
        return disparity(
            judge, human, group_of, axis.reference, self._clusters, 1.0 if self._source.is_carried else None,
            evaluated=columns.is_run, strata=strata, weights=columns.weights(axis.axis), inclusion=columns.inclusion,
            confidence=self._confidence,
        )  # fmt: skip

    def _tell(self, criterion: Criterion, axis: Axis, group: str, *found: Estimate, against: str | None = None) -> None:
        contrast = None if against is None else {axis.axis: against}
        self._findings += [Finding(criterion.id, {axis.axis: group}, contrast, estimate) for estimate in found]

    def _reasons(self, criterion: Criterion, axis: Axis, group: str, gaps: Disparity, human: Floats) -> list[str]:
        """What makes a contrast undetermined, whatever its interval; contradicting cues aside."""
        labelled = set(self._groups[axis.axis][~np.isnan(human)])
        reasons = []
        if self._source.labels not in {"human", "simulated"}:
            reasons.append(f"the labels are {self._source.labels}: no human gave them")
        unlabelled = [name for name in (group, axis.reference) if name not in labelled]
        if unlabelled:
            reasons.append(f"no human labels of {' or '.join(unlabelled)}")
        elif not gaps.corrected[group].is_defined:
            reasons.append(gaps.corrected[group].method.removeprefix("undefined: "))
        elif gaps.weak[group]:
            reasons.append(gaps.weak[group])
        if self._shift is not None and self._source.outside is not None:
            concerned = [{axis.axis: group}, {axis.axis: axis.reference}]
            reasons += why_not(self._source.outside, self._shift, criterion.id, concerned)
            if not self._source.outside.gate or not_passed(self._source.outside, criterion.id, concerned):
                self._gate_blocks = True
        return reasons

    def _contradiction(self, axis: Axis, group: str, judge: Floats, human: Floats) -> str:
        """Cues of one population whose corrected gaps exclude zero with opposite signs."""
        cue_of, group_of = self._columns.cue, self._groups[axis.axis]
        cues = sorted(set(cue_of[(group_of == group) & self._columns.is_run]) - {""})
        if len(cues) < 2:
            return ""
        signs = {}
        for cue in cues:
            base = group_of == axis.reference
            alike = base & (cue_of == cue)
            chosen = np.where(alike if alike.any() else base, axis.reference, "").astype(object)
            chosen[(group_of == group) & (cue_of == cue)] = group
            gaps = self._disparity(judge, human, chosen, axis)
            found = gaps.corrected[group]
            if found.low == found.low and not gaps.weak[group]:
                signs[cue] = 1 if found.low > 0 else -1 if found.high < 0 else 0
        if not {1, -1} <= set(signs.values()):
            return ""
        up, down = (", ".join(cue for cue, sign in signs.items() if sign == wanted) for wanted in (1, -1))
        return f"cues disagree: the gap lies above 0 for {up} and below 0 for {down}"

    def _given_merit(self, criterion: Criterion, axis: Axis, judge: Floats, human: Floats) -> None:
        """Gaps at equal merit, where the items differ in it and populations are not compared at equal merit as they are."""
        merit = self._columns.merit
        is_matched = self._source.facts.meta["arm"].is_there.any()  # arms of a scenario have one merit
        if is_matched or len(set(merit[self._columns.is_run])) < 2:
            return
        gaps = self._disparity(judge, human, self._groups[axis.axis], axis, strata=merit)
        for group in axis.groups:
            if group in gaps.raw:
                found = (
                    gaps.raw[group].renamed("gap.raw.given_merit"),
                    gaps.corrected[group].renamed("gap.corrected.given_merit"),
                    gaps.judge_made[group].renamed("gap.judge_made.given_merit"),
                )
                self._tell(criterion, axis, group, *found, against=axis.reference)

    def _any_difference(self, criterion: Criterion, axis: Axis, human: Floats) -> None:
        labelled = ~np.isnan(human) & self._columns.is_run & (self._groups[axis.axis] != "")
        n, clusters = int(labelled.sum()), self._clusters
        found = (
            any_difference(
                human[labelled], self._groups[axis.axis][labelled], None if clusters is None else clusters[labelled],
                n_resamples=999, rng=self._seed,
            )
            if n <= MAX_PERMUTED
            else undefined("any_difference", f"{n:,} labelled items are too many to permute; see the p-value of worst_population")
        )  # fmt: skip
        self._findings.append(Finding(criterion.id, None, {axis.axis: "any"}, found))

    def _lost(self, criterion: str, axis: Axis) -> dict[str, float]:
        """By group, the share of items that should have a rating by the judge and have none."""
        reasons, group_of = self._columns.reasons(criterion), self._groups[axis.axis][self._columns.is_run]
        asked = reasons != "not_applicable"
        return {
            group: float((reasons[(group_of == group) & asked] != "").mean())
            if ((group_of == group) & asked).any()
            else float("nan")
            for group in axis.groups
        }

    def _missing(self) -> None:
        """Rates of missing ratings in the whole run, overall and by population."""
        columns = self._columns
        units = columns.units[columns.is_run] if columns.has_scenarios else None
        chosen: list[tuple[dict[str, str] | None, np.ndarray]] = [(None, np.ones(len(self._source.facts), dtype=bool))]
        for axis in self._source.rubric.context.populations:
            group_of = self._groups[axis.axis][columns.is_run]
            chosen += [({axis.axis: group}, group_of == group) for group in axis.groups if (group_of == group).any()]
        for criterion in self._source.rubric.criteria:
            reasons = columns.reasons(criterion.id)
            for population, rows in chosen:
                for reason in MISSING_REASONS:
                    found = missing_rate(reasons[rows] == reason, reason, None if units is None else units[rows])
                    self._findings.append(Finding(criterion.id, population, None, found))

    def _plan(self, criterion: Criterion, axis: Axis, gaps: Disparity) -> Plan:
        names = [name for name in axis.groups if name in gaps.spread and gaps.spread[name].n_items != 0]
        known = {
            name: gaps.spread[name] for name in names if np.isfinite(gaps.spread[name].label_sd) and gaps.n_labelled[name] > 1
        }
        now = {name: 0 if self._source.is_carried else gaps.n_labelled[name] for name in names}
        within, free = self._columns.spread_of_raters(criterion.id)
        if not known or axis.reference not in names or len(names) < 2:
            reason = (
                f"nothing is known yet of how labels vary: label at least {MIN_LABELLED} scenarios of each population as a pilot"
                if axis.reference in names and len(names) > 1
                else f"the run has no items that the judge rated of {'any other population' if axis.reference in names else axis.reference}"
            )
            return Plan(criterion.id, axis.axis, axis.reference, criterion.tolerance, now, {}, {}, None, None, reason)
        most = max(known.values(), key=lambda spread: spread.label_sd)
        assumed = [name for name in names if name not in known]
        spreads = {name: known.get(name, Spread(most.label_sd, most.judge_se, gaps.spread[name].n_items)) for name in names}
        planned, beyond = _reachable(spreads, axis.reference, criterion.tolerance, self._confidence)
        told = [f"{', '.join(assumed)} taken to vary as much as the most varied of the others"] if assumed else []
        reason = "; ".join([*told, *beyond])
        typical = float(np.median([spread.label_sd for spread in known.values()]))
        between = float(np.sqrt(max(typical**2 - (within**2 if free else 0.0), 0.0)))
        raters = raters_per_item(between, within) if free else None
        return Plan(
            criterion.id, axis.axis, axis.reference, criterion.tolerance, now, dict(planned.labels), dict(planned.half_widths),
            planned.equal_split, raters, reason,
        )  # fmt: skip


def _reachable(spreads: dict[str, Spread], reference: str, delta: float, confidence: float) -> tuple[LabelPlan, list[str]]:
    """The plan for the populations whose gap can be told that well at all, and why it cannot for the others."""
    left, beyond = dict(spreads), list[str]()
    while True:
        planned = plan_labels(left, reference, delta, confidence=confidence, at_least=MIN_LABELLED)
        if planned.labels or not planned.half_widths:
            return planned, [*beyond, *filter(None, [planned.reason])]
        beyond.append(planned.reason)
        if len(left) == 2:  # the reference and one other: no gap is left to plan for
            return planned, beyond
        del left[max(planned.half_widths, key=lambda name: planned.half_widths[name])]


def _empty(criterion: Criterion, axis: Axis, group: str, why: str, plan: Plan | None) -> Contrast:
    raw, corrected, judge_made, bounds = (undefined(name, why) for name in GAPS)
    return Contrast(criterion, axis, group, None, raw, corrected, judge_made, bounds, [why], "", plan, 0.0)
