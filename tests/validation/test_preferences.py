"""Do abilities and position bias come out of a run as they were planted, population by population? The pairs are constructed."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from judgefair.estimation import estimate
from judgefair.probes import probe
from judgefair.records import Item
from judgefair.reporting import build_report, write_report
from judgefair.reporting.terminal import TerminalReport
from judgefair.runs import judge
from judgefair.runs.tables import read_ratings
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Population
from judgefair.validation import validate
from judgefair.validation.validation import Validation
from tests.pairs import PairJudge, pair, pair_program, pair_set, pairs


def found(validation: Validation, estimand: str, population: Population | None = None) -> Estimate:
    return validation.find(estimand, "better", population)


def test_abilities_are_those_of_the_counts(tmp_path: Path) -> None:
    # A judge without position bias that prefers the one in 30 of 40 pairs of a, and in 16 of 40 pairs of b, in both orders.
    # By symmetry the order effect is 0 and the abilities of other against one are the log odds of losing: -log(3), and log(24/16).
    items = [
        item
        for group, wins in (("a", 30), ("b", 16))
        for k in range(40)
        for item in [replace(pair(k, *((3, 1) if k < wins else (1, 3))), item_id=f"{group}{k}", populations={"dialect": group}, scenario_id=None)]
    ]  # fmt: skip
    validation = validate(pair_program(), pair_set(tmp_path, items), PairJudge(), run=tmp_path / "run", n_resamples=50)
    for group, ability in (("a", -math.log(3)), ("b", math.log(24 / 16))):
        assert found(validation, "bradley_terry.ability.other", {"dialect": group}).value == pytest.approx(ability, abs=1e-9)
        assert found(validation, "bradley_terry.order", {"dialect": group}).value == pytest.approx(0, abs=1e-9)
        assert found(validation, "position_bias.inconsistent", {"dialect": group}).value == 0
        assert found(validation, "bradley_terry.ability.other", {"dialect": group}).n_items == 40
    assert "no comparison is a tie" in found(validation, "bradley_terry.ties").method


def test_contestants_are_those_that_the_items_name_whichever_stands_first(tmp_path: Path) -> None:
    items = []
    for k, item in enumerate(pairs(60)):
        named = ["new", "old"] if k % 2 else ["old", "new"]
        better, worse = (
            f"It is here (serves {2 + (k % 10 < 7)}).",
            "It is there (serves 2).",
        )  # new is better in 7 of 10, else even
        texts = (better, worse) if named[0] == "new" else (worse, better)
        items.append(replace(item, response=f"{k} {texts[0]}", second_response=f"{k} {texts[1]}", meta={"contestants": named}))
    items[0] = replace(items[0], response="0 (serves 3)", second_response="0 (serves 1)")  # old once is
    validation = validate(pair_program(), pair_set(tmp_path, items), PairJudge(), run=tmp_path / "run", n_resamples=50)
    ability = found(validation, "bradley_terry.ability.new")
    assert ability.low > 0
    assert "log odds against old" in ability.method


def test_a_judge_that_goes_by_the_place_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    cset = pair_set(tmp_path, pairs(240))
    fair = validate(pair_program(), cset, PairJudge(noise=0.2), run=tmp_path / "fair", n_resamples=50)
    biased = validate(pair_program(), cset, PairJudge(noise=0.2, follows=0.4), run=tmp_path / "biased", n_resamples=50)
    for group in ("a", "b"):
        assert (
            found(fair, "position_bias.first", {"dialect": group}).low
            < 0
            < found(fair, "position_bias.first", {"dialect": group}).high
        )
        first = found(biased, "position_bias.first", {"dialect": group})
        # In two of five requests it takes what is first, and else its mean favours neither.
        assert first.value == pytest.approx(0.4, abs=4 * first.se)
        assert first.low > 0
        assert found(biased, "bradley_terry.order", {"dialect": group}).low > 0
    # What is counted does not hang on the place: the mean of both orders favours no side.
    said = read_ratings(tmp_path / "biased", {"better": pair_program().rubric.criteria[0].scale}, kind="judge")
    assert abs(said["expected"].mean() - said["as_written"].mean()) > 0.2


def test_what_cannot_be_told_says_why(tmp_path: Path) -> None:
    items = [pair(k, 3, 1) for k in range(8)]
    validation = validate(pair_program(), pair_set(tmp_path, items), PairJudge(), run=tmp_path / "run", n_resamples=50)
    assert "no finite ability fits best" in found(validation, "bradley_terry.ability.other").method


def run_of_pairs(tmp_path: Path, items: list[Item], model: PairJudge) -> Path:
    pair_set(tmp_path, items)
    run = tmp_path / "run"
    judge(pair_program(), items, model, run, as_of="2026-01-01")
    return run


def test_a_run_of_pairs_is_estimated_with_its_gaps_and_reported_with_its_preferences(tmp_path: Path) -> None:
    # The second response is better for b, and the first for a: a gap of 2 points but for the even third of the pairs.
    items = [pair(k, *((3, 1), (1, 3))[k % 2]) if k % 3 else pair(k, 2, 2) for k in range(120)]
    run = run_of_pairs(tmp_path, items, PairJudge(noise=0.1, follows=0.2))
    estimation = estimate(run, ratings=tmp_path / "pairs" / "ratings.csv", n_resamples=200)
    (verdict,) = estimation.verdicts
    assert verdict.answer == "disparity"
    assert verdict.corrected.low < 4 / 3 < verdict.corrected.high
    by_group = {
        str(f.population): f.estimate for f in estimation.findings if f.estimate.estimand == "bradley_terry.ability.other"
    }
    assert by_group["{'dialect': 'a'}"].high < 0 < by_group["{'dialect': 'b'}"].low
    report = build_report(run)
    section = next(section for section in report.sections if section.id == "preferences")
    (table,) = [block for block in section.to_json()["blocks"] if block["kind"] == "table"]
    assert table["columns"][2] == "other against one"
    assert [row[0]["text"] for row in table["rows"]] == ["all items", "dialect: a", "dialect: b"]
    estimands = [row["estimand"] for row in report.estimates if row["population"] == {"dialect": "b"}]
    assert estimands.count("bradley_terry.ability.other") == estimands.count("position_bias.first") == 1
    page = write_report(report, run).read_text("utf-8")
    assert "Which response is preferred" in page
    assert TerminalReport(report)


def test_a_probe_and_a_validation_tell_of_the_same_bias(tmp_path: Path) -> None:
    items, model = pairs(120), PairJudge(follows=0.5)
    validation = validate(pair_program(), pair_set(tmp_path, items), model, run=tmp_path / "run", n_resamples=50)
    (probed,) = probe(pair_program(), items, model, tmp_path / "probed", names=["position"])
    excess = next(f.estimate for f in probed.findings if f.population is None and f.estimate.estimand == "probe.position.excess")
    assert excess.value == pytest.approx(2 * found(validation, "position_bias.first").value)  # from -1 to 1 in place of 0 to 1
