"""Does `suggest` show what it drafted, say how a person applies it, print one document, and end with the right code?"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from judgefair.cli import app, suggesting
from judgefair.models.stand_ins import scripted
from judgefair.rubric import check_rubric
from tests.builders import LIBRARY_DESK
from tests.cli.test_cli import HEAVY
from tests.command_line import Done, judgefair
from tests.desk_set import desk_set

NEW = "A scripted judge gives no reason."


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    if all(command.name != "suggest" for command in app.registered_commands):
        monkeypatch.setattr(app, "registered_commands", list(app.registered_commands))
        suggesting.register(app)
    return partial(judgefair, capsys)


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    folder = tmp_path / "my rubrics" / "library_desk"
    folder.mkdir(parents=True)
    shutil.copyfile(LIBRARY_DESK, folder / "rubric.yaml")
    return folder


@pytest.fixture
def arguments(rubric: Path, tmp_path: Path) -> tuple[str | Path, ...]:
    desk_set(tmp_path)
    models = ("--model", "scripted:first", "--words-model", "scripted:first")
    return ("suggest", rubric, "--set", tmp_path / "desk", *models, "--out", tmp_path / "out")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['judgefair', 'suggest', '--help']\n"
        "from judgefair.cli import app, main, suggesting\n"
        "if all(command.name != 'suggest' for command in app.registered_commands):\n    suggesting.register(app)\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {(*HEAVY, 'scipy', 'sklearn')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")


def test_old_and_new_words_stand_side_by_side_with_reason_and_populations(
    run: Callable[..., Done], arguments: tuple[str | Path, ...]
) -> None:
    done = run(*arguments)
    assert done.code == 0, done.err
    assert re.search(rf"How far does the answer take the reader\?\s+│\s+{re.escape(NEW)}", done.out)
    assert "helpfulness, question" in done.out
    assert f"Why: {NEW}" in done.out
    assert "Rests on 8 items (home_language: english 4, somali 4)." in done.out
    assert "talks_down: desk has no ratings of it." in done.err


def test_the_commands_that_it_prints_apply_the_patch(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], rubric: Path, tmp_path: Path
) -> None:
    done = run(*arguments)
    commands = [line.strip() for line in done.out.splitlines() if line.startswith("  ")]
    *applying, without_git, compare = commands
    assert without_git.startswith("(without git: patch -p1 <")
    subprocess.run(" && ".join(applying), shell=True, check=True, timeout=60)
    after, warnings = check_rubric(rubric)
    assert (after.version, after.criteria[0].question, warnings) == ("2.1.1", NEW, [])
    earlier = rubric.with_name("library_desk-2.1.0")
    assert check_rubric(earlier)[0].version == "2.1.0"
    model = ["--set", str(tmp_path / "desk"), "--model", "scripted:first"]
    assert shlex.split(compare) == ["judgefair", "compare", "--rubric", str(earlier), str(rubric), *model]


@pytest.mark.parametrize("why", ["shipped", "locked"])
def test_a_rubric_that_cannot_be_patched_in_place_is_to_be_copied_first(
    run: Callable[..., Done],
    arguments: tuple[str | Path, ...],
    rubric: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    if why == "shipped":
        monkeypatch.setattr("judgefair.folders.shipped", lambda _: rubric.parent)
    else:
        monkeypatch.setattr("os.access", lambda path, _: path != rubric)  # root may write anywhere
    done = run(*arguments)
    told = {"shipped": "The rubric comes with judgefair: copy it", "locked": "The rubric may not be written to: copy it"}[why]
    assert told in done.out
    own = tmp_path / "own"
    own.mkdir()
    commands = [line.strip() for line in done.out.splitlines() if line.startswith("  ")]
    subprocess.run(" && ".join(commands[:2]), shell=True, check=True, timeout=60, cwd=own)
    assert check_rubric(own / "library_desk")[0].criteria[0].question == NEW
    assert check_rubric(rubric)[0].version == "2.1.0"
    assert shlex.split(commands[-1])[3:5] == [str(rubric), "library_desk"]


def test_json_is_the_one_document_that_is_written_with_what_was_spent(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], tmp_path: Path
) -> None:
    done = run(*arguments, "--json")
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    written = json.loads((tmp_path / "out" / "suggestions.json").read_text("utf-8"))
    spent = {name: printed.pop(name) for name in ("calls", "tokens", "cost", "unpriced_tokens")}
    assert printed == written
    assert spent["calls"] == 49
    (suggestion,) = printed["suggestions"]
    assert set(suggestion) == {"criterion", "place", "old", "new", "why", "item_ids", "populations"}
    assert printed["set"]["labels"] == "constructed"
    assert Path(printed["patch"]).is_file()


def test_what_is_dropped_is_told_and_there_is_nothing_to_apply(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = scripted("first")
    silent.name = silent.server = "silent"
    monkeypatch.setattr(type(silent), "_answer", lambda _, __, field: 0 if "enum" in field and 0 in field["enum"] else "")
    done = run(*arguments, "--no-cache")
    assert done.code == 0, done.err
    assert "helpfulness: dropped: no answer that can be read: unparsable" in done.out
    assert "Nothing to suggest" in done.out
    assert "git apply" not in done.out


def test_a_budget_ends_with_4(run: Callable[..., Done], arguments: tuple[str | Path, ...]) -> None:
    done = run(*arguments, "--max-calls", "5", "--no-cache")
    assert (done.code, done.out) == (4, "")
    assert "What had landed is kept" in done.err


@pytest.mark.parametrize("lacking", ["--set", "--model", "--words-model", "--out"])
def test_an_option_that_is_wanting_is_a_wrong_use(
    run: Callable[..., Done], arguments: tuple[str | Path, ...], lacking: str
) -> None:
    place = arguments.index(lacking)
    assert run(*arguments[:place], *arguments[place + 2 :]).code == 2


def test_an_unknown_set_ends_with_1(run: Callable[..., Done], rubric: Path, tmp_path: Path) -> None:
    models = ("--model", "scripted:first", "--words-model", "scripted:first")
    done = run("suggest", rubric, "--set", "nowhere", *models, "--out", tmp_path / "out")
    assert done.code == 1
    assert "nowhere: no calibration set there" in done.err
