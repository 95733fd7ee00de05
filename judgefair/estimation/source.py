"""What does a run hold, and where do its human labels come from?"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from judgefair.calibration.ratings import as_text, rated_items, read_table
from judgefair.compile.program import JudgeProgram, load_program
from judgefair.errors import InputError, did_you_mean
from judgefair.estimation.carry_over import refuse_another_judge
from judgefair.rubric.rubric import Rubric
from judgefair.runs.columns import Columns
from judgefair.runs.facts import Facts, read_facts
from judgefair.runs.folder import MANIFEST, PROGRAM, read_manifest
from judgefair.runs.labels import join_raters, read_drawn, read_inclusion, read_raters
from judgefair.runs.tables import read_ratings
from judgefair.runs.tally import Tally, read_tally
from judgefair.validation.assemble import examine
from judgefair.validation.store import carry_validation, load_validation, read_scope, save_examined
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
        self.facts = read_facts(run)
        scales = {criterion.id: criterion.scale for criterion in self.rubric.criteria}
        humans = read_ratings(run, scales, kind="human")
        self.notes: list[str] = []
        earlier = read_scope(run)
        if earlier and (earlier.get("program"), earlier["judge"]) != (self.program.fingerprint, self.judge):
            earlier = None  # of what the folder held before it was judged anew
        self.labels: str = earlier["labels"] if earlier else self.manifest.get("labels", "human")
        raters = read_raters(run, humans)
        self.inclusion, self.drawn = read_inclusion(run), read_drawn(run)
        if ratings is not None:
            given, theirs = given_ratings(ratings, scales, self.facts.ids)
            raters = join_raters(raters, theirs) if self.labels == "human" else theirs
            kept = humans if self.labels == "human" else humans[:0]
            same = ["item_id", "criterion", "rater_id", "replicate"]
            humans = pd.concat([kept, given], ignore_index=True).drop_duplicates(same, keep="last")
            if len(humans) > len(given):
                self.notes.append("The human ratings that were given are added to those the run already held.")
            self.labels = "human"
        self.tally = read_tally(run, scales, self.facts, humans)
        labelled = set(humans.loc[humans["code"].notna(), "item_id"])
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
            self._validate_here(labelled, raters, seed, n_resamples)
        if self.inclusion:
            self.notes.append("Labelled items count by the inverse of the probability with which they were drawn for labelling.")
            others = len(labelled - (self.drawn or labelled))
            if others:
                self.notes.append(
                    f"{others:,} labelled items were not among those drawn: nothing tells for how many others they stand, and they "
                    "correct no gap."
                )
        elif self.labels == "human" and 0 < len(labelled) < len(self.facts):
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
            others = Facts.of([item for item in self.outside.items if item.item_id in known])
            return Columns(self.rubric, self.facts, self.tally, (others, Tally.of(rated, others, self.tally.judge)), {})
        return Columns(self.rubric, self.facts, self.tally, None, self.inclusion, self.drawn)

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
            "made_by": dict(self.program.made_by),
            "judge": self.judge,
            "server": self.manifest["model"]["server"],
            "mode": self.program.mode,
            "system": self.manifest.get("system", "not recorded"),
            "items": {"n": len(self.facts), "fingerprint": self.manifest.get("items", {}).get("fingerprint", "not recorded")},
            "labels": self.labels,
            "labels_from": self.outside.scope["set"]["id"] if self.is_carried and self.outside else "the run itself",
            "participation": self.rubric.model_dump(mode="json")["participation"],
            "tolerances": {criterion.id: criterion.tolerance for criterion in self.rubric.criteria},
            "as_of": self.manifest["as_of"],
        }

    def _validate_here(self, labelled: set[str], raters: pd.DataFrame, seed: int, n_resamples: int) -> None:
        """Hold the judge against the humans of this run, and keep what is found in it."""
        facts, tally = self.facts, self.tally
        if labelled:
            rows = np.flatnonzero(pc.is_in(facts.ids, value_set=pa.array(labelled)).to_numpy(zero_copy_only=False))
            facts = facts.take(rows)
            tally = tally.take(rows, facts)
        seen = set(tally.humans["criterion"]) or {criterion.id for criterion in self.rubric.criteria}
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
        found = examine(facts, tally, raters, scales, notes, rubric=self.rubric, seed=seed, n_resamples=n_resamples)
        save_examined(found, scope, scales, facts.ids.to_pylist(), tally.humans, self.run)


def _manifest_of(run: Path) -> dict[str, Any]:
    manifest = read_manifest(run)
    wanted = [name for name in ("model", "as_of") if name not in manifest]
    if wanted:
        raise InputError(
            f"{run / MANIFEST}: does not say {' and '.join(wanted)}. Run judgefair judge ... --out {run} again: what had landed is kept"
        )
    return manifest


def given_ratings(source: Path | pd.DataFrame, scales: dict[str, Any], known: pa.Array) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The human ratings of a table or file, as `read_ratings` gives them, and their raters; InputError for items the run does not have.

    `known` are the ids of the run's items.
    """
    where = "ratings" if isinstance(source, pd.DataFrame) else str(source)
    table = as_text(source) if isinstance(source, pd.DataFrame) else read_table(source)
    if "criterion" not in table and len(scales) == 1:
        table = table.assign(criterion=next(iter(scales)))
    rated = rated_items(table, scales, where)
    ids = pa.array(rated.ratings["item_id"], pa.string())
    strangers = ids.filter(pc.invert(pc.is_in(ids, value_set=known))).to_pylist()
    if strangers:
        meant = did_you_mean(strangers[0], known.to_pylist())
        raise InputError(
            f"{where}: item_id '{strangers[0]}' is no item of the run ({len(set(strangers)):,} such ids).{meant} "
            "Labels of the run rate its own items; of another set, use --validation"
        )
    humans = rated.ratings[rated.ratings["rater_kind"] == "human"]
    if humans.empty:
        raise InputError(f"{where}: no rating by a human. Expected rows with rater_kind 'human', or without that column")
    return humans.assign(expected=humans["code"]), rated.raters
