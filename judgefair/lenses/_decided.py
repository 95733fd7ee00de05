"""On which criteria is it known which of two answers is right?"""

from dataclasses import dataclass

import numpy as np

from judgefair.lenses._look import DoesNotExtend, Seen
from judgefair.lenses._rated import ratings
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.resample import Floats


@dataclass(frozen=True, slots=True)
class Decided:
    """Ratings on a criterion with two levels, of which the higher is called positive, beside what is right by construction.

    Attributes
    ----------
    merit : (n,) 1 where positive is right, 0 where it is not, nan where that is not known.
    level : (n,) the judge's level in rows of the run, the modal one where it gave probabilities: 1 is positive.
    judge, human : (n,) mean ratings, 0 to 1.
    """

    criterion: Criterion
    merit: Floats
    level: Floats
    judge: Floats
    human: Floats


def decided(seen: Seen) -> tuple[list[Decided], dict[str, str]]:
    """Criteria with two levels and known merit, and why the others are none; DoesNotExtend where all are others."""
    found, reasons = list[Decided](), dict[str, str]()
    for criterion in seen.rubric.criteria:
        merit = _merit(seen, criterion)
        if isinstance(merit, str):
            reasons[criterion.id] = merit
            continue
        low, high = sorted(map(criterion.scale.code, criterion.scale.levels))
        judge, human = (((rated - low) / (high - low)) for rated in ratings(seen, criterion))
        level = np.where(seen.columns.is_whole, (seen.columns.levels(criterion.id) - low) / (high - low), np.nan)
        found.append(Decided(criterion, merit, level, judge, human))
    if not found:
        raise DoesNotExtend("; ".join(f"{name} {reason}" for name, reason in reasons.items()))
    return found, reasons


def _merit(seen: Seen, criterion: Criterion) -> Floats | str:
    """1, 0 or nan for each row; or why there is none."""
    scale = criterion.scale
    if len(scale.levels) != 2 or scale.measurement == "interval":
        return f"has a scale of {scale.kind} levels that are not two, and a rate needs an outcome that is there or is not"
    said, run = seen.columns.merit, seen.columns.is_run
    if not (said[run] != "").any():
        return (
            "has two levels, and no item says which of them is right. It would need `merit` in scenarios of the rubric, or in `meta` of "
            "the items, known by construction"
        )
    high = max(map(scale.code, scale.levels))
    known = {"": np.nan}
    for text in {*said} - {""}:
        try:
            known[text] = float(scale.code(scale.read(text)) == high)
        except ValueError:
            known[text] = np.nan
            if (said[run] == text).any():
                return f"has the levels {scale.describe()}, and merit {text} is none of them: the merit of this run is that of another criterion"
    return np.array([known[text] for text in said])
