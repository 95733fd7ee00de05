"""Is alignment the judge's loss less that of other humans, group for group alike, and does its interval hold what it says?"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from judgefair import plugins
from judgefair.statistics import Estimate
from judgefair.statistics.rater_alignment import RaterAlignment, rater_alignment

tables = hnp.arrays(float, (6, 7), elements=st.sampled_from([nan, 1.0, 2.0, 4.0]))  # a judge and five humans
GROUPS = ["a", "a", "b", "b", "c"]


def every(alignment: RaterAlignment) -> list[Estimate]:
    return [*alignment.by_group.values(), *alignment.gaps.values()]


def by_loop(judge: np.ndarray, values: np.ndarray, groups: list[str | None]) -> dict[str, float]:
    """From the definition, rating by rating."""
    rated = ~np.isnan(values) & np.array([bool(group) for group in groups])[:, None]
    excesses = defaultdict(list)
    for r, u in zip(*np.nonzero(rated), strict=True):
        others = [s for s in np.flatnonzero(rated[:, u]) if s != r]
        if others and not isnan(judge[u]):
            by_group = [[abs(values[s, u] - values[r, u]) for s in others if groups[s] == h] for h in {groups[s] for s in others}]
            excesses[groups[r]].append(abs(judge[u] - values[r, u]) - np.mean([np.mean(each) for each in by_group]))
    return {str(group): float(np.mean(each)) for group, each in excesses.items()}


def panel(rng: np.random.Generator, n_raters: int = 9, n_items: int = 14) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """A judge and raters of three groups and none, of whom each rates about half of the items from 1 to 5."""
    values = rng.integers(1, 6, size=(n_raters, n_items)).astype(float)
    values[rng.random(values.shape) < 0.5] = nan
    judge = np.where(rng.random(n_items) < 0.1, nan, rng.integers(1, 6, n_items))
    return judge, values, ["a", "b", None, "a", "c", "b", "a", "c", "c"]


# Points and standard errors


@pytest.mark.parametrize("seed", range(5))
def test_alignment_equals_the_loop_over_all_ratings_and_their_others(seed: int) -> None:
    judge, values, groups = panel(np.random.default_rng(seed))
    alignment = rater_alignment(judge, values, groups)
    expected = by_loop(judge, values, groups)
    assert {name: each.value for name, each in alignment.by_group.items()} == pytest.approx(expected, abs=1e-12)
    gaps = {name: value - np.mean([other for h, other in expected.items() if h != name]) for name, value in expected.items()}
    assert {name: each.value for name, each in alignment.gaps.items()} == pytest.approx(gaps, abs=1e-12)
    assert {each.estimand for each in alignment.by_group.values()} == {"rater_alignment"}
    assert {each.estimand for each in alignment.gaps.values()} == {"rater_alignment_gap"}


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_standard_errors_are_those_of_what_items_and_raters_add_loop_by_loop(seed: int, clustered: bool) -> None:
    # Each rating adds (judge loss - human loss - alignment) / n_g to its item and to its rater. Each comparison of it with
    # another's rating adds, besides, -share (distance - mean distance of the two groups) / n_g to that other rater.
    # V = V_items + V_raters - V_cells, sums of squares times G / (G - 1), where G is one group's raters for V_raters.
    judge, values, groups = panel(np.random.default_rng(20 + seed), n_items=40)
    items = np.arange(40) // 2 if clustered else np.arange(40)
    alignment = rater_alignment(judge, values, groups, items if clustered else None)
    own, pairs = [], []
    for u in np.flatnonzero(~np.isnan(judge)):
        present = [r for r, group in enumerate(groups) if group and not isnan(values[r, u])]
        for r in present if len(present) > 1 else []:
            mates = {h: [s for s in present if s != r and groups[s] == h] for h in "abc"}
            mates = {h: each for h, each in mates.items() if each}
            compared = [
                (r, s, u, 1 / len(mates) / len(each), abs(values[s, u] - values[r, u])) for each in mates.values() for s in each
            ]
            own.append((r, u, abs(judge[u] - values[r, u]) - sum(share * distance for *_, share, distance in compared)))
            pairs += compared
    for name in "abc":
        others = [h for h in "abc" if h != name]
        for ours, weight in (
            (alignment.by_group[name], {name: 1.0}),
            (alignment.gaps[name], {name: 1.0, **dict.fromkeys(others, -0.5)}),
        ):
            by_item, by_rater, by_cell = (defaultdict(float) for _ in range(3))
            rated = {items[u] for r, u, _ in own if groups[r] in weight}
            for r, u, _ in own:
                if items[u] in rated:  # others of these items and scenarios count, though they may add nothing
                    by_rater[r] += 0
                    by_cell[items[u], r] += 0
            for g, weigh in weight.items():
                excesses = [excess for r, _, excess in own if groups[r] == g]
                for r, u, excess in own:
                    if groups[r] == g:
                        add = weigh * (excess - np.mean(excesses)) / len(excesses)
                        by_item[items[u]] += add
                        by_rater[r] += add
                        by_cell[items[u], r] += add
                for h in "abc":
                    facing = [(s, u, share, d) for r, s, u, share, d in pairs if groups[r] == g and groups[s] == h]
                    mean = np.average([d for *_, d in facing], weights=[share for *_, share, _ in facing])
                    for s, u, share, distance in facing:
                        by_rater[s] -= weigh * share * (distance - mean) / len(excesses)
                        by_cell[items[u], s] -= weigh * share * (distance - mean) / len(excesses)
            over_items = sum(x**2 for x in by_item.values()) * len(by_item) / (len(by_item) - 1)
            sizes = Counter(groups[r] for r in by_rater)
            over_raters = sum(x**2 * sizes[groups[r]] / (sizes[groups[r]] - 1) for r, x in by_rater.items())
            over_cells = sum(x**2 for x in by_cell.values()) * len(by_cell) / (len(by_cell) - 1)
            assert ours.se**2 == pytest.approx(max(over_items + over_raters - over_cells, over_items), rel=1e-10)
            assert ("smaller than that over clusters alone" in ours.method) == (over_raters < over_cells)


def test_the_smaller_number_of_raters_or_items_gives_the_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    many_items = rater_alignment(rng.normal(size=400), rng.normal(size=(6, 400)), ["a"] * 3 + ["b"] * 3).by_group["a"]
    few_items = rater_alignment(rng.normal(size=4), rng.normal(size=(400, 4)), ["a"] * 200 + ["b"] * 200).by_group["a"]
    # 4 items leave 3 degrees of freedom; 3 raters a group leave 2 for one group alone and 4 for two of equal variance.
    assert (few_items.high - few_items.value) / few_items.se == pytest.approx(stats.t.ppf(0.975, 3), rel=1e-9)
    assert stats.t.ppf(0.975, 4) <= (many_items.high - many_items.value) / many_items.se <= stats.t.ppf(0.975, 2)


def test_alignment_says_how_many_items_scenarios_raters_and_missing_it_rests_on() -> None:
    judge = np.array([1.0, 2.0, nan, 3.0, 2.0])
    values = np.array([[1.0, 2.0, 3.0, 4.0, 1.0], [1.0, nan, 3.0, nan, 2.0], [2.0, 1.0, nan, nan, 1.0], [nan] * 5])
    # Item 2 has no judge, item 3 no second rater: "a" loses its ratings of both, one of rater 0 each and one of rater 1.
    a = rater_alignment(judge, values, ["a", "a", "b", "b"], ["s", "s", "t", "t", "u"]).by_group["a"]
    assert (a.n_items, a.n_clusters, a.n_raters, a.n_missing) == (3, 2, 2, 3)
    assert "2 scenarios and 2 raters, both resampled" in a.method


# What the baseline is for


def test_a_group_with_one_rater_an_item_is_not_further_for_its_noise() -> None:
    # Judge and raters are all alike; "one" has one rater an item and "five" has five.
    rng = np.random.default_rng(2)
    values = rng.normal(size=(6, 20_000))
    alignment = rater_alignment(rng.normal(size=20_000), values, ["one"] + ["five"] * 5)
    assert abs(alignment.by_group["one"].value) < 0.02  # sd about 0.006
    assert abs(alignment.by_group["five"].value) < 0.02
    # Beside the mean of its raters the judge would seem further from the group with one.
    assert np.abs(rng.normal(size=20_000) - values[0]).mean() > np.abs(rng.normal(size=20_000) - values[1:].mean(0)).mean() + 0.2


def test_alignment_does_not_depend_on_how_many_raters_a_group_has() -> None:
    rng = np.random.default_rng(3)
    item = rng.normal(size=3000)

    def gap(n_a: int, n_b: int) -> float:
        a, b = item + rng.normal(0, 0.5, (n_a, 3000)), item + 1 + rng.normal(0, 0.5, (n_b, 3000))
        return rater_alignment(item, np.vstack([a, b]), ["a"] * n_a + ["b"] * n_b).gaps["b"].value

    # Pooled over raters, the others of 18 to 2 would be mostly "a" and the gap near 0, and of 2 to 18 twice as large.
    assert gap(18, 2) == pytest.approx(gap(10, 10), abs=0.03)
    assert gap(2, 18) == pytest.approx(gap(10, 10), abs=0.03)
    assert gap(10, 10) > 0.4


@given(tables)
def test_a_judge_who_repeats_a_rater_of_an_all_alike_panel_is_aligned(table: np.ndarray) -> None:
    table[:] = table[0]
    for estimate in every(rater_alignment(table[0], table[1:], GROUPS)):
        assert isnan(estimate.value) or estimate.value == 0


# Degenerate data

NOTHING = {
    "empty": ([], np.empty((0, 0)), []),
    "no item": ([], np.empty((2, 0)), ["a", "b"]),
    "no rater": ([1, 2], np.empty((0, 2)), []),
    "no group": ([1, 2], [[1, 2], [2, 1]], [None, ""]),
    "all missing": ([1, 2], np.full((2, 2), nan), ["a", "b"]),
    "judge missing": ([nan, nan], [[1, 2], [2, 1]], ["a", "b"]),
    "no overlap": ([1, 2], [[1, nan], [nan, 2]], ["a", "b"]),
}


@pytest.mark.parametrize(("judge", "values", "groups"), NOTHING.values(), ids=NOTHING)
def test_alignment_is_undefined_where_no_item_has_two_raters_and_a_judge(judge: object, values: object, groups: list) -> None:
    alignment = rater_alignment(np.array(judge, dtype=float), np.array(values, dtype=float), groups)
    assert set(alignment.by_group) == set(alignment.gaps) == set(groups) - {None, ""}
    for estimate in every(alignment):
        assert isnan(estimate.value)
        assert estimate.method == "undefined: no item that the group rated has another rater and a judge"


def test_a_group_with_one_rater_has_a_point_without_an_interval_and_no_part_in_other_gaps() -> None:
    rng = np.random.default_rng(4)
    judge, values = rng.normal(size=20), rng.normal(size=(5, 20))
    alignment = rater_alignment(judge, values, ["a", "a", "b", "b", "lone"])
    for estimate in (alignment.by_group["lone"], alignment.gaps["lone"]):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.p_value is None
        assert "no interval: a mean of one cluster or of one rater" in estimate.method
    assert alignment.gaps["a"].value == pytest.approx(alignment.by_group["a"].value - alignment.by_group["b"].value, abs=1e-12)
    assert alignment.gaps["a"].n_raters == 4


def test_one_group_has_an_alignment_and_no_gap() -> None:
    rng = np.random.default_rng(5)
    alignment = rater_alignment(rng.normal(size=9), rng.normal(size=(3, 9)), ["a", "a", None])
    assert alignment.by_group["a"].low < alignment.by_group["a"].high
    assert alignment.gaps["a"].method == "undefined: no other group has two raters"


def test_one_scenario_gives_points_without_intervals() -> None:
    rng = np.random.default_rng(6)
    for estimate in every(rater_alignment(rng.normal(size=5), rng.normal(size=(4, 5)), list("aabb"), ["only"] * 5)):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert "no interval: a mean of one cluster or of one rater" in estimate.method


def test_losses_that_never_vary_have_no_interval_of_no_width() -> None:
    values = np.repeat([[1.0], [1.0], [1.0], [3.0], [3.0], [3.0]], 9, axis=1)
    for estimate in every(rater_alignment(np.ones(9), values, list("aaabbb"))):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert "no interval: no variance between clusters" in estimate.method


@settings(max_examples=150)
@given(st.data(), st.integers(0, 5), st.integers(0, 6), st.booleans())
def test_alignment_of_any_table_is_a_number_or_nan_with_a_reason(
    data: st.DataObject, n_raters: int, n_items: int, clustered: bool
) -> None:
    elements = st.sampled_from([nan, 0.1, 0.3, 2.0])
    judge = data.draw(hnp.arrays(float, n_items, elements=elements))
    values = data.draw(hnp.arrays(float, (n_raters, n_items), elements=elements))
    groups = data.draw(st.lists(st.sampled_from(["a", "b", "", None]), min_size=n_raters, max_size=n_raters))
    clusters = [str(item // 2) for item in range(n_items)] if clustered else None
    for estimate in every(rater_alignment(judge, values, groups, clusters)):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert isnan(estimate.low) or estimate.low < estimate.value < estimate.high


# Properties


@given(tables, st.permutations(range(5)), st.permutations(range(7)))
def test_alignment_ignores_the_order_of_raters_and_items(table: np.ndarray, raters: list[int], items: list[int]) -> None:
    before = rater_alignment(table[0], table[1:], GROUPS)
    after = rater_alignment(table[0][items], table[1:][raters][:, items], [GROUPS[rater] for rater in raters])
    for ours, theirs in zip(every(before), every(after), strict=True):
        assert (theirs.value, theirs.se) == pytest.approx((ours.value, ours.se), abs=1e-9, nan_ok=True)


@given(tables, st.integers(2, 4))
def test_duplicating_items_inside_scenarios_does_not_shrink_the_intervals(table: np.ndarray, k: int) -> None:
    scenarios = np.arange(7) // 2
    once = rater_alignment(table[0], table[1:], GROUPS, scenarios)
    often = rater_alignment(np.tile(table[0], k), np.tile(table[1:], k), GROUPS, np.tile(scenarios, k))
    for ours, theirs in zip(every(once), every(often), strict=True):
        assert theirs.value == pytest.approx(ours.value, abs=1e-12, nan_ok=True)
        assert (theirs.low, theirs.high) == pytest.approx((ours.low, ours.high), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("max_pairs", [1, 7, 50])
def test_chunks_do_not_change_the_alignment(max_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, values, groups = panel(np.random.default_rng(8), n_items=30)
    whole = every(rater_alignment(judge, values, groups))
    monkeypatch.setattr(sys.modules["judgefair.statistics.rater_alignment"], "MAX_PAIRS", max_pairs)
    for ours, theirs in zip(whole, every(rater_alignment(judge, values, groups)), strict=True):
        assert (theirs.value, theirs.se) == pytest.approx((ours.value, ours.se), abs=1e-12, nan_ok=True)


# CREHate: 1,580 posts, each judged hateful or not by about five raters of each of five countries.


@pytest.fixture(scope="module")
def crehate(data_folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Values (n_raters, n_items) and the raters' countries."""
    files = {path.name: path for path in data_folder.rglob("CREHate_*.csv")}
    if not files:
        pytest.skip("CREHate is not among the data")
    tables = plugins.load("recipes", "crehate").read(files)
    ratings = tables.ratings[tables.ratings["missing"] == ""]
    row = {rater: index for index, rater in enumerate(tables.raters["rater_id"])}
    column = {item.item_id: index for index, item in enumerate(tables.items)}
    values = np.full((len(row), len(column)), nan)
    values[ratings["rater_id"].map(row), ratings["item_id"].map(column)] = ratings["value"].astype(float)
    return values, tables.raters["nationality"].to_numpy()


def american_majority(values: np.ndarray, countries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The majority of the raters of the United States as the judge, and the other countries' raters."""
    american = countries == "United States"
    share = np.nanmean(values[american], axis=0)
    return np.where(share == 0.5, nan, share > 0.5), values[~american], countries[~american]


def test_the_american_majority_is_nearest_to_british_raters_and_furthest_from_singaporean_ones(
    crehate: tuple[np.ndarray, np.ndarray],
) -> None:
    alignment = rater_alignment(*american_majority(*crehate))
    assert list(alignment.by_group) == ["Australia", "Singapore", "South Africa", "United Kingdom"]
    gaps = sorted((gap.value, name) for name, gap in alignment.gaps.items())
    assert (gaps[0][1], gaps[-1][1]) == ("United Kingdom", "Singapore")
    assert alignment.gaps["United Kingdom"].high < 0 < alignment.gaps["Singapore"].low
    for estimate in every(alignment):
        assert estimate.low < estimate.value < estimate.high
        assert estimate.high - estimate.low < 0.04


@pytest.mark.slow
def test_permuting_the_raters_countries_makes_the_gaps_vanish(crehate: tuple[np.ndarray, np.ndarray]) -> None:
    judge, values, countries = american_majority(*crehate)
    rng = np.random.default_rng(9)
    observed = [gap.value for gap in rater_alignment(judge, values, countries).gaps.values()]
    permuted = np.array([
        [gap.value for gap in rater_alignment(judge, values, rng.permutation(countries)).gaps.values()] for _ in range(100)
    ])  # fmt: skip
    assert np.ptp(observed) > np.quantile(np.ptp(permuted, axis=1), 0.95)
    assert (np.abs(permuted.mean(0)) < 4 * permuted.std(0) / 10).all()


def test_the_alignment_of_a_thousand_raters_of_1580_items_takes_about_a_second(crehate: tuple[np.ndarray, np.ndarray]) -> None:
    values, countries = crehate
    start = time.process_time()
    rater_alignment(np.nanmean(values, axis=0), values, countries)
    assert time.process_time() - start < 2  # 0.2 s where this was written


# Coverage: 1,000 samples of 60 items, each rated by two raters of each of three groups out of pools of 40, 20 and 8. Raters
# are harsher or milder than their group (sd 0.5), so that ratings of a rater go together. All is normal, and
# E|N(mu, sd^2)| = sd sqrt(2/pi) exp(-mu^2 / 2 sd^2) + mu (1 - 2 Phi(-mu / sd)) gives the truth.

SHIFT = {"a": 0.0, "b": 0.6, "c": -0.3}
POOL = {"a": 40, "b": 20, "c": 8}
JUDGE, RATER, NOISE = 0.2, 0.5, 0.7


def mean_distance(mu: float, sd: float) -> float:
    return float(sd * (2 / np.pi) ** 0.5 * np.exp(-(mu**2) / 2 / sd**2) + mu * (1 - 2 * stats.norm.cdf(-mu / sd)))


def simulate(rng: np.random.Generator, n_items: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    item = rng.normal(size=n_items)
    rows, groups = [], []
    for name, size in POOL.items():
        values = item + SHIFT[name] + rng.normal(0, RATER, size)[:, None] + rng.normal(0, NOISE, (size, n_items))
        drawn = np.argsort(np.argsort(rng.random((size, n_items)), axis=0), axis=0) < 2
        rows.append(np.where(drawn, values, nan))
        groups += [name] * size
    return item + JUDGE + rng.normal(0, 0.5, n_items), np.vstack(rows), groups


@pytest.mark.slow
def test_intervals_of_alignment_hold_the_truth_as_often_as_they_say(assert_nominal_coverage: Callable[..., None]) -> None:
    rng = np.random.default_rng(10)
    spread = (RATER**2 + NOISE**2) ** 0.5
    truth = {
        g: mean_distance(JUDGE - shift, (0.5**2 + spread**2) ** 0.5)
        - np.mean([mean_distance(other - shift, 2**0.5 * spread) for other in SHIFT.values()])
        for g, shift in SHIFT.items()
    }
    simulated = [rater_alignment(*simulate(rng, 60)) for _ in range(1000)]
    for g, value in truth.items():
        assert_nominal_coverage([alignment.by_group[g] for alignment in simulated], value)
        gap = value - np.mean([other for h, other in truth.items() if h != g])
        assert_nominal_coverage([alignment.gaps[g] for alignment in simulated], gap)
        values = np.array([alignment.gaps[g].value for alignment in simulated])
        assert abs(values.mean() - gap) < 4 * values.std() / 1000**0.5
