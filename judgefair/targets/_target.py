"""What is a system under evaluation? Something that answers a conversation, and says what decides its answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from judgefair.fingerprint import fingerprint
from judgefair.models.asker import Asker
from judgefair.models.reply import Reply
from judgefair.records import Missing, Query, Turn


class Target(ABC):
    """A system under evaluation.

    Attributes
    ----------
    id : what the study calls it.
    settings : everything that decides its answers, as plain data without secrets.
    answers_whole_query : whether it has one answer to all turns of a query, and is to be asked once they all stand in the
        conversation; else it answers each turn.
    """

    id: str
    settings: Mapping[str, Any]
    answers_whole_query: bool = False

    @property
    def fingerprint(self) -> str:
        """sha256 of what decides its answers: a verdict holds for this system and no other."""
        return fingerprint(dict(self.settings))

    @abstractmethod
    async def answer(self, query: Query, conversation: Sequence[Turn], replicate: int, asker: Asker) -> Reply | Missing:
        """The next answer in a conversation whose last turn is the user's; never raises for what the system did wrong."""
