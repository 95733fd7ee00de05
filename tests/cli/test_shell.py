"""Does the command line keep the manners of a shell: defaults from the environment, completion, colour, examples, JSON?"""

import contextlib
import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest

from judgefair import plugins
from judgefair.calibration import known_sets
from judgefair.cli import completing
from judgefair.cli.output import progress_bar
from judgefair.compile.improving import ISOTONIC
from judgefair.models.stand_ins import SCRIPTS
from judgefair.rubric.context import Cue
from judgefair.runs import Progress
from tests.builders import LIBRARY_DESK
from tests.cli.test_cli import COMMANDS, HEAVY
from tests.command_line import Done, judgefair
from tests.test_docs import options_of, resolve

VERBS = [(path, command) for path, command in COMMANDS if not hasattr(command, "commands")]
NAMES = [" ".join(path) for path, _ in VERBS]
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:[34][0-8]|9[0-7])(?:;[0-9]+)*m")
# By option, the variable that sets it, wherever a verb has it.
VARIABLES = {
    f"--{name}": f"JUDGEFAIR_{name.upper().replace('-', '_')}"
    for name in (
        "concurrency", "max-calls", "max-tokens", "max-cost", "prices", "max-seconds", "rpm", "tpm", "key-env", "key-file",
        "call-seconds", "hedge-after", "attempts",
    )
}  # fmt: skip


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name; the ratings are made up."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {"item_id": f"i{i}", "rater_id": rater, "value": 1 + (i * k) % 5, "pop.dialect": "ab"[i % 2]}
        for i in range(8)
        for k, rater in enumerate(("ann", "bob", "gpt-4"), 1)
    ]
    with Path("ratings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    items = [
        {"item_id": f"a{i}", "query": f"q{i}", "response": f"r{i}", "populations": {"dialect": "ab"[i % 2]}} for i in range(4)
    ]
    Path("items.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in items), "utf-8")
    shutil.copyfile(LIBRARY_DESK, "rubric.yaml")
    study = "id: mine\nrubric: writing_tutor\nsystems: [{id: tutor, model: local}]\njudges: [{model: local}]\n"
    Path("study.yaml").write_text(study, "utf-8")
    return tmp_path


# Help


@pytest.mark.parametrize(("path", "command"), VERBS, ids=NAMES)
def test_help_is_whole_on_a_terminal_of_80_columns(
    path: tuple[str, ...], command: click.Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cut short: a variable whose name ends in dots cannot be set."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    assert "…" not in judgefair(capsys, *path, "--help").out


# JSON


@pytest.mark.parametrize(("path", "command"), VERBS, ids=NAMES)
def test_every_verb_can_print_its_result_as_json(path: tuple[str, ...], command: click.Command) -> None:
    assert "--json" in options_of(command)


def test_what_was_written_is_one_json_document(run: Callable[..., Done], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("init", "mine", "--json")
    assert [Path(name).parent.name for name in json.loads(done.out)["files"]] == ["mine"] * len(os.listdir("mine"))
    done = run("sets", "import", "ratings.csv", "--out", "my_set", "--scale", "ordinal:1-5", "--labels", "human", "--json")
    assert json.loads(done.out) == {"id": "my_set", "folder": "my_set"}
    monkeypatch.setattr("judgefair.models.embedded.pull", lambda: here / "weights")
    assert json.loads(run("models", "pull", "--json").out)["path"] == str(here / "weights")


# Examples


def examples_of(command: click.Command) -> list[list[str]]:
    lines = (command.epilog or "").split("\n\n")
    return [shlex.split(line) for line in lines if line.startswith("judgefair ")]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_help_ends_with_examples_that_resolve_to_real_options(
    path: tuple[str, ...], command: click.Command, run: Callable[..., Done]
) -> None:
    examples = examples_of(command)
    assert examples
    for words in examples:
        found, rest = resolve(words[1:])
        assert {word for word in rest if word.startswith("--")} <= options_of(found), words
        if not hasattr(command, "commands"):
            assert found.name == command.name, words
    assert run(*path, "--help").out.rstrip().endswith(shlex.join(examples[-1]))


@pytest.mark.parametrize(
    "line",
    [
        "judgefair init my_rubric",
        "judgefair check rubric.yaml study.yaml ratings.csv",
        "judgefair compile my_rubric --out program.json",
        "judgefair judge --program program.json --items items.jsonl --model scripted:hash --out runs/tried --json",
        "judgefair show runs/mine a1",
        "judgefair sets list --json",
        "judgefair sets show writing_tutor_anchors",
        "judgefair sets import ratings.csv --out my_set --scale ordinal:0-4 --labels human",
        "judgefair models list",
        "judgefair plugins",
        "judgefair plan --sd 1 --correlation 0.6 --items 500 --populations 4 --tolerance 0.25",
        "judgefair simulate writing_tutor --scenarios 50 --strength 2 --dry-run",
        "judgefair run study.yaml --dry-run",
    ],
)
def test_an_example_runs_as_it_stands(line: str, run: Callable[..., Done], here: Path) -> None:
    words = shlex.split(line)
    assert any(words in examples_of(command) for _, command in COMMANDS), "no help shows it"
    compiled = "compile writing_tutor --out program.json"
    judged = "judge --program program.json --items items.jsonl --model scripted:hash --out runs/mine"
    before = {"compile": ["init my_rubric"], "judge": [compiled], "show": [compiled, judged]}
    if "ordinal:0-4" in words:
        Path("ratings.csv").write_text("item_id,rater_id,value\na,ann,4\na,bob,0\n", "utf-8")
    for earlier in before.get(words[1], []):
        assert run(*earlier.split()).code == 0
    done = run(*words[1:])
    assert done.code == 0, done.err
    assert done.out


# Defaults from the environment


def test_a_shared_option_has_one_variable_wherever_it_stands() -> None:
    seen = set()
    for path, command in VERBS:
        for parameter in command.params:
            for option in set(parameter.opts) & set(VARIABLES):
                seen.add(option)
                assert parameter.envvar == VARIABLES[option], (path, option)
    assert seen == set(VARIABLES)


def test_the_variable_for_a_model_names_judges_alone() -> None:
    """What would cost money unasked, or means another model than a judge, is never taken from the environment."""
    named = {
        name for name, (_, command) in zip(NAMES, VERBS, strict=True) for p in command.params if p.envvar == "JUDGEFAIR_MODEL"
    }
    assert {"judge", "validate", "compile", "compare", "probe", "suggest"} <= named
    assert not named & {"demo", "doctor", "simulate users", "respond"}


def test_help_names_the_variables(run: Callable[..., Done]) -> None:
    said = run("judge", "--help").out
    assert all(name in said for name in ("JUDGEFAIR_MODEL", "JUDGEFAIR_CONCURRENCY", "JUDGEFAIR_RPM", "JUDGEFAIR_KEY_ENV"))


def test_an_option_comes_from_the_environment_unless_it_is_typed(
    run: Callable[..., Done], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("compile", "rubric.yaml", "--out", "program.json")
    monkeypatch.setenv("JUDGEFAIR_MODEL", "scripted:hash")
    monkeypatch.setenv("JUDGEFAIR_MAX_CALLS", "1")
    line = ("judge", "--program", "program.json", "--items", "items.jsonl", "--no-cache", "--json")
    done = run(*line, "--out", "one")
    assert (done.code, json.loads(done.out)["calls"]) == (4, 1)
    done = run(*line, "--out", "two", "--model", "scripted:first", "--max-calls", "100")
    assert (done.code, json.loads(done.out)["calls"]) == (0, 8)
    assert json.loads(Path("two/manifest.json").read_text("utf-8"))["model"]["name"] == "scripted:first"


def test_a_bad_value_is_told_with_its_variable(run: Callable[..., Done], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEFAIR_CONCURRENCY", "many")
    done = run("judge", "--program", "p.json", "--items", "items.jsonl", "--model", "scripted:first", "--out", "run")
    assert (done.code, "JUDGEFAIR_CONCURRENCY" in done.err) == (2, True)


@pytest.mark.parametrize("option", ["--rpm", "--tpm"])
def test_a_rate_of_nothing_is_refused(run: Callable[..., Done], here: Path, option: str) -> None:
    run("compile", "rubric.yaml", "--out", "program.json")
    line = ("judge", "--program", "program.json", "--items", "items.jsonl", "--model", "scripted:first", "--out", "run")
    done = run(*line, option, "0")
    assert (done.code, f"{option} is 0" in done.err) == (2, True)


def test_a_model_in_the_environment_is_no_contradiction_where_none_is_asked(
    run: Callable[..., Done], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAIR_MODEL", "scripted:first")
    assert run("compile", "rubric.yaml", "--out", "program.json").code == 0
    assert run("validate", "--ratings", "ratings.csv", "--judge", "gpt-4", "--scale", "ordinal:1-5", "--out", "out").code == 0
    assert run("compare", "nothing").code == 1  # bad input, and no wrong use
    assert run("compile", "rubric.yaml", "--out", "p.json", "--model", "scripted:first").code == 2


# Completion


def completed(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """What bash is given for the last word of a line."""
    monkeypatch.setenv("_JUDGEFAIR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    return run().out.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("judgefair dem", ["demo"]),
        ("judgefair sets fe", ["fetch"]),
        ("judgefair judge --max-ca", ["--max-calls"]),
        ("judgefair compile writing_", ["writing_tutor"]),
        ("judgefair simulate writing_t", ["writing_tutor"]),
        ("judgefair compile x --optimizer boot", ["bootstrap", "bootstrap_random_search"]),
        ("judgefair compile x --optimizer iso", ["isotonic"]),
        ("judgefair validate --set writing_tutor_", ["writing_tutor_anchors"]),
        ("judgefair sets show dices_35", ["dices_350"]),
        ("judgefair judge --model l", ["local"]),
        ("judgefair judge --model scr", [f"scripted:{name}" for name in SCRIPTS]),
        ("judgefair probe --probe pa", ["padding", "paraphrase"]),
        ("judgefair respond run --target rec", ["recorded"]),
        ("judgefair validate --split t", ["train", "test"]),
        ("judgefair validate --panel me", ["mean", "median"]),
        ("judgefair simulate users x --cue di", ["dialect"]),
    ],
)
def test_names_are_completed(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, line: str, wanted: list[str]) -> None:
    assert sorted(completed(run, monkeypatch, line)) == sorted(wanted)


def test_what_is_completed_is_what_there_is() -> None:
    assert set(completing.SCRIPTED) == set(SCRIPTS)
    assert completing.ISOTONIC == ISOTONIC
    assert completing.sets("") == known_sets()
    assert set(completing.probes("")) == set(plugins.names("probes"))
    assert completing.cues("") == list(Cue.__args__)  # type: ignore[attr-defined]


def test_completing_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['judgefair']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    asked = {"_JUDGEFAIR_COMPLETE": "complete_bash", "COMP_WORDS": "judgefair probe --probe p", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=os.environ | asked
    )
    assert done.stderr.strip().endswith("[]")
    assert "padding" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_with_the_script_that_it_is_given(tmp_path: Path) -> None:
    command = f"import sys; sys.path[:] = {sys.path!r}; sys.argv[0] = 'judgefair'; from judgefair.cli import main; main()"
    (tmp_path / "judgefair").write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-c", command])} "$@"\n', "utf-8")
    (tmp_path / "judgefair").chmod(0o755)
    script = """\
eval "$(_JUDGEFAIR_COMPLETE=source_bash judgefair)"
COMP_WORDS=(judgefair models p) COMP_CWORD=2
_judgefair_completion judgefair
echo "${COMPREPLY[@]}"
"""
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True, env=environment)
    assert done.stdout.strip() == "pull", done.stderr


# Colour


class Terminal:
    """What a program thinks is a terminal: stdout or stderr, with `isatty` saying so."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        return True


SETTINGS = [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False), (None, False, False)]
LINES = [("--help",), ("validate", "--ratings", "ratings.csv", "--judge", "gpt-4", "--scale", "ordinal:1-5", "--out", "out")]


@pytest.mark.parametrize("line", LINES, ids=["help", "validate"])
@pytest.mark.parametrize(("setting", "is_coloured", "is_styled"), SETTINGS, ids=["terminal", "NO_COLOR", "dumb", "no terminal"])
def test_colour_is_for_terminals_that_want_it(
    run: Callable[..., Done],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: tuple[str, ...],
    setting: dict[str, str] | None,
    is_coloured: bool,
    is_styled: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", None)  # which a CI server's variable sets
    for name, value in (setting or {}).items():
        monkeypatch.setenv(name, value)
    if setting is not None:
        monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    said = run(*line).out
    assert (bool(COLOUR.search(said)), "\x1b" in said) == (is_coloured, is_styled)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_bar_is_drawn_where_it_can_be_and_told_in_lines_elsewhere(
    term: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", term)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal(sys.stderr))
    with contextlib.ExitStack() as stack:
        update = stack.enter_context(progress_bar("judging"))
        progress = Progress(4)
        progress.done = 4
        update(progress)
    said = capsys.readouterr().err
    assert ("\x1b" in said) is (term == "xterm")
    assert ("judging: 4 of 4" in said) is (term == "dumb")
