"""What do a validation and its verdicts say, as plain data that every form of the report renders?"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.estimation import Estimation, load_estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.reporting.headline import ANSWERS, headline, verdict_line
from judgefair.reporting.summary import Summary, summarise, together
from judgefair.reporting.words import UNKNOWN_SYSTEM, answer_in_words, system_name, truth_of
from judgefair.runs.folder import MANIFEST, read_manifest
from judgefair.runs.tables import ratings_fingerprint
from judgefair.validation import Finding, Validation, find_validation
from judgefair.validation.preferences import PREFIXES

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `report.json` holds exactly this.

    Attributes
    ----------
    headline : one or two sentences that say what is supported.
    labels : human, constructed, model or simulated, or mixed where contexts differ; printed wherever numbers are.
    verdicts : one for each criterion and contrast; empty where nothing was estimated.
    estimates : every estimate, flat, under its estimand's name.
    gate : what the rubric asks of the judge, and whether it was shown.
    sections : what is shown, in order.
    summary : the first screen; None for comparisons, which have none of their own.
    """

    title: str
    headline: str
    labels: str
    as_of: str
    scope: Mapping[str, Any]
    notes: Sequence[str]
    verdicts: Sequence[Mapping[str, Any]]
    estimates: Sequence[Mapping[str, Any]]
    gate: Sequence[Mapping[str, Any]]
    sections: Sequence[Section]
    judgefair: str
    summary: Summary | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; null for what is undefined."""
        return {
            "schema_version": SCHEMA_VERSION,
            "judgefair": self.judgefair,
            "title": self.title,
            "headline": self.headline,
            "labels": self.labels,
            "as_of": self.as_of,
            "scope": dict(self.scope),
            "notes": list(self.notes),
            "verdicts": [dict(verdict) for verdict in self.verdicts],
            "estimates": [dict(estimate) for estimate in self.estimates],
            "gate": [dict(check) for check in self.gate],
            "summary": None if self.summary is None else self.summary.to_json(),
            "sections": [section.to_json() for section in self.sections],
        }


def build_report(source: Validation | str | os.PathLike[str], estimation: Estimation | None = None) -> Report:
    """The report of a validation and, where there is one, of the gaps estimated with it.

    Each section is made by its own file, or entry point, of `judgefair.sections`.

    Parameters
    ----------
    source : a validation, or a run folder, whose validation and estimation are then read; of a study with several systems or
        judges, the folder that holds their runs.

    Raises
    ------
    InputError : the folder holds neither, or its ratings changed since the verdicts.
    """
    if isinstance(source, Validation):
        validation = source
    else:
        run = Path(source)
        cells = _cells(run)
        if cells:
            return _together(cells)
        estimation = load_estimation(run)
        if estimation is not None:
            refuse_another_system(estimation, run)
        if estimation is not None and estimation.scope.get("ratings") != ratings_fingerprint(run):
            raise InputError(f"{run}: its ratings are newer than its verdicts. Run judgefair estimate {run} again, then report")
        validation = find_validation(run)
    modules = sorted((plugins.load("sections", name) for name in plugins.names("sections")), key=lambda module: module.ORDER)
    built = [module.build(validation, estimation) for module in modules]
    scope = validation.scope if estimation is None else {**validation.scope, **estimation.scope}
    told = headline(validation)
    return Report(
        title=f"{scope['judge']} as a judge of {scope['set']['id']}" if estimation is None else _title(estimation),
        headline=told if estimation is None else f"{verdict_line(estimation)} {told}",
        labels=scope["labels"],
        as_of=scope["as_of"],
        scope=scope,
        notes=[*(estimation.notes if estimation else []), *validation.notes],
        verdicts=_verdicts(estimation),
        estimates=[_with_truth(finding.to_json(), estimation) for finding in _findings(validation, estimation)],
        gate=[check.to_json() for check in validation.gate],
        sections=[section for section in built if section is not None],
        judgefair=version("judgefair"),
        summary=summarise(validation, estimation),
    )


def _cells(run: Path) -> list[Path]:
    """The runs of a study with several systems or judges, in the study's order; none for a run that stands by itself."""
    cells = [run / str(folder) for folder in read_manifest(run).get("cells", [])]
    for cell in cells:
        if run.resolve() not in cell.resolve().parents:
            raise InputError(
                f"{run / MANIFEST}: names the run {cell}, which is not below it. Run the study again in a folder of its own"
            )
    return cells


def _together(cells: Sequence[Path]) -> Report:
    """One report of several systems or judges: what each says first, then each in full. Nothing is averaged over them."""
    built = [build_report(cell) for cell in cells]
    reports = [(f"{report.scope['system']['id']}, judged by {report.scope['judge']}", report) for report in built]
    first = reports[0][1]
    columns = ["System and judge", *ANSWERS]
    rows = [
        [Cell(name), *(Cell(str(sum(_answer(verdict) == answer for verdict in report.verdicts))) for answer in ANSWERS)]
        for name, report in reports
    ]
    overview: list[Block] = [
        Text("Verdicts hold for one system and one judge each; nothing is averaged over them."),
        Table("Verdicts by system and judge", columns, rows),
        *(Text(f"{name}: {report.headline}") for name, report in reports),
    ]
    sections = [Section("overview", "Systems and judges", overview)]
    for number, (name, report) in enumerate(reports, start=1):
        sections += [Section(f"{section.id}-{number}", f"{name}: {section.title}", section.blocks) for section in report.sections]

    def of_all(part: str) -> list[Mapping[str, Any]]:
        return [{"of": name, **row} for name, report in reports for row in getattr(report, part)]

    return replace(
        first, title=f"{first.scope['rubric']['id']}: {len(reports)} systems and judges",
        headline=f"{len(reports)} pairs of system and judge, each on its own: see the first table.",
        notes=list(dict.fromkeys(note for _, report in reports for note in report.notes)),
        scope={
            **first.scope, "of": [name for name, _ in reports],
            "gate_blocks": any(report.scope["gate_blocks"] for _, report in reports),
        },
        summary=together({name: report.summary for name, report in reports if report.summary}),
        verdicts=of_all("verdicts"), estimates=of_all("estimates"), gate=of_all("gate"), sections=sections,
    )  # fmt: skip


def refuse_another_system(estimation: Estimation, run: Path) -> None:
    """InputError where a run's verdicts are of another system than the run now holds answers of."""
    found, now = estimation.scope["system"], read_manifest(run).get("system", UNKNOWN_SYSTEM)
    if found != now:
        raise InputError(
            f"{run}: its verdicts are of the system {system_name(found)}, and it now holds answers of {system_name(now)}. "
            f"A verdict holds for one system: run judgefair estimate {run} again"
        )


def _answer(verdict: Mapping[str, Any]) -> str:
    return answer_in_words(verdict["role"], verdict["verdict"])


def _verdicts(estimation: Estimation | None) -> list[dict[str, Any]]:
    """Plain data of each verdict; in a planted study each gap with the truth beside it."""
    if estimation is None:
        return []
    told = []
    for verdict in estimation.verdicts:
        row = verdict.to_json()
        about = {name: row[name] for name in ("criterion", "population", "contrast")}
        told.append(
            row
            | {part: _with_truth({**about, **row[part]}, estimation, row[part]) for part in ("raw", "corrected", "judge_made")}
        )
    return told


def _with_truth(
    about: Mapping[str, Any], estimation: Estimation | None, estimate: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An estimate and, where a study planted what it estimates, the truth."""
    estimate = about if estimate is None else estimate
    truth = truth_of(estimation, about["estimand"], about["criterion"], about["population"], about["contrast"])
    return dict(estimate) if truth is None else {**estimate, "truth": truth}


def _findings(validation: Validation, estimation: Estimation | None) -> list[Finding]:
    """All estimates; missing rates and preferences are the run's, where there is one, and not those of the validated items."""
    probed = [finding for one in validation.probes for finding in one.findings]
    if estimation is None:
        return [*validation.findings, *probed]
    of_run = ("missing_rate.", *PREFIXES)
    kept = [finding for finding in validation.findings if not finding.estimate.estimand.startswith(of_run)]
    return [*kept, *estimation.findings, *(finding for one in estimation.lenses for finding in one.findings), *probed]


def _title(estimation: Estimation) -> str:
    rubric = estimation.scope["rubric"]
    return f"{rubric['id']} {rubric['version']}, judged by {estimation.scope['judge']}"
