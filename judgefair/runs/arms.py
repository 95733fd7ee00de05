"""Which arms of a scenario differ in one population alone?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from judgefair.rubric.context import Axis
from judgefair.runs.facts import Facts


def reference_arms(facts: Facts, group_of: np.ndarray, axis: Axis, whole: np.ndarray) -> np.ndarray:
    """(n,) the row of the reference arm that each row is compared with, an arm or a placebo of one; -1 where there is none.

    Parameters
    ----------
    group_of : (n,) the group of each row on the axis; "" where it has none.
    whole : (n,) false for items of scenarios in which some arm has no answer.
    """
    key = arm_keys(facts, axis.axis)
    rows = np.flatnonzero(whole & facts.meta["arm"].is_there & (group_of == axis.reference))
    base = np.full(int(key.max(initial=-1)) + 1, -1)
    base[key[rows]] = rows
    found: np.ndarray = base[key]
    return found


def arm_keys(facts: Facts, axis: str) -> np.ndarray:
    """(n,) codes of block, channel, replicate and what the arm shows on the other axes: equal for arms that differ in `axis` alone."""
    told = facts.meta["shows"]
    shown = {name: np.where(told.is_there, -1, group.codes) for name, group in facts.groups.items()}
    profile = _alike([told.codes, *shown.values()])
    others: dict[Any, int] = {}
    of_profile = []
    for row in np.unique(profile, return_index=True)[1].tolist():
        shows = told.values[told.codes[row]] if told.is_there[row] else facts.populations(row)
        rest = tuple(sorted((name, group) for name, group in shows.items() if name != axis)), axis in shows
        of_profile.append(others.setdefault(rest, len(others)))
    same = [facts.meta[name].codes for name in ("block", "cue", "replicate")]
    return _alike([*same, np.array(of_profile, dtype=np.int64)[profile]])


def _alike(columns: Sequence[np.ndarray]) -> np.ndarray:
    """(n,) codes of rows: equal where all columns are."""
    found: np.ndarray = pd.DataFrame(dict(enumerate(columns))).groupby(list(range(len(columns))), sort=False).ngroup().to_numpy()
    return found
