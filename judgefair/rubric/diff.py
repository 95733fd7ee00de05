"""What does one version of a rubric say that another does not, and what can the difference reach?"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from judgefair.fingerprint import canonical_json
from judgefair.rubric.rubric import Consultation, Rubric
from judgefair.rubric.strict_yaml import dotted

Kind = Literal["added", "removed", "reworded", "changed", "reordered"]
Reach = Literal["prompt", "verdict", "gate", "simulation", "record"]
Word = Literal["same", "removed", "added"]
Place = tuple[str | int, ...]
Found = tuple[Place, Kind, Any, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two rubrics say differently.

    Attributes
    ----------
    path : where, by ids and not by positions: `criteria.critique_depth.levels.2`.
    kind : reworded is a text in other words, changed another value, reordered the same things in another order.
    old, new : plain data; None where there is nothing. Of what is reordered, the whole list (its ids, where it has ids).
    criteria : ids of the criteria whose judge prompt it can reach; with all criteria in one call, of all of them.
    populations : axis and group that it concerns; None where it is not one group.
    reaches : prompt (what the judge is asked), verdict (gaps, their tolerance and what is read off them), gate (what a judge
        has to show), simulation (which queries are made), and record alone where it is reported beside those.
    """

    path: str
    kind: Kind
    old: Any
    new: Any
    criteria: tuple[str, ...]
    populations: Mapping[str, str] | None
    reaches: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class RubricVersion:
    """Which rubric, and which version of it."""

    id: str
    version: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RubricDiff:
    """What changed from an old rubric to a new one, in the order of the rubric. The version itself is no change."""

    old: RubricVersion
    new: RubricVersion
    changes: tuple[Change, ...]

    @property
    def consultations(self) -> tuple[Consultation, ...]:
        """Who was asked between the versions, with their dissent: the entries of `participation` that are new."""
        return tuple(
            Consultation.model_validate_json(canonical_json(change.new))
            for change in self.changes
            if change.path.startswith("participation.") and change.kind == "added" and isinstance(change.new, dict)
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def diff_rubrics(old: Rubric, new: Rubric) -> RubricDiff:
    """What two rubrics say differently, whatever their layout.

    Criteria, axes, groups, harms, scenarios, levels and consultations are matched by their ids (consultations by date and
    role), never by position; cues and turns by position where there are as many, since their order has a meaning. The order
    of groups has none. There are no changes exactly where the fingerprints are equal, the version left aside.

    Examples
    --------
    >>> from judgefair.rubric import load_rubric
    >>> rubric = load_rubric("writing_tutor")
    >>> stricter = rubric.model_copy(update={"validity": rubric.validity.model_copy(update={"min_alpha_ratio": 0.9})})
    >>> [(change.path, change.old, change.new, change.reaches) for change in diff_rubrics(rubric, stricter).changes]
    [('validity.min_alpha_ratio', 0.8, 0.9, ('verdict', 'gate'))]
    """
    every = tuple(dict.fromkeys(criterion.id for rubric in (old, new) for criterion in rubric.criteria))
    in_one_call = "all" in {old.judging.criteria_per_call, new.judging.criteria_per_call}
    changes = tuple(_change(found, every, in_one_call) for found in _differences((), _tree(old), _tree(new)))
    before, after = (RubricVersion(rubric.id, rubric.version, rubric.fingerprint) for rubric in (old, new))
    return RubricDiff(before, after, changes)


def word_diff(old: str, new: str) -> list[tuple[Word, str]]:
    """Two texts as runs of words that are the same, removed or added, in order; spaces and line ends do not count.

    >>> word_diff("Names one issue", "Names the decisive issue")
    [('same', 'Names'), ('removed', 'one'), ('added', 'the decisive'), ('same', 'issue')]
    """
    before, after = old.split(), new.split()
    runs: list[tuple[Word, str]] = []
    for operation, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            runs.append(("same", " ".join(before[i:j])))
            continue
        if j > i:
            runs.append(("removed", " ".join(before[i:j])))
        if m > k:
            runs.append(("added", " ".join(after[k:m])))
    return runs


class _ById(dict[tuple[str, str], Any]):
    """The entries of a list by how they are called and what tells them apart; unlike a mapping's, their order counts."""

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Any]]) -> "_ById":
        """Entries with their ids; an id that stands twice, as no checked rubric has it, is numbered."""
        seen: Counter[str] = Counter()
        found = cls()
        for name, entry in entries:
            seen[name] += 1
            found[name if seen[name] == 1 else f"{name} ({seen[name]})", str(seen[name])] = entry
        return found


def _tree(rubric: Rubric) -> dict[str, Any]:
    """What the rubric says, with an id in place of every position."""
    said = rubric.model_dump(mode="json", exclude={"version"})
    context = said["context"]
    context["harms"] = _ById.of((harm["id"], harm["text"]) for harm in context["harms"])
    context["populations"] = _ById.of((axis.pop("axis"), axis) for axis in context["populations"])
    context["scenarios"] = _ById.of((scenario.pop("id"), scenario) for scenario in context["scenarios"])
    said["criteria"] = _ById.of((criterion.pop("id"), _criterion(criterion)) for criterion in said["criteria"])
    if "composition" in said:
        said["composition"] = _ById.of((part.pop("whole"), part) for part in said["composition"])
    asked = said["participation"]
    entries = [(asked, asked)] if isinstance(asked, str) else [(f"{entry['date']} {entry['role']}", entry) for entry in asked]
    said["participation"] = _ById.of(entries)
    return said


def _criterion(written: dict[str, Any]) -> dict[str, Any]:
    scale = written.pop("scale")
    levels = _ById({(str(level), canonical_json(level)): anchor for level, anchor in scale["levels"]})
    return {"question": written.pop("question"), "scale": scale["kind"], "levels": levels, **written}


def _differences(at: Place, old: Any, new: Any) -> Iterator[Found]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            place = (*at, key[0] if isinstance(key, tuple) else key)
            if key not in old:
                yield place, "added", None, _plain(new[key])
            elif key not in new:
                yield place, "removed", _plain(old[key]), None
            else:
                yield from _differences(place, old[key], new[key])
        if isinstance(old, _ById) and [key for key in old if key in new] != [key for key in new if key in old]:
            yield at, "reordered", [name for name, _ in old], [name for name, _ in new]
    elif isinstance(old, list) and isinstance(new, list):
        yield from _differences_of_lists(at, old, new)
    elif canonical_json(old) != canonical_json(new):
        yield at, _kind(at, old, new), old, new


def _differences_of_lists(at: Place, old: list[Any], new: list[Any]) -> Iterator[Found]:
    before, after = ([canonical_json(entry) for entry in entries] for entries in (old, new))
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    if come and len(old) == len(new) and _is_in_step(at):
        for position, (mine, theirs) in enumerate(zip(old, new, strict=True)):
            yield from _differences((*at, position), mine, theirs)
        return
    for entry in gone.elements():
        yield at, "removed", json.loads(entry), None
    for entry in come.elements():
        yield at, "added", None, json.loads(entry)
    kept = Counter(before) & Counter(after)
    if _first(before, kept) != _first(after, kept):
        yield at, "reordered", old, new


def _first(entries: list[str], kept: Counter[str]) -> list[str]:
    """The entries in their order, each as often as it is kept."""
    left = kept.copy()
    found = []
    for entry in entries:
        if left[entry] > 0:
            left[entry] -= 1
            found.append(entry)
    return found


def _is_in_step(at: Place) -> bool:
    """Whether an entry of the list at this place is known by its position, as the k-th cue of a channel is in every group."""
    match at:
        case ("context", "populations", _, "groups", _, "cues", _) | ("context", "scenarios", _, "turns" | "paraphrase"):
            return True
    return False


def _kind(at: Place, old: Any, new: Any) -> Kind:
    are_texts = isinstance(old, str) and isinstance(new, str)
    match at:
        case ("criteria", _, "levels", _):  # the level is there in both, whether or not it has an anchor
            return "reworded" if are_texts else "changed"
    if old is None or new is None:
        return "added" if old is None else "removed"
    return "reworded" if are_texts and not _is_name(at) else "changed"


def _is_name(at: Place) -> bool:
    """Whether the text at this place is one of a few names, or an id, and no wording."""
    match at:
        case ("id",) | ("judging", _) | ("context", "distance") | ("context", "populations", _, "reference"):
            return True
        case ("criteria", _, "stakeholder" | "better" | "scale") | ("criteria", _, "roles", _):
            return True
    return False


def _plain(entry: Any) -> Any:
    if isinstance(entry, _ById):
        return {name: _plain(value) for (name, _), value in entry.items()}
    return {name: _plain(value) for name, value in entry.items()} if isinstance(entry, dict) else entry


def _change(found: Found, every: tuple[str, ...], in_one_call: bool) -> Change:
    at, kind, old, new = found
    reaches = _reaches(found, in_one_call)
    criteria: tuple[str, ...] = ()
    if "prompt" in reaches:
        criteria = every if in_one_call or at[0] != "criteria" else (str(at[1]),)
    populations = None
    match at:
        case ("context", "populations", axis, "groups", group, *_):
            populations = {str(axis): str(group)}
    return Change(dotted(at), kind, old, new, criteria, populations, reaches)


def _reaches(found: Found, in_one_call: bool) -> tuple[Reach, ...]:
    """What a change of this place can reach: the prompt holds what `compile_judge` writes into it, and nothing else."""
    at, kind, old, new = found
    match at:
        case ("judging", _) | ("context", "use_case" | "deployment" | "permitted"):
            return ("prompt",)
        case ("criteria",):
            return ("prompt",) if in_one_call else ("record",)
        case ("criteria", _) | ("criteria", _, "levels"):
            return ("prompt", "verdict", "gate")
        case ("criteria", _, "levels", _):
            return ("prompt", "verdict", "gate") if kind in {"added", "removed"} else ("prompt",)
        case ("criteria", _, "question" | "not_applicable"):
            return ("prompt",)
        case ("criteria", _, "scale"):  # the judge is shown levels; that there are levels between them, on an interval alone
            return ("prompt", "verdict", "gate") if "interval" in {old, new} else ("verdict", "gate")
        case ("criteria", _, "tolerance" | "better" | "roles", *_):
            return ("verdict",)
        case ("validity", _):  # a verdict whose correction is carried over waits for a judge that passed
            return ("verdict", "gate")
        case (
            ("context", "populations", _)
            | ("context", "populations", _, "reference")
            | ("context", "populations", _, "groups", _)
        ):
            return ("verdict", "gate", "simulation")
        case ("context", "scenarios", _, "merit"):
            return ("verdict", "simulation")
        case ("context", "populations" | "scenarios" | "languages", *_):
            return ("simulation",)
    return ("record",)
