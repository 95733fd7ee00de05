"""Does a changed wording show in the judge's error of those it concerns, and is it laid to that change alone where it can be?"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from judgefair.calibration import CalibrationSet
from judgefair.calibration.ledger import read_looks
from judgefair.comparison import VersionComparison, compare_versions, version_document, version_report, write_versions
from judgefair.comparison.versions import ASKED_TWICE
from judgefair.compile import compile_judge
from judgefair.errors import BudgetError, InputError
from judgefair.models.budget import Budget
from judgefair.models.model import Body
from judgefair.models.stand_ins import Scripted
from judgefair.reporting.blocks import Table, Text
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.report import Report
from judgefair.rubric.rubric import Rubric
from judgefair.validation import load_validation
from tests.builders import planted_rubric, tiny_rubric
from tests.comparison.conftest import ratings_of, rubric_of, set_of
from tests.desk_set import DeskJudge, desk_set, helps
from tests.reporting.test_report import Page
from tests.rubric.test_diff import edited

BASE = tiny_rubric()
ANCHOR = ("criteria", 0, "scale", "levels", 2, 1)
QUESTION = ("criteria", 0, "question")
SOMALI, ENGLISH = {"home_language": "somali"}, {"home_language": "english"}
PATH = "criteria.helpfulness.levels.2"
N = 40  # of the dev split of 200 items


class WordyJudge(DeskJudge):
    """Reads the figure, and takes 2 for 1 in what Somali speakers asked until the prompt says 'whatever English'."""

    def _answer(self, body: Body) -> dict[str, Any]:
        prompt, text = body["messages"][0]["content"], body["messages"][-1]["content"]
        level, number = helps(text), int(re.findall(r"Answer number (\d+)", text)[-1])
        if "whatever English" not in prompt and level == 2 and number // 4 % 2:
            level = 1
        fields = body["response_format"]["json_schema"]["schema"]["properties"]
        return {name: min(level, max(x for x in field["enum"] if isinstance(x, int))) for name, field in fields.items()}


def version(*edits: tuple[tuple[Any, ...], Any], base: Rubric = BASE, number: str = "2.2.0") -> Rubric:
    return edited((("version",), number), *edits, base=base)


STRICTER = version((ANCHOR, "To the right shelf, in whatever English"))


@pytest.fixture
def cset(tmp_path: Path) -> CalibrationSet:
    return desk_set(tmp_path, 200)


@pytest.fixture
def judge() -> WordyJudge:
    return WordyJudge()


def compared(
    new: Rubric, cset: CalibrationSet, judge: Any, out: Path, *, old: Rubric = BASE, **options: Any
) -> VersionComparison:
    return compare_versions(old, new, cset, judge, out, **{"n_resamples": 50, "as_of": "2026-01-01"} | options)


def moved_by_hand(cset: CalibrationSet, group: str) -> np.ndarray:
    """By item of the dev split, new minus old rating as the judge is planted; every item has two labels, which do not differ."""
    items = [item for item in cset.take("dev").items if item.populations["home_language"] == group]
    return np.array([float(group == "somali" and helps(item.response) == 2) for item in items])


def tables(report: Report, start: str) -> list[Table]:
    return [b for s in report.sections for b in s.blocks if isinstance(b, Table) and b.caption.startswith(start)]


def texts(report: Report) -> list[str]:
    return [block.text for section in report.sections for block in section.blocks if isinstance(block, Text)]


# What moved


def test_the_change_is_found_where_it_is_planted_with_the_interval_of_the_paired_t_test(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    moved = moved_by_hand(cset, "somali")
    assert 0 < moved.mean() < 1
    estimate = found.find("change.judge_error", "helpfulness", SOMALI)
    # The influence of item i on the mean is (x_i - mean) / n, so that the CR1 variance of single items is s^2 / n: scipy 1.17's t test.
    test = stats.ttest_1samp(moved, 0)
    assert estimate.value == pytest.approx(moved.mean())
    assert (estimate.low, estimate.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert estimate.p_value == pytest.approx(test.pvalue)
    assert (estimate.n_items, estimate.n_raters) == (len(moved), 2)
    distance = found.find("change.absolute_error", "helpfulness", SOMALI)
    assert distance.value == pytest.approx(-moved.mean())  # by as much it is closer to the labels
    same = found.find("change.judge_error", "helpfulness", ENGLISH)
    assert same.value == 0
    assert "no variance" in same.method
    everybody = np.concatenate([moved, moved_by_hand(cset, "english")])
    assert found.find("change.judge_error", "helpfulness").value == pytest.approx(everybody.mean())
    gap = found.find("change.judge_error_gap", "helpfulness", SOMALI)
    assert gap.value == pytest.approx(moved.mean())
    assert gap.low > 0
    assert found.find("change.alpha", "helpfulness", SOMALI).value > 0
    flips = found.find("change.flips", "helpfulness", SOMALI)
    assert (flips.value, flips.n_items) == (pytest.approx(moved.mean()), len(moved))
    with pytest.raises(KeyError, match="no estimate"):
        found.find("change.judge_error", "helpfulness", {"age": "child"})


def test_intervals_hold_for_the_family_of_criteria_and_populations(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    family = [
        m.change
        for m in found.moved
        if m.change.estimate.estimand == "change.judge_error" and m.change.estimate.se == m.change.estimate.se
    ]
    assert len(family) == 2  # all items and somali; what did not move at all has no standard error
    alone = [2 * stats.t.sf(abs(m.estimate.value) / m.estimate.se, m.estimate.n_clusters - 1) for m in family]
    assert [m.p_value for m in family] == pytest.approx(multipletests(alone, method="holm")[1])
    for m in family:
        ends = stats.t.interval(1 - 0.05 / 2, m.estimate.n_clusters - 1, m.estimate.value, m.estimate.se)
        assert (m.low, m.high) == pytest.approx(ends)


def test_each_version_alone_stands_beside_the_change(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    old, new = (load_validation(tmp_path / "out" / run) for run in ("old", "new"))
    for moved in found.moved:
        estimand = moved.change.estimate.estimand
        if moved.criterion == "helpfulness" and estimand in {"change.judge_error", "change.judge_error_gap"}:
            name = estimand.removeprefix("change.")
            assert moved.old == old.find(name, "helpfulness", moved.population)
            assert moved.new == new.find(name, "helpfulness", moved.population)
        if estimand == "change.absolute_error":
            assert (moved.old, moved.new) == (None, None)


def test_a_nominal_scale_has_agreement_and_no_error(tmp_path: Path) -> None:
    levels = {"kind": "nominal", "levels": {"x": "the first", "y": "the second", "z": "the third"}}
    old = planted_rubric("a", "b", scale=levels)
    new = edited((("version",), "9.0.0"), (QUESTION, "Which?"), base=old)
    table = ratings_of("shelves")
    cset = set_of("shelves", table.assign(value=["xyz"[value % 3] for value in table["value"]]), old)
    judge = Scripted("whatever", lambda text, options: len(text) % len(options))
    found = compared(new, cset, judge, tmp_path / "out", old=old, split="all")
    for estimand in ("judge_error", "absolute_error"):
        assert "nominal" in found.find(f"change.{estimand}", "depth").method
    assert "nominal" in found.find("change.judge_error_gap", "depth", {"dialect": "b"}).method
    assert found.find("change.alpha", "depth").value == 0
    assert any("the change of judge error is undefined" in text for text in texts(version_report(found)))


# To which change it is laid


def test_one_change_that_reaches_the_prompt_is_what_moved_it(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    new = version((ANCHOR, "To the right shelf, in whatever English"), (("criteria", 0, "tolerance"), 0.3))
    found = compared(new, cset, judge, tmp_path / "out")
    (helpfulness, talks_down) = found.reached
    assert helpfulness.cause is not None
    assert helpfulness.cause.path == PATH
    assert (talks_down.changes, talks_down.cause) == ((), None)
    assert found.attribution.cause == "rubric"
    n_changed = int(moved_by_hand(cset, "somali").sum())
    assert found.attribution.told == (
        f"{n_changed} of {2 * N} ratings changed; rubric and program differ, model and system are the same: the change is the rubric's."
    )
    report = version_report(found)
    assert f"laid to {PATH}: nothing else that reaches this prompt changed" in report.headline
    assert "2 changes of the rubric, 1 of which can reach the judge's prompt" in report.headline
    (shown,) = tables(report, "What moved")
    assert {tuple(cell.text for cell in row[:3]) for row in shown.rows} >= {
        ("helpfulness", "home_language: somali", "judge error"),
        ("helpfulness", "home_language: somali", "distance to the labels"),
        ("helpfulness", "home_language: somali − english", "gap of judge error"),
    }
    assert {row[4].text for row in shown.rows} == {PATH}
    assert not any("english" in row[1].text and "somali" not in row[1].text for row in shown.rows)


def test_two_changes_at_once_are_said_not_to_be_told_apart(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    new = version((ANCHOR, "To the right shelf, in whatever English"), (QUESTION, "How far does it take the reader?"))
    found = compared(new, cset, judge, tmp_path / "out")
    assert found.reached[0].cause is None
    assert {change.path for change in found.reached[0].changes} == {PATH, "criteria.helpfulness.question"}
    report = version_report(found)
    assert "2 changes reach this prompt and cannot be told apart" in report.headline
    assert "compare versions that differ in one of them" in report.headline
    assert "laid to" not in report.headline
    (shown,) = tables(report, "What moved")
    assert {row[4].text for row in shown.rows} == {"cannot be told apart"}


def test_where_one_call_asks_for_all_criteria_a_change_of_one_reaches_all(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    base = tiny_rubric(per_call="all")
    new = version((ANCHOR, "To the right shelf, in whatever English"), base=base)
    found = compared(new, cset, judge, tmp_path / "out", old=base)
    assert [reached.cause and reached.cause.path for reached in found.reached] == [PATH, PATH]


def test_a_change_that_reaches_no_prompt_moves_nothing_and_asks_once(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    found = compared(version((("criteria", 0, "tolerance"), 0.3)), cset, judge, tmp_path / "out")
    assert len(judge.bodies) == 2 * N
    assert all(reached.changes == () for reached in found.reached)
    report = version_report(found)
    assert "none of which can reach the judge's prompt" in report.headline
    assert f"None of {2 * N} ratings changed" in report.headline
    assert f"helpfulness: asked the same in both versions, and 0 of {N} ratings changed." in texts(report)
    assert any(text.startswith("Nothing is shown to have moved") for text in texts(report))


def test_a_change_that_moves_no_rating_has_nothing_laid_to_it(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    report = version_report(compared(version((QUESTION, "How far does it go?")), cset, judge, tmp_path / "out"))
    (table,) = tables(report, "Changes by criterion")
    assert [cell.text for cell in table.rows[0]] == [
        "helpfulness",
        "criteria.helpfulness.question",
        f"0 of {N}",
        "no rating changed",
    ]
    assert "That the judge's error moved is shown for nobody." in report.headline


# What is asked


def test_an_unchanged_criterion_shows_no_change_and_asks_nothing_new(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    assert len(judge.bodies) == 2 * N + N  # both criteria by the old version, and by the new one that whose anchor changed
    flips = found.find("change.flips", "talks_down")
    assert (flips.value, flips.n_items) == (0, N)
    assert found.not_comparable == {
        "talks_down": "desk has no ratings of it, so that only changed and missing ratings can be counted"
    }
    assert "no item has a rating by both versions and by a human" in found.find("change.judge_error", "talks_down").method
    assert f"talks_down: asked the same in both versions, and 0 of {N} ratings changed." in texts(version_report(found))


def test_the_same_command_again_makes_no_call_and_the_same_bytes(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_versions(compared(STRICTER, cset, judge, out), out)
    first = {path.name: path.read_bytes() for path in out.glob("comparison.*")}
    assert sorted(first) == ["comparison.html", "comparison.json", "comparison.md"]
    n_calls = len(judge.bodies)
    write_versions(compared(STRICTER, cset, judge, out, use_cache=False, as_of=None), out)
    assert len(judge.bodies) == n_calls
    told = json.loads((out / "comparison.json").read_text("utf-8"))
    assert told["notes"] == [*json.loads(first["comparison.json"])["notes"], ASKED_TWICE]
    write_versions(compared(STRICTER, cset, judge, out), out)
    assert {path.name: path.read_bytes() for path in out.glob("comparison.*")} == first


def test_the_dev_split_is_judged_where_none_is_named_and_no_look_is_recorded(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    assert (found.scope["split"], found.scope["n_items"]) == ("dev", N)
    assert read_looks("desk") == []


def test_the_test_split_is_looked_at_once_by_each_version(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out", split="test")
    assert [look.program for look in read_looks("desk")] == [compile_judge(each).fingerprint for each in (BASE, STRICTER)]
    assert "library_desk 2.1.0: This is look 1 at the locked test split of desk; the ledger holds them all." in found.notes
    assert "library_desk 2.2.0: This is look 2 at the locked test split of desk; the ledger holds them all." in found.notes


def test_a_budget_that_ends_is_no_change_and_the_same_command_goes_on(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    for max_calls, told in ((30, "by library_desk 2.1.0"), (70, "by library_desk 2.2.0")):  # 30 and 70 of 120 calls
        with pytest.raises(BudgetError, match=told):
            compared(STRICTER, cset, judge, tmp_path / "out", budget=Budget(max_calls=max_calls), concurrency=1)
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    assert len(judge.bodies) == 3 * N
    assert [dict(missing) for missing in found.missing] == [{}, {}]
    assert found.n_ratings == (2 * N, 2 * N)


# What is refused, before anything is asked


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (BASE, version(), "say the same"),
        (BASE, BASE, "say the same"),
        (
            edited((("criteria",), [BASE.model_dump(mode="json")["criteria"][0]])),
            edited((("criteria",), [BASE.model_dump(mode="json")["criteria"][1]])),
            "no criterion stands in both",
        ),
        (BASE, version((("criteria", 0, "scale", "levels", 3, 0), 4)), "desk has no ratings of talks_down, which both"),
    ],
    ids=["other number alone", "the same file", "other criteria", "other levels"],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(
    old: Rubric, new: Rubric, told: str, cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        compared(new, cset, judge, tmp_path / "out", old=old)
    assert judge.bodies == []
    assert not (tmp_path / "out").exists()


def test_a_criterion_on_other_levels_is_left_out_with_the_reason_and_the_others_are_compared(tmp_path: Path) -> None:
    old = rubric_of("library", criteria=("depth", "tone"))
    cset = set_of("shelves", ratings_of("shelves"), old, criteria=("depth", "tone"))
    extra = old.model_dump(mode="json")["criteria"][1] | {"id": "brevity"}
    five = [[1, "low"], [2, None], [3, None], [4, None], [5, "high"]]
    new = edited((("version",), "2.0.0"), (("criteria", 1, "scale", "levels"), five), base=old)
    new = edited((("criteria",), [*new.model_dump(mode="json")["criteria"], extra]), base=new)
    judge = Scripted("low", lambda *_: 0)
    found = compared(new, cset, judge, tmp_path / "out", old=old, split="all")
    assert [reached.criterion for reached in found.reached] == ["depth"]
    assert found.not_comparable["brevity"] == "in library 2.0.0 alone"
    assert found.not_comparable["tone"] == (
        "on other levels: ordinal 1, 2, 3, 4, 5, 6, 7 in library 1.0.0, and ordinal 1, 2, 3, 4, 5 in library 2.0.0"
    )
    notes = load_validation(tmp_path / "out" / "new").notes
    assert "shelves was rated on other levels than this version has of tone, whose ratings stay unvalidated." in notes
    assert not any("no ratings of tone" in note for note in notes)
    assert any("no ratings of brevity" in note for note in notes)
    assert set(load_validation(tmp_path / "out" / "old").scales) == {"depth", "tone"}


def test_versions_of_one_number_are_named_by_their_fingerprints(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    new = edited((QUESTION, "How far does it take the reader?"))
    found = compared(new, cset, judge, tmp_path / "out")
    assert (found.old, found.new) == tuple(f"library_desk 2.1.0 ({rubric.fingerprint[:8]})" for rubric in (BASE, new))


def test_gaps_are_taken_against_the_reference_of_the_new_version(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    new = version((ANCHOR, "To the right shelf, in whatever English"), (("context", "populations", 0, "reference"), "somali"))
    found = compared(new, cset, judge, tmp_path / "out")
    (gap,) = [m for m in found.moved if m.change.estimate.estimand == "change.judge_error_gap" and m.criterion == "helpfulness"]
    assert (gap.population, gap.contrast) == (ENGLISH, SOMALI)
    assert gap.change.estimate.value == pytest.approx(-moved_by_hand(cset, "somali").mean())
    assert gap.old is None  # the old version took it against the other group
    assert gap.new is not None


def test_a_reference_that_no_item_shows_is_told(judge: WordyJudge, tmp_path: Path, cset: CalibrationSet) -> None:
    rated = cset.rated
    items = [replace(item, populations=item.populations | {"age": "child"}) for item in rated.items]
    found = compared(STRICTER, replace(cset, rated=replace(rated, items=items)), judge, tmp_path / "out")
    assert any(note.startswith("No item shows age: adult, against which gaps are taken") for note in found.notes)
    assert not found.find("change.judge_error_gap", "helpfulness", {"age": "child"}).is_defined


# What is shown


def consulted(dissent: str = "one found it beside the point") -> Mapping[str, Any]:
    return {"date": "2026-06-01", "role": "reader", "n": 5, "change": "English of any kind counts", "dissent": dissent}


def test_words_that_went_and_came_are_marked_and_who_was_asked_stands_beside_them(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    asked = BASE.model_dump(mode="json")["participation"]
    new = version((ANCHOR, "To the right shelf, in whatever English"), (("participation",), [*asked, consulted()]))
    found = compared(new, cset, judge, tmp_path / "out")
    assert [each.date for each in found.diff.consultations] == [date(2026, 6, 1)]
    report = version_report(found)
    (changes,) = tables(report, "library_desk 2.1.0 to library_desk 2.2.0")
    words = {row[0].text: row[-1].text for row in changes.rows}
    assert words[PATH] == "To the right [-shelf-] {+shelf, in whatever English+}"
    (who,) = tables(report, "New entries of participation")
    assert [cell.text for cell in who.rows[0]] == [
        "2026-06-01", "reader", "5", "English of any kind counts", "one found it beside the point",
    ]  # fmt: skip
    assert r"To the right \[-shelf-\] \{+shelf, in whatever English+\}" in to_markdown(report)
    document = version_document(found, report)
    assert document["consultations"][0]["dissent"] == "one found it beside the point"
    assert json.loads(json.dumps(document, allow_nan=False))["reached"][0]["cause"] == PATH


@pytest.mark.parametrize(("asked", "told"), [("unknown", "is unknown"), (None, "names no consultation that")])
def test_where_nobody_was_asked_it_is_told(
    asked: str | None, told: str, cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    new = version((QUESTION, "How far?"), *([] if asked is None else [(("participation",), asked)]))
    report = version_report(compared(new, cset, judge, tmp_path / "out"))
    (section,) = [section for section in report.sections if section.id == "participation"]
    (table,) = section.blocks
    assert isinstance(table, Table)
    assert told in table.caption


def test_labels_that_no_human_gave_are_told_beside_every_table_of_numbers(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    report = version_report(compared(STRICTER, cset, judge, tmp_path / "out"))
    assert report.labels == "constructed"
    held = [*tables(report, "helpfulness: judge error"), *tables(report, "helpfulness: gap"), *tables(report, "What moved")]
    assert len(held) == 3
    assert all("no human rated these items" in table.caption for table in held)


def test_a_rubric_s_words_stay_text_in_every_form(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    hostile = "<img src=x> | `code` \x1b]0;pwned\x07"
    report = version_report(compared(version((QUESTION, hostile)), cset, judge, tmp_path / "out"))
    assert "img" not in {tag for tag, _ in Page(to_html(report)).elements}
    assert "\x1b" not in to_html(report) + to_markdown(report)
    assert r"\<img src=x\> \|" in to_markdown(report)


def test_a_long_value_is_cut_in_the_table_and_whole_in_the_document(
    cset: CalibrationSet, judge: WordyJudge, tmp_path: Path
) -> None:
    long = "very " * 300
    asked = BASE.model_dump(mode="json")["participation"]
    found = compared(version((("participation",), [*asked, consulted(long)])), cset, judge, tmp_path / "out")
    report = version_report(found)
    (changes,) = tables(report, "library_desk 2.1.0 to")
    assert changes.rows[0][-1].text.endswith("… (in full in comparison.json)+}")
    assert version_document(found, report)["diff"]["changes"][0]["new"]["dissent"] == long


def test_replies_that_were_not_shared_are_told(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out", use_cache=False)
    assert len(judge.bodies) == 4 * N
    assert ASKED_TWICE in found.notes


def test_every_estimate_of_the_document_says_whom_it_is_of(cset: CalibrationSet, judge: WordyJudge, tmp_path: Path) -> None:
    found = compared(STRICTER, cset, judge, tmp_path / "out")
    estimates = pd.DataFrame(version_report(found).to_json()["estimates"])
    assert {"estimand", "value", "low", "high", "level", "criterion", "population", "contrast"} <= set(estimates.columns)
    assert len(estimates) == len(found.moved) + len(found.counts)
