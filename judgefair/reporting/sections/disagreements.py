"""On which items do judge and humans disagree most?"""

import pandas as pd

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Quote, Section, Text
from judgefair.reporting.words import caution, labellers
from judgefair.validation import Validation

ORDER = 80
SHOWN = 4
MAX_CHARACTERS = 700


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The items with the largest distance of judge to humans, side by side; none where the table carries no text."""
    if not any(item.response or item.query for item in validation.items):
        return None
    known = set(validation.ratings["item_id"])
    texts = [item for item in validation.items if item.item_id in known and (item.response or item.query)] if known else []
    place = pd.Index([item.item_id for item in texts])
    whom = labellers(validation)
    blocks: list[Block] = [
        Text(
            f"The {SHOWN} items a criterion on which the judge is furthest from the {whom}. The texts are data that was judged.{caution(validation)}"
        )
    ]
    for criterion, scale in validation.scales.items():
        rated = validation.ratings[(validation.ratings["criterion"] == criterion) & validation.ratings["code"].notna()]
        rated = rated.assign(at=place.get_indexer(pd.Index(rated["item_id"])))
        judged = rated[(rated["rater_kind"] == "judge") & (rated["at"] >= 0)].drop_duplicates("at").set_index("at")
        humans = rated[(rated["rater_kind"] == "human") & rated["at"].isin(judged.index)]
        apart = (humans["code"] - humans["at"].map(judged["code"])).abs()
        loss = apart if scale.has_points else (apart > 0).astype(float)
        distance = loss.groupby(humans["at"]).mean().sort_values(ascending=False, kind="stable")
        for at in distance[distance > 0].index[:SHOWN]:
            item, row = texts[at], judged.loc[at]
            counts = humans.loc[humans["at"] == at, "code"].value_counts().sort_index()
            said = ", ".join(f"{scale.level(float(code))} ({count}x)" for code, count in counts.items())
            parts = [
                ("Judge", str(scale.level(float(row["code"]))) + (f": {row['rationale']}" if row["rationale"] else "")),
                (whom.capitalize(), said),
                ("Populations", ", ".join(f"{axis}: {group}" for axis, group in item.populations.items()) or "none"),
                ("Query", _shorten(item.query) or "(nothing was asked)"),
                ("Response", _shorten(item.response) or "(empty)"),
            ]
            blocks.append(Quote(f"{criterion}, item {item.item_id}", parts))
    return Section("disagreements", f"Where judge and {whom} disagree most", blocks)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS].rstrip()} … ({len(text):,} characters)"
