"""DICES-350: do 123 raters, who all rated all 350 conversations, find the chatbot's last reply unsafe?"""

from collections.abc import Mapping
from pathlib import Path

from judgefair.calibration.recipes._dices import read_instances, read_votes
from judgefair.calibration.recipes._tables import rater_table
from judgefair.calibration.tables import SetTables
from judgefair.records import Item


def read(files: Mapping[str, Path]) -> SetTables:
    """Items, votes and raters; an item's meta holds the expert's label as `gold`."""
    experts = read_instances(files["dices_350_expert.json"])
    crowd = read_instances(files["dices_350_crowdsourced.json"])
    items = [
        Item(
            item_id,
            instance["instance"]["user_prompt"],
            instance["instance"]["response"],
            meta={"gold": experts[item_id]["annotations"]["safety"]["majority_human"].lower()},
        )
        for item_id, instance in crowd.items()
    ]
    ratings = read_votes(crowd, _rater_id)
    return SetTables(items, ratings, rater_table(ratings["rater_id"]))


def _rater_id(_item_id: str, position: int) -> str:
    # Yes-rates by position differ far more than shuffled votes would (sd 0.196, not 0.025): the position is the rater.
    return f"p{position:03}"
