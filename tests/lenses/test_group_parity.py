"""Does group parity give the gaps that `estimate` gives, overall and at equal merit, and refuse where no gap exists?"""

from math import nan

import numpy as np
import pytest

from judgefair.lenses import DoesNotExtend, group_parity
from judgefair.records import Item
from judgefair.statistics import disparity
from tests.lenses.seeing import NOMINAL, arms, found, rated, rubric_with, seen

GAP = "lens.group_parity.gap"


def planted(n: int = 60, labelled: int = 60, labels: str = "human"):
    """Humans see b one point below a; the judge sees b at a's level, and noise is even."""
    items = arms(n)
    noise = np.random.default_rng(3).integers(-1, 2, len(items))
    is_b = np.array([item.populations["dialect"] == "b" for item in items])
    true = 4 + noise - is_b
    scenario = np.repeat(np.arange(n), 2)
    human = np.where(scenario < labelled, true, nan)
    return seen(items, [*rated(items, true + is_b), *rated(items, human, who="ann")], rubric_with(), labels)


def test_raw_and_corrected_gaps_are_those_of_the_statistic():
    look = group_parity.look(planted(labelled=40))
    items = arms(60)
    noise = np.random.default_rng(3).integers(-1, 2, len(items))
    is_b = np.array([item.populations["dialect"] == "b" for item in items])
    true = (4 + noise - is_b).astype(float)
    human = np.where(np.repeat(np.arange(60), 2) < 40, true, nan)
    theirs = disparity(
        true + is_b, human, [item.populations["dialect"] for item in items], "a", [item.scenario_id for item in items]
    )
    for name, estimate in (("raw", theirs.raw["b"]), ("corrected", theirs.corrected["b"])):
        ours = found(look, f"{GAP}.{name}", "b")
        assert (ours.value, ours.low, ours.high) == pytest.approx((estimate.value, estimate.low, estimate.high))
    assert look.findings[0].contrast == {"dialect": "a"}


def test_what_humans_see_is_said_and_not_what_the_judge_sees():
    (sentence,) = group_parity.look(planted()).says
    assert sentence.startswith("depth, dialect: the mean rating of b minus that of a lies below 0, corrected by the labels: −")


def test_a_gap_of_the_judge_alone_is_said_to_be_no_more():
    items = arms(60)
    level = np.random.default_rng(1).integers(3, 6, 60).repeat(2)
    is_b = np.array([item.populations["dialect"] == "b" for item in items])
    flip = (np.arange(120) % 8 == 1) | (np.arange(120) % 8 == 2)  # of a as often as of b, in other scenarios
    ratings = [*rated(items, level + is_b + flip), *rated(items, level + flip, who="ann")]
    (sentence,) = group_parity.look(seen(items, ratings, rubric_with())).says
    assert "lies above 0 by the judge alone" in sentence


def test_labels_that_no_human_gave_bear_no_claim():
    look = group_parity.look(planted(labels="model"))
    assert "bears no claim: the labels are model: no human gave them" in found(look, f"{GAP}.corrected", "b").method
    assert not any("corrected by the labels" in sentence for sentence in look.says)


def test_few_labels_bear_no_claim():
    look = group_parity.look(planted(labelled=10))
    assert "bears no claim: b: 10 labelled scenarios" in found(look, f"{GAP}.corrected", "b").method
    assert look.says == []


def test_without_labels_the_raw_gap_is_given_and_the_corrected_one_is_undefined():
    items = arms(30)
    look = group_parity.look(seen(items, rated(items, [3, 4] * 30), rubric_with()))
    assert found(look, f"{GAP}.raw", "b").value == 1
    corrected = found(look, f"{GAP}.corrected", "b")
    assert not corrected.is_defined
    assert "both a judge's and a human's rating" in corrected.method


def test_labels_of_another_set_take_off_the_judges_error_there():
    # The judge rates b one too high there and here; of the run itself humans rated nothing.
    items, others = arms(30), [Item(f"o{item.item_id}", "q", "r", item.populations, f"o{item.scenario_id}") for item in arms(30)]
    levels = np.random.default_rng(5).integers(2, 6, 30).repeat(2)
    is_b = np.tile([0, 1], 30)
    there = [*rated(others, levels + is_b), *rated(others, levels, who="ann")]
    look = group_parity.look(seen(items, rated(items, 7 - levels + is_b), rubric_with(), outside=(others, there)))
    assert found(look, f"{GAP}.raw", "b").value == pytest.approx(1)
    assert found(look, f"{GAP}.corrected", "b").value == pytest.approx(0)


def with_merit(counts: dict[str, tuple[int, int]]) -> list[Item]:
    """So many items of a group with merit 2 and with merit 6."""
    return [
        Item(f"{group}{merit}-{k}", "q", "r", {"dialect": group}, f"{group}{merit}-{k}", {"merit": merit})
        for group, numbers in counts.items()
        for merit, number in zip((2, 6), numbers, strict=True)
        for k in range(number)
    ]


def test_at_equal_merit_a_gap_that_is_merits_alone_is_none():
    # Ratings are merit, and one more for b: overall b lies (60 * 2 + 20 * 6)/80 + 1 - (20 * 2 + 60 * 6)/80 = 3 + 1 - 5 = -1 from a.
    items = with_merit({"a": (20, 60), "b": (60, 20)})
    values = [item.meta["merit"] + (item.populations["dialect"] == "b") for item in items]
    look = group_parity.look(seen(items, [*rated(items, values), *rated(items, values, who="ann")], rubric_with()))
    for kind in ("raw", "corrected"):
        assert found(look, f"{GAP}.{kind}", "b").value == pytest.approx(-1)
        assert found(look, f"{GAP}.{kind}.given_merit", "b").value == pytest.approx(1)


def test_items_of_unknown_merit_are_no_stratum():
    items = with_merit({"a": (20, 60), "b": (60, 20)})
    strange = [Item(f"x{k}", "q", "r", {"dialect": "ab"[k % 2]}, f"x{k}") for k in range(40)]
    values = [item.meta["merit"] + (item.populations["dialect"] == "b") for item in items] + [7, 1] * 20
    look = group_parity.look(seen([*items, *strange], rated([*items, *strange], values), rubric_with()))
    assert found(look, f"{GAP}.raw.given_merit", "b").value == pytest.approx(1)


def test_arms_of_a_scenario_have_one_merit_and_are_not_compared_twice():
    items = [
        Item(
            item.item_id,
            "q",
            "r",
            item.populations,
            item.scenario_id,
            {"merit": 2 + k // 2 % 2, "arm": item.populations["dialect"]},
        )
        for k, item in enumerate(arms(20))
    ]
    look = group_parity.look(seen(items, rated(items, [3, 4, 2, 3] * 10), rubric_with()))
    assert {finding.estimate.estimand for finding in look.findings} == {f"{GAP}.raw", f"{GAP}.corrected"}
    assert look.says[-1] == "All arms of a scenario have one merit, so that these gaps are gaps at equal merit."


def test_a_population_that_is_not_in_the_run_is_undefined_with_the_reason():
    items = arms(30)
    look = group_parity.look(seen(items, rated(items, [3, 4] * 30), rubric_with(axes={"dialect": ("a", "b", "c")})))
    assert found(look, f"{GAP}.raw", "c").method == "undefined: no item that counts here is of dialect: c"


def test_a_nominal_criterion_beside_another_is_undefined_with_the_reason():
    items = arms(30)
    rubric = rubric_with({"depth": {}, "tone": {"scale": NOMINAL, "better": "none"}})
    ratings = [*rated(items, [3, 4] * 30), *rated(items, ["kind", "curt"] * 30, "tone")]
    look = group_parity.look(seen(items, ratings, rubric))
    assert "a nominal scale has no distances" in found(look, f"{GAP}.raw", criterion="tone").method


def test_refuses_where_every_scale_is_nominal():
    items = arms(5)
    rubric = rubric_with({"tone": {"scale": NOMINAL, "better": "none"}})
    with pytest.raises(DoesNotExtend, match="every criterion has a nominal scale"):
        group_parity.look(seen(items, rated(items, ["kind", "curt"] * 5, "tone"), rubric))


def test_refuses_where_nobody_can_be_compared():
    items = arms(5, ("a",))
    with pytest.raises(DoesNotExtend, match="no two populations that the rubric declares are in the run"):
        group_parity.look(seen(items, rated(items, [3] * 5), rubric_with()))
