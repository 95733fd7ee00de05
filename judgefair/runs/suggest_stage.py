"""Which words of a rubric does the judge read otherwise than people do? The stage that drafts other words, as a patch for a person."""

import os
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from judgefair import folders
from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.compile.judge import compile_judge
from judgefair.compile.labelled import Labelled, labelled_items
from judgefair.compile.program import JudgeProgram
from judgefair.compile.suggester import Disagreement, objection, places, present_words, slots_of, suggester
from judgefair.errors import BudgetError, InputError
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.models.policy import RetryPolicy
from judgefair.records import Item, Missing, printable
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.edit import next_version, patch_of, replace_text, with_entry
from judgefair.rubric.include import SHARED, included_in
from judgefair.rubric.lint import changelog_heading
from judgefair.rubric.load import check_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.strict_yaml import KeyPath, read_yaml
from judgefair.runs.asking import Asking, Progress, run_sync, work_through
from judgefair.runs.folder import open_run, write_json, write_manifest
from judgefair.runs.judge_stage import judge
from judgefair.runs.parquet import storing
from judgefair.runs.tables import read_ratings

PATCH, SUGGESTIONS = "suggestions.patch", "suggestions.json"
JUDGING, WORDING = "judge", "words"
"""Folders below that of the suggestions, for what the two models said."""
SUGGEST, SPLIT, SCHEMA_VERSION = "suggest", "train", 1
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Other words for one place of a criterion, drafted by a model and accepted by nobody yet.

    Attributes
    ----------
    place : `question`, or `level` and which; "" where the reply was no answer.
    old, new : the words as they are, None where a level has none, and as they are suggested.
    why : the model's reason.
    item_ids : the items that it was shown, which judge and people rated differently.
    populations : by axis and group, how many of these items.
    dropped : why it is not in the patch; "" where it is.
    """

    criterion: str
    place: str
    old: str | None
    new: str
    why: str
    item_ids: tuple[str, ...]
    populations: Mapping[str, Mapping[str, int]]
    dropped: str = ""


def suggest(
    rubric_path: str | os.PathLike[str],
    cset: CalibrationSet,
    judge_model: Model,
    words_model: Model,
    run: Path,
    *,
    per_criterion: int = 8,
    concurrency: int = 8,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Suggestion]:
    """Draft other words where judge and people differ on train, and write `suggestions.json` and `suggestions.patch`.

    The rubric itself is left alone. The patch words one place of a criterion anew, raises the version and enters it in the
    changelog; `git apply` or `patch -p1` takes it in the folder that holds the rubric's folder. There is none where nothing is
    suggested. Items of dev and test are neither judged nor shown. Run again, it asks only for what has not landed.

    Parameters
    ----------
    cset : a whole calibration set, of which train is taken, or its train split.
    judge_model, words_model : who judges, and who drafts.
    run : folder for the suggestions, and below it for what the models said.
    per_criterion : how many disagreements are shown for each criterion at most, the largest ones, none of a population more than its
        even share.

    Returns
    -------
    What was drafted, one suggestion for each criterion with a disagreement; those that are `dropped` are not in the patch.

    Raises
    ------
    InputError : another split, or a set without ratings of the rubric's criteria on train.
    BudgetError : the budget is used up; what had landed is kept.
    ModelError : no request can succeed.
    """
    if concurrency < 1 or per_criterion < 1:
        raise InputError(f"concurrency is {concurrency} and per_criterion {per_criterion}. Expected at least 1 each")
    rubric, _ = check_rubric(rubric_path)
    files = _Files.of(rubric_path)
    train = _train(cset)
    included = [rubric.criteria[number].id for number in sorted(included_in(read_yaml(files.path)))]
    shared = train.shared(rubric.criteria)
    criteria = [criterion for criterion in shared if criterion.id not in included]
    if not criteria:
        raise InputError(
            f"{files.path}: all that {train.id} rates is included from shared files ({', '.join(included)}), whose words other rubrics have too. "
            f"Edit them by hand, in the folder {SHARED}"
        )
    notes = [f"{criterion.id}: {cset.id} has no ratings of it." for criterion in rubric.criteria if criterion not in shared]
    notes += [f"{name} is included from a file that rubrics share: no words are drafted for it." for name in included]
    labelled = labelled_items(train, criteria)
    if not labelled:
        raise InputError(
            f"{train.id}, split {SPLIT}: no item has a rating of {', '.join(c.id for c in criteria)}. Choose a larger set"
        )
    budget = budget or Budget()
    budget.refuse_unpriced(judge_model.name, words_model.name)
    how = {"concurrency": concurrency, "policy": policy, "limits": limits, "use_cache": use_cache}
    found = _disagreements(
        _asking_of(criteria, compile_judge(rubric)), criteria, labelled, judge_model, run / JUDGING,
        {**how, "budget": budget, "as_of": as_of, "on_progress": on_progress},
    )  # fmt: skip
    shown: dict[str, list[Disagreement]] = {}
    for criterion in criteria:
        rated = [one.item for one in labelled if criterion.id in one.said]
        shown[criterion.id] = _largest(found[criterion.id], rated, rubric, per_criterion)
        if not shown[criterion.id]:
            notes.append(f"{criterion.id}: {judge_model.name} and the labels of {train.id} differ on no item of {SPLIT}.")
    source = {
        "set": {"id": train.id, "split": SPLIT, "fingerprint": train.fingerprint, "labels": train.card.labels},
        "judge": judge_model.name, "words": words_model.name,
    }  # fmt: skip
    with open_run(run / WORDING):
        write_manifest(run / WORDING, {"stage": SUGGEST, "rubric": _identity(rubric), **source}, as_of)
        progress = Progress(sum(map(bool, shown.values())), budget=budget, notes=notes)
        on_progress(progress)
        asked = [(criterion, shown[criterion.id]) for criterion in criteria if shown[criterion.id]]
        drafted = run_sync(_draft(asked, rubric, words_model, run / WORDING, progress, on_progress, how))
        edit = _Edit(files, rubric)
        suggestions = [edit.put(suggestion) for suggestion in drafted]
        _write(run, edit, suggestions, source, notes, progress)
    return suggestions


@dataclass(frozen=True, slots=True)
class _Files:
    """A rubric's file and the changelog beside it, byte for byte as text."""

    path: Path
    source: str
    changelog: str

    @classmethod
    def of(cls, rubric: str | os.PathLike[str]) -> "_Files":
        path = Path(rubric)
        for place in (path, path / "rubric.yaml", folders.shipped("rubrics") / path / "rubric.yaml"):
            if place.is_file():
                changelog = place.with_name("CHANGELOG.md")
                kept = changelog.read_bytes().decode("utf-8") if changelog.is_file() else ""
                return cls(place, place.read_bytes().decode("utf-8"), kept)
        raise InputError(f"{rubric}: no rubric there")


@dataclass(slots=True)
class _Edit:
    """The rubric's file with all suggestions that can stand in it, under a new version."""

    files: _Files
    rubric: Rubric
    source: str = field(init=False)
    edited: Rubric = field(init=False)

    def __post_init__(self) -> None:
        raised = next_version(self.rubric.version, self.files.changelog)
        self.source = replace_text(self.files.source, ("version",), raised)
        self.edited = _checked(self.files.path, self.source)

    def put(self, suggestion: Suggestion) -> Suggestion:
        """Write a suggestion into the file; one with which it would be no sound rubric is dropped, with the reason."""
        if suggestion.dropped:
            return suggestion
        number = next(k for k, criterion in enumerate(self.rubric.criteria) if criterion.id == suggestion.criterion)
        where: KeyPath = ("criteria", number, *places(self.rubric.criteria[number])[suggestion.place])
        try:
            source = replace_text(self.source, where, suggestion.new)
            self.edited, self.source = _checked(self.files.path, source), source
        except InputError as error:
            return replace(suggestion, dropped=f"the rubric could not say so: {error}")
        return suggestion

    def patch(self, entry: str) -> str:
        """All of it, with its entry in the changelog, from the folder that holds the rubric's folder."""
        heading = changelog_heading(self.edited)
        changelog = with_entry(self.files.changelog, self.rubric, heading, entry)
        _checked(self.files.path, self.source, changelog)
        folder = self.files.path.resolve().parent.name
        return patch_of(f"{folder}/{self.files.path.name}", self.files.source, self.source) + patch_of(
            f"{folder}/CHANGELOG.md", self.files.changelog, changelog
        )


def _train(cset: CalibrationSet) -> CalibrationSet:
    if cset.split == SPLIT:
        return cset
    if cset.split != "all":
        raise InputError(
            f"{cset.id}, split {cset.split}: words are drafted from {SPLIT} alone. Give the whole set, or cset.take('{SPLIT}')"
        )
    return cset.take(SPLIT)


def _asking_of(criteria: Sequence[Criterion], program: JudgeProgram) -> JudgeProgram:
    """The program without the calls whose criteria nobody rated."""
    wanted = {criterion.id for criterion in criteria}
    return replace(program, prompts={call: p for call, p in program.prompts.items() if wanted & set(program.criteria_of(call))})


def _disagreements(
    program: JudgeProgram,
    criteria: Sequence[Criterion],
    labelled: Sequence[Labelled],
    model: Model,
    run: Path,
    how: Mapping[str, Any],
) -> dict[str, list[Disagreement]]:
    """By criterion, the items that the judge rated otherwise than people, in the order of the set."""
    judged = judge(program, [one.item for one in labelled], model, run, **how)
    if judged.progress.missing["over_budget"]:
        raise _over_budget(f"{judged.progress.missing['over_budget']:,} judgments are missing: the budget is used up")
    scales = {criterion.id: criterion.scale for criterion in criteria}
    table = read_ratings(run, scales, kind="judge")
    told = {(row.criterion, row.item_id): row for row in table[table["missing"] == ""].itertuples()}
    found: dict[str, list[Disagreement]] = {name: [] for name in scales}
    for one in labelled:
        for name, said in one.said.items():
            row: Any = told.get((name, one.item.item_id))
            if row is None:
                continue
            scale = scales[name]
            distance = abs(row.expected - said.mean) if scale.has_points else float((said.codes != row.code).mean())
            if distance > 0:
                found[name].append(Disagreement(one.item, said, scale.level(float(row.code)), row.rationale, distance))
    return found


def _largest(found: Sequence[Disagreement], rated: Sequence[Item], rubric: Rubric, most: int) -> list[Disagreement]:
    """The largest disagreements, at most so many, and of no population more than its even share of them."""
    present = {axis: set(groups) for axis, groups in _counts(rated, rubric).items()}
    share = {axis: ceil(most / len(groups)) for axis, groups in present.items()}
    taken: Counter[tuple[str, str]] = Counter()
    chosen: list[Disagreement] = []
    for one in sorted(found, key=lambda each: -each.distance):  # stable: among equals, the order of the set
        theirs = [(axis, group) for axis, groups in present.items() if (group := one.item.populations.get(axis)) in groups]
        if len(chosen) < most and all(taken[where] < share[where[0]] for where in theirs):
            taken.update(theirs)
            chosen.append(one)
    return chosen


def _counts(items: Sequence[Item], rubric: Rubric) -> dict[str, dict[str, int]]:
    """By axis and group of the rubric, how many of the items; groups without any are left out."""
    counted = {
        axis.axis: {group: n for group in axis.groups if (n := sum(item.populations.get(axis.axis) == group for item in items))}
        for axis in rubric.context.populations
    }
    return {axis: groups for axis, groups in counted.items() if groups}


async def _draft(
    asked: Sequence[tuple[Criterion, list[Disagreement]]],
    rubric: Rubric,
    model: Model,
    run: Path,
    progress: Progress,
    on_progress: Callable[[Progress], None],
    how: Mapping[str, Any],
) -> list[Suggestion]:
    """What the model words anew, criterion by criterion; what cannot stand is marked as dropped."""
    drafted: dict[str, Suggestion] = {}
    concurrency, use_cache = how["concurrency"], how["use_cache"]
    async with Asking(
        run, progress, how["policy"] or RetryPolicy(), how["limits"] or Limits(), concurrency, use_cache=use_cache
    ) as asking:

        async def work(one: tuple[Criterion, list[Disagreement]]) -> None:
            criterion, shown = one
            program = suggester(criterion, len(shown))
            question = asking.about(criterion.id, SUGGEST, lambda reply: not isinstance(program.parse(reply), Missing))
            said = await question.ask(model, program.body(model, slots_of(criterion, shown)))
            if isinstance(said, Missing) and said.reason == "over_budget":
                raise _over_budget(f"no words for {criterion.id}: {said.detail}")
            answer = said if isinstance(said, Missing) else program.parse(said)
            drafted[criterion.id] = _suggestion(criterion, shown, rubric, answer)
            if isinstance(answer, Missing):
                progress.missing[answer.reason] += 1
            progress.done += 1
            on_progress(progress)

        await work_through(asked, work, concurrency)
    return [drafted[criterion.id] for criterion, _ in asked]


def _suggestion(
    criterion: Criterion, shown: Sequence[Disagreement], rubric: Rubric, answer: Mapping[str, str] | Missing
) -> Suggestion:
    items = [one.item for one in shown]
    rests_on = (tuple(item.item_id for item in items), _counts(items, rubric))
    if isinstance(answer, Missing):
        return Suggestion(
            criterion.id, "", None, "", "", *rests_on, f"no answer that can be read: {answer.reason}: {answer.detail}"
        )
    old = present_words(criterion, answer["place"])
    dropped = objection(old, answer["new_text"])
    return Suggestion(criterion.id, answer["place"], old, answer["new_text"], answer["why"], *rests_on, dropped)


def _write(
    run: Path, edit: _Edit, suggestions: Sequence[Suggestion], source: Mapping[str, Any], notes: Sequence[str], progress: Progress
) -> None:
    kept = [suggestion for suggestion in suggestions if not suggestion.dropped]
    path = run / PATCH
    partial = path.with_name(f"{path.name}.partial")
    with storing(path, partial):
        if kept:
            partial.write_bytes(edit.patch(_entry(kept, source)).encode("utf-8"))
            partial.replace(path)
        else:
            path.unlink(missing_ok=True)  # of an earlier run, whose words are not suggested now
    content = {
        "schema_version": SCHEMA_VERSION, "rubric": {**_identity(edit.rubric), "file": str(edit.files.path)},
        "new_rubric": _identity(edit.edited) if kept else None, **source,
        "suggestions": [_json(suggestion) for suggestion in kept],
        "dropped": [_json(suggestion) for suggestion in suggestions if suggestion.dropped],
        "missing": dict(progress.missing), "notes": list(notes), "patch": str(path) if kept else None,
    }  # fmt: skip
    write_json(run / SUGGESTIONS, content)


def _json(suggestion: Suggestion) -> dict[str, Any]:
    told = asdict(suggestion) | {"item_ids": list(suggestion.item_ids)}
    if not suggestion.dropped:
        del told["dropped"]
    return told


def _entry(kept: Sequence[Suggestion], source: Mapping[str, Any]) -> str:
    """What the changelog is to say; the words of models cannot pass for a heading of it."""
    of = source["set"]
    lines = [
        f"Drafted by a model, {source['words']}, and a person has to accept it: name who did here. It was shown where the judge "
        f"{source['judge']} differs from the {of['labels']} labels of {of['id']}, split {of['split']} ({of['fingerprint'][:16]}); of "
        "dev and test it was shown nothing."
    ]
    for one in kept:
        was = "had no words" if one.old is None else f'was "{one.old}"'
        lines.append(
            f'`{one.criterion}`, {one.place}: {was}, is "{one.new}". Why, in the words of the model: {one.why} It rests on {rests_on(one)}.'
        )
    return "\n".join(
        textwrap.fill(
            printable(" ".join(line.split())), _WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    )  # fmt: skip


def rests_on(suggestion: Suggestion) -> str:
    """How many items a suggestion rests on, and of which populations.

    >>> rests_on(Suggestion("depth", "question", "?", "Is it deep?", "", ("a", "b"), {"dialect": {"mainstream": 2}}))
    '2 items (dialect: mainstream 2)'
    """
    n = len(suggestion.item_ids)
    axes = "; ".join(
        f"{axis}: {', '.join(f'{group} {k}' for group, k in groups.items())}" for axis, groups in suggestion.populations.items()
    )
    return f"{n} item{'' if n == 1 else 's'}" + (f" ({axes})" if axes else ", of no population that the rubric names")


def _identity(rubric: Rubric) -> dict[str, str]:
    return {"id": rubric.id, "version": rubric.version, "fingerprint": rubric.fingerprint}


def _checked(place: Path, source: str, changelog: str = "") -> Rubric:
    """The rubric that a file of this text would be in that place; InputError as `check_rubric` has it."""
    folder, name = place.resolve().parent, place.name
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, folder.name, name)
        path.parent.mkdir()
        if (folder.parent / SHARED).is_dir():
            Path(scratch, SHARED).symlink_to(folder.parent / SHARED)
        path.write_bytes(source.encode("utf-8"))
        if changelog:
            path.with_name("CHANGELOG.md").write_bytes(changelog.encode("utf-8"))
        try:
            return check_rubric(path)[0]
        except InputError as error:
            raise InputError(str(error).replace(f"{path}", name)) from None


def _over_budget(what: str) -> BudgetError:
    return BudgetError(f"{what}. What had landed is kept; run the same command with a larger budget to go on")
