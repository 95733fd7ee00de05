"""judgefair: evaluates the fairness of language-model applications with LLM judges, and how far each can be trusted.

>>> import judgefair as jf
>>> jf.load_rubric("writing_tutor").id
'writing_tutor'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefair import models
    from judgefair.calibration import load_calibration_set
    from judgefair.comparison import compare
    from judgefair.compile import JudgeProgram, compile_judge, load_program
    from judgefair.estimation import Estimation, estimate
    from judgefair.probes import probe
    from judgefair.records import Item, Missing, Rating
    from judgefair.reporting import Report, build_report
    from judgefair.rubric import load_rubric, parse_scale
    from judgefair.runs import judge
    from judgefair.runs.optimise_stage import optimise
    from judgefair.study import run_study
    from judgefair.validation import Validation, load_validation, validate, validate_ratings

_HOME = {
    "Estimation": "judgefair.estimation",
    "Item": "judgefair.records",
    "JudgeProgram": "judgefair.compile",
    "Missing": "judgefair.records",
    "Rating": "judgefair.records",
    "Report": "judgefair.reporting",
    "Validation": "judgefair.validation",
    "build_report": "judgefair.reporting",
    "compare": "judgefair.comparison",
    "compile_judge": "judgefair.compile",
    "estimate": "judgefair.estimation",
    "judge": "judgefair.runs",
    "load_calibration_set": "judgefair.calibration",
    "load_program": "judgefair.compile",
    "load_rubric": "judgefair.rubric",
    "load_validation": "judgefair.validation",
    "optimise": "judgefair.runs.optimise_stage",
    "parse_scale": "judgefair.rubric",
    "probe": "judgefair.probes",
    "run_study": "judgefair.study",
    "validate": "judgefair.validation",
    "validate_ratings": "judgefair.validation",
}
_MODULES = ("models", "statistics")

__all__ = [  # noqa: RUF022 - in the order of use
    "load_rubric", "compile_judge", "load_program", "load_calibration_set", "models", "judge", "validate", "load_validation",
    "optimise", "probe", "compare",
    "validate_ratings", "estimate", "run_study", "parse_scale", "build_report", "Item", "Rating", "Missing", "JudgeProgram", "Validation",
    "Estimation", "Report",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use, so that `judgefair --help` stays quick."""
    if name in _MODULES:
        return import_module(f"judgefair.{name}")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'judgefair' has no attribute '{name}'")
