"""How were the numbers made, and what is known against them?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.validation import Validation

ORDER = 90


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Method and source of every estimand, what is known of the set, and what is not claimed."""
    methods: dict[str, tuple[str, str, str]] = {}
    for finding in validation.findings:
        estimate = finding.estimate
        if (estimate.is_defined and finding.population is None) or estimate.estimand not in methods:
            seed = "" if estimate.seed is None else str(estimate.seed)
            methods[estimate.estimand] = (estimate.method, seed, estimate.source)
    rows = [[Cell(name), *(Cell(part) for part in parts)] for name, parts in methods.items()]
    blocks: list[Block] = [
        Table("Estimands of this report", ["Estimand", "Method (first criterion, all items)", "Seed", "Source"], rows),
        *(Text(f"Known of the set: {issue}") for issue in validation.scope["known_issues"]),
        Text(
            "Not claimed: anything for another use case, population, language, rubric version, judge or set; a score of fairness; "
            "correction for the number of comparisons shown. Intervals take the raters as fixed: other raters could differ by more."
        ),
        Text(f"Cite the set as: {validation.scope['set']['citation']}"),
    ]
    return Section("method", "Method and provenance", blocks)
