"""A tiny rubric, its program and its items, for tests that ask a model."""

import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from judgefair.cli import main
from judgefair.compile import JudgeProgram, compile_judge
from judgefair.records import Item
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Judging, Rubric

LIBRARY_DESK = Path(__file__).parent / "rubric" / "library_desk.yaml"


@cache
def tiny_rubric(mode: str = "score", per_call: str = "one") -> Rubric:
    """Two criteria: `helpfulness` (ordinal 0-3, may not apply) and `talks_down` (binary 0/1)."""
    judging = Judging.model_validate({"mode": mode, "criteria_per_call": per_call})
    return load_rubric(LIBRARY_DESK).model_copy(update={"judging": judging})


@cache
def tiny_program(mode: str = "score", per_call: str = "one") -> JudgeProgram:
    """Its program; with `one`, two calls an item."""
    return compile_judge(tiny_rubric(mode, per_call))


def tiny_items(n: int = 3) -> list[Item]:
    """Items `i01`, `i02`, ... whose texts all differ."""
    return [Item(f"i{k:02}", f"Where is book {k}?", f"On shelf {k}.", {"age": "child"}) for k in range(1, n + 1)]


def write_items(items: Sequence[Item], path: Path) -> Path:
    """An `items.jsonl`."""
    rows = [{"item_id": item.item_id, "query": item.query, "response": item.response} for item in items]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def landed(run: Path) -> list[tuple[str, str, int]]:
    """Item, call and replicate of every reply in the journal of a run."""
    with closing(sqlite3.connect(run / "journal.sqlite")) as journal:
        return journal.execute("SELECT item_id, call, replicate FROM replies ORDER BY item_id, call, replicate").fetchall()


def attempts(run: Path) -> list[tuple[int, str | None]]:
    """Number and error of every attempt in the journal of a run, in order."""
    with closing(sqlite3.connect(run / "journal.sqlite")) as journal:
        return journal.execute("SELECT number, error FROM attempts ORDER BY rowid").fetchall()


def judgefair(*arguments: object) -> list[str]:
    """The command line, for a process of its own."""
    return [sys.executable, "-c", "from judgefair.cli import main; main()", *map(str, arguments)]


def run_here(line: Sequence[str], patch: pytest.MonkeyPatch) -> int:
    """The exit code of such a command line, run in this process."""
    patch.setattr(sys, "argv", ["judgefair", *line[3:]])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
