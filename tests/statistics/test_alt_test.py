"""Is the alternative annotator test that of the paper, and does a judge at the boundary win no oftener than q?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics.alt_test import AltTest, alt_test, joint_alt_test

tables = hnp.arrays(float, (4, 8), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 5.0]))

JUDGE = "4135124.5512333211335252113155531143441425325"
ANNOTATORS = [
    "422511543522442112324252112154441243.42515315",
    "32152344541..32211325.52122155421132342...41.",
    "521.114535.23332.11453511211.4441123.525.4515",
    "5115.35245131213.1215142.11.34525131332514315",
    "54..24.4.5.2..2..1435.4....1555.....1.2.15.15",
]


def parse(row: str) -> list[float]:
    return [nan if value == "." else float(value) for value in row]


def rate(
    rng: np.random.Generator, n_scenarios: int, per_scenario: int = 1, judge_noise: float = 0.7
) -> tuple[np.ndarray, np.ndarray]:
    """A judge and 4 annotators on a scale of 1 to 5; scenarios differ in how hard they are to rate, for the judge above all."""
    n_items = n_scenarios * per_scenario
    item = rng.integers(1, 6, n_items)
    noise = np.repeat(rng.uniform(0.4, 1.0, n_scenarios), per_scenario)
    hard = np.repeat(rng.uniform(0, 2, n_scenarios), per_scenario) * judge_noise
    values = np.clip(np.round(item + noise * rng.normal(size=(4, n_items))), 1, 5)
    judge = np.clip(np.round(item + hard * rng.normal(size=n_items)), 1, 5)
    return judge, np.where(rng.random(values.shape) < 0.15, nan, values)


def indicators(judge: np.ndarray, values: np.ndarray, score: str) -> list[tuple[list[int], list[int], list[int]]]:
    """The paper's W^f and W^h and the item, for each annotator, by a loop over items."""

    def align(value: float, others: list[float]) -> float:
        if score == "accuracy":
            return sum(value == other for other in others) / len(others)
        return -((sum((value - other) ** 2 for other in others) / len(others)) ** 0.5)

    found = []
    for j in range(len(values)):
        judge_wins, human_wins, items = [], [], []
        for item in range(values.shape[1]):
            others = [values[other, item] for other in range(len(values)) if other != j and not isnan(values[other, item])]
            if isnan(judge[item]) or isnan(values[j, item]) or not others:
                continue
            judge_score, human_score = align(judge[item], others), align(values[j, item], others)
            judge_wins.append(int(judge_score >= human_score))
            human_wins.append(int(human_score >= judge_score))
            items.append(item)
        found.append((judge_wins, human_wins, items))
    return found


# Points, p-values and wins


@pytest.mark.parametrize(
    ("score", "epsilon", "advantage", "p_values", "wins"),
    [
        ("accuracy", 0.0, 0.7651530814780508, [0.594198342324471, 0.7769345660048007, 0.5, 0.12207504190404839], []),
        (
            "accuracy",
            0.2,
            0.7651530814780508,
            [0.03771652897440676, 0.13301290099484614, 0.04268646260959748, 0.004388647428178012],
            [3],
        ),
        (
            "neg_rmse",
            0.15,
            0.7901971203149293,
            [0.027521232216005866, 0.3503338618500095, 0.004081146528608387, 0.002579735722098725],
            [2, 3],
        ),
        (
            "neg_rmse",
            0.2,
            0.7901971203149293,
            [0.008708387165335394, 0.20047146428198911, 0.0012311163994151882, 0.000879218331035511],
            [0, 2, 3],
        ),
    ],
)
def test_the_test_gives_what_its_authors_code_gives(
    score: str, epsilon: float, advantage: float, p_values: list[float], wins: list[int]
) -> None:
    # alt_test of the authors' notebook (github.com/nitaytech/AltTest, alt_test_example.ipynb at 15b5735a) with scipy 1.17.1:
    # alt_test(judge, annotators, score, epsilon=epsilon), its p_values and by_procedure(p_values, 0.05) printed. It skips the
    # fifth annotator, who has 22 items.
    test = alt_test(np.array(parse(JUDGE)), np.array([parse(row) for row in ANNOTATORS]), epsilon, score)
    assert test.advantage.value == pytest.approx(advantage, rel=1e-12)
    assert test.p_values[:4] == pytest.approx(p_values, rel=1e-9)
    assert isnan(test.p_values[4])
    assert np.flatnonzero(test.wins).tolist() == wins
    assert test.winning_rate.value == len(wins) / 4
    assert test.annotators.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("score", ["accuracy", "neg_rmse"])
@pytest.mark.parametrize("seed", range(4))
def test_p_values_and_shares_equal_the_published_algorithm(score: str, seed: int) -> None:
    judge, values = rate(np.random.default_rng(seed), 60)
    judge[::11] = nan
    test = alt_test(judge, values, 0.15, score)
    shares = []
    for j, (judge_wins, human_wins, items) in enumerate(indicators(judge, values, score)):
        d = np.array(human_wins) - np.array(judge_wins)
        assert test.p_values[j] == pytest.approx(stats.ttest_1samp(d, 0.15, alternative="less").pvalue, rel=1e-9)
        assert test.n_items[j] == len(items)
        shares.append(np.mean(judge_wins))
    assert test.advantage.value == pytest.approx(np.mean(shares), rel=1e-12)
    # Benjamini and Yekutieli 2001: the largest rank r of 4 with p_(r) <= r q / (4 (1 + 1/2 + 1/3 + 1/4)), and all below it.
    ordered = np.sort(test.p_values)
    ranks = np.flatnonzero(ordered <= np.arange(1, 5) * 0.05 / (4 * 25 / 12))
    assert test.wins.sum() == (ranks.max() + 1 if len(ranks) else 0)


@pytest.mark.parametrize("per_scenario", [1, 3])
def test_p_values_over_scenarios_are_those_of_a_clustered_regression_on_a_constant(per_scenario: int) -> None:
    # statsmodels corrects by G/(G - 1) (N - 1)/(N - K); with the constant alone K = 1, and it is our G/(G - 1).
    judge, values = rate(np.random.default_rng(5), 40, per_scenario)
    scenarios = np.repeat(np.arange(40), per_scenario)
    test = alt_test(judge, values, 0.15, "accuracy", clusters=scenarios)
    for j, (judge_wins, human_wins, items) in enumerate(indicators(judge, values, "accuracy")):
        groups = scenarios[items]
        fit = sm.OLS(np.array(human_wins) - np.array(judge_wins), np.ones(len(items))).fit(
            cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
        )
        expected = stats.t.cdf((fit.params[0] - 0.15) / fit.bse[0], len(set(groups)) - 1)
        assert test.p_values[j] == pytest.approx(expected, rel=1e-8)


def test_the_standard_error_of_the_advantage_is_that_of_a_weighted_clustered_regression() -> None:
    # Means of several annotators by a regression on one dummy for each, items as clusters: the variance of their average is
    # c' V c with c = 1/4. statsmodels' small-sample factor is G/(G - 1) (N - 1)/(N - 4), ours G/(G - 1).
    judge, values = rate(np.random.default_rng(6), 50)
    advantage = alt_test(judge, values, 0.1).advantage
    found = enumerate(indicators(judge, values, "accuracy"))
    rows = [np.array([np.full(len(items), j), items, wins]) for j, (wins, _, items) in found]
    annotator, item, win = np.hstack(rows)
    fit = sm.OLS(win, (annotator[:, None] == np.arange(4)).astype(float)).fit(cov_type="cluster", cov_kwds={"groups": item})
    n = len(win)
    variance = np.full(4, 0.25) @ fit.cov_params() @ np.full(4, 0.25) * (n - 4) / (n - 1)
    assert advantage.se == pytest.approx(variance**0.5, rel=1e-9)
    df = min(np.bincount(annotator)) - 1
    assert advantage.high - advantage.value == pytest.approx(stats.t.ppf(0.975, df) * variance**0.5, rel=1e-9)


def test_without_clusters_the_items_are_the_clusters() -> None:
    judge, values = rate(np.random.default_rng(7), 40)
    plain, labelled = (
        alt_test(judge, values, 0.1, min_items=20),
        alt_test(judge, values, 0.1, clusters=np.arange(40), min_items=20),
    )
    assert plain.p_values.tolist() == labelled.p_values.tolist()
    assert plain.advantage.se == labelled.advantage.se


@pytest.mark.parametrize(("judge", "human"), [(0.1, 0.5), (0.5, 0.1)])
def test_distances_that_are_equal_but_not_in_binary_are_a_tie(judge: float, human: float) -> None:
    # Against 0.3 the judge is level with the first annotator; against the first annotator it is behind 0.3.
    assert (0.1 - 0.3) ** 2 != (0.5 - 0.3) ** 2
    test = alt_test([judge] * 3, [[human] * 3, [0.3] * 3], 0.1, "neg_rmse", min_items=3)
    assert test.advantage.value == 0.5
    assert test.p_values == pytest.approx([0.9**3, 1])


def test_winning_rate_and_advantage_say_what_they_rest_on() -> None:
    judge = np.array([1.0, nan, 2.0, 1.0, 2.0, 2.0])
    values = np.array([[1, 1, 2, 2, nan, 1], [1, 2, 2, 1, 1, 1], [nan, 2, 2, nan, nan, 2]])
    test = alt_test(judge, values, 0.2, clusters=list("aabbcd"), min_items=4)
    # Item 1 has no judge, item 4 one annotator. The third annotator is left with items 2 and 5.
    assert test.n_items.tolist() == [4, 4, 2]
    assert test.annotators.tolist() == [0, 1]
    for estimate in (test.winning_rate, test.advantage):
        assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (4, 3, 2, 2)
    assert test.winning_rate.p_value is None
    assert isnan(test.winning_rate.low)
    assert "no interval: a share of these annotators" in test.winning_rate.method


def test_with_two_annotators_the_method_says_that_the_paper_advises_three() -> None:
    judge, values = rate(np.random.default_rng(8), 60)
    for n_annotators in (2, 3):
        test = alt_test(judge, values[:n_annotators], 0.1)
        for estimate in (test.winning_rate, test.advantage):
            assert estimate.is_defined
            assert ("where the paper advises" in estimate.method) == (n_annotators == 2)
            assert ("2 annotators, where the paper advises 3 or more" in estimate.method) == (n_annotators == 2)


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    values = np.ones((3, 30))
    nearly_always, hardly_ever = np.ones(30), np.full(30, 2.0)
    nearly_always[0], hardly_ever[0] = 2, 1
    high = alt_test(nearly_always, values, 0.2).advantage
    low = alt_test(hardly_ever, values, 0.2).advantage
    assert (high.value, high.high) == (pytest.approx(29 / 30), 1)
    assert (low.value, low.low) == (pytest.approx(1 / 30), 0)
    assert "cut at 0 and 1" in high.method


# Where d never varies


@pytest.mark.parametrize("clustered", [False, True])
def test_a_judge_never_behind_is_tested_by_the_chance_of_that_instead_of_a_division_by_0(clustered: bool) -> None:
    # All agree on all items: d is 0. Under H0 the human is ahead with a probability of at least 0.2 on each of 40 items, so
    # that the chance of never seeing it is at most 0.8^40; with 10 scenarios of 4, 0.8^10 = 0.107.
    values = np.tile([1.0, 2.0], (3, 20))
    clusters = np.repeat(np.arange(10), 4) if clustered else None
    test = alt_test(values[0], values, 0.2, clusters=clusters)
    assert test.p_values == pytest.approx([0.8 ** (10 if clustered else 40)] * 3)
    assert test.winning_rate.value == (0 if clustered else 1)
    assert test.advantage.value == 1
    assert "no interval: no variance between clusters" in test.advantage.method


def test_a_judge_always_ahead_of_one_annotator_has_a_smaller_p_value_than_one_always_level() -> None:
    # The third annotator alone is wrong on all items: d = -1. Under H0 P(d = -1) is at most (1 - 0.2)/2.
    values = np.array([[1.0] * 30, [1.0] * 30, [2.0] * 30])
    assert alt_test(np.ones(30), values, 0.2).p_values == pytest.approx([0.8**30, 0.8**30, 0.4**30])


def test_a_judge_always_behind_has_a_p_value_of_1() -> None:
    assert alt_test(np.full(30, 9.0), np.ones((3, 30)), 0.2).p_values.tolist() == [1, 1, 1]
    # At epsilon 0 being always level shows nothing: it is the boundary itself.
    assert alt_test(np.ones(30), np.ones((3, 30)), 0.0).p_values.tolist() == [1, 1, 1]


# Degenerate data

NOBODY_TO_TEST = {
    "empty": ([], np.empty((0, 0)), "no item has two annotators"),
    "no annotator": ([1] * 30, np.empty((0, 30)), "no item has two annotators"),
    "one annotator": ([1] * 30, [[1] * 30], "no item has two annotators"),
    "no overlap of annotators": ([1, 2] * 15, [[1, nan] * 15, [nan, 2] * 15], "no item has two annotators"),
    "annotators all missing": ([1] * 30, np.full((3, 30), nan), "no item has two annotators"),
    "judge all missing": ([nan] * 30, np.ones((3, 30)), "no item has two annotators and a judge"),
    "few items": (
        [1] * 29,
        np.ones((3, 29)),
        "no annotator has 30 items with another annotator and a judge; the most is 29",
    ),
}


@pytest.mark.parametrize(("judge", "values", "reason"), NOBODY_TO_TEST.values(), ids=NOBODY_TO_TEST)
def test_rates_are_undefined_where_nobody_can_be_tested(judge: object, values: object, reason: str) -> None:
    test = alt_test(np.array(judge, dtype=float), np.array(values, dtype=float), 0.2)
    for estimate in (test.winning_rate, test.advantage):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.method == f"undefined: {reason}"
    assert np.isnan(test.p_values).all()
    assert not test.wins.any()
    assert test.annotators.tolist() == []


def test_one_scenario_leaves_the_advantage_and_tests_nobody() -> None:
    judge, values = rate(np.random.default_rng(9), 60)
    test = alt_test(judge, values, 0.2, clusters=["only"] * 60)
    assert test.winning_rate.method == "undefined: no annotator has two scenarios"
    assert test.advantage.is_defined
    assert "no interval: a mean of one cluster" in test.advantage.method
    assert np.isnan(test.p_values).all()


def test_an_unknown_score_and_an_epsilon_that_is_no_share_are_refused() -> None:
    with pytest.raises(ValueError, match=r"score is 'acuracy'\. Did you mean 'accuracy'\? Expected one of: accuracy, neg_rmse"):
        alt_test([1.0], [[1.0]], 0.1, "acuracy")
    for epsilon in (-0.1, 1, 15, nan):
        with pytest.raises(ValueError, match=r"epsilon is .*\. Expected a difference of shares, at least 0 and below 1"):
            alt_test([1.0], [[1.0]], epsilon)


@settings(max_examples=60)
@given(st.data(), st.integers(0, 4), st.integers(0, 6), st.booleans(), st.sampled_from(["accuracy", "neg_rmse"]))
def test_the_test_of_any_table_is_numbers_or_nan_with_a_reason(
    data: st.DataObject, n_raters: int, n_items: int, clustered: bool, score: str
) -> None:
    elements = st.sampled_from([nan, 0.1, 0.3, 2.0])
    judge = data.draw(hnp.arrays(float, n_items, elements=elements))
    values = data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    test = alt_test(judge, values, 0.15, score, clusters=clusters, min_items=2)
    for estimate in (test.winning_rate, test.advantage):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    assert isnan(test.winning_rate.value) == np.isnan(test.p_values).all()
    assert len(test.p_values) == len(test.wins) == len(test.n_items) == n_raters


# Several contexts


def test_joint_p_values_are_adjusted_together() -> None:
    # Alone, one annotator of p = 0.02 and one of 0.9 give 2 x 1.5 x 0.02 = 0.06 by Benjamini-Yekutieli, a loss; with six more
    # of 0.0001, the rank of 0.02 is 7 of 8, and 8 x 2.718 x 0.02 / 7 = 0.062 is still a loss, while q = 0.07 is a win.
    strong, weak = with_p_values([0.0001] * 6), with_p_values([0.02, nan, 0.9])
    joint = joint_alt_test({"tutor": strong, "triage": weak})
    assert {name: rate.value for name, rate in joint.by_context.items()} == {"tutor": 1.0, "triage": 0.0}
    assert joint.joint.value == 6 / 8
    looser = joint_alt_test({"tutor": strong, "triage": weak}, q=0.07)
    assert looser.by_context["triage"].value == 0.5
    assert looser.wins["triage"].tolist() == [True, False, False]
    assert looser.joint.value == 7 / 8
    assert "over 8 annotators of 2 contexts" in looser.joint.method


def with_p_values(p_values: list[float]) -> AltTest:
    judge, values = rate(np.random.default_rng(10), 60)
    test = alt_test(judge, values, 0.15)
    return AltTest(
        test.winning_rate, test.advantage, np.array(p_values), np.zeros(len(p_values), bool), test.annotators, test.n_items
    )


def test_one_context_alone_is_its_own_test() -> None:
    test = alt_test(*rate(np.random.default_rng(11), 80), 0.2)
    joint = joint_alt_test({"only": test})
    assert joint.by_context["only"].value == joint.joint.value == test.winning_rate.value
    assert joint.wins["only"].tolist() == test.wins.tolist()
    assert joint.joint.n_items == test.winning_rate.n_items


def test_a_context_without_a_test_stays_undefined_and_does_not_count() -> None:
    tested, untested = alt_test(*rate(np.random.default_rng(12), 80), 0.2), alt_test([1.0], [[1.0], [1.0]], 0.2)
    joint = joint_alt_test({"a": untested, "b": tested})
    assert joint.by_context["a"] == untested.winning_rate
    assert joint.joint.value == tested.winning_rate.value
    for tests in ({}, {"a": untested}):
        nothing = joint_alt_test(tests).joint
        assert isnan(nothing.value)
        assert nothing.method == "undefined: no annotator of any context could be tested"


# Properties


@given(tables, st.permutations(range(3)), st.permutations(range(8)))
def test_the_test_ignores_the_order_of_annotators_and_items(table: np.ndarray, humans: list[int], items: list[int]) -> None:
    before = alt_test(table[0], table[1:], 0.15, min_items=2)
    after = alt_test(table[0][items], table[1:][humans][:, items], 0.15, min_items=2)
    assert after.p_values == pytest.approx(before.p_values[humans], abs=1e-9, nan_ok=True)
    assert after.advantage.value == pytest.approx(before.advantage.value, abs=1e-9, nan_ok=True)
    assert after.advantage.se == pytest.approx(before.advantage.se, abs=1e-9, nan_ok=True)


@given(tables)
def test_accuracy_ignores_what_the_levels_are_called(table: np.ndarray) -> None:
    renamed = np.where(np.isnan(table), nan, 7 - table**2)
    before, after = (alt_test(each[0], each[1:], 0.15, min_items=2) for each in (table, renamed))
    assert after.p_values.tolist() == pytest.approx(before.p_values.tolist(), nan_ok=True)


@given(tables, st.integers(2, 4))
def test_duplicating_items_inside_scenarios_changes_no_p_value_and_no_interval(table: np.ndarray, k: int) -> None:
    scenarios = np.arange(8) // 2
    once = alt_test(table[0], table[1:], 0.15, clusters=scenarios, min_items=1)
    often = alt_test(np.tile(table[0], k), np.tile(table[1:], k), 0.15, clusters=np.tile(scenarios, k), min_items=1)
    assert often.p_values == pytest.approx(once.p_values, abs=1e-9, nan_ok=True)
    assert (often.advantage.low, often.advantage.high) == pytest.approx(
        (once.advantage.low, once.advantage.high), abs=1e-9, nan_ok=True
    )


# Error rate: 2,000 tables of a judge and 4 annotators. The judge rates as one more annotator of the same kind would, except that
# a share of its values is off the scale; epsilon is what it then loses by on average, so that H0 is just true.


def one_more_annotator(rng: np.random.Generator, n_items: int, failing: float) -> tuple[np.ndarray, np.ndarray]:
    item = rng.integers(1, 6, n_items)
    noisy = np.clip(np.round(item + rng.normal(size=(5, n_items))), 1, 5)
    return np.where(rng.random(n_items) < failing, 9, noisy[0]), noisy[1:]


@pytest.mark.slow
@pytest.mark.parametrize("n_items", [30, 100])
@pytest.mark.parametrize(("score", "failing"), [("accuracy", 0.0), ("neg_rmse", 0.0), ("accuracy", 0.3), ("neg_rmse", 0.2)])
def test_a_judge_at_the_boundary_wins_no_oftener_than_q(n_items: int, score: str, failing: float) -> None:
    rng = np.random.default_rng(13)
    judge, values = one_more_annotator(rng, 200_000, failing)
    epsilon = np.mean([np.mean(human_wins) - np.mean(judge_wins) for judge_wins, human_wins, _ in quick(judge, values, score)])
    assert abs(epsilon) < 0.005 if not failing else epsilon > 0.1
    tests = [alt_test(*one_more_annotator(rng, n_items, failing), max(epsilon, 0), score) for _ in range(2000)]
    # All hypotheses are true, so that any win is a false discovery and q bounds the chance of one.
    assert np.mean([test.wins.any() for test in tests]) <= stats.binom.ppf(0.9995, 2000, 0.05) / 2000
    # The control: without the adjustment one of the four wins too often.
    assert np.mean([(test.p_values <= 0.05).any() for test in tests]) > stats.binom.ppf(0.9995, 2000, 0.05) / 2000
    rejected = np.mean([test.p_values <= 0.05 for test in tests])
    assert 0.03 < rejected < 0.07


def quick(judge: np.ndarray, values: np.ndarray, score: str) -> list[tuple[np.ndarray, np.ndarray, None]]:
    """`indicators` of complete tables, in the form of sums over all pairs."""
    found = []
    for j, human in enumerate(values):
        others = np.delete(values, j, axis=0)
        judge_loss, human_loss = (
            (others != each).sum(0) if score == "accuracy" else ((others - each) ** 2).sum(0) for each in (judge, human)
        )
        found.append((judge_loss <= human_loss, human_loss <= judge_loss, None))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("score", ["accuracy", "neg_rmse"])
def test_a_judge_better_than_the_annotators_wins_against_most(score: str) -> None:
    rng = np.random.default_rng(14)
    rates = []
    for _ in range(200):
        item = rng.integers(1, 6, 100)
        values = np.clip(np.round(item + rng.normal(size=(4, 100))), 1, 5)
        rates.append(alt_test(item, values, 0.15, score).winning_rate.value)
    assert np.mean(rates) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("per_scenario", [1, 4])
def test_intervals_of_the_advantage_hold_the_truth_as_often_as_they_say(
    per_scenario: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(15)
    truth = alt_test(*rate(rng, 400_000 // per_scenario, per_scenario), 0.15).advantage.value
    scenarios = np.repeat(np.arange(60), per_scenario)
    drawn = [rate(rng, 60, per_scenario) for _ in range(2000)]
    assert_nominal_coverage([alt_test(*table, 0.15, clusters=scenarios).advantage for table in drawn], truth)
    if per_scenario > 1:
        assert_too_few_cover([alt_test(*table, 0.15).advantage for table in drawn], truth)
