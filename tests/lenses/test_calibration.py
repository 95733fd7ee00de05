"""Are predictive values those of the confusion tables, corrected by labels as a ratio is, and errors those of probabilities?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from judgefair.lenses import DoesNotExtend, calibration
from judgefair.records import Rating
from tests.lenses.seeing import BINARY, arms, assert_covers, confusion, decided_run, found, rated, rubric_with, seen

LENS = "lens.calibration"
OK = rubric_with({"ok": {"scale": BINARY}})
CELLS = {"a": (30, 10, 8, 32), "b": (18, 12, 15, 35)}


def test_predictive_values_and_gaps_are_those_of_the_confusion_tables():
    items, values = confusion(**CELLS)
    look = calibration.look(seen(items, rated(items, values, "ok"), OK))
    assert found(look, f"{LENS}.ppv", "a").value == pytest.approx(30 / 38)
    assert found(look, f"{LENS}.npv", "a").value == pytest.approx(32 / 42)
    assert found(look, f"{LENS}.ppv_gap", "b").value == pytest.approx(18 / 33 - 30 / 38)
    assert found(look, f"{LENS}.npv_gap", "b").value == pytest.approx(35 / 47 - 32 / 42)
    assert not any("error" in finding.estimate.estimand for finding in look.findings)


def test_where_all_are_labelled_corrected_values_are_the_humans():
    # The judge calls the first half of b positive, whatever humans say.
    items, values = confusion(**CELLS)
    by_judge = [int(k < 120) if item.populations["dialect"] == "b" else values[k] for k, item in enumerate(items)]
    look = calibration.look(seen(items, [*rated(items, by_judge, "ok"), *rated(items, values, "ok", "ann")], OK))
    assert found(look, f"{LENS}.ppv", "b").value == pytest.approx(30 / 40)
    assert found(look, f"{LENS}.ppv.corrected", "b").value == pytest.approx(18 / 33)
    assert found(look, f"{LENS}.npv_gap.corrected", "b").value == pytest.approx(35 / 47 - 32 / 42)


def test_a_corrected_value_is_the_labelled_one_moved_by_the_judges():
    # Labels of every second item. lam is read off the method; the three ratios are counted here by themselves.
    items, values = confusion(a=(40, 20, 16, 44), b=(36, 24, 30, 50))
    by_judge = [1 - value if k % 7 == 0 else value for k, value in enumerate(values)]
    chosen = [k for k in range(len(items)) if k % 2]
    ratings = [*rated(items, by_judge, "ok"), *rated([items[k] for k in chosen], [values[k] for k in chosen], "ok", "ann")]
    ppv = found(calibration.look(seen(items, ratings, OK)), f"{LENS}.ppv.corrected", "b")
    table = pd.DataFrame({"merit": [i.meta["merit"] for i in items], "judge": by_judge, "human": values})
    of_b = table[[item.populations["dialect"] == "b" for item in items]]
    labelled = of_b.loc[[k for k in of_b.index if k in set(chosen)]]
    of_humans, of_judge, of_run = (
        part[part[who] == 1]["merit"].mean() for part, who in ((labelled, "human"), (labelled, "judge"), (of_b, "judge"))
    )
    lam = float(ppv.method.split("lam ")[1].split(" ")[0])
    assert 0 < lam < 1
    assert ppv.value == pytest.approx(of_humans + lam * (of_run - of_judge), abs=5e-4 * abs(of_run - of_judge) + 1e-9)


def test_labels_of_another_set_take_off_the_judges_error_there():
    # lam is 1: the run's own ratio, plus what it is there by humans, minus what it is there by the judge.
    items, values = confusion(**CELLS)
    others = [replace(item, item_id=f"o{item.item_id}", scenario_id=f"o{item.scenario_id}") for item in items]
    lenient = [1 if k % 5 == 0 else value for k, value in enumerate(values)]
    strict = [0 if k % 4 == 0 else value for k, value in enumerate(values)]
    there = [*rated(others, lenient, "ok"), *rated(others, values, "ok", "ann")]
    look = calibration.look(seen(items, rated(items, strict, "ok"), OK, outside=(others, there)))
    merit = np.array([item.meta["merit"] for item in items])
    of_b = np.array([item.populations["dialect"] == "b" for item in items])
    of_run, of_humans, of_judge = (merit[of_b & (np.array(by) == 1)].mean() for by in (strict, values, lenient))
    assert found(look, f"{LENS}.ppv", "b").value == pytest.approx(of_run)
    assert found(look, f"{LENS}.ppv.corrected", "b").value == pytest.approx(of_run + of_humans - of_judge)


def test_labels_count_by_the_inverse_of_their_probability():
    # Those that merit it were labelled twice as often. The judge says what humans say, and is not used.
    items, values = confusion(a=(30, 10, 8, 32), b=(40, 10, 40, 10))
    share = {item.item_id: 1.0 if item.meta["merit"] else 0.5 for item in items}
    drawn = [k for k, item in enumerate(items) if item.meta["merit"] or k % 2]
    ratings = [*rated(items, values, "ok"), *rated([items[k] for k in drawn], [values[k] for k in drawn], "ok", "ann")]
    weighed, plain = (
        found(calibration.look(seen(items, ratings, OK, inclusion=inclusion)), f"{LENS}.ppv.corrected", "b").value
        for inclusion in (share, {})
    )
    assert weighed == pytest.approx(40 / 80)
    assert plain == pytest.approx(40 / 60)


def test_ratings_that_are_missing_are_counted():
    items, values = confusion(**CELLS)
    some = [float("nan") if k % 10 == 0 else value for k, value in enumerate(values)]
    look = calibration.look(seen(items, [*rated(items, some, "ok"), *rated(items, values, "ok", "ann")], OK))
    assert (found(look, f"{LENS}.ppv.corrected", "b").n_items, found(look, f"{LENS}.ppv.corrected", "b").n_missing) == (72, 8)


def probable(items, values, shares):
    return [
        Rating(item.item_id, "ok", "judge", "judge", value, distribution={"0": 1 - share, "1": share})
        for item, value, share in zip(items, values, shares, strict=True)
    ]


def test_of_probabilities_the_mean_error_is_told():
    # a merits 40 of 80 and is given 0.5: no error. b merits 30 of 80 and is given 0.6: -0.225.
    items, _ = confusion(**CELLS)
    shares = [0.5 if item.populations["dialect"] == "a" else 0.6 for item in items]
    look = calibration.look(seen(items, probable(items, [int(share > 0.55) for share in shares], shares), OK))
    assert found(look, f"{LENS}.error", "a").value == pytest.approx(0)
    assert found(look, f"{LENS}.error", "b").value == pytest.approx(30 / 80 - 0.6)
    assert found(look, f"{LENS}.error_gap", "b").value == pytest.approx(30 / 80 - 0.6)
    assert not found(look, f"{LENS}.error_gap.corrected", "b").is_defined


def test_replicates_that_differ_are_probabilities():
    items, values = confusion(**CELLS)
    again = [1 - value if k % 4 == 0 else value for k, value in enumerate(values)]
    ratings = [*rated(items, values, "ok"), *rated(items, again, "ok", replicate=1), *rated(items, values, "ok", "ann")]
    look = calibration.look(seen(items, ratings, OK))
    merit, mean = np.array([i.meta["merit"] for i in items]), (np.array(values) + again) / 2
    of_b = np.array([i.populations["dialect"] == "b" for i in items])
    assert found(look, f"{LENS}.error", "b").value == pytest.approx((merit - mean)[of_b].mean())
    # All are labelled: the error is that of the humans' ratings.
    assert found(look, f"{LENS}.error.corrected", "b").value == pytest.approx((merit - values)[of_b].mean())


def test_where_nothing_is_rated_positive_there_is_no_positive_predictive_value():
    items, values = confusion(a=(30, 10, 8, 32), b=(0, 12, 0, 35))
    look = calibration.look(seen(items, [*rated(items, values, "ok"), *rated(items, values, "ok", "ann")], OK))
    for what in ("ppv_gap", "ppv_gap.corrected"):
        assert not found(look, f"{LENS}.{what}", "b").is_defined
    assert found(look, f"{LENS}.npv_gap.corrected", "b").is_defined


def test_refuses_where_no_criterion_is_binary_or_no_merit_is_known():
    items = arms(5)
    with pytest.raises(DoesNotExtend, match="levels that are not two"):
        calibration.look(seen(items, rated(items, [3, 4] * 5), rubric_with()))
    with pytest.raises(DoesNotExtend, match="no item says which of them is right"):
        calibration.look(seen(items, rated(items, [0, 1] * 5, "ok"), OK))


@pytest.mark.slow
def test_corrected_gaps_hold_the_truth_as_often_as_they_say():
    # ppv = p tpr / (p tpr + (1 - p) fpr): of a 0.4/0.5, of b 0.28/0.46.
    rng = np.random.default_rng(8)
    truth = 0.4 * 0.7 / (0.4 * 0.7 + 0.6 * 0.3) - 0.5 * 0.8 / (0.5 * 0.8 + 0.5 * 0.2)
    gaps, raw = [], []
    for _ in range(300):
        run = decided_run(
            rng, 300, {"a": 0.5, "b": 0.4}, {"a": 0.8, "b": 0.7}, {"a": 0.2, "b": 0.3}, judge={"a": (0.95, 0.05), "b": (0.9, 0.4)}, labelled=120
        )  # fmt: skip
        look = calibration.look(run)
        gaps.append(found(look, f"{LENS}.ppv_gap.corrected", "b"))
        raw.append(found(look, f"{LENS}.ppv_gap", "b"))
    assert_covers(gaps, truth)
    with pytest.raises(AssertionError):  # the judge's own gap is another one
        assert_covers(raw, truth)
