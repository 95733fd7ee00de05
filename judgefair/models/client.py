"""Ask a model, as often as it takes within reason, and say what came of it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import openai
import tenacity

from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.model import Body, Model, Post
from judgefair.models.openai_server import MalformedReplyError
from judgefair.models.reply import Reply
from judgefair.models.retry import EmptyReplyError, RetryAfterWait, RetryPolicy, is_transient, refuse_if_useless
from judgefair.records import Missing, sendable

MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was sent: which try it was, how long it took, and what went wrong, if anything."""

    number: int
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class Client:
    """The one way to ask a model: tenacity retries, the budget guards, every attempt is told to `on_attempt`."""

    model: Model
    post: Post
    budget: Budget
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    async def ask(self, body: Body, on_attempt: Callable[[Attempt], Awaitable[None]]) -> Reply | Missing:
        """Send the identical request until a reply lands.

        Returns
        -------
        Reply, or Missing: `over_budget` where no call was left, `backend_failure` where no attempt brought a completion,
        `unparsable` where every completion was empty.

        Raises
        ------
        ModelError : no request can succeed (key refused, no such model, no quota).
        """
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.policy.attempts),
            wait=RetryAfterWait(self.policy),
            retry=tenacity.retry_if_exception(is_transient),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._once(body, attempt.retry_state.attempt_number, on_attempt)
        except OverBudgetError as error:
            return Missing("over_budget", str(error))
        except EmptyReplyError:
            return Missing("unparsable", f"an empty reply, {self.policy.attempts} times")
        except (openai.OpenAIError, MalformedReplyError) as error:
            refuse_if_useless(error, self.model.name, self.model.server)
            return Missing("backend_failure", self._in_words(error))
        raise AssertionError("tenacity ends with a reply or an error")

    async def _once(self, body: Body, number: int, on_attempt: Callable[[Attempt], Awaitable[None]]) -> Reply:
        self.budget.reserve()
        started = time.monotonic()
        try:
            reply = _read(await self.post(body))
        except (openai.OpenAIError, MalformedReplyError, EmptyReplyError) as error:
            await on_attempt(Attempt(number, time.monotonic() - started, self._in_words(error)))
            raise
        seconds = time.monotonic() - started
        self.budget.spend(reply)
        await on_attempt(Attempt(number, seconds, None))
        return replace(reply, seconds=round(seconds, 6)) if self.model.has_latency else reply

    def _in_words(self, error: Exception) -> str:
        return self.model.redact(sendable(_in_words(error)))[:MOST_CHARACTERS]


def _read(data: dict[str, object]) -> Reply:
    try:
        reply = Reply.from_chat(data)
    except ValueError as error:
        raise MalformedReplyError(str(error)) from None
    if not reply.text.strip() and not reply.refusal and reply.finish_reason not in {"length", "content_filter"}:
        raise EmptyReplyError("an empty reply")
    return reply


def _in_words(error: Exception) -> str:
    """What went wrong, without request headers or the key they carry."""
    if isinstance(error, openai.APIStatusError):
        body = error.body
        said = body.get("message") if isinstance(body, dict) else body
        return f"HTTP {error.status_code}: {said or error.message}"
    cause = error.__cause__
    return f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__})" if cause else "")
