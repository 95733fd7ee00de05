"""Does the first screen say scope, verdicts and trust, and can each number of a report be traced without a mouse?"""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest

import judgefair as jf
from judgefair.estimation import Estimation
from judgefair.records import Item, printable
from judgefair.reporting import Report, build_report, summary_markdown
from judgefair.reporting.blocks import Beside, Cell, Table, number
from judgefair.reporting.html import to_html
from judgefair.reporting.summary import MOST_VERDICTS, Summary, together
from judgefair.reporting.traces import traced
from judgefair.statistics import Estimate
from judgefair.statistics.estimate import signed
from tests.reporting.conftest import ALIKE, HARMED
from tests.reporting.test_report import Page

Estimated = tuple[jf.Validation, Estimation]


def first_of(report: Report) -> Summary:
    assert report.summary is not None
    return report.summary


def verdicts_of(report: Report) -> Table:
    table = first_of(report).verdicts
    assert table is not None
    return table


# Scope, verdicts, trust


def test_the_first_screen_holds_every_verdict_with_its_simultaneous_interval_and_tolerance(estimated: Estimated) -> None:
    table = verdicts_of(build_report(*estimated))
    assert list(table.columns) == ["Criterion", "Contrast", "Verdict", "Corrected gap", "Tolerance"]
    assert len(table.rows) == len(estimated[1].verdicts)
    for row, verdict in zip(table.rows, estimated[1].verdicts, strict=True):
        low, high, _ = verdict.for_disparity
        assert row[0].text == verdict.criterion
        assert row[4].text == f"±{verdict.tolerance:g}"
        assert row[2].mark
        if low == low:
            assert row[3].text == f"{signed(verdict.corrected.value)} [{signed(low)}, {signed(high)}]"
        elif verdict.corrected.is_defined:
            assert row[3].text.endswith(" pointwise")
        else:
            assert row[3].text == "undefined"


def test_answers_are_told_apart_without_colour(estimated: Estimated) -> None:
    marks = {row[2].text: row[2].mark for row in verdicts_of(build_report(*estimated)).rows}
    assert len({marks["disparity"], marks["equivalent"], marks["undetermined"], marks["reported, not judged"]}) == 4


def many(estimation: Estimation, n: int) -> Estimation:
    """So many contrasts, the one disparity last."""
    by_group = {next(iter(v.population.values())): v for v in estimation.verdicts if v.criterion == "helpfulness"}
    alike = [replace(by_group[ALIKE], population={"home_language": f"group {k}"}) for k in range(n - 1)]
    return replace(estimation, verdicts=[*alike, by_group[HARMED]])


def test_of_many_verdicts_the_most_urgent_are_shown_and_the_rest_is_counted(estimated: Estimated) -> None:
    table = verdicts_of(build_report(estimated[0], many(estimated[1], 40)))
    assert len(table.rows) == MOST_VERDICTS
    assert [row[2].text for row in table.rows] == ["disparity", *["equivalent"] * (MOST_VERDICTS - 1)]
    assert f"{MOST_VERDICTS} of 40" in table.caption


def test_trust_shows_the_judge_beside_the_humans_and_its_largest_error_gap(estimated: Estimated) -> None:
    validation, _ = estimated
    first = first_of(build_report(*estimated))
    for row, criterion in zip(first.trust.rows, validation.scales, strict=True):
        assert row[1].text == number(validation.find("alpha.judge_human", criterion)).text
        assert row[2].text == number(validation.find("alpha.human", criterion)).text
        gaps = [f.estimate for f in validation.findings if (f.criterion, f.estimate.estimand) == (criterion, "judge_error_gap")]
        largest = max((gap for gap in gaps if gap.is_defined), key=lambda gap: abs(gap.value))
        assert row[3].text.startswith(number(largest, signed=True).text)
    assert first.gate is not None
    counted = [int(n) for n in re.findall(r"(\d+) (?:failed|not shown|passed)", first.gate.text)]
    assert sum(counted) == len(validation.gate)


def test_a_table_of_ratings_alone_has_a_first_screen_without_verdicts_or_gate(hostile: jf.Validation) -> None:
    first = first_of(build_report(hostile))
    assert first.verdicts is first.gate is None
    assert "no use case is stated" in first.scope
    assert first.trust.rows


def test_several_systems_stand_beside_each_other_and_nothing_is_averaged(estimated: Estimated) -> None:
    first = first_of(build_report(*estimated))
    both = together({"one": first, "two": first})
    assert both.verdicts is not None
    assert first.verdicts is not None
    assert [row[0].text for row in both.verdicts.rows[: len(first.verdicts.rows)]] == ["one"] * len(first.verdicts.rows)
    assert {cell.text for row in both.trust.rows for cell in row} == {
        "one", "two", *(cell.text for row in first.trust.rows for cell in row),
    }  # fmt: skip


# The summary that fits a pull request


def fits(text: str) -> bool:
    return len(text) < 4_000 and len(text.splitlines()) < 60


def test_the_summary_fits_a_pull_request_and_says_what_counts(estimated: Estimated, constructed: jf.Validation) -> None:
    for report in (build_report(*estimated), build_report(constructed)):
        told = summary_markdown(report)
        assert fits(told)
        assert "Validity gate not passed" in told
        assert "report.html" in told
        assert not re.search(r"(?<!\\)<[bi]\\?>", told)
    assert "| ◆ disparity |" in summary_markdown(build_report(*estimated))


def test_a_summary_of_many_long_names_fits_too_and_counts_what_is_left_out(estimated: Estimated) -> None:
    validation, estimation = estimated
    found = many(estimation, 40)
    long = [replace(v, population={"home_language": f"{'_long' * 30} {k}"}) for k, v in enumerate(found.verdicts)]
    report = build_report(validation, replace(found, verdicts=long))
    told = summary_markdown(report)
    assert fits(told)
    assert f"{MOST_VERDICTS} of 40" in told
    wordy = summary_markdown(replace(report, headline="words " * 300))
    assert fits(wordy)
    assert "more rows stand in the report" in wordy
    assert fits(summary_markdown(replace(report, headline="*endless* " * 2_000)))


# Where numbers come from


def tables(report: Report) -> list[Table]:
    first = first_of(report)
    return [
        *([first.verdicts] if first.verdicts else []), first.trust,
        *(block for section in report.sections for block in section.blocks if isinstance(block, Table)),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["hostile", "constructed", "estimated"])
def test_every_number_is_traced_to_estimand_counts_method_and_source(name: str, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue(name)
    report = build_report(*source) if isinstance(source, tuple) else build_report(source)
    seen = 0
    for table in tables(report):
        trace = traced(table)
        for i, row in enumerate(table.rows):
            for j, cell in enumerate(row):
                note = trace.of_columns[j] or trace.of_cells[i][j]
                if cell.estimate is not None:
                    behind = trace.notes[note - 1]
                    told = "; ".join([behind.shared, *(text for text, _ in behind.of_rows)])
                    assert behind.about == cell.estimate.estimand
                    assert f"{cell.estimate.n_items:,} items" in told
                    assert all(phrase in told for phrase in cell.estimate.method.split("; "))
                    assert behind.source == cell.estimate.source
                    seen += 1
    assert seen > 20
    page = Page(to_html(report)).text
    for table in tables(report):
        for note in traced(table).notes:
            assert printable(note.shared) in page
            assert all(printable(told) in page for told, _ in note.of_rows)


def test_what_all_numbers_of_a_column_share_is_told_once() -> None:
    def cell(n: int, source: str = "Somebody 2020") -> Cell:
        return number(Estimate("judge_error", 0.5, 0.25, 0.75, n_items=n, method="a mean; t interval", source=source))

    rows = [[Cell("north"), cell(9)], [Cell("south"), cell(9)], [Cell("east"), cell(4)]]
    trace = traced(Table("", ["Population", "Error"], rows))
    (note,) = trace.notes
    assert note.shared == "a mean; t interval; 95% interval"
    assert note.of_rows == [("9 items", ["north", "south"]), ("4 items", ["east"])]
    assert trace.of_columns == [0, 1]
    other = traced(Table("", ["Population", "Error"], [*rows, [Cell("west"), cell(4, "Somebody else 2021")]]))
    assert other.of_columns == [0, 0]
    assert [row[1] for row in other.of_cells] == [1, 1, 1, 2]


def test_a_number_that_stands_behind_a_word_is_told_in_its_note() -> None:
    hidden = replace(number(Estimate("alpha.human", 0.01, -0.02, 0.03, n_items=9)), text="little variance")
    (note,) = traced(Table("", ["Population", "Alpha"], [[Cell("north"), hidden]])).notes
    assert "by itself 0.01 [−0.02, 0.03]" in note.shared


# Arms of a scenario


def with_arms(levels: dict[str, Sequence[int]], humans: bool) -> Estimated:
    """A made-up validation whose items are arms of scenarios: what ann and bob said of each, by scenario."""
    rows, items = [], []
    for scenario, given in levels.items():
        for k, level in enumerate(given):
            item_id = f"{scenario}-{k}"
            items.append(
                Item(item_id, f"{scenario}?", f"{scenario} <b>!</b>", {}, scenario, {"arm": f"arm {k}", "block": scenario})
            )
            rows += [{"item_id": item_id, "rater_id": rater, "value": level} for rater in ("judge", "ann", "bob")]
    found = jf.validate_ratings(pd.DataFrame(rows), "judge", "ordinal:1-5", n_resamples=5, as_of="2026-01-01")
    kept = found.ratings if humans else found.ratings.iloc[:0]
    arms = [
        {
            "scenario": item.scenario_id, "arm": item.meta["arm"], "query": item.query, "response": item.response, "missing": None,
            "ratings": {"rating": float(levels[str(item.scenario_id)][int(item.item_id[-1])])},
        }
        for item in items
    ]  # fmt: skip
    scope = {"labels": "human", "labels_from": "the run itself"}
    return replace(found, items=items, ratings=kept), Estimation(scope, [], [], [], [], {"arms": arms})


@pytest.mark.parametrize("humans", [True, False])
def test_the_scenario_with_the_widest_arms_is_shown_with_all_its_arms(humans: bool) -> None:
    from judgefair.reporting.sections import arms

    section = arms.build(*with_arms({"calm": [3, 3, 4], "split": [1, 3, 5], "even": [2, 2, 2]}, humans))
    assert section is not None
    told, beside = section.blocks
    assert isinstance(beside, Beside)
    assert [quote.title for quote in beside.quotes] == ["arm 0", "arm 1", "arm 2"]
    assert "Scenario split" in beside.caption
    assert "4 points on rating" in str(told.to_json()["text"])
    assert ("the humans rated" if humans else "the judge rated") in str(told.to_json()["text"])
    parts = dict(beside.quotes[0].parts)
    assert parts["Judge"] == "rating 1"
    assert parts.get("Humans") == ("rating 1" if humans else None)
    assert parts["Response"] == "split <b>!</b>"


def test_a_run_without_arms_has_no_section_of_them(estimated: Estimated) -> None:
    assert "arms" not in [section.id for section in build_report(*estimated).sections]
