"""Does the key stay out of everything that is written or said, and is there no way in that would run what a file says?

SECURITY.md says what is defended against whom; the first tests hold its list.
"""

import ast
import base64
import html
import json
import re
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from urllib.parse import quote

import openai
import pyarrow.parquet as pq
import pytest
import yaml

from judgefair.errors import InputError
from judgefair.models import choose_model
from judgefair.records import Item
from judgefair.reporting import build_report
from tests import loopback as lb
from tests.builders import LIBRARY_DESK, tiny_items, write_items
from tests.command_line import judgefair

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "judgefair").rglob("*.py"))


def test_every_file_that_the_threat_model_names_is_there():
    named = re.findall(r"`((?:judgefair|tests)/[^`]+)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []


# What runs or unpacks what it reads

MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {
    "eval",
    "exec",
    "extractall",
    "read_pickle",
    "to_pickle",
    "unsafe_load",
    "full_load",
    "load_all",
    "unpack_archive",
    "system",
    "popen",
}
OPTIONS = {"allow_pickle": True, "shell": True, "verify": False, "trust_remote_code": True, "check_hostname": False, "ssl": False}


def findings(source: str) -> list[str]:
    """What a source file has that runs, unpacks or trusts what it is given."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [alias.name for alias in names if alias.name.split(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                found += [module] if module.split(".")[0] in MODULES else []
                found += [alias.name for alias in names if alias.name in CALLS | MODULES]
            case ast.Call(func=function, keywords=keywords):
                name = ast.unparse(function)
                last = name.rpartition(".")[2]
                # `re.compile` and the like are other functions of the same name; of `eval` and `exec` there is one.
                found += [name] if last in CALLS and not (last == "eval" and name != "eval") else []
                found += [name] if name == "yaml.load" else []
                found += [
                    f"{word.arg}={word.value.value}"
                    for word in keywords
                    if word.arg in OPTIONS and isinstance(word.value, ast.Constant) and word.value.value is OPTIONS[word.arg]
                ]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_file_unpickles_evaluates_or_trusts_what_it_reads(path):
    assert findings(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import dill.source",
        "from joblib import load",
        "from os import system",
        "import numpy as np; np.load(path, allow_pickle=True)",
        "import pandas as pd; pd.read_pickle(path)",
        "import yaml; yaml.load(text)",
        "import yaml; yaml.load(text, Loader=yaml.SafeLoader)",
        "import yaml; yaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(text, shell=True)",
        "archive.extractall(folder)",
        "httpx.get(url, verify=False)",
        "load_dataset(name, trust_remote_code=True)",
    ],
)
def test_each_of_these_would_be_found(source):
    assert len(findings(source)) == 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_file_names_an_address_that_everybody_can_reach(path):
    assert "0.0.0.0" not in path.read_text("utf-8")


# The key

CANARY = "sk/canary+7d2f90c1-e5=="
FORMS = (
    CANARY,
    quote(CANARY, safe=""),
    quote(CANARY),
    html.escape(CANARY),
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"Bearer {CANARY}".encode()).decode(),
    base64.b64encode(f"desk:{CANARY}".encode()).decode(),
)
ECHO = f"Incorrect key: {' or '.join(FORMS)}."
"""What a server may say that repeats the key in every way it can think of."""
WORDS = re.compile("|".join(re.escape(form.rstrip("=")[-20:] if form != CANARY else form) for form in FORMS))


def told(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder with what it holds, also where that is compressed or in a database."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "models" not in path.parts):
        yield str(path), path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield str(path), str(pq.read_table(path).to_pylist())
            yield str(path), str(pq.read_schema(path).metadata)
        if path.read_bytes()[:15] == b"SQLite format 3":
            with closing(sqlite3.connect(path)) as database:
                tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                cells = [cell for table in tables for row in database.execute(f'SELECT * FROM "{table}"') for cell in row]
            yield (
                str(path),
                "\n".join(cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in cells),
            )


def assert_kept_secret(said: str, *folders: Path) -> None:
    assert not WORDS.search(said)
    assert not [where for folder in folders for where, content in told(folder) if WORDS.search(content)]


def completion(body) -> lb.Behaviour:
    """An answer that holds the key wherever a server can put text: as what a system says, or as a judge's reason."""
    if "response_format" not in body:
        return lb.Behaviour(message={"content": f"Your paragraph is clear. {ECHO}"})
    return lb.ok(rationale=ECHO)


def hostile(number, body) -> lb.Behaviour:
    """A server that repeats the key in every answer, and in an error of another kind each time."""
    match number % 12:
        case 3:
            return lb.status(400, ECHO, ECHO, x_echo=ECHO)
        case 5:
            return lb.Behaviour(400, raw=f"<html>{ECHO}</html>".encode())
        case 7:
            return lb.Behaviour(422, raw=json.dumps({"detail": [{"msg": ECHO, "input": {"authorization": ECHO}}]}).encode())
        case 9:
            return lb.refusal(ECHO) if "response_format" in body else completion(body)
        case 11:
            return lb.says(ECHO) if "response_format" in body else completion(body)
    return completion(body)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with the key in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("DESK_KEY", CANARY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("judgefair.models.client.RetryAfterWait", lambda _: lambda _: 0)
    return tmp_path


def reasoning_rubric(source: Path, folder: Path) -> Path:
    """A rubric whose judge gives reasons, which reports quote."""
    folder.mkdir()
    text = source.read_text("utf-8")
    assert "mode: score" in text
    (folder / "rubric.yaml").write_text(text.replace("mode: score", "mode: reason_then_score"), "utf-8")
    return folder


def test_every_form_of_the_key_would_be_found_in_a_file(tmp_path):
    for form in FORMS:
        (tmp_path / "file").write_text(form)
        with pytest.raises(AssertionError):
            assert_kept_secret("", tmp_path)
        with pytest.raises(AssertionError):
            assert_kept_secret(form)


def test_a_study_on_a_server_that_repeats_the_key_tells_it_nowhere(folder, home, capsys):
    reasoning_rubric(ROOT / "rubrics" / "writing_tutor" / "rubric.yaml", folder / "tutor")
    with lb.loopback(hostile) as server:
        study = {
            "id": "made_up", "rubric": "tutor", "as_of": date(2026, 1, 1),
            "plan": {"scenarios": 2, "axes": ["dialect"], "cues": ["dialect"], "placebos": False},
            "systems": [{"id": "tutor", "kind": "chat", "model": f"tiny@{server.address}", "key_env": "DESK_KEY"}],
            "judges": [{"model": f"tiny@{server.address}"}], "calibration": {"set": "writing_tutor_anchors", "split": "dev"},
        }  # fmt: skip
        (folder / "study.yaml").write_text(yaml.safe_dump(study), "utf-8")
        for more in ((), ("--json",)):
            done = judgefair(capsys, "run", folder / "study.yaml", "--out", folder / "run", *more)
            assert done.code in {0, 3}, done.err
            assert_kept_secret(done.out + done.err, folder, home)
        for verb in ("estimate", "report"):
            for more in ((), ("--json",)):
                done = judgefair(capsys, verb, folder / "run", *more)
                assert done.code in {0, 3}, done.err
                assert_kept_secret(done.out + done.err, folder, home)
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {CANARY}"}
    assert len(server.calls) > 24  # each kind of error at least twice
    held = "\n".join(content for _, content in told(folder / "run"))
    assert "[key]" in held
    assert {"report.html", "report.md", "report.json"} <= {path.name for path in (folder / "run").iterdir()}


def test_verbs_that_ask_one_by_one_tell_the_key_nowhere(folder, home, capsys):
    rubric = reasoning_rubric(LIBRARY_DESK, folder / "desk")
    items = write_items([*tiny_items(12), Item("=cmd", "q", "r")], folder / "items.jsonl")
    with lb.loopback(hostile) as server:
        model = f"tiny@{server.address}"
        commands = [
            ("compile", rubric, "--out", "program.json"),
            ("judge", "--program", "program.json", "--items", items, "--model", model, "--out", "judged", "--attempts", "1"),
            ("judge", "--program", "program.json", "--items", items, "--model", model, "--out", "judged", "--json", "--no-cache"),
            ("simulate", rubric, "--scenarios", "1", "--model", model, "--out", "simulated"),
            ("simulate", rubric, "--scenarios", "1", "--no-placebos", "--out", "asked"),
            ("respond", "asked", "--id", "desk", "--set", f"model={model}", "--refusal-judge", model),
            ("respond", "asked", "--id", "desk", "--set", f"model={model}", "--json"),
        ]
        for command in commands:
            done = judgefair(capsys, *command)
            assert done.code in {0, 1, 3, 4}, done.err
            assert "Traceback" not in done.err
            assert_kept_secret(done.out + done.err, folder, home)
    assert len(server.calls) > 24


def test_a_key_from_a_file_is_used_and_told_nowhere_and_one_that_others_may_read_is_refused(
    folder, home, capsys, monkeypatch, tmp_path_factory
):
    key = tmp_path_factory.mktemp("keys") / "desk"
    key.write_text(CANARY + "\n")
    monkeypatch.delenv("OPENAI_API_KEY")
    judgefair(capsys, "compile", reasoning_rubric(LIBRARY_DESK, folder / "desk"), "--out", "program.json")
    items = write_items(tiny_items(3), folder / "items.jsonl")
    with lb.loopback(hostile) as server:
        files = ("--program", "program.json", "--items", items, "--model", f"tiny@{server.address}", "--out", "judged")
        command = ("judge", *files, "--key-file", key, "--attempts", "1")
        key.chmod(0o644)
        done = judgefair(capsys, *command)
        assert (done.code, len(server.calls)) == (1, 0)
        assert "chmod 600" in done.err
        key.chmod(0o600)
        done = judgefair(capsys, *command)
        assert done.code in {0, 4}, done.err
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {CANARY}"}
    assert_kept_secret(done.out + done.err, folder, home)


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 503])
def test_an_error_that_ends_the_work_does_not_repeat_the_key(code, folder, home, capsys):
    judgefair(capsys, "compile", reasoning_rubric(LIBRARY_DESK, folder / "desk"), "--out", "program.json")
    items = write_items(tiny_items(1), folder / "items.jsonl")
    with lb.loopback(lb.status(code, ECHO, "insufficient_quota" if code == 429 else ECHO, x_echo=ECHO)) as server:
        command = ("judge", "--program", "program.json", "--items", items, "--model", f"tiny@{server.address}", "--attempts", "1")
        done = judgefair(capsys, *command, "--out", "judged")
    assert done.code in {1, 4}
    assert_kept_secret(done.out + done.err, folder, home)


def test_a_list_of_models_that_repeats_the_key_names_no_model_by_it(folder, home, capsys):
    judgefair(capsys, "compile", reasoning_rubric(LIBRARY_DESK, folder / "desk"), "--out", "program.json")
    items = write_items(tiny_items(1), folder / "items.jsonl")
    with lb.loopback(lb.ok(), models=(f"model-of-{CANARY}",)) as server:
        done = judgefair(
            capsys, "judge", "--program", "program.json", "--items", items, "--model", server.address, "--out", "judged"
        )
        assert [headers["authorization"] for headers in server.asked_for_models] == [f"Bearer {CANARY}"]
    assert_kept_secret(done.out + done.err, folder, home)


def test_no_picture_of_a_model_shows_its_key(folder):
    model = choose_model("tiny@http://127.0.0.1:9/v1", key_env="DESK_KEY")
    for text in (repr(model), str(model), f"{model!r:>9}", str([model]), str({"model": model})):
        assert CANARY not in text


async def test_no_traceback_of_a_failed_request_shows_the_key(folder):
    with lb.loopback(lb.status(401, ECHO, ECHO, x_echo=ECHO)) as server:
        model = choose_model(f"tiny@{server.address}", key_env="DESK_KEY")
        async with model.open() as post:
            with pytest.raises(openai.APIStatusError) as caught:
                await post({"model": "tiny", "messages": []})
    shown = "".join(traceback.format_exception(caught.value))
    assert_kept_secret(shown)
    assert_kept_secret(repr(caught.value))


@pytest.mark.parametrize(
    "address", [f"http://desk:{quote(CANARY, safe='')}@127.0.0.1:9/v1", f"https://{quote(CANARY, safe='')}@models.example/v1"]
)
@pytest.mark.parametrize("named", ["", "tiny@"])
def test_an_address_that_carries_a_key_is_refused_and_not_repeated(named, address, folder, home, capsys):
    judgefair(capsys, "compile", reasoning_rubric(LIBRARY_DESK, folder / "desk"), "--out", "program.json")
    items = write_items(tiny_items(1), folder / "items.jsonl")
    done = judgefair(
        capsys, "judge", "--program", "program.json", "--items", items, "--model", named + address, "--out", "judged"
    )
    assert done.code == 1
    assert_kept_secret(done.out + done.err, folder, home)


def test_a_key_in_place_of_its_variable_s_name_is_not_repeated(folder, home, capsys):
    judgefair(capsys, "compile", reasoning_rubric(LIBRARY_DESK, folder / "desk"), "--out", "program.json")
    items = write_items(tiny_items(1), folder / "items.jsonl")
    command = ("judge", "--program", "program.json", "--items", items, "--model", "gpt-4.1-mini", "--key-env", CANARY)
    done = judgefair(capsys, *command, "--out", "judged")
    assert done.code == 1
    assert_kept_secret(done.out + done.err, folder, home)


# What steers a terminal


def test_what_a_file_says_does_not_steer_the_terminal(folder, capsys):
    (folder / "ratings.csv").write_text("item_id,rater_id,value\na\x1b[2J,r,\x1b]0;owned\x07\n", "utf-8")
    done = judgefair(
        capsys, "validate", "--ratings", "ratings.csv", "--judge", "\x1b[31mj", "--scale", "ordinal:1-5", "--out", "x"
    )
    assert done.code == 1
    assert "owned" in done.err or "j" in done.err
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", done.out + done.err)


# What a folder that somebody hands over says of itself


@pytest.mark.parametrize("cell", ["../other", "/etc", ".", "a/../..", ""])
def test_a_report_is_made_of_runs_below_its_own_folder_alone(cell, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({"cells": [cell]}), "utf-8")
    with pytest.raises(InputError, match="which is not below it"):
        build_report(tmp_path / "run")
