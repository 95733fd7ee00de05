"""Does the reference have every name that a user can come across?"""

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import judgefair as jf
from judgefair import plugins, statistics
from judgefair.calibration.card import Card
from judgefair.records import MISSING_REASONS, RATING_COLUMNS
from judgefair.rubric.rubric import Rubric
from judgefair.study.options import Study
from judgefair.validation import validate_ratings

ROOT = Path(__file__).parents[2]


def load_reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_of_the_docs", ROOT / "docs/reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_reference()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {Path(name).stem: text for name, text in reference.pages().items()}


def headings(page: str) -> set[str]:
    return set(re.findall(r"^##+ (.+)$", page, re.MULTILINE))


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next of the same rank."""
    return page.split(f"\n## {heading}\n", 1)[1].partition("\n## ")[0]


def test_every_verb_is_there_with_each_of_its_options(pages: dict[str, str]) -> None:
    commands = reference.commands()
    assert {"validate", "sets import", "annotate export"} <= {words for words, _ in commands}
    for words, command in commands:
        told = section(pages["verbs"], f"judgefair {words}")
        names = [name for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
        assert [name for name in names if f"`{name}`" not in told] == [], f"judgefair {words}"
        assert command.help.splitlines()[0].split("`")[0].strip() in told.replace("\\", ""), f"judgefair {words} is not explained"


def test_every_statistic_is_there_with_its_docstring(pages: dict[str, str]) -> None:
    assert set(statistics.__all__) <= headings(pages["statistics"])
    for name in statistics.__all__:
        first = inspect.getdoc(getattr(statistics, name)).splitlines()[0]
        assert first in section(pages["statistics"], name).replace("\\", ""), name


def test_every_file_of_statistics_has_a_public_name_or_serves_one_that_has() -> None:
    homes = {Path(inspect.getfile(getattr(statistics, name))).stem for name in statistics.__all__}
    used = "\n".join(path.read_text("utf-8") for path in (ROOT / "judgefair").rglob("*.py"))
    files = {path.stem for path in (ROOT / "judgefair/statistics").glob("[a-z]*.py")}
    assert [name for name in sorted(files - homes) if f"judgefair.statistics.{name} import" not in used] == []


def test_every_public_name_of_the_package_is_there(pages: dict[str, str]) -> None:
    names = {name for name in jf.__all__ if not inspect.ismodule(getattr(jf, name))}
    assert names | {f"jf.models.{name}" for name in jf.models.__all__} <= headings(pages["python"])


@pytest.mark.parametrize("group", ["lenses", "probes", "recipes", "scales", "targets"])
def test_everything_that_is_plugged_in_has_a_heading(pages: dict[str, str], group: str) -> None:
    assert set(plugins.names(group)) <= headings(pages[group])


@pytest.mark.parametrize(("group", "page"), [("optimizers", "optimizers"), ("sections", "sections")])
def test_everything_else_that_is_plugged_in_has_a_row(pages: dict[str, str], group: str, page: str) -> None:
    assert [name for name in plugins.names(group) if f"| `{name}` |" not in pages[page]] == []


def test_every_group_of_plugins_has_a_page(pages: dict[str, str]) -> None:
    assert set(plugins.GROUPS) <= set(pages)


def test_every_lens_says_what_it_can_and_cannot_claim(pages: dict[str, str]) -> None:
    for name in plugins.names("lenses"):
        module, told = plugins.load("lenses", name), section(pages["lenses"], name).replace("\\", "")
        assert module.CAN in told
        assert module.CANNOT in told


def test_every_error_class_is_there_with_its_exit_code(pages: dict[str, str]) -> None:
    classes = reference.error_classes()
    assert {"JudgefairError", "InputError", "BudgetError"} <= {one.__name__ for one in classes}
    for one in classes:
        assert re.search(rf"\| `{one.__name__}` \| .+ \| {one.exit_code} \|", pages["errors"]), one


@pytest.mark.parametrize(("model", "page"), [(Rubric, "rubric"), (Card, "card"), (Study, "study")])
def test_every_field_of_a_file_that_people_write_is_there(pages: dict[str, str], model: type, page: str) -> None:
    models = reference.models_below(model)
    assert len(models) > 1
    for path, one in models.items():
        told = section(pages[page], path or "The file")
        assert [name for name in one.model_fields if f"| `{name}` |" not in told] == [], f"{page}: {path}"
        assert [name for name, field in one.model_fields.items() if not field.description] == [], f"{page}: {path}"


def test_every_column_and_reason_is_there(pages: dict[str, str]) -> None:
    assert [name for name in (*RATING_COLUMNS, *MISSING_REASONS) if f"`{name}`" not in pages["tables"]] == []


def test_every_environment_variable_that_the_code_reads_is_there(pages: dict[str, str]) -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "judgefair").rglob("*.py"))
    read = set(re.findall(r'"(JUDGEFAIR_[A-Z_]+)"', source)) | {"OPENAI_API_KEY"}
    assert "JUDGEFAIR_HOME" in read
    assert [name for name in sorted(read) if name not in pages["environment"]] == []


def is_named(estimand: str) -> bool:
    """Whether a pattern of the page, as `loo.human|judge`, `missing_rate.<reason>` or `lens.<name>.*`, stands for an estimand."""
    for pattern in reference.ESTIMANDS:
        stem, _, last = pattern.rpartition(".")
        whole = [f"{stem}.{one}" for one in last.split("|")] if "|" in last else [pattern]
        parts = [re.sub(r"<\w+>", "[a-z0-9_]+", re.escape(one)).replace(r"\*", ".+") for one in whole]
        if any(re.fullmatch(rf"{part}(\.placebo|\.excess)?", estimand) for part in parts):
            return True
    return False


def test_names_of_estimands_are_found_where_they_are_found_in_a_validation() -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = [
        {"item_id": f"i{i}", "rater_id": rater, "value": str(rng.integers(1, 6)), "pop.dialect": "ab"[i % 2]}
        for i in range(60)
        for rater in ("ann", "ben", "cho", "judge")
    ]
    validation = validate_ratings(pd.DataFrame(rows), judge="judge", scale="ordinal:1-5")
    found = {finding.estimand for finding in (one.estimate for one in validation.findings)}
    assert "alpha.judge_human" in found
    assert [name for name in sorted(found) if not is_named(name)] == []
    assert not is_named("alpha.nobody")


def test_the_map_of_the_house_has_every_package() -> None:
    told = (ROOT / "docs/contributing.md").read_text("utf-8")
    packages = {path.parent.name for path in (ROOT / "judgefair").glob("*/__init__.py")}
    assert "statistics" in packages
    assert [name for name in sorted(packages) if f"`{name}`" not in told] == []


def test_the_citation_file_has_the_version_of_the_package() -> None:
    import tomllib

    import yaml

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (cited["title"], cited["version"], cited["license"]) == (project["name"], project["version"], project["license"])


def test_each_estimand_is_that_of_a_statistic_that_exists() -> None:
    functions = {function for _, function in reference.ESTIMANDS.values() if function}
    assert functions <= set(statistics.__all__)


def test_numpydoc_becomes_lists_and_fences() -> None:
    text = "Gap of a_i.\n\n    x = a*b\n\nParameters\n----------\na, b : (n,), one\n    row each\n\nExamples\n--------\n>>> 1\n1"
    assert reference.numpydoc(text).split("\n\n") == [
        "Gap of a\\_i.",
        "```text\nx = a*b\n```",
        "**Parameters**",
        "- `a`, `b`: (n,), one row each",
        "**Examples**",
        "```pycon\n>>> 1\n1\n```",
    ]
