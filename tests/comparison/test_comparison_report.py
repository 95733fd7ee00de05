"""Does every form of a comparison say the same, draw what is undefined as such, and keep text text?"""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import judgefair as jf
from judgefair.cli import comparing
from judgefair.comparison import Comparison, compare, comparison_document, comparison_report, write_comparison
from judgefair.comparison.heatmap import AT_ONCE, heatmap, heatmaps
from judgefair.errors import InputError, UsageError
from judgefair.reporting.blocks import Chart, Table, Text, number
from judgefair.reporting.charts import to_svg
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.report import Report
from judgefair.reporting.terminal import TerminalReport
from judgefair.runs import judge
from judgefair.validation import save_validation
from tests.comparison.conftest import NAMES, SETS, World, context, ratings_of, reader, rubric_of, set_of, validated
from tests.reporting.test_report import Page


@pytest.fixture(scope="session")
def compared(world: World, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """The world, one run that uses a judge elsewhere, and one context of constructed labels by one judge."""
    folder = tmp_path_factory.mktemp("more")
    rubric = rubric_of("library")
    items = set_of("new", ratings_of("new"), rubric).items
    judge(jf.compile_judge(rubric), items, reader("careful"), folder / "used", use_cache=False, as_of="2026-01-01")
    built = set_of("built", ratings_of("built", n_raters=1), rubric, labels="constructed")
    validated(folder / "built", reader("careful"), rubric, built)
    return compare([*world.folders, folder / "used", folder / "built"], n_resamples=200)


@pytest.fixture(scope="session")
def report(compared: Comparison) -> Report:
    return comparison_report(compared)


def tables(report: Report) -> list[Table]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Table)]


def test_the_headline_counts_and_names_no_best_judge(report: Report) -> None:
    assert report.title == "3 judges in 5 contexts"
    assert "Of 12 pairs of judges, 11 can be told apart" in report.headline
    assert "1 run uses a judge where it was not validated" in report.headline


def test_the_headline_says_where_the_gate_is_a_preview(compared: Comparison) -> None:
    n, first = sum(bool(cell.gate) for cell in compared.cells), compared.contexts[0]
    assert n > 3
    assert "preview" not in comparison_report(compared).headline
    elsewhere = replace(compared, contexts=[replace(first, split="dev"), *compared.contexts[1:]])
    assert f"of {n} cells that have one. 3 of these are previews" in comparison_report(elsewhere).headline
    everywhere = replace(compared, contexts=[replace(each, split="dev") for each in compared.contexts])
    assert "All of these are previews" in comparison_report(everywhere).headline


def test_what_is_used_elsewhere_comes_first(report: Report, compared: Comparison) -> None:
    assert [section.id for section in report.sections] == [
        "used_elsewhere", "contexts", "matrix", "differences", "panels", "joint_alt_test", "method",
    ]  # fmt: skip
    assert compared.flags[0].message in report.notes


def test_every_cell_stands_in_a_table_with_its_numbers(report: Report, compared: Comparison) -> None:
    for name in SETS:
        (table,) = [t for t in tables(report) if t.caption.startswith(f"{context(name)}: agreement")]
        assert [row[0].text for row in table.rows] == [f"scripted:{name}" for name in NAMES]
        for row in table.rows:
            cell = compared.find(row[0].text, context(name), "depth")
            assert cell is not None
            assert row[3].text == "0 of 100"
            assert row[4].text == number(cell.ratio).text
            assert "100 items" in row[4].title
    assert not any(
        "average" in column.lower() or "mean" in column.lower() for table in tables(report) for column in table.columns
    )


def test_labels_that_no_human_gave_are_told_beside_their_context(report: Report) -> None:
    assert report.labels == "mixed"
    (table,) = [t for t in tables(report) if "built, all: agreement" in t.caption]
    assert "no human rated these items" in table.caption
    assert "Some of the labels here were given by no human" in to_html(report)


def test_an_undefined_ratio_is_undefined_in_every_form(report: Report, compared: Comparison) -> None:
    (table,) = [t for t in tables(report) if "built, all: agreement" in t.caption]
    assert [table.rows[0][k].text for k in (4, 6)] == ["undefined", "undefined"]
    told = [block.text for section in report.sections for block in section.blocks if isinstance(block, Text)]
    assert any("the ratio is undefined: alpha.human is undefined: no item has two ratings" in text for text in told)
    (row,) = [row for row in cells(heatmap(compared, ["scripted:careful"])) if "built" in row["context"]]
    assert (row["kind"], row["first"]) == ("no ratio", "no ratio")
    assert "ratio" not in row
    assert row["second"].startswith("alpha 0.")


def cells(spec: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


def test_the_heatmap_has_a_cell_for_each_judge_and_context_whether_it_was_run_or_not(compared: Comparison) -> None:
    (spec,) = heatmaps(compared)
    altair.Chart.from_dict(spec, validate=True)
    rows = cells(spec)
    assert len(rows) == 3 * 5
    not_run = [row for row in rows if row["kind"] == "not run"]
    assert {row["judge"] for row in not_run} == {"scripted:hasty", "scripted:blind"}
    assert all("built" in row["context"] and "ratio" not in row for row in not_run)
    text = Page(to_svg(spec)).text
    for row in rows:
        assert row["third"] in text
        assert row["first"] in text


def test_a_heatmap_is_drawn_without_script_style_or_reference(compared: Comparison) -> None:
    svg = to_svg(heatmaps(compared)[0])
    assert not any(word in svg for word in ("<script", "href", "style=", "<image"))
    assert {tag for tag, _ in Page(svg).elements} <= {
        "svg",
        "g",
        "path",
        "text",
        "tspan",
        "line",
        "rect",
        "defs",
        "lineargradient",
        "stop",
    }


def test_many_judges_take_several_pictures(compared: Comparison) -> None:
    from dataclasses import replace

    from judgefair.comparison import Judge

    names = [f"judge-{k}" for k in range(AT_ONCE + 1)]
    many = replace(
        compared,
        judges=[Judge(name, name, None, None) for name in names],
        cells=[replace(compared.cells[0], judge=name) for name in names],
    )
    assert [len({row["judge"] for row in cells(spec)}) for spec in heatmaps(many)] == [AT_ONCE, 1]


def test_the_files_are_one_report_in_three_forms(compared: Comparison, report: Report, tmp_path: Path) -> None:
    path = write_comparison(compared, tmp_path / "out")
    assert path == tmp_path / "out" / "comparison.html"
    assert sorted(file.name for file in path.parent.iterdir()) == ["comparison.html", "comparison.json", "comparison.md"]
    assert path.read_text("utf-8") == to_html(report)
    assert (path.parent / "comparison.md").read_text("utf-8") == to_markdown(report)
    data = json.loads((path.parent / "comparison.json").read_text("utf-8"))
    assert data == json.loads(json.dumps(comparison_document(compared, report)))
    assert len(data["cells"]) == 13
    assert len(data["differences"]) == 12
    named = {found.name for found in compared.contexts}
    assert data["estimates"]
    for estimate in data["estimates"]:
        assert estimate["context"] in named  # nothing is of all contexts together
        assert {"estimand", "value", "low", "high", "level", "criterion", "population", "contrast"} <= set(estimate)


def test_names_stay_text_in_every_form(tmp_path: Path) -> None:
    hostile = "<img src=x> | `judge` \x1b]0;pwned\x07"
    table = ratings_of("table")
    told = table.assign(rater_kind="human")
    said = told[told["rater_id"] == "ann"].assign(rater_id=hostile, rater_kind="judge")
    rows = [*told.to_dict("records"), *said.to_dict("records")]
    import pandas as pd

    save_validation(
        jf.validate_ratings(pd.DataFrame(rows), hostile, "ordinal:1-7", n_resamples=20, as_of="2026-01-01"), tmp_path / "run"
    )
    report = comparison_report(compare([tmp_path / "run"], n_resamples=20))
    page = Page(to_html(report))
    assert "img" not in {tag for tag, _ in page.elements}
    assert "\x1b" not in to_html(report) + to_markdown(report)
    assert r"\<img src=x\> \| \`judge\`" in to_markdown(report)


def test_the_terminal_shows_flags_matrix_and_differences(report: Report) -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(TerminalReport(report))
    text = out.getvalue()
    for told in (
        "Used where not validated",
        "Judges by contexts",
        "Differences between judges",
        "scripted:careful agrees better",
    ):
        assert told in text


# The command


def called(*arguments: str | Path) -> Any:
    app = typer.Typer()
    comparing.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_json_is_one_document_and_writes_what_it_says(world: World, tmp_path: Path) -> None:
    done = called(*world.folders[:3], "--json", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))


def test_markdown_is_the_report_for_a_pull_request(world: World) -> None:
    done = called(*world.folders[:3], "--markdown")
    assert done.exit_code == 0
    assert done.stdout.startswith("# 3 judges in 1 context\n")
    assert "| scripted:careful | depth |" in done.stdout


def test_the_plain_command_ends_with_where_the_report_is(world: World, tmp_path: Path) -> None:
    done = called(*world.folders[:3], "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert f"Report: {tmp_path / 'out' / 'comparison.html'}" in done.stdout.replace("\n", "")


def test_two_forms_at_once_are_a_usage_error(world: World) -> None:
    assert isinstance(called(world.folders[0], "--markdown", "--json").exception, UsageError)


def test_a_folder_that_is_no_run_is_an_input_error(tmp_path: Path) -> None:
    assert isinstance(called(tmp_path).exception, InputError)


def test_no_chart_but_the_heatmap_is_needed_to_read_the_numbers(report: Report) -> None:
    assert sum(isinstance(block, Chart) for section in report.sections for block in section.blocks) == 1
