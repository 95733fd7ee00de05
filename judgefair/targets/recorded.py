"""A system under evaluation whose answers were collected elsewhere: which of them answers which query?"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from judgefair.calibration.ratings import as_text, read_table
from judgefair.errors import InputError, did_you_mean
from judgefair.fingerprint import file_sha256, fingerprint
from judgefair.models.asker import Asker
from judgefair.models.reply import Reply
from judgefair.records import MISSING_REASONS, Missing, Query, Turn, sendable
from judgefair.rubric.context import Strict
from judgefair.targets._target import Target

Column = Literal["query_id", "query", "response", "replicate", "missing"]
COLUMNS: tuple[Column, ...] = ("query_id", "query", "response", "replicate", "missing")
INSPECT_LOGS = (".json", ".eval")


class Settings(Strict):
    """Where the answers are, and what their columns are called."""

    path: str | None = Field(
        None, description="a table (.jsonl, .csv, .tsv, .parquet) or an inspect_ai log (.json, .eval), from the study's folder"
    )
    hub: str | None = Field(None, description="OWNER/NAME of a data set on the Hugging Face hub, or a folder that datasets reads")
    revision: str | None = Field(None, description="the data set's commit or tag")
    split: str | None = Field(None, description="the data set's split; train where none is named")
    columns: dict[Column, str] = Field(
        default_factory=dict,
        description="a mapping of query_id, query, response, replicate, missing to the columns' names, where they differ",
    )


def open_target(id: str, settings: Settings, folder: Path) -> Target:  # noqa: A002
    """Read the answers and match them up; nothing is asked later.

    Raises
    ------
    InputError : not exactly one of path and hub; the source cannot be read or has no column to join by; a response is
        empty without a reason; or two rows that differ answer one query and replicate.
    """
    where = f"target '{id}'"
    if (settings.path is None) == (settings.hub is None):
        raise InputError(f"{where}: expected exactly one of path (a file) and hub (a data set)")
    columns = dict(settings.columns)
    if settings.path is not None:
        if settings.revision or settings.split:
            raise InputError(f"{where}: revision and split belong to a hub data set, and path is a file. Leave them out")
        path = folder / settings.path
        answers = _answers(_read_file(path), columns)
        return Recorded(id, answers, {"kind": "recorded", "file": file_sha256(path), "columns": columns})
    split = settings.split or "train"
    answers = _answers(_read_hub(str(settings.hub), settings.revision, split, folder), columns)
    hub = {"hub": settings.hub, "revision": settings.revision, "split": split, "answers": answers.fingerprint}
    return Recorded(id, answers, {"kind": "recorded", **hub, "columns": columns})


@dataclass(frozen=True, slots=True)
class _Answers:
    """By query id or by text, and replicate: what was said, and the reason where it is no answer."""

    by: Literal["query_id", "query"]
    found: Mapping[tuple[str, int], tuple[str, str]]

    @property
    def fingerprint(self) -> str:
        """Of the answers themselves: a data set without a revision may change under its name."""
        return fingerprint(sorted([*key, *answer] for key, answer in self.found.items()))


class Recorded(Target):
    """Answers in a table, one for each query and replicate."""

    answers_whole_query = True

    def __init__(self, id: str, answers: _Answers, settings: Mapping[str, Any]) -> None:  # noqa: A002
        self.id, self.settings = id, settings
        self._answers = answers

    async def answer(self, query: Query, conversation: Sequence[Turn], replicate: int, asker: Asker) -> Reply | Missing:  # noqa: ARG002
        """The answer to all turns of the query; none to some of them, or to what a user would have said next."""
        if tuple(turn["content"] for turn in conversation if turn["role"] == "user") != query.turns:
            return Missing("not_rated", "no recorded answer: one is kept for all turns of a query together")
        answer = self._answers.found.get((query.query_id if self._answers.by == "query_id" else query.text, replicate))
        if answer is None:
            return Missing("not_rated", "no recorded answer")
        text, reason = answer
        return Missing(reason, text) if reason else Reply(text)


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of text cells, as a person would find its rows again."""

    name: str
    table: pd.DataFrame
    row: str = "row"
    first: int = 1


def _read_file(path: Path) -> _Source:
    suffix = path.suffix.lower()
    if suffix in INSPECT_LOGS:
        return _Source(str(path), _inspect_table(_read_inspect(path, suffix), path), "sample")
    return _Source(str(path), read_table(path), first=2 if suffix in {".csv", ".tsv"} else 1)


def _read_hub(hub: str, revision: str | None, split: str, folder: Path) -> _Source:
    from datasets import load_dataset

    local = folder / hub
    try:
        found = load_dataset(str(local) if local.is_dir() else hub, revision=revision, split=split)
    except Exception as error:  # whatever `datasets` raises, its words say what it could not find
        raise InputError(
            f"{hub}: could not be loaded ({type(error).__name__}: {error}). Check hub, revision and split ({split})"
        ) from None
    return _Source(f"{hub} ({split})", as_text(found.to_pandas()))


def _read_inspect(path: Path, suffix: str) -> Any:
    """The log as plain data."""
    if not path.is_file():
        raise InputError(f"{path}: no such file. Expected an inspect_ai log, or a table of answers")
    if suffix == ".json":
        try:
            return json.loads(path.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: not JSON ({error}). Expected an inspect_ai log; name a table of JSON lines .jsonl"
            ) from None
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise InputError(
            f"{path}: logs in this form are read by the inspect_ai package, which is not installed. "
            "Run: pip install inspect_ai, or convert the log: inspect log convert --to json --output-dir DIR LOG"
        ) from None
    try:
        return read_eval_log(str(path)).model_dump(mode="json")
    except Exception as error:  # whatever inspect_ai raises of a file that is none of its logs
        raise InputError(f"{path}: inspect_ai cannot read it ({type(error).__name__}: {error})") from None


def _inspect_table(log: Any, path: Path) -> pd.DataFrame:
    """One row for each sample and epoch. `query_id` is there where the samples' metadata name it; `id` is the sample's own."""
    samples = log.get("samples") if isinstance(log, dict) else None
    if not samples:
        raise InputError(f"{path}: no samples in it. Expected an inspect_ai log that was written with its samples (log_samples)")
    rows = []
    for number, sample in enumerate(samples, 1):
        try:
            rows.append(_inspect_row(sample))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: sample {number} is not as inspect_ai writes it ({type(error).__name__}: {error}). "
                "Expected id, epoch, input and output"
            ) from None
    table = as_text(pd.DataFrame(rows, dtype=object))
    return table.drop(columns="query_id") if (table["query_id"] == "").all() else table


def _inspect_row(sample: Mapping[str, Any]) -> dict[str, Any]:
    said = sample["input"]
    users = [said] if isinstance(said, str) else [message["content"] for message in said if message["role"] == "user"]
    response, missing = _inspect_outcome(sample)
    return {
        "query_id": (sample.get("metadata") or {}).get("query_id"),
        "id": sample["id"],
        "query": "\n\n".join(map(_text, users)),
        "response": response,
        "replicate": sample["epoch"] - 1,
        "missing": missing,
    }


def _inspect_outcome(sample: Mapping[str, Any]) -> tuple[str, str]:
    """What was said, and the reason where it is no answer."""
    if sample.get("error"):
        return _text(sample["error"]["message"]), "backend_failure"
    if not sample["output"]["choices"]:
        return "", "backend_failure"
    choice = sample["output"]["choices"][0]
    text = _text(choice["message"]["content"])
    if choice.get("stop_reason") == "content_filter":
        return text, "refused"
    return text, "" if text.strip() else "unparsable"


def _text(content: str | list[Mapping[str, Any]]) -> str:
    """What a message says, without its reasoning, images and the like."""
    return sendable(
        content if isinstance(content, str) else "\n".join(part["text"] for part in content if part["type"] == "text")
    )


def _answers(source: _Source, columns: Mapping[Column, str]) -> _Answers:
    table, names = source.table, {name: columns.get(name, name) for name in COLUMNS}
    for name, column in names.items():
        if column not in table and (name in columns or name == "response"):
            raise InputError(
                f"{source.name}: no column '{column}' for {name}.{did_you_mean(column, table.columns)} "
                f"Found: {', '.join(table.columns)}. Name it under columns: {{{name}: COLUMN}}"
            )
    by: Literal["query_id", "query"] = "query_id" if names["query_id"] in table else "query"
    if names[by] not in table:
        raise InputError(
            f"{source.name}: neither a column query_id nor a column query to join by. Found: {', '.join(table.columns)}. "
            "Name one under columns: {query: COLUMN}"
        )
    rows: dict[tuple[str, int], tuple[int, tuple[str, str]]] = {}
    for row, cells in enumerate(table.to_dict("records"), source.first):
        where = f"{source.name}: {source.row} {row}"
        key = cells[names[by]], _replicate(cells.get(names["replicate"], ""), f"{where}, column {names['replicate']}")
        answer = cells[names["response"]], cells.get(names["missing"], "")
        if not key[0]:
            raise InputError(f"{where}, column {names[by]} is empty, and answers are joined by it")
        if answer[1] not in ("", *MISSING_REASONS):
            raise InputError(
                f"{where}, column {names['missing']}: '{answer[1]}' is no reason.{did_you_mean(answer[1], MISSING_REASONS)} "
                f"Expected one of: {', '.join(MISSING_REASONS)}"
            )
        if not answer[0].strip() and not answer[1]:
            raise InputError(
                f"{where}, column {names['response']} is empty, and no reason stands in a column missing. "
                f"Write what was answered, or one of: {', '.join(MISSING_REASONS)}"
            )
        earlier, other = rows.setdefault(key, (row, answer))
        if other != answer:
            raise InputError(
                f"{source.name}: {source.row}s {earlier} and {row} both answer {by} '{_shortened(key[0])}', replicate {key[1]}, and "
                "differ. Keep one of them, or number them in a column replicate"
            )
    if not rows:
        raise InputError(f"{source.name}: no answers, only a header. Add one row for each answer")
    return _Answers(by, {key: answer for key, (_, answer) in rows.items()})


def _replicate(cell: str, where: str) -> int:
    whole = re.fullmatch(r"([0-9]+)(?:\.0*)?", cell or "0")
    if not whole:
        raise InputError(f"{where}: '{cell}' is no whole number from 0")
    return int(whole[1])


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
