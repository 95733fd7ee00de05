"""Is each arm compared with the reference arm that differs from it in one axis alone?"""

import numpy as np

from judgefair.rubric.context import Axis
from judgefair.runs.arms import arm_keys, reference_arms
from judgefair.runs.facts import Facts
from tests.builders import armed_items

CROSSED = [{"dialect": d, "age": a} for d in "ab" for a in ("old", "young")]
DIALECT = Axis.model_validate({"axis": "dialect", "reference": "a", "groups": {"a": {}, "b": {}}})


def test_crossed_arms_are_compared_with_the_reference_of_the_same_block_channel_replicate_and_other_axes() -> None:
    items = armed_items(3, CROSSED, ("name", "dialect"), replicates=2)
    facts = Facts.of(items)
    base = reference_arms(facts, facts.group_of("dialect"), DIALECT, np.ones(len(items), dtype=bool))
    by_id = {item.item_id: item for item in items}
    compared = 0
    for item, row in zip(items, base.tolist(), strict=True):
        if item.meta["arm"] == "neutral":
            assert row == -1
            continue
        other, shows = by_id[items[row].item_id], item.meta.get("shows", item.populations)
        assert other.populations == {**shows, "dialect": "a"}
        assert [other.meta[x] for x in ("block", "cue", "replicate")] == [item.meta[x] for x in ("block", "cue", "replicate")]
        compared += 1
    assert compared == 3 * 2 * (2 * 4 + 1)


def test_a_scenario_that_is_not_whole_has_no_reference_arm() -> None:
    items = armed_items(2, others=False)
    facts = Facts.of(items)
    whole = np.array([item.meta["block"] != "b0001" for item in items])
    base = reference_arms(facts, facts.group_of("dialect"), DIALECT, whole)
    assert base.tolist() == [0, 0, -1, -1]


def test_keys_differ_where_arms_differ_in_more_than_the_axis() -> None:
    facts = Facts.of(armed_items(1, CROSSED, others=False))
    of_dialect, of_age = arm_keys(facts, "dialect"), arm_keys(facts, "age")
    assert of_dialect[0] == of_dialect[2] != of_dialect[1] == of_dialect[3]
    assert of_age[0] == of_age[1] != of_age[2] == of_age[3]
