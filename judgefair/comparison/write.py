"""Leave a comparison in a folder, in every form."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from judgefair.comparison.comparison import Comparison
from judgefair.comparison.report import comparison_document, comparison_report
from judgefair.comparison.version_comparison import VersionComparison
from judgefair.comparison.version_report import version_document, version_report
from judgefair.records import printable_json
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import to_markdown
from judgefair.reporting.report import Report
from judgefair.runs.parquet import storing


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write comparison.json, comparison.md and comparison.html, all or none; the path of the HTML.

    Raises
    ------
    StoreError : the folder cannot be written.
    """
    report = comparison_report(comparison)
    return _write(report, comparison_document(comparison, report), out)


def write_versions(found: VersionComparison, out: Path) -> Path:
    """The same of two versions of a rubric."""
    report = version_report(found)
    return _write(report, version_document(found, report), out)


def _write(report: Report, document: Mapping[str, Any], out: Path) -> Path:
    forms = {
        "comparison.json": printable_json(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)) + "\n",
        "comparison.md": to_markdown(report),
        "comparison.html": to_html(report),
    }
    with storing(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in forms.items():
            (out / f"{name}.partial").write_text(content, "utf-8")
        for name in forms:
            (out / f"{name}.partial").replace(out / name)
    return out / "comparison.html"
