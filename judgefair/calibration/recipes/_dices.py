"""What do the two parts of DICES share? JSON instances, each with one overall vote per rater."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table
from judgefair.errors import InputError


def read_instances(path: Path) -> dict[str, Mapping[str, Any]]:
    """The instances of a file by their id, as text; InputError where an id stands twice."""
    listed = json.loads(path.read_text(encoding="utf-8"))["instances"]
    instances = {str(instance["id"]): instance for instance in listed}
    if len(instances) < len(listed):
        raise InputError(
            f"{path}: {len(listed)} instances, {len(instances)} different ids. Expected one id each; fetch the file again"
        )
    return instances


def read_votes(instances: Mapping[str, Mapping[str, Any]], rater_id: Callable[[str, int], str]) -> pd.DataFrame:
    """Ratings on `unsafe`; `rater_id` names the rater of an item's vote from the item's id and the vote's position."""
    return rating_table(
        (item_id, "unsafe", rater_id(item_id, position), vote.lower(), "")
        for item_id, instance in instances.items()
        for position, vote in enumerate(instance["annotations"]["safety"]["individual_human_scores"])
    )
