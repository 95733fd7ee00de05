"""ELLIPSE, test part: how well are 2,571 essays of English language learners written, on seven criteria?"""

import io
from collections.abc import Mapping
from pathlib import Path

from judgefair.archives import read_member
from judgefair.calibration.recipes._tables import rater_table, rating_table, read_text, rows
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

TABLE = "ELLIPSE_Final_github_test.csv"
# Printed in the authors' README: it keeps the essays out of training data, not away from readers.
PASSWORD = b"ellipse_test"
CRITERIA = ("Overall", "Cohesion", "Syntax", "Vocabulary", "Phraseology", "Grammar", "Conventions")
AXES = {"gender": "gender", "race_ethnicity": "race_ethnicity", "economic_status": "SES", "grade": "grade"}
RATER = "consensus"
MOST_BYTES = 100_000_000


def read(files: Mapping[str, Path]) -> SetTables:
    """Essays with their average scores; read out of the archive in memory, so that no plain copy is left behind."""
    archive = files["ELLIPSE_Final_github_test.zip"]
    table = b"".join(read_member(archive, TABLE, most_bytes=MOST_BYTES, password=PASSWORD))
    essays = rows(read_text(io.BytesIO(table)))
    items = [
        Item(
            essay["text_id_kaggle"],
            essay["prompt"],
            essay["full_text"],
            {axis: essay[column] for axis, column in AXES.items() if essay[column]},
            # Each essay has its own writer; the prompt is a fixed condition that many share.
            meta={"prompt": essay["prompt"]},
        )
        for essay in essays
    ]
    ratings = rating_table(
        (essay["text_id_kaggle"], criterion.lower(), RATER, essay[criterion], "") for essay in essays for criterion in CRITERIA
    )
    return SetTables(items, ratings, rater_table([RATER]))
