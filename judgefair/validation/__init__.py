"""A judge held against humans, overall and for each population."""

from judgefair.statistics.finding import Finding, Population
from judgefair.validation.gate import Check
from judgefair.validation.given import validate_ratings
from judgefair.validation.judged import validate
from judgefair.validation.store import find_validation, load_validation, save_validation
from judgefair.validation.validation import Validation

__all__ = [
    "Check",
    "Finding",
    "Population",
    "Validation",
    "find_validation",
    "load_validation",
    "save_validation",
    "validate",
    "validate_ratings",
]
