"""Do the commands of the GitHub Action and of the pre-commit hook do what they say? Each is run as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import judgefair
from tests.test_docs import options_of, resolve

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
INSTALL, CHECK, RUN = STEPS


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `judgefair` is this checkout's, and `python` this one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    start = "import sys; from judgefair.cli import main; sys.argv[0] = 'judgefair'; main()"
    for name, command in {"judgefair": [sys.executable, "-c", start], "python": [sys.executable]}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A repository with two rubrics of its own, one of them broken."""
    folder = tmp_path / "repository"
    for name in ("good one", "bad"):
        (folder / name).mkdir(parents=True)
        shutil.copyfile(ROOT / "tests" / "rubric" / "library_desk.yaml", folder / name / "rubric.yaml")
    broken = folder / "bad" / "rubric.yaml"
    broken.write_text(broken.read_text("utf-8").replace("kind: ordinal", "kind: ordinall", 1), "utf-8")
    return folder


def step(name: str, here: Path, path: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does: inputs, defaults among them, come as its variables."""
    given = {key: entry["default"] for key, entry in ACTION["inputs"].items()} | inputs
    values = {f"inputs.{key}": value for key, value in given.items()} | {"github.action_path": str(ROOT)}
    variables = {
        key: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: values[found[1]], text)
        for key, text in STEPS[name].get("env", {}).items()
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]], cwd=here, capture_output=True, text=True,
        timeout=200, check=False, env=os.environ | variables | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_no_input_is_part_of_a_command_s_text() -> None:
    assert not [name for name, one in STEPS.items() if "${{" in one["run"]]


def test_every_input_is_used_and_described_and_every_value_is_one() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    used = set(re.findall(r"inputs\.([\w-]+)", text))
    assert used == set(ACTION["inputs"])
    assert all(entry["description"] for entry in ACTION["inputs"].values())


@pytest.mark.parametrize("line", [STEPS[CHECK]["run"], STEPS[RUN]["run"], HOOK["entry"]])
def test_every_option_that_a_command_uses_is_one(line: str) -> None:
    (command,) = re.findall(r"judgefair .*", line)
    words = shlex.split(command.replace('"${strict[@]}"', "--strict"))
    found, rest = resolve(words[1:])
    assert {word for word in rest if word.startswith("--") and word != "--"} <= options_of(found)


def test_the_check_step_tells_all_problems_and_fails(here: Path, path: str) -> None:
    done = step(CHECK, here, path, paths="*/rubric.yaml missing.csv")
    assert done.returncode == 1, done.stderr
    assert "good one/rubric.yaml: ok" in done.stdout
    assert "Did you mean 'ordinal'?" in done.stderr
    assert "missing.csv" in done.stderr


def test_an_input_is_never_run_and_never_an_option(here: Path, path: str) -> None:
    done = step(CHECK, here, path, paths="$(touch ran); --help")
    assert done.returncode == 1
    assert not (here / "ran").exists()
    assert "Usage" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("strict", "code"), [("false", 0), ("true", 5)])
def test_the_run_step_gates_a_study_and_leaves_both_outputs(here: Path, path: str, strict: str, code: int) -> None:
    study = """\
id: gated
rubric: writing_tutor
as_of: 2026-01-01
plan: {scenarios: 1, axes: [dialect], cues: [dialect], placebos: false}
systems: [{id: tutor, kind: chat, model: "scripted:planted"}]
judges: [{model: "scripted:planted"}]
calibration: {n: 2}
planted: {base: {critique_depth: 2.0, respect_for_dialect: 1.0}}
"""
    (here / "my study.yaml").write_text(study, "utf-8")
    done = step(RUN, here, path, study="my study.yaml", strict=strict, out="out of it", junit="a test.xml")
    assert done.returncode == code, done.stderr
    assert (here / "out of it" / "report.html").is_file()
    assert (here / "a test.xml").is_file()
    assert ACTION["outputs"]["report"]["value"] == "${{ inputs.out }}/report.html"


@pytest.mark.slow
def test_the_install_step_installs_this_checkout(here: Path, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "NO_INDEX": "1",
        "NO_DEPS": "1",
        "NO_BUILD_ISOLATION": "0",
        "TARGET": str(tmp_path / "installed"),
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)  # without a network and beside what is there; else the very same command
    done = step(INSTALL, here, path, extras="local")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "installed" / "judgefair" / "cli" / "__init__.py").is_file()


def test_the_hook_is_given_the_files_that_check_knows() -> None:
    wanted = ("rubric.yaml", "rubrics/mine/rubric.yaml", "study.yaml", "a/study.yaml", "calibration_sets/x/card.yaml")
    others = ("my_rubric.yaml", "rubric.yaml.bak", "rubric.yml", "case_study.yaml", "docs/postcard.yaml")
    assert [name for name in (*wanted, *others) if re.search(HOOK["files"], name)] == list(wanted)
    assert (HOOK["id"], HOOK["language"]) == ("judgefair-check", "python")


def test_every_file_of_this_repository_that_the_hook_is_given_passes_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    files = [str(path) for path in Path().glob("*/*/*.yaml") if re.search(HOOK["files"], path.as_posix())]
    assert len(files) > 5
    done = judgefair(capsys, *HOOK["entry"].split()[1:], *files)
    assert done.code == 0, done.err


def test_the_hook_fails_on_a_bad_file_after_telling_of_all(here: Path, path: str) -> None:
    files = ["bad/rubric.yaml", "good one/rubric.yaml"]
    done = subprocess.run(
        [*shlex.split(HOOK["entry"]), *files], cwd=here, capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}, executable=path.split(os.pathsep)[0] + "/judgefair",
    )  # fmt: skip
    assert done.returncode == 1
    assert "good one/rubric.yaml: ok" in done.stdout
    assert "bad/rubric.yaml:" in done.stderr
