"""What did a person write, on which line, and is it exactly what the schema allows?"""

import datetime
import math
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from judgefair.errors import InputError, did_you_mean

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 100_000

_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

KeyPath = tuple[str | int | float, ...]
M = TypeVar("M", bound=BaseModel)


class _TooMuchError(Exception):
    """A document past its bounds, found while it is read: line, and what is too much."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads yes, no, on, off, 010 and 1:30 as the text they are, refuses aliases, and stops at the bounds."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias; write the value out instead", event.start_mark)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooMuchError(line, f"more than {MAX_NODES:,} keys and values. Keep data out of it")
        if self._depth > MAX_DEPTH:
            raise _TooMuchError(line, f"nested deeper than {MAX_DEPTH} levels. Flatten it")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the line of every key and element; `elsewhere` has `file:line` of what another file says."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]
    elsewhere: Mapping[KeyPath, str] = field(default_factory=dict)

    def at(self, where: KeyPath) -> str:
        """`file:line` of a place in the document, or of the nearest enclosing place that was written."""
        while where and where not in self.lines and where not in self.elsewhere:
            where = where[:-1]
        return self.elsewhere.get(where) or f"{self.path}:{self.lines.get(where, 1)}"


def read_yaml(path: Path) -> Document:
    """Read one YAML document; anything that is not plain, bounded data is an InputError with its line."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Expected a YAML file") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_BYTES:,} bytes, the most that is read. Keep data out of it")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}). Save it as UTF-8") from None
    return _document(text, path)


def read_value(text: str) -> Any:
    """A single value, such as one of the command line, as it would be read in a file; what is no YAML is text.

    >>> read_value("0.5"), read_value("yes"), read_value("[a, b]"), read_value("a: [b")
    (0.5, 'yes', ['a', 'b'], 'a: [b')
    """
    try:
        return _document(text, Path("value")).data
    except InputError:
        return text


def _document(text: str, path: Path) -> Document:
    lines: dict[KeyPath, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else _build(loader, node, (), lines, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{path}:{line}: not valid YAML: {problem}. Check indentation and quotes near this line") from None
    except _TooMuchError as error:
        line, told = error.args
        raise InputError(f"{path}:{line}: {told}") from None
    return Document(path, data, lines)


def validate(document: Document, model: type[M]) -> M:
    """The document as a `model`; every problem is told at once, each with its line and what would be right."""
    if not isinstance(document.data, dict):
        raise InputError(f"{document.path}:1: expected a mapping with the keys {', '.join(_keys(model, ()))}")
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_explain(document, model, detail) for detail in _one_branch(error.errors())]
        raise InputError("\n".join(dict.fromkeys(problems))) from None


def dotted(where: KeyPath) -> str:
    """The place as one would write it.

    >>> dotted(("criteria", 2, "scale", "kind"))
    'criteria[2].scale.kind'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")


def _build(loader: _Loader, node: yaml.Node, where: KeyPath, lines: dict[KeyPath, int], path: Path) -> Any:
    lines.setdefault(where, node.start_mark.line + 1)
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        raise InputError(f"{path}:{node.start_mark.line + 1}: the tag {node.tag} means nothing here. Remove it")
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, child, (*where, index), lines, path) for index, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _plain(loader, node, path)
    built: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{path}:{line}: a key under {dotted(where) or 'the top'} is not a plain word or number")
        key = _plain(loader, key_node, path)
        if key in built:
            raise InputError(f"{path}:{line}: {dotted((*where, key))} is written twice. Keep one of them")
        lines[(*where, key)] = line
        built[key] = _build(loader, value_node, (*where, key), lines, path)
    return built


def _plain(loader: _Loader, node: yaml.Node, path: Path) -> Any:
    """A word, number or date; what only looks like one, such as 2026-02-30 or .inf, is refused."""
    try:
        value = loader.construct_object(node, deep=True)
        if not isinstance(value, str | int | float | datetime.date | None):
            raise ValueError(f"a {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not a finite number")
    except ValueError as error:
        place = f"{path}:{node.start_mark.line + 1}"
        written = str(node.value)[:40]
        raise InputError(f"{place}: '{written}' cannot be read ({error}). Expected text, a finite number or a date") from None
    return value


def _one_branch(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Of a union of a list and a word, keep the problems of the branch that was meant, and drop the branch's tag."""
    literals = [detail for detail in details if detail["type"] == "literal_error"]
    of_word = {id(detail) for detail in literals if str(detail["loc"][-1]).startswith("literal[")}
    for detail in details:
        detail["loc"] = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.endswith("]")))
    words = {detail["loc"] for detail in details if detail["type"] == "literal_error" and isinstance(detail["input"], str)}
    return [
        detail
        for detail in details
        if not (detail["type"] == "list_type" and detail["loc"] in words)
        and not (id(detail) in of_word and not isinstance(detail["input"], str))
    ]


def _explain(document: Document, model: type[BaseModel], detail: ErrorDetails) -> str:
    where = (*detail["loc"], *detail.get("ctx", {}).get("at", ()))
    place, found = document.at(where), detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            keys = _keys(model, where[:-1])
            return f"{place}: {dotted(where)} is not a key here.{did_you_mean(str(where[-1]), keys)} Keys: {', '.join(keys)}"
        case "missing":
            return f"{place}: {dotted(where)} is missing. Expected {_description(model, where)}"
        case "literal_error":
            options = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
            return (
                f"{place}: {dotted(where)} is {found!r}.{did_you_mean(str(found), options)} Expected one of: {', '.join(options)}"
            )
    shown = repr(found) if isinstance(found, str | int | float | bool | None) else f"a {type(found).__name__}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "scale":
        return f"{place}: {dotted(where)} {message}"
    if detail["type"] == "value_error":
        return f"{place}: {dotted(where)}: {message}"
    return f"{place}: {dotted(where)} is {shown}: {message}. Expected {_description(model, where)}"


def _model_at(model: type[BaseModel], where: Sequence[str | int | float]) -> type[BaseModel] | None:
    current: Any = model
    for part in where:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
        else:
            arguments = get_args(current)
            current = arguments[-1] if arguments else None
        current = _without_none(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _without_none(annotation: Any) -> Any:
    """The model, list or mapping in a union with None or with a plain word."""
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation
    return next(
        (
            option
            for option in get_args(annotation)
            if get_origin(option) in {list, dict} or (isinstance(option, type) and issubclass(option, BaseModel))
        ),
        annotation,
    )


def _keys(model: type[BaseModel], where: Sequence[str | int | float]) -> list[str]:
    inner = _model_at(model, where)
    return list(inner.model_fields) if inner else []


def _description(model: type[BaseModel], where: KeyPath) -> str:
    inner = _model_at(model, where[:-1])
    field = inner.model_fields.get(str(where[-1])) if inner and where else None
    return field.description if field and field.description else "a value of the kind that the reference names"
