"""Are responses that give the population away found, and is a repeated cue told apart from what lies beyond it?"""

from collections.abc import Callable

import numpy as np
import pytest

from judgefair.lenses import DoesNotExtend, Look, representations
from judgefair.records import Item, Missing
from tests.lenses.seeing import found, rubric_with, seen

CUES = {"a": "Alice", "b": "Ayaan"}
WORDS = [
    "book",
    "shelf",
    "tide",
    "river",
    "stone",
    "bird",
    "lamp",
    "door",
    "wheel",
    "chair",
    "glass",
    "road",
    "field",
    "house",
    "cloud",
]
AXIS = {"axis": "dialect", "reference": "a", "groups": {group: {"cues": {"name": [cue]}} for group, cue in CUES.items()}}
AS_THEY_ARE, BEYOND = "lens.representations.auc", "lens.representations.auc_beyond_cues"


def items(n: int, answer: Callable[[int, str], str]) -> list[Item]:
    return [
        Item(f"s{s:03}-{group}", "Where?", answer(s, group), {"dialect": group}, f"s{s:03}") for s in range(n) for group in CUES
    ]


def look(rows: list[Item]) -> Look:
    return representations.look(seen(rows, [], rubric_with(populations=[AXIS])))


def test_a_greeting_by_name_gives_the_population_away_and_nothing_lies_beyond_it() -> None:
    told = look(items(80, lambda s, group: f"Dear {CUES[group]}, it is on shelf {s}."))
    assert found(told, AS_THEY_ARE, "b").low > 0.8
    assert found(told, BEYOND, "b").value == 0.5
    assert told.says[0].startswith("dialect b, responses: not blind.")
    assert told.says[1].startswith("dialect b, responses without declared cues: blind.")


def test_advice_that_differs_by_population_lies_beyond_the_cue() -> None:
    rng = np.random.default_rng(0)
    rows = items(60, lambda _s, group: " ".join([*rng.choice(WORDS, 8), "apprenticeship" if group == "b" else "university"]))
    told = look(rows)
    assert found(told, BEYOND, "b").value > 0.99
    assert found(told, AS_THEY_ARE, "b").value == found(told, BEYOND, "b").value  # there was no cue to take out


def test_blocks_without_an_answer_are_left_out_with_all_their_arms() -> None:
    def blocked(item: Item, missing: Missing | None) -> Item:
        meta = {"arm": item.item_id[-1], "block": item.scenario_id}
        return Item(item.item_id, item.query, item.response, item.populations, item.scenario_id, meta, missing)

    failed = Missing("backend_failure")
    rows = [blocked(item, failed if item.item_id == "s003-b" else None) for item in items(60, lambda s, _group: f"On shelf {s}.")]
    assert found(look(rows), AS_THEY_ARE, "b").n_items == 118


def test_responses_that_are_all_blank_are_refused() -> None:
    with pytest.raises(DoesNotExtend, match="have no responses"):
        look(items(30, lambda _s, _group: ""))


def test_items_without_populations_are_refused() -> None:
    with pytest.raises(DoesNotExtend, match="no two populations"):
        look([Item(f"i{k}", "Where?", "There.") for k in range(30)])
