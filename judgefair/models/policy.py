"""How patiently is a model asked, and what was tried? Kept apart from the client: whoever replays finished work needs none."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tenacity.stop import stop_base

TRANSIENT_STATUS = {408, 409, 425, 429}
"""Of the server, beside 500 and above: the same request may succeed later."""


class Attempt(NamedTuple):
    """One request that was sent: which try it was, how long it took, and what went wrong, if anything."""

    number: int
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently the identical prompt is asked again; times in seconds.

    Attributes
    ----------
    longest_wait : between attempts, whatever a server asks for.
    call_seconds : no attempt is begun once a call has taken so long; None is no limit.
    hedge_after : a request that takes longer is sent a second time beside the first, and both are paid for; None never does so.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    call_seconds: float | None = None
    hedge_after: float | None = None

    @property
    def stop(self) -> "stop_base":
        """When tenacity gives up."""
        import tenacity

        attempts = tenacity.stop_after_attempt(self.attempts)
        return attempts if self.call_seconds is None else attempts | tenacity.stop_before_delay(self.call_seconds)
