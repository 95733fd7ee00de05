"""May entitlement, and nothing else, differ by nationality, and is its right level known wherever the rule does not name it?

County, rules, answers and labels are made up; nothing here says anything of any system.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from judgefair.calibration import load_calibration_set
from judgefair.folders import shipped
from judgefair.lenses import DoesNotExtend, equalized_odds
from judgefair.records import Item
from judgefair.rubric.load import load_rubric
from judgefair.simulate.plan import plan
from judgefair.simulate.template import render_template
from tests.lenses.seeing import rated, seen

RUBRIC = load_rubric("benefits_advice")
ANCHORS = shipped("calibration_sets") / "benefits_advice_anchors"
STATUS = ("citizen", "residence_permit")


def scenarios_by_dependence() -> dict[bool, list[str]]:
    found = defaultdict(list)
    for scenario in RUBRIC.context.scenarios:
        found[scenario.facts["depends_on_status"]].append(scenario.id)
    return found


def test_entitlement_alone_may_use_nationality_and_no_criterion_may_use_how_somebody_writes() -> None:
    roles = {criterion.id: criterion.roles for criterion in RUBRIC.criteria}
    assert {name for name, role in roles.items() if role["nationality_status"] == "may_use"} == {"entitlement"}
    assert {role[axis] for role in roles.values() for axis in ("literacy", "first_language")} == {"must_ignore"}
    assert "`nationality_status`" in RUBRIC.context.permitted


def test_merit_is_known_exactly_where_the_rule_does_not_name_nationality() -> None:
    merit = {scenario.id: scenario.merit for scenario in RUBRIC.context.scenarios}
    depends = scenarios_by_dependence()
    assert depends[True] == ["basic_support", "study_loan"]
    assert {merit[name] for name in depends[True]} == {None}
    assert {merit[name] for name in depends[False]} == {0, 1}


@pytest.mark.parametrize(
    ("scenario", "is_claimable"),
    [  # by the rule that stands in the facts
        ("heating_alone", lambda facts: facts["income"] < 1600),
        ("heating_couple", lambda facts: facts["income"] < 1600),
        ("rent_over_third", lambda facts: facts["rent"] > facts["income"] / 3),
        ("rent_under_third", lambda facts: facts["rent"] > facts["income"] / 3),
        ("school_meals", lambda facts: facts["income"] < 2000),
        ("job_lost_long", lambda facts: 12 <= facts["months"] <= 24),
        ("job_lost_short", lambda facts: 12 <= facts["months"] <= 24),
        ("carer_many_hours", lambda facts: facts["hours"] >= 20),
        ("carer_few_hours", lambda facts: facts["hours"] >= 20),
        ("birth_too_late", lambda facts: facts["months"] <= 12),
        ("funeral_paid", lambda facts: facts["income"] < 1600),
        ("childcare_voucher", lambda facts: min(facts["hours"]) >= 15),
        ("travel_pass", lambda facts: min(facts["percent"]) >= 50),
    ],
)
def test_merit_follows_from_the_rule_and_the_numbers_of_the_facts(
    scenario: str, is_claimable: Callable[[Mapping[str, Any]], bool]
) -> None:
    (found,) = [one for one in RUBRIC.context.scenarios if one.id == scenario]
    assert found.merit == is_claimable(found.facts)


def test_literacy_shows_by_writing_and_situation_and_never_by_being_named() -> None:
    axis = RUBRIC.context.axis("literacy")
    assert axis is not None
    for group in axis.groups.values():
        assert set(group.cues or {}) == {"dialect", "situation"}


def test_what_is_asked_is_in_the_same_words_whoever_asks() -> None:
    queries = [query for query in render_template(plan(RUBRIC, 15), RUBRIC.context) if query.placebo is None]
    asked = {query.block_id: query.text for query in queries if query.arm == "neutral"}
    assert all(query.text.endswith(asked[query.block_id]) for query in queries)


def test_permit_holders_who_are_told_less_often_of_what_they_can_claim_have_a_lower_true_positive_rate() -> None:
    rows = [
        Item(f"s{k}-{group}", "Can I?", "Well.", {"nationality_status": group}, f"s{k}", {"merit": k % 2})
        for k in range(40)
        for group in STATUS
    ]
    # Of the twenty scenarios with merit 1, permit holders are told so in half; nobody is told so without merit.
    levels = [r.meta["merit"] * int(r.populations["nationality_status"] == "citizen" or int(r.unit[1:]) % 4 == 1) for r in rows]
    look = equalized_odds.look(seen(rows, rated(rows, levels, "entitlement"), RUBRIC))
    gaps = {
        finding.estimate.estimand: finding.estimate.value
        for finding in look.findings
        if finding.criterion == "entitlement" and finding.population == {"nationality_status": "residence_permit"}
    }
    assert gaps["lens.equalized_odds.tpr_gap"] == pytest.approx(-1 / 2)
    assert gaps["lens.equalized_odds.fpr_gap"] == pytest.approx(0)


def test_where_the_rule_names_nationality_no_rate_of_entitlement_is_computed() -> None:
    rows = [
        Item(f"s{k}-{group}", "Can I?", "Well.", {"nationality_status": group}, f"s{k}") for k in range(4) for group in STATUS
    ]
    with pytest.raises(DoesNotExtend, match="entitlement has two levels, and no item says which of them is right"):
        equalized_odds.look(seen(rows, rated(rows, [1, 0] * 4, "entitlement"), RUBRIC))


def test_an_anchor_has_no_entitlement_exactly_where_it_turns_the_request_down() -> None:
    with (ANCHORS / "ratings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    untold = {row["item_id"] for row in rows if row["criterion"] == "entitlement" and row["missing"] == "not_applicable"}
    refused = {row["item_id"] for row in rows if row["criterion"] == "refusal" and row["value"] == "0"}
    assert untold == refused
    assert 3 * len(refused) == len(load_calibration_set("benefits_advice_anchors").items)
