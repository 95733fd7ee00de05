"""How do the numbers of a comparison stand in its tables?"""

from judgefair.comparison.family import Adjusted
from judgefair.reporting.blocks import Cell, number
from judgefair.reporting.words import NO_HUMANS
from judgefair.statistics import Estimate


def adjusted_cell(of: Adjusted) -> Cell:
    """A difference with the interval that holds for its whole family; hovering tells that of its own."""
    estimate = of.estimate
    alone = number(estimate, signed=True)
    together = number(Estimate(estimate.estimand, estimate.value, of.low, of.high), signed=True)
    return Cell(together.text, f"alone {alone.text}; {alone.title}; shown is the interval for the whole family", estimate)


def p_text(p_value: float | None) -> str:
    """A p-value in three digits."""
    if p_value is None:
        return "none"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def caution(labels: str) -> str:
    """What must stand beside numbers of labels that are not human; empty where they are."""
    return "" if labels == "human" else f" {NO_HUMANS[labels]}"


def count(n: int, what: str) -> str:
    """So many of something.

    >>> count(1, "change"), count(1200, "change")
    ('1 change', '1,200 changes')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"
