"""What do several raters of a table say of each item as one judge?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from judgefair.errors import InputError
from judgefair.rubric.scale import Scale
from judgefair.statistics.panel import Combine, panel
from judgefair.statistics.resample import Floats

CLOSE = 1e-9
TIED = "the levels that were named most often were named equally often"
TOO_FEW = "half of the panel's raters or fewer rated the item"


def panel_name(raters: Sequence[str], combine: Combine) -> str:
    """What a panel is called.

    >>> panel_name(["a", "b"], "median")
    'median(a, b)'
    """
    return f"{combine}({', '.join(raters)})"


def panel_of_raters(
    ratings: pd.DataFrame, raters: Sequence[str], combine: Combine, scales: Mapping[str, Scale]
) -> tuple[pd.DataFrame, list[str]]:
    """The ratings of several raters as those of one judge, and what a reader must know of them.

    Parameters
    ----------
    ratings : as in `RatedItems.ratings`; of each rater the first replicate counts.
    raters : at least two rater_ids of the table.
    combine : how, as for `judgefair.statistics.panel`.
    scales : by criterion.

    Returns
    -------
    Columns of `ratings`, and `expected` and `distribution`. `expected` is what the panel says, a number that may lie between
    levels; means, errors and gaps are of it. `code` is the one level nearest to it, and agreement, which is of levels, is of that:
    where two levels are as near, as 2 and 3 are to 2.5, the code is nan and the rating is not missing, since whatever chose
    between them would favour one. `distribution` is what `expected` is the mean of, so that both are read back from a run. On an
    interval scale any number is a level. An item without a rating has the reason that more than half of the raters have,
    else `not_rated`, and in `rationale` why.

    Raises
    ------
    InputError : no mean or median exists on the scale of a criterion.
    """
    mine = ratings[ratings["rater_id"].isin(list(raters))]
    is_repeated = mine.duplicated(["item_id", "criterion", "rater_id"]).any()
    mine = mine.sort_values("replicate", kind="stable").drop_duplicates(["item_id", "criterion", "rater_id"]).sort_index()
    frames, between, tied, too_few = [], 0, 0, 0
    for criterion in dict.fromkeys(mine["criterion"]):
        scale, rows = scales[criterion], mine[mine["criterion"] == criterion]
        if combine != "majority" and not scale.has_points:
            raise InputError(
                f"{criterion}: a {scale.kind} scale has no {combine}, since its levels are names. Combine by majority, or leave the "
                "criterion out of the table"
            )
        item, items = pd.factorize(rows["item_id"])
        who = rows["rater_id"].map({rater: place for place, rater in enumerate(raters)}).to_numpy(dtype=np.int64)
        values = np.full((len(raters), len(items)), np.nan)
        values[who, item] = rows["code"]
        reasons = np.full(values.shape, "not_rated", dtype=object)
        reasons[who, item] = rows["missing"]
        made = panel(values, combine)
        code = _nearest(made.rating, scale)
        is_missing, is_too_few = np.isnan(made.rating), made.n_judges <= len(raters) // 2
        between += int((np.isnan(code) & ~is_missing).sum())
        tied, too_few = tied + made.n_tied, too_few + made.n_missing
        frames.append(
            pd.DataFrame(
                {
                    "item_id": items, "criterion": criterion, "rater_id": panel_name(raters, combine), "rater_kind": "judge", "replicate": 0,
                    "code": code, "missing": [_reason(column) if lost else "" for column, lost in zip(reasons.T, is_missing, strict=True)],
                    "rationale": np.where(~is_missing, "", np.where(is_too_few, TOO_FEW, TIED)), "expected": made.rating,
                    "distribution": [_distribution(column, rating, combine, scale) for column, rating in zip(values.T, made.rating, strict=True)],
                }
            )
        )  # fmt: skip
    notes = [f"The judge is a panel, taken as fixed: the {combine} of {len(raters)} raters of the table, {', '.join(raters)}."]
    if is_repeated:
        notes.append("Where a rater of the panel rated an item more than once, the first rating counts.")
    if tied or too_few:
        notes.append(
            f"The panel has no rating where levels tie ({tied:,}) or half of its raters or fewer rated the item ({too_few:,}). What it has are "
            "the items that its raters differ less on."
        )
    if between:
        notes.append(
            f"{between:,} ratings of the panel lie as near to two levels: they count in means, errors and gaps, and not where agreement is taken "
            "over levels. What agreement rests on are the items that its raters differ less on, so that it is likely too high."
        )
    return pd.concat(frames, ignore_index=True), notes


def _nearest(rating: Floats, scale: Scale) -> Floats:
    """The code of the one level nearest to each rating; nan where two are as near, or there is no rating."""
    if scale.kind == "interval":
        return rating
    codes = np.array(sorted(scale.code(level) for level in scale.levels))
    apart = np.abs(rating[:, None] - codes)
    is_nearest = apart <= apart.min(axis=1, keepdims=True) + CLOSE  # false for nan
    return np.where(is_nearest.sum(axis=1) == 1, codes[is_nearest.argmax(axis=1)], np.nan)


def _reason(reasons: np.ndarray) -> str:
    """Why a panel has no rating: what more than half of its raters have; "" among the reasons is a rating."""
    names, counts = np.unique(reasons.astype(str), return_counts=True)
    most = str(names[counts.argmax()])
    return most if most and 2 * counts.max() > len(reasons) else "not_rated"


def _distribution(values: Floats, rating: float, combine: Combine, scale: Scale) -> list[tuple[str, float]] | None:
    """Levels and shares whose mean the rating is; None where the rating says it by itself."""
    if np.isnan(rating) or combine == "majority" or scale.kind == "interval":
        return None
    given = np.sort(values[~np.isnan(values)])
    if combine == "median":
        given = given[(len(given) - 1) // 2 : len(given) // 2 + 1]
    codes, counts = np.unique(given, return_counts=True)
    return [(str(scale.level(float(code))), float(n / len(given))) for code, n in zip(codes, counts, strict=True)]
