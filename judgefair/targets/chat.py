"""A system under evaluation that is a model behind a prompt: what is it sent, and what comes back?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from pydantic import Field, JsonValue, field_validator

from judgefair.errors import InputError
from judgefair.models import Model, choose_model
from judgefair.models.asker import Asker
from judgefair.models.choose import DEFAULT_KEY_ENV
from judgefair.models.model import Body, sampling_for
from judgefair.models.reply import Reply
from judgefair.records import Missing, Query, Turn
from judgefair.rubric.context import Strict
from judgefair.targets._target import Target

SAMPLING: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 512, "seed": 0}
NOT_SAMPLING = ("model", "messages", "stream", "n")
WHOLE_NUMBERS = ("max_tokens", "seed")


class Settings(Strict):
    """How the model is reached, and what it is told."""

    model: str = Field(min_length=1, description="local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL")
    key_env: str = Field(DEFAULT_KEY_ENV, min_length=1, description="the environment variable that holds the key")
    key_file: str | None = Field(None, min_length=1, description="a file that holds the key instead; nobody else may read it")
    timeout: float = Field(600, gt=0, description="seconds that one request may take")
    system_prompt: str | None = Field(None, description="text that stands before every conversation, or null")
    sampling: dict[str, JsonValue] = Field(
        default_factory=SAMPLING.copy,
        description="a mapping of what requests carry beside the messages: temperature, max_tokens, top_p, seed, ...",
    )

    @field_validator("sampling")
    @classmethod
    def _only_sampling(cls, sampling: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in NOT_SAMPLING:
            if name in sampling:
                raise ValueError(f"{name} is set by judgefair for each request. Leave it out")
        for name in WHOLE_NUMBERS:
            value = sampling.get(name)
            if value is not None and type(value) is not int:
                raise ValueError(f"{name} is {value!r}. Expected a whole number, or null to send none")
        return sampling


def open_target(id: str, settings: Settings, folder: Path) -> Target:  # noqa: A002
    """The model that the settings name; ModelError where there is none."""
    if urlparse(settings.model).password:  # it would stand in manifests and reports
        raise InputError(
            f"target '{id}': the address in model carries a password. Put the key into the variable {settings.key_env}"
        )
    key_file = folder / settings.key_file if settings.key_file else None
    model = choose_model(settings.model, key_env=settings.key_env, key_file=key_file, timeout=settings.timeout)
    return Chat(id, model, settings)


class Chat(Target):
    """A model, its system prompt and its sampling."""

    def __init__(self, id: str, model: Model, settings: Settings) -> None:  # noqa: A002
        self.id, self.model = id, model
        self._system_prompt = settings.system_prompt
        given = {name: value for name, value in settings.sampling.items() if value is not None}
        self._sampling = sampling_for(model.name, given)
        self.settings = {
            "kind": "chat",
            "model": model.name,
            "server": model.server,
            "system_prompt": settings.system_prompt,
            "sampling": self._sampling,
        }

    async def answer(self, query: Query, conversation: Sequence[Turn], replicate: int, asker: Asker) -> Reply | Missing:  # noqa: ARG002
        """The model's next message. One that was cut off at the token limit stands: it is what a user would have seen."""
        reply = await asker.ask(self.model, self.body(conversation, replicate), replicate)
        if isinstance(reply, Missing):
            return reply
        return _refusal(reply) or _emptiness(reply) or reply

    def body(self, conversation: Sequence[Turn], replicate: int) -> Body:
        """The request; each replicate has its own seed, where there is one."""
        messages = [{"role": turn["role"], "content": turn["content"]} for turn in conversation]
        if self._system_prompt is not None:
            messages.insert(0, {"role": "system", "content": self._system_prompt})
        body: dict[str, Any] = {"model": self.model.name, "messages": messages, **self._sampling}
        if "seed" in body:
            body["seed"] += replicate
        return body


def _refusal(reply: Reply) -> Missing | None:
    """What was said stands in the detail, where anything was."""
    if reply.refusal:
        return Missing("refused", reply.refusal)
    if reply.finish_reason == "content_filter":
        return Missing("refused", reply.text)
    return None


def _emptiness(reply: Reply) -> Missing | None:
    if reply.text.strip():
        return None
    return Missing("unparsable", "an empty answer" + (", ended at its token limit" if reply.finish_reason == "length" else ""))
