"""How do judges compare, context by context, and what did another version of a rubric change?"""

from judgefair.comparison.attribution import Attribution, attribute
from judgefair.comparison.comparison import Cell, Comparison, Context, Difference, Flag, Judge
from judgefair.comparison.matrix import compare
from judgefair.comparison.panels import Combined, Panel, PanelFindings
from judgefair.comparison.report import comparison_document, comparison_report
from judgefair.comparison.version_comparison import Moved, Reached, VersionComparison
from judgefair.comparison.version_report import version_document, version_report
from judgefair.comparison.versions import compare_versions
from judgefair.comparison.write import write_comparison, write_versions

__all__ = [
    "Attribution",
    "Cell",
    "Combined",
    "Comparison",
    "Context",
    "Difference",
    "Flag",
    "Judge",
    "Moved",
    "Panel",
    "PanelFindings",
    "Reached",
    "VersionComparison",
    "attribute",
    "compare",
    "compare_versions",
    "comparison_document",
    "comparison_report",
    "version_document",
    "version_report",
    "write_comparison",
    "write_versions",
]
