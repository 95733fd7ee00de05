"""Which items are shown, and in which order?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefair.errors import InputError, did_you_mean
from judgefair.records import MISSING_REASONS, printable
from judgefair.reviewing.known import Known
from judgefair.runs.items import ITEMS, SECOND
from judgefair.runs.parquet import pieces, readable

PAGE = 50
"""Items on a page."""
FIELDS = ("criterion", "population", "level", "missing", "gate", "human", "order", "text")
FAILED, RATED, UNRATED, FURTHEST = "failed", "yes", "no", "furthest"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked for, each "" where nothing: one filter a field, as it stands in the page's address.

    Attributes
    ----------
    criterion : an id; the other filters then look at its ratings alone.
    population : `axis: group`.
    level : `criterion: level` of the judge.
    missing : a reason of `MISSING_REASONS`.
    gate : `failed` for items of populations whose gate was not passed.
    human : `yes` or `no`, whether people rated the item.
    order : `furthest` for the largest distance of judge and humans first.
    text : stands in query, response or id, in upper or lower case.
    """

    criterion: str = ""
    population: str = ""
    level: str = ""
    missing: str = ""
    gate: str = ""
    human: str = ""
    order: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def of(cls, asked: Mapping[str, str], known: Known) -> "Choice":
        """What an address asks for; InputError where it names something that the run does not have."""
        page = asked.get("page", "1")
        if not (page.isascii() and page.isdigit() and int(page[:9]) > 0):
            raise InputError(f"page is '{page}'. Expected a number from 1")
        given: dict[str, Any] = {name: asked.get(name, "").strip() for name in FIELDS}
        for name, offered in options_of(known).items():
            if given[name] and given[name] not in offered:
                meant = did_you_mean(given[name], offered)
                raise InputError(f"{name} is '{given[name]}'.{meant} Expected one of: {', '.join(offered)}")
        return cls(**given, page=int(page[:9]))

    def address(self, path: str, **more: str | int) -> str:
        """`path` with what is chosen, and more."""
        held = {name: getattr(self, name) for name in FIELDS} | more
        told = urlencode({name: value for name, value in held.items() if value != ""})
        return f"{path}?{told}" if told else path


def options_of(known: Known) -> dict[str, dict[str, str]]:
    """By filter, what can be chosen, and how it is told; as a form can hold it, which keeps no control characters."""
    levels = [
        printable(f"{name}: {level}")
        for name, scale in known.scales.items()
        if scale.kind != "interval"  # of numbers there are too many to choose from
        for level in scale.levels
    ]
    return {
        "criterion": {name: name for name in known.scales},
        "population": {name: f"{name} ({np.sum(is_of):,})" for name, is_of in _populations(known)},
        "level": {name: name for name in levels},
        "missing": {
            reason: f"{reason.replace('_', ' ')} ({np.sum(_any(why == reason for why in known.why.values())):,})"
            for reason in MISSING_REASONS
        },
        "gate": {FAILED: "populations whose gate was not passed"},
        "human": {RATED: "rated by people", UNRATED: "not rated by people"},
        "order": {FURTHEST: "judge furthest from people first"},
    }


def chosen_rows(run: Path, known: Known, choice: Choice) -> np.ndarray:
    """(m,) the rows of the items that fit, in the order that is asked for."""
    among = [choice.criterion] if choice.criterion else list(known.scales)
    fits = np.ones(len(known.facts), dtype=bool)
    if choice.population:
        fits &= _any(is_of for name, is_of in _populations(known) if name == choice.population)
    if choice.level:
        fits &= _any(
            known.level[name] == scale.code(level)
            for name, scale in known.scales.items()
            for level in scale.levels
            if printable(f"{name}: {level}") == choice.level
        )
    if choice.missing:
        fits &= _any(known.why[name] == choice.missing for name in among)
    if choice.gate:
        failed = {
            named(axis, group) for c in known.failed if c.criterion in among for axis, group in (c.population or {}).items()
        }
        fits &= _any([np.zeros(len(fits), dtype=bool), *(is_of for name, is_of in _populations(known) if name in failed)])
    if choice.human:
        fits &= _any(known.n_humans[name] > 0 for name in among) == (choice.human == RATED)
    if choice.text:
        fits &= _holding(run, (run / ITEMS).stat().st_mtime_ns, choice.text)
    rows = np.flatnonzero(fits)
    if choice.order:
        distance = furthest_of(known, among)[rows]
        rows = rows[~np.isnan(distance)][np.argsort(-distance[~np.isnan(distance)], kind="stable")]
    return rows


def furthest_of(known: Known, criteria: Sequence[str]) -> np.ndarray:
    """(n,) the largest distance of judge and humans over criteria, as a share of the scale; nan where there is none."""
    shares = [known.apart[name] / (known.scales[name].span if known.scales[name].has_points else 1.0) for name in criteria]
    found: np.ndarray = np.fmax.reduce(shares)
    return found


def named(axis: str, group: str) -> str:
    """A population as the filters name it.

    >>> named("dialect", "mainstream")
    'dialect: mainstream'
    """
    return printable(f"{axis}: {group}")


def _populations(known: Known) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each population, and (n,) true for items that show it."""
    for axis, groups in known.axes.items():
        of = known.facts.group_of(axis)
        yield from ((named(axis, group), of == group) for group in groups)


def _any(columns: Iterable[np.ndarray]) -> np.ndarray:
    found: np.ndarray = np.any([*columns], axis=0)
    return found


@lru_cache(maxsize=8)
def _holding(run: Path, written: int, text: str) -> np.ndarray:  # noqa: ARG001 - a table that was written anew is searched anew
    """(n,) true for items in whose query, response or id a text stands; a piece of the table in memory at a time."""
    columns = ["item_id", "query", "response", SECOND]
    found = [np.zeros(0, dtype=bool)]
    with readable(run / ITEMS, "items"):
        for table in pieces(run / ITEMS, columns, rows=1_024):
            held = [pc.fill_null(pc.match_substring(column, text, ignore_case=True), False) for column in table.columns]
            found.append(np.any([pa.chunked_array(each).to_numpy() for each in held], axis=0))
    return np.concatenate(found)
