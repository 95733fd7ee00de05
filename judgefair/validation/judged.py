"""How far can this judge be trusted against the humans of a calibration set?"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.calibration.ledger import look_at
from judgefair.compile.program import JudgeProgram
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.rubric.scale import Scale
from judgefair.runs.folder import read_manifest, write_manifest
from judgefair.runs.tables import read_ratings
from judgefair.validation.assemble import assemble
from judgefair.validation.store import save_validation
from judgefair.validation.validation import Validation

if TYPE_CHECKING:
    from judgefair.runs.judge_stage import Progress


PILOT = "A pilot"
"""How the note begins that says that only some items were judged."""


def validate(
    program: JudgeProgram,
    cset: CalibrationSet,
    model: Model,
    *,
    split: str = "all",
    limit: int | None = None,
    run: Path | None = None,
    concurrency: int = 8,
    budget: Budget | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    seed: int = 0,
    n_resamples: int = 2000,
    on_progress: Callable[["Progress"], None] = lambda _: None,
) -> Validation:
    """Judge a calibration set and hold the judge against its humans.

    Parameters
    ----------
    split : train, dev, test or all. Test and all are looks at the locked split; each is written to the ledger.
    limit : for a pilot, at most so many items, in whole scenarios.
    run : folder to keep the run in and to resume from; None keeps nothing.

    Raises
    ------
    InputError : the set has no ratings of the program's criteria, or on another scale.
    """
    if run is None:
        with tempfile.TemporaryDirectory() as folder:
            return validate(
                program, cset, model, split=split, limit=limit, run=Path(folder), concurrency=concurrency, budget=budget,
                limits=limits, use_cache=use_cache, as_of=as_of, seed=seed, n_resamples=n_resamples, on_progress=on_progress,
            )  # fmt: skip
    from judgefair.runs.judge_stage import judge  # brings the client, which what reads a run does not need

    part = cset.take(split) if limit is None else cset.take(split).limit(limit)
    criteria = part.shared(program.rubric.criteria)
    scales = {criterion.id: criterion.scale for criterion in criteria}
    notes = [
        f"{cset.id} has no ratings of {criterion.id}: the judge's ratings of it stay unvalidated."
        for criterion in program.rubric.criteria
        if criterion not in criteria
    ]
    judge(
        program, part.items, model, run,
        concurrency=concurrency, budget=budget, limits=limits, use_cache=use_cache, as_of=as_of, on_progress=on_progress,
    )  # fmt: skip
    manifest = read_manifest(run)
    if limit is not None:
        notes.append(
            f"{PILOT}: {len(part.items):,} of {len(cset.take(split).items):,} items, in whole scenarios (--limit {limit:,})."
        )
    looks = look_at(part, program.fingerprint, model.name)
    if looks:
        notes.append(f"This is look {looks} at the locked test split of {cset.id}; the ledger holds them all.")
    context = program.rubric.context
    scope = {
        "use_case": context.use_case,
        "deployment": context.deployment,
        "languages": list(context.languages),
        "rubric": {"id": program.rubric.id, "version": program.rubric.version, "fingerprint": program.rubric.fingerprint},
        "program": program.fingerprint,
        "made_by": dict(program.made_by),
        "judge": model.name,
        "server": model.server,
        "mode": program.mode,
        "set": {"id": cset.id, "title": cset.card.title, "licence": cset.card.licence, "citation": cset.card.citation},
        "split": split,
        "split_fingerprint": part.fingerprint,
        "labels": cset.card.labels,
        "rater_pool": cset.card.rater_pool,
        "known_issues": list(cset.card.known_issues),
        "participation": program.rubric.model_dump(mode="json")["participation"],
        "tolerances": {criterion.id: criterion.tolerance for criterion in program.rubric.criteria},
        "as_of": manifest["as_of"],
    }
    write_manifest(
        run,
        {
            **manifest,
            "stage": "validate",
            "set": cset.id,
            "split": split,
            "split_fingerprint": part.fingerprint,
            "labels": cset.card.labels,
        },
        as_of,
    )
    present = {(axis, group) for item in part.items for axis, group in item.populations.items()}
    unlabelled = [
        f"{axis.axis}: {group}" for axis in context.populations for group in axis.groups if (axis.axis, group) not in present
    ]
    if unlabelled and present:
        notes.append(f"Nothing is known of populations of the rubric that {cset.id} has no items of: {', '.join(unlabelled)}.")
    said = read_ratings(run, scales)
    ratings = pd.concat([said[said["rater_kind"] == "judge"], _human_table(part.ratings, scales)], ignore_index=True)
    validation = assemble(
        part.items, ratings, part.rated.raters, scales, scope, notes, rubric=program.rubric, seed=seed, n_resamples=n_resamples
    )
    save_validation(validation, run)
    return validation


def _human_table(ratings: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    kept = ratings[ratings["criterion"].isin(list(scales))]
    return kept.assign(rater_kind="human", expected=kept["code"])
