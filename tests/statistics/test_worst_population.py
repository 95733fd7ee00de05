"""Is the worst population named in the direction that harms, with an interval that grants that one looked at all of them?"""

from math import isnan, nan

import numpy as np
import pytest

from judgefair.statistics.disparity import disparity
from judgefair.statistics.simultaneous import simultaneous
from judgefair.statistics.worst_population import Better, worst_of, worst_population

MEANS = {"r": 3.0, "a": 2.6, "b": 3.9, "c": 3.0}
Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def rate(rng: np.random.Generator, n: int = 60, n_labelled: int = 40) -> Sample:
    populations = np.array(list(MEANS)).repeat(n)
    human = np.array(list(MEANS.values())).repeat(n) + rng.normal(0, 0.5, 4 * n)
    judge = human + 0.3 * (populations == "c") + rng.normal(0, 0.3, 4 * n)
    return judge, np.where(np.arange(4 * n) % n < n_labelled, human, nan), populations


@pytest.mark.parametrize(("better", "name", "sign"), [("higher", "a", -1), ("lower", "b", 1), ("none", "b", 1)])
def test_the_worst_is_the_largest_corrected_gap_in_the_harmful_direction(better: Better, name: str, sign: int) -> None:
    judge, human, populations = rate(np.random.default_rng(1))
    found = worst_population(judge, human, populations, "r", better=better)
    gap = disparity(judge, human, populations, "r").corrected[name]
    assert found.population == name
    assert found.worst.estimand == "worst_population"
    assert found.worst.value == pytest.approx(sign * gap.value, abs=1e-12)
    assert found.worst.low < found.worst.value < found.worst.high
    assert f"{name} minus r in the harmful direction ({better} is better)" in found.worst.method


def test_with_no_better_way_the_largest_gap_below_the_reference_counts_too() -> None:
    judge, human, populations = rate(np.random.default_rng(2))
    found = worst_population(-judge, -human, populations, "r", better="none")
    assert found.population == "b"
    assert found.worst.value > 0
    assert found.gaps["b"].value == pytest.approx(-found.worst.value, abs=1e-12)


def test_gaps_have_the_simultaneous_intervals_of_their_family() -> None:
    judge, human, populations = rate(np.random.default_rng(3))
    gaps = disparity(judge, human, populations, "r")
    found = worst_of(gaps, "r", rng=7)
    together = simultaneous([gaps.linear[name] for name in "abc"], rng=7)
    assert [found.gaps[name].low for name in "abc"] == together.low.tolist()
    assert [found.gaps[name].p_value for name in "abc"] == together.p_values.tolist()
    for name in "abc":
        assert found.gaps[name].value == gaps.corrected[name].value
        assert found.gaps[name].high - found.gaps[name].low > gaps.corrected[name].high - gaps.corrected[name].low
        assert found.gaps[name].method.endswith("simultaneous over 3 gaps (max-T)")
        assert found.gaps[name].seed == 7


def test_the_interval_reaches_from_the_largest_lower_to_the_largest_upper_end() -> None:
    # If all simultaneous intervals hold, the largest of the true gaps is at least each lower end and at most the largest upper.
    found = worst_population(*rate(np.random.default_rng(4), n=12, n_labelled=9), "r")
    harms = [(-gap.high, -gap.low) for gap in found.gaps.values()]
    assert (found.worst.low, found.worst.high) == (max(low for low, _ in harms), max(high for _, high in harms))
    assert found.worst.p_value == min(gap.p_value for gap in found.gaps.values())


def test_the_spread_of_means_is_descriptive_and_has_no_interval() -> None:
    judge, human, populations = rate(np.random.default_rng(5))
    found = worst_population(judge, human, populations, "r")
    means = [mean.value for mean in disparity(judge, human, populations, "r").mean_corrected.values()]
    assert found.spread.value == pytest.approx(max(means) - min(means), abs=1e-12)
    assert isnan(found.spread.low)
    assert found.spread.p_value is None
    assert "descriptive" in found.spread.method


def test_the_same_seed_gives_the_same_numbers() -> None:
    sample = rate(np.random.default_rng(6))
    assert worst_population(*sample, "r", rng=1) == worst_population(*sample, "r", rng=1)


# Degenerate data


def test_a_population_without_labels_is_left_out_and_the_others_are_as_if_it_were_not_there() -> None:
    judge, human, populations = rate(np.random.default_rng(7))
    unlabelled = np.where(populations == "a", nan, human)
    found, rest = worst_population(judge, unlabelled, populations, "r"), populations != "a"
    without = worst_population(judge[rest], human[rest], populations[rest], "r")
    assert isnan(found.gaps["a"].value)
    assert found.gaps["a"].method.startswith("undefined: a has no item")
    assert found.population == without.population
    for ours, theirs in ((found.worst, without.worst), (found.spread, without.spread)):
        assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("judge", "human", "populations"),
    [([], [], []), ([1.0, 2], [1.0, 2], ["r", "r"]), ([1.0, 2], [nan, nan], ["r", "a"]), ([1.0, 2], [1.0, 2], ["r", "a"])],
    ids=["empty", "the reference alone", "no labels", "one item each"],
)
def test_without_a_gap_that_has_an_interval_nobody_is_worst(judge: list, human: list, populations: list) -> None:
    found = worst_population(judge, human, populations, "r")
    assert found.population is None
    assert isnan(found.worst.value)
    assert found.worst.method == "undefined: no corrected gap has an interval"


def test_fewer_than_two_means_have_no_spread() -> None:
    found = worst_population(np.ones(4), np.array([1.0, 2, nan, nan]), list("rraa"), "r")
    assert found.spread.method == "undefined: fewer than two populations have a corrected mean"


@pytest.mark.slow
def test_the_interval_holds_the_largest_true_gap_at_least_as_often_as_it_says_and_a_pointwise_one_does_not() -> None:
    # Six populations without any gap: the largest true gap is 0, the largest estimated one is far above. 300 simulations; 0.903
    # is the lower end of the central 99.9 % of Binomial(300, 0.95).
    rng = np.random.default_rng(8)
    names = np.array(list("rabcdef")).repeat(60)
    held, chosen, values = 0, 0, []
    for k in range(300):
        human = rng.normal(3, 1, len(names))
        judge = human + rng.normal(0, 0.5, len(names))
        labelled = np.where(np.arange(len(names)) % 60 < 40, human, nan)
        gaps = disparity(judge, labelled, names, "r")
        found = worst_of(gaps, "r", rng=k)
        held += found.worst.low <= 0 <= found.worst.high
        pointwise = gaps.corrected[str(found.population)]
        chosen += pointwise.low <= 0 <= pointwise.high
        values.append(found.worst.value)
    assert held / 300 >= 0.903
    assert chosen / 300 < 0.903
    assert np.mean(values) > 0.15  # the value itself is too large on average, as the docstring warns
