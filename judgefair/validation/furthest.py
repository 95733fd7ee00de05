"""On which items is the judge furthest from the humans, in each population, and which anchors lie between them?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from judgefair.records import Item, Level
from judgefair.rubric.scale import Scale
from judgefair.statistics.finding import Population
from judgefair.validation.validation import Validation


@dataclass(frozen=True, slots=True)
class Furthest:
    """One item on which judge and humans differ.

    Attributes
    ----------
    population : the population in whose list it stands; None where items carry none.
    distance : mean distance of the judge to the humans in scale points; on a nominal scale the share of humans who say otherwise.
    judge, rationale : the judge's level, and its reason where it gave one.
    humans : (rater, level, what the rater wrote beside it or ""), in the order of levels.
    anchors : levels from the humans' lowest or the judge's to the highest of them, with their anchors (None where a level has none).
    unanchored : in words, where a level without an anchor lies.
    """

    criterion: str
    population: Population | None
    item: Item
    distance: float
    judge: Level
    rationale: str
    humans: Sequence[tuple[str, Level, str]]
    anchors: Mapping[Level, str | None]
    unanchored: str


def furthest(validation: Validation, n: int) -> Iterator[Furthest]:
    """For each criterion and each population in declared order, the n items on which the judge is furthest from the humans.

    An item of several populations stands in the list of each. Items on which all agree are in none.
    """
    known = set(validation.ratings["item_id"])
    items = [item for item in validation.items if item.item_id in known] if known else []
    place = pd.Index([item.item_id for item in items])
    for criterion, scale in validation.scales.items():
        rated = validation.ratings[(validation.ratings["criterion"] == criterion) & validation.ratings["code"].notna()]
        rated = rated.assign(at=place.get_indexer(pd.Index(rated["item_id"])))
        judged = rated[(rated["rater_kind"] == "judge") & (rated["at"] >= 0)].drop_duplicates("at").set_index("at")
        humans = rated[(rated["rater_kind"] == "human") & rated["at"].isin(judged.index)]
        apart = (humans["code"] - humans["at"].map(judged["code"])).abs()
        loss = apart if scale.has_points else (apart > 0).astype(float)
        distance = loss.groupby(humans["at"]).mean().sort_values(ascending=False, kind="stable")
        distance = distance[distance > 0]
        for population in _populations(validation):
            chosen = [at for at in distance.index if _is_of(items[at], population)][:n]
            for at in chosen:
                mine = humans[humans["at"] == at].sort_values("code", kind="stable")
                told = [(str(row.rater_id), scale.level(float(row.code)), str(row.rationale or "")) for row in mine.itertuples()]
                row = judged.loc[at]
                codes = [*mine["code"], row["code"]]
                yield Furthest(
                    criterion, population, items[at], float(distance[at]), scale.level(float(row["code"])), str(row["rationale"] or ""),
                    told, _between(scale, min(codes), max(codes)), scale.unanchored,
                )  # fmt: skip


def _populations(validation: Validation) -> list[Population | None]:
    found: list[Population | None] = [{axis: group} for axis, groups in validation.axes.items() for group in groups]
    return found or [None]


def _is_of(item: Item, population: Population | None) -> bool:
    return population is None or all(item.populations.get(axis) == group for axis, group in population.items())


def _between(scale: Scale, low: float, high: float) -> dict[Level, str | None]:
    """The levels between two codes; of a nominal scale the two alone, since nothing lies between."""
    inside = [
        low <= scale.code(level) <= high if scale.has_points else scale.code(level) in (low, high) for level in scale.levels
    ]
    return {level: anchor for (level, anchor), is_inside in zip(scale.levels.items(), inside, strict=True) if is_inside}
