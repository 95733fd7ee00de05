"""How far can this judge be trusted against these humans, overall and for each population?"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.calibration.ledger import Look, record_look
from judgefair.calibration.ratings import RatedItems, as_text, rated_items, read_table
from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError, did_you_mean
from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.model import Model
from judgefair.records import MISSING_REASONS, Item, Missing, Rating
from judgefair.rubric.scale import Scale, parse_scale
from judgefair.runs.folder import read_manifest, write_manifest
from judgefair.runs.judge_stage import Progress, judge
from judgefair.statistics import Estimate, alpha, judge_alpha, judge_error, kappa, leave_one_out, missing_rate
from judgefair.statistics.estimate import undefined
from judgefair.statistics.resample import Floats

Population = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """An estimate and what it is about: criterion, population (None is overall), and for a gap the reference."""

    criterion: str
    population: Population | None
    contrast: Population | None
    estimate: Estimate

    def to_json(self) -> dict[str, Any]:
        """One flat object."""
        about = {"criterion": self.criterion, "population": self.population, "contrast": self.contrast}
        return {**about, **self.estimate.to_json()}


@dataclass(frozen=True, slots=True)
class Validation:
    """A judge held against humans.

    Attributes
    ----------
    scope : what the findings hold for: context, judge, program, set, split, labels, populations, languages, date.
    scales : of each criterion.
    findings : every estimate, by criterion and population.
    items : the rated items.
    ratings : judge and humans in one table: item_id, criterion, rater_id, rater_kind, code, missing, rationale.
    notes : what a reader must know, such as a set without populations.
    """

    scope: Mapping[str, Any]
    scales: Mapping[str, Scale]
    findings: Sequence[Finding]
    items: Sequence[Item]
    ratings: pd.DataFrame
    notes: Sequence[str]

    def find(self, estimand: str, criterion: str, population: Population | None = None) -> Estimate:
        """One estimate; KeyError where there is none of that name.

        `population` is None for overall, or `{axis: group}`.
        """
        for finding in self.findings:
            if (finding.estimate.estimand, finding.criterion, finding.population) == (estimand, criterion, population):
                return finding.estimate
        raise KeyError(f"no estimate {estimand} of {criterion} for {population or 'all items'}")

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axes and their groups, in the order they are reported."""
        axes: dict[str, list[str]] = {}
        for finding in self.findings:
            for axis, group in (finding.population or {}).items():
                groups = axes.setdefault(axis, [])
                if group not in groups:
                    groups.append(group)
        return axes


def validate(
    program: JudgeProgram,
    cset: CalibrationSet,
    model: Model,
    *,
    split: str = "all",
    limit: int | None = None,
    run: Path | None = None,
    concurrency: int = 8,
    budget: Budget | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Validation:
    """Judge a calibration set and hold the judge against its humans.

    Parameters
    ----------
    split : train, dev, test or all. Test and all are looks at the locked split; each is written to the ledger.
    limit : for a pilot, at most so many items, in whole scenarios.
    run : folder to keep the run in and to resume from; None keeps nothing.

    Raises
    ------
    InputError : the set has no ratings of the program's criteria, or on another scale.
    """
    if run is None:
        with tempfile.TemporaryDirectory() as folder:
            return validate(
                program, cset, model, split=split, limit=limit, run=Path(folder), concurrency=concurrency, budget=budget, use_cache=use_cache,
                as_of=as_of, seed=seed, n_resamples=n_resamples, on_progress=on_progress,
            )  # fmt: skip
    part = cset.take(split) if limit is None else cset.take(split).limit(limit)
    scales, notes = _shared_criteria(program, part)
    judged = judge(
        program, part.items, model, run,
        concurrency=concurrency, budget=budget, use_cache=use_cache, as_of=as_of, on_progress=on_progress,
    )  # fmt: skip
    manifest = read_manifest(run)
    if limit is not None:
        notes.append(
            f"A pilot: {len(part.items):,} of {len(cset.take(split).items):,} items, in whole scenarios (--limit {limit:,})."
        )
    if split in {"test", "all"}:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        look = Look(now, program.fingerprint, model.name, cset.id, split, part.fingerprint)
        looks = record_look(look)
        notes.append(f"This is look {looks} at the locked test split of {cset.id}; the ledger holds them all.")
    context = program.rubric.context
    scope = {
        "use_case": context.use_case,
        "deployment": context.deployment,
        "languages": list(context.languages),
        "rubric": {"id": program.rubric.id, "version": program.rubric.version, "fingerprint": program.rubric.fingerprint},
        "program": program.fingerprint,
        "judge": model.name,
        "server": model.server,
        "mode": program.mode,
        "set": {"id": cset.id, "title": cset.card.title, "licence": cset.card.licence, "citation": cset.card.citation},
        "split": split,
        "split_fingerprint": part.fingerprint,
        "labels": cset.card.labels,
        "rater_pool": cset.card.rater_pool,
        "known_issues": list(cset.card.known_issues),
        "participation": program.rubric.model_dump(mode="json")["participation"],
        "tolerances": {criterion.id: criterion.tolerance for criterion in program.rubric.criteria},
        "as_of": manifest["as_of"],
    }
    write_manifest(
        run, {**manifest, "stage": "validate", "set": cset.id, "split": split, "split_fingerprint": part.fingerprint}, as_of
    )
    references = {axis.axis: axis.reference for axis in context.populations}
    declared = {axis.axis: list(axis.groups) for axis in context.populations}
    present = {(axis, group) for item in part.items for axis, group in item.populations.items()}
    unlabelled = [
        f"{axis.axis}: {group}" for axis in context.populations for group in axis.groups if (axis.axis, group) not in present
    ]
    if unlabelled and present:
        notes.append(f"Nothing is known of populations of the rubric that {cset.id} has no items of: {', '.join(unlabelled)}.")
    ratings = pd.concat([_judge_table(judged.ratings, scales), _human_table(part.ratings, scales)], ignore_index=True)
    return _validation(part.items, ratings, scales, scope, declared, references, notes, seed, n_resamples)


def validate_ratings(
    ratings: pd.DataFrame | Path | str,
    judge: str,
    scale: Scale | str | Mapping[str, Scale | str],
    *,
    references: Mapping[str, str] | None = None,
    as_of: str | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Validation:
    """Hold one rater of a table against the human ones: no rubric, no model, no key.

    Parameters
    ----------
    ratings : a long table or its path, with columns item_id, rater_id, value and, where there are, criterion, rater_kind,
        missing, scenario_id, `pop.<axis>`, `rater.<attribute>`.
    judge : rater_id of the judge. Other rows of kind `judge` are left out.
    scale : one for all criteria or one for each; text as in `--scale`.
    references : the group that gaps are taken against, by axis; the largest group where none is named.

    Raises
    ------
    InputError : a bad row (named with its column), or no such judge.

    >>> table = pd.DataFrame({"item_id": list("aabbcc"), "rater_id": ["j", "h"] * 3, "value": [1, 1, 2, 2, 3, 2]})
    >>> round(validate_ratings(table, judge="j", scale="ordinal:1-3").find("loo.judge", "rating").value, 3)
    nan
    """
    where = "ratings" if isinstance(ratings, pd.DataFrame) else str(ratings)
    table = as_text(ratings) if isinstance(ratings, pd.DataFrame) else read_table(Path(ratings))
    scales = (
        {name: parse_scale(s) if isinstance(s, str) else s for name, s in scale.items()} if isinstance(scale, Mapping) else scale
    )
    one_scale = parse_scale(scales) if isinstance(scales, str) else scales
    rated = rated_items(table, one_scale, where)
    frame, notes = _with_judge(rated, judge, where)
    criteria = list(dict.fromkeys(frame["criterion"]))
    of_criterion = {name: one_scale[name] if isinstance(one_scale, Mapping) else one_scale for name in criteria}
    axes = _group_sizes(rated.items)
    for axis, group in (references or {}).items():
        if axis not in axes:
            raise InputError(
                f"--reference names axis '{axis}'.{did_you_mean(axis, axes)} Axes of {where}: {', '.join(axes) or 'none'}"
            )
        if group not in axes[axis]:
            raise InputError(
                f"--reference {axis}={group}: no such group.{did_you_mean(group, axes[axis])} Groups: {', '.join(axes[axis])}"
            )
    content = [frame[name].astype("str").fillna("").tolist() for name in ("item_id", "criterion", "rater_id", "code", "missing")]
    scope = {
        "judge": judge,
        "set": {"id": Path(where).name, "title": "ratings given by the user", "licence": "unknown", "citation": "unknown"},
        "split": "all",
        "split_fingerprint": fingerprint(content),
        "labels": "human",
        "rater_pool": "unknown",
        "known_issues": [],
        "as_of": as_of or datetime.now(UTC).date().isoformat(),
    }
    notes.append(
        "Raters other than the judge are taken to be human, as the table says. Without a rubric there is no gate and no verdict."
    )
    return _validation(rated.items, frame, of_criterion, scope, {}, references or {}, notes, seed, n_resamples)


def _validation(
    items: Sequence[Item],
    ratings: pd.DataFrame,
    scales: Mapping[str, Scale],
    scope: Mapping[str, Any],
    declared: Mapping[str, Sequence[str]],
    references: Mapping[str, str],
    notes: list[str],
    seed: int,
    n_resamples: int,
) -> Validation:
    axes = {axis: _in_declared_order(groups, declared.get(axis, ())) for axis, groups in _group_sizes(items).items()}
    if not axes:
        notes.append("The items carry no populations: everything is reported overall, and nothing can be said of any population.")
    chosen = {
        axis: references[axis] if references.get(axis) in groups else max(groups, key=lambda group: groups[group])
        for axis, groups in axes.items()
    }
    for axis, group in chosen.items():
        if references.get(axis) != group:
            notes.append(
                f"Gaps on axis {axis} are taken against its largest group, {group}: no reference was declared that the items have."
            )
    if ratings.loc[ratings["replicate"] > 0].shape[0]:
        notes.append("Where a rater rated an item more than once, the first rating counts.")
    findings = [
        finding
        for criterion, scale in scales.items()
        for finding in _Criterion(criterion, scale, items, ratings, seed, n_resamples).findings(axes, chosen)
    ]
    return Validation(scope, scales, findings, items, ratings, notes)


class _Criterion:
    """All estimates of one criterion."""

    def __init__(
        self, name: str, scale: Scale, items: Sequence[Item], ratings: pd.DataFrame, seed: int, n_resamples: int
    ) -> None:
        self._name, self._scale, self._items = name, scale, items
        self._drawn = {"n_resamples": n_resamples, "rng": seed}
        place = {item.item_id: i for i, item in enumerate(items)}
        rows = ratings[(ratings["criterion"] == name) & ratings["item_id"].isin(place)].sort_values("replicate", kind="stable")
        rows = rows.drop_duplicates(["item_id", "rater_id"])
        judge_rows, humans = rows[rows["rater_kind"] == "judge"], rows[(rows["rater_kind"] == "human") & rows["code"].notna()]
        self._judge = np.full(len(items), np.nan)
        self._judge[judge_rows["item_id"].map(place)] = judge_rows["code"]
        self._expected = np.full(len(items), np.nan)
        self._expected[judge_rows["item_id"].map(place)] = judge_rows["expected"]
        self._reason = np.full(len(items), "not_rated", dtype=object)
        self._reason[judge_rows["item_id"].map(place)] = judge_rows["missing"]
        self._human_item = humans["item_id"].map(place).to_numpy(dtype=np.int64)
        self._human_code = humans["code"].to_numpy(dtype=float)
        self._human_rater = pd.factorize(humans["rater_id"])[0]
        self._values = _by_turn(self._human_item, self._human_code, len(items))
        units = np.array([item.unit for item in items], dtype=object)
        self._has_scenarios = len(set(units)) < len(units)
        self._units = pd.factorize(units)[0]

    def findings(self, axes: Mapping[str, Mapping[str, int]], references: Mapping[str, str]) -> Iterator[Finding]:
        everything = np.ones(len(self._items), dtype=bool)
        yield from self._agreement(None, everything)
        yield from self._error(None, np.full(len(self._items), "all", dtype=object), "all", ["all"])
        yield from self._missing(None, everything)
        for axis, groups in axes.items():
            group_of = np.array([item.populations.get(axis, "") for item in self._items], dtype=object)
            for group in groups:
                yield from self._agreement({axis: group}, group_of == group)
            yield from self._error(axis, group_of, references[axis], list(groups))
            for group in groups:
                yield from self._missing({axis: group}, group_of == group)

    def _agreement(self, population: Population | None, chosen: np.ndarray) -> Iterator[Finding]:
        judge, values = self._judge[chosen], self._values[:, chosen]
        clusters = self._units[chosen] if self._has_scenarios else None
        n_raters = len(set(self._human_rater[chosen[self._human_item]]))
        measurement = self._scale.measurement

        def tell(estimate: Estimate) -> Finding:
            return Finding(self._name, population, None, replace(estimate, n_raters=n_raters))

        yield tell(alpha(values, measurement, clusters, **self._drawn))
        yield tell(judge_alpha(judge, values, measurement, clusters, **self._drawn))
        pairs = chosen[self._human_item]
        a, b, units = self._judge[self._human_item][pairs], self._human_code[pairs], self._units[self._human_item][pairs]
        for weights in self._scale.kappa_weights:
            yield tell(kappa(a, b, weights, units, **self._drawn))  # type: ignore[arg-type]
        if self._scale.has_points:
            losses = leave_one_out(judge, values, clusters)
            yield from (tell(loss) for loss in (losses.human, losses.judge, losses.difference))
        else:
            yield from (tell(undefined(f"loo.{name}", _NO_POINTS)) for name in ("human", "judge", "difference"))

    def _error(self, axis: str | None, group_of: np.ndarray, reference: str, groups: Sequence[str]) -> Iterator[Finding]:
        if not self._scale.has_points:
            for group in groups:
                yield Finding(self._name, None if axis is None else {axis: group}, None, undefined("judge_error", _NO_POINTS))
                if group != reference:
                    yield Finding(
                        self._name, {str(axis): group}, {str(axis): reference}, undefined("judge_error_gap", _NO_POINTS)
                    )
            return
        rows = self._human_item
        error = judge_error(self._expected[rows], self._human_code, group_of[rows], reference, self._units[rows])
        for group in groups:
            estimate = error.by_population.get(group) or undefined(
                "judge_error", "no item has both a judge's and a human's rating"
            )
            yield Finding(
                self._name, None if axis is None else {axis: group}, None, self._with_raters(estimate, rows, group_of == group)
            )
        for group in groups:
            if group == reference:
                continue
            estimate = error.gaps.get(group) or undefined("judge_error_gap", "no item has both a judge's and a human's rating")
            both = (group_of == group) | (group_of == reference)
            yield Finding(self._name, {str(axis): group}, {str(axis): reference}, self._with_raters(estimate, rows, both))

    def _with_raters(self, estimate: Estimate, rows: np.ndarray, chosen: np.ndarray) -> Estimate:
        kept = chosen[rows] & ~np.isnan(self._expected[rows])
        return replace(estimate, n_items=len(set(rows[kept])), n_raters=len(set(self._human_rater[kept])))

    def _missing(self, population: Population | None, chosen: np.ndarray) -> Iterator[Finding]:
        clusters = self._units[chosen] if self._has_scenarios else None
        for reason in MISSING_REASONS:
            yield Finding(self._name, population, None, missing_rate(self._reason[chosen] == reason, reason, clusters))


_NO_POINTS = "a nominal scale has no distances, so that no loss or error in scale points exists"


def _by_turn(item: np.ndarray, code: Floats, n_items: int) -> Floats:
    """Ratings as (most ratings of an item, n_items): agreement does not ask who rated, only what each item was given."""
    turn = pd.Series(item).groupby(item).cumcount().to_numpy(dtype=np.int64)
    values = np.full((int(turn.max(initial=0)) + 1, n_items), np.nan)
    values[turn, item] = code
    return values


def _group_sizes(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """Axes, with their groups and sizes, the largest group first."""
    axes: dict[str, dict[str, int]] = {}
    for item in items:
        for axis, group in item.populations.items():
            sizes = axes.setdefault(axis, {})
            sizes[group] = sizes.get(group, 0) + 1
    return {axis: dict(sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))) for axis, sizes in axes.items()}


def _in_declared_order(groups: Mapping[str, int], declared: Sequence[str]) -> dict[str, int]:
    """Groups as the rubric lists them, then those it does not know, largest first."""
    return {group: groups[group] for group in [*(g for g in declared if g in groups), *(g for g in groups if g not in declared)]}


def _shared_criteria(program: JudgeProgram, cset: CalibrationSet) -> tuple[dict[str, Scale], list[str]]:
    rated = cset.card.criteria
    asked = {criterion.id: criterion.scale for criterion in program.rubric.criteria}
    shared = [name for name in asked if name in rated]
    if not shared:
        raise InputError(
            f"{cset.id} has no ratings of {', '.join(asked)}; it has {', '.join(rated)}. Choose a rubric whose criteria it rates"
        )
    for name in shared:
        ours, theirs = asked[name], rated[name].scale
        if (ours.kind, _levels(ours)) != (theirs.kind, _levels(theirs)):
            raise InputError(
                f"{name}: the rubric's scale is {ours.kind} {ours.describe()}, and {cset.id} was rated on {theirs.kind} "
                f"{theirs.describe()}. Give the rubric the scale the humans used"
            )
    notes = [
        f"{cset.id} has no ratings of {name}: the judge's ratings of it stay unvalidated." for name in asked if name not in rated
    ]
    return {name: asked[name] for name in shared}, notes


def _levels(scale: Scale) -> tuple[object, ...]:
    return scale.ends if scale.kind == "interval" else tuple(scale.levels)


def _judge_table(ratings: Sequence[Rating], scales: Mapping[str, Scale]) -> pd.DataFrame:
    rows = []
    for rating in ratings:
        if rating.criterion not in scales:
            continue
        scale, missing = scales[rating.criterion], rating.value if isinstance(rating.value, Missing) else None
        code = np.nan if isinstance(rating.value, Missing) else scale.code(rating.value)
        expected = code
        if rating.distribution is not None and scale.has_points:
            expected = sum(share * scale.code(scale.read(level)) for level, share in rating.distribution.items())
        rows.append(
            {
                "item_id": rating.item_id, "criterion": rating.criterion, "rater_id": rating.rater_id, "rater_kind": "judge",
                "replicate": rating.replicate, "code": code, "expected": expected,
                "missing": missing.reason if missing else "", "rationale": rating.rationale or (missing.detail if missing else ""),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _human_table(ratings: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    kept = ratings[ratings["criterion"].isin(list(scales))]
    return kept.assign(rater_kind="human", expected=kept["code"], rationale="")


def _with_judge(rated: RatedItems, judge: str, where: str) -> tuple[pd.DataFrame, list[str]]:
    frame = rated.ratings.assign(expected=rated.ratings["code"], rationale="")
    is_judge = frame["rater_id"] == judge
    raters = list(dict.fromkeys(frame["rater_id"]))
    if not is_judge.any():
        shown = ", ".join(raters[:8]) + (f" and {len(raters) - 8:,} more" if len(raters) > 8 else "")
        raise InputError(f"{where}: no rater '{judge}'.{did_you_mean(judge, raters)} Raters: {shown}")
    others = (frame["rater_kind"] == "judge") & ~is_judge
    notes = []
    if others.any():
        names = sorted(set(frame.loc[others, "rater_id"]))
        notes.append(f"Left out as judges of their own: {', '.join(names)}.")
    frame = frame[~others].assign(rater_kind=np.where(is_judge[~others], "judge", "human"))
    if not (frame["rater_kind"] == "human").any():
        raise InputError(f"{where}: no rater beside the judge. Agreement needs human ratings of the same items")
    return frame.reset_index(drop=True), notes
