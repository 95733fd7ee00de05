"""From items and ratings to a validation: which populations there are, what gaps are taken against, and every estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.scale import Scale
from judgefair.runs.facts import Facts
from judgefair.runs.tally import Tally
from judgefair.statistics.finding import Finding
from judgefair.validation.criterion import estimates_of
from judgefair.validation.gate import Check, gate
from judgefair.validation.levels import levels_given
from judgefair.validation.preferences import preferences
from judgefair.validation.validation import Validation

EPSILON = 0.15
"""Of the alt-test where no rubric names one: what Calderon et al. 2025 advise for skilled annotators."""
MAX_GROUPS = 12


@dataclass(frozen=True, slots=True)
class Examined:
    """What is found of a judge: see `Validation`."""

    findings: list[Finding]
    gate: list[Check]
    notes: list[str]


def assemble(
    items: Sequence[Item],
    ratings: pd.DataFrame,
    raters: pd.DataFrame,
    scales: Mapping[str, Scale],
    scope: Mapping[str, Any],
    notes: Sequence[str],
    *,
    rubric: Rubric | None = None,
    references: Mapping[str, str] | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Validation:
    """Every estimate of every criterion and population, and the gate where there is a rubric.

    Parameters
    ----------
    ratings : judge and humans in one table, as in `Validation.ratings`.
    raters : column rater_id and one for each attribute.
    references : by axis, the group that gaps are taken against, where no rubric says it.
    """
    facts = Facts.of(items)
    tally = Tally.of(ratings, facts, scales)
    found = examine(facts, tally, raters, scales, notes, rubric=rubric, references=references, seed=seed, n_resamples=n_resamples)
    levels = levels_given([ratings], scales)
    return Validation(scope, scales, found.findings, found.gate, items, ratings, found.notes, levels)


def examine(
    facts: Facts,
    tally: Tally,
    raters: pd.DataFrame,
    scales: Mapping[str, Scale],
    notes: Sequence[str],
    *,
    rubric: Rubric | None = None,
    references: Mapping[str, str] | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Examined:
    """The same of items and ratings that are summed up already; parameters as of `assemble`."""
    notes = list(notes)
    declared = {axis.axis: list(axis.groups) for axis in rubric.context.populations} if rubric else {}
    wanted = {axis.axis: axis.reference for axis in rubric.context.populations} if rubric else references or {}
    axes = {axis: _in_declared_order(groups, declared.get(axis, ())) for axis, groups in group_sizes(facts).items()}
    if not axes:
        notes.append("The items carry no populations: everything is reported overall, and nothing can be said of any population.")
    chosen = {
        axis: wanted[axis] if wanted.get(axis) in groups else max(groups, key=lambda group: groups[group])
        for axis, groups in axes.items()
    }
    for axis, group in chosen.items():
        if wanted.get(axis) != group:
            notes.append(
                f"Gaps on axis {axis} are taken against its largest group, {group}: no reference was declared that the items have."
            )
    if tally.is_repeated.any() or (tally.humans["replicate"] > 0).any():
        notes.append("Where a rater rated an item more than once, the first rating counts.")
    attributes, left_out = _attributes(raters)
    notes += left_out
    epsilon = rubric.validity.alt_test_epsilon if rubric else EPSILON
    findings = [
        finding
        for criterion, scale in scales.items()
        for finding in estimates_of(criterion, scale, facts, tally, axes, chosen, attributes, epsilon, seed, n_resamples)
    ]
    for criterion, scale in scales.items():
        findings += preferences(criterion, scale, facts, tally, {axis: list(groups) for axis, groups in axes.items()})
    # The rubric asks nothing of populations that it does not name.
    named = [finding for finding in findings if finding.population is None or set(finding.population) <= set(declared)]
    return Examined(findings, gate(named, rubric.validity) if rubric else [], notes)


def group_sizes(facts: Facts) -> dict[str, dict[str, int]]:
    """Axes as they first appear, with their groups and sizes, the largest group first."""
    axes = {}
    shown = {axis: group for axis, group in facts.groups.items() if group.is_there.any()}
    for axis, group in sorted(shown.items(), key=lambda entry: int(np.argmax(entry[1].is_there))):
        counts = np.bincount(group.codes[group.is_there], minlength=len(group.values)).tolist()
        axes[axis] = {name: n for name, n in zip(group.values, counts, strict=True) if n}
    return {axis: dict(sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))) for axis, sizes in axes.items()}


def _in_declared_order(groups: Mapping[str, int], declared: Sequence[str]) -> dict[str, int]:
    """Groups as the rubric lists them, then those it does not know, largest first."""
    return {group: groups[group] for group in [*(g for g in declared if g in groups), *(g for g in groups if g not in declared)]}


def _attributes(raters: pd.DataFrame) -> tuple[dict[str, dict[str, str]], list[str]]:
    """By attribute, the group of each rater who states one; and a note on attributes with too many answers to be populations."""
    kept, left_out = {}, []
    for name in raters.columns.drop("rater_id"):
        stated = raters[(raters[name].astype("str") != "") & raters[name].notna()]
        if 2 <= stated[name].nunique() <= MAX_GROUPS:
            kept[str(name)] = dict(zip(stated["rater_id"], stated[name].astype("str"), strict=True))
        elif stated[name].nunique() > MAX_GROUPS:
            left_out.append(str(name))
    if not left_out:
        return kept, []
    return kept, [
        f"Raters are not compared by {', '.join(left_out)}: more than {MAX_GROUPS} different answers are no populations."
    ]
