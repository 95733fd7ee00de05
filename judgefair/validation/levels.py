"""How often did judge and humans give each level?"""

from collections.abc import Iterable, Mapping

import pandas as pd

Levels = Mapping[str, Mapping[str, "pd.Series[int]"]]
"""By criterion and kind of rater, how many ratings have a code, in the order of codes."""

NONE_GIVEN = pd.Series(dtype="int64", index=pd.Index([], dtype="float64"))


def levels_given(ratings: Iterable[pd.DataFrame], criteria: Iterable[str]) -> Levels:
    """Counts of the codes of ratings that may come piece by piece.

    >>> table = pd.DataFrame({"criterion": "tone", "rater_kind": ["judge", "judge", "human"], "code": [2.0, 2.0, 1.0]})
    >>> levels_given([table, table], ["tone"])["tone"]["judge"].to_dict()
    {2.0: 4}
    """
    counts = {criterion: {"human": NONE_GIVEN, "judge": NONE_GIVEN} for criterion in criteria}
    for piece in ratings:
        for criterion, of in counts.items():
            for kind, earlier in of.items():
                codes = piece.loc[(piece["criterion"] == criterion) & (piece["rater_kind"] == kind), "code"]
                of[kind] = earlier.add(codes.value_counts(), fill_value=0).astype("int64").sort_index()
    return counts
