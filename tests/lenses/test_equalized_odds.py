"""Are true and false positive rates those of the confusion tables, corrected by labels where there are some?"""

from math import nan

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from judgefair.lenses import DoesNotExtend, equalized_odds
from judgefair.records import Item
from tests.lenses.seeing import BINARY, arms, assert_covers, confusion, decided_run, found, rated, rubric_with, seen

LENS = "lens.equalized_odds"
OK = rubric_with({"ok": {"scale": BINARY}})


def test_rates_and_gaps_are_those_of_the_confusion_tables():
    # fairlearn.metrics.true_positive_rate is TP / (TP + FN), false_positive_rate FP / (FP + TN).
    items, values = confusion(a=(30, 10, 8, 32), b=(18, 12, 15, 35))
    look = equalized_odds.look(seen(items, rated(items, values, "ok"), OK))
    assert found(look, f"{LENS}.tpr", "a").value == pytest.approx(30 / 40)
    assert found(look, f"{LENS}.tpr", "b").value == pytest.approx(18 / 30)
    assert found(look, f"{LENS}.fpr", "a").value == pytest.approx(8 / 40)
    assert found(look, f"{LENS}.fpr", "b").value == pytest.approx(15 / 50)
    tpr, fpr = found(look, f"{LENS}.tpr_gap", "b"), found(look, f"{LENS}.fpr_gap", "b")
    assert (tpr.value, fpr.value) == pytest.approx((18 / 30 - 30 / 40, 15 / 50 - 8 / 40))
    # Newcombe's interval, of scenarios that are each their own: statsmodels 0.15.
    for gap, counts in ((tpr, (18, 30, 30, 40)), (fpr, (15, 50, 8, 40))):
        assert (gap.low, gap.high) == pytest.approx(
            confint_proportions_2indep(*counts, method="newcomb", compare="diff"), abs=1e-9
        )


def test_positive_is_the_higher_level_whatever_it_is_called():
    items, values = confusion(a=(30, 10, 8, 32), b=(18, 12, 15, 35))
    named = [Item(i.item_id, i.query, i.response, i.populations, i.scenario_id, {"merit": "ny"[i.meta["merit"]]}) for i in items]
    rubric = rubric_with({"ok": {"scale": {"kind": "nominal", "levels": {"n": "No", "y": "Yes"}}, "better": "none"}})
    look = equalized_odds.look(seen(named, rated(named, ["ny"[value] for value in values], "ok"), rubric))
    assert found(look, f"{LENS}.tpr", "a").value == pytest.approx(30 / 40)
    assert found(look, f"{LENS}.fpr_gap", "b").value == pytest.approx(15 / 50 - 8 / 40)


def test_merit_is_read_off_the_scenarios_of_the_rubric_too():
    rubric = rubric_with(
        {"ok": {"scale": BINARY}}, scenarios=[{"id": f"s{k:05}", "intent": "Ask", "merit": float(k % 2)} for k in range(20)]
    )
    items = arms(20)
    look = equalized_odds.look(seen(items, rated(items, [0, 0, 1, 0] * 10, "ok"), rubric))
    assert found(look, f"{LENS}.tpr", "a").value == 1
    assert found(look, f"{LENS}.tpr", "b").value == 0


def test_where_all_are_labelled_corrected_rates_are_the_humans():
    # The judge calls everybody of b positive.
    items, values = confusion(a=(30, 10, 8, 32), b=(18, 12, 15, 35))
    by_judge = [1 if item.populations["dialect"] == "b" else value for item, value in zip(items, values, strict=True)]
    look = equalized_odds.look(seen(items, [*rated(items, by_judge, "ok"), *rated(items, values, "ok", "ann")], OK))
    assert found(look, f"{LENS}.tpr_gap", "b").value == pytest.approx(1 - 30 / 40)
    assert found(look, f"{LENS}.tpr_gap.corrected", "b").value == pytest.approx(18 / 30 - 30 / 40)
    assert found(look, f"{LENS}.fpr.corrected", "b").value == pytest.approx(15 / 50)
    assert found(look, f"{LENS}.fpr_gap.corrected", "b").n_raters == 1


def test_labels_of_part_of_the_items_take_the_judges_error_out():
    run = decided_run(
        np.random.default_rng(5), 800, {"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.8}, {"a": 0.2, "b": 0.2},
        judge={"b": (0.7, 0.0)}, labelled=400,
    )  # fmt: skip
    look = equalized_odds.look(run)
    raw, corrected = found(look, f"{LENS}.tpr_gap", "b"), found(look, f"{LENS}.tpr_gap.corrected", "b")
    assert raw.high < -0.1
    assert corrected.low < 0 < corrected.high
    assert any("true positive rate of b minus that of a lies below 0 by the judge alone" in sentence for sentence in look.says)


def test_where_nobody_merits_it_there_is_no_true_positive_rate():
    items, values = confusion(a=(3, 1, 8, 32), b=(0, 0, 15, 35))
    look = equalized_odds.look(seen(items, rated(items, values, "ok"), OK))
    assert not found(look, f"{LENS}.tpr_gap", "b").is_defined
    assert found(look, f"{LENS}.fpr_gap", "b").is_defined


def test_missing_ratings_are_in_no_rate():
    items, values = confusion(a=(30, 10, 8, 32), b=(18, 12, 15, 35))
    some = [nan if k % 3 == 0 else value for k, value in enumerate(values)]
    look = equalized_odds.look(seen(items, rated(items, some, "ok"), OK))
    kept = [v for k, v in enumerate(values[:40]) if k % 3]
    rate = found(look, f"{LENS}.tpr", "a")
    assert rate.value == pytest.approx(np.mean(kept))
    assert rate.n_missing == 14


def test_crossed_arms_are_weighed_so_that_the_other_axis_cancels():
    # y is rated positive always and x never; a meets y in two arms of three, b in one. Neither dialect matters.
    shown = [("a", "x", "n"), ("a", "y", "n"), ("a", "y", "d"), ("b", "x", "n"), ("b", "x", "d"), ("b", "y", "n")]
    items = [
        Item(f"{k}{d}{a}{c}", "q", "r", {"dialect": d, "age": a}, f"s{k}", {"arm": f"{d}{a}{c}", "merit": 1, "block": f"s{k}"})
        for k in range(30)
        for d, a, c in shown
    ]
    rubric = rubric_with({"ok": {"scale": BINARY}}, {"dialect": ("a", "b"), "age": ("x", "y")})
    values = [int(item.populations["age"] == "y") for item in items]
    look = equalized_odds.look(seen(items, rated(items, values, "ok"), rubric))
    assert np.mean([v for i, v in zip(items, values, strict=True) if i.populations["dialect"] == "a"]) == pytest.approx(2 / 3)
    assert found(look, f"{LENS}.tpr_gap", "b").value == pytest.approx(0, abs=1e-3)


def test_refuses_where_no_criterion_is_binary():
    items = arms(5)
    with pytest.raises(DoesNotExtend, match="depth has a scale of ordinal levels that are not two"):
        equalized_odds.look(seen(items, rated(items, [3, 4] * 5), rubric_with()))


def test_refuses_where_no_merit_is_known():
    items = arms(5)
    with pytest.raises(DoesNotExtend, match=r"no item says which of them is right\. It would need `merit`"):
        equalized_odds.look(seen(items, rated(items, [0, 1] * 5, "ok"), OK))


def test_merit_of_another_criterion_is_none_of_this_one():
    items = arms(5, meta={"merit": 3})
    with pytest.raises(DoesNotExtend, match="merit 3 is none of them"):
        equalized_odds.look(seen(items, rated(items, [0, 1] * 5, "ok"), OK))


def test_another_criterion_beside_a_binary_one_is_undefined_with_the_reason():
    items, values = confusion(a=(3, 1, 8, 32), b=(3, 1, 15, 35))
    rubric = rubric_with({"ok": {"scale": BINARY}, "depth": {}})
    look = equalized_odds.look(seen(items, rated(items, values, "ok"), rubric))
    assert "not two" in found(look, f"{LENS}.tpr_gap", criterion="depth").method
    assert found(look, f"{LENS}.tpr_gap", "b", "ok").is_defined


@pytest.mark.slow
def test_corrected_gaps_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(6)
    gaps = []
    for _ in range(300):
        run = decided_run(
            rng, 300, {"a": 0.5, "b": 0.4}, {"a": 0.8, "b": 0.7}, {"a": 0.2, "b": 0.3}, judge={"a": (0.95, 0.1), "b": (0.8, 0.1)}, labelled=150
        )  # fmt: skip
        gaps.append(found(equalized_odds.look(run), f"{LENS}.tpr_gap.corrected", "b"))
    assert_covers(gaps, -0.1)
