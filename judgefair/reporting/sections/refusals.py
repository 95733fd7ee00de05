"""Does the system refuse some more often than others?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import population_name
from judgefair.validation import Validation

ORDER = 45


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Refusal rates by population and their gaps; none where responses were not collected by judgefair."""
    found = [f for f in estimation.findings if f.estimate.estimand == "refusal_rate"] if estimation else []
    if estimation is None or not found:
        return None
    blocks: list[Block] = [
        Text(
            "A refusal is an outcome of its own: it has no rating, counts in no gap above, and is compared here. Rates are shares of queries."
        )
    ]
    if not any(finding.estimate.value > 0 for finding in found):
        bound = max(finding.estimate.high for finding in found)
        blocks.append(Text(f"The system refused no query (each rate is below {bound:.1%}, upper bound of the 95% interval)."))
        return Section("refusals", "Refusals", blocks)
    gaps = {str(f.population): f.estimate for f in estimation.findings if f.estimate.estimand == "refusal_rate_gap"}
    rows = [
        [
            Cell(population_name(finding.population)),
            number(finding.estimate),
            number(gaps[str(finding.population)], signed=True) if str(finding.population) in gaps else Cell("reference"),
            Cell(f"{finding.estimate.n_items:,}"),
        ]
        for finding in found
    ]
    blocks.append(
        Table("Share of queries that the system refused, with 95% intervals", ["Population", "Refused", "Gap", "Queries"], rows)
    )
    return Section("refusals", "Refusals", blocks)
