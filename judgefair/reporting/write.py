"""Leave a report in a run folder, in every form."""

import json
from pathlib import Path

from judgefair.records import printable_json
from judgefair.reporting.html import to_html
from judgefair.reporting.markdown import summary_markdown, to_markdown
from judgefair.reporting.report import Report


def write_report(report: Report, run: Path) -> Path:
    """Write report.json, report.md, summary.md and report.html, all or none; the path of the HTML."""
    run.mkdir(parents=True, exist_ok=True)
    forms = {
        "report.json": printable_json(json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False)) + "\n",
        "report.md": to_markdown(report),
        "summary.md": summary_markdown(report),
        "report.html": to_html(report),
    }
    for name, content in forms.items():
        (run / f"{name}.partial").write_text(content, "utf-8")
    for name in forms:
        (run / f"{name}.partial").replace(run / name)
    return run / "report.html"
