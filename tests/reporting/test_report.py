"""Does every form of a report say the same truth, and does judged text stay text in each?"""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

import judgefair as jf
from judgefair import plugins
from judgefair.errors import InputError
from judgefair.records import MISSING_REASONS, UNPRINTABLE, sendable
from judgefair.reporting import build_report, write_report
from judgefair.reporting.blocks import Chart, Quote, Section, Table, Text
from judgefair.reporting.charts import to_svg
from judgefair.reporting.headline import headline
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.terminal import TerminalReport
from judgefair.statistics import Estimate
from judgefair.statistics.estimate import undefined
from judgefair.validation import Finding, save_validation
from tests.reporting.conftest import HOSTILE, made_up

SECTIONS = ["scope", "judge_bias", "agreement", "missingness", "disagreements", "method"]
WITH_RUBRIC = ["scope", "gate", *SECTIONS[1:]]
VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """Elements and attributes of a page; every element that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


# report.json


def no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def test_report_json_is_versioned_and_strict(hostile: jf.Validation, tmp_path: Path) -> None:
    write_report(build_report(hostile), tmp_path)
    data = json.loads((tmp_path / "report.json").read_text("utf-8"), parse_constant=no_constant)
    assert data["schema_version"] == 3
    assert set(data) == {
        "schema_version", "judgefair", "title", "headline", "labels", "as_of", "scope", "notes", "verdicts", "estimates", "gate",
        "sections", "summary",
    }  # fmt: skip
    assert len(data["estimates"]) == len(hostile.findings)
    assert data["verdicts"] == data["gate"] == []  # no rubric
    for estimate in data["estimates"]:
        assert {"estimand", "value", "low", "high", "level", "criterion", "population", "contrast"} <= set(estimate)
        assert (estimate["value"] is None) == estimate["method"].startswith("undefined: ")


def storable(validation: jf.Validation) -> jf.Validation:
    """The validation without halves of surrogate pairs, which no table holds."""
    items = [replace(item, query=sendable(item.query), response=sendable(item.response)) for item in validation.items]
    return replace(validation, items=items)


@pytest.mark.parametrize("name", ["hostile", "constructed"])
def test_a_report_of_a_run_folder_has_the_bytes_of_one_of_the_validation_itself(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    validation = storable(request.getfixturevalue(name))
    save_validation(validation, tmp_path / "run")
    write_report(build_report(validation), tmp_path / "one")
    write_report(build_report(tmp_path / "run"), tmp_path / "two")
    write_report(build_report(str(tmp_path / "run")), tmp_path / "three")
    for form in ("report.json", "report.md", "report.html"):
        assert len({(tmp_path / folder / form).read_bytes() for folder in ("one", "two", "three")}) == 1, form


def test_the_same_ratings_give_the_same_bytes(tmp_path: Path) -> None:
    for run in ("one", "two"):
        validation = jf.validate_ratings(made_up(), "a <b>judge</b>", "ordinal:1-5", n_resamples=50, as_of="2026-01-01")
        write_report(build_report(validation), tmp_path / run)
    for form in ("report.json", "report.md", "report.html"):
        assert (tmp_path / "one" / form).read_bytes() == (tmp_path / "two" / form).read_bytes(), form


def test_no_partial_file_is_left(hostile: jf.Validation, tmp_path: Path) -> None:
    write_report(build_report(hostile), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json", "report.md", "summary.md"]


def test_a_folder_without_a_validation_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"validation\.json: no validation can be read .* Run judgefair validate"):
        build_report(tmp_path)


# HTML


@pytest.mark.parametrize("name", ["hostile", "constructed"])
def test_the_page_has_no_script_and_names_nothing_outside_itself(name: str, request: pytest.FixtureRequest) -> None:
    text = to_html(build_report(request.getfixturevalue(name)))
    page = Page(text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "img", "object", "embed", "form", "base", "image", "use", "foreignobject", "b", "i"}
    for tag, attributes in page.elements:
        assert not any(attribute.startswith("on") for attribute in attributes), tag
        for attribute in ("src", "href", "xlink:href", "action", "srcset", "data", "poster", "background"):
            if attribute in attributes:
                assert attributes[attribute] == "data:," or attributes[attribute].startswith("#"), (tag, attributes)
        if tag != "meta":
            assert "style" not in attributes  # the policy would refuse it
        for attribute, value in attributes.items():
            if attribute not in {"title", "aria-label"}:
                assert not re.search(r"url\((?!#)", value), (tag, attribute)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_everything_but_the_page_s_own_style(hostile: jf.Validation) -> None:
    page = Page(to_html(build_report(hostile)))
    (policy,) = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules["style-src"])
    assert rules["img-src"] == "data:"  # the empty icon, without which a browser asks for favicon.ico
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "style-src", "img-src", "base-uri", "form-action"}
    first = next(i for i, (tag, a) in enumerate(page.elements) if "http-equiv" in a)
    assert first < next(i for i, (tag, _) in enumerate(page.elements) if tag in {"style", "link"})


def test_every_section_of_the_contents_is_there_once(constructed: jf.Validation) -> None:
    page = Page(to_html(build_report(constructed)))
    ids = [a["id"] for tag, a in page.elements if tag == "section"]
    assert ids == WITH_RUBRIC
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    assert [link for link in links if "-note-" not in link] == ["#report", *(f"#{name}" for name in ids)]
    assert set(links) <= {f"#{a['id']}" for _, a in page.elements if "id" in a}
    everything = [a["id"] for _, a in page.elements if "id" in a]
    assert len(set(everything)) == len(everything)


def shown_texts(validation: jf.Validation) -> list[str]:
    """The judged texts that the report quotes."""
    section = next(s for s in build_report(validation).sections if s.id == "disagreements")
    return [text for block in section.blocks if isinstance(block, Quote) for name, text in block.parts if name == "Response"]


def every_text(validation: jf.Validation, text: str) -> jf.Validation:
    """The validation with every judged text replaced."""
    return replace(validation, items=[replace(item, query=text, response=text) for item in validation.items])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_judged_text_stays_text_on_the_page(text: str, hostile: jf.Validation, tmp_path: Path) -> None:
    plain = Page(to_html(build_report(every_text(hostile, "Words."))))
    validation = every_text(hostile, text)
    assert shown_texts(validation)
    write_report(build_report(validation), tmp_path)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    visible = re.sub(r"[\ufffd?\s]", "", UNPRINTABLE.sub("", text))
    assert visible[:500] in re.sub(r"[\x00-\x1f\x7f-\x9f\ufffd?\s]", "", page.text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_judged_text_carries_no_control_character_into_any_form(text: str, hostile: jf.Validation, tmp_path: Path) -> None:
    write_report(build_report(every_text(hostile, text)), tmp_path)
    for form in ("report.html", "report.md"):
        found = set(re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", (tmp_path / form).read_text("utf-8")))
        assert found == set(), form


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_judged_text_formats_nothing_in_markdown(text: str, hostile: jf.Validation) -> None:
    lines = to_markdown(build_report(every_text(hostile, text))).splitlines()
    plain = to_markdown(build_report(every_text(hostile, "Words."))).splitlines()
    assert len(lines) == len(plain)
    for line, before in zip(lines, plain, strict=True):
        if line != before:
            assert line.startswith(("- Query: ", "- Response: "))
            said = line.split(": ", 1)[1]
            assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>#|!~$&]", said), said


def test_names_of_raters_and_groups_are_escaped_too(hostile: jf.Validation) -> None:
    report = build_report(hostile)
    html, markdown = to_html(report), to_markdown(report)
    assert "&lt;b&gt;judge" in html
    assert "&lt;i&gt;south" in html
    assert not re.search(r"<[bi]>", html)
    assert not re.search(r"(?<!\\)<[bi]\\?>", markdown)
    assert r"east \| side" in markdown


def test_a_chart_holds_names_as_text(hostile: jf.Validation) -> None:
    charts = [b for s in build_report(hostile).sections for b in s.blocks if isinstance(b, Chart)]
    assert charts
    for chart in charts:
        svg = to_svg(chart.spec)
        tags = {tag for tag, _ in Page(svg).elements}
        assert tags <= {"svg", "g", "path", "text", "rect", "line", "circle", "title", "defs", "clippath", "tspan"}, tags
        assert "#010203" not in svg


# What stands beside the numbers


def test_labels_that_no_human_gave_are_said_at_the_top_and_in_every_caption(constructed: jf.Validation) -> None:
    report = build_report(constructed)
    assert report.labels == "constructed"
    said = "The labels of this set are constructed: no human rated these items."
    html, markdown = to_html(report), to_markdown(report)
    assert said in html[: html.index("<nav")]
    assert said in markdown[: markdown.index("\n## ")]
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Table | Chart) and section.id not in {"scope", "method"}:
                assert "Labels: constructed" in block.caption, block.caption
    assert "humans" not in report.headline
    assert "human" not in " ".join(c for s in report.sections for b in s.blocks if isinstance(b, Table) for c in b.columns)


def test_human_labels_carry_no_caution(hostile: jf.Validation) -> None:
    report = build_report(hostile)
    assert report.labels == "human"
    assert "no human rated" not in to_html(report)


def test_every_section_builds_in_its_order(constructed: jf.Validation) -> None:
    modules = [plugins.load("sections", name) for name in plugins.names("sections")]
    built = [module.build(constructed, None) for module in sorted(modules, key=lambda module: module.ORDER)]
    shown = [section for section in built if section is not None]
    assert all(isinstance(section, Section) for section in shown)
    assert [section.id for section in shown] == WITH_RUBRIC == [section.id for section in build_report(constructed).sections]


def test_items_without_text_have_no_section_of_disagreements() -> None:
    table = made_up(hostile=False).drop(columns=["query", "response"])
    validation = jf.validate_ratings(table, "judge", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    assert [section.id for section in build_report(validation).sections] == [s for s in SECTIONS if s != "disagreements"]


@pytest.mark.parametrize("scale", ["nominal:1,2,3,4,5", "interval:0-100"])
def test_every_scale_has_a_report(scale: str, tmp_path: Path) -> None:
    validation = jf.validate_ratings(made_up(hostile=False), "judge", scale, n_resamples=20, as_of="2026-01-01")
    write_report(build_report(validation), tmp_path)
    save_validation(validation, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == build_report(tmp_path).to_json()


def test_a_number_is_never_shown_without_its_interval_and_what_it_rests_on(constructed: jf.Validation) -> None:
    agreement = next(s for s in build_report(constructed).sections if s.id == "agreement")
    for table in (block for block in agreement.blocks if isinstance(block, Table)):
        for row in table.rows:
            for cell in row[2:]:
                assert cell.text == "undefined" or re.search(r" \[.+, .+\]$| \(no interval\)$", cell.text)
                assert "items" in cell.title


def test_the_reason_of_an_undefined_alpha_is_on_the_page(constructed: jf.Validation) -> None:
    reason = constructed.find("alpha.human", "critique_depth").method
    assert reason.startswith("undefined: ")
    assert reason in Page(to_html(build_report(constructed))).text


# The headline: made-up estimates, and the words they bear


def with_estimates(
    agreement: Estimate, human: Estimate, labels: str = "human", refused: float = 0.0, share: float = 0.8
) -> jf.Validation:
    """A made-up validation of one criterion with these alphas, and that share of agreeing pairs."""
    rates = [Estimate(f"missing_rate.{reason}", refused if reason == "refused" else 0.0) for reason in MISSING_REASONS]
    pairs = Estimate("agreement.human", share)
    findings = [Finding("depth", None, None, estimate) for estimate in (agreement, human, pairs, *rates)]
    empty = jf.validate_ratings(made_up(hostile=False), "judge", "ordinal:1-5", n_resamples=5, as_of="2026-01-01")
    scope = {"judge": "gpt", "labels": labels, "set": {"id": "made_up"}}
    return replace(empty, scope=scope, scales={"depth": empty.scales["rating"]}, findings=findings)


def judged(value: float, low: float, high: float) -> Estimate:
    return Estimate("alpha.judge_human", value, low, high)


def humans(value: float) -> Estimate:
    return Estimate("alpha.human", value, value - 0.05, value + 0.05)


NO_HUMANS = undefined("alpha.human", "no item has two ratings")


@pytest.mark.parametrize(
    ("agreement", "human", "said"),
    [
        (judged(0.05, -0.10, 0.20), humans(0.6), ["trust gpt very little", "cannot be told from chance", "−0.10 to 0.20"]),
        (judged(-0.30, -0.45, -0.15), humans(0.6), ["trust gpt very little", "less than chance would", "−0.30"]),
        (judged(0.10, 0.05, 0.15), humans(0.6), ["trust gpt very little", "slightly beyond chance"]),
        (judged(0.60, 0.55, 0.65), humans(0.6), ["about as far as one of its raters", "humans among themselves 0.60"]),
        (judged(0.70, 0.65, 0.75), humans(0.6), ["about as far as one of its raters"]),
        (judged(0.30, 0.21, 0.39), humans(0.6), ["less than one of its raters", "less than they agree with each other"]),
        (judged(0.60, 0.30, 0.80), humans(0.6), ["less than one of its raters"]),  # not shown to be near
        (judged(0.60, 0.55, 0.65), NO_HUMANS, ["with caution", "unknown"]),
        (judged(0.60, float("nan"), float("nan")), humans(0.6), ["not on this evidence", "no interval"]),
    ],
)
def test_the_headline_says_no_more_than_the_numbers_bear(agreement: Estimate, human: Estimate, said: list[str]) -> None:
    told = headline(with_estimates(agreement, human))
    for words in said:
        assert words in told, told
    assert "nan" not in told


@pytest.mark.parametrize(
    ("agreement", "human", "share", "said"),
    [
        (
            judged(0.0, -0.02, 0.03),
            humans(0.0),
            0.95,
            "not on this evidence: on depth the humans give nearly all items one level",
        ),
        (judged(0.0, -0.02, 0.03), humans(0.0), 0.60, "very little"),  # the humans differ, and the judge with them
        (judged(-0.9, -0.95, -0.85), humans(0.0), 0.95, "less than chance would"),  # it says the other level of nearly all
    ],
)
def test_a_judge_of_items_that_do_not_vary_is_not_blamed_for_it(
    agreement: Estimate, human: Estimate, share: float, said: str
) -> None:
    assert said in headline(with_estimates(agreement, human, share=share))


@pytest.mark.parametrize(("n_items", "is_few"), [(12, True), (120, False)])
def test_an_interval_that_rests_on_few_items_is_said_to_be_too_narrow(n_items: int, is_few: bool) -> None:
    ids = [f"item {number}" for number in range(n_items) for _ in range(2)]
    values = [1 + (number * (2 + rater)) % 5 for number in range(n_items) for rater in range(2)]
    table = pd.DataFrame({"item_id": ids, "rater_id": ["j", "h"] * n_items, "value": values})
    page = to_markdown(build_report(jf.validate_ratings(table, "j", "ordinal:1-5", n_resamples=100, as_of="2026-01-01")))
    assert ("tend to be too narrow" in page) is is_few


def test_a_judge_that_gives_one_level_to_everything_is_told_as_such() -> None:
    table = pd.DataFrame({"item_id": list("aabbccdd"), "rater_id": ["j", "h"] * 4, "value": [3, 1, 3, 2, 3, 3, 3, 2]})
    validation = jf.validate_ratings(table, "j", "ordinal:1-3", n_resamples=50, as_of="2026-01-01")
    said = "it gave every item the same level, 3"
    assert said in headline(validation)
    assert "the judge gave every item the level 3" in to_markdown(build_report(validation))
    table.loc[0, "value"] = 2
    assert said not in headline(jf.validate_ratings(table, "j", "ordinal:1-3", n_resamples=50, as_of="2026-01-01"))


def test_an_undefined_agreement_is_told_as_such_with_its_reason() -> None:
    told = headline(with_estimates(undefined("alpha.judge_human", "judge and humans all say 3"), humans(0.6)))
    assert "cannot be told from made_up" in told
    assert "judge and humans all say 3" in told
    assert "trust gpt" not in told


@pytest.mark.parametrize("labels", ["constructed", "model"])
@pytest.mark.parametrize("agreement", [judged(0.05, -0.1, 0.2), judged(0.6, 0.55, 0.65), judged(0.3, 0.25, 0.35)])
@pytest.mark.parametrize("human", [humans(0.6), NO_HUMANS])
def test_a_headline_without_humans_speaks_of_none(labels: str, agreement: Estimate, human: Estimate) -> None:
    told = headline(with_estimates(agreement, human, labels))
    assert "human" not in told
    assert f"{labels} labels" in told


def test_the_headline_tells_of_many_missing_ratings() -> None:
    told = headline(with_estimates(judged(0.6, 0.55, 0.65), humans(0.6), refused=0.4))
    assert "40% of the items without a rating" in told
    assert "without a rating" not in headline(with_estimates(judged(0.6, 0.55, 0.65), humans(0.6)))


def test_of_several_criteria_the_headline_tells_the_weakest() -> None:
    one = with_estimates(judged(0.6, 0.55, 0.65), humans(0.6))
    scales = {"depth": one.scales["depth"], "respect": one.scales["depth"]}
    estimates = (judged(0.02, -0.1, 0.1), humans(0.7), Estimate("agreement.human", 0.8))
    more = [Finding("respect", None, None, estimate) for estimate in estimates]
    told = headline(replace(one, scales=scales, findings=[*one.findings, *more]))
    assert "on respect its agreement with the humans cannot be told from chance" in told
    assert "weakest of 2 criteria" in told


# In the terminal


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize("name", ["hostile", "constructed"])
def test_the_terminal_report_fits_its_width_and_has_the_headline(name: str, width: int, request: pytest.FixtureRequest) -> None:
    report = build_report(request.getfixturevalue(name))
    console = Console(file=io.StringIO(), width=width, legacy_windows=False)
    console.print(TerminalReport(report))
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= width
    words = " ".join(re.sub(r"[│─╭╮╰╯]", " ", printed).split())
    assert " ".join(report.headline.split()) in words
    assert ("no human rated" in words) == (name == "constructed")


def test_a_group_s_name_cannot_steer_the_terminal() -> None:
    table = made_up(hostile=False).assign(
        **{"pop.region": lambda t: t["pop.region"].replace("south", "\x1b]0;pwned\x07[red]south")}
    )
    validation = jf.validate_ratings(table, "judge", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(TerminalReport(build_report(validation)))
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "[red]" in printed


def test_blocks_are_plain_text_or_data() -> None:
    assert Text("a").to_json() == {"kind": "text", "text": "a"}
