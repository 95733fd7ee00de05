"""PRISM: how good do people of many countries find the first replies of language models to what they themselves asked?

Fields read: of survey.jsonl user_id, gender, age, ethnicity.simplified, study_locale; of utterances.jsonl utterance_id,
interaction_id, user_id, turn, user_prompt, model_response, model_name, conversation_type, score.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from judgefair.calibration.recipes._json_lines import read_lines
from judgefair.calibration.recipes._tables import rating_table
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError
from judgefair.records import Item

AXES = ("gender", "age", "ethnicity", "study_locale")
UTTERANCE = (
    "utterance_id", "interaction_id", "user_id", "turn", "user_prompt", "model_response", "model_name", "conversation_type", "score",
)  # fmt: skip
UNTOLD = {"", "Prefer not to say"}


def read(files: Mapping[str, Path]) -> SetTables:
    """Opening prompts with the replies to them, their scores, and people with gender, age, ethnicity and locale.

    Only opening turns are read: a later reply cannot be judged without what came before. The replies to one prompt share a
    scenario. Whoever asked is also the only one who rated, so that a person's attributes are both those of the rater and the
    item's populations. What people preferred not to say is no population. A score that is null is missing.
    """
    survey, utterances = files["survey.jsonl"], files["utterances.jsonl"]
    people = {str(row["user_id"]): _attributes(row, survey) for row in read_lines(survey, ("user_id", *AXES))}
    opening = [row for row in read_lines(utterances, UTTERANCE) if row["turn"] == 0]
    if strangers := {str(row["user_id"]) for row in opening} - people.keys():
        raise InputError(
            f"{utterances}: user_id '{min(strangers)}' is not in {survey} ({len(strangers):,} such ids). Expected both files of one release"
        )
    ratings = rating_table(
        (str(row["utterance_id"]), "quality", str(row["user_id"]), *_value_and_missing(row["score"])) for row in opening
    )
    rated = dict.fromkeys(ratings["rater_id"])
    raters = pd.DataFrame([{"rater_id": user, **dict.fromkeys(AXES, ""), **people[user]} for user in rated], dtype="str")
    return SetTables([_item(row, people[str(row["user_id"])]) for row in opening], ratings, raters)


def _attributes(person: Mapping[str, Any], path: Path) -> dict[str, str]:
    ethnicity = person["ethnicity"]
    if not isinstance(ethnicity, dict) or "simplified" not in ethnicity:
        raise InputError(
            f"{path}: ethnicity of user_id '{person['user_id']}' is {ethnicity!r}. Expected an object with self_described, categorised "
            "and simplified, as published; check that this is the file of the card"
        )
    told = {axis: str(person[axis] or "") for axis in AXES} | {"ethnicity": str(ethnicity["simplified"] or "")}
    return {axis: group for axis, group in told.items() if group not in UNTOLD}


def _value_and_missing(score: Any) -> tuple[str, str]:
    return ("", "not_rated") if score is None else (str(score), "")


def _item(row: Mapping[str, Any], populations: Mapping[str, str]) -> Item:
    return Item(
        str(row["utterance_id"]),
        row["user_prompt"],
        row["model_response"],
        populations,
        str(row["interaction_id"]),
        {"model": row["model_name"], "conversation_type": row["conversation_type"]},
    )
