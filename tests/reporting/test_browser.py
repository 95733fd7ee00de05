"""Does a real browser show the page, whole and quiet, on a phone and a desk, in light and dark?"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import judgefair as jf
from judgefair.reporting import build_report, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    """Chromium, over pipes; playwright's own event loop needs a pair of Unix sockets, which pytest-socket lets through."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, hostile: jf.Validation, constructed: jf.Validation, run: Path
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    named = {"hostile": hostile, "constructed": constructed, "estimated": run}
    return {name: write_report(build_report(source), folder / name) for name, source in named.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("name", "n_sections"), [("hostile", 6), ("constructed", 7), ("estimated", 13)])
def test_a_page_is_whole_and_quiet(
    name: str, n_sections: int, width: int, scheme: str, browser: "sync_api.Browser", pages: dict[str, Path]
) -> None:
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    address = pages[name].as_uri()
    page.goto(address, wait_until="load")
    assert [url for url in asked if url != "data:,"] == [address]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    sections = page.locator("section")
    assert sections.count() == n_sections
    for place in range(sections.count()):
        assert sections.nth(place).is_visible()
        assert sections.nth(place).locator("h2").is_visible()
    figures = page.locator("figure svg")
    assert figures.count() > 0
    for place in range(figures.count()):
        box = figures.nth(place).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] > 40
    captions = page.locator("caption")
    for place in range(captions.count()):
        box = captions.nth(place).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width  # a caption is read without scrolling its table
    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert (brightness(ink) > brightness(paper)) == (scheme == "dark")
    assert page.evaluate("document.scripts.length") == 0
    assert said == []
    context.close()


def brightness(colour: str) -> float:
    """Sum of the channels of `rgb(r, g, b)`."""
    return sum(float(channel) for channel in colour[colour.index("(") + 1 : -1].split(",")[:3])
