"""What moves the judge that should not?"""

from judgefair.estimation import Estimation
from judgefair.probes import Probed, is_moved
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name
from judgefair.statistics.finding import Finding
from judgefair.validation import Validation

ORDER = 70


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Each probe's excess over its placebo, by criterion and population; none where no probe was put to the judge."""
    if not validation.probes:
        return None
    blocks: list[Block] = [
        Text(
            "Each probe changes what the judge is shown in a way that should not change its rating, and a placebo changes as much "
            "without meaning anything. The excess is the change minus the placebo's, in scale points, with 95% intervals; one that "
            "excludes 0 is marked. About one in twenty intervals of a sound judge excludes 0 by chance."
        )
    ]
    for probed in validation.probes:
        blocks += _told(probed, caution(validation))
    return Section("probes", "What moves the judge that should not", blocks)


def _told(probed: Probed, labels: str) -> list[Block]:
    heading = f"{probed.name}: {probed.question} Changed: {probed.change}. Placebo: {probed.placebo}."
    if probed.reason:
        return [Text(f"{heading} Not put to the judge: {probed.reason}.")]
    rows = []
    for finding in probed.findings:
        if finding.estimate.estimand.endswith(".excess"):
            change, placebo, gap = (_beside(probed, finding, part) for part in ("change", "placebo", "excess_gap"))
            excess = finding.estimate
            rows.append([
                Cell(finding.criterion), Cell(population_name(finding.population)), Cell(f"{excess.n_items:,}"), change, placebo,
                number(excess, signed=True), gap, Cell("moves the judge" if is_moved(excess) else ""),
            ])  # fmt: skip
    columns = ["Criterion", "Population", "Items", "Change", "Placebo", "Excess", "Excess against the reference", ""]
    return [Table(f"{heading}{labels}", columns, rows)]


def _beside(probed: Probed, finding: Finding, part: str) -> Cell:
    """The estimate of another part of the same criterion and population."""
    for other in probed.findings:
        is_same = (other.criterion, other.population) == (finding.criterion, finding.population)
        if is_same and other.estimate.estimand == f"probe.{probed.name}.{part}":
            return number(other.estimate, signed=True)
    return Cell("")
