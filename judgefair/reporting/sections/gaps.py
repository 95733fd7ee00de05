"""How much of each gap lies in the system, and how much did the judge make?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Chart, Section, Table, Text, number
from judgefair.reporting.charts import gaps_chart
from judgefair.reporting.words import caution, population_name
from judgefair.validation import Validation

ORDER = 40


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Raw = corrected + judge-made as a picture, the means behind it, and the worst served population."""
    if estimation is None:
        return None
    blocks: list[Block] = [
        Text(
            "The raw gap is the judge's own. It is the sum of the gap that humans would find (corrected) and the gap that the judge made. Each "
            "population is corrected with its own labels; nothing is pooled across populations."
        )
    ]
    for criterion in dict.fromkeys(verdict.criterion for verdict in estimation.verdicts):
        chart = gaps_chart(estimation, criterion)
        if chart:
            words = (
                f"{criterion}: the raw gap is the sum of the corrected gap and the part that the judge made, each with its pointwise 95% "
                "interval; the band is the tolerance"
            )
            blocks.append(Chart(f"{words}.{caution(validation)}", chart))
        means = [
            finding
            for finding in estimation.findings
            if finding.criterion == criterion and finding.estimate.estimand == "mean.raw"
        ]
        rows = [
            [
                Cell(population_name(finding.population)),
                number(finding.estimate),
                number(estimation.find("mean.corrected", criterion, finding.population)),
                Cell(f"{finding.estimate.n_items:,}"),
            ]
            for finding in means
        ]
        if rows:
            blocks.append(
                Table(
                    f"{criterion}: means by population.{caution(validation)}",
                    ["Population", "Judge's mean", "Corrected mean", "Items"],
                    rows,
                )
            )
        blocks += _given_merit(estimation, criterion, caution(validation)) + _worst(estimation, criterion)
    return Section("gaps", "Gaps: raw, made by the judge, corrected", blocks)


def _given_merit(estimation: Estimation, criterion: str, warning: str) -> list[Block]:
    found = [f for f in estimation.findings if f.criterion == criterion and f.estimate.estimand == "gap.corrected.given_merit"]
    rows = [
        [
            Cell(population_name(f.population)),
            number(estimation.find("gap.corrected", criterion, f.population), signed=True),
            number(f.estimate, signed=True),
        ]
        for f in found
    ]
    caption = f"{criterion}: corrected gap as it is, and at equal merit.{warning}"
    return [Table(caption, ["Population", "Corrected gap", "At equal merit"], rows)] if rows else []


def _worst(estimation: Estimation, criterion: str) -> list[Block]:
    blocks: list[Block] = []
    for finding in estimation.findings:
        if finding.criterion == criterion and finding.estimate.estimand == "worst_population" and finding.estimate.is_defined:
            worst = finding.estimate
            gap, reach = (
                text.replace("-", "−")
                for text in (f"{round(worst.value, 2) + 0.0:.2f}", f"{worst.low:+.2f} to {worst.high:+.2f}")
            )
            served = "served worst, by" if worst.value > 0 else "not served worse than the reference, and no other population is:"
            told = f"{criterion}: {population_name(finding.population)} is {served} {gap} points"
            p_value = "" if worst.p_value is None else f"; no gap at all on this axis: {_p(worst.p_value)}"
            blocks.append(
                Text(
                    f"{told} (simultaneous interval {reach}{p_value}). The largest of several noisy gaps is too large on average."
                )
            )
    return blocks


def _p(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
