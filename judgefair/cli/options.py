"""Options that several verbs share, and what they make."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli.output import say
from judgefair.errors import UsageError

if TYPE_CHECKING:
    from judgefair.models import Model
    from judgefair.models.budget import Budget
    from judgefair.models.gate import Limits
    from judgefair.runs import Progress

ModelName = Annotated[str, typer.Option("--model", help="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.")]
KeyEnv = Annotated[str, typer.Option("--key-env", help="Environment variable that holds the key.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="File that holds the key, in place of the variable; nobody else may read it.")
]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="At most so many requests in flight.")]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", min=0, help="Stop before more calls than this.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=0, help="Stop once so many tokens are spent.")]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", min=0, help="Stop once so much money is spent, in the currency of --prices.")
]
Prices = Annotated[
    Path | None, typer.Option("--prices", help="YAML file of prices for a million tokens: 'MODEL: {input: 0.4, output: 1.6}'.")
]
MaxSeconds = Annotated[
    float | None, typer.Option("--max-seconds", min=0, help="Send nothing more after so many seconds; run again, and it goes on.")
]
RequestsPerMinute = Annotated[float | None, typer.Option("--rpm", min=1e-6, help="Requests a minute at most, of one server.")]
TokensPerMinute = Annotated[
    float | None, typer.Option("--tpm", min=1e-6, help="Tokens a minute at most, of one server; prompts and replies.")
]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one request may take.")]
CallSeconds = Annotated[
    float | None, typer.Option("--call-seconds", min=0, help="Seconds that a call may take with all its attempts.")
]
HedgeAfter = Annotated[
    float | None,
    typer.Option("--hedge-after", min=0.001, help="Send a request once more where it takes so many seconds; both are paid for."),
]
Attempts = Annotated[int, typer.Option("--attempts", min=1, help="How often the identical prompt is sent before giving up.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Date of the run, kept in its manifest; today where not given.")]
Cache = Annotated[bool, typer.Option("--cache/--no-cache", help="Use and keep replies across runs.")]


def budget(
    max_calls: int | None, max_tokens: int | None, max_cost: float | None, max_seconds: float | None, prices: Path | None
) -> "Budget":
    """What the options allow to be spent."""
    from judgefair.models.budget import Budget
    from judgefair.models.prices import read_prices

    if max_cost is not None and prices is None:
        raise UsageError("--max-cost needs --prices FILE: what a model costs is never guessed")
    return Budget(max_calls, max_tokens, max_cost, max_seconds, read_prices(prices) if prices else {})


def limits(requests_per_minute: float | None, tokens_per_minute: float | None) -> "Limits":
    """How much one server may be asked in a minute."""
    from judgefair.models.gate import Limits

    return Limits(requests_per_minute, tokens_per_minute)


def model_named(name: str, key_env: str, key_file: Path | None, timeout: float = 600) -> "Model":
    """The model of that name."""
    from judgefair.models import choose_model

    return choose_model(name, key_env=key_env, key_file=key_file, timeout=timeout)


def spent(progress: "Progress") -> Mapping[str, Any]:
    """What a stage has done and spent, for `--json`; cost is null where no price is known."""
    budget = progress.budget
    return {
        "judgments": progress.done, "reused": progress.reused, "calls": budget.calls, "tokens": budget.tokens,
        "cost": budget.cost if budget.prices else None, "unpriced_tokens": dict(budget.unpriced), "missing": dict(progress.missing),
    }  # fmt: skip


def say_spent(progress: "Progress") -> None:
    """What replies cost, where prices were given, and whose price is not among them."""
    budget = progress.budget
    if not budget.prices:
        return
    unknown = ", ".join(f"{model} ({tokens:,} tokens)" for model, tokens in budget.unpriced.items())
    say(f"cost: {budget.cost:,.4f}" + (f", and that of {unknown}, whose price is not known" if unknown else ""))
