"""Can a person with a real browser look through a run and rate it, on a phone and a desk, by keyboard alone, and does nothing leave?"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from judgefair.reviewing.rating import sample_out
from judgefair.runs.items import read_run_items
from judgefair.runs.labels import read_raters
from judgefair.runs.tables import read_ratings
from tests.chromium import IN_CHROMIUM, brightness
from tests.reviewing.conftest import SCALES
from tests.reviewing.served import Served, served

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = IN_CHROMIUM
ITEM = "r-b0000-dialect=southern, dialect-0"
PAGES = (
    "/",
    "/?order=furthest&population=dialect: southern",
    f"/item?id={ITEM}",
    f"/arms?id={ITEM}",
    "/rate",
    "/rate/item?rater=axe",
    "/nothing",
)


@pytest.fixture(scope="module")
def folder(examined: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(examined, tmp_path_factory.mktemp("browsed") / "run"))


@pytest.fixture(scope="module")
def page_of(folder: Path) -> Iterator[Served]:
    with served(folder) as page:
        yield page


class Visit:
    """A page of a browser that was given the key; all that it asked for and all that it said."""

    def __init__(self, browser: "sync_api.Browser", address: str, width: int = 1280, scheme: str = "light", **options) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.goto(address)
        self.home = address.partition("/?")[0]

    def go(self, path: str) -> None:
        self.page.goto(self.home + path)

    def close(self) -> None:
        """Nothing but the page's own server was asked, and nothing was said."""
        self.context.close()
        assert {urlsplit(url).netloc for url in self.asked if not url.startswith("data:")} == {urlsplit(self.home).netloc}
        assert self.said == []


def press(page: "sync_api.Page", key: str, until: str, most: int = 60) -> None:
    """Press a key until what is focused matches a selector."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", until):
            return
    raise AssertionError(f"{key} never reaches {until}")


@pytest.mark.slow
def test_a_reader_filters_opens_an_item_sees_its_arms_and_comes_back(
    browser: "sync_api.Browser", page_of: Served, folder: Path
) -> None:
    visit = Visit(browser, page_of.address)
    page = visit.page
    assert "key=" not in page.url
    page.get_by_label("Population").select_option("dialect: southern")
    page.get_by_label("Human ratings").select_option("yes")
    page.get_by_role("button", name="Show").click()
    assert page.get_by_role("status").inner_text().startswith("20 of 120 items")
    page.get_by_role("link", name=ITEM).click()
    assert page.get_by_role("heading", level=1).inner_text() == ITEM
    item = next(item for item in read_run_items(folder) if item.item_id == ITEM)
    assert item.query in page.get_by_role("main").inner_text()
    page.get_by_role("link", name="Next", exact=True).click()
    page.get_by_role("link", name="Previous").click()
    page.get_by_role("link", name="4 arms side by side").click()
    boxes = [card.bounding_box() for card in page.locator(".cards > li").all()]
    assert len({box["y"] for box in boxes}) < len(boxes) == 4  # some stand beside each other
    page.get_by_role("link", name=f"Back to {ITEM}").click()
    page.get_by_role("link", name="All chosen items").click()
    assert page.get_by_label("Population").input_value() == "dialect: southern"
    visit.close()


def test_three_items_are_rated_by_keyboard_alone(browser: "sync_api.Browser", page_of: Served, folder: Path) -> None:
    visit = Visit(browser, page_of.address)
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    press(page, "Tab", "a[href='/rate']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    press(page, "Tab", "#rater")
    page.keyboard.type("keys")
    press(page, "Tab", "#key-0")
    page.keyboard.type("first_language")
    press(page, "Tab", "#value-0")
    page.keyboard.type("Somali")
    if sample_out(folder) is None:
        press(page, "Tab", "#n")
        page.keyboard.press("Control+A")
        page.keyboard.type("6")
    press(page, "Tab", "button.main")
    page.keyboard.press("Enter")
    rated = {}
    for place in range(3):
        page.wait_for_function("done => document.title.startsWith(`Rate: ${done} of`)", arg=place)
        task = page.locator("input[name=task]").input_value()
        page.keyboard.press("Tab")  # the link to the content
        page.keyboard.press("Enter")
        press(page, "Tab", "input[type=radio]")
        page.keyboard.press("Space")
        for _ in range(place):
            page.keyboard.press("ArrowDown")
        press(page, "Tab", "textarea")
        page.keyboard.type("since it says so")
        press(page, "Tab", "button.main")
        page.keyboard.press("Enter")
        rated[sample_out(folder).tasks[task]] = 1.0 + place
    page.wait_for_function("document.title.startsWith('Rate: 3 of')")
    visit.close()
    kept = read_ratings(folder, SCALES, kind="human")
    mine = kept[kept["rater_id"] == "keys"].set_index("item_id")
    assert mine["code"].to_dict() == rated
    assert set(mine["rationale"]) == {"since it says so"}
    assert {"ann", "bob"} <= set(kept["rater_id"])
    assert read_raters(folder, kept).set_index("rater_id").loc["keys", "first_language"] == "Somali"


def test_the_browser_itself_asks_for_an_answer_before_anything_is_sent(browser: "sync_api.Browser", page_of: Served) -> None:
    visit = Visit(browser, page_of.address)
    begin(visit)
    asked = len(visit.asked)
    visit.page.get_by_role("button", name="Save and go on").click()
    assert visit.page.locator("input:invalid").count() > 0
    assert len(visit.asked) == asked
    visit.close()


def begin(visit: Visit) -> None:
    visit.go("/rate")
    visit.page.get_by_label("Your name or code as a rater").fill("axe")
    visit.page.get_by_role("button", name="Begin, or go on").click()
    visit.page.wait_for_url("**/rate/item**")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "light"),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
        pytest.param(360, "dark", marks=pytest.mark.slow),
        pytest.param(1280, "light", marks=pytest.mark.slow),
    ],
)
def test_every_page_fits_is_quiet_and_can_be_used_by_everybody(
    width: int, scheme: str, browser: "sync_api.Browser", page_of: Served
) -> None:
    visit = Visit(browser, page_of.address, width, scheme, bypass_csp=True)
    begin(visit)
    for path in PAGES:
        visit.go(path)
        page = visit.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert page.evaluate("document.scripts.length") == 0
        ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
        assert (brightness(ink) > brightness(paper)) == (scheme == "dark")
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == [], path
    visit.said[:] = [text for text in visit.said if "404" not in text]  # the browser's own word on the address that is none
    visit.close()


def test_a_focus_is_seen(browser: "sync_api.Browser", page_of: Served) -> None:
    visit = Visit(browser, page_of.address)
    for path in ("/", "/rate"):
        visit.go(path)
        for _ in range(12):
            visit.page.keyboard.press("Tab")
            style, width = visit.page.evaluate(
                "(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))"
            )
            assert (style, width) == ("solid", "3px")
    visit.close()
