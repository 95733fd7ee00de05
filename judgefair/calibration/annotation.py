"""What did human annotators say of the tasks they were given, and can it be relied on?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judgefair.calibration.annotation_csv import read_rows, read_sheet, write_csv
from judgefair.calibration.label_studio import read_export, write_label_studio
from judgefair.calibration.task import TEXTS, Answer, Shown, Task, batch_of, check_tasks, same_text
from judgefair.errors import InputError, did_you_mean
from judgefair.records import Missing
from judgefair.rubric import Rubric
from judgefair.rubric.criterion import Criterion

__all__ = ["Annotations", "Task", "read_annotations", "write_csv", "write_label_studio"]

RATINGS = ("task_id", "criterion", "rater_id", "value", "missing", "rationale")


@dataclass(frozen=True, slots=True)
class Annotations:
    """Every answer to every task, checked, and who gave it.

    Attributes
    ----------
    ratings : columns task_id, criterion, rater_id, value (the level as text, "" where missing), missing ("" or
        "not_applicable") and rationale; in the order of the tasks, then of rater_id, then of the rubric's criteria.
    raters : rater_id and one column an attribute, all text. Raters who were asked and rated nothing keep their rows.
    """

    ratings: pd.DataFrame
    raters: pd.DataFrame


def read_annotations(path: Path, tasks: Sequence[Task], rubric: Rubric, raters: Path | None = None) -> Annotations:
    """Read what annotators made of `tasks`, and take it only as a whole.

    Parameters
    ----------
    path : an export of Label Studio (.json, in the format JSON), a filled sheet (.csv), or a folder of them.
    tasks : exactly those that were given out.
    rubric : as it was when they were given out.
    raters : a CSV with the column rater_id, as the annotations have it, and one column an attribute.

    Raises
    ------
    InputError : the file belongs to other tasks, or its texts were changed; a task has no annotation or a rater two for it; a
        criterion is left out, has two levels or one that is not on its scale; an annotation began as a model's prediction; or
        a rater is not among `raters`.
    """
    check_tasks(tasks)
    shown = [task for file in _files(path, raters) for task in _read(file, rubric)]
    batch, by_id = batch_of(tasks, rubric), {task.task_id: task for task in tasks}
    for task in shown:
        _check_task(task, by_id, batch)
    by_task = _by_task(shown, by_id)
    _refuse_unannotated(by_task, path)
    rows = [
        (task_id, criterion.id, rater, *_value(answers[rater], task_id, criterion))
        for task_id, answers in by_task.items()
        for rater in sorted(answers)
        for criterion in rubric.criteria
    ]
    ratings = pd.DataFrame(rows, columns=list(RATINGS), dtype="str")
    return Annotations(ratings, _raters(sorted(set(ratings["rater_id"])), raters))


def _files(path: Path, raters: Path | None) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    ours = raters.resolve() if raters else None
    found = [file for file in sorted(path.iterdir()) if file.suffix.lower() in {".json", ".csv"} and file.resolve() != ours]
    if not found:
        raise InputError(f"{path}: holds no annotations. Expected exports of Label Studio (.json) or filled sheets (.csv)")
    yield from found


def _read(path: Path, rubric: Rubric) -> list[Shown]:
    match path.suffix.lower():
        case ".json":
            return read_export(path, rubric)
        case ".csv":
            return read_sheet(path, rubric)
    raise InputError(f"{path}: '{path.suffix}' is no file of annotations. Expected an export of Label Studio (.json) or a .csv")


def _check_task(task: Shown, by_id: dict[str, Task], batch: str) -> None:
    if task.batch not in {None, batch}:
        raise InputError(
            f"{task.where}: its batch is '{task.batch}', and these tasks under this rubric are '{batch}'. The file belongs to other "
            "tasks, or tasks or rubric were changed since. Read it with those that were given out"
        )
    if task.task_id not in by_id:
        raise InputError(
            f"{task.where}: no task '{task.task_id}' was given out.{did_you_mean(task.task_id, by_id)} "
            f"There are {len(by_id):,}, from {next(iter(by_id))} on. Read the file with the tasks it was made from"
        )
    for name in TEXTS:
        expected = getattr(by_id[task.task_id], name)
        if not any(same_text(found, expected) for found in task.texts[name]):
            raise InputError(
                f"{task.where}: the {name} is not the one that was given out: found {_clip(task.texts[name][0])}, expected "
                f"{_clip(expected)}. What was rated is another text: have the task annotated again with its own"
            )


def _by_task(shown: Sequence[Shown], by_id: dict[str, Task]) -> dict[str, dict[str, Answer]]:
    """The answers by task, in the order of the tasks, and rater."""
    found: dict[str, dict[str, Answer]] = {task_id: {} for task_id in by_id}
    for task in shown:
        for answer in task.answers:
            earlier = found[task.task_id].setdefault(answer.rater_id, answer)
            if earlier is not answer:
                raise InputError(
                    f"{answer.where}: rater '{answer.rater_id}' has annotated task {task.task_id} before, at {earlier.where}. "
                    "Keep the one that counts and delete the other"
                )
    return found


def _refuse_unannotated(by_task: dict[str, dict[str, Answer]], path: Path) -> None:
    bare = [task_id for task_id, answers in by_task.items() if not answers]
    if bare:
        raise InputError(
            f"{path}: {len(bare):,} of {len(by_task):,} tasks have no annotation: {', '.join(bare[:5])}"
            f"{', ...' if len(bare) > 5 else ''}. Export all of them, once every task has been annotated by somebody"
        )


def _value(answer: Answer, task_id: str, criterion: Criterion) -> tuple[str, str, str]:
    """Value, missing and rationale of one rating."""
    given = list(dict.fromkeys(_checked(said, answer, task_id, criterion) for said in answer.given.get(criterion.id, ())))
    if not given:
        raise InputError(
            f"{answer.where}: rater '{answer.rater_id}' left out {criterion.id} of task {task_id}. "
            "Ask for it, or have this annotation cancelled, and export again"
        )
    if len(given) > 1:
        raise InputError(
            f"{answer.where}: rater '{answer.rater_id}' gave {' and '.join(repr(value or missing) for value, missing in given)} on "
            f"{criterion.id} of task {task_id}. Expected one answer: have it mended, and export again"
        )
    return *given[0], answer.reasons.get(criterion.id, "")


def _checked(said: str | Missing, answer: Answer, task_id: str, criterion: Criterion) -> tuple[str, str]:
    """Value and missing."""
    if isinstance(said, Missing):
        if criterion.not_applicable is None:
            raise InputError(
                f"{answer.where}: rater '{answer.rater_id}' says that {criterion.id} does not apply to task {task_id}, and the "
                "rubric does not offer that. Ask for a level"
            )
        return "", said.reason
    if said in map(str, criterion.scale.levels):  # as written: a name may begin or end with a space
        return said, ""
    try:
        level = criterion.scale.read(said)
    except ValueError as error:
        raise InputError(
            f"{answer.where}: rater '{answer.rater_id}' gave '{said}' on {criterion.id} of task {task_id}: {error}. "
            f"Have it mended, and export again{'' if criterion.not_applicable is None else '; not_applicable is allowed too'}"
        ) from None
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level), ""


def _raters(rated: Sequence[str], path: Path | None) -> pd.DataFrame:
    if path is None:
        return pd.DataFrame({"rater_id": rated}, dtype="str")
    rows = read_rows(path)
    if not rows or "rater_id" not in rows[0]:
        columns = list(rows[0]) if rows else []
        raise InputError(
            f"{path}: no column 'rater_id'.{did_you_mean('rater_id', columns)} Found: {', '.join(columns) or 'no rows'}. "
            "Expected rater_id and one column for each attribute"
        )
    known: set[str] = set()
    for number, row in enumerate(rows, 2):
        row["rater_id"] = row["rater_id"].strip()
        if row["rater_id"] in known:
            raise InputError(f"{path}: row {number}: rater '{row['rater_id']}' has a row already. Keep one")
        if not row["rater_id"] and any(row.values()):
            raise InputError(f"{path}: row {number}: rater_id is empty. Write the rater's as the annotations have it")
        known |= {row["rater_id"]} - {""}
    for rater in rated:
        if rater not in known:
            raise InputError(
                f"{path}: no row for rater '{rater}', who has annotated.{did_you_mean(rater, known)} Found: "
                f"{', '.join(sorted(known)[:5]) or 'none'}{', ...' if len(known) > 5 else ''}. Add one, with rater_id as the annotations "
                "have it"
            )
    return pd.DataFrame([row for row in rows if row["rater_id"]], columns=list(rows[0]), dtype="str")


def _clip(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")
