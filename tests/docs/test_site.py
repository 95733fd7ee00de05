"""Does the documentation build without a warning, and without anything from elsewhere?"""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; every warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def pages_of(site: Path) -> dict[str, str]:
    return {str(path.relative_to(site)): path.read_text("utf-8") for path in site.rglob("*.html")}


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//|<link[^>]+href=[\"']?(?:https?:)?//(?!squidfunk)"
    )
    pages = pages_of(site)
    assert len(pages) > 40
    assert [name for name, text in pages.items() if loads.search(text)] == []


def test_style_sheets_load_nothing_from_elsewhere(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    assert [path.name for path in sheets if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text("utf-8"))] == []


def test_the_validity_study_is_the_file_that_the_benchmark_writes(site: Path) -> None:
    said = (ROOT / "benchmarks/validity.md").read_text("utf-8")
    claim = next(line for line in said.splitlines() if line.startswith("All hold") or "breaks" in line)
    built = pages_of(site)["validity_study/index.html"]
    assert "judge hides a gap" in built
    assert claim in built


def test_no_mark_of_a_page_is_left_unfilled(site: Path) -> None:
    assert [name for name, text in pages_of(site).items() if "<!-- the " in text] == []


def test_the_lenses_are_explained_in_their_own_words(site: Path) -> None:
    from judgefair.lenses import counterfactual

    assert counterfactual.CANNOT.split(";")[0] in pages_of(site)["explanation/lenses/index.html"]


def test_no_code_of_the_docs_is_published(site: Path) -> None:
    assert list(site.rglob("*.py")) == []
