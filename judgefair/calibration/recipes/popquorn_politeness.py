"""POPQUORN, politeness: how polite are e-mails to raters sampled like the US population?

Columns read: instance_id, user_id, text, politeness, gender, race, age.
"""

from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._popquorn import read_task
from judgefair.calibration.tables import SetTables


def read(files: Mapping[str, Path]) -> SetTables:
    """E-mails, ratings and raters with gender, race and age.

    A rating without a rater's id gets a rater of its own. A rater's second, different answer on an e-mail leaves no rating
    of it. Occupation and education are not read.
    """
    return read_task(files["raw_data.csv"], "politeness")
