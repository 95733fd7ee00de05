"""What items does an `items.jsonl` hold?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from judgefair.errors import InputError, did_you_mean
from judgefair.records import Item

FIELDS = {"item_id", "query", "response", "second_response", "populations", "scenario_id", "meta"}


def read_items(path: Path) -> list[Item]:
    """Items of an `items.jsonl`; InputError names the line that is not one."""
    items = list(ItemsFile(path))
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise InputError(f"{path}: item_id '{item.item_id}' stands twice. Ids must be unique")
        seen.add(item.item_id)
    return items


class ItemsFile:
    """The items of an `items.jsonl`, however many: read a line at a time, anew whenever they are gone through.

    Raises
    ------
    InputError : names the line that is no item; the file cannot be read, or holds none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Item]:
        number = n = 0
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):  # by line feeds: a text may hold U+2028, which is none
                    if line.strip():
                        n += 1
                        yield _item(line, self.path, number)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror}). Expected one JSON object a line") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}:{number}: not UTF-8 text (byte {error.start} of the line). Save it as UTF-8") from None
        if not n:
            raise InputError(
                f'{self.path}: no items. Expected lines such as {{"item_id": "a1", "query": "...", "response": "..."}}'
            )


def _item(line: bytes, path: Path, number: int) -> Item:
    try:
        data = orjson.loads(line)
    except ValueError:
        data = _read_slowly(line.decode("utf-8"), f"{path}:{number}")
    if (wrong := _wrong(data)) is not None:
        raise InputError(f"{path}:{number}: {wrong}")
    return Item(
        data["item_id"], data["query"], data["response"], data.get("populations") or {}, data.get("scenario_id"), data.get("meta") or {},
        second_response=data.get("second_response"),
    )  # fmt: skip


def _wrong(data: Any) -> str | None:
    """What is wrong with an item; None where nothing is."""
    if not isinstance(data, dict):
        return f"a JSON {type(data).__name__}. Expected an object with item_id, query and response"
    for name in data.keys() - FIELDS:
        return f"'{name}' is no field of an item.{did_you_mean(name, FIELDS)} Put anything else under meta"
    for name in ("item_id", "query", "response"):
        if not isinstance(data.get(name), str):
            return f"{name} is {data.get(name)!r}. Expected text"
    populations = data.get("populations") or {}
    if not isinstance(populations, dict) or not all(isinstance(group, str) for group in populations.values()):
        return f"populations is {populations!r}. Expected an object of axis to group"
    for name in ("scenario_id", "second_response"):
        if not isinstance(data.get(name), str | None):
            return f"{name} is {data[name]!r}. Expected text or null"
    named = (data.get("meta") or {}).get("contestants") if isinstance(data.get("meta"), dict) else None
    if data.get("second_response") is not None and named is not None and not is_two_names(named):
        return f"meta.contestants {two_names(named)}"
    return None


def two_names(named: Any) -> str:
    """What is wrong with what does not say who gave the two responses of an item."""
    return f"is {named!r}. Expected a list of two names: who gave the response, and who the second_response"


def is_two_names(named: Any) -> bool:
    """Whether it says who gave the two responses of an item."""
    return isinstance(named, list) and len(named) == 2 and all(isinstance(name, str) and name for name in named)


def _read_slowly(line: str, where: str) -> Any:
    """What the standard library reads and orjson does not, such as half a surrogate pair; or what is wrong with the line."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}). Write one object a line") from None
