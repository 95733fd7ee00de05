"""What does each fairness framework see here, and what can it not claim?"""

from judgefair.estimation import Estimation
from judgefair.lenses import Lensed
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name
from judgefair.validation import Validation

ORDER = 75


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """What each lens can and cannot claim, then what it sees; none where nothing was estimated."""
    if estimation is None or not estimation.lenses:
        return None
    rows = [
        [
            Cell(one.framework, one.source),
            Cell(one.can),
            Cell(one.cannot),
            Cell((one.reason and f"does not extend: {one.reason}") or "below"),
        ]
        for one in estimation.lenses
    ]
    blocks: list[Block] = [
        Text(
            "Each fairness framework is a lens: it can claim some things in this one context and not others, and some do not extend "
            "to it at all. None of them certifies anything, and what one sees does not add up with what another sees."
        ),
        Table(
            f"What each lens can and cannot claim here.{caution(validation)}", ["Lens", "Can claim", "Cannot claim", "Here"], rows
        ),
    ]
    for one in estimation.lenses:
        blocks += _seen(one, caution(validation))
    return Section("lenses", "What each fairness framework sees", blocks)


def _seen(one: Lensed, labels: str) -> list[Block]:
    if one.reason:
        return []
    rows = []
    for finding in one.findings:
        against = "" if finding.contrast is None else population_name(finding.contrast)
        what = finding.estimate.estimand.removeprefix(f"lens.{one.name}.")
        rows.append([
            Cell(what), Cell(finding.criterion), Cell(population_name(finding.population)), Cell(against),
            Cell(f"{finding.estimate.n_items:,}"), number(finding.estimate, signed=finding.contrast is not None),
        ])  # fmt: skip
    caption = f"{one.framework.rstrip('.')}, with 95% intervals.{labels}"
    told: list[Block] = [Text(sentence) for sentence in one.says]
    return [Table(caption, ["What", "Criterion", "Population", "Against", "Items", "Estimate"], rows), *told]
