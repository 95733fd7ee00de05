"""Where did the judge give no rating, and does it happen more to some?"""

from judgefair.estimation import Estimation
from judgefair.records import MISSING_REASONS
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name, populations
from judgefair.validation import Validation

ORDER = 50


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Rates of missing judge ratings, by reason and population; reasons that never occurred are named, not tabled."""
    blocks: list[Block] = [
        Text("A missing rating is never a number here: it is left out of every estimate above, and counted in this section.")
    ]
    for criterion in validation.scales:
        overall = {reason: validation.find(f"missing_rate.{reason}", criterion) for reason in MISSING_REASONS}
        seen = [reason for reason, estimate in overall.items() if estimate.value > 0]
        if not seen:
            bound = max(estimate.high for estimate in overall.values())
            blocks.append(
                Text(
                    f"{criterion}: no rating is missing (each rate is below {bound:.1%}, upper bound of the 95% interval).{caution(validation)}"
                )
            )
            continue
        rows = [
            [
                Cell(population_name(population)),
                *(number(validation.find(f"missing_rate.{reason}", criterion, population)) for reason in seen),
            ]
            for population in populations(validation)
        ]
        caption = f"{criterion}: share of items without a judge's rating, with 95% intervals.{caution(validation)}"
        blocks.append(Table(caption, ["Population", *(reason.replace("_", " ") for reason in seen)], rows))
    return Section("missingness", "Missing ratings", blocks)
