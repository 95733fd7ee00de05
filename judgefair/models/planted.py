"""A made-up world whose truth is known: a scripted system, judge and raters, with the gaps and biases that a study plants.

The system's answer says its own quality in figures. Raters and judge read it there, the judge with the bias that was planted;
nobody reads any meaning. Nothing found in such a world says anything of a real system, judge or person.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Field

from judgefair.errors import InputError
from judgefair.models.model import Body, Model, Post
from judgefair.records import Item, Level
from judgefair.rubric.context import Context, Cue, Strict
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.rubric import Rubric

OPENING = "[simulated answer]"
_QUALITY = re.compile(re.escape(OPENING) + r"([^\n]*)")


class Effect(Strict):
    """What is added to the quality of an answer, or to its rating, where a query shows something."""

    criterion: str = Field(description="id of a criterion")
    adds: float = Field(description="scale points")
    axis: str | None = Field(None, description="an axis; without one the effect is of any cue at all")
    group: str | None = Field(None, description="a group of the axis")
    cue: Cue | None = Field(None, description="explicit, name, dialect or situation; without one, any")


class Noise(Strict):
    """How far things vary, uniformly to both sides, as shares of the scale's range."""

    scenario: float = Field(0.1, ge=0, description="between scenarios, the same in all arms")
    answer: float = Field(0.05, ge=0, description="between answers")
    judge: float = Field(0.05, ge=0, description="of the judge")
    rater: float = Field(0.08, ge=0, description="of each rater")


class Planted(Strict):
    """The `planted` block of a study."""

    base: dict[str, float] = Field(description="a mapping of each criterion to the level that answers have on average")
    system: list[Effect] = Field(default_factory=list, description="a list of effects on the system's answers")
    judge: list[Effect] = Field(default_factory=list, description="a list of effects on the judge's ratings alone")
    raters: int = Field(2, ge=1, description="simulated raters of each labelled item")
    noise: Noise = Field(default_factory=Noise, description="scenario, answer, judge and rater")
    failing_renders: float = Field(0.0, ge=0, lt=1, description="share of renders of an arm that come to nothing")


class World:
    """The planted truths of a rubric's populations."""

    def __init__(self, planted: Planted, rubric: Rubric, seed: int) -> None:
        self.planted, self.seed = planted, seed
        self.criteria = {criterion.id: criterion for criterion in rubric.criteria}
        self._cues = _cues(rubric.context)
        _check(planted, rubric)

    def effect(self, effects: Sequence[Effect], criterion: str, shown: Sequence[tuple[str, str, str]]) -> float:
        """What the effects add where these (axis, group, cue) are shown."""
        total = 0.0
        for effect in effects:
            wanted = (effect.axis, effect.group, effect.cue)
            hit = any(all(w is None or w == s for w, s in zip(wanted, one, strict=True)) for one in shown)
            total += effect.adds if effect.criterion == criterion and hit else 0.0
        return total

    def answer(self, text: str, replicate: int) -> str:
        """What the system answers to a user's words."""
        shown, rest = self.shown(text)
        figures = []
        for criterion in self.criteria.values():
            noise = self._noise("scenario", criterion, rest) + self._noise("answer", criterion, f"{text}|{replicate}")
            value = self.planted.base[criterion.id] + self.effect(self.planted.system, criterion.id, shown) + noise
            figures.append(f"{criterion.id} {value:.4f}")
        return f"{OPENING} {', '.join(figures)}"

    def judged(self, text: str, criterion: Criterion, replicate: int) -> Level:
        """The level that the judge gives to query and response."""
        bias = self.effect(self.planted.judge, criterion.id, self.shown(text)[0])
        noise = self._noise("judge", criterion, f"{text}|{replicate}")
        return self._level(criterion, self.quality(text)[criterion.id] + bias + noise, f"judge|{text}|{replicate}")

    def rated(self, item: Item, criterion: Criterion, rater: str) -> Level:
        """The level that a simulated rater gives."""
        noise = self._noise("rater", criterion, f"{rater}|{item.item_id}")
        return self._level(criterion, self.quality(item.response)[criterion.id] + noise, f"{rater}|{item.item_id}")

    def shown(self, text: str) -> tuple[list[tuple[str, str, str]], str]:
        """Which (axis, group, cue) the cues in a text stand for, and the text without them."""
        found = []
        for cue, what in self._cues:
            if cue in text:
                found.append(what)
                text = text.replace(cue, "")
        return found, " ".join(text.split())

    def quality(self, text: str) -> dict[str, float]:
        """The figures that a simulated answer says of itself."""
        told = _QUALITY.search(text)
        if told is None:
            raise InputError("a planted judge or rater can read answers of the planted system only")
        return {name: float(value) for name, value in (pair.split() for pair in told.group(1).split(","))}

    def _noise(self, kind: str, criterion: Criterion, of: str) -> float:
        low, high = _ends(criterion)
        return float(getattr(self.planted.noise, kind)) * (high - low) * (2 * self.uniform(f"{kind}|{criterion.id}|{of}") - 1)

    def _level(self, criterion: Criterion, value: float, of: str) -> Level:
        """Rounded up or down at random, so that the expected level is the value."""
        codes = sorted(criterion.scale.code(level) for level in criterion.scale.levels)
        below = max((code for code in codes if code <= value), default=codes[0])
        above = min((code for code in codes if code >= value), default=codes[-1])
        share = (value - below) / (above - below) if above > below else 0.0
        return criterion.scale.level(above if self.uniform(f"level|{criterion.id}|{of}") < share else below)

    def uniform(self, of: str) -> float:
        """A number from 0 to 1 that the seed and the text decide."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{of}".encode()).digest()[:8], "big") / 2**64


class PlantedModel(Model):
    """The system of a planted world where a request asks for text, its judge where it asks for levels."""

    has_latency = False

    def __init__(self, world: World) -> None:
        self.name = "scripted:planted"
        planted = json.dumps([world.planted.model_dump(), world.seed, list(world.criteria)], sort_keys=True)
        self.server = f"scripted:planted/{hashlib.sha256(planted.encode()).hexdigest()[:16]}"
        self._world = world

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            return self._complete(body)

        yield post

    def _complete(self, body: Body) -> dict[str, Any]:
        said = "\n\n".join(message["content"] for message in body["messages"] if message["role"] == "user")
        seed = int(body.get("seed", 0))
        content = json.dumps(self._judged(body, said, seed)) if "response_format" in body else self._world.answer(said, seed)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": sum(len(m["content"]) for m in body["messages"]) // 4, "completion_tokens": len(content) // 4}
        return {"object": "chat.completion", "model": self.name, "choices": [choice], "usage": usage}

    def _judged(self, body: Body, said: str, seed: int) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for name, field in body["response_format"]["json_schema"]["schema"]["properties"].items():
            criterion = self._world.criteria.get(name) or (self._asked_of(body) if name == "level" else None)
            if criterion is not None:
                answers[name] = self._world.judged(said, criterion, seed)
            else:
                answers[name] = field["enum"][0] if "enum" in field else "A planted judge gives no reason."
        return answers

    def _asked_of(self, body: Body) -> Criterion:
        """The one criterion of a call that asks for `level`."""
        system = body["messages"][0]["content"]
        for name, criterion in self._world.criteria.items():
            if f"{name}: {criterion.question}" in system:
                return criterion
        raise InputError("a planted judge finds no criterion in the prompt. Use the rubric's plain program in a planted study")


def _cues(context: Context) -> list[tuple[str, tuple[str, str, str]]]:
    """Every cue of the rubric and what it stands for, the longest first, so that none is found inside another."""
    found = [
        (text, (axis.axis, name, cue))
        for axis in context.populations
        for name, group in axis.groups.items()
        for cue, texts in (group.cues or {}).items()
        for text in texts
    ]
    return sorted(found, key=lambda cue: -len(cue[0]))


def _ends(criterion: Criterion) -> tuple[float, float]:
    low, high = (criterion.scale.code(end) for end in criterion.scale.ends)
    return low, high


def _check(planted: Planted, rubric: Rubric) -> None:
    """InputError where an effect names what the rubric has not, or values could leave the scale, which would bend the truth."""
    texts = [text for text, _ in _cues(rubric.context)]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise InputError(
            f"planted: the cue '{twice}' stands for two populations, and nothing could tell which. Write each its own"
        )
    groups = {axis.axis: set(axis.groups) for axis in rubric.context.populations}
    known = [criterion.id for criterion in rubric.criteria]
    if set(planted.base) != set(known):
        raise InputError(f"planted.base names {', '.join(planted.base)}. Expected the rubric's criteria: {', '.join(known)}")
    for effect in [*planted.system, *planted.judge]:
        if effect.criterion not in known:
            raise InputError(f"planted: '{effect.criterion}' is no criterion of the rubric. Criteria: {', '.join(known)}")
        if effect.axis is not None and effect.axis not in groups:
            raise InputError(f"planted: '{effect.axis}' is no axis of the rubric. Axes: {', '.join(groups)}")
        if effect.group is not None and (effect.axis is None or effect.group not in groups[effect.axis]):
            raise InputError(f"planted: '{effect.group}' is no group of axis {effect.axis}. Name its axis, and one of its groups")
    for criterion in rubric.criteria:
        if not criterion.scale.has_points or not criterion.scale.levels:
            raise InputError(f"planted: {criterion.id} has no levels with distances, and effects are in scale points")
        low, high = _ends(criterion)
        noise = planted.noise
        shares = noise.scenario + noise.answer + max(noise.judge, noise.rater)
        for up in (1, -1):
            moved = sum(max(up * e.adds, 0.0) for e in [*planted.system, *planted.judge] if e.criterion == criterion.id)
            end = planted.base[criterion.id] + up * (moved + shares * (high - low))
            if not low <= end <= high:
                raise InputError(
                    f"planted: {criterion.id} could reach {end:.2f}, beyond its scale of {low:g} to {high:g}, where ratings would be cut off "
                    "and the truth with them. Move its base, or plant less"
                )


def truths(
    world: World, arms: Sequence[tuple[Mapping[str, str], Mapping[str, str], Mapping[str, float]]], context: Context
) -> list[dict[str, Any]]:
    """What is true of every gap, by construction.

    Parameters
    ----------
    arms : of the design, without placebos: populations, cues, and by axis the arm's weight.
    """
    found = []
    for criterion in world.criteria:
        for axis in context.populations:
            of_system, of_judge = (
                {group: _mean(world, effects, criterion, axis.axis, group, arms) for group in axis.groups}
                for effects in (world.planted.system, world.planted.judge)
            )
            for group in axis.groups:
                if group == axis.reference or of_system[group] is None or of_system[axis.reference] is None:
                    continue
                gap, made = of_system[group] - of_system[axis.reference], of_judge[group] - of_judge[axis.reference]  # type: ignore[operator]
                values = {"gap.raw": gap + made, "gap.corrected": gap, "gap.judge_made": made, "judge_error_gap": made}
                about = {"criterion": criterion, "population": {axis.axis: group}, "contrast": {axis.axis: axis.reference}}
                found += [{"estimand": name, **about, "value": round(value, 9)} for name, value in values.items()]
    return found


def _mean(
    world: World,
    effects: Sequence[Effect],
    criterion: str,
    axis: str,
    group: str,
    arms: Sequence[tuple[Mapping[str, str], Mapping[str, str], Mapping[str, float]]],
) -> float | None:
    """Of what the effects add, over the arms that show the group; None where none does."""
    mine = [
        (world.effect(effects, criterion, [(a, g, cues[a]) for a, g in shows.items()]), weights[axis])
        for shows, cues, weights in arms
        if shows.get(axis) == group
    ]
    total = sum(weight for _, weight in mine)
    return sum(value * weight for value, weight in mine) / total if total else None
