"""What a validation says, as data and in the forms a person reads."""

from judgefair.reporting.markdown import summary_markdown
from judgefair.reporting.report import Report, build_report
from judgefair.reporting.write import write_report

__all__ = ["Report", "build_report", "summary_markdown", "write_report"]
