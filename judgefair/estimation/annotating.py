"""How do people label a run's own items? A random sample goes out blind, and what comes back is taken only whole."""

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from judgefair.calibration.annotation import Task, read_annotations, write_csv, write_label_studio
from judgefair.compile.program import load_program
from judgefair.errors import InputError, did_you_mean
from judgefair.estimation.estimation import load_estimation
from judgefair.estimation.sampling import Allocation, draw_from, draw_json, draw_sample, record_draw
from judgefair.estimation.source import given_ratings
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.runs.folder import PROGRAM, open_run, read_manifest, write_json
from judgefair.runs.labels import write_raters
from judgefair.runs.tables import add_human_ratings, read_ratings
from judgefair.runs.texts import find_items

FOLDER = "annotation"
Format = Literal["label-studio", "csv"]
WRITERS = {"label-studio": write_label_studio, "csv": write_csv}


@dataclass(frozen=True, slots=True)
class Sample:
    """What was given out.

    Attributes
    ----------
    number : 1.. of the run's samples.
    files : what annotators get; nothing in them tells population, arm or system.
    by_population : items drawn, by `axis: group`.
    """

    number: int
    files: list[Path]
    n: int
    by_population: dict[str, int]


def export_sample(
    run: Path,
    n: int,
    *,
    allocation: Allocation = "equal",
    format: Format = "label-studio",  # noqa: A002
    out: Path | None = None,
    seed: int = 0,
) -> Sample:
    """Draw `n` of a run's items at random and write them for annotators: blind, in random order.

    The key of task to item stays in the run, beside the probability with which each item was drawn.

    Parameters
    ----------
    allocation : see `draw_sample`; `worst-gap` follows the plans of the last `estimate`, where there was one.
    out : folder for what annotators get; RUN/annotation/N where left out.

    Raises
    ------
    InputError : fewer items are left; an earlier sample has not come back; the run's labels are no humans'.
    """
    rubric = rubric_to_label(run)
    if format not in WRITERS:
        raise InputError(f"--format is '{format}'.{did_you_mean(format, WRITERS)} Formats: {', '.join(WRITERS)}")
    with open_run(run):
        keys = sample_keys(run)
        waiting = [number for number, key in keys.items() if not key["imported"]]
        if waiting:
            path = key_path(run, waiting[0])
            raise InputError(
                f"{path}: sample {waiting[0]} has not come back yet. Import it first (judgefair annotate import {run} FILE), or give it up by "
                "deleting that file"
            )
        found = load_estimation(run)
        draw = draw_sample(run, rubric.context, n, allocation=allocation, plans=found.plans if found else (), seed=seed)
        number = max(keys, default=0) + 1
        tasks = {f"t{place:05}": item for place, item in enumerate(draw.items, start=1)}
        swapped = _drawn_to_swap(tasks, rubric, seed)
        given = _tasks(tasks, swapped)
        files = WRITERS[format](given, rubric, out or run / FOLDER / str(number))
        key = {
            "rubric": rubric.fingerprint,
            "tasks": {task_id: item.item_id for task_id, item in tasks.items()},
            **({"swapped": swapped} if swapped else {}),
            "imported": False,
        }
        key_path(run, number).parent.mkdir(exist_ok=True)
        write_json(key_path(run, number), key | {"draw": draw_json(draw)})
    counts: dict[str, int] = {}
    for item in draw.items:
        for axis, group in item.populations.items():
            counts[f"{axis}: {group}"] = counts.get(f"{axis}: {group}", 0) + 1
    return Sample(number, files, len(draw.items), counts)


def import_annotations(run: Path, path: Path, raters: Path | None = None) -> tuple[int, int, int]:
    """Read annotations of the sample that is out into the run: ratings, raters' attributes, and how the items were drawn.

    Parameters
    ----------
    path : an export of Label Studio, a filled sheet, or a folder of them.
    raters : CSV of rater_id and one column an attribute.

    Returns
    -------
    Number of ratings, of items and of raters.

    Raises
    ------
    InputError : no sample is out; the annotations are of other tasks, changed, contradictory or not complete; nothing is then kept.
    """
    rubric = rubric_to_label(run)
    with open_run(run):
        waiting = [number for number, key in sample_keys(run).items() if not key["imported"]]
        if not waiting:
            raise InputError(f"{run}: no sample is out. Draw one with: judgefair annotate export {run} --n 200")
        key = sample_keys(run)[waiting[0]]
        if key["rubric"] != rubric.fingerprint:
            raise InputError(f"{run}: the sample was given out under another rubric ({key['rubric'][:12]}). Draw another one")
        items = {item.item_id: item for item in find_items(run, {*key["draw"]["items"], *key["tasks"].values()})}
        draw = draw_from(key["draw"], items, key_path(run, waiting[0]))
        swapped = key.get("swapped", [])
        tasks = _tasks({task_id: items[item_id] for task_id, item_id in key["tasks"].items()}, swapped)
        found = read_annotations(path, tasks, rubric, raters)
        table = found.ratings.assign(item_id=found.ratings["task_id"].map(key["tasks"])).drop(columns="task_id")
        scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
        given, _ = given_ratings(table.drop(columns="rationale"), scales, pa.array(items, pa.string()))
        turned = given["item_id"].isin([key["tasks"][task_id] for task_id in swapped])  # back into the items' own order
        given.loc[turned, ["code", "expected"]] *= -1
        said = table.set_index(["item_id", "criterion", "rater_id"])["rationale"]
        given["rationale"] = said.reindex(pd.MultiIndex.from_frame(given[["item_id", "criterion", "rater_id"]])).to_numpy()
        humans = pd.concat([read_ratings(run, scales, kind="human"), given], ignore_index=True)
        same = ["item_id", "criterion", "rater_id", "replicate"]
        add_human_ratings(humans.drop_duplicates(same, keep="last"), scales, run)
        write_raters(found.raters, run)
        record_draw(draw, run)
        write_json(key_path(run, waiting[0]), key | {"imported": True})
    return len(given), given["item_id"].nunique(), given["rater_id"].nunique()


def _drawn_to_swap(tasks: Mapping[str, Item], rubric: Rubric, seed: int) -> list[str]:
    """Half of the tasks that show two responses, drawn at random: what people prefer for being first then favours neither side."""
    pairs = [task_id for task_id, item in tasks.items() if item.second_response is not None]
    kinds = {criterion.scale.compares for criterion in rubric.criteria}
    if pairs and len(kinds) > 1:
        raise InputError(
            f"{rubric.id}: some criteria compare two responses and some rate one, and one sheet cannot show both. Make two rubrics of them"
        )
    if kinds == {False}:
        return []
    return sorted(random.Random(seed).sample(pairs, len(pairs) // 2))


def _tasks(items: Mapping[str, Item], swapped: Collection[str]) -> list[Task]:
    return [
        Task(task_id, item.query, item.swapped.shown if task_id in swapped else item.shown) for task_id, item in items.items()
    ]


def rubric_to_label(run: Path) -> Rubric:
    """The rubric of a run that people may label; InputError where there is none, or its labels are not people's."""
    if not (run / PROGRAM).is_file():
        raise InputError(
            f"{run}: has no {PROGRAM}, and annotators need the rubric in it. Expected a run that judgefair judge filled"
        )
    labels = read_manifest(run).get("labels", "human")
    if labels != "human":
        raise InputError(
            f"{run}: its labels are {labels}, and people's would stand among them. Label a run that has none or people's own"
        )
    return load_program(run / PROGRAM).rubric


def key_path(run: Path, number: int) -> Path:
    """Where the key of a sample lies: which task is which item, and how they were drawn."""
    return run / FOLDER / f"{number}.json"


def sample_keys(run: Path) -> dict[int, dict[str, Any]]:
    """The keys of all samples, by number."""
    found = {}
    for path in sorted((run / FOLDER).glob("*.json")):
        if not path.stem.isdigit():  # what annotators handed back may lie beside the keys
            continue
        try:
            found[int(path.stem)] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: cannot be read ({error}). It is the key of a sample: restore it from a copy") from None
    return dict(sorted(found.items()))
