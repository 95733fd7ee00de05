"""How often does another population change the rating, beyond what any other wording changes?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name
from judgefair.validation import Validation

ORDER = 42
PARTS = ("flip_rate", "flip_rate.placebo", "flip_rate.excess")


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Flip rates by population, of placebos, and the difference; none for runs without arms."""
    found = [f for f in estimation.findings if f.estimate.estimand in PARTS] if estimation else []
    if not found:
        return None
    blocks: list[Block] = [
        Text(
            "A flip is a scenario whose arm the judge rates otherwise than the reference arm of the same channel. Another wording flips "
            "ratings too: a placebo says the reference arm in other words, or through another cue of the same group. What "
            "counts is the excess over it."
        )
    ]
    for criterion in dict.fromkeys(finding.criterion for finding in found):
        of = {(str(f.population), f.estimate.estimand): f.estimate for f in found if f.criterion == criterion}
        names = dict.fromkeys((str(f.population), population_name(f.population)) for f in found if f.criterion == criterion)
        rows = [[Cell(name), *(number(of[key, part], signed=part == PARTS[2]) for part in PARTS)] for key, name in names]
        caption = (
            f"{criterion}: share of pairs of arms that the judge rates differently, with 95% intervals.{caution(validation)}"
        )
        blocks.append(Table(caption, ["Population", "Flips", "Placebo's flips", "Excess"], rows))
    return Section("flips", "Flips beyond a placebo's", blocks)
