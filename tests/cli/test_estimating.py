"""Do `estimate`, `plan` and the gate's exit code say what Python says? All runs are made up."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from judgefair.statistics import plan_labels, spread_from
from tests.builders import (
    LENIENT,
    human_csv,
    planted_items,
    planted_ratings,
    planted_rubric,
    planted_run,
    planted_validation,
    without_humans,
)
from tests.cli.test_cli import HEAVY
from tests.command_line import Done, judgefair

RUBRIC = planted_rubric("a", "b")
BIAS = {"b": -0.8}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A run without human labels, and `humans.csv` beside it."""
    items = planted_items(RUBRIC, 60, first=500)
    ratings = planted_ratings(items, judge_made=BIAS)
    human_csv(ratings, tmp_path / "humans.csv")
    return planted_run(tmp_path / "run", RUBRIC, items, without_humans(ratings))


@pytest.mark.parametrize("verb", ["estimate", "plan"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        f"import sys; sys.argv = ['judgefair', {verb!r}, '--help']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {(*HEAVY, 'scipy', 'sklearn')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")


# estimate


def test_estimate_prints_verdicts_and_says_what_comes_next(run: Callable[..., Done], judged: Path) -> None:
    done = run("estimate", judged, "--ratings", judged.parent / "humans.csv")
    assert done.code == 0, done.err
    assert "equivalent" in done.out
    assert f"Next: judgefair report {judged}" in done.out
    assert (judged / "estimation.json").is_file()


def test_estimate_prints_the_one_document_that_it_writes(run: Callable[..., Done], judged: Path) -> None:
    done = run("estimate", judged, "--ratings", judged.parent / "humans.csv", "--json")
    assert (done.code, done.err) == (0, "")
    printed = json.loads(done.out)
    assert printed == json.loads((judged / "estimation.json").read_text("utf-8"))
    assert set(printed) == {"schema_version", "scope", "verdicts", "estimates", "plans", "notes", "simulation", "lenses"}
    (verdict,) = printed["verdicts"]
    assert (verdict["verdict"], verdict["population"], verdict["contrast"]) == ("equivalent", {"dialect": "b"}, {"dialect": "a"})
    assert verdict["raw"]["value"] == pytest.approx(verdict["corrected"]["value"] + verdict["judge_made"]["value"], abs=1e-9)
    for estimate in printed["estimates"]:
        assert {"estimand", "value", "low", "high", "level", "criterion", "population", "contrast"} <= set(estimate)


def test_estimate_then_report_then_report_again_gives_the_same_bytes(run: Callable[..., Done], judged: Path) -> None:
    run("estimate", judged, "--ratings", judged.parent / "humans.csv")
    assert run("report", judged).code == 0
    kept = {name: (judged / name).read_bytes() for name in ("report.html", "report.md", "report.json", "estimation.json")}
    run("estimate", judged)
    run("report", judged)
    assert {name: (judged / name).read_bytes() for name in kept} == kept


def test_without_labels_everything_is_undetermined_and_that_is_no_error(run: Callable[..., Done], judged: Path) -> None:
    done = run("estimate", judged)
    assert done.code == 0, done.err
    assert "undetermined" in done.out
    assert "no human labels of b or a" in " ".join(done.out.split())


def validated(folder: Path, **validity: float) -> tuple[Path, Path]:
    """A run without labels and a set on which the judge was held against its rubric."""
    rubric = planted_rubric("a", "b", validity=LENIENT | validity)
    there, here = planted_items(rubric, 100), planted_items(rubric, 60, first=500)
    planted_validation(folder / "set", rubric, there, planted_ratings(there, judge_made=BIAS))
    return planted_run(folder / "own", rubric, here, without_humans(planted_ratings(here, judge_made=BIAS))), folder / "set"


def test_a_judge_that_failed_the_gate_where_its_error_comes_from_exits_with_3(run: Callable[..., Done], tmp_path: Path) -> None:
    own, there = validated(tmp_path, max_judge_error_gap=0.25)
    done = run("estimate", own, "--validation", there, "--json")
    assert done.code == 3
    assert "did not pass the validity gate" in done.err
    assert [v["verdict"] for v in json.loads(done.out)["verdicts"]] == ["undetermined"]
    assert json.loads((own / "estimation.json").read_text("utf-8")) == json.loads(done.out)


def test_a_judge_that_passed_the_gate_exits_with_0(run: Callable[..., Done], tmp_path: Path) -> None:
    own, there = validated(tmp_path)
    done = run("estimate", own, "--validation", there)
    assert (done.code, done.err) == (0, "")


def test_with_labels_of_its_own_a_failed_gate_does_not_block(run: Callable[..., Done], judged: Path, tmp_path: Path) -> None:
    own, there = validated(tmp_path, max_judge_error_gap=0.25)
    done = run("estimate", own, "--validation", there, "--ratings", judged.parent / "humans.csv", "--json")
    assert done.code == 0, done.err
    assert [v["verdict"] for v in json.loads(done.out)["verdicts"]] != ["disparity"]


@pytest.mark.parametrize(
    "arguments", [["estimate"], ["estimate", "run", "--nonsense"], ["estimate", "run", "--confidence", "0.5"]]
)
def test_a_wrong_use_of_estimate_exits_with_2(arguments: list[str], run: Callable[..., Done]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


def test_estimate_tells_what_is_wrong_with_its_input(run: Callable[..., Done], judged: Path, tmp_path: Path) -> None:
    humans = pd.read_csv(judged.parent / "humans.csv")
    humans.assign(item_id="stranger").head(1).to_csv(tmp_path / "strange.csv", index=False)
    humans.assign(value=9).to_csv(tmp_path / "bad.csv", index=False)
    table = tmp_path / "table.csv"
    table.write_text("item_id,rater_id,value\ni,gpt,1\ni,ann,2\n", "utf-8")
    assert run("validate", "--ratings", table, "--judge", "gpt", "--scale", "ordinal:1-5", "--out", tmp_path / "given").code == 0
    for arguments, said in (
        ([tmp_path / "nothing"], "has no program.json, and verdicts need the rubric in it"),
        ([tmp_path / "given"], "has no program.json, and verdicts need the rubric in it"),
        ([judged, "--ratings", tmp_path / "strange.csv"], "item_id 'stranger' is no item of the run"),
        ([judged, "--ratings", tmp_path / "bad.csv"], "bad.csv: row 2, column value: '9' is no level of depth"),
        ([judged, "--ratings", tmp_path / "no.csv"], "no such file"),
        ([judged, "--validation", tmp_path / "nothing"], "no validation can be read"),
        ([judged, "--validation", tmp_path / "given"], "--validation holds for program none"),
    ):
        done = run("estimate", *arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert said in done.err
        assert "Traceback" not in done.err
    assert not (judged / "estimation.json").exists()
    assert not (tmp_path / "nothing").exists()


def test_validate_of_a_table_never_overwrites_the_run_of_a_program(
    run: Callable[..., Done], judged: Path, tmp_path: Path
) -> None:
    before = (judged / "ratings.parquet").read_bytes()
    table = tmp_path / "table.csv"
    table.write_text("item_id,rater_id,value\ni,gpt,1\ni,ann,2\n", "utf-8")
    done = run("validate", "--ratings", table, "--judge", "gpt", "--scale", "ordinal:1-5", "--out", judged)
    assert (done.code, done.out) == (1, "")
    assert "holds a run of a judge program" in done.err
    assert (judged / "ratings.parquet").read_bytes() == before


# plan


def test_plan_from_assumptions_gives_the_labels_of_the_statistic(run: Callable[..., Done]) -> None:
    arguments = ["--sd", "1", "--tolerance", "0.25", "--correlation", "0.6", "--items", "800", "--populations", "3"]
    done = run("plan", *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    assert result["could_see"] == []
    (plan,) = result["plans"]
    names = ["reference", "population 1", "population 2"]
    expected = plan_labels({name: spread_from(1.0, 0.6, 800) for name in names}, "reference", 0.25)
    assert plan["needed"] == dict(expected.labels)
    assert plan["needed"]["reference"] > plan["needed"]["population 1"]
    assert plan["equal_split"] == expected.equal_split > sum(plan["needed"].values())
    assert set(plan) == {
        "criterion", "axis", "reference", "delta", "now", "needed", "half_widths", "equal_split", "raters_per_item", "reason",
    }  # fmt: skip
    text = run("plan", *arguments).out
    assert f"In all {expected.total:,} labelled items; split equally {expected.equal_split:,}." in text


def test_plan_says_where_no_number_of_labels_suffices(run: Callable[..., Done]) -> None:
    done = run("plan", "--sd", "2", "--tolerance", "0.25", "--items", "50", "--json")
    assert done.code == 0
    (plan,) = json.loads(done.out)["plans"]
    assert plan["needed"] == {}
    assert "more items (scenarios) are needed, not more labels" in plan["reason"]


def test_plan_from_a_pilot_says_what_is_needed_and_what_could_be_seen(
    run: Callable[..., Done], judged: Path, tmp_path: Path
) -> None:
    humans = pd.read_csv(tmp_path / "humans.csv")
    humans[humans["item_id"] < "s0530"].to_csv(tmp_path / "pilot.csv", index=False)
    done = run("plan", judged, "--ratings", tmp_path / "pilot.csv", "--json")
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    (plan,) = result["plans"]
    assert (plan["criterion"], plan["axis"], plan["delta"], plan["now"]) == ("depth", "dialect", 0.25, {"a": 30, "b": 30})
    assert set(plan["needed"]) == {"a", "b"}
    (seen,) = result["could_see"]
    assert seen["could_see"] > 0
    assert {name: seen[name] for name in ("criterion", "population", "contrast")} == {
        "criterion": "depth", "population": {"dialect": "b"}, "contrast": {"dialect": "a"},
    }  # fmt: skip
    text = run("plan", judged, "--ratings", tmp_path / "pilot.csv").out
    assert "would be seen with 80 % power" in text
    assert not {"validation.json", "estimation.json"} & {path.name for path in judged.iterdir()}  # a plan writes nothing


def test_plan_without_any_label_asks_for_a_pilot(run: Callable[..., Done], judged: Path) -> None:
    done = run("plan", judged, "--json")
    assert done.code == 0
    result = json.loads(done.out)
    assert result["plans"][0]["needed"] == {}
    assert "label at least 25 scenarios of each population as a pilot" in result["plans"][0]["reason"]
    assert result["could_see"][0]["could_see"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--sd", "1"],
        ["--tolerance", "0.25"],
        ["--sd", "1", "--tolerance", "0"],
        ["--sd", "1", "--tolerance", "-1"],
        ["--sd", "-1", "--tolerance", "0.25"],
        ["--sd", "1", "--tolerance", "0.25", "--correlation", "1.5"],
        ["--sd", "1", "--tolerance", "0.25", "--populations", "1"],
        ["--sd", "1", "--tolerance", "0.25", "--ratings", "humans.csv"],
        ["run", "--sd", "1"],
        ["run", "--tolerance", "0.25"],
    ],
)
def test_a_wrong_use_of_plan_exits_with_2(arguments: list[str], run: Callable[..., Done]) -> None:
    done = run("plan", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err
    assert "Traceback" not in done.err
