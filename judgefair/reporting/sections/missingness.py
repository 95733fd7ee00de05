"""Where did the judge give no rating, and does it happen more to some?"""

from collections.abc import Sequence

from judgefair.estimation import Estimation
from judgefair.records import MISSING_REASONS
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, contrast_name, population_name
from judgefair.statistics.estimate import Estimate
from judgefair.validation import Finding, Population, Validation

ORDER = 50


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Rates of missing judge ratings, by reason and population; reasons that never occurred are named, not tabled."""
    blocks: list[Block] = [
        Text("A missing rating is never a number here: it is left out of every estimate above, and counted in this section.")
    ]
    source = validation if estimation is None else estimation
    criteria = validation.scales if estimation is None else estimation.scope["tolerances"]
    for criterion in criteria:
        overall = {reason: source.find(f"missing_rate.{reason}", criterion) for reason in MISSING_REASONS}
        seen = [reason for reason, estimate in overall.items() if estimate.value > 0]
        if not seen:
            bound = max(estimate.high for estimate in overall.values())
            least = f"each rate is below {bound:.1%}, upper bound of the 95% interval"
            blocks.append(Text(f"{criterion}: no rating is missing ({least}).{caution(validation)}"))
            continue
        rows = [
            [
                Cell(population_name(population)),
                *(number(source.find(f"missing_rate.{reason}", criterion, population)) for reason in seen),
            ]
            for population in _populations(source.findings)
        ]
        caption = f"{criterion}: share of items without a judge's rating, with 95% intervals.{caution(validation)}"
        blocks.append(Table(caption, ["Population", *(reason.replace("_", " ") for reason in seen)], rows))
        if estimation is not None:
            blocks += _bounds(estimation, criterion, caution(validation))
    return Section("missingness", "Missing ratings", blocks)


def _populations(findings: Sequence[Finding]) -> list[Population | None]:
    """Overall and every population of which missing ratings were counted, in order."""
    counted = [f.population for f in findings if f.estimate.estimand == f"missing_rate.{MISSING_REASONS[0]}"]
    return [population for i, population in enumerate(counted) if population not in counted[:i]]


def _bounds(estimation: Estimation, criterion: str, warning: str) -> list[Block]:
    """What the missing ratings could have made of each gap."""
    rows = [
        [Cell(contrast_name(verdict)), number(verdict.corrected, signed=True), _reach(verdict.bounds)]
        for verdict in estimation.verdicts
        if verdict.criterion == criterion and verdict.bounds.is_defined and verdict.bounds.high > verdict.bounds.low
    ]
    caption = (
        f"{criterion}: corrected gap, and where it could lie whatever the missing ratings were (no confidence interval).{warning}"
    )
    return [Table(caption, ["Population", "Corrected gap", "Bounds"], rows)] if rows else []


def _reach(bounds: Estimate) -> Cell:
    return Cell(f"{bounds.low:+.2f} to {bounds.high:+.2f}".replace("-", "−"), bounds.method)
