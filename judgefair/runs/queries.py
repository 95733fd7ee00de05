"""How do queries and responses lie in a run? Parquet tables; and how they become the items that are judged."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from judgefair.errors import InputError
from judgefair.records import Item, Missing, Query, Response, sendable
from judgefair.runs.items import POPULATION
from judgefair.runs.parquet import write_table

QUERIES, RESPONSES, DESIGN = "queries.parquet", "responses.parquet", "design.json"
GATE = "gate."
AS_LIVED, LOGS = "as_lived", "logs"
UNREAD = "unread"
"""Whether the answer is a refusal could not be read: no exact marker, and no usable reply of the refusal judge."""
_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def write_queries(queries: Sequence[Query], run: Path) -> None:
    """Write `queries.parquet`: rejected renders too, with `kept` false and the gate that rejected them."""
    axes = dict.fromkeys(axis for query in queries for axis in query.populations)
    gates = dict.fromkeys(gate for query in queries for gate in query.gates)
    text = ("query_id", "scenario_id", "block_id", "arm", "cue", "placebo")
    columns: dict[str, pa.Array] = {name: pa.array([getattr(q, name) for q in queries], pa.string()) for name in text}
    columns |= {POPULATION + axis: pa.array([q.populations.get(axis) for q in queries], pa.string()) for axis in axes}
    columns["turns"] = pa.array([[{"role": "user", "content": sendable(turn)} for turn in q.turns] for q in queries], _TURNS)
    columns |= {name: pa.array([getattr(q, name) for q in queries], pa.string()) for name in ("language", "generator")}
    columns["seed"] = pa.array([q.seed for q in queries], pa.int64())
    columns |= {name: pa.array([getattr(q, name) for q in queries], pa.string()) for name in ("goal", "intent")}
    columns["merit"] = pa.array([q.merit for q in queries], pa.float64())
    columns |= {GATE + gate: pa.array([q.gates.get(gate) for q in queries], pa.float64()) for gate in gates}
    columns["kept"] = pa.array([q.kept for q in queries], pa.bool_())
    columns["rejected_because"] = pa.array([q.rejected_because for q in queries], pa.string())
    write_table(pa.table(columns), run / QUERIES)


def read_queries(run: Path) -> list[Query]:
    """All queries of a run, rejected ones too; InputError where it has none."""
    table = _read(run / QUERIES, f"Run judgefair simulate RUBRIC --out {run} first")
    axes = [name for name in table.column_names if name.startswith(POPULATION)]
    gates = [name for name in table.column_names if name.startswith(GATE)]
    plain = (
        "query_id", "scenario_id", "block_id", "arm", "cue", "placebo", "language", "generator", "seed", "goal", "merit", "intent",
        "rejected_because",
    )  # fmt: skip
    return [
        Query(
            **{name: row[name] for name in plain},
            populations={name.removeprefix(POPULATION): row[name] for name in axes if row[name] is not None},
            turns=tuple(turn["content"] for turn in row["turns"]),
            gates={name.removeprefix(GATE): row[name] for name in gates if row[name] is not None},
        )
        for row in table.to_pylist()
    ]


def write_responses(responses: Sequence[Response], run: Path) -> None:
    """Write `responses.parquet`, in place of earlier responses of the same targets."""
    targets = {response.target for response in responses}
    kept = [response for response in read_responses(run) if response.target not in targets] if (run / RESPONSES).is_file() else []
    rows = [*kept, *responses]
    text = ("response_id", "query_id", "target")
    columns: dict[str, pa.Array] = {name: pa.array([getattr(r, name) for r in rows], pa.string()) for name in text}
    columns["replicate"] = pa.array([r.replicate for r in rows], pa.int64())
    columns["text"] = pa.array([sendable(r.text) for r in rows], pa.string())
    columns["missing"] = pa.array([r.missing.reason if r.missing else None for r in rows], pa.string())
    columns["missing_detail"] = pa.array([r.missing.detail or None if r.missing else None for r in rows], pa.string())
    columns["turns"] = pa.array([[{**t, "content": sendable(t["content"])} for t in r.turns] for r in rows], _TURNS)
    columns["usage"] = pa.array([json.dumps(dict(r.usage), sort_keys=True) if r.usage else None for r in rows], pa.string())
    columns["latency_ms"] = pa.array([r.latency_ms for r in rows], pa.float64())
    columns["refusal_read"] = pa.array([r.is_refusal_read for r in rows], pa.bool_())
    columns["system_fingerprint"] = pa.array([r.system_fingerprint for r in rows], pa.string())
    write_table(pa.table(columns), run / RESPONSES)


def read_responses(run: Path) -> list[Response]:
    """The responses of a run; InputError where it has none."""
    table = _read(run / RESPONSES, f"Run judgefair respond {run} first")
    return [
        Response(
            row["response_id"], row["query_id"], row["target"], row["replicate"], row["text"],
            None if row["missing"] is None else Missing(row["missing"], row["missing_detail"] or ""),
            tuple(row["turns"]), row["system_fingerprint"], json.loads(row["usage"]) if row["usage"] else {}, row["latency_ms"],
            row["refusal_read"],
        )
        for row in table.to_pylist()
    ]  # fmt: skip


def items_of(queries: Iterable[Query], responses: Iterable[Response]) -> list[Item]:
    """What is judged: an item for each response, whose id it bears.

    A placebo arm shows no population of its own, so that it enters no contrast: what it repeats stands in `meta.shows`. The
    last turn of a conversation is the response, all before it the query.
    """
    asked = {query.query_id: query for query in queries}
    items = []
    for response in responses:
        query = asked[response.query_id]
        meta: dict[str, Any] = {
            "arm": query.arm,
            "block": query.block_id,
            "query_id": query.query_id,
            "replicate": response.replicate,
        }
        optional = {"cue": query.cue, "placebo": query.placebo, "merit": query.merit, "intent": query.intent}
        meta |= {name: value for name, value in optional.items() if value is not None}
        if not response.is_refusal_read:
            meta["refusal"] = UNREAD
        if query.placebo is not None:
            meta["shows"] = dict(query.populations)
        if query.generator == LOGS:
            meta["mix"] = AS_LIVED
        populations: Mapping[str, str] = {} if query.placebo is not None else dict(query.populations)
        text = conversation_text(response.turns, query)
        items.append(
            Item(response.response_id, text, response.text, populations, query.scenario_id, meta, no_response=response.missing)
        )
    return items


def conversation_text(turns: Sequence[Mapping[str, str]], query: Query) -> str:
    """What was said before the last answer; one user turn stands alone, more are marked by who speaks."""
    said = list(turns)
    while said and said[-1]["role"] == "assistant":
        said.pop()
    if len(said) <= 1:
        return said[0]["content"] if said else query.text
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in said)


def reject(query: Query, because: str) -> Query:
    """The query, no longer kept."""
    return replace(query, rejected_because=because)


def _read(path: Path, what_next: str) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: cannot be read ({error}). {what_next}") from None
