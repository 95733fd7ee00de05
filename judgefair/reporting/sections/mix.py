"""Does the gap at matched intent look like the gap in the mix of what real users ask?"""

from collections.abc import Mapping

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name
from judgefair.statistics.estimate import Estimate
from judgefair.validation import Validation

ORDER = 44
COLUMNS = {
    "as_lived.gap.raw": "As lived, judge",
    "as_lived.explained": "By what is asked",
    "as_lived.unexplained": "At equal intent",
    "as_lived.gap.corrected": "As lived, corrected",
}


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Both estimands side by side, the split between them, and how far simulated queries are from real ones."""
    found = [f for f in estimation.findings if f.estimate.estimand in COLUMNS] if estimation else []
    if estimation is None or not found:
        return None
    blocks: list[Block] = [
        Text(
            "Matched intent asks whether the same request gets the same answer whoever asks. The mix as it is lived also holds what "
            "populations ask for. Its raw gap is split (Oaxaca and Blinder) into the part that comes with other requests and the "
            "part that is left at equal intent."
        )
    ]
    card = (estimation.simulation or {}).get("logs")
    if card:
        blocks.append(
            Text(
                f"Real queries: {card['title']} ({card['collected']}). Consent: {card['consent']}. "
                f"Populations: {card['populations_from']}. Licence: {card['licence']}."
            )
        )
        blocks += [Text(f"Known issue of the real queries: {issue}.") for issue in card["known_issues"]]
    for criterion in dict.fromkeys(finding.criterion for finding in found):
        of: dict[str, dict[str, Estimate]] = {}
        for finding in found:
            if finding.criterion == criterion:
                of.setdefault(population_name(finding.population), {})[finding.estimate.estimand] = finding.estimate
        matched = {population_name(v.population): v for v in estimation.verdicts if v.criterion == criterion}
        rows = [
            [
                Cell(name),
                number(matched[name].raw, signed=True) if name in matched else Cell("none"),
                number(matched[name].corrected, signed=True) if name in matched else Cell("none"),
                *(_cell(row, estimand) for estimand in COLUMNS),
            ]
            for name, row in of.items()
        ]
        caption = f"{criterion}: gaps at matched intent and as lived, with 95% intervals.{caution(validation)}"
        blocks.append(Table(caption, ["Population", "Matched, judge", "Matched, corrected", *COLUMNS.values()], rows))
    distances = [f for f in estimation.findings if f.estimate.estimand == "sim_to_real.auc"]
    if distances:
        rows = [[Cell(population_name(f.population)), _auc(f.estimate)] for f in distances]
        caption = (
            "How well a classifier tells simulated queries from real ones (AUC; 0.5 not at all, 1 always), with 95% intervals"
        )
        blocks.append(Table(caption, ["Population", "Simulated against real"], rows))
    return Section("mix", "Matched intent and the mix as lived", blocks)


def _cell(row: Mapping[str, Estimate], estimand: str) -> Cell:
    return number(row[estimand], signed=True) if estimand in row else Cell("no intents recorded")


def _auc(estimate: Estimate) -> Cell:
    return number(estimate) if estimate.is_defined else Cell(estimate.method.removeprefix("undefined: "))
