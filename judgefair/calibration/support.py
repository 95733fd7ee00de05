"""What does a table of ratings support, what does it not, and which column would unlock it?"""

from pathlib import Path
from typing import Any

import pandas as pd

from judgefair.calibration.ratings import OPTIONAL, REQUIRED, column_of, read_table
from judgefair.errors import InputError, did_you_mean

PREFIXES = ("pop.", "rater.")


def supported(path: Path) -> dict[str, Any]:
    """A summary of the table, a line for each use it may have, and warnings of columns that nothing reads.

    Raises
    ------
    InputError : a required column is missing.
    """
    table = read_table(path)
    for name in REQUIRED:
        if name not in table.columns:
            raise InputError(
                f"{path}: no column '{name}'.{did_you_mean(name, table.columns)} Found: {', '.join(table.columns)}. "
                f"Expected at least {', '.join(REQUIRED)}; rename the column"
            )
    known = {*REQUIRED, *OPTIONAL}
    unread = [name for name in table.columns if name not in known and not name.startswith(PREFIXES)]
    levels = sorted(set(table["value"]) - {""})
    shown = ", ".join(levels[:8]) + (f" and {len(levels) - 8} more" if len(levels) > 8 else "")
    return {
        "summary": f"{len(table):,} ratings of {table['item_id'].nunique():,} items by {table['rater_id'].nunique():,} raters; values {shown}",
        "supports": [{"what": what, "supported": yes, "why": why} for what, yes, why in _uses(table)],
        "warnings": [f"{path}: column '{name}' is read by nothing.{did_you_mean(name, known)}" for name in unread],
    }


def _uses(table: pd.DataFrame) -> list[tuple[str, bool, str]]:
    names = ["item_id", *(["criterion"] if "criterion" in table else [])]
    raters = table.groupby(names)["rater_id"].nunique()
    shared = int((raters >= 2).sum())
    three = int((raters >= 3).sum())
    judges = sorted(set(table.loc[table["rater_kind"] == "judge", "rater_id"])) if "rater_kind" in table else []
    axes, attributes = column_of(table, "pop."), column_of(table, "rater.")
    uses = [
        ("a judge against humans", shared > 0, f"{shared:,} rated items have two raters or more; name the judge with --judge" + (f" ({', '.join(judges[:3])})" if judges else ""))
        if shared
        else ("a judge against humans", False, "no item has two raters. Add the humans' (or the judge's) ratings of the same items"),
        ("humans against each other, and leave-one-out", three > 0, f"{three:,} rated items have a judge and two humans" if three else "no item has three raters. Add a second human for each item"),
        ("the judge's bias by population", bool(axes), f"axes {', '.join(axes)}" if axes else "add a column pop.<axis> with each item's group, such as pop.gender"),
        ("intervals that respect scenarios", "scenario_id" in table, "scenario_id" if "scenario_id" in table else "add a column scenario_id if several items share one scenario"),
        ("several criteria", "criterion" in table, f"{table['criterion'].nunique()} criteria" if "criterion" in table else "add a column criterion if there is more than one question"),
        ("missing ratings counted by reason", "missing" in table, "missing" if "missing" in table else "add a column missing with a reason where value is empty"),
        ("alignment with rater populations", bool(attributes), f"attributes {', '.join(attributes)}" if attributes else "add a column rater.<attribute>, such as rater.country"),
        ("disagreements shown with their text", "response" in table, "response" if "response" in table else "add columns query and response"),
    ]  # fmt: skip
    return uses
