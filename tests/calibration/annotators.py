"""A rubric with every kind of scale, and annotators who fill in what they were given: the config and the sheet, not our code."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.dom import minidom

from judgefair.rubric.criterion import Criterion
from judgefair.rubric.rubric import Rubric
from tests.builders import tiny_rubric

SPITEFUL = "\"<b>' & \n$query\u202e"
SCALES: Mapping[str, Mapping[str, Any]] = {
    "depth": {"kind": "ordinal", "levels": {-1: "Worse than none", 0: None, 1: f"All of it {SPITEFUL}"}},
    "harsh": {"kind": "binary", "levels": {0: "It is not", 1: "It is"}},
    "tone": {"kind": "nominal", "levels": {"true": "Flat", SPITEFUL: "Wild", "ласково": "Kind", "=1+1": "Computed", "a b": "Two words"}},
    "warmth": {"kind": "interval", "levels": {0: "Cold", 2.5: None, 10: "Warm"}},
}  # fmt: skip


def rubric_with(scales: Mapping[str, Mapping[str, Any]] = SCALES, not_applicable: Sequence[str] = ("depth", "warmth")) -> Rubric:
    """A rubric with one criterion for each scale."""
    base = tiny_rubric()
    common = base.criteria[1].model_dump(exclude={"id", "question", "scale", "not_applicable"})
    criteria = [
        Criterion.model_validate(
            common
            | {"id": name, "question": f"How {name}? {SPITEFUL}", "scale": dict(scale)}
            | {"not_applicable": f"Nothing to say {SPITEFUL}" if name in not_applicable else None}
        )
        for name, scale in scales.items()
    ]
    return base.model_copy(update={"criteria": criteria})


def labelled(config: str, name: str, level: Any, *, place: int) -> list[dict[str, Any]]:
    """The results that Label Studio's editor (1.23) makes when the control of a criterion is used.

    `level` is a number for a Number, None for the choice that stands last, "not applicable"; else the choice in this `place`.
    """
    controls = {node.getAttribute("name"): node for node in minidom.parseString(config).getElementsByTagName("*")}
    control = controls[f"{name}-level"]
    if control.tagName == "Number" and level is not None:
        return [_result(control, {"number": level})]
    control = controls.get(f"{name}-not-applicable", control)
    choices = control.getElementsByTagName("Choice")
    chosen = choices[-1] if level is None else choices[place]
    return [_result(control, {"choices": [chosen.getAttribute("alias")]})]


def reasoned(name: str, text: str) -> list[dict[str, Any]]:
    """The result of writing a reason."""
    return [{"from_name": f"{name}-reason", "to_name": "response", "type": "textarea", "value": {"text": [text]}}]


def as_json(tasks: Path, annotations: Mapping[str, Sequence[tuple[int, list[dict[str, Any]]]]]) -> list[dict[str, Any]]:
    """The export JSON of Label Studio 1.23: tasks as imported, the annotator as a number."""
    return [
        {
            "id": number,
            "annotations": [
                {"id": 100 * number + k, "completed_by": rater, "result": result, "was_cancelled": False, "parent_prediction": None}
                for k, (rater, result) in enumerate(annotations.get(task["data"]["task_id"], ()))
            ],
            "predictions": [7],
            "data": task["data"],
        }
        for number, task in enumerate(json.loads(tasks.read_text("utf-8")), 1)
    ]  # fmt: skip


def as_json_min(export: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same as JSON_MIN: one record an annotation, cancelled ones left out, single choices and texts without a list."""
    records = []
    for task in export:
        for annotation in task["annotations"]:
            if annotation["was_cancelled"]:
                continue
            record = dict(task["data"]) | {"id": task["id"]}
            for entry in annotation["result"]:
                (value,) = entry["value"].values()
                single = isinstance(value, list) and len(value) == 1
                plain = value[0] if single else entry["value"] if entry["type"] != "number" else [entry["value"]]
                record[entry["from_name"]] = plain
            records.append(record | {"annotator": annotation["completed_by"], "annotation_id": annotation["id"]})
    return records


def filled(sheet: Path, answers: Mapping[str, Sequence[tuple[str, Mapping[str, str]]]]) -> str:
    """The sheet with one row for each rater of a task; columns that an answer does not name stay empty."""
    rows = list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline="")))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    for row in rows:
        for rater, cells in answers.get(row["task_id"], ()):
            writer.writerow(row | {"rater_id": rater} | dict(cells))
    return out.getvalue()


def _result(control: minidom.Element, value: Mapping[str, Any]) -> dict[str, Any]:
    kind = control.tagName.lower()
    return {
        "from_name": control.getAttribute("name"),
        "to_name": control.getAttribute("toName"),
        "type": kind,
        "value": dict(value),
    }
