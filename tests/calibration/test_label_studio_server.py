"""Does a real Label Studio take the project we write, and does what its users answer come back from its export?"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from judgefair import folders
from judgefair.calibration.annotation import Task, read_annotations, write_label_studio
from judgefair.errors import InputError
from tests.calibration.annotators import SPITEFUL, labelled, reasoned, rubric_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first time it installs Label Studio

VERSION = "1.23.2"
# Its requirements do not go together with ours, so that it gets an environment of its own, kept from one run to the next.
_HOME = (
    folders.cache() / "label-studio" / f"{VERSION}-python{sys.version_info[0]}.{sys.version_info[1]}"
)  # read before any test moves it
_NOWHERE = "http://127.0.0.1:9"  # the port of nobody: whatever it would fetch from the network, it cannot
TOKENS = {"ann@example.org": "a" * 40, "ben@example.org": "b" * 40}

RUBRIC = rubric_with()
TASKS = [
    Task("t0001", "Where is it?", "=1+1"),
    Task("t0002", f"$query {SPITEFUL}", "two\r\nlines"),
    Task("t0003", "", "語 \U0001f600"),
]


@pytest.fixture(scope="module")
def label_studio() -> Path:
    """The command, installed where it is not yet; without PyPI that fails, and so does the test."""
    command = _HOME / "bin" / "label-studio"
    _HOME.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{_HOME}.lock"):
        if not (_HOME / "complete").exists():
            shutil.rmtree(_HOME, ignore_errors=True)
            _install(_HOME, f"label-studio=={VERSION}")
            (_HOME / "complete").touch()
    return command


@pytest.fixture(scope="module")
def server(label_studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on loopback with two users and an empty database."""
    folder = tmp_path_factory.mktemp("label_studio")
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1", "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "LATEST_VERSION_CHECK": "0", "COLLECT_ANALYTICS": "0", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "DEBUG": "0",
        "HTTP_PROXY": _NOWHERE, "HTTPS_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1,localhost",
    }  # fmt: skip
    first, second = (("--username", user, "--password", "not-secret", "--user-token", token) for user, token in TOKENS.items())
    # Each command makes one user; the first one makes the organisation too, and says that such tokens are enough for it.
    _run(label_studio, "init", "--quiet", *first, "--enable-legacy-api-token", env=env)
    port = _free_port()
    started = [label_studio, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), *second]
    with subprocess.Popen(started, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        listens, log = threading.Event(), list[str]()
        threading.Thread(target=_follow, args=(process, log, listens), daemon=True).start()
        try:
            assert listens.wait(600)
            assert process.poll() is None, "".join(log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def ann(server: str) -> Iterator[httpx.Client]:
    with _client(server, "ann@example.org") as client:
        yield client


@pytest.fixture
def ben(server: str) -> Iterator[httpx.Client]:
    with _client(server, "ben@example.org") as client:
        yield client


def test_the_server_s_own_check_accepts_the_config_and_reads_every_level_from_it(ann: httpx.Client, tmp_path: Path) -> None:
    config = write_label_studio(TASKS, RUBRIC, tmp_path)[0].read_text("utf-8")
    assert ann.post("/api/projects/validate", json={"label_config": config}).status_code == 204
    broken = config.replace('toName="response"', 'toName="reply"', 1)
    assert ann.post("/api/projects/validate", json={"label_config": broken}).status_code == 400  # it does check
    read = _project(ann, tmp_path)["parsed_label_config"]
    kinds = {"depth-level": "Choices", "harsh-level": "Choices", "tone-level": "Choices", "warmth-level": "Number"}
    assert {name: read[name]["type"] for name in kinds} == kinds
    for criterion in RUBRIC.criteria[:3]:
        offered = [text.removeprefix("level:") for text in read[f"{criterion.id}-level"]["labels"]]
        extra = ["not_applicable"] if criterion.not_applicable else []
        assert offered == [*map(str, criterion.scale.levels), *extra]
    assert read["warmth-not-applicable"]["labels"] == ["not_applicable"]


def test_every_rating_annotator_and_attribute_comes_back(ann: httpx.Client, ben: httpx.Client, tmp_path: Path) -> None:
    project = _project(ann, tmp_path)
    numbers = _imported(ann, project, tmp_path)
    users = {user["email"]: str(user["id"]) for user in ann.get("/api/users").json()}
    expected = set()
    turn = cycle(range(12))
    for client, email in ((ann, "ann@example.org"), (ben, "ben@example.org")):
        for task in TASKS:
            results: list[dict[str, Any]] = []
            for criterion in RUBRIC.criteria:
                k = next(turn)
                levels = list(criterion.scale.levels)
                level = k / 8 if criterion.scale.kind == "interval" else levels[k % len(levels)]
                if criterion.not_applicable and k % 4 == 0:
                    level = None
                reason = f"{criterion.id} {SPITEFUL}" if k % 3 == 0 else ""
                results += labelled(project["label_config"], criterion.id, level, place=k % len(levels))
                results += reasoned(criterion.id, reason) if reason else []
                value = "" if level is None else f"{level:g}" if isinstance(level, float) else str(level)
                expected.add((task.task_id, criterion.id, users[email], value, "" if value else "not_applicable", reason))
            _annotate(client, numbers[task.task_id], {"result": results})
    # What is no human label: a model's prediction, and a task that a rater skipped.
    seen = labelled(project["label_config"], "depth", 0, place=1)
    ann.post("/api/predictions/", json={"task": numbers["t0001"], "result": seen, "model_version": "m"}).raise_for_status()
    _annotate(ben, numbers["t0002"], {"result": [], "was_cancelled": True})
    raters = tmp_path / "raters.csv"
    raters.write_text(f"rater_id,home\n{users['ben@example.org']},Pune\n{users['ann@example.org']},Oslo\n", "utf-8")
    with pytest.raises(InputError, match="in the format JSON-MIN"):
        read_annotations(_export(ann, project, tmp_path, "JSON_MIN"), TASKS, RUBRIC, raters)
    found = read_annotations(_export(ann, project, tmp_path, "JSON"), TASKS, RUBRIC, raters)
    assert set(found.ratings.itertuples(index=False, name=None)) == expected
    assert len(found.ratings) == len(expected) == 24
    assert dict(found.raters.itertuples(index=False, name=None)) == {
        users["ben@example.org"]: "Pune",
        users["ann@example.org"]: "Oslo",
    }


def test_a_text_changed_on_the_server_is_refused_and_so_is_a_task_that_nobody_annotated(
    ann: httpx.Client, tmp_path: Path
) -> None:
    project = _project(ann, tmp_path)
    numbers = _imported(ann, project, tmp_path)
    one_of_each = {"depth": 0, "harsh": 1, "tone": "a b", "warmth": 7.0}
    places = {"depth": 1, "harsh": 1, "tone": 4, "warmth": 0}
    results = [
        entry
        for name, level in one_of_each.items()
        for entry in labelled(project["label_config"], name, level, place=places[name])
    ]
    for task_id in ("t0001", "t0002"):
        _annotate(ann, numbers[task_id], {"result": results})
    with pytest.raises(InputError, match="1 of 3 tasks have no annotation: t0003"):
        read_annotations(_export(ann, project, tmp_path, "JSON"), TASKS, RUBRIC)
    task = ann.get(f"/api/tasks/{numbers['t0001']}/").json()
    changed = {"data": task["data"] | {"response": "A kinder one"}}
    ann.patch(f"/api/tasks/{numbers['t0001']}/", json=changed).raise_for_status()
    with pytest.raises(InputError, match="task t0001: the response is not the one that was given out: found 'A kinder one'"):
        read_annotations(_export(ann, project, tmp_path, "JSON"), TASKS, RUBRIC)


def _install(folder: Path, requirement: str) -> None:
    """A new environment with one package: by uv where it is, in a minute; else by pip, in many."""
    env = dict(os.environ)
    if uv := shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])):
        _run(uv, "venv", "--python", sys.executable, folder, env=env)
        _run(uv, "pip", "install", "--python", folder / "bin" / "python", requirement, env=env)
    else:
        venv.create(folder, with_pip=True)
        _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", requirement, env=env)


def _run(*command: str | Path, env: dict[str, str]) -> None:
    done = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _follow(process: "subprocess.Popen[str]", log: list[str], listens: threading.Event) -> None:
    """Keep what it prints, until it ends; `listens` is set once it listens or has ended."""
    assert process.stdout
    for line in process.stdout:
        log.append(line)
        if "Starting development server at" in line:
            listens.set()
    listens.set()


def _client(server: str, user: str) -> httpx.Client:
    return httpx.Client(base_url=server, headers={"Authorization": f"Token {TOKENS[user]}"}, timeout=120, trust_env=False)


def _project(client: httpx.Client, folder: Path) -> dict[str, Any]:
    config = write_label_studio(TASKS, RUBRIC, folder)[0].read_text("utf-8")
    made = client.post("/api/projects", json={"title": "Made up", "label_config": config})
    assert made.status_code == 201, made.text
    return dict(made.json())


def _imported(client: httpx.Client, project: dict[str, Any], folder: Path) -> dict[str, int]:
    """Upload tasks.json as a person does; the server's numbers of the tasks."""
    with (folder / "tasks.json").open("rb") as file:
        done = client.post(f"/api/projects/{project['id']}/import", files={"file": ("tasks.json", file, "application/json")})
    assert (done.status_code, done.json()["task_count"]) == (201, len(TASKS)), done.text
    tasks = client.get(f"/api/projects/{project['id']}/tasks", params={"page_size": -1}).json()
    return {task["data"]["task_id"]: task["id"] for task in tasks}


def _annotate(client: httpx.Client, task: int, annotation: dict[str, Any]) -> None:
    done = client.post(f"/api/tasks/{task}/annotations/", json=annotation)
    assert done.status_code == 201, done.text


def _export(client: httpx.Client, project: dict[str, Any], folder: Path, form: str) -> Path:
    done = client.get(f"/api/projects/{project['id']}/export", params={"exportType": form})
    assert done.status_code == 200, done.text
    path = folder / "export.json"
    path.write_bytes(done.content)
    return path
