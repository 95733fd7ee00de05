"""Is the ratio of alphas that of the two published statistics, with an interval that knows that they move together?"""

from math import nan

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from judgefair.comparison.alpha_ratio import alpha_ratio
from judgefair.statistics import alpha, judge_alpha

LEVELS = ("nominal", "ordinal", "interval")
every_level = pytest.mark.parametrize("level", LEVELS)
five_by_nine = hnp.arrays(float, (4, 9), elements=st.sampled_from([nan, 1.0, 2.0, 3.0]))


def rate(
    rng: np.random.Generator, n_items: int, per_scenario: int = 1, missing: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A judge and three humans on the scale 1 to 4, and scenarios."""
    scenario = np.repeat(np.arange(n_items // per_scenario), per_scenario)
    seen = 2.5 + rng.normal(0, 0.8, len(scenario))[scenario] + rng.normal(0, 0.4, len(scenario))
    values = np.clip(np.round(seen + rng.normal(0, 0.4, (4, len(seen)))), 1, 4)
    values = np.where(rng.random(values.shape) < missing, nan, values)
    return values[0], values[1:], scenario


@every_level
def test_the_ratio_is_that_of_alphas_by_the_krippendorff_package(level: str) -> None:
    # With one human an item the judge's alpha is the ordinary one of two raters (krippendorff 0.9.0), so two humans
    # who rate disjoint halves tell the judge's, and the items that both rated the humans' own.
    rng = np.random.default_rng(3)
    judge, values, _ = rate(rng, 80)
    human = values[:2]
    human[1, :60] = nan
    judge[60:] = nan
    ours = alpha_ratio(judge, human, level, n_resamples=20)
    judge_human = krippendorff.alpha(np.stack([judge, human[0]])[:, :60], level_of_measurement=level)
    human_human = krippendorff.alpha(human[:, 60:], level_of_measurement=level)
    assert ours.value == pytest.approx(judge_human / human_human, abs=1e-9)
    assert (ours.n_items, ours.n_missing, ours.n_clusters) == (60, 20, 80)


@every_level
@given(values=five_by_nine)
def test_the_ratio_is_that_of_the_two_alphas_or_undefined_with_them(level: str, values: np.ndarray) -> None:
    ours = alpha_ratio(values[0], values[1:], level, n_resamples=2)
    agreement = judge_alpha(values[0], values[1:], level, n_resamples=2).value
    human = alpha(values[1:], level, n_resamples=2).value
    if np.isnan(agreement) or np.isnan(human) or human <= 1e-12:
        assert not ours.is_defined or human > 0
        return
    assert ours.value == pytest.approx(agreement / human, abs=1e-6 / human)


@every_level
def test_the_interval_is_that_of_scenarios_drawn_one_by_one(level: str) -> None:
    # The same bootstrap written out: 500 samples of whole scenarios, each with both alphas computed anew.
    rng = np.random.default_rng(5)
    judge, values, scenario = rate(rng, 120, 2, missing=0.2)
    ours = alpha_ratio(judge, values, level, scenario, n_resamples=4000)
    draws = []
    for _ in range(500):
        drawn = np.concatenate([2 * s + np.array([0, 1]) for s in rng.integers(60, size=60)])
        above = judge_alpha(judge[drawn], values[:, drawn], level, n_resamples=2).value
        draws.append(above / alpha(values[:, drawn], level, n_resamples=2).value)
    assert ours.se == pytest.approx(np.std(draws, ddof=1), rel=0.15)
    assert (ours.low, ours.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.06)


def test_without_a_ratio_there_is_a_reason_and_no_number() -> None:
    same = np.ones((3, 10))
    assert "no two ratings differ" in alpha_ratio(same[0], same, "nominal").method
    alone = np.array([[1.0, 2, 1, 2]])
    assert "undefined" in alpha_ratio(alone[0], alone, "nominal").method  # one human: no alpha of humans
    apart = np.array([[1.0, 2, 1, 2], [2.0, 1, 2, 1]])
    below = alpha_ratio(apart[0], apart, "nominal")
    assert not below.is_defined
    assert "not above 0" in below.method


def test_where_the_humans_own_alpha_may_be_nothing_there_is_no_interval() -> None:
    humans = np.array([[1.0, 1, 1, 1, 1, 2], [1.0, 1, 1, 1, 2, 2]])
    found = alpha_ratio(np.array([1.0, 1, 1, 1, 2, 2]), humans, "nominal")
    assert found.is_defined
    assert "no interval: undefined in" in found.method


@pytest.mark.slow
@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_the_interval_holds_the_ratio_of_a_large_sample_as_often_as_it_says(level: str) -> None:
    # Truth: the ratio in 40,000 items. 400 samples of 120 items in 60 scenarios; nominal 95 %. The binomial error of a
    # coverage of 0.95 over 400 samples is 0.011; percentile intervals of 60 scenarios fall a little short.
    judge, values, _ = rate(np.random.default_rng(1), 40_000, 2)
    truth = judge_alpha(judge, values, level, n_resamples=2).value / alpha(values, level, n_resamples=2).value
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        judge, values, scenario = rate(rng, 120, 2)
        found = alpha_ratio(judge, values, level, scenario, n_resamples=400, rng=rng)
        held += found.low <= truth <= found.high
    assert 0.915 <= held / 400 <= 0.98
