"""What every test shares: a home of its own, and the original data where this machine has them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from judgefair import folders
from tests.chromium import CHROMIUM, QUIET

_MODELS = folders.cache() / "models"  # read before any test moves JUDGEFAIR_HOME
KEPT = {"JUDGEFAIR_HOME", "JUDGEFAIR_DATA", "JUDGEFAIR_FAULT_SEED", "JUDGEFAIR_GOLDEN"}

settings.register_profile("judgefair", deadline=None)
settings.load_profile("judgefair")


@pytest.fixture(autouse=True, scope="session")
def _home_of_wider_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures wider than one test do not write into the user's own home either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUDGEFAIR_HOME", str(_new_home(tmp_path_factory)))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty JUDGEFAIR_HOME for each test, in which models that were pulled before are still found; no defaults of the user's."""
    for name in [name for name in os.environ if name.startswith("JUDGEFAIR_") and name not in KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)
    folder = _new_home(tmp_path_factory)
    monkeypatch.setenv("JUDGEFAIR_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The original files of the sets: in JUDGEFAIR_DATA, or in shared/data beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    named = os.environ.get("JUDGEFAIR_DATA")
    folder = next((folder for folder in (Path(named) if named else beside, beside) if folder.is_dir()), None)
    if folder is None:
        pytest.skip(f"no human-annotated data: JUDGEFAIR_DATA is {named or 'not set'}, and {beside} does not exist")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, over pipes; playwright's own event loop needs a pair of Unix sockets, which pytest-socket lets through."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def _new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    if _MODELS.is_dir():
        (folder / "cache").mkdir()
        (folder / "cache" / "models").symlink_to(_MODELS.resolve(), target_is_directory=True)
    return folder
