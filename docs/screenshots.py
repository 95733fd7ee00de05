"""Take the pictures of the README: `python docs/screenshots.py`. Needs playwright, chromium, and nothing from the network."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from judgefair import folders
from judgefair.study import run_study

IMAGES = Path(__file__).parent / "images"
SIZE = (1280, 900)
MAX_BYTES = 300_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Run the planted study of the demo in a folder of its own, and take a picture of its report and of its review page."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run = run_study(folders.shipped("rubrics") / "writing_tutor" / "planted.yaml", Path(folder) / "planted")
        found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        take_report(browser, run)
        with reviewed(run) as address:
            take_review(browser, address)
        browser.close()


def take_report(browser: Browser, run: Path) -> Path:
    """The first screen of a run's report, as `report.png`."""
    return take(browser, (run / "report.html").as_uri(), "report.png")


@contextmanager
def reviewed(run: Path) -> Iterator[str]:
    """The address, with its key, of the review page of a run, while it is served."""
    line = [sys.executable, "-c", "from judgefair.cli import main; main()", "review", str(run), "--no-browser"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


def take_review(browser: Browser, address: str) -> Path:
    """The first item on the page that `judgefair review` serves at this address, as `review.png`."""
    return take(browser, address, "review.png", lambda page: page.locator("ol.cards h2 a").first.click())


def take(browser: Browser, address: str, name: str, then: Callable[[Page], object] = lambda _: None) -> Path:
    """What a browser shows at an address, before anybody scrolls, once `then` is done; the path of the picture.

    Raises
    ------
    ValueError : the picture is too large for a README.
    """
    width, height = SIZE
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(address, wait_until="load")
    then(page)
    page.wait_for_load_state()
    path = IMAGES / name
    page.screenshot(path=path)
    page.close()
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: {path.stat().st_size:,} bytes. Expected at most {MAX_BYTES:,}: take a smaller window")
    return path


if __name__ == "__main__":
    main()
