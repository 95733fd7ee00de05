"""A constructed calibration set of the library desk's rubric, and judges that read its answers in planted ways."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from judgefair.calibration import load_calibration_set
from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.models.model import Body, Model, Post
from tests.builders import tiny_rubric

_HELPS = re.compile(r"\(helps (\d)\)")


def desk_set(folder: Path, n_items: int = 120, set_id: str = "desk") -> CalibrationSet:
    """Items that say in figures how far they help, with two constructed raters who read the figure; half of each population."""
    folder = folder / set_id
    folder.mkdir(parents=True)
    scales = {
        c.id: {"scale": {"kind": c.scale.kind, "levels": dict(c.scale.levels)}, "polarity": "higher"}
        for c in tiny_rubric().criteria
    }
    card = {
        "id": set_id, "title": "Desk answers", "citation": "constructed for the tests", "licence": "Apache-2.0", "homepage": "none",
        "labels": "constructed", "rater_pool": "nobody: a rule", "criteria": {"helpfulness": scales["helpfulness"]},
        "source": {"kind": "files"}, "known_issues": ["Constructed."],
    }  # fmt: skip
    (folder / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False), "utf-8")
    with (
        (folder / "items.jsonl").open("w", encoding="utf-8") as items,
        (folder / "ratings.csv").open("w", encoding="utf-8") as ratings,
    ):
        ratings.write("item_id,criterion,rater_id,value\n")
        for k in range(n_items):
            level = k % 4
            language = ("english", "somali")[k // 4 % 2]
            item = {
                "item_id": f"d{k:03}", "query": f"Where is book {k}?", "response": f"Answer number {k} (helps {level}).",
                "populations": {"home_language": language},
            }  # fmt: skip
            items.write(json.dumps(item) + "\n")
            for rater in ("r1", "r2"):
                ratings.write(f"d{k:03},helpfulness,{rater},{level}\n")
    return load_calibration_set(folder)


class DeskJudge(Model):
    """Reads the figure of an answer; with `misread` it takes one level for another, until an example or advice shows it better.

    `bodies` keeps everything it was ever asked.
    """

    has_latency = False

    def __init__(self, misread: dict[int, int] | None = None, *, learns: bool = True, name: str = "desk-judge") -> None:
        self.name = self.server = name
        self.misread, self.learns = misread or {}, learns
        self.bodies: list[Body] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            return chat_reply(self.name, json.dumps(self._answer(body)))

        yield post

    def _answer(self, body: Body) -> dict[str, Any]:
        *before, last = body["messages"]
        level = helps(last["content"])
        if level in self.misread and not (self.learns and _is_shown(before, level)):
            level = self.misread[level]
        fields = body["response_format"]["json_schema"]["schema"]["properties"]
        return {name: "by the figure" if field.get("type") == "string" else level for name, field in fields.items()}


class DeskReflection(Model):
    """Writes the advice it was given, whatever it is asked."""

    has_latency = False

    def __init__(self, advice: str) -> None:
        self.name = self.server = "desk-reflection"
        self.advice = advice
        self.bodies: list[Body] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            return chat_reply(self.name, self._said(body))

        yield post

    def _said(self, body: Body) -> str:
        """The advice in every field that is asked for, as JSON or between markers."""
        asked = "\n".join(message["content"] for message in body["messages"])
        if (
            listed := re.search(r"JSON object in the following order of fields: (.*)", body["messages"][-1]["content"])
        ) is not None:
            return json.dumps(dict.fromkeys(re.findall(r"`(\w+)`", listed[1]), self.advice))
        fields = list(dict.fromkeys(re.findall(r"\[\[ ## (\w+) ## \]\]", asked)))
        return "\n\n".join(
            [*(f"[[ ## {name} ## ]]\n{self.advice}" for name in fields if name != "completed"), "[[ ## completed ## ]]"]
        )


def helps(text: str) -> int:
    """The figure of an answer."""
    return int(_HELPS.findall(text)[-1])


def chat_reply(model: str, content: str) -> dict[str, Any]:
    """A chat completion that says it."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return {
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4},
    }


def _is_shown(messages: list[dict[str, str]], level: int) -> bool:
    """Whether an earlier turn shows an answer of that level rated with it, or advice says to take it as it is."""
    turns = [m["content"] for m in messages]
    if f"take (helps {level}) for {level}" in turns[0]:
        return True
    return any(
        f"(helps {level})" in asked and re.search(rf'"level": {level}\b', told) is not None for asked, told in pairwise(turns)
    )
