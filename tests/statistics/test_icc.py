"""Is the intraclass correlation that of Shrout and Fleiss, with the interval of McGraw and Wong?"""

from collections.abc import Callable
from math import isnan, nan
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics.icc import icc

Kind = Literal["2,1", "2,k"]
both_kinds = pytest.mark.parametrize("kind", ["2,1", "2,k"])
tables = hnp.arrays(float, (3, 6), elements=st.sampled_from([1.0, 2.0, 3.0, 5.0]))

SHROUT_FLEISS = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], dtype=float)
THREE = np.array([[1, 2, 4, 5, 3, 2, 4, 1, 5, 3], [1, 3, 4, 4, 3, 2, 5, 2, 4, 3], [2, 2, 3, 5, 4, 1, 4, 1, 5, 4]], dtype=float)
TWO = np.array([[70, 41, 88, 52, 63, 35, 90], [75, 50, 83, 60, 71, 33, 94]], dtype=float)
UNRELATED = np.array([[3, 1, 2, 3, 2, 1, 2], [1, 2, 3, 2, 3, 2, 1], [2, 2, 1, 3, 1, 3, 2]], dtype=float)
WITH_GAPS = THREE.copy()
WITH_GAPS[0, 2] = WITH_GAPS[2, 7] = nan


# Points and intervals


def test_the_table_of_shrout_and_fleiss_gives_what_they_published() -> None:
    # Shrout and Fleiss 1979, tables 2 and 4: ICC(2,1) = .29, ICC(2,k) = .62.
    assert round(icc(SHROUT_FLEISS).value, 2) == 0.29
    assert round(icc(SHROUT_FLEISS, "2,k").value, 2) == 0.62


# pingouin 0.7.0: options["round"] = options["round.column.CI95"] = None, then of the long table with columns t, r, x
# intraclass_corr(table, "t", "r", "x", nan_policy="omit"), rows ICC(A,1) and ICC(A,k): "ICC" and "CI95".
@pytest.mark.parametrize(
    ("values", "kind", "pingouin"),
    [
        (SHROUT_FLEISS, "2,1", (0.28976377952755916, 0.018786513374712058, 0.7610843696489527)),
        (SHROUT_FLEISS, "2,k", (0.6200505475989893, 0.07113681530250353, 0.9272320401677219)),
        (THREE, "2,1", (0.8298676748582232, 0.5891544694405437, 0.950033851937361)),
        (THREE, "2,k", (0.9360341151385928, 0.8113924415282933, 0.9827706960096552)),
        (TWO, "2,1", (0.9558241410249646, 0.7341652490362373, 0.9924550247147002)),
        (TWO, "2,k", (0.977413174299053, 0.8467073705279814, 0.9962132268022561)),
        (UNRELATED, "2,1", (-0.30434782608695665, -0.5317826891606293, 0.30837018629132934)),
        (WITH_GAPS, "2,1", (0.8297872340425536, 0.5546910777427657, 0.9591695331887425)),
        (WITH_GAPS, "2,k", (0.9360000000000003, 0.7888913011332771, 0.9860090051626728)),
    ],
)
def test_the_correlation_and_its_interval_equal_those_of_pingouin(
    values: np.ndarray, kind: Kind, pingouin: tuple[float, ...]
) -> None:
    ours = icc(values, kind)
    assert (ours.value, ours.low, ours.high) == pytest.approx(pingouin, abs=1e-9)


def test_items_with_a_missing_rating_are_left_out_and_counted_and_the_method_says_so() -> None:
    estimate = icc(np.vstack([WITH_GAPS, np.full(10, nan)]))
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (8, 8, 3, 2)
    assert "items without a rating from every rater, left out: 2" in estimate.method
    assert estimate.value == icc(np.delete(THREE, [2, 7], axis=1)).value
    assert "left out" not in icc(THREE).method


def test_a_rater_who_is_always_higher_lowers_absolute_agreement() -> None:
    assert icc(np.add(THREE, [[0], [0], [2]])).value < icc(THREE).value - 0.2


def test_raters_who_differ_much_in_level_are_said_to_make_the_interval_too_narrow() -> None:
    assert "raters differ much in level" in icc(np.add(THREE, [[0], [0], [2]])).method
    assert "raters differ much in level" not in icc(THREE).method


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    narrow, wide = icc(THREE, confidence=0.8), icc(THREE, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.8, 0.99)


def test_the_estimand_names_the_kind() -> None:
    assert [icc(THREE, "2,1").estimand, icc(THREE, "2,k").estimand] == ["icc.2_1", "icc.2_k"]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kind is '3,1'\. Expected one of: '2,1', '2,k'"):
        icc(THREE, "3,1")  # type: ignore[arg-type]


# Degenerate data

UNDEFINED = {
    "empty": (np.empty((0, 0)), "there are no ratings"),
    "all missing": (np.full((3, 2), nan), "there are no ratings"),
    "one rater": ([[1, 2, 3]], "there is one rater"),
    "one rater beside a silent one": ([[1, 2, 3], [nan] * 3], "there is one rater"),
    "no item rated by all": ([[1, nan], [nan, 2]], "no item has a rating from every rater, and two are needed"),
    "one item": ([[1, 2], [2, nan]], "one item has a rating from every rater, and two are needed"),
    "no variance": (np.full((3, 4), 2.0), "all 12 ratings are 2: without variance there are no shares of it"),
}


@both_kinds
@pytest.mark.parametrize(("values", "reason"), UNDEFINED.values(), ids=UNDEFINED)
def test_the_correlation_is_undefined_where_there_is_nothing_to_share_out(values: object, reason: str, kind: Kind) -> None:
    estimate = icc(np.array(values, dtype=float), kind)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == f"undefined: {reason}"


@both_kinds
@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-6, 1e6])
def test_perfect_agreement_is_one_and_never_an_interval_of_no_width(kind: Kind, scale: float) -> None:
    estimate = icc(np.tile([1.0, 3.0, 7.0, 2.0], (3, 1)) * scale, kind)
    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert isnan(estimate.low)
    assert "no interval: no two raters differ on any item" in estimate.method


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_raters_a_constant_apart_have_an_interval_although_nothing_is_left_unexplained(scale: float) -> None:
    # Mean squares with n = 4, k = 2 of rows (0, 1, 2, 3) and (1, 2, 3, 4): items 10/3, raters 2, error 0.
    # ICC(2,1) = (10/3) / (10/3 + 2 * 2 / 4) = 10/13. With no error v = k - 1 = 1, and the limits are
    # n MS_items / (F k MS_raters + n MS_items), F = F_.975(3, 1) = 864.163, and F n MS_items / (k MS_raters + F n MS_items),
    # F = F_.975(1, 3) = 17.4434 (tables of F).
    estimate = icc(np.array([[0, 1, 2, 3], [1, 2, 3, 4]]) * scale)
    items = 40 / 3
    assert estimate.value == pytest.approx(10 / 13, abs=1e-12)
    assert estimate.low == pytest.approx(items / (864.163 * 4 + items), rel=1e-5)
    assert estimate.high == pytest.approx(17.4434 * items / (4 + 17.4434 * items), rel=1e-5)


def test_the_mean_of_raters_is_undefined_where_its_estimated_variance_is_negative_and_not_above_one() -> None:
    # Items' and raters' means all equal: the formula would give (0 - MS_e) / (0 - MS_e / n) = n.
    estimate = icc([[1, 2, 3], [2, 3, 1], [3, 1, 2]], "2,k")
    assert isnan(estimate.value)
    assert estimate.method.startswith("undefined: the items differ so much less than their error")
    assert icc([[1, 2, 3], [2, 3, 1], [3, 1, 2]], "2,1").value < 0


def test_the_mean_of_raters_has_no_interval_where_its_lower_end_has_no_variance() -> None:
    # pingouin 0.7.0 gives the limits 25.1 and 0.57 for these ratings.
    estimate = icc(UNRELATED, "2,k")
    assert estimate.value < 0
    assert isnan(estimate.low)
    assert isnan(estimate.high)
    assert "no interval: its lower end has no variance left to share out" in estimate.method


@settings(max_examples=200)
@given(st.data(), st.integers(0, 4), st.integers(0, 6), st.sampled_from(["2,1", "2,k"]), st.booleans())
def test_the_correlation_of_any_table_is_a_number_or_nan_with_a_reason(
    data: st.DataObject, n_raters: int, n_items: int, kind: Kind, complete: bool
) -> None:
    elements = st.sampled_from([0.1, 0.3, 2.0] if complete else [nan, 0.1, 0.3, 2.0])
    estimate = icc(data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements)), kind)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    assert isnan(estimate.value) or estimate.value <= 1 + 1e-12
    assert isnan(estimate.low) or estimate.low < estimate.value < estimate.high <= 1


# Properties


@given(tables, st.sampled_from(["2,1", "2,k"]), st.permutations(range(3)), st.permutations(range(6)))
def test_the_correlation_ignores_rater_order_and_item_order(
    table: np.ndarray, kind: Kind, raters: list[int], items: list[int]
) -> None:
    before, after = icc(table, kind), icc(table[raters][:, items], kind)
    assert (after.value, after.low) == pytest.approx((before.value, before.low), abs=1e-9, nan_ok=True)


@given(tables, st.sampled_from(["2,1", "2,k"]), st.sampled_from([1e-6, 0.01, -3.0, 1e5]))
def test_the_correlation_ignores_unit_and_origin(table: np.ndarray, kind: Kind, unit: float) -> None:
    before, after = icc(table, kind), icc(unit * (table + 100), kind)
    assert (after.value, after.low) == pytest.approx((before.value, before.low), abs=1e-6, nan_ok=True)


@given(tables)
def test_the_mean_of_raters_is_spearman_and_browns_step_up_of_one(table: np.ndarray) -> None:
    one, mean = icc(table), icc(table, "2,k")
    if mean.is_defined:
        assert mean.value == pytest.approx(3 * one.value / (1 + 2 * one.value), rel=1e-6, abs=1e-9)


# Coverage: 2,000 tables of items and raters, both drawn anew. Normal, with planted shares of variance; the error's is 1.


def rate(rng: np.random.Generator, n_items: int, n_raters: int, of_items: float, of_raters: float) -> np.ndarray:
    items, raters = rng.normal(0, of_items**0.5, n_items), rng.normal(0, of_raters**0.5, (n_raters, 1))
    return items + raters + rng.normal(size=(n_raters, n_items))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_items", "n_raters", "of_items", "of_raters"),
    [(20, 3, 1, 0.2), (50, 3, 0.5, 0.5), (50, 2, 1, 0.05), (200, 4, 1, 0.05), (200, 10, 1, 0.2), (60, 5, 4, 0.1)],
)
def test_intervals_of_the_correlation_hold_the_planted_one_as_often_as_they_say(
    n_items: int, n_raters: int, of_items: float, of_raters: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(18)
    drawn = [rate(rng, n_items, n_raters, of_items, of_raters) for _ in range(2000)]
    of_one, of_mean = of_items / (of_items + of_raters + 1), of_items / (of_items + (of_raters + 1) / n_raters)
    assert_nominal_coverage([icc(table) for table in drawn], of_one)
    assert_nominal_coverage([icc(table, "2,k") for table in drawn], of_mean)


@pytest.mark.slow
def test_where_few_raters_differ_much_the_interval_is_too_narrow_and_the_method_says_so(
    assert_too_few_cover: Callable[..., None],
) -> None:
    # As often as items differ: 0.83 of the intervals hold the truth. One table in 30 has raters alike by chance.
    rng = np.random.default_rng(20)
    estimates = [icc(rate(rng, 200, 4, 1, 1)) for _ in range(1000)]
    assert_too_few_cover(estimates, 1 / 3)
    assert np.mean(["tends to be too narrow" in estimate.method for estimate in estimates]) > 0.9
