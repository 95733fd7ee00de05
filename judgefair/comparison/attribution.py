"""To what is a changed rating laid: to the rubric, the program, the model, or the system that answered?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from judgefair.comparison.held import Held
from judgefair.compile.program import JudgeProgram, load_program
from judgefair.fingerprint import fingerprint
from judgefair.rubric.scale import Scale
from judgefair.runs.folder import PROGRAM, read_manifest
from judgefair.runs.items import read_item_ids, stream_items
from judgefair.runs.tables import read_ratings

PARTS = ("rubric", "program", "model", "system", "items", "labels")
_WHOSE = {
    "rubric": "the rubric's",
    "program": "the program's",
    "model": "the model's",
    "system": "the system's",
    "items": "that of the judged texts",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """How many ratings of a criterion changed from one run to another, item by item.

    Attributes
    ----------
    n : items that both runs rated.
    n_changed : those to which they give another level.
    n_lost, n_gained : items that the first run alone rated, and those that the other alone rated.
    """

    criterion: str
    n: int
    n_changed: int
    n_lost: int
    n_gained: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """What differs between two runs by its fingerprint, and what changed ratings are laid to.

    Attributes
    ----------
    differ, same, unknown : of `PARTS`; unknown is what a run did not record. Items differ where an id stands for another text,
        or only one run has it; labels where humans rated an item otherwise.
    causes : those that can change a rating of an item that both runs have. Human labels cannot, and a program that follows
        from its rubric alone is no second cause beside it.
    ratings : by criterion that both runs rate on the same levels.
    """

    differ: tuple[str, ...]
    same: tuple[str, ...]
    unknown: tuple[str, ...]
    causes: tuple[str, ...]
    ratings: Sequence[Changed]

    @property
    def cause(self) -> str | None:
        """What changed ratings are laid to, where it can be told."""
        return self.causes[0] if len(self.causes) == 1 and not self._unknown_causes else None

    @property
    def told(self) -> str:
        """In words: how many ratings changed, what differs, and what they are laid to."""
        n, n_changed = (sum(getattr(each, name) for each in self.ratings) for name in ("n", "n_changed"))
        n_alone = sum(each.n_lost + each.n_gained for each in self.ratings)
        if n + n_alone == 0:
            return "No item was rated in both runs, so that no change can be laid to anything."
        parts = [f"{n_changed:,} of {n:,} ratings changed" if n_changed else f"None of {n:,} ratings changed"]
        if n_alone:
            parts[0] += f", and {n_alone:,} {'is' if n_alone == 1 else 'are'} there in one run alone"
        differ = [part for part in self.differ if part != "labels"]
        found = f"{_listed(differ)} {_verb(differ, 'differ')}" if differ else "nothing that is recorded differs"
        alike = [part for part in self.same if part in {"rubric", "program", "model", "system"}]
        parts.append(f"{found}, {_listed(alike)} {_verb(alike, 'be')} the same" if alike else found)
        return f"{'; '.join(parts)}: {self._conclusion(n_changed + n_alone)}{self._of_labels()}"

    def to_json(self) -> dict[str, Any]:
        """Plain data, and what it says in words."""
        return asdict(self) | {"cause": self.cause, "told": self.told}

    @property
    def _unknown_causes(self) -> list[str]:
        return [part for part in self.unknown if part in _WHOSE]

    def _conclusion(self, n_changed: int) -> str:
        if n_changed == 0:
            return "there is nothing to lay to anything."
        if len(self.causes) > 1:
            return "they cannot be told apart. Compare runs that differ in one of them."
        if self._unknown_causes:
            whose = f"is {_WHOSE[self.causes[0]]}" if self.causes else "has no cause that is recorded"
            return f"the change {whose}, unless {_listed(self._unknown_causes)} changed too, of which nothing is recorded."
        if not self.causes:
            return "the judge said otherwise when it was asked again."
        return f"the change is {_WHOSE[self.causes[0]]}."

    def _of_labels(self) -> str:
        if "labels" not in self.differ:
            return ""
        return " The human labels differ too: no changed rating is theirs, and a changed error of the judge may be."


def attribute(one: Held, other: Held) -> Attribution:
    """What differs between two runs, and how many ratings changed from the first to the other on items that both have.

    What is compared are fingerprints of rubric, program and system, name and server of the model, and ids and texts of items.
    A program is a cause of its own where its rubric is the same, or where the two were not made alike: with examples, by other
    libraries, recalibrated.

    Raises
    ------
    InputError : a run has no ratings or items to read.
    """
    programs = [_program(each) for each in (one, other)]
    texts_differ, items_differ = _items(one, other)
    no_system = one.system is None and other.system is None
    is_same = {
        "rubric": _is_same(*(each.rubric and each.rubric["fingerprint"] for each in (one, other))),
        "program": _is_same(one.program, other.program),
        "model": _is_same(*((each.judge, each.server) if each.server else None for each in (one, other))),
        "system": True if no_system and not texts_differ else _is_same(one.system, other.system),  # the same texts were judged
        "items": not items_differ,
        "labels": _same_labels(one, other),
    }
    differ = tuple(part for part in PARTS if is_same[part] is False)
    causes: list[str] = [part for part in ("rubric", "model", "system") if part in differ]
    if "program" in differ and ("rubric" not in differ or not _follow_from_rubrics(programs)):
        causes.insert("rubric" in causes, "program")
    if texts_differ and "system" not in differ:
        causes.append("items")
    return Attribution(
        differ,
        tuple(part for part in PARTS if is_same[part] is True),
        tuple(part for part in PARTS if is_same[part] is None),
        tuple(causes),
        list(_changed(one, other)),
    )


def attribution_of(held: Sequence[Held]) -> Attribution | None:
    """The attribution of two runs in which a judge of one name rated the same items; None of any others."""
    if len(held) != 2 or held[0].judge != held[1].judge:
        return None
    ids = [set(read_item_ids(each.run)) for each in held]
    return attribute(*held) if ids[0] == ids[1] else None


def _program(held: Held) -> JudgeProgram | None:
    return load_program(held.run / PROGRAM) if (held.run / PROGRAM).is_file() else None


def _is_same(one: Any, other: Any) -> bool | None:
    return None if one is None or other is None else bool(one == other)


def _items(one: Held, other: Held) -> tuple[bool, bool]:
    """Whether some id stands for other texts in both runs, and whether their items differ at all."""
    known = [read_manifest(each.run).get("items", {}).get("fingerprint") for each in (one, other)]
    if known[0] is not None and known[0] == known[1]:
        return False, False
    texts = [{item.item_id: fingerprint(item.texts) for item in stream_items(each.run)} for each in (one, other)]
    texts_differ = any(texts[1].get(item_id, text) != text for item_id, text in texts[0].items())
    return texts_differ, texts[0] != texts[1]


def _follow_from_rubrics(programs: Sequence[JudgeProgram | None]) -> bool:
    """Whether each program follows from its rubric, and in the same way: without examples, learned words or recalibration."""
    plain = [each for each in programs if each and each.made_by.get("optimizer") is None and not each.calibrators]
    return len(plain) == 2 and plain[0].libraries == plain[1].libraries


def _same_labels(one: Held, other: Held) -> bool | None:
    """Whether humans rated alike what both runs have labels of; None where one run has no label."""
    shared = _shared_scales(one, other)
    told = [_ratings(each, shared, "human").dropna(subset="code") for each in (one, other)]
    if any(labels.empty for labels in told):
        return None
    ids = _shared_ids(one, other)
    columns = ["item_id", "criterion", "rater_id", "replicate", "code"]
    rows = [set(labels.loc[labels["item_id"].isin(ids), columns].itertuples(index=False, name=None)) for labels in told]
    return rows[0] == rows[1]


def _changed(one: Held, other: Held) -> Iterator[Changed]:
    shared = _shared_scales(one, other)
    ids = sorted(_shared_ids(one, other))
    tables = [_ratings(each, shared, "judge") for each in (one, other)]
    for criterion in shared:
        of_criterion = (table[table["criterion"] == criterion].set_index("item_id")["code"] for table in tables)
        old, new = (codes.reindex(ids).to_numpy(dtype=float) for codes in of_criterion)
        was, is_now = ~np.isnan(old), ~np.isnan(new)
        n_changed = int((was & is_now & (old != new)).sum())
        yield Changed(criterion, int((was & is_now).sum()), n_changed, int((was & ~is_now).sum()), int((~was & is_now).sum()))


def _ratings(held: Held, scales: Mapping[str, Scale], kind: str) -> pd.DataFrame:
    """Ratings by humans, or the first one that the judge gave each item."""
    ratings = read_ratings(held.run, scales, kind=kind)
    if kind == "human":
        return ratings
    return ratings.sort_values("replicate", kind="stable").drop_duplicates(["item_id", "criterion"])


def _shared_ids(one: Held, other: Held) -> set[str]:
    """The items that both runs have."""
    return set(read_item_ids(one.run)) & set(read_item_ids(other.run))


def _shared_scales(one: Held, other: Held) -> dict[str, Scale]:
    """The criteria that both runs rate on the same levels."""
    first, second = (_scales(each) for each in (one, other))
    return {name: scale for name, scale in first.items() if name in second and scale.has_levels_of(second[name])}


def _scales(held: Held) -> dict[str, Scale]:
    program = _program(held)
    if program is not None:
        return {criterion.id: criterion.scale for criterion in program.rubric.criteria}
    return {} if held.validation is None else dict(held.validation.scales)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _verb(parts: Sequence[str], verb: str) -> str:
    is_many = len(parts) > 1 or parts[0] in {"items", "labels"}
    return {"differ": "differ" if is_many else "differs", "be": "are" if is_many else "is"}[verb]
