"""What did another version of a rubric change in the judge's ratings, for whom, and by which of its changes?"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.comparison.attribution import attribute
from judgefair.comparison.family import Adjusted, adjusted
from judgefair.comparison.held import context_name, read_run
from judgefair.comparison.matrix import NO_POINTS, STATUSES
from judgefair.comparison.rated import Rated, rated_criteria
from judgefair.comparison.version_comparison import Moved, Reached, VersionComparison
from judgefair.compile import compile_judge
from judgefair.compile.program import ALL, JudgeProgram
from judgefair.errors import BudgetError, InputError
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.rubric.context import Axis
from judgefair.rubric.diff import RubricDiff, diff_rubrics
from judgefair.rubric.rubric import Rubric
from judgefair.runs.tables import read_ratings
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.finding import Finding, Population
from judgefair.statistics.paired_change import paired_change, paired_gap_change
from judgefair.statistics.resample import Floats
from judgefair.validation import Validation, save_validation, validate

if TYPE_CHECKING:
    from judgefair.runs import Progress

OLD, NEW = "old", "new"
ALONE = {
    "change.judge_error": "judge_error",
    "change.alpha": "alpha.judge_human",
    "change.judge_error_gap": "judge_error_gap",
}
"""What a validation calls the number of one version, by the estimand of its change."""
ASKED_TWICE = (
    "Replies were not shared (--no-cache): prompts that are the same in both versions were asked twice, so that what changed holds what the "
    "model says otherwise when it is asked again."
)


def compare_versions(
    old: Rubric,
    new: Rubric,
    cset: CalibrationSet,
    model: Model,
    out: Path,
    *,
    split: str = "dev",
    limit: int | None = None,
    concurrency: int = 8,
    budget: Budget | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    seed: int = 0,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    as_of: str | None = None,
    on_progress: Callable[["Progress"], None] = lambda _: None,
) -> VersionComparison:
    """Let one judge rate the same items by two versions of a rubric, and hold what moved beside what was changed.

    Both versions are compiled without examples and validated, in OUT/old and OUT/new. Prompts that are the same in both are
    asked once (but for replies that were no answer), and the same command again asks for nothing that has landed.

    Parameters
    ----------
    split : test and all are looks at the locked split, one for each version; both go to the ledger.
    budget : for both versions together.
    confidence : of each interval, and of all intervals of one measure together.

    Returns
    -------
    VersionComparison. What moved is laid to a change where that change alone reaches the prompt of the criterion.

    Raises
    ------
    InputError : both say the same; or no criterion that the set rates stands in both on the same levels. Nothing is asked then.
    BudgetError : the budget ended before both versions were judged; what had landed is kept.
    """
    diff = diff_rubrics(old, new)
    names = _names(old, new)
    shared, apart = _criteria(old, new, names)
    _refuse(diff, names, shared, apart, cset)
    budget, programs, validations, said = budget or Budget(), [], [], []
    for rubric, name, run in zip((old, new), names, (out / OLD, out / NEW), strict=True):
        program = compile_judge(rubric)
        part, left_out = _without_other_scales(cset, rubric, apart)
        validation = validate(
            program, part, model, split=split, limit=limit, run=run, concurrency=concurrency, budget=budget, limits=limits,
            use_cache=use_cache, as_of=as_of, seed=seed, n_resamples=n_resamples, on_progress=on_progress,
        )  # fmt: skip
        if left_out:
            validation = _with_note(validation, cset.id, left_out)
            save_validation(validation, run)
        programs.append(program)
        validations.append(validation)
        said.append(_said(program, run, name))
    rated = [
        _rated(validation, rubric, out / run, shared)
        for validation, rubric, run in zip(validations, (old, new), (OLD, NEW), strict=True)
    ]
    axes = {axis.axis: axis for axis in new.context.populations}
    known = {"n_resamples": n_resamples, "rng": seed, "confidence": confidence}
    drafts = [draft for name in shared for draft in _drafts(name, rated[0][name], rated[1][name], axes, known)]
    held = [read_run(out / run) for run in (OLD, NEW)]
    return VersionComparison(
        diff=diff,
        old=names[0],
        new=names[1],
        runs=(str(out / OLD), str(out / NEW)),
        scope=_scope(validations, diff),
        reached=[_reached(name, diff, programs) for name in shared],
        not_comparable=apart | _unlabelled(shared, validations, cset.id),
        moved=_moved(drafts, validations, confidence),
        counts=[draft for draft in drafts if draft.estimate.estimand in {"change.missing", "change.flips"}],
        attribution=attribute(*held),
        gates=(_gate(validations[0]), _gate(validations[1])),
        missing=(said[0][1], said[1][1]),
        n_ratings=(said[0][0], said[1][0]),
        notes=_notes(validations, names, _absent(axes, rated), use_cache),
        as_of=as_of or max(each.as_of for each in held),
        level=confidence,
    )


def _names(old: Rubric, new: Rubric) -> tuple[str, str]:
    """Id and version, with the fingerprint where those do not tell them apart."""
    one, other = (f"{rubric.id} {rubric.version}" for rubric in (old, new))
    return (one, other) if one != other else (f"{one} ({old.fingerprint[:8]})", f"{other} ({new.fingerprint[:8]})")


def _criteria(old: Rubric, new: Rubric, names: tuple[str, str]) -> tuple[list[str], dict[str, str]]:
    """Criteria of both versions on the same levels, in the order of the new one; and why others are not compared."""
    before, after = ({criterion.id: criterion.scale for criterion in rubric.criteria} for rubric in (old, new))
    shared, apart = [], {}
    for name in dict.fromkeys([*after, *before]):
        if name not in before or name not in after:
            apart[name] = f"in {names[name in after]} alone"
        elif not before[name].has_levels_of(after[name]):
            on = [
                f"{scale.kind} {scale.describe()} in {version}"
                for scale, version in zip((before[name], after[name]), names, strict=True)
            ]
            apart[name] = f"on other levels: {', and '.join(on)}"
        else:
            shared.append(name)
    return shared, apart


def _refuse(
    diff: RubricDiff, names: tuple[str, str], shared: Sequence[str], apart: Mapping[str, str], cset: CalibrationSet
) -> None:
    if not diff.changes:
        raise InputError(f"{' and '.join(names)} say the same. Expected two versions that differ in more than their number")
    if not shared:
        why = "; ".join(f"{name} is {reason}" for name, reason in apart.items())
        raise InputError(
            f"no criterion stands in both {' and '.join(names)} on the same levels: {why}. There is nothing to compare"
        )
    if not set(shared) & set(cset.card.criteria):
        raise InputError(
            f"{cset.id} has no ratings of {', '.join(shared)}, which both versions have; it has {', '.join(cset.card.criteria)}. "
            "Choose a set that rates a criterion of both"
        )


def _without_other_scales(cset: CalibrationSet, rubric: Rubric, apart: Mapping[str, str]) -> tuple[CalibrationSet, list[str]]:
    """The set without criteria that this version has on other levels than the set, where the versions differ in them."""
    ours, theirs = {criterion.id: criterion.scale for criterion in rubric.criteria}, cset.card.criteria
    left_out = [name for name in apart if name in ours and name in theirs and not ours[name].has_levels_of(theirs[name].scale)]
    if not left_out:
        return cset, []
    kept = {name: criterion for name, criterion in theirs.items() if name not in left_out}
    return replace(cset, card=cset.card.model_copy(update={"criteria": kept})), left_out


def _with_note(validation: Validation, set_id: str, left_out: Sequence[str]) -> Validation:
    """A validation that says why ratings of the set were left out, and not that there are none."""
    notes = [
        note for note in validation.notes if not any(note.startswith(f"{set_id} has no ratings of {name}:") for name in left_out)
    ]
    notes.append(
        f"{set_id} was rated on other levels than this version has of {', '.join(left_out)}, whose ratings stay unvalidated."
    )
    return replace(validation, notes=notes)


def _said(program: JudgeProgram, run: Path, name: str) -> tuple[int, Counter[str]]:
    """How many ratings the judge gave, and how many are missing, by reason; BudgetError where the budget ended the work."""
    scales = {criterion.id: criterion.scale for criterion in program.rubric.criteria}
    judged = read_ratings(run, scales, kind="judge")
    missing = Counter(reason for reason in judged["missing"] if reason)
    if missing["over_budget"]:
        raise BudgetError(
            f"{missing['over_budget']:,} of {len(judged):,} judgments by {name} are missing: the budget is used up, and what is not judged is no "
            "change. What had landed is kept; run the same command with a larger budget to go on"
        )
    return len(judged), missing


def _rated(validation: Validation, rubric: Rubric, run: Path, shared: Sequence[str]) -> dict[str, Rated]:
    """What judge and humans gave, of criteria that the set does not rate too."""
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria if criterion.id in shared}
    return rated_criteria(replace(validation, scales=scales, ratings=read_ratings(run, scales)))


def _drafts(criterion: str, old: Rated, new: Rated, axes: Mapping[str, Axis], known: Mapping[str, Any]) -> Iterator[Finding]:
    """Every change of one criterion: overall, then axis by axis."""
    yield from _changes(criterion, None, np.ones(len(new.judge), dtype=bool), old, new, known)
    for axis, declared in axes.items():
        group_of = new.facts.group_of(axis)
        groups = [group for group in declared.groups if (group_of == group).any()]
        for group in groups:
            yield from _changes(criterion, {axis: group}, group_of == group, old, new, known)
        gaps: Mapping[str, Estimate] = {}
        if new.scale.has_points:
            gaps = paired_gap_change(
                old.expected, new.expected, new.values, group_of, declared.reference, new.clusters, confidence=known["confidence"]
            )
        for group in groups:
            if group != declared.reference:
                gap = gaps.get(group) or undefined("change.judge_error_gap", NO_POINTS)
                both = (group_of == group) | (group_of == declared.reference)
                yield Finding(criterion, {axis: group}, {axis: declared.reference}, _by_raters(gap, old, new, both))


def _changes(
    criterion: str, population: Population | None, chosen: np.ndarray, old: Rated, new: Rated, known: Mapping[str, Any]
) -> Iterator[Finding]:
    """The changes in one population; errors are of expected values, which in distribution mode are no levels."""
    values, clusters = new.values[:, chosen], None if new.clusters is None else new.clusters[chosen]

    def change(before: Floats, after: Floats, level: str, **drawn: Any) -> Any:
        return paired_change(before[chosen], after[chosen], values, clusters, level=level, **drawn)

    of_levels = change(old.judge, new.judge, new.scale.measurement, **known)
    error, distance = (undefined(f"change.{name}", NO_POINTS) for name in ("judge_error", "absolute_error"))
    if new.scale.has_points:  # alpha of the expected values is asked by nobody
        of_points = change(old.expected, new.expected, "interval", n_resamples=1, confidence=known["confidence"])
        error, distance = of_points.judge_error, of_points.absolute_error
    for estimate in (error, distance, of_levels.alpha):
        yield Finding(criterion, population, None, _by_raters(estimate, old, new, chosen))
    yield Finding(criterion, population, None, of_levels.missing)
    yield Finding(criterion, population, None, of_levels.flips)


def _by_raters(estimate: Estimate, old: Rated, new: Rated, chosen: np.ndarray) -> Estimate:
    """The same with the number of humans behind it, which the rows of `Rated.values` are not."""
    is_used = chosen & ~np.isnan(old.judge) & ~np.isnan(new.judge)
    return replace(estimate, n_raters=len(np.unique(new.rater[is_used[new.item]])))


def _moved(drafts: Sequence[Finding], validations: Sequence[Validation], confidence: float) -> list[Moved]:
    """Each measure is a family of its own: all criteria, and overall with all populations."""
    kept = [draft for draft in drafts if draft.estimate.estimand not in {"change.missing", "change.flips"}]
    told: dict[int, Adjusted] = {}
    for estimand in dict.fromkeys(draft.estimate.estimand for draft in kept):
        family = [place for place, draft in enumerate(kept) if draft.estimate.estimand == estimand]
        told |= dict(zip(family, adjusted([kept[place].estimate for place in family], confidence), strict=True))
    return [
        Moved(draft.criterion, draft.population, draft.contrast, told[place], *(_alone(draft, each) for each in validations))
        for place, draft in enumerate(kept)
    ]


def _alone(draft: Finding, validation: Validation) -> Estimate | None:
    """The number of one version whose change it is."""
    wanted = (draft.criterion, draft.population, draft.contrast, ALONE.get(draft.estimate.estimand))
    for finding in validation.findings:
        if (finding.criterion, finding.population, finding.contrast, finding.estimate.estimand) == wanted:
            return finding.estimate
    return None


def _reached(criterion: str, diff: RubricDiff, programs: Sequence[JudgeProgram]) -> Reached:
    old, new = (_asked(program, criterion) for program in programs)
    changes = [change for change in diff.changes if criterion in change.criteria and "prompt" in change.reaches]
    return Reached(criterion, () if old == new else tuple(changes))


def _asked(program: JudgeProgram, criterion: str) -> list[Any]:
    """All that the judge is sent about a criterion, the item aside."""
    key = ALL if ALL in program.prompts else criterion
    return [program.prompts[key].to_json(), dict(program.sampling)]


def _unlabelled(shared: Sequence[str], validations: Sequence[Validation], set_id: str) -> dict[str, str]:
    lacking = [name for name in shared if any(name not in validation.scales for validation in validations)]
    return dict.fromkeys(lacking, f"{set_id} has no ratings of it, so that only changed and missing ratings can be counted")


def _gate(validation: Validation) -> dict[str, int]:
    counts: Counter[str] = Counter(check.status for check in validation.gate)
    return {status: counts[status] for status in STATUSES if counts[status]}


def _scope(validations: Sequence[Validation], diff: RubricDiff) -> dict[str, Any]:
    scope = validations[1].scope
    kept = (
        "use_case", "deployment", "languages", "judge", "server", "mode", "set", "split", "split_fingerprint", "labels",
        "rater_pool", "known_issues", "participation",
    )  # fmt: skip
    rubrics = {
        name: {"id": version.id, "version": version.version, "fingerprint": version.fingerprint}
        for name, version in (("old_rubric", diff.old), ("rubric", diff.new))
    }
    return {name: scope[name] for name in kept} | rubrics | {"context": context_name(scope), "n_items": len(validations[1].items)}


def _absent(axes: Mapping[str, Axis], rated: Sequence[Mapping[str, Rated]]) -> Iterator[str]:
    """Axes on which no gap can be taken."""
    facts = next(iter(rated[1].values())).facts
    for axis, declared in axes.items():
        group_of = facts.group_of(axis)
        shown = [group for group in declared.groups if (group_of == group).any()]
        if shown and declared.reference not in shown:
            yield f"No item shows {axis}: {declared.reference}, against which gaps are taken: no change of a gap can be told on this axis."


def _notes(validations: Sequence[Validation], names: tuple[str, str], absent: Iterator[str], use_cache: bool) -> list[str]:
    """What both validations say once, and what one says with its version."""
    old, new = (list(validation.notes) for validation in validations)
    told = [note for note in new if note in old]
    told += [f"{name}: {note}" for name, notes in zip(names, (old, new), strict=True) for note in notes if note not in told]
    return [*told, *absent, *([] if use_cache else [ASKED_TWICE])]
