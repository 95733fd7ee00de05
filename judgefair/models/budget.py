"""How much may still be spent?"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from judgefair.errors import InputError
from judgefair.models.prices import Price
from judgefair.models.reply import Reply


class OverBudgetError(Exception):
    """The budget allows no further call."""


@dataclass(slots=True)
class Budget:
    """Hard limits, checked before a call is sent: what is in flight is the most they can be exceeded by.

    Attributes
    ----------
    max_calls, max_tokens, max_cost, max_seconds : None is no limit. Attempts that fail count as calls; seconds count from the
        first call, and what is in flight when they end may still land.
    prices : by model; in the currency of `max_cost`.
    calls, tokens, cost : spent so far. `cost` is of priced models alone.
    unpriced : tokens by model of which no price is known.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: Counter[str] = field(default_factory=Counter)
    clock: Callable[[], float] = time.monotonic
    _started: float | None = None

    def check(self) -> None:
        """OverBudgetError where no call is left."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            raise OverBudgetError(f"the budget of {self.max_calls:,} calls is used up")
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            raise OverBudgetError(f"the budget of {self.max_tokens:,} tokens is used up ({self.tokens:,} spent)")
        if self.max_cost is not None and self.cost >= self.max_cost:
            raise OverBudgetError(f"the budget of {self.max_cost:g} is used up ({self.cost:,.4f} spent)")
        if self.max_seconds is not None:
            now = self.clock()
            self._started = now if self._started is None else self._started
            if now - self._started >= self.max_seconds:
                raise OverBudgetError(f"the {self.max_seconds:g} seconds that the run may take have passed")

    def reserve(self) -> None:
        """Take one call from the budget; OverBudgetError where there is none left."""
        self.check()
        self.calls += 1

    def spend(self, reply: Reply, model: str) -> None:
        """Count what a reply of a model cost."""
        self.tokens += reply.prompt_tokens + reply.completion_tokens
        price = self.prices.get(model)
        if price is not None:
            self.cost += price.of(reply)
        else:
            self.unpriced[model] += reply.prompt_tokens + reply.completion_tokens

    def refuse_unpriced(self, *models: str) -> None:
        """InputError where a cost is limited and what a model costs is not known: nothing is guessed."""
        unknown = [model for model in models if model not in self.prices]
        if self.max_cost is not None and unknown:
            raise InputError(
                f"a cost is limited to {self.max_cost:g}, and the price of {', '.join(unknown)} is not known. "
                f"Add it to the file of prices: '{unknown[0]}: {{input: 0.4, output: 1.6}}', for a million tokens"
            )
