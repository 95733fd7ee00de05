"""Does an installed wheel work on its own, with its rubrics and sets inside, in a folder without the checkout?"""

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from judgefair import folders
from judgefair.models.embedded import WEIGHTS

ROOT = Path(__file__).parents[1]
HERE = """
import judgefair, json, sys
from judgefair import folders
from judgefair.calibration import known_sets
print(json.dumps([judgefair.__file__, str(folders.shipped("rubrics")), str(folders.shipped("calibration_sets"))]))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What the command prints; it must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("judgefair-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin of a new environment that holds the wheel, and finds its dependencies, but no judgefair, in this one.

    Python does not read the .pth files of a folder that it knows through a .pth file, so that the editable install, which
    is such a file, stays out.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    ours = [path for path in site.getsitepackages() if path.startswith(sys.prefix)]
    (packages / "dependencies.pth").write_text("\n".join(ours) + "\n", "utf-8")
    run(
        sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--no-deps", "--no-index",
        "--force-reinstall", "--ignore-installed", "--disable-pip-version-check", wheel, cwd=folder,
    )  # fmt: skip
    return folder / "bin"


def test_a_wheel_holds_rubrics_sets_and_the_report_s_parts_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for kind in ("rubrics", "calibration_sets"):
        for path in (ROOT / kind).rglob("*"):
            if path.is_file():
                assert f"judgefair/shipped/{path.relative_to(ROOT).as_posix()}" in names
    assert {"judgefair/reporting/report.css", "judgefair/reporting/report.html.jinja"} <= set(names)
    assert all(name.startswith(("judgefair/", "judgefair-")) for name in names)


def test_the_installed_package_finds_what_it_ships(installed: Path, tmp_path: Path) -> None:
    import json

    where, rubrics, sets = json.loads(run(installed / "python", "-c", HERE, cwd=tmp_path, JUDGEFAIR_HOME=str(tmp_path / "home")))
    inside = installed.parent.resolve()
    assert Path(where).resolve().is_relative_to(inside)
    assert Path(rubrics).resolve().is_relative_to(inside)
    assert Path(sets).resolve().is_relative_to(inside)
    assert sorted(path.name for path in Path(rubrics).iterdir()) == sorted(p.name for p in (ROOT / "rubrics").iterdir())


@pytest.mark.slow
def test_the_installed_command_gives_the_demo(installed: Path, home: Path, tmp_path: Path) -> None:
    run(installed / "judgefair", "demo", "--out", "demo", "--model", "scripted:hash", cwd=tmp_path, JUDGEFAIR_HOME=str(home))
    reports = {path.parent.name: path.read_text("utf-8") for path in tmp_path.rglob("report.html")}
    assert set(reports) == {"planted", "real"}
    assert "constructed" in reports["real"]
    assert "simulation" in reports["planted"]


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_here, reason=f"the embedded model is not in {folders.cache()}: judgefair models pull local")
def test_the_installed_command_gives_the_demo_on_the_embedded_model(installed: Path, home: Path, tmp_path: Path) -> None:
    run(installed / "judgefair", "demo", "--out", "demo", cwd=tmp_path, JUDGEFAIR_HOME=str(home))
    report = tmp_path / "demo" / "real" / "report.html"
    assert WEIGHTS.name.split()[0].lower()[:4] in report.read_text("utf-8").lower()
