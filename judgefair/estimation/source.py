"""What does a run hold, and where do its human labels come from?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judgefair.calibration.ratings import as_text, rated_items, read_table
from judgefair.compile.program import JudgeProgram, load_program
from judgefair.errors import InputError, did_you_mean
from judgefair.estimation.carry_over import refuse_another_judge
from judgefair.estimation.columns import Columns
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.runs.folder import MANIFEST, PROGRAM, read_manifest
from judgefair.runs.labels import join_raters, read_drawn, read_inclusion, read_raters
from judgefair.runs.tables import read_ratings, read_run_items
from judgefair.validation.assemble import assemble
from judgefair.validation.store import carry_validation, load_validation, read_scope, save_validation
from judgefair.validation.validation import Validation

OWN = "the run's own labels"


class Source:
    """What a run holds, and where its labels come from."""

    def __init__(
        self,
        run: Path,
        validation: Path | None,
        ratings: Path | pd.DataFrame | None,
        *,
        keep: bool,
        seed: int = 0,
        n_resamples: int = 2000,
    ) -> None:
        """`keep`: whether labels that were given and what the judge shows against them are written into the run."""
        self.run = run
        self.program: JudgeProgram = load_program(run / PROGRAM)
        self.rubric: Rubric = self.program.rubric
        self.manifest = _manifest_of(run)
        self.judge: str = self.manifest["model"]["name"]
        self.items = read_run_items(run)
        scales = {criterion.id: criterion.scale for criterion in self.rubric.criteria}
        frame = read_ratings(run, scales)
        self.notes: list[str] = []
        earlier = read_scope(run)
        if earlier and (earlier.get("program"), earlier["judge"]) != (self.program.fingerprint, self.judge):
            earlier = None  # of what the folder held before it was judged anew
        self.labels: str = earlier["labels"] if earlier else self.manifest.get("labels", "human")
        raters = read_raters(run, frame)
        self.inclusion, self.drawn = read_inclusion(run), read_drawn(run)
        if ratings is not None:
            given, theirs = given_ratings(ratings, scales, self.items)
            raters = join_raters(raters, theirs) if self.labels == "human" else theirs
            kept = frame if self.labels == "human" else frame[frame["rater_kind"] == "judge"]
            same = ["item_id", "criterion", "rater_id", "rater_kind", "replicate"]
            frame = pd.concat([kept, given], ignore_index=True).drop_duplicates(same, keep="last")
            if len(frame) > len(frame[frame["rater_kind"] == "judge"]) + len(given):
                self.notes.append("The human ratings that were given are added to those the run already held.")
            self.labels = "human"
        self.ratings = frame
        labelled = set(frame.loc[(frame["rater_kind"] == "human") & frame["code"].notna(), "item_id"])
        self.outside: Validation | None = None
        if validation is not None:
            self.outside = load_validation(validation)
            refuse_another_judge(self.outside, self.program, self.judge)
        if labelled and self.outside is not None:
            self.notes.append(
                f"The run has human labels of its own ({len(labelled):,} items), which stand on their own: "
                f"nothing is carried over from {self.outside.scope['set']['id']}."
            )
        self.is_carried = not labelled and self.outside is not None
        if self.is_carried and self.outside is not None and validation is not None:
            self.labels = self.outside.scope["labels"]
            if keep:
                carry_validation(validation, run)
        elif keep and (earlier is None or ratings is not None):
            save_validation(self._validate_here(labelled, raters, seed, n_resamples), run)
        if self.inclusion:
            self.notes.append("Labelled items count by the inverse of the probability with which they were drawn for labelling.")
            others = len(labelled - (self.drawn or labelled))
            if others:
                self.notes.append(
                    f"{others:,} labelled items were not among those drawn: nothing tells for how many others they stand, and they "
                    "correct no gap."
                )
        elif self.labels == "human" and 0 < len(labelled) < len(self.items):
            self.notes.append(
                "The labelled items of the run are taken as drawn at random within each population: labels chosen in another way "
                "bias what is corrected by them."
            )

    @property
    def columns(self) -> Columns:
        """The run's rows, and the labelled ones of the outside set where the judge's error is carried over."""
        if self.is_carried and self.outside is not None:
            rated = self.outside.ratings
            known = set(rated.loc[(rated["rater_kind"] == "human") & rated["code"].notna(), "item_id"])
            others = [item for item in self.outside.items if item.item_id in known]
            return Columns(self.rubric, self.items, self.ratings, others, rated, {})
        return Columns(self.rubric, self.items, self.ratings, [], None, self.inclusion, self.drawn)

    def scope(self) -> dict[str, Any]:
        """What the verdicts hold for."""
        context = self.rubric.context
        return {
            "use_case": context.use_case,
            "deployment": context.deployment,
            "languages": list(context.languages),
            "populations": {axis.axis: list(axis.groups) for axis in context.populations},
            "rubric": {"id": self.rubric.id, "version": self.rubric.version, "fingerprint": self.rubric.fingerprint},
            "program": self.program.fingerprint,
            "judge": self.judge,
            "server": self.manifest["model"]["server"],
            "mode": self.program.mode,
            "system": self.manifest.get("system", "not recorded"),
            "items": {"n": len(self.items), "fingerprint": self.manifest.get("items", {}).get("fingerprint", "not recorded")},
            "labels": self.labels,
            "labels_from": self.outside.scope["set"]["id"] if self.is_carried and self.outside else "the run itself",
            "participation": self.rubric.model_dump(mode="json")["participation"],
            "tolerances": {criterion.id: criterion.tolerance for criterion in self.rubric.criteria},
            "as_of": self.manifest["as_of"],
        }

    def _validate_here(self, labelled: set[str], raters: pd.DataFrame, seed: int, n_resamples: int) -> Validation:
        """The judge against the humans of this run."""
        items = [item for item in self.items if item.item_id in labelled] if labelled else self.items
        here = {item.item_id for item in items}
        frame = self.ratings[self.ratings["item_id"].isin(here)]
        seen = set(frame.loc[(frame["rater_kind"] == "human"), "criterion"]) or {
            criterion.id for criterion in self.rubric.criteria
        }
        scales = {criterion.id: criterion.scale for criterion in self.rubric.criteria if criterion.id in seen}
        scope = self.scope() | {
            "set": {
                "id": OWN,
                "title": "labels from the run itself",
                "licence": "unknown",
                "citation": "unknown",
            },
            "split": "all",
            "split_fingerprint": str(self.manifest.get("items", {}).get("fingerprint", "")),
            "rater_pool": "nobody: simulated raters" if self.labels == "simulated" else "unknown",
            "known_issues": [],
        }
        notes = [] if labelled else ["The run has no human labels."]
        return assemble(items, frame, raters, scales, scope, notes, rubric=self.rubric, seed=seed, n_resamples=n_resamples)


def _manifest_of(run: Path) -> dict[str, Any]:
    manifest = read_manifest(run)
    wanted = [name for name in ("model", "as_of") if name not in manifest]
    if wanted:
        raise InputError(
            f"{run / MANIFEST}: does not say {' and '.join(wanted)}. Run judgefair judge ... --out {run} again: what had landed is kept"
        )
    return manifest


def given_ratings(
    source: Path | pd.DataFrame, scales: dict[str, Any], items: Sequence[Item]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The human ratings of a table or file, as `read_ratings` gives them, and their raters; InputError for items the run does not have."""
    where = "ratings" if isinstance(source, pd.DataFrame) else str(source)
    table = as_text(source) if isinstance(source, pd.DataFrame) else read_table(source)
    if "criterion" not in table and len(scales) == 1:
        table = table.assign(criterion=next(iter(scales)))
    rated = rated_items(table, scales, where)
    known = {item.item_id for item in items}
    strangers = [item_id for item_id in rated.ratings["item_id"] if item_id not in known]
    if strangers:
        raise InputError(
            f"{where}: item_id '{strangers[0]}' is no item of the run ({len(set(strangers)):,} such ids).{did_you_mean(strangers[0], known)} "
            "Labels of the run rate its own items; of another set, use --validation"
        )
    humans = rated.ratings[rated.ratings["rater_kind"] == "human"]
    if humans.empty:
        raise InputError(f"{where}: no rating by a human. Expected rows with rater_kind 'human', or without that column")
    return humans.assign(expected=humans["code"], rationale=""), rated.raters
