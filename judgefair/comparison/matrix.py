"""How far can each judge be trusted in each context, and which of two judges is better where?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from judgefair.comparison.alpha_ratio import alpha_ratio
from judgefair.comparison.attribution import attribution_of
from judgefair.comparison.cautions import cautions
from judgefair.comparison.comparison import Cell, Comparison, Difference
from judgefair.comparison.contexts import context_of, contexts_of, refuse_other_labels, rows_of
from judgefair.comparison.family import adjusted
from judgefair.comparison.flags import flags
from judgefair.comparison.held import Held, read_run
from judgefair.comparison.panels import Panel, panel_of
from judgefair.comparison.ranks import rank_ranges
from judgefair.comparison.rated import Rated, rated_criteria
from judgefair.errors import InputError
from judgefair.statistics import AltTest, Estimate, alt_test, joint_alt_test, judge_error
from judgefair.statistics.estimate import undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.paired_change import paired_change
from judgefair.validation import Validation
from judgefair.validation.criterion import MAX_CELLS

NO_POINTS = "a nominal scale has no distances, so that no error in scale points exists"
STATUSES = ("passed", "failed", "not_shown")


def compare(
    runs: Sequence[Path | str],
    *,
    as_of: str | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    q: float = 0.05,
) -> Comparison:
    """Hold judges side by side in every context they were validated in; nothing is averaged over contexts.

    Parameters
    ----------
    runs : folders that `validate` wrote; those of `judge` may stand among them, and are flagged where no validation holds there.
    as_of : the date of the comparison; that of the latest run where left out.
    confidence : of each interval, and of all intervals of differences together.
    q : false discovery rate of the joint alternative annotator test.

    Returns
    -------
    Comparison. Two judges differ where the interval that holds for all pairs, contexts and criteria excludes 0.

    Raises
    ------
    InputError : no run holds human labels; two runs of one context rated other items; or one judge stands twice in a context.
    """
    held = [read_run(Path(run)) for run in runs]
    validated = [each for each in held if each.validation is not None]
    if not validated:
        raise InputError(
            f"{', '.join(str(each.run) for each in held) or 'no run'}: no human labels to hold a judge against. Expected at least one folder "
            "that judgefair validate --out wrote"
        )
    judges, row_of = rows_of(held)
    drafts: list[_Draft] = []
    pairs: list[_Pair] = []
    panels: list[Panel] = []
    contexts = []
    for name, of_context in contexts_of(validated).items():
        context = context_of(name, of_context)
        contexts.append(context)
        rated = [(each, rated_criteria(each.validation)) for each in of_context if each.validation is not None]
        refuse_other_labels(name, rated)
        for criterion in context.criteria:
            here = [(each, found[criterion]) for each, found in rated if criterion in found]
            known: dict[str, Any] = {"confidence": confidence, "rng": seed, "n_resamples": n_resamples}
            drafts += [_drafted(row_of[str(each.run)], name, criterion, each, ratings, known) for each, ratings in here]
            for (one, theirs), (other, others) in combinations(here, 2):
                names = row_of[str(one.run)], row_of[str(other.run)]
                pairs.append(_pair(name, criterion, names, theirs, others, known))
            panel = panel_of(name, criterion, here, row_of, **known)
            panels += [] if panel is None else [panel]
    differences = _differences(pairs, confidence)
    together = _jointly([judge.name for judge in judges], drafts, q)
    ranks = _ranks(drafts, differences)
    cells = [replace(draft.cell, joint_winning_rate=together[draft.key], rank=ranks[draft.key]) for draft in drafts]
    flagged = flags(held, row_of)
    return Comparison(
        as_of=as_of or max(each.as_of for each in held),
        contexts=contexts,
        judges=judges,
        cells=cells,
        differences=differences,
        flags=flagged,
        notes=cautions(contexts, judges, differences, held, panels),
        level=confidence,
        panels=panels,
        attribution=attribution_of(held),
    )


Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A cell before it is known what the other cells hold."""

    cell: Cell
    tested: AltTest | None

    @property
    def key(self) -> Key:
        return (self.cell.judge, self.cell.context, self.cell.criterion)


def _drafted(row: str, context: str, criterion: str, held: Held, rated: Rated, known: Mapping[str, Any]) -> _Draft:
    validation = held.validation
    assert validation is not None
    agreement, human = (validation.find(name, criterion) for name in ("alpha.judge_human", "alpha.human"))
    tested = _alt_test(rated, held.epsilon)
    winning = validation.find("alt_test.winning_rate", criterion) if tested is None else tested.winning_rate
    counts: Counter[str] = Counter(check.status for check in validation.gate if check.criterion == criterion)
    cell = Cell(
        judge=row,
        context=context,
        criterion=criterion,
        run=str(held.run),
        n_missing=int(np.isnan(rated.expected).sum()),
        agreement=agreement,
        human=human,
        ratio=_ratio(agreement, human, rated, known),
        worst_gap=_worst_gap(validation, criterion, rated, known["confidence"]),
        gate={status: counts[status] for status in STATUSES if counts[status]},
        winning_rate=winning,
        joint_winning_rate=winning.renamed("alt_test.joint_winning_rate"),
        rank=None,
    )
    return _Draft(cell, tested)


def _ratio(agreement: Estimate, human: Estimate, rated: Rated, known: Mapping[str, Any]) -> Estimate:
    for estimate in (agreement, human):
        if not estimate.is_defined:
            return undefined("alpha_ratio", f"{estimate.estimand} is {estimate.method}", n_items=agreement.n_items)
    if human.value <= 0:
        reason = f"alpha.human is {human.value:.2f}, so that no ratio to it means anything"
        return undefined("alpha_ratio", reason, n_items=agreement.n_items)
    ratio = alpha_ratio(rated.judge, rated.values, rated.scale.measurement, rated.clusters, **known)
    return replace(ratio, n_raters=rated.n_raters)


def _worst_gap(validation: Validation, criterion: str, rated: Rated, confidence: float) -> Finding:
    """The largest gap of the judge's error, with the interval that holds for all gaps of the criterion at once (Bonferroni)."""
    against: dict[str, tuple[str, list[str]]] = {}
    for finding in validation.findings:
        if finding.criterion == criterion and finding.estimate.estimand == "judge_error_gap" and finding.population:
            ((axis, group),) = finding.population.items()
            against.setdefault(axis, ((finding.contrast or {})[axis], []))[1].append(group)
    n_gaps = sum(len(groups) for _, groups in against.values())
    if n_gaps == 0 or not rated.scale.has_points:
        reason = NO_POINTS if n_gaps else "the items show fewer than two populations of any axis"
        return Finding(criterion, None, None, undefined("judge_error_gap", reason))
    level = 1 - (1 - confidence) / n_gaps
    found = [
        Finding(criterion, {axis: group}, {axis: reference}, estimate)
        for axis, (reference, groups) in against.items()
        for group, estimate in _gaps(rated, axis, reference, level)
        if group in groups and estimate.low == estimate.low
    ]
    if not found:
        return Finding(criterion, None, None, undefined("judge_error_gap", f"none of {n_gaps} gaps has an interval"))
    worst = max(found, key=lambda finding: abs(finding.estimate.value))
    if n_gaps == 1:
        return worst
    p_value = worst.estimate.p_value
    told = replace(
        worst.estimate,
        level=confidence,
        p_value=None if p_value is None else min(1.0, n_gaps * p_value),
        method=f"{worst.estimate.method}; the largest of {n_gaps} gaps, and as such too large on average; interval and p-value hold for "
        f"all {n_gaps} (Bonferroni)",
    )
    return replace(worst, estimate=told)


def _gaps(rated: Rated, axis: str, reference: str, level: float) -> Iterator[tuple[str, Estimate]]:
    group_of, rows = rated.facts.group_of(axis), rated.item
    found = judge_error(
        rated.expected[rows], rated.code, group_of[rows], reference, rated.units[rows], raters=rated.rater, confidence=level
    )
    yield from found.gaps.items()


def _alt_test(rated: Rated, epsilon: float) -> AltTest | None:
    """The test of one cell; None where its table would be too large, so that the validation has none either."""
    if rated.n_raters * len(rated.judge) > MAX_CELLS:
        return None
    score = "neg_rmse" if rated.scale.has_points and len(rated.scale.levels) > 2 else "accuracy"
    return alt_test(rated.judge, rated.by_rater(), epsilon, score, clusters=rated.clusters)


def _jointly(judges: Sequence[str], drafts: Sequence[_Draft], q: float) -> dict[Key, Estimate]:
    """Winning rates of each judge, adjusted over the annotators of all its contexts and criteria.

    The share over the annotators of all contexts, which the test gives too, is left out: it would be an average over contexts.
    """
    told = {draft.key: draft.cell.joint_winning_rate for draft in drafts}
    for judge in judges:
        of = {
            f"{draft.cell.context}, {draft.cell.criterion}": draft
            for draft in drafts
            if draft.cell.judge == judge and draft.tested
        }
        joint = joint_alt_test({name: draft.tested for name, draft in of.items() if draft.tested is not None}, q)
        for name, estimate in joint.by_context.items():
            told[of[name].key] = estimate.renamed("alt_test.joint_winning_rate")
    return told


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two judges, before it is known how many pairs there are."""

    context: str
    criterion: str
    first: str
    second: str
    agreement: Estimate
    absolute_error: Estimate


def _pair(context: str, criterion: str, names: tuple[str, str], one: Rated, other: Rated, known: Mapping[str, Any]) -> _Pair:
    """The first judge as a change from the second, on the items that both rated."""
    alpha = paired_change(other.judge, one.judge, one.values, one.clusters, level=one.scale.measurement, **known).alpha
    error = undefined("absolute_error_difference", NO_POINTS)
    if one.scale.has_points:  # of the expected values, whose alpha nobody asks for
        changed = paired_change(
            other.expected,
            one.expected,
            one.values,
            one.clusters,
            level="interval",
            n_resamples=1,
            confidence=known["confidence"],
        )
        error = changed.absolute_error
    told = (_of_judges(alpha, "alpha_difference", names, one), _of_judges(error, "absolute_error_difference", names, one))
    return _Pair(context, criterion, *names, *told)


def _of_judges(change: Estimate, estimand: str, names: tuple[str, str], rated: Rated) -> Estimate:
    """A change in the words of two judges."""
    first, second = names
    method = change.method
    words = {
        "new minus old": "first minus second judge",
        "the new version": first,
        "the old version": second,
        "both versions": "both judges",
    }
    for said, meant in words.items():
        method = method.replace(said, meant)
    return replace(change, estimand=estimand, method=method, n_raters=rated.n_raters)


def _differences(pairs: Sequence[_Pair], confidence: float) -> list[Difference]:
    """Each measure is a family of its own: all pairs of judges, contexts and criteria."""
    agreement = adjusted([pair.agreement for pair in pairs], confidence)
    error = adjusted([pair.absolute_error for pair in pairs], confidence)
    return [
        Difference(pair.context, pair.criterion, pair.first, pair.second, alpha, loss)
        for pair, alpha, loss in zip(pairs, agreement, error, strict=True)
    ]


def _ranks(drafts: Sequence[_Draft], differences: Sequence[Difference]) -> dict[Key, tuple[int, int] | None]:
    """Ranks within each context and criterion, read off the adjusted intervals."""
    told: dict[Key, tuple[int, int] | None] = {}
    for context, criterion in dict.fromkeys((draft.cell.context, draft.cell.criterion) for draft in drafts):
        here = [draft for draft in drafts if (draft.cell.context, draft.cell.criterion) == (context, criterion)]
        better = {
            (difference.better, difference.second if difference.better == difference.first else difference.first)
            for difference in differences
            if (difference.context, difference.criterion) == (context, criterion) and difference.better is not None
        }
        judges = [draft.cell.judge for draft in here if draft.cell.agreement.is_defined]
        ranked = rank_ranges(judges, better) if len(judges) > 1 else {}
        told |= {draft.key: ranked.get(draft.cell.judge) for draft in here}
    return told
