"""Can a reader tell from a text which population it concerns?"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import compared, others
from judgefair.lenses._texts import read_texts, sampled_rows, without_cues
from judgefair.records import Item
from judgefair.rubric.context import Axis
from judgefair.statistics.clustered_auc import SOURCE as AUC_SOURCE
from judgefair.statistics.clustered_auc import clustered_auc, cross_fitted_factor
from judgefair.statistics.distribution_shift import FOLDS, MIN_TEXTS, READER, WORD, cross_fitted
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.finding import Finding

SOURCE = f"classifier two-sample test: Lopez-Paz and Oquab 2017; {AUC_SOURCE}; cross-fitted: Nadeau and Bengio 2003"
BLIND = 0.55
"""A reader whose AUC is shown to lie below counts as one that cannot tell."""


def tell_apart(seen: Seen, lens: str, kind: str, text_of: Callable[[Item], str], versions: Mapping[str, bool]) -> Look:
    """For each population, how often a reader of other scenarios tells its texts from the reference's.

    Parameters
    ----------
    kind : what the texts are, such as queries.
    versions : by name of the estimand, whether the rubric's cues of the axis are taken out of the texts first.

    Raises
    ------
    DoesNotExtend : no two populations can be compared, or no item of them has a text.
    """
    n, axes = len(seen.facts), compared(seen)
    whole = seen.columns.is_whole[:n]
    of_axis = {axis.axis: np.flatnonzero((seen.groups(axis)[:n] != "") & whole) for axis in axes}
    drawn = {name: sampled_rows(rows, seen.columns.units, seen.seed) for name, rows in of_axis.items()}
    texts = read_texts(seen, drawn.values(), text_of)
    if not texts:
        raise DoesNotExtend(f"the items of the compared populations have no {kind}. It would need their texts")
    findings, says = list[Finding](), list[str]()
    for axis in axes:
        rows, n_all = drawn[axis.axis], len(of_axis[axis.axis])
        note = "" if len(rows) == n_all else f"{len(rows):,} of {n_all:,} items, of whole scenarios drawn at random"
        for group in others(axis):
            earlier: tuple[Mapping[int, str], Estimate] | None = None
            for what, is_without_cues in versions.items():
                read = _compared(seen, axis, group, rows, texts, without_cues(seen, axis) if is_without_cues else str)
                estimand = f"lens.{lens}.{what}"
                auc = (
                    earlier[1].renamed(estimand)
                    if earlier and earlier[0] == read
                    else _auc(seen, estimand, axis, group, read, note)
                )
                earlier = read, auc
                findings.append(Finding("all", {axis.axis: group}, {axis.axis: axis.reference}, auc))
                says.append(_said(axis, group, f"{kind} without declared cues" if is_without_cues else kind, auc))
    return Look(findings, says)


def _compared(
    seen: Seen, axis: Axis, group: str, rows: np.ndarray, texts: Mapping[int, str], prepare: Callable[[str], str]
) -> dict[int, str]:
    """The texts of a group and of the reference by row, "" where there is none."""
    mine = rows[np.isin(seen.groups(axis)[rows], [group, axis.reference])]
    return {row: prepare(texts.get(row, "")) for row in mine.tolist()}


def _auc(seen: Seen, estimand: str, axis: Axis, group: str, texts: Mapping[int, str], note: str) -> Estimate:
    units = seen.columns.units
    read = np.array([row for row, text in texts.items() if text.strip()], dtype=np.int64)
    is_group = seen.groups(axis)[read] == group
    n_missing = len(texts) - len(read)
    sides = [len(np.unique(units[read[side]])) for side in (is_group, ~is_group)]
    known: dict[str, Any] = {
        "n_items": len(read), "n_clusters": len(np.unique(units[read])), "n_missing": n_missing, "level": seen.confidence,
        "source": SOURCE, "seed": seen.seed,
    }  # fmt: skip
    words = [tuple(re.findall(WORD, texts[row].lower())) for row in read.tolist()]
    if min(sides) and _are_the_same(words, is_group, units[read]):
        return _of_the_same(estimand, known, note)
    if min(np.bincount(is_group, minlength=2)) < MIN_TEXTS or min(sides) < FOLDS:
        return undefined(
            estimand, f"{is_group.sum():,} and {(~is_group).sum():,} texts of {sides[0]:,} and {sides[1]:,} scenarios; {MIN_TEXTS} "
            f"texts and {FOLDS} scenarios of each are needed", **known,
        )  # fmt: skip
    try:
        told, fold = cross_fitted([texts[row] for row in read.tolist()], is_group.astype(int), units[read].astype(str), seen.seed)
    except ValueError as error:  # sklearn: no words at all
        return undefined(estimand, f"the texts have no words to tell them by ({error})", **known)
    found = clustered_auc(
        told,
        is_group,
        units[read],
        fold,
        variance_factor=cross_fitted_factor(FOLDS),
        estimand=estimand,
        confidence=seen.confidence,
    )
    how = f"{READER} of other scenarios, {FOLDS} folds, compared within folds; readers share texts: variance times {cross_fitted_factor(FOLDS)}"
    method = "; ".join(filter(None, [how, found.method, note]))
    return replace(found, method=method, n_missing=found.n_missing + n_missing, seed=seen.seed, source=SOURCE)


def _are_the_same(words: list[tuple[str, ...]], is_group: np.ndarray, units: np.ndarray) -> bool:
    """Whether in each scenario both populations have the same texts, as often."""
    texts: dict[int, tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]] = defaultdict(lambda: (Counter(), Counter()))
    for text, side, unit in zip(words, is_group.tolist(), units.tolist(), strict=True):
        texts[unit][side][text] += 1
    return all(one == other for one, other in texts.values())


def _of_the_same(estimand: str, known: Mapping[str, Any], note: str) -> Estimate:
    """Where texts differ in no scenario, nobody can tell: what is uncertain is in how many scenarios they would.

    If texts differ in a share p of scenarios, the best reader's AUC is at most 0.5 + p - p^2/2: it tells where either text differs from
    what both would say, and else guesses.
    """
    n = known["n_clusters"]
    p = 1 - (1 - known["level"]) ** (1 / n)
    reach = p - p**2 / 2
    method = (
        f"the texts of both have the same words in each of {n:,} scenarios, and no reader can tell; interval of any reader, since at most "
        f"{p:.1%} of scenarios differ (Clopper-Pearson, none of {n:,})"
    )
    return Estimate(
        estimand, 0.5, 0.5 - reach, 0.5 + reach, method="; ".join(filter(None, [method, note])),
        **dict(known) | {"source": "Clopper and Pearson 1934", "seed": None},
    )  # fmt: skip


def _said(axis: Axis, group: str, kind: str, auc: Estimate) -> str:
    who = f"{axis.axis} {group}, {kind}"
    if auc.high < BLIND:
        return f"{who}: blind. A reader tells them from those of {axis.reference} in at most {auc.high:.2f} of pairs, and 0.5 is chance."
    if auc.low > 0.5:
        return f"{who}: not blind. A reader tells them from those of {axis.reference} in {auc.value:.2f} of pairs, {auc.low:.2f} at least."
    return f"{who}: neither is shown. {auc.method if not auc.is_defined else f'The AUC may lie between {auc.low:.2f} and {auc.high:.2f}'}."
