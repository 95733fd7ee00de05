"""Are effects of population at equal human level those of proportional odds, and is the human level's error kept apart from them?"""

from collections.abc import Callable
from math import isnan, log, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from judgefair.statistics import Estimate
from judgefair.statistics.differential_functioning import CAVEAT, DifferentialFunctioning, differential_functioning

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
rows_of_any_kind = st.lists(
    st.tuples(st.sampled_from([nan, 1.0, 2.0, 3.0]), st.sampled_from([nan, 1.0, 2.0, 2.5, 4.0]),
              st.sampled_from(["a", "b", "c", "", None]), st.integers(0, 5)), max_size=24,
)  # fmt: skip


def simulate(
    rng: np.random.Generator, n: int, uniform: float = 0.0, nonuniform: float = 0.0, *, cuts: tuple[float, ...] = (-2, -0.7, 0.7, 2),
    apart: float = 0.0, noise: float = 0.0, per_scenario: int = 1, alike: float = 0.0,
) -> Rows:  # fmt: skip
    """Judge, human, population and scenario of n rows each of "a" and "b".

    True levels are normal with variance 1, those of "a" `apart` above those of "b"; the human level has an error of sd `noise`.
    The judge's log odds are 1.5 for each point of the true level, and what the populations add. Within scenarios (of one
    population) true levels and the judge's luck are alike: a share `alike` of rows takes the scenario's.
    """
    focal = np.repeat([True, False], n)
    scenario = np.arange(2 * n) // per_scenario
    x = np.where(rng.random(2 * n) < alike, rng.normal(size=2 * n)[scenario], rng.normal(size=2 * n)) + apart * focal
    luck = np.where(rng.random(2 * n) < alike, rng.logistic(size=2 * n)[scenario], rng.logistic(size=2 * n))
    latent = 1.5 * x + uniform * focal + nonuniform * focal * (x - apart / 2) + luck
    judge = 1.0 + (latent[:, None] > np.array(cuts)).sum(1)
    return judge, x + noise * rng.normal(size=2 * n), np.where(focal, "a", "b"), scenario


def columns(judge: np.ndarray, human: np.ndarray, populations: np.ndarray) -> np.ndarray:
    """Population, population by centred human level, centred human level."""
    g, x = (populations == "a").astype(float), human - human.mean()
    return np.column_stack([g, g * x, x])


def both(effects: DifferentialFunctioning, name: str = "a") -> list[Estimate]:
    return [effects.uniform[name], effects.nonuniform[name]]


def every(effects: DifferentialFunctioning) -> list[Estimate]:
    return [*effects.uniform.values(), *effects.nonuniform.values()]


# Points, standard errors, tests


def test_two_by_two_tables_give_the_log_odds_ratios_derived_by_hand() -> None:
    # Judge says 1 in 10 of 40 and 30 of 40 of population a at human level 0 and 1, in 5 of 40 and 20 of 40 of b. The model has
    # as many parameters as there are tables' cells, so the fit is the tables: log odds ratios log(10/30 / (5/35)) = log(7/3)
    # and log(30/10 / (20/20)) = log 3, of variance 1/10 + 1/30 + 1/5 + 1/35 and 1/30 + 1/10 + 1/20 + 1/20. The human mean is 0.5:
    # u is their mean, v their difference. Leaving both out leaves one table of judge by human: the likelihood-ratio statistic
    # is G^2 = 2 sum O log(O/E), with E the population's share (half) of the pooled cells, on 2 degrees of freedom.
    human, populations = np.repeat([0, 1, 0, 1], 40), np.repeat(["a", "b"], 80)
    judge = np.repeat([1, 0] * 4, [10, 30, 30, 10, 5, 35, 20, 20])
    effects = differential_functioning(judge, human, populations, "b")
    first, second = 1 / 10 + 1 / 30 + 1 / 5 + 1 / 35, 1 / 30 + 1 / 10 + 1 / 20 + 1 / 20
    uniform, nonuniform = both(effects)
    assert uniform.value == pytest.approx((log(7 / 3) + log(3)) / 2, abs=1e-9)
    assert nonuniform.value == pytest.approx(log(3) - log(7 / 3), abs=1e-9)
    assert uniform.se == pytest.approx(((first + second) / 4) ** 0.5, rel=1e-8)
    assert nonuniform.se == pytest.approx((first + second) ** 0.5, rel=1e-8)
    assert (uniform.low, uniform.high) == pytest.approx(
        (uniform.value - 1.959964 * uniform.se, uniform.value + 1.959964 * uniform.se), abs=1e-6
    )
    cells = [(10, 5), (30, 35), (30, 20), (10, 20)]
    g2 = 2 * sum(o * log(o / (sum(pair) / 2)) for pair in cells for o in pair)
    assert effects.joint_p["a"] == pytest.approx(stats.chi2.sf(g2, 2), rel=1e-8)


def test_no_interaction_in_the_tables_is_no_nonuniform_effect() -> None:
    # Odds ratio 3 at both levels: 30:30 against 15:45, and 45:15 against 30:30.
    judge = np.repeat([1, 0] * 4, [30, 30, 45, 15, 15, 45, 30, 30])
    uniform, nonuniform = both(differential_functioning(judge, np.repeat([0, 1] * 2, 60), np.repeat(["a", "b"], 120), "b"))
    assert uniform.value == pytest.approx(log(3), abs=1e-9)
    assert nonuniform.value == pytest.approx(0, abs=1e-9)
    assert nonuniform.p_value == pytest.approx(1, abs=1e-6)


def test_a_binary_judge_gives_the_logistic_regression_of_statsmodels() -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(1), 150, 0.6, -0.4, cuts=(0.3,))
    X = columns(judge, human, populations)
    fits = [sm.Logit(judge - 1, sm.add_constant(X[:, kept])).fit(disp=False) for kept in ([0, 1, 2], [1, 2], [0, 2], [2])]
    effects = differential_functioning(judge, human, populations, "b")
    for i, ours in enumerate(both(effects)):
        assert ours.value == pytest.approx(fits[0].params[1 + i], abs=1e-7)
        assert ours.se == pytest.approx(fits[0].bse[1 + i], rel=1e-6)
        assert ours.p_value == pytest.approx(stats.chi2.sf(2 * (fits[0].llf - fits[1 + i].llf), 1), rel=1e-5)
        assert "likelihood-ratio test" in ours.method
    assert effects.joint_p["a"] == pytest.approx(stats.chi2.sf(2 * (fits[0].llf - fits[3].llf), 2), rel=1e-5)


@pytest.mark.parametrize("cuts", [(-1, 1), (-2, -0.7, 0.7, 2), (-3, -2.2, -1.5, -0.6, 0, 0.4, 1, 1.9, 3)], ids=len)
def test_several_levels_give_the_proportional_odds_of_statsmodels(cuts: tuple[float, ...]) -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(2), 200, 0.5, 0.3, cuts=cuts, apart=0.5)
    X = columns(judge, human, populations)
    fits = [
        OrderedModel(judge.astype(int), X[:, kept], distr="logit").fit(method="bfgs", disp=False, maxiter=2000, gtol=1e-7)
        for kept in ([0, 1, 2], [1, 2], [0, 2], [2])
    ]
    effects = differential_functioning(judge, human, populations, "b")
    for i, ours in enumerate(both(effects)):
        assert ours.value == pytest.approx(fits[0].params[i], abs=1e-4)
        assert ours.se == pytest.approx(fits[0].bse[i], rel=1e-3)
        assert ours.p_value == pytest.approx(stats.chi2.sf(2 * (fits[0].llf - fits[1 + i].llf), 1), rel=1e-3)
    assert effects.joint_p["a"] == pytest.approx(stats.chi2.sf(2 * (fits[0].llf - fits[3].llf), 2), rel=1e-3)


def test_scenarios_give_the_sandwich_of_a_clustered_logistic_regression() -> None:
    # statsmodels corrects by G/(G - 1) (N - 1)/(N - K) with K = 4 parameters; ours is G/(G - 1).
    judge, human, populations, scenario = simulate(
        np.random.default_rng(3), 120, 0.5, 0.2, cuts=(0.2,), per_scenario=4, alike=0.6
    )
    X = columns(judge, human, populations)
    theirs = sm.Logit(judge - 1, sm.add_constant(X)).fit(disp=False, cov_type="cluster", cov_kwds={"groups": scenario})
    factor = (240 - 4) / (240 - 1)
    effects = differential_functioning(judge, human, populations, "b", scenario)
    for i, ours in enumerate(both(effects)):
        assert ours.se == pytest.approx(theirs.bse[1 + i] * factor**0.5, rel=1e-6)
        assert ours.n_clusters == 60
        assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(ours.value) / ours.se, 29), rel=1e-9)
        assert ours.high - ours.value == pytest.approx(stats.t.ppf(0.975, 29) * ours.se, rel=1e-9)
        assert "Wald test and t interval, sandwich over 60 clusters" in ours.method
    covariance = theirs.cov_params()[1:3, 1:3] * factor
    wald = theirs.params[1:3] @ np.linalg.solve(covariance, theirs.params[1:3])
    assert effects.joint_p["a"] == pytest.approx(stats.f.sf(wald / 2, 2, 29), rel=1e-5)


def test_scenarios_give_the_sandwich_of_clustered_proportional_odds() -> None:
    # OrderedModel has no clusters, but its gradient by finite differences does: scores of rows, summed within scenarios.
    judge, human, populations, scenario = simulate(np.random.default_rng(4), 150, 0.5, 0.2, per_scenario=5, alike=0.6)
    X = columns(judge, human, populations)
    model = OrderedModel(judge.astype(int), X, distr="logit")
    fit = model.fit(method="bfgs", disp=False, maxiter=2000, gtol=1e-7)
    sums = np.array([model.score_obs(fit.params)[scenario == each].sum(0) for each in np.unique(scenario)])
    bread = np.linalg.inv(model.hessian(fit.params))
    theirs = (60 / 59 * bread @ sums.T @ sums @ bread).diagonal() ** 0.5
    for i, ours in enumerate(both(differential_functioning(judge, human, populations, "b", scenario))):
        assert ours.se == pytest.approx(theirs[i], rel=1e-3)


def test_each_population_is_held_against_the_reference_alone() -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(5), 100, 0.4)
    pair = differential_functioning(judge, human, populations, "b")
    more = differential_functioning(np.r_[judge, 1, 2, 5, 9], np.r_[human, 0, 1, 2, 3], [*populations, "c", "c", "c", ""], "b")
    assert list(more.uniform) == list(more.nonuniform) == list(more.joint_p) == ["a", "c"]
    assert both(more) == both(pair)
    assert more.joint_p["a"] == pair.joint_p["a"]
    assert [each.estimand for each in both(pair)] == ["dif.uniform", "dif.nonuniform"]


def test_effects_carry_the_caveat_and_count_what_they_rest_on() -> None:
    judge, human, populations, scenario = simulate(np.random.default_rng(6), 100, per_scenario=5)
    judge[0], human[1], judge[150] = nan, nan, nan
    effects = differential_functioning(judge, human, populations, "b", scenario, human_error_variance=0.1)
    for estimate in both(effects):
        assert CAVEAT in estimate.method
        assert (estimate.n_items, estimate.n_clusters, estimate.n_missing) == (197, 40, 3)
    assert all(CAVEAT in each.method for each in both(differential_functioning(judge, human, populations, "b")))


# The error of the human level


def test_without_the_error_variance_nothing_is_concluded() -> None:
    rows = simulate(np.random.default_rng(7), 100)[:3]
    effects = differential_functioning(*rows, "b")
    assert not effects.concludes
    assert effects.why.startswith("the error variance of the human level is not known")
    corrected = differential_functioning(*rows, "b", human_error_variance=0.2)
    assert corrected.concludes
    assert corrected.why == "the human level is corrected for its error within each population"
    exact = differential_functioning(*rows, "b", human_error_variance=0)
    assert exact.concludes
    assert exact.why == "the human level is without error"
    assert every(exact) == every(effects)


def test_the_correction_replaces_each_level_by_the_true_one_expected_in_its_population() -> None:
    # Two reliabilities in a, since a third of its items has more raters: E[x | w] = m + s / (s + v) (w - m) with
    # s = var(w) - mean(v). The points are then those of the replaced levels.
    judge, human, populations, _ = simulate(np.random.default_rng(8), 150, apart=1, noise=0.6)
    error = np.where(np.arange(300) % 3 == 0, 0.12, 0.36)
    replaced, reliabilities = human.copy(), []
    for name in ("a", "b"):
        rows = populations == name
        true = human[rows].var(ddof=1) - error[rows].mean()
        reliability = true / (true + error[rows])
        replaced[rows] = human[rows].mean() + reliability * (human[rows] - human[rows].mean())
        reliabilities.append(f"{reliability.mean():.2f} in {name}")
    ours = differential_functioning(judge, human, populations, "b", human_error_variance=error)
    plain = differential_functioning(judge, replaced, populations, "b")
    assert [each.value for each in both(ours)] == pytest.approx([each.value for each in both(plain)], abs=1e-8)
    assert f"regression calibration within population, mean reliability {', '.join(reliabilities)}" in ours.uniform["a"].method
    assert "Carroll" in ours.uniform["a"].source
    # Not exactly equal: that the moments were estimated is counted.
    assert ours.uniform["a"].se != pytest.approx(plain.uniform["a"].se, rel=1e-3)


def test_corrected_standard_errors_are_those_of_leaving_out_one_scenario_at_a_time() -> None:
    # Each leave-out corrects anew. Taking the corrected levels as given, the uniform one would be 8 % less, the other 6 %.
    judge, human, populations, scenario = simulate(
        np.random.default_rng(20), 400, cuts=(-1, 1), apart=2, noise=0.8, per_scenario=10
    )
    ours = differential_functioning(judge, human, populations, "b", scenario, human_error_variance=0.64)
    left = []
    for each in range(80):
        rows = scenario != each
        effects = differential_functioning(judge[rows], human[rows], populations[rows], "b", human_error_variance=0.64)
        left.append([effect.value for effect in both(effects)])
    jackknife = (79 * np.var(left, axis=0)) ** 0.5
    assert [effect.se for effect in both(ours)] == pytest.approx(jackknife, rel=0.04)


@pytest.mark.parametrize(("share", "reliability"), [(1.2, "0.00"), (0.8, "0.20")])
def test_levels_that_are_mostly_error_are_not_corrected(share: float, reliability: str) -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(9), 100)
    human[populations == "a"] /= 3
    error = share * human[populations == "a"].var(ddof=1)
    effects = differential_functioning(judge, human, populations, "b", human_error_variance=error)
    for estimate in both(effects):
        reason = f"in population a the human level has a reliability of {reliability}, too low to correct (0.3 is needed)"
        assert estimate.method == f"undefined: {reason}"
    assert not effects.concludes
    assert effects.why == "no effect could be estimated; each gives its reason"


def test_a_negative_error_variance_is_refused_and_an_unknown_one_leaves_the_row_out() -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(10), 50)
    with pytest.raises(ValueError, match=r"human_error_variance holds -0\.1; a variance is 0 or more"):
        differential_functioning(judge, human, populations, "b", human_error_variance=-0.1)
    effects = differential_functioning(judge, human, populations, "b", human_error_variance=np.r_[nan, np.full(99, 0.1)])
    assert (effects.uniform["a"].n_items, effects.uniform["a"].n_missing) == (99, 1)


def test_populations_of_different_true_levels_show_a_spurious_effect_that_the_correction_removes() -> None:
    # The judge goes by the true level alone, which is one point higher in a; humans see it with reliability 0.61. What the
    # human level does not explain goes to the population: about 1.5 (1 - 0.61) = 0.58 less what the logit absorbs.
    judge, human, populations, _ = simulate(np.random.default_rng(11), 3000, apart=1, noise=0.8)
    spurious = differential_functioning(judge, human, populations, "b")
    assert spurious.uniform["a"].low > 0.35
    assert spurious.uniform["a"].p_value < 1e-10
    assert spurious.joint_p["a"] < 1e-10
    corrected = differential_functioning(judge, human, populations, "b", human_error_variance=0.64)
    assert abs(corrected.uniform["a"].value) < 0.2 * spurious.uniform["a"].value
    assert corrected.uniform["a"].low < 0 < corrected.uniform["a"].high


# Degenerate data


def test_empty_arrays_and_one_population_have_no_effects_and_no_conclusion() -> None:
    for judge, human, populations in (([], [], []), ([1, 2, 3], [1, 2, 2], ["b"] * 3), ([1, 2], [1, 2], [None, ""])):
        effects = differential_functioning(judge, human, populations, "b", human_error_variance=0.1)
        assert (effects.uniform, effects.nonuniform, effects.joint_p) == ({}, {}, {})
        assert not effects.concludes
        assert effects.why == "there is no population beside the reference"


JUDGE, HUMAN, NAMES = [1, 2, 2, 3, 1, 3, 2, 1], [1, 3, 2, 1, 2, 3, 1, 2], list("aaaabbbb")
UNDEFINED = {
    "reference absent": (JUDGE, HUMAN, ["a"] * 8, "population b has no row with both a judge's and a human's level"),
    "judge all missing": ([nan] * 8, HUMAN, NAMES, "population a has no row with both a judge's and a human's level"),
    "no overlap in the reference": (
        JUDGE, [1, 3, 2, 1, nan, nan, nan, nan], NAMES, "population b has no row with both a judge's and a human's level"),
    "constant judge": ([2] * 8, HUMAN, NAMES, "the judge gives the level 2 in all 8 rows"),
    "one human level": (
        JUDGE, [3] * 4 + HUMAN[4:], NAMES, "in population a all human levels are 3, so that nothing can be said at equal level"),
    "judge copies the human": (
        HUMAN, HUMAN, NAMES, "no finite effect fits best, since human level and population separate the judge's levels"),
    "judge copies the population": (
        [2, 2, 2, 2, 1, 1, 1, 1], HUMAN, NAMES,
        "no finite effect fits best, since human level and population separate the judge's levels"),
    "judge is constant in one population": (
        [3, 3, 3, 3, 1, 3, 2, 1], HUMAN, NAMES,
        "no finite effect fits best, since human level and population separate the judge's levels"),
    "no levels": (
        list(range(300)), [0.1 * (i % 7) for i in range(300)], ["a", "b"] * 150,
        "the judge gives 300 distinct values, too many to be levels"),
}  # fmt: skip


@pytest.mark.parametrize(("judge", "human", "populations", "reason"), UNDEFINED.values(), ids=UNDEFINED)
@pytest.mark.parametrize("variance", [None, 0.01])
@pytest.mark.parametrize("clustered", [True, False])
def test_effects_are_undefined_with_a_reason(
    judge: list, human: list, populations: list, reason: str, variance: float | None, clustered: bool
) -> None:
    clusters = list(range(len(judge))) if clustered else None
    effects = differential_functioning(judge, human, populations, "b", clusters, human_error_variance=variance)
    for estimate in both(effects):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert estimate.method == f"undefined: {reason}"
    assert isnan(effects.joint_p["a"])
    assert not effects.concludes


def test_separation_in_one_population_alone_is_seen_and_a_single_exception_ends_it() -> None:
    # In a the judge says 2 exactly where the human level is above 2; b overlaps. One contrary row and the effects are finite.
    human = np.array([1, 2, 3, 4] * 10, dtype=float)
    judge, populations = np.r_[np.where(human[:20] > 2, 2.0, 1.0), [1.0, 2.0, 1.0, 2.0, 2.0] * 4], np.repeat(["a", "b"], 20)
    assert "separate" in differential_functioning(judge, human, populations, "b").uniform["a"].method
    judge[0] = 2.0
    mended = differential_functioning(judge, human, populations, "b")
    assert mended.uniform["a"].is_defined
    theirs = sm.Logit(judge - 1, sm.add_constant(columns(judge, human, populations))).fit(disp=False)
    assert mended.uniform["a"].value == pytest.approx(theirs.params[1], abs=1e-6)


def test_a_level_never_used_by_one_population_or_by_any_is_no_obstacle() -> None:
    judge, human, populations, _ = simulate(np.random.default_rng(12), 200)
    lower = np.where((populations == "a") & (judge == 5), 4.0, judge)
    gap = np.where(lower == 3, 4.0, lower)
    for levels in (lower, gap):
        assert all(each.is_defined for each in both(differential_functioning(levels, human, populations, "b")))
    # Only the order of the levels that occur counts.
    renamed = differential_functioning(np.unique(gap, return_inverse=True)[1], human, populations, "b")
    assert every(renamed) == every(differential_functioning(gap, human, populations, "b"))


@pytest.mark.parametrize(("n_levels", "n"), [(2, 5000), (5, 5000), (101, 2500)])
def test_many_rows_and_sparse_levels_are_fitted(n_levels: int, n: int) -> None:
    rng = np.random.default_rng(13)
    cuts = tuple(np.linspace(-9, 9, n_levels - 1)) if n_levels > 2 else (4.0,)  # the outer levels have a row or two, or none
    judge, human, populations, _ = simulate(rng, n, 0.5, cuts=cuts)
    effects = differential_functioning(judge, 1e6 * human, populations, "b")
    assert effects.uniform["a"].value == pytest.approx(0.5, abs=4 * effects.uniform["a"].se)
    assert effects.nonuniform["a"].value == pytest.approx(0, abs=4 * effects.nonuniform["a"].se)


def test_a_population_of_one_cluster_gives_points_without_intervals() -> None:
    judge, human, populations, scenario = simulate(np.random.default_rng(14), 60, per_scenario=3)
    effects = differential_functioning(judge, human, populations, "b", np.where(populations == "a", 0, scenario))
    for estimate in both(effects):
        assert estimate.is_defined
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert "no interval: a population of one cluster" in estimate.method
    assert isnan(effects.joint_p["a"])


@settings(max_examples=150, deadline=None)
@given(rows_of_any_kind, st.booleans(), st.sampled_from([None, 0.0, 0.2]))
def test_effects_of_any_rows_are_numbers_or_nan_with_a_reason(rows: list[tuple], clustered: bool, variance: float | None) -> None:
    judge, human, populations, clusters = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    effects = differential_functioning(
        judge, human, populations, "b", clusters if clustered else None, human_error_variance=variance
    )
    assert set(effects.uniform) == set(effects.nonuniform) == set(effects.joint_p) == set(filter(None, populations)) - {"b"}
    for estimate in every(effects):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert (estimate.p_value is None) == isnan(estimate.low)
        assert isnan(estimate.low) or estimate.low < estimate.value < estimate.high
    assert all(isnan(p) or 0 <= p <= 1 for p in effects.joint_p.values())


# Properties


@pytest.mark.parametrize("variance", [None, 0.2])
@pytest.mark.parametrize("clustered", [True, False])
def test_effects_change_with_units_signs_and_order_as_they_should(variance: float | None, clustered: bool) -> None:
    judge, human, populations, scenario = simulate(np.random.default_rng(15), 120, 0.5, 0.3, apart=0.5, per_scenario=3, alike=0.5)

    def effects(
        judge: np.ndarray, human: np.ndarray, populations: np.ndarray, points: float = 1, reference: str = "b"
    ) -> list[float]:
        found = differential_functioning(
            judge, human, populations, reference, scenario if clustered else None,
            human_error_variance=None if variance is None else variance * points**2,
        )  # fmt: skip
        name = {"b": "a", "a": "b"}[reference]
        uniform, nonuniform = both(found, name)
        return [
            uniform.value,
            uniform.se,
            nonuniform.value,
            nonuniform.se,
            uniform.p_value,
            nonuniform.p_value,
            found.joint_p[name],
        ]

    before = effects(judge, human, populations)
    u, u_se, v, v_se, *ps = before
    assert effects(judge**3, human, populations) == pytest.approx(before, rel=1e-6)
    assert effects(judge, 10 * human + 5, populations, 10) == pytest.approx([u, u_se, v / 10, v_se / 10, *ps], rel=1e-5)
    assert effects(-judge, human, populations) == pytest.approx([-u, u_se, -v, v_se, *ps], rel=1e-5)
    assert effects(judge, human, populations, reference="a") == pytest.approx([-u, u_se, -v, v_se, *ps], rel=1e-5)
    order = np.random.default_rng(0).permutation(len(judge))
    scenario = scenario[order]
    assert effects(judge[order], human[order], populations[order]) == pytest.approx(before, rel=1e-5)


def test_duplicating_rows_inside_scenarios_does_not_shrink_the_intervals() -> None:
    rows = simulate(np.random.default_rng(16), 60, 0.5, per_scenario=3)
    once, often = (
        differential_functioning(*(np.tile(column, k) for column in rows[:3]), "b", np.tile(rows[3], k)) for k in (1, 3)
    )
    for ours, theirs in zip(both(once), both(often), strict=True):
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-6)


# Coverage and size: 1,000 samples. "a" has true levels one point above "b" wherever the human level has an error.


@pytest.mark.slow
@pytest.mark.parametrize(("uniform", "nonuniform"), [(0, 0), (0.6, 0.4)])
def test_intervals_and_tests_hold_what_they_say_without_error_of_the_human_level(
    uniform: float, nonuniform: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(17)
    found = [differential_functioning(*simulate(rng, 120, uniform, nonuniform)[:3], "b") for _ in range(1000)]
    assert_nominal_coverage([each.uniform["a"] for each in found], uniform)
    assert_nominal_coverage([each.nonuniform["a"] for each in found], nonuniform)
    rejected = [np.sum([p < 0.05 for p in ps]) for ps in (
        [each.uniform["a"].p_value for each in found], [each.nonuniform["a"].p_value for each in found],
        [each.joint_p["a"] for each in found])]  # fmt: skip
    if uniform == 0:
        low, high = stats.binom.interval(0.999, 1000, 0.05)
        assert all(low <= count <= high for count in rejected), rejected
    else:
        assert rejected[2] > 600


@pytest.mark.slow
def test_clustered_intervals_hold_the_planted_effects_as_often_as_they_say(
    assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(18)
    samples = [simulate(rng, 240, per_scenario=6, alike=0.8) for _ in range(800)]
    clustered = [differential_functioning(*rows[:3], "b", rows[3]) for rows in samples]
    assert_nominal_coverage([each.uniform["a"] for each in clustered], 0)
    assert_nominal_coverage([each.nonuniform["a"] for each in clustered], 0)
    low, high = stats.binom.interval(0.999, 800, 0.05)
    assert low <= np.sum([each.joint_p["a"] < 0.05 for each in clustered]) <= high
    assert_too_few_cover([differential_functioning(*rows[:3], "b").uniform["a"] for rows in samples], 0)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.5, 0.8])
def test_corrected_intervals_hold_no_effect_where_uncorrected_ones_find_it(
    noise: float, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(19)
    samples = [simulate(rng, 200, apart=1, noise=noise)[:3] for _ in range(600)]
    plain = [differential_functioning(*rows, "b").uniform["a"] for rows in samples]
    corrected = [differential_functioning(*rows, "b", human_error_variance=noise**2) for rows in samples]
    assert_too_few_cover(plain, 0)
    uniform = [each.uniform["a"] for each in corrected]
    assert_nominal_coverage(uniform, 0)
    assert_nominal_coverage([each.nonuniform["a"] for each in corrected], 0)
    low, high = stats.binom.interval(0.999, 600, 0.05)
    assert low <= np.sum([each.joint_p["a"] < 0.05 for each in corrected]) <= high
    values = np.array([each.value for each in uniform])
    assert abs(values.mean()) < 0.15 * np.mean([each.value for each in plain])
    assert np.mean([each.se for each in uniform]) == pytest.approx(values.std(), rel=0.1)
