"""A tiny rubric, its program and its items, for tests that ask a model; and runs whose gaps and biases are planted."""

import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from judgefair.cli import main
from judgefair.compile import JudgeProgram, compile_judge
from judgefair.records import Item, Rating
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Judging, Rubric
from judgefair.rubric.scale import Scale
from judgefair.runs import items as run_items
from judgefair.runs import tables
from judgefair.runs.folder import PROGRAM, write_manifest
from judgefair.validation.assemble import assemble
from judgefair.validation.store import save_validation
from judgefair.validation.validation import Validation

LIBRARY_DESK = Path(__file__).parent / "rubric" / "library_desk.yaml"


@cache
def tiny_rubric(mode: str = "score", per_call: str = "one") -> Rubric:
    """Two criteria: `helpfulness` (ordinal 0-3, may not apply) and `talks_down` (binary 0/1)."""
    judging = Judging.model_validate({"mode": mode, "criteria_per_call": per_call})
    return load_rubric(LIBRARY_DESK).model_copy(update={"judging": judging})


@cache
def tiny_program(mode: str = "score", per_call: str = "one") -> JudgeProgram:
    """Its program; with `one`, two calls an item."""
    return compile_judge(tiny_rubric(mode, per_call))


def tiny_items(n: int = 3) -> list[Item]:
    """Items `i01`, `i02`, ... whose texts all differ."""
    return [Item(f"i{k:02}", f"Where is book {k}?", f"On shelf {k}.", {"age": "child"}) for k in range(1, n + 1)]


def write_items(items: Sequence[Item], path: Path) -> Path:
    """An `items.jsonl`."""
    rows = [{"item_id": item.item_id, "query": item.query, "response": item.response} for item in items]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_ratings(ratings: Iterable[Rating], scales: Mapping[str, Scale], run: Path) -> None:
    """The `ratings.parquet` of a run, as its judge stage writes it."""
    schema = tables.ratings_schema(scales.values())
    tables.write_judged([tables.ratings_table(ratings, schema)], schema, run)


def landed(run: Path) -> list[tuple[str, str, int]]:
    """Item, call and replicate of every reply in the journal of a run."""
    with closing(sqlite3.connect(run / "journal.sqlite")) as journal:
        return journal.execute("SELECT item_id, call, replicate FROM replies ORDER BY item_id, call, replicate").fetchall()


def attempts(run: Path) -> list[tuple[int, str | None]]:
    """Number and error of every attempt in the journal of a run, in order."""
    with closing(sqlite3.connect(run / "journal.sqlite")) as journal:
        return journal.execute("SELECT number, error FROM attempts ORDER BY rowid").fetchall()


def judgefair(*arguments: object) -> list[str]:
    """The command line, for a process of its own."""
    return [sys.executable, "-c", "from judgefair.cli import main; main()", *map(str, arguments)]


def run_here(line: Sequence[str], patch: pytest.MonkeyPatch) -> int:
    """The exit code of such a command line, run in this process."""
    patch.setattr(sys, "argv", ["judgefair", *line[3:]])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


# Runs with planted gaps and biases. Made up: they say nothing of any judge or system.

SEVEN = {"kind": "ordinal", "levels": {1: "low", **dict.fromkeys(range(2, 7)), 7: "high"}}
LENIENT = {"min_alpha_ratio": 0.0, "alt_test_epsilon": 0.5, "max_judge_error_gap": 6.0, "max_unparsable_rate": 1.0}
JUDGE = "planted-judge"


def planted_rubric(
    *groups: str,
    role: str = "must_ignore",
    tolerance: float = 0.25,
    scale: Mapping[str, Any] = SEVEN,
    validity: Mapping[str, float] = LENIENT,
    criteria: Sequence[str] = ("depth",),
) -> Rubric:
    """One axis, `dialect`, whose first group is the reference; a gate that any judge passes unless `validity` says more."""
    data = tiny_rubric().model_dump()
    cues = {"cues": {"name": ["somebody wrote this"], "dialect": ["somebody would write so"]}}
    axis = {"axis": "dialect", "reference": groups[0], "groups": dict.fromkeys(groups, cues)}
    context = data["context"] | {"populations": [axis], "scenarios": []}
    one = data["criteria"][0] | {"scale": dict(scale), "tolerance": tolerance, "roles": {"dialect": role}}
    one |= {"why": {"dialect": "made up"} if role == "must_use" else {}, "harms": ["fobbed_off", "talked_down"]}
    of_one = [one | {"id": name} for name in criteria]
    changed = {"context": context, "criteria": of_one, "validity": dict(validity), "composition": []}
    return Rubric.model_validate(data | changed)


def planted_items(
    rubric: Rubric, n_scenarios: int, *, topic: str = "shelf", meta: Mapping[str, Any] | None = None, first: int = 0
) -> list[Item]:
    """Scenarios with an item for each population, whose texts tell nothing of the population."""
    (axis,) = rubric.context.populations
    return [
        Item(
            f"s{s:04}-{group}", f"Where is the {topic} of {s % 7}?", f"The {topic} {s % 5} is there, {s % 3} steps on.",
            {"dialect": group}, f"s{s:04}", dict(meta or {}),
        )
        for s in range(first, first + n_scenarios)
        for group in axis.groups
    ]  # fmt: skip


def planted_ratings(
    items: Sequence[Item],
    *,
    gap: Mapping[str, float] | None = None,
    judge_made: Mapping[str, float] | None = None,
    labelled: int | Mapping[str, int] = 1_000_000,
    judge_noise: float = 0.4,
    criterion: str = "depth",
    seed: int = 0,
) -> pd.DataFrame:
    """Ratings on `SEVEN` by a judge and two humans, as `read_ratings` gives them.

    Parameters
    ----------
    gap, judge_made : by population, what the system and what the judge adds; 0 where not named.
    labelled : humans rate the first so many items of each population.
    """
    rng = np.random.default_rng(seed)
    group = [item.populations.get("dialect", "") for item in items]
    scenario = {name: rng.normal(0, 0.6) for name in dict.fromkeys(item.unit for item in items)}
    true = np.array([4 + scenario[item.unit] + (gap or {}).get(g, 0.0) for item, g in zip(items, group, strict=True)])
    true += rng.normal(0, 0.3, len(items))
    bias = np.array([(judge_made or {}).get(g, 0.0) for g in group])
    turn = pd.Series(group).groupby(group).cumcount().to_numpy()
    most = np.array([labelled if isinstance(labelled, int) else labelled.get(g, 0) for g in group])
    said = {JUDGE: true + bias + rng.normal(0, judge_noise, len(items))}
    said |= {who: np.where(turn < most, true + rng.normal(0, 0.4, len(items)), np.nan) for who in ("ann", "bob")}
    frames = []
    for who, values in said.items():
        code = np.clip(np.round(values), 1, 7)
        kind = "judge" if who == JUDGE else "human"
        columns = {"item_id": [item.item_id for item in items], "criterion": criterion, "rater_id": who, "rater_kind": kind}
        frame = pd.DataFrame(columns | {"replicate": 0, "code": code, "expected": code, "missing": "", "rationale": ""})
        frames.append(frame[frame["code"].notna()])
    return pd.concat(frames, ignore_index=True)


def planted_run(
    run: Path, rubric: Rubric, items: Sequence[Item], ratings: pd.DataFrame, *, judge: str = JUDGE, labels: str | None = None
) -> Path:
    """A run folder as `judge` leaves it, with whatever ratings there are; `labels` as a `validate` run says what they are."""
    run.mkdir(parents=True, exist_ok=True)
    program = compile_judge(rubric)
    program.save(run / PROGRAM)
    run_items.write_items(items, run)
    tables.write_coded(ratings, {criterion.id: criterion.scale for criterion in rubric.criteria}, run)
    content: dict[str, Any] = {
        "stage": "judge", "program": program.fingerprint, "model": {"name": judge, "server": "http://nowhere"},
        "items": {"n": len(items), "fingerprint": "f" * 64},
    }  # fmt: skip
    write_manifest(run, content | ({"labels": labels} if labels else {}), "2026-01-01")
    return run


def planted_validation(
    run: Path,
    rubric: Rubric,
    items: Sequence[Item],
    ratings: pd.DataFrame,
    *,
    judge: str = JUDGE,
    split: str = "test",
    labels: str = "human",
) -> Validation:
    """A run folder as `validate` leaves it: the judge held against the humans of a made-up set."""
    planted_run(run, rubric, items, ratings, judge=judge, labels=labels)
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
    scope = {
        "use_case": rubric.context.use_case, "deployment": rubric.context.deployment, "languages": ["en"],
        "rubric": {"id": rubric.id, "version": rubric.version, "fingerprint": rubric.fingerprint},
        "program": compile_judge(rubric).fingerprint, "judge": judge, "server": "http://nowhere", "mode": "score",
        "set": {"id": "made_up_set", "title": "Made-up ratings", "licence": "none", "citation": "none"},
        "split": split, "split_fingerprint": "f" * 64, "labels": labels, "rater_pool": "nobody: made up", "known_issues": [],
        "participation": "unknown", "tolerances": {c.id: c.tolerance for c in rubric.criteria}, "as_of": "2026-01-01",
    }  # fmt: skip
    raters = pd.DataFrame({"rater_id": ["ann", "bob"]})
    validation = assemble(items, ratings, raters, scales, scope, [], rubric=rubric, n_resamples=20)
    save_validation(validation, run)
    return validation


def human_csv(ratings: pd.DataFrame, path: Path) -> Path:
    """The human ratings as a person would hand them over: item_id, criterion, rater_id, value."""
    humans = ratings[ratings["rater_kind"] == "human"]
    humans.assign(value=humans["code"].astype(int))[["item_id", "criterion", "rater_id", "value"]].to_csv(path, index=False)
    return path


def without_humans(ratings: pd.DataFrame) -> pd.DataFrame:
    """The judge's ratings alone."""
    return ratings[ratings["rater_kind"] == "judge"].reset_index(drop=True)


def armed_items(
    n_blocks: int,
    profiles: Sequence[Mapping[str, str]] = ({"dialect": "a"}, {"dialect": "b"}),
    cues: Sequence[str] = ("dialect",),
    *,
    others: bool = True,
    replicates: int = 1,
) -> list[Item]:
    """Items as `items_of` makes them: blocks with an arm for each profile and cue, and `others`: neutral and a placebo.

    Ids and meta name block, arm and cue; texts do not.
    """
    arms: list[tuple[str, Mapping[str, str], dict[str, Any]]] = []
    for cue in cues:
        for profile in profiles:
            name = f"{', '.join(f'{axis}={group}' for axis, group in profile.items())}, {cue}"
            arms.append((name, profile, {"cue": cue}))
    if others:
        name, profile, meta = arms[0]
        arms.append(("neutral", {}, {}))
        arms.append((f"{name}, paraphrase", {}, meta | {"placebo": "paraphrase", "shows": dict(profile)}))
    return [
        Item(
            f"r-b{b:04}-{name}-{replicate}", f"Where is book {b} of {k}?", f"On shelf {b}, {k} steps on.",
            dict(profile), f"scenario-{b:03}", {"arm": name, "block": f"b{b:04}", "replicate": replicate, **meta},
        )
        for b in range(n_blocks)
        for k, (name, profile, meta) in enumerate(arms)
        for replicate in range(replicates)
    ]  # fmt: skip


def rated_as(items: Sequence[Item], values: Mapping[str, Sequence[float]], criterion: str = "depth") -> pd.DataFrame:
    """Ratings by whom and of which item `values` say, nan where there is none; `JUDGE` is the judge."""
    frames = []
    for who, codes in values.items():
        kind = "judge" if who == JUDGE else "human"
        columns = {"item_id": [item.item_id for item in items], "criterion": criterion, "rater_id": who, "rater_kind": kind}
        told = columns | {"replicate": 0, "code": codes, "expected": codes, "missing": "", "rationale": ""}
        frames.append(pd.DataFrame(told).dropna(subset="code"))
    return pd.concat(frames, ignore_index=True)
