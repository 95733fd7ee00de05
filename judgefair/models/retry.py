"""Is it worth asking again, and how long should one wait?"""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import openai
import tenacity
from tenacity.wait import wait_base

from judgefair.errors import ModelError
from judgefair.models.openai_server import MalformedReplyError
from judgefair.models.policy import TRANSIENT_STATUS, RetryPolicy

OVERLOADED = {429, 503}
NO_USE_STATUS = {401: "the key was refused", 403: "the key may not use it", 404: "there is no such model or address"}


class EmptyReplyError(Exception):
    """The reply holds no text and no refusal; asking again may help."""


class RetryAfterWait(wait_base):
    """An exponential wait with jitter, so that callers do not come back at once; none where the server asked for one, which the
    gate keeps for all."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        """Seconds until the next attempt."""
        policy = self._policy
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if wait_asked_for(error, policy) is not None:
            return 0.0
        wait: float = policy.first_wait * 2 ** (retry_state.attempt_number - 1)
        return min(wait, policy.longest_wait) * random.uniform(0.75, 1.25)


def wait_asked_for(error: BaseException | None, policy: RetryPolicy) -> float | None:
    """Seconds that the server asks to wait, capped; None where it does not say."""
    asked = retry_after(error.response.headers) if isinstance(error, openai.APIStatusError) else None
    return None if asked is None else min(asked, policy.longest_wait)


def retry_after(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date); None where neither can be read.

    >>> retry_after(httpx.Headers({"retry-after": "2.5"}))
    2.5
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        until = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, openai.APIStatusError):
        return (error.status_code in TRANSIENT_STATUS and not _out_of_quota(error)) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError | MalformedReplyError | EmptyReplyError)


def refuse_if_useless(error: BaseException, model: str, server: str) -> None:
    """ModelError where no request at all can succeed, so that nothing more is asked."""
    if not isinstance(error, openai.APIStatusError):
        return
    if _out_of_quota(error):
        raise ModelError(
            f"{model} at {server}: the account's quota is used up. Add credit, then run the same command again"
        ) from None
    if error.status_code in NO_USE_STATUS:
        raise ModelError(
            f"{model} at {server}: {NO_USE_STATUS[error.status_code]} (HTTP {error.status_code}). "
            "Check the model's name, the address and the key's environment variable (--key-env)"
        ) from None


def _out_of_quota(error: openai.APIStatusError) -> bool:
    return error.code == "insufficient_quota"
