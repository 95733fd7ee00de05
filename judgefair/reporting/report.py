"""What does a validation say, as plain data that every form of the report renders?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.reporting.blocks import Section, block_from_json
from judgefair.reporting.headline import headline
from judgefair.validation import Validation

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `report.json` holds exactly this.

    Attributes
    ----------
    headline : one or two sentences that say what is supported.
    labels : human, constructed or model; printed wherever numbers are.
    estimates : every estimate, flat, under the estimand names of DESIGN 11.
    sections : what is shown, in order.
    """

    title: str
    headline: str
    labels: str
    as_of: str
    scope: Mapping[str, Any]
    notes: Sequence[str]
    estimates: Sequence[Mapping[str, Any]]
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
            "estimates": [dict(estimate) for estimate in self.estimates],
            "sections": [section.to_json() for section in self.sections],
        }


def build_report(validation: Validation) -> Report:
    """The report of a validation; each section is made by its own file, or entry point, of `judgefair.sections`."""
    modules = sorted((plugins.load("sections", name) for name in plugins.names("sections")), key=lambda module: module.ORDER)
    built = [module.build(validation) for module in modules]
    scope = validation.scope
    return Report(
        title=f"{scope['judge']} as a judge of {scope['set']['id']}",
        headline=headline(validation),
        labels=scope["labels"],
        as_of=scope["as_of"],
        scope=scope,
        notes=validation.notes,
        estimates=[finding.to_json() for finding in validation.findings],
        sections=[section for section in built if section is not None],
        judgefair=version("judgefair"),
    )


def read_report(run: Path) -> Report:
    """The report in a run folder; InputError where there is none, or one of another schema."""
    path = run / "report.json"
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no report can be read ({error}). Run judgefair validate ... --out {run} first") from None
    version_found = data.get("schema_version") if isinstance(data, dict) else None
    if version_found != SCHEMA_VERSION:
        raise InputError(f"{path}: schema version {version_found}. Expected {SCHEMA_VERSION}: run validate again to rebuild it")
    names = ("title", "headline", "labels", "as_of", "scope", "notes", "estimates", "judgefair")
    try:
        sections = [Section(s["id"], s["title"], [block_from_json(block) for block in s["blocks"]]) for s in data["sections"]]
        return Report(sections=sections, **{name: data[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no report ({type(error).__name__}: {error}). Run validate again to rebuild it") from None
