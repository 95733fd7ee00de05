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
    two, three = int((raters >= 2).sum()), int((raters >= 3).sum())
    axes, attributes = column_of(table, "pop."), column_of(table, "rater.")
    uses = (  # what, whether, what there is, what would unlock it
        (
            "a judge against humans",
            two > 0,
            f"{two:,} items have two raters or more",
            "add the humans' ratings of the judge's items",
        ),
        (
            "humans against each other",
            three > 0,
            f"{three:,} items have three raters or more",
            "add a second human for each item",
        ),
        ("bias by population", bool(axes), f"axes {', '.join(axes)}", "add a column pop.<axis>, such as pop.gender"),
        (
            "rater populations",
            bool(attributes),
            f"attributes {', '.join(attributes)}",
            "add a column rater.<attribute>, such as rater.country",
        ),
    )
    columns = (
        ("intervals over scenarios", "scenario_id", "if several items share a scenario"),
        ("several criteria", "criterion", "if there is more than one question"),
        ("missing ratings by reason", "missing", "with a reason where value is empty"),
        ("disagreements with their text", "response", "with the text that was rated, and query"),
    )
    told = [(what, yes, have if yes else lack) for what, yes, have, lack in uses]
    return told + [
        (what, name in table, f"column {name}" if name in table else f"add a column {name} {when}")
        for what, name, when in columns
    ]
