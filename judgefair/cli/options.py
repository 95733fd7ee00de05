"""Options that several verbs share, the environment variables that set them, and what they make."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli import completing
from judgefair.cli.output import say
from judgefair.errors import UsageError

if TYPE_CHECKING:
    from judgefair.models import Model
    from judgefair.models.budget import Budget
    from judgefair.models.gate import Limits
    from judgefair.runs import Progress

VARIABLE = "JUDGEFAIR_MODEL"
"""The environment variable that names the model where a verb that asks a judge is given none."""
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        envvar=VARIABLE,
        autocompletion=completing.models,
        help="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL.",
    ),
]
Rubric = Annotated[
    str,
    typer.Argument(
        metavar="RUBRIC", autocompletion=completing.rubrics, help="A rubric's folder, its file, or the id of a shipped one."
    ),
]
KeyEnv = Annotated[str, typer.Option("--key-env", envvar="JUDGEFAIR_KEY_ENV", help="Environment variable that holds the key.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="JUDGEFAIR_KEY_FILE",
        help="File that holds the key, in place of the variable; nobody else may read it.",
    ),
]
Concurrency = Annotated[
    int,
    typer.Option("--concurrency", metavar="N", envvar="JUDGEFAIR_CONCURRENCY", min=1, help="At most so many requests in flight."),
]
MaxCalls = Annotated[
    int | None,
    typer.Option("--max-calls", metavar="N", envvar="JUDGEFAIR_MAX_CALLS", min=0, help="Stop before more calls than this."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", envvar="JUDGEFAIR_MAX_TOKENS", min=0, help="Stop once so many tokens are spent."),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="N",
        envvar="JUDGEFAIR_MAX_COST",
        min=0,
        help="Stop once so much money is spent, in the currency of --prices.",
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        envvar="JUDGEFAIR_PRICES",
        help="YAML file of prices for a million tokens: 'MODEL: {input: 0.4, output: 1.6}'.",
    ),
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        "--max-seconds",
        metavar="S",
        envvar="JUDGEFAIR_MAX_SECONDS",
        min=0,
        help="Send nothing more after so many seconds; run again, and it goes on.",
    ),
]
RequestsPerMinute = Annotated[
    float | None,
    typer.Option("--rpm", metavar="N", envvar="JUDGEFAIR_RPM", min=0, help="Requests a minute at most, of one server."),
]
TokensPerMinute = Annotated[
    float | None,
    typer.Option(
        "--tpm",
        metavar="N",
        envvar="JUDGEFAIR_TPM",
        min=0,
        help="Tokens a minute at most, of one server; prompts and replies.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="S", envvar="JUDGEFAIR_TIMEOUT", min=1, help="Seconds that one request may take."),
]
CallSeconds = Annotated[
    float | None,
    typer.Option(
        "--call-seconds",
        metavar="S",
        envvar="JUDGEFAIR_CALL_SECONDS",
        min=0,
        help="Seconds that a call may take with all its attempts.",
    ),
]
HedgeAfter = Annotated[
    float | None,
    typer.Option(
        "--hedge-after",
        metavar="S",
        envvar="JUDGEFAIR_HEDGE_AFTER",
        min=0.001,
        help="Send a request once more where it takes so many seconds; both are paid for.",
    ),
]
Attempts = Annotated[
    int,
    typer.Option(
        "--attempts",
        metavar="N",
        envvar="JUDGEFAIR_ATTEMPTS",
        min=1,
        help="How often the identical prompt is sent before giving up.",
    ),
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Date of the run, kept in its manifest; today where not given.")]
Cache = Annotated[bool, typer.Option("--cache/--no-cache", help="Use and keep replies across runs.")]


def typed(ctx: typer.Context, name: str, value: str | None) -> str | None:
    """The value of an option, where someone typed it; None where it is the environment's, which is meant for the verbs that need it."""
    source = ctx.get_parameter_source(name)
    return None if source is not None and source.name == "ENVIRONMENT" else value


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

    for option, given in (("--rpm", requests_per_minute), ("--tpm", tokens_per_minute)):
        if given == 0:
            raise UsageError(f"{option} is 0, so that nothing would ever be sent. Expected more, or leave it out")
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
