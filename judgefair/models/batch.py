"""How are many requests sent as one file, and never twice?

OpenAI's Batch API (https://platform.openai.com/docs/guides/batch) takes a file of up to 50,000 requests for one model,
answers within 24 hours at half the price, and hands back an output file and an error file in any order. A batch ends as
`completed`, `expired` (what was not done in time is in the error file), `cancelled` or `failed` (the file was refused as a whole:
it breaks a rule, or the model's limit of enqueued tokens was reached, `token_limit_exceeded`). Files of results are kept for 30 days.

A process may die between any two steps, so each step is on record before the next is taken:

1. the file is written, and `Ledger.begin` records its token;
2. it is uploaded under a name that holds the token, and `uploaded` records the server's name for it;
3. the batch is created, and `submitted` records its id;
4. results are handed out; the caller asks for the next when it has kept the one before; `ended` records that all are.

What died before 2 was recorded looks for the file among those on the server; a second upload would cost nothing. What died
before 3 was recorded, or did not hear the server's answer, looks for a batch that was made from the file. Nothing documents that a
new batch is in the list at once, so the list is read several times over half a minute before a batch is created anew.
"""

import asyncio
import json
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol, TypeVar

import httpx
import openai
import tenacity
from openai.types import Batch, FileObject

from judgefair.errors import ModelError
from judgefair.models.batch_file import (
    ENDPOINT,
    MOST_CHARACTERS,
    BatchFailure,
    BatchLimits,
    Outcome,
    Submission,
    input_file,
    read_result,
    request_line,
    requests_of,
    write_files,
)
from judgefair.models.keys import redact, redact_bytes
from judgefair.models.model import Body
from judgefair.models.openai_server import NO_KEY, MalformedReplyError
from judgefair.models.policy import RetryPolicy
from judgefair.models.retry import RetryAfterWait, is_transient, wait_asked_for
from judgefair.records import sendable

__all__ = ["BatchFailure", "BatchLimits", "Batches", "Ledger", "Outcome", "Submission"]

T = TypeVar("T")

PATIENCE = RetryPolicy(attempts=64, first_wait=1.0, longest_wait=60.0)  # sits out an hour without the server
FIRST_ATTEMPTS = 6  # before a server has answered at all, its address may simply be wrong
LOOKS = 6
ENDED = {"completed", "expired", "cancelled", "failed"}
TRY_LATER = {"token_limit_exceeded", "rate_limit_exceeded"}
NOT_HEARD = (httpx.TransportError, MalformedReplyError, json.JSONDecodeError, UnicodeDecodeError)


class Ledger(Protocol):
    """Where submissions to one server are recorded; each step is on disk when its method returns."""

    def unfinished(self) -> Sequence[Submission]:
        """What was begun and has not ended."""

    async def begin(self, token: str, n_requests: int) -> None:
        """A file of requests is about to be uploaded."""

    async def uploaded(self, token: str, file_id: str) -> None:
        """The server has the file; a batch of it is about to be created."""

    async def submitted(self, token: str, batch_id: str) -> None:
        """The server works on it."""

    async def ended(self, token: str, status: str) -> None:
        """Every outcome was handed out and kept, or the server did not take the batch."""


class Batches:
    """Requests sent through the Batch API of one server.

    Parameters
    ----------
    client : with max_retries=0; waiting and asking again are done here.
    ledger : what was sent before is taken from it, what is sent is recorded in it.
    folder : input files are kept there until their results have landed; one process at a time uses it.
    attempts : how often a request is sent that failed or expired.
    policy : how patiently the server is polled, and asked again when it does not answer.
    tell : hears in words how batches fare.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        ledger: Ledger,
        folder: Path,
        *,
        limits: BatchLimits | None = None,
        attempts: int = 3,
        policy: RetryPolicy = PATIENCE,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client, self._ledger, self._folder = client, ledger, folder
        self._limits, self._attempts, self._policy, self._tell = limits or BatchLimits(), attempts, policy, tell
        self._key = None if client.api_key == NO_KEY else client.api_key
        self._was_heard = False

    async def ask(self, requests: Iterable[tuple[str, Body]]) -> AsyncGenerator[tuple[str, Outcome], None]:
        """Send requests, and hand out what comes of them and of all that the ledger says was sent before.

        Requests that are at work already, or repeat a custom_id, are not sent. They are taken one by one as files are written; only
        ids stay in memory. When the next outcome is asked for, the one before must have been kept.

        Yields
        ------
        custom_id, and the chat completion or a `BatchFailure`. Where that says `again`, the request is sent again and its
        outcome follows; each custom_id has exactly one outcome that does not.

        Raises
        ------
        ModelError : the server cannot be used, refused a file, or does not know a batch of the ledger. What was sent stays on
            record, so that the same call later goes on from there.
        """
        live = await self._resume()
        sent = {custom_id for submission in live for custom_id, _ in requests_of(self._path(submission))}
        too_large: deque[tuple[str, BatchFailure]] = deque()
        fresh = write_files(self._lines(requests, sent, too_large), self._folder, self._limits)
        held_back: deque[Submission] = deque()
        intervals, queue_is_full, sent_alone = _intervals(self._policy), False, set[str]()
        while True:
            while not (queue_is_full and live) and (submission := _next(held_back, fresh)):
                await self._ledger.begin(submission.token, submission.n_requests)
                sent_alone |= set() if live else {submission.token}
                live.append(await self._submit(submission))
            while too_large:
                yield too_large.popleft()
            if not live:
                return
            await asyncio.sleep(next(intervals))
            for submission in list(live):
                batch = await self._retrieve(submission)
                if batch.status not in ENDED:
                    continue
                live.remove(submission)
                queue_is_full = _came_too_early(batch)
                if queue_is_full:
                    is_too_much = submission.token in sent_alone and not live
                    next_files = await self._halves(submission, batch) if is_too_much else self._rewritten(submission)
                else:
                    await self._refuse_if_failed(submission, batch)
                    failed: set[str] = set()
                    async for custom_id, outcome in self._outcomes(submission, batch):
                        if isinstance(outcome, BatchFailure) and outcome.again:
                            outcome = replace(outcome, again=submission.attempt < self._attempts)
                            failed |= {custom_id} if outcome.again else set()
                        yield custom_id, outcome
                    next_files = self._rewritten(submission, failed)
                    intervals = _intervals(self._policy)
                await self._end(submission, batch)
                held_back.extend(next_files)

    async def _resume(self) -> list[Submission]:
        """Take up what was sent before, and clear away files that were written but never begun."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._ledger.unfinished()
        known = {self._path(submission) for submission in unfinished}
        for path in self._folder.glob(input_file(self._folder, "*").name):
            if path not in known:
                path.unlink()
        live = []
        for submission in unfinished:
            if not self._path(submission).exists():
                if submission.file_id is None:  # no batch was made of it
                    await self._ledger.ended(submission.token, "lost")
                    continue
                await self._fetch_back(submission, submission.file_id)
            live.append(await self._submit(submission, is_resumed=True))
        return live

    async def _fetch_back(self, submission: Submission, file_id: str) -> None:
        part = self._path(submission).with_suffix(".part")
        with part.open("wb") as file:
            await self._download(file_id, file)
        part.replace(self._path(submission))

    def _lines(
        self, requests: Iterable[tuple[str, Body]], sent: set[str], too_large: deque[tuple[str, BatchFailure]]
    ) -> Iterator[bytes]:
        for custom_id, body in requests:
            if custom_id in sent:
                continue
            sent.add(custom_id)
            line = request_line(custom_id, body)
            if len(line) <= self._limits.bytes:
                yield line
            else:
                message = f"the request has {len(line):,} bytes, and a file may have {self._limits.bytes:,}"
                too_large.append((custom_id, BatchFailure(message, "too_large")))

    async def _submit(self, submission: Submission, *, is_resumed: bool = False) -> Submission:
        """Upload the file and create the batch, as far as that is not done."""
        if submission.batch_id is not None:
            return submission
        file_id = submission.file_id
        if file_id is None:
            file_id = await self._send_once(self._upload, self._find_file, submission, is_resumed)
            await self._ledger.uploaded(submission.token, file_id)
            is_resumed = False
        submission = replace(submission, file_id=file_id)
        batch_id = await self._send_once(self._create, self._find_batch, submission, is_resumed)
        await self._ledger.submitted(submission.token, batch_id)
        self._tell(f"{batch_id}: {submission.n_requests:,} requests were sent")
        return replace(submission, batch_id=batch_id)

    async def _send_once(
        self,
        send: Callable[[Submission], Awaitable[str]],
        find: Callable[[Submission], Awaitable[str | None]],
        submission: Submission,
        may_be_there: bool,
    ) -> str:
        """Send; wherever the server may have heard it before, look first for what it made of it."""

        async def attempt() -> str:
            nonlocal may_be_there
            if may_be_there and (found := await find(submission)):
                return found
            may_be_there = True
            try:
                return await send(submission)
            except openai.APIStatusError as error:
                may_be_there = error.status_code >= 500 or error.status_code == 408
                if not is_transient(error):
                    await self._ledger.ended(submission.token, "refused")
                raise

        return await self._patiently(f"sending {self._path(submission).name}", attempt)

    async def _upload(self, submission: Submission) -> str:
        path = self._path(submission)
        with path.open("rb") as file:
            answer = await self._client.files.create(file=(path.name, file), purpose="batch")
        return _checked(answer, FileObject).id

    async def _find_file(self, submission: Submission) -> str | None:
        name = self._path(submission).name
        async for file in self._client.files.list(purpose="batch"):
            if file.filename == name:
                return file.id
        return None

    async def _create(self, submission: Submission) -> str:
        answer = await self._client.batches.create(
            input_file_id=submission.file_id or "",
            endpoint=ENDPOINT,
            completion_window="24h",
            metadata={"judgefair": submission.token},
        )
        return _checked(answer, Batch).id

    async def _find_batch(self, submission: Submission) -> str | None:
        waits = _intervals(self._policy)
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(next(waits))
            async for batch in self._client.batches.list(limit=100):
                if batch.input_file_id == submission.file_id or (batch.metadata or {}).get("judgefair") == submission.token:
                    return batch.id
        return None

    async def _retrieve(self, submission: Submission) -> Batch:
        async def poll() -> Batch:
            batch = _checked(await self._client.batches.retrieve(submission.batch_id or ""), Batch, "status")
            done = batch.request_counts.completed if batch.request_counts else 0
            if batch.status in ENDED and done and not batch.output_file_id:
                raise MalformedReplyError(f"{done:,} requests are done, and no file holds them")
            return batch

        return await self._patiently(f"asking for {submission.batch_id}", poll)

    async def _outcomes(self, submission: Submission, batch: Batch) -> AsyncIterator[tuple[str, Outcome]]:
        """One outcome for each request of the file; the first line with its id counts."""
        open_ids = {custom_id for custom_id, _ in requests_of(self._path(submission))}
        n_stray = 0
        for file_id in (batch.output_file_id, batch.error_file_id):
            if not file_id:
                continue
            with TemporaryFile(dir=self._folder) as file:
                await self._download(file_id, file)
                file.seek(0)
                for line in file:
                    result = read_result(redact_bytes(line, self._key))
                    if result is None or result[0] not in open_ids:
                        n_stray += bool(line.strip())
                        continue
                    open_ids.remove(result[0])
                    yield result[0], self._redacted(result[1])
        for custom_id in sorted(open_ids):
            message = f"{batch.id} is {batch.status} and says nothing of this request"
            yield custom_id, BatchFailure(message, "no_result", again=batch.status != "cancelled")
        if n_stray:
            self._tell(f"{batch.id}: {n_stray:,} lines of its results cannot be read, repeat a request or belong to none")

    async def _download(self, file_id: str, to: IO[bytes]) -> None:
        """Write a file of the server, whole; a broken transfer starts again."""

        async def download() -> None:
            to.seek(0)
            to.truncate()
            async with self._client.files.with_streaming_response.content(file_id) as response:
                async for chunk in response.iter_bytes():
                    to.write(chunk)

        await self._patiently(f"reading {file_id}", download)

    async def _refuse_if_failed(self, submission: Submission, batch: Batch) -> None:
        if batch.status == "failed":
            await self._end(submission, batch)
            raise ModelError(f"{batch.id}: the server refused the file: {self._words_of(batch)}")

    async def _halves(self, submission: Submission, batch: Batch) -> list[Submission]:
        """Smaller files, where the server has no room for this one though none of ours is at work."""
        if submission.n_requests == 1:
            await self._end(submission, batch)
            raise ModelError(
                f"{batch.id}: the server has no room for a single request: {self._words_of(batch)}. "
                "Run the same command again when other batches of the account are done"
            )
        return self._rewritten(submission, most=math.ceil(submission.n_requests / 2))

    def _rewritten(self, submission: Submission, only: set[str] | None = None, most: int | None = None) -> list[Submission]:
        """New files of the requests of an old one: of all, or, as a further attempt, of those that failed."""
        lines = (line for custom_id, line in requests_of(self._path(submission)) if only is None or custom_id in only)
        attempt = submission.attempt + (only is not None)
        files = write_files(lines, self._folder, replace(self._limits, requests=most or self._limits.requests))
        return [replace(file, attempt=attempt) for file in files]

    async def _end(self, submission: Submission, batch: Batch) -> None:
        await self._ledger.ended(submission.token, batch.status)
        self._path(submission).unlink()
        self._tell(f"{batch.id}: {batch.status}")

    async def _patiently(self, doing: str, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the server answers; ModelError where it refuses, or does not answer within the policy."""
        backoff = RetryAfterWait(self._policy)

        def wait(state: tenacity.RetryCallState) -> float:
            asked_for = wait_asked_for(state.outcome.exception() if state.outcome else None, self._policy)
            return backoff(state) if asked_for is None else asked_for

        attempts = self._policy.attempts if self._was_heard else min(FIRST_ATTEMPTS, self._policy.attempts)
        stop, retry = tenacity.stop_after_attempt(attempts), tenacity.retry_if_exception(_may_pass)
        try:
            async for attempt in tenacity.AsyncRetrying(stop=stop, wait=wait, retry=retry, reraise=True):
                with attempt:
                    answer = await call()
                    self._was_heard = True
                    return answer
        except (openai.OpenAIError, *NOT_HEARD) as error:
            raise ModelError(
                f"batch: {doing}: {self._redact(_words(error))}. What was sent is on record: the same command goes on from there"
            ) from None
        raise AssertionError("tenacity ends with a result or an error")

    def _path(self, submission: Submission) -> Path:
        return input_file(self._folder, submission.token)

    def _words_of(self, batch: Batch) -> str:
        errors = (batch.errors and batch.errors.data) or []
        words = [f"{error.message or error.code}" + (f" (line {error.line})" if error.line else "") for error in errors]
        return self._redact("; ".join(words) or "it gave no reason")

    def _redacted(self, outcome: Outcome) -> Outcome:
        return replace(outcome, message=self._redact(outcome.message)) if isinstance(outcome, BatchFailure) else outcome

    def _redact(self, text: str) -> str:
        return sendable(redact(text, self._key))[:MOST_CHARACTERS]


def _next(held_back: deque[Submission], fresh: Iterator[Submission]) -> Submission | None:
    return held_back.popleft() if held_back else next(fresh, None)


def _intervals(policy: RetryPolicy) -> Iterator[float]:
    wait = policy.first_wait
    while True:
        yield wait
        wait = min(2 * wait, policy.longest_wait)


def _came_too_early(batch: Batch) -> bool:
    """Whether the server refused the batch only because too much is enqueued."""
    errors = (batch.errors and batch.errors.data) or []
    return batch.status == "failed" and any(error.code in TRY_LATER for error in errors)


def _checked(answer: Any, kind: type[T], *fields: str) -> T:
    """The answer where it is what the protocol says; what is not JSON comes as text."""
    if not isinstance(answer, kind) or not all(getattr(answer, name, None) for name in ("id", *fields)):
        raise MalformedReplyError(f"the server's answer is no {kind.__name__.lower()}")
    return answer


def _may_pass(error: BaseException) -> bool:
    return is_transient(error) or isinstance(error, NOT_HEARD)


def _words(error: Exception) -> str:
    if isinstance(error, openai.APIStatusError):
        said = error.body.get("message") if isinstance(error.body, dict) else None
        return f"HTTP {error.status_code}: {said or error.message}"
    return f"{type(error).__name__}: {error}"
