"""Does the permutation test of any difference have the p-values of an independent one, and its size where scenarios matter?"""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.any_difference import any_difference

MANY = 20_000  # the standard error of a simulated p of 0.1 is then 0.002


def spread(*samples: np.ndarray) -> float:
    """Standard deviation of the means about the overall mean, by items."""
    everything = np.concatenate(samples)
    squares = sum(len(sample) * (sample.mean() - everything.mean()) ** 2 for sample in samples)
    return float(np.sqrt(squares / len(everything)))


# p-values


def test_the_p_value_is_that_of_scipys_permutation_test() -> None:
    # Exact there: all 9!/(4! 3! 2!) = 1,260 ways to divide nine items.
    samples = [np.array([1.0, 2, 2, 4]), np.array([3.0, 5, 4]), np.array([4.0, 3])]
    exact = stats.permutation_test(samples, spread, permutation_type="independent", alternative="greater", n_resamples=np.inf)
    found = any_difference(np.concatenate(samples), list("aaaabbbcc"), n_resamples=MANY)
    assert found.value == pytest.approx(exact.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.01)


def test_within_scenarios_the_p_value_is_that_of_scipys_paired_permutation_test() -> None:
    # Exact there: all 2^9 ways to swap the two populations within nine scenarios.
    rng = np.random.default_rng(1)
    scenario = rng.normal(0, 3, 9)
    a, b = scenario + rng.normal(0.5, 0.5, 9), scenario + rng.normal(0, 0.5, 9)
    exact = stats.permutation_test((a, b), spread, permutation_type="samples", alternative="greater", n_resamples=np.inf)
    found = any_difference(np.r_[a, b], ["a"] * 9 + ["b"] * 9, np.tile(np.arange(9), 2), n_resamples=MANY)
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.01)
    assert found.value == pytest.approx(abs(a.mean() - b.mean()) / 2, abs=1e-12)
    assert any_difference(np.r_[a, b], ["a"] * 9 + ["b"] * 9).p_value > 2 * found.p_value


def test_scenarios_of_one_population_are_permuted_whole() -> None:
    # Of three items each: the same as the test of the scenarios' means.
    rng = np.random.default_rng(2)
    means = [rng.normal(shift, 1, 5) for shift in (0, 1.2)]
    exact = stats.permutation_test(means, spread, permutation_type="independent", alternative="greater", n_resamples=np.inf)
    values = np.concatenate(means).repeat(3) + np.tile([-0.1, 0, 0.1], 10)
    found = any_difference(values, ["a"] * 15 + ["b"] * 15, np.arange(10).repeat(3), n_resamples=MANY)
    assert found.value == pytest.approx(exact.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.01)
    assert any_difference(values, ["a"] * 15 + ["b"] * 15, n_resamples=MANY).p_value < exact.pvalue / 2


def test_the_items_of_a_population_in_a_shared_scenario_move_as_one() -> None:
    # Three responses to the same wording tell no more than their mean.
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.3, 1, 8), rng.normal(0, 1, 8)
    values, populations, scenarios = np.r_[a, b].repeat(3), np.array(["a", "b"]).repeat(24), np.tile(np.arange(8).repeat(3), 2)
    once = any_difference(np.r_[a, b], ["a"] * 8 + ["b"] * 8, np.tile(np.arange(8), 2), n_resamples=MANY)
    often = any_difference(values, populations, scenarios, n_resamples=MANY)
    assert often.value == pytest.approx(once.value, abs=1e-12)
    assert often.p_value == pytest.approx(once.p_value, abs=0.015)


def test_shared_scenarios_and_those_of_one_population_count_together() -> None:
    # Scenarios s and t hold a and b: after their means 2 and 6 are taken away, a has -1, -1 and b has 1, 1. u (a) and v (b) hold
    # one population, 3 and 7, about their mean 5: -2 and 2. a: -4 over 3 items, b: 4 over 3. sqrt((16/3 + 16/3)/6) = 4/3.
    # Every one of 2 * 2 * 2 permutations: the sum for a is +-1 +-1 +-2, |4| in 2 of 8: p = 1/4.
    values = np.array([1.0, 3, 5, 7, 3, 7])
    found = any_difference(values, list("ababab"), list("ssttuv"), n_resamples=MANY)
    assert found.value == pytest.approx(4 / 3, abs=1e-12)
    assert found.p_value == pytest.approx(0.25, abs=0.01)
    assert "within and over scenarios" in found.method


def test_the_p_value_is_never_0() -> None:
    found = any_difference(np.r_[np.zeros(30), np.ones(30)], ["a"] * 30 + ["b"] * 30, n_resamples=99)
    assert found.p_value == 0.01


def test_the_same_seed_gives_the_same_p_value() -> None:
    rng = np.random.default_rng(4)
    values, populations = rng.normal(size=40), rng.choice(list("abc"), 40)
    first, second = (any_difference(values, populations, rng=3, n_resamples=200) for _ in range(2))
    assert first == second
    assert first.seed == 3


# Degenerate data


@pytest.mark.parametrize(
    ("values", "populations"),
    [([], []), ([1.0, 2.0], ["a", "a"]), ([1.0, nan], ["a", "b"]), ([1.0, 2.0], ["a", None]), ([nan, nan], ["a", "b"])],
    ids=["empty", "one population", "one rated", "no population", "all missing"],
)
def test_fewer_than_two_rated_populations_leave_nothing_to_compare(values: list, populations: list) -> None:
    for clusters in (None, list(range(len(values)))):
        found = any_difference(values, populations, clusters)
        assert isnan(found.value)
        assert found.p_value is None
        assert found.method == "undefined: fewer than two populations were rated"


def test_where_nothing_differs_p_is_1() -> None:
    for clusters in (None, [0, 0, 1, 1], [0] * 4, range(4)):
        found = any_difference(np.full(4, 2.0), list("abab"), None if clusters is None else list(clusters), n_resamples=50)
        assert (found.value, found.p_value) == (0, 1)


def test_missing_ratings_and_rows_without_a_population_are_left_out_and_counted() -> None:
    found = any_difference([1.0, nan, 3.0, 4.0, 9.0], np.array(["a", "a", "b", "b", None], dtype=object), n_resamples=50)
    assert (found.n_items, found.n_missing, found.n_clusters) == (3, 2, 3)
    assert found == any_difference([1.0, nan, 3.0, 4.0, nan], list("aabba"), n_resamples=50)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([nan, 1.0, 2.0, 5.0]), st.sampled_from(["a", "b", "c", ""]), st.integers(0, 4)), max_size=15
    )
)
def test_the_test_of_any_rows_is_a_p_value_or_nan_with_a_reason(rows: list[tuple]) -> None:
    values, populations, clusters = (list(x) for x in zip(*rows, strict=True)) if rows else ([], [], [])
    for of in (None, clusters):
        found = any_difference(values, populations, of, n_resamples=20)
        assert isnan(found.value) == (found.p_value is None) == found.method.startswith("undefined: ")
        assert found.p_value is None or 1 / 21 <= found.p_value <= 1
        relabelled = any_difference(values, [{"a": "z", "b": "y"}.get(x, x) for x in populations], of, n_resamples=20)
        assert relabelled.value == pytest.approx(found.value, abs=1e-12, nan_ok=True)


# Size: 1,000 data sets without any difference. Rejections at 5 % are within the central 99.9 % of Binomial(1000, 0.05): 28 to 74.


def simulate(rng: np.random.Generator, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings, populations, scenarios: 20 of strong effect (sd 2) and, for each population in one, a wording (sd 0.7)."""
    scenario, column = (x.repeat(2) for x in np.divmod(np.arange(60), 3))
    if kind == "apart":
        scenario = scenario * 3 + column
    population = np.array(list("abc"))[column]
    values = rng.normal(0, 2, 60)[scenario] + rng.normal(0, 0.7, (60, 3))[scenario, column] + rng.normal(0, 0.5, 120)
    return values, population, scenario


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shared", "apart"])
def test_without_a_difference_p_values_are_uniform_however_much_scenarios_matter(kind: str) -> None:
    rng = np.random.default_rng(5)
    p = np.array([any_difference(*simulate(rng, kind), n_resamples=199, rng=rng).p_value for _ in range(1000)])
    assert 28 <= (p <= 0.05).sum() <= 74
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.slow
def test_items_taken_for_independent_reject_too_often() -> None:
    rng = np.random.default_rng(6)
    p = [any_difference(*simulate(rng, "apart")[:2], n_resamples=199, rng=rng).p_value for _ in range(500)]
    assert np.mean(np.array(p) <= 0.05) > 0.12
