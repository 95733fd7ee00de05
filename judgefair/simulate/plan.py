"""What is rendered? Scenario blocks, and every arm of each: populations by cue, neutral, and placebos."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import prod, sqrt
from typing import Any, get_args

import numpy as np

from judgefair.errors import InputError, did_you_mean
from judgefair.rubric.context import Axis, Context, Cue, Scenario
from judgefair.rubric.rubric import Rubric
from judgefair.statistics.minimal_effect import minimal_effect

NEUTRAL, PARAPHRASE, SAME_GROUP = "neutral", "paraphrase", "same_group"
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Block:
    """One scenario, filled in: what is asked whoever asks.

    Attributes
    ----------
    number : 0.. in the design; it chooses which of several cues of a channel the block shows, the same for all arms.
    turns, paraphrase : what the user says, and the same in other words where the rubric has it.
    is_version : whether the scenario is one of several that differ in the values of their facts.
    """

    block_id: str
    number: int
    scenario_id: str
    intent: str
    facts: Mapping[str, Any]
    merit: float | None
    turns: tuple[str, ...]
    paraphrase: tuple[str, ...] | None
    is_version: bool = False


@dataclass(frozen=True, slots=True)
class Arm:
    """One version of every scenario.

    Attributes
    ----------
    populations : what it shows, by axis; empty for neutral. An axis it does not show is left out.
    cues : by axis, the channel it shows through.
    placebo : `paraphrase` (its reference arm in other words) or `same_group` (another cue of the same groups); else None.
    """

    name: str
    populations: Mapping[str, str] = field(default_factory=dict)
    cues: Mapping[str, str] = field(default_factory=dict)
    placebo: str | None = None

    @property
    def cue(self) -> str | None:
        """The channel, or channels joined by +; None for neutral."""
        return "+".join(dict.fromkeys(self.cues.values())) or None


@dataclass(frozen=True, slots=True)
class Design:
    """What is to be simulated; nothing is rendered yet.

    Attributes
    ----------
    axes : the axes that are shown, with their groups in the rubric's order.
    strength : 1 where each arm shows one axis, else every combination of so many axes' groups stands in some arm.
    coverage : share of those combinations that the arms cover, in each channel; always 1.
    notes : what the rubric has and the design leaves out, and why.
    """

    blocks: Sequence[Block]
    arms: Sequence[Arm]
    axes: Mapping[str, Sequence[str]]
    references: Mapping[str, str]
    strength: int
    coverage: float
    notes: Sequence[str]
    seed: int

    @property
    def n_queries(self) -> int:
        """Arms of all blocks."""
        return len(self.blocks) * len(self.arms)

    def imbalance(self) -> float:
        """The largest distance (total variation) between the other axes' groups of two populations that are compared.

        0 where arms show one axis, or all combinations. A gap on one axis may carry so much of another axis' effect; the
        weights of `balancing_weights` are counted in.
        """
        shown = [arm for arm in self.arms if arm.placebo is None and arm.populations]
        profiles = [arm.populations for arm in shown]
        largest = 0.0
        for axis, groups in self.axes.items():
            weights = balancing_weights(profiles, axis)
            for other in self.axes:
                shares = {}
                for group in groups:
                    mine = [i for i, profile in enumerate(profiles) if profile.get(axis) == group and other in profile]
                    total = sum(weights[i] for i in mine)
                    if other == axis or not total:
                        continue
                    shares[group] = {
                        level: sum(weights[i] for i in mine if profiles[i][other] == level) / total for level in self.axes[other]
                    }
                reference = shares.get(self.references[axis])
                for share in shares.values():
                    if reference is not None:
                        largest = max(largest, sum(abs(share[level] - reference[level]) for level in share) / 2)
        return largest


def plan(
    rubric: Rubric,
    n_scenarios: int | None = None,
    *,
    strength: int = 1,
    axes: Sequence[str] | None = None,
    cues: Sequence[str] | None = None,
    placebos: bool = True,
    seed: int = 0,
) -> Design:
    """The design of a simulation: scenarios first, then every arm of each.

    Parameters
    ----------
    n_scenarios : how many; None takes all the rubric has. A scenario with several values of a fact whose `{name}` stands in
        its turns counts once for each combination of values.
    strength : 1 shows one axis at a time, so that arms that are compared differ in it alone. From 2 on arms show all axes at
        once, by a covering array: every combination of so many axes' groups stands in some arm.
    axes, cues : only these axes and channels of the rubric; None takes all.
    placebos : whether reference arms are said again in other words and through another cue of the same group.

    Raises
    ------
    InputError : an unknown axis or channel, more scenarios than there are, a strength below 1, or no axis with cues.

    >>> from judgefair.rubric import load_rubric
    >>> design = plan(load_rubric("writing_tutor"), 2, axes=["dialect"], cues=["situation"], placebos=False)
    >>> [arm.name for arm in design.arms][:2]
    ['neutral', 'dialect=mainstream, situation']
    """
    if strength < 1:
        raise InputError(f"strength is {strength}. Expected 1, which shows one axis at a time, or more, which crosses axes")
    context = rubric.context
    blocks = _blocks(context, n_scenarios, seed)
    chosen, notes = _channels(context, axes, cues)
    shown = {axis.axis: list(axis.groups) for axis in context.populations if axis.axis in chosen}
    references = {axis.axis: axis.reference for axis in context.populations if axis.axis in chosen}
    t = min(strength, len(shown))
    if t < strength:
        notes.append(f"Strength {strength} needs as many axes; the design shows {len(shown)}, and its strength is {t}.")
    arms = [Arm(NEUTRAL)]
    arms += _one_at_a_time(shown, chosen) if t == 1 else _crossed(shown, references, chosen, t, notes)
    if placebos:
        arms += _placebos(context, arms, references, notes)
    written = len({block.scenario_id.rpartition("-")[0] if block.is_version else block.scenario_id for block in blocks})
    if written < len(blocks):
        notes.append(
            f"The {len(blocks):,} scenarios are {written:,} written ones with other facts: each version counts as a scenario, though what the "
            "versions of one share in wording is not sampled anew."
        )
    coverage = _coverage(arms, shown, t)
    assert coverage == 1, f"the arms cover {coverage:.1%} of the combinations of {t} axes"
    return Design(blocks, arms, shown, references, t, coverage, notes, seed)


def minimal_gap(design: Design, rubric: Rubric, sd: float | None = None, correlation: float = 0.5) -> dict[str, float]:
    """By criterion, the smallest gap that the design could tell from 0 with 80 % power if humans labelled every item.

    Parameters
    ----------
    sd : of labels between scenarios, in scale points; None takes a quarter of the scale's range.
    correlation : of two arms of one scenario.

    Notes
    -----
    A gap is the mean over scenarios of paired differences, averaged over channels: se = sd sqrt(2 (1 - correlation) / channels /
    scenarios); alpha is split over the rubric's contrasts (Bonferroni). Fewer labels, or a judge in their place, see less.
    """
    judged = [
        (criterion.id, len(groups) - 1)
        for criterion in rubric.criteria
        for axis, groups in design.axes.items()
        if criterion.roles[axis] != "may_use" and criterion.scale.has_points
    ]
    contrasts = max(sum(n for _, n in judged), 1)
    channels = min(
        (
            len({arm.cues[axis] for arm in design.arms if arm.populations.get(axis) == group and arm.placebo is None})
            for axis, groups in design.axes.items()
            for group in groups
        ),
        default=1,
    )
    found = {}
    for criterion in rubric.criteria:
        if criterion.scale.has_points:
            low, high = (criterion.scale.code(end) for end in criterion.scale.ends)
            spread = sd if sd is not None else (high - low) / 4
            se = spread * sqrt(2 * (1 - correlation) / channels / len(design.blocks))
            df = max(len(design.blocks) - 1, 1)
            found[criterion.id] = minimal_effect(se, df=df, confidence=1 - 0.05 / contrasts)
    return found


def describe(design: Design, rubric: Rubric, sd: float | None = None) -> dict[str, Any]:
    """A design in figures, as a dry run tells it; `sd` as in `minimal_gap`."""
    gaps = minimal_gap(design, rubric, sd)
    return {
        "rubric": rubric.id, "blocks": len(design.blocks), "arms": len(design.arms), "queries": design.n_queries,
        "strength": design.strength, "coverage": design.coverage, "imbalance": round(design.imbalance(), 6),
        "minimal_gap": max(gaps.values(), default=None), "minimal_gap_by_criterion": gaps,
        "arm_names": [arm.name for arm in design.arms], "notes": list(design.notes),
    }  # fmt: skip


def balancing_weights(profiles: Sequence[Mapping[str, str]], axis: str) -> list[float]:
    """Weights of arms under which groups of `axis` meet the groups of every other axis equally often, as far as that can be.

    Within each group, weights of at least 0 are as equal as can be while the other axes' groups get equal shares (least
    squares, without negative weights). Where arms show one axis, or every combination of groups, all weights are 1.

    Parameters
    ----------
    profiles : the populations that each arm shows. Arms that do not show `axis` get weight 0.
    """
    from scipy.optimize import nnls

    exact = 1e4  # how much more a margin counts than that the weights are alike
    weights = [0.0] * len(profiles)
    levels: dict[str, set[str]] = {}
    for profile in profiles:
        if axis in profile:
            for other, group in profile.items():
                levels.setdefault(other, set()).add(group)
    for group in sorted(levels.get(axis, set())):
        mine = [i for i, profile in enumerate(profiles) if profile.get(axis) == group]
        rows, wanted = [np.ones(len(mine)) * exact], [exact * len(mine)]
        for other in sorted(set(levels) - {axis}):
            shows = [i for i in mine if other in profiles[i]]
            for level in sorted(levels[other]):
                rows.append(np.array([exact * (profiles[i].get(other) == level) for i in mine]))
                wanted.append(exact * len(shows) / len(levels[other]))
        design = np.vstack([*rows, np.eye(len(mine))])
        solved = nnls(design, np.array([*wanted, *np.ones(len(mine))]))[0]
        for i, weight in zip(mine, solved * len(mine) / solved.sum(), strict=True):
            weights[i] = float(round(weight, 9))
    return weights


def _blocks(context: Context, n_scenarios: int | None, seed: int) -> list[Block]:
    """Scenarios in turn, each with its next combination of facts, in an order that the seed decides."""
    rng = np.random.default_rng(seed)
    versions = []
    for scenario in context.scenarios:
        if scenario.turns is not None:
            filled = list(_filled(scenario))
            versions.append([filled[i] for i in rng.permutation(len(filled))])
    available = sum(map(len, versions))
    if not available:
        raise InputError("the rubric has no scenario with turns. Write what the user says, under context.scenarios: turns")
    wanted = available if n_scenarios is None else n_scenarios
    if wanted < 1 or wanted > available:
        raise InputError(
            f"--scenarios is {wanted}, and the rubric's scenarios make {available}. Expected 1 to {available}; for more, write scenarios "
            "with turns, or give a fact of a scenario several values and put {its_name} into a turn"
        )
    in_turn = [queue[k] for k in range(max(map(len, versions))) for queue in versions if k < len(queue)]
    return [
        Block(f"b{number:04}", number, *scenario)
        for number, scenario in enumerate(in_turn[:wanted])
    ]  # fmt: skip


def _filled(
    scenario: Scenario,
) -> Iterator[tuple[str, str, dict[str, Any], float | None, tuple[str, ...], tuple[str, ...] | None, bool]]:
    """Every combination of the values of facts that stand in the turns."""
    turns, paraphrase = scenario.turns or [], scenario.paraphrase
    slots = list(dict.fromkeys(name for turn in [*turns, *(paraphrase or [])] for name in SLOT.findall(turn)))
    values = {
        name: value if isinstance(value := scenario.facts[name], list) else [value] for name in slots if name in scenario.facts
    }
    for number, chosen in enumerate(product(*values.values()), start=1):
        filling = dict(zip(values, chosen, strict=True))

        def fill(turn: str, filling: Mapping[str, Any] = filling) -> str:
            return SLOT.sub(lambda slot: str(filling.get(slot.group(1), slot.group(0))), turn)

        is_version = prod(map(len, values.values())) > 1
        name = f"{scenario.id}-{number:03}" if is_version else scenario.id
        said = None if paraphrase is None else tuple(map(fill, paraphrase))
        yield name, scenario.intent, {**scenario.facts, **filling}, scenario.merit, tuple(map(fill, turns)), said, is_version


def _channels(context: Context, axes: Sequence[str] | None, cues: Sequence[str] | None) -> tuple[dict[str, list[str]], list[str]]:
    """By axis the channels that all of its groups have, and what is left out."""
    known = {axis.axis: axis for axis in context.populations}
    for name in axes or ():
        if name not in known:
            raise InputError(f"axes: '{name}' is no axis of the rubric.{did_you_mean(name, known)} Axes: {', '.join(known)}")
    for cue in cues or ():
        if cue not in get_args(Cue):
            raise InputError(
                f"cues: '{cue}' is no channel.{did_you_mean(cue, get_args(Cue))} Channels: {', '.join(get_args(Cue))}"
            )
    chosen: dict[str, list[str]] = {}
    notes = []
    for axis in known.values():
        if axes is not None and axis.axis not in axes:
            continue
        by_group = {name: list(group.cues or {}) for name, group in axis.groups.items()}
        everywhere = [cue for cue in by_group[axis.reference] if all(cue in found for found in by_group.values())]
        shown: list[str] = [cue for cue in everywhere if cues is None or cue in cues]
        some = sorted({cue for found in by_group.values() for cue in found} - set(everywhere))
        if some:
            notes.append(f"{axis.axis}: the channel {', '.join(some)} is left out, since not every group has cues in it.")
        if shown:
            chosen[axis.axis] = shown
        else:
            notes.append(f"{axis.axis}: is left out, since there is no channel in which all of its groups have cues.")
    if not chosen:
        wanted = f" in {', '.join(cues)}" if cues else ""
        raise InputError(
            f"no axis of the rubric can be simulated: {' '.join(notes)} Write cues{wanted} for every group of an axis, under "
            "context.populations"
        )
    return chosen, notes


def _one_at_a_time(shown: Mapping[str, Sequence[str]], channels: Mapping[str, Sequence[str]]) -> list[Arm]:
    return [_arm({axis: group}, {axis: cue}) for axis, groups in shown.items() for cue in channels[axis] for group in groups]


def _crossed(
    shown: Mapping[str, Sequence[str]],
    references: Mapping[str, str],
    channels: Mapping[str, Sequence[str]],
    strength: int,
    notes: list[str],
) -> list[Arm]:
    from covertable import make

    factors = [[(axis, group) for group in groups] for axis, groups in shown.items()]
    found = {tuple(dict(row)[axis] for axis in shown) for row in make(factors, strength=strength)} | {tuple(references.values())}
    place = [{group: k for k, group in enumerate(groups)} for groups in shown.values()]
    in_order = sorted(found, key=lambda row: [of[group] for of, group in zip(place, row, strict=True)])
    rows = [dict(zip(shown, row, strict=True)) for row in in_order]
    common = [cue for cue in next(iter(channels.values())) if all(cue in found for found in channels.values())]
    if common:
        left = sorted({cue for found in channels.values() for cue in found} - set(common))
        if left:
            notes.append(f"Crossed arms show all axes through one channel; {', '.join(left)} is not one that all axes have.")
        return [_arm(row, dict.fromkeys(row, cue)) for cue in common for row in rows]
    notes.append("The axes have no channel in common: crossed arms show each axis through its own first channel.")
    return [_arm(row, {axis: channels[axis][0] for axis in row}) for row in rows]


def _placebos(context: Context, arms: Sequence[Arm], references: Mapping[str, str], notes: list[str]) -> list[Arm]:
    """Both kinds for each arm that shows the reference of all its axes."""
    axes: dict[str, Axis] = {axis.axis: axis for axis in context.populations}
    found = []
    for arm in arms:
        if not arm.populations or any(references[axis] != group for axis, group in arm.populations.items()):
            continue
        found.append(_arm(arm.populations, arm.cues, PARAPHRASE))
        several = all(
            len((axes[axis].groups[group].cues or {}).get(arm.cues[axis], ())) > 1  # type: ignore[call-overload]
            for axis, group in arm.populations.items()
        )
        if several:
            found.append(_arm(arm.populations, arm.cues, SAME_GROUP))
        else:
            notes.append(f"{arm.name}: no placebo with another cue of the same group, since the rubric lists one only.")
    return found


def _arm(populations: Mapping[str, str], cues: Mapping[str, str], placebo: str | None = None) -> Arm:
    shows = ", ".join(f"{axis}={group}" for axis, group in populations.items())
    name = f"{shows}, {'+'.join(dict.fromkeys(cues.values()))}"
    return Arm(name if placebo is None else f"{name}, {placebo}", populations, cues, placebo)


def _coverage(arms: Sequence[Arm], shown: Mapping[str, Sequence[str]], strength: int) -> float:
    """Share of the combinations of `strength` axes' groups that some arm shows, in the channel that has fewest."""
    seen: dict[str, set[frozenset[tuple[str, str]]]] = {}
    for arm in arms:
        if arm.placebo is None and arm.populations:
            channel = f"{arm.cue} of {', '.join(arm.populations)}"
            seen.setdefault(channel, set()).update(map(frozenset, combinations(arm.populations.items(), strength)))
    wanted = {", ".join(axes): prod(len(shown[axis]) for axis in axes) for axes in combinations(shown, strength)}
    if strength > 1:
        return min(map(len, seen.values())) / sum(wanted.values())
    return min(len(found) / wanted[channel.partition(" of ")[2]] for channel, found in seen.items())
