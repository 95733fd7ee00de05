"""Does the report of an estimation say what was planted in its made-up run, and no more, in every form?"""

import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import altair
import numpy as np
import pandas as pd
import pytest
from rich.console import Console, RenderableType

import judgefair as jf
from judgefair.calibration import find_set
from judgefair.calibration.card import read_card
from judgefair.calibration.fetch import fetch_set
from judgefair.errors import InputError
from judgefair.estimation import Estimation, Verdict, load_estimation, save_estimation
from judgefair.estimation.estimation import NAME
from judgefair.records import printable
from judgefair.reporting import Report, build_report, write_report
from judgefair.reporting.blocks import Chart, Section, Table, Text, number
from judgefair.reporting.charts import gaps_chart, in_words, to_svg
from judgefair.reporting.headline import headline, verdict_line
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.terminal import PlanTable, TerminalReport, VerdictTable
from judgefair.reporting.words import answer_of, contrast_name, population_name, told_of
from judgefair.statistics import Estimate
from judgefair.statistics.estimate import signed
from judgefair.validation import Finding, load_validation, save_validation
from tests.reporting.conftest import ALIKE, HARMED, NOISY, UNLABELLED, made_up
from tests.reporting.test_report import Page

Estimated = tuple[jf.Validation, Estimation]
FORMS = ("report.json", "report.md", "summary.md", "report.html")
ALL_SECTIONS = [
    "verdicts", "scope", "gate", "judge_bias", "agreement", "alt_test", "alignment", "gaps", "plan", "missingness", "lenses", "disagreements",
    "method",
]  # fmt: skip
FINITE = r"[+−]?\d+\.\d\d"
NUMBER = re.compile(rf"undefined|{FINITE} \[{FINITE}, {FINITE}\]|{FINITE} \(no interval\)")


def section_of(report: Report, name: str) -> Section:
    return next(section for section in report.sections if section.id == name)


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def texts(section: Section) -> list[str]:
    return [block.text for block in section.blocks if isinstance(block, Text)]


def verdict_on(estimation: Estimation, criterion: str, **population: str) -> Verdict:
    return next(v for v in estimation.verdicts if (v.criterion, v.population) == (criterion, population))


# Built from the folder, or from what is in memory


def test_the_made_up_run_holds_every_kind_of_answer(estimated: Estimated) -> None:
    _, estimation = estimated
    found = {
        (v.criterion, *v.population.values()): (v.role, v.answer) for v in estimation.verdicts if v.criterion == "helpfulness"
    }
    assert found == {
        ("helpfulness", HARMED): ("must_ignore", "disparity"),
        ("helpfulness", ALIKE): ("must_ignore", "equivalent"),
        ("helpfulness", NOISY): ("must_ignore", "undetermined"),
        ("helpfulness", UNLABELLED): ("must_ignore", "undetermined"),
        ("helpfulness", "child"): ("must_use", "disparity"),
    }
    assert "simultaneous interval" in verdict_on(estimation, "helpfulness", home_language=NOISY).reasons[0]
    assert verdict_on(estimation, "helpfulness", home_language=UNLABELLED).reasons == [f"no human labels of {UNLABELLED}"]
    assert verdict_on(estimation, "talks_down", age="child").answer == "reported"
    harmed = verdict_on(estimation, "helpfulness", home_language=HARMED)
    assert harmed.corrected.value == pytest.approx(-1, abs=0.1)  # planted: one level less
    assert harmed.judge_made.value == pytest.approx(-0.2, abs=0.1)  # planted: one item in three, those at the lowest level kept


def test_a_report_of_a_run_folder_has_the_bytes_of_one_of_the_objects(run: Path, estimated: Estimated, tmp_path: Path) -> None:
    validation, estimation = estimated
    write_report(build_report(run), tmp_path / "folder")
    write_report(build_report(validation, estimation), tmp_path / "objects")
    again = tmp_path / "again"
    save_validation(validation, again)  # into a folder with no program: its own tables
    save_estimation(estimation, again)
    write_report(build_report(load_validation(again), load_estimation(again)), tmp_path / "saved")
    for form in FORMS:
        assert len({(tmp_path / name / form).read_bytes() for name in ("folder", "objects", "saved")}) == 1, form
    assert (again / NAME).read_bytes() == (run / NAME).read_bytes()


def test_a_report_of_a_folder_is_built_twice_alike(run: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(build_report(run), tmp_path / name)
    for form in FORMS:
        assert (tmp_path / "one" / form).read_bytes() == (tmp_path / "two" / form).read_bytes(), form


def test_an_estimation_that_cannot_be_read_is_refused_with_what_to_do(estimated: Estimated, tmp_path: Path) -> None:
    save_validation(estimated[0], tmp_path)
    for content in ("{", "[]", '{"schema_version": 99}', '{"schema_version": 1}'):
        (tmp_path / NAME).write_text(content, "utf-8")
        with pytest.raises(InputError, match=r"estimation\.json.*Run judgefair estimate"):
            build_report(tmp_path)


def test_report_json_holds_verdicts_and_gate(estimated: Estimated, tmp_path: Path) -> None:
    validation, estimation = estimated
    write_report(build_report(validation, estimation), tmp_path)
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert len(data["verdicts"]) == len(estimation.verdicts)
    keys = [(e["estimand"], e["criterion"], str(e["population"]), str(e["contrast"])) for e in data["estimates"]]
    assert len(set(keys)) == len(keys)
    of_lenses = [finding for lensed in estimation.lenses for finding in lensed.findings]
    assert {f.estimate.estimand for f in [*validation.findings, *estimation.findings, *of_lenses]} == {key[0] for key in keys}
    assert [check["status"] for check in data["gate"]] == [check.status for check in validation.gate]
    assert data["title"] == "library_desk 2.1.0, judged by a <b>judge</b>"
    for verdict in data["verdicts"]:
        raw, corrected, made = (verdict[part]["value"] for part in ("raw", "corrected", "judge_made"))
        assert (corrected is None) == (made is None)
        if corrected is not None:
            assert raw == pytest.approx(corrected + made, abs=1e-12)


# Verdicts


def test_each_answer_stands_in_the_words_of_its_role(estimated: Estimated) -> None:
    section = section_of(build_report(*estimated), "verdicts")
    said = {row[0].text: row[1].text for row in tables(section)[0].rows}
    assert said == {
        f"home_language: {HARMED} − English": "disparity",
        f"home_language: {ALIKE} − English": "equivalent",
        f"home_language: {NOISY} − English": "undetermined",
        f"home_language: {UNLABELLED} − English": "undetermined",
        "age: child − adult": "difference present",
    }
    assert tables(section)[1].rows[-1][1].text == "reported, not judged"


@pytest.mark.parametrize(
    ("role", "answer", "words"),
    [
        ("must_ignore", "disparity", "disparity"),
        ("must_ignore", "equivalent", "equivalent"),
        ("must_ignore", "undetermined", "undetermined"),
        ("must_use", "disparity", "difference present"),
        ("must_use", "equivalent", "difference absent"),
        ("must_use", "undetermined", "undetermined"),
        ("may_use", "reported", "reported, not judged"),
    ],
)
def test_every_answer_has_its_words(role: str, answer: str, words: str, estimated: Estimated) -> None:
    verdict = replace(estimated[1].verdicts[0], role=role, answer=answer)  # type: ignore[arg-type]
    assert answer_of(verdict) == words


def test_reasons_and_what_would_settle_it_are_told_once_each(estimated: Estimated) -> None:
    _, estimation = estimated
    told = texts(section_of(build_report(*estimated), "verdicts"))
    for criterion in ("helpfulness", "talks_down"):
        reasons = {told_of(v): contrast_name(v) for v in estimation.verdicts if v.criterion == criterion and v.reasons}
        assert reasons
        for reason, contrast in reasons.items():
            assert [line for line in told if line == f"{contrast}: {reason}."], reason
    assert len(told) == len(set(told))
    for verdict in estimation.verdicts:
        if verdict.answer == "undetermined":
            assert verdict.settles
            assert f"To settle it: {verdict.settles}" in told_of(verdict)


def test_contrasts_with_one_reason_share_one_sentence(estimated: Estimated) -> None:
    validation, estimation = estimated
    given = [replace(v, answer="undetermined", reasons=["too few"], settles="more labels") for v in estimation.verdicts[:3]]
    told = texts(section_of(build_report(validation, replace(estimation, verdicts=given)), "verdicts"))
    assert sum("too few" in line for line in told) == 1
    (line,) = (line for line in told if "too few" in line)
    assert line.count(" − English") == 3


def test_what_is_printed_adds_up(estimated: Estimated) -> None:
    for table in tables(section_of(build_report(*estimated), "verdicts")):
        for row in table.rows:
            corrected, raw, made = (row[k].text.replace("−", "-").split()[0] for k in (2, 4, 5))
            if corrected != "undefined":
                assert float(raw) == pytest.approx(float(corrected) + float(made), abs=0.0151)  # three roundings


def test_every_number_has_its_interval_and_what_it_rests_on(estimated: Estimated) -> None:
    """Columns of estimates, by section; all other columns hold names, counts or words."""
    estimates = {
        "verdicts": ["Corrected gap", "Raw gap", "Made by the judge"],
        "gaps": ["Judge's mean", "Corrected mean", "Corrected gap", "At equal merit"],
        "judge_bias": ["Judge error", "Uniform", "Changing with the level"],
        "alt_test": ["Winning rate", "Advantage"],
        "alignment": ["Alignment"],
        "missingness": ["refused", "unparsable", "Corrected gap"],
    }
    report = build_report(*estimated)
    for name, columns in estimates.items():
        seen = 0
        for table in tables(section_of(report, name)):
            for place in [k for k, column in enumerate(table.columns) if column in columns]:
                for row in table.rows:
                    assert NUMBER.fullmatch(row[place].text), (name, row[place].text)
                    assert "% interval" in row[place].title, (name, table.columns[place])
                    seen += 1
        assert seen > 0, name


def test_the_simultaneous_interval_says_its_level_and_that_it_holds_for_all(estimated: Estimated) -> None:
    _, estimation = estimated
    table = tables(section_of(build_report(*estimated), "verdicts"))[0]
    place = list(table.columns).index("Simultaneous interval")
    for row, verdict in zip(table.rows, estimation.verdicts, strict=False):
        low, high, _ = verdict.for_disparity
        if low != low:
            assert row[place].text == "none"
        else:
            assert row[place].text == f"95%: [{low:+.2f}, {high:+.2f}]".replace("-", "−")
            assert "90% interval, for equivalence" in row[place].title


def test_the_headline_counts_the_verdicts(estimated: Estimated) -> None:
    _, estimation = estimated
    line = verdict_line(estimation)
    answers = Counter(answer_of(v) for v in estimation.verdicts if v.role != "may_use")
    assert line.startswith(f"Of {sum(answers.values())} contrasts: {answers['disparity']} disparity (")
    for answer, n in answers.items():
        assert f"{n} {answer}" in line
    assert f"(helpfulness, home_language: {HARMED} −" in line
    assert build_report(*estimated).headline.startswith(line)


def test_the_headline_leaves_hyphens_of_names_alone_and_names_three_disparities(estimated: Estimated) -> None:
    _, estimation = estimated
    harmed = verdict_on(estimation, "helpfulness", home_language=HARMED)
    named = [replace(harmed, population={"home_language": f"Afro-{k}"}) for k in range(5)]
    line = verdict_line(replace(estimation, verdicts=named))
    assert line.startswith("Of 5 contrasts: 5 disparity (helpfulness, home_language: Afro-0 −")
    assert "Afro-2" in line
    assert "Afro-3" not in line
    assert line.endswith(" and 2 more).")


def test_a_rubric_without_anything_to_judge_has_a_headline_too(estimated: Estimated) -> None:
    _, estimation = estimated
    only = [v for v in estimation.verdicts if v.role == "may_use"]
    assert "nothing is judged" in verdict_line(replace(estimation, verdicts=only))


# Gate, plan, alt-test and alignment: there when they have something to say


def test_the_gate_lists_what_was_not_passed_with_plain_reasons(estimated: Estimated) -> None:
    validation, _ = estimated
    section = section_of(build_report(*estimated), "gate")
    open_checks = [check for check in validation.gate if check.status != "passed"]
    assert {check.status for check in open_checks} == {"failed", "not_shown"}
    (table,) = tables(section)
    status, reason, where = ([row[k].text for row in table.rows] for k in range(3))
    assert sorted(reason) == sorted({check.reason for check in open_checks})  # each reason once
    assert status == sorted(status)  # failed before not shown
    assert all("_" not in text for text in status)
    for check in open_checks:
        told = where[reason.index(check.reason)]
        assert check.criterion in told
        assert population_name(check.population) in told
    assert "did not pass the validity gate" in texts(section)[0]


def test_a_reason_that_holds_everywhere_is_told_in_a_word(estimated: Estimated) -> None:
    validation, estimation = estimated
    alike = [replace(check, status="not_shown", reason="no item has two raters") for check in validation.gate]
    (table,) = tables(section_of(build_report(replace(validation, gate=alike), estimation), "gate"))
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["not shown", "no item has two raters", "every criterion and population"]
    ]
    one = [check if check.criterion == "helpfulness" else replace(check, status="passed") for check in alike]
    (table,) = tables(section_of(build_report(replace(validation, gate=one), estimation), "gate"))
    assert table.rows[0][2].text == "helpfulness: every population"


def test_the_gate_says_when_it_does_not_block(estimated: Estimated) -> None:
    validation, estimation = estimated
    assert estimation.scope["gate_blocks"] is False
    assert any("does not block the verdicts" in text for text in texts(section_of(build_report(*estimated), "gate")))
    blocking = replace(estimation, scope={**estimation.scope, "gate_blocks": True})
    for report in (build_report(validation, blocking), build_report(validation)):
        assert not any("does not block" in text for text in texts(section_of(report, "gate")))


def test_a_gate_that_was_passed_has_no_table(estimated: Estimated) -> None:
    validation, estimation = estimated
    passed = replace(validation, gate=[check for check in validation.gate if check.status == "passed"])
    section = section_of(build_report(passed, estimation), "gate")
    assert tables(section) == []
    said = (
        f"The judge passed the validity gate of its rubric: {len(passed.gate)} passed, by criterion and population, on split all."
    )
    assert texts(section) == [said]


def test_a_gate_on_another_split_is_said_to_be_a_preview(estimated: Estimated) -> None:
    validation, _ = estimated
    report = build_report(replace(validation, scope={**validation.scope, "split": "dev"}))
    assert any("on dev it is a preview" in text for text in texts(section_of(report, "gate")))


def test_sections_appear_when_they_have_something_to_say_and_only_then(estimated: Estimated) -> None:
    validation, estimation = estimated
    assert [section.id for section in build_report(validation, estimation).sections] == ALL_SECTIONS
    without = [name for name in ALL_SECTIONS if name not in {"verdicts", "gaps", "plan", "lenses"}]
    assert [section.id for section in build_report(validation).sections] == without
    shown = [s.id for s in build_report(validation, replace(estimation, plans=[])).sections]
    assert shown == [name for name in ALL_SECTIONS if name != "plan"]
    of_items = [f for f in validation.findings if not any(axis.startswith("rater.") for axis in f.population or {})]
    shown = [s.id for s in build_report(replace(validation, findings=of_items), estimation).sections]
    assert shown == [name for name in ALL_SECTIONS if name != "alignment"]


def test_the_alt_test_is_left_out_where_it_was_made_nowhere_and_reasoned_where_it_was_made_elsewhere(
    estimated: Estimated, hostile: jf.Validation
) -> None:
    assert "alt_test" not in [section.id for section in build_report(hostile).sections]  # 24 items are too few
    section = section_of(build_report(*estimated), "alt_test")
    assert all(NOISY not in row[0].text for table in tables(section) for row in table.rows)
    assert any(NOISY in text and "the winning rate is undefined: " in text for text in texts(section))


def test_alignment_tells_of_every_population_of_raters(estimated: Estimated) -> None:
    section = section_of(build_report(*estimated), "alignment")
    for table in tables(section):
        assert "raters by tongue" in table.caption
        assert {(row[0].text, row[3].text) for row in table.rows} == {("English", "1"), ("<i>other</i>", "2")}
    assert sum(isinstance(block, Chart) for block in section.blocks) == 2


def test_the_plan_tells_labels_now_and_needed(estimated: Estimated) -> None:
    _, estimation = estimated
    section = section_of(build_report(*estimated), "plan")
    for table, plan in zip(tables(section), estimation.plans, strict=True):
        for row in table.rows:
            name = row[0].text.removeprefix(f"{plan.axis}: ")
            assert row[1].text == f"{plan.now[name]:,}"
            assert row[2].text == (f"{plan.needed[name]:,}" if name in plan.needed else "none suffices")
    assert {row[1].text for row in tables(section)[0].rows if UNLABELLED in row[0].text} == {"0"}
    for n, words in ((1, "1 rater an item makes"), (3, "3 raters an item make ")):
        asked = replace(estimation, plans=[replace(estimation.plans[0], raters_per_item=n)])
        assert any(words in text for text in texts(section_of(build_report(estimated[0], asked), "plan")))


def test_missing_ratings_are_tabled_and_bound_the_gap(estimated: Estimated) -> None:
    first, second, *_ = tables(section_of(build_report(*estimated), "missingness"))
    assert list(first.columns) == ["Population", "refused", "unparsable"]
    assert list(second.columns) == ["Population", "Corrected gap", "Bounds"]
    for row in second.rows:
        corrected, low, high = (float(text.replace("−", "-")) for text in (row[1].text.split()[0], *row[2].text.split(" to ")))
        assert low <= corrected <= high


@pytest.mark.parametrize(
    ("value", "p_value", "said"),
    [
        (
            0.5,
            1e-20,
            "is served worst, by 0.50 points (simultaneous interval +0.40 to +0.60; no gap at all on this axis: p < 0.001",
        ),
        (0.5, 0.043, "p = 0.043"),
        (0.5, None, "(simultaneous interval +0.40 to +0.60)"),
        (-0.5, 0.5, "is not served worse than the reference, and no other population is: −0.50 points"),
    ],
)
def test_the_worst_served_is_told_as_what_it_is(value: float, p_value: float | None, said: str, estimated: Estimated) -> None:
    validation, estimation = estimated
    worst = Estimate("worst_population", value, value - 0.1, value + 0.1, p_value=p_value)
    others = [f for f in estimation.findings if f.estimate.estimand != "worst_population"]
    findings = [*others, Finding("helpfulness", {"age": "child"}, {"age": "adult"}, worst)]
    told = texts(section_of(build_report(validation, replace(estimation, findings=findings)), "gaps"))
    assert [text for text in told if said in text], told


# Charts


def charts(report: Report) -> list[Chart]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Chart)]


def test_every_chart_is_valid_vega_lite(estimated: Estimated, constructed: jf.Validation) -> None:
    found = [*charts(build_report(*estimated)), *charts(build_report(constructed))]
    assert len(found) > 10
    for chart in found:
        altair.Chart.from_dict(chart.spec, validate=True)
    panel = found[0].spec["spec"]
    broken = {**found[0].spec, "spec": {**panel, "layer": [{**panel["layer"][0], "mark": "smudge"}]}}
    with pytest.raises(Exception, match="smudge"):
        altair.Chart.from_dict(broken, validate=True)


def test_the_gaps_chart_has_a_panel_for_each_contrast_with_every_interval_and_the_tolerance(estimated: Estimated) -> None:
    _, estimation = estimated
    spec = gaps_chart(estimation, "helpfulness")
    assert spec is not None
    band, zero, bars, intervals, points = spec["spec"]["layer"]
    assert (band["encoding"]["x"]["field"], band["encoding"]["x2"]["field"]) == ("from", "to")
    assert zero["encoding"]["x"] == {"datum": 0}
    assert (intervals["encoding"]["x"]["field"], intervals["encoding"]["x2"]["field"]) == ("low", "high")
    assert bars["encoding"]["x"]["field"] == points["encoding"]["x"]["field"] == "value"
    rows = spec["data"]["values"]
    assert {(row["from"], row["to"]) for row in rows} == {(-0.25, 0.25)}
    drawn = {(row["panel"].split("\n")[0], row["who"]): row for row in rows}
    harmed = verdict_on(estimation, "helpfulness", home_language=HARMED)
    for name, estimate in (("raw", harmed.raw), ("+ made by the judge", harmed.judge_made), ("= corrected", harmed.corrected)):
        row = drawn[f"home_language: {HARMED} − English", name]
        assert (row["low"], row["value"], row["high"]) == (estimate.low, estimate.value, estimate.high)
    assert [who for panel, who in drawn if UNLABELLED in panel] == ["raw"]
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    declared = [contrast_name(v) for v in estimation.verdicts if v.criterion == "helpfulness"]
    assert (
        [panel.split("\n")[0] for panel in panels] == declared == [name.split("\n")[0] for name in spec["facet"]["row"]["sort"]]
    )
    assert all(re.search(r" − (English|adult)\n\d+ items, tolerance ±0.25$", panel) for panel in panels)


def test_a_chart_is_told_in_words_too(estimated: Estimated) -> None:
    validation, estimation = estimated
    spec = gaps_chart(estimation, "helpfulness")
    assert spec is not None
    told = in_words(spec)
    assert len(told) == len(spec["data"]["values"])
    raw = verdict_on(estimation, "helpfulness", home_language=ALIKE).raw
    low, value, high = map(signed, (raw.low, raw.value, raw.high))
    assert any(ALIKE in line and line.endswith(f", raw: {value}, {low} to {high}") for line in told)
    page = Page(to_html(build_report(validation, estimation))).text
    for chart in charts(build_report(validation, estimation)):
        for line in in_words(chart.spec):
            assert printable(line) in page


def test_a_gaps_chart_without_a_gap_is_none(estimated: Estimated) -> None:
    assert gaps_chart(replace(estimated[1], verdicts=[]), "helpfulness") is None


@pytest.mark.parametrize(
    "name", ["nul \x00", "escape \x1b[31m", "half \ud800", "no character \ufffe\uffff", "line\nbreak", "<b>&]]>"]
)
def test_no_name_breaks_the_renderer_or_leaves_its_text(name: str, estimated: Estimated) -> None:
    verdict = replace(estimated[1].verdicts[0], population={"home_language": name})
    spec = gaps_chart(replace(estimated[1], verdicts=[verdict]), "helpfulness")
    assert spec is not None
    tags = {tag for tag, _ in Page(to_svg(spec)).elements}
    assert tags <= {"svg", "g", "path", "text", "rect", "line", "circle", "title", "defs", "clippath", "tspan"}, tags


# Forms


def test_names_and_texts_stay_text_in_every_form(estimated: Estimated, tmp_path: Path) -> None:
    report = build_report(*estimated)
    write_report(report, tmp_path)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "b", "i", "iframe", "object", "form"}
    for name in (HARMED, ALIKE, UNLABELLED):
        assert name in page.text
    markdown = (tmp_path / "report.md").read_text("utf-8")
    assert not re.search(r"(?<!\\)<[bi]\\?>", markdown)
    assert r"spoken \| written" in markdown
    for form in ("report.html", "report.md"):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", (tmp_path / form).read_text("utf-8"))


def test_html_and_markdown_tell_the_same_tables(estimated: Estimated) -> None:
    report = build_report(*estimated)
    page, markdown = Page(to_html(report)), to_markdown(report)
    assert (
        sum(tag == "table" for tag, _ in page.elements)
        == markdown.count("| --- |\n") + 2  # the first screen of the page, which is summary.md
        == sum(isinstance(block, Table) for section in report.sections for block in section.blocks) + 2
    )
    assert [a["id"] for tag, a in page.elements if tag == "section"] == ALL_SECTIONS


def printed(what: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor", legacy_windows=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def plain(text: str) -> str:
    """Without the styles that rich itself sets; anything else that steers a terminal stays and is found."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def shows_no_steering(text: str, names: Sequence[str]) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", plain(text))
    assert max(map(len, plain(text).splitlines())) <= 80
    joined = re.sub(r"\s", "", plain(text))
    for name in names:
        assert re.sub(r"\s", "", name) in joined, name


def test_the_verdict_table_prints_at_80_columns_and_reads_no_markup(estimated: Estimated) -> None:
    _, estimation = estimated
    text = printed(VerdictTable(estimation))
    shows_no_steering(text, ["]0;pwned", "difference", "undetermined", "tolerance ±0.25"])
    assert "[red]" in plain(text)
    joined = " ".join(plain(text).split())
    for verdict in estimation.verdicts:
        if verdict.answer == "undetermined":
            words = re.sub(r"[\x00-\x1f]", "\ufffd", verdict.settles)
            assert words in joined
        for gap in (verdict.corrected, verdict.raw, verdict.judge_made):
            assert number(gap, signed=True).text.split()[0] in joined


def test_the_plan_table_prints_at_80_columns_and_reads_no_markup(estimated: Estimated) -> None:
    _, estimation = estimated
    text = printed(PlanTable(estimation.plans, [verdict.to_json() for verdict in estimation.verdicts]))
    shows_no_steering(text, [HARMED, ALIKE, UNLABELLED, "]0;pwned", "would be seen with 80 % power"])
    seen = sum(verdict.could_see == verdict.could_see for verdict in estimation.verdicts)
    assert " ".join(plain(text).split()).count("80 % power") == seen


def test_the_terminal_report_shows_verdicts_and_gate(estimated: Estimated) -> None:
    text = printed(TerminalReport(build_report(*estimated)))
    shows_no_steering(text, ["Verdicts", "Validity gate", "How far the judge can be trusted", "◆ disparity", "? undetermined"])


def test_no_colour_reaches_a_terminal_that_asks_for_none(estimated: Estimated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    console.print(TerminalReport(build_report(*estimated)))
    assert isinstance(console.file, io.StringIO)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", console.file.getvalue())


def test_labels_that_no_human_gave_are_said_beside_every_verdict(estimated: Estimated) -> None:
    validation, estimation = estimated
    made = {"labels": "constructed"}
    validation = replace(validation, scope={**validation.scope, **made})
    estimation = replace(estimation, scope={**estimation.scope, **made})
    report = build_report(validation, estimation)
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Table | Chart) and section.id not in {"scope", "method", "plan"}:
                assert "Labels: constructed" in block.caption, block.caption
    assert "The labels of this set are constructed: no human rated these items." in " ".join(
        plain(printed(VerdictTable(estimation))).split()
    )


# Agreement without variance


def hatecheck_without_targets(data_folder: Path, share_off: float) -> jf.Validation:
    """The 295 posts of HateCheck that name no group, with a made-up judge that calls hateful what the raters do not, now and then."""
    fetch_set(read_card(find_set("hatecheck") / "card.yaml"), data_folder)
    cset = jf.load_calibration_set("hatecheck")
    untargeted = {item.item_id for item in cset.items if not item.populations}
    rated = cset.ratings[cset.ratings["item_id"].isin(untargeted)]
    table = rated.assign(value=rated["code"].astype(int))[["item_id", "rater_id", "value"]]
    off = np.random.default_rng(2).random(len(untargeted)) < share_off
    judge = pd.DataFrame({"item_id": sorted(untargeted), "rater_id": "judge", "value": off.astype(int)})
    return jf.validate_ratings(pd.concat([table, judge]), "judge", "binary", n_resamples=200, as_of="2026-01-01")


def test_near_perfect_agreement_without_variance_is_explained(data_folder: Path) -> None:
    validation = hatecheck_without_targets(data_folder, 0.03)
    rated = validation.ratings[validation.ratings["rater_kind"] == "human"]
    hateful, all_of = (rated.groupby("item_id")["code"].agg(how) for how in ("sum", "count"))
    # of the five ratings of a post, k hateful: k(k - 1) + (5 - k)(4 - k) ordered pairs of raters agree out of 20
    share = float(((hateful * (hateful - 1) + (all_of - hateful) * (all_of - hateful - 1)) / (all_of * (all_of - 1))).mean())
    assert (len(all_of), round(share, 3)) == (295, 0.950)
    assert validation.find("alpha.human", "rating").value == pytest.approx(0, abs=0.01)
    told = texts(section_of(build_report(validation), "agreement"))
    (explained,) = [text for text in told if "tells how little the items vary" in text]
    assert f"all items ({share:.1%} of pairs agree, alpha 0.00)" in explained
    table = tables(section_of(build_report(validation), "agreement"))[0]
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    for name in ("humans among themselves (alpha)", "judge with humans (alpha)", "kappa.none"):
        assert cells[name].text == "little variance"  # no number in the table that reads as disagreement
        assert "items" in cells[name].title
    assert cells["humans: share of agreeing pairs"].text.startswith("0.95 [")
    said = headline(validation)
    assert "trust judge not on this evidence" in said
    assert "very little" not in said
    assert explained in Page(to_html(build_report(validation))).text


def test_agreement_with_variance_is_not_explained_away() -> None:
    validation = jf.validate_ratings(made_up(hostile=False), "judge", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    section = section_of(build_report(validation), "agreement")
    assert not any("how little the items vary" in text for text in texts(section))
    assert not any(cell.text == "little variance" for table in tables(section) for row in table.rows for cell in row)
