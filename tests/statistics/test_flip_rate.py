"""Are flips counted beside the placebo's, and their excess paired by scenario?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics import Estimate, missing_rate
from judgefair.statistics.flip_rate import FlipRate, flip_rate
from judgefair.statistics.rate_gap import rate_gap

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
pairs_of_any_kind = st.lists(
    st.tuples(st.sampled_from([nan, 1.0, 2.0, 4.0]), st.sampled_from([nan, 1.0, 2.0]), st.integers(0, 3)), max_size=10
)  # fmt: skip


def simulate(
    rng: np.random.Generator, n_scenarios: int, flips: float = 0.3, placebo: float = 0.2, arms: int = 1, alike: float = 0.5
) -> Pairs:
    """Ratings of arms, of their reference, of a placebo arm, of its reference, and the scenarios of both.

    A reference is rated 2 or 3; an arm that flips moves one or two points, up or down. Whether an arm of a scenario flips
    is correlated by `alike` with the others.
    """
    effect = rng.normal(size=(n_scenarios, 1))
    latent = alike**0.5 * effect + (1 - alike) ** 0.5 * rng.normal(size=(n_scenarios, arms + 1))
    flipped = latent < stats.norm.ppf([flips] * arms + [placebo])
    moves = flipped * rng.choice([-2.0, -1.0, 1.0, 2.0], flipped.shape)
    reference = rng.choice([2.0, 3.0], (n_scenarios, 1))
    ratings, scenarios = reference + moves, np.arange(n_scenarios)
    return (
        ratings[:, :-1].ravel(), np.repeat(reference, arms), ratings[:, -1], reference.ravel(), np.repeat(scenarios, arms), scenarios,
    )  # fmt: skip


def every(found: FlipRate) -> list[Estimate]:
    return [found.flips, found.placebo, found.excess, found.change, found.change_placebo, found.change_excess]


# Points and intervals


def test_flips_are_pairs_that_differ_and_their_excess_is_what_the_placebo_leaves() -> None:
    found = flip_rate([1, 1, 2, 5], [1, 2, 2, 1], [3, 2, 1], [3, 3, 1], [0, 1, 2, 3], [0, 1, 2])
    values = {each.estimand: each.value for each in every(found)}
    assert values == pytest.approx({
        "flip_rate": 1 / 2, "flip_rate.placebo": 1 / 3, "flip_rate.excess": 1 / 6,
        "change": 5 / 4, "change.placebo": 1 / 3, "change.excess": 11 / 12,
    })  # fmt: skip
    assert (found.flips.n_items, found.placebo.n_items, found.excess.n_items, found.excess.n_clusters) == (4, 3, 7, 4)


def test_shares_have_wilsons_interval_and_their_excess_the_one_of_a_gap_of_rates() -> None:
    arm, reference, placebo, its_reference, scenarios, its_scenarios = simulate(np.random.default_rng(1), 40, arms=3)
    found = flip_rate(arm, reference, placebo, its_reference, scenarios, its_scenarios)
    theirs = missing_rate(arm != reference, "refused", scenarios)
    assert (found.flips.value, found.flips.low, found.flips.high) == (theirs.value, theirs.low, theirs.high)
    gap = rate_gap(
        np.r_[arm != reference, placebo != its_reference], ["arm"] * 120 + ["placebo"] * 40, "placebo",
        np.r_[scenarios, its_scenarios], estimand="flips",
    ).gaps["arm"]  # fmt: skip
    assert (found.excess.value, found.excess.low, found.excess.high) == pytest.approx((gap.value, gap.low, gap.high), abs=1e-12)
    assert "paired by 40 of them" in found.excess.method


def test_the_excess_of_change_has_the_interval_of_a_clustered_regression_on_the_kind_of_pair() -> None:
    # As in test_judge_error: with a constant and a dummy statsmodels has G/(G - 1) (N - 1)/(N - 2) where ours is G/(G - 1).
    arm, reference, placebo, its_reference, scenarios, its_scenarios = simulate(np.random.default_rng(2), 40, arms=3)
    found = flip_rate(arm, reference, placebo, its_reference, scenarios, its_scenarios).change_excess
    change = np.r_[abs(arm - reference), abs(placebo - its_reference)]
    theirs = sm.OLS(change, sm.add_constant((np.arange(160) < 120).astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": np.r_[scenarios, its_scenarios]}
    )
    se = theirs.bse[1] * (158 / 159) ** 0.5
    assert found.value == pytest.approx(theirs.params[1], abs=1e-12)
    assert found.se == pytest.approx(se, rel=1e-9)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 39) * se, rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.value) / se, 39), rel=1e-9)


def test_the_placebo_pairs_of_a_scenario_narrow_the_excess_and_those_of_other_scenarios_do_not() -> None:
    arm, reference, placebo, its_reference, scenarios, _ = simulate(np.random.default_rng(3), 200, alike=0.9)
    paired = flip_rate(arm, reference, placebo, its_reference, scenarios, scenarios)
    apart = flip_rate(arm, reference, placebo, its_reference, scenarios, 1000 + scenarios)
    for ours, theirs in ((paired.excess, apart.excess), (paired.change_excess, apart.change_excess)):
        assert ours.value == theirs.value
        assert ours.high - ours.low < 0.85 * (theirs.high - theirs.low)


def test_a_wording_that_changes_as_much_as_the_population_leaves_no_excess() -> None:
    arm, reference, _, _, scenarios, _ = simulate(np.random.default_rng(4), 60)
    found = flip_rate(arm, reference, arm, reference, scenarios, scenarios)
    assert found.flips.low > 0.1
    assert found.excess.value == 0
    assert found.excess.low < 0 < found.excess.high


# Degenerate data


def test_without_placebo_pairs_there_is_no_excess_and_not_an_excess_over_nothing() -> None:
    found = flip_rate([1, 2], [1, 1], [], [], ["s1", "s2"], [])
    assert found.flips.value == 0.5
    assert found.change.value == 0.5
    for estimate in (found.placebo, found.excess, found.change_placebo, found.change_excess):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.method == "undefined: no pair of a placebo and its reference has both ratings"


def test_without_pairs_nothing_but_the_placebo_is_defined() -> None:
    found = flip_rate([nan], [1], [1, 2], [1, 1], ["s1"], ["s1", "s2"])
    assert (found.placebo.value, found.change_placebo.value) == (0.5, 0.5)
    for estimate in (found.flips, found.excess, found.change, found.change_excess):
        assert estimate.method == "undefined: no pair of an arm and its reference has both ratings"
        assert estimate.n_missing == 1


def test_no_pairs_at_all_leave_everything_undefined() -> None:
    for estimate in every(flip_rate([], [], [], [], [], [])):
        assert isnan(estimate.value)
        assert estimate.method.startswith("undefined: ")


def test_a_pair_with_a_missing_rating_is_left_out_and_counted_and_is_no_flip() -> None:
    found = flip_rate([nan, 2, 3], [1, nan, 3], [1, nan], [1, nan], [0, 1, 2], [0, 1])
    assert (found.flips.value, found.flips.n_items, found.flips.n_missing) == (0.0, 1, 2)
    assert (found.placebo.n_items, found.placebo.n_missing) == (1, 1)
    assert (found.excess.n_items, found.excess.n_missing, found.change_excess.n_missing) == (2, 3, 3)


def test_ratings_that_nothing_changes_keep_an_interval_of_the_flip_rate_and_none_of_the_change() -> None:
    ratings, scenarios = np.ones(30), np.arange(30)
    found = flip_rate(ratings, ratings, ratings, ratings, scenarios, scenarios)
    bound = 1.959964**2 / (30 + 1.959964**2)  # Wilson's for 0 of 30
    assert (found.flips.low, found.flips.high) == pytest.approx((0, bound), abs=1e-6)
    assert (found.excess.low, found.excess.high) == pytest.approx((-bound, bound), abs=1e-6)
    assert found.change_excess.value == 0
    assert "no interval: no variance between clusters" in found.change_excess.method


def test_one_scenario_gives_no_interval_of_the_change() -> None:
    found = flip_rate([1, 2], [2, 2], [1, 1], [2, 2], ["only"] * 2, ["only"] * 2)
    assert found.change_excess.value == -0.5
    assert "no interval: a mean of one cluster" in found.change_excess.method
    assert found.excess.high - found.excess.low > 1


@settings(max_examples=150)
@given(pairs_of_any_kind, pairs_of_any_kind)
def test_flips_of_any_pairs_are_within_their_intervals_or_nan_with_a_reason(rows: list[tuple], controls: list[tuple]) -> None:
    (arm, reference, clusters), (placebo, its_reference, its_clusters) = (
        [list(column) for column in zip(*each, strict=True)] if each else ([], [], []) for each in (rows, controls)
    )
    found = flip_rate(arm, reference, placebo, its_reference, clusters, its_clusters)
    for estimate in every(found):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert isnan(estimate.low) or estimate.low - 1e-12 <= estimate.value <= estimate.high + 1e-12
    for estimate in (found.flips, found.placebo, found.excess):
        assert isnan(estimate.low) or -1 - 1e-12 <= estimate.low <= estimate.high <= 1 + 1e-12


# Properties


@given(pairs_of_any_kind.filter(len), st.randoms(use_true_random=False))
def test_flips_ignore_the_order_of_pairs_and_which_of_the_two_is_the_reference(rows: list[tuple], random: object) -> None:
    shuffled = [(b, a, c) for a, b, c in random.sample(rows, len(rows))]  # type: ignore[attr-defined]
    before, after = (
        flip_rate(a, b, [1, 2], [1, 1], c, [0, 1]) for a, b, c in (zip(*each, strict=True) for each in (rows, shuffled))
    )
    for ours, theirs in zip(every(before), every(after), strict=True):
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9, nan_ok=True)


@given(st.permutations([1.0, 2.0, 4.0]))
def test_the_flip_rate_ignores_a_relabelling_of_the_scale(levels: list[float]) -> None:
    arm, reference, placebo, its_reference, *scenarios = simulate(np.random.default_rng(5), 20)
    relabelled = [np.array([*levels, 5, 6, 7])[each.astype(int)] for each in (arm, reference, placebo, its_reference)]
    before, after = flip_rate(arm, reference, placebo, its_reference, *scenarios), flip_rate(*relabelled, *scenarios)
    assert (after.excess.value, after.excess.low) == (before.excess.value, before.excess.low)


def test_duplicating_pairs_inside_scenarios_does_not_shrink_the_intervals() -> None:
    pairs = simulate(np.random.default_rng(6), 40, arms=2)
    once, often = flip_rate(*pairs), flip_rate(*(np.tile(each, 3) for each in pairs))
    for ours, theirs in ((once.flips, often.flips), (once.change_excess, often.change_excess)):
        assert (theirs.low, theirs.high) == pytest.approx((ours.low, ours.high), abs=1e-9)
    assert often.excess.high - often.excess.low >= once.excess.high - once.excess.low - 1e-9


# Coverage: 2,000 samples of 60 or 200 scenarios, one placebo arm in each and one or three arms. Planted: flips 0.3, placebo
# 0.2; a flip moves 1.5 points on average.


@pytest.mark.slow
@pytest.mark.parametrize(("n_scenarios", "arms"), [(60, 1), (60, 3), (200, 1), (200, 3)])
def test_intervals_of_flips_and_excess_hold_the_planted_ones_as_often_as_they_say(
    n_scenarios: int, arms: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(31)
    samples = [simulate(rng, n_scenarios, arms=arms) for _ in range(2000)]
    found = [flip_rate(*sample) for sample in samples]
    assert_nominal_coverage([each.flips for each in found], 0.3)
    if (
        n_scenarios == 200
    ):  # of 60 independent pairs Wilson's interval holds 0.2 in 0.966 of the samples (binomial probabilities summed)
        assert_nominal_coverage([each.placebo for each in found], 0.2)
    assert_nominal_coverage([each.excess for each in found], 0.1)
    assert_nominal_coverage([each.change for each in found], 0.45)
    assert_nominal_coverage([each.change_excess for each in found], 0.15)
    assert_too_few_cover(
        [each.flips for each in found], 0.1
    )  # without the placebo, what any wording does would be called an effect
