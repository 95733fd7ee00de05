"""Is a plan the cheapest that reaches the half-width, and do labels according to it reach it?"""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.disparity import disparity
from judgefair.statistics.plan_labels import MAX_RATERS, LabelPlan, Spread, plan_labels, raters_per_item, spread_from

spreads = st.builds(
    Spread, st.floats(0.2, 2), st.floats(0, 0.15), st.one_of(st.none(), st.integers(30, 100_000))
)  # standard deviations in scale points


def half_width(populations: dict[str, Spread], name: str, labels: dict[str, int], confidence: float = 0.95) -> float:
    """Of the gap of `name` to r, at Bonferroni's level, written out."""
    level = 1 - (1 - confidence) / (len(populations) - 1)
    variance = sum(populations[x].label_sd ** 2 / labels[x] + populations[x].judge_se ** 2 for x in (name, "r"))
    return float(stats.norm.ppf((1 + level) / 2) * sqrt(variance))


def reaches(populations: dict[str, Spread], labels: dict[str, int], delta: float) -> bool:
    return all(half_width(populations, name, labels) <= delta * (1 + 1e-9) for name in populations if name != "r")


# The cheapest plan


@pytest.mark.parametrize(
    ("sds", "judge_se", "delta"),
    [
        ((1.0, 1.0), 0.0, 0.7),
        ((1.0, 0.4), 0.1, 0.6),
        ((0.8, 1.5, 0.5), 0.0, 1.1),
        ((1.2, 1.2, 1.2), 0.2, 1.3),
        ((0.5, 2.0, 0.7), 0.1, 1.4),
    ],
)
def test_no_plan_is_cheaper_in_a_search_through_all_of_them(sds: tuple[float, ...], judge_se: float, delta: float) -> None:
    populations = {name: Spread(sd, judge_se, 35) for name, sd in zip("rab", sds, strict=False)}
    plan = plan_labels(populations, "r", delta, at_least=2)
    everything = np.indices([34] * len(sds)) + 2
    variance = [sd**2 / n + judge_se**2 for sd, n in zip(sds, everything, strict=True)]
    z = stats.norm.ppf(1 - 0.025 / (len(sds) - 1))
    suffices = np.logical_and.reduce([z * np.sqrt(each + variance[0]) <= delta for each in variance[1:]])
    assert plan.total == everything.sum(0)[suffices].min()
    assert reaches(populations, dict(plan.labels), delta)


@settings(max_examples=60, deadline=None)
@given(st.lists(spreads, min_size=2, max_size=5), st.floats(0.1, 1.0), st.integers(1, 30))
def test_a_plan_reaches_the_half_width_and_one_label_less_does_not(parts: list[Spread], delta: float, at_least: int) -> None:
    populations = dict(zip("rabcd", parts, strict=False))
    plan = plan_labels(populations, "r", delta, at_least=at_least)
    assert bool(plan.labels) != bool(plan.reason)
    if not plan.labels:
        everything = {name: spread.n_items or 10_000_000 for name, spread in populations.items()}
        assert not reaches(populations, everything, delta)
        assert plan.equal_split is None
        return
    labels = dict(plan.labels)
    assert reaches(populations, labels, delta)
    for name, spread in populations.items():
        floor = min(at_least, spread.n_items or at_least)
        assert floor <= labels[name] <= (spread.n_items or 10_000_000)
        assert plan.half_widths.get(name, 0) <= delta * (1 + 1e-9)
        if labels[name] > floor:
            assert not reaches(populations, labels | {name: labels[name] - 1}, delta * (1 - 1e-8))
    assert plan.equal_split is not None
    assert plan.total <= plan.equal_split


def test_a_plan_of_thousands_of_labels_is_the_cheapest_too() -> None:
    # Every number of labels of the reference is tried, with the fewest that each of the others then needs.
    populations = {"r": Spread(1.3), "a": Spread(0.9), "b": Spread(1.1), "c": Spread(0.4, 0.005), "d": Spread(0.7)}
    for delta in (0.081, 0.05):
        left = (delta / stats.norm.ppf(1 - 0.05 / 8)) ** 2
        cheapest = min(
            n + sum(
                max(25, int(np.ceil(spread.label_sd**2 / (left - spread.judge_se**2 - 1.3**2 / n) - 1e-9)))
                for name, spread in populations.items() if name != "r"
            )
            for n in range(int(1.3**2 / (left - 0.005**2)) + 2, 60_000)
        )  # fmt: skip
        assert plan_labels(populations, "r", delta).total == cheapest


def test_the_reference_gets_about_the_square_root_of_the_number_of_populations_as_many_labels() -> None:
    # Minimise n_r + K n_k with 1/n_r + 1/n_k = c: n_r = sqrt(K) n_k (Dunnett 1955 for one control and K treatments).
    for k in (1, 4, 9):
        labels = plan_labels({"r": Spread(1.0)} | {str(i): Spread(1.0) for i in range(k)}, "r", 0.05).labels
        assert labels["r"] / labels["0"] == pytest.approx(sqrt(k), rel=0.02)


def test_of_equally_cheap_plans_the_most_even_is_chosen() -> None:
    for delta in (0.25, 0.31, 0.2, 0.1, 0.05):
        labels = plan_labels({"a": Spread(1.0), "r": Spread(1.0)}, "r", delta).labels
        assert abs(labels["a"] - labels["r"]) <= 1


def test_a_plan_at_the_very_edge_of_what_the_items_allow_labels_them_all() -> None:
    for n in (30, 97, 1000):
        for sd, judge_se in ((1.0, 0.0), (0.37, 0.111), (2.3, 0.07)):
            populations = {"r": Spread(sd, judge_se, n), "a": Spread(sd / 3, judge_se, n), "b": Spread(sd, judge_se / 7, 2 * n)}
            edge = max(half_width(populations, name, {"r": n, "a": n, "b": 2 * n}) for name in "ab")
            assert plan_labels(populations, "r", edge * (1 + 1e-12)).labels["r"] == n
            assert plan_labels(populations, "r", edge * (1 - 1e-6)).labels == {}


def test_an_equal_split_is_the_smallest_that_reaches_the_half_width() -> None:
    populations = {"r": Spread(1.0), "a": Spread(0.5), "b": Spread(0.8, n_items=150)}
    plan = plan_labels(populations, "r", 0.2)
    each = next(n for n in range(25, 10_000) if reaches(populations, {"r": n, "a": n, "b": min(n, 150)}, 0.2))
    assert plan.equal_split == 2 * each + min(each, 150)
    assert plan.total < plan.equal_split


# Where there is no plan


def test_where_all_items_labelled_do_not_suffice_the_reason_says_so() -> None:
    plan = plan_labels({"r": Spread(1.0, 0.05, 100), "a": Spread(1.0, 0.2, 100)}, "r", 0.25)
    assert plan == LabelPlan({}, plan.half_widths, None, plan.reason)
    assert plan.half_widths["a"] == pytest.approx(1.96 * sqrt(0.02 + 0.0025 + 0.04), rel=1e-3)
    assert plan.reason.startswith("even with every item labelled the gap of a would be known to ±0.49")


@pytest.mark.parametrize(
    ("spread", "reason"),
    [
        (Spread(nan), "how the labels of a vary is not known"),
        (Spread(1.0, nan, 50), "how the labels of a vary is not known"),
        (Spread(1.0, 0.1, 0), "a has no items to label"),
    ],
)
def test_a_population_of_which_nothing_is_known_has_no_plan_and_the_reason_names_it(spread: Spread, reason: str) -> None:
    plan = plan_labels({"r": Spread(1.0), "a": spread}, "r", 0.25)
    assert (plan.labels, plan.equal_split, plan.reason) == ({}, None, reason)


def test_labels_that_do_not_vary_need_no_more_than_the_least() -> None:
    assert plan_labels({"r": Spread(0.0), "a": Spread(0.0)}, "r", 0.1).labels == {"r": 25, "a": 25}
    assert plan_labels({"r": Spread(0.0), "a": Spread(0.0)}, "r", 0.1, at_least=0).labels == {"r": 1, "a": 1}
    assert plan_labels({"r": Spread(1.0)}, "r", 0.1).labels == {"r": 25}
    assert plan_labels({"r": Spread(0.1, 0, 10), "a": Spread(0.1, 0, 12)}, "r", 0.2).labels == {"r": 10, "a": 12}


def test_wrong_arguments_are_errors_that_say_so() -> None:
    with pytest.raises(ValueError, match=r"Expected one of: r, a$"):
        plan_labels({"r": Spread(1.0), "a": Spread(1.0)}, "z", 0.1)
    for delta in (0.0, -1.0, nan):
        with pytest.raises(ValueError, match="Expected a number of scale points above 0"):
            plan_labels({"r": Spread(1.0)}, "r", delta)


# By assumption, and raters


def test_a_spread_by_assumption_is_that_of_the_residual_of_a_regression() -> None:
    # Human on judge: the residual's variance is sd^2 (1 - r^2), what the judge explains r^2 sd^2.
    rng = np.random.default_rng(1)
    judge = rng.normal(0, 2, 200_000)
    human = 0.4 * judge + rng.normal(0, 0.6, 200_000)
    spread = spread_from(float(human.std()), float(np.corrcoef(human, judge)[0, 1]), 400)
    assert spread.label_sd == pytest.approx(0.6, rel=0.01)
    assert spread.judge_se == pytest.approx(0.8 / sqrt(400), rel=0.01)
    assert spread_from(1.0, -0.6).label_sd == pytest.approx(0.8)


@pytest.mark.parametrize("cost", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("sds", [(1.0, 0.5), (0.5, 1.5), (0.3, 2.0)])
def test_raters_an_item_make_the_most_of_a_budget(cost: float, sds: tuple[float, float]) -> None:
    # A budget B buys n = B/(cost + m) items with m raters; the variance (between^2 + within^2/m)/n is smallest at the returned m
    # or at one beside it, since the optimum is rounded.
    between, within = sds
    variance = {m: (between**2 + within**2 / m) * (cost + m) for m in range(1, MAX_RATERS + 1)}
    best = min(variance, key=lambda m: variance[m])
    assert abs(raters_per_item(between, within, cost) - best) <= 1


def test_raters_an_item_at_the_ends() -> None:
    assert raters_per_item(0.0, 1.0) == MAX_RATERS
    assert raters_per_item(0.0, 0.0) == 1
    assert raters_per_item(1.0, 0.0) == 1
    assert raters_per_item(1.0, 5.0, cost_of_item=0) == 1
    assert raters_per_item(0.1, 5.0) == MAX_RATERS


@pytest.mark.slow
def test_labels_according_to_a_plan_give_the_half_width_it_promises() -> None:
    # Human = judge effect + noise, correlation 0.8, sd 1 and 1.5, 2,000 items each. t with n - 2 degrees of freedom instead of z, and a
    # tuned lam, make intervals wider than planned by about 1 + 1/n.
    populations = {"r": spread_from(1.0, 0.8, 2000), "a": spread_from(1.5, 0.8, 2000)}
    plan = plan_labels(populations, "r", 0.2)
    rng = np.random.default_rng(2)
    widths, names = [], np.array(["r", "a"]).repeat(2000)
    sd = np.where(names == "r", 1.0, 1.5)
    for _ in range(300):
        judge = rng.normal(0, 1, 4000) * sd
        human = 0.8 * judge + rng.normal(0, 0.6, 4000) * sd
        n = np.where(names == "r", plan.labels["r"], plan.labels["a"])
        gap = disparity(judge, np.where(np.arange(4000) % 2000 < n, human, nan), names, "r").corrected["a"]
        assert not isnan(gap.low)
        widths.append((gap.high - gap.low) / 2)
    assert np.mean(widths) == pytest.approx(0.2, rel=0.04)
    assert plan.total < 0.5 * plan_labels({"r": Spread(1.0, 0, 2000), "a": Spread(1.5, 0, 2000)}, "r", 0.2).total
