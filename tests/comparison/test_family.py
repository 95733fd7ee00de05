"""Do p-values and intervals of a family count how many differences were looked at?"""

from itertools import combinations
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from judgefair.comparison.comparison import Difference
from judgefair.comparison.family import adjusted
from judgefair.comparison.ranks import rank_ranges
from judgefair.statistics import Estimate
from judgefair.statistics.paired_change import paired_change


def member(value: float, se: float = 0.1, n_clusters: int = 30) -> Estimate:
    return Estimate("alpha_difference", value, se=se, n_clusters=n_clusters)


def test_p_values_are_those_of_holm_by_statsmodels() -> None:
    family = [member(0.31), member(-0.12), member(0.05, 0.02, 12), member(0.0), member(0.22, 0.09)]
    alone = [2 * stats.t.sf(abs(m.value) / m.se, m.n_clusters - 1) for m in family]
    assert [m.p_value for m in adjusted(family)] == pytest.approx(multipletests(alone, method="holm")[1])


def test_intervals_are_those_of_bonferroni_by_scipy() -> None:
    family = [member(0.31), member(-0.12), member(0.05, 0.02, 12)]
    for one, told in zip(family, adjusted(family, 0.9), strict=True):
        low, high = stats.t.interval(1 - 0.1 / 3, one.n_clusters - 1, one.value, one.se)
        assert (told.low, told.high) == pytest.approx((low, high))


def test_what_was_not_tested_does_not_count() -> None:
    family = [member(0.31), member(0.2, nan), member(nan, nan), member(0.4, 0.1, 1)]
    told = adjusted(family)
    assert told[0].pointwise_level == 0.95
    assert told[0].p_value == pytest.approx(2 * stats.t.sf(3.1, 29))
    assert all(other.p_value is None and isnan(other.low) for other in told[1:])


def test_an_empty_family_is_one() -> None:
    assert adjusted([]) == []


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_an_interval_that_excludes_0_goes_with_a_small_p_value(n: int) -> None:
    rng = np.random.default_rng(n)
    family = [member(rng.normal(0, 0.3), rng.uniform(0.02, 0.2), int(rng.integers(2, 80))) for _ in range(n)]
    told = adjusted(family)
    excluded = [each.p_value for each in told if each.low > 0 or each.high < 0]
    assert all(p_value is not None and p_value <= 0.05 for p_value in excluded)
    assert excluded or n < 5


# Ranks


@given(st.permutations(list("abcde")), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10))
def test_the_true_rank_lies_in_the_range_whatever_pairs_were_told_apart(order: list[str], told: set[tuple[int, int]]) -> None:
    better = {(order[i], order[j]) for i, j in told if i < j}
    ranges = rank_ranges(sorted(order), better)
    for place, judge in enumerate(order, start=1):
        best, worst = ranges[judge]
        assert 1 <= best <= place <= worst <= 5


def test_judges_that_nothing_tells_apart_share_all_ranks() -> None:
    assert rank_ranges(["a", "b", "c"], set()) == dict.fromkeys("abc", (1, 3))


def test_all_pairs_told_apart_give_one_rank_each() -> None:
    assert rank_ranges(["a", "b", "c"], {("b", "a"), ("b", "c"), ("a", "c")}) == {"a": (2, 2), "b": (1, 1), "c": (3, 3)}


@pytest.mark.slow
def test_no_pair_of_equal_judges_is_told_apart_more_often_than_the_level_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # 3 judges of equal skill, 60 items, alpha_difference of all 3 pairs as compare makes them: the chance that any is told
    # apart is at most 0.05; over 400 samples the binomial error is 0.011.
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels calls it whenever it adjusts, which would be most of the time
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(400):
        seen = rng.normal(2.5, 0.9, 60)
        values = np.clip(np.round(seen + rng.normal(0, 0.6, (6, 60))), 1, 4)
        pairs = [
            paired_change(values[k], values[j], values[3:], level="ordinal", n_resamples=300, rng=rng).alpha
            for j, k in combinations(range(3), 2)
        ]
        wrong += any(told.low > 0 or told.high < 0 for told in adjusted(pairs))
    assert wrong / 400 <= 0.05 + 3 * 0.011


@pytest.mark.parametrize(("n_clusters", "better"), [(9, None), (10, "first")])
def test_two_judges_are_not_told_apart_by_fewer_than_ten_scenarios(n_clusters: int, better: str | None) -> None:
    agreement, error = adjusted([Estimate("alpha_difference", 0.48, se=0.001, n_clusters=n_clusters)] * 2)
    assert Difference("a context", "depth", "first", "second", agreement, error).better == better
