"""Do intervals of a family hold together, and are they no wider than the correlation of its members demands?"""

from collections.abc import Sequence
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judgefair.statistics.clustered import ClusteredMean, clustered_mean
from judgefair.statistics.simultaneous import simultaneous

N_DRAWS = 400_000  # the error of a simulated 5 % quantile of p is then about sqrt(0.05 * 0.95 / 400,000) = 0.0003


def means(values: np.ndarray) -> list[ClusteredMean]:
    """A mean of each column over the same clusters."""
    return [clustered_mean(column, np.ones(len(column))) for column in values.T]


def gaps(groups: Sequence[np.ndarray]) -> list[ClusteredMean]:
    """Mean of each group minus that of the last, every item its own cluster."""
    total, start, found = sum(map(len, groups)), 0, []
    for group in groups:
        totals, counts = np.zeros(total), np.zeros(total)
        totals[start : start + len(group)], counts[start : start + len(group)] = group, 1
        found.append(clustered_mean(totals, counts))
        start += len(group)
    return [mean.minus(found[-1]) for mean in found[:-1]]


def orthogonal(n: int, k: int) -> np.ndarray:
    """k columns of n values about 0 that are exactly uncorrelated."""
    values = np.random.default_rng(0).normal(size=(n, k))
    return np.linalg.qr(values - values.mean(0))[0]


@pytest.mark.parametrize("k", [2, 5, 10])
def test_independent_members_need_sidaks_level(k: int) -> None:
    found = simultaneous(means(orthogonal(200, k)), n_draws=N_DRAWS)
    assert 1 - found.pointwise_level == pytest.approx(1 - 0.95 ** (1 / k), abs=3 * np.sqrt(0.05 / N_DRAWS))


def test_members_that_move_together_need_no_more_than_one_interval() -> None:
    one = means(orthogonal(50, 1))[0]
    opposite = ClusteredMean(-one.value, -3 * one.influence, one.has_data, one.fewest)
    found = simultaneous([one, one, opposite, one], n_draws=N_DRAWS)
    assert found.pointwise_level == pytest.approx(0.95, abs=0.0011)
    low, high, *_ = one.interval(found.pointwise_level)
    assert (found.low[0], found.high[0]) == (low, high)


# Dunnett 1964, New tables for multiple comparisons with a control, two-sided, 5 %: treatments, degrees of freedom, constant.
DUNNETT = [
    (2, np.inf, 2.21),
    (3, np.inf, 2.35),
    (4, np.inf, 2.44),
    (5, np.inf, 2.51),
    (3, 20, 2.54),
    (5, 20, 2.73),
    (3, 60, 2.40),
]


@pytest.mark.parametrize(("k", "df", "constant"), DUNNETT)
def test_treatments_against_one_control_have_dunnetts_constant(k: int, df: float, constant: float) -> None:
    # Gaps to a shared reference of the same size correlate by 0.5. The table's constant is of a t with one variance for all
    # groups; ours takes the level of normal variables for the t of each member, which is up to 0.03 too large at 20 degrees of freedom.
    groups = np.split(np.tile(orthogonal(30, 1)[:, 0], k + 1), k + 1)
    found = simultaneous(gaps(groups), n_draws=N_DRAWS)
    assert stats.t.ppf((1 + found.pointwise_level) / 2, df) == pytest.approx(constant, abs=0.01 if df == np.inf else 0.035)


def test_the_level_is_the_quantile_of_the_multivariate_normal_distribution() -> None:
    # scipy's own integral over the box -z..z with the correlations of the family.
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4))
    correlation = np.corrcoef(values.T)
    z = stats.norm.ppf((1 + simultaneous(means(values), n_draws=N_DRAWS).pointwise_level) / 2)
    held = stats.multivariate_normal(np.zeros(4), correlation, seed=2).cdf(np.full(4, z), lower_limit=np.full(4, -z))
    assert held == pytest.approx(0.95, abs=0.0015)


def test_intervals_and_p_values_agree_and_p_values_are_those_of_dunnetts_test() -> None:
    rng = np.random.default_rng(3)
    groups = [rng.normal(shift, 1, 60) for shift in (0.45, -0.2, 0.6, 0.0)]
    found = simultaneous(gaps(groups), n_draws=N_DRAWS)
    for low, high, p_value in zip(found.low, found.high, found.p_values, strict=True):
        assert (low <= 0 <= high) == (p_value > 0.05)
    theirs = stats.dunnett(*groups[:-1], control=groups[-1], rng=4).pvalue  # one variance for all groups, 236 degrees of freedom
    assert found.p_values == pytest.approx(theirs, abs=0.02)
    assert found.p_values[0] != pytest.approx(gaps(groups)[0].interval(0.95)[3], abs=0.005)


def test_each_member_keeps_its_own_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    family = gaps([rng.normal(size=5), rng.normal(size=100), rng.normal(size=100)])
    found = simultaneous(family)
    for mean, low, high in zip(family, found.low, found.high, strict=True):
        df = mean.fewest - 1
        *_, se, _, _ = mean.interval(0.95)
        assert (high - low) / 2 == pytest.approx(stats.t.ppf((1 + found.pointwise_level) / 2, df) * se, rel=1e-9)


def test_the_same_seed_gives_the_same_numbers() -> None:
    family = means(np.random.default_rng(6).normal(size=(40, 3)))
    first, second, other = (simultaneous(family, rng=seed) for seed in (1, 1, 2))
    assert first.low.tolist() == second.low.tolist()
    assert first.p_values.tolist() == second.p_values.tolist()
    assert first.low.tolist() != other.low.tolist()


def test_members_without_a_value_or_a_variance_are_nan_and_do_not_widen_the_others() -> None:
    family = means(np.random.default_rng(7).normal(size=(40, 2)))
    without = np.zeros(40, dtype=bool)
    empty = ClusteredMean(nan, np.zeros(40), without, 0)
    constant = ClusteredMean(1.0, np.zeros(40), ~without, 40)
    single = ClusteredMean(1.0, np.full(40, 0.1), ~without, 1)
    alone, among = simultaneous(family), simultaneous([empty, family[0], constant, family[1], single])
    assert np.isnan(among.low).tolist() == np.isnan(among.p_values).tolist() == [True, False, True, False, True]
    assert among.low[[1, 3]].tolist() == alone.low.tolist()
    assert among.p_values[[1, 3]].tolist() == alone.p_values.tolist()
    assert among.pointwise_level == alone.pointwise_level


def test_a_family_of_nobody_has_no_intervals() -> None:
    assert len(simultaneous([]).low) == 0
    nothing = simultaneous([ClusteredMean(1.0, np.zeros(3), np.ones(3, dtype=bool), 3)])
    assert np.isnan([nothing.low[0], nothing.high[0], nothing.p_values[0]]).all()


def test_a_family_of_one_has_its_pointwise_interval() -> None:
    mean = means(np.random.default_rng(8).normal(size=(20, 1)))[0]
    low, high, _, p_value, _ = mean.interval(0.95)
    found = simultaneous([mean])
    assert (found.low[0], found.high[0], found.p_values[0]) == pytest.approx((low, high, p_value), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(3, 30), st.integers(0, 10_000), st.sampled_from([0.9, 0.95]))
def test_intervals_lie_between_one_and_bonferronis(k: int, n: int, seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    family = means(rng.normal(size=(n, k)) @ rng.normal(size=(k, k)))
    found = simultaneous(family, confidence, n_draws=2000, rng=seed)
    for mean, low, high, p_value in zip(family, found.low, found.high, found.p_values, strict=True):
        narrowest, widest = mean.interval(confidence), mean.interval(1 - (1 - confidence) / k)
        assert widest[0] - 1e-9 <= low <= narrowest[0] + 1e-9
        assert narrowest[1] - 1e-9 <= high <= widest[1] + 1e-9
        assert narrowest[3] <= p_value <= min(1, k * narrowest[3])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "most"), [(15, 0.99), (60, 0.972)])
def test_all_intervals_hold_at_once_as_often_as_they_say(n: int, most: float) -> None:
    # Four gaps to a reference of half the others' size; 1,000 simulations, the central 99.9 % of Binomial(1000, 0.95). With 15
    # in the reference they hold together too often (0.968), since the t of a gap has only the degrees of freedom of its smaller mean.
    rng = np.random.default_rng(9)
    truth = np.array([0.0, 0.5, -0.2, 1.0])
    all_held = all_pointwise = 0
    for _ in range(1000):
        family = gaps([*(rng.normal(shift, 1, 2 * n) for shift in truth), rng.normal(0, 1, n)])
        found = simultaneous(family, n_draws=4000, rng=rng)
        all_held += bool(((found.low <= truth) & (truth <= found.high)).all())
        low, high = np.array([mean.interval(0.95)[:2] for mean in family]).T
        all_pointwise += bool(((low <= truth) & (truth <= high)).all())
    least = stats.binom.ppf(0.0005, 1000, 0.95) / 1000
    assert least <= all_held / 1000 <= most
    assert all_pointwise / 1000 < least
