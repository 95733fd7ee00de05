"""Are swaps of a cue counted channel by channel, with their direction, and beyond the placebo's?"""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from scipy import stats

from judgefair.lenses import DoesNotExtend, Look, counterfactual
from judgefair.records import Item
from judgefair.statistics import Estimate
from tests.builders import armed_items
from tests.lenses.seeing import NOMINAL, arms, found, rated, rubric_with, seen

NAMES = ("change", "change_excess", "magnitude_excess", "flip_excess")
ARM, PLACEBO = [5, 3, 4, 6], [4, 5, 4, 3]  # of four scenarios, whose reference arms are all rated 4


def rating_of(item: Item, arm: Sequence[int], placebo: Sequence[int]) -> int:
    place = int(item.meta["block"][1:])
    return arm[place] if item.populations.get("dialect") == "b" else placebo[place] if "placebo" in item.meta else 4


def looked(arm: Sequence[int], placebo: Sequence[int], **how: object) -> Look:
    items = armed_items(len(arm), **how)  # type: ignore[arg-type]
    return counterfactual.look(seen(items, rated(items, [rating_of(item, arm, placebo) for item in items]), rubric_with()))


def by_cue(look: Look, cue: str) -> dict[str, Estimate]:
    return {
        f.estimate.estimand.removeprefix("lens.counterfactual."): f.estimate for f in look.findings if f.population["cue"] == cue
    }


def test_changes_have_a_direction_and_a_size_and_both_are_counted_beyond_the_placebos() -> None:
    # Changes 1, -1, 0, 2; the placebo's 0, 1, 0, -1. Sizes 1, 1, 0, 2 and 0, 1, 0, 1; three of four ratings differ, and two of four.
    told = by_cue(looked(ARM, PLACEBO), "dialect")
    assert {name: told[name].value for name in NAMES} == {
        "change": 0.5, "change_excess": 0.5, "magnitude_excess": 0.5, "flip_excess": 0.25,
    }  # fmt: skip


def test_the_signed_excess_has_the_interval_of_a_paired_t_test_of_arm_and_placebo() -> None:
    told = by_cue(looked(ARM, PLACEBO), "dialect")["change_excess"]
    test = stats.ttest_1samp(np.subtract(ARM, PLACEBO), 0)
    assert (told.low, told.high) == pytest.approx(tuple(test.confidence_interval()))
    assert told.p_value == pytest.approx(test.pvalue)


def test_each_channel_is_told_apart_and_names_itself_in_population_and_contrast() -> None:
    look = looked([5, 5, 6, 4], [4, 4, 4, 4], cues=("name", "dialect"))
    assert {tuple(f.population.items()) for f in look.findings} == {
        (("dialect", "b"), ("cue", cue)) for cue in ("name", "dialect")
    }  # fmt: skip
    assert {f.contrast["dialect"] for f in look.findings} == {"a"}
    assert all(f.population["cue"] == f.contrast["cue"] for f in look.findings)


def test_without_a_placebo_the_change_stands_alone_and_no_excess_is_made_of_it() -> None:
    # armed_items writes a placebo for the first channel alone.
    told = by_cue(looked(ARM, PLACEBO, cues=("name", "dialect")), "dialect")
    assert told["change"].value == 0.5
    for name in NAMES[1:]:
        assert isnan(told[name].value)
        assert "placebo" in told[name].method
    nowhere = looked(ARM, PLACEBO, others=False)
    assert isnan(by_cue(nowhere, "dialect")["change_excess"].value)


def test_ratings_that_are_all_moved_by_the_same_change_by_nothing() -> None:
    items = armed_items(4)
    values = np.array([rating_of(item, ARM, PLACEBO) for item in items])
    one, moved = (by_cue(counterfactual.look(seen(items, rated(items, values + by), rubric_with())), "dialect") for by in (0, 1))
    assert {name: moved[name] for name in NAMES} == {name: one[name] for name in NAMES}


def test_a_shown_change_is_said_and_where_none_is_shown_that_is_said() -> None:
    rng = np.random.default_rng(0)
    shown = looked((4 + 2 + rng.integers(-1, 2, 40)).tolist(), (4 + rng.integers(-1, 2, 40)).tolist())
    assert any(
        "points on average beyond the placebo's" in said and "with the dialect cue of b in place of a's" in said
        for said in shown.says
    )
    none = looked((4 + rng.integers(-1, 2, 40)).tolist(), (4 + rng.integers(-1, 2, 40)).tolist())
    assert none.says == ["In none of 1 swaps of a cue, each by itself, is a change beyond the placebo's shown."]


def test_what_the_rubric_permits_is_said_with_the_change() -> None:
    items = armed_items(30)
    rng = np.random.default_rng(1)
    values = [6 - int(rng.integers(2)) if item.populations.get("dialect") == "b" else 3 + int(rng.integers(2)) for item in items]
    look = counterfactual.look(seen(items, rated(items, values), rubric_with({"depth": {"roles": {"dialect": "may_use"}}})))
    assert look.says
    assert all("which may be right, since the rubric says may_use" in said for said in look.says)


def test_on_a_nominal_scale_ratings_flip_and_do_not_move() -> None:
    items = armed_items(4)
    values = ["stern" if item.populations.get("dialect") == "b" else "kind" for item in items]
    rubric = rubric_with({"tone": {"scale": NOMINAL, "better": "none"}})
    look = counterfactual.look(seen(items, rated(items, values, "tone"), rubric))
    assert found(look, "lens.counterfactual.flip_excess").value == 1.0
    assert found(look, "lens.counterfactual.change").method == "undefined: a nominal scale has no distances"


def test_a_group_without_arms_beside_the_reference_is_undefined_and_not_unchanged() -> None:
    items = armed_items(4, [{"dialect": "a"}, {"dialect": "b"}])
    rubric = rubric_with(axes={"dialect": ("a", "b", "c")})
    look = counterfactual.look(seen(items, rated(items, [4] * len(items)), rubric))
    lone = found(look, "lens.counterfactual.change", "c")
    assert isnan(lone.value)
    assert "no arm of it stands beside an arm of the reference" in lone.method


def test_items_that_are_no_arms_are_refused_with_the_reason() -> None:
    items = arms(5)
    with pytest.raises(DoesNotExtend, match=r"no item is an arm of a simulated request.*judgefair simulate"):
        counterfactual.look(seen(items, rated(items, [4] * len(items)), rubric_with()))
