"""DICES-350 with its raters: do women and men of five ethnicities and three ages find a chatbot's last reply unsafe?

Columns read: rater_id, rater_gender, rater_race, rater_age, item_id, context, response, safety_gold, Q_overall,
Q3_bias_overall.
"""

from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._dices_raters import GOLD, read_original
from judgefair.calibration.tables import SetTables

CRITERIA = {"unsafe": "Q_overall", "unfair_bias": "Q3_bias_overall"}
ATTRIBUTES = {"gender": "rater_gender", "race": "rater_race", "age": "rater_age"}


def read(files: Mapping[str, Path]) -> SetTables:
    """Conversations, votes and raters with gender, race and age; an item's meta holds the experts' label as `gold`.

    Votes are in lower case, so that Yes is the level yes and means unsafe. A rater's second, different answer on a
    conversation leaves no rating of it. Education and the raters' own words on race are not read.
    """
    return read_original(files["diverse_safety_adversarial_dialog_350.csv"], CRITERIA, ATTRIBUTES, (GOLD,))
