"""CEBaB as in the alternative annotator test: what do raters take a restaurant review to say of food, service, ambiance and noise?

Fields read: of human_annotations.json rater, text_id__aspect and answer; of prompts.json text_id and review.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from judgefair.calibration.recipes._tables import rater_table, rating_table
from judgefair.calibration.recipes._unseen import expect_columns
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError
from judgefair.records import Item

EDIT_DIGITS = 6


def read(files: Mapping[str, Path]) -> SetTables:
    """Reviews, answers and raters.

    Reviews edited from one original share a scenario: their ids differ in the last six digits only. An answer on a review
    whose text is not in prompts.json is refused, not left out.
    """
    reviews = _reviews(files["prompts.json"])
    annotations = files["human_annotations.json"]
    ratings = _ratings(annotations)
    if unknown := set(ratings["item_id"]) - reviews.keys():
        raise InputError(
            f"{annotations}: text_id '{min(unknown)}' has no review in {files['prompts.json']} ({len(unknown):,} such ids). "
            "Expected both files of the folder data/cebab_aspects"
        )
    rated = dict.fromkeys(ratings["item_id"])
    items = [Item(text_id, "", reviews[text_id], scenario_id=f"review-{text_id[:-EDIT_DIGITS]}") for text_id in rated]
    return SetTables(items, ratings, rater_table(ratings["rater_id"]))


def _ratings(path: Path) -> pd.DataFrame:
    """Keys are rater, then text_id__aspect, so that no answer can stand twice."""
    answers = _object(path)
    return rating_table(
        (text_id, aspect, rater, str(answer), "")
        for rater, own in answers.items()
        for (text_id, _, aspect), answer in ((instance.rpartition("__"), answer) for instance, answer in own.items())
    )


def _reviews(path: Path) -> dict[str, str]:
    reviews = {}
    for key, prompt in _object(path).items():
        expect_columns(prompt, ["text_id", "review"], f"{path}, '{key}'")
        reviews[str(prompt["text_id"])] = str(prompt["review"])
    return reviews


def _object(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}). Expected one object of objects") from None
    if not isinstance(found, dict) or not all(isinstance(inner, dict) for inner in found.values()):
        raise InputError(f"{path}: a JSON {type(found).__name__} that holds more than objects. Expected one object of objects")
    return found
