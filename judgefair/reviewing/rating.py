"""How does somebody rate items of the run's random sample, one by one and blind, and where do the ratings go?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judgefair.errors import InputError
from judgefair.estimation import annotating
from judgefair.estimation.annotating import export_sample
from judgefair.estimation.sampling import Allocation, draw_from, record_draw
from judgefair.records import UNPRINTABLE, Item, sendable
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.rubric import Rubric
from judgefair.runs.folder import open_run, write_json
from judgefair.runs.labels import write_raters
from judgefair.runs.tables import add_human_ratings, orders_of, read_ratings, stream_ratings
from judgefair.runs.texts import find_items

NOT_APPLICABLE, NOT_RATED = "not_applicable", "not_rated"
LONGEST_NAME, LONGEST_REASON = 100, 10_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says of one criterion: the code of a level in the order shown, or why there is none; and a reason in words."""

    code: float | None
    missing: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Out:
    """The sample of a run that is out.

    Attributes
    ----------
    number : 1.. of the run's samples.
    tasks : item of each task, in the random order in which all raters get them.
    swapped : tasks that show their two responses in the other order.
    """

    number: int
    rubric: Rubric
    tasks: Mapping[str, str]
    swapped: frozenset[str]
    key: Mapping[str, Any]


def rubric_to_rate(run: Path) -> Rubric:
    """The rubric that people rate a run by; InputError where people's ratings have no place in it."""
    return annotating.rubric_to_label(run)


def sample_out(run: Path) -> Out | None:
    """The sample that is out, None where none is.

    Raises
    ------
    InputError : people's ratings have no place in the run, or the sample was drawn under another rubric.
    """
    rubric = rubric_to_rate(run)
    for number, key in annotating.sample_keys(run).items():
        if not key["imported"]:
            if key["rubric"] != rubric.fingerprint:
                path = annotating.key_path(run, number)
                raise InputError(
                    f"{path}: the sample was drawn under another rubric. Give it up by deleting that file, and draw another"
                )
            return Out(number, rubric, key["tasks"], frozenset(key.get("swapped", ())), key)
    return None


def start_rating(
    run: Path, rater: str, attributes: Mapping[str, str], n: int, allocation: Allocation = "equal", seed: int = 0
) -> None:
    """Keep what a rater says of themselves, and draw a sample of `n` items where none is out.

    Raises
    ------
    InputError : the rater's name or an attribute cannot be kept; there are not so many items to draw.
    """
    rubric = rubric_to_rate(run)
    check_rater(run, rubric, rater)
    for name in attributes:
        if name == "rater_id" or len(name) > LONGEST_NAME or UNPRINTABLE.search(name):
            raise InputError(
                f"the attribute '{name}' cannot be kept. Expected a short name other than rater_id, such as first_language"
            )
    if sample_out(run) is None:
        export_sample(run, n, allocation=allocation, format="csv", seed=seed)
    with open_run(run):
        write_raters(pd.DataFrame([{"rater_id": rater, **attributes}]), run)


def check_rater(run: Path, rubric: Rubric, rater: str) -> None:
    """InputError where somebody cannot be a human rater of the run under this name."""
    if not rater or len(rater) > LONGEST_NAME or UNPRINTABLE.search(rater):
        raise InputError(
            f"the rater's name is '{rater[:LONGEST_NAME]}'. Expected 1 to {LONGEST_NAME} characters that can be printed"
        )
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
    if any(
        (judged["rater_id"] == rater).any() for judged in stream_ratings(run, scales, kind="judge", columns=["rater_id", "code"])
    ):
        raise InputError(f"'{rater}' already rated this run, and was no human. Choose another name")


def answered_by(run: Path, out: Out, rater: str) -> set[str]:
    """The tasks of a sample that somebody has answered or skipped."""
    scales = {criterion.id: criterion.scale for criterion in out.rubric.criteria}
    humans = read_ratings(run, scales, kind="human", items=list(out.tasks.values()))
    done = set(humans.loc[humans["rater_id"] == rater, "item_id"])
    return {task for task, item_id in out.tasks.items() if item_id in done}


def task_shown(run: Path, out: Out, task: str) -> Item:
    """The item of a task with its responses in the order in which they are shown.

    Raises
    ------
    InputError : the sample has no such task, or the run no longer has its item.
    """
    found = find_items(run, [out.tasks[task]]) if task in out.tasks else []
    if not found:
        raise InputError(f"task is '{task}', which is none of the sample. Go on with the next one")
    return found[0].swapped if task in out.swapped else found[0]


def read_answers(criteria: Sequence[Criterion], fields: Mapping[str, str]) -> tuple[dict[str, Answer], dict[str, str]]:
    """By criterion, the answers in a form, and what is wrong with others.

    Field names are `level-<criterion>`, the place of a level in its scale, a number on an interval scale, or `not_applicable`;
    `apart-<criterion>`, where no number on an interval scale applies; and `reason-<criterion>`.
    """
    answers, problems = dict[str, Answer](), dict[str, str]()
    for criterion in criteria:
        given, is_apart = fields.get(f"level-{criterion.id}", "").strip(), f"apart-{criterion.id}" in fields
        reason = sendable(fields.get(f"reason-{criterion.id}", "").replace("\r\n", "\n").strip())
        if len(reason) > LONGEST_REASON:
            problems[criterion.id] = f"The reason has {len(reason):,} characters. At most {LONGEST_REASON:,} are kept."
        elif is_apart and given:
            problems[criterion.id] = "There is a number, and it is said not to apply. Keep one of the two."
        elif (is_apart or given == NOT_APPLICABLE) and criterion.not_applicable is not None:
            answers[criterion.id] = Answer(None, NOT_APPLICABLE, reason)
        elif (code := _code(criterion, given)) is None:
            problems[criterion.id] = (
                f"Choose one answer: {criterion.scale.describe()}." if given else "This question has no answer yet."
            )
        else:
            answers[criterion.id] = Answer(code, "", reason)
    return answers, problems


def _code(criterion: Criterion, given: str) -> float | None:
    if criterion.scale.kind == "interval":
        try:
            return criterion.scale.code(criterion.scale.read(given))
        except ValueError:
            return None
    levels = list(criterion.scale.levels)
    return criterion.scale.code(levels[int(given)]) if given.isascii() and given.isdigit() and int(given) < len(levels) else None


def save_answers(run: Path, number: int, task: str, rater: str, answers: Mapping[str, Answer] | None) -> None:
    """Put the answers of one task among the run's ratings, in place of what the rater said of it before; None skips it.

    Once a rater has been through the whole sample, how it was drawn goes on record, and estimates weigh by it.

    Raises
    ------
    InputError : the sample was closed meanwhile; another process works in the run.
    """
    with open_run(run):
        out = sample_out(run)
        if out is None or out.number != number or task not in out.tasks:
            raise InputError("the sample was closed or changed meanwhile. Begin again to go on with the run's next sample")
        check_rater(run, out.rubric, rater)
        scales = {criterion.id: criterion.scale for criterion in out.rubric.criteria}
        said = answers if answers is not None else dict.fromkeys(scales, Answer(None, NOT_RATED))
        sign = -1.0 if task in out.swapped else 1.0  # back into the item's own order
        rows = [
            {
                "item_id": out.tasks[task], "criterion": criterion, "rater_id": rater, "rater_kind": "human", "replicate": 0,
                "code": np.nan if answer.code is None else sign * answer.code + 0.0, "missing": answer.missing, "rationale": answer.reason,
            }
            for criterion, answer in said.items()
        ]  # fmt: skip
        given = pd.DataFrame(rows)
        given = given.assign(expected=given["code"], **dict.fromkeys(orders_of(scales), np.nan))
        held = read_ratings(run, scales, kind="human")
        same = ["item_id", "criterion", "rater_id", "replicate"]
        humans = pd.concat([held, given], ignore_index=True) if len(held) else given
        add_human_ratings(humans.drop_duplicates(same, keep="last"), scales, run)
        if len(answered_by(run, out, rater)) == len(out.tasks):
            _record(run, out)


def close_sample(run: Path, number: int) -> None:
    """Let the next sample be drawn; InputError where nobody has been through this one."""
    with open_run(run):
        out = sample_out(run)
        if out is None or out.number != number:
            return
        scales = {criterion.id: criterion.scale for criterion in out.rubric.criteria}
        humans = read_ratings(run, scales, kind="human", items=list(out.tasks.values()))
        if max((len(answered_by(run, out, rater)) for rater in humans["rater_id"].unique()), default=0) < len(out.tasks):
            raise InputError(f"nobody has been through all {len(out.tasks):,} items of the sample yet. Go on with it")
        _record(run, out)
        write_json(annotating.key_path(run, number), {**out.key, "imported": True})


def _record(run: Path, out: Out) -> None:
    items = {item.item_id: item for item in find_items(run, out.key["draw"]["items"])}
    record_draw(draw_from(out.key["draw"], items, annotating.key_path(run, out.number)), run)
