"""The report as one HTML file: no script, nothing fetched, all text escaped."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from judgefair.records import printable
from judgefair.reporting.blocks import Chart
from judgefair.reporting.charts import to_svg
from judgefair.reporting.report import Report
from judgefair.reporting.words import NO_HUMANS


def to_html(report: Report) -> str:
    """Render the report. The style sheet is allowed by its hash; every other source is forbidden."""
    here = files("judgefair.reporting")
    style = here.joinpath("report.css").read_text("utf-8")
    template = here.joinpath("report.html.jinja").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(template).render(
        report=report,
        no_humans=NO_HUMANS.get(report.labels, ""),
        style=Markup(style),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'",
        svg=lambda chart: Markup(to_svg(chart.spec)) if isinstance(chart, Chart) else "",
        kind=lambda block: type(block).__name__,
    )
    return printable(page)
