"""What do the judges of a context say together, and for how many judges do they count?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judgefair.comparison.held import Held
from judgefair.comparison.rated import Rated
from judgefair.models.family import SCRIPTED, family
from judgefair.rubric.scale import Scale
from judgefair.statistics import Estimate, effective_judges, error_correlation, judge_alpha, panel
from judgefair.statistics.clustered import SOURCE
from judgefair.statistics.error_correlation import MEAN, PAIR
from judgefair.statistics.estimate import undefined
from judgefair.statistics.finding import Population
from judgefair.statistics.human_mean import mean_and_its_variance
from judgefair.statistics.panel import Combine
from judgefair.statistics.ppi_mean import mean_by_unit
from judgefair.statistics.resample import Floats

ALONE = "absolute_error"
NO_POINTS = "a nominal scale has no distances, so that no error in scale points exists that judges could share"
NO_PAIR = "no item has both a rating and a human's"
DISTINCT = 1000
"""A mean of judges has ever more distinct values; alpha reads it in so many steps of the scale at most."""


@dataclass(frozen=True, slots=True)
class Combined:
    """The judges' ratings made into one, held against the humans.

    Attributes
    ----------
    combine : mean, median or majority.
    agreement : `panel.alpha.COMBINE`; of the mean, which may lie between levels, with interval distances.
    absolute_error : `panel.absolute_error.COMBINE`, mean distance to the mean of an item's humans, in scale points.
    n_tied : items without a rating since two levels or more were named equally often, and most often.
    n_missing : items without one since half of the judges or fewer rated them.
    """

    combine: Combine
    agreement: Estimate
    absolute_error: Estimate
    n_tied: int
    n_missing: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {"combine": self.combine, "n_tied": self.n_tied, "n_missing": self.n_missing}
        return told | {"agreement": self.agreement.to_json(), "absolute_error": self.absolute_error.to_json()}


@dataclass(frozen=True, slots=True)
class PanelFindings:
    """What a panel shows on all items of a context, or on those of one population.

    Attributes
    ----------
    population : None is all items.
    n_items : how many there are, rated or not.
    combined : one for each way of combining that the scale bears.
    alone : by judge, `absolute_error` as of the panel.
    correlation : of the judges' errors, over all pairs; `panel.error_correlation.mean`.
    by_pair : the same of two judges, by their names; `panel.error_correlation`.
    effective : `panel.effective_judges`.
    """

    population: Population | None
    n_items: int
    combined: Sequence[Combined]
    alone: Mapping[str, Estimate]
    correlation: Estimate
    by_pair: Mapping[tuple[str, str], Estimate]
    effective: Estimate

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "population": None if self.population is None else dict(self.population),
            "n_items": self.n_items,
            "combined": [combined.to_json() for combined in self.combined],
            "alone": [{"judge": judge, **estimate.to_json()} for judge, estimate in self.alone.items()],
            "correlation": self.correlation.to_json(),
            "by_pair": [{"first": pair[0], "second": pair[1], **told.to_json()} for pair, told in self.by_pair.items()],
            "effective": self.effective.to_json(),
        }

    def estimates(self) -> Iterator[Estimate]:
        """All of them, those of judges alone aside."""
        for combined in self.combined:
            yield from (combined.agreement, combined.absolute_error)
        yield from (self.correlation, self.effective)


@dataclass(frozen=True, slots=True)
class Panel:
    """All judges of one context that rated a criterion, together.

    Attributes
    ----------
    judges : names of the `Judge`s.
    left_out : judges of the context that gave no rating of the criterion.
    kin : by model family, or by model where its family is not known, the judges that share it, where there are several.
    findings : of all items first, then population by population; nothing is pooled over populations.
    """

    context: str
    criterion: str
    judges: Sequence[str]
    left_out: Sequence[str]
    kin: Mapping[str, Sequence[str]]
    findings: Sequence[PanelFindings]

    @property
    def name(self) -> str:
        """Its judges in one word."""
        return f"panel({', '.join(self.judges)})"

    def find(self, population: Population | None = None) -> PanelFindings:
        """Of all items, or of one population; KeyError where there are none of it."""
        for found in self.findings:
            if found.population == population:
                return found
        raise KeyError(f"no findings for {population or 'all items'}")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {
            "context": self.context,
            "criterion": self.criterion,
            "judges": list(self.judges),
            "left_out": list(self.left_out),
        }
        kin = {name: list(judges) for name, judges in self.kin.items()}
        return told | {"kin": kin, "findings": [found.to_json() for found in self.findings]}


def panel_of(
    context: str,
    criterion: str,
    here: Sequence[tuple[Held, Rated]],
    row_of: Mapping[str, str],
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    rng: int = 0,
) -> Panel | None:
    """The panel of all judges of a context; None where fewer than two of them rated the criterion.

    Parameters
    ----------
    here : the runs of the context that have the criterion, on the same items and labels. One that is a panel of raters itself
        is no judge of another panel.
    row_of : by run folder, the name of its judge.

    Returns
    -------
    Panel. Its judges are taken as fixed: nothing is said of others that might have sat on it.
    """
    single = [(held, rated) for held, rated in here if held.validation is not None and "panel" not in held.validation.scope]
    rated = {row_of[str(held.run)]: each for held, each in single}
    rating = {name: each for name, each in rated.items() if not np.isnan(each.expected).all()}
    if len(rating) < 2:
        return None
    models = {row_of[str(held.run)]: held.judge for held, _ in single}
    validation = single[0][0].validation
    assert validation is not None
    together = _Together(rating, {"confidence": confidence, "n_resamples": n_resamples, "rng": rng})
    facts = together.first.facts
    populations: list[tuple[Population | None, np.ndarray]] = [(None, np.ones(len(facts), dtype=bool))]
    populations += [
        ({axis: group}, facts.group_of(axis) == group) for axis, groups in validation.axes.items() for group in groups
    ]
    return Panel(
        context=context,
        criterion=criterion,
        judges=list(rating),
        left_out=[name for name in rated if name not in rating],
        kin=_kin({name: models[name] for name in rating}),
        findings=[together.findings(population, rows) for population, rows in populations],
    )


def ways(scale: Scale) -> tuple[Combine, ...]:
    """How ratings on a scale can be combined.

    Names have a majority and no middle; and of numbers between two ends none is named often.
    """
    if not scale.has_points:
        return ("majority",)
    if scale.kind == "interval":
        return ("mean", "median")
    return ("mean", "majority") if scale.measurement == "nominal" else ("mean", "median", "majority")


class _Together:
    """The ratings of several judges on the same items, as arrays."""

    def __init__(self, rating: Mapping[str, Rated], known: Mapping[str, Any]) -> None:
        self._names, self._known = list(rating), known
        self.first = next(iter(rating.values()))
        self._codes = np.stack([each.judge for each in rating.values()])
        self._expected = np.stack([each.expected for each in rating.values()])

    def findings(self, population: Population | None, rows: np.ndarray) -> PanelFindings:
        """On some of the items, with what their own humans tell of how sure a mean of humans is."""
        scale, values = self.first.scale, self.first.values[:, rows]
        clusters = None if self.first.clusters is None else self.first.clusters[rows]
        codes, expected = self._codes[:, rows], self._expected[:, rows]
        human, variance = mean_and_its_variance(values)
        n_raters, n_judges = len(np.unique(self.first.rater[rows[self.first.item]])), len(self._names)
        confidence: float = self._known["confidence"]

        def distance(estimand: str, rating: Floats, whose: str) -> Estimate:
            if not scale.has_points:
                return undefined(estimand, NO_POINTS)
            found = _distance(estimand, rating, human, clusters, whose, confidence)
            low, high = np.clip((found.low, found.high), 0, scale.span).tolist()  # no distance lies beyond; nan stays
            return replace(found, low=low, high=high, n_raters=n_raters)

        combined = []
        for combine in ways(scale):
            made = panel(expected if combine == "mean" else codes, combine)
            whose = f"{combine} of {n_judges} judges"
            agreement = self._agreement(combine, made.rating, values, clusters, whose)
            error = distance(f"panel.absolute_error.{combine}", made.rating, whose)
            combined.append(Combined(combine, replace(agreement, n_raters=n_raters), error, made.n_tied, made.n_missing))
        alone = {name: distance(ALONE, said, "the judge") for name, said in zip(self._names, expected, strict=True)}
        if not scale.has_points:
            correlation, effective = (undefined(name, NO_POINTS) for name in (MEAN, "panel.effective_judges"))
            pairs = {(j, k): undefined(PAIR, NO_POINTS) for k in range(n_judges) for j in range(k)}
        else:
            shared: dict[str, Any] = {"human_error_variance": variance, "confidence": confidence}
            effective = effective_judges(expected, human, clusters, **shared)
            found = error_correlation(expected, human, clusters, **shared)
            correlation, pairs = found.mean, dict(found.by_pair)
        by_pair = {(self._names[j], self._names[k]): self._named(pairs[j, k]) for j, k in sorted(pairs)}
        return PanelFindings(population, int(rows.sum()), combined, alone, self._named(correlation), by_pair, effective)

    def _agreement(self, combine: Combine, rating: Floats, values: Floats, clusters: np.ndarray | None, whose: str) -> Estimate:
        scale = self.first.scale
        level = "interval" if combine == "mean" else scale.measurement
        read = rating
        if level == "interval" and len(np.unique(rating[~np.isnan(rating)])) > DISTINCT:
            read = np.round(rating / scale.span * DISTINCT) * scale.span / DISTINCT
        found = judge_alpha(read, values, level, clusters, **self._known).renamed(f"panel.alpha.{combine}")
        if not found.is_defined:
            return found
        distances = ", interval distances" if combine == "mean" else ""
        return replace(found, method=f"{whose}, judges fixed{distances}; {found.method}")

    def _named(self, estimate: Estimate) -> Estimate:
        """With the judges' names for their places."""

        def name(found: re.Match[str]) -> str:
            first, second, only = found.groups()
            return self._names[int(only)] if only else f"{self._names[int(first)]} and {self._names[int(second)]}"

        return replace(estimate, method=re.sub(r"judges (\d+) and (\d+)|judge (\d+)", name, estimate.method))


def _distance(
    estimand: str, rating: Floats, human: Floats, clusters: np.ndarray | None, whose: str, confidence: float
) -> Estimate:  # fmt: skip
    distance = np.abs(rating - human)
    used = ~np.isnan(distance)
    units = np.arange(used.sum()) if clusters is None else np.unique(clusters[used], return_inverse=True)[1]
    n_clusters, unit = int(units.max(initial=-1)) + 1, "items" if clusters is None else "scenarios"
    known: dict[str, Any] = {
        "n_items": int(used.sum()), "n_clusters": n_clusters, "n_missing": int((~used).sum()), "level": confidence, "source": SOURCE,
    }  # fmt: skip
    if n_clusters == 0:
        return undefined(estimand, NO_PAIR, **known)
    mean = mean_by_unit(distance[used], units, n_clusters)
    low, high, se, _, trouble = mean.interval(confidence)
    method = (
        f"mean distance of {whose} to the mean of an item's humans, in scale points, the humans' own error not taken out; "
        f"t interval over {n_clusters:,} {unit}, judges and raters fixed"
    )
    return Estimate(
        estimand, mean.value, low, high, se=se, method="; ".join(filter(None, [method, trouble])), **known
    )  # fmt: skip


def _kin(models: Mapping[str, str]) -> dict[str, list[str]]:
    """By family, or by model where the family is not known, the judges that share it."""
    told: dict[str, list[str]] = {}
    for name, model in models.items():
        known = family(model)
        told.setdefault(model if known is None or known == SCRIPTED else known, []).append(name)
    return {of: names for of, names in told.items() if len(names) > 1}
