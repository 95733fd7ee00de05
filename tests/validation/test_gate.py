"""Does the gate pass a judge only where it was shown to hold, and say in words why not?"""

import json
import re
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgefair as jf
from judgefair.rubric.rubric import Validity
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.finding import Finding, Population
from judgefair.validation.gate import Check, gate
from tests.builders import LENIENT, planted_items, planted_ratings, planted_rubric, planted_validation
from tests.command_line import judgefair
from tests.test_validation import made_up, set_of, validated

VALIDITY = Validity(min_alpha_ratio=0.8, alt_test_epsilon=0.15, max_judge_error_gap=0.25, max_unparsable_rate=0.02)
RULES = ("min_alpha_ratio", "alt_test_epsilon", "max_judge_error_gap", "max_unparsable_rate")
GOOD = {
    "alpha.human": Estimate("alpha.human", 0.6, 0.5, 0.7),
    "alpha.judge_human": Estimate("alpha.judge_human", 0.6, 0.55, 0.65),
    "alt_test.winning_rate": Estimate("alt_test.winning_rate", 1.0),
    "judge_error_gap": Estimate("judge_error_gap", 0.05, -0.05, 0.15),
    "missing_rate.unparsable": Estimate("missing_rate.unparsable", 0.0, 0.0, 0.01),
}


def checks(population: Population | None = None, **changed: Estimate) -> dict[str, Check]:
    """What the gate says of a good judge, some of whose estimates are changed; names with `_` for the dot."""
    named = {name.replace("__", "."): estimate for name, estimate in changed.items()}
    findings = [Finding("depth", population, None, estimate) for estimate in (GOOD | named).values()]
    return {check.rule: check for check in gate(findings, VALIDITY)}


def test_a_good_judge_passes_every_rule() -> None:
    found = checks({"dialect": "b"})
    assert tuple(found) == RULES
    assert {check.status for check in found.values()} == {"passed"}
    assert all(check.population == {"dialect": "b"} and check.reason for check in found.values())


@pytest.mark.parametrize(
    ("rule", "changed", "status", "reason"),
    [
        ("min_alpha_ratio", {"alpha__judge_human": Estimate("x", 0.48, 0.48, 0.5)}, "passed", "ratio 0.80, at least 0.8 is asked"),
        ("min_alpha_ratio", {"alpha__judge_human": Estimate("x", 0.5, 0.4, 0.6)}, "passed", "reaches beyond the threshold"),
        ("min_alpha_ratio", {"alpha__judge_human": Estimate("x", 0.47, 0.4, 0.5)}, "failed", "ratio 0.78, at least 0.8 is asked"),
        ("min_alpha_ratio", {"alpha__judge_human": Estimate("x", -0.1, -0.2, 0.0)}, "failed", "ratio -0.17"),
        ("min_alpha_ratio", {"alpha__judge_human": undefined("x", "one level only")}, "not_shown", "alpha.judge_human is undefined: one level"),
        ("min_alpha_ratio", {"alpha__human": undefined("x", "one rater")}, "not_shown", "alpha.human is undefined: one rater"),
        ("min_alpha_ratio", {"alpha__human": Estimate("x", 0.0)}, "not_shown", "0.00, so that no ratio to it means anything"),
        ("min_alpha_ratio", {"alpha__human": Estimate("x", -0.2)}, "not_shown", "no ratio to it means anything"),
        ("alt_test_epsilon", {"alt_test__winning_rate": Estimate("x", 0.5)}, "passed", "against 50% of the annotators, at least half"),
        ("alt_test_epsilon", {"alt_test__winning_rate": Estimate("x", 0.49)}, "failed", "against 49% of the annotators"),
        ("alt_test_epsilon", {"alt_test__winning_rate": undefined("x", "two annotators")}, "not_shown", "undefined: two annotators"),
        ("max_judge_error_gap", {"judge_error_gap": Estimate("x", 0.25, 0.2, 0.25)}, "passed", "by +0.25 points, at most 0.25"),
        ("max_judge_error_gap", {"judge_error_gap": Estimate("x", 0.2, 0.1, 0.3)}, "passed", "reaches beyond the threshold"),
        ("max_judge_error_gap", {"judge_error_gap": Estimate("x", 0.2, nan, nan)}, "passed", "reaches beyond the threshold"),
        ("max_judge_error_gap", {"judge_error_gap": Estimate("x", -0.26, -0.3, -0.2)}, "failed", "by −0.26 points"),
        ("max_judge_error_gap", {"judge_error_gap": undefined("x", "no pair")}, "not_shown", "undefined: no pair"),
        ("max_unparsable_rate", {"missing_rate__unparsable": Estimate("x", 0.02)}, "passed", "2.0% of the replies are unparsable"),
        ("max_unparsable_rate", {"missing_rate__unparsable": Estimate("x", 0.03)}, "failed", "3.0% of the replies"),
        ("max_unparsable_rate", {"missing_rate__unparsable": undefined("x", "no ratings")}, "not_shown", "undefined: no ratings"),
    ],
)  # fmt: skip
def test_each_rule_passes_fails_or_is_not_shown(rule: str, changed: dict[str, Estimate], status: str, reason: str) -> None:
    estimand = {"x": next(iter(changed)).replace("__", ".")}
    found = checks(**{name: replace(estimate, estimand=estimand["x"]) for name, estimate in changed.items()})
    assert found[rule].status == status
    assert reason in found[rule].reason
    assert {check.status for name, check in found.items() if name != rule} == {"passed"}
    if status == "not_shown":
        assert found[rule].value is None


def test_the_reference_and_all_items_have_no_gap_of_error() -> None:
    findings = [Finding("depth", None, None, estimate) for name, estimate in GOOD.items() if name != "judge_error_gap"]
    assert [check.rule for check in gate(findings, VALIDITY)] == [rule for rule in RULES if rule != "max_judge_error_gap"]


def test_populations_of_raters_have_no_gate() -> None:
    findings = [Finding("depth", {"rater.age": "old"}, None, Estimate("rater_alignment", 3.0))]
    assert gate(findings, VALIDITY) == []


def test_every_criterion_and_population_is_checked_apart(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 60)
    validation = planted_validation(tmp_path, rubric, items, planted_ratings(items, judge_made={"b": 1.0}))
    per = {str(check.population): [] for check in validation.gate}
    for check in validation.gate:
        per[str(check.population)].append(check.rule)
    without_gap = [rule for rule in RULES if rule != "max_judge_error_gap"]
    assert per == {"None": without_gap, str({"dialect": "a"}): without_gap, str({"dialect": "b"}): list(RULES)}


@pytest.mark.parametrize("statuses", [{"failed"}, {"not_shown"}])
def test_a_judge_passes_only_where_every_check_was_shown_to_be_passed(statuses: set[str], tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", validity={**VALIDITY.model_dump(), "min_alpha_ratio": 0.0, "alt_test_epsilon": 0.5})
    items = planted_items(rubric, 60)
    biased = {"b": 1.0} if statuses == {"failed"} else {}
    ratings = planted_ratings(items, judge_made=biased)
    if statuses == {"not_shown"}:
        ratings = ratings[ratings["rater_id"] != "bob"].reset_index(drop=True)
    validation = planted_validation(tmp_path, rubric, items, ratings)
    assert {check.status for check in validation.gate} >= statuses
    assert not validation.passes
    fair = planted_validation(tmp_path / "fair", rubric, items, planted_ratings(items))
    assert fair.passes


def test_without_a_rubric_there_is_no_gate() -> None:
    table: Any = made_up(**{"pop.dialect": lambda i: "ab"[i % 2]})
    validation = validated(table)
    assert validation.gate == []
    assert validation.passes


class Echo(jf.models.Scripted):
    """Answers each item with the level that stands in its response."""

    def __init__(self) -> None:
        super().__init__("echo", lambda text, options: options.index(int(re.findall(r"LEVEL (\d)", text)[-1])))


@pytest.mark.parametrize(("asked", "code"), [(0.0, 0), (5.0, 3)])
def test_validate_exits_with_3_where_the_gate_is_not_passed(
    asked: float, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rubric = planted_rubric("a", "b", validity=LENIENT | {"min_alpha_ratio": asked})
    jf.compile_judge(rubric).save(tmp_path / "program.json")
    rows = [
        {"item_id": item.item_id, "query": item.query, "response": f"LEVEL {1 + k % 7}", "pop.dialect": item.populations["dialect"],
         "rater_id": rater, "value": min(7, 1 + k % 7 + (k + n) % 3 % 2)}
        for k, item in enumerate(planted_items(rubric, 40))
        for n, rater in enumerate(("ann", "bob", "cem"))
    ]  # fmt: skip
    cset = set_of(pd.DataFrame(rows), "ordinal:1-7")
    monkeypatch.setattr(jf, "load_calibration_set", lambda _: cset)
    monkeypatch.setattr(jf.models, "choose_model", lambda *_, **__: Echo())
    out = tmp_path / "run"
    line = [
        "validate",
        "--program",
        tmp_path / "program.json",
        "--set",
        "made_up",
        "--model",
        "echo",
        "--split",
        "all",
        "--out",
        out,
    ]
    done = judgefair(capsys, *line, "--json")
    assert done.code == code, done.err
    report = json.loads(done.out)
    assert ({check["status"] for check in report["gate"]} == {"passed"}) is (code == 0)
    assert ("did not pass the validity gate" in done.err) is (code == 3)
    assert (out / "validation.json").is_file()
