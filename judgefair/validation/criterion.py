"""All that is estimated of one criterion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from judgefair.records import MISSING_REASONS
from judgefair.rubric.scale import Scale
from judgefair.runs.facts import Facts
from judgefair.runs.tally import Tally
from judgefair.statistics import (
    Estimate,
    alpha,
    alt_test,
    differential_functioning,
    gwet,
    icc,
    judge_alpha,
    judge_error,
    kappa,
    leave_one_out,
    missing_rate,
    pairwise_agreement,
    rater_alignment,
)
from judgefair.statistics.estimate import undefined
from judgefair.statistics.finding import Finding, Population
from judgefair.statistics.human_mean import mean_and_its_variance
from judgefair.statistics.resample import Floats

_NO_POINTS = "a nominal scale has no distances, so that no loss or error in scale points exists"
_NO_PAIR = "no item has both a judge's and a human's rating"
MAX_CELLS = 50_000_000
"""Of a table of raters by items; above it what needs such a table is left undefined, and says so."""


def estimates_of(
    criterion: str,
    scale: Scale,
    facts: Facts,
    tally: Tally,
    axes: Mapping[str, Mapping[str, int]],
    references: Mapping[str, str],
    attributes: Mapping[str, Mapping[str, str]],
    epsilon: float,
    seed: int,
    n_resamples: int,
) -> Iterator[Finding]:
    """Overall first, then axis by axis, then the judge's alignment with populations of raters.

    Parameters
    ----------
    axes, references : groups of each axis, and the one that gaps are taken against.
    attributes : by attribute of raters, the group of each rater_id.
    epsilon : of the alt-test.
    """
    of = _Criterion(criterion, scale, facts, tally, epsilon, seed, n_resamples)
    everything = np.ones(len(facts), dtype=bool)
    yield from of.agreement(None, everything)
    yield from of.error(None, np.full(len(facts), "all", dtype=object), "all", ["all"])
    yield from of.missing(None, everything)
    for axis, groups in axes.items():
        group_of = facts.group_of(axis)
        for group in groups:
            yield from of.agreement({axis: group}, group_of == group)
        yield from of.error(axis, group_of, references[axis], list(groups))
        yield from of.functioning(axis, group_of, references[axis], list(groups))
        for group in groups:
            yield from of.missing({axis: group}, group_of == group)
    for attribute, group_of_rater in attributes.items():
        yield from of.alignment(attribute, group_of_rater)


class _Criterion:
    """The ratings of one criterion as arrays."""

    def __init__(self, name: str, scale: Scale, facts: Facts, tally: Tally, epsilon: float, seed: int, n_resamples: int) -> None:
        self._name, self._scale, self._n_items, self._epsilon = name, scale, len(facts), epsilon
        self._drawn: dict[str, Any] = {"n_resamples": n_resamples, "rng": seed}
        judged = tally.judge[name]
        self._judge, self._expected, self._reason = judged.first, judged.first_expected, judged.first_reason
        rows = tally.humans[tally.humans["criterion"] == name].sort_values("replicate", kind="stable")
        rows = rows.assign(at=facts.place(rows["item_id"])).drop_duplicates(["at", "rater_id"])
        humans = rows[(rows["at"] >= 0) & rows["code"].notna()]
        self._human_item = humans["at"].to_numpy(dtype=np.int64)
        self._human_code = humans["code"].to_numpy(dtype=float)
        self._human_rater, self._raters = pd.factorize(humans["rater_id"])
        self._values = _by_turn(self._human_item, self._human_code, len(facts))
        self._units = facts.units
        self._has_scenarios = int(self._units.max(initial=-1)) + 1 < len(facts)

    def agreement(self, population: Population | None, chosen: np.ndarray) -> Iterator[Finding]:
        judge, values = self._judge[chosen], self._values[:, chosen]
        clusters = self._units[chosen] if self._has_scenarios else None
        pairs = chosen[self._human_item]
        n_raters = len(set(self._human_rater[pairs]))
        measurement = self._scale.measurement

        def tell(estimate: Estimate) -> Finding:
            return Finding(self._name, population, None, replace(estimate, n_raters=n_raters))

        yield tell(alpha(values, measurement, clusters, **self._drawn))
        yield tell(judge_alpha(judge, values, measurement, clusters, **self._drawn))
        yield tell(pairwise_agreement(values, clusters))
        domain = None if self._scale.kind == "interval" else np.array([self._scale.code(level) for level in self._scale.levels])
        yield tell(gwet(values, "quadratic" if measurement != "nominal" else "identity", clusters, domain=domain))
        by_rater, reason = self._by_rater(chosen)
        yield tell(icc(by_rater, "2,1") if self._scale.has_points and not reason else undefined("icc.2_1", reason or _NO_POINTS))
        a, b, units = self._judge[self._human_item][pairs], self._human_code[pairs], self._units[self._human_item][pairs]
        for weights in self._scale.kappa_weights:
            yield tell(kappa(a, b, weights, units, **self._drawn))  # type: ignore[arg-type]
        if self._scale.has_points:
            losses = leave_one_out(judge, values, clusters)
            yield from (tell(loss) for loss in (losses.human, losses.judge, losses.difference))
        else:
            yield from (tell(undefined(f"loo.{name}", _NO_POINTS)) for name in ("human", "judge", "difference"))
        if reason:
            yield from (tell(undefined(f"alt_test.{name}", reason)) for name in ("winning_rate", "advantage"))
            return
        score = "neg_rmse" if self._scale.has_points and len(self._scale.levels) > 2 else "accuracy"
        tested = alt_test(judge, by_rater, self._epsilon, score, clusters=clusters)
        yield Finding(self._name, population, None, tested.winning_rate)
        yield Finding(self._name, population, None, tested.advantage)

    def error(self, axis: str | None, group_of: np.ndarray, reference: str, groups: Sequence[str]) -> Iterator[Finding]:
        def tell(group: str, estimate: Estimate, against: str | None = None) -> Finding:
            population = None if axis is None else {axis: group}
            return Finding(self._name, population, None if against is None else {str(axis): against}, estimate)

        if not self._scale.has_points:
            for group in groups:
                yield tell(group, undefined("judge_error", _NO_POINTS))
                if group != reference:
                    yield tell(group, undefined("judge_error_gap", _NO_POINTS), reference)
            return
        rows = self._human_item
        found = judge_error(
            self._expected[rows], self._human_code, group_of[rows], reference, self._units[rows], raters=self._human_rater
        )
        for group in groups:
            estimate = found.by_population.get(group) or undefined("judge_error", _NO_PAIR)
            yield tell(group, self._with_items(estimate, rows, group_of == group))
        for group in groups:
            if group != reference:
                estimate = found.gaps.get(group) or undefined("judge_error_gap", _NO_PAIR)
                both = (group_of == group) | (group_of == reference)
                yield tell(group, self._with_items(estimate, rows, both), reference)

    def functioning(self, axis: str, group_of: np.ndarray, reference: str, groups: Sequence[str]) -> Iterator[Finding]:
        """Differential functioning, given the mean of an item's humans and how uncertain that mean is."""
        others = [group for group in groups if group != reference]
        if not self._scale.has_points or self._scale.kind == "interval":
            why = _NO_POINTS if not self._scale.has_points else "an interval scale has no levels for proportional odds"
            for group in others:
                for name in ("uniform", "nonuniform"):
                    yield Finding(self._name, {axis: group}, {axis: reference}, undefined(f"dif.{name}", why))
            return
        mean, variance = mean_and_its_variance(self._values)
        clusters = self._units if self._has_scenarios else None
        found = differential_functioning(self._judge, mean, group_of, reference, clusters, human_error_variance=variance)
        for group in others:
            for name, estimates in (("uniform", found.uniform), ("nonuniform", found.nonuniform)):
                estimate = estimates.get(group) or undefined(f"dif.{name}", _NO_PAIR)
                yield Finding(self._name, {axis: group}, {axis: reference}, estimate)

    def alignment(self, attribute: str, group_of_rater: Mapping[str, str]) -> Iterator[Finding]:
        """Alignment with populations of raters, under the axis `rater.<attribute>`."""
        axis = f"rater.{attribute}"
        everything = np.ones(self._n_items, dtype=bool)
        values, reason = self._by_rater(everything)
        groups = [group_of_rater.get(rater, "") for rater in self._raters]
        names = sorted(set(groups) - {""})
        if reason or not self._scale.has_points:
            for group in names:
                yield Finding(self._name, {axis: group}, None, undefined("rater_alignment", reason or _NO_POINTS))
            return
        clusters = self._units if self._has_scenarios else None
        found = rater_alignment(self._judge, values, groups, clusters)
        for group, estimate in found.by_group.items():
            yield Finding(self._name, {axis: group}, None, estimate)
        for group, estimate in found.gaps.items():
            yield Finding(self._name, {axis: group}, {axis: "all others"}, estimate)

    def missing(self, population: Population | None, chosen: np.ndarray) -> Iterator[Finding]:
        clusters = self._units[chosen] if self._has_scenarios else None
        for reason in MISSING_REASONS:
            yield Finding(self._name, population, None, missing_rate(self._reason[chosen] == reason, reason, clusters))

    def _by_rater(self, chosen: np.ndarray) -> tuple[Floats, str]:
        """Ratings as (n_raters, n_items) of the chosen items, raters without any left out; or why there is no such table."""
        rows = chosen[self._human_item]
        raters, who = np.unique(self._human_rater[rows], return_inverse=True)
        if len(raters) * int(chosen.sum()) > MAX_CELLS:
            size = f"{len(raters):,} raters by {int(chosen.sum()):,} items"
            return np.empty((0, 0)), f"a table of {size} is too large; validate on a sample of the items"
        table = np.full((len(raters), int(chosen.sum())), np.nan)
        table[who, (np.cumsum(chosen) - 1)[self._human_item[rows]]] = self._human_code[rows]
        return table, ""

    def _with_items(self, estimate: Estimate, rows: np.ndarray, chosen: np.ndarray) -> Estimate:
        kept = chosen[rows] & ~np.isnan(self._expected[rows])
        return replace(estimate, n_items=len(set(rows[kept])), n_raters=len(set(self._human_rater[kept])))


def _by_turn(item: np.ndarray, code: Floats, n_items: int) -> Floats:
    """Ratings as (most ratings of an item, n_items): agreement does not ask who rated, only what each item was given."""
    turn = pd.Series(item).groupby(item).cumcount().to_numpy(dtype=np.int64)
    values = np.full((int(turn.max(initial=0)) + 1, n_items), np.nan)
    values[turn, item] = code
    return values
