"""How much may still be spent?"""

from dataclasses import dataclass

from judgefair.models.reply import Reply


class OverBudgetError(Exception):
    """The budget allows no further call."""


@dataclass(slots=True)
class Budget:
    """Hard limits, checked before a call is sent: what is in flight is the most they can be exceeded by.

    Attributes
    ----------
    max_calls, max_tokens : None is no limit. Attempts that fail count as calls.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    calls: int = 0
    tokens: int = 0

    def reserve(self) -> None:
        """Take one call from the budget; OverBudgetError where there is none left."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            raise OverBudgetError(f"the budget of {self.max_calls:,} calls is used up")
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            raise OverBudgetError(f"the budget of {self.max_tokens:,} tokens is used up ({self.tokens:,} spent)")
        self.calls += 1

    def spend(self, reply: Reply) -> None:
        """Count what a reply cost."""
        self.tokens += reply.prompt_tokens + reply.completion_tokens
