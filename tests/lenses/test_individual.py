"""Are pairs held to the placebo's bound under the declared distance, and is the lens silent without one?"""

from math import ceil, isnan

import numpy as np
import pytest

from judgefair.lenses import DoesNotExtend, Look, individual
from judgefair.records import Item
from tests.lenses.seeing import NOMINAL, arms, found, rated, rubric_with, seen

SAME = [f"w{chr(97 + k)}" for k in range(9)]
VIOLATIONS, EXCESS, BOUND = (f"lens.individual.{name}" for name in ("violations", "violations_excess", "lipschitz_placebo"))


def items(n: int, other: str = "is finna go", placebo: str = "is about", merit: float | None = None) -> list[Item]:
    """A reference arm, another group's and a placebo a scenario; they share nine words, and the reference says `is going`."""
    rows = []
    for s in range(n):
        for arm, said, shown in (("a", "is going", {"dialect": "a"}), ("b", other, {"dialect": "b"}), ("placebo", placebo, {})):
            meta = {"arm": arm, "block": f"b{s}", "cue": "dialect", "replicate": 0}
            meta |= {"placebo": "paraphrase", "shows": {"dialect": "a"}} if arm == "placebo" else {}
            meta |= {} if merit is None else {"merit": merit * (s % 7)}
            rows.append(Item(f"s{s:04}-{arm}", " ".join([*SAME, said]), "So.", shown, f"s{s:04}", meta))
    return rows


def look(rows: list[Item], values: list[int], distance: str = "words") -> Look:
    return individual.look(seen(rows, rated(rows, values), rubric_with(distance=distance)))


def random_values(rows: list[Item], seed: int, spread: int = 1) -> list[int]:
    rng = np.random.default_rng(seed)
    return [int(rng.integers(3, 5 if "b" not in item.populations.values() else 4 + spread)) for item in rows]


def differences(rows: list[Item], values: list[int], arm: str) -> list[int]:
    of = {item.item_id: value for item, value in zip(rows, values, strict=True)}
    return [abs(of[f"s{s:04}-{arm}"] - of[f"s{s:04}-a"]) for s in range(len(rows) // 3)]


# Words


def test_bound_and_violations_by_words_are_those_counted_by_hand() -> None:
    # Placebo: 10 words are shared, 2 of 12 are not. Arm: 10 are shared, "going" against "finna go": 3 of 13 are not.
    rows = items(40)
    values = random_values(rows, 0, 3)
    told = look(rows, values)
    placebo = sorted(difference / (2 / 12) for difference in differences(rows, values, "placebo"))
    ratios = [difference / (3 / 13) for difference in differences(rows, values, "b")]
    bound = placebo[ceil(41 * 0.95) - 1]
    assert found(told, BOUND, "a").value == pytest.approx(bound)
    assert found(told, VIOLATIONS, "b").value == pytest.approx(np.mean([ratio > bound + 1e-9 for ratio in ratios]))
    own = np.mean([ratio > placebo[ceil(40 * 0.95) - 1] + 1e-9 for ratio in placebo])
    assert found(told, EXCESS, "b").value == pytest.approx(found(told, VIOLATIONS, "b").value - own)


def test_the_same_move_over_more_words_violates_less() -> None:
    values = random_values(items(60), 1, 3)
    near = found(look(items(60, "is finna"), values), VIOLATIONS, "b").value
    far = found(look(items(60, "is finna go down to the shelf over there my friend"), values), VIOLATIONS, "b").value
    assert near > far


def test_a_placebo_with_the_same_words_is_left_out_and_counted() -> None:
    rows = items(40, placebo="going is")
    told = look(rows, random_values(rows, 2))
    assert isnan(found(told, EXCESS, "b").value)
    assert (
        "0 pairs of a placebo and its reference with a distance and both ratings; 19 are needed"
        in found(told, EXCESS, "b").method
    )
    assert "40 pairs that are not apart are left out" in found(told, EXCESS, "b").method


def test_more_violations_than_the_placebos_are_said_and_that_none_are_shown_is_said_too() -> None:
    rows = items(40, "is finna")
    told = look(rows, [4 if item.populations.get("dialect") != "b" else 6 for item in rows])
    assert (found(told, BOUND, "a").value, found(told, VIOLATIONS, "b").value) == (0, 1)
    assert told.says[0].startswith("depth, dialect: More pairs of b and a than of a placebo are rated further apart")
    told = look(rows, [4] * len(rows))
    assert told.says == ["In none of 1 contrasts, each by itself, are more pairs beyond the bound than of the placebo shown."]


# Merit


def test_pairs_by_merit_are_of_two_scenarios_and_scenarios_of_equal_merit_are_left_out() -> None:
    rows = items(80, merit=1.0)
    merits = {item.scenario_id: item.meta["merit"] for item in rows}
    base = [min(7, int(merits[item.scenario_id]) + 1) for item in rows]
    told = look(rows, base, "merit")
    # Rated as its merit plus one, up to 7, each arm lies at most as far from an arm of another scenario as their merits do.
    assert found(told, BOUND, "a").value == 1.0
    assert found(told, VIOLATIONS, "b").value == 0.0
    n = found(told, VIOLATIONS, "b").n_items + found(told, VIOLATIONS, "b").n_missing
    assert n == 160  # an arm and a placebo of each scenario
    assert "arms of two scenarios that were matched at random" in found(told, VIOLATIONS, "b").method


def test_a_population_rated_lower_at_the_same_merit_violates_more_than_the_placebo() -> None:
    rows = items(300, merit=0.5)
    rng = np.random.default_rng(4)
    values = [3 + round(item.meta["merit"]) - 2 * ("b" in item.populations.values()) + int(rng.integers(2)) for item in rows]
    assert found(look(rows, [max(value, 1) for value in values], "merit"), EXCESS, "b").low > 0


# Refusals


def test_a_rubric_without_a_distance_is_refused() -> None:
    rows = items(20)
    with pytest.raises(DoesNotExtend, match=r"declares no distance.*`distance: words`"):
        individual.look(seen(rows, rated(rows, [4] * len(rows)), rubric_with()))


def test_a_run_without_placebos_is_refused() -> None:
    rows = arms(20)
    with pytest.raises(DoesNotExtend, match="no item is a placebo arm"):
        look(rows, [4] * len(rows))


def test_the_distance_merit_without_merit_is_refused() -> None:
    rows = items(20)
    with pytest.raises(DoesNotExtend, match="no item's merit is a number"):
        look(rows, [4] * len(rows), "merit")


def test_a_rubric_of_nominal_criteria_is_refused() -> None:
    rows = items(20)
    rubric = rubric_with({"tone": {"scale": NOMINAL, "better": "none"}}, distance="words")
    with pytest.raises(DoesNotExtend, match="every criterion has a nominal scale"):
        individual.look(seen(rows, rated(rows, ["kind"] * len(rows), "tone"), rubric))


def test_a_nominal_criterion_is_undefined_and_the_others_are_not() -> None:
    rows = items(40)
    rubric = rubric_with({"depth": {}, "tone": {"scale": NOMINAL, "better": "none"}}, distance="words")
    ratings = rated(rows, random_values(rows, 5)) + rated(rows, ["kind"] * len(rows), "tone")
    told = individual.look(seen(rows, ratings, rubric))
    assert found(told, EXCESS, criterion="tone").method == "undefined: a nominal scale has no distances"
    assert found(told, EXCESS, "b", "depth").n_items == 80
