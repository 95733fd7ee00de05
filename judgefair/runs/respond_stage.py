"""What does the system under evaluation answer? The stage that holds every conversation, resumes, and tells refusals apart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from judgefair.compile.refusal import refusal_detector
from judgefair.compile.simulated_user import simulated_user
from judgefair.errors import InputError
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.model import Model
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.records import Item, Missing, Query, Response, Turn
from judgefair.runs.asking import Asking, Progress, run_sync, work_through
from judgefair.runs.folder import SYSTEM, are_made_again, open_run, write_json
from judgefair.runs.items import put_items
from judgefair.runs.queries import conversation_text, write_responses
from judgefair.targets import Target, marked_refusal

RESPOND, REFUSAL, USER = "respond", "refusal", "user"


def respond(
    queries: Sequence[Query],
    target: Target,
    run: Path,
    *,
    replicates: int = 1,
    refusal_judge: Model | None = None,
    user: Model | None = None,
    dialogue: int = 1,
    concurrency: int = 8,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    limits: Limits | None = None,
    use_cache: bool = True,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Response]:
    """Put every kept query to the system, and write `responses.parquet`.

    Run again, it asks only for what has not landed. What the system did wrong (an error, a time-out, no text) is Missing with
    the reason, and the stage goes on. A refusal is Missing `refused`; what was said is kept.

    Parameters
    ----------
    replicates : answers to each query.
    refusal_judge : a model that reads whether a response without an exact marker of refusal is one; None leaves it to markers.
    user : the model that speaks for users in a dialogue, at most `dialogue` turns.
    """
    if concurrency < 1 or replicates < 1:
        raise InputError(f"concurrency is {concurrency} and replicates {replicates}. Expected at least 1 each")
    with open_run(run):
        stage = _Stage(queries, target, replicates, refusal_judge, user, dialogue, budget or Budget(), on_progress)
        responses = run_sync(stage.run(run, policy or RetryPolicy(), limits or Limits(), use_cache, concurrency))
        write_responses(responses, run)
    return responses


def system_json(target: Target) -> dict[str, str]:
    """What a verdict's scope says of the system; its model where that is known, since a judge may be of the same family."""
    model = {"model": str(target.settings["model"])} if "model" in target.settings else {}
    return {"id": target.id, "kind": str(target.settings["kind"]), **model, "fingerprint": target.fingerprint}


def keep_answers(items: Sequence[Item], target: Target, run: Path) -> None:
    """Make the answers of a system the items of a run, and keep which system it was; ratings of other answers go.

    Raises
    ------
    InputError : people labelled answers that would change or go.
    """
    with open_run(run):
        put_items(items, run, labels_can_be_made_again=are_made_again(run))
        write_json(run / SYSTEM, system_json(target))


@dataclass(frozen=True, slots=True)
class _Job:
    index: int
    query: Query
    replicate: int


class _Stage:
    def __init__(
        self,
        queries: Sequence[Query],
        target: Target,
        replicates: int,
        refusal_judge: Model | None,
        user: Model | None,
        dialogue: int,
        budget: Budget,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._queries = [query for query in queries if query.kept]
        self._target, self._replicates, self._on_progress = target, replicates, on_progress
        self._refusal_judge, self._user, self._dialogue = refusal_judge, user, dialogue
        self._progress = Progress(len(self._queries) * replicates, budget=budget)
        self._fingerprint = target.fingerprint
        self._detector = refusal_detector() if refusal_judge else None
        self._speaker = simulated_user() if user else None
        self._responses: list[Response | None] = [None] * self._progress.total

    async def run(self, run: Path, policy: RetryPolicy, limits: Limits, use_cache: bool, concurrency: int) -> list[Response]:
        async with Asking(run, self._progress, policy, limits, concurrency, use_cache=use_cache) as asking:

            async def work(job: _Job) -> None:
                response = await self._respond(asking, job)
                self._responses[job.index] = response
                self._progress.done += 1
                if response.missing:
                    self._progress.missing[response.missing.reason] += 1
                self._on_progress(self._progress)

            await work_through(self._jobs(), work, concurrency)
        return [response for response in self._responses if response is not None]

    def _jobs(self) -> Iterator[_Job]:
        places = ((query, replicate) for query in self._queries for replicate in range(self._replicates))
        return (_Job(index, *place) for index, place in enumerate(places))

    async def _respond(self, asking: Asking, job: _Job) -> Response:
        query = job.query
        conversation: list[Turn] = []
        usage: dict[str, int] = {}
        last: Reply | Missing = Missing("not_rated", "nothing was asked")
        waiting = [list(query.turns)] if self._target.answers_whole_query else [[turn] for turn in query.turns]
        while waiting:
            conversation += [{"role": "user", "content": turn} for turn in waiting.pop(0)]
            question = asking.about(query.query_id, f"{RESPOND}.{self._target.id}")
            last = await self._target.answer(query, tuple(conversation), job.replicate, question)
            if isinstance(last, Missing):
                break
            for name in ("prompt_tokens", "completion_tokens"):
                usage[name] = usage.get(name, 0) + getattr(last, name)
            conversation.append({"role": "assistant", "content": last.text})
            if not waiting and query.goal and not self._target.answers_whole_query:
                waiting = [[turn] for turn in await self._next_turn(asking, query, conversation)]
        response = Response(
            f"{query.query_id}.{self._target.id}.{job.replicate}", query.query_id, self._target.id, job.replicate, "", None,
            tuple(conversation), self._fingerprint, usage if any(usage.values()) else {},
        )  # fmt: skip
        if isinstance(last, Missing):  # what was said in refusing stands in the detail
            return replace(response, text=last.detail if last.reason == "refused" else "", missing=last)
        latency = None if last.seconds is None else round(last.seconds * 1000, 3)
        refused, is_read = await self._refusal(asking, query, response, last.text)
        return replace(response, text=last.text, missing=refused, latency_ms=latency, is_refusal_read=is_read)

    async def _next_turn(self, asking: Asking, query: Query, conversation: Sequence[Turn]) -> list[str]:
        """What the user says next; nothing where they are done, or the model gave nothing usable."""
        user, program = self._user, self._speaker
        if user is None or program is None or sum(turn["role"] == "user" for turn in conversation) >= self._dialogue:
            return []
        goal, _, facts = (query.goal or "").partition("\n")
        slots = {
            "goal": goal, "facts": facts, "shows": query.turns[0],
            "conversation": "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in conversation),
        }  # fmt: skip
        said = await asking.about(query.query_id, USER).ask(user, program.body(user, slots, 0))
        fields: dict[str, Any] | Missing = said if isinstance(said, Missing) else program.parse(said)
        if isinstance(fields, Missing) or fields["done"] == "yes" or not fields["message"].strip():
            return []
        return [fields["message"]]

    async def _refusal(self, asking: Asking, query: Query, response: Response, text: str) -> tuple[Missing | None, bool]:
        """Whether the system declined, by an exact marker or else by what the refusal judge reads; and whether that could be told."""
        marker = marked_refusal(text)
        if marker is not None:
            return Missing("refused", f"opens with '{marker}'"), True
        program = self._detector
        if self._refusal_judge is None or program is None:
            return None, True
        slots = {"query": conversation_text(response.turns, query), "response": text}
        said = await asking.about(query.query_id, REFUSAL).ask(self._refusal_judge, program.body(self._refusal_judge, slots, 0))
        fields = said if isinstance(said, Missing) else program.parse(said)
        if isinstance(fields, Missing):
            return None, False
        refused = Missing("refused", f"{self._refusal_judge.name} reads a refusal")
        return (refused if fields["outcome"] == "refused" else None), True
