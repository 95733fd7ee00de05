"""With whose ratings does the judge go?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Chart, Section, Table, Text, number
from judgefair.reporting.charts import alignment_chart
from judgefair.reporting.words import caution
from judgefair.validation import Validation

ORDER = 36


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Alignment with populations of raters; none where nothing is known of the raters."""
    if not validation.rater_axes:
        return None
    blocks: list[Block] = [
        Text(
            "Alignment is the judge's distance to single ratings of a population of raters, minus the distance of other humans "
            "to the same ratings, in scale points: above 0 the judge is further from these raters than other humans are. The gap compares "
            "a population with all others."
        )
    ]
    for criterion in validation.scales:
        found = {(str(f.population), f.estimate.estimand): f for f in validation.findings if f.criterion == criterion}
        for axis, groups in validation.rater_axes.items():
            rows = []
            for group in groups:
                own = found.get((str({axis: group}), "rater_alignment"))
                gap = found.get((str({axis: group}), "rater_alignment_gap"))
                if own is not None:
                    against = number(gap.estimate, signed=True) if gap else Cell("")
                    rows.append(
                        [
                            Cell(group),
                            number(own.estimate, signed=True),
                            against,
                            Cell(f"{own.estimate.n_raters:,}"),
                            Cell(f"{own.estimate.n_items:,}"),
                        ]
                    )
            attribute = axis.removeprefix("rater.")
            columns = ["Population", "Alignment", "Gap to all other raters", "Raters", "Items"]
            blocks.append(Table(f"{criterion}, raters by {attribute}, with 95% intervals.{caution(validation)}", columns, rows))
            chart = alignment_chart(validation, criterion, axis)
            if chart:
                blocks.append(
                    Chart(
                        f"{criterion}, raters by {attribute}: right of 0 the judge is further away.{caution(validation)}", chart
                    )
                )
    return Section("alignment", "Alignment with populations of raters", blocks)
