"""HateCheck: are 3,901 short constructed posts hateful, by five of ten trained raters each?"""

from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._tables import rater_table, rating_table, read_text, rows
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

RATER_COLUMNS = [f"label_{k}" for k in range(1, 11)]
LEVELS = {"hateful": "1", "non-hateful": "0"}


def read(files: Mapping[str, Path]) -> SetTables:
    """Cases, ratings and raters; cases made from one template share their scenario."""
    cases = rows(read_text(files["all_cases.csv"]))
    annotations = rows(read_text(files["all_annotations.csv"]))
    items = [
        Item(
            case["case_id"],
            "",
            case["test_case"],
            {"target": case["target_ident"]} if case["target_ident"] else {},
            f"templ-{case['templ_id']}",
            {"gold": int(LEVELS[case["label_gold"]]), "functionality": case["functionality"]},
        )
        for case in cases
    ]
    ratings = rating_table(
        (row["case_id"], "hateful", rater, LEVELS[row[rater]], "") for row in annotations for rater in RATER_COLUMNS if row[rater]
    )
    return SetTables(items, ratings, rater_table(RATER_COLUMNS))
