"""How were the numbers made, and what is known against them?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.validation import Validation

ORDER = 90


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Method and source of every estimand, what is known of the set, and what is not claimed."""
    methods: dict[str, tuple[str, str, str]] = {}
    of_lenses = [finding for one in estimation.lenses for finding in one.findings] if estimation else []
    of_probes = [finding for one in validation.probes for finding in one.findings]
    for finding in [*validation.findings, *(estimation.findings if estimation else []), *of_lenses, *of_probes]:
        estimate = finding.estimate
        if (estimate.is_defined and finding.population is None) or estimate.estimand not in methods:
            seed = "" if estimate.seed is None else str(estimate.seed)
            methods[estimate.estimand] = (estimate.method, seed, estimate.source)
    rows = [[Cell(name), *(Cell(part) for part in parts)] for name, parts in methods.items()]
    blocks: list[Block] = [
        Table("Estimands of this report", ["Estimand", "Method (first criterion, all items)", "Seed", "Source"], rows),
        *(Text(f"Known of the set: {issue}") for issue in validation.scope["known_issues"]),
        *([] if estimation is None else [Text(_multiplicity(estimation))]),
        Text(
            "Not claimed: anything for another use case, population, language, rubric version, judge or set; a score of fairness; "
            "correction for the number of comparisons shown, but for the verdicts. Where a method says so, intervals take the raters as "
            "fixed: other raters could differ by more."
        ),
        Text(f"Cite the set as: {validation.scope['set']['citation']}"),
    ]
    return Section("method", "Method and provenance", blocks)


def _multiplicity(estimation: Estimation) -> str:
    judged = [verdict for verdict in estimation.verdicts if verdict.for_disparity[0] == verdict.for_disparity[0]]
    if not judged:
        return "No contrast has an interval that could be judged, so that no correction for their number was needed."
    levels = f"{judged[0].for_disparity[2]:.0%} for a disparity and {judged[0].for_equivalence[2]:.0%} for an equivalence"
    return (
        f"Verdicts are read off intervals that hold for all {len(judged)} judged contrasts at once ({levels}; max-T over criteria, axes and "
        "populations, from how scenarios move them together), so that the chance of any false verdict in the family "
        "is bounded. Other numbers are pointwise."
    )
