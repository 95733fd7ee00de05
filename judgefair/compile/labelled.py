"""What may an optimiser learn from? Items with what humans said of one call's criteria, from train and dev alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.errors import InputError
from judgefair.records import Item, Level
from judgefair.rubric.criterion import Criterion

OPEN_SPLITS = ("train", "dev")
MOST_RATIONALES = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What humans said of one criterion of an item.

    Attributes
    ----------
    codes : (n_raters,) their levels as numbers.
    level : the level that most gave; None where two levels tie.
    rationales : what raters wrote beside their ratings, where they did.
    """

    codes: np.ndarray
    level: Level | None
    rationales: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean of their levels."""
        return float(self.codes.mean())


@dataclass(frozen=True, slots=True)
class Labelled:
    """An item and, by criterion, what humans said of it; a criterion that nobody rated is left out."""

    item: Item
    said: Mapping[str, Said]


def labelled_items(cset: CalibrationSet, criteria: Sequence[Criterion]) -> list[Labelled]:
    """The items of train or dev that humans rated on any of the criteria.

    Raises
    ------
    InputError : the set is not cut to train or dev, so that items of the locked test split could be among them.
    """
    if cset.split not in OPEN_SPLITS:
        raise InputError(
            f"{cset.id}, split {cset.split}: an optimiser sees train and dev alone. Take one of them, such as cset.take('train')"
        )
    found: dict[str, dict[str, Said]] = {}
    for criterion in criteria:
        rated = cset.ratings[(cset.ratings["criterion"] == criterion.id) & cset.ratings["code"].notna()]
        for item_id, rows in rated.groupby("item_id", sort=False):
            codes = rows["code"].to_numpy(dtype=float)
            written = tuple(text for text in rows["rationale"] if text)[:MOST_RATIONALES]
            found.setdefault(str(item_id), {})[criterion.id] = Said(codes, _most_given(codes, criterion), written)
    return [Labelled(item, found[item.item_id]) for item in cset.items if item.item_id in found]


def agreement(criterion: Criterion, level: Level, said: Said) -> float:
    """1 - ((judge - human) / range)^2 with the humans' mean; on a nominal scale the share of humans who gave the level.

    >>> from judgefair.rubric import load_rubric
    >>> depth = load_rubric("writing_tutor").criterion("critique_depth")
    >>> agreement(depth, 4, Said(np.array([2.0, 2.0]), 2, ()))
    0.75
    """
    code = criterion.scale.code(level)
    if not criterion.scale.has_points:
        return float((said.codes == code).mean())
    return 1 - ((code - said.mean) / criterion.scale.span) ** 2


def _most_given(codes: np.ndarray, criterion: Criterion) -> Level | None:
    """The level that most raters gave; None where two tie."""
    values, counts = np.unique(codes, return_counts=True)
    most = values[counts == counts.max()]
    return criterion.scale.level(float(most[0])) if len(most) == 1 else None
