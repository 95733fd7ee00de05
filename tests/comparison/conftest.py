"""Three scripted judges in four made-up contexts. No number here says anything of any judge."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import judgefair as jf
from judgefair.calibration import CalibrationSet
from judgefair.calibration.card import Card
from judgefair.calibration.ratings import rated_items
from judgefair.models.stand_ins import Scripted
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_rubric

NAMES = ("careful", "hasty", "blind")
ERRS = {"careful": 0.05, "hasty": 0.35, "blind": 1.0}
"""Share of items on which a judge says just anything; on the others it says what is planted in the text."""
RATERS = ("ann", "bob", "cem", "dot")
N_ITEMS = 100
SETS = ("shelves", "desks", "maps", "maps_b")


def reader(name: str, errs: float | None = None) -> Scripted:
    """A judge that finds the level planted in the text, or by the text's hash misses it."""
    share = ERRS[name] if errs is None else errs

    def pick(text: str, options: list[Any]) -> int:
        digest = hashlib.sha256(f"{name} {text}".encode()).digest()
        level = int(re.findall(r"planted=(\d)", text)[-1])
        return digest[1] % len(options) if digest[0] < 256 * share else level - 1

    return Scripted(name, pick)


def rubric_of(rubric_id: str, version: str = "1.0.0", criteria: tuple[str, ...] = ("depth",)) -> Rubric:
    """A rubric of the tests under another name."""
    rubric = planted_rubric("a", "b", criteria=criteria)
    asked = [criterion.model_copy(update={"not_applicable": None}) for criterion in rubric.criteria]
    return rubric.model_copy(update={"id": rubric_id, "version": version, "criteria": asked})


def ratings_of(name: str, n_items: int = N_ITEMS, *, in_scenarios: bool = False, n_raters: int = 4) -> pd.DataFrame:
    """Ratings 1 to 7 by made-up humans, as a long table with the items' texts."""
    rng = np.random.default_rng(list(name.encode()))
    rows = []
    for i in range(n_items):
        level = int(rng.integers(1, 8))
        about = {
            "item_id": f"{name}-{i:03}", "query": f"Where is {name} {i}?", "response": f"There, planted={level}.",
            "scenario_id": f"{name}-s{i // 2}" if in_scenarios else "", "pop.dialect": "ab"[i % 2],
        }  # fmt: skip
        for rater in RATERS[:n_raters]:
            value = int(np.clip(level + rng.choice([-1, 0, 0, 0, 1]), 1, 7))
            rows.append({**about, "rater_id": rater, "value": value})
    return pd.DataFrame(rows)


def set_of(
    name: str, table: pd.DataFrame, rubric: Rubric, *, labels: str = "human", criteria: tuple[str, ...] = ("depth",)
) -> CalibrationSet:
    """A calibration set with these ratings of each criterion."""
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria if criterion.id in criteria}
    card = Card.model_validate(
        {
            "id": name, "title": "Made-up ratings", "citation": "none", "licence": "none", "homepage": "none", "labels": labels,
            "rater_pool": "nobody: made up", "source": {"kind": "files"}, "known_issues": [],
            "criteria": {
                name: {"scale": {"kind": scale.kind, "levels": dict(scale.levels)}, "polarity": "made up"} for name, scale in scales.items()
            },
        }
    )  # fmt: skip
    long = pd.concat([table.assign(criterion=criterion) for criterion in criteria]).astype(str)
    return CalibrationSet(card, rated_items(long, scales, name), Path())


def validated(run: Path, judge: Scripted, rubric: Rubric, cset: CalibrationSet, **options: Any) -> Path:
    """A folder as `validate` leaves it."""
    jf.validate(
        jf.compile_judge(rubric),
        cset,
        judge,
        run=run,
        use_cache=False,
        as_of="2026-01-01",
        n_resamples=20,
        **{"split": "all"} | options,
    )
    return run


@dataclass(frozen=True)
class World:
    """Runs of every judge in every context; `tables` are the ratings of each set."""

    runs: dict[tuple[str, str], Path]
    tables: dict[str, pd.DataFrame]

    @property
    def folders(self) -> list[Path]:
        """In the order of sets, then judges."""
        return list(self.runs.values())


def context(name: str) -> str:
    """The context of a set of `world`."""
    return f"{'other' if name == 'maps_b' else 'library'} 1.0.0, {name}, all"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two sets in scenarios, two of single items; three under one rubric, and one under another."""
    folder = tmp_path_factory.mktemp("world")
    tables = {name: ratings_of(name, in_scenarios=name in {"shelves", "desks"}) for name in SETS}
    runs = {}
    for name, table in tables.items():
        rubric = rubric_of("other" if name == "maps_b" else "library")
        cset = set_of(name, table, rubric)
        for judge in NAMES:
            runs[name, judge] = validated(folder / f"{name}-{judge}", reader(judge), rubric, cset)
    return World(runs, tables)
