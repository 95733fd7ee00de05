"""How far can one rater of a table, or several as a panel, be trusted against the others? No rubric, no model, no key."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from judgefair.calibration.ratings import RatedItems, as_text, rated_items, read_table
from judgefair.errors import InputError, UsageError, did_you_mean
from judgefair.fingerprint import fingerprint
from judgefair.rubric.scale import Scale, parse_scale
from judgefair.runs.facts import Facts
from judgefair.statistics.panel import Combine
from judgefair.validation.assemble import assemble, group_sizes
from judgefair.validation.panel_of_raters import panel_name, panel_of_raters
from judgefair.validation.validation import Validation


def validate_ratings(
    ratings: pd.DataFrame | Path | str,
    judge: str | Sequence[str],
    scale: Scale | str | Mapping[str, Scale | str],
    *,
    panel: Combine | None = None,
    references: Mapping[str, str] | None = None,
    as_of: str | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Validation:
    """Hold one rater of a table against the human ones: no rubric, no model, no key.

    Parameters
    ----------
    ratings : a long table or its path, with columns item_id, rater_id, value and, where there are, criterion, rater_kind,
        missing, scenario_id, `pop.<axis>`, `rater.<attribute>`.
    judge : rater_id of the judge, or of each rater of a panel. Other rows of kind `judge` are left out.
    scale : one for all criteria or one for each; text as in `--scale`.
    panel : how ratings of several raters are made into those of one judge, named `mean(a, b)`: mean, median or majority; ties
        for the majority are left missing. Means, errors and gaps are of the number that comes out; agreement is of the one level
        nearest to it, and where two are as near it leaves the item out, and a note counts them.
    references : the group that gaps are taken against, by axis; the largest group where none is named.

    Raises
    ------
    InputError : a bad row (named with its column), or no such judge.
    UsageError : several raters and no `panel`, or a panel of fewer than two.

    >>> table = pd.DataFrame({"item_id": list("aabbcc"), "rater_id": ["j", "h"] * 3, "value": [1, 1, 2, 2, 3, 2]})
    >>> round(validate_ratings(table, judge="j", scale="ordinal:1-3").find("loo.judge", "rating").value, 3)
    nan
    """
    raters = [judge] if isinstance(judge, str) else list(judge)
    _check_panel(raters, panel)
    where = "ratings" if isinstance(ratings, pd.DataFrame) else str(ratings)
    table = as_text(ratings) if isinstance(ratings, pd.DataFrame) else read_table(Path(ratings))
    scales = (
        {name: parse_scale(s) if isinstance(s, str) else s for name, s in scale.items()} if isinstance(scale, Mapping) else scale
    )
    one_scale = parse_scale(scales) if isinstance(scales, str) else scales
    rated = rated_items(table, one_scale, where)
    criteria = list(dict.fromkeys(rated.ratings["criterion"]))
    of_criterion = {name: one_scale[name] if isinstance(one_scale, Mapping) else one_scale for name in criteria}
    frame, notes = _with_judge(rated, raters, panel, of_criterion, where)
    of_criterion = {name: of_criterion[name] for name in dict.fromkeys(frame["criterion"])}
    axes = group_sizes(Facts.of(rated.items))
    for axis, group in (references or {}).items():
        if axis not in axes:
            raise InputError(
                f"--reference names axis '{axis}'.{did_you_mean(axis, axes)} Axes of {where}: {', '.join(axes) or 'none'}"
            )
        if group not in axes[axis]:
            raise InputError(
                f"--reference {axis}={group}: no such group.{did_you_mean(group, axes[axis])} Groups: {', '.join(axes[axis])}"
            )
    content = [frame[name].astype("str").fillna("").tolist() for name in ("item_id", "criterion", "rater_id", "code", "missing")]
    scope = {
        "judge": raters[0] if panel is None else panel_name(raters, panel),
        **({} if panel is None else {"panel": {"raters": raters, "combine": panel}}),
        "set": {"id": Path(where).name, "title": "ratings given by the user", "licence": "unknown", "citation": "unknown"},
        "split": "all",
        "split_fingerprint": fingerprint(content),
        "labels": "human",
        "rater_pool": "unknown",
        "known_issues": [],
        "as_of": as_of or datetime.now(UTC).date().isoformat(),
    }
    notes.append(
        "Raters other than the judge are taken to be human, as the table says. Without a rubric there is no gate and no verdict."
    )
    return assemble(
        rated.items, frame, rated.raters, of_criterion, scope, notes, references=references, seed=seed, n_resamples=n_resamples
    )


def _check_panel(raters: Sequence[str], panel: Combine | None) -> None:
    if panel is None and len(raters) != 1:
        raise UsageError(
            f"{len(raters)} judges are named ({', '.join(raters)}). Say how their ratings are made into one, panel mean, median or majority, "
            "or name one of them"
        )
    if panel is not None and panel not in get_args(Combine):
        raise UsageError(
            f"panel is '{panel}'.{did_you_mean(panel, get_args(Combine))} Expected one of: {', '.join(get_args(Combine))}"
        )
    if panel is not None and len(set(raters)) < max(2, len(raters)):
        raise UsageError(f"a panel of {', '.join(raters) or 'nobody'}. Expected two raters of the table or more, each named once")


def _with_judge(
    rated: RatedItems, judges: Sequence[str], panel: Combine | None, scales: Mapping[str, Scale], where: str
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    frame = rated.ratings.assign(expected=rated.ratings["code"])
    raters = list(dict.fromkeys(frame["rater_id"]))
    for judge in judges:
        if judge not in raters:
            shown = ", ".join(raters[:8]) + (f" and {len(raters) - 8:,} more" if len(raters) > 8 else "")
            raise InputError(f"{where}: no rater '{judge}'.{did_you_mean(judge, raters)} Raters: {shown}")
    is_judge = frame["rater_id"].isin(list(judges))
    others = (frame["rater_kind"] == "judge") & ~is_judge
    notes = []
    if others.any():
        names = sorted(set(frame.loc[others, "rater_id"]))
        notes.append(f"Left out as judges of their own: {', '.join(names)}.")
    frame = frame[~others].assign(rater_kind=np.where(is_judge[~others], "judge", "human"))
    if not (frame["rater_kind"] == "human").any():
        raise InputError(f"{where}: no rater beside the judge. Agreement needs human ratings of the same items")
    if panel is not None:
        together, told = panel_of_raters(rated.ratings, judges, panel, scales)
        humans = frame[frame["rater_kind"] == "human"].assign(distribution=None)
        frame, notes = pd.concat([together, humans]), [*told, *notes]
    return frame.reset_index(drop=True), notes
