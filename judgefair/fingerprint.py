"""Which exact content is this? sha256 of canonical JSON, and of files."""

import hashlib
import json
from pathlib import Path
from typing import Any


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


def file_sha256(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
