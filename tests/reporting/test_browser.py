"""Does a real browser show the page, whole, quiet and to everybody, on a phone, a desk and paper, in light and dark?"""

from pathlib import Path

import pytest

import judgefair as jf
from judgefair.comparison import compare, write_comparison
from judgefair.reporting import build_report, write_report
from judgefair.validation import save_validation
from tests.chromium import IN_CHROMIUM, brightness
from tests.reporting.conftest import made_up

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NAMES = ["hostile", "constructed", "estimated", "compared"]
PAPER = 700
"""Pixels of CSS between the margins of an A4 page."""
pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, hostile: jf.Validation, constructed: jf.Validation, run: Path
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    named = {"hostile": hostile, "constructed": constructed, "estimated": run}
    written = {name: write_report(build_report(source), folder / name) for name, source in named.items()}
    runs = []
    for judge in ("one", "another"):
        table = made_up(hostile=False).replace({"rater_id": {"judge": judge}})
        validation = jf.validate_ratings(table, judge, "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
        runs.append(folder / f"run-{judge}")
        save_validation(validation, runs[-1])
    return {**written, "compared": write_comparison(compare(runs, n_resamples=20), folder / "compared")}


def unfold(page: "sync_api.Page") -> None:
    """Open all that is folded away, as a reader would."""
    page.evaluate("document.querySelectorAll('details').forEach(folded => { folded.open = true; })")


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
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    sections = page.locator("section")
    assert sections.count() == n_sections
    for place in range(sections.count()):
        assert sections.nth(place).is_visible()
        assert sections.nth(place).locator("h2").is_visible()
    figures, captions = (
        page.evaluate(f"[...document.querySelectorAll('{what}')].map(found => found.getBoundingClientRect().toJSON())")
        for what in ("figure svg", "caption")
    )
    assert figures
    assert captions
    for box in figures:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] > 40
    for box in captions:
        assert box["x"] + box["width"] <= width  # a caption is read without scrolling its table
    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert (brightness(ink) > brightness(paper)) == (scheme == "dark")
    assert page.evaluate("document.scripts.length") == 0
    assert said == []
    context.close()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        pytest.param(1280, "light", marks=pytest.mark.slow),  # axe takes seconds a page
        pytest.param(360, "light", marks=pytest.mark.slow),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_that_shuts_anybody_out(
    name: str, width: int, scheme: str, browser: "sync_api.Browser", pages: dict[str, Path]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(pages[name].as_uri(), wait_until="load")
    unfold(page)
    found = axe.run(page).response
    assert found["testEngine"]["name"] == "axe-core"
    bad = [
        f"{one['id']} ({one['impact']}): {one['help']}; {len(one['nodes'])} times, first {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert bad == []
    context.close()


def test_what_stands_behind_a_number_is_reached_by_keyboard(browser: "sync_api.Browser", pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["estimated"].as_uri(), wait_until="load")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    note = page.locator("a.note").first
    folded = page.locator(str(note.get_attribute("href")))
    assert not folded.is_visible()
    note.focus()
    page.keyboard.press("Enter")
    folded.wait_for(state="visible")
    assert "95% interval" in folded.inner_text()
    assert "items" in folded.inner_text()
    page.close()


@pytest.mark.parametrize("name", NAMES)
def test_paper_shows_all_that_is_folded_and_cuts_no_table(name: str, browser: "sync_api.Browser", pages: dict[str, Path]) -> None:
    context = browser.new_context(viewport={"width": PAPER, "height": 1000}, color_scheme="dark")
    page = context.new_page()
    page.goto(pages[name].as_uri(), wait_until="load")
    page.emulate_media(media="print")
    cut = page.evaluate(
        "[...document.querySelectorAll('table')].filter(table => table.getBoundingClientRect().right > window.innerWidth + 1)"
        ".map(table => table.caption.innerText)"
    )
    assert cut == []
    notes = page.locator("details.notes li")
    assert notes.count() > 0
    assert page.evaluate(
        "[...document.querySelectorAll('details.notes li')].every(note => note.getBoundingClientRect().height > 0)"
    )
    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert brightness(ink) < brightness(paper)  # no ink is spent on a dark page
    context.close()
