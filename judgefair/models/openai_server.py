"""A model on any server that speaks the OpenAI chat completions protocol."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlparse

import httpx

from judgefair.errors import ModelError
from judgefair.models.model import Body, Model, Post

DEFAULT_SERVER = "https://api.openai.com/v1"


class MalformedReplyError(Exception):
    """The server's answer is not JSON, or not a chat completion; asking again may help."""


class OpenAIServer(Model):
    """A model served at `server`; the key comes from the environment and is never kept elsewhere."""

    def __init__(self, name: str, server: str = DEFAULT_SERVER, *, key: str | None = None, timeout: float = 600) -> None:
        self.name, self.server = name, server
        self._key, self._timeout = key, timeout

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """A client on the openai package with its aiohttp transport; retries are left to the caller."""
        import openai

        async with openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.server,
            max_retries=0,
            timeout=httpx.Timeout(self._timeout, connect=30),
            http_client=openai.DefaultAioHttpClient(),
        ) as client:

            async def post(body: Body) -> dict[str, Any]:
                response = await client.post("/chat/completions", cast_to=httpx.Response, body=body)
                try:
                    data = json.loads(response.content)
                except (ValueError, RecursionError) as error:
                    raise MalformedReplyError(f"the server's answer is not JSON: {error}") from None
                if not isinstance(data, dict):
                    raise MalformedReplyError("the server's answer is not a JSON object")
                return data

            yield post

    def redact(self, text: str) -> str:
        """The text without the key, which some servers repeat in their errors."""
        return text.replace(self._key, "[key]") if self._key else text


def key_from(environment_variable: str) -> str | None:
    """The key in that environment variable; None where it is not set."""
    return os.environ.get(environment_variable) or None


def server_address(text: str) -> str:
    """The base URL with its scheme checked; `/v1` is added where no path is given.

    >>> server_address("http://127.0.0.1:8000")
    'http://127.0.0.1:8000/v1'
    """
    parts = urlparse(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ModelError(f"'{text}' is no server address. Expected a URL such as http://127.0.0.1:8000/v1")
    return text.rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def first_model(server: str, key: str | None) -> str:
    """The first model that a server lists."""
    try:
        answer = httpx.get(f"{server}/models", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=30)
        answer.raise_for_status()
        listed = answer.json()["data"]
        return str(listed[0]["id"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(
            f"{server}/models: no model could be listed ({type(error).__name__}). Check the address, or name the model: NAME@{server}"
        ) from None
