"""Ask a model, as often as it takes within reason, and say what came of it."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai
import tenacity

from judgefair.fingerprint import wire_json
from judgefair.models.budget import OverBudgetError
from judgefair.models.gate import Gate
from judgefair.models.hedge import first_answer
from judgefair.models.model import Body, Model, Post
from judgefair.models.openai_server import MalformedReplyError
from judgefair.models.policy import Attempt, RetryPolicy
from judgefair.models.reply import Reply
from judgefair.models.retry import (
    OVERLOADED,
    EmptyReplyError,
    RetryAfterWait,
    is_transient,
    refuse_if_useless,
    wait_asked_for,
)
from judgefair.records import Missing, sendable

MOST_CHARACTERS = 400
BYTES_A_TOKEN = 4
Failure = (openai.OpenAIError, MalformedReplyError, EmptyReplyError)


@dataclass(frozen=True, slots=True)
class Client:
    """The one way to ask a model: the gate lets requests pass, tenacity retries, every failure is told to `on_failure`."""

    model: Model
    post: Post
    gate: Gate
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    async def ask(self, body: Body, on_failure: Callable[[Attempt], Awaitable[None]]) -> tuple[Reply, Attempt] | Missing:
        """Send the identical request until a reply lands.

        Returns
        -------
        The reply and the attempt that brought it, or Missing: `over_budget` where no call was left, `backend_failure` where no
        attempt brought a completion, `unparsable` where every completion was empty.

        Raises
        ------
        ModelError : no request can succeed (key refused, no such model, no quota).
        """
        try:
            return await self._once(body, 1, on_failure)  # nearly always enough, and tenacity costs a quarter of a request
        except OverBudgetError as error:
            return Missing("over_budget", str(error))
        except Failure as error:
            return await self._again(body, error, on_failure)

    async def _again(
        self, body: Body, first: Exception, on_failure: Callable[[Attempt], Awaitable[None]]
    ) -> tuple[Reply, Attempt] | Missing:
        """The attempts after the first, which failed."""
        retrying = tenacity.AsyncRetrying(
            stop=self.policy.stop,
            wait=RetryAfterWait(self.policy),
            retry=tenacity.retry_if_exception(is_transient),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    number = attempt.retry_state.attempt_number
                    if number == 1:
                        raise first
                    return await self._once(body, number, on_failure)
        except OverBudgetError as error:
            return Missing("over_budget", str(error))
        except EmptyReplyError:
            return Missing("unparsable", f"an empty reply, {self.policy.attempts} times")
        except (openai.OpenAIError, MalformedReplyError) as error:
            refuse_if_useless(error, self.model.name, self.model.server)
            return Missing("backend_failure", self._in_words(error))
        raise AssertionError("tenacity ends with a reply or an error")

    def _once(
        self, body: Body, number: int, on_failure: Callable[[Attempt], Awaitable[None]]
    ) -> Coroutine[Any, Any, tuple[Reply, Attempt]]:
        if self.policy.hedge_after is None:
            return self._send(body, number, on_failure)
        return first_answer(lambda: self._send(body, number, on_failure), self.policy.hedge_after)

    async def _send(self, body: Body, number: int, on_failure: Callable[[Attempt], Awaitable[None]]) -> tuple[Reply, Attempt]:
        gate = self.gate
        estimated = expected_tokens(body) if gate.counts_tokens else 0.0
        sent_at = await gate.enter(estimated)
        try:
            data = await self.post(body)
            seconds = time.monotonic() - sent_at
            reply = read_reply(data, round(seconds, 6) if self.model.has_latency else None)
            gate.answered(reply, seconds, self.model.name, estimated)
        except Failure as error:
            failed = Attempt(number, time.monotonic() - sent_at, self._in_words(error))
            if is_transient(error):
                overloaded = isinstance(error, openai.APIStatusError) and error.status_code in OVERLOADED
                gate.failed(sent_at, overloaded, wait_asked_for(error, self.policy))
            await on_failure(failed)
            raise
        finally:
            gate.leave()
        return reply, Attempt(number, seconds, None)

    def _in_words(self, error: Exception) -> str:
        return self.model.redact(sendable(_in_words(error)))[:MOST_CHARACTERS]


def read_reply(data: Mapping[str, Any], seconds: float | None = None) -> Reply:
    """The reply in a chat completion, which took so many seconds.

    Raises
    ------
    MalformedReplyError : it is none. EmptyReplyError : it says nothing, and gives no reason for it.
    """
    try:
        reply = Reply.from_chat(data, seconds)
    except ValueError as error:
        raise MalformedReplyError(str(error)) from None
    if not reply.text.strip() and not reply.refusal and reply.finish_reason not in {"length", "content_filter"}:
        raise EmptyReplyError("an empty reply")
    return reply


def expected_tokens(body: Body, *, reply: bool = True) -> float:
    """About how many tokens a request may take, with those of its reply."""
    most = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    return len(wire_json(body["messages"])) / BYTES_A_TOKEN + (most if reply else 0)


def _in_words(error: Exception) -> str:
    """What went wrong, without request headers or the key they carry."""
    if isinstance(error, openai.APIStatusError):
        body = error.body
        said = body.get("message") if isinstance(body, dict) else body
        return f"HTTP {error.status_code}: {said or error.message}"
    cause = error.__cause__
    return f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__})" if cause else "")
