"""A run's items and ratings as arrays, with the labelled items of another set beside them where labels are carried over."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.runs.queries import AS_LIVED
from judgefair.simulate.plan import balancing_weights
from judgefair.statistics.resample import Floats


class Columns:
    """One row an item: those of the run first, then those of the outside set.

    Attributes
    ----------
    items : in row order.
    is_run : (n,) true for items of the run.
    units : (n,) codes of scenarios; none is shared by run and outside set.
    cue : (n,) the channel through which the population shows; "" where unknown.
    merit : (n,) the level that is right by construction, as text; "" where unknown.
    is_lived : (n,) true for what real users asked, beside simulated queries of matched intent.
    is_whole : (n,) false for items of a simulated block in which some arm has no answer for a reason that says nothing of the
        system: all arms of a scenario stand or fall together. A refusal is an answer.
    inclusion : (n,) probability with which the item was drawn to be labelled; 1 where nothing is recorded. Where a draw is,
        human ratings of other items say nothing of those that were not drawn, and are left out.
    """

    def __init__(
        self,
        rubric: Rubric,
        items: Sequence[Item],
        ratings: pd.DataFrame,
        outside: Sequence[Item],
        outside_ratings: pd.DataFrame | None,
        inclusion: Mapping[str, float],
        drawn: frozenset[str] | None = None,
    ) -> None:
        self.items = [*items, *outside]
        self.is_run = np.arange(len(self.items)) < len(items)
        units = [f"run/{item.unit}" for item in items] + [f"set/{item.unit}" for item in outside]
        self.units = pd.factorize(np.array(units, dtype=object))[0]
        self.has_scenarios = bool(self.units.max(initial=-1) + 1 < len(units))
        merit = {scenario.id: scenario.merit for scenario in rubric.context.scenarios if scenario.merit is not None}
        self.cue = np.array([str(item.meta.get("cue", "")) for item in self.items], dtype=object)
        self.merit = np.array(
            [_text(item.meta.get("merit", merit.get(item.scenario_id or ""))) for item in self.items], dtype=object
        )
        self.is_lived = np.array([item.meta.get("mix") == AS_LIVED for item in self.items])
        broken = broken_blocks(items)
        self._counts = np.array(
            [drawn is None or not of_run or i.item_id in drawn for i, of_run in zip(self.items, self.is_run, strict=True)]
        )
        self.is_whole = np.array([item.meta.get("block") not in broken for item in self.items])
        self.inclusion = np.array(
            [inclusion.get(item.item_id, 1.0) if k < len(items) else 1.0 for k, item in enumerate(self.items)]
        )
        self._sources = [(pd.Index([item.item_id for item in items]), ratings, 0)]
        if outside_ratings is not None:
            self._sources.append((pd.Index([item.item_id for item in outside]), outside_ratings, len(items)))

    def groups(self, axis: str) -> np.ndarray:
        """The group of each row on an axis; "" where it has none, or is compared apart since a real user asked it."""
        groups = [item.populations.get(axis, "") for item in self.items]
        return np.where(self.is_lived, "", np.array(groups, dtype=object)).astype(object)

    def weights(self, axis: str) -> Floats | None:
        """Weights of rows that balance the other axes where arms show several; None where every row counts alike."""
        rows = (item for item, is_lived in zip(self.items, self.is_lived, strict=True) if "arm" in item.meta and not is_lived)
        profiles = {item.meta["arm"]: item.populations for item in rows if len(item.populations) > 1}
        if not profiles:
            return None
        by_arm = dict(zip(profiles, balancing_weights(list(profiles.values()), axis), strict=True))
        return np.array([by_arm.get(item.meta.get("arm", ""), 1.0) for item in self.items])

    def ratings(self, criterion: str, kind: str) -> Floats:
        """The mean rating of each row by judge or humans: over replicates, or over raters; nan where there is none."""
        values = np.full(len(self.items), np.nan)
        for place, ratings, first in self._sources:
            mine = ratings[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == kind) & ratings["expected"].notna()]
            rows = place.get_indexer(pd.Index(mine["item_id"]))
            rated = mine["expected"].to_numpy(dtype=float)[rows >= 0]
            rows = rows[rows >= 0]
            counts = np.bincount(rows, minlength=len(place))
            with np.errstate(invalid="ignore"):
                values[first : first + len(place)] = np.where(
                    counts > 0, np.bincount(rows, rated, minlength=len(place)) / counts, np.nan
                )
        return np.where(self._counts, values, np.nan) if kind == "human" else values

    def levels(self, criterion: str) -> Floats:
        """The level that the judge gave each row, the modal one where it gave probabilities; of replicates the first."""
        values = np.full(len(self.items), np.nan)
        place, ratings, _ = self._sources[0]
        mine = ratings[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == "judge") & ratings["code"].notna()]
        mine = mine.sort_values("replicate", kind="stable").drop_duplicates("item_id")
        rows = place.get_indexer(pd.Index(mine["item_id"]))
        values[rows[rows >= 0]] = mine["code"].to_numpy(dtype=float)[rows >= 0]
        return values

    def n_raters(self, criterion: str) -> int:
        """How many humans rated the criterion, in run and outside set together."""
        rated = (
            ratings[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == "human")] for _, ratings, _ in self._sources
        )
        return sum(int(rows.loc[rows["code"].notna(), "rater_id"].nunique()) for rows in rated)

    def spread_of_raters(self, criterion: str) -> tuple[float, float]:
        """Standard deviation of raters about an item's mean, and how many ratings more than items there are to tell it."""
        squares, free = 0.0, 0
        for _, ratings, _ in self._sources:
            mine = ratings[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == "human") & ratings["code"].notna()]
            per_item = mine.groupby("item_id")["code"].agg(["var", "count"])
            repeated = per_item[per_item["count"] > 1]
            squares += float((repeated["var"] * (repeated["count"] - 1)).sum())
            free += int((repeated["count"] - 1).sum())
        return (float(np.sqrt(squares / free)) if free else float("nan")), free

    def reasons(self, criterion: str) -> np.ndarray:
        """Why the judge gave no rating, for each row of the run: a reason, or "" where it gave one in any replicate."""
        place, ratings, _ = self._sources[0]
        mine = ratings[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == "judge")]
        mine = mine.assign(is_missing=mine["missing"] != "").sort_values(["is_missing", "replicate"], kind="stable")
        mine = mine.drop_duplicates("item_id")
        reasons = np.full(len(place), "not_rated", dtype=object)
        rows = place.get_indexer(pd.Index(mine["item_id"]))
        reasons[rows[rows >= 0]] = mine["missing"].to_numpy(dtype=object)[rows >= 0]
        return reasons


def broken_blocks(items: Sequence[Item]) -> set[str]:
    """Blocks of simulated queries in which some arm has no answer, for a reason other than a refusal."""
    lacking = (item for item in items if item.no_response is not None and item.no_response.reason != "refused")
    return {item.meta["block"] for item in lacking if "block" in item.meta}


def _text(merit: object) -> str:
    return "" if merit is None else f"{merit:g}" if isinstance(merit, int | float) else str(merit)
