"""What tests of intervals share: when the coverage of simulated intervals counts as nominal."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from judgefair.statistics import Estimate

CoverageCheck = Callable[[Sequence[Estimate], float], None]


def coverage(estimates: Sequence[Estimate], truth: float) -> float:
    low, high = np.array([(estimate.low, estimate.high) for estimate in estimates]).T
    assert not np.isnan(low).any(), "a simulated interval is missing"
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.fixture
def assert_nominal_coverage() -> CoverageCheck:
    """Passes where the number of 95 % intervals that hold the truth is within the central 99.9 % of Binomial(n_sims, 0.95).

    With 1,000 simulations that is 0.926 to 0.971, with 4,000 it is 0.939 to 0.961.
    """

    def check(estimates: Sequence[Estimate], truth: float) -> None:
        low, high = stats.binom.interval(0.999, len(estimates), 0.95)
        held = coverage(estimates, truth) * len(estimates)
        assert low <= held <= high, f"{held / len(estimates):.3f} of {len(estimates):,} intervals hold {truth:.4f}"

    return check


@pytest.fixture
def assert_too_few_cover() -> CoverageCheck:
    """The control: what a simulation must show where intervals are known to be too narrow, or it could not have told."""

    def check(estimates: Sequence[Estimate], truth: float) -> None:
        assert coverage(estimates, truth) < stats.binom.ppf(0.0005, len(estimates), 0.95) / len(estimates)

    return check
