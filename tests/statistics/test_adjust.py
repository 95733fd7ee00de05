"""Are p-values adjusted as the published procedures say, and missing ones left out of the count?"""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.adjust import METHODS, adjust

few_examples = settings(max_examples=20)  # statsmodels calls the garbage collector in each of Holm's adjustments: 0.1 s
p_values = st.lists(st.one_of(st.just(nan), st.floats(0, 1)), max_size=12)

# Benjamini and Hochberg 1995, section 4.1: the 15 p-values of the thrombolysis trial. At 0.05 they reject 3 by Bonferroni's
# procedure and by Hochberg's, and 4 by their own.
THROMBOLYSIS = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0,
]


def by_loop(p: list[float], method: str) -> list[float]:
    """The definitions: Holm's running maximum from the smallest, Benjamini's running minimum from the largest."""
    n = len(p)
    order = sorted(range(n), key=lambda i: p[i])
    adjusted = [0.0] * n
    if method == "holm":
        running = 0.0
        for rank, i in enumerate(order):
            running = max(running, min(1.0, (n - rank) * p[i]))
            adjusted[i] = running
        return adjusted
    penalty = sum(1 / rank for rank in range(1, n + 1)) if method == "by" else 1.0
    running = 1.0
    for rank, i in reversed(list(enumerate(order, start=1))):
        running = min(running, penalty * n * p[i] / rank)
        adjusted[i] = running
    return adjusted


@pytest.mark.parametrize(("method", "rejected"), [("holm", 3), ("bh", 4), ("by", 3)])
def test_the_thrombolysis_trial_rejects_as_many_as_published(method: str, rejected: int) -> None:
    # Holm is not in the paper: 15 p1 = 0.0015, 14 p2 = 0.0056, 13 p3 = 0.0247, 12 p4 = 0.114. Nor is Benjamini-Yekutieli: the
    # thresholds of BH divided by 3.318 are 0.001 r: 0.001, 0.002, 0.003, 0.004, ..., and 0.0095 is above 0.004.
    assert (adjust(THROMBOLYSIS, method) <= 0.05).sum() == rejected


@pytest.mark.parametrize("method", METHODS)
@few_examples
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_equal_the_definitions(method: str, p: list[float]) -> None:
    assert adjust(p, method) == pytest.approx(by_loop(p, method), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("method", ["bh", "by"])
def test_false_discovery_rates_agree_with_scipy(method: str) -> None:
    p = np.random.default_rng(1).random(40) ** 3
    assert adjust(p, method) == pytest.approx(stats.false_discovery_control(p, method=method), rel=1e-12)


def test_holm_is_the_default() -> None:
    assert adjust(THROMBOLYSIS).tolist() == adjust(THROMBOLYSIS, "holm").tolist()


@pytest.mark.parametrize("method", METHODS)
@few_examples
@given(p=p_values)
def test_a_nan_stays_nan_and_does_not_count(method: str, p: list[float]) -> None:
    adjusted = adjust(p, method)
    assert [isnan(each) for each in adjusted] == [isnan(each) for each in p]
    present = [each for each in p if not isnan(each)]
    assert adjusted[~np.isnan(adjusted)].tolist() == adjust(present, method).tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [[], [nan], [nan, nan], np.empty((2, 0))])
def test_without_a_test_there_is_nothing_to_adjust(method: str, p: object) -> None:
    adjusted = adjust(p, method)
    assert adjusted.shape == np.shape(p)
    assert np.isnan(adjusted).all()


def test_a_table_of_p_values_keeps_its_shape_and_counts_every_cell() -> None:
    table = np.array([[0.01, nan], [0.02, 0.5]])
    assert adjust(table).shape == (2, 2)
    assert adjust(table)[0, 0] == pytest.approx(0.03)


def test_the_input_is_left_alone() -> None:
    p = np.array([0.04, 0.01, nan])
    adjust(p)
    assert p[:2].tolist() == [0.04, 0.01]


def test_an_unknown_method_is_refused_with_the_nearest_and_all_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"method is 'holms'\. Did you mean 'holm'\? Expected one of: holm, bh, by"):
        adjust([0.1], "holms")
    with pytest.raises(ValueError, match=r"method is 'bonferroni'\. Expected one of: holm, bh, by"):
        adjust([], "bonferroni")


@pytest.mark.parametrize("method", METHODS)
@few_examples
@given(p=p_values)
def test_adjusting_never_lowers_a_p_value_nor_changes_the_order(method: str, p: list[float]) -> None:
    adjusted = adjust(p, method)
    present = ~np.isnan(adjusted)
    order = np.argsort(np.array(p)[present], kind="stable")
    assert (adjusted[present] >= np.array(p)[present] * (1 - 1e-12)).all()
    assert (adjusted[present] <= 1).all()
    assert (np.diff(adjusted[present][order]) >= -1e-15).all()
