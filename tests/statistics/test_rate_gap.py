"""Is the gap of two shares Newcombe's, paired where populations share scenarios, and never without width?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from judgefair.statistics import Estimate, missing_rate
from judgefair.statistics.clustered import clustered_mean
from judgefair.statistics.rate_gap import RateGap, rate_gap

flags_of_any_kind = st.lists(
    st.tuples(st.sampled_from([True, False, None]), st.sampled_from(["a", "b", "c", "", None]), st.integers(0, 3)), max_size=16
)  # fmt: skip


def fourfold(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, list[str], list[int]]:
    """Flags, population and scenario, one row of a and of b in each scenario."""
    counts = [both, first, second, neither]
    n = sum(counts)
    return np.r_[np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)], ["a"] * n + ["b"] * n, [*range(n)] * 2


def paired(both: int, first: int, second: int, neither: int) -> Estimate:
    flags, populations, scenarios = fourfold(both, first, second, neither)
    return rate_gap(flags, populations, "b", scenarios, estimand="refusal_rate").gaps["a"]


def simulate(
    rng: np.random.Generator, n_scenarios: int, rates: tuple[float, float], alike: float, rows: int = 1, shared: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flags, population and scenario, `rows` of each population in each scenario.

    A row is true where a normal variable lies below the quantile of its population's rate; the variables of a scenario
    are correlated by `alike`, so that the planted rates hold exactly.
    """
    effect = rng.normal(size=(2, n_scenarios))
    effect[1] = effect[0] if shared else effect[1]
    own = rng.normal(size=(2, n_scenarios, rows))
    latent = alike**0.5 * effect[:, :, None] + (1 - alike) ** 0.5 * own
    scenario = np.broadcast_to(np.arange(n_scenarios)[None, :, None], latent.shape)
    scenario = scenario + (0 if shared else n_scenarios * np.arange(2)[:, None, None])
    below = latent < stats.norm.ppf(rates)[:, None, None]
    return below.ravel(), np.repeat(["a", "b"], n_scenarios * rows), scenario.ravel()


def every(found: RateGap) -> list[Estimate]:
    return [*found.rates.values(), *found.gaps.values()]


# Points and intervals


def test_rates_and_gaps_are_shares_and_population_minus_reference_under_the_callers_name() -> None:
    found = rate_gap([1, 1, 0, 1, 0, 0, 0, 1], list("aaaabbbc"), "b", estimand="refusal_rate")
    assert {name: each.value for name, each in found.rates.items()} == {"b": 0.0, "a": 0.75, "c": 1.0}
    assert {name: each.value for name, each in found.gaps.items()} == {"a": 0.75, "c": 1.0}
    assert list(found.rates) == ["b", "a", "c"]
    assert {each.estimand for each in found.rates.values()} == {"refusal_rate"}
    assert {each.estimand for each in found.gaps.values()} == {"refusal_rate_gap"}


def test_rates_have_the_interval_of_the_missing_rate() -> None:
    flags, populations, scenarios = simulate(np.random.default_rng(1), 30, (0.3, 0.2), 0.5, rows=4)
    found = rate_gap(flags, populations, "b", scenarios, estimand="refusal_rate")
    for name in "ab":
        theirs = missing_rate(flags[populations == name], "refused", scenarios[populations == name])
        ours = found.rates[name]
        assert (ours.value, ours.low, ours.high) == (theirs.value, theirs.low, theirs.high)
        assert (ours.n_items, ours.n_clusters) == (120, 30)


def test_a_gap_paired_by_scenario_is_that_of_the_published_fourfold_table() -> None:
    # Fagerland, Lydersen and Laake 2017, chapter 8; the tests of R's contingencytables expect the same of
    # Newcombe_square_and_add_CI_paired_2x2(rbind(c(59, 6), c(16, 80))): -0.0621 (-0.1186 to -0.0046).
    gap = paired(59, 6, 16, 80)
    assert (gap.value, gap.low, gap.high) == pytest.approx((-0.0621, -0.1186, -0.0046), abs=5e-5)
    assert "161 scenarios, paired by 161 of them" in gap.method


@given(st.tuples(*[st.integers(0, 12)] * 4).filter(any))
def test_any_gap_of_pairs_is_newcombes_tenth_method_in_fourfold_terms(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    n, gap = sum(table), paired(*table)
    p, q = (a + b) / n, (a + c) / n
    low, high = stats.binomtest(a + b, n).proportion_ci(0.95, method="wilson")
    base_low, base_high = stats.binomtest(a + c, n).proportion_ci(0.95, method="wilson")
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    over = a * d - b * c
    over = max(over - n / 2, 0) if over > 0 else over
    phi = over / margins**0.5 if margins else 0
    down = ((p - low) ** 2 - 2 * phi * (p - low) * (base_high - q) + (base_high - q) ** 2) ** 0.5
    up = ((high - p) ** 2 - 2 * phi * (high - p) * (q - base_low) + (q - base_low) ** 2) ** 0.5
    assert gap.value == pytest.approx((b - c) / n, abs=1e-12)
    assert (gap.low, gap.high) == pytest.approx((p - q - down, p - q + up), abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "published"),
    [((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090)), ((10, 10, 0, 20), (0.6791, 1.0))],
)
def test_a_gap_of_populations_that_share_no_scenario_is_newcombes_of_independent_shares(
    counts: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    k, n, base_k, base_n = counts
    flags = np.r_[np.arange(n) < k, np.arange(base_n) < base_k]
    gap = rate_gap(flags, ["a"] * n + ["b"] * base_n, "b", range(n + base_n), estimand="refusal_rate").gaps["a"]
    assert (gap.low, gap.high) == pytest.approx(published, abs=5e-5)  # Newcombe 1998 (17, 873), table II, method 10
    theirs = confint_proportions_2indep(*counts, method="newcomb", compare="diff")  # statsmodels 0.15.0
    assert (gap.low, gap.high) == pytest.approx(theirs, abs=1e-9)
    assert "none of them on both sides" in gap.method


def test_with_several_rows_a_scenario_the_gap_is_newcombes_of_the_rows_that_they_are_worth() -> None:
    # All rows of a population and scenario alike: 30 of 90 rows a side are 10 of 30 scenarios, less the G - 1 of the variance.
    flags, populations, scenarios = fourfold(6, 4, 8, 12)
    once = rate_gap(flags, populations, "b", scenarios, estimand="refusal_rate").gaps["a"]
    often = rate_gap(np.repeat(flags, 3), np.repeat(populations, 3), "b", np.repeat(scenarios, 3), estimand="refusal_rate").gaps[
        "a"
    ]
    assert often.value == pytest.approx(once.value)
    assert often.high - often.low == pytest.approx((once.high - once.low) * (30 / 29) ** 0.5, rel=0.01)
    assert (often.n_items, often.n_clusters) == (180, 30)


def test_a_gap_paired_by_scenario_is_narrower_where_scenarios_are_alike_and_wider_where_they_are_opposed() -> None:
    alike, unrelated, opposed = (paired(*table) for table in ((20, 0, 0, 20), (10, 10, 10, 10), (0, 20, 20, 0)))
    widths = [each.high - each.low for each in (alike, unrelated, opposed)]
    assert widths == sorted(widths)
    assert widths[0] > 0.03
    assert widths[2] == pytest.approx(2**0.5 * widths[1], rel=1e-9)  # a + b in place of the root of a^2 + b^2, with a = b


# Degenerate data


@pytest.mark.parametrize("clusters", [None, []])
def test_no_rows_leave_the_reference_undefined_and_no_gap(clusters: list[str] | None) -> None:
    found = rate_gap([], [], "b", clusters, estimand="refusal_rate")
    assert isnan(found.rates["b"].value)
    assert found.rates["b"].method == "undefined: b has no row with a known flag"
    assert found.gaps == {}


@pytest.mark.parametrize("empty", ["a", "b"], ids=["population", "reference"])
def test_a_population_without_known_flags_is_undefined_and_so_is_its_gap(empty: str) -> None:
    populations = ["a", "a", "b", "b"]
    found = rate_gap([nan if name == empty else True for name in populations], populations, "b", estimand="refusal_rate")
    for estimate in (found.rates[empty], found.gaps["a"]):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.method == f"undefined: {empty} has no row with a known flag"
        assert estimate.n_missing == 2


def test_unknown_flags_are_left_out_and_counted() -> None:
    found = rate_gap([True, None, False, True, nan], list("aaabb"), "b", estimand="refusal_rate")
    assert (found.rates["a"].value, found.rates["a"].n_items, found.rates["a"].n_missing) == (0.5, 2, 1)
    assert (found.gaps["a"].n_items, found.gaps["a"].n_missing) == (3, 2)


@pytest.mark.parametrize("table", [(0, 0, 0, 40), (40, 0, 0, 0), (20, 0, 0, 20), (0, 40, 0, 0)])
def test_a_gap_keeps_its_width_where_no_scenario_tells_the_populations_apart_or_all_do(table: tuple[int, int, int, int]) -> None:
    gap = paired(*table)
    assert gap.high - gap.low > 0.03
    assert gap.low <= gap.value <= gap.high


def test_no_event_among_many_rows_of_few_scenarios_is_no_proof_of_equal_rates() -> None:
    gap = rate_gap([False] * 600, ["a"] * 300 + ["b"] * 300, "b", np.tile(np.repeat(range(3), 100), 2), estimand="x").gaps["a"]
    bound = 1.959964**2 / (3 + 1.959964**2)  # Wilson's for 0 of 3
    assert (gap.low, gap.high) == pytest.approx((-bound, bound), abs=1e-6)


@settings(max_examples=150)
@given(flags_of_any_kind, st.booleans())
def test_gaps_of_any_flags_lie_within_their_interval_and_that_within_minus_1_and_1_or_are_nan_with_a_reason(
    rows: list[tuple], clustered: bool
) -> None:
    flags, populations, clusters = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    found = rate_gap(flags, populations, "b", clusters if clustered else None, estimand="refusal_rate")
    for estimate in every(found):
        assert isnan(estimate.value) == isnan(estimate.low) == estimate.method.startswith("undefined: ")
        if estimate.is_defined:
            assert -1 - 1e-12 <= estimate.low <= estimate.value + 1e-12
            assert estimate.value - 1e-12 <= estimate.high <= 1 + 1e-12
            assert estimate.high - estimate.low > 0.02


# Properties


@given(flags_of_any_kind.filter(len), st.randoms(use_true_random=False))
def test_gaps_ignore_the_order_of_rows(rows: list[tuple], random: object) -> None:
    shuffled = random.sample(rows, len(rows))  # type: ignore[attr-defined]
    before, after = (
        rate_gap(f, p, "b", c, estimand="refusal_rate") for f, p, c in (zip(*each, strict=True) for each in (rows, shuffled))
    )
    for ours, theirs in zip(every(before), every(after), strict=True):
        assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9, nan_ok=True)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab"), st.integers(0, 3)), min_size=1, max_size=14))
def test_the_gap_of_the_reference_to_the_population_is_the_same_turned_round(rows: list[tuple]) -> None:
    flags, populations, clusters = (list(column) for column in zip(*rows, strict=True))
    one, other = (rate_gap(flags, populations, base, clusters, estimand="x").gaps.get(name) for name, base in ("ab", "ba"))
    if one is not None and other is not None:
        turned = (-other.value, -other.high, -other.low)
        assert (one.value, one.low, one.high) == pytest.approx(turned, abs=1e-9, nan_ok=True)


def test_duplicating_rows_inside_scenarios_does_not_shrink_the_interval() -> None:
    flags, populations, scenarios = simulate(np.random.default_rng(2), 40, (0.3, 0.2), 0.5, rows=3)
    once, often = (
        rate_gap(np.tile(flags, k), np.tile(populations, k), "b", np.tile(scenarios, k), estimand="x").gaps["a"] for k in (1, 3)
    )
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-9)


# Coverage: 2,000 samples of scenarios with one row of each population. The score interval is held to at least the lower
# bound of the nominal coverage where events are rare, for it is then wider than need be, and to both bounds elsewhere.


def coverage(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([each.low - 1e-12 <= truth <= each.high + 1e-12 for each in estimates]))


def t_intervals(flags: np.ndarray, populations: np.ndarray, scenarios: np.ndarray) -> tuple[float, float]:
    means = [
        clustered_mean(np.bincount(scenarios, flags * (populations == name)), np.bincount(scenarios, populations == name))
        for name in "ab"
    ]
    return means[0].minus(means[1]).interval(0.95)[:2]


@pytest.mark.slow
@pytest.mark.parametrize("alike", [0.0, 0.9])
@pytest.mark.parametrize(
    ("n_scenarios", "rates"),
    [(50, (0.005, 0.005)), (50, (0.02, 0.02)), (50, (0.1, 0.02)), (150, (0.02, 0.005)), (150, (0.1, 0.02)), (500, (0.02, 0.005))],
)
def test_intervals_of_gaps_of_rare_events_hold_the_planted_ones_at_least_as_often_as_they_say(
    n_scenarios: int, rates: tuple[float, float], alike: float
) -> None:
    rng = np.random.default_rng(21)
    samples = [simulate(rng, n_scenarios, rates, alike) for _ in range(2000)]
    gaps = [rate_gap(f, p, "b", s, estimand="x").gaps["a"] for f, p, s in samples]
    assert coverage(gaps, rates[0] - rates[1]) >= stats.binom.ppf(0.0005, 2000, 0.95) / 2000
    if rates == (0.02, 0.005) and n_scenarios == 150:
        lows = np.array([t_intervals(*sample)[0] for sample in samples])
        assert np.isnan(lows).mean() > 0.01  # the control: a t interval would often have had no width


@pytest.mark.slow
@pytest.mark.parametrize("alike", [0.0, 0.5])
@pytest.mark.parametrize(("n_scenarios", "rates"), [(150, (0.1, 0.1)), (150, (0.3, 0.1)), (500, (0.1, 0.02)), (500, (0.1, 0.1))])
def test_intervals_of_gaps_of_usual_events_hold_the_planted_ones_as_often_as_they_say(
    n_scenarios: int, rates: tuple[float, float], alike: float, assert_nominal_coverage: Callable[..., None]
) -> None:
    rng = np.random.default_rng(22)
    samples = [simulate(rng, n_scenarios, rates, alike) for _ in range(2000)]
    assert_nominal_coverage([rate_gap(f, p, "b", s, estimand="x").gaps["a"] for f, p, s in samples], rates[0] - rates[1])


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False], ids=["scenarios shared", "scenarios apart"])
@pytest.mark.parametrize("n_scenarios", [50, 150])
def test_intervals_of_gaps_of_several_rows_a_scenario_hold_the_planted_ones_as_often_as_they_say(
    n_scenarios: int, shared: bool, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(23)
    samples = [simulate(rng, n_scenarios, (0.3, 0.1), 0.5, rows=4, shared=shared) for _ in range(2000)]
    assert_nominal_coverage([rate_gap(f, p, "b", s, estimand="x").gaps["a"] for f, p, s in samples], 0.2)
    if not shared:
        assert_too_few_cover([rate_gap(f, p, "b", estimand="x").gaps["a"] for f, p, _ in samples], 0.2)
