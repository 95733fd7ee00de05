"""Human-annotated sets: where they come from, what they hold, and which part of them is locked."""

from judgefair.calibration.calibration_set import (
    CalibrationSet,
    ItemsFile,
    find_set,
    known_sets,
    load_calibration_set,
    read_items,
)
from judgefair.calibration.ratings import RatedItems

__all__ = ["CalibrationSet", "ItemsFile", "RatedItems", "find_set", "known_sets", "load_calibration_set", "read_items"]
