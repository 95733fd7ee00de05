"""From one file to one report: simulated users, systems, judges and labels, every stage resumable."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judgefair.calibration import load_calibration_set
from judgefair.calibration.ratings import read_table
from judgefair.compile import JudgeProgram, compile_judge, load_program
from judgefair.errors import BudgetError, InputError
from judgefair.estimation import estimate
from judgefair.estimation.sampling import draw_sample, record_draw
from judgefair.estimation.simulated import PLANTED
from judgefair.folders import safe_name
from judgefair.models import Model, choose_model
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.planted import PlantedModel, World, truths
from judgefair.models.prices import by_name
from judgefair.records import Item, Query, Response
from judgefair.reporting import build_report, write_report
from judgefair.rubric import load_rubric
from judgefair.runs.asking import Progress
from judgefair.runs.folder import read_manifest, write_json, write_manifest
from judgefair.runs.judge_stage import judge
from judgefair.runs.labels import SAMPLING
from judgefair.runs.logs import LogCard, keep_card, read_logs
from judgefair.runs.queries import DESIGN, QUERIES, RESPONSES, items_of, write_queries, write_responses
from judgefair.runs.respond_stage import respond, system_json
from judgefair.runs.simulate_stage import simulate
from judgefair.runs.tables import add_human_ratings
from judgefair.simulate import balancing_weights, plan
from judgefair.study.options import CALIBRATION, PLANTED_MODEL, TEMPLATE, System, load_study
from judgefair.targets import Target, make_target
from judgefair.targets.chat import Chat
from judgefair.targets.chat import Settings as ChatSettings
from judgefair.validation import validate as validate_judge

STUDY = "study.yaml"

OnProgress = Callable[[str], Callable[[Progress], None]]
"""Given the name of a stage, what is to be called as it goes on."""


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
    return Pipeline(source, None if out is None else Path(out), use_cache, instead or {}, on_progress).run()


@dataclass(frozen=True, slots=True)
class _Cell:
    """One system, judged by one judge."""

    target: Target
    judge: Model
    program: JudgeProgram
    folder: Path


class Pipeline:
    """One study, and what it is made of; `run` does what its file says."""

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
        allowed = study.budget
        self._budget = Budget(allowed.calls, allowed.tokens, allowed.cost, allowed.seconds, by_name(study.prices))
        self._limits = Limits(study.limits.requests_per_minute, study.limits.tokens_per_minute)
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

    def run(self) -> Path:
        """Every stage in turn; the run folder."""
        self._refuse_another_study()
        self.out.mkdir(parents=True, exist_ok=True)
        judges = [self._model(o.model, o.key_env, o.key_file, o.timeout) for o in self.study.judges]
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

    def _model(self, name: str, key_env: str = "OPENAI_API_KEY", key_file: str | None = None, timeout: float = 600) -> Model:
        if self.world is not None and name == PLANTED_MODEL:
            return PlantedModel(self.world)
        model = choose_model(
            self._instead.get(name, name),
            key_env=key_env,
            key_file=self._beside / key_file if key_file else None,
            timeout=timeout,
        )
        self._budget.refuse_unpriced(model.name)
        return model

    def _target(self, system: System) -> Target:
        settings = dict(system.model_extra or {})
        if settings.get("model") in self._instead:
            settings["model"] = self._instead[settings["model"]]
        if self.world is not None and system.kind == "chat":
            make_target(system.id, system.kind, {**settings, "model": "scripted:first"}, self._beside)  # refuses in words
            return Chat(system.id, PlantedModel(self.world), ChatSettings(**settings))
        target = make_target(system.id, system.kind, settings, self._beside)
        if isinstance(target, Chat):
            self._budget.refuse_unpriced(target.model.name)
        return target

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
            rerenders=options.rerenders, dialogue=options.dialogue, concurrency=self.study.concurrency, budget=self._budget, limits=self._limits,
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
            concurrency=self.study.concurrency, budget=self._budget, limits=self._limits, use_cache=self._use_cache,
            on_progress=self._on_progress(f"{target.id} answers"),
        )  # fmt: skip
        lost = sum(response.missing is not None and response.missing.reason == "over_budget" for response in responses)
        _stop_over_budget(lost, f"queries to {target.id}")
        return responses

    def _cells(self, judges: Sequence[Model]) -> Iterator[_Cell]:
        is_one = len(self.targets) * len(judges) == 1
        if len({safe_name(model.name) for model in judges}) < len(judges):
            raise InputError(
                f"{self._path}: two judges go by one name. Serve them under different names, so that their runs stand apart"
            )
        for target in self.targets:
            for model, program in zip(judges, self.programs, strict=True):
                folder = self.out if is_one else self.out / target.id / safe_name(model.name)
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
            cell.program, items, cell.judge, cell.folder, concurrency=self.study.concurrency, budget=self._budget, limits=self._limits,
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
        folder = self.out / CALIBRATION / safe_name(cell.judge.name)
        cset = load_calibration_set(self.found(options.set))
        validate_judge(
            cell.program, cset, cell.judge, split=options.split, run=folder, concurrency=self.study.concurrency,
            budget=self._budget, limits=self._limits,
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
