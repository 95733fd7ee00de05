"""A system under evaluation that is a Python function: what does it answer, and what if it raises, hangs or gives no text?"""

import asyncio
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field

from judgefair.errors import InputError, did_you_mean
from judgefair.fingerprint import file_sha256
from judgefair.models.asker import Asker
from judgefair.models.reply import Reply
from judgefair.records import Missing, Query, Turn, sendable
from judgefair.rubric.context import Strict
from judgefair.targets._target import Target

Turns = list[dict[str, str]]
Call = Callable[[Turns], Any]

CONVERSATION = ("turns", "messages")
MOST_CHARACTERS = 400
_IMPORTED: dict[str, str] = {}
"""By file, the sha256 of the source that was imported: a notebook outlives the edits to it."""


class Settings(Strict):
    """Which function answers, and what identifies it."""

    function: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", description="module:function, such as tutor_pipeline:answer"
    )
    timeout: float = Field(60, gt=0, description="seconds that one answer may take")
    version: str | None = Field(None, description="text that identifies the pipeline beside its source, such as a commit")


def open_target(id: str, settings: Settings, folder: Path) -> Target:  # noqa: A002
    """Import the function; `folder` is first where modules are looked for, and stays last for imports at answer time.

    Raises
    ------
    InputError : the module cannot be imported, or is hidden by another of its name; there is no such function; or it takes
        something else than one conversation or one text.
    """
    where = f"target '{id}'"
    name, _, attribute = settings.function.partition(":")
    module = _import(name, folder.resolve(), where)
    if not hasattr(module, attribute):
        found = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise InputError(
            f"{where}: module '{name}' has no '{attribute}'.{did_you_mean(attribute, found)} Found: {', '.join(found) or 'no function'}"
        )
    function = getattr(module, attribute)
    if not callable(function):
        raise InputError(f"{where}: {settings.function} is a {type(function).__name__}. Expected a function that returns text")
    return Python(id, _call(function, settings.function, where), _is_async(function), settings, _source(module))


class Python(Target):
    """A function, sync or async. Sync ones run in threads of their own, several at a time: state they share needs a lock."""

    def __init__(self, id: str, call: Call, is_async: bool, settings: Settings, source: str | None) -> None:  # noqa: A002
        self.id = id
        self._call, self._run, self._timeout = call, _awaited if is_async else _in_thread, settings.timeout
        self.settings = {"kind": "python", "function": settings.function, "version": settings.version, "source": source}

    async def answer(self, query: Query, conversation: Sequence[Turn], replicate: int, asker: Asker) -> Reply | Missing:  # noqa: ARG002
        """What the function returns; kept once for each conversation and replicate."""
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in conversation]
        identity = {"system": self.fingerprint, "turns": turns, "replicate": replicate}
        return await asker.once(identity, lambda: self._answer(turns))

    async def _answer(self, turns: Turns) -> str | Missing:
        try:
            said = await asyncio.wait_for(self._run(lambda: self._call(turns)), self._timeout)
        except TimeoutError:  # not the function's own, which would be a _Raised
            return Missing("backend_failure", f"no answer within {self._timeout:g} s")
        return _read(said)


@dataclass(frozen=True, slots=True)
class _Raised:
    """What the function raised, instead of what it returned."""

    error: BaseException


def _import(name: str, folder: Path, where: str) -> ModuleType:
    """The module, as its file is now."""
    try:
        with _first_on_path(folder):
            _refuse_if_hidden(name.partition(".")[0], folder, where)
            module = importlib.import_module(name)
            source = _source(module)
            if source is not None and _IMPORTED.setdefault(str(module.__file__), source) != source:
                module = importlib.reload(module)
                _IMPORTED[str(module.__file__)] = source
            return module
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            found = sorted(path.stem for path in folder.glob("*.py"))
            raise InputError(
                f"{where}: no module '{name}'.{did_you_mean(name, found)} "
                f"Looked in {folder} first, which has: {', '.join(found) or 'no .py file'}"
            ) from None
        raise InputError(
            f"{where}: module '{name}' cannot be imported ({_in_words(error)}). Import it in Python, in the environment "
            "that judgefair runs in, to see where that happens"
        ) from error


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """First while importing, so that the module is the one meant; last afterwards, so that none of judgefair's is hidden."""
    place = str(folder)
    was_there = place in sys.path
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)
        if not was_there:
            sys.path.append(place)


def _refuse_if_hidden(name: str, folder: Path, where: str) -> None:
    """A module of that name that was imported from elsewhere would be evaluated in its place."""
    spec = PathFinder.find_spec(name, [str(folder)])
    loaded = sys.modules.get(name)
    if spec and spec.origin and loaded and getattr(loaded, "__file__", None) != spec.origin:
        raise InputError(
            f"{where}: {spec.origin} cannot be imported, since another module named '{name}' is in use "
            f"({getattr(loaded, '__file__', None) or 'a part of Python'}). Rename the file"
        )


def _source(module: ModuleType) -> str | None:
    """sha256 of the file the module was read from; None for what is built into Python."""
    file = getattr(module, "__file__", None)
    return file_sha256(Path(file)) if file else None


def _call(function: Callable[..., Any], shown: str, where: str) -> Call:
    """The function with what it wants: the conversation where a parameter is named for it, else the user's last message."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some of those written in C tell nothing
        return lambda turns: function(turns[-1]["content"])
    wanted = next((name for name in CONVERSATION if name in signature.parameters), None)
    try:
        signature.bind(**{wanted: []}) if wanted else signature.bind("")
    except TypeError as error:
        raise InputError(
            f"{where}: {shown} takes {signature} ({error}). Expected one parameter: turns or messages, for the conversation as a list "
            "of {role, content}; any other name, for the user's last message; more only with defaults"
        ) from None
    if wanted:
        return lambda turns: function(**{wanted: [dict(turn) for turn in turns]})
    return lambda turns: function(turns[-1]["content"])


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


async def _in_thread(call: Callable[[], Any]) -> Any:
    """What the call returns, or _Raised. A thread that hangs is left behind, and does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Any) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        outcome: Any
        try:
            outcome = call()
        except BaseException as error:
            outcome = _Raised(error)
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=work, daemon=True).start()
    return await done


async def _awaited(call: Callable[[], Any]) -> Any:
    """What the coroutine returns, or _Raised; a cancellation from outside goes through."""
    try:
        return await call()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        return _Raised(error)
    except BaseException as error:
        return _Raised(error)


def _read(said: Any) -> str | Missing:
    match said:
        case _Raised(KeyboardInterrupt() as error):
            raise error
        case _Raised(error):
            return Missing("backend_failure", _in_words(error))
        case str():
            return sendable(said) if said.strip() else Missing("unparsable", "returned empty text")
    kind = "None" if said is None else type(said).__name__
    return Missing("unparsable", f"returned {kind}, expected text")


def _in_words(error: BaseException) -> str:
    return sendable(f"{type(error).__name__}: {error}".removesuffix(": "))[:MOST_CHARACTERS]
