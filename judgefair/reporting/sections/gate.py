"""Did the judge show what the rubric asks of a judge?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.reporting.words import caution, population_name
from judgefair.validation import Validation

ORDER = 15
_STATUS = {"failed": "failed", "not_shown": "not shown", "passed": "passed"}


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The checks that were not passed, and how many were; none without a rubric."""
    if not validation.gate:
        return None
    counts = {status: sum(check.status == status for check in validation.gate) for status in _STATUS}
    told = ", ".join(f"{n} {_STATUS[status]}" for status, n in counts.items() if n)
    verdict = (
        "The judge passed the validity gate of its rubric"
        if validation.passes
        else "The judge did not pass the validity gate of its rubric"
    )
    split = validation.scope["split"]
    blocks: list[Block] = [Text(f"{verdict}: {told}, by criterion and population, on split {split}.{caution(validation)}")]
    if split not in {"test", "all"}:
        blocks.append(Text(f"The gate counts on the locked test split; on {split} it is a preview."))
    if estimation is not None and not estimation.scope["gate_blocks"] and not validation.passes:
        blocks.append(
            Text(
                "It does not block the verdicts: the labels come from the run itself, and the corrected intervals stand on their own."
            )
        )
    order = sorted((check for check in validation.gate if check.status != "passed"), key=lambda check: check.status != "failed")
    if order:
        rows = [
            [Cell(check.criterion), Cell(population_name(check.population)), Cell(_STATUS[check.status]), Cell(check.reason)]
            for check in order
        ]
        blocks.append(
            Table(f"Checks that were not passed.{caution(validation)}", ["Criterion", "Population", "Status", "Reason"], rows)
        )
    return Section("gate", "Validity gate", blocks)
