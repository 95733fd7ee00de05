"""Errors: what was found, where, what was expected, and what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches


class JudgefairError(Exception):
    """Base of every error judgefair raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(JudgefairError):
    """A file or argument that a person wrote is not what it has to be."""


class UsageError(JudgefairError):
    """Options that do not go together, or one that is wanting."""

    exit_code = 2


class ProgramError(JudgefairError):
    """A judge program cannot be used: edited by hand, of another format, or of another rubric."""


class ModelError(JudgefairError):
    """A model cannot be reached or used at all, so that going on would only produce failures."""


class StoreError(JudgefairError):
    """What has to be kept cannot be: the disk is full, the folder may not be written to, or a file is damaged."""


class BudgetError(JudgefairError):
    """The budget ended the work; what had landed is kept, and the same command goes on from there."""

    exit_code = 4


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for a close misspelling, else an empty string.

    >>> did_you_mean("ordinall", ["binary", "ordinal"])
    " Did you mean 'ordinal'?"
    """
    close = get_close_matches(word, list(options), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
