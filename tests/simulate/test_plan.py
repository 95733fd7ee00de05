"""Is every combination shown that a design says it shows, and is what is compared alike in all else? Made up: nobody is described."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from statsmodels.stats.power import TTestPower

from judgefair.errors import InputError
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.simulate import Design, balancing_weights, describe, minimal_gap, plan
from tests.builders import tiny_rubric

EIGHT = (5, 5, 4, 4, 3, 3, 2, 2)
ASK = {"id": "tides", "intent": "Find a book", "facts": {"copies": 2}, "merit": 3.0, "turns": ["Where is a book about tides?"]}


def crossed_rubric(*sizes: int, scenarios: Sequence[Mapping[str, Any]] = (ASK,), cues: Mapping[str, Any] | None = None) -> Rubric:
    """Axes `x0`, `x1`, ... with so many groups each, of which the first is the reference; every role is must_ignore.

    `cues` holds those of single groups, named as in `x0_1`; the others have two cues in channel `name`.
    """
    data = tiny_rubric().model_dump()
    axes = [
        {
            "axis": f"x{a}", "reference": f"x{a}_0",
            "groups": {
                group: {"cues": (cues or {}).get(group, {"name": [f"I am {group}.", f"They call me {group}."]})}
                for group in (f"x{a}_{g}" for g in range(size))
            },
        }
        for a, size in enumerate(sizes)
    ]  # fmt: skip
    roles = {axis["axis"]: "must_ignore" for axis in axes}
    criteria = [criterion | {"roles": roles, "why": {}} for criterion in data["criteria"]]
    context = data["context"] | {"populations": axes, "scenarios": [dict(scenario) for scenario in scenarios]}
    return Rubric.model_validate(data | {"context": context, "criteria": criteria})


def uncovered(design: Design, sizes: Sequence[int], strength: int) -> int:
    """Combinations of so many axes' groups that no arm shows, counted one by one."""
    profiles = [arm.populations for arm in design.arms if arm.placebo is None]
    missing = 0
    for axes in combinations(range(len(sizes)), strength):
        for groups in product(*(range(sizes[a]) for a in axes)):
            wanted = {f"x{a}": f"x{a}_{g}" for a, g in zip(axes, groups, strict=True)}
            missing += not any(wanted.items() <= profile.items() for profile in profiles)
    return missing


def profiles_of(design: Design) -> list[Mapping[str, str]]:
    return [arm.populations for arm in design.arms if arm.placebo is None and arm.populations]


# Arms that show one axis at a time


def test_the_writing_tutor_is_shown_by_axis_channel_and_group_beside_neutral_and_placebos() -> None:
    design = plan(load_rubric("writing_tutor"), 3)
    dialects = ("mainstream", "african_american_english", "indian_english")
    languages = ("english", "spanish", "mandarin")
    shown = [f"dialect={group}, {cue}" for cue in ("dialect", "situation") for group in dialects]
    shown += [f"first_language={group}, {cue}" for cue in ("situation", "dialect") for group in languages]
    references = [name for name in shown if "=mainstream" in name or "=english" in name]
    placebos = [f"{name}, {kind}" for name in references for kind in ("paraphrase", "same_group")]
    assert [arm.name for arm in design.arms] == ["neutral", *shown, *placebos]
    assert (design.strength, design.coverage, design.imbalance(), design.notes) == (1, 1.0, 0.0, [])
    assert design.n_queries == 3 * (1 + 12 + 8)
    assert (design.arms[0].cue, design.arms[0].populations) == (None, {})
    assert all(len(arm.populations) == 1 for arm in design.arms[1:])


def test_axes_channels_and_placebos_can_be_chosen() -> None:
    design = plan(load_rubric("writing_tutor"), 1, axes=["first_language"], cues=["situation"], placebos=False)
    assert [arm.name for arm in design.arms] == [
        "neutral", *(f"first_language={group}, situation" for group in ("english", "spanish", "mandarin"))
    ]  # fmt: skip
    assert design.references == {"first_language": "english"}


def test_a_channel_that_not_every_group_has_is_left_out_with_a_note() -> None:
    uneven = {"x0_1": {"name": ["I am x0_1."], "situation": ["I live by the sea."]}}
    design = plan(crossed_rubric(3, cues=uneven))
    assert {arm.cue for arm in design.arms} == {None, "name"}
    assert design.notes == ["x0: the channel situation is left out, since not every group has cues in it."]


def test_an_axis_without_a_channel_in_common_is_left_out_with_a_note() -> None:
    design = plan(crossed_rubric(2, 2, cues={"x1_1": {"situation": ["I live by the sea."]}}))
    assert list(design.axes) == ["x0"]
    assert any(note.startswith("x1: is left out") for note in design.notes)
    assert all("x1" not in arm.populations for arm in design.arms)


def test_a_placebo_through_another_cue_needs_another_cue() -> None:
    design = plan(crossed_rubric(2, cues={"x0_0": {"name": ["I am x0_0."]}}))
    assert [arm.placebo for arm in design.arms if arm.placebo] == ["paraphrase"]
    assert design.notes == ["x0=x0_0, name: no placebo with another cue of the same group, since the rubric lists one only."]


# What a person asked for that cannot be


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"axes": ["dialct"]}, r"'dialct' is no axis of the rubric\. Did you mean 'dialect'\? Axes: dialect, first_language"),
        ({"cues": ["dialect", "nmae"]}, r"'nmae' is no channel\. Did you mean 'name'\? Channels: explicit, name, dialect, situation"),
        ({"cues": ["name"]}, r"no axis of the rubric can be simulated: .* Write cues in name for every group"),
        ({"n_scenarios": 107}, r"--scenarios is 107, and the rubric's scenarios make 106\. Expected 1 to 106"),
        ({"n_scenarios": 0}, r"--scenarios is 0, .* Expected 1 to 106"),
        ({"strength": 0}, r"strength is 0\. Expected 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_in_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan(load_rubric("writing_tutor"), **options)


def test_a_rubric_without_cues_or_without_turns_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="no channel in which all of its groups have cues"):
        plan(crossed_rubric(2, cues={"x0_0": {}}))
    with pytest.raises(InputError, match="no scenario with turns"):
        plan(crossed_rubric(2, scenarios=[{"id": "tides", "intent": "Find a book"}]))


# Arms that cross axes


def test_eight_axes_at_strength_three_cover_every_triple_in_at_most_160_arms() -> None:
    design = plan(crossed_rubric(*EIGHT), strength=3)
    assert uncovered(design, EIGHT, 3) == 0
    assert 5 * 5 * 4 <= len(design.arms) <= 160  # no fewer arms can hold all triples of the three largest axes
    assert (design.strength, design.coverage) == (3, 1.0)


def test_six_axes_at_strength_two_cover_every_pair() -> None:
    sizes = (4, 3, 3, 2, 2, 2)
    design = plan(crossed_rubric(*sizes), strength=2, placebos=False)
    assert uncovered(design, sizes, 2) == 0
    assert len(design.arms) < 1 + 4 * 3 * 3


@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.integers(1, 4))
@settings(max_examples=40)
def test_any_axes_and_groups_are_covered_and_each_arm_stands_once(sizes: list[int], strength: int) -> None:
    design = plan(crossed_rubric(*sizes), strength=strength)
    t = min(strength, len(sizes))
    assert design.strength == t
    assert uncovered(design, sizes, t) == 0
    assert max(Counter(arm.name for arm in design.arms).values()) == 1
    crossed = [arm for arm in design.arms if arm.populations]
    assert all(len(arm.populations) == (1 if t == 1 else len(sizes)) for arm in crossed)
    references = [arm.placebo for arm in crossed if all(group.endswith("_0") for group in arm.populations.values())]
    assert Counter(references) == dict.fromkeys((None, "paraphrase", "same_group"), len(sizes) if t == 1 else 1)
    assert (t < strength) == any("needs as many axes" in note for note in design.notes)


def test_crossed_arms_show_all_axes_through_one_channel_where_they_have_one_in_common() -> None:
    cues = {f"x0_{g}": {"situation": ["I live by the sea."], "name": [f"I am x0_{g}."]} for g in range(2)}
    design = plan(crossed_rubric(2, 2, cues=cues), strength=2, placebos=False)
    assert {arm.cue for arm in design.arms if arm.populations} == {"name"}
    assert design.notes == ["Crossed arms show all axes through one channel; situation is not one that all axes have."]


def test_axes_without_a_channel_in_common_are_crossed_through_their_own() -> None:
    cues = {f"x0_{g}": {"situation": ["I live by the sea."]} for g in range(2)}
    design = plan(crossed_rubric(2, 2, cues=cues), strength=2, placebos=False)
    assert {arm.cue for arm in design.arms if arm.populations} == {"situation+name"}
    assert uncovered(design, (2, 2), 2) == 0


def test_every_channel_in_common_has_all_combinations() -> None:
    both = {f"x{a}_{g}": {"name": ["A."], "situation": ["B."]} for a in range(3) for g in range(2)}
    design = plan(crossed_rubric(2, 2, 2, cues=both), strength=2, placebos=False)
    rows = {cue: {tuple(arm.populations.values()) for arm in design.arms if arm.cue == cue} for cue in ("name", "situation")}
    assert rows["name"] == rows["situation"]
    assert uncovered(design, (2, 2, 2), 2) == 0


# Order and seed


def test_a_design_is_the_same_for_a_seed_and_in_another_order_for_another() -> None:
    rubric = load_rubric("writing_tutor")
    first, again, other = plan(rubric, seed=5), plan(rubric, seed=5), plan(rubric, seed=6)
    assert first == again
    order, of_other = [b.scenario_id for b in first.blocks], [b.scenario_id for b in other.blocks]
    assert order != of_other
    assert sorted(order) == sorted(of_other)
    assert first.arms == other.arms


def test_crossed_arms_do_not_hang_on_the_order_of_sets(tmp_path: Path) -> None:
    (tmp_path / "rubric.json").write_text(crossed_rubric(4, 3, 3, 2).model_dump_json(), "utf-8")
    code = (
        "import pathlib, sys\n"
        "from judgefair.rubric.rubric import Rubric\n"
        "from judgefair.simulate import plan\n"
        "rubric = Rubric.model_validate_json(pathlib.Path(sys.argv[1]).read_text('utf-8'))\n"
        "print([arm.name for arm in plan(rubric, strength=2).arms])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "rubric.json")], capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


# Scenarios with lists of facts


def test_facts_with_several_values_make_every_combination_once() -> None:
    project = {
        "id": "project", "intent": "Ask", "merit": 1.0,
        "facts": {"what": ["a park", "a pool"], "whom": ["families", "elders", "all"], "cost": ["high", "low"]},
        "turns": ["Build {what}.", "It is for {whom}, {who} says."], "paraphrase": ["We want {what} for {whom}."],
    }  # fmt: skip
    design = plan(crossed_rubric(2, scenarios=[ASK, project]))
    filled = [block for block in design.blocks if block.intent == "Ask"]
    assert {block.turns for block in filled} == {
        (f"Build {what}.", f"It is for {whom}, {{who}} says.")
        for what in ("a park", "a pool")
        for whom in ("families", "elders", "all")
    }
    assert sorted(block.scenario_id for block in filled) == [f"project-{k:03}" for k in range(1, 7)]
    assert len({block.block_id for block in design.blocks}) == len(design.blocks) == 7
    for block in filled:
        assert block.turns[0] == f"Build {block.facts['what']}."
        assert block.paraphrase == (f"We want {block.facts['what']} for {block.facts['whom']}.",)
        assert (block.facts["cost"], block.merit) == (["high", "low"], 1.0)  # what stands in no turn is as it was


def test_scenarios_take_turns_before_any_is_asked_with_other_facts() -> None:
    design = plan(load_rubric("writing_tutor"), 6)
    assert [block.scenario_id.partition("-")[0] for block in design.blocks] == [
        "skate_park", "four_day_week", "school_uniforms", "bus_passes", "town_project", "school_rule",
    ]  # fmt: skip
    assert [block.number for block in design.blocks] == list(range(6))


# What is compared is alike in all else


@pytest.mark.parametrize("sizes", [(3, 2), (2, 2, 2), (4, 3, 2)])
def test_arms_of_a_full_factorial_weigh_the_same(sizes: tuple[int, ...]) -> None:
    profiles = [{f"x{a}": f"x{a}_{g}" for a, g in enumerate(row)} for row in product(*(range(n) for n in sizes))]
    for axis in range(len(sizes)):
        assert balancing_weights(profiles, f"x{axis}") == pytest.approx([1.0] * len(profiles), abs=1e-6)


def test_arms_that_show_one_axis_weigh_one_there_and_nothing_elsewhere() -> None:
    profiles = profiles_of(plan(crossed_rubric(3, 2)))
    weights = balancing_weights(profiles, "x0")
    assert weights == [float("x0" in profile) for profile in profiles]


def test_weights_give_every_population_the_same_mix_of_the_other_axes_where_any_weights_can() -> None:
    # Whether any weights of at least 0 can is scipy's linprog (HiGHS) to say, which shares nothing with the least squares of ours.
    profiles = profiles_of(plan(crossed_rubric(*EIGHT), strength=3))
    can_be, uneven = 0, 0.0
    for a, size in enumerate(EIGHT):
        weights = balancing_weights(profiles, f"x{a}")
        assert min(weights) >= 0
        for g in range(size):
            mine = [i for i, profile in enumerate(profiles) if profile[f"x{a}"] == f"x{a}_{g}"]
            others = [(b, h) for b, groups in enumerate(EIGHT) if b != a for h in range(groups)]
            shows = np.array([[float(profiles[i][f"x{b}"] == f"x{b}_{h}") for i in mine] for b, h in others])
            wanted = np.array([1 / EIGHT[b] for b, _ in others])
            share = np.array([weights[i] for i in mine]) / len(mine)
            assert share.sum() == pytest.approx(1)
            if linprog(np.zeros(len(mine)), A_eq=shows, b_eq=wanted, bounds=(0, None)).status == 0:
                can_be += 1
                assert shows @ share == pytest.approx(wanted, abs=1e-4)
            assert shows @ share == pytest.approx(wanted, abs=0.02)
            uneven = max(uneven, float(np.abs(shows.mean(axis=1) - wanted).max()))
    assert can_be > sum(EIGHT) / 2
    assert uneven > 0.1  # so that weights had something to do


def test_imbalance_is_what_weights_leave() -> None:
    assert plan(crossed_rubric(3, 3, 2, 2, 2), strength=3).imbalance() == pytest.approx(0, abs=1e-4)
    assert 0 < plan(crossed_rubric(*EIGHT), strength=3).imbalance() < 0.02


def test_imbalance_is_the_part_of_another_axis_that_a_gap_would_carry() -> None:
    # Both groups of x0 are shown, x0_0 with x1_0 alone and x0_1 with x1_1 alone: no weights can undo that.
    base = plan(crossed_rubric(2, 2), strength=2, placebos=False)
    kept = [arm for arm in base.arms if len({group[-1] for group in arm.populations.values()}) < 2]
    assert Design(base.blocks, kept, base.axes, base.references, 2, 1.0, [], 0).imbalance() == 1.0
    assert base.imbalance() == pytest.approx(0, abs=1e-9)


# The smallest gap


def test_the_smallest_gap_is_that_of_a_paired_t_test_over_scenarios() -> None:
    # 4 contrasts of critique_depth and 2 of respect_for_dialect, whose first_language is may_use, share 5 %. Two channels are
    # averaged, and arms correlate by 0.5: a paired difference has sd * sqrt(2 * (1 - 0.5) / 2). Labels spread by a quarter of the
    # range: 1 of 0-4 and 0.5 of 0-2. The effect size is statsmodels 0.14's TTestPower().solve_power, which uses the noncentral t;
    # ours adds two t quantiles (Bloom 1995), which at 20 scenarios differs by less than 2 %.
    rubric = load_rubric("writing_tutor")
    effect = TTestPower().solve_power(nobs=20, alpha=0.05 / 6, power=0.8, alternative="two-sided")
    found = minimal_gap(plan(rubric, 20), rubric)
    assert found == {
        "critique_depth": pytest.approx(1.0 * sqrt(0.5) * effect, rel=0.02),
        "respect_for_dialect": pytest.approx(0.5 * sqrt(0.5) * effect, rel=0.02),
    }


def test_the_smallest_gap_shrinks_with_channels_correlation_and_spread() -> None:
    rubric = load_rubric("writing_tutor")
    both, one = plan(rubric, 20), plan(rubric, 20, cues=["situation"])
    gap = minimal_gap(both, rubric)["critique_depth"]
    assert minimal_gap(one, rubric)["critique_depth"] == pytest.approx(gap * sqrt(2))
    assert minimal_gap(both, rubric, correlation=0.75)["critique_depth"] == pytest.approx(gap / sqrt(2))
    assert minimal_gap(both, rubric, sd=2.0)["critique_depth"] == pytest.approx(gap * 2)


def test_a_design_is_told_in_figures() -> None:
    rubric = load_rubric("writing_tutor")
    design = plan(rubric, 4, strength=2)
    told = describe(design, rubric)
    assert (told["blocks"], told["arms"], told["queries"]) == (4, len(design.arms), 4 * len(design.arms))
    assert (told["strength"], told["coverage"], told["rubric"]) == (2, 1.0, "writing_tutor")
    assert told["minimal_gap"] == max(told["minimal_gap_by_criterion"].values())
    assert told["arm_names"] == [arm.name for arm in design.arms]
