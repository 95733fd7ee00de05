"""Is the coefficient Gwet's, with his standard error, and does its interval hold what it says?"""

from collections.abc import Callable, Sequence
from math import isnan, nan
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.statistics.gwet import gwet

Weights = Literal["identity", "linear", "quadratic"]
WEIGHTS: tuple[Weights, ...] = ("identity", "linear", "quadratic")
LEVELS = [1, 2, 3, 4, 5]
every_weighting = pytest.mark.parametrize("weights", WEIGHTS)
tables = hnp.arrays(float, (3, 7), elements=st.sampled_from([nan, 1.0, 2.0, 3.0, 5.0]))

HANDBOOK = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
])  # fmt: skip
UNEVEN = np.array([
    [0, 1, 1, 4, 4, 9, 0, 1, nan, 9, 4, 0, 1, 1],
    [1, 1, 4, 4, 1, 9, 0, 0, 1, 4, nan, 0, 9, 1],
    [0, 4, 1, 4, 4, 1, nan, 1, nan, 9, 4, 1, 1, 0],
])  # fmt: skip


# Points, standard errors and intervals


# irrCAC 0.4.4 (Python): CAC(pandas.DataFrame(values.T), weights=weights, categories=domain, digits=10).gwet()["est"]:
# "coefficient_value", "se" and "confidence_interval". Both tables have missing ratings and an item with one.
@pytest.mark.parametrize(
    ("values", "weights", "domain", "irrcac"),
    [
        (HANDBOOK, "identity", None, (0.7754440681, 0.1429499506, 0.4608133481, 1)),
        (HANDBOOK, "linear", None, (0.8587391364, 0.1173290219, 0.6004997004, 1)),
        (HANDBOOK, "quadratic", None, (0.9140007236, 0.1039622446, 0.6851813659, 1)),
        (HANDBOOK, "identity", [1, 2, 3, 4, 5, 6, 7], (0.7917601868, 0.1361138214, 0.4921756857, 1)),
        (HANDBOOK, "linear", [1, 2, 3, 4, 5, 6, 7], (0.9102497931, 0.099308154, 0.6916740199, 1)),
        (HANDBOOK, "quadratic", [1, 2, 3, 4, 5, 6, 7], (0.9646099676, 0.0908190728, 0.7647185361, 1)),
        (HANDBOOK, "linear", [0, 1, 1.5, 2, 3, 4, 5], (0.8893291075, 0.1057397356, 0.6565975185, 1)),
        (HANDBOOK, "quadratic", [0, 1, 1.5, 2, 3, 4, 5], (0.9471520206, 0.0937167948, 0.7408827459, 1)),
        (UNEVEN, "identity", None, (0.3289203378, 0.1048657271, 0.1023717078, 0.5554689679)),
        (UNEVEN, "linear", None, (0.5692307692, 0.137270829, 0.2726751727, 0.8657863657)),
        (UNEVEN, "quadratic", None, (0.659390131, 0.1673786001, 0.2977906497, 1)),
    ],
)
def test_coefficient_standard_error_and_interval_equal_those_of_irrcac(
    values: np.ndarray, weights: Weights, domain: Sequence[float] | None, irrcac: tuple[float, ...]
) -> None:
    ours = gwet(values, weights, domain=domain)
    assert (ours.value, ours.se, ours.low, ours.high) == pytest.approx(irrcac, abs=1e-9)


def test_ac1_of_two_raters_is_what_a_hand_finds() -> None:
    # 8 of 10 items agree: 7 on "yes", 1 on "no". Of 20 ratings 16 are "yes": p_e = 2 * 0.8 * 0.2 = 0.32, and
    # AC1 = (0.8 - 0.32) / (1 - 0.32) = 0.48 / 0.68. Cohen's kappa of the same table is 0.375.
    a, b = [1] * 7 + [0] + [1, 0], [1] * 7 + [0] + [0, 1]
    assert gwet([a, b]).value == pytest.approx(0.48 / 0.68, abs=1e-12)


@every_weighting
def test_with_one_item_a_scenario_the_clustered_interval_is_gwets(weights: Weights) -> None:
    plain, clustered = gwet(UNEVEN, weights), gwet(UNEVEN, weights, np.arange(UNEVEN.shape[1]))
    assert (clustered.low, clustered.high, clustered.se) == (plain.low, plain.high, plain.se)


@every_weighting
def test_the_clustered_standard_error_is_that_of_leaving_scenarios_out(weights: Weights) -> None:
    # The jackknife over 400 scenarios shares no algebra with the linearisation, and differs from it in the order of 1/400.
    rng = np.random.default_rng(2)
    values = rate(rng, 400, 3)
    scenarios = np.repeat(np.arange(400), 3)
    left_out = np.array([gwet(values[:, scenarios != each], weights, domain=LEVELS).value for each in range(400)])
    jackknife = np.sqrt(399 / 400 * ((left_out - left_out.mean()) ** 2).sum())
    ours = gwet(values, weights, scenarios, domain=LEVELS)
    assert ours.se == pytest.approx(jackknife, rel=0.01)
    assert gwet(values, weights, domain=LEVELS).se < 0.85 * jackknife


@pytest.mark.parametrize(("n_items", "said"), [(49, True), (50, False)])
def test_few_items_are_said(n_items: int, said: bool) -> None:
    estimate = gwet(rate(np.random.default_rng(1), n_items, 1))
    assert ("with fewer than 50 items the interval tends to be too narrow" in estimate.method) == said


def test_a_level_nobody_used_counts() -> None:
    seen, known = gwet(HANDBOOK), gwet(HANDBOOK, domain=range(1, 11))
    assert known.value > seen.value + 0.02
    assert "5 levels" in seen.method
    assert "10 levels" in known.method


def test_an_item_without_ratings_is_left_out_and_counted_and_one_with_a_single_rating_is_named() -> None:
    values = np.array([[1, 2, nan, 2, 1], [1, 1, nan, 2, nan], [nan] * 5])
    estimate = gwet(values, clusters=list("aabbc"))
    assert (estimate.n_items, estimate.n_clusters, estimate.n_raters, estimate.n_missing) == (4, 3, 2, 1)
    assert "items with one rating: 1" in estimate.method
    assert estimate.value == gwet(values[:, [0, 1, 3, 4]]).value


@pytest.mark.parametrize(
    ("weights", "name"), [("identity", "gwet.ac1"), ("linear", "gwet.ac2_linear"), ("quadratic", "gwet.ac2_quadratic")]
)
def test_the_estimand_names_the_weights(weights: Weights, name: str) -> None:
    assert gwet(HANDBOOK, weights).estimand == gwet([[]], weights).estimand == name


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights is 'ordinal'\. Expected one of: identity, linear, quadratic"):
        gwet(HANDBOOK, "ordinal")  # type: ignore[arg-type]


def test_a_value_outside_the_domain_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="values holds 4, 5, which domain does not"):
        gwet(HANDBOOK, domain=[1, 2, 3])


# Degenerate data

NOTHING_TO_COMPARE = {
    "empty": (np.empty((0, 0)), "no item has two ratings"),
    "no items": (np.empty((3, 0)), "no item has two ratings"),
    "all missing": (np.full((3, 2), nan), "no item has two ratings"),
    "no overlap": (np.array([[1, nan], [nan, 2]]), "no item has two ratings"),
    "one rater": (np.array([[1.0, 2.0, 1.0]]), "no item has two ratings, since there is one rater"),
}


@every_weighting
@pytest.mark.parametrize(("values", "reason"), NOTHING_TO_COMPARE.values(), ids=NOTHING_TO_COMPARE)
@pytest.mark.parametrize("domain", [None, [1, 2, 3]])
def test_the_coefficient_is_undefined_where_no_item_has_two_ratings(
    values: np.ndarray, reason: str, weights: Weights, domain: list[int] | None
) -> None:
    estimate = gwet(values, weights, domain=domain)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.method == f"undefined: {reason}"


@every_weighting
@pytest.mark.parametrize("domain", [None, [3]])
def test_with_one_level_known_the_coefficient_is_undefined_and_not_one(weights: Weights, domain: list[int] | None) -> None:
    estimate = gwet(np.full((2, 6), 3.0), weights, domain=domain)
    assert isnan(estimate.value)
    assert estimate.method.startswith("undefined: all 12 ratings are 3 and no other level is known")


@every_weighting
def test_equal_ratings_on_a_known_scale_are_full_agreement_without_an_interval(weights: Weights) -> None:
    # irrCAC 0.4.4 too: CAC(..., categories=[1., 2., 3., 4., 5.]).gwet() of twelve ratings of 3 has coefficient 1.0.
    estimate = gwet(np.full((2, 6), 3.0), weights, domain=[1, 2, 3, 4, 5])
    assert estimate.value == 1
    assert isnan(estimate.low)
    assert "no interval: no two raters differ on any item" in estimate.method


@every_weighting
def test_items_with_one_rating_lend_no_interval_to_perfect_agreement(weights: Weights) -> None:
    estimate = gwet([[1, 2, 3, 1, 2, nan], [1, 2, 3, 1, nan, 2]], weights)
    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert isnan(estimate.low)
    assert isnan(estimate.high)
    assert isnan(estimate.se)


@pytest.mark.parametrize("clusters", [None, ["only"] * 3])
def test_one_item_or_one_scenario_gives_a_point_without_an_interval(clusters: list[str] | None) -> None:
    estimate = gwet([[1, 2, 2], [2, 2, 1]] if clusters else [[1], [2]], clusters=clusters)
    assert not isnan(estimate.value)
    assert isnan(estimate.low)
    assert "no interval: a mean of one cluster" in estimate.method


@settings(max_examples=150)
@given(st.data(), st.integers(0, 4), st.integers(0, 6), st.sampled_from(WEIGHTS), st.booleans(), st.booleans())
def test_the_coefficient_of_any_table_is_a_number_or_nan_with_a_reason(
    data: st.DataObject, n_raters: int, n_items: int, weights: Weights, clustered: bool, known: bool
) -> None:
    values = data.draw(hnp.arrays(float, (n_raters, n_items), elements=st.sampled_from([nan, 0.1, 0.3, 2.0])))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    estimate = gwet(values, weights, clusters, domain=[0.1, 0.3, 1, 2] if known else None)
    assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
    assert isnan(estimate.low) == isnan(estimate.high) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    assert isnan(estimate.low) or estimate.low < estimate.value < estimate.high <= 1


# Properties


@given(tables, st.sampled_from(WEIGHTS), st.permutations(range(3)), st.permutations(range(7)))
def test_the_coefficient_ignores_rater_order_and_item_order(
    table: np.ndarray, weights: Weights, raters: list[int], items: list[int]
) -> None:
    before, after = gwet(table, weights), gwet(table[raters][:, items], weights)
    assert (after.value, after.se) == pytest.approx((before.value, before.se), abs=1e-9, nan_ok=True)


@given(tables, st.permutations([10.0, -2.0, 0.5, 7.0, 8.0]))
def test_ac1_ignores_relabelling(table: np.ndarray, names: list[float]) -> None:
    renamed = np.where(np.isnan(table), nan, np.array(names)[np.nan_to_num(table, nan=1).astype(int) - 1])
    assert gwet(renamed).value == pytest.approx(gwet(table).value, abs=1e-9, nan_ok=True)


@given(tables, st.sampled_from(WEIGHTS), st.sampled_from([0.01, -3.0, 1e5]))
def test_the_coefficient_ignores_unit_and_origin(table: np.ndarray, weights: Weights, unit: float) -> None:
    before, after = gwet(table, weights), gwet(unit * (table + 10), weights)
    assert (after.value, after.se) == pytest.approx((before.value, before.se), abs=1e-8, nan_ok=True)


@given(tables, st.sampled_from(WEIGHTS), st.integers(2, 4))
def test_duplicating_all_scenarios_leaves_the_coefficient_alone(table: np.ndarray, weights: Weights, k: int) -> None:
    often = gwet(np.tile(table, k), weights)
    assert often.value == pytest.approx(gwet(table, weights).value, abs=1e-9, nan_ok=True)


@given(tables, st.sampled_from(WEIGHTS), st.integers(2, 4))
def test_duplicating_items_inside_scenarios_does_not_shrink_the_interval(table: np.ndarray, weights: Weights, k: int) -> None:
    scenarios = np.arange(7) // 2
    once, often = gwet(table, weights, scenarios), gwet(np.tile(table, k), weights, np.tile(scenarios, k))
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-9, nan_ok=True)


# Coverage: 2,000 tables of 4 raters, 200 items, or 80 scenarios of 3. The truth is that of a million items. With 80 items
# the interval of AC2 with quadratic weights, at 0.93, holds it in 0.93.


def rate(rng: np.random.Generator, n_scenarios: int, per_scenario: int, single: float = 0) -> np.ndarray:
    """Four raters, each with a leaning, on a scale of 1 to 5; most items are a 1. Some items have two ratings or one."""
    n_items = n_scenarios * per_scenario
    item = np.repeat(rng.normal(size=n_scenarios), per_scenario) + 0.4 * rng.normal(size=n_items)
    leaning = np.array([[-0.3], [0.0], [0.2], [0.4]])
    values = np.clip(np.round(1.2 * item + leaning + 0.6 * rng.normal(size=(4, n_items)) + 1.2), 1, 5)
    kind = rng.random(n_items)
    values[2:, kind < 0.3] = nan
    values[1:, kind < single] = nan
    return values


@pytest.mark.slow
@every_weighting
@pytest.mark.parametrize("per_scenario", [1, 3])
def test_intervals_of_the_coefficient_hold_the_truth_as_often_as_they_say(
    weights: Weights, per_scenario: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(17)
    truth = gwet(rate(rng, 1_000_000 // per_scenario, per_scenario), weights, domain=LEVELS).value
    n_scenarios = 200 if per_scenario == 1 else 80
    scenarios = np.repeat(np.arange(n_scenarios), per_scenario)
    drawn = [rate(rng, n_scenarios, per_scenario) for _ in range(2000)]
    assert_nominal_coverage([gwet(table, weights, scenarios, domain=LEVELS) for table in drawn], truth)
    if per_scenario > 1:
        assert_too_few_cover([gwet(table, weights, domain=LEVELS) for table in drawn], truth)


@pytest.mark.slow
def test_items_with_one_rating_make_gwets_interval_wider_than_need_be() -> None:
    # His linearisation enters those items with no agreement beyond chance, and the others in proportion more: with a tenth
    # of the items rated once, nearly every 95 % interval holds the truth.
    rng = np.random.default_rng(21)
    truth = gwet(rate(rng, 1_000_000, 1, single=0.1), "quadratic", domain=LEVELS).value
    drawn = [gwet(rate(rng, 80, 1, single=0.1), "quadratic", domain=LEVELS) for _ in range(1000)]
    assert np.mean([each.low <= truth <= each.high for each in drawn]) > 0.98
    assert np.mean([each.se for each in drawn]) > 1.2 * np.std([each.value for each in drawn])
