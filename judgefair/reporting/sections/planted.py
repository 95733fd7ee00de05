"""In a planted study: was what was planted found again?"""

from judgefair.estimation import Estimation, Verdict
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, contrast_name, truth_of
from judgefair.statistics.estimate import Estimate
from judgefair.validation import Validation

ORDER = 6
PARTS = (("corrected", "Gap of the system"), ("judge_made", "Made by the judge"), ("raw", "Raw gap"))


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The truth beside each estimate; none where nothing was planted."""
    if estimation is None or not (estimation.simulation or {}).get("truth"):
        return None
    blocks: list[Block] = [
        Text(
            "The gaps of the system and the bias of the judge were planted, so that the truth is known. Of many intervals at 95% "
            f"about one in twenty is to miss it.{caution(validation)}"
        )
    ]
    columns = ["Population", *(name for _, title in PARTS for name in (title, "Truth"))]
    for criterion in dict.fromkeys(verdict.criterion for verdict in estimation.verdicts):
        rows = [
            [
                Cell(contrast_name(verdict)),
                *(cell for part, _ in PARTS for cell in _both(estimation, verdict, getattr(verdict, part))),
            ]
            for verdict in estimation.verdicts
            if verdict.criterion == criterion
        ]
        blocks.append(
            Table(f"{criterion}: estimates with pointwise 95% intervals, and the truth.{caution(validation)}", columns, rows)
        )
    return Section("planted", "What was planted, and what was found", blocks)


def _both(estimation: Estimation, verdict: Verdict, estimate: Estimate) -> list[Cell]:
    truth = truth_of(estimation, estimate.estimand, verdict.criterion, verdict.population, verdict.contrast)
    if truth is None:
        return [number(estimate, signed=True), Cell("")]
    held = "within the interval" if estimate.low <= truth <= estimate.high else "outside the interval"
    return [
        number(estimate, signed=True),
        Cell(f"{truth:+.2f}".replace("-", "−"), held if estimate.low == estimate.low else "no interval"),
    ]
