"""What does an annotator see, and what did one of them answer?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.records import Missing, sendable
from judgefair.rubric import Rubric

NOT_APPLICABLE = "not_applicable"
TEXTS = ("query", "response")


@dataclass(frozen=True, slots=True)
class Task:
    """What one annotator sees: blinded, and already in random order.

    Attributes
    ----------
    task_id : opaque, such as `t0007`: it says nothing of population, system or item.
    """

    task_id: str
    query: str
    response: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rater said of one task, as the file has it: nothing is checked yet.

    Attributes
    ----------
    where : file and place, for errors.
    given : by criterion, every level or reason for none that was chosen; a criterion left out has none.
    reasons : by criterion, in the rater's words.
    """

    where: str
    rater_id: str
    given: Mapping[str, Sequence[str | Missing]]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as the file has it, with what was answered to it.

    Attributes
    ----------
    texts : for query and response, what the file's text may stand for.
    batch : what `batch_of` gave when the tasks were written; None where the file's form does not keep it.
    """

    where: str
    task_id: str
    texts: Mapping[str, Sequence[str]]
    batch: str | None
    answers: Sequence[Answer]


def batch_of(tasks: Sequence[Task], rubric: Rubric) -> str:
    """A short fingerprint of everything that annotators are shown; the order of the tasks does not count."""
    asked = [[c.id, c.question, c.scale.to_json(), c.not_applicable] for c in rubric.criteria]
    return fingerprint([sorted([task.task_id, task.query, task.response] for task in tasks), asked])[:16]


def same_text(found: str, given_out: str) -> bool:
    """Whether both are one text, however their lines end.

    >>> same_text("one\\r\\ntwo", "one\\ntwo")
    True
    """
    return _plain(found) == _plain(given_out)


def check_tasks(tasks: Sequence[Task]) -> None:
    """InputError where there is no task, or one has no id or that of another."""
    seen: set[str] = set()
    for task in tasks:
        if not task.task_id.strip() or task.task_id in seen:
            raise InputError(f"tasks: the task_id '{task.task_id}' is empty or stands twice. Give each task one of its own")
        seen.add(task.task_id)
    if not seen:
        raise InputError("tasks: there are none. Expected at least one task to annotate")


def check_levels(rubric: Rubric) -> None:
    """InputError where a level cannot be told from another answer once it is written down."""
    for criterion in rubric.criteria:
        written = [str(level) for level in criterion.scale.levels]
        for text in written:
            if not text.strip():
                problem = "has no name. Give the level one"
            elif written.count(text) > 1:
                problem = "stands twice. Give each level one name"
            elif text == NOT_APPLICABLE and criterion.not_applicable is not None:
                problem = "is also how a rater says that the question does not apply. Rename the level"
            else:
                continue
            raise InputError(f"rubric {rubric.id}: criterion {criterion.id}: the level '{text}' {problem}")


def _plain(text: str) -> str:
    return sendable(text).replace("\r\n", "\n").replace("\r", "\n")
