"""What does a model cost? Known from a file of the user's, or not known at all."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, RootModel

from judgefair.models.reply import Reply
from judgefair.rubric.context import Strict
from judgefair.rubric.strict_yaml import read_yaml, validate


class Price(Strict):
    """What a model costs, in any one currency."""

    input: float = Field(ge=0, description="for a million prompt tokens")
    output: float = Field(ge=0, description="for a million completion tokens")

    def of(self, reply: Reply) -> float:
        """What a reply cost.

        >>> Price(input=2.0, output=10.0).of(Reply("", prompt_tokens=500_000, completion_tokens=100_000))
        2.0
        """
        return (reply.prompt_tokens * self.input + reply.completion_tokens * self.output) / 1e6


def by_name(prices: Mapping[str, Price]) -> dict[str, Price]:
    """Prices by the names that requests carry: of `NAME@BASE_URL` the name."""
    return {model.rpartition("@")[0] or model: price for model, price in prices.items()}


class _PriceList(RootModel[dict[str, Price]]):
    """A mapping of model to {input, output}."""


def read_prices(path: Path) -> Mapping[str, Price]:
    """The prices in a YAML file: `model: {input: 0.4, output: 1.6}`, for a million tokens.

    Raises
    ------
    InputError : with the line of whatever is not a price.
    """
    return by_name(validate(read_yaml(path), _PriceList).root)
