"""May the judge take an annotator's place?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name, populations
from judgefair.validation import Validation

ORDER = 34


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Winning rate and advantage by population; reasons where the test cannot be made; none where no item has two raters."""
    blocks: list[Block] = [
        Text(
            "The alternative annotator test (Calderon et al. 2025) leaves each annotator out in turn and asks whether the judge is at least "
            "as close to the others as that annotator is, with a margin epsilon for the annotator's cost. The winning rate is the share "
            "of annotators it holds up against; the advantage is how often, on average, it is at least as close."
        )
    ]
    told = False
    for criterion in validation.scales:
        rows: list[list[Cell]] = []
        reasons: dict[str, list[str]] = {}
        for population in populations(validation):
            winning, advantage = (
                validation.find(f"alt_test.{name}", criterion, population) for name in ("winning_rate", "advantage")
            )
            if winning.is_defined or advantage.is_defined:
                rows.append(
                    [
                        Cell(population_name(population)),
                        number(winning),
                        number(advantage),
                        Cell(f"{winning.n_raters:,}"),
                        Cell(f"{winning.n_items:,}"),
                    ]
                )
            if not winning.is_defined:
                reasons.setdefault(winning.method, []).append(population_name(population))
        if rows:
            told = True
            columns = ["Population", "Winning rate", "Advantage", "Annotators", "Items"]
            blocks.append(Table(f"{criterion}: alternative annotator test.{caution(validation)}", columns, rows))
        blocks += [Text(f"{criterion}, {', '.join(names)}: the winning rate is {reason}.") for reason, names in reasons.items()]
    return Section("alt_test", "Alternative annotator test", blocks) if told else None
