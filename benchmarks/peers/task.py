"""What is every harness given to do? The same items, prompt, server and number of requests in flight.

A harness is run as `python with_NAME.py PROGRAM ITEMS MODEL SERVER IN_FLIGHT FOLDER`. Nothing but the standard library is used
here, since harnesses live in environments of their own.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

Item = dict[str, Any]
OPEN, CLOSE = "<judged_text>\n", "\n</judged_text>"


@dataclass(frozen=True, slots=True)
class Task:
    """One run.

    Attributes
    ----------
    system : the judge program's system message, with the rubric.
    before, between, after : what stands around the two judged texts in the user message, fences included.
    sampling : the other fields of the request, as judgefair sends them.
    folder : an empty one, for whatever the harness writes.
    """

    items: list[Item]
    system: str
    before: str
    between: str
    after: str
    model: str
    sampling: dict[str, Any]
    server: str
    in_flight: int
    folder: Path

    def user(self, item: Item) -> str:
        """The user message for one item."""
        return f"{self.before}{item['query']}{self.between}{item['response']}{self.after}"

    def messages(self, item: Item) -> list[dict[str, str]]:
        """The whole prompt for one item."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user(item)}]


def read_task() -> Task:
    """The task that the command line names."""
    program_path, items_path, model, server, in_flight, folder = sys.argv[1:]
    program = json.loads(Path(program_path).read_text("utf-8"))
    (prompt,) = program["prompts"].values()
    (system,) = prompt["messages"]
    before, _, between, _, after = (piece.get("text", "") for piece in prompt["user"])
    schema = {"name": "judgment", "strict": True, "schema": prompt["schema"]}
    return Task(
        items=[json.loads(line) for line in Path(items_path).read_text("utf-8").splitlines()],
        system=system["content"],
        before=before + OPEN,
        between=CLOSE + between + OPEN,
        after=CLOSE + after,
        model=model,
        sampling={
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_tokens": program["sampling"]["max_tokens"],
            "temperature": 0,
            "seed": program["sampling"]["seed"],
        },
        server=server,
        in_flight=int(in_flight),
        folder=Path(folder),
    )


async def work_through(task: Task, judge: Callable[[Item], Awaitable[Any]]) -> list[Any]:
    """The level of every item, from as many workers as requests may be in flight."""
    left, levels = iter(task.items), []

    async def worker() -> None:
        for item in left:
            levels.append(await judge(item))

    await asyncio.gather(*(worker() for _ in range(task.in_flight)))
    return levels


def report(levels: list[Any], *packages: str) -> None:
    """Tell the benchmark what was read, and with which versions."""
    print(json.dumps({"levels": sum(level == 1 for level in levels), "versions": {name: version(name) for name in packages}}))
