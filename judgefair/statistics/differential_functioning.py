"""Does the judge give some populations other levels than the reference when the humans give the same?"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.resample import Floats

SOURCE = "Swaminathan and Rogers 1990; Zumbo 1999; proportional odds: McCullagh 1980"
CORRECTION = "Carroll, Ruppert, Stefanski and Crainiceanu 2006, chapter 4"
CAVEAT = "secondary: conditioning on a human level with error makes spurious effects where populations differ in true level"
MAX_LEVELS = 200  # thresholds are estimated one a level; a judge with more distinct values has no levels
MAX_STEPS = 100
MIN_RELIABILITY = 0.3
"""Below it the corrected levels of 60 rows a population hardly differ, and simulated effects ran off to hundreds of log odds."""
TINY = 1e-9
NAMES = ("dif.uniform", "dif.nonuniform")


@dataclass(frozen=True, slots=True)
class DifferentialFunctioning:
    """What population changes in the judge's level at equal human level, in log odds, by population.

    Attributes
    ----------
    uniform : log odds ratio of a higher level, population against reference, at the mean human level of both.
    nonuniform : how much that grows with each point of the human level.
    joint_p : p-value of neither being there; nan where they are undefined.
    concludes : whether an effect may be read as the judge's; False where the error of the human level is not accounted for.
    why : the reason.
    """

    uniform: Mapping[str, Estimate]
    nonuniform: Mapping[str, Estimate]
    joint_p: Mapping[str, float]
    concludes: bool
    why: str


def differential_functioning(
    judge: Floats,
    human: Floats,
    populations: object,
    reference: str,
    clusters: object = None,
    *,
    human_error_variance: Floats | float | None = None,
    confidence: float = 0.95,
) -> DifferentialFunctioning:
    """Effect of population on the judge's level at equal human level, uniform and growing with the level.

    Each population is held against the reference in a model of their rows alone: logit P(judge > j) is a threshold of level
    j plus b x + u g + v g x, with x the human level less its mean and g = 1 in the population. u is the uniform effect, v the
    non-uniform one. Two levels make it a logistic regression.

    Parameters
    ----------
    judge : (n,), the judge's levels, whose order alone counts.
    human : (n,), the human level of the item, one rating or a mean of several, on the scale; a row with a nan is left out.
    populations : (n,) names; rows of no population carry None or "".
    reference : the population that the others are held against.
    clusters : (n,) scenario labels; None takes rows as independent.
    human_error_variance : variance of the error of `human`, in squared scale points, one or (n,) of them: of a mean of m raters,
        the variance of ratings of one item divided by m. Taken as known. 0 says that there is no error, None that it is unknown.

    Returns
    -------
    DifferentialFunctioning, estimands `dif.uniform` and `dif.nonuniform`. Undefined, with the reason, where a population has no
    rows, or one human level; where the judge gives one level; where levels and populations separate (no finite effect fits
    best); and where less than 0.3 of the variance of the human level is not error.

    Raises
    ------
    ValueError : `human_error_variance` is negative.

    Notes
    -----
    p-values are of likelihood-ratio tests that leave out u, v or both, beside Wald intervals. With clusters, or with the
    correction, standard errors are of the sandwich of scores summed within clusters (CR1, t with the clusters of the
    population that has fewer, less one), and all p-values are Wald's. The test of u keeps v in the model, unlike the test of
    Zumbo, so that estimate, interval and p-value speak of one number.

    An error of the human level draws the human effect towards 0, and what it leaves unexplained goes to the populations
    wherever their true levels differ. With a known error variance each level w is replaced by what is expected of the
    true one, m + r (w - m), with mean m and reliability r of the item's own population (regression calibration); standard errors
    count that m and r are estimated. The correction is approximate, and takes the error as independent of the true level,
    which the ends of a short scale bend. Without the variance, `concludes` is False.

    Examples
    --------
    Humans rate 0 or 1; the judge says 1 in 10 and 30 of 40 items of population a, in 5 and 20 of 40 of b. The log odds ratios are
    log(7/3) = 0.85 at human level 0 and log(3) = 1.10 at 1: 0.97 between, and 0.25 more at each point.

    >>> human, populations = np.repeat([0, 1, 0, 1], 40), np.repeat(["a", "b"], 80)
    >>> judge = np.repeat([1, 0] * 4, [10, 30, 30, 10, 5, 35, 20, 20])
    >>> effects = differential_functioning(judge, human, populations, "b")
    >>> round(effects.uniform["a"].value, 3), round(effects.nonuniform["a"].value, 3), effects.concludes
    (0.973, 0.251, False)
    """
    judge, human = np.asarray(judge, dtype=float), np.asarray(human, dtype=float)
    names = np.asarray(["" if name is None or name != name else str(name) for name in np.asarray(populations, dtype=object)])
    error = None if human_error_variance is None else np.broadcast_to(np.asarray(human_error_variance, dtype=float), judge.shape)
    if error is not None and (error < 0).any():
        raise ValueError(f"human_error_variance holds {error.min():g}; a variance is 0 or more")
    units = np.arange(len(judge)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    complete = ~np.isnan(judge) & np.isfinite(human) & (True if error is None else np.isfinite(error))

    uniform, nonuniform, joint_p = {}, {}, {}
    for name in sorted(set(names.tolist()) - {"", reference}):
        rows = np.isin(names, [name, reference])
        used = rows & complete
        known: dict[str, Any] = {
            "n_items": int(used.sum()), "n_clusters": len(np.unique(units[used])), "n_missing": int((rows & ~complete).sum()),
            "level": confidence, "source": SOURCE if error is None or not (error > 0).any() else f"{SOURCE}; {CORRECTION}",
        }  # fmt: skip
        (uniform[name], nonuniform[name]), joint_p[name] = _compare(
            judge[used], human[used], names[used] == name, (name, reference), None if clusters is None else units[used],
            None if error is None else error[used], known,
        )  # fmt: skip
    concludes, why = _conclude(uniform, error)
    return DifferentialFunctioning(uniform, nonuniform, joint_p, concludes, why)


def _conclude(uniform: Mapping[str, Estimate], error: Floats | None) -> tuple[bool, str]:
    if not uniform:
        return False, "there is no population beside the reference"
    if error is None:
        return False, (
            "the error variance of the human level is not known: an effect may be the error's where populations differ in true level"
        )
    if not any(each.is_defined for each in uniform.values()):
        return False, "no effect could be estimated; each gives its reason"
    return True, (
        "the human level is corrected for its error within each population"
        if (error > 0).any()
        else "the human level is without error"
    )


def _compare(
    judge: Floats, human: Floats, focal: NDArray[np.bool_], pair: tuple[str, str], units: NDArray[np.int64] | None,
    error: Floats | None, known: dict[str, Any],
) -> tuple[list[Estimate], float]:  # fmt: skip
    """Both effects in the rows of a population and the reference, and the p-value of both together."""

    def give_up(reason: str) -> tuple[list[Estimate], float]:
        return [undefined(name, reason, **known) for name in NAMES], nan

    sides = ((focal, pair[0]), (~focal, pair[1]))
    reason = next(filter(None, (_why_no_level(human[rows], name) for rows, name in sides)), "")
    if reason:
        return give_up(reason)
    calibrations = [] if error is None or not error.any() else [_Calibration.of(human, rows, error) for rows, _ in sides]
    for calibration, (_, name) in zip(calibrations, sides, strict=False):
        if calibration.overall_reliability < MIN_RELIABILITY:
            reliability = max(calibration.overall_reliability, 0.0)
            return give_up(
                f"in population {name} the human level has a reliability of {reliability:.2f}, too low to correct (0.3 is needed)"
            )
    levels, y = np.unique(judge, return_inverse=True)
    if len(levels) == 1:
        return give_up(f"the judge gives the level {levels[0]:g} in all {len(judge):,} rows")
    if len(levels) > MAX_LEVELS:
        return give_up(f"the judge gives {len(levels):,} distinct values, too many to be levels")
    model = _Model.of(y, human, focal, calibrations)
    if _separates(y, model.design(calibrations)):
        return give_up("no finite effect fits best, since human level and population separate the judge's levels")
    full = _fit(y, model.design(calibrations))
    if full is None:
        return give_up("the likelihood could not be maximised")

    robust = units is not None or bool(calibrations)
    tests = _wald(model, full, np.arange(len(y)) if units is None else units) if robust else _likelihood_ratio(model, full)
    reach = stats.t.ppf((1 + known["level"]) / 2, tests.df) if tests.df >= 1 else nan
    unit = "rows" if units is None else "clusters"
    remarks = [
        f"Wald test and t interval, sandwich over {known['n_clusters']:,} {unit}" if robust else "likelihood-ratio test, Wald interval",
        *([f"human level corrected by regression calibration within population, mean reliability {_listed(calibrations, pair)}"]
          if calibrations else []),
        CAVEAT,
        *([tests.trouble] if tests.trouble else []),
    ]  # fmt: skip
    meanings = (f"at the mean human level {model.centre:.3g}", "more with each point of the human level")
    estimates = []
    for name, meaning, value, se, p_value in zip(NAMES, meanings, model.effects(full), tests.se, tests.p_values, strict=True):
        method = f"proportional odds on human level, population and both: log odds ratio of a higher level, {meaning}"
        estimates.append(
            Estimate(
                name, float(value), float(value - reach * se), float(value + reach * se), se=float(se),
                p_value=None if np.isnan(p_value) else p_value, method="; ".join([method, *remarks]), **known,
            )
        )  # fmt: skip
    return estimates, tests.joint_p


def _why_no_level(human: Floats, name: str) -> str:
    if len(human) == 0:
        return f"population {name} has no row with both a judge's and a human's level"
    if np.ptp(human) < TINY:
        return f"in population {name} all human levels are {human[0]:g}, so that nothing can be said at equal level"
    return ""


# Errors in variables


@dataclass(frozen=True, slots=True)
class _Calibration:
    """Mean and variance of a population's observed human levels, and the error variance of each row."""

    rows: NDArray[np.bool_]
    mean: float
    variance: float
    error: Floats

    @classmethod
    def of(cls, human: Floats, rows: NDArray[np.bool_], error: Floats) -> "_Calibration":
        return cls(rows, float(human[rows].mean()), float(human[rows].var(ddof=1)), error[rows])

    @property
    def overall_reliability(self) -> float:
        """Share of the variance that is not error; below 0 where the levels vary less than their error."""
        return float(1 - self.error.mean() / self.variance)

    @property
    def reliability(self) -> Floats:
        true = self.variance - self.error.mean()
        return np.asarray(true / (true + self.error), dtype=float)

    @property
    def step(self) -> float:
        """For differences: small against the true variance, so that no reliability turns negative."""
        return 1e-4 * float(self.variance - self.error.mean())

    def moved(self, parameter: int, step: float) -> "_Calibration":
        return _Calibration(
            self.rows, self.mean + step * (parameter == 0), self.variance + step * (parameter == 1), self.error
        )  # fmt: skip

    def influence(self, human: Floats) -> tuple[Floats, Floats]:
        """What each row moves the mean and the variance."""
        deviation = human - self.mean
        n = self.rows.sum()
        return np.where(self.rows, deviation, 0.0) / n, np.where(self.rows, deviation**2 - self.variance, 0.0) / n


def _calibrated(human: Floats, calibrations: list[_Calibration]) -> Floats:
    """The true human level expected of the observed one in its population."""
    expected = human.copy()
    for each in calibrations:
        expected[each.rows] = each.mean + each.reliability * (human[each.rows] - each.mean)
    return expected


def _listed(calibrations: list[_Calibration], pair: tuple[str, str]) -> str:
    return ", ".join(f"{each.reliability.mean():.2f} in {name}" for each, name in zip(calibrations, pair, strict=True))


# Standard errors and tests


@dataclass(frozen=True, slots=True)
class _Model:
    """The judge's levels, and what makes the columns population, population by level, and level."""

    y: NDArray[np.int64]
    human: Floats
    focal: NDArray[np.bool_]
    calibrations: list[_Calibration]
    centre: float
    spread: float

    @classmethod
    def of(
        cls, y: NDArray[np.int64], human: Floats, focal: NDArray[np.bool_], calibrations: list[_Calibration]
    ) -> "_Model":  # fmt: skip
        level = _calibrated(human, calibrations)
        return cls(y, human, focal, calibrations, float(level.mean()), float(level.std()))

    def design(self, calibrations: list[_Calibration]) -> Floats:
        x = (_calibrated(self.human, calibrations) - self.centre) / self.spread
        return np.column_stack([self.focal, self.focal * x, x]).astype(float)

    @property
    def columns(self) -> tuple[int, int]:
        """Where the two effects stand among the parameters, behind the thresholds."""
        return int(self.y.max()), int(self.y.max()) + 1

    @property
    def scale(self) -> Floats:
        return np.array([1.0, self.spread])

    def effects(self, fit: "_Fit") -> Floats:
        return np.asarray(fit.parameters[list(self.columns)] / self.scale, dtype=float)


@dataclass(frozen=True, slots=True)
class _Tests:
    se: Floats
    p_values: list[float]
    joint_p: float
    df: float
    trouble: str = ""


def _likelihood_ratio(model: _Model, full: "_Fit") -> _Tests:
    X = model.design([])
    columns = np.ix_(model.columns, model.columns)
    covariance = np.linalg.inv(full.information)[columns] / np.outer(model.scale, model.scale)
    p_values = []
    for kept, dropped in (([1, 2], 1), ([0, 2], 1), ([2], 2)):
        fit = _fit(model.y, X[:, kept])
        p_values.append(
            nan if fit is None else float(stats.chi2.sf(max(2 * (full.log_likelihood - fit.log_likelihood), 0), dropped))
        )
    return _Tests(np.sqrt(covariance.diagonal()), p_values[:2], p_values[2], np.inf)


def _wald(model: _Model, full: "_Fit", units: NDArray[np.int64]) -> _Tests:
    """From the sandwich; the moments that calibrate the human level are estimated too, and their scores stacked."""
    scores = full.scores(model.y, model.design(model.calibrations))
    for i, calibration in enumerate(model.calibrations):
        for parameter, influence in enumerate(calibration.influence(model.human)):
            up, down = (
                full.scores(model.y, model.design(_with(model.calibrations, i, calibration.moved(parameter, step)))).sum(0)
                for step in (calibration.step, -calibration.step)
            )
            scores = scores + np.outer(influence, (up - down) / (2 * calibration.step))
    influence = np.linalg.solve(full.information, scores.T)[list(model.columns)] / model.scale[:, None]
    sums = np.stack([np.bincount(units, row) for row in influence])
    n_clusters, fewest = len(np.unique(units)), min(len(np.unique(units[rows])) for rows in (model.focal, ~model.focal))
    covariance = n_clusters / max(n_clusters - 1, 1) * sums @ sums.T
    nothing = np.full(2, nan)
    if fewest < 2:
        return _Tests(nothing, [nan, nan], nan, 0, "no interval: a population of one cluster")
    if covariance.diagonal().min() < TINY**2:
        return _Tests(nothing, [nan, nan], nan, 0, "no interval: no variance between clusters")
    effects, se = model.effects(full), np.sqrt(covariance.diagonal())
    p_values = [float(2 * stats.t.sf(abs(effect) / error, fewest - 1)) for effect, error in zip(effects, se, strict=True)]
    correlation = covariance[0, 1] / (se[0] * se[1])
    if abs(correlation) > 1 - TINY:
        return _Tests(se, p_values, nan, fewest - 1, "no joint test: too few clusters to tell the two effects apart")
    joint = float(stats.f.sf(effects @ np.linalg.solve(covariance, effects) / 2, 2, fewest - 1))
    return _Tests(se, p_values, joint, fewest - 1)


def _with(calibrations: list[_Calibration], i: int, other: _Calibration) -> list[_Calibration]:
    return [*calibrations[:i], other, *calibrations[i + 1 :]]


# Proportional odds


@dataclass(frozen=True, slots=True)
class _Fit:
    """Maximum of the likelihood: thresholds first, then the effects of the columns."""

    parameters: Floats
    log_likelihood: float
    information: Floats

    def scores(self, y: NDArray[np.int64], X: Floats) -> Floats:
        """(n, n_parameters): the gradient of each row's log likelihood."""
        upper, lower = _selectors(y, X)
        up, low = _bounds(self.parameters, y, X)
        d_up, d_low, *_ = _derivatives(up, low)
        return upper * d_up[:, None] + lower * d_low[:, None]


def _selectors(y: NDArray[np.int64], X: Floats) -> tuple[Floats, Floats]:
    """How the upper and the lower bound of each row's level hang on the parameters; the ends of the scale on none."""
    n_thresholds = int(y.max())
    steps = np.eye(n_thresholds + 1, n_thresholds)
    upper, lower = np.hstack([steps[y], -X]), np.hstack([steps[y - 1], -X])
    upper[y == n_thresholds] = 0
    lower[y == 0] = 0
    return upper, lower


def _bounds(parameters: Floats, y: NDArray[np.int64], X: Floats) -> tuple[Floats, Floats]:
    thresholds = np.r_[-np.inf, parameters[: y.max()], np.inf]
    linear = X @ parameters[y.max() :]
    return thresholds[y + 1] - linear, thresholds[y] - linear


def _log_likelihood(up: Floats, low: Floats) -> float:
    """Of expit(up) - expit(low), written so that neither far tail cancels; -inf where thresholds are out of order."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total = (special.log_expit(up) + special.log_expit(-low) + np.log(-np.expm1(low - up))).sum()
    return -np.inf if np.isnan(total) else float(total)


def _derivatives(up: Floats, low: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """First by the upper and lower bound, then second: upper twice, lower twice, both."""
    with np.errstate(over="ignore"):
        q = 1 / np.expm1(up - low)
    both = q * (1 + q)
    F_up, F_low = special.expit(up), special.expit(low)
    return 1 - F_up + q, -F_low - q, -F_up * (1 - F_up) - both, -F_low * (1 - F_low) - both, both


def _fit(y: NDArray[np.int64], X: Floats) -> _Fit | None:
    """Newton's method on a concave function, halving steps that go down; None where it gets nowhere."""
    below = np.cumsum(np.bincount(y))[:-1] / len(y)
    parameters = np.r_[special.logit(below), np.zeros(X.shape[1])]
    upper, lower = _selectors(y, X)
    best = _log_likelihood(*_bounds(parameters, y, X))
    for _ in range(MAX_STEPS):
        d_up, d_low, up_up, low_low, both = _derivatives(*_bounds(parameters, y, X))
        cross = upper.T @ (both[:, None] * lower)
        information = -(upper.T @ (up_up[:, None] * upper) + lower.T @ (low_low[:, None] * lower) + cross + cross.T)
        gradient = upper.T @ d_up + lower.T @ d_low
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        gain = float(gradient @ step)
        if not np.isfinite(gain):
            return None
        if gain < 1e-16 * max(1.0, abs(best)):
            return _Fit(parameters, best, information)
        size = 1.0
        while (moved := _log_likelihood(*_bounds(parameters + size * step, y, X))) < best - 1e-12 * abs(best):
            size /= 2
            if size < 1e-10:
                return None
        parameters, best = parameters + size * step, moved
    return None


def _separates(y: NDArray[np.int64], X: Floats) -> bool:
    """Whether the likelihood grows without end in some direction (Albert and Anderson 1984; as a linear program, Konis 2007).

    Along such a direction no row's upper bound falls, none's lower bound rises, and some moves. The bounds of a population's
    rows at one level are linear in the human level, so that only its least and greatest there need looking at.
    """
    ends = []
    for group in (0, 1):
        for level in np.unique(y[X[:, 0] == group]):
            rows = np.flatnonzero((X[:, 0] == group) & (y == level))
            ends += [rows[X[rows, 2].argmin()], rows[X[rows, 2].argmax()]]
    upper, lower = _selectors(y, X)
    moves = np.vstack([upper[ends], -lower[ends]])
    solution = optimize.linprog(-moves.sum(0), A_ub=-moves, b_ub=np.zeros(len(moves)), bounds=(-1, 1))
    return bool(solution.status == 0 and -solution.fun > 1e-6)
