"""What do a run's ratings sum to, item by item?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from judgefair.records import MISSING_REASONS
from judgefair.rubric.scale import Scale
from judgefair.runs.facts import Facts
from judgefair.runs.tables import ORDERS, orders_of, stream_ratings
from judgefair.statistics.resample import Floats

ADDED = ("item_id", "criterion", "replicate", "code", "expected", "missing")
_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class JudgeTally:
    """What the judge's ratings of one criterion come to; a row an item, and as many numbers however many replicates there are.

    Attributes
    ----------
    total, n : (n_items,) sum of the expected values of its ratings in the order of their table, and how many there are.
    level : (n_items,) code of the first replicate that has one; nan where none has. `level_from` is that replicate.
    first, first_expected, first_missing : (n_items,) of the first replicate, whether it has a level or not: code, expected
        value, and the place in `reasons` of why there is none. `first_from` is that replicate.
    is_given : (n_items,) true where any replicate is no missing one.
    reasons : "" first, then why ratings are missing.
    orders : by name of `ORDERS`, (n_items,) code of what the first replicate said in that order; empty where nothing compares two
        responses.
    """

    total: Floats
    n: np.ndarray
    level: Floats
    level_from: np.ndarray
    first: Floats
    first_expected: Floats
    first_missing: np.ndarray
    first_from: np.ndarray
    is_given: np.ndarray
    reasons: list[str]
    orders: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of_nothing(cls, n_items: int) -> "JudgeTally":
        """Before any rating is added."""
        never = np.full(n_items, _NEVER, dtype=np.int32)
        return cls(
            np.zeros(n_items), np.zeros(n_items, dtype=np.int32), np.full(n_items, np.nan), never, np.full(n_items, np.nan),
            np.full(n_items, np.nan), np.zeros(n_items, dtype=np.int8), never.copy(), np.zeros(n_items, dtype=bool), ["", *MISSING_REASONS],
        )  # fmt: skip

    def add(self, rows: np.ndarray, ratings: pd.DataFrame) -> None:
        """Count ratings in; `rows` are those of their items."""
        code, expected = (ratings[name].to_numpy(dtype=float) for name in ("code", "expected"))
        replicate = ratings["replicate"].to_numpy(dtype=np.int32)
        why, reasons = pd.factorize(ratings["missing"])
        self.reasons.extend(reason for reason in reasons if reason not in self.reasons)
        missing = np.array([self.reasons.index(reason) for reason in reasons], dtype=np.int8)[why]
        has_value = ~np.isnan(expected)
        np.add.at(self.total, rows[has_value], expected[has_value])  # one after the other, as one sum over the whole table adds
        np.add.at(self.n, rows[has_value], 1)
        self.is_given[rows[missing == 0]] = True
        has_level = ~np.isnan(code)
        at, where = _earlier(rows[has_level], replicate[has_level], self.level_from)
        self.level[at] = code[has_level][where]
        at, where = _earlier(rows, replicate, self.first_from)
        self.first[at], self.first_expected[at], self.first_missing[at] = code[where], expected[where], missing[where]
        for name in ORDERS:
            if name in ratings:
                held = self.orders.setdefault(name, np.full(len(self.n), np.nan))
                held[at] = ratings[name].to_numpy(dtype=float)[where]

    @property
    def mean(self) -> Floats:
        """(n_items,) mean of the expected values over replicates; nan where there is none."""
        with np.errstate(invalid="ignore"):
            return np.where(self.n > 0, self.total / self.n, np.nan)

    @property
    def first_reason(self) -> np.ndarray:
        """(n_items,) why the first replicate gave no rating; "" where it gave one."""
        told = np.array(self.reasons, dtype=object)[self.first_missing]
        return np.where(self.first_from == _NEVER, "not_rated", told).astype(object)

    @property
    def reason(self) -> np.ndarray:
        """(n_items,) why there is no rating; "" where any replicate gave one."""
        return np.where(self.is_given, "", self.first_reason).astype(object)

    def take(self, rows: np.ndarray) -> "JudgeTally":
        """Of some items."""
        return JudgeTally(
            self.total[rows], self.n[rows], self.level[rows], self.level_from[rows], self.first[rows], self.first_expected[rows],
            self.first_missing[rows], self.first_from[rows], self.is_given[rows], self.reasons,
            {name: held[rows] for name, held in self.orders.items()},
        )  # fmt: skip


def _earlier(rows: np.ndarray, replicate: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items of which a replicate earlier than the `held` one came, and its place; of equal replicates the first one counts."""
    order = np.argsort(replicate, kind="stable")
    at, first = np.unique(rows[order], return_index=True)
    where = order[first]
    is_earlier = replicate[where] < held[at]
    at, where = at[is_earlier], where[is_earlier]
    held[at] = replicate[where]
    return at, where


@dataclass(frozen=True, slots=True)
class Tally:
    """The ratings of items: the judge's summed up by criterion, the humans' one by one.

    Attributes
    ----------
    judge : by criterion.
    humans : as `read_ratings` gives them; there are as many as people gave.
    is_repeated : (n_items,) true where the judge rated the item more than once on some criterion.
    """

    judge: Mapping[str, JudgeTally]
    humans: pd.DataFrame
    is_repeated: np.ndarray

    @classmethod
    def of(cls, ratings: pd.DataFrame, facts: Facts, criteria: Iterable[str]) -> "Tally":
        """Of ratings that are in memory, as `read_ratings` gives them."""
        is_human = ratings["rater_kind"] == "human"
        return cls.over([ratings[ratings["rater_kind"] == "judge"]], ratings[is_human], facts, criteria)

    @classmethod
    def over(cls, judged: Iterable[pd.DataFrame], humans: pd.DataFrame, facts: Facts, criteria: Iterable[str]) -> "Tally":
        """Of the judge's ratings as they come, piece by piece; ratings of items that are not among the facts are left out."""
        judge = {criterion: JudgeTally.of_nothing(len(facts)) for criterion in criteria}
        tally = cls(judge, _of(facts, humans), np.zeros(len(facts), dtype=bool))
        for ratings in judged:
            rows = facts.place(ratings["item_id"])
            tally.is_repeated[rows[(rows >= 0) & (ratings["replicate"] > 0).to_numpy()]] = True
            for criterion, of in tally.judge.items():
                mine = (ratings["criterion"] == criterion).to_numpy() & (rows >= 0)
                of.add(rows[mine], ratings[mine])
        return tally

    def rated(self, criterion: str) -> pd.DataFrame:
        """Human ratings of a criterion that are no missing ones."""
        return self.humans[(self.humans["criterion"] == criterion) & self.humans["code"].notna()]

    def human_mean(self, criterion: str, facts: Facts) -> Floats:
        """(n_items,) mean of the human ratings of each item; nan where there is none. `facts` of the same items."""
        rated = self.humans[(self.humans["criterion"] == criterion) & self.humans["expected"].notna()]
        rows = facts.place(rated["item_id"])
        counts = np.bincount(rows, minlength=len(facts))
        with np.errstate(invalid="ignore"):
            sums = np.bincount(rows, rated["expected"].to_numpy(dtype=float), minlength=len(facts))
            return np.where(counts > 0, sums / counts, np.nan)

    def take(self, rows: np.ndarray, facts: Facts) -> "Tally":
        """Of some items, whose facts are these."""
        judge = {name: judged.take(rows) for name, judged in self.judge.items()}
        return Tally(judge, _of(facts, self.humans), self.is_repeated[rows])


def _of(facts: Facts, ratings: pd.DataFrame) -> pd.DataFrame:
    return ratings[facts.place(ratings["item_id"]) >= 0]


def read_tally(run: Path, scales: Mapping[str, Scale], facts: Facts, humans: pd.DataFrame) -> Tally:
    """The tally of a run's ratings by its judge, read once from first to last without rationales, and of these by humans."""
    columns = [*ADDED, *orders_of(scales)]
    return Tally.over(stream_ratings(run, scales, kind="judge", columns=columns), humans, facts, scales)
