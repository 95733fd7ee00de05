"""Is the agreement of pairs counted as by hand, and its interval one over scenarios?"""

from itertools import combinations
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.inter_rater import fleiss_kappa

from judgefair.statistics.pairwise_agreement import pairwise_agreement

tables = hnp.arrays(float, (4, 6), elements=st.sampled_from([nan, 1.0, 2.0, 2.5]))


def shares(values: np.ndarray) -> list[float]:
    """Share of equal pairs in each item that has two ratings, pair by pair."""
    rated = [column[~np.isnan(column)] for column in values.T]
    return [float(np.mean([a == b for a, b in combinations(item, 2)])) for item in rated if len(item) > 1]


@given(tables)
def test_agreement_is_the_mean_over_items_of_the_share_of_equal_pairs(values: np.ndarray) -> None:
    found, by_pair = pairwise_agreement(values), shares(values)
    if by_pair:
        assert found.value == pytest.approx(np.mean(by_pair), abs=1e-12)
    assert found.is_defined == bool(by_pair)
    assert found.n_items == found.n_clusters == len(by_pair)
    assert found.n_missing == 6 - len(by_pair)
    assert isnan(found.low) == ("undefined: " in found.method or "no interval: " in found.method)
    assert isnan(found.low) or 0 <= found.low <= found.value <= found.high <= 1


def test_agreement_by_hand_with_unequal_numbers_of_raters() -> None:
    # Items: 1 1 2 2 (2 equal pairs of 6), 1 1 1 (3 of 3), 1 2 (0 of 1), and 3 alone, which has none: (1/3 + 1 + 0)/3 = 4/9.
    # Deviations from it: -1/9, 5/9, -4/9. se^2 = (1 + 25 + 16)/81 / (3 * 2) = 7/81.
    values = np.array([[1, 1, 1, 3], [1, 1, 2, nan], [2, 1, nan, nan], [2, nan, nan, nan]])
    found = pairwise_agreement(values)
    assert found.value == pytest.approx(4 / 9, abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(7 / 81), abs=1e-12)
    assert (found.n_items, found.n_missing, found.n_raters) == (3, 1, 4)


def test_agreement_is_the_one_inside_fleiss_kappa() -> None:
    # statsmodels computes kappa = (P - P_e)/(1 - P_e), and with method="randolph" P_e is 1/k: P = kappa (1 - 1/k) + 1/k.
    values = np.random.default_rng(1).integers(1, 5, (6, 40)).astype(float)
    table = np.array([[(column == level).sum() for level in range(1, 5)] for column in values.T])
    kappa = fleiss_kappa(table, method="randolph")
    assert pairwise_agreement(values).value == pytest.approx(kappa * 3 / 4 + 1 / 4, abs=1e-12)


def test_the_interval_is_that_of_a_mean_over_items() -> None:
    values = np.random.default_rng(2).integers(1, 4, (3, 50)).astype(float)
    found, by_item = pairwise_agreement(values), shares(values)
    theirs = stats.ttest_1samp(by_item, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert found.p_value is None


def test_duplicating_items_inside_scenarios_does_not_shrink_the_interval() -> None:
    values = np.random.default_rng(3).integers(1, 4, (3, 30)).astype(float)
    once = pairwise_agreement(values, np.arange(30) // 2)
    often = pairwise_agreement(np.tile(values, 3), np.tile(np.arange(30) // 2, 3))
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high), abs=1e-9)
    assert pairwise_agreement(np.tile(values, 3)).se < 0.8 * once.se


@given(tables, st.permutations(range(4)), st.permutations(range(6)))
def test_agreement_ignores_the_order_of_raters_and_items_and_the_names_of_levels(
    values: np.ndarray, raters: list[int], items: list[int]
) -> None:
    once, again = pairwise_agreement(values), pairwise_agreement(7 - 3 * values[raters][:, items])
    assert (again.value, again.se) == pytest.approx((once.value, once.se), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    "values",
    [np.empty((0, 0)), np.empty((0, 3)), [[1.0, 2.0]], [[1.0, nan], [nan, 2.0]], np.full((3, 4), nan)],
    ids=["empty", "no raters", "one rater", "no overlap", "all missing"],
)
def test_agreement_is_undefined_when_no_item_has_two_ratings(values: object) -> None:
    found = pairwise_agreement(np.array(values))
    assert isnan(found.value)
    assert found.method == "undefined: no item has two ratings"


def test_perfect_agreement_and_one_scenario_have_points_without_intervals() -> None:
    perfect = pairwise_agreement(np.ones((3, 9)))
    assert perfect.value == 1
    assert isnan(perfect.low)
    assert "no interval: no variance between clusters" in perfect.method
    single = pairwise_agreement(np.array([[1.0, 2.0], [1.0, 3.0]]), ["s", "s"])
    assert single.value == 0.5
    assert isnan(single.high)
    assert "no interval: a mean of one cluster" in single.method
