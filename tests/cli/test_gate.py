"""Does `--gate` end with the code that the verdicts earn, and does the JUnit file say the same? All runs are made up."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
import yaml

from judgefair.cli.gating import held_to, stop_on, stop_on_failures
from judgefair.cli.junit import write_junit
from judgefair.errors import BudgetError, InputError, StoreError
from judgefair.estimation import estimate
from judgefair.records import printable
from judgefair.reporting import build_report
from tests.builders import LENIENT, planted_items, planted_ratings, planted_rubric, planted_run, planted_validation
from tests.command_line import Done, judgefair

HOSTILE = 'a"<b>&]]>\x00\x1b[31m\ud800\u202e\r'
# Of junit-10.xsd of the Jenkins xunit plugin: by element its attributes, those that are required, and what may stand in it.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    **dict.fromkeys(("failure", "error", "skipped"), ({"type", "message"}, set(), set())),
    **dict.fromkeys(("system-out", "system-err"), (set(), set(), set())),
}  # fmt: skip


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture(scope="module")
def gapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which humans find a gap for b, and none for c."""
    rubric = planted_rubric("a", "b", "c", tolerance=0.5)
    items = planted_items(rubric, 60)
    folder = planted_run(tmp_path_factory.mktemp("gapped") / "run", rubric, items, planted_ratings(items, gap={"b": -1.0}))
    estimate(folder)
    return folder


@pytest.fixture(scope="module")
def told(gapped: Path) -> dict[str, Any]:
    """Its report."""
    return build_report(gapped).to_json()


@pytest.fixture
def report(told: dict[str, Any]) -> dict[str, Any]:
    """Its report, to be changed."""
    return deepcopy(told)


def answered(report: dict[str, Any], *answers: str, role: str = "must_ignore") -> dict[str, Any]:
    """The report, had its contrasts these verdicts."""
    for row, answer in zip(report["verdicts"], answers, strict=True):
        row |= {"verdict": answer, "role": role}
    return report


def code_of(report: dict[str, Any], *, strict: bool = False) -> int:
    try:
        stop_on(report)
        stop_on_failures(held_to(report, strict=strict))
    except typer.Exit as ended:
        return ended.exit_code
    except BudgetError as error:
        return error.exit_code
    return 0


def parsed(path: Path) -> ElementTree.Element:
    """The file's root; the file keeps the schema's rules, and its counts are those of what stands in it."""
    root = ElementTree.fromstring(path.read_bytes())
    assert root.tag == "testsuites"
    for element in root.iter():
        known, required, within = SCHEMA[element.tag]
        assert required <= set(element.attrib) <= known, element.tag
        assert {child.tag for child in element} <= within, element.tag
    for suite in (root, *root):
        counted = {"tests": "testcase", "failures": "failure", "errors": "error"} | (
            {"skipped": "skipped"} if suite is not root else {}
        )
        for count, tag in counted.items():
            assert int(suite.attrib[count]) == len(list(suite.iter(tag))), (suite.attrib, count)
    return root


# The rules


@pytest.mark.parametrize(
    ("answers", "role", "code", "strict"),
    [
        (("equivalent", "equivalent"), "must_ignore", 0, 0),
        (("disparity", "equivalent"), "must_ignore", 5, 5),
        (("undetermined", "equivalent"), "must_ignore", 0, 5),
        (("disparity", "disparity"), "must_use", 0, 0),
        (("equivalent", "disparity"), "must_use", 5, 5),
        (("undetermined", "disparity"), "must_use", 0, 5),
    ],
)
def test_the_exit_code_is_that_of_the_verdicts_by_role(
    report: dict[str, Any], answers: tuple[str, str], role: str, code: int, strict: int
) -> None:
    answered(report, *answers, role=role)
    assert (code_of(report), code_of(report, strict=True)) == (code, strict)


def test_what_a_rubric_allows_to_differ_never_fails(report: dict[str, Any]) -> None:
    answered(report, "reported", "equivalent")["verdicts"][1]["role"] = "must_ignore"
    report["verdicts"][0]["role"] = "may_use"
    assert code_of(report, strict=True) == 0


def test_a_gate_with_nothing_to_hold_to_is_an_error_and_no_pass(report: dict[str, Any]) -> None:
    answered(report, "reported", "reported", role="may_use")["gate"] = []
    with pytest.raises(InputError, match="nothing could fail"):
        code_of(report)


def test_a_judge_that_failed_where_its_error_is_carried_over_comes_before_the_verdicts(report: dict[str, Any]) -> None:
    report["gate"][0]["status"] = "failed"
    report["scope"]["gate_blocks"] = True
    assert code_of(report) == 3
    failed = [one for one in held_to(report) if one.about == "judge" and one.outcome == "failed"]
    assert [one.kind for one in failed] == ["failed"]


def test_a_judge_that_failed_beside_labels_of_the_run_blocks_nothing(report: dict[str, Any]) -> None:
    answered(report, "equivalent", "equivalent")["gate"][0]["status"] = "failed"
    assert code_of(report, strict=True) == 0
    (skipped,) = [one for one in held_to(report) if one.about == "judge" and one.outcome == "skipped"]
    assert "does not block" in skipped.why


def test_without_verdicts_the_judge_alone_is_held_to_its_gate(report: dict[str, Any]) -> None:
    report["verdicts"] = []
    assert code_of(report) == 0
    report["gate"][0]["status"] = "not_shown"
    assert code_of(report) == 3


def test_a_budget_comes_before_everything(report: dict[str, Any]) -> None:
    report["scope"]["gate_blocks"] = True
    report["estimates"].append({"estimand": "missing_rate.over_budget", "value": 0.5, "n_items": 10})
    assert code_of(report) == 4
    assert [one.outcome for one in held_to(report)][-1] == "error"


# The file


def test_each_contrast_and_each_check_is_a_test_case_with_its_reason(told: dict[str, Any], tmp_path: Path) -> None:
    write_junit(told, held_to(told), tmp_path / "new" / "out.xml")
    root = parsed(tmp_path / "new" / "out.xml")
    depth, judge = root
    assert (depth.attrib["name"], judge.attrib["name"]) == ("depth", "judge validity")
    assert len(list(judge.iter("testcase"))) == len(told["gate"])
    b, c = depth.iter("testcase")
    assert b.attrib["name"] == "dialect: b − a"
    (failure,) = b
    gap = told["verdicts"][0]
    low = f"{gap['for_disparity']['low']:+.2f}".replace("-", "−")
    assert failure.attrib["type"] == "disparity"
    assert f"95% simultaneous interval {low} to" in failure.attrib["message"]
    assert "tolerance ±0.5" in failure.attrib["message"]
    assert [child.tag for child in c] == ["system-out"]
    scope = {entry.attrib["name"]: entry.attrib["value"] for entry in depth.iter("property")}
    assert scope["labels"] == "human"
    assert scope["rubric version"] == told["scope"]["rubric"]["version"]
    assert scope["judge"] == told["scope"]["judge"]
    assert scope["system"] == "not recorded"
    assert scope["populations: dialect"] == "a, b, c"


def test_an_undetermined_contrast_is_skipped_or_fails_by_the_rule_of_the_gate(report: dict[str, Any], tmp_path: Path) -> None:
    answered(report, "undetermined", "equivalent")["verdicts"][0]["reasons"] = ["b: 3 labelled scenarios"]
    for strict, tag in ((False, "skipped"), (True, "failure")):
        write_junit(report, held_to(report, strict=strict), tmp_path / "out.xml")
        (found,) = next(parsed(tmp_path / "out.xml").iter("testcase"))
        assert (found.tag, "b: 3 labelled scenarios" in found.attrib["message"]) == (tag, True)


@pytest.mark.parametrize(
    ("labels", "said"), [("constructed", "constructed"), ("model", "given by a model"), ("simulated", "planted")]
)
def test_labels_that_no_human_gave_are_told_in_properties_and_in_each_message(
    report: dict[str, Any], tmp_path: Path, labels: str, said: str
) -> None:
    report["labels"] = labels
    report["verdicts"][0]["corrected"]["truth"] = -1.0
    write_junit(report, held_to(report), tmp_path / "out.xml")
    root = parsed(tmp_path / "out.xml")
    for suite in root:
        scope = {entry.attrib["name"]: entry.attrib["value"] for entry in suite.iter("property")}
        assert (scope["labels"], said in scope["caution"]) == (labels, True)
    messages = [element.attrib["message"] for tag in ("failure", "skipped") for element in root.iter(tag)]
    assert messages
    assert all(said in message for message in messages)
    assert "planted gap −1.00" in messages[0]


def test_hostile_names_neither_break_the_file_nor_steer_a_terminal(
    report: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report["title"] = report["scope"]["judge"] = report["scope"]["set"]["id"] = HOSTILE
    for row in [*report["verdicts"], *report["gate"]]:
        row |= {"criterion": HOSTILE, "population": {HOSTILE: HOSTILE}}
        row |= {"reasons": [HOSTILE], "contrast": {HOSTILE: HOSTILE}} if "reasons" in row else {"reason": HOSTILE}
    write_junit(report, held_to(report), tmp_path / "out.xml")
    root = parsed(tmp_path / "out.xml")
    assert root[0].attrib["name"] == printable(HOSTILE)
    assert {e.attrib["name"]: e.attrib["value"] for e in root[0].iter("property")}["judge"] == printable(HOSTILE)
    assert code_of(report) == 5
    assert not re.search("[\x00\x1b\u202e]", capsys.readouterr().err)


def test_several_systems_have_suites_of_their_own(report: dict[str, Any], tmp_path: Path) -> None:
    report["scope"]["of"] = ["old, judged by x", "new, judged by x"]
    for part in ("verdicts", "gate"):
        report[part] = [{"of": of, **row} for of in report["scope"]["of"] for row in report[part]]
    write_junit(report, held_to(report), tmp_path / "out.xml")
    names = [suite.attrib["name"] for suite in parsed(tmp_path / "out.xml")]
    assert names == [f"{of}: {suite}" for suite in ("depth", "judge validity") for of in report["scope"]["of"]]


def test_a_file_that_cannot_be_written_is_told(told: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        write_junit(told, held_to(told), tmp_path / "file" / "out.xml")


# The commands


def test_report_gates_a_run_that_is_there_and_without_gate_nothing_changes(
    run: Callable[..., Done], gapped: Path, tmp_path: Path
) -> None:
    assert run("report", gapped).code == 0
    plain = (gapped / "report.json").read_bytes()
    done = run("report", gapped, "--gate", "--junit", tmp_path / "out.xml", "--json")
    assert done.code == 5
    assert json.loads(done.out) == json.loads(plain)
    assert "depth, dialect: b − a: disparity: corrected gap −" in done.err
    assert "--gate: 1 of 2 verdicts failed" in done.err
    assert (gapped / "report.json").read_bytes() == plain
    assert parsed(tmp_path / "out.xml").attrib["failures"] == "1"


@pytest.mark.parametrize("most", [6.0, 0.1])
def test_a_run_of_validate_is_held_to_the_rubric_s_validity(run: Callable[..., Done], tmp_path: Path, most: float) -> None:
    rubric = planted_rubric("a", "b", validity=LENIENT | {"max_judge_error_gap": most})
    items = planted_items(rubric, 60)
    planted_validation(tmp_path / "set", rubric, items, planted_ratings(items, judge_made={"b": -0.3}))
    done = run("report", tmp_path / "set", "--gate")
    assert (done.code, "the judge passed" in done.err) == ((0, True) if most == 6.0 else (3, False)), done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--strict",), "--strict goes with --gate or --junit"),
        (("--gate", "--junit", "study.yaml"), "ends in .xml"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_told_before_anything_is_done(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text("mine", "utf-8")
    for verb in ("run", "report"):
        done = run(verb, "study.yaml", *arguments)
        assert (done.code, said in done.err) == (2, True), done.err
    assert run("run", "study.yaml", "--dry-run", "--gate").code == 2
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("study.yaml", "mine")]


def test_a_file_of_an_earlier_run_does_not_outlive_a_run_that_failed(run: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "out.xml").write_text("<testsuites/>", "utf-8")
    assert run("run", tmp_path / "nothing.yaml", "--junit", tmp_path / "out.xml").code == 1
    assert not (tmp_path / "out.xml").exists()


def test_run_ends_as_its_verdicts_do_and_leaves_the_junit_file(run: Callable[..., Done], tmp_path: Path) -> None:
    study = {
        "id": "gated", "rubric": "writing_tutor", "as_of": date(2026, 1, 1),
        "plan": {"scenarios": 2, "axes": ["dialect"], "cues": ["dialect"], "placebos": False},
        "systems": [{"id": "planted_tutor", "kind": "chat", "model": "scripted:planted"}],
        "judges": [{"model": "scripted:planted"}], "calibration": {"n": 4},
        "planted": {"base": {"critique_depth": 2.0, "respect_for_dialect": 1.0}},
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), "utf-8")
    line = ("run", tmp_path / "study.yaml", "--out", tmp_path / "run")
    done = run(*line, "--gate", "--strict", "--junit", tmp_path / "out.xml")
    assert done.code == 5, done.err
    assert "undetermined" in done.err
    failures = list(parsed(tmp_path / "out.xml").iter("failure"))
    assert {failure.attrib["type"] for failure in failures} == {"undetermined"}
    assert all("This is a simulation" in failure.attrib["message"] for failure in failures)
    again = run(*line, "--gate")
    assert (again.code, "let through (--strict fails on them)" in again.err) == (0, True)
    assert run(*line).code == 0
