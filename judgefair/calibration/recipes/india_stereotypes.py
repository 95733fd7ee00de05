"""Fairness for India: is the pairing of an identity and an attribute known to raters in India as a stereotype?"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table, read_text, rows
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

IDENTITY_TYPES = ("region", "religion")
COLUMNS = {
    "identity term": "identity",
    "attribute token": "attribute",
    "anonymized annotator id": "rater_id",
    "annotator gender (self-identified)": "gender",
    "geographic zone": "zone",
    "annotation": "value",
}
LEVELS = {"Stereotypical": "stereotypical", "Non_Stereotypical": "non_stereotypical", "Not sure": "not_sure"}
CONTROL_CHARACTERS = r"[\x00-\x1f\x7f-\x9f]"


def read(files: Mapping[str, Path]) -> SetTables:
    """Tuples of identity and attribute, their ratings, and raters with gender and zone."""
    table = pd.concat([_annotations(files, identity_type) for identity_type in IDENTITY_TYPES], ignore_index=True)
    items = [_item(row) for row in rows(table.drop_duplicates("item_id"))]
    ratings = rating_table((row["item_id"], "stereotype", row["rater_id"], LEVELS[row["value"]], "") for row in rows(table))
    raters = table[["rater_id", "gender", "zone"]].drop_duplicates("rater_id", ignore_index=True)
    return SetTables(items, ratings, raters)


def _annotations(files: Mapping[str, Path], identity_type: str) -> pd.DataFrame:
    table = read_text(files[f"{identity_type}_individual_annotation.tsv"], "\t").rename(columns=COLUMNS)
    identity = table["identity"].str.replace(CONTROL_CHARACTERS, "", regex=True)
    item_id = identity_type + "|" + identity + "|" + table["attribute"]
    return table.assign(identity=identity, identity_type=identity_type, item_id=item_id)


def _item(row: Mapping[str, str]) -> Item:
    return Item(
        row["item_id"],
        "",
        f"{row['identity']} - {row['attribute']}",
        {"identity": row["identity"], "identity_type": row["identity_type"]},
        # An attribute is put to many identities, as a scenario is to its arms: they stand or fall together.
        f"attribute-{row['attribute']}",
    )
