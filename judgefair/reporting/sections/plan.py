"""How many human labels of which populations would settle what is open?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.validation import Validation

ORDER = 45


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Labels there are and labels needed; none where nothing was estimated."""
    if estimation is None or not estimation.plans:
        return None
    blocks: list[Block] = [
        Text(
            "Labelled items needed to know every gap to the tolerance, as few as possible in all: the reference stands in every gap and is "
            "worth more labels. Planned from how the labels of this run vary; a plan is no promise."
        )
    ]
    for plan in estimation.plans:
        rows = [
            [
                Cell(f"{plan.axis}: {name}"),
                Cell(f"{n:,}"),
                Cell(f"{plan.needed[name]:,}" if name in plan.needed else "none suffices"),
            ]
            for name, n in plan.now.items()
        ]
        caption = f"{plan.criterion}, {plan.axis}: labelled items for ±{plan.delta:g}"
        if plan.needed and plan.equal_split is not None:
            caption += f", {sum(plan.needed.values()):,} in all ({plan.equal_split:,} if split equally)"
        if rows:
            blocks.append(Table(f"{caption}.", ["Population", "Labelled now", "Needed"], rows))
        if plan.raters_per_item is not None:
            n = plan.raters_per_item
            who = "1 rater an item makes" if n == 1 else f"{n} raters an item make"
            raters = f"{who} the most of a budget of ratings, if a new item costs as much as a rating"
            blocks.append(Text(f"{plan.criterion}, {plan.axis}: {raters}."))
        if plan.reason:
            blocks.append(Text(f"{plan.criterion}, {plan.axis}: {plan.reason}."))
    return Section("plan", "What would settle it", blocks)
