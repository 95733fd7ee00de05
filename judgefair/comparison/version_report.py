"""What does a comparison of two versions of a rubric say, as a report that every renderer takes?"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from judgefair.comparison.attribution import Attribution
from judgefair.comparison.attribution_section import attribution_section
from judgefair.comparison.shown import adjusted_cell, caution, count, p_text
from judgefair.comparison.version_comparison import Moved, VersionComparison
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.report import Report
from judgefair.reporting.words import population_name
from judgefair.rubric.diff import Change, word_diff
from judgefair.statistics.finding import Finding, Population

NAMES = {
    "change.judge_error": "judge error",
    "change.absolute_error": "distance to the labels",
    "change.alpha": "agreement (alpha)",
    "change.judge_error_gap": "gap of judge error",
}
REACHES = {
    "prompt": "the judge's prompt",
    "verdict": "verdicts",
    "gate": "the gate",
    "simulation": "simulated queries",
    "record": "the record alone",
}
STATUS = {"passed": "passed", "failed": "failed", "not_shown": "not shown"}
LONGEST = 600
"""Letters of a value that was added or removed whole, which `comparison.json` has in full."""


def version_report(found: VersionComparison) -> Report:
    """The report: what changed in the rubric, which change moved what, the numbers, what changed ratings are laid to, and who was asked."""
    sections = [
        _changes(found),
        _which(found),
        _moved(found),
        attribution_section(found.attribution),
        _participation(found),
        _method(found),
    ]
    return Report(
        title=f"{found.old} to {found.new}, judged by {found.scope['judge']}",
        headline=_headline(found),
        labels=found.scope["labels"],
        as_of=found.as_of,
        scope=found.scope,
        notes=found.notes,
        verdicts=[],
        estimates=list(_estimates(found)),
        gate=[],
        sections=sections,
        judgefair=version("judgefair"),
    )


def version_document(found: VersionComparison, report: Report) -> dict[str, Any]:
    """Report and comparison as one JSON document."""
    return report.to_json() | found.to_json()


def _headline(found: VersionComparison) -> str:
    n, n_prompt = len(found.diff.changes), sum("prompt" in change.reaches for change in found.diff.changes)
    told = f"{count(n, 'change')} of the rubric, {n_prompt or 'none'} of which can reach the judge's prompt. {found.attribution.told}"
    errors = [moved for moved in found.moved if moved.change.estimate.estimand == "change.judge_error"]
    for reached in found.reached:
        shown = [moved for moved in errors if moved.criterion == reached.criterion and moved.is_shown]
        if shown:
            who = "; ".join(f"{_who(moved.population, None)} {adjusted_cell(moved.change).text}" for moved in shown[:3])
            more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
            told += f" The judge's error of {reached.criterion} moved ({who}{more}); {'laid to ' if reached.cause else ''}{reached.told}."
    if not any(moved.is_shown for moved in errors) and any(moved.change.estimate.is_defined for moved in errors):
        told += " That the judge's error moved is shown for nobody."
    return told


def _changes(found: VersionComparison) -> Section:
    rows = [
        [
            Cell(change.path),
            Cell(change.kind),
            Cell(_concerns(change)),
            Cell(", ".join(REACHES[each] for each in change.reaches)),
            Cell(_in_words(change)),
        ]
        for change in found.diff.changes
    ]
    caption = f"{found.old} to {found.new}: [-removed-] and {{+added+}}."
    blocks: list[Block] = [
        Text(
            "Matched by id and not by position, whatever the layout of the file. What a change can reach: the judge's prompt holds what is "
            "compiled into it and nothing else; a tolerance moves verdicts and no rating."
        ),
        Table(caption, ["Where", "Change", "Concerns", "Can reach", "In words"], rows),
    ]
    return Section("rubric_changes", "What changed in the rubric", blocks)


def _concerns(change: Change) -> str:
    return (
        "; ".join(filter(None, [", ".join(change.criteria), population_name(change.populations) if change.populations else ""]))
        or "–"
    )


def _in_words(change: Change) -> str:
    """The change as text in which what went and what came is marked, readable without colour."""
    if isinstance(change.old, str) and isinstance(change.new, str):
        marked = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
        return " ".join(marked[kind].format(words) for kind, words in word_diff(change.old, change.new))
    removed, added = f"[-{_plain(change.old)}-]", f"{{+{_plain(change.new)}+}}"
    return {"added": added, "removed": removed}.get(change.kind, f"{removed} {added}")


def _plain(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… (in full in comparison.json)"


def _which(found: VersionComparison) -> Section:
    reaching = [
        [
            Cell(reached.criterion),
            Cell(", ".join(change.path for change in reached.changes) or "none"),
            Cell(_n_changed(found.attribution, reached.criterion)),
            Cell(
                reached.told if not reached.changes or _has_changed(reached.criterion, found.attribution) else "no rating changed"
            ),
        ]
        for reached in found.reached
    ]
    blocks: list[Block] = [
        Text(
            "What moved is laid to a change where no other reaches the prompt of the criterion. That tells which change moved the judge, and not "
            "whether its meaning did or merely that the words are others: judgefair probe --probe paraphrase shows how far other words of the "
            "same meaning move this judge, and --probe retest how far asking again does."
        ),
        Table("Changes by criterion.", ["Criterion", "Changes that reach its prompt", "Ratings changed", "Laid to"], reaching),
    ]
    cause = {reached.criterion: reached.cause for reached in found.reached}
    shown = [
        [
            Cell(moved.criterion),
            Cell(_who(moved.population, moved.contrast)),
            Cell(NAMES[moved.change.estimate.estimand]),
            adjusted_cell(moved.change),
            Cell("cannot be told apart" if (laid_to := cause[moved.criterion]) is None else laid_to.path),
        ]
        for moved in found.moved
        if moved.is_shown
    ]
    if shown:
        caption = f"What moved, where the interval that holds for the whole family excludes 0.{caution(found.scope['labels'])}"
        blocks.append(Table(caption, ["Criterion", "Population", "What", "New minus old", "Laid to"], shown))
    else:
        blocks.append(Text("Nothing is shown to have moved: no interval that holds for its whole family excludes 0."))
    if found.not_comparable:
        apart = [[Cell(name), Cell(why)] for name, why in found.not_comparable.items()]
        blocks.append(Table("Criteria that are not compared, or only in part.", ["Criterion", "Why"], apart))
    return Section("attributed", "Which change moved what, and for whom", blocks)


def _n_changed(attribution: Attribution, criterion: str) -> str:
    changed = next((each for each in attribution.ratings if each.criterion == criterion), None)
    return "none" if changed is None else f"{changed.n_changed:,} of {changed.n:,}"


def _who(population: Population | None, contrast: Population | None) -> str:
    against = "" if contrast is None else f" − {next(iter(contrast.values()))}"
    return population_name(population) + against


def _moved(found: VersionComparison) -> Section:
    blocks: list[Block] = [
        Text(
            "New minus old, on the items that both versions rated; each version alone on all items that it rated. Intervals and p-values of judge "
            "error, distance, alpha and gaps hold for all criteria and populations together (Bonferroni, Holm), each measure being a family of its "
            "own; those of missing and changed ratings hold alone. Where the distance changed by less than 0, the new version is "
            "closer to the labels."
        )
    ]
    for reached in found.reached:
        if not reached.changes and not _has_changed(reached.criterion, found.attribution):
            n = _n_changed(found.attribution, reached.criterion)
            blocks.append(Text(f"{reached.criterion}: asked the same in both versions, and {n} ratings changed."))
        else:
            blocks += _tables(found, reached.criterion)
    return Section("moved", "What moved", blocks)


def _has_changed(criterion: str, attribution: Attribution) -> bool:
    return any(each.n_changed + each.n_lost + each.n_gained for each in attribution.ratings if each.criterion == criterion)


def _tables(found: VersionComparison, criterion: str) -> Iterator[Block]:
    beside = caution(found.scope["labels"])
    by: dict[str, list[Moved]] = {}
    for moved in found.moved:
        if moved.criterion == criterion:
            by.setdefault(moved.change.estimate.estimand, []).append(moved)
    errors, distances, alphas = (by[f"change.{name}"] for name in ("judge_error", "absolute_error", "alpha"))
    if any(moved.change.estimate.is_defined for moved in [*errors, *alphas]):
        rows = [[Cell(_who(error.population, None)), *_row(error)] for error in errors]
        yield Table(f"{criterion}: judge error, in scale points.{beside}", ["Population", "Old", "New", "Change", "p"], rows)
        if gaps := by.get("change.judge_error_gap", []):
            rows = [[Cell(_who(gap.population, gap.contrast)), *_row(gap)] for gap in gaps]
            yield Table(
                f"{criterion}: gap of judge error, in scale points.{beside}", ["Population", "Old", "New", "Change", "p"], rows
            )
        rows = [[Cell(_who(distance.population, None)), *_row(distance)[2:]] for distance in distances]
        yield Table(f"{criterion}: distance of judge and labels, in scale points.{beside}", ["Population", "Change", "p"], rows)
        rows = [[Cell(_who(alpha.population, None)), *_row(alpha)] for alpha in alphas]
        yield Table(
            f"{criterion}: agreement of judge and labels (alpha).{beside}", ["Population", "Old", "New", "Change", "p"], rows
        )
    yield from _undefined(criterion, [moved for each in by.values() for moved in each])
    lost, flips = (
        [finding for finding in found.counts if (finding.criterion, finding.estimate.estimand) == (criterion, f"change.{name}")]
        for name in ("missing", "flips")
    )
    rows = [
        [Cell(_who(flip.population, None)), number(flip.estimate), number(gone.estimate, signed=True)]
        for flip, gone in zip(flips, lost, strict=True)
    ]
    columns = ["Population", "Share of ratings that changed", "Change of the missing share"]
    yield Table(f"{criterion}: changed and missing ratings.", columns, rows)


def _row(moved: Moved) -> list[Cell]:
    is_signed = moved.change.estimate.estimand != "change.alpha"
    alone = [Cell("–") if each is None else number(each, signed=is_signed) for each in (moved.old, moved.new)]
    return [*alone, adjusted_cell(moved.change), Cell(p_text(moved.change.p_value))]


def _undefined(criterion: str, moved: Sequence[Moved]) -> Iterator[Text]:
    """Each reason for a number that is not there, once, with whom it holds for."""
    told: dict[str, list[str]] = {}
    for each in moved:
        if not each.change.estimate.is_defined:
            reason = f"{NAMES[each.change.estimate.estimand]} is {each.change.estimate.method}"
            told.setdefault(reason, []).append(_who(each.population, each.contrast))
    for reason, who in told.items():
        yield Text(f"{criterion}, {'; '.join(who)}: the change of {reason}.")


def _participation(found: VersionComparison) -> Section:
    title = "Who was asked between the versions"
    asked = found.diff.consultations
    if not asked:
        unknown = found.scope["participation"] == "unknown"
        told = (
            f"Who was asked about {found.new} is unknown."
            if unknown
            else f"{found.new} names no consultation that {found.old} does not have."
        )
        return Section(
            "participation", title, [Table(told, ["Participation"], [[Cell("unknown" if unknown else "nothing new")]])]
        )
    rows = [
        [Cell(each.date.isoformat()), Cell(each.role), Cell(f"{each.n:,}"), Cell(each.change), Cell(each.dissent)]
        for each in asked
    ]
    caption = (
        "New entries of participation, as the rubric writes them. Which of them led to which change is what an entry itself says; nothing is "
        "matched here."
    )
    return Section("participation", title, [Table(caption, ["Date", "Role", "Asked", "What it changed", "Dissent"], rows)])


def _method(found: VersionComparison) -> Section:
    scope = found.scope
    rows = [
        ("Use case", f"{scope['use_case']}. {scope['deployment']}"),
        ("Languages", ", ".join(scope["languages"])),
        *((f"Fingerprint of {name}", scope[part]["fingerprint"][:12]) for name, part in ((found.old, "old_rubric"), (found.new, "rubric"))),
        ("Judge", f"{scope['judge']} at {scope['server']}, programs without examples"),
        ("Items", f"{scope['n_items']:,} of {scope['set']['id']} ({scope['set']['title']}), split {scope['split']}"),
        ("Fingerprint of the items and labels", scope["split_fingerprint"][:12]),
        ("Labels", f"{scope['labels']}; raters: {scope['rater_pool']}"),
        ("Licence", scope["set"]["licence"]),
        *(("Known issue", issue) for issue in scope["known_issues"]),
        *((f"Run by {name}", run) for name, run in zip((found.old, found.new), found.runs, strict=True)),
        *((f"Gate by {name}", _gate(gate)) for name, gate in zip((found.old, found.new), found.gates, strict=True)),
        *(
            (f"Missing by {name}", ", ".join(f"{n:,} {reason}" for reason, n in missing.items()) or f"none of {n_ratings:,} ratings")
            for name, missing, n_ratings in zip((found.old, found.new), found.missing, found.n_ratings, strict=True)
        ),
    ]  # fmt: skip
    methods: dict[str, tuple[str, str, str]] = {}
    for estimate in (*(moved.change.estimate for moved in found.moved), *(finding.estimate for finding in found.counts)):
        if estimate.is_defined:
            methods.setdefault(
                estimate.estimand, (estimate.method, "" if estimate.seed is None else str(estimate.seed), estimate.source)
            )
    blocks: list[Block] = [
        Table("What this holds for.", ["Part", "Value"], [[Cell(part), Cell(value)] for part, value in rows]),
        *(Text(note) for note in found.notes),
        Table(
            "Estimands of this comparison",
            ["Estimand", "Method (first that is defined)", "Seed", "Source"],
            [[Cell(name), *(Cell(part) for part in parts)] for name, parts in methods.items()],
        ),
        Text(
            "Not claimed: anything of another judge, set or system; that a version is better because a judge agrees with it more; anything of other "
            "raters, since intervals take the raters as fixed."
        ),
    ]
    return Section("method", "Method and scope", blocks)


def _gate(gate: Mapping[str, int]) -> str:
    return ", ".join(f"{gate[status]} {word}" for status, word in STATUS.items() if status in gate) or "no check"


def _estimates(found: VersionComparison) -> Iterator[Mapping[str, Any]]:
    for moved in found.moved:
        yield Finding(moved.criterion, moved.population, moved.contrast, moved.change.estimate).to_json()
    for finding in found.counts:
        yield finding.to_json()
