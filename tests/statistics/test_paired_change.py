"""Is what a new version of the judge changed told on the same items, with intervals that know that they are the same?"""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from math import isnan, nan

import krippendorff
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair.statistics import Estimate, judge_alpha, judge_error
from judgefair.statistics.paired_change import PairedChange, paired_change, paired_gap_change

LEVELS = ("nominal", "ordinal", "interval")
NAMES = [field.name for field in fields(PairedChange)]
every_level = pytest.mark.parametrize("level", LEVELS)
five_by_nine = hnp.arrays(float, (5, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0]))  # two judges and three humans


def simulate(
    rng: np.random.Generator, n_scenarios: int, per_scenario: int = 1, n_raters: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Old and new judge, humans and scenario on a scale of 1 to 5.

    The judges share what they get wrong about a scenario and an item; the new one is less noisy, less lenient, and misses
    fewer ratings, mostly of the same items. A fifth of the human ratings is missing.
    """
    scenario = np.repeat(np.arange(n_scenarios), per_scenario)
    n = len(scenario)
    item = rng.normal(0, 0.8, n_scenarios)[scenario] + rng.normal(0, 0.6, n)
    humans = np.clip(np.round(3 + item + rng.normal(0, 0.8, (n_raters, n))), 1, 5)
    humans[rng.random(humans.shape) < 0.2] = nan
    alike = rng.normal(0, 0.6, n_scenarios)[scenario] + rng.normal(0, 0.4, n)
    helped = rng.normal(0, 0.5, n_scenarios)[scenario]
    old = np.clip(np.round(3.6 + item + alike + rng.normal(0, 0.7, n)), 1, 5)
    new = np.clip(np.round(3.2 + item + 0.7 * alike + helped + rng.normal(0, 0.4, n)), 1, 5)
    hard = 0.7 * rng.normal(size=n_scenarios)[scenario] + 0.51**0.5 * rng.normal(size=n)  # of variance 1
    for judge, rate in ((old, 0.25), (new, 0.12)):
        judge[0.8 * hard + 0.6 * rng.normal(size=n) < stats.norm.ppf(rate)] = nan
    return old, new, humans, scenario


def every(found: PairedChange) -> dict[str, Estimate]:
    return {name: getattr(found, name) for name in NAMES}


def rows_of(old: np.ndarray, new: np.ndarray, humans: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Old, new and item of each rating of an item that both rated, one row after the other."""
    kept = [(old[i], new[i], h, i) for i in range(len(old)) for h in humans[:, i] if not isnan(old[i] + new[i] + h)]
    before, after, given, item = np.array(kept).T
    return before - given, after - given, item.astype(int)


# Errors


def test_with_one_human_changes_of_error_are_the_paired_t_test_of_the_errors() -> None:
    old, new, humans, _ = simulate(np.random.default_rng(1), 80, n_raters=1)
    before, after, item = rows_of(old, new, humans)
    assert len(item) < 80
    found = paired_change(old, new, humans, level="ordinal", n_resamples=20)
    for ours, theirs in (
        (found.judge_error, stats.ttest_rel(after, before)),
        (found.absolute_error, stats.ttest_rel(np.abs(after), np.abs(before))),
    ):
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-9)
        assert (ours.n_items, ours.n_clusters, ours.n_missing) == (len(item), len(item), 80 - len(item))


def test_changes_of_error_have_the_intervals_of_a_clustered_regression_on_a_constant() -> None:
    # statsmodels multiplies the sandwich by G/(G - 1) (N - 1)/(N - K). With the constant alone K = 1: our G/(G - 1).
    old, new, humans, scenarios = simulate(np.random.default_rng(2), 30, 3)
    before, after, item = rows_of(old, new, humans)
    for clusters, groups in ((scenarios, scenarios[item]), (None, item)):  # ratings of one item are never independent
        found = paired_change(old, new, humans, clusters, level="ordinal", n_resamples=20)
        for ours, moved in ((found.judge_error, after - before), (found.absolute_error, np.abs(after) - np.abs(before))):
            theirs = sm.OLS(moved, np.ones(len(moved))).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
            assert ours.value == pytest.approx(theirs.params[0], abs=1e-12)
            assert ours.se == pytest.approx(theirs.bse[0], rel=1e-9)
            assert (ours.low, ours.high) == pytest.approx(tuple(theirs.conf_int()[0]), rel=1e-9)
            assert ours.n_clusters == len(set(groups))


def test_the_change_of_error_is_the_error_of_the_new_version_minus_that_of_the_old_on_the_items_of_both() -> None:
    old, new, humans, scenarios = simulate(np.random.default_rng(3), 30, 2)
    before, after, item = rows_of(old, new, humans)
    ours = paired_change(old, new, humans, scenarios, level="ordinal", n_resamples=20).judge_error
    one, other = (
        judge_error(error, np.zeros(len(item)), ["a"] * len(item), "a", scenarios[item]).by_population["a"]
        for error in (after, before)
    )
    assert ours.value == pytest.approx(one.value - other.value, abs=1e-12)
    assert ours.se < np.hypot(one.se, other.se)  # unpaired it would be wider, for the two err alike


# Alpha


def alpha_by_pairs(judge: np.ndarray, humans: np.ndarray) -> float:
    """Interval alpha from the definition: each human of an item adds 1/m_u to the coincidences, both ways."""
    o: Counter[tuple[float, float]] = Counter()
    for verdict, column in zip(judge, humans.T, strict=True):
        given = [value for value in column if not isnan(value)]
        for value in given:
            o[verdict, value] += 1 / len(given)
            o[value, verdict] += 1 / len(given)
    n_c: Counter[float] = Counter()
    for (c, _), mass in o.items():
        n_c[c] += mass
    n = sum(n_c.values())
    observed = sum(mass * (c - k) ** 2 for (c, k), mass in o.items()) / n
    expected = sum(n_c[c] * n_c[k] * (c - k) ** 2 for c in n_c for k in n_c) / (n * (n - 1))
    return 1 - observed / expected


def shared_by(old: np.ndarray, new: np.ndarray, humans: np.ndarray) -> np.ndarray:
    return ~np.isnan(old) & ~np.isnan(new) & ~np.isnan(humans).all(axis=0)


@every_level
def test_the_change_of_alpha_is_that_of_both_alphas_on_the_items_of_both(level: str) -> None:
    old, new, humans, _ = simulate(np.random.default_rng(4), 60)
    both = shared_by(old, new, humans)
    before, after = (judge_alpha(each[both], humans[:, both], level, n_resamples=2).value for each in (old, new))
    found = paired_change(old, new, humans, level=level, n_resamples=20).alpha
    assert found.value == pytest.approx(after - before, abs=1e-12)
    assert (found.n_items, found.n_missing) == (both.sum(), 60 - both.sum())
    if level == "interval":
        by_hand = alpha_by_pairs(new[both], humans[:, both]) - alpha_by_pairs(old[both], humans[:, both])
        assert found.value == pytest.approx(by_hand, abs=1e-12)


@every_level
def test_with_one_human_the_change_of_alpha_is_that_of_two_published_alphas(level: str) -> None:
    old, new, humans, _ = simulate(np.random.default_rng(5), 60, n_raters=1)
    both = shared_by(old, new, humans)
    after, before = (
        krippendorff.alpha(np.stack([each, humans[0]])[:, both], level_of_measurement=level) for each in (new, old)
    )  # krippendorff 0.9.0
    found = paired_change(old, new, humans, level=level, n_resamples=20).alpha
    assert found.value == pytest.approx(after - before, abs=1e-12)


@every_level
@pytest.mark.parametrize("clustered", [False, True])
def test_the_interval_of_the_change_of_alpha_is_that_of_a_bootstrap_by_hand_with_both_versions_in_each_draw(
    level: str, clustered: bool
) -> None:
    rng = np.random.default_rng(6)
    old, new, humans, scenarios = simulate(rng, 40, 2, n_raters=1)
    both = shared_by(old, new, humans)
    old, new, human, units = old[both], new[both], humans[0, both], scenarios[both]
    by_hand = []
    for _ in range(600):
        if clustered:
            drawn = np.concatenate([np.flatnonzero(units == unit) for unit in rng.choice(np.unique(units), len(set(units)))])
        else:
            drawn = rng.integers(len(old), size=len(old))
        after, before = (
            krippendorff.alpha(np.stack([each[drawn], human[drawn]]), level_of_measurement=level) for each in (new, old)
        )
        by_hand.append(after - before)
    ours = paired_change(old, new, human, units if clustered else None, level=level, n_resamples=4000).alpha
    # Standard errors of 600 draws: about 3 % of an sd (doubled for tails), 0.11 sd for a 2.5 % quantile.
    assert ours.se == pytest.approx(np.std(by_hand), rel=0.2)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])), abs=0.5 * ours.se)
    apart = [judge_alpha(each, human[None], level, units if clustered else None).se for each in (old, new)]
    assert ours.se < np.hypot(*apart)


# Missing ratings and flips


def test_the_change_of_the_missing_rate_is_that_of_the_published_fourfold_table() -> None:
    # Fagerland, Lydersen and Laake 2017, chapter 8; the tests of R's contingencytables expect the same of
    # Newcombe_square_and_add_CI_paired_2x2(rbind(c(59, 6), c(16, 80))): -0.0621 (-0.1186 to -0.0046).
    counts = [59, 6, 16, 80]
    new, old = (np.where(np.repeat(flags, counts), nan, 2.0) for flags in ([1, 1, 0, 0], [1, 0, 1, 0]))
    found = paired_change(old, new, np.ones((1, 161)), level="ordinal", n_resamples=2).missing
    assert (found.value, found.low, found.high) == pytest.approx((-0.0621, -0.1186, -0.0046), abs=5e-5)
    assert (found.n_items, found.n_clusters, found.n_missing) == (161, 161, 0)


def test_flips_are_the_share_of_items_that_both_rated_and_rated_differently() -> None:
    old, new, humans, _ = simulate(np.random.default_rng(7), 70)
    humans[:, :5] = nan  # what humans rated does not matter
    both = ~np.isnan(old) & ~np.isnan(new)
    flipped = int((old[both] != new[both]).sum())
    found = paired_change(old, new, humans, level="ordinal", n_resamples=2).flips
    theirs = stats.binomtest(flipped, int(both.sum())).proportion_ci(0.95, method="wilson")
    assert 0 < flipped < both.sum()
    assert (found.value, found.low, found.high) == pytest.approx((flipped / both.sum(), *theirs), abs=1e-9)
    assert (found.n_items, found.n_missing) == (both.sum(), 70 - both.sum())


def test_flips_in_a_few_scenarios_are_worth_less_than_as_many_anywhere() -> None:
    old, new = np.zeros(80), np.repeat([1.0, 0.0], [20, 60])
    apart, together = (
        paired_change(old, new, np.ones((1, 80)), clusters, level="ordinal", n_resamples=2).flips
        for clusters in (None, np.repeat(np.arange(8), 10))
    )
    assert apart.value == together.value == 0.25
    assert together.high - together.low > 2 * (apart.high - apart.low)


# Gaps


def populated(rng: np.random.Generator, n_scenarios: int, shared: bool = True) -> tuple[np.ndarray, ...]:
    """Old, new, humans, population and scenario: the new version moves a up by 0.5 and b by 0.1, and more in some scenarios."""
    names = np.array(["a", "b"])
    scenario = np.repeat(np.arange(n_scenarios), 4 if shared else 2)
    population = np.tile(np.repeat(names, 2), n_scenarios) if shared else np.repeat(np.resize(names, n_scenarios), 2)
    n, column = len(scenario), (population == "b").astype(int)
    common, own = rng.normal(0, 0.5, n_scenarios), rng.normal(0, 0.4, (n_scenarios, 2))
    old = rng.normal(3, 1, n)
    new = old + np.array([0.5, 0.1])[column] + common[scenario] + own[scenario, column] + rng.normal(0, 0.4, n)
    humans = np.where(rng.random((2, n)) < 0.3, nan, old + rng.normal(0, 1, (2, n)))
    old[rng.random(n) < 0.1] = nan
    return old, new, humans, population, scenario


@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
def test_gap_changes_have_the_standard_error_of_a_clustered_regression_on_the_population(shared: bool) -> None:
    # The moves of all ratings on a constant and a dummy: K = 2, so statsmodels has G/(G - 1) (N - 1)/(N - 2) where ours is
    # G/(G - 1), and our variance is theirs times (N - 2)/(N - 1).
    old, new, humans, populations, scenarios = populated(np.random.default_rng(8), 24, shared)
    before, after, item = rows_of(old, new, humans)
    found = paired_gap_change(old, new, humans, populations, "b", scenarios)
    assert list(found) == ["a"]
    dummy = sm.add_constant((populations[item] == "a").astype(float))
    theirs = sm.OLS(after - before, dummy).fit(cov_type="cluster", cov_kwds={"groups": scenarios[item]}, use_t=True)
    n, ours = len(item), found["a"]
    assert ours.value == pytest.approx(theirs.params[1], abs=1e-12)
    assert ours.se == pytest.approx(theirs.bse[1] * ((n - 2) / (n - 1)) ** 0.5, rel=1e-9)
    df = min(len(set(scenarios[item[populations[item] == name]])) for name in "ab") - 1
    assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(ours.value) / ours.se, df), rel=1e-9)
    assert ours.high - ours.value == pytest.approx(stats.t.ppf(0.975, df) * ours.se, rel=1e-9)
    assert (ours.n_items, ours.n_missing) == (len(set(item)), len(old) - len(set(item)))


def test_the_gap_change_is_the_judge_error_gap_of_the_new_version_minus_that_of_the_old() -> None:
    old, new, humans, populations, scenarios = populated(np.random.default_rng(9), 24)
    before, after, item = rows_of(old, new, humans)
    rows = np.zeros(len(item)), populations[item], "b", scenarios[item]
    one, other = (judge_error(error, *rows).gaps["a"] for error in (after, before))
    ours = paired_gap_change(old, new, humans, populations, "b", scenarios)["a"]
    assert ours.estimand == "change.judge_error_gap"
    assert ours.value == pytest.approx(one.value - other.value, abs=1e-12)


def test_populations_without_comparable_items_have_an_undefined_gap_and_items_of_none_have_no_part() -> None:
    populations = np.array(["a", "a", "b", "b", "c", None, ""], dtype=object)
    found = paired_gap_change([1, 2, 1, 1, nan, 9, 9], [2, 3, 1, 2, 1, 1, 1], np.ones((1, 7)), populations, "b")
    assert list(found) == ["a", "c"]
    assert found["a"].value == 0.5
    assert isnan(found["c"].value)
    assert found["c"].method == "undefined: no item has a rating by both versions and by a human"
    assert (found["c"].n_items, found["c"].n_missing) == (2, 1)
    away = paired_gap_change([1, 2], [2, 3], [[1, 1]], ["a", "a"], "b")
    assert isnan(away["a"].value)
    assert paired_gap_change([], [], [], [], "b") == {}


# Degenerate data


def test_a_version_that_changed_nothing_changes_nothing_and_has_no_interval_but_that_of_shares() -> None:
    old, _, humans, scenarios = simulate(np.random.default_rng(10), 40, 2)
    found = paired_change(old, old, humans, scenarios, level="ordinal", n_resamples=50)
    assert {name: each.value for name, each in every(found).items()} == dict.fromkeys(NAMES, 0.0)
    for estimate in (found.judge_error, found.absolute_error, found.alpha):
        assert isnan(estimate.low)
        assert "no interval: " in estimate.method
    assert found.flips.low == pytest.approx(0, abs=1e-12)
    assert found.flips.high > 0.05
    assert found.missing.low < 0 < found.missing.high


@pytest.mark.parametrize("clusters", [None, []])
def test_no_items_leave_everything_undefined(clusters: list[str] | None) -> None:
    found = paired_change([], [], [], clusters, level="ordinal")
    assert all(isnan(each.value) and each.method.startswith("undefined: ") for each in every(found).values())
    assert found.missing.method == "undefined: there are no items"


def test_a_version_that_rated_nothing_leaves_errors_undefined_and_is_told_by_its_missing_ratings() -> None:
    found = paired_change([1.0, 2.0, 3.0], [nan] * 3, [[1.0, 2.0, 2.0]], level="ordinal")
    assert found.missing.value == 1
    assert found.missing.low < found.missing.value
    assert found.flips.method == "undefined: no item has a rating by both versions"
    for estimate in (found.judge_error, found.absolute_error, found.alpha):
        assert estimate.method == "undefined: no item has a rating by both versions and by a human"
        assert (estimate.n_items, estimate.n_missing) == (0, 3)


@every_level
@pytest.mark.parametrize(("which", "old", "new"), [("old", [2, 2, 2], [1, 2, 3]), ("new", [1, 2, 3], [2, 2, 2])])
def test_a_version_that_agrees_without_variance_leaves_the_change_of_alpha_undefined(
    which: str, old: list[float], new: list[float], level: str
) -> None:
    found = paired_change(old, new, [[2, 2, 2]], level=level).alpha
    assert isnan(found.value)
    assert found.method.startswith(f"undefined: the {which} version and the humans all say 2: without variance")


def test_one_scenario_gives_points_without_intervals() -> None:
    found = paired_change([1.0, 2, 3], [1.0, 1, 3], [[1.0, 2, 2]], ["only"] * 3, level="ordinal", n_resamples=50)
    for estimate in (found.judge_error, found.absolute_error, found.alpha):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert "no interval: " in estimate.method


def test_an_unknown_level_of_measurement_is_refused() -> None:
    with pytest.raises(ValueError, match="level is 'ordnal'"):
        paired_change([1], [1], [[1]], level="ordnal")


@settings(max_examples=150)
@given(st.data(), st.integers(0, 6), st.integers(0, 3), st.sampled_from(LEVELS), st.booleans())
def test_changes_of_any_table_are_numbers_or_nan_with_a_reason(
    data: st.DataObject, n_items: int, n_raters: int, level: str, clustered: bool
) -> None:
    elements = st.sampled_from([nan, 0.1, 0.3, 2.0])
    old, new = (data.draw(hnp.arrays(float, n_items, elements=elements)) for _ in "ab")
    humans = data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    found = every(paired_change(old, new, humans, clusters, level=level, n_resamples=50))
    populations = data.draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n_items, max_size=n_items))
    gaps = paired_gap_change(old, new, humans, populations, "b", clusters)
    for estimate in (*found.values(), *gaps.values()):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
    for name in ("judge_error", "absolute_error", "missing", "flips"):
        assert isnan(found[name].low) or found[name].low <= found[name].value + 1e-12 <= found[name].high + 2e-12


# Properties


@given(five_by_nine, st.sampled_from(LEVELS), st.permutations(range(3)), st.permutations(range(9)))
def test_changes_ignore_the_order_of_humans_and_items(table: np.ndarray, level: str, humans: list[int], items: list[int]) -> None:
    mixed = np.vstack([table[:2], table[2:][humans]])[:, items]
    clusters = np.repeat([0, 1, 2], 3)
    before, after = (
        every(paired_change(each[0], each[1], each[2:], units, level=level, n_resamples=2))
        for each, units in ((table, clusters), (mixed, clusters[items]))
    )
    for name in NAMES:
        assert after[name].value == pytest.approx(before[name].value, abs=1e-9, nan_ok=True)
        if name != "alpha":
            assert (after[name].low, after[name].high) == pytest.approx(
                (before[name].low, before[name].high), abs=1e-9, nan_ok=True
            )


@given(five_by_nine, st.sampled_from(LEVELS))
def test_the_change_back_is_the_change_turned_round_and_flips_are_the_same(table: np.ndarray, level: str) -> None:
    clusters = np.repeat([0, 1, 2], 3)
    there, back = (
        every(paired_change(table[k], table[1 - k], table[2:], clusters, level=level, n_resamples=100, rng=3)) for k in (0, 1)
    )
    for name in ("judge_error", "absolute_error", "missing"):
        turned = (-back[name].value, -back[name].high, -back[name].low)
        assert (there[name].value, there[name].low, there[name].high) == pytest.approx(turned, abs=1e-9, nan_ok=True)
    assert there["alpha"].value == pytest.approx(-back["alpha"].value, abs=1e-9, nan_ok=True)
    assert (there["flips"].value, there["flips"].high) == pytest.approx((back["flips"].value, back["flips"].high), nan_ok=True)


@given(five_by_nine, st.integers(2, 3))
def test_duplicating_items_inside_scenarios_does_not_shrink_the_intervals(table: np.ndarray, k: int) -> None:
    clusters = np.repeat([0, 1, 2], 3)
    once, often = (
        every(paired_change(*np.tile(table[:2], n), np.tile(table[2:], n), np.tile(clusters, n), level="ordinal", n_resamples=2))
        for n in (1, k)
    )
    for name in ("judge_error", "absolute_error"):
        assert (often[name].low, often[name].high) == pytest.approx((once[name].low, once[name].high), abs=1e-9, nan_ok=True)


@given(five_by_nine)
def test_a_shift_of_the_scale_moves_no_change_but_a_shift_of_the_new_version_moves_the_error_by_itself(table: np.ndarray) -> None:
    found, shifted, stricter = (
        every(paired_change(table[0] + a, table[1] + a + b, table[2:] + a, level="interval", n_resamples=2))
        for a, b in ((0.0, 0.0), (100.0, 0.0), (0.0, -0.5))
    )
    for name in NAMES:
        assert shifted[name].value == pytest.approx(found[name].value, abs=1e-6, nan_ok=True)
    assert stricter["judge_error"].value == pytest.approx(found["judge_error"].value - 0.5, abs=1e-9, nan_ok=True)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    table = simulate(np.random.default_rng(11), 60)
    first, again, other = (paired_change(*table[:3], level="ordinal", rng=seed).alpha for seed in (5, 5, 6))
    assert first == again
    assert (first.seed, replace(first, low=0).estimand) == (5, "change.alpha")
    assert (first.low, first.high) != (other.low, other.high)


# Coverage: 1,000 samples of 200 items, or of 150 scenarios of 3. The truth is that of 600,000 items.


@pytest.mark.slow
@pytest.mark.parametrize(("n_scenarios", "per_scenario"), [(200, 1), (150, 3)], ids=["items", "scenarios"])
def test_intervals_of_changes_hold_the_true_ones_as_often_as_they_say(
    n_scenarios: int, per_scenario: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(12)
    truth = every(paired_change(*simulate(rng, 600_000 // per_scenario, per_scenario)[:3], level="ordinal", n_resamples=2))
    found, apart = [], []
    for _ in range(1000):
        *table, scenarios = simulate(rng, n_scenarios, per_scenario)
        clusters = scenarios if per_scenario > 1 else None
        found.append(every(paired_change(*table, clusters, level="ordinal", n_resamples=1000, rng=rng)))
        apart.append(paired_change(*table, level="ordinal", n_resamples=2).judge_error)
    for name in NAMES:
        assert abs(truth[name].value) > 0.02
        assert_nominal_coverage([each[name] for each in found], truth[name].value)
    if per_scenario > 1:
        assert_too_few_cover(apart, truth["judge_error"].value)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
def test_intervals_of_gap_changes_hold_the_planted_ones_as_often_as_they_say(
    shared: bool, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(13)
    samples = [populated(rng, 40 if shared else 80, shared) for _ in range(2000)]
    found = [paired_gap_change(*sample[:4], "b", sample[4])["a"] for sample in samples]
    assert_nominal_coverage(found, 0.4)
    if not shared:
        assert_too_few_cover([paired_gap_change(*sample[:4], "b")["a"] for sample in samples], 0.4)
