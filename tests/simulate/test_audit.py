"""Does the audit say which population's queries a gate rejects more often?"""

from dataclasses import replace
from math import isnan

import pytest
from scipy import stats

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.audit import AuditRow, audit, removed_by
from judgefair.simulate.gates import failed, measure
from tests.builders import tiny_rubric

GROUPS = ("hill", "shore")


def context() -> Context:
    axis = {
        "axis": "place",
        "reference": "hill",
        "groups": {group: {"cues": {"name": [f"Someone from the {group}."]}} for group in GROUPS},
    }
    return Context.model_validate(tiny_rubric().context.model_dump() | {"populations": [axis], "scenarios": []})


def arms(scenario: str, text: str = "Where is the library?") -> list[Query]:
    """A block: neutral, both groups, and a placebo of the reference."""
    bare = Query(f"{scenario}-0", scenario, scenario, "neutral", None, None, {}, (text,))
    shown = [
        replace(
            bare,
            query_id=f"{scenario}-{group}",
            arm=group,
            cue="name",
            populations={"place": group},
            turns=(f"{text} Someone from the {group}.",),
        )
        for group in GROUPS
    ]
    placebo = replace(shown[0], query_id=f"{scenario}-again", arm="hill again", placebo="paraphrase")
    return [bare, *shown, placebo]


def row(rows: list[AuditRow], estimand: str, population: object) -> AuditRow:
    (found,) = [each for each in rows if each.estimate.estimand == estimand and each.population == population]
    return found


def planted(n: int = 20, n_failing: int = 5) -> list[Query]:
    """A gate that rejects the first so many of shore's queries, each with its block, and nobody else's."""
    queries = []
    for k in range(n):
        block = [
            replace(each, gates={"language": 0.9} | ({"length": 1.2} if each.populations else {})) for each in arms(f"s{k:02}")
        ]
        if k < n_failing:
            block[2] = replace(block[2], gates={"language": 0.2, "length": 1.2}, rejected_because="language")
            block = [
                each if each.rejected_because else replace(each, rejected_because="block: language of shore") for each in block
            ]
        queries += block
    return queries


def test_a_gate_that_rejects_one_population_more_is_told_with_its_interval() -> None:
    rows = audit(planted(), context())
    hill, shore = (row(rows, "simulation.pass.language", {"place": group}).estimate for group in GROUPS)
    # One query a scenario: Wilson's interval of 15 of 20; scipy 1.17.1 shares no code with the one of statsmodels.
    wilson = stats.binomtest(15, 20).proportion_ci(0.95, method="wilson")
    assert (shore.value, shore.low, shore.high) == pytest.approx((0.75, wilson.low, wilson.high))
    assert (hill.value, hill.n_items, hill.n_clusters, hill.n_missing) == (1, 20, 20, 0)
    assert hill.low < shore.high  # five of twenty are not shown to be more than none of twenty
    assert shore.method == "share of queries; Wilson interval, 20 scenarios"


def test_populations_come_in_the_rubrics_order_and_neutral_and_placebo_arms_stand_apart() -> None:
    rows = audit(planted(), context())
    kept = [each.population for each in rows if each.estimate.estimand == "simulation.kept"]
    assert kept == [None, {"place": "hill"}, {"place": "shore"}, {"arm": "neutral"}, {"placebo": "paraphrase"}]
    n = {str(each.population): each.estimate.n_items for each in rows if each.estimate.estimand == "simulation.pass.language"}
    assert list(n.values()) == [80, 20, 20, 20, 20]


def test_a_gate_without_a_number_is_neither_passed_nor_failed() -> None:
    rows = audit(planted(), context())
    everybody, neutral = (row(rows, "simulation.pass.length", of).estimate for of in (None, {"arm": "neutral"}))
    assert (everybody.value, everybody.n_items, everybody.n_missing) == (1, 60, 20)
    assert isnan(neutral.value)
    assert (neutral.n_missing, neutral.method) == (20, "undefined: there are no queries")


def test_who_falls_with_the_block_is_removed_by_the_gate_that_rejected_the_block() -> None:
    rows = audit(planted(), context())
    for population, n in ((None, 20), ({"place": "hill"}, 5), ({"place": "shore"}, 5), ({"arm": "neutral"}, 5)):
        found = row(rows, "simulation.removed.language", population)
        assert (found.gate, found.n_removed, found.estimate.value) == ("language", n, 0.25)
        kept = row(rows, "simulation.kept", population)
        assert (kept.gate, kept.n_removed, kept.estimate.value) == (None, 0, 0.75)
    assert not [each for each in rows if each.estimate.estimand == "simulation.removed.length"]


def test_the_shares_of_all_queries_are_clustered_by_scenario() -> None:
    # Whole blocks stand or fall: 80 queries tell as much as 20 scenarios, less the G - 1 of the variance.
    kept = row(audit(planted(), context()), "simulation.kept", None).estimate
    wilson = stats.binomtest(15, 20).proportion_ci(0.95, method="wilson")
    assert (kept.low, kept.high) == pytest.approx((wilson.low, wilson.high), abs=0.01)
    assert (kept.n_items, kept.n_clusters) == (80, 20)


def test_an_earlier_render_counts_for_the_pass_rate_and_not_among_the_queries_that_are_kept() -> None:
    queries = planted(n_failing=0)
    earlier = [
        replace(each, query_id=f"{each.query_id}-r{k}", gates={"language": 0.1}, rejected_because="language")
        for each in queries[2:4:4]
        for k in (0, 1)
    ]
    rows = audit([*queries, *earlier], context())
    passed = row(rows, "simulation.pass.language", {"place": "shore"}).estimate
    assert (passed.value, passed.n_items) == (pytest.approx(20 / 22), 22)
    assert row(rows, "simulation.kept", {"place": "shore"}).estimate.value == 1
    assert sum(each.n_removed for each in rows) == 0


def test_a_query_whose_id_only_looks_like_an_earlier_render_is_one_of_its_own() -> None:
    queries = [replace(each, query_id=f"{each.query_id}-r1") for each in planted(4, 0)]
    assert row(audit(queries, context()), "simulation.kept", None).estimate.n_items == 16


def test_what_was_never_rendered_is_removed_by_the_renderer_and_missing_from_the_gates() -> None:
    queries = planted(n_failing=0)
    queries[1] = replace(queries[1], gates={}, rejected_because="render")
    rows = audit(queries, context())
    assert row(rows, "simulation.removed.render", {"place": "hill"}).n_removed == 1
    assert row(rows, "simulation.pass.language", {"place": "hill"}).estimate.n_missing == 1
    assert not [each for each in rows if each.estimate.estimand == "simulation.pass.render"]


@pytest.mark.parametrize(
    ("because", "gate"),
    [
        (None, None),
        ("cue", "cue"),
        ("block: cue of place=shore, name", "cue"),
        ("block: render of a: b, block: c of d", "render"),
    ],
)
def test_the_gate_is_read_from_the_reason(because: str | None, gate: str | None) -> None:
    assert removed_by(replace(arms("s")[0], rejected_because=because)) == gate


def test_a_caricatured_population_is_told_by_its_reader_and_the_other_is_not() -> None:
    topics = ["bus", "loan", "garden", "heater", "chess", "bread", "letter", "phone", "train", "paint", "school", "passport"]
    queries = [each for k, topic in enumerate(topics) for each in arms(f"s{k:02}", f"Can you tell me more about the {topic}?")]
    queries = [
        replace(each, turns=(f"{each.text} I love mackerel and lobster.",)) if each.arm == "shore" else each for each in queries
    ]
    numbers = measure(queries, context())
    queries = [replace(each, gates=numbers[each.query_id], rejected_because=failed(numbers[each.query_id])) for each in queries]
    rows = audit(queries, context())
    hill, shore = (row(rows, "simulation.caricature_auc.name", {"place": group}).estimate for group in GROUPS)
    assert (shore.value, shore.n_items, shore.n_clusters) == (1, 12, 12)
    assert 0.65 < shore.low < shore.high <= 1
    assert hill.value == 0.5
    assert hill.low < 0.5 < hill.high
    passed = {group: row(rows, "simulation.pass.caricature", {"place": group}).estimate.value for group in GROUPS}
    assert passed == {"hill": 1, "shore": 0}
    assert row(rows, "simulation.removed.caricature", {"place": "shore"}).n_removed == 12


def test_no_queries_make_rows_without_a_value() -> None:
    (only,) = audit([], context())
    assert (only.estimate.estimand, only.population) == ("simulation.kept", None)
    assert isnan(only.estimate.value)


def test_the_order_of_queries_does_not_matter() -> None:
    queries = planted()
    assert [each.estimate.to_json() for each in audit(queries[::-1], context())] == [
        each.estimate.to_json() for each in audit(queries, context())
    ]
