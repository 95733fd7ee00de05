"""Whom does the judge rate higher or lower than the humans do?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Chart, Section, Table, Text, number
from judgefair.reporting.charts import judge_error_chart
from judgefair.reporting.words import caution, labellers, population_name
from judgefair.validation import Validation

ORDER = 20


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Judge error by population and its gap to the reference, in scale points."""
    whom = labellers(validation)
    blocks: list[Block] = [
        Text(
            f"Judge error is the judge's rating minus the {whom}', in scale points. An error that is the same for all shifts "
            "every rating alike; a gap between populations is the judge's own bias, and would be taken for a disparity of the system."
        )
    ]
    for criterion, scale in validation.scales.items():
        if not scale.has_points:
            blocks.append(Text(f"{criterion}: {validation.find('judge_error', criterion).method}."))
            continue
        gaps = {
            str(f.population): f
            for f in validation.findings
            if f.criterion == criterion and f.estimate.estimand == "judge_error_gap"
        }
        rows = []
        for finding in validation.findings:
            if finding.criterion == criterion and finding.estimate.estimand == "judge_error":
                gap = gaps.get(str(finding.population))
                against = Cell(population_name(gap.contrast)) if gap else Cell("reference" if finding.population else "")
                rows.append(
                    [
                        Cell(population_name(finding.population)),
                        number(finding.estimate, signed=True),
                        number(gap.estimate, signed=True) if gap else Cell(""),
                        against,
                        Cell(f"{finding.estimate.n_items:,}"),
                    ]
                )
        caption = f"{criterion}: judge error and its gap, with 95% intervals.{caution(validation)}"
        blocks.append(Table(caption, ["Population", "Judge error", "Gap", "Against", "Items"], rows))
        chart = judge_error_chart(validation, criterion)
        if chart:
            blocks.append(
                Chart(f"{criterion}: judge error by population; right of 0 the judge rates higher.{caution(validation)}", chart)
            )
        blocks += _functioning(validation, criterion)
    return Section("judge_bias", "The judge's own bias", blocks)


def _functioning(validation: Validation, criterion: str) -> list[Block]:
    """Differential functioning, beside the error in scale points: secondary, since it rests on a noisy human level."""
    found = {(str(f.population), f.estimate.estimand): f for f in validation.findings if f.criterion == criterion}
    rows = []
    for axis, groups in validation.axes.items():
        for group in groups:
            uniform = found.get((str({axis: group}), "dif.uniform"))
            if uniform is not None and uniform.estimate.is_defined:
                nonuniform = found[str({axis: group}), "dif.nonuniform"].estimate
                rows.append(
                    [
                        Cell(population_name(uniform.population)),
                        number(uniform.estimate, signed=True),
                        number(nonuniform, signed=True),
                    ]
                )
    if not rows:
        return []
    caption = (
        f"{criterion}: differential functioning, log odds of a higher rating by the judge at the same human level. Secondary: where populations "
        f"differ in true level, a noisy human level alone makes such effects.{caution(validation)}"
    )
    return [Table(caption, ["Population", "Uniform", "Changing with the level"], rows)]
