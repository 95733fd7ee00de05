"""What do the simulated users say? The stage that renders every arm, checks it, renders again what failed, and drops whole blocks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import Any

from judgefair.compile.checker import checker
from judgefair.compile.checker import reader as group_reader
from judgefair.compile.rewriter import rewriter
from judgefair.compile.text_program import TextProgram
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.models.policy import RetryPolicy
from judgefair.records import Missing, Query
from judgefair.rubric.rubric import Rubric
from judgefair.runs.asking import Asking, Progress, run_sync, work_through
from judgefair.runs.folder import open_run, write_json, write_manifest
from judgefair.runs.queries import DESIGN, reject, write_queries
from judgefair.simulate.gates import failed, measure
from judgefair.simulate.plan import NEUTRAL, Block, Design
from judgefair.simulate.template import cue_texts, template_query

RENDER = "render"
"""The gate that a query fails where its renderer gave none."""
Fails = Callable[[str, int], bool]


def simulate(
    rubric: Rubric,
    design: Design,
    run: Path,
    *,
    renderer: Model | None = None,
    reader: Model | None = None,
    rerenders: int = 2,
    dialogue: int = 1,
    concurrency: int = 8,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    as_of: str | None = None,
    fails: Fails = lambda _query_id, _attempt: False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Query]:
    """Render a design, check every query, and write `queries.parquet` and `design.json`.

    A query that a gate rejects is rendered again, at most `rerenders` times; if it still fails, its whole block is dropped, so
    that only complete blocks are kept. Every render that was rejected stays in the table, with the gate's name.

    Parameters
    ----------
    renderer : a model that rewrites the neutral query for each arm; None uses what the rubric's author wrote, as it is.
    reader : a model that checks whether a rewritten query keeps request and facts; None leaves that to word counts.
    dialogue : user turns at most; above 1 the user goes on with a hidden goal while the system answers.
    fails : for planted studies, which attempts at which query come to nothing.
    """
    if concurrency < 1:
        raise InputError(f"concurrency is {concurrency}. Expected at least 1")
    with open_run(run):
        stage = _Stage(rubric, design, renderer, reader, rerenders, dialogue, fails, on_progress, budget or Budget())
        queries = run_sync(stage.run(run, policy or RetryPolicy(), limits or Limits(), use_cache, concurrency))
        write_queries(queries, run)
        write_json(run / DESIGN, design_json(design))
        write_manifest(
            run,
            {
                "stage": "simulate",
                "rubric": {"id": rubric.id, "version": rubric.version, "fingerprint": rubric.fingerprint},
                "design": fingerprint(design_json(design)),
                "renderer": renderer.name if renderer else "template",
            },
            as_of,
        )
    return queries


def design_json(design: Design) -> dict[str, Any]:
    """What a reader needs of a design, as plain data."""
    return {
        "blocks": len(design.blocks), "arms": [asdict(arm) for arm in design.arms], "axes": {a: list(g) for a, g in design.axes.items()},
        "references": dict(design.references), "strength": design.strength, "coverage": design.coverage,
        "imbalance": design.imbalance(), "notes": list(design.notes), "seed": design.seed,
    }  # fmt: skip


class _Stage:
    def __init__(
        self,
        rubric: Rubric,
        design: Design,
        renderer: Model | None,
        reader: Model | None,
        rerenders: int,
        dialogue: int,
        fails: Fails,
        on_progress: Callable[[Progress], None],
        budget: Budget,
    ) -> None:
        self._rubric, self._design, self._renderer, self._reader = rubric, design, renderer, reader
        self._rerenders, self._dialogue, self._fails, self._on_progress = rerenders, dialogue, fails, on_progress
        self._progress = Progress(design.n_queries, budget=budget)
        self._given: dict[str, dict[str, float]] = {}
        cues = {cue for arm in design.arms for cue in arm.cues.values()}
        self._rewriters = {cue: rewriter(cue) for cue in cues} if renderer else {}  # type: ignore[arg-type]
        self._checker = checker() if reader else None
        self._readers = {axis: group_reader(list(groups)) for axis, groups in design.axes.items()} if reader else {}

    async def run(self, run: Path, policy: RetryPolicy, limits: Limits, use_cache: bool, concurrency: int) -> list[Query]:
        places = [(block, place) for block in self._design.blocks for place in range(len(self._design.arms))]
        current: dict[str, Query] = {}
        rejected: list[Query] = []
        async with Asking(run, self._progress, policy, limits, concurrency, use_cache=use_cache) as asking:
            open_places = places
            for attempt in range(self._rerenders + 1):

                async def work(where: tuple[Block, int], attempt: int = attempt) -> None:
                    query = await self._render(asking, *where, attempt)
                    current[query.query_id] = query
                    self._progress.done = len(current)
                    self._on_progress(self._progress)

                await work_through(open_places, work, concurrency)
                self._measure(current)
                if attempt == self._rerenders:
                    break
                failing = {
                    query_id
                    for query_id, query in current.items()
                    if not query.kept and (self._is_rewritten(query) or query.rejected_because == RENDER)
                }  # what a person wrote stays as it is, however often it is rendered
                rejected += [replace(current[query_id], query_id=f"{query_id}-r{attempt}") for query_id in sorted(failing)]
                open_places = [where for where in places if self._query(*where).query_id in failing]
                if not open_places:
                    break
        in_order = [current[self._query(*where).query_id] for where in places]
        return sorted([*_whole_blocks(in_order), *rejected], key=lambda query: query.query_id)

    def _query(self, block: Block, place: int) -> Query:
        """The arm as the rubric's author wrote it."""
        query = template_query(self._design, block, place, self._rubric.context)
        if self._dialogue == 1:
            return query
        facts = "; ".join(f"{name}: {value}" for name, value in block.facts.items())
        return replace(query, goal=f"{block.intent}\n{facts}")

    def _is_rewritten(self, query: Query) -> bool:
        return self._renderer is not None and query.arm != NEUTRAL

    async def _render(self, asking: Asking, block: Block, place: int, attempt: int) -> Query:
        query = self._query(block, place)
        if self._fails(query.query_id, attempt):
            return reject(query, RENDER)
        if self._renderer is None or not self._is_rewritten(query):
            return query
        arm = self._design.arms[place]
        program = self._rewriters[next(iter(arm.cues.values()))]
        slots = {
            "message": block.turns[0], "shows": "\n".join(cue_texts(block, arm, self._rubric.context)), "language": query.language,
        }  # fmt: skip
        sample = attempt + (self._rerenders + 1) * (arm.placebo is not None)  # a placebo is another wording of the same arm
        question = asking.about(query.query_id, RENDER)
        said = await question.ask(self._renderer, program.body(self._renderer, slots, sample), sample)
        fields = said if isinstance(said, Missing) else program.parse(said)
        query = replace(query, generator=self._renderer.name)
        if isinstance(fields, Missing):
            self._progress.missing[fields.reason] += 1
            return reject(query, RENDER)
        query = replace(query, turns=(fields["rewritten"], *query.turns[1:]))
        self._given[query.query_id] = await self._read(asking, block, query)
        return query

    async def _read(self, asking: Asking, block: Block, query: Query) -> dict[str, float]:
        """What a model that did not write the query says of request, facts and population; nothing where it gave no answer."""
        found: dict[str, float] = {}
        if self._reader is None or self._checker is None:
            return found
        fields = await self._put(asking, query, self._checker, {"original": block.turns[0], "rewritten": query.turns[0]})
        if fields is not None:
            kept = fields["facts_kept"] == "yes" and fields["facts_added"] == "no"
            found |= {"intent": float(fields["same_request"] == "yes"), "facts": float(kept)}
        for axis, group in query.populations.items():
            fields = await self._put(asking, query, self._readers[axis], {"message": query.turns[0]})
            if fields is not None:
                found["cue"] = min(found.get("cue", inf), len(self._design.axes[axis]) * float(fields["group"] == group))
        return found

    async def _put(self, asking: Asking, query: Query, program: TextProgram, slots: Mapping[str, str]) -> dict[str, Any] | None:
        assert self._reader is not None
        said = await asking.about(query.query_id, program.name).ask(self._reader, program.body(self._reader, slots))
        fields = said if isinstance(said, Missing) else program.parse(said)
        if isinstance(fields, Missing):
            self._progress.missing[fields.reason] += 1
            return None
        return fields

    def _measure(self, current: dict[str, Query]) -> None:
        """Give every query its numbers, and reject those that fail a gate."""
        rendered = [query for query in current.values() if query.rejected_because != RENDER]
        numbers: Mapping[str, Mapping[str, float]] = measure(
            sorted(rendered, key=lambda query: query.query_id), self._rubric.context, given=self._given, seed=self._design.seed
        )
        for query in rendered:
            measured = numbers[query.query_id]
            current[query.query_id] = replace(query, gates=measured, rejected_because=failed(measured))


def _whole_blocks(queries: Sequence[Query]) -> list[Query]:
    """A block of which an arm was rejected is rejected as a whole, for that reason."""
    first: dict[str, Query] = {}
    for query in queries:
        if not query.kept:
            first.setdefault(query.block_id, query)
    return [
        reject(query, f"block: {first[query.block_id].rejected_because} of {first[query.block_id].arm}")
        if query.kept and query.block_id in first
        else query
        for query in queries
    ]
