"""Human-annotated sets: where they come from, what they hold, and which part of them is locked."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefair.calibration.calibration_set import CalibrationSet, find_set, known_sets, load_calibration_set
    from judgefair.calibration.items_file import ItemsFile, read_items
    from judgefair.calibration.ratings import RatedItems

__all__ = ["CalibrationSet", "ItemsFile", "RatedItems", "find_set", "known_sets", "load_calibration_set", "read_items"]

_ELSEWHERE = {"ItemsFile": "items_file", "read_items": "items_file", "RatedItems": "ratings"}


def __getattr__(name: str) -> Any:
    """Import on first use: who only judges items needs no data frames."""
    if name in __all__:
        return getattr(import_module(f"judgefair.calibration.{_ELSEWHERE.get(name, 'calibration_set')}"), name)
    raise AttributeError(f"module 'judgefair.calibration' has no attribute '{name}'")
