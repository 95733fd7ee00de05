"""Is the impossibility told by its identity, and only where base rates are shown to differ?"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.lenses import DoesNotExtend, incompatibility
from judgefair.lenses.incompatibility import ForcedGap, false_positive_rate, forced_gap
from judgefair.statistics.clustered import clustered_mean
from judgefair.statistics.ppi_mean import mean_by_unit
from tests.lenses.seeing import BINARY, arms, assert_covers, confusion, decided_run, found, rated, rubric_with, seen

LENS = "lens.incompatibility"
OK = rubric_with({"ok": {"scale": BINARY}})
counts = st.integers(1, 10_000)


@given(counts, counts, counts, counts)
def test_the_identity_holds_exactly_in_every_confusion_table(tp: int, fn: int, fp: int, tn: int) -> None:
    n = tp + fn + fp + tn
    assert false_positive_rate(Fraction(tp + fn, n), Fraction(tp, tp + fp), Fraction(fn, tp + fn)) == Fraction(fp, fp + tn)


@given(counts, counts, counts, counts, st.integers(1, 99))
def test_the_forced_gap_is_what_the_identity_leaves_at_another_base_rate(
    tp: int, fn: int, fp: int, tn: int, percent: int
) -> None:
    # Predictive value and false negative rate are the reference's, the base rate is another: what is then its false positive rate?
    ppv, fnr, base = Fraction(tp, tp + fp), Fraction(fn, tp + fn), Fraction(tp + fn, tp + fn + fp + tn)
    forced = false_positive_rate(Fraction(percent, 100), ppv, fnr) - false_positive_rate(base, ppv, fnr)

    def known(value: Fraction):
        return clustered_mean(np.full(3, float(value)), np.ones(3))

    gap = forced_gap(known(Fraction(percent, 100)), known(base), known(Fraction(fp, fp + tn)))
    assert gap.mean.value == pytest.approx(float(forced), rel=1e-9, abs=1e-12)


def test_where_base_rates_differ_criteria_are_said_to_exclude_each_other():
    items, values = confusion(a=(40, 10, 10, 40), b=(16, 4, 16, 64))
    look = incompatibility.look(seen(items, rated(items, values, "ok"), OK))
    assert found(look, f"{LENS}.base_rate", "a").value == 0.5
    assert found(look, f"{LENS}.base_rate", "b").value == pytest.approx(0.2)
    assert found(look, f"{LENS}.base_rate_gap", "b").high < 0
    # Odds of 1/4 against 1: a quarter of the reference's rate of 0.2.
    assert found(look, f"{LENS}.forced_fpr_gap", "b").value == pytest.approx(0.2 * (0.25 - 1))
    (sentence,) = look.says
    assert "cannot hold together" in sentence


def test_where_base_rates_are_not_shown_to_differ_nothing_is_said_to_be_excluded():
    items, values = confusion(a=(10, 2, 3, 10), b=(8, 2, 4, 11))
    (sentence,) = incompatibility.look(seen(items, rated(items, values, "ok"), OK)).says
    assert "not shown" in sentence
    assert "cannot hold together" not in sentence


def test_arms_of_one_scenario_have_one_base_rate_so_that_nothing_is_excluded():
    items = [item for k in range(40) for item in arms(1, first=k, meta={"merit": k % 2})]
    look = incompatibility.look(seen(items, rated(items, [0, 1, 1, 1, 1, 0, 0, 1] * 10, "ok"), OK))
    gap = found(look, f"{LENS}.base_rate_gap", "b")
    assert (gap.value, gap.low < 0 < gap.high) == (0, True)
    assert "no interval: merit is the same for both in every scenario" in found(look, f"{LENS}.forced_fpr_gap", "b").method
    assert "not shown" in look.says[0]


def test_the_reference_rate_is_the_humans_where_they_labelled():
    items, values = confusion(a=(40, 10, 10, 40), b=(16, 4, 16, 64))
    by_judge = [1] * len(items)
    look = incompatibility.look(seen(items, [*rated(items, by_judge, "ok"), *rated(items, values, "ok", "ann")], OK))
    raw = found(look, f"{LENS}.forced_fpr_gap", "b")
    assert raw.value == pytest.approx(1 * (0.25 - 1))
    assert found(look, f"{LENS}.forced_fpr_gap.corrected", "b").value == pytest.approx(0.2 * (0.25 - 1))


def test_a_rate_that_would_lie_above_one_is_told():
    items, values = confusion(a=(8, 2, 20, 20), b=(45, 5, 2, 3))
    gap = found(incompatibility.look(seen(items, rated(items, values, "ok"), OK)), f"{LENS}.forced_fpr_gap", "b")
    assert gap.value == pytest.approx(0.5 * (10 / 0.25 - 1))
    assert "the rate would lie above 1" in gap.method


def test_where_everybody_merits_it_there_are_no_odds():
    items, values = confusion(a=(8, 2, 20, 20), b=(45, 5, 0, 0))
    gap = found(incompatibility.look(seen(items, rated(items, values, "ok"), OK)), f"{LENS}.forced_fpr_gap", "b")
    assert gap.method == "undefined: base rates that are 0, 1 or not known leave no odds to compare"


def test_refuses_where_no_criterion_is_binary_or_no_merit_is_known():
    items = arms(5)
    with pytest.raises(DoesNotExtend, match="levels that are not two"):
        incompatibility.look(seen(items, rated(items, [3, 4] * 5), rubric_with()))
    with pytest.raises(DoesNotExtend, match="no item says which of them is right"):
        incompatibility.look(seen(items, rated(items, [0, 1] * 5, "ok"), OK))


def shares(rng: np.random.Generator, n: int, base_rate: float, reference: float, fpr: float):
    """The three rates of a simulated run: of the population's merit, and of the reference's merit and false positives."""
    units, merits = np.arange(2 * n), rng.random((2, n)) < np.array([[base_rate], [reference]])
    is_negative = ~merits[1]
    positive = rng.random(n) < fpr
    return (
        mean_by_unit(merits[0].astype(float), units[:n], 2 * n),
        mean_by_unit(merits[1].astype(float), units[n:], 2 * n),
        mean_by_unit(positive[is_negative].astype(float), units[n:][is_negative], 2 * n),
    )


@pytest.mark.slow
@pytest.mark.parametrize("n", [80, 300])
@pytest.mark.parametrize(("base_rate", "reference", "fpr"), [(0.4, 0.6, 0.2), (0.6, 0.4, 0.2), (0.8, 0.3, 0.1), (0.6, 0.4, 0.08)])
def test_forced_gaps_hold_the_truth_as_often_as_they_say(n: int, base_rate: float, reference: float, fpr: float) -> None:
    rng = np.random.default_rng(9)
    truth = fpr * (base_rate / (1 - base_rate) / (reference / (1 - reference)) - 1)
    gaps = [forced_gap(*shares(rng, n, base_rate, reference, fpr)) for _ in range(2000)]
    kept = [gap for gap in gaps if isinstance(gap, ForcedGap) and gap.low == gap.low]
    assert len(kept) > 0.9 * len(gaps)  # the others have no false positive in the reference
    held = np.mean([gap.low <= truth <= gap.high for gap in kept])
    assert 0.93 < held < 0.99, held


@pytest.mark.slow
def test_limits_of_the_linearised_gap_would_hold_the_truth_too_rarely() -> None:
    rng = np.random.default_rng(9)
    truth = 0.1 * (4 / (3 / 7) - 1)
    gaps = [forced_gap(*shares(rng, 100, 0.8, 0.3, 0.1)) for _ in range(2000)]
    linear = [gap.mean.interval(0.95)[:2] for gap in gaps if isinstance(gap, ForcedGap)]
    assert np.mean([low <= truth <= high for low, high in linear]) < 0.92


@pytest.mark.slow
def test_corrected_forced_gaps_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(10)
    gaps = []
    for _ in range(300):
        run = decided_run(
            rng, 300, {"a": 0.4, "b": 0.6}, {"a": 0.8, "b": 0.7}, {"a": 0.3, "b": 0.3}, judge={"a": (0.9, 0.2), "b": (0.9, 0.2)}, labelled=150
        )  # fmt: skip
        gaps.append(found(incompatibility.look(run), f"{LENS}.forced_fpr_gap.corrected", "b"))
    assert_covers(gaps, 0.3 * (0.6 / 0.4 / (0.4 / 0.6) - 1))
