"""How do stages below a run put questions to models, so that every reply is kept and none is paid twice?"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from judgefair.models.model import Body, Model
from judgefair.models.reply import Reply
from judgefair.records import Missing


class Asker(Protocol):
    """What a run gives to whatever needs an answer; `runs.asking` has the one implementation."""

    async def ask(self, model: Model, body: Body, sample: int = 0) -> Reply | Missing:
        """The reply to a request: the one that landed earlier, else a new one."""

    async def once(self, identity: Any, make: Callable[[], Awaitable[str | Missing]]) -> Reply | Missing:
        """What `make` returned the first time for this identity (plain data); a Missing is not kept, and tried again."""
