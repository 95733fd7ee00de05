"""Did the judge show what the rubric asks of a judge?"""

from collections.abc import Sequence

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.reporting.words import MARKS, caution, population_name
from judgefair.validation import Check, Population, Validation

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
    open_checks = [check for check in validation.gate if check.status != "passed"]
    told_of: dict[tuple[str, str], list[Check]] = {}
    for check in sorted(open_checks, key=lambda check: check.status != "failed"):
        told_of.setdefault((check.status, check.reason), []).append(check)
    if told_of:
        rows = [
            [Cell(_STATUS[status], mark=MARKS[_STATUS[status]]), Cell(reason), Cell(_where(checks, validation))]
            for (status, reason), checks in told_of.items()
        ]
        blocks.append(Table(f"Checks that were not passed.{caution(validation)}", ["Status", "Reason", "Where"], rows))
    return Section("gate", "Validity gate", blocks)


def _where(checks: Sequence[Check], validation: Validation) -> str:
    """Criteria and populations, in short where a reason holds for all there are."""
    everywhere = {repr(check.population) for check in validation.gate}
    populations: dict[str, list[Population | None]] = {}
    for check in checks:
        populations.setdefault(check.criterion, []).append(check.population)
    whole = [name for name, found in populations.items() if {*map(repr, found)} == everywhere]
    if len(whole) == len({check.criterion for check in validation.gate}) and len(whole) > 1:
        return "every criterion and population"
    parts = [f"{', '.join(whole)}: every population"] if whole else []
    parts += [f"{name}: {'; '.join(map(population_name, found))}" for name, found in populations.items() if name not in whole]
    return ". ".join(parts)
