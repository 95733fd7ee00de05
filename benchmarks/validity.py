"""Do corrected intervals hold the true gap, and are verdicts right as often as they claim? A simulation study.

Run as `python benchmarks/validity.py`; it writes validity.md and validity.csv beside itself, and exits with 1 where a claim
breaks. Every regime below states a truth, draws data from it, and asks the package's own `disparity` and `verdicts`.

An answer to item i has a merit x_i, standard normal about its population's mean. A rater gives the level that x_i + noise
falls into, and a human label is the mean of an item's raters. The judge sees a mixture of x_i and noise, plus its bias. A
population's true mean is that over infinitely many items and raters: E[rating | x], a sum of normal distribution functions,
integrated over x by quadrature, to about 12 digits. The populations' merits are solved for from the wanted gaps. Items are
exchangeable, so that the first ones of a population are as good as a random sample for labels.
"""

import argparse
import csv
import platform
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import brentq
from scipy.special import ndtr

from judgefair.estimation.verdicts import Contrast, verdicts
from judgefair.rubric.context import Axis, Group
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.scale import make_scale
from judgefair.statistics import disparity, missingness_bounds
from judgefair.statistics.disparity import MIN_LABELLED, MIN_UNUSUAL

SEED, N_REPLICATIONS, N_PER_HUMAN = 20260, 2000, 4
"""Humans alone are asked in every fourth replication: widths vary little."""
CONFIDENCE, ERROR = 0.95, 0.05
COVERAGE, USUAL, GOOD, NARROWER, NO_WIDER = (0.93, 0.97), 0.9, 0.79, 0.75, 1.05
GRID = np.linspace(-12, 12, 6001)
"""Of merit, for quadrature; the integrands are smooth and vanish at its ends."""


@dataclass(frozen=True)
class Regime:
    """One truth, and how it is observed. Tuples go by population, the reference first.

    Attributes
    ----------
    gaps : true gaps of the other populations to the reference, in tolerances: 1 lies on the boundary, where neither
        `disparity` nor `equivalent` is right and both errors are as frequent as they get.
    at : mean merit of the reference; 0 is the middle of the scale.
    skill : correlation of what the judge sees with merit. `correlation` in the table is of its ratings with labels.
    bias : what the judge adds to merit.
    says_levels : the judge gives a level; otherwise its expected rating.
    per_scenario, is_shared, alike : items of one population a scenario; whether populations share scenarios; the share of
        the variance, of merit and of the judge's noise, that items of a scenario have in common.
    is_scattered : each population's labels are drawn by item on their own, not by scenario for all populations alike.
    judge_missing, human_missing, rater_missing : rates, for items and labels by population, for single raters' ratings.
    judge_misses : at random, or items of little merit.
    humans_miss : at random, or items of much merit; the latter breaks what the interval assumes.
    is_useless : the judge's ratings say nothing of merit.
    holds : labels are a random sample, so that the claims about coverage and errors of verdicts apply.
    """

    name: str
    about: str
    items: tuple[int, ...]
    labels: tuple[int, ...]
    gaps: tuple[float, ...]
    tolerance: float
    is_binary: bool = False
    at: float = 0.0
    skill: float = 0.9
    bias: tuple[float, ...] = ()
    says_levels: bool = True
    n_raters: int = 3
    noise: float = 0.6
    per_scenario: int = 1
    is_shared: bool = False
    alike: float = 0.5
    is_scattered: bool = False
    judge_missing: tuple[float, ...] = ()
    judge_misses: str = "at random"
    human_missing: tuple[float, ...] = ()
    humans_miss: str = "at random"
    rater_missing: float = 0.0
    is_useless: bool = False
    holds: bool = True

    @property
    def is_too_few(self) -> bool:
        """Whether some population has fewer labels than a verdict needs."""
        return min(self.labels) < MIN_LABELLED

    @property
    def can_narrow(self) -> bool:
        """Whether a good judge knows much more than the labels: ten times the items, and no scenarios that populations share."""
        return not self.is_shared and all(10 * n <= items for n, items in zip(self.labels, self.items, strict=True))


REGIMES = [
    Regime(
        "plain", "an unbiased judge and no gap",
        (2000,) * 2, (200,) * 2, (0,), 0.25,
    ),
    Regime(
        "judge makes a gap", "the judge favours one population; there is no gap",
        (2000,) * 2, (200,) * 2, (0,), 0.25, bias=(0, 0.4),
    ),
    Regime(
        "judge hides a gap", "a gap of three tolerances, which the judge's bias outweighs",
        (2000,) * 2, (200,) * 2, (-3,), 0.2, bias=(0, 0.6),
    ),
    Regime(
        "boundary, strong judge", "gaps on the boundary and 10 raters; the judge is too kind to all alike",
        (2500,) * 3, (250,) * 3, (1, -1), 0.2, bias=(0.3,) * 3, n_raters=10, skill=0.975, says_levels=False,
    ),
    Regime(
        "far beyond", "gaps of four tolerances and of none, a strong judge and 10 raters",
        (1500,) * 3, (150,) * 3, (4, 0), 0.2, bias=(0, 0.2, -0.2), n_raters=10, skill=0.975, says_levels=False,
    ),
    Regime(
        "narrow tolerance", "no gap, and a tolerance of nearly none, so that every false alarm counts",
        (500,) * 6, (50,) * 6, (0,) * 5, 0.001, bias=(0, 0.3, -0.3, 0.5, 0, 0.2),
    ),
    Regime(
        "12 populations", "eleven gaps on the boundary, biases that differ",
        (300,) * 12, (50,) * 12, (1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1), 0.5,
        bias=(0, 0.3, -0.3, 0, 0.4, 0, 0, -0.4, 0.2, 0, 0, 0.1),
    ),
    Regime(
        "8 populations, few labels", "seven populations without a gap, 30 labels each, biases that differ",
        (300,) * 8, (30,) * 8, (0,) * 7, 0.6, bias=(0, 0.3, -0.3, 0, 0.4, 0, 0, -0.4),
    ),
    Regime(
        "25 labels", "the fewest labels that earn a verdict; gaps on the boundary",
        (500,) * 4, (25,) * 4, (1, -1, 1), 0.6, bias=(0, 0.3, 0, -0.3),
    ),
    Regime(
        "25 labels, binary", "the same on a scale of two levels, one rater an item",
        (500,) * 2, (25,) * 2, (1,), 0.3, is_binary=True, at=-0.4, bias=(0, 0.3), n_raters=1,
    ),
    Regime(
        "25 labels, skewed", "nearly all answers get the best level",
        (500,) * 3, (25,) * 3, (-1, 1), 0.25, at=1.6, bias=(0, 0.3, 0), n_raters=1,
    ),
    Regime(
        "20 labels", "too few labels for any verdict, and a gap of five tolerances",
        (500,) * 3, (20,) * 3, (5, 0), 0.25,
    ),
    Regime(
        "binary", "gaps on the boundary, one rater an item, a judge that gives probabilities",
        (1500,) * 3, (150,) * 3, (1, -1), 0.12, is_binary=True, skill=0.97, bias=(0, 0.4, -0.2), n_raters=1, noise=0.25,
        says_levels=False,
    ),
    Regime(
        "binary, rare", "a tenth of the reference's answers are good; a gap on the boundary and none",
        (1000,) * 3, (100,) * 3, (1, 0), 0.12, is_binary=True, at=-1.5, bias=(0, -0.4, 0.2), n_raters=1,
    ),
    Regime(
        "rare, 30 labels", "a good answer in ten and 30 labels: most samples vary too little for an interval; no gap",
        (600,) * 2, (30,) * 2, (0,), 0.2, is_binary=True, at=-1.5, bias=(0, 0.3), n_raters=1,
    ),
    Regime(
        "rare, unequal", "the same with 200 labels of the reference; a gap on the boundary",
        (2000, 300), (200, 30), (1,), 0.1, is_binary=True, at=-1.5, bias=(0, 0.3), n_raters=1,
    ),
    Regime(
        "shared scenarios", "two answers a scenario and population, labels of whole scenarios; gaps on the boundary",
        (600,) * 3, (100,) * 3, (1, -1), 0.25, bias=(0, 0.4, 0), per_scenario=2, is_shared=True,
    ),
    Regime(
        "shared, labels scattered", "the same, each population's labels drawn by item on their own",
        (600,) * 3, (100,) * 3, (1, -1), 0.25, bias=(0, 0.4, 0), per_scenario=2, is_shared=True, is_scattered=True,
    ),
    Regime(
        "own scenarios", "six answers a scenario, 30 labelled scenarios of 300 for each population",
        (1800,) * 3, (180,) * 3, (1, 0), 0.4, bias=(0, 0.4, -0.4), per_scenario=6,
    ),
    Regime(
        "unequal sizes", "5,000 and 300 items, 500 and 30 labels; gaps on the boundary",
        (5000, 300, 300), (500, 30, 30), (1, -1), 0.5, bias=(0, 0.4, 0),
    ),
    Regime(
        "small reference", "30 labels of the reference, 500 of two populations, whose gaps lie on opposite boundaries",
        (300, 2000, 2000), (30, 500, 500), (1, -1), 0.5, bias=(0, 0.4, 0),
    ),
    Regime(
        "useless judge", "the judge's ratings are noise; gaps on the boundary",
        (2000,) * 3, (200,) * 3, (1, -1), 0.3, skill=0.0, bias=(0, 0.5, 0), is_useless=True,
    ),
    Regime(
        "useless judge, 30 labels", "the judge's ratings are noise; gaps on the boundary",
        (600,) * 3, (30,) * 3, (1, -1), 0.7, skill=0.0, bias=(0, 0.5, 0), n_raters=1, is_useless=True,
    ),
    Regime(
        "all labelled", "500 items, each with labels of 10 raters",
        (500,) * 2, (500,) * 2, (1,), 0.2, bias=(0, 0.4), n_raters=10,
    ),
    Regime(
        "missing at random", "2 % of the judge's, 30 % of the humans' ratings are missing, and 30 % of their raters",
        (2000,) * 2, (200,) * 2, (1,), 0.25, bias=(0, 0.4), judge_missing=(0.02,) * 2, human_missing=(0.3,) * 2,
        rater_missing=0.3,
    ),
    Regime(
        "human missing by population", "two thirds of one population's labels are missing, of the other's none",
        (2000,) * 2, (200,) * 2, (1,), 0.3, bias=(0, 0.4), human_missing=(0, 0.67),
    ),
    Regime(
        "judge missing by population", "no rating of 30 % of one population, the weak answers: enough to feign a gap; there is none",
        (2000,) * 2, (400,) * 2, (0,), 0.1, judge_missing=(0, 0.3), judge_misses="the weak",
    ),
    Regime(
        "judge missing, boundary", "no rating of 3 % of one population, the weak answers; a gap on the boundary",
        (2000,) * 2, (500,) * 2, (1,), 0.25, judge_missing=(0, 0.03), judge_misses="the weak",
    ),
    Regime(
        "labels not at random", "a control that must fail: humans left out the good answers of one population",
        (2000,) * 2, (300,) * 2, (0,), 0.2, human_missing=(0, 0.4), humans_miss="the good", holds=False,
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is observed: (n_items,) columns; human nan where unlabelled, judge nan where missing."""

    judge: np.ndarray
    human: np.ndarray


class World:
    """A regime's truth, and draws from it."""

    def __init__(self, regime: Regime) -> None:
        self.regime = regime
        self.low, self.cuts = (0, np.zeros(1)) if regime.is_binary else (1, np.array([-1.5, -0.5, 0.5, 1.5]))
        self.high = self.low + len(self.cuts)
        self.names = [f"p{k:02d}" for k in range(len(regime.items))]
        self.reference, self.others = self.names[0], self.names[1:]
        self.code = np.repeat(np.arange(len(self.names)), regime.items)
        self.population = np.array(self.names, dtype=object)[self.code]
        self.place = np.concatenate([np.arange(n) for n in regime.items])
        scenario = self.place // regime.per_scenario
        self.scenario = scenario if regime.is_shared else np.unique(self.code * 1_000_000 + scenario, return_inverse=True)[1]
        self.clusters = self.scenario if regime.is_shared or regime.per_scenario > 1 else None
        self.labels = np.array(regime.labels)[self.code]
        reference = self.mean(regime.at)
        self.merit = np.array([regime.at] + [self._solved(reference + gap * regime.tolerance) for gap in regime.gaps])
        rated = [self.mean(merit, rate) for merit, rate in zip(self.merit, self._rates(regime.judge_missing), strict=True)]
        self.gap_of_rated = np.array(rated[1:]) - rated[0]

    @cached_property
    def criterion(self) -> Criterion:
        """What `verdicts` is asked about."""
        kind = "binary" if self.regime.is_binary else "ordinal"
        levels = dict.fromkeys(range(self.low, self.high + 1))
        return Criterion(
            id="merit", question="How good is it?", stakeholder="simulated", harms=["none"], scale=make_scale(kind, levels),
            better="higher", tolerance=self.regime.tolerance, roles={"axis": "must_ignore"},
        )  # fmt: skip

    @cached_property
    def axis(self) -> Axis:
        """The populations of the regime."""
        return Axis(axis="axis", reference=self.reference, groups={name: Group(cues=None) for name in self.names})

    def mean(self, merit: float, judge_missing: float = 0.0) -> float:
        """True mean rating of a population, among the items that the judge rates."""
        weight = np.exp(-((GRID - merit) ** 2) / 2) * (1 - judge_missing * self._missed(GRID, self.regime.judge_misses))
        return float((weight * self._expected(GRID, self.regime.noise)).sum() / weight.sum())

    def draw(self, rng: np.random.Generator) -> Drawn:
        """One study."""
        regime, n = self.regime, len(self.code)
        merit, blur = (self._normal(rng) for _ in range(2))
        merit += self.merit[self.code]
        seen = (
            regime.skill * merit + np.sqrt(1 - regime.skill**2) * blur + (np.array(regime.bias)[self.code] if regime.bias else 0)
        )
        judge = self._level(seen) if regime.says_levels else self._expected(seen, 0.5)
        order = self._scattered(rng) if regime.is_scattered else self.place
        chosen = np.flatnonzero(order < self.labels)
        ratings = self._level(merit[chosen] + regime.noise * rng.standard_normal((regime.n_raters, len(chosen))))
        if regime.rater_missing:  # the first rater is always there
            ratings[1:][rng.random(ratings[1:].shape) < regime.rater_missing] = np.nan
        human = np.full(n, np.nan)
        human[chosen] = np.nanmean(ratings, axis=0)
        human[rng.random(n) < self._rates(regime.human_missing)[self.code] * self._missed(merit, regime.humans_miss)] = np.nan
        judge[rng.random(n) < self._rates(regime.judge_missing)[self.code] * self._missed(merit, regime.judge_misses)] = np.nan
        return Drawn(judge, human)

    def _solved(self, wanted: float) -> float:
        return float(brentq(lambda merit: self.mean(merit) - wanted, -8, 8, xtol=1e-13))

    def _expected(self, merit: np.ndarray, noise: float) -> np.ndarray:
        return np.asarray(self.low + sum(ndtr((merit - cut) / noise) for cut in self.cuts))

    def _level(self, merit: np.ndarray) -> np.ndarray:
        return self.low + np.searchsorted(self.cuts, merit).astype(float)

    def _normal(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal, in part common to the items of a scenario."""
        own = rng.standard_normal(len(self.code))
        if self.clusters is None:
            return own
        common = rng.standard_normal(self.scenario.max() + 1)[self.scenario]
        return np.asarray(np.sqrt(self.regime.alike) * common + np.sqrt(1 - self.regime.alike) * own)

    def _scattered(self, rng: np.random.Generator) -> np.ndarray:
        return np.concatenate([rng.permutation(n) for n in self.regime.items])

    def _rates(self, rates: tuple[float, ...]) -> np.ndarray:
        return np.array(rates) if rates else np.zeros(len(self.regime.items))

    @staticmethod
    def _missed(merit: np.ndarray, which: str) -> np.ndarray:
        """How much more often than its population's rate an item is missing: 1 on average about a merit of 0."""
        if which == "at random":
            return np.ones_like(merit)
        return 2 * ndtr(2 * merit if which == "the good" else -2 * merit)


@dataclass(frozen=True, slots=True)
class Study:
    """One replication: by contrast, and nan where there is no interval that the labels can bear.

    `products` are the sums of judge times labels, judge squared and labels squared, about the means of populations.
    """

    covers: np.ndarray
    raw_covers: np.ndarray
    human_covers: np.ndarray
    width: np.ndarray
    human_width: np.ndarray
    together: float
    answers: tuple[str, ...]
    products: np.ndarray


def study(world: World, drawn: Drawn, with_humans: bool) -> Study:
    """The package's own gaps and verdicts, as `estimate` makes them from a run with its own labels."""
    judge, human = drawn.judge, drawn.human
    gaps = disparity(judge, human, world.population, world.reference, world.clusters)
    lost = {name: float(np.isnan(judge[world.code == k]).mean()) for k, name in enumerate(world.names)}
    means, contrasts = gaps.mean_corrected, []
    for name in world.others:
        corrected = gaps.corrected[name]
        bounds = missingness_bounds(
            corrected, means[name].value, means[world.reference].value, lost[name], lost[world.reference], world.low, world.high
        )
        reasons = [gaps.weak[name]] if gaps.weak[name] else []
        contrasts.append(
            Contrast(
                world.criterion,
                world.axis,
                name,
                gaps,
                gaps.raw[name],
                corrected,
                gaps.judge_made[name],
                bounds,
                reasons=reasons,
                contradiction="",
                plan=None,
                df=gaps.linear[name].fewest - 1,
            )
        )
    given = verdicts(contrasts, "human", False, CONFIDENCE, 0)
    usable = np.array([contrast.has_interval for contrast in contrasts])
    low, high = np.array([verdict.for_disparity[:2] for verdict in given]).T
    held = (low <= world.gap_of_rated) & (world.gap_of_rated <= high)
    covers, width = _covers([gaps.corrected[name] for name in world.others], world.gap_of_rated, usable)
    raw_covers, _ = _covers([gaps.raw[name] for name in world.others], world.gap_of_rated, np.ones(len(usable), dtype=bool))
    human_covers = human_width = np.full(len(usable), np.nan)
    if with_humans:
        alone = disparity(judge, human, world.population, world.reference, world.clusters, 0.0)
        human_covers, human_width = _covers([alone.corrected[name] for name in world.others], world.gap_of_rated, usable)
    together = float(held[usable].all()) if usable.any() else np.nan
    answers = tuple(verdict.answer for verdict in given)
    products = _products(world, drawn)
    return Study(covers, raw_covers, human_covers, width, human_width, together, answers, products)


def _covers(estimates: Sequence, truth: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = (np.array([getattr(estimate, end) for estimate in estimates]) for end in ("low", "high"))
    usable = usable & ~np.isnan(low)
    return np.where(usable, (low <= truth) & (truth <= high), np.nan), np.where(usable, high - low, np.nan)


def _products(world: World, drawn: Drawn) -> np.ndarray:
    both = ~np.isnan(drawn.judge) & ~np.isnan(drawn.human)
    code = world.code[both]
    counts = np.maximum(np.bincount(code), 1)
    x, y = (values[both] - (np.bincount(code, values[both]) / counts)[code] for values in (drawn.judge, drawn.human))
    return np.array([x @ y, x @ x, y @ y])


@dataclass(frozen=True, slots=True)
class Result:
    """Of one regime, over its replications; nan where nothing is to be counted.

    Attributes
    ----------
    coverage, raw_coverage, human_coverage : share of pointwise 95 % intervals that hold the true gap, over contrasts.
    error : Monte Carlo standard error of `coverage`, by replication.
    with_interval : share of contrasts whose labels can bear an interval.
    together : share of replications in which all simultaneous 95 % intervals of the family hold.
    width_ratio : mean width of corrected intervals over that of the humans' labels alone (lam = 0).
    false_disparity, false_equivalence : share of replications with any such verdict where the gap is within, or not within,
        the tolerance; on the boundary both are false.
    undetermined : share of verdicts.
    right : share of verdicts, of contrasts off the boundary.
    correlation : of judge and labels within populations.
    """

    regime: Regime
    n_replications: int
    correlation: float
    coverage: float
    error: float
    raw_coverage: float
    human_coverage: float
    with_interval: float
    together: float
    width: float
    human_width: float
    width_ratio: float
    false_disparity: float
    false_equivalence: float
    undetermined: float
    right: float


def simulate(regime: Regime, n_replications: int, seed: int = SEED) -> Result:
    """All replications of a regime."""
    world = World(regime)
    return summary(regime, [replication(world, k, seed) for k in range(n_replications)])


def replication(world: World, k: int, seed: int) -> Study:
    """The k-th; its data depend on the seed, the regime's name and k only."""
    drawn = world.draw(np.random.default_rng([seed, zlib.crc32(world.regime.name.encode()), k]))
    return study(world, drawn, with_humans=k % N_PER_HUMAN == 0)


def summary(regime: Regime, studies: Sequence[Study]) -> Result:
    """Means over replications."""
    gaps, answers = np.abs(regime.gaps), np.array([each.answers for each in studies])
    covers = np.array([each.covers for each in studies])
    width, human_width = (np.array([getattr(each, name) for each in studies]) for name in ("width", "human_width"))
    width_ratio = _mean(np.where(np.isnan(human_width), np.nan, width)) / _mean(human_width)
    inside, outside = gaps <= 1, gaps >= 1
    right = np.where(gaps < 1, "equivalent", "disparity")
    products = np.sum([each.products for each in studies], axis=0)
    return Result(
        regime, len(studies), float(products[0] / np.sqrt(products[1] * products[2])),
        _mean(covers), _clustered_error(covers), _mean(np.array([each.raw_covers for each in studies])),
        _mean(np.array([each.human_covers for each in studies])), float((~np.isnan(covers)).mean()),
        _mean(np.array([each.together for each in studies])),
        _mean(width), _mean(human_width), width_ratio,
        float((answers[:, inside] == "disparity").any(axis=1).mean()) if inside.any() else np.nan,
        float((answers[:, outside] == "equivalent").any(axis=1).mean()) if outside.any() else np.nan,
        float((answers == "undetermined").mean()), _mean((answers == right)[:, gaps != 1].astype(float)),
    )  # fmt: skip


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if values.size and not np.isnan(values).all() else np.nan


def _clustered_error(values: np.ndarray) -> float:
    """Standard error of the mean, where the contrasts of one replication are one cluster."""
    counts = (~np.isnan(values)).sum()
    moved = np.nansum(values - _mean(values), axis=1)
    return float(np.sqrt((moved**2).sum()) / counts) if counts else np.nan


def broken(result: Result, n_errors: float = 2.0) -> list[str]:
    """What the regime shows against the claims, by more than so many Monte Carlo errors."""
    regime, found = result.regime, []
    if regime.is_too_few:
        if result.undetermined < 1:
            found.append(f"{1 - result.undetermined:.1%} of verdicts are given, on fewer than {MIN_LABELLED} labels")
        return [f"{regime.name}: {problem}" for problem in found]
    n = result.n_replications
    if regime.holds:
        n_used = max(result.with_interval * n * len(regime.gaps), 1)
        margin = n_errors * max(result.error, _error(CONFIDENCE, n_used))
        low, high = COVERAGE[0] - margin, COVERAGE[1] + margin if result.with_interval >= USUAL else 1.0
        if result.coverage < low or result.coverage > high:
            found.append(f"coverage is {result.coverage:.3f} (claimed: {COVERAGE[0]} to {COVERAGE[1]})")
        if result.together < COVERAGE[0] - n_errors * _error(COVERAGE[0], max(result.with_interval * n, 1)):
            found.append(f"all intervals together hold in {result.together:.3f} (claimed: at least {COVERAGE[0]})")
        for name in ("false_disparity", "false_equivalence"):
            rate = getattr(result, name)
            if rate > ERROR + n_errors * _error(ERROR, n):
                found.append(f"{name.replace('_', ' ')} is {rate:.3f} (claimed: at most {ERROR})")
    if regime.can_narrow and result.correlation >= GOOD and not result.width_ratio <= NARROWER:
        found.append(f"corrected is {result.width_ratio:.3f} times as wide as humans alone (claimed: at most {NARROWER})")
    if regime.is_useless and not result.width_ratio <= NO_WIDER:
        found.append(f"corrected is {result.width_ratio:.3f} times as wide as humans alone (claimed: at most {NO_WIDER})")
    return [f"{regime.name}: {problem}" for problem in found]


def _error(rate: float, n: float) -> float:
    return float(np.sqrt(rate * (1 - rate) / n))


COLUMNS: Mapping[str, Callable[[Result], str]] = {
    "regime": lambda r: r.regime.name,
    "scale": lambda r: "binary" if r.regime.is_binary else "1-5",
    "populations": lambda r: str(len(r.regime.items)),
    "items": lambda r: _sizes(r.regime.items),
    "labels": lambda r: _sizes(r.regime.labels),
    "correlation": lambda r: _number(r.correlation),
    "coverage": lambda r: "-" if np.isnan(r.coverage) else f"{r.coverage:.3f} ± {r.error:.3f}",
    "with interval": lambda r: _number(r.with_interval),
    "all at once": lambda r: _number(r.together),
    "raw coverage": lambda r: _number(r.raw_coverage),
    "width ratio": lambda r: _number(r.width_ratio),
    "false disparity": lambda r: _number(r.false_disparity),
    "false equivalence": lambda r: _number(r.false_equivalence),
    "undetermined": lambda r: _number(r.undetermined),
    "right": lambda r: _number(r.right),
}
MORE: Mapping[str, Callable[[Result], str]] = {
    "tolerance": lambda r: f"{r.regime.tolerance:g}",
    "gaps in tolerances": lambda r: " ".join(f"{gap:g}" for gap in r.regime.gaps),
    "coverage error": lambda r: _number(r.error),
    "human-only coverage": lambda r: _number(r.human_coverage),
    "width": lambda r: _number(r.width),
    "human-only width": lambda r: _number(r.human_width),
    "replications": lambda r: str(r.n_replications),
}


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _sizes(sizes: Sequence[int]) -> str:
    return " ".join(f"{size:,}" for size in (sizes[:1] if len(set(sizes)) == 1 else sizes))


def markdown(results: Sequence[Result]) -> Iterator[str]:
    """The table with what it rests on, line by line."""
    n = results[0].n_replications
    command = "python benchmarks/validity.py" + (f" --replications {n}" if n != N_REPLICATIONS else "")
    yield "# How often corrected intervals hold the true gap, and verdicts are wrong\n"
    yield (
        f"All data are simulated. `{command}`, seed {SEED}, {n:,} replications a regime; "
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}.\n"
    )
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for result in results:
        yield f"| {' | '.join(tell(result) for tell in COLUMNS.values())} |"
    yield "\n## Columns\n"
    yield f"""\
- items, labels: a population; one number where all have the same.
- correlation: of the judge's ratings with human labels, within populations.
- coverage: of the nominal 95 % interval of the corrected gap, over contrasts, where the labels can bear an interval, with
  its Monte Carlo standard error. Where the judge did not rate all items it is that of the gap among the rated ones.
- with interval: share of contrasts whose labels can bear an interval: at least {MIN_LABELLED} labelled scenarios of either
  population, of which {MIN_UNUSUAL} differ from the most usual label. The others are undetermined.
- all at once: share of replications in which all simultaneous 95 % intervals of the family hold.
- raw coverage: the same for the gap of the judge's own ratings.
- width ratio: mean width of corrected intervals over that from human labels alone.
- false disparity: share of replications with any verdict `disparity` where the true gap is within the tolerance or on its
  boundary. False equivalence: with any verdict `equivalent` where it is beyond the tolerance or on its boundary.
- undetermined: share of verdicts. Right: share of verdicts, of the gaps that lie off the boundary.
- A dash: nothing to count."""
    yield "\n## Regimes\n"
    for result in results:
        yield f"- {result.regime.name}: {result.regime.about}."
    yield "\n## Claims\n"
    yield f"""\
- Coverage is {COVERAGE[0]} to {COVERAGE[1]} in every regime whose labels are a random sample of the items. Where fewer than nine in ten
  contrasts have an interval, those that have one are unusual samples, and only the lower end is claimed.
- False disparity and false equivalence are at most {ERROR}, on the boundary too.
- A judge that correlates with human labels by 0.8 (counted from {GOOD}) makes intervals at least a quarter narrower, where at most
  a tenth of each population's items is labelled and populations share no scenarios. A useless judge widens them by no more
  than a twentieth.
- Below {MIN_LABELLED} labelled scenarios a verdict is always undetermined.

Simulated raters differ by noise that is new in every rating. Intervals take the raters as they are: that others would have
been stricter to one population is not in them.
"""
    problems = [problem for result in results for problem in broken(result)]
    yield "\n".join(f"- BROKEN: {problem}." for problem in problems) if problems else "All hold, up to two Monte Carlo errors."


def write(results: Sequence[Result], out: Path) -> None:
    """validity.md and validity.csv."""
    (out / "validity.md").write_text("\n".join(markdown(results)) + "\n", encoding="utf-8")
    with (out / "validity.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS | MORE)
        writer.writerows([tell(result) for tell in (COLUMNS | MORE).values()] for result in results)


def main() -> int:
    """0 where every claim holds in every regime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=N_REPLICATIONS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of validity.md and validity.csv")
    parser.add_argument("--only", help="regimes whose name contains this; no file is written")
    options = parser.parse_args()
    results = []
    for regime in REGIMES:
        if options.only is None or options.only in regime.name:
            results.append(simulate(regime, options.replications))
            print(" | ".join(f"{name} {tell(results[-1])}" for name, tell in (COLUMNS | MORE).items()), flush=True)
    problems = [problem for result in results for problem in broken(result)]
    if options.only is None:
        write(results, options.out)
    for problem in problems:
        print(f"BROKEN CLAIM: {problem}")
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
