"""What do the human-validated data support, contrast by contrast?"""

from judgefair.estimation import Estimation
from judgefair.estimation.verdict import Interval
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import MARKS, answer_of, caution, contrast_name, told_of
from judgefair.validation import Validation

ORDER = 5


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """A table of verdicts; none where nothing was estimated."""
    if estimation is None:
        return None
    warning = caution(validation)
    blocks: list[Block] = [
        Text(
            "Gaps are population minus reference, in scale points, as humans would find them. A disparity lies beyond the tolerance "
            "that the rubric declared, an equivalence within it; where the data support neither, the contrast is undetermined, and "
            f"below its table stands why, and what would settle it.{warning}"
        )
    ]
    columns = ["Population", "Verdict", "Corrected gap", "Simultaneous interval", "Raw gap", "Made by the judge"]
    for criterion in dict.fromkeys(verdict.criterion for verdict in estimation.verdicts):
        given = [verdict for verdict in estimation.verdicts if verdict.criterion == criterion]
        rows = [
            [
                Cell(contrast_name(verdict)),
                Cell(answer_of(verdict), mark=MARKS[answer_of(verdict)]),
                number(verdict.corrected, signed=True),
                _simultaneous(verdict.for_disparity, verdict.for_equivalence),
                number(verdict.raw, signed=True),
                number(verdict.judge_made, signed=True),
            ]
            for verdict in given
        ]
        caption = f"{criterion}: verdicts at tolerance ±{given[0].tolerance:g}; pointwise 95% intervals beside the gaps.{warning}"
        blocks.append(Table(caption, columns, rows))
        why: dict[str, list[str]] = {}
        for verdict in given:
            if verdict.reasons:
                why.setdefault(told_of(verdict), []).append(contrast_name(verdict))
        blocks += [Text(f"{', '.join(names)}: {reason}.") for reason, names in why.items()]
    blocks.append(Text(f"The {estimation.scope['labels']} labels come from {estimation.scope['labels_from']}."))
    return Section("verdicts", "Verdicts", blocks)


def _simultaneous(for_disparity: Interval, for_equivalence: Interval) -> Cell:
    low, high, level = for_disparity
    if low != low:
        return Cell("none")
    inner = f"{for_equivalence[0]:+.2f} to {for_equivalence[1]:+.2f}"
    title = f"{for_equivalence[2]:.0%} interval, for equivalence: {inner}; both hold for all contrasts at once (max-T)"
    return Cell(f"{level:.0%}: [{low:+.2f}, {high:+.2f}]".replace("-", "−"), title)
