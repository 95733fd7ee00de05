"""DICES-990: do about 73 raters of each of 990 conversations find the chatbot's last reply unsafe?"""

import re
from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._dices import read_instances, read_votes
from judgefair.calibration.recipes._tables import rater_table
from judgefair.calibration.tables import SetTables
from judgefair.records import Item


def read(files: Mapping[str, Path]) -> SetTables:
    """Items and votes; each vote has a rater id of its own, since the file does not say who cast it."""
    instances = read_instances(files["dices_990.json"])
    items = [
        Item(item_id, _real_newlines(instance["instance"]["user_prompt"]), _real_newlines(instance["instance"]["response"]))
        for item_id, instance in instances.items()
    ]
    ratings = read_votes(instances, _vote_id)
    return SetTables(items, ratings, rater_table(ratings["rater_id"]))


def _real_newlines(text: str) -> str:
    # One text has a doubled backslash before its n.
    return re.sub(r"\\+n", "\n", text)


def _vote_id(item_id: str, position: int) -> str:
    return f"{item_id}-v{position:02}"
