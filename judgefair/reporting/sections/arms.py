"""What were the simulated users of one scenario answered, arm by arm, and how did judge and humans rate it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgefair.estimation import Estimation
from judgefair.records import Item
from judgefair.reporting.blocks import Beside, Block, Quote, Section, Text
from judgefair.reporting.words import caution, labellers
from judgefair.validation import Validation

ORDER = 62
MAX_CHARACTERS = 420
OWN = "the run itself"
"""Labels of another run say nothing of these arms."""


@dataclass(frozen=True, slots=True)
class _Arm:
    """One arm of a scenario: its texts, and by criterion the mean ratings of judge and of humans, as far as there are any."""

    scenario: str
    name: str
    query: str
    response: str
    missing: str
    judge: Mapping[str, float]
    humans: Mapping[str, float]


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The arms of the scenario that was rated most differently across them; none for runs without arms."""
    known = (estimation.simulation or {}).get("arms") if estimation else None
    if not known:
        return None
    whom = labellers(validation)
    labelled = _labelled(validation) if estimation is not None and estimation.scope["labels_from"] == OWN else {}
    blocks_of = labelled or _first(known)
    with_points = [name for name, scale in validation.scales.items() if scale.has_points]
    found = _widest(blocks_of, "humans" if labelled else "judge", with_points)
    if found is None:
        arms: Sequence[_Arm] = next(iter(blocks_of.values()))
        rule = "The first scenario, since no two arms of one have a rating."
    else:
        arms, criterion, spread = found
        raters, arms_of = (f"the {whom}", "labelled arms") if labelled else ("the judge", "arms of the first scenarios")
        rule = (
            f"Of all {arms_of}, those of this scenario are furthest apart as {raters} rated them: {spread:.3g} points on {criterion}. It was chosen "
            "for being the extreme, so that it is no example of the rest."
        )
    told: list[Block] = [
        Text(f"All arms of a scenario ask for the same thing with the same facts. {rule} The texts are data that was judged."),
        Beside(
            f"Scenario {arms[0].scenario}, arm by arm, with mean ratings.{caution(validation)}",
            [Quote(arm.name, _parts(arm, whom)) for arm in arms],
        ),
    ]
    return Section("arms", "One scenario, arm by arm", told)


def _labelled(validation: Validation) -> dict[str, list[_Arm]]:
    """Arms that humans rated, by block, in the run's order."""
    if not (validation.ratings["rater_kind"] == "human").any():
        return {}
    arms: dict[str, Item] = {
        item.item_id: item
        for item in validation.items
        if "arm" in item.meta and item.meta.get("block") and not item.meta.get("replicate")
    }
    rated = validation.ratings[validation.ratings["item_id"].isin(list(arms)) & validation.ratings["code"].notna()]
    by = ["rater_kind", "item_id", "criterion"]
    means = rated.groupby(by, sort=False, observed=True)["code"].mean().reset_index()
    of: dict[tuple[str, str], dict[str, float]] = {}
    for row, mean in zip(means.itertuples(), means["code"].to_numpy(dtype=float), strict=True):
        of.setdefault((str(row.rater_kind), str(row.item_id)), {})[str(row.criterion)] = float(mean)
    found: dict[str, list[_Arm]] = {}
    for item_id, item in arms.items():
        if ("human", item_id) in of:
            arm = _Arm(
                str(item.scenario_id), str(item.meta["arm"]), item.query, item.response, "", of.get(("judge", item_id), {}),
                of["human", item_id],
            )  # fmt: skip
            found.setdefault(str(item.meta["block"]), []).append(arm)
    return found


def _first(known: Sequence[Mapping[str, object]]) -> dict[str, list[_Arm]]:
    """Arms that the estimation kept, by scenario, with the judge's ratings alone."""
    found: dict[str, list[_Arm]] = {}
    for arm in known:
        ratings = arm["ratings"]
        assert isinstance(ratings, Mapping)
        texts = (str(arm["scenario"]), str(arm["arm"]), str(arm["query"]), str(arm["response"]), str(arm["missing"] or ""))
        found.setdefault(str(arm["scenario"]), []).append(_Arm(*texts, ratings, {}))
    return found


def _widest(blocks: Mapping[str, Sequence[_Arm]], who: str, criteria: Sequence[str]) -> tuple[Sequence[_Arm], str, float] | None:
    """The arms, the criterion and the spread of the largest difference of mean ratings within one scenario; the first of equals."""
    best: tuple[Sequence[_Arm], str, float] | None = None
    for arms in blocks.values():
        ratings: list[Mapping[str, float]] = [getattr(arm, who) for arm in arms]
        for criterion in criteria:
            values = [rated[criterion] for rated in ratings if criterion in rated]
            if len(values) > 1 and (best is None or max(values) - min(values) > best[2]):
                best = arms, criterion, max(values) - min(values)
    return best


def _parts(arm: _Arm, whom: str) -> list[tuple[str, str]]:
    response = _shorten(arm.response) or "(empty)"
    return [
        ("Judge", _rated(arm.judge)),
        *([(whom.capitalize(), _rated(arm.humans))] if arm.humans else []),
        ("Response", f"{arm.missing}: {response}" if arm.missing else response),
        ("Query", _shorten(arm.query) or "(nothing was asked)"),
    ]


def _rated(means: Mapping[str, float]) -> str:
    return ", ".join(f"{criterion} {mean:.3g}" for criterion, mean in means.items()) or "no rating"


def _shorten(text: str) -> str:
    """Both ends of a long text: a cue may stand at either."""
    half = MAX_CHARACTERS // 2
    return text if len(text) <= MAX_CHARACTERS else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
