"""From one file to one report: a rubric, simulated users, systems, judges and labels, every stage resumable."""

import datetime
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from judgefair.calibration import load_calibration_set
from judgefair.calibration.ratings import read_table
from judgefair.compile import JudgeProgram, compile_judge, load_program
from judgefair.errors import BudgetError, InputError
from judgefair.estimation import estimate
from judgefair.estimation.sampling import Allocation, draw_sample, record_draw
from judgefair.estimation.simulated import PLANTED
from judgefair.models import Model, choose_model
from judgefair.models.budget import Budget
from judgefair.models.planted import Planted, PlantedModel, World, truths
from judgefair.records import Item, Query, Response
from judgefair.reporting import build_report, write_report
from judgefair.rubric import load_rubric
from judgefair.rubric.context import Cue, Strict
from judgefair.rubric.strict_yaml import read_yaml, validate
from judgefair.runs.asking import Progress
from judgefair.runs.folder import read_manifest, write_json, write_manifest
from judgefair.runs.judge_stage import judge
from judgefair.runs.labels import SAMPLING
from judgefair.runs.logs import LogCard, keep_card, read_logs
from judgefair.runs.queries import DESIGN, QUERIES, RESPONSES, items_of, write_queries, write_responses
from judgefair.runs.respond_stage import respond, system_json
from judgefair.runs.simulate_stage import simulate
from judgefair.runs.tables import add_human_ratings
from judgefair.simulate import balancing_weights, describe, plan
from judgefair.targets import Target, make_target
from judgefair.targets.chat import Chat
from judgefair.targets.chat import Settings as ChatSettings
from judgefair.validation import validate as validate_judge

CALIBRATION, STUDY = "calibration", "study.yaml"
TEMPLATE, PLANTED_MODEL = "template", "scripted:planted"
MEAN_TOKENS_OF_ANSWER = 200
"""What a dry run takes an answer to be; the price it tells says so."""


class PlanOptions(Strict):
    """What is simulated: the `plan` block of a study."""

    scenarios: int | None = Field(None, ge=1, description="how many; all of the rubric's where left out")
    strength: int = Field(1, ge=1, description="1 shows one axis at a time; more crosses axes")
    axes: list[str] | None = Field(None, description="a list of axes; all where left out")
    cues: list[Cue] | None = Field(None, description="a list of channels: explicit, name, dialect, situation; all where left out")
    placebos: bool = Field(True, description="true or false: whether reference arms are said again in other words")
    render: str = Field(TEMPLATE, description="template, or a model that rewrites queries")
    reader: str | None = Field(None, description="a model that checks rewritten queries; another one than the writer")
    rerenders: int = Field(2, ge=0, description="how often a query that fails a gate is rendered again")
    dialogue: int = Field(1, ge=1, description="user turns at most; above 1 a model goes on as the user")
    user: str | None = Field(None, description="the model that speaks for users in a dialogue")
    logs: str | None = Field(None, description="folder of real queries that `simulate import` wrote")


class System(BaseModel):
    """One system under evaluation; what else it says are settings of its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="a short name in lower case")
    kind: str = Field("chat", description="chat, recorded or python")
    replicates: int = Field(1, ge=1, strict=True, description="answers to each query")


class JudgeOptions(Strict):
    """One judge."""

    model: str = Field(description="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL")
    program: str | None = Field(None, description="a judge program; the rubric's plain one where left out")
    key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    timeout: float = Field(600, gt=0, description="seconds that one request may take")


class CalibrationOptions(Strict):
    """Which human labels the judge is held against."""

    set: str | None = Field(None, description="a calibration set; its judge error is carried over where the run has no labels")
    split: Literal["train", "dev", "test", "all"] = Field("test", description="train, dev, test or all")
    ratings: str | None = Field(None, description="human ratings of the run's own items")
    n: int | None = Field(None, ge=1, description="in a planted study, how many items the simulated raters label")
    allocation: Allocation = Field("equal", description="in a planted study, worst-gap or equal")


class BudgetOptions(Strict):
    """Hard limits for the whole study."""

    calls: int | None = Field(None, ge=0, description="requests at most")
    tokens: int | None = Field(None, ge=0, description="tokens at most")


class Price(Strict):
    """What a model costs."""

    input: float = Field(ge=0, description="for a million prompt tokens")
    output: float = Field(ge=0, description="for a million completion tokens")


class Study(Strict):
    """A `study.yaml`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in lower case")
    rubric: str = Field(description="a rubric's folder, its file, or the id of a shipped one")
    seed: int = Field(0, ge=0, description="of everything that is drawn")
    as_of: datetime.date | None = Field(
        None, description="the date of the study, such as 2026-05-02; the day it first runs where left out"
    )
    plan: PlanOptions = Field(default_factory=PlanOptions, description="what is simulated")
    systems: list[System] = Field(min_length=1, description="a list of systems under evaluation")
    judges: list[JudgeOptions] = Field(min_length=1, description="a list of judges")
    refusals: Literal["markers", "judge"] = Field(
        "judge", description="markers (exact openings alone), or judge (the first judge reads the others too)"
    )
    calibration: CalibrationOptions = Field(default_factory=CalibrationOptions, description="human labels")
    budget: BudgetOptions = Field(default_factory=BudgetOptions, description="calls and tokens")
    prices: dict[str, Price] = Field(
        default_factory=dict, description="a mapping of model to {input, output}, in any one currency"
    )
    concurrency: int = Field(8, ge=1, description="requests in flight at most")
    planted: Planted | None = Field(None, description="for scripted:planted systems and judges: what is true by construction")


OnProgress = Callable[[str], Callable[[Progress], None]]
"""Given the name of a stage, what is to be called as it goes on."""


def load_study(path: str | os.PathLike[str]) -> Study:
    """Read and check a study file.

    Raises
    ------
    InputError : every problem with its line; or scripted raters beside a system or judge that is not scripted.
    """
    document = read_yaml(Path(path))
    study = validate(document, Study)
    for where, names in (
        ("systems", [system.id for system in study.systems]),
        ("judges", [options.model for options in study.judges]),
    ):
        twice = [name for name, count in Counter(map(_folder_name, names)).items() if count > 1]
        if twice:
            raise InputError(f"{document.at((where,))}: '{twice[0]}' stands twice. Give each its own name")
    used = [str(getattr(system, "model", "")) for system in study.systems] + [options.model for options in study.judges]
    if study.planted is not None and (set(used) != {PLANTED_MODEL} or study.plan.render != TEMPLATE):
        raise InputError(
            f"{document.at(('planted',))}: simulated raters beside a real system, judge or renderer would pass for people. "
            f"Write model: {PLANTED_MODEL} for every system and judge and render: {TEMPLATE}, or leave `planted` out"
        )
    if study.planted is None and PLANTED_MODEL in used:
        raise InputError(f"{document.at(('systems',))}: {PLANTED_MODEL} needs a `planted` block that says what is true of it")
    if study.planted is None and study.calibration.n is not None:
        raise InputError(
            f"{document.at(('calibration', 'n'))}: labels of the run are drawn and rated by simulated raters in a planted study only. "
            "For people: judgefair annotate export RUN, then annotate import"
        )
    if study.plan.dialogue > 1 and study.plan.user is None:
        raise InputError(
            f"{document.at(('plan', 'dialogue'))}: a dialogue needs a model that speaks for the user. Write user: MODEL"
        )
    return study


def price(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a study would do and cost, without doing it: its design, calls and tokens by model and stage, and money where prices are known."""
    work = _Work(Path(path), None)
    design, study = work.design, work.study
    n_queries = design.n_queries + len(work.logs)
    answered = n_queries * sum(system.replicates for system in study.systems)
    arms = sum(arm.cue is not None for arm in design.arms)
    calls: dict[tuple[str, str], int] = Counter()
    if study.plan.render != TEMPLATE:
        calls["render", study.plan.render] += arms * len(design.blocks)
        if study.plan.reader:
            calls["check", study.plan.reader] += sum(1 + len(arm.populations) for arm in design.arms if arm.cue) * len(
                design.blocks
            )
    for system, target in zip(study.systems, work.targets, strict=True):
        if system.kind != "recorded":
            turns = sum(len(block.turns) for block in design.blocks) * len(design.arms) + sum(
                len(query.turns) for query in work.logs
            )
            most = turns + n_queries * (study.plan.dialogue - 1)
            calls["respond", str(target.settings.get("model", target.id))] += most * system.replicates
    if study.plan.dialogue > 1 and study.plan.user:
        calls["user", study.plan.user] += answered * (study.plan.dialogue - 1)
    if study.refusals == "judge":
        calls["refusal", study.judges[0].model] += answered
    rated = (
        len(load_calibration_set(work.found(study.calibration.set)).take(study.calibration.split).items)
        if study.calibration.set
        else 0
    )
    for options, program in zip(study.judges, work.programs, strict=True):
        calls["judge", options.model] += answered * len(program.prompts)
        if rated:
            calls["validate", options.model] += rated * len(program.prompts)
    characters = _typical_prompt(work.programs[0])
    rows: list[dict[str, Any]] = []
    for (stage, model), n in calls.items():
        tokens = {"input": n * characters // 4, "output": n * MEAN_TOKENS_OF_ANSWER}
        known = study.prices.get(model)
        money = None if known is None else (tokens["input"] * known.input + tokens["output"] * known.output) / 1e6
        rows.append({"stage": stage, "model": model, "calls": n, "tokens": tokens, "price": money})
    unpriced = sorted({row["model"] for row in rows if row["price"] is None})
    return {
        **describe(design, work.rubric), "calls": sum(calls.values()), "by_stage": rows,
        "price": sum(row["price"] for row in rows if row["price"] is not None) if len(unpriced) < len(rows) else None,
        "unpriced": unpriced, "assumed_tokens": {"prompt": characters // 4, "answer": MEAN_TOKENS_OF_ANSWER},
    }  # fmt: skip


def run_study(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    use_cache: bool = True,
    instead: Mapping[str, str] | None = None,
    on_progress: OnProgress = lambda _: lambda _: None,
) -> Path:
    """Do what a study file says, and write its report.

    Run again, every stage goes on from what it holds. The folder then has queries, responses and, for one system and one
    judge, the run itself; for more, a run in `SYSTEM/JUDGE/` for each pair.

    Parameters
    ----------
    out : the run folder; `runs/<id>` where left out.
    instead : by model that the study names, the one to use in its place, such as `{"local": "scripted:hash"}` to try it out.

    Raises
    ------
    InputError, ModelError : as the stages do; what had landed is kept.
    BudgetError : the budget ended simulation or answers; where it ends judging, the report tells what is missing.

    Returns
    -------
    The run folder; `judgefair.build_report` reads it.
    """
    source = Path(path)
    return _Work(source, None if out is None else Path(out), use_cache, instead or {}, on_progress).run()


@dataclass(frozen=True, slots=True)
class _Cell:
    """One system, judged by one judge."""

    target: Target
    judge: Model
    program: JudgeProgram
    folder: Path


class _Work:
    def __init__(
        self,
        path: Path,
        out: Path | None,
        use_cache: bool = True,
        instead: Mapping[str, str] | None = None,
        on_progress: OnProgress = lambda _: lambda _: None,
    ) -> None:
        self.study = study = load_study(path)
        self._instead = instead or {}
        self._path, self._use_cache, self._on_progress = path, use_cache, on_progress
        self._beside = path.resolve().parent
        self.out = out or Path("runs") / study.id
        self.rubric = load_rubric(self.found(study.rubric))
        self.design = plan(
            self.rubric, study.plan.scenarios, strength=study.plan.strength, axes=study.plan.axes, cues=study.plan.cues,
            placebos=study.plan.placebos, seed=study.seed,
        )  # fmt: skip
        self.world = World(study.planted, self.rubric, study.seed) if study.planted else None
        self._card: LogCard | None = None
        self.logs: list[Query] = []
        if study.plan.logs:
            self._card, self.logs = read_logs(self._beside / study.plan.logs)
        self.targets = [self._target(system) for system in study.systems]
        self.programs = [
            load_program(self._beside / options.program, self.rubric) if options.program else compile_judge(self.rubric)
            for options in study.judges
        ]
        self._as_of = study.as_of.isoformat() if study.as_of else None
        self._budget = Budget(study.budget.calls, study.budget.tokens)

    def run(self) -> Path:
        self._refuse_another_study()
        self.out.mkdir(parents=True, exist_ok=True)
        judges = [self._model(options.model, options.key_env, options.timeout) for options in self.study.judges]
        queries = self._simulated()
        (self.out / RESPONSES).unlink(missing_ok=True)  # of this study's systems alone; the journal has what landed
        pairs = zip(self.targets, self.study.systems, strict=True)
        responses = {target.id: self._answers(queries, target, system, judges[0]) for target, system in pairs}
        items = {target_id: items_of(queries, answers) for target_id, answers in responses.items()}
        ratings = self._ratings(items)
        cells = list(self._cells(judges))
        for cell in cells:
            self._judged(cell, items[cell.target.id], queries, responses[cell.target.id])
            self._labelled(cell)
            estimate(cell.folder, validation=self._validated(cell), ratings=ratings.get(cell.target.id), seed=self.study.seed)
            if cell.folder != self.out:
                write_report(build_report(cell.folder), cell.folder)
        self._closing(cells)
        return self.out

    def _refuse_another_study(self) -> None:
        """A folder holds one study, planted or real, of one pair of system and judge or of several."""
        earlier = read_manifest(self.out) if self.out.is_dir() else {}
        told = earlier.get("study", self.study.id), earlier.get("labels") == "simulated", "cells" in earlier
        wanted = self.study.id, self.world is not None, len(self.targets) * len(self.programs) > 1
        if "study" in earlier and told != wanted:
            kinds = [f"{'planted' if planted else 'real'} study {name} of {'several pairs' if several else 'one pair'} of system and judge"
                     for name, planted, several in (told, wanted)]  # fmt: skip
            raise InputError(f"{self.out}: holds the {kinds[0]}, and this is the {kinds[1]}. Choose another --out")

    def found(self, source: str) -> Path | str:
        """A path beside the study file, or what it says as it is."""
        return self._beside / source if (self._beside / source).exists() else source

    def _model(self, name: str, key_env: str = "OPENAI_API_KEY", timeout: float = 600) -> Model:
        if self.world is not None and name == PLANTED_MODEL:
            return PlantedModel(self.world)
        return choose_model(self._instead.get(name, name), key_env=key_env, timeout=timeout)

    def _target(self, system: System) -> Target:
        settings = dict(system.model_extra or {})
        if settings.get("model") in self._instead:
            settings["model"] = self._instead[settings["model"]]
        if self.world is not None and system.kind == "chat":
            make_target(system.id, system.kind, {**settings, "model": "scripted:first"}, self._beside)  # refuses in words
            return Chat(system.id, PlantedModel(self.world), ChatSettings(**settings))
        return make_target(system.id, system.kind, settings, self._beside)

    def _simulated(self) -> list[Query]:
        options, failing = self.study.plan, self.study.planted.failing_renders if self.study.planted else 0.0

        def fails(query_id: str, attempt: int) -> bool:
            return self.world is not None and self.world.uniform(f"render|{query_id}|{attempt}") < failing

        tell, lost = self._on_progress("simulating users"), Counter[str]()

        def watched(progress: Progress) -> None:
            lost["over_budget"] = progress.missing["over_budget"]
            tell(progress)

        rendered = simulate(
            self.rubric, self.design, self.out,
            renderer=None if options.render == TEMPLATE else self._model(options.render),
            reader=self._model(options.reader) if options.reader else None,
            rerenders=options.rerenders, dialogue=options.dialogue, concurrency=self.study.concurrency, budget=self._budget,
            use_cache=self._use_cache, as_of=self._as_of, fails=fails, on_progress=watched,
        )  # fmt: skip
        _stop_over_budget(lost["over_budget"], "questions to the models that write and check queries")
        queries = [*rendered, *self.logs]
        if self.logs:
            write_queries(queries, self.out)
        if not any(query.kept for query in rendered):
            gates = Counter(query.rejected_because for query in queries if not str(query.rejected_because).startswith("block"))
            why = ", ".join(f"{gate}: {n}" for gate, n in gates.most_common(3))
            raise InputError(
                f"{self.out / QUERIES}: no block of queries passed the gates ({why}). Look at its rejected_because column"
            )
        return queries

    def _answers(self, queries: Sequence[Query], target: Target, system: System, judge: Model) -> list[Response]:
        options = self.study.plan
        responses = respond(
            queries, target, self.out, replicates=system.replicates,
            refusal_judge=judge if self.study.refusals == "judge" else None,
            user=self._model(options.user) if options.user else None, dialogue=options.dialogue,
            concurrency=self.study.concurrency, budget=self._budget, use_cache=self._use_cache,
            on_progress=self._on_progress(f"{target.id} answers"),
        )  # fmt: skip
        lost = sum(response.missing is not None and response.missing.reason == "over_budget" for response in responses)
        _stop_over_budget(lost, f"queries to {target.id}")
        return responses

    def _cells(self, judges: Sequence[Model]) -> Iterator[_Cell]:
        is_one = len(self.targets) * len(judges) == 1
        if len({_folder_name(model.name) for model in judges}) < len(judges):
            raise InputError(
                f"{self._path}: two judges go by one name. Serve them under different names, so that their runs stand apart"
            )
        for target in self.targets:
            for model, program in zip(judges, self.programs, strict=True):
                folder = self.out if is_one else self.out / target.id / _folder_name(model.name)
                yield _Cell(target, model, program, folder)

    def _judged(self, cell: _Cell, items: Sequence[Item], queries: Sequence[Query], responses: Sequence[Response]) -> None:
        cell.folder.mkdir(parents=True, exist_ok=True)
        if self._card is not None:
            keep_card(self._card, cell.folder)
        if cell.folder != self.out:
            write_queries(queries, cell.folder)
            write_responses(responses, cell.folder)
            shutil.copyfile(self.out / DESIGN, cell.folder / DESIGN)
        labels = {"labels": "simulated"} if self.world else {}
        judge(
            cell.program, items, cell.judge, cell.folder, concurrency=self.study.concurrency, budget=self._budget,
            use_cache=self._use_cache, as_of=self._as_of,
            beside={
                "stage": "study", "study": self.study.id, "seed": self.study.seed,
                "system": system_json(cell.target), **labels,
            },
            on_progress=self._on_progress(f"{cell.judge.name} judges {cell.target.id}"),
        )  # fmt: skip
        if self.world is not None:
            arms = [arm for arm in self.design.arms if arm.placebo is None and arm.populations]
            weights = {axis: balancing_weights([arm.populations for arm in arms], axis) for axis in self.design.axes}
            told = [(arm.populations, arm.cues, {axis: weights[axis][k] for axis in weights}) for k, arm in enumerate(arms)]
            write_json(cell.folder / PLANTED, truths(self.world, told, self.rubric.context))

    def _labelled(self, cell: _Cell) -> None:
        """In a planted study, what the simulated raters say of a sample of the run's items."""
        n = self.study.calibration.n
        if self.world is None or n is None:
            return
        (cell.folder / SAMPLING).unlink(missing_ok=True)  # drawn anew, and from one seed the same
        draw = draw_sample(
            cell.folder, self.rubric.context, n, allocation=self.study.calibration.allocation, seed=self.study.seed
        )
        raters = [f"simulated-{k + 1}" for k in range(self.world.planted.raters)]
        rows = [
            {
                "item_id": item.item_id, "criterion": criterion.id, "rater_id": rater, "rater_kind": "human", "replicate": 0,
                "code": criterion.scale.code(self.world.rated(item, criterion, rater)), "missing": "", "rationale": "",
            }
            for item in draw.items
            for criterion in self.rubric.criteria
            for rater in raters
        ]  # fmt: skip
        add_human_ratings(pd.DataFrame(rows), {c.id: c.scale for c in self.rubric.criteria}, cell.folder)
        record_draw(draw, cell.folder)

    def _validated(self, cell: _Cell) -> Path | None:
        """The judge held against an outside set, once for each judge."""
        options = self.study.calibration
        if options.set is None:
            return None
        folder = self.out / CALIBRATION / _folder_name(cell.judge.name)
        cset = load_calibration_set(self.found(options.set))
        validate_judge(
            cell.program, cset, cell.judge, split=options.split, run=folder, concurrency=self.study.concurrency, budget=self._budget,
            use_cache=self._use_cache, as_of=self._as_of, seed=self.study.seed,
            on_progress=self._on_progress(f"{cell.judge.name} judges {cset.id}"),
        )  # fmt: skip
        return folder

    def _ratings(self, items: Mapping[str, Sequence[Item]]) -> dict[str, pd.DataFrame]:
        """By system, the human ratings that the study names, in whatever order one file has them."""
        name = self.study.calibration.ratings
        if name is None:
            return {}
        table = read_table(self._beside / name)
        of = {item.item_id: target_id for target_id, mine in items.items() for item in mine}
        strangers = [item_id for item_id in table["item_id"] if item_id not in of] if "item_id" in table else []
        if strangers or "item_id" not in table:
            found = f"item_id '{strangers[0]}' is no item of the study" if strangers else "there is no column item_id"
            raise InputError(
                f"{self._beside / name}: {found}. Expected ratings of the study's own items, as items.parquet names them"
            )
        by_system = table["item_id"].map(of)
        return {target_id: table[by_system == target_id].reset_index(drop=True) for target_id in sorted(set(by_system))}

    def _closing(self, cells: Sequence[_Cell]) -> None:
        """The study file beside its results, and the report of all systems and judges."""
        if self._path.resolve() != (self.out / STUDY).resolve():
            shutil.copyfile(self._path, self.out / STUDY)
        if len(self.targets) * len(self.programs) > 1:
            folders = [str(cell.folder.relative_to(self.out)) for cell in cells]
            stands = {"stage": "study", "study": self.study.id, "seed": self.study.seed, "cells": folders}
            stands |= {"labels": "simulated"} if self.world else {}
            write_manifest(self.out, {**read_manifest(self.out), **stands}, self._as_of)
        write_report(build_report(self.out), self.out)


def _stop_over_budget(n: int, what: str) -> None:
    if n:
        raise BudgetError(
            f"{n:,} {what} were not put: the study's budget is used up. What had landed is kept; raise budget in the study file, and the same "
            "command goes on from here"
        )


def _folder_name(model: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in model)


def _typical_prompt(program: JudgeProgram) -> int:
    """Characters that one judgment sends, with a short query and response."""
    rendered = program.render(Item("i", "q" * 400, "r" * 4 * MEAN_TOKENS_OF_ANSWER))
    return int(np.mean([sum(len(message["content"]) for message in messages) for messages in rendered.values()]))
