"""What do a validation and its verdicts say, as plain data that every form of the report renders?"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.estimation import Estimation, load_estimation
from judgefair.reporting.blocks import Section
from judgefair.reporting.headline import headline, verdict_line
from judgefair.runs.tables import ratings_fingerprint
from judgefair.validation import Finding, Validation, find_validation

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `report.json` holds exactly this.

    Attributes
    ----------
    headline : one or two sentences that say what is supported.
    labels : human, constructed or model; printed wherever numbers are.
    verdicts : one for each criterion and contrast; empty where nothing was estimated.
    estimates : every estimate, flat, under the estimand names of DESIGN 11.
    gate : what the rubric asks of the judge, and whether it was shown.
    sections : what is shown, in order.
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
            "sections": [section.to_json() for section in self.sections],
        }


def build_report(source: Validation | str | os.PathLike[str], estimation: Estimation | None = None) -> Report:
    """The report of a validation and, where there is one, of the gaps estimated with it.

    Each section is made by its own file, or entry point, of `judgefair.sections`.

    Parameters
    ----------
    source : a validation, or a run folder, whose validation and estimation are then read.

    Raises
    ------
    InputError : the folder holds neither, or its ratings changed since the verdicts.
    """
    if isinstance(source, Validation):
        validation = source
    else:
        run = Path(source)
        estimation = load_estimation(run)
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
        verdicts=[verdict.to_json() for verdict in estimation.verdicts] if estimation else [],
        estimates=[finding.to_json() for finding in _findings(validation, estimation)],
        gate=[check.to_json() for check in validation.gate],
        sections=[section for section in built if section is not None],
        judgefair=version("judgefair"),
    )


def _findings(validation: Validation, estimation: Estimation | None) -> list[Finding]:
    """All estimates; missing rates are the run's, where there is one, and not those of the validated items."""
    if estimation is None:
        return list(validation.findings)
    kept = [finding for finding in validation.findings if not finding.estimate.estimand.startswith("missing_rate.")]
    return [*kept, *estimation.findings]


def _title(estimation: Estimation) -> str:
    rubric = estimation.scope["rubric"]
    return f"{rubric['id']} {rubric['version']}, judged by {estimation.scope['judge']}"
