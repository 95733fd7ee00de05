"""Which texts of a run does a lens read, and which declared words stand in them?"""

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from judgefair.lenses._look import Seen
from judgefair.records import Item
from judgefair.rubric.context import Axis
from judgefair.simulate.gates.words import UNSPACED, declared_cues

MAX_ROWS = 2_000
"""So many texts of an axis are read at most, so that a large run takes seconds."""


def sampled_rows(rows: np.ndarray, units: np.ndarray, seed: int, most: int = MAX_ROWS) -> np.ndarray:
    """Of some rows those of whole scenarios, drawn at random as long as they are no more than `most`; all where they fit.

    >>> sampled_rows(np.arange(6), np.array([0, 0, 1, 1, 2, 2]), seed=0, most=5).size
    4
    """
    if len(rows) <= most:
        return rows
    names, codes, sizes = np.unique(units[rows], return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    is_taken = np.zeros(len(names), dtype=bool)
    is_taken[order] = np.cumsum(sizes[order]) <= most
    return rows[is_taken[codes]]


def read_texts(seen: Seen, rows: Iterable[np.ndarray], text_of: Callable[[Item], str]) -> dict[int, str]:
    """By row, the texts that are not blank; the items are gone through once."""
    wanted = np.zeros(len(seen.facts), dtype=bool)
    for each in rows:
        wanted[each] = True
    return {row: text for row, item in enumerate(seen.items) if wanted[row] and (text := text_of(item)).strip()}


def without_cues(seen: Seen, axis: Axis) -> Callable[[str], str]:
    """Takes every cue of the axis, of whichever group and channel, out of a text where it literally stands."""
    pattern = re.compile(any_of(declared_cues([axis]), seen.rubric.context.languages), re.IGNORECASE)
    return lambda text: pattern.sub(" ", text)


def any_of(strings: Iterable[str], languages: Sequence[str]) -> str:
    """A pattern of any of the strings as whole words, the longest first; spaces of any kind are alike.

    In languages that do not part words by spaces a string counts wherever it stands.

    >>> re.findall(any_of(["Ada", "Ada Lovelace"], ["en"]), "Ada Lovelace and Adam, or Ada")
    ['Ada Lovelace', 'Ada']
    """
    is_spaced = not any(language.split("-")[0] in UNSPACED for language in languages)
    written = sorted(
        {" ".join(string.replace("’", "'").split()) for string in strings} - {""}, key=lambda text: (-len(text), text)
    )
    parts = []
    for text in written:
        before = r"(?<!\w)" if is_spaced and re.match(r"\w", text) else ""
        after = r"(?!\w)" if is_spaced and re.search(r"\w\Z", text) else ""
        parts.append(before + r"\s+".join(re.escape(word).replace("'", "['’]") for word in text.split(" ")) + after)
    return f"(?:{'|'.join(parts)})" if parts else r"(?!)"
