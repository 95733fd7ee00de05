"""A run's items and ratings as arrays, with the labelled items of another set beside them where labels are carried over."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefair.rubric.rubric import Rubric
from judgefair.runs.facts import Facts
from judgefair.runs.queries import AS_LIVED
from judgefair.runs.tally import Tally
from judgefair.simulate.plan import balancing_weights
from judgefair.statistics.resample import Floats


class Columns:
    """One row an item: those of the run first, then those of the outside set.

    Attributes
    ----------
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
        facts: Facts,
        tally: Tally,
        outside: tuple[Facts, Tally] | None,
        inclusion: Mapping[str, float],
        drawn: frozenset[str] | None = None,
    ) -> None:
        self._facts, self._tallies = [facts], [tally]
        if outside is not None:
            self._facts.append(outside[0])
            self._tallies.append(outside[1])
        n, n_outside = len(facts), sum(map(len, self._facts[1:]))
        self.is_run = np.arange(n + n_outside) < n
        first, *others = (part.units for part in self._facts)
        self.units = np.concatenate([first, *(units + first.max(initial=-1) + 1 for units in others)])
        self.has_scenarios = bool(self.units.max(initial=-1) + 1 < len(self.units))
        merit = {scenario.id: scenario.merit for scenario in rubric.context.scenarios if scenario.merit is not None}
        self.cue = self._joined(lambda part: part.meta["cue"].told("", str))
        self.merit = self._joined(lambda part: _merit(part, merit))
        self.is_lived = self._joined(lambda part: part.meta["mix"].among([AS_LIVED]))
        broken = broken_blocks(facts)
        self.is_whole = self._joined(lambda part: ~part.meta["block"].among(broken))
        self.inclusion = np.ones(n + n_outside)
        place = facts.place(inclusion)
        self.inclusion[place[place >= 0]] = np.fromiter(inclusion.values(), dtype=float)[place >= 0]
        self._counts = np.ones(n + n_outside, dtype=bool)
        if drawn is not None:
            self._counts[:n] = pc.is_in(facts.ids, value_set=pa.array(drawn, pa.string())).to_numpy(zero_copy_only=False)

    def groups(self, axis: str) -> np.ndarray:
        """The group of each row on an axis; "" where it has none, or is compared apart since a real user asked it."""
        return np.where(self.is_lived, "", self._joined(lambda part: part.group_of(axis))).astype(object)

    def weights(self, axis: str) -> Floats | None:
        """Weights of rows that balance the other axes where arms show several; None where every row counts alike."""
        profiles: dict[str, dict[str, str]] = {}
        for part in self._facts:
            arm, n_axes = part.meta["arm"], np.sum([group.is_there for group in part.groups.values()], axis=0)
            rows = np.flatnonzero(arm.is_there & ~part.meta["mix"].among([AS_LIVED]) & (n_axes > 1))
            row_of = dict(zip(arm.codes[rows].tolist(), rows.tolist(), strict=True))
            profiles |= {arm.values[code]: part.populations(row) for code, row in row_of.items()}
        if not profiles:
            return None
        by_arm = dict(zip(profiles, balancing_weights(list(profiles.values()), axis), strict=True))
        return self._joined(lambda part: part.meta["arm"].told(1.0, lambda arm: by_arm.get(arm, 1.0)).astype(float))

    def ratings(self, criterion: str, kind: str) -> Floats:
        """The mean rating of each row by judge or humans: over replicates, or over raters; nan where there is none."""
        if kind == "judge":
            return np.concatenate([tally.judge[criterion].mean for tally in self._tallies])
        means = [tally.human_mean(criterion, part) for part, tally in zip(self._facts, self._tallies, strict=True)]
        return np.where(self._counts, np.concatenate(means), np.nan)

    def levels(self, criterion: str) -> Floats:
        """The level that the judge gave each row, the modal one where it gave probabilities; of replicates the first."""
        values = np.full(len(self.is_run), np.nan)
        values[self.is_run] = self._tallies[0].judge[criterion].level
        return values

    def n_raters(self, criterion: str) -> int:
        """How many humans rated the criterion, in run and outside set together."""
        return sum(int(tally.rated(criterion)["rater_id"].nunique()) for tally in self._tallies)

    def spread_of_raters(self, criterion: str) -> tuple[float, float]:
        """Standard deviation of raters about an item's mean, and how many ratings more than items there are to tell it."""
        squares, free = 0.0, 0
        for tally in self._tallies:
            per_item = tally.rated(criterion).groupby("item_id")["code"].agg(["var", "count"])
            repeated = per_item[per_item["count"] > 1]
            squares += float((repeated["var"] * (repeated["count"] - 1)).sum())
            free += int((repeated["count"] - 1).sum())
        return (float(np.sqrt(squares / free)) if free else float("nan")), free

    def reasons(self, criterion: str) -> np.ndarray:
        """Why the judge gave no rating, for each row of the run: a reason, or "" where it gave one in any replicate."""
        return self._tallies[0].judge[criterion].reason

    def _joined(self, column: Callable[[Facts], np.ndarray]) -> np.ndarray:
        return np.concatenate([column(part) for part in self._facts])


def broken_blocks(facts: Facts) -> set[str]:
    """Blocks of simulated queries in which some arm has no answer, for a reason other than a refusal."""
    block, why = facts.meta["block"], facts.no_response
    lacking = block.codes[block.is_there & why.is_there & ~why.among(["refused"])]
    return {block.values[code] for code in np.unique(lacking)}


def _merit(facts: Facts, of_scenario: Mapping[str, float]) -> np.ndarray:
    known = facts.scenario.told("", lambda scenario: _text(of_scenario.get(scenario)))
    said = facts.meta["merit"]
    return np.where(said.is_there, said.told("", _text), known).astype(object)


def _text(merit: object) -> str:
    return "" if merit is None else f"{merit:g}" if isinstance(merit, int | float) else str(merit)
