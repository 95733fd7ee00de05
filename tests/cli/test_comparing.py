"""Does `compare --rubric` say what it found in one document, go on where it stopped, and refuse what does not go together?"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from judgefair.calibration.ledger import read_looks
from judgefair.cli import options
from tests.builders import LIBRARY_DESK, landed
from tests.cli.test_cli import HEAVY
from tests.command_line import Done, judgefair
from tests.desk_set import DeskJudge, desk_set

N = 20  # of the dev split of 100 items


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The desk's rubric with one other anchor, and a consultation about it."""
    said: dict[str, Any] = yaml.safe_load(LIBRARY_DESK.read_text("utf-8"))
    said["version"] = "2.2.0"
    said["criteria"][0]["scale"]["levels"][2] = "To the right shelf, in whatever English"
    asked = {"date": date(2026, 6, 1), "role": "reader", "n": 5, "change": "English of any kind counts"}
    said["participation"].append({**asked, "dissent": "one found it beside the point"})
    path = tmp_path / "new" / "rubric.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")
    return path


@pytest.fixture
def arguments(new: Path, tmp_path: Path) -> tuple[str | Path, ...]:
    desk_set(tmp_path, 100)
    out = ("--out", tmp_path / "out", "--as-of", "2026-01-01")
    return ("compare", "--rubric", LIBRARY_DESK, new, "--set", tmp_path / "desk", "--model", "scripted:hash", *out)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['judgefair', 'compare', '--help']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {(*HEAVY, 'scipy', 'sklearn')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")
    assert "--rubric" in done.stdout


def test_json_is_one_document_the_same_as_the_file(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    done = run(*arguments, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document == json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert (document["old"], document["new"]) == ("library_desk 2.1.0", "library_desk 2.2.0")
    assert document["reached"][0]["cause"] == "criteria.helpfulness.levels.2"
    assert [asked["role"] for asked in document["consultations"]] == ["reader"]
    assert (document["scope"]["split"], document["scope"]["n_items"]) == ("dev", N)
    assert read_looks("desk") == []


def test_markdown_is_the_report_for_a_pull_request(run: Callable[..., Done], arguments: tuple[str | Path, ...]) -> None:
    done = run(*arguments, "--markdown")
    assert done.code == 0, done.err
    assert done.out.startswith("# library\\_desk 2.1.0 to library\\_desk 2.2.0")
    assert r"\{+shelf, in whatever English+\}" in done.out


def test_the_plain_command_shows_what_changed_what_moved_and_who_was_asked(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    done = run(*arguments)
    assert done.code == 0, done.err
    for told in ("[-shelf-]", "Laid to", "helpfulness: judge error", "Labels", "one found it beside the point"):
        assert told in done.out
    assert re.search(r"Report: \S+comparison\.html", done.out.replace("\n", ""))


def test_the_same_command_again_asks_for_nothing_new(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    first = run(*arguments, "--json")
    before = [landed(tmp_path / "out" / each) for each in ("old", "new")]
    assert len(before[0]) == 2 * N
    again = run(*arguments, "--json", "--max-calls", "0")
    assert (again.code, again.out) == (0, first.out)
    assert [landed(tmp_path / "out" / each) for each in ("old", "new")] == before


def test_a_budget_that_ends_has_an_exit_code_of_its_own_and_no_comparison(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    done = run(*arguments, "--max-calls", "10")
    assert done.code == 4
    assert "judgments by library_desk 2.1.0 are missing: the budget is used up" in done.err
    assert not (tmp_path / "out" / "comparison.html").exists()


def test_more_missing_than_the_rubric_allows_has_an_exit_code_of_its_own(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The judge gives the figure of a text, 0 to 3, also where the scale has 0 and 1 alone.
    monkeypatch.setattr(options, "model_named", lambda *_: DeskJudge())
    done = run(*arguments)
    assert done.code == 4
    assert "ratings by library_desk 2.1.0 are missing" in done.err
    assert "ratings by library_desk 2.2.0 are missing" in done.err
    assert (tmp_path / "out" / "comparison.html").is_file()


def test_a_look_at_the_test_split_is_recorded_for_each_version(
    run: Callable[..., Done], arguments: tuple[str | Path, ...]
) -> None:
    assert run(*arguments, "--split", "test", "--json").code == 0
    assert len(read_looks("desk")) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "expected RUN..., or --rubric V1 V2 --set ID --model M --out DIR"),
        (["run", "--rubric", "a", "b"], "run is judged already"),
        (["--rubric", "a", "b"], "needs --set ID"),
        (["--rubric", "a", "b", "--set", "s"], "and --model M"),
        (["--rubric", "a", "b", "--set", "s", "--model", "m"], "--rubric needs --out DIR"),
        (["run", "--set", "s"], "--set goes with --rubric V1 V2"),
        (["run", "--model", "m"], "--model goes with --rubric V1 V2"),
        (["run", "--limit", "3"], "--limit goes with --rubric V1 V2"),
        (["--rubric", "a", "b", "--json", "--markdown"], "each take all of stdout"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(given: list[str], told: str, run: Callable[..., Done]) -> None:
    done = run("compare", *given)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_one_version_alone_is_a_usage_error(run: Callable[..., Done]) -> None:
    assert run("compare", "--rubric", "a").code == 2


def test_two_files_that_say_the_same_are_an_input_error(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    same = [LIBRARY_DESK if part == tmp_path / "new" / "rubric.yaml" else part for part in arguments]
    done = run(*same)
    assert done.code == 1
    assert "say the same. Expected two versions" in done.err
    assert not (tmp_path / "out").exists()
