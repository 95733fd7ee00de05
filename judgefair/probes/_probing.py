"""What moves the judge that should not? Every probe is put to it, and what it moves is held against a placebo."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from judgefair import plugins
from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.probes._trial import CannotProbe, Material, Trial, Version
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.scale import Scale
from judgefair.runs.asking import Progress
from judgefair.runs.folder import read_json, write_json
from judgefair.runs.judge_stage import judge
from judgefair.runs.tables import read_ratings
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding, Population
from judgefair.statistics.placebo_controlled import PlaceboControlled, placebo_controlled
from judgefair.statistics.resample import Floats

NAME, FOLDER, SCHEMA_VERSION = "probes.json", "probes", 1
AS_THEY_ARE, SAMPLED = "as_they_are", "sampled"
REPLICATES = 2


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found.

    Attributes
    ----------
    question, change, placebo : in words.
    reason : why it was not put to the judge; "" where it was.
    findings : `probe.<name>.change`, `.placebo`, `.excess` and, against the reference population, `.excess_gap`.
    """

    name: str
    question: str
    change: str
    placebo: str
    reason: str
    findings: Sequence[Finding]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {name: getattr(self, name) for name in ("name", "question", "change", "placebo", "reason")}
        return told | {"findings": [finding.to_json() for finding in self.findings]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Probed":
        """What `to_json` wrote."""
        return cls(**{**data, "findings": [Finding.from_json(finding) for finding in data["findings"]]})


def probe(
    program: JudgeProgram,
    items: Sequence[Item],
    model: Model,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    paraphrased: Rubric | None = None,
    concurrency: int = 8,
    budget: Budget | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    confidence: float = 0.95,
    seed: int = 0,
    as_of: str | None = None,
    on_progress: Callable[[str, Progress], None] = lambda _, __: None,
) -> list[Probed]:
    """Put versions of items to a judge that a sound judge rates alike, and say how far they move it.

    Parameters
    ----------
    items : what is rated, labelled or not.
    out : folder for the runs of all versions, below `probes/`, and for `probes.json`; the same call again resumes.
    names : of the probes; all that are there where left out. What others found of the same items stays in `probes.json`.
    paraphrased : the rubric in other words, for the probe of that name.
    on_progress : called with what is being judged.

    Raises
    ------
    InputError : no such probe, no items, or a paraphrased rubric with other criteria.
    """
    known = plugins.names("probes")
    chosen = known if names is None else list(names)
    modules = {name: plugins.load("probes", name) for name in chosen}
    if not items:
        raise InputError("there are no items to probe with. Expected a split of a calibration set, or items of a run")
    if len({item.item_id for item in items}) < len(items):
        raise InputError("ids of the items repeat. Give each item an item_id of its own")
    material = Material(program, items, model.name, seed, paraphrased)
    trials = {name: _trial(module, material) for name, module in modules.items()}
    about = _about(material)
    kept = [one for one in _earlier(out, about) if one["name"] not in modules]
    judged = _Judged(out, model, material, {
        "concurrency": concurrency, "budget": budget or Budget(), "limits": limits, "use_cache": use_cache, "as_of": as_of,
    }, on_progress)  # fmt: skip
    found = []
    for name, trial in trials.items():
        module = modules[name]
        if isinstance(trial, str):
            found.append(Probed(name, module.QUESTION, module.CHANGE, module.PLACEBO, trial, []))
        else:
            findings = list(_findings(name, trial, judged, module.IS_DIRECTED, confidence))
            found.append(Probed(name, module.QUESTION, trial.change or module.CHANGE, module.PLACEBO, "", findings))
    out.mkdir(parents=True, exist_ok=True)
    told = sorted([*kept, *(one.to_json() for one in found)], key=lambda one: str(one["name"]))
    write_json(out / NAME, {**about, "probes": told})
    return found


def _about(material: Material) -> dict[str, Any]:
    """What findings have to be about, to stand in one file."""
    told = [[i.item_id, *i.texts, dict(i.populations), i.unit] for i in material.items]
    return {
        "schema_version": SCHEMA_VERSION,
        "program": material.program.fingerprint,
        "judge": material.judge,
        "items": fingerprint(told),
        "seed": material.seed,
    }


def _earlier(out: Path, about: Mapping[str, Any]) -> list[Any]:
    """What probes found before of the same."""
    data = read_json(out / NAME)
    return data["probes"] if data is not None and all(data.get(name) == value for name, value in about.items()) else []


def _trial(module: ModuleType, material: Material) -> Trial | str:
    """What is compared, or why this probe says nothing here."""
    if not any(criterion.scale.has_points for criterion in material.rubric.criteria):
        return "no criterion is on a scale whose levels have a distance, so that no change has a size. It would need one that is"
    try:
        made: Trial = module.make(material)
        return made
    except CannotProbe as reason:
        return str(reason)


def read_probes(folder: Path, program: str, judge_name: str) -> list[Probed]:
    """What probes found of this judge by this program; none where none was put to it."""
    data = read_json(folder / NAME)
    if data is None or (data.get("schema_version"), data.get("program"), data.get("judge")) != (
        SCHEMA_VERSION,
        program,
        judge_name,
    ):
        return []
    try:
        return [Probed.from_json(one) for one in data["probes"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / NAME}: cannot be read ({error}). Run judgefair probe again") from None


class _Judged:
    """Ratings of versions, each judged once in a folder of its own."""

    def __init__(
        self, out: Path, model: Model, material: Material, how: dict[str, Any], on_progress: Callable[[str, Progress], None]
    ) -> None:
        self.material = material
        self._out, self._model, self._how, self._on_progress = out, model, how, on_progress
        self._known: dict[tuple[str, int | None, str | None], dict[str, dict[str, float]]] = {}

    def ratings(self, probe_name: str, part: str, version: Version | None) -> dict[str, dict[str, float]]:
        """By criterion and item_id, the expected value of each rating; items that have none are left out."""
        if version is None or version.order is not None:
            return self._ratings(AS_THEY_ARE, Version(self.material.items, order=version.order if version else None))
        return self._ratings(f"{probe_name}/{part if version.replicate is None else SAMPLED}", version)

    def _ratings(self, where: str, version: Version) -> dict[str, dict[str, float]]:
        which = (where, version.replicate, version.order)
        known = self._known.get(which)
        if known is None:
            replicates = 1 if version.replicate is None else REPLICATES
            run = self._out / FOLDER / where
            judge(
                version.program or self.material.program, version.items, self._model, run, replicates=replicates,
                on_progress=lambda progress: self._on_progress(where.replace("/", ", "), progress), **self._how,
            )  # fmt: skip
            scales = {criterion.id: criterion.scale for criterion in self.material.rubric.criteria}
            known = self._known[which] = _by_item(run, scales, version.replicate or 0, version.order or "expected")
        return known


def _by_item(run: Path, scales: Mapping[str, Scale], replicate: int, column: str) -> dict[str, dict[str, float]]:
    said = read_ratings(run, scales, kind="judge")
    said = said[(said["replicate"] == replicate) & said[column].notna()]
    return {
        criterion: dict(zip(mine["item_id"], mine[column].astype(float), strict=True))
        for criterion in scales
        for mine in [said[said["criterion"] == criterion]]
    }


def _findings(name: str, trial: Trial, judged: _Judged, is_directed: bool, confidence: float) -> Iterable[Finding]:
    """Estimates of every criterion: overall, then for each population of each axis."""
    base, changed = judged.ratings(name, "base", trial.base), judged.ratings(name, "changed", trial.changed)
    placebo = judged.ratings(name, "placebo", trial.placebo) if trial.placebo is not None else None
    shown = {item.item_id for item in trial.changed.items}
    items = [item for item in (trial.base.items if trial.base else judged.material.items) if item.item_id in shown]
    units = np.array([item.unit for item in items], dtype=object)
    for criterion in judged.material.rubric.criteria:
        if not criterion.scale.has_points or (trial.changed.order is not None and not criterion.scale.compares):
            continue
        values = [
            None if rated is None else np.array([rated[criterion.id].get(item.item_id, np.nan) for item in items])
            for rated in (base, changed, placebo)
        ]
        yield from _tell(name, criterion.id, None, None, _compared(values, None, None, units, is_directed, confidence))
        for axis in judged.material.rubric.context.populations:
            group_of = np.array([_group(trial, item, axis.axis) for item in items], dtype=object)
            group_of[~np.isin(group_of, list(axis.groups))] = ""
            found = _compared(values, group_of, axis.reference, units, is_directed, confidence)
            declared = {group: found[group] for group in axis.groups if group in found}
            yield from _tell(name, criterion.id, axis.axis, axis.reference, declared)


def _group(trial: Trial, item: Item, axis: str) -> str:
    return trial.populations.get(item.item_id, item.populations).get(axis, "")


def _compared(
    values: Sequence[Floats | None],
    group_of: np.ndarray | None,
    reference: str | None,
    units: np.ndarray,
    is_directed: bool,
    confidence: float,
) -> Mapping[str, PlaceboControlled]:
    base, changed, placebo = values
    assert base is not None
    assert changed is not None
    return placebo_controlled(base, changed, placebo, group_of, reference, units, is_directed=is_directed, confidence=confidence)


def _tell(
    name: str, criterion: str, axis: str | None, reference: str | None, found: Mapping[str, PlaceboControlled]
) -> Iterable[Finding]:
    for group, of in found.items():
        population: Population | None = None if axis is None else {axis: group}
        for estimate in (of.change, of.placebo, of.excess):
            yield Finding(criterion, population, None, _named(name, estimate))
        if of.gap is not None and axis is not None and reference is not None:
            yield Finding(criterion, population, {axis: reference}, _named(name, of.gap))


def _named(name: str, estimate: Estimate) -> Estimate:
    return replace(estimate, estimand=f"probe.{name}.{estimate.estimand}")


def is_moved(estimate: Estimate) -> bool:
    """Whether the interval of an excess excludes 0; that of a magnitude without a placebo does wherever replies differ at all."""
    return estimate.p_value is not None and (estimate.low > 0 or estimate.high < 0)
