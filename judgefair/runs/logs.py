"""What did real users ask? Their queries, with consent on record, beside the simulated ones: the mix as it is lived."""

import json
from pathlib import Path

import pandas as pd
from pydantic import Field

from judgefair.calibration.ratings import read_table
from judgefair.errors import InputError, did_you_mean
from judgefair.records import Query
from judgefair.rubric.context import Context, Strict
from judgefair.rubric.strict_yaml import read_yaml, validate
from judgefair.runs.folder import write_json
from judgefair.runs.items import POPULATION
from judgefair.runs.queries import AS_LIVED, LOGS, read_queries, write_queries

CARD, CARD_COPY = "card.yaml", "logs.json"
COLUMNS = ("query", "turns", "query_id", "user_id", "intent", "language")


class LogCard(Strict):
    """The `card.yaml` of real users' queries."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in lower case")
    title: str = Field(description="what the logs are")
    consent: str = Field(
        pattern=r"\S", description="who agreed to what use, when and how; or why none is needed, and who decided so"
    )
    collected: str = Field(description="where and when the queries were asked")
    populations_from: str = Field(description="how the users' populations are known: they said so, or it was inferred, and how")
    licence: str = Field(description="who may use the logs for what")
    known_issues: list[str] = Field(description="a list of what a user must know; [] if nothing is known")


def import_logs(table: Path, card: Path, context: Context, out: Path) -> list[Query]:
    """Check real queries and keep them, with their card, as a folder that a study's `plan.logs` names.

    Parameters
    ----------
    table : CSV, JSONL or Parquet with a row for each query: `query` (or `turns`, a JSON list of what the user said), `pop.<axis>` and, where
        known, `query_id`, `user_id` (the sampling unit), `intent` and `language`.

    Raises
    ------
    InputError : the card says nothing of consent; a column, axis or group the rubric does not know; an empty query.
    """
    checked = validate(read_yaml(card), LogCard)
    rows = read_table(table)
    if rows.empty:
        raise InputError(f"{table}: no queries in it. Add one row for each query that was asked")
    queries = [_query(rows, place, str(table), context, checked.id) for place in range(len(rows))]
    repeated = {query.query_id for query in queries}
    if len(repeated) < len(queries):
        raise InputError(f"{table}: a query_id stands twice. Ids must be unique")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty, and nothing is overwritten. Choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_queries(queries, out)
    (out / CARD).write_bytes(card.read_bytes())
    return queries


def read_logs(folder: Path) -> tuple[LogCard, list[Query]]:
    """Card and queries that `import_logs` kept."""
    if not (folder / CARD).is_file():
        raise InputError(f"{folder}: has no {CARD}. Expected a folder that judgefair simulate import wrote")
    return validate(read_yaml(folder / CARD), LogCard), read_queries(folder)


def keep_card(card: LogCard, run: Path) -> None:
    """Write what the logs are, and who consented, beside the run that uses them."""
    write_json(run / CARD_COPY, card.model_dump())


def _query(rows: pd.DataFrame, place: int, where: str, context: Context, log_id: str) -> Query:
    row = {str(name): str(value) for name, value in rows.iloc[place].items()}
    line = f"{where}: row {place + 1}"
    populations = {}
    for name, value in row.items():
        if not name.startswith(POPULATION):
            if name not in COLUMNS:
                raise InputError(
                    f"{where}: column '{name}' is not known.{did_you_mean(name, COLUMNS)} Columns: {', '.join(COLUMNS)}, pop.<axis>"
                )
            continue
        axis = context.axis(name.removeprefix(POPULATION))
        if axis is None:
            known = [f"{POPULATION}{axis.axis}" for axis in context.populations]
            raise InputError(
                f"{where}: column '{name}' names no axis of the rubric.{did_you_mean(name, known)} Expected: {', '.join(known)}"
            )
        if value and value not in axis.groups:
            raise InputError(f"{line}: {name} is '{value}'.{did_you_mean(value, axis.groups)} Groups: {', '.join(axis.groups)}")
        if value:
            populations[axis.axis] = value
    turns = _turns(row, line)
    unit = row.get("user_id") or row.get("query_id") or str(place + 1)
    return Query(
        query_id=f"{log_id}-{row.get('query_id') or place + 1}", scenario_id=f"{log_id}:{unit}", block_id=f"{log_id}:{unit}", arm=AS_LIVED,
        cue=None, placebo=None, populations=populations, turns=turns, language=row.get("language") or context.languages[0],
        generator=LOGS, intent=row.get("intent") or None,
    )  # fmt: skip


def _turns(row: dict[str, str], line: str) -> tuple[str, ...]:
    if row.get("turns"):
        try:
            turns = json.loads(row["turns"])
        except (ValueError, RecursionError) as error:
            raise InputError(f"{line}: turns is no JSON ({error}). Expected a list of what the user said, in order") from None
        if not isinstance(turns, list) or not turns or not all(isinstance(turn, str) and turn.strip() for turn in turns):
            raise InputError(f"{line}: turns is {row['turns'][:60]!r}. Expected a list of texts, none of them empty")
        return tuple(turns)
    if not row.get("query", "").strip():
        raise InputError(f"{line}: query is empty. Expected what the user asked")
    return (row["query"],)
