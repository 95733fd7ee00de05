"""Are the page, its pictures and its summary byte for byte what was last looked at and found good?

After a change that is meant, write them anew with one command, look at the difference, and commit it:

    JUDGEFAIR_GOLDEN=write python -m pytest tests/reporting/test_golden.py
"""

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import judgefair as jf
from judgefair.estimation import Estimation, Verdict
from judgefair.records import MISSING_REASONS
from judgefair.reporting import Report, build_report, summary_markdown
from judgefair.reporting.blocks import Chart
from judgefair.reporting.charts import to_svg
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.terminal import TerminalReport
from judgefair.statistics import Estimate
from judgefair.statistics.estimate import undefined
from judgefair.validation import Finding
from judgefair.validation.gate import Check

GOLDEN = Path(__file__).parent / "golden"
WRITES = os.environ.get("JUDGEFAIR_GOLDEN") == "write"
REGIONS = ("north", "south", "east")


@pytest.fixture(scope="module")
def report() -> Report:
    """A small report whose every number is made up here, so that no change of a statistic moves it; a run of no judge and no people."""
    validation = small_validation()
    return replace(build_report(validation, small_estimation()), judgefair="0")


def small_validation() -> jf.Validation:
    """Eight items in two regions, with the numbers of every estimate made up by its place in the list."""
    rows = [
        {
            "item_id": f"i{i}", "rater_id": rater, "value": 1 + (i + k) % 3, "pop.region": REGIONS[i % 2], "query": f"Query {i}.",
            "response": f"Response {i}.",
        }
        for i in range(8)
        for k, rater in enumerate(("judge", "ann", "bob"))
    ]  # fmt: skip
    found = jf.validate_ratings(pd.DataFrame(rows), "judge", "ordinal:1-3", n_resamples=5, as_of="2026-01-01")
    findings = [replace(finding, estimate=made_up(finding.estimate, k)) for k, finding in enumerate(found.findings)]
    gate = [
        Check("rating", None, "min_alpha_ratio", "passed", 0.9, 0.8, "the ratio is 0.90, at least 0.8 is asked"),
        Check(
            "rating", {"region": "south"}, "max_judge_error_gap", "failed", 0.5, 0.25, "the gap is 0.50, at most 0.25 is asked"
        ),
    ]
    return replace(found, findings=findings, gate=gate, scope={**found.scope, **SCOPE})


def made_up(estimate: Estimate, k: int) -> Estimate:
    """The same kind of estimate with made-up numbers; what is undefined stays so."""
    value = round(0.3 + 0.07 * (k % 9), 2)
    method = re.sub(r"\d+\.\d+", "0.5", estimate.method)
    if not estimate.is_defined or estimate.estimand.startswith("missing_rate."):
        return replace(estimate, method=method)
    low, high = (round(value - 0.2, 2), round(value + 0.2, 2)) if estimate.low == estimate.low else (estimate.low, estimate.high)
    return replace(estimate, value=value, low=low, high=high, method=method, p_value=None)


SCOPE = {
    "use_case": "Answers at a made-up help desk", "deployment": "One reply per question", "languages": ["en"],
    "rubric": {"id": "help_desk", "version": "1.0.0", "fingerprint": "a" * 64}, "program": "b" * 64, "server": "no server", "mode": "score",
    "tolerances": {"rating": 0.25}, "participation": "unknown", "labels": "human",
}  # fmt: skip


def small_estimation() -> Estimation:
    """Three contrasts, one for each answer, and a role that is not judged."""
    verdicts = [
        verdict("south", "disparity", -0.6, 0.3, width=0.2),
        verdict("east", "equivalent", 0.05, -0.02, width=0.1),
        replace(
            verdict("west", "undetermined", 0.2, 0.1, width=0.5), reasons=["12 labelled scenarios, and an interval needs 25"],
            settles="13 more labelled scenarios of west",
        ),
    ]  # fmt: skip
    rates = [
        Finding("rating", population, None, Estimate(f"missing_rate.{reason}", value, 0.0, value + 0.05, n_items=40, method="Wilson interval"))
        for population in (None, {"region": "south"})
        for reason, value in missing_rates().items()
    ]  # fmt: skip
    means = [
        Finding("rating", {"region": name}, None, Estimate(estimand, value, value - 0.1, value + 0.1, n_items=20, method="t interval"))
        for name, value in (("north", 2.0), ("south", 1.5))
        for estimand in ("mean.raw", "mean.corrected")
    ]  # fmt: skip
    scope = {
        **SCOPE, "judge": "judge", "labels_from": "the run itself", "as_of": "2026-01-01", "gate_blocks": False,
        "populations": {"region": list(REGIONS)},
        "system": {"id": "desk", "kind": "recorded", "fingerprint": "c" * 64}, "items": {"n": 40, "fingerprint": "d" * 64},
    }  # fmt: skip
    return Estimation(scope, verdicts, [*means, *rates], [], ["All of this is made up."])


def missing_rates() -> dict[str, float]:
    """A rate for every reason, most of them 0."""
    return {reason: 0.1 if reason == "refused" else 0.0 for reason in MISSING_REASONS}


def verdict(name: str, answer: str, corrected: float, judge_made: float, width: float) -> Verdict:
    """A contrast with north; intervals of one width about its three gaps."""

    def gap(part: str, value: float) -> Estimate:
        method = f"made up; half-width {width:g}; t interval over 20 scenarios"
        return Estimate(
            f"gap.{part}",
            value,
            value - width,
            value + width,
            n_items=40,
            n_clusters=20,
            n_raters=2,
            method=method,
            source="nobody",
        )

    wide = (corrected - 1.2 * width, corrected + 1.2 * width)
    return Verdict(
        criterion="rating", population={"region": name}, contrast={"region": "north"}, role="must_ignore", answer=answer,  # type: ignore[arg-type]
        reasons=[], settles="", tolerance=0.25, raw=gap("raw", round(corrected + judge_made, 2)), corrected=gap("corrected", corrected),
        judge_made=gap("judge_made", judge_made), bounds=undefined("gap.missingness_bounds", "made up"), for_disparity=(*wide, 0.95),
        for_equivalence=(*wide, 0.9), could_see=0.3,
    )  # fmt: skip


def held(name: str, text: str) -> None:
    """The text is that of the golden file; with JUDGEFAIR_GOLDEN=write it becomes it."""
    path = GOLDEN / name
    if WRITES:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{name} is not what was last found good: see the head of this file"


def pictures(report: Report) -> list[str]:
    return [to_svg(block.spec) for section in report.sections for block in section.blocks if isinstance(block, Chart)]


def test_the_page_is_what_was_found_good(report: Report) -> None:
    page = to_html(report)
    for k, svg in enumerate(pictures(report), start=1):
        assert svg in page
        page = page.replace(svg, f"[figure-{k}.svg]")
    page = re.sub(r"<style>.*?</style>", "<style>[report.css]</style>", page, flags=re.DOTALL)
    held("report.html", re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-[of report.css]", page))


def test_every_picture_is_what_was_found_good(report: Report) -> None:
    found = pictures(report)
    for k, svg in enumerate(found, start=1):
        held(f"figure-{k}.svg", svg)
    assert sorted(path.name for path in GOLDEN.glob("*.svg")) == sorted(f"figure-{k}.svg" for k in range(1, len(found) + 1))


def test_the_markdown_is_what_was_found_good(report: Report) -> None:
    held("report.md", to_markdown(report))
    held("summary.md", summary_markdown(report))


def test_the_terminal_is_what_was_found_good(report: Report) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False, legacy_windows=False)
    console.print(TerminalReport(report))
    assert isinstance(console.file, io.StringIO)
    held("terminal.txt", "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n")
