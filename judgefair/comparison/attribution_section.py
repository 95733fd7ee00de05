"""How does a report say what changed ratings are laid to?"""

from judgefair.comparison.attribution import PARTS, Attribution
from judgefair.reporting.blocks import Block, Cell, Section, Table


def attribution_section(found: Attribution) -> Section:
    """What differs between two runs by fingerprint, what changed ratings are laid to, and how many there are."""
    word = dict.fromkeys(found.differ, "differs") | dict.fromkeys(found.same, "the same")
    state = [Cell(word.get(part, "not recorded")) for part in PARTS]
    blocks: list[Block] = [Table(found.told, [part.capitalize() for part in PARTS], [state])]
    rows = [
        [Cell(each.criterion), *(Cell(f"{n:,}") for n in (each.n, each.n_changed, each.n_lost, each.n_gained))]
        for each in found.ratings
    ]
    if rows:
        columns = ["Criterion", "Rated in both", "Changed", "Rated in the first alone", "Rated in the other alone"]
        blocks.append(Table("Ratings of the same items by both runs.", columns, rows))
    return Section("attribution", "Rubric, program, model or system?", blocks)
