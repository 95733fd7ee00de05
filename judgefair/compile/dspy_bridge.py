"""How does dspy ask our models? Through an engine that puts every request to one function, which journals and budgets."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from judgefair.compile.export import adapter as plain_adapter
from judgefair.compile.export import import_dspy
from judgefair.compile.fence import fence
from judgefair.compile.parse import Unparsable, read_fields
from judgefair.fingerprint import wire_json
from judgefair.models.model import Body, Model, sampling_for
from judgefair.models.reply import Reply
from judgefair.records import Missing

if TYPE_CHECKING:
    import dspy

Ask = Callable[[Model, Body, int], Reply | Missing]
"""The reply to a request, or why there is none; from any thread."""

NO_ADVICE = "There is no advice yet on how raters apply the levels of the rubric. Write it in a few plain sentences."
"""What stands where advice is to come; it is never sent to the judge."""
HEADING = "Advice on how raters apply the levels:"
REFLECTION_TOKENS = 4_000


class StopAsking(Exception):  # noqa: N818 - it ends the work of an optimiser, and is an error to nobody else
    """The budget allows no further call."""


class JudgeEngine:
    """What dspy asks the judge: the same body as judging sends, so that a reply serves both."""

    supports_response_schema = True
    supported_params = frozenset({"temperature", "max_tokens", "response_format"})

    def __init__(self, model: Model, schema: Mapping[str, Any], sampling: Mapping[str, Any], ask: Ask) -> None:
        self._model, self._schema, self._sampling, self._ask = model, dict(schema), dict(sampling), ask
        self._asked: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def complete(self, request: Any) -> Any:
        """One reply, as dspy's response."""
        messages, temperature = messages_of(request), request.config.temperature or 0
        sample = self._sample(messages, temperature)
        sampling = self._sampling | {"replicate_temperature": temperature}
        body = self._model.body(messages, self._schema, sampling, sample, 2 if temperature else 1)
        return response_of(self._ask(self._model, body, sample), request.model)

    def _sample(self, messages: Any, temperature: float) -> int:
        """The same question at a temperature above 0 is another sample each time; at 0 it has one answer."""
        if not temperature:
            return 0
        with self._lock:
            key = wire_json([messages, temperature])
            self._asked[key] += 1
            return self._asked[key] - 1


class ReflectionEngine:
    """What dspy asks a model that proposes words."""

    supports_response_schema = False
    supported_params = frozenset({"temperature", "max_tokens"})

    def __init__(self, model: Model, ask: Ask) -> None:
        self._model, self._ask = model, ask
        self._asked: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def complete(self, request: Any) -> Any:
        """One reply, as dspy's response."""
        messages = messages_of(request)
        with self._lock:
            key = wire_json(messages)
            self._asked[key] += 1
            sample = self._asked[key] - 1
        sampling = {"max_tokens": REFLECTION_TOKENS, "temperature": request.config.temperature or 1.0, "seed": sample}
        body = {"model": self._model.name, "messages": messages, **sampling_for(self._model.name, sampling)}
        return response_of(self._ask(self._model, body, sample), request.model)


def lm_of(engine: JudgeEngine | ReflectionEngine) -> "dspy.LM":
    """The engine as dspy's language model: no cache and no retries of its own, since the client below has both."""
    made: Any = import_dspy().LM("openai/by-judgefair", engine=engine, cache=False, num_retries=0)
    return made


def strict_adapter(instructions: str, names: Sequence[str], is_level: Callable[[str, Any], bool]) -> "dspy.JSONAdapter":
    """The adapter of one call: the rubric's words stand before any advice, and a reply is read as strictly as when judging.

    Parameters
    ----------
    instructions : the rubric in words, which no optimiser rewrites.
    names : the fields of the reply.
    is_level : whether a value of a field is one that the judge may give.
    """
    dspy = import_dspy()
    base: Any = type(plain_adapter())

    class StrictAdapter(base):  # type: ignore[misc]
        def format(self, signature: Any, demos: Any, inputs: Any) -> Any:
            whole = signature.with_instructions(with_advice(instructions, signature.instructions))
            return super().format(whole, demos, inputs)

        def parse(self, signature: Any, completion: str) -> dict[str, Any]:
            try:
                fields = read_fields(Reply(completion), names)
            except Unparsable as problem:
                raise self._not_read(signature, completion, str(problem)) from None
            for name, value in fields.items():
                if not is_level(name, value):
                    raise self._not_read(signature, completion, f"{name} is {value!r:.80}, which is no answer to it")
            return fields

        def _not_read(self, signature: Any, completion: str, why: str) -> Exception:
            error: Exception = dspy.utils.exceptions.AdapterParseError(
                adapter_name="JSONAdapter", signature=signature, lm_response=completion, message=why
            )
            return error

    made: Any = StrictAdapter()
    return made


def with_advice(instructions: str, advice: str) -> str:
    """The rubric in words, and below it the advice, in which nothing can pass for a fence or a marker."""
    if advice.strip() in ("", NO_ADVICE):
        return instructions
    harmless = fence(advice.strip()).split("\n", 1)[1].rsplit("\n", 1)[0]
    return f"{instructions}\n\n{HEADING}\n{harmless}"


def messages_of(request: Any) -> list[dict[str, str]]:
    """The messages of dspy's request, as a chat completions server takes them."""
    messages = [] if request.system is None else [{"role": "system", "content": _text(request.system)}]
    return messages + [{"role": message.role, "content": _text(message.parts)} for message in request.messages]


def response_of(said: Reply | Missing, model: str) -> Any:
    """A reply as dspy's response; StopAsking or dspy's own error where there is none."""
    lm15 = import_dspy().lm15
    if isinstance(said, Missing):
        if said.reason == "over_budget":
            raise StopAsking(said.detail)
        raise lm15.ServerError(f"{said.reason}: {said.detail}")
    choice = {"index": 0, "finish_reason": said.finish_reason or "stop", "message": {"role": "assistant", "content": said.text}}
    usage = {"prompt_tokens": said.prompt_tokens, "completion_tokens": said.completion_tokens}
    usage["total_tokens"] = sum(usage.values())
    body = {"id": "judgefair", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}
    return lm15.response_from_openai_chat(body, model=model)


def _text(parts: Any) -> str:
    return parts if isinstance(parts, str) else "".join(part.text for part in parts)
