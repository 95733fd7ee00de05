"""How do tasks get onto a spreadsheet, and what does the filled sheet say?"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from judgefair.calibration.cells import as_cell, from_cell
from judgefair.calibration.task import NOT_APPLICABLE, TEXTS, Answer, Shown, Task, check_levels, check_tasks
from judgefair.errors import InputError, did_you_mean
from judgefair.records import Missing, sendable
from judgefair.rubric import Rubric

_OURS = ("task_id", *TEXTS, "rater_id")
_REASON = ".reason"
_LONGEST = 32_767  # characters in a cell of Excel, which cuts off the rest without a word


def write_csv(tasks: Sequence[Task], rubric: Rubric, folder: Path) -> list[Path]:
    """Write sheet.csv (one row a task, one column a criterion to be filled in) and anchors.md (what the levels mean).

    A text that a spreadsheet would compute is marked as text by an apostrophe before it; reading takes the mark off.

    Raises
    ------
    InputError : ids of tasks are no ids, a level or a criterion cannot be told from something else, or a text is too long for
        a cell.
    """
    check_tasks(tasks)
    check_levels(rubric)
    columns = _columns(rubric)
    for task in tasks:
        for name in TEXTS:
            n = len(as_cell(getattr(task, name)))
            if n > _LONGEST:
                raise InputError(
                    f"task {task.task_id}: its {name} has {n:,} characters, and a spreadsheet's cell holds {_LONGEST:,}. "
                    "Annotate these tasks in Label Studio"
                )
    written = io.StringIO(newline="")
    sheet = csv.DictWriter(written, columns, restval="", quoting=csv.QUOTE_MINIMAL)
    sheet.writeheader()
    for task in tasks:
        sheet.writerow({name: as_cell(getattr(task, name)) for name in ("task_id", *TEXTS)})
    contents = {"sheet.csv": "\ufeff" + written.getvalue(), "anchors.md": _anchors(rubric)}  # the mark by which Excel sees UTF-8
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_bytes(text.encode())
    return [folder / name for name in contents]


def read_sheet(path: Path, rubric: Rubric) -> list[Shown]:
    """The rows of a filled sheet; a row without any answer counts as not annotated.

    Raises
    ------
    InputError : the file is no table, a column is missing, or a filled row has no rater.
    """
    rows = read_rows(path)
    wanted = ["task_id", *TEXTS, *(criterion.id for criterion in rubric.criteria), "rater_id"]
    found = list(rows[0]) if rows else []
    for name in wanted:
        if rows and name not in found:
            raise InputError(
                f"{path}: no column '{name}'.{did_you_mean(name, found)} Found: {', '.join(found)}. "
                "Expected the columns that sheet.csv came with"
            )
    return [_row(row, f"{path}: row {number}", rubric) for number, row in enumerate(rows, 2) if any(row.values())]


def read_rows(path: Path) -> list[dict[str, str]]:
    """A table's rows by column, whichever of comma, semicolon and tab a spreadsheet has put between the cells."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}). Save it as 'CSV UTF-8'") from None
    names = [name.strip() for name in header]
    for name in names:
        if name and names.count(name) > 1:
            raise InputError(f"{path}: the column '{name}' stands twice. Remove one of them")
    read = []
    for number, row in enumerate(rows, 2):
        for name, cell in zip(names + [""] * len(row), row, strict=False):
            if cell and not name:
                raise InputError(f"{path}: row {number}: '{cell[:80]}' stands in a column without a name. Name it or remove it")
        read.append({name: cell for name, cell in zip(names, row + [""] * len(names), strict=False) if name})
    return read


def _columns(rubric: Rubric) -> list[str]:
    criteria = [criterion.id for criterion in rubric.criteria]
    for name in _OURS:
        if name in criteria:
            raise InputError(
                f"rubric {rubric.id}: the criterion '{name}' would be a column of the same name as another. "
                "Rename the criterion, or annotate in Label Studio"
            )
    return [*_OURS[:-1], *(column for name in criteria for column in (name, name + _REASON)), _OURS[-1]]


def _row(row: Mapping[str, str], where: str, rubric: Rubric) -> Shown:
    task_id = row["task_id"].strip()
    # A spreadsheet may have taken the mark off already: either reading may be the text that was given out.
    texts = {name: [row[name], from_cell(row[name])] for name in TEXTS}
    given: dict[str, list[str | Missing]] = {}
    reasons = {}
    for criterion in rubric.criteria:
        if cell := row[criterion.id].strip():
            stands_apart = cell == NOT_APPLICABLE and criterion.not_applicable is not None
            given[criterion.id] = [Missing(NOT_APPLICABLE) if stands_apart else row[criterion.id]]
        if reason := row.get(criterion.id + _REASON, ""):
            reasons[criterion.id] = from_cell(reason)
    if not given and not reasons:
        return Shown(where, task_id, texts, None, [])
    if not (rater := row["rater_id"].strip()):
        raise InputError(f"{where}: rater_id is empty. Write on every filled row who filled it")
    return Shown(where, task_id, texts, None, [Answer(where, rater, given, reasons)])


def _anchors(rubric: Rubric) -> str:
    lines = [
        f"# How to fill sheet.csv ({rubric.id} {rubric.version})", "",
        "One row is one task: a query and the response to it. Fill in every column named below with one level, exactly as it is "
        "written here, and your name or number in `rater_id`. Leave a row that you cannot rate empty. Each column has a second one, "
        f"ending in `{_REASON}`, for a reason in your own words; it may stay empty. Several raters fill a copy each, or add "
        "rows. Change nothing else, and save as CSV UTF-8.", "",
        "An apostrophe at the beginning of a text keeps the spreadsheet from computing it; it is not part of the text.", "",
    ]  # fmt: skip
    for criterion in rubric.criteria:
        lines += [f"## {criterion.id}", "", _line(criterion.question), ""]
        if criterion.scale.kind == "interval":
            lines += [f"Any number from {criterion.scale.describe()}.", ""]
        lines += [
            f"- `{_line(str(level))}`" + (f": {_line(anchor)}" if anchor else "")
            for level, anchor in criterion.scale.levels.items()
        ]
        if criterion.not_applicable is not None:
            lines += [f"- `{NOT_APPLICABLE}`: {_line(criterion.not_applicable)}"]
        lines += [""]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(sendable(text).split())
