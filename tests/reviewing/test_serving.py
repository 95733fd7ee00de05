"""Does the command serve this computer alone, say where, and end when it is told to?"""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from judgefair.cli import reviewing
from judgefair.errors import InputError, UsageError
from judgefair.reviewing import serving
from tests.reviewing.served import Served, served


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    reviewing.register(app)
    return app


def test_the_page_is_served_on_loopback_until_it_is_interrupted(examined: Path) -> None:
    with served(examined, "--rater", "eve", "--attribute", "first_language=Somali") as page:
        assert page.address.startswith("http://127.0.0.1:")
        with httpx.Client(follow_redirects=True, trust_env=False) as asked:
            assert asked.get(page.address.partition("?")[0]).status_code == 403
            shown = asked.get(page.address)
            assert shown.status_code == 200
            assert "server" not in shown.headers
            assert 'value="Somali"' in asked.get(page.address.partition("?")[0] + "rate").text
        assert listens_on(page) == {"0100007F"}  # 127.0.0.1, as the kernel writes it
        assert page.interrupt() == 0
        assert page.stderr() == ""
    assert not (examined / "annotation").exists()


def listens_on(page: Served) -> set[str]:
    """The addresses on which any process of this computer listens at the page's port."""
    port = f"{int(page.address.split(':')[2].partition('/')[0]):04X}"
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].is_file():
        pytest.skip("this system does not say what listens where")
    rows = [line.split() for table in tables if table.is_file() for line in table.read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}


def test_the_page_of_a_browser_is_opened_where_it_is_not_forbidden(examined: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, told, is_open = [], [], threading.Event()
    monkeypatch.setattr(serving.webbrowser, "open", lambda address: (opened.append(address), is_open.set()))
    monkeypatch.setattr(serving.uvicorn.Server, "run", lambda *_, **__: None)
    serving.serve(examined, told=told.append)
    assert is_open.wait(10)
    assert opened == told
    serving.serve(examined, told=told.append, opens_browser=False)
    assert len(opened) == 1


def test_a_port_that_is_taken_is_told(examined: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"--port is {port}: cannot be listened on"):
            serving.serve(examined, port=port, told=print, opens_browser=False)


def test_without_the_extra_it_is_said_what_to_install(
    examined: Path, command: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = CliRunner().invoke(command, [str(examined), "--no-browser"])
    assert isinstance(done.exception, InputError)
    assert "pip install 'judgefair[review]'" in str(done.exception)


@pytest.mark.parametrize("written", ["Somali", "=Somali", " = x"])
def test_an_attribute_without_a_name_is_a_wrong_use(written: str, examined: Path, command: typer.Typer) -> None:
    done = CliRunner().invoke(command, [str(examined), "--attribute", written])
    assert isinstance(done.exception, UsageError)
    assert "Expected KEY=VALUE" in str(done.exception)


def test_a_folder_that_is_no_run_is_told_before_anything_is_served(tmp_path: Path, command: typer.Typer) -> None:
    done = CliRunner().invoke(command, [str(tmp_path), "--no-browser", "--json"])
    assert isinstance(done.exception, InputError)
    assert done.stdout == ""


def test_the_command_line_imports_no_web_server_before_it_is_asked_for() -> None:
    code = (
        "import sys; from judgefair.cli import app; from judgefair.cli import reviewing\n"
        "print([name for name in ('starlette', 'uvicorn', 'jinja2', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
