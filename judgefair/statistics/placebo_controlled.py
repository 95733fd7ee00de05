"""How far does a change of what is rated move the rating, beyond what a change that means nothing moves it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgefair.statistics.clustered import SOURCE as MEAN_SOURCE
from judgefair.statistics.clustered import ClusteredMean
from judgefair.statistics.estimate import Estimate, undefined
from judgefair.statistics.ppi_mean import combine, mean_by_unit
from judgefair.statistics.resample import Floats

SOURCE = "negative controls: Lipsitch, Tchetgen Tchetgen and Cohen 2010"


@dataclass(frozen=True, slots=True)
class PlaceboControlled:
    """What a change moves in one population.

    Attributes
    ----------
    change : mean of the changed rating minus the unchanged one, in scale points; of its magnitude where it has no direction.
    placebo : the same of a change that means nothing; undefined where there is none.
    excess : change minus placebo, or the change alone where there is no placebo.
    gap : excess minus that of the reference population; None for the reference.
    """

    change: Estimate
    placebo: Estimate
    excess: Estimate
    gap: Estimate | None


def placebo_controlled(
    base: Floats,
    changed: Floats,
    placebo: Floats | None,
    populations: ArrayLike | None = None,
    reference: str | None = None,
    clusters: object = None,
    *,
    is_directed: bool = True,
    confidence: float = 0.95,
) -> Mapping[str, PlaceboControlled]:
    """Changes of ratings by population, minus a placebo's, paired by item.

    A change of words moves any judge somewhat. What a placebo (other words of the same length, another name of the same group)
    moves is taken off, so that what is left is due to what the change means.

    Parameters
    ----------
    base, changed, placebo : (n_items,) ratings of the same items as they are, changed, and changed in a way that means
        nothing; on the scale, nan = missing. A pair with a nan is left out and counted. None where no placebo exists: then the
        excess is the change itself, held against 0.
    populations : (n_items,) the population of each item; those of "" are left out. None: all items are one, named "all".
    reference : the population that the others are compared with; None compares none.
    clusters : (n_items,) scenario labels; None where each item stands alone.
    is_directed : whether the change has a direction. Without one (another wording, the same question again) the magnitudes of
        the changes are compared, as a mean over up and down would hide them. A magnitude alone is not tested against
        0, below which it cannot be.

    Returns
    -------
    By population; estimands `change`, `placebo`, `excess` and `excess_gap`, with t intervals over scenarios. Where every
    scenario moves by the same amount there is no variance and no interval, which `method` says beside the value.

    Examples
    --------
    >>> found = placebo_controlled([2, 2, 3, 1], [3, 4, 4, 3], [2, 2, 4, 1])["all"]
    >>> found.change.value, found.placebo.value, found.excess.value
    (1.5, 0.25, 1.25)
    """
    base, changed = np.asarray(base, dtype=float), np.asarray(changed, dtype=float)
    n = len(base)
    moves: list[Floats] = [changed - base]
    if placebo is not None:
        moves.append(np.asarray(placebo, dtype=float) - base)
    if not is_directed:
        moves = [np.abs(move) for move in moves]
    units = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    group_of = np.full(n, "all", dtype=object) if populations is None else np.asarray(populations, dtype=object)
    names = [name for name in dict.fromkeys(group_of.tolist()) if name != ""]
    teller = _Teller(is_directed, placebo is not None, confidence)
    parts = {name: [_moved(move, group_of == name, units) for move in moves] for name in names}
    n_lost = {name: [int(np.isnan(move[group_of == name]).sum()) for move in moves] for name in names}
    n_left = {name: [int((~np.isnan(move[group_of == name])).sum()) for move in moves] for name in names}
    excess = {name: combine((1, means[0]), (-1, means[1])) if len(means) > 1 else means[0] for name, means in parts.items()}
    found = {}
    for name in names:
        change, control = parts[name][0], parts[name][1] if placebo is not None else None
        gap = None
        if reference is not None and name != reference and reference in names:
            rows = n_left[name][0] + n_left[reference][0]
            lost = sum(n_lost[name]) + sum(n_lost[reference])
            gap = teller.tell("excess_gap", combine((1, excess[name]), (-1, excess[reference])), rows, lost)
        found[name] = PlaceboControlled(
            teller.tell("change", change, n_left[name][0], n_lost[name][0]),
            undefined("placebo", "there is no change that means nothing to compare with")
            if control is None
            else teller.tell("placebo", control, n_left[name][1], n_lost[name][1]),
            teller.tell("excess", excess[name], n_left[name][0], sum(n_lost[name])),
            gap,
        )
    return found


def _moved(move: Floats, rows: np.ndarray, units: np.ndarray) -> ClusteredMean:
    chosen = rows & ~np.isnan(move)
    return mean_by_unit(move[chosen], units[chosen], int(units.max(initial=-1)) + 1)


@dataclass(frozen=True, slots=True)
class _Teller:
    is_directed: bool
    has_placebo: bool
    confidence: float

    def tell(self, estimand: str, mean: ClusteredMean, n_rows: int, n_missing: int) -> Estimate:
        """An estimate of what was moved."""
        n_clusters = int(mean.has_data.sum())
        known: dict[str, Any] = {
            "n_items": n_rows, "n_clusters": n_clusters, "n_missing": n_missing, "level": self.confidence,
            "source": f"{SOURCE}; {MEAN_SOURCE}",
        }  # fmt: skip
        if mean.fewest < 1:
            return undefined(estimand, "no item has both ratings", **known)
        low, high, se, p_value, trouble = mean.interval(self.confidence)
        what = self._what(estimand)
        method = "; ".join(filter(None, [what, f"t interval over {n_clusters:,} scenarios or items", trouble]))
        is_tested = self.is_directed or estimand == "excess_gap" or (estimand == "excess" and self.has_placebo)
        return Estimate(estimand, mean.value, low, high, se=se, p_value=p_value if is_tested else None, method=method, **known)

    def _what(self, estimand: str) -> str:
        kind = "change" if self.is_directed else "magnitude of the change"
        told: Sequence[str] = {
            "change": [f"mean {kind} of paired ratings, in scale points"],
            "placebo": [f"mean {kind} of paired ratings under the placebo, in scale points"],
            "excess": [
                f"mean {kind} of paired ratings, in scale points",
                "minus the placebo's" if self.has_placebo else "no placebo",
            ],
            "excess_gap": ["the population's excess minus the reference's"],
        }[estimand]
        return ", ".join(told)
