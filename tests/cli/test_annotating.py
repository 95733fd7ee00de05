"""Do `annotate export` and `annotate import` say and return what happened? The run is made up."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.builders import armed_items, planted_ratings, planted_rubric, planted_run, without_humans
from tests.cli.test_cli import HEAVY
from tests.command_line import Done, judgefair

RUBRIC = planted_rubric("a", "b")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    items = armed_items(40)
    return planted_run(tmp_path / "run", RUBRIC, items, without_humans(planted_ratings(items)))


def filled(sheet: Path, raters: tuple[str, ...] = ("ann", "bob")) -> Path:
    """The sheet with a row of each rater for each task."""
    given = csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline=""))
    rows = [row | {"depth": str(2 + k % 4), "rater_id": rater} for k, row in enumerate(given) for rater in raters]
    back = sheet.parents[3] / "back.csv" if "annotation" in sheet.parts else sheet.parent / "back.csv"
    with back.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return back


@pytest.mark.parametrize("verb", ["export", "import"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        f"import sys; sys.argv = ['judgefair', 'annotate', {verb!r}, '--help']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {(*HEAVY, 'scipy', 'sklearn')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")


def test_labels_go_out_come_back_and_count(run: Callable[..., Done], judged: Path, tmp_path: Path) -> None:
    done = run("annotate", "export", judged, "--n", "60", "--format", "csv", "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    sheet, anchors = (judged / "annotation" / "1" / name for name in ("sheet.csv", "anchors.md"))
    assert told == {
        "sample": 1, "items": 60, "by_population": {"dialect: a": 30, "dialect: b": 30}, "files": [str(sheet), str(anchors)],
    }  # fmt: skip
    people = tmp_path / "people.csv"
    people.write_text("rater_id,role\nann,teacher\nbob,librarian\n", "utf-8")
    done = run("annotate", "import", judged, filled(sheet), "--raters", people, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {"run": str(judged), "ratings": 120, "items": 60, "raters": 2}
    done = run("estimate", judged, "--json")
    assert done.code == 0, done.err
    notes = json.loads(done.out)["notes"]
    assert any("by the inverse of the probability with which they were drawn" in note for note in notes)
    assert run("report", judged).code == 0


def test_without_json_each_says_what_comes_next(run: Callable[..., Done], judged: Path) -> None:
    done = run(
        "annotate", "export", judged, "--n", "20", "--out", judged.parent / "out", "--format", "csv", "--allocation", "worst-gap"
    )
    assert (done.code, done.err) == (0, "")
    assert "sample 1: 20 items" in done.out
    assert "dialect: a: 10" in done.out
    assert str(judged.parent / "out" / "sheet.csv") in done.out
    assert f"judgefair annotate import {judged} FILE" in done.out
    done = run("annotate", "import", judged, filled(judged.parent / "out" / "sheet.csv"))
    assert (done.code, done.err) == (0, "")
    assert f"{judged}: 40 ratings of 20 items by 2 raters. Next: judgefair estimate {judged}" in done.out


def test_the_format_is_label_studio_s_where_none_is_named(run: Callable[..., Done], judged: Path) -> None:
    told = json.loads(run("annotate", "export", judged, "--n", "20", "--json").out)
    assert {Path(path).name for path in told["files"]} == {"config.xml", "tasks.json", "README.txt"}


def test_what_is_wrong_with_the_input_is_told_and_exits_with_1(run: Callable[..., Done], judged: Path, tmp_path: Path) -> None:
    simulated = planted_run(tmp_path / "sim", RUBRIC, armed_items(10), planted_ratings(armed_items(10)), labels="simulated")
    for arguments, said in (
        (["export", tmp_path / "nothing", "--n", "5"], "nothing: has no program.json"),
        (["export", judged, "--n", "81"], "--n is 81, and 80 of the run's 80 answered items"),
        (["export", judged, "--n", "5", "--allocation", "worst_gap"], "--allocation is 'worst_gap'. Did you mean 'worst-gap'?"),
        (["export", judged, "--n", "5", "--format", "cvs"], "--format is 'cvs'. Did you mean 'csv'?"),
        (["export", simulated, "--n", "5"], "its labels are simulated"),
        (["import", judged, tmp_path / "back.csv"], "no sample is out. Draw one with: judgefair annotate export"),
    ):
        done = run("annotate", *arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert said in done.err
        assert "Traceback" not in done.err
    assert not (judged / "annotation").exists()
    assert run("annotate", "export", judged, "--n", "5").code == 0
    for arguments, said in (
        (["export", judged, "--n", "5"], "sample 1 has not come back yet"),
        (["import", judged, tmp_path / "back.csv"], "back.csv: cannot be read"),
        (["import", judged, tmp_path / "back.txt"], "'.txt' is no file of annotations"),
    ):
        done = run("annotate", *arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert said in done.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["export"], ["export", "run"], ["export", "run", "--n", "0"], ["export", "run", "--n", "many"], ["import"], ["import", "run"],
     ["export", "run", "--n", "5", "--seed", "-1"], ["import", "run", "file.csv", "--nonsense"], ["send", "run"]],
)  # fmt: skip
def test_a_wrong_use_exits_with_2(arguments: list[str], run: Callable[..., Done]) -> None:
    done = run("annotate", *arguments)
    assert done.code == 2
    assert "Traceback" not in done.err
