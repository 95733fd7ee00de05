"""Does a test find the minimal effect as often as its power says?"""

from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from judgefair.statistics.minimal_effect import minimal_effect

# Bloom 1995, Minimum detectable effects, Evaluation Review 19: multiples of the standard error for large samples, two-sided.
BLOOM = [(0.05, 0.8, 2.80), (0.05, 0.9, 3.24), (0.10, 0.8, 2.49), (0.01, 0.8, 3.42)]


@pytest.mark.parametrize(("alpha", "power", "multiple"), BLOOM)
def test_the_multiple_of_the_standard_error_is_blooms(alpha: float, power: float, multiple: float) -> None:
    assert minimal_effect(1.0, power=power, confidence=1 - alpha) == pytest.approx(multiple, abs=0.005)


@pytest.mark.parametrize(("n", "off"), [(10, 0.03), (30, 0.006), (200, 0.001)])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_with_degrees_of_freedom_it_is_near_the_effect_that_statsmodels_solves_for(n: int, off: float, power: float) -> None:
    # TTestPower solves for d = effect/sd with the noncentral t; se = sd/sqrt(n). A sum of two central t quantiles comes near.
    exact = TTestPower().solve_power(nobs=n, alpha=0.05, power=power, alternative="two-sided") * sqrt(n)
    assert minimal_effect(1.0, power=power, df=n - 1) == pytest.approx(exact, rel=off)


def test_it_grows_with_the_standard_error_and_with_fewer_degrees_of_freedom() -> None:
    assert minimal_effect(0.3, df=20) == pytest.approx(0.3 * minimal_effect(1.0, df=20))
    assert minimal_effect(1.0, df=5) > minimal_effect(1.0, df=50) > minimal_effect(1.0, df=inf)
    assert minimal_effect(0.0) == 0


def test_without_a_standard_error_or_degrees_of_freedom_it_is_nan() -> None:
    assert isnan(minimal_effect(nan))
    assert isnan(minimal_effect(1.0, df=0))
    assert isnan(minimal_effect(1.0, df=nan))


@pytest.mark.slow
def test_a_planted_effect_of_that_size_is_found_four_times_in_five() -> None:
    # 4,000 samples of 25; the central 99.9 % of Binomial(4000, 0.8) is 0.779 to 0.821, and the approximation is 0.4 % of power off.
    rng = np.random.default_rng(1)
    effect = minimal_effect(1 / sqrt(25), df=24)
    p = stats.ttest_1samp(rng.normal(effect, 1, (4000, 25)), 0, axis=1).pvalue
    assert 0.775 <= (p < 0.05).mean() <= 0.825
