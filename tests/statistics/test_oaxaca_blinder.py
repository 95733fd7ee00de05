"""Do the two parts of an as-lived gap add up to it, and are they those of a regression by intent?"""

from collections.abc import Callable
from math import isnan, nan

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oaxaca import OaxacaBlinder as Theirs

from judgefair.statistics import Estimate
from judgefair.statistics.oaxaca_blinder import OaxacaBlinder, oaxaca_blinder

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
MIX, BASE_MIX = np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.35, 0.4])
MEAN, BEYOND = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.2, -0.3])  # the reference's mean by intent, what is beyond it
PLANTED = {
    "explained": float((MIX - BASE_MIX) @ MEAN),
    "unexplained": float(MIX @ BEYOND),
    "gap": float(MIX @ (MEAN + BEYOND) - BASE_MIX @ MEAN),
}
INTENTS = np.array(["advice", "facts", "writing"])
rows_of_any_kind = st.lists(
    st.tuples(st.sampled_from([nan, 1.0, 2.0, 4.0]), st.booleans(), st.sampled_from(["x", "y", "z", "", None]), st.integers(0, 3)),
    max_size=14,
)  # fmt: skip


def simulate(rng: np.random.Generator, n_users: int) -> Rows:
    """Outcome, whether of the population, intent and user; every other user is of the population.

    A user asks one to nine times, in a mix of intents of their own around that of their population, and fares better or
    worse than others throughout (sd 0.7).
    """
    columns = []
    for user in range(n_users):
        is_population, n = user % 2 == 0, rng.integers(1, 10)
        intents = rng.choice(3, n, p=rng.dirichlet(9 * (MIX if is_population else BASE_MIX)))
        outcome = MEAN[intents] + BEYOND[intents] * is_population + rng.normal(0, 0.7) + rng.normal(0, 1, n)
        columns.append((outcome, np.full(n, is_population), INTENTS[intents], np.full(n, user)))
    outcome, of_population, intent, users = (np.concatenate(each) for each in zip(*columns, strict=True))
    return outcome, of_population, intent, users


def every(found: OaxacaBlinder) -> list[Estimate]:
    return [found.gap, found.explained, found.unexplained]


def theirs(outcome: np.ndarray, is_population: np.ndarray, intents: np.ndarray) -> tuple[float, float, float]:
    """Gap, explained and unexplained of statsmodels 0.15.0, population minus reference.

    Its first group is the one with the lower value in the split column, here the population (0), and its gap is first minus
    second as long as it may not swap them. The weight that is submitted is the first group's in the coefficients that
    explain: 0 takes the second's, the reference's.
    """
    dummies = (intents[:, None] == np.unique(intents)).astype(float)  # one for each intent, in place of a constant
    model = Theirs(outcome, np.column_stack([dummies, ~is_population]), dummies.shape[1], hasconst=True, swap=False)
    unexplained, explained, gap = model.two_fold(two_fold_type="self_submitted", submitted_weight=0).params
    return gap, explained, unexplained


# Points and standard errors


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_are_those_of_statsmodels_at_the_references_coefficients(seed: int) -> None:
    outcome, is_population, intents, users = simulate(np.random.default_rng(seed), 30)
    if seed % 2:
        outcome = -outcome  # a gap below zero, where a sign could turn round
    found = oaxaca_blinder(outcome, is_population, intents, users)
    assert [each.value for each in every(found)] == pytest.approx(theirs(outcome, is_population, intents), abs=1e-10)
    assert [each.estimand for each in every(found)] == ["as_lived.gap", "as_lived.explained", "as_lived.unexplained"]


def test_admission_at_berkeley_is_explained_by_what_was_applied_to() -> None:
    # By hand: the men's rates by department, 0.6206 0.6304 0.3692 0.3309 0.2775 0.0590, weighted by where women applied,
    # 108 25 593 375 393 341 of 1,835, make 0.3025; women had 557 of 1,835 = 0.3035 and men 1,198 of 2,691 = 0.4452.
    admitted, rejected = (
        [512, 353, 120, 138, 53, 22, 89, 17, 202, 131, 94, 24],
        [313, 207, 205, 279, 138, 351, 19, 8, 391, 244, 299, 317],
    )
    row = np.repeat(np.arange(24), admitted + rejected)
    found = oaxaca_blinder(row < 12, row % 12 >= 6, row % 6)
    assert [each.value for each in every(found)] == pytest.approx([0.3035 - 0.4452, 0.3025 - 0.4452, 0.3035 - 0.3025], abs=2e-4)
    assert found.gap.high < 0
    assert found.unexplained.low < 0 < found.unexplained.high


def test_the_gap_has_the_standard_error_of_a_clustered_regression_on_the_population() -> None:
    # Each side keeps its own G/(G - 1); of users who are of one side, V = V_population + V_reference.
    outcome, is_population, intents, users = simulate(np.random.default_rng(5), 30)
    ours = oaxaca_blinder(outcome, is_population, intents, users).gap
    sides = [
        sm.OLS(outcome[side], np.ones(side.sum())).fit(cov_type="cluster", cov_kwds={"groups": users[side]}).bse[0]
        for side in (is_population, ~is_population)
    ]
    se = np.hypot(*sides)
    assert ours.se == pytest.approx(se, rel=1e-9)
    assert ours.high - ours.value == pytest.approx(stats.t.ppf(0.975, 14) * se, rel=1e-9)
    assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(ours.value) / se, 14), rel=1e-9)


def test_the_parts_have_the_standard_error_of_leaving_out_one_user_at_a_time() -> None:
    outcome, is_population, intents, users = simulate(np.random.default_rng(6), 300)
    writes = np.bincount(users, intents == "writing") / np.bincount(users)
    outcome = outcome + 3 * writes[users]  # so that what a user asks goes with how the user fares
    found = oaxaca_blinder(outcome, is_population, intents, users)
    left = np.array([theirs(*(each[users != user] for each in (outcome, is_population, intents))) for user in range(300)])
    for estimate, values in zip(every(found), left.T, strict=True):
        jackknife = (299 / 300 * ((values - values.mean()) ** 2).sum()) ** 0.5
        assert estimate.se == pytest.approx(jackknife, rel=0.02)


def test_what_a_user_moves_the_references_means_by_is_told_from_the_other_users() -> None:
    # The derivatives of both parts by hand, user by user. A user of the reference moves the mean of an intent by their rows'
    # share of it times how far their own mean is from that of the others: with the others' mean o and the share h, the
    # residual is y - (h y + (1 - h) o) = (1 - h) (y - o), and so y - o = residual / (1 - h).
    outcome, is_population, intents, users = simulate(np.random.default_rng(14), 16)
    found = oaxaca_blinder(outcome, is_population, intents, users)
    base = ~is_population
    mean = {i: outcome[base & (intents == i)].mean() for i in INTENTS}
    usual = np.array([mean[i] for i in intents])
    moved: dict[str, dict[bool, list[float]]] = {part: {True: [], False: []} for part in ("explained", "unexplained")}
    for user in np.unique(users[is_population]):
        own = users == user
        moved["unexplained"][True].append((outcome - usual - found.unexplained.value)[own].sum() / is_population.sum())
        moved["explained"][True].append((usual[own] - usual[is_population].mean()).sum() / is_population.sum())
    for user in np.unique(users[base]):
        own, explained, unexplained = users == user, 0.0, 0.0
        for i in INTENTS:
            mine, others = own & (intents == i), base & ~own & (intents == i)
            if mine.any():
                moves = mine.sum() / (base & (intents == i)).sum() * (outcome[mine].mean() - outcome[others].mean())
                share, base_share = (intents[is_population] == i).mean(), (intents[base] == i).mean()
                unexplained -= share * moves
                explained += (share - base_share) * moves - mine.sum() / base.sum() * (mean[i] - outcome[base].mean())
        moved["unexplained"][False].append(unexplained)
        moved["explained"][False].append(explained)
    for part, by_side in moved.items():
        variance = sum(len(each) / (len(each) - 1) * np.square(each).sum() for each in by_side.values())
        assert getattr(found, part).se == pytest.approx(variance**0.5, rel=1e-9)


def test_users_with_an_answer_of_each_side_are_pairs() -> None:
    rng = np.random.default_rng(7)
    users, intents = np.repeat(np.arange(40), 2), np.repeat(INTENTS[rng.integers(0, 3, 40)], 2)
    outcome = np.repeat(rng.normal(0, 3, 40), 2) + rng.normal(0, 0.1, 80)
    paired = oaxaca_blinder(outcome, np.tile([True, False], 40), intents, users)
    apart = oaxaca_blinder(outcome, np.tile([True, False], 40), intents)
    assert paired.unexplained.value == apart.unexplained.value
    assert paired.unexplained.se < 0.1 * apart.unexplained.se
    assert paired.explained.value == pytest.approx(0, abs=1e-12)


# No common support


def test_rows_of_an_intent_that_one_side_never_has_are_left_out_counted_and_named() -> None:
    outcome, is_population, intents, users = simulate(np.random.default_rng(8), 30)
    more = (
        np.r_[outcome, 9, 9, 9],
        np.r_[is_population, True, True, False],
        [*intents, "fun", "fun", "law"],
        np.r_[users, 0, 2, 1],
    )
    without, found = oaxaca_blinder(outcome, is_population, intents, users), oaxaca_blinder(*more)
    for ours, before in zip(every(found), every(without), strict=True):
        assert (ours.value, ours.low, ours.high) == (before.value, before.low, before.high)
        assert (ours.n_items, ours.n_missing, before.n_missing) == (len(outcome), 3, 0)
        assert "no common support: 3 rows of 'fun', 'law', which one side never has, are left out" in ours.method
        assert "left out" not in before.method


def test_many_intents_without_common_support_are_named_in_part() -> None:
    found = oaxaca_blinder(np.ones(10), [True] * 9 + [False], [*"abcdefghi", "a"])
    assert "8 rows of 'b', 'c', 'd', 'e', 'f' and 3 more, which one side never has" in found.gap.method


def test_where_no_intent_is_shared_nothing_is_defined() -> None:
    for estimate in every(oaxaca_blinder([1, 2, 3, 4], [True, True, False, False], ["x", "x", "y", "y"])):
        assert isnan(estimate.value)
        assert isnan(estimate.low)
        assert estimate.method == "undefined: no intent is shared by the population and the reference"
        assert estimate.n_missing == 4


# Degenerate data


@pytest.mark.parametrize("clusters", [None, []])
def test_no_rows_leave_everything_undefined(clusters: list[str] | None) -> None:
    for estimate in every(oaxaca_blinder([], [], [], clusters)):
        assert isnan(estimate.value)
        assert estimate.method.startswith("undefined: ")


@pytest.mark.parametrize(("side", "who"), [(True, "population"), (False, "reference")])
def test_a_side_without_outcomes_leaves_everything_undefined(side: bool, who: str) -> None:
    is_population = np.array([True, True, False, False])
    for estimate in every(oaxaca_blinder(np.where(is_population == side, nan, 1.0), is_population, list("xyxy"))):
        assert estimate.method == f"undefined: the {who} has no row with an outcome and an intent"


def test_rows_without_an_outcome_or_an_intent_are_left_out_and_counted() -> None:
    found = oaxaca_blinder([1, nan, 3, 2, 2, 9], [True, True, True, False, False, False], ["x", "x", "x", "x", "x", None])
    for estimate in every(found):
        assert (estimate.n_items, estimate.n_missing) == (4, 2)
    assert (found.gap.value, found.unexplained.value, found.explained.value) == (0.0, 0.0, 0.0)


def test_one_intent_explains_nothing_and_leaves_the_whole_gap() -> None:
    rng = np.random.default_rng(9)
    found = oaxaca_blinder(rng.normal(size=20), np.arange(20) < 8, ["only"] * 20)
    assert found.explained.value == 0
    assert "no interval: no variance between clusters" in found.explained.method
    assert found.unexplained.value == found.gap.value
    assert found.unexplained.low < found.unexplained.high


def test_an_intent_that_one_cluster_of_the_reference_has_alone_leaves_the_parts_without_an_interval() -> None:
    outcome, is_population, intents, users = simulate(np.random.default_rng(10), 30)
    keep = is_population | (intents != "facts") | (users == users[~is_population & (intents == "facts")][0])
    found = oaxaca_blinder(*(each[keep] for each in (outcome, is_population, intents, users)))
    assert found.gap.low < found.gap.high
    for estimate in (found.explained, found.unexplained):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert isnan(estimate.se)
        assert estimate.p_value is None
        assert "no interval: one cluster of the reference has all of 'facts'; merge rare intents" in estimate.method


def test_one_cluster_of_a_side_gives_points_without_intervals() -> None:
    outcome, is_population, intents, users = simulate(np.random.default_rng(11), 30)
    for estimate in every(oaxaca_blinder(outcome, is_population, intents, np.where(is_population, -1, users))):
        assert not isnan(estimate.value)
        assert isnan(estimate.low)
        assert "no interval: a mean of one cluster" in estimate.method


@settings(max_examples=200)
@given(rows_of_any_kind, st.booleans())
def test_parts_of_any_rows_add_up_to_the_gap_or_are_nan_with_a_reason(rows: list[tuple], clustered: bool) -> None:
    outcome, is_population, intents, clusters = [list(column) for column in zip(*rows, strict=True)] if rows else ([], [], [], [])
    found = oaxaca_blinder(outcome, is_population, intents, clusters if clustered else None)
    for estimate in every(found):
        assert isnan(estimate.value) == estimate.method.startswith("undefined: ")
        assert isnan(estimate.low) == ("undefined: " in estimate.method or "no interval: " in estimate.method)
        assert estimate.n_items + estimate.n_missing == len(rows)
    if found.gap.is_defined:
        assert found.gap.value == found.explained.value + found.unexplained.value
        shared = {i for _, s, i, _ in rows if s} & {i for _, s, i, _ in rows if not s}
        assert shared


# Properties


@given(rows_of_any_kind.filter(len), st.randoms(use_true_random=False))
def test_parts_ignore_the_order_of_rows_and_the_names_of_intents(rows: list[tuple], random: object) -> None:
    renamed = [(y, s, {"x": "m", "y": "a", "z": "k"}.get(i, i), c) for y, s, i, c in rows]
    shuffled = random.sample(renamed, len(rows))  # type: ignore[attr-defined]
    before, after = (oaxaca_blinder(*zip(*each, strict=True)) for each in (rows, shuffled))
    for ours, others in zip(every(before), every(after), strict=True):
        assert (others.value, others.se) == pytest.approx((ours.value, ours.se), abs=1e-9, nan_ok=True)


def test_duplicating_rows_inside_clusters_moves_neither_points_nor_intervals() -> None:
    rows = simulate(np.random.default_rng(12), 30)
    once, often = oaxaca_blinder(*rows), oaxaca_blinder(*(np.tile(each, 3) for each in rows))
    for ours, others in zip(every(once), every(often), strict=True):
        assert (others.value, others.low, others.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9)


@given(st.floats(-3, 3), st.floats(0.1, 3))
def test_parts_move_with_the_unit_of_the_outcome_and_not_with_its_origin(origin: float, unit: float) -> None:
    outcome, *others = simulate(np.random.default_rng(13), 20)
    before, after = oaxaca_blinder(outcome, *others), oaxaca_blinder(origin + unit * outcome, *others)
    for ours, moved in zip(every(before), every(after), strict=True):
        assert (moved.value, moved.se) == pytest.approx((unit * ours.value, unit * ours.se), abs=1e-8)


# Coverage: 2,000 samples of 60 users and 500 of 300, half of each side (PLANTED).


@pytest.mark.slow
@pytest.mark.parametrize(("n_users", "n_samples"), [(60, 2000), (300, 500)])
def test_intervals_of_the_parts_hold_the_planted_ones_as_often_as_they_say(
    n_users: int, n_samples: int, assert_nominal_coverage: Callable[..., None], assert_too_few_cover: Callable[..., None]
) -> None:
    rng = np.random.default_rng(41)
    samples = [simulate(rng, n_users) for _ in range(n_samples)]
    found = [oaxaca_blinder(*sample) for sample in samples]
    for name, planted in PLANTED.items():
        parts = [getattr(each, name) for each in found]
        assert_nominal_coverage(parts, planted)
        values = np.array([part.value for part in parts])
        assert abs(values.mean() - planted) < 4 * values.std() / len(parts) ** 0.5
        assert np.mean([part.se for part in parts]) == pytest.approx(values.std(), rel=0.06)
    unclustered = [oaxaca_blinder(*sample[:3]).unexplained for sample in samples]
    assert_too_few_cover(unclustered, PLANTED["unexplained"])
