"""What does a study file say? Read strictly: every problem with its line."""

import datetime
import os
from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from judgefair.errors import InputError
from judgefair.estimation.sampling import Allocation
from judgefair.folders import safe_name
from judgefair.models.planted import Planted
from judgefair.models.prices import Price
from judgefair.rubric.context import Cue, Strict
from judgefair.rubric.strict_yaml import read_yaml, validate

CALIBRATION = "calibration"
TEMPLATE, PLANTED_MODEL = "template", "scripted:planted"


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
    key_file: str | None = Field(None, description="a file that holds the key instead; nobody else may read it")
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
    cost: float | None = Field(None, ge=0, description="money at most, in the currency of `prices`")
    seconds: float | None = Field(None, ge=0, description="seconds after which nothing more is sent")


class LimitOptions(Strict):
    """How much one server may be asked in a minute."""

    requests_per_minute: float | None = Field(None, gt=0, description="requests at most")
    tokens_per_minute: float | None = Field(None, gt=0, description="tokens of prompts and replies at most")


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
    budget: BudgetOptions = Field(default_factory=BudgetOptions, description="calls, tokens, cost and seconds")
    limits: LimitOptions = Field(default_factory=LimitOptions, description="requests and tokens a minute")
    prices: dict[str, Price] = Field(
        default_factory=dict, description="a mapping of model to {input, output}, in any one currency"
    )
    concurrency: int = Field(8, ge=1, description="requests in flight at most")
    planted: Planted | None = Field(None, description="for scripted:planted systems and judges: what is true by construction")


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
        twice = [name for name, count in Counter(map(safe_name, names)).items() if count > 1]
        if twice:
            raise InputError(f"{document.at((where,))}: '{twice[0]}' stands twice. Give each its own name")
    if CALIBRATION in [system.id for system in study.systems]:
        raise InputError(
            f"{document.at(('systems',))}: '{CALIBRATION}' is the study's own folder, of judges held against a set. "
            "Give the system another id"
        )
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
