"""Is the same response rated otherwise when the user is of another population?

A way of writing (the channel `dialect`) is left out: how a response treats it may rightly count. What is swapped is what says
who the user is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from judgefair.probes._trial import CannotProbe, Material, Trial, Version
from judgefair.records import Item
from judgefair.rubric.context import Axis, Context, Cue
from judgefair.simulate.template import SENTENCE_ENDS

QUESTION = "Is the same response rated higher or lower when the user belongs to another population?"
CHANGE = "a cue in the query shows another population in place of the reference; the response is the same"
PLACEBO = "another cue of the reference, in the same channel"
IS_DIRECTED = True
CHANNELS: tuple[Cue, ...] = ("explicit", "name", "situation")


class Swap(NamedTuple):
    """Cues that take each other's place: of the reference, of the other population, and another of the reference."""

    base: str
    changed: str
    placebo: str


def make(material: Material) -> Trial:
    """Each item shows one population of one axis, in turn, so that all of them have their share of the items.

    A cue of that axis that a query holds already is swapped where it stands; else the cue is put before the query, and a bare
    name below it, as a signature.
    """
    swaps = {
        (axis.axis, group): found
        for axis in material.rubric.context.populations
        for group in axis.groups
        if group != axis.reference and (found := _swaps(axis, group))
    }
    if not swaps:
        raise CannotProbe(
            f"no axis has cues of a population and two cues of its reference in one channel ({', '.join(CHANNELS)}). It would need them "
            "under context.populations of the rubric"
        )
    items = material.answered
    turn_of = np.argsort(np.random.default_rng(material.seed).permutation(len(items)))
    holds = _patterns(material.rubric.context)
    shown: dict[str, Mapping[str, str]] = {}
    versions: tuple[list[Item], ...] = ([], [], [])
    for item, turn in zip(items, turn_of.tolist(), strict=True):
        axis_name, group = list(swaps)[turn % len(swaps)]
        fitting = swaps[axis_name, group]
        shown[item.item_id] = {axis_name: group}
        for version, cue in zip(versions, fitting[turn // len(swaps) % len(fitting)], strict=True):
            version.append(replace(item, query=_showing(item.query, cue, holds[axis_name])))
    base, changed, placebo = map(Version, versions)
    return Trial(changed, placebo, base, shown)


def _swaps(axis: Axis, group: str) -> Sequence[Swap]:
    """Cues of one channel say the same thing in the same order in every group, so that their places are matched."""
    found = []
    for channel in CHANNELS:
        references, others = ((axis.groups[name].cues or {}).get(channel, []) for name in (axis.reference, group))
        for place, (reference, other) in enumerate(zip(references, others, strict=False)):
            swap = Swap(reference, other, references[(place + 1) % len(references)])
            if len(set(swap)) == len(swap):
                found.append(swap)
    return found


def _patterns(context: Context) -> Mapping[str, re.Pattern[str]]:
    """By axis, what finds a cue of any of its groups and channels; the longest first, so that none is found inside another."""
    found = {}
    for axis in context.populations:
        cues = {text for group in axis.groups.values() for texts in (group.cues or {}).values() for text in texts}
        longest_first = "|".join(map(re.escape, sorted(cues, key=lambda cue: (-len(cue), cue))))
        found[axis.axis] = re.compile(rf"(?<!\w)(?:{longest_first or '(?!)'})(?!\w)")
    return found


def _showing(query: str, cue: str, holds: re.Pattern[str]) -> str:
    swapped, n = holds.subn(lambda _: cue, query)
    if n:
        return swapped
    parts = (cue, " ", query) if cue.rstrip()[-1:] in SENTENCE_ENDS else (query, "\n\n", cue)
    return "".join(parts).strip()
