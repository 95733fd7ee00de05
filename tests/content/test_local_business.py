"""Is exposure shared, and held against its targets, where answers name businesses, and absorbed in the twin that names none?

Businesses, answers and labels are made up; nothing here says anything of any system.
"""

from math import isnan

import pytest

from judgefair.calibration import load_calibration_set
from judgefair.folders import shipped
from judgefair.lenses import Look, equalized_odds, multi_sided
from judgefair.records import Item
from judgefair.rubric.load import check_rubric, load_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.statistics import Estimate
from tests.lenses.seeing import rated, seen

FIRST, TWIN = load_rubric("local_business"), load_rubric("local_business_howto")
EXPOSURE = FIRST.context.exposure
assert EXPOSURE is not None
NEWCOMER = ("long_time_resident", "newcomer")
RECOMMENDED = "Ask at {name}: it has what you need for this, and its hours suit you."
# How to do what the business does: its knowledge, and no name.
HOW_TO = {
    "harbour_table": "Roast celery root in salt for two hours, carve it at the table, and seat two where a curtain takes the noise.",
    "corner_kettle": "Soak oats overnight, heat them at six with milk and salt, and put the bowls at a table without a threshold.",
    "wheelhouse": "For a steep hill with bags take a chainring smaller than the largest cog, and carry the load low at the back.",
    "spoke_and_spanner": "Loosen the cable bolt, press the pads to the rim, pull the cable taut and tighten; borrow a 5 mm key.",
    "thimble_and_thread": "Line dense cotton with two layers of quilted silk, and cut the armhole high so that warm air stays in.",
    "second_hanger": "Let the hem of the sleeve down, press the old fold out under a damp cloth, and face it with dark ribbon.",
    "oak_and_grain": "Open the joint with warm vinegar, leave the varnish alone, and clamp the leg with hide glue for a night.",
    "attic_market": "Lay a door of seventy centimetres over two drawer units, and screw a hasp to the upper drawer.",
}


def answers(text: dict[str, str]) -> list[Item]:
    """In two scenarios for each business, an answer to each group that says its text."""
    return [
        Item(f"{name}-{k}-{group}", f"Where can request {k} be met?", said, {"newcomer": group}, f"{name}-{k}")
        for name, said in text.items()
        for k in range(2)
        for group in NEWCOMER
    ]


def named(group_to_text: dict[str, str]) -> list[Item]:
    """Ten scenarios in which each group always gets its own text."""
    return [
        Item(f"s{k}-{group}", f"Where can request {k} be met?", said, {"newcomer": group}, f"s{k}")
        for k in range(10)
        for group, said in group_to_text.items()
    ]


def told(look: Look, what: str, target: str | None = None, **population: str) -> Estimate:
    (found,) = [
        f.estimate
        for f in look.findings
        if f.estimate.estimand == f"lens.multi_sided.{what}"
        and dict(f.population or {}) == population
        and (f.contrast or {}).get("target") == target
    ]
    return found


# The first: exposure is there to be shared


def test_every_producer_has_its_share_and_its_shortfall_against_each_target() -> None:
    rows = answers({name: RECOMMENDED.format(name=names[0]) for name, names in EXPOSURE.producers.items()})
    look = multi_sided.look(seen(rows, [], FIRST))
    assert told(look, "attribution").value == 1
    for name in EXPOSURE.producers:  # each is named in an eighth of the answers
        assert told(look, "exposure", producer=name).value == pytest.approx(1 / 8)
        assert told(look, "shortfall", "equal", producer=name).value == pytest.approx(0)
        owed = EXPOSURE.targets["by_capacity"][name]
        assert told(look, "shortfall", "by_capacity", producer=name).value == pytest.approx(1 / 8 - owed)


def test_the_two_targets_cannot_both_be_met_and_the_lens_says_so() -> None:
    (said,) = [
        said for said in multi_sided.look(seen(load_calibration_set("local_business_anchors").items, [], FIRST)).says
        if "cannot both be met" in said
    ]  # fmt: skip
    assert said.startswith("The targets equal and by_capacity")
    assert said.endswith("for corner_kettle.")


def test_a_business_that_only_one_population_is_told_of_shows_in_that_populations_exposure() -> None:
    look = multi_sided.look(
        seen(named({"long_time_resident": "Try The Harbour Table.", "newcomer": "Try Corner Kettle."}), [], FIRST)
    )
    assert told(look, "exposure", producer="corner_kettle").value == 1 / 2
    assert told(look, "exposure", producer="corner_kettle", newcomer="newcomer").value == 1
    assert told(look, "exposure", producer="corner_kettle", newcomer="long_time_resident").value == 0


@pytest.mark.parametrize("name", list(EXPOSURE.producers))
def test_each_way_of_naming_a_business_is_found_and_names_that_business_alone(name: str) -> None:
    mentions = multi_sided.Mentions(EXPOSURE, FIRST.context.languages)
    for text in EXPOSURE.producers[name]:
        assert list(mentions.of(RECOMMENDED.format(name=text))) == [name]


def test_every_anchor_names_one_business_and_every_business_is_named_somewhere() -> None:
    mentions = multi_sided.Mentions(EXPOSURE, FIRST.context.languages)
    found = [list(mentions.of(item.response)) for item in load_calibration_set("local_business_anchors").items]
    assert {len(names) for names in found} == {1}
    assert {name for (name,) in found} == set(EXPOSURE.producers)


# The twin: absorbed, and no parity


def test_the_same_content_as_advice_without_a_name_is_absorbed_and_never_parity() -> None:
    look = multi_sided.look(seen(answers(HOW_TO), [], TWIN))
    assert told(look, "attribution").value == 0
    absorbed = [said for said in look.says if "absorbed" in said]
    assert absorbed[0].startswith("absorbed: none of 32 answers names a producer")
    assert [said.split(":")[0] for said in absorbed[1:]] == [f"newcomer, {group}" for group in NEWCOMER]
    assert all(said.endswith("this is no parity.") for said in absorbed)
    shares = [f.estimate for f in look.findings if not f.estimate.estimand.endswith("attribution")]
    assert len(shares) == 3 * 8 * 4  # exposure, referral and two shortfalls, of eight producers, overall and for two populations
    assert all(isnan(share.value) and "absorbed" in share.method for share in shares)


def test_one_name_ends_the_absorption_of_the_population_that_was_told_it_and_of_no_other() -> None:
    rows = named({"long_time_resident": HOW_TO["oak_and_grain"], "newcomer": HOW_TO["oak_and_grain"] + " So says Oak & Grain."})
    look = multi_sided.look(seen(rows, [], TWIN))
    assert told(look, "exposure", producer="oak_and_grain").value == 1
    assert [said.split(":")[0] for said in look.says if "absorbed" in said] == ["newcomer, long_time_resident"]


def test_the_twin_has_the_same_users_intents_businesses_and_targets() -> None:
    assert TWIN.context.populations == FIRST.context.populations
    assert TWIN.context.exposure == FIRST.context.exposure
    scenarios = {scenario.id: scenario for scenario in FIRST.context.scenarios}
    for twin in TWIN.context.scenarios:
        one = scenarios[twin.id]
        assert (twin.intent, twin.turns, twin.paraphrase, twin.merit) == (one.intent, one.turns, one.paraphrase, one.merit)
    shared = {criterion.id: criterion.scale for criterion in FIRST.criteria}
    assert {c.id: c.scale for c in TWIN.criteria if c.id in shared} == shared


def test_the_twin_checks_without_warnings_and_its_readme_names_each_harm() -> None:
    folder = shipped("rubrics") / "local_business_howto"
    assert check_rubric(folder) == (TWIN, [])
    readme = (folder / "README.md").read_text("utf-8")
    assert [harm.id for harm in TWIN.context.harms if harm.id not in readme] == []
    assert "Nobody was asked (`participation: unknown`)" in readme


# Who is sent where


@pytest.mark.parametrize("rubric", [FIRST, TWIN], ids=["first", "twin"])
def test_the_business_that_a_scenario_fits_is_declared_and_its_merit_is_what_is_asked_for(rubric: Rubric) -> None:
    for scenario in rubric.context.scenarios:
        business = scenario.facts.get("fits") or scenario.facts.get("draws_on")
        assert business is None or business in EXPOSURE.producers
        assert scenario.merit == (0 if "cheapest" in scenario.facts["standing"] else 1)


def test_newcomers_who_are_steered_down_have_a_lower_true_positive_rate_and_the_same_false_positive_rate() -> None:
    rows = [
        Item(f"s{k}-{group}", "Where?", "There.", {"newcomer": group}, f"s{k}", {"merit": k % 2})
        for k in range(40)
        for group in NEWCOMER
    ]
    # Of the twenty scenarios with merit 1, newcomers are sent to the cheaper place in half.
    levels = [row.meta["merit"] * int(row.populations["newcomer"] != "newcomer" or int(row.unit[1:]) % 4 == 1) for row in rows]
    look = equalized_odds.look(seen(rows, rated(rows, levels, "steering"), FIRST))
    gaps = {
        finding.estimate.estimand: finding.estimate.value
        for finding in look.findings
        if finding.criterion == "steering" and finding.population == {"newcomer": "newcomer"}
    }
    assert gaps["lens.equalized_odds.tpr_gap"] == pytest.approx(-1 / 2)
    assert gaps["lens.equalized_odds.fpr_gap"] == pytest.approx(0)
