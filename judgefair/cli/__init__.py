"""The command line. Nothing heavy is imported before a command needs it."""

import signal
import sys

import typer

from judgefair.cli import (
    annotating,
    comparing,
    demo,
    doctor,
    estimating,
    judging,
    models,
    probing,
    reports,
    reviewing,
    rubrics,
    sets,
    studying,
    suggesting,
)
from judgefair.cli.output import examples, note
from judgefair.errors import JudgefairError

app = typer.Typer(
    name="judgefair",
    help="Evaluate the fairness of language-model applications with LLM judges, and show how far each judge can be trusted.",
    epilog=examples(
        "judgefair validate --ratings ratings.csv --judge gpt-4 --scale ordinal:1-5 --out checked",
        "judgefair demo --out demo",
        "judgefair --install-completion",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for family in (
    demo, rubrics, studying, judging, probing, suggesting, estimating, comparing, annotating, reviewing, sets, models, reports, doctor,
):  # fmt: skip
    family.register(app)


def main() -> None:
    """Run a command; an expected error is told in words, with its exit code.

    A request to terminate ends the work as Ctrl-C does: what is in flight is let go, and what had landed is kept.
    """
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="judgefair")
    except JudgefairError as error:
        note(f"judgefair: {error}")
        sys.exit(error.exit_code)


def _end(*_: object) -> None:
    """End the work in order; whoever ignores Ctrl-C, as background jobs of a script do, still heeds a request to terminate."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
