"""What lenses look at, made up: a small rubric, items of scenarios and groups, ratings, and `Seen` built from them."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from judgefair.lenses import Look, Seen
from judgefair.records import Item, Missing, Rating
from judgefair.rubric.rubric import Rubric
from judgefair.runs.columns import Columns
from judgefair.runs.facts import Facts
from judgefair.runs.tally import Tally
from judgefair.statistics import Estimate
from tests.builders import LENIENT, SEVEN, tiny_rubric

BINARY = {"kind": "binary", "levels": {0: "no", 1: "yes"}}
NOMINAL = {"kind": "nominal", "levels": {"kind": "Kind", "stern": "Stern", "curt": "Curt"}}
COLUMNS = ("item_id", "criterion", "rater_id", "rater_kind", "replicate", "code", "expected", "missing", "rationale")
Ratings = Iterable[Rating] | pd.DataFrame


def rubric_with(
    criteria: Mapping[str, Mapping[str, Any]] | None = None,
    axes: Mapping[str, Sequence[str]] | None = None,
    *,
    composition: Sequence[Mapping[str, Any]] = (),
    scenarios: Sequence[Mapping[str, Any]] = (),
    **context: Any,
) -> Rubric:
    """A rubric without lint.

    Parameters
    ----------
    criteria : by id, the fields in which it differs from an ordinal one from 1 to 7, higher is better, tolerance 0.25; `depth`
        alone where left out.
    axes : groups by axis, the reference first; `dialect` with a and b where left out.
    context : other fields of the context, such as `distance` or `exposure`.
    """
    data = tiny_rubric().model_dump()
    axes = axes or {"dialect": ("a", "b")}
    populations = [
        {"axis": name, "reference": groups[0], "groups": {group: {} for group in groups}} for name, groups in axes.items()
    ]
    bare = {"populations": populations, "scenarios": list(scenarios), "distance": None, "exposure": None}
    usual = data["criteria"][0] | {"scale": SEVEN, "better": "higher", "tolerance": 0.25, "why": {}}
    usual |= {"roles": dict.fromkeys(axes, "must_ignore"), "harms": ["fobbed_off", "talked_down"]}
    return Rubric.model_validate(
        data
        | {
            "context": data["context"] | bare | context,
            "criteria": [usual | dict(fields) | {"id": name} for name, fields in (criteria or {"depth": {}}).items()],
            "validity": dict(LENIENT),
            "composition": list(composition),
        }
    )


def arms(
    n_scenarios: int,
    groups: Sequence[str] = ("a", "b"),
    axis: str = "dialect",
    *,
    shared: bool = True,
    first: int = 0,
    meta: Mapping[str, Any] | None = None,
) -> list[Item]:
    """An item for each group in each scenario; where scenarios are not `shared`, each group has its own."""
    return [
        Item(
            f"s{s:05}-{group}", f"Where is book {s}?", f"On shelf {s}.", {axis: group},
            f"s{s:05}" if shared else f"s{s:05}-{group}", dict(meta or {}),
        )
        for s in range(first, first + n_scenarios)
        for group in groups
    ]  # fmt: skip


def rated(
    items: Sequence[Item], values: Sequence[Any] | np.ndarray, criterion: str = "depth", who: str = "judge", replicate: int = 0
) -> list[Rating]:
    """A rating of each item by the judge, or by a human of another name; nan where there is none."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    said = zip(items, plain, strict=True)
    kind = "judge" if who == "judge" else "human"
    return [
        Rating(item.item_id, criterion, who, kind, value, replicate)
        for item, value in said
        if not (isinstance(value, float) and isnan(value))
    ]


def seen(
    items: Sequence[Item],
    ratings: Ratings,
    rubric: Rubric,
    labels: str = "human",
    *,
    outside: tuple[Sequence[Item], Ratings] | None = None,
    inclusion: Mapping[str, float] | None = None,
    confidence: float = 0.95,
) -> Seen:
    """What a lens sees of a run with these items and ratings; `outside`: items and ratings of the set whose labels are carried over."""
    facts, tally = _parts(items, ratings, rubric)
    beside = None if outside is None else _parts(*outside, rubric)
    columns = Columns(rubric, facts, tally, beside, inclusion or {})
    return Seen(rubric, columns, facts, list(items), labels, confidence)


def found(look: Look, what: str, group: str | None = None, criterion: str | None = None) -> Estimate:
    """The one estimate of that name, of a group and a criterion where they are named."""
    fits = [
        finding.estimate
        for finding in look.findings
        if finding.estimate.estimand == what
        and (group is None or group in (finding.population or {}).values())
        and (criterion is None or finding.criterion == criterion)
    ]
    assert len(fits) == 1, f"{len(fits)} findings of {what}: {sorted({f.estimate.estimand for f in look.findings})}"
    return fits[0]


def _parts(items: Sequence[Item], ratings: Ratings, rubric: Rubric) -> tuple[Facts, Tally]:
    facts = Facts.of(items)
    frame = ratings if isinstance(ratings, pd.DataFrame) else _frame(ratings, rubric)
    return facts, Tally.of(frame, facts, [criterion.id for criterion in rubric.criteria])


def _frame(ratings: Iterable[Rating], rubric: Rubric) -> pd.DataFrame:
    """As `read_ratings` gives them."""
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
    rows = []
    for rating in ratings:
        scale, value = scales[rating.criterion], rating.value
        code = float("nan") if isinstance(value, Missing) else scale.code(value)
        expected = code
        if rating.distribution:
            expected = sum(share * scale.code(scale.read(level)) for level, share in rating.distribution.items())
        missing = value.reason if isinstance(value, Missing) else ""
        about = (rating.item_id, rating.criterion, rating.rater_id, rating.rater_kind, rating.replicate)
        rows.append((*about, code, expected, missing, rating.rationale or ""))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"code": float, "expected": float, "replicate": "int64"})


# Ratings on a criterion with two levels, where it is known which is right


def confusion(**cells: tuple[int, int, int, int]) -> tuple[list[Item], list[int]]:
    """Items of each group, each a scenario of its own, with their merit; and ratings of them.

    So many of a group are: rated 1 and merit it, rated 0 and merit 1, rated 1 and merit 0, rated 0 and merit it.
    """
    items, values = list[Item](), list[int]()
    for group, counts in cells.items():
        for (merit, value), count in zip(((1, 1), (1, 0), (0, 1), (0, 0)), counts, strict=True):
            for _ in range(count):
                k = len(items)
                items.append(
                    Item(f"i{k}", f"May I have book {k}?", f"Answer {k}.", {"dialect": group}, f"s{k}", {"merit": merit})
                )
                values.append(value)
    return items, values


def decided_run(
    rng: np.random.Generator,
    n: int,
    base_rates: Mapping[str, float],
    tpr: Mapping[str, float],
    fpr: Mapping[str, float],
    *,
    judge: Mapping[str, tuple[float, float]] | None = None,
    labelled: int | None = None,
    per_scenario: int = 1,
) -> Seen:
    """A run of `n` scenarios a group, whose items have one merit, on the binary criterion `ok`.

    Parameters
    ----------
    base_rates, tpr, fpr : by group, how often items merit 1, and how often humans rate so those that do and those that do not.
    judge : by group, how often the judge says 1 where humans say 1, and where they say 0; the humans' own rating where left out.
    labelled : scenarios of each group that humans rate; all where left out.
    """
    items, said, seen_by_humans = list[Item](), list[float](), list[float]()
    for group, base_rate in base_rates.items():
        for s in range(n):
            merit = int(rng.random() < base_rate)
            for k in range(per_scenario):
                name = f"{group}{s}"
                items.append(Item(f"{name}-{k}", "May I?", "Yes.", {"dialect": group}, name, {"merit": merit}))
                value = int(rng.random() < (tpr if merit else fpr)[group])
                hit, slip = (judge or {}).get(group, (1.0, 0.0))
                said.append(float(rng.random() < (hit if value else slip)))
                seen_by_humans.append(float(value) if labelled is None or s < labelled else float("nan"))
    frames = [
        pd.DataFrame(
            {
                "item_id": [item.item_id for item in items], "criterion": "ok", "rater_id": who, "rater_kind": kind, "replicate": 0,
                "code": values, "expected": values, "missing": "", "rationale": "",
            }
        ).dropna(subset="code")
        for who, kind, values in (("judge", "judge", said), ("ann", "human", seen_by_humans))
    ]  # fmt: skip
    return seen(
        items, pd.concat(frames, ignore_index=True), rubric_with({"ok": {"scale": BINARY}}, {"dialect": tuple(base_rates)})
    )


def assert_covers(estimates: Sequence[Estimate], truth: float) -> None:
    """The number of 95 % intervals that hold the truth is within the central 99.9 % of Binomial(n_sims, 0.95)."""
    low, high = np.array([(estimate.low, estimate.high) for estimate in estimates]).T
    assert not np.isnan(low).any(), "a simulated interval is missing"
    held = int(((low <= truth) & (truth <= high)).sum())
    least, most = stats.binom.interval(0.999, len(estimates), 0.95)
    assert least <= held <= most, f"{held / len(estimates):.3f} of {len(estimates):,} intervals hold {truth:.4f}"
