"""Is a panel's rating the mean, the median or the majority of its judges, and missing where there is none?"""

import statistics
from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics.panel import panel

tables = hnp.arrays(float, (5, 8), elements=st.sampled_from([nan, 0.0, 1.0, 2.0, 4.0]))


def only_one(ratings: list[float]) -> float:
    found = statistics.multimode(ratings)
    return found[0] if len(found) == 1 else nan


# The standard library's statistics, item by item.
BY_HAND: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "majority": only_one,
}


@given(tables, st.sampled_from(list(BY_HAND)), st.integers(1, 5))
def test_a_panel_is_what_the_standard_library_says_of_each_item(values: np.ndarray, combine: str, at_least: int) -> None:
    found = panel(values, combine, at_least=at_least)  # type: ignore[arg-type]
    for item, column in enumerate(values.T):
        ratings = [value for value in column.tolist() if not isnan(value)]
        assert found.n_judges[item] == len(ratings)
        expected = BY_HAND[combine](ratings) if len(ratings) >= at_least else nan
        assert found.rating[item] == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(tables, st.integers(1, 5))
def test_every_item_without_a_rating_is_tied_or_missing_and_none_is_both(values: np.ndarray, at_least: int) -> None:
    n_rated = (~np.isnan(values)).sum(0)
    for combine in ("mean", "median", "majority"):
        found = panel(values, combine, at_least=at_least)  # type: ignore[arg-type]
        assert found.n_missing == (n_rated < at_least).sum()
        assert found.n_tied == np.isnan(found.rating).sum() - found.n_missing
        assert combine == "majority" or found.n_tied == 0


# Ties and midpoints


def test_a_tie_is_left_missing_and_counted_however_many_levels_share_it() -> None:
    values = np.array([[1, 1, 1], [1, 1, 2], [2, 2, 3], [2, 3, 4]])
    found = panel(values, "majority")
    assert np.array_equal(found.rating, [nan, 1, nan], equal_nan=True)
    assert (found.n_tied, found.n_missing) == (2, 0)


def test_a_majority_is_the_level_named_most_often_even_by_less_than_half() -> None:
    assert panel(np.array([[1], [1], [2], [3], [4]]), "majority").rating.tolist() == [1]


def test_judges_without_a_rating_do_not_break_a_tie_and_do_not_vote() -> None:
    found = panel(np.array([[1, 1], [2, 1], [nan, 2], [nan, nan]]), "majority", at_least=2)
    assert np.array_equal(found.rating, [nan, 1], equal_nan=True)
    assert found.n_tied == 1


def test_a_median_between_two_levels_is_their_midpoint_and_no_tie() -> None:
    found = panel(np.array([[1, 1], [4, 1], [2, 2], [3, 4]]), "median")
    assert found.rating.tolist() == [2.5, 1.5]
    assert found.n_tied == 0


# How many judges must have rated


@pytest.mark.parametrize(("n_judges", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4)])
def test_more_than_half_of_the_judges_must_have_rated_unless_said_otherwise(n_judges: int, needed: int) -> None:
    values = np.array([[nan if judge >= present else 1.0 for present in range(n_judges + 1)] for judge in range(n_judges)])
    for combine in ("mean", "median", "majority"):
        found = panel(values, combine)  # type: ignore[arg-type]
        assert np.isnan(found.rating).tolist() == [present < needed for present in range(n_judges + 1)]
        assert found.n_missing == needed
        assert found.n_judges.tolist() == list(range(n_judges + 1))


def test_an_item_with_too_few_judges_is_missing_and_not_tied_though_they_differ() -> None:
    found = panel(np.array([[1.0], [2.0], [nan], [nan]]), "majority")
    assert (found.n_tied, found.n_missing) == (0, 1)


def test_a_panel_of_one_judge_is_that_judge() -> None:
    judge = np.array([1.0, nan, 3.0])
    for combine in ("mean", "median", "majority"):
        assert np.array_equal(panel(judge, combine).rating, judge, equal_nan=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("combine", ["mean", "median", "majority"])
def test_judges_who_rated_nothing_leave_everything_missing(combine: str) -> None:
    found = panel(np.full((3, 2), nan), combine)  # type: ignore[arg-type]
    assert np.isnan(found.rating).all()
    assert (found.n_tied, found.n_missing) == (0, 2)
    assert panel(np.empty((3, 0)), combine).rating.shape == (0,)  # type: ignore[arg-type]


@pytest.mark.parametrize("at_least", [0, 4, -1])
def test_more_ratings_than_there_are_judges_or_none_cannot_be_asked_for(at_least: int) -> None:
    with pytest.raises(ValueError, match=f"at_least is {at_least}. Expected 1 to 3, the number of judges"):
        panel(np.ones((3, 2)), at_least=at_least)


def test_an_unknown_way_to_combine_is_refused() -> None:
    with pytest.raises(ValueError, match=r"combine is 'mode'\. Expected 'mean', 'median' or 'majority'"):
        panel(np.ones((3, 2)), "mode")  # type: ignore[arg-type]


# Properties


@given(tables, st.permutations(range(5)), st.permutations(range(8)))
def test_a_panel_ignores_the_order_of_judges_and_follows_that_of_items(
    values: np.ndarray, judges: list[int], items: list[int]
) -> None:
    for combine in ("mean", "median", "majority"):
        before = panel(values, combine)  # type: ignore[arg-type]
        after = panel(values[judges][:, items], combine)  # type: ignore[arg-type]
        assert after.rating == pytest.approx(before.rating[items], abs=1e-12, nan_ok=True)
        assert (after.n_tied, after.n_missing) == (before.n_tied, before.n_missing)


@given(tables, st.permutations([0.0, 1.0, 2.0, 4.0]))
def test_a_majority_follows_the_names_of_levels(values: np.ndarray, renamed: list[float]) -> None:
    names = dict(zip([0.0, 1.0, 2.0, 4.0], renamed, strict=True))
    rename = np.vectorize(lambda value: names.get(value, nan), otypes=[float])
    assert np.array_equal(
        panel(rename(values), "majority").rating, rename(panel(values, "majority").rating), equal_nan=True
    )  # fmt: skip
