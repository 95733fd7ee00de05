"""What does a comparison say, as a report that every renderer takes?"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from judgefair.comparison.attribution_section import attribution_section
from judgefair.comparison.cautions import GATED_SPLITS
from judgefair.comparison.comparison import FEWEST, Cell, Comparison, Difference
from judgefair.comparison.heatmap import heatmaps
from judgefair.comparison.panel_section import panel_estimates, panel_section
from judgefair.comparison.ranks import SOURCE as RANKS
from judgefair.comparison.shown import adjusted_cell, caution, count, p_text
from judgefair.reporting.blocks import Block, Chart, Section, Table, Text, number
from judgefair.reporting.blocks import Cell as Shown
from judgefair.reporting.report import Report
from judgefair.reporting.words import population_name
from judgefair.statistics import Estimate

NO_MEAN = (
    "Each context stands for itself. Nothing is averaged over contexts: they differ in use, in people and in what a scale point means, so "
    "that a mean over them would be of no use that anybody has."
)
GATE = {"passed": "passed", "failed": "failed", "not_shown": "not shown"}


def comparison_report(comparison: Comparison) -> Report:
    """The report of a comparison: what is used where it was not validated, the matrix, differences, ranks, and the joint test."""
    labels = list(dict.fromkeys(context.labels for context in comparison.contexts))
    shown = [
        _used(comparison), _contexts(comparison), _matrix(comparison), _differences(comparison), panel_section(comparison),
        _alt_test(comparison), None if comparison.attribution is None else attribution_section(comparison.attribution),
    ]  # fmt: skip
    return Report(
        title=f"{count(len(comparison.judges), 'judge')} in {count(len(comparison.contexts), 'context')}",
        headline=_headline(comparison),
        labels=labels[0] if len(labels) == 1 else "mixed",
        as_of=comparison.as_of,
        scope={"contexts": [context.name for context in comparison.contexts], "judges": [j.name for j in comparison.judges]},
        notes=[flag.message for flag in comparison.flags] + list(comparison.notes),
        verdicts=[],
        estimates=list(_estimates(comparison)),
        gate=[],
        sections=[*(section for section in shown if section is not None), _method(comparison)],
        judgefair=version("judgefair"),
    )


def comparison_document(comparison: Comparison, report: Report) -> dict[str, Any]:
    """Report and comparison as one JSON document: all that `report.json` has, and contexts, judges, cells, differences and flags."""
    return report.to_json() | comparison.to_json()


def _headline(comparison: Comparison) -> str:
    told = f"{count(len(comparison.judges), 'judge')} in {count(len(comparison.contexts), 'context')}, each context by itself."
    apart = sum(difference.better is not None for difference in comparison.differences)
    n = len(comparison.differences)
    if n:
        told += f" Of {count(n, 'pair')} of judges, {apart} can be told apart by how well they agree with the labels."
    gated = [cell for cell in comparison.cells if cell.gate]
    if gated:
        passed = sum(set(cell.gate) == {"passed"} for cell in gated)
        of = count(len(gated), "cell")
        told += f" The validity gate was passed, for all items and every population, in {passed or 'none'} of {of} that have one."
        previews = {context.name for context in comparison.contexts if context.split not in GATED_SPLITS}
        n_previews = sum(cell.context in previews for cell in gated)
        if n_previews:
            told += f" {'All' if n_previews == len(gated) else f'{n_previews:,}'} of these are previews: the gate counts on the locked test split."
    if comparison.flags:
        told += f" {count(len(comparison.flags), 'run')} {'uses' if len(comparison.flags) == 1 else 'use'} a judge where it was not validated."
    return told


def _used(comparison: Comparison) -> Section | None:
    """First of all, since it is what a comparison is most easily misread on."""
    if not comparison.flags:
        return None
    rows = [
        [
            Shown(flag.judge),
            Shown(flag.used_in),
            Shown("; ".join(flag.validated_in) or "nowhere among these runs"),
            Shown("its error is carried over" if flag.kind == "used_elsewhere" else "nothing is known of it there"),
        ]
        for flag in comparison.flags
    ]
    blocks: list[Block] = [
        Text("What a judge showed in one context says little of another. These runs have no labels of their own:"),
        Table("Judges used where they were not validated", ["Judge", "Used in", "Validated in", "So that"], rows),
    ]
    return Section("used_elsewhere", "Used where not validated", blocks)


def _contexts(comparison: Comparison) -> Section:
    rows = [
        [
            Shown(context.name),
            Shown(context.use_case),
            Shown(", ".join(context.criteria)),
            Shown(context.labels),
            Shown(f"{context.n_items:,}"),
        ]
        for context in comparison.contexts
    ]
    table = Table("Contexts: rubric, set and split", ["Context", "Use case", "Criteria", "Labels", "Items"], rows)
    return Section("contexts", "Contexts", [Text(NO_MEAN), *(Text(note) for note in comparison.notes), table])


def _matrix(comparison: Comparison) -> Section:
    caption = (
        "Alpha of judge with humans over alpha of humans among themselves, with its 95% interval and the number of items: 1 where the judge "
        "agrees as the humans do, and the darker the nearer to it. A dashed rim: there is no ratio, for the reason in the table."
    ).replace("95%", f"{comparison.level:.0%}")
    blocks: list[Block] = [Chart(caption, spec) for spec in heatmaps(comparison)]
    columns = [
        "Judge",
        "Criterion",
        "Rank",
        "Not rated",
        "Ratio",
        "Judge with humans",
        "Humans",
        "Gate",
        "Largest gap of judge error",
    ]
    for context in comparison.contexts:
        cells = [cell for cell in comparison.cells if cell.context == context.name]
        caption = f"{context.name}: agreement (alpha), judge error and gate.{caution(context.labels)}"
        blocks.append(Table(caption, columns, [_row(cell, context.n_items) for cell in cells]))
        blocks += [Text(told) for told in _undefined(cells)]
    blocks.append(
        Text(
            "A rank is a range: the best and the worst that the data allow, within one context and criterion. Judges that cannot be told "
            "apart share ranks. The largest gap is population minus reference, in scale points, the largest of all populations."
        )
    )
    return Section("matrix", "Judges by contexts", blocks)


def _row(cell: Cell, n_items: int) -> list[Shown]:
    gap = cell.worst_gap
    shown = number(gap.estimate, signed=True)
    if gap.population is not None:
        against = next(iter((gap.contrast or {}).values()), "")
        shown = Shown(f"{shown.text} {population_name(gap.population)} − {against}", shown.title, gap.estimate)
    gate = ", ".join(f"{cell.gate[status]} {word}" for status, word in GATE.items() if status in cell.gate) or "no rubric"
    return [
        Shown(cell.judge), Shown(cell.criterion), Shown(_rank(cell.rank)), Shown(f"{cell.n_missing:,} of {n_items:,}"), number(cell.ratio),
        number(cell.agreement), number(cell.human), Shown(gate), shown,
    ]  # fmt: skip


def _rank(rank: tuple[int, int] | None) -> str:
    if rank is None:
        return "none"
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def _undefined(cells: Sequence[Cell]) -> Iterator[str]:
    """Each reason for a number that is not there, once, with the judges it holds for."""
    told: dict[str, list[str]] = {}
    for cell in cells:
        for estimate in (cell.ratio, cell.worst_gap.estimate):
            if not estimate.is_defined:
                told.setdefault(f"{cell.criterion}: {_NAMES[estimate.estimand]} is {estimate.method}", []).append(cell.judge)
    for reason, judges in told.items():
        yield f"{', '.join(judges)}, {reason}."


_NAMES = {"alpha_ratio": "the ratio", "judge_error_gap": "the largest gap"}


def _differences(comparison: Comparison) -> Section | None:
    if not comparison.differences:
        return None
    blocks: list[Block] = [
        Text(
            "First minus second judge, on the items that both rated. Intervals hold for all pairs, contexts and criteria together "
            "(Bonferroni), and p-values are adjusted for them (Holm), each measure being a family of its own. Two judges are told apart only "
            "where the interval of the difference in alpha excludes 0; Holm's p-value may be small where it does not quite."
        )
    ]
    columns = ["Judges", "Criterion", "Difference in alpha", "p", "Difference in distance to humans", "p", "Told apart"]
    for context in comparison.contexts:
        here = [difference for difference in comparison.differences if difference.context == context.name]
        if here:
            caption = f"{context.name}: paired differences.{caution(context.labels)}"
            blocks.append(Table(caption, columns, [_difference(difference) for difference in here]))
    return Section("differences", "Differences between judges", blocks)


def _difference(difference: Difference) -> list[Shown]:
    n = difference.agreement.estimate.n_clusters
    told = (
        f"{difference.better} agrees better" if difference.better else "no" if n >= FEWEST else f"no: {n:,} scenarios are too few"
    )
    return [
        Shown(f"{difference.first} − {difference.second}"),
        Shown(difference.criterion),
        adjusted_cell(difference.agreement),
        Shown(p_text(difference.agreement.p_value)),
        adjusted_cell(difference.absolute_error),
        Shown(p_text(difference.absolute_error.p_value)),
        Shown(told),
    ]


def _alt_test(comparison: Comparison) -> Section | None:
    tested = [cell for cell in comparison.cells if cell.winning_rate.is_defined]
    if not tested:
        return None
    blocks: list[Block] = [
        Text(
            "The share of annotators whose place the judge may take (Calderon et al. 2025): alone, with p-values adjusted over the annotators "
            "of the context, and jointly, adjusted over the annotators of all contexts and criteria of the judge. The share over all contexts "
            "together is not shown, since it would be an average over contexts."
        )
    ]
    rows = [
        [
            Shown(cell.judge), Shown(cell.context), Shown(cell.criterion), _share(cell.winning_rate), _share(cell.joint_winning_rate),
            Shown(f"{cell.winning_rate.n_raters:,}"), Shown(f"{cell.winning_rate.n_items:,}"),
        ]
        for cell in tested
    ]  # fmt: skip
    columns = ["Judge", "Context", "Criterion", "Winning rate alone", "Jointly", "Annotators", "Items"]
    blocks.append(Table("Alternative annotator test.", columns, rows))
    reasons: dict[str, list[str]] = {}
    for cell in comparison.cells:
        if not cell.winning_rate.is_defined:
            told = reasons.setdefault(f"{cell.context}, {cell.criterion}: the winning rate is {cell.winning_rate.method}", [])
            told.append(cell.judge)
    blocks += [Text(f"{', '.join(judges)}, {reason}.") for reason, judges in reasons.items()]
    return Section("joint_alt_test", "Alternative annotator test over contexts", blocks)


def _share(estimate: Estimate) -> Shown:
    return Shown(f"{estimate.value:.0%}", f"{estimate.estimand}; {estimate.n_raters:,} annotators; {estimate.method}", estimate)


def _method(comparison: Comparison) -> Section:
    methods: dict[str, tuple[str, str, str]] = {}
    for estimate in _all_estimates(comparison):
        if estimate.is_defined and estimate.estimand not in methods:
            methods[estimate.estimand] = (estimate.method, "" if estimate.seed is None else str(estimate.seed), estimate.source)
    rows = [[Shown(name), *(Shown(part) for part in parts)] for name, parts in methods.items()]
    runs = [[Shown(cell.judge), Shown(cell.context), Shown(cell.run)] for cell in comparison.cells]
    unique = {tuple(shown.text for shown in row): row for row in runs}
    blocks: list[Block] = [
        Table("Estimands of this comparison", ["Estimand", "Method (first context that has it)", "Seed", "Source"], rows),
        Text(f"Ranks: {RANKS}."),
        Text(
            "Not claimed: anything of a context that is not listed; a best judge over contexts; anything of other raters, where intervals take "
            "the raters as fixed."
        ),
        Table("Runs compared", ["Judge", "Context", "Run"], list(unique.values())),
    ]
    return Section("method", "Method and provenance", blocks)


def _all_estimates(comparison: Comparison) -> Iterator[Estimate]:
    for cell in comparison.cells:
        yield from (cell.human, cell.agreement, cell.ratio, cell.worst_gap.estimate, cell.winning_rate, cell.joint_winning_rate)
    for difference in comparison.differences:
        yield from (difference.agreement.estimate, difference.absolute_error.estimate)
    for panel in comparison.panels:
        for found in panel.findings:
            yield from (*found.estimates(), *found.by_pair.values(), *found.alone.values())


def _estimates(comparison: Comparison) -> Iterator[Mapping[str, Any]]:
    """Every estimate, flat: judge and context beside what estimates of a report say."""
    nowhere = {"population": None, "contrast": None}
    for cell in comparison.cells:
        about = {"judge": cell.judge, "context": cell.context}
        for estimate in (cell.human, cell.agreement, cell.ratio, cell.winning_rate, cell.joint_winning_rate):
            yield {**about, "criterion": cell.criterion, **nowhere, **estimate.to_json()}
        yield {**about, **cell.worst_gap.to_json()}
    for difference in comparison.differences:
        about = {"judge": difference.first, "against": difference.second, "context": difference.context}
        for of in (difference.agreement, difference.absolute_error):
            yield {**about, "criterion": difference.criterion, **nowhere, **of.estimate.to_json()}
    yield from panel_estimates(comparison)
