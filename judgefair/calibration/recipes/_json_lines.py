"""What do the lines of a published JSON file hold? One object each, with the fields its recipe reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from judgefair.calibration.recipes._unseen import expect_columns
from judgefair.errors import InputError


def read_lines(path: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    """The objects; InputError names the line that is none, or lacks a field."""
    found = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    row = orjson.loads(line)
                except ValueError as error:
                    raise InputError(f"{path}:{number}: not JSON ({error}). Expected one object a line") from None
                if not isinstance(row, dict):
                    raise InputError(f"{path}:{number}: a JSON {type(row).__name__}. Expected one object a line")
                expect_columns(row, fields, f"{path}:{number}")
                found.append(row)
    return found
