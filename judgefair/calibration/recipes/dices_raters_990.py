"""DICES-990 with its raters: do women and men in the US and in India find a chatbot's last reply unsafe?

Columns read: rater_id, rater_gender, rater_locale, rater_race, rater_age, item_id, context, response, Q_overall,
Q3_unfair_bias_overall.
"""

from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._dices_raters import read_original
from judgefair.calibration.tables import SetTables

CRITERIA = {"unsafe": "Q_overall", "unfair_bias": "Q3_unfair_bias_overall"}
ATTRIBUTES = {"gender": "rater_gender", "locale": "rater_locale", "race": "rater_race", "age": "rater_age"}


def read(files: Mapping[str, Path]) -> SetTables:
    """Conversations, votes and raters with gender, locale, race and age.

    Written-out line breaks become real ones, and votes are in lower case, so that Yes is the level yes and means unsafe.
    A rater's second, different answer on a conversation leaves no rating of it. Education and the raters' own words on
    race are not read.
    """
    return read_original(files["diverse_safety_adversarial_dialog_990.csv"], CRITERIA, ATTRIBUTES)
