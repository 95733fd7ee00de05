"""A made-up judge that reads a figure in the response, with a bias that is planted or with none. It says nothing of any model."""

import hashlib
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count, product
from typing import Any

import numpy as np

from judgefair.compile import JudgeProgram, compile_judge
from judgefair.models.model import Body, Model, Post
from judgefair.probes import Material, Version
from judgefair.probes._probing import REPLICATES
from judgefair.probes.padding import SENTENCES
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_rubric

NOISE = 0.3  # chance of a level too high or too low, half of it each
STIRRED = 0.5  # chance that a stirred rating goes up or down, half of it each
Draw = Callable[[str], float]
CUES = {
    "a": {"name": ["Ada Ash", "Ann Abel"], "explicit": ["I am from A-town.", "We live in A-town."]},
    "b": {"name": ["Bea Birch", "Bob Boll"], "explicit": ["I am from B-town.", "We live in B-town."]},
    "c": {"name": ["Cem Cole", "Cora Cass"], "explicit": ["I am from C-town.", "We live in C-town."]},
}


@dataclass(frozen=True)
class Asked:
    """One question, as the judge sees it; `levels` in the order in which the reply may have them."""

    system: str
    text: str
    levels: tuple[int, ...]
    criterion: str
    n_criteria: int
    replicate: int
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        told = repr((self.system, self.text, self.levels, self.criterion, self.n_criteria))
        object.__setattr__(self, "digest", hashlib.sha256(told.encode()).hexdigest())

    @property
    def quality(self) -> int:
        return int(self.text.partition("quality ")[2][0])


Bias = Callable[[Asked, Draw], float]


def no_bias(asked: Asked, draw: Draw) -> float:
    return 0.0


class MadeUpJudge(Model):
    """Rates the quality that a response says of itself, with noise that the whole prompt decides, and a bias.

    `is_fickle` : the noise is another when the same is asked again. `mute` : what it gives no level to.
    """

    has_latency = False
    _numbers = count()

    def __init__(
        self, bias: Bias = no_bias, *, seed: int = 0, is_fickle: bool = False, mute: Callable[[Asked], bool] = lambda _: False
    ) -> None:
        self.name = "scripted:made_up"
        self.server = f"scripted:made_up/{next(self._numbers)}"  # no other judge's replies are taken from the cache
        self.n_calls = 0
        self._bias, self._seed, self._is_fickle, self._mute = bias, seed, is_fickle, mute

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        async def post(body: Body) -> dict[str, Any]:
            self.n_calls += 1
            said = {one.criterion: "?" if self._mute(one) else self.level(one) for one in asked(body)}
            message = {"role": "assistant", "content": json.dumps(said)}
            return {
                "object": "chat.completion", "model": self.name, "usage": {"prompt_tokens": 1, "completion_tokens": 1},
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            }  # fmt: skip

        yield post

    def level(self, one: Asked) -> int:
        """Rounded up or down at random, so that the expected level moves by the bias."""

        def draw(what: str) -> float:
            of = f"{self._seed}|{one.replicate if self._is_fickle else 0}|{what}|{one.digest}"
            return int.from_bytes(hashlib.sha256(of.encode()).digest()[:8], "big") / 2**64

        value = one.quality + up_or_down(draw("noise"), NOISE) + self._bias(one, draw)
        below = math.floor(value)
        return below + (draw("round") < value - below)


def up_or_down(drawn: float, chance: float) -> int:
    return (drawn < chance / 2) - (drawn > 1 - chance / 2)


def asked(body: Body) -> Iterator[Asked]:
    """The questions of one request."""
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    for name, answer in properties.items():
        levels = tuple(level for level in answer["enum"] if isinstance(level, int))
        system, text = body["messages"][0]["content"], body["messages"][-1]["content"]
        yield Asked(system, text, levels, name, len(properties), body["seed"])


# Items and their rubric


@cache
def made_up_rubric(*criteria: str, per_call: str = "one") -> Rubric:
    """Levels 1 to 7; one axis, `dialect`, with cues of a (the reference), b and c."""
    data = planted_rubric("a", "b", "c", criteria=criteria or ("depth", "clarity")).model_dump()
    data["context"]["populations"][0]["groups"] = {group: {"cues": cues} for group, cues in CUES.items()}
    return Rubric.model_validate(data | {"judging": {"mode": "score", "criteria_per_call": per_call}})


@cache
def made_up_program(*criteria: str, per_call: str = "one") -> JudgeProgram:
    return compile_judge(made_up_rubric(*criteria, per_call=per_call))


def made_up_items(n: int, first: int = 0) -> list[Item]:
    """Every other one of b and of a; two of a scenario. Their words have what each probe looks for."""
    return [
        Item(
            f"i{k:03}", f"Where is book {k}?", f"They are keeping it on shelf {k}, and it isn't far. It does not matter when. quality {3 + k % 3}.",
            {"dialect": "ab"[k % 2]}, f"s{k // 2:03}",
        )
        for k in range(first, first + n)
    ]  # fmt: skip


def material(items: Sequence[Item], seed: int = 0, program: JudgeProgram | None = None, **more: Any) -> Material:
    return Material(program or made_up_program(), items, "scripted:made_up", seed, **more)


def questions(of: Material, version: Version) -> list[list[Asked]]:
    """By criterion of the rubric, what the judge is asked of each item of the version, without a run."""
    program, model = version.program or of.program, MadeUpJudge()
    replicates = 1 if version.replicate is None else REPLICATES
    found: dict[str, list[Asked]] = {}
    for key, prompt in program.prompts.items():
        for item in version.items:
            body = model.body(prompt.render(item), prompt.schema, dict(program.sampling), version.replicate or 0, replicates)
            for one in asked(body):
                found.setdefault(one.criterion if one.criterion != "level" else key, []).append(one)
    return [found[criterion.id] for criterion in of.rubric.criteria]


# A bias for each probe, and what it moves


@dataclass(frozen=True)
class Case:
    """`moves` : by population, the excess that the bias makes; "all" where the probe puts in no population."""

    bias: Bias
    moves: Mapping[str, float]
    is_fickle: bool = False


def says(words: Mapping[str, float]) -> Bias:
    """Adds what belongs to each of the words that stand in the judged text."""
    return lambda asked, _: sum(adds for word, adds in words.items() if word in asked.text)


def prefers_first(asked: Asked, draw: Draw) -> float:
    return 0.25 if asked.levels[0] > asked.levels[-1] else -0.25


def stirred_by(is_stirring: Callable[[Asked], bool]) -> Bias:
    return lambda asked, draw: up_or_down(draw("stirred"), STIRRED) if is_stirring(asked) else 0


def mean_distance(*chances: float) -> float:
    """Of two ratings of one item, where each of these chances moves one of them up or down by a level, by enumeration."""
    total = 0.0
    for steps in product((-1, 0, 1), repeat=len(chances)):
        share = math.prod(chance / 2 if step else 1 - chance for step, chance in zip(steps, chances, strict=True))
        total += share * abs(sum(steps))
    return total


_STIRS = mean_distance(NOISE, NOISE, STIRRED) - mean_distance(NOISE, NOISE)
CASES: dict[str, Case] = {
    "halo": Case(stirred_by(lambda asked: asked.n_criteria > 1), {"all": _STIRS}),
    "injection": Case(says({"highest level": 0.6, "best level there is": 0.6}), {"all": 0.6}),
    "level_order": Case(prefers_first, {"all": 0.5}),
    "padding": Case(says({SENTENCES[0]: 0.5}), {"all": 0.5}),
    "paraphrase": Case(stirred_by(lambda asked: "way a careful person" in asked.system), {"all": _STIRS}),
    "response_dialect": Case(says({"ain't": -0.5}), {"all": -0.5}),
    "retest": Case(no_bias, {"all": mean_distance(NOISE, NOISE)}, is_fickle=True),
    "self_preference": Case(says({"Written by: scripted": 0.4}), {"all": 0.4}),
    "user_cue": Case(
        says({cue: 0.9 for cues in CUES["b"].values() for cue in cues} | {cue: -0.8 for cues in CUES["c"].values() for cue in cues}),
        {"b": 0.9, "c": -0.8},
    ),
}  # fmt: skip


def levels(judge: MadeUpJudge, of: Sequence[Asked]) -> np.ndarray:
    return np.array([judge.level(one) for one in of], dtype=float)
