"""Which exact content is this? sha256 of canonical JSON, and of files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson


def canonical_json(content: Any) -> str:
    """JSON with sorted keys, no spaces, unescaped Unicode; nan and infinity are refused with ValueError.

    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(content: Any) -> str:
    """sha256 (hex) of the canonical JSON of `content`: plain dicts, lists, strings, numbers, None.

    >>> fingerprint({"a": 1})[:12]
    '015abd7f5cc5'
    """
    return hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()


def wire_json(content: Any) -> bytes:
    """The bytes in which a request is sent and by which it is known: keys sorted, half surrogate pairs as `?`; fast.

    >>> wire_json({"b": "half \\ud83d", "a": 1})
    b'{"a":1,"b":"half ?"}'
    """
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return canonical_json(content).encode("utf-8", "replace")


def file_sha256(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
