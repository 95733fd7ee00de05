"""What does every calibration set hold? Items, ratings and raters, in memory."""

from dataclasses import dataclass

import pandas as pd

from judgefair.records import Item

SET_RATING_COLUMNS = ("item_id", "criterion", "rater_id", "value", "missing")


@dataclass(frozen=True, slots=True)
class SetTables:
    """Items with their ratings and raters, before they are checked against a card.

    Attributes
    ----------
    items : the rated items, ids unique.
    ratings : columns `SET_RATING_COLUMNS`, all text; exactly one of value and missing is not empty.
    raters : column `rater_id`, then one column an attribute, all text, empty where unknown.
    """

    items: list[Item]
    ratings: pd.DataFrame
    raters: pd.DataFrame
