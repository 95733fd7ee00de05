"""What tests of targets share: one query, and an asker that keeps what lands as a run does."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.client import Client
from judgefair.models.gate import Gate, Limits
from judgefair.models.model import Body, Model
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Missing, Query


@dataclass
class Keeping:
    """Asks each question once; what was asked stands in `bodies`, and what was made is kept by its identity."""

    bodies: list[tuple[Body, int]] = field(default_factory=list)
    kept: dict[str, Reply] = field(default_factory=dict)

    async def ask(self, model: Model, body: Body, sample: int = 0) -> Reply | Missing:
        self.bodies.append((body, sample))

        async def ignore(_: Any) -> None: ...

        async with model.open() as post:
            answer = await Client(model, post, Gate(8, Limits(), Budget()), RetryPolicy(attempts=1)).ask(body, ignore)
        return answer if isinstance(answer, Missing) else answer[0]

    async def once(self, identity: Any, make: Any) -> Reply | Missing:
        key = fingerprint(identity)
        if key not in self.kept:
            made = await make()
            assert fingerprint(identity) == key, "what was asked must not change while it is answered"
            if isinstance(made, Missing):
                return made
            self.kept[key] = Reply(made)
        return self.kept[key]


@pytest.fixture
def asker() -> Keeping:
    return Keeping()


def query(*turns: str, query_id: str = "q1") -> Query:
    """What a user of the library desk says."""
    return Query(query_id, "atlas", "atlas", "neutral", None, None, {}, turns or ("Where is the atlas?",))
