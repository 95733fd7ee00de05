"""CREHate: do raters from five countries find 1,580 English posts hateful?"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table, read_text, rows
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

DONT_KNOW = "2"
LISTED_ETHNICITIES = {"White", "Asian", "Black", "Middle_Eastern", ""}


def read(files: Mapping[str, Path]) -> SetTables:
    """Posts, ratings (the first of a rater who rated a post again) and raters with nationality, age, gender and ethnicity."""
    posts = rows(read_text(files["CREHate_final_annotations.csv"]))
    annotations = read_text(files["CREHate_raw_annotations.csv"])
    items = [Item(post["ID"], "", post["Text"], {"origin": post["ID"].partition("-")[0]}) for post in posts]
    ratings = rating_table(
        (row["ID"], "hateful", row["annotator_id"], *_value_and_missing(row["annotation"]))
        for row in rows(annotations.drop_duplicates(["ID", "annotator_id"]))
    )
    return SetTables(items, ratings, _raters(annotations))


def _value_and_missing(annotation: str) -> tuple[str, str]:
    return ("", "not_rated") if annotation == DONT_KNOW else (annotation, "")


def _raters(annotations: pd.DataFrame) -> pd.DataFrame:
    """One row a rater. Education, politics, religion and orientation stay behind: together they point at persons."""
    attributes = annotations[["nationality", "age", "gender", "ethnicity"]]
    # One rater's attributes stand in only some of their rows; the largest text passes over the empty ones.
    raters = attributes.groupby(annotations["annotator_id"], sort=False).max().reset_index(names="rater_id")
    return raters.assign(
        age=raters["age"].str.removesuffix(".0"),
        # What raters wrote in their own words would single some of them out.
        ethnicity=raters["ethnicity"].where(raters["ethnicity"].isin(LISTED_ETHNICITIES), "Other"),
    )
