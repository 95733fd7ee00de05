"""What does a report say of judges together?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgefair.comparison.cautions import kin_of
from judgefair.comparison.comparison import Comparison
from judgefair.comparison.panels import Panel
from judgefair.comparison.shown import caution
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import population_name
from judgefair.statistics import Estimate

CAUTIONS = (
    "All judges of a context that rated a criterion, their ratings made into one. The majority is the level named most often, by more than "
    "half of the judges or not. Where levels tie for it the item is left missing, since whatever breaks ties favours some levels; and so it "
    "is where half of the judges or fewer rated it. What is left are the items that judges differ less on.",
    "The judges are taken as fixed: nothing here is said of others that might have sat on a panel, and no panel was chosen. A panel is no "
    "cure for a bias that its judges share, and judges of one family are likely to share theirs: what they all err by stays in every way of "
    "combining them. Alpha of the mean takes distances between levels, and is not to be held against alphas that take their order alone.",
    "Distances are to the mean of an item's humans, in scale points. By arithmetic the judges' mean is never further from it than they "
    "are on average over the same items, so that this alone shows no skill.",
    "An error is judge minus the mean of the humans, about the judge's own mean error. With n judges the number of effective judges is n "
    "where they err independently and 1 where they err alike. Intervals hold for each number alone.",
)


def panel_section(comparison: Comparison) -> Section | None:
    """What judges say together, context by context; none where no context has several judges."""
    if not comparison.panels:
        return None
    blocks: list[Block] = [Text(told) for told in CAUTIONS]
    for context in comparison.contexts:
        here = [panel for panel in comparison.panels if panel.context == context.name]
        if not here:
            continue
        blocks += [Text(told) for told in dict.fromkeys(note for panel in here for note in kin_of(panel))]
        beside = caution(context.labels)
        caption = f"{context.name}: the judges' ratings made into one, and held against the humans.{beside}"
        blocks.append(Table(caption, COMBINED, [row for panel in here for row in _combined(panel)]))
        caption = f"{context.name}: for how many judges the judges count.{beside}"
        blocks.append(Table(caption, TOGETHER, [row for panel in here for row in _together(panel)]))
        for panel in here:
            about = f"{context.name}, {panel.criterion}"
            caption = f"{about}: correlation of the errors of two judges.{beside}"
            blocks += _table(
                caption, "Judges", panel, {", ".join(pair): _pair(panel, pair) for pair in panel.findings[0].by_pair}
            )
            caption = f"{about}: distance of each judge alone to the humans.{beside}"
            blocks += _table(
                caption, "Judge", panel, {name: [found.alone[name] for found in panel.findings] for name in panel.judges}
            )
            if panel.left_out:
                blocks.append(Text(f"{about}: without a rating, and on no panel: {', '.join(panel.left_out)}."))
            blocks += [Text(told) for told in _undefined(panel)]
    return Section("panels", "Judges together", blocks)


COMBINED = [
    "Judges",
    "Criterion",
    "Population",
    "Items",
    "Combined by",
    "With the humans (alpha)",
    "Distance to humans",
    "Tied",
    "Too few judges",
]
TOGETHER = ["Judges", "Criterion", "Population", "Items", "Effective judges", "Error correlation over pairs"]


def _combined(panel: Panel) -> Iterator[list[Cell]]:
    for found in panel.findings:
        about = _about(panel, found.population, found.n_items)
        for combined in found.combined:
            counts = [Cell(f"{combined.n_tied:,}"), Cell(f"{combined.n_missing:,}")]
            yield [*about, Cell(combined.combine), number(combined.agreement), number(combined.absolute_error), *counts]


def _together(panel: Panel) -> Iterator[list[Cell]]:
    for found in panel.findings:
        yield [*_about(panel, found.population, found.n_items), number(found.effective), number(found.correlation)]


def _about(panel: Panel, population: Mapping[str, str] | None, n_items: int) -> list[Cell]:
    judges = Cell(f"{len(panel.judges)} judges", panel.name)
    return [judges, Cell(panel.criterion), Cell(population_name(population)), Cell(f"{n_items:,}")]


def _pair(panel: Panel, pair: tuple[str, str]) -> list[Estimate]:
    return [found.by_pair[pair] for found in panel.findings]


def _table(caption: str, of: str, panel: Panel, rows: Mapping[str, Sequence[Estimate]]) -> list[Block]:
    """A column for all items and one for each population; no table where no number is there."""
    if not any(estimate.is_defined for row in rows.values() for estimate in row):
        return []
    columns = [of, *(population_name(found.population) for found in panel.findings)]
    return [Table(caption, columns, [[Cell(name), *(number(estimate) for estimate in row)] for name, row in rows.items()])]


def _undefined(panel: Panel) -> Iterator[str]:
    """Each reason for numbers that are not there, once, with what and whom it holds for."""
    told: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for found in panel.findings:
        for estimate in (*found.estimates(), *found.by_pair.values(), *found.alone.values()):
            if not estimate.is_defined:
                estimands, populations = told.setdefault(estimate.method, ({}, {}))
                estimands[estimate.estimand] = populations[population_name(found.population)] = None
    for reason, (estimands, populations) in told.items():
        yield f"{panel.context}, {panel.criterion}, {', '.join(populations)}: {', '.join(estimands)} {reason}."


def panel_estimates(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Every estimate of panels, flat; `judge` is the panel, one judge, or the first of two with the other as `against`."""
    for panel in comparison.panels:
        for found in panel.findings:
            about = {"context": panel.context, "criterion": panel.criterion, "population": found.population, "contrast": None}
            of: list[tuple[dict[str, str], Estimate]] = [({"judge": panel.name}, estimate) for estimate in found.estimates()]
            of += [({"judge": judge}, estimate) for judge, estimate in found.alone.items()]
            of += [({"judge": pair[0], "against": pair[1]}, estimate) for pair, estimate in found.by_pair.items()]
            yield from ({**who, **about, **estimate.to_json()} for who, estimate in of)
