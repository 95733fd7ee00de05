"""What does a file of requests for the Batch API look like, and what does a line of its results say?

Input lines are `{"custom_id": ..., "method": "POST", "url": "/v1/chat/completions", "body": ...}`, all ids of a file differ,
all name one model. Output and error files hold `{"custom_id": ..., "response": {"status_code": ..., "body": ...}, "error": ...}`
in any order; a request that was not executed has no response, but an error with the code `batch_expired`,
`batch_cancelled` or `request_timeout` (https://platform.openai.com/docs/api-reference/batch).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from judgefair.models.model import Body
from judgefair.models.policy import TRANSIENT_STATUS
from judgefair.records import sendable

ENDPOINT: Final = "/v1/chat/completions"
MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one input file may hold: 50,000 requests and 200 MB (https://platform.openai.com/docs/guides/batch)."""

    requests: int = 50_000
    bytes: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Submission:
    """One file of requests, and how far it is known to have come.

    Attributes
    ----------
    token : random; in the file's name here and on the server, and in the batch's metadata.
    file_id : the server's name for the file, once it was uploaded.
    batch_id : the server's name for the batch, once it was created.
    attempt : how often this process has sent these requests, this time included.
    """

    token: str
    n_requests: int
    file_id: str | None = None
    batch_id: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """A request that brought no completion; `again` says that it may be sent again."""

    message: str
    code: str | None = None
    status: int | None = None
    again: bool = False


Outcome = dict[str, Any] | BatchFailure


def request_line(custom_id: str, body: Body) -> bytes:
    """One line of an input file, in ASCII, so that it stays one line whoever splits it."""
    request = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(request, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def write_files(lines: Iterable[bytes], folder: Path, limits: BatchLimits) -> Iterator[Submission]:
    """Write lines into as many files as the limits ask for, each when the one before it was taken; no line is too long."""
    lines = iter(lines)
    line = next(lines, None)
    while line is not None:
        token, n_requests, n_bytes = uuid4().hex, 0, 0
        with input_file(folder, token).open("wb") as file:
            while line is not None and n_requests < limits.requests and n_bytes + len(line) <= limits.bytes:
                file.write(line)
                n_requests, n_bytes = n_requests + 1, n_bytes + len(line)
                line = next(lines, None)
        yield Submission(token, n_requests)


def input_file(folder: Path, token: str) -> Path:
    """Where the requests of a submission are kept until its results have landed."""
    return folder / f"judgefair-{token}.jsonl"


def requests_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The custom_ids of an input file, each with its line."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)["custom_id"], line


def read_result(line: bytes) -> tuple[str, Outcome] | None:
    """The custom_id of a result and what came of it: the chat completion, or why there is none. None: it is no result.

    >>> read_result(b'{"custom_id": "a", "response": {"status_code": 200, "body": {"choices": []}}, "error": null}')
    ('a', {'choices': []})
    """
    try:
        result = json.loads(line)
        custom_id, response, error = result["custom_id"], result.get("response"), result.get("error")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(custom_id, str):
        return None
    if not isinstance(response, dict):
        message, code = _said(error)
        return custom_id, BatchFailure(message, code, again=code != "batch_cancelled")
    status, body = response.get("status_code"), response.get("body")
    if status == 200 and isinstance(body, dict):
        return custom_id, body
    if not isinstance(status, int) or status == 200:
        return custom_id, BatchFailure("the result holds no completion", again=True)
    message, code = _said(body.get("error") if isinstance(body, dict) else body)
    again = status >= 500 or (status in TRANSIENT_STATUS and code != "insufficient_quota")
    return custom_id, BatchFailure(message, code, status, again)


def _said(error: object) -> tuple[str, str | None]:
    message, code = (error.get("message"), error.get("code")) if isinstance(error, dict) else (error, None)
    return sendable(str(message or "the server gave no reason"))[:MOST_CHARACTERS], None if code is None else sendable(str(code))
