"""Which ranks of judges do the data allow?"""

from collections.abc import Collection, Sequence

SOURCE = "rank intervals from simultaneous intervals of all pairs: Mohamad, Goeman and van Zwet 2022"


def rank_ranges(judges: Sequence[str], better: Collection[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Best and worst rank of each judge: it stands behind those shown to be better, and before those shown to be worse.

    Where the intervals that `better` was read off hold together, so do these ranges (Mohamad, Goeman and van Zwet 2022,
    "Simultaneous confidence intervals for ranks"). Judges that nothing tells apart share a range.

    Parameters
    ----------
    better : pairs of judges, the better one first.

    Examples
    --------
    >>> rank_ranges(["a", "b", "c"], {("a", "c")})
    {'a': (1, 2), 'b': (1, 3), 'c': (2, 3)}
    """
    return {
        judge: (1 + sum(worse == judge for _, worse in better), len(judges) - sum(best == judge for best, _ in better))
        for judge in judges
    }
