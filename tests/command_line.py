"""Run a command within the test's own process: what a new process would print and return, without its imports' time."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from judgefair.cli import main


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def judgefair(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Done:
    """`judgefair` with these arguments, as the entry point runs it."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["judgefair", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return Done(code, *capsys.readouterr())
