"""What does a run hold of one item? Its texts, and of each judgment the prompt, every attempt, the reply and the ratings."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from judgefair.compile.program import JudgeProgram, load_program
from judgefair.errors import InputError, ModelError, did_you_mean
from judgefair.models.cache import reply_key
from judgefair.models.model import Model, Post
from judgefair.records import Item
from judgefair.runs.folder import PROGRAM, read_manifest
from judgefair.runs.items import stream_items
from judgefair.runs.journal import KeptAttempt, ReadOnlyJournal
from judgefair.runs.judging import Job
from judgefair.runs.parquet import row_groups
from judgefair.runs.tables import RATINGS

MOST_NAMES = 2_000


def show_item(run: Path, item_id: str) -> dict[str, Any]:
    """Everything about one item of a run, as plain data.

    Raises
    ------
    InputError : the run has no such item.
    """
    item = _item(run, item_id)
    manifest = read_manifest(run)
    calls: list[dict[str, Any]] = []
    if (run / PROGRAM).is_file() and "model" in manifest:
        calls = list(_calls(run, load_program(run / PROGRAM), manifest, item))
    return {
        "item_id": item.item_id, "scenario_id": item.scenario_id, "populations": dict(item.populations), "meta": dict(item.meta),
        "query": item.query, "response": item.response, "second_response": item.second_response,
        "no_response": None if item.no_response is None else {"reason": item.no_response.reason, "detail": item.no_response.detail},
        "calls": calls, "ratings": list(_ratings(run, item_id)),
    }  # fmt: skip


def _item(run: Path, item_id: str) -> Item:
    names: list[str] = []
    for item in stream_items(run):
        if item.item_id == item_id:
            return item
        if len(names) < MOST_NAMES:
            names.append(item.item_id)
    raise InputError(f"{run}: has no item '{item_id}'.{did_you_mean(item_id, names)} The first ones: {', '.join(names[:5])}")


def _calls(run: Path, program: JudgeProgram, manifest: dict[str, Any], item: Item) -> Iterator[dict[str, Any]]:
    model = _Recorded(manifest["model"]["name"], manifest["model"]["server"])
    job = Job(program, model, int(manifest.get("replicates", 1)), concurrency=1)
    journal = ReadOnlyJournal(run)
    try:
        for _, call, replicate, asked in job.calls([item]):
            body = job.body(call, asked, replicate)
            key = reply_key(model, body, replicate)
            reply = journal.get(key)
            yield {
                "call": call, "replicate": replicate, "is_swapped": asked is not item, "key": key.hex(), "request": body,
                "attempts": [_attempt(attempt) for attempt in journal.attempts(key)],
                "reply": None if reply is None else reply.to_json(),
            }  # fmt: skip
    finally:
        journal.close()


def _attempt(attempt: KeptAttempt) -> dict[str, Any]:
    at = datetime.fromtimestamp(attempt.at, UTC).isoformat(timespec="seconds")
    return {"number": attempt.number, "at": at, "seconds": attempt.seconds, "error": attempt.error}


def _ratings(run: Path, item_id: str) -> Iterator[dict[str, Any]]:
    if not (run / RATINGS).is_file():
        return
    for table in row_groups(run / RATINGS):
        for row in table.filter(pc.field("item_id") == item_id).to_pylist():
            row["distribution"] = None if row["distribution"] is None else dict(row["distribution"])
            yield row


class _Recorded(Model):
    """A model as a manifest tells of it: its requests can be made again, and nothing can be asked."""

    def __init__(self, name: str, server: str) -> None:
        self.name, self.server = name, server

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Refused."""
        raise ModelError(f"{self.name} is only known from a manifest, and cannot be asked")
        yield
