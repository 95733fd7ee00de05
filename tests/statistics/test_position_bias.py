"""Are verdicts that follow the position counted, and told from verdicts that are only noisy?"""

from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.bradley_terry import bradley_terry
from judgefair.statistics.missing_rate import missing_rate
from judgefair.statistics.position_bias import position_bias

verdicts = st.lists(st.tuples(*[st.sampled_from([-1, 0, 1, nan])] * 2), max_size=12)


def test_each_pair_of_verdicts_counts_as_the_table_says() -> None:
    # Verdict and swapped, whether they name different responses, and how far they lean to the response shown first.
    table = [
        (-1, 1, False, 0.0),
        (1, -1, False, 0.0),
        (0, 0, False, 0.0),
        (-1, -1, True, 1.0),
        (1, 1, True, -1.0),
        (-1, 0, True, 0.5),
        (0, -1, True, 0.5),
        (1, 0, True, -0.5),
        (0, 1, True, -0.5),
    ]
    for verdict, swapped, inconsistent, leaning in table:
        found = position_bias([verdict], [swapped])
        assert (found.inconsistent.value, found.first.value) == (inconsistent, leaning)


@given(verdicts)
def test_the_share_and_the_mean_are_those_of_a_loop_over_the_pairs(rows: list[tuple[float, float]]) -> None:
    both = [(a, b) for a, b in rows if a == a and b == b]
    found = position_bias([a for a, _ in rows], [b for _, b in rows])
    for estimate in (found.inconsistent, found.first):
        assert (estimate.n_items, estimate.n_missing) == (len(both), len(rows) - len(both))
        assert estimate.is_defined == bool(both)
    if both:
        assert found.inconsistent.value == pytest.approx(sum(a != -b for a, b in both) / len(both))
        wins_first = sum((a == -1) + (b == -1) for a, b in both)
        wins_second = sum((a == 1) + (b == 1) for a, b in both)
        assert found.first.value == pytest.approx((wins_first - wins_second) / (2 * len(both)), abs=1e-12)


@given(verdicts)
def test_showing_all_pairs_in_the_other_order_first_changes_nothing(rows: list[tuple[float, float]]) -> None:
    a, b = [a for a, _ in rows], [b for _, b in rows]
    once, again = position_bias(a, b), position_bias(b, a)
    assert repr(once) == repr(again)


def test_intervals_are_by_cluster() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(20), 5)
    verdict, swapped = (np.where(rng.random(100) < 0.5, rng.choice([-1, 0, 1], 20)[clusters], -1) for _ in range(2))
    found = position_bias(verdict, swapped, clusters)
    theirs = sm.OLS(-(verdict + swapped) / 2, np.ones(100)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )  # statsmodels 0.15.0; the factor (n - 1) / (n - 1) of one parameter is 1
    assert (found.first.value, found.first.se) == pytest.approx((theirs.params[0], theirs.bse[0]), rel=1e-9)
    assert found.first.high - found.first.value == pytest.approx(stats.t.ppf(0.975, 19) * theirs.bse[0], rel=1e-9)
    wilson = missing_rate(verdict + swapped != 0, "x", clusters)
    assert (found.inconsistent.low, found.inconsistent.high) == (wilson.low, wilson.high)
    assert "20 clusters" in found.inconsistent.method


def test_noise_is_inconsistent_and_leans_nowhere_while_a_bias_leans() -> None:
    rng = np.random.default_rng(2)
    noise = position_bias(*rng.choice([-1, 1], (2, 400)))
    biased = position_bias(*rng.choice([-1, 1], (2, 400), p=[0.8, 0.2]))
    assert noise.inconsistent.low > 0.4
    assert noise.first.low < 0 < noise.first.high
    assert biased.first.low > 0


def test_the_mean_has_the_sign_of_the_order_effect() -> None:
    verdict, swapped = np.repeat([-1, -1, 1, -1], [9, 6, 5, 10]), np.repeat([-1, 1, -1, 1], [9, 6, 5, 10])
    found = position_bias(verdict, swapped)
    order = bradley_terry(["x"] * 30 + ["y"] * 30, ["y"] * 30 + ["x"] * 30, np.r_[verdict, swapped]).order
    assert found.first.value == 0.3
    assert order.value > 0


def test_without_verdicts_in_both_orders_both_are_undefined() -> None:
    found = position_bias([-1, nan], [nan, 1])
    for estimate in (found.inconsistent, found.first):
        assert isnan(estimate.value)
        assert estimate.method == "undefined: no pair of responses has a verdict in both orders"
        assert estimate.n_missing == 2


def test_one_cluster_gives_no_interval_of_the_mean() -> None:
    found = position_bias([-1, -1], [-1, 1], ["s", "s"])
    assert isnan(found.first.low)
    assert "no interval: a mean of one cluster" in found.first.method


@pytest.mark.parametrize(("verdict", "swapped", "told"), [([2], [1], "verdict holds 2"), ([1], [0.5], "swapped holds 0.5")])
def test_a_verdict_that_is_none_is_refused(verdict: list[float], swapped: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        position_bias(verdict, swapped)
