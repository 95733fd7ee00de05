"""How do tasks get into Label Studio, and what does its export say?"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from judgefair.calibration.task import NOT_APPLICABLE, TEXTS, Answer, Shown, Task, batch_of, check_levels, check_tasks
from judgefair.errors import InputError
from judgefair.records import Missing, sendable
from judgefair.rubric import Rubric
from judgefair.rubric.criterion import Criterion

# A choice is stored as its alias. Label Studio's editor takes the aliases true, false and the empty one for switches, and
# an alias that begins so is none of them, nor can a level be taken for "not applicable".
_LEVEL = "level:"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# No id of a criterion holds a hyphen, so that no criterion can take the name of another's control or of a column of the export.
_CONTROL = re.compile(r"([a-z][a-z0-9_]*)-(level|not-applicable|reason)")


def write_label_studio(tasks: Sequence[Task], rubric: Rubric, folder: Path) -> list[Path]:
    """Write config.xml (the labelling interface), tasks.json (to import) and README.txt (how to use both).

    Raises
    ------
    InputError : ids of tasks are no ids, or a level cannot be written down.
    """
    check_tasks(tasks)
    check_levels(rubric)
    batch = batch_of(tasks, rubric)
    data = [
        {"data": {"task_id": t.task_id, "batch": batch, "query": sendable(t.query), "response": sendable(t.response)}}
        for t in tasks
    ]
    contents = {
        "config.xml": _config(rubric),
        "tasks.json": json.dumps(data, ensure_ascii=False, indent=1) + "\n",
        "README.txt": _HOW_TO.format(n=len(tasks), rubric=f"{rubric.id} {rubric.version}"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_bytes(text.encode())
    return [folder / name for name in contents]


def read_export(path: Path, rubric: Rubric) -> list[Shown]:
    """The tasks and annotations of an export in the format JSON.

    Cancelled annotations and predictions are left out; an annotation that began as a prediction is refused.

    Raises
    ------
    InputError : the file is no such export, or what an annotation holds is no answer to this rubric.
    """
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}). Export the project from Label Studio as JSON") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: is no list of tasks. Export the project from Label Studio as JSON")
    if any("data" not in entry for entry in entries):
        raise InputError(
            f"{path}: has tasks without 'data', as an export in the format JSON-MIN, which does not tell what a person answered from a model's "
            "prediction that was accepted. Export the project as JSON"
        )
    return [_task(entry, path, rubric) for entry in entries]


def _config(rubric: Rubric) -> str:
    view = ET.Element("View")
    for name in TEXTS:
        ET.SubElement(view, "Header", value=name.capitalize(), size="4")
        # Plain text whatever it looks like: an address is shown and not fetched, a tag is shown and not rendered.
        ET.SubElement(view, "Text", name=name, value=f"${name}", valueType="text", saveTextResult="no")
    for criterion in rubric.criteria:
        _controls(ET.SubElement(view, "View"), criterion, rubric)
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def _controls(block: ET.Element, criterion: Criterion, rubric: Rubric) -> None:
    ET.SubElement(block, "Header", value=_displayed(criterion.question), size="4")
    levels = criterion.scale.levels
    if criterion.scale.kind == "interval":
        for level, anchor in levels.items():
            if anchor is not None:
                ET.SubElement(block, "Header", value=_displayed(f"{level}: {anchor}"), size="6")
        low, high = (str(end) for end in criterion.scale.ends)
        number = ET.SubElement(block, "Number", name=f"{criterion.id}-level", toName="response", min=low, max=high)
        if criterion.not_applicable is None:
            number.set("required", "true")
        else:
            _not_applicable(_choices(block, f"{criterion.id}-not-applicable", "single"), criterion.not_applicable)
    else:
        choices = _choices(block, f"{criterion.id}-level", "single-radio")
        choices.set("required", "true")
        for level, anchor in levels.items():
            if _NOT_IN_XML.search(str(level)):
                raise InputError(
                    f"rubric {rubric.id}: criterion {criterion.id}: the level {str(level)!r} holds a character that XML cannot. "
                    "Rename the level"
                )
            shown = str(level) if anchor is None else f"{level}: {anchor}"
            ET.SubElement(choices, "Choice", value=_displayed(shown), alias=f"{_LEVEL}{level}")
        if criterion.not_applicable is not None:
            _not_applicable(choices, criterion.not_applicable)
    reason = {"name": f"{criterion.id}-reason", "toName": "response", "placeholder": "Reason (optional)", "maxSubmissions": "1"}
    ET.SubElement(block, "TextArea", {**reason, "rows": "2", "editable": "true"})


def _choices(block: ET.Element, name: str, kind: str) -> ET.Element:
    return ET.SubElement(block, "Choices", name=name, toName="response", choice=kind)


def _not_applicable(choices: ET.Element, when: str) -> None:
    ET.SubElement(choices, "Choice", value=_displayed(f"Not applicable: {when}"), alias=NOT_APPLICABLE)


def _displayed(text: str) -> str:
    """The text as an annotator reads it: Label Studio fills in `$word` from the task, so a dollar sign gets a word joiner."""
    return _NOT_IN_XML.sub("\ufffd", text).replace("$", "$\u2060")


def _task(entry: Mapping[str, Any], path: Path, rubric: Rubric) -> Shown:
    """One task of the format JSON."""
    data = entry["data"] if isinstance(entry["data"], dict) else {}
    shown = _shown(data, path)
    annotations = entry.get("annotations") or []
    if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
        raise InputError(f"{shown.where}: its annotations are no list. Export the project again as JSON")
    answers = [
        _answer(a, f"{shown.where}, annotation {a.get('id', 'without number')}", rubric)
        for a in annotations
        if not a.get("was_cancelled") and not a.get("skipped")
    ]
    return Shown(shown.where, shown.task_id, shown.texts, shown.batch, answers)


def _answer(annotation: Mapping[str, Any], where: str, rubric: Rubric) -> Answer:
    results = annotation.get("result")
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise InputError(f"{where}: 'result' is no list of answers. Export the project again as JSON")
    _refuse_predicted(annotation, results, where)
    pairs = [(str(entry.get("from_name")), entry.get("value")) for entry in results]
    return _read_controls(pairs, where, _rater(annotation.get("completed_by"), where), rubric)


def _refuse_predicted(annotation: Mapping[str, Any], results: Sequence[Mapping[str, Any]], where: str) -> None:
    made = annotation.get("parent_prediction") is not None
    if made or any(str(entry.get("origin", "")).startswith("prediction") for entry in results):
        raise InputError(
            f"{where}: began as a model's prediction, which is no human label. "
            "Remove the predictions from the project, delete this annotation, and have the task annotated again"
        )


def _shown(data: Mapping[str, Any], path: Path) -> Shown:
    for name in ("task_id", "batch", *TEXTS):
        if not isinstance(data.get(name), str):
            raise InputError(
                f"{path}: a task has no '{name}'. Found: {', '.join(map(str, data)) or 'nothing'}. Expected the export, as JSON, "
                "of a project into which tasks.json was imported"
            )
    task_id = data["task_id"]
    return Shown(f"{path}: task {task_id}", task_id, {name: [data[name]] for name in TEXTS}, data["batch"], [])


def _rater(completed_by: Any, where: str) -> str:
    """The annotator's address where the export has it, else the number."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    if isinstance(completed_by, bool) or not isinstance(completed_by, int | str) or completed_by == "":
        raise InputError(f"{where}: names no annotator. Assign it to the rater who made it, or delete it, and export again")
    return str(completed_by)


def _read_controls(pairs: Sequence[tuple[str, Any]], where: str, rater: str, rubric: Rubric) -> Answer:
    criteria = {criterion.id for criterion in rubric.criteria}
    given: dict[str, list[str | Missing]] = {}
    reasons: dict[str, list[str]] = {}
    for name, value in pairs:
        control = _CONTROL.fullmatch(name)
        if not control or control[1] not in criteria:  # whatever else a project asks is its own
            continue
        for said in _said(value, f"{where}: control '{name}'"):
            if control[2] == "reason":
                reasons.setdefault(control[1], []).append(str(said))
            else:
                given.setdefault(control[1], []).append(_meant(said, f"{where}: control '{name}'"))
    return Answer(where, rater, given, {criterion: "\n".join(texts) for criterion, texts in reasons.items()})


def _said(value: Any, where: str) -> Iterator[str | int | float]:
    """Texts and numbers of a control, which the two formats wrap differently."""
    match value:
        case bool():
            raise InputError(f"{where}: holds {value}. Expected a choice, a number or a text")
        case str() | int() | float():
            yield value
        case list():
            for part in value:
                yield from _said(part, where)
        case {"choices": inner} | {"number": inner} | {"rating": inner} | {"text": inner}:
            yield from _said(inner, where)
        case None:
            return
        case _:
            raise InputError(f"{where}: holds {str(value)[:80]}. Expected a choice, a number or a text")


def _meant(said: str | float, where: str) -> str | Missing:
    if not isinstance(said, str):
        return str(said)
    if said == NOT_APPLICABLE:
        return Missing(NOT_APPLICABLE)
    if said.startswith(_LEVEL):
        return said.removeprefix(_LEVEL)
    raise InputError(
        f"{where}: holds '{said}', which config.xml does not offer. Set the project up with the config.xml that came with its tasks"
    )


_HOW_TO = """\
{n} tasks to annotate with the rubric {rubric} in Label Studio (tried with 1.23)

For whoever sets it up

1. Raters should not see one another's answers, and the free edition of Label Studio shows them. Make one project for each
   rater, all from the same two files. (In one project for all, every rater opens each task from the list, and does not look
   at the others' tabs.)
2. Project, Settings, Labeling Interface, Code: paste config.xml and save.
3. Project, Import: tasks.json. Do not edit it. The texts and the order are as every rater should have them, and the column
   `batch` tells these tasks from any others.
4. Connect no model and import no predictions: an annotation that began as a prediction is refused.
5. When all is annotated: Export, JSON (JSON-MIN is not taken: it hides predictions). With several projects, put all exports into one folder and give
   the folder to `judgefair annotate import`.
6. raters.csv, to be written by you, says who the raters are: a column rater_id, then one column for each attribute. rater_id
   is written as the export has it: the number in `completed_by`, or the e-mail address where
   the export has that.

For raters

- Answer every question of a task, then press Submit. Each level is followed by what it means.
- Skip a task that you cannot rate: it then counts as not annotated by you.
- A number field that was filled and emptied again may be stored as 0. Reset the annotation instead.
- A reason is welcome and may be left out.
"""
