"""Are abilities, order effect and ties those of the likelihood, and undefined where no finite ones fit best?"""

from collections.abc import Callable
from itertools import permutations
from math import isnan, log, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from judgefair.statistics.bradley_terry import BradleyTerry, bradley_terry
from judgefair.statistics.estimate import Estimate

Comparisons = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
PLANTED = {"a": 0.0, "b": 0.5, "c": -0.4}
ORDER, LOG_NU = 0.4, -0.7
TEAMS = np.array(["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"])

# Wins and losses of the home team (row) against the visitor (column), American League East, 1987: Agresti 2002, Categorical
# Data Analysis, table 10.10.
HOME_WINS = np.array(
    [
        [0, 4, 4, 4, 6, 4, 6],
        [3, 0, 4, 4, 6, 6, 4],
        [2, 4, 0, 2, 4, 4, 6],
        [3, 5, 2, 0, 4, 4, 6],
        [5, 2, 3, 4, 0, 5, 6],
        [2, 3, 3, 4, 4, 0, 2],
        [2, 1, 1, 2, 1, 3, 0],
    ]
)
HOME_LOSSES = np.array(
    [
        [0, 3, 2, 3, 1, 2, 0],
        [3, 0, 2, 3, 0, 1, 3],
        [5, 3, 0, 4, 3, 2, 0],
        [3, 1, 5, 0, 3, 2, 1],
        [1, 5, 3, 2, 0, 2, 0],
        [5, 3, 4, 3, 2, 0, 4],
        [5, 5, 6, 4, 6, 4, 0],
    ]
)


def baseball() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    home, away = (TEAMS[each.ravel()] for each in np.indices((7, 7)))
    wins, losses = HOME_WINS.ravel(), HOME_LOSSES.ravel()
    sides = [np.r_[np.repeat(side, wins), np.repeat(side, losses)] for side in (home, away)]
    return sides[0], sides[1], np.repeat([-1, 1], [wins.sum(), losses.sum()])


def log_chances(abilities: np.ndarray, order: float, log_nu: float) -> np.ndarray:
    """Of the three outcomes, as the docstring writes them; `abilities` (n, 2) of the first and of the second."""
    first, second = abilities.T
    logs = np.stack([first + order / 2, log_nu + (first + second) / 2, second - order / 2], axis=1)
    return logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))


def simulate(
    rng: np.random.Generator, n_clusters: int, alike: float = 0.0, by: str = "order", log_nu: float = LOG_NU
) -> Comparisons:
    """Each cluster compares each of three contestants with each in both orders.

    An outcome follows from a uniform number, first (low), tie, second (high). With probability `alike` it is the cluster's own:
    all of the cluster's then lean to the same position, or, `by` contestant, to those who stand earlier in the alphabet. The
    chance of each outcome stays what the model says.
    """
    pairs = np.array(list(permutations(PLANTED, 2)))
    first, second = np.tile(pairs, (n_clusters, 1)).T
    clusters = np.repeat(np.arange(n_clusters), len(pairs))
    chances = np.exp(log_chances(np.array([[PLANTED[i], PLANTED[j]] for i, j in pairs]), ORDER, log_nu))
    bounds = np.tile(chances.cumsum(axis=1), (n_clusters, 1))
    shared = rng.random(n_clusters)[clusters]
    shared = np.where((first > second) & (by == "contestant"), 1 - shared, shared)
    u = np.where(rng.random(len(first)) < alike, shared, rng.random(len(first)))
    return first, second, (u > bounds[:, 0]).astype(float) + (u > bounds[:, 1]) - 1, clusters


def every(found: BradleyTerry) -> list[Estimate]:
    return [*found.abilities.values(), found.order, found.ties]


def values(found: BradleyTerry) -> list[float]:
    return [each.value for each in every(found) if each.is_defined]


# Points


def test_baseball_has_the_abilities_and_the_home_advantage_that_are_published() -> None:
    # R 2.10, BradleyTerry2: BTm(cbind(home.wins, away.wins), home.team, away.team, id = "team", formula = ~ team + at.home), as
    # saved in that package's tests/baseball.Rout.save; Agresti 2002, table 10.11 and page 438, has the same to 2 or 3 decimals.
    published = {
        "Boston": 1.1438,
        "Cleveland": 0.7047,
        "Detroit": 1.4754,
        "Milwaukee": 1.6196,
        "New York": 1.2813,
        "Toronto": 1.3271,
    }
    found = bradley_terry(*baseball(), reference="Baltimore")
    assert {name: each.value for name, each in found.abilities.items()} == pytest.approx(published, abs=6e-5)
    assert found.order.value == pytest.approx(0.3023, abs=6e-5)
    assert (found.reference, found.n) == ("Baltimore", 273)
    assert (isnan(found.ties.value), found.ties.method) == (True, "undefined: no comparison is a tie")


def logit(first: np.ndarray, second: np.ndarray, outcome: np.ndarray, **how: object) -> object:
    """The logistic regression of statsmodels on who is shown first, less who is shown second, and a constant."""
    names = np.unique(first)[1:]
    contrast = (first[:, None] == names).astype(float) - (second[:, None] == names)
    return sm.GLM(outcome < 0, sm.add_constant(contrast, prepend=False), family=sm.families.Binomial()).fit(tol=1e-12, **how)


def test_without_ties_it_is_a_logistic_regression_with_clustered_errors() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(1), 40, 0.5, log_nu=-50.0)
    found = bradley_terry(first, second, outcome, clusters)
    theirs = logit(first, second, outcome, cov_type="cluster", cov_kwds={"groups": clusters})
    # statsmodels 0.15.0 also multiplies the variance by (n - 1) / (n - k), for n rows and k parameters.
    se = theirs.bse * np.sqrt((len(first) - 3) / (len(first) - 1))
    assert values(found) == pytest.approx(theirs.params, abs=1e-8)
    assert [each.se for each in every(found)[:-1]] == pytest.approx(se, rel=1e-7)
    reach = stats.t.ppf(0.975, 39) * se
    assert [each.high - each.value for each in every(found)[:-1]] == pytest.approx(reach, rel=1e-7)
    assert found.order.p_value == pytest.approx(2 * stats.t.sf(abs(theirs.params[-1]) / se[-1], 39), rel=1e-6)


def test_comparisons_without_clusters_are_independent() -> None:
    first, second, outcome, _ = simulate(np.random.default_rng(2), 30, log_nu=-50.0)
    theirs = logit(first, second, outcome, cov_type="HC0")
    ours = [each.se for each in every(bradley_terry(first, second, outcome))[:-1]]
    assert ours == pytest.approx(theirs.bse * np.sqrt(180 / 179), rel=1e-7)


def test_with_ties_it_is_the_log_linear_model_of_the_counts() -> None:
    # Fienberg 1979 (Biometrics 35, 479) writes the model as a log-linear one: a Poisson regression of the counts of outcomes,
    # with a constant for each pair in the order shown, has the same maximum.
    first, second, outcome, clusters = simulate(np.random.default_rng(3), 60)
    rows, counts = [], []
    for pair, (i, j) in enumerate(permutations("abc", 2)):
        for said in (-1, 0, 1):
            worth = {-1: {i: 1.0}, 0: {i: 0.5, j: 0.5}, 1: {j: 1.0}}[said]
            rows.append([worth.get("b", 0), worth.get("c", 0), -said / 2, said == 0, *(np.arange(6) == pair)])
            counts.append(((first == i) & (second == j) & (outcome == said)).sum())
    theirs = sm.GLM(counts, np.array(rows, dtype=float), family=sm.families.Poisson()).fit(tol=1e-12)
    assert values(bradley_terry(first, second, outcome, clusters)) == pytest.approx(theirs.params[:4], abs=1e-7)


def by_formula(first: np.ndarray, second: np.ndarray, outcome: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The log likelihood of each comparison as a function of b, c, order and log nu."""

    def log_likelihood(parameters: np.ndarray) -> np.ndarray:
        worth = dict(zip("abc", [0.0, *parameters[:2]], strict=True))
        sides = np.array([[worth[i], worth[j]] for i, j in zip(first, second, strict=True)])
        return log_chances(sides, *parameters[2:])[np.arange(len(first)), outcome.astype(int) + 1]

    return log_likelihood


def test_the_likelihood_is_stationary_and_no_other_start_finds_a_higher_one() -> None:
    rows = simulate(np.random.default_rng(4), 25, 0.4)[:3]
    found = np.array(values(bradley_terry(*rows)))
    each = by_formula(*rows)
    slope = optimize.approx_fprime(found, lambda parameters: each(parameters).mean(), 1e-7)
    assert slope == pytest.approx(np.zeros(4), abs=1e-6)
    elsewhere = optimize.minimize(lambda parameters: -each(parameters).sum(), [2.0, -2.0, -1.0, 1.0], method="Nelder-Mead")
    assert -elsewhere.fun <= each(found).sum() + 1e-9
    assert elsewhere.x == pytest.approx(found, abs=1e-3)


def test_standard_errors_with_ties_are_those_of_numerical_scores_and_hessian() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(5), 25, 0.4)
    found = bradley_terry(first, second, outcome, clusters)
    at, each = np.array(values(found)), by_formula(first, second, outcome)
    hessian = approx_hess(at, lambda parameters: each(parameters).sum())
    scores = approx_fprime(at, each, centered=True)
    sums = np.stack([scores[clusters == one].sum(axis=0) for one in range(25)])
    covariance = np.linalg.inv(hessian) @ (25 / 24 * sums.T @ sums) @ np.linalg.inv(hessian)
    assert [estimate.se for estimate in every(found)] == pytest.approx(np.sqrt(covariance.diagonal()), rel=1e-4)


def test_a_contestant_compared_with_itself_tells_of_order_and_ties_in_closed_form() -> None:
    # Three shares of one multinomial: o = log(n_first / n_second) and log nu = log(n_tie) - (log(n_first) + log(n_second)) / 2.
    # By the delta method a contrast of logs has the variance sum(c^2 / n), times G / (G - 1).
    outcome = np.repeat([-1, 0, 1], [30, 20, 10])
    found = bradley_terry(["a"] * 60, ["a"] * 60, outcome)
    assert (found.abilities, found.reference) == ({}, "a")
    assert found.order.value == pytest.approx(log(3), abs=1e-9)
    assert found.ties.value == pytest.approx(log(20) - (log(30) + log(10)) / 2, abs=1e-9)
    assert found.order.se == pytest.approx((60 / 59 * (1 / 30 + 1 / 10)) ** 0.5, rel=1e-9)
    assert found.ties.se == pytest.approx((60 / 59 * (1 / 20 + 0.25 / 30 + 0.25 / 10)) ** 0.5, rel=1e-9)
    assert found.ties.p_value is None


# What changes nothing


def test_turning_every_comparison_round_turns_the_order_effect_alone() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(6), 30)
    once, turned = bradley_terry(first, second, outcome, clusters), bradley_terry(second, first, -outcome, clusters)
    assert turned.order.value == pytest.approx(-once.order.value, abs=1e-9)
    assert turned.order.se == pytest.approx(once.order.se, rel=1e-8)
    assert [each.value for each in turned.abilities.values()] == pytest.approx(
        [each.value for each in once.abilities.values()], abs=1e-9
    )
    assert turned.ties.value == pytest.approx(once.ties.value, abs=1e-9)


def test_another_reference_moves_all_abilities_alike() -> None:
    rows = simulate(np.random.default_rng(7), 30)
    of_a, of_b = bradley_terry(*rows), bradley_terry(*rows, reference="b")
    assert of_b.abilities["a"].value == pytest.approx(-of_a.abilities["b"].value, abs=1e-9)
    assert of_b.abilities["a"].se == pytest.approx(of_a.abilities["b"].se, rel=1e-8)
    assert of_b.abilities["c"].value == pytest.approx(of_a.abilities["c"].value - of_a.abilities["b"].value, abs=1e-9)
    assert of_b.order.value == pytest.approx(of_a.order.value, abs=1e-9)


def test_repeating_the_comparisons_within_their_clusters_changes_no_interval() -> None:
    rows = simulate(np.random.default_rng(8), 30)
    once, often = bradley_terry(*rows), bradley_terry(*(np.tile(each, 3) for each in rows))
    for a, b in zip(every(once), every(often), strict=True):
        assert (b.value, b.low, b.high) == pytest.approx((a.value, a.low, a.high), abs=1e-8)
    assert bradley_terry(*(np.tile(each, 3) for each in rows[:3])).order.se < 0.7 * once.order.se


def test_a_comparison_without_names_or_outcome_is_left_out_and_counted() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(9), 20)
    longer = [np.r_[first, ["a", "", "b"]].astype(object), np.r_[second, ["b", "c", "c"]].astype(object)]
    longer[1][-1] = None
    with_more = bradley_terry(*longer, np.r_[outcome, nan, 1, 1], np.r_[clusters, 0, 99, 100])
    without = bradley_terry(first, second, outcome, clusters)
    assert values(with_more) == pytest.approx(values(without), abs=1e-12)
    assert (with_more.n, with_more.order.n_missing, with_more.order.n_clusters) == (120, 3, 20)
    assert (without.n, without.order.n_missing) == (120, 0)


# Where nothing finite fits best


def undefined_for(found: BradleyTerry) -> str:
    """The one reason that all abilities and the order effect give."""
    reasons = {each.method for each in (*found.abilities.values(), found.order)}
    assert len(reasons) == 1
    assert isnan(found.order.value)
    return reasons.pop().removeprefix("undefined: ")


BOTH_ORDERS = (["a", "b"] * 4, ["b", "a"] * 4)


@pytest.mark.parametrize(
    ("first", "second", "outcome", "told"),
    [
        ([], [], [], "no comparison has an outcome"),
        (["a", "b"], ["b", "a"], [nan, nan], "no comparison has an outcome"),
        (["a"], ["b"], [1], "fewer than two clusters"),
        (*BOTH_ORDERS, [-1, 1] * 4, "since a never lost to or drew with any other contestant"),
        (
            *BOTH_ORDERS,
            [-1, 0] * 4,
            "no finite values fit best, since some mix of ability, order and ties separates the outcomes",
        ),
        (*BOTH_ORDERS, [-1] * 8, "no finite values fit best"),
        (*BOTH_ORDERS, [0] * 8, "no finite values fit best"),
        (["a", "a", "c", "c"], ["b", "b", "d", "d"], [-1, 1] * 2, "within groups that never met: a, b | c, d"),
        (["a"] * 4, ["b"] * 4, [-1, 1] * 2, "no two contestants were shown in both orders"),
        # a beats b, b beats c and a beats c, each shown first: only transitivity tells order from ability
        (["a", "b", "a"] * 2, ["b", "c", "c"] * 2, [-1] * 3 + [1] * 3, "no two contestants were shown in both orders"),
    ],
)
def test_what_cannot_be_estimated_is_undefined_and_says_why(
    first: list[str], second: list[str], outcome: list[float], told: str
) -> None:
    assert told in undefined_for(bradley_terry(first, second, outcome))


def test_a_group_that_the_others_never_beat_is_named() -> None:
    # Ford 1957: a and b beat each other, and so do c and d, but neither c nor d ever beat a or b.
    first = ["a", "b", "c", "d", "a", "c"]
    second = ["b", "a", "d", "c", "c", "a"]
    reason = undefined_for(bradley_terry(first, second, [-1, -1, -1, -1, -1, 1]))
    assert "since a, b never lost to or drew with any contestant beside them; compare more, or leave them out" in reason
    assert bradley_terry(first, second, [-1, -1, -1, 1, -1, -1]).order.is_defined is False
    tied = bradley_terry([*first * 2, "b", "d"], [*second * 2, "d", "b"], [*[-1, -1, -1, -1, -1, 1] * 2, 0, 1])
    assert "never" not in tied.order.method


def test_a_contestant_who_never_won_is_named_rather_than_all_who_beat_it() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(10), 20)
    loses = bradley_terry(
        np.r_[first, ["a", "d"]], np.r_[second, ["d", "b"]], np.r_[outcome, -1, 1], np.r_[clusters, 0, 1], reference="a"
    )
    assert "since d never won against or drew with any other contestant" in undefined_for(loses)


def test_one_cluster_tells_no_error() -> None:
    first, second, outcome, _ = simulate(np.random.default_rng(11), 20)
    assert "fewer than two clusters" in undefined_for(bradley_terry(first, second, outcome, ["s"] * 120))


def test_a_contestant_without_an_outcome_is_undefined_alone_unless_all_are_held_against_it() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(12), 20)
    rows = np.r_[first, ["d"]], np.r_[second, ["a"]], np.r_[outcome, nan], np.r_[clusters, 0]
    found = bradley_terry(*rows)
    assert found.abilities["d"].method == "undefined: no comparison of d has an outcome"
    assert found.abilities["b"].value == bradley_terry(first, second, outcome, clusters).abilities["b"].value
    assert "no comparison of the reference d" in undefined_for(bradley_terry(*rows, reference="d"))


def test_a_contestant_of_one_cluster_has_a_value_and_no_interval() -> None:
    first, second, outcome, clusters = simulate(np.random.default_rng(13), 20)
    more = ["d", "a", "d", "a"], ["a", "d", "a", "d"], [-1, -1, 1, 1]
    found = bradley_terry(*(np.r_[a, b] for a, b in zip((first, second, outcome), more, strict=True)), np.r_[clusters, [0] * 4])
    lone = found.abilities["d"]
    assert (lone.is_defined, isnan(lone.low), isnan(lone.se)) == (True, True, True)
    assert "no interval: the contestant or the reference is in one cluster alone" in lone.method
    assert not isnan(found.abilities["b"].low)


def test_clusters_that_are_all_alike_give_no_interval() -> None:
    found = bradley_terry(["a", "b"] * 15, ["b", "a"] * 15, [-1, -1, 1, -1, -1, 1] * 5, np.repeat(np.arange(5), 6))
    for each in (found.abilities["b"], found.order):
        assert (each.is_defined, isnan(each.low)) == (True, True)
        assert "no interval: no variance between clusters" in each.method


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=2), min_size=6, max_size=6))
def test_there_is_an_estimate_exactly_where_no_direction_keeps_raising_the_likelihood(outcomes: list[list[int]]) -> None:
    # By enumeration: along (a, b, c, o, t), with t = 2 log nu, a win of i shown first keeps its chance or raises it where
    # d = a_i - a_j + o is no less than 0 and t, a win of j where -d is, and a tie where t is no less than |d|.
    pairs = [(i, j) for i, j in permutations(range(3), 2)]
    rows = [(i, j, said) for (i, j), found in zip(pairs, outcomes, strict=True) for said in found]
    has_ties = any(said == 0 for *_, said in rows)
    grid = np.stack(np.meshgrid([0], *[np.arange(-4, 5)] * 2, np.arange(-2, 3), np.arange(-4, 5), indexing="ij"), axis=-1)
    directions = grid.reshape(-1, 5)
    if not has_ties:
        directions = directions[directions[:, 4] == 0]
    directions = directions[(directions != 0).any(axis=1)]
    keeps = np.ones(len(directions), dtype=bool)
    t = directions[:, 4]
    for i, j, said in rows:
        d = directions[:, i] - directions[:, j] + directions[:, 3]
        keeps &= t >= abs(d) if said == 0 else -said * d >= np.maximum(t if has_ties else 0, 0)
    first, second, said = ([row[column] for row in rows] for column in range(3))
    found = bradley_terry([f"c{i}" for i in first], [f"c{j}" for j in second], said)
    assert found.order.is_defined == (not keeps.any())


@given(
    st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", "", None])] * 2, st.sampled_from([-1, 0, 1, nan]), st.integers(0, 3)))
)
def test_whatever_is_compared_each_number_is_whole_or_says_why_not(rows: list[tuple[str, str, float, int]]) -> None:
    first, second, outcome, clusters = ([row[column] for row in rows] for column in range(4))
    found = bradley_terry(first, second, outcome, clusters)
    for each in every(found):
        assert each.is_defined == (not each.method.startswith("undefined: "))
        assert isnan(each.low) == isnan(each.high) == ("undefined: " in each.method or "no interval: " in each.method)
        assert isnan(each.low) or each.low < each.value < each.high


# Errors


def test_an_outcome_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"outcome holds 0.5. Expected -1 \(the response shown first is preferred\)"):
        bradley_terry(["a"], ["b"], [0.5])


def test_a_reference_that_is_no_contestant_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reference is 'd'\. Expected a contestant: a, b"):
        bradley_terry(["a"], ["b"], [1], reference="d")


# Intervals


@pytest.mark.slow
@pytest.mark.parametrize(("n_clusters", "alike", "by"), [(25, 0.5, "order"), (100, 0.5, "order"), (40, 0.8, "contestant")])
def test_intervals_hold_the_truth_as_often_as_they_say(
    n_clusters: int,
    alike: float,
    by: str,
    assert_nominal_coverage: Callable[..., None],
    assert_too_few_cover: Callable[..., None],
) -> None:
    rng = np.random.default_rng(n_clusters)
    drawn = [simulate(rng, n_clusters, alike, by) for _ in range(1000)]
    found = [bradley_terry(*rows) for rows in drawn]
    assert_nominal_coverage([each.order for each in found], ORDER)
    assert_nominal_coverage([each.ties for each in found], LOG_NU)
    for name in ("b", "c"):
        assert_nominal_coverage([each.abilities[name] for each in found], PLANTED[name])
    alone = [bradley_terry(*rows[:3]) for rows in drawn]
    if by == "order":
        assert_too_few_cover([each.order for each in alone], ORDER)
    else:
        assert_too_few_cover([each.abilities["c"] for each in alone], PLANTED["c"])
