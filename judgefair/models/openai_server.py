"""A model on any server that speaks the OpenAI chat completions protocol."""

import logging
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import getproxies

import orjson

from judgefair.errors import ModelError
from judgefair.fingerprint import wire_json
from judgefair.models.keys import redact, redact_bytes, refuse_or_warn
from judgefair.models.model import Body, Model, Post, WrittenBody

if TYPE_CHECKING:
    import aiohttp
    import openai

Headers = list[tuple[str, str]]
_log = logging.getLogger(__name__)
DEFAULT_SERVER = "https://api.openai.com/v1"
NO_KEY = "none"
TELEMETRY = "X-Stainless-"
"""Headers that tell of this machine and its Python; no server needs them, and each request is the shorter without."""
CONNECT_TIMEOUT = 30.0
MOST_BYTES = 32_000_000
"""No completion is longer; a server that sends more is broken or hostile."""


class MalformedReplyError(Exception):
    """The server's answer is not JSON, or not a chat completion; asking again may help."""


class OpenAIServer(Model):
    """A model served at `server`; the key comes from the environment or a private file and is never kept elsewhere."""

    def __init__(self, name: str, server: str = DEFAULT_SERVER, *, key: str | None = None, timeout: float = 600) -> None:
        self.name, self.server = name, server
        self._caution = refuse_or_warn(server, key)
        self._key, self._timeout = key, timeout

    def __repr__(self) -> str:
        return f"OpenAIServer({self.name!r}, {self.server!r})"

    def client(self) -> "openai.AsyncOpenAI":
        """A client of the openai package: the one place for address, headers and authentication; retries are left to the caller."""
        import httpx
        import openai

        if self._caution:
            _log.warning("judgefair: %s", self._caution)
        return openai.AsyncOpenAI(
            api_key=self._key or NO_KEY,
            base_url=self.server,
            max_retries=0,
            timeout=httpx.Timeout(self._timeout, connect=CONNECT_TIMEOUT),
            http_client=openai.DefaultAioHttpClient(),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """One aiohttp session for all requests, with what the openai package would send; errors are that package's too."""
        import aiohttp
        import httpx

        async with self.client() as client:
            url = str(client.base_url.join("chat/completions"))
            sent = {**client.default_headers, **client.auth_headers}
            headers = {name: value for name, value in sent.items() if isinstance(value, str) and not name.startswith(TELEMETRY)}
        context: ssl.SSLContext | bool = httpx.create_ssl_context() if url.startswith("https:") else True
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=CONNECT_TIMEOUT),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=bool(getproxies()),  # looking for proxies at every request takes longer than the request
        ) as session:
            yield partial(_post, session, url, self._key)

    def redact(self, text: str) -> str:
        """The text without the key, which some servers repeat in their errors."""
        return redact(text, self._key)


async def _post(session: "aiohttp.ClientSession", url: str, key: str | None, body: Body) -> dict[str, Any]:
    """One request, and the JSON object that answers it.

    Raises
    ------
    openai.APITimeoutError, openai.APIConnectionError : no whole answer came.
    openai.APIStatusError : the answer is an error. MalformedReplyError : it is not JSON.
    """
    try:
        data = body.wire if isinstance(body, WrittenBody) else wire_json(body)
        response = await session.post(url, data=data, allow_redirects=False)
        try:
            content = await _read(response)
        except BaseException:
            response.close()
            raise
    except Exception as error:
        raise _no_answer(url, error) from None
    headers = None if 200 <= response.status < 300 else list(response.headers.items())
    return _read_json(url, response.status, headers, redact_bytes(content, key))


def _no_answer(url: str, error: Exception) -> Exception:
    """The openai package's error where the connection failed; any other error as it is."""
    import aiohttp
    import httpx
    import openai

    request = httpx.Request("POST", url)
    if isinstance(error, TimeoutError):
        return openai.APITimeoutError(request=request)
    if isinstance(error, aiohttp.ClientError | OSError | ValueError):
        return openai.APIConnectionError(message=f"{type(error).__name__}: {error}", request=request)
    return error


def _read(response: "aiohttp.ClientResponse") -> Coroutine[Any, Any, bytes]:
    length = response.content_length
    if length is not None and length <= MOST_BYTES and "Content-Encoding" not in response.headers:
        return response.read()
    return _read_parts(response)


async def _read_parts(response: "aiohttp.ClientResponse") -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MOST_BYTES:
            raise MalformedReplyError(f"the server's answer is longer than {MOST_BYTES:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _read_json(url: str, status: int, headers: Headers | None, content: bytes) -> dict[str, Any]:
    """The answer as a JSON object; openai.APIStatusError where the server says that it is an error."""
    try:
        data = orjson.loads(content)
    except ValueError:
        data = _read_leniently(content)
    if headers is not None:
        raise _status_error(url, status, headers, data, content)
    if data is None:
        raise MalformedReplyError("the server's answer is not JSON")
    if not isinstance(data, dict):
        raise MalformedReplyError("the server's answer is not a JSON object")
    return data


def _read_leniently(content: bytes) -> Any:
    """What the standard library reads and orjson does not, such as half a surrogate pair; None where it reads nothing either."""
    import json

    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _status_error(url: str, status: int, headers: Headers, data: Any, content: bytes) -> "openai.APIStatusError":
    import httpx
    import openai

    body = data.get("error", data) if isinstance(data, dict) else data
    message = body.get("message") if isinstance(body, dict) else None
    response = httpx.Response(status, headers=_of_the_message(headers), request=httpx.Request("POST", url))
    said = message if isinstance(message, str) else content[:300].decode("utf-8", "replace").strip()
    return openai.APIStatusError(said or response.reason_phrase, response=response, body=body)


def _of_the_message(headers: Headers) -> Headers:
    """Headers without those that speak of how the body was sent, which was read already."""
    return [(n, v) for n, v in headers if n.lower() not in {"content-encoding", "content-length", "transfer-encoding"}]


def server_address(text: str) -> str:
    """The base URL with its scheme checked; `/v1` is added where no path is given.

    >>> server_address("http://127.0.0.1:8000")
    'http://127.0.0.1:8000/v1'
    """
    try:
        parts = urlparse(text)
    except ValueError as error:
        raise ModelError(f"'{text}' is no server address ({error}). Expected a URL such as http://127.0.0.1:8000/v1") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ModelError(f"'{text}' is no server address. Expected a URL such as http://127.0.0.1:8000/v1")
    return text.rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def first_model(server: str, key: str | None) -> str:
    """The first model that a server lists."""
    import httpx

    try:
        answer = httpx.get(f"{server}/models", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=30)
        answer.raise_for_status()
        listed = answer.json()["data"]
        return redact(str(listed[0]["id"]), key)
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(
            f"{server}/models: no model could be listed ({type(error).__name__}). Check the address, or name the model: NAME@{server}"
        ) from None
