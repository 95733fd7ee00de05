"""Constructed pairs of responses that say in figures how well they serve, and a judge that reads the figures, or goes by the place."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from judgefair.calibration import load_calibration_set
from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.compile import JudgeProgram, compile_judge
from judgefair.compile.parse import NOT_APPLICABLE
from judgefair.models.model import Body, Model, Post
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_rubric
from tests.desk_set import chat_reply

SIDES = {"one": "The first response serves the user better.", "other": "The second response serves the user better."}
PAIRWISE = {"kind": "pairwise", "levels": {**SIDES, "tie": None}}
FORCED = {"kind": "pairwise", "levels": SIDES}
_SERVES = re.compile(r"\(serves (\d)\)")


@cache
def pair_rubric(*, allows_tie: bool = True) -> Rubric:
    """One criterion, `better`, on two sides; populations a (the reference) and b."""
    return planted_rubric("a", "b", scale=PAIRWISE if allows_tie else FORCED, tolerance=0.5, criteria=("better",))


@cache
def pair_program(*, allows_tie: bool = True) -> JudgeProgram:
    return compile_judge(pair_rubric(allows_tie=allows_tie))


def pair(k: int, one: int, other: int, **more: Any) -> Item:
    """A pair whose responses serve so well; two pairs of a scenario, one of each population."""
    texts = (f"Where is book {k}?", f"On shelf {k} (serves {one}).")
    return Item(
        f"p{k:03}", *texts, {"dialect": "ab"[k % 2]}, f"s{k // 2:03}", second_response=f"In room {k} (serves {other}).", **more
    )


def pairs(n: int, first: int = 0) -> list[Item]:
    """Each side is better as often, and a third of the pairs are even."""
    return [pair(k, 1 + (k // 2) % 3, 1 + (k // 6) % 3) for k in range(first, first + n)]


class PairJudge(Model):
    """Prefers the response with the higher figure.

    `follows` : share of requests in which it takes what is shown first, whatever it says. `noise` : share in which it says
    anything. `mute_if` : words that leave it without an answer. `is_contrary` : it prefers the lower figure until it is shown
    an example.
    """

    has_latency = False
    _numbers = count()

    def __init__(
        self, *, follows: float = 0.0, noise: float = 0.0, seed: int = 0, mute_if: str = "\0", is_contrary: bool = False
    ) -> None:
        self.name = "scripted:pairs"
        self.server = f"scripted:pairs/{next(self._numbers)}"  # no other judge's replies are taken from the cache
        self.follows, self.noise, self.seed, self.mute_if, self.is_contrary = follows, noise, seed, mute_if, is_contrary
        self.bodies: list[Body] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            text, fields = body["messages"][-1]["content"], body["response_format"]["json_schema"]["schema"]["properties"]
            if self.is_contrary and len(body["messages"]) == 2:
                text = re.sub(_SERVES, lambda found: f"(serves {4 - int(found[1])})", text)
            said = {
                name: self.level(text, [level for level in answer["enum"] if level != NOT_APPLICABLE])
                for name, answer in fields.items()
            }
            return chat_reply(self.name, json.dumps(said))

        yield post

    def level(self, text: str, levels: list[str]) -> str:
        """Of one request."""
        if self.mute_if in text:
            return "?"
        one, other = map(int, _SERVES.findall(text)[-2:])
        if self._draw("follows", text) < self.follows:
            return levels[0]
        if self._draw("noise", text) < self.noise:
            return levels[int(self._draw("level", text) * len(levels))]
        if one == other:
            return levels[2] if len(levels) > 2 else levels[int(2 * self._draw("even", text))]
        return levels[0] if one > other else levels[1]

    def _draw(self, what: str, text: str) -> float:
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{what}|{text}".encode()).digest()[:8], "big") / 2**64


def pair_set(folder: Path, items: list[Item], set_id: str = "pairs") -> CalibrationSet:
    """The pairs as a constructed calibration set, with two constructed raters who read the figures."""
    folder = folder / set_id
    folder.mkdir(parents=True)
    card = {
        "id": set_id, "title": "Pairs of desk answers", "citation": "constructed for the tests", "licence": "Apache-2.0",
        "homepage": "none", "labels": "constructed", "rater_pool": "nobody: a rule",
        "criteria": {"better": {"scale": PAIRWISE, "polarity": "none"}}, "source": {"kind": "files"},
        "known_issues": ["Constructed."],
    }  # fmt: skip
    (folder / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False), "utf-8")
    (folder / "items.jsonl").write_text("".join(json.dumps(as_row(item)) + "\n" for item in items), "utf-8")
    rows = [f"{item.item_id},better,{rater},{_served(item)}\n" for item in items for rater in ("r1", "r2")]
    (folder / "ratings.csv").write_text("item_id,criterion,rater_id,value\n" + "".join(rows), "utf-8")
    return load_calibration_set(folder)


def as_row(item: Item) -> dict[str, Any]:
    """A line of items.jsonl."""
    return {
        "item_id": item.item_id, "query": item.query, "response": item.response, "second_response": item.second_response,
        "populations": dict(item.populations), "scenario_id": item.scenario_id, "meta": dict(item.meta),
    }  # fmt: skip


def _served(item: Item) -> str:
    one, other = (int(_SERVES.findall(text)[0]) for text in item.texts[1:])
    return "tie" if one == other else "one" if one > other else "other"
