"""Verdicts and checks of a report as a JUnit file, which a CI server shows beside its own tests."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from judgefair.cli.gating import Held
from judgefair.errors import StoreError
from judgefair.records import printable

TAGS = {"failed": "failure", "skipped": "skipped", "error": "error"}


def write_junit(report: Mapping[str, Any], held: Sequence[Held], path: Path) -> None:
    """Write a test suite for each criterion and one for the judge, with the scope of the claim as properties.

    No time stands in it: none was measured. Equal reports give equal bytes.

    Raises
    ------
    StoreError : the file cannot be written.
    """
    root = ElementTree.Element("testsuites", _counts(held) | {"name": printable(f"judgefair: {report['title']}")})
    scope = list(_scope(report))
    for name in dict.fromkeys(one.suite for one in held):
        _add_suite(root, name, [one for one in held if one.suite == name], scope)
    ElementTree.indent(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}). Choose another --junit") from None


def _add_suite(root: ElementTree.Element, name: str, held: Sequence[Held], scope: Sequence[tuple[str, str]]) -> None:
    counts = _counts(held) | {"skipped": str(sum(one.outcome == "skipped" for one in held))}
    suite = ElementTree.SubElement(root, "testsuite", {"name": printable(name)} | counts)
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in scope:
        ElementTree.SubElement(properties, "property", {"name": key, "value": printable(value)})
    for one in held:
        case = ElementTree.SubElement(
            suite, "testcase", {"name": printable(one.name), "classname": printable(f"judgefair.{name}")}
        )
        if one.outcome == "passed":
            ElementTree.SubElement(case, "system-out").text = printable(f"{one.kind}: {one.why}")
        else:
            said = {"message": printable(f"{one.kind}: {one.why}")}
            ElementTree.SubElement(case, TAGS[one.outcome], said | {"type": one.kind})


def _counts(held: Sequence[Held]) -> dict[str, str]:
    found = {"tests": len(held)}
    found |= {
        name: sum(one.outcome == outcome for one in held) for name, outcome in (("failures", "failed"), ("errors", "error"))
    }
    return {name: str(n) for name, n in found.items()}


def _scope(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the claim is about, and what the labels are."""
    from judgefair.reporting.words import NO_HUMANS, UNKNOWN_SYSTEM, system_name

    scope = report["scope"]
    yield "labels", report["labels"]
    if report["labels"] in NO_HUMANS:
        yield "caution", NO_HUMANS[report["labels"]]
    rubric = scope.get("rubric")
    if rubric:
        yield "rubric", rubric["id"]
        yield "rubric version", rubric["version"]
        yield "rubric fingerprint", rubric["fingerprint"]
    if "of" in scope:
        yield "systems and judges", "; ".join(scope["of"])
    else:
        yield "system", system_name(scope.get("system", UNKNOWN_SYSTEM))
        yield "judge", scope["judge"]
        yield "judge program", str(scope.get("program"))
    for key in ("use_case", "deployment", "labels_from", "split"):
        if scope.get(key):
            yield key.replace("_", " "), str(scope[key])
    yield "calibration set", scope["set"]["id"]
    for axis, groups in scope.get("populations", {}).items():
        yield f"populations: {axis}", ", ".join(groups)
    for key in ("languages", "cues"):
        if scope.get(key):
            yield key, ", ".join(scope[key])
    for criterion, tolerance in scope.get("tolerances", {}).items():
        yield f"tolerance: {criterion}", f"{tolerance:g}"
    yield "as of", report["as_of"]
    yield "judgefair version", report["judgefair"]
