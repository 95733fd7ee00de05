"""Are small populations drawn towards the centre as Morris has it, and do their intervals say how sure that is?"""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from judgefair.statistics.shrink import Shrunk, paule_mandel, shrink

populations = st.lists(
    st.tuples(st.one_of(st.just(nan), st.floats(-5, 5)), st.sampled_from([nan, 0.0, 0.1, 0.5, 1.0, 3.0])), max_size=9
)


def draw(rng: np.random.Generator, k: int, tau: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True values, raw values and standard errors of k populations, the largest of which is known five times as well."""
    ses = np.linspace(0.4, 2, k)
    truth = 1.5 + tau * rng.normal(size=k)
    return truth, truth + ses * rng.normal(size=k), ses


# Points, spread and intervals


@pytest.mark.parametrize("seed", range(6))
def test_tau_and_centre_are_those_of_statsmodels(seed: int) -> None:
    _, raw, ses = draw(np.random.default_rng(seed), 8, seed / 2)
    family = shrink(raw, ses)
    # It stops once the weighted squares are within atol of their expectation, and gives 0 where rounding takes them below it.
    theirs = combine_effects(raw, ses**2, method_re="iterated", atol=1e-6)
    assert family.tau**2 == pytest.approx(theirs.tau2, rel=1e-5)
    assert family.centre == pytest.approx(theirs.mean_effect_re, rel=1e-6)


def test_a_family_that_varies_less_than_its_noise_has_no_tau() -> None:
    family = shrink([1.0, 1.1, 0.9, 1.0], [1.0] * 4)
    assert family.tau == 0
    assert combine_effects(np.array([1.0, 1.1, 0.9, 1.0]), np.ones(4), method_re="iterated").tau2 == 0
    # With k = 4 even then a population keeps 1 - 1/3 of its own: Morris's factor for a tau that was estimated.
    assert family.weight == pytest.approx([2 / 3] * 4)


def test_equal_standard_errors_give_the_estimator_of_james_and_stein_and_its_interval() -> None:
    # With V_i = V everything is in closed form: A + V is the raw variance S / (k - 1), so B = (k - 3) V / S (Efron and Morris
    # 1975), r_i = 1, and Morris 1983, equations 4.1 and 4.2: s^2 = V (1 - (k - 1)/k B) + 2 / (k - 3) B^2 (y - ybar)^2.
    raw, V = np.array([-2.0, 0.0, 1.0, 3.0, 4.0, 6.0]), 1.44
    family = shrink(raw, [1.2] * 6)
    S = ((raw - 2) ** 2).sum()
    B = 3 * V / S
    assert family.shrunk == pytest.approx(2 + (1 - B) * (raw - 2), rel=1e-9)
    assert family.weight == pytest.approx([1 - B] * 6, rel=1e-9)
    s = np.sqrt(V * (1 - 5 / 6 * B) + 2 / 3 * B**2 * (raw - 2) ** 2)
    assert family.high - family.shrunk == pytest.approx(1.959963985 * s, rel=1e-8)
    assert family.shrunk - family.low == pytest.approx(1.959963985 * s, rel=1e-8)


def test_unequal_standard_errors_follow_the_printed_equations() -> None:
    # By hand with A = 1, which the third value is chosen to give: W = 1/2, 1/2, 1/5, 1/5 for V = 1, 1, 4, 4.
    # Values m - a, m + a, m - b, m + b: mu = m, and sum W (y - mu)^2 = a^2 + 0.4 b^2 = 3 with a = 1, b = 5 ** 0.5.
    b = 5**0.5
    family = shrink([6.0, 8.0, 7.0 - b, 7.0 + b], [1, 1, 2, 2])
    assert family.tau == pytest.approx(1, rel=1e-9)
    assert family.centre == pytest.approx(7)
    # B = (1/3) V / (V + 1) = 1/6, 1/6, 4/15, 4/15.
    assert family.shrunk == pytest.approx([7 - 5 / 6, 7 + 5 / 6, 7 - 11 / 15 * b, 7 + 11 / 15 * b], rel=1e-9)
    # sum W = 1.4, r = 4 W / 1.4 = 10/7 and 4/7, Vbar = (0.5 + 0.5 + 0.8 + 0.8) / 1.4 = 13/7, Vbar + A = 20/7.
    # v = 2 B^2 (20/7) / (V + 1) = 2/36 * 10/7 and 2 * 16/225 * 4/7; s^2 = V (1 - (4 - r)/4 B) + v (y - 7)^2.
    s2 = [1 - 9 / 14 / 6 + 20 / 252, 4 * (1 - 6 / 7 * 4 / 15) + 128 / 1575 * 5]
    reach = 1.959963985 * np.sqrt([s2[0], s2[0], s2[1], s2[1]])
    assert family.high - family.shrunk == pytest.approx(reach, rel=1e-8)


def test_the_less_is_known_of_a_population_the_more_it_is_drawn_to_the_centre() -> None:
    family = shrink([4.0, 4.0, 0.0, 1.0, -1.0], [0.2, 2.0, 0.2, 0.2, 0.2])
    assert family.weight[1] < family.weight[0]
    assert family.centre < family.shrunk[1] < family.shrunk[0] < 4


def test_three_populations_are_left_as_they_are_with_their_own_intervals() -> None:
    family = shrink([0.0, 2.0, 7.0], [1.0, 2.0, 3.0])
    assert family.shrunk.tolist() == [0, 2, 7]
    assert family.weight.tolist() == [1, 1, 1]
    assert family.high - family.raw == pytest.approx(1.959963985 * np.array([1, 2, 3]), rel=1e-8)
    assert "with 3 nothing is shrunk" in family.method
    assert not isnan(family.tau)


def test_the_confidence_sets_the_reach() -> None:
    raw, ses = [0.0, 1.0, 3.0, 5.0, 9.0], [1.0] * 5
    narrow, wide = shrink(raw, ses, confidence=0.9), shrink(raw, ses)
    assert (narrow.high - narrow.shrunk) / (wide.high - wide.shrunk) == pytest.approx([1.644853627 / 1.959963985] * 5)
    assert (narrow.level, wide.level) == (0.9, 0.95)


# Degenerate data


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_populations_stay_raw_without_intervals(n: int) -> None:
    family = shrink([1.0, 4.0][:n], [1.0, 2.0][:n])
    assert family.shrunk.tolist() == [1, 4][:n]
    assert np.isnan(family.low).all()
    assert np.isnan(family.high).all()
    assert isnan(family.tau)
    assert isnan(family.centre)
    assert family.method.startswith(f"not shrunk: {n} of {n} populations have a value")
    assert "with fewer than 3 their spread cannot be told" in family.method


@pytest.mark.parametrize("absent", [(nan, 1.0), (1.0, nan), (1.0, 0.0), (1.0, -1.0), (1.0, np.inf), (np.inf, 1.0), (1.0, 1e-200)])
def test_a_population_without_a_value_or_a_standard_error_is_nan_and_does_not_count(absent: tuple[float, float]) -> None:
    with_it = shrink([0.0, 1.0, absent[0], 2.0, 7.0], [1.0, 1.0, absent[1], 2.0, 1.0])
    without = shrink([0.0, 1.0, 2.0, 7.0], [1.0, 1.0, 2.0, 1.0])
    for name in ("shrunk", "low", "high", "weight"):
        assert isnan(getattr(with_it, name)[2])
        assert np.delete(getattr(with_it, name), 2).tolist() == getattr(without, name).tolist()
    assert (with_it.n_used, with_it.tau, with_it.centre) == (4, without.tau, without.centre)
    assert "4 of 5 populations" in with_it.method
    assert with_it.raw[2] == absent[0] or isnan(absent[0])


def test_equal_values_have_no_spread_and_keep_an_interval() -> None:
    family = shrink([2.0] * 5, [1.0] * 5)
    assert family.tau == 0
    assert family.shrunk.tolist() == [2] * 5
    assert (family.high > family.low).all()


def test_values_known_almost_exactly_have_their_own_variance_as_tau() -> None:
    assert paule_mandel(np.array([0.0, 2.0, 4.0, 7.1]), np.full(4, 1e-30)) == pytest.approx(
        np.var([0.0, 2.0, 4.0, 7.1], ddof=1), rel=1e-9
    )


@given(populations)
def test_any_family_is_shrunk_towards_its_centre_or_says_why_not(family: list[tuple[float, float]]) -> None:
    raw, ses = np.array(family, dtype=float).reshape(-1, 2).T
    result = shrink(raw, ses)
    used = ~np.isnan(raw) & (ses > 0)
    assert result.n_used == used.sum()
    assert (np.isnan(result.shrunk) == ~used).all()
    if result.n_used < 3:
        assert result.method.startswith("not shrunk")
        assert np.isnan(result.low).all()
        return
    assert (result.low[used] < result.shrunk[used]).all()
    assert (result.shrunk[used] < result.high[used]).all()
    between = np.sort([raw[used], np.full(used.sum(), result.centre)], axis=0)
    assert (between[0] - 1e-9 <= result.shrunk[used]).all()
    assert (result.shrunk[used] <= between[1] + 1e-9).all()


# Properties


@given(populations, st.floats(-100, 100), st.sampled_from([0.25, 2.0, -4.0]))
def test_origin_and_unit_of_the_scale_do_not_matter(family: list[tuple[float, float]], shift: float, unit: float) -> None:
    raw, ses = np.array(family, dtype=float).reshape(-1, 2).T
    once, moved = shrink(raw, ses), shrink(shift + unit * raw, abs(unit) * ses)
    assert moved.shrunk == pytest.approx(shift + unit * once.shrunk, abs=1e-6, nan_ok=True)
    low, high = (moved.low, moved.high) if unit > 0 else (moved.high, moved.low)
    assert low == pytest.approx(shift + unit * once.low, abs=1e-6, nan_ok=True)
    assert high == pytest.approx(shift + unit * once.high, abs=1e-6, nan_ok=True)


@given(populations, st.randoms(use_true_random=False))
def test_the_order_of_populations_does_not_matter(family: list[tuple[float, float]], random: object) -> None:
    order = list(range(len(family)))
    random.shuffle(order)  # type: ignore[attr-defined]
    raw, ses = np.array(family, dtype=float).reshape(-1, 2).T
    once, shuffled = shrink(raw, ses), shrink(raw[order], ses[order])
    assert shuffled.shrunk == pytest.approx(once.shrunk[order], abs=1e-9, nan_ok=True)
    assert shuffled.low == pytest.approx(once.low[order], abs=1e-9, nan_ok=True)


# Coverage, on average over populations: 2,000 families of populations whose standard errors run from 0.4 to 2.


def covered(families: list[Shrunk], truths: list[np.ndarray]) -> float:
    return float(
        np.mean([(family.low <= truth) & (truth <= family.high) for family, truth in zip(families, truths, strict=True)])
    )


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("k", [4, 6, 10, 20])
def test_intervals_hold_the_truth_on_average_over_populations_at_least_as_often_as_they_say(k: int, tau: float) -> None:
    # They hold it more often (0.96 to 1.00) where tau is small beside the standard errors and therefore hard to tell from 0;
    # elsewhere 0.945 to 0.97.
    rng = np.random.default_rng(8)
    truths, raws, ses = zip(*[draw(rng, k, tau) for _ in range(2000)], strict=True)
    families = [shrink(raw, se) for raw, se in zip(raws, ses, strict=True)]
    share = covered(families, list(truths))
    n_independent = 2000  # families; populations of one share its tau and centre
    assert share >= stats.binom.ppf(0.0005, n_independent, 0.95) / n_independent
    if tau >= 1:
        assert share <= 0.975
    shrunk_error = np.mean([(family.shrunk - truth) ** 2 for family, truth in zip(families, truths, strict=True)])
    raw_error = np.mean([(family.raw - truth) ** 2 for family, truth in zip(families, truths, strict=True)])
    assert shrunk_error < raw_error
    assert np.mean([family.high - family.low for family in families]) < 2 * 1.96 * np.mean(ses)


@pytest.mark.slow
def test_intervals_that_take_tau_and_centre_as_known_would_hold_the_truth_too_seldom() -> None:
    # The control: V_i A / (V_i + A) around the centre, without r_i and v_i, holds it in 0.66 of the cases here.
    rng = np.random.default_rng(9)
    held = []
    for _ in range(2000):
        truth, raw, ses = draw(rng, 6, 1.0)
        family = shrink(raw, ses)
        B = ses**2 / (ses**2 + family.tau**2)
        held.append(np.abs((1 - B) * raw + B * family.centre - truth) <= 1.96 * ses * np.sqrt(1 - B))
    assert np.mean(held) < 0.75
