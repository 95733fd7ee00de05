"""Where are the project's rubrics and sets, and the user's cache and ledgers? And what may a folder be called?"""

import hashlib
import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent
_LONGEST = 120  # bytes; file systems take 255, and some of a name's files have an ending


def shipped(kind: str) -> Path:
    """The folder of shipped `rubrics` or `calibration_sets`, in an installed wheel or in a checkout."""
    in_wheel = _PACKAGE / "shipped" / kind
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / kind


def cache() -> Path:
    """The folder of what can be fetched or computed again: sets, models, replies.

    `JUDGEFAIR_HOME`, where it is set, holds everything judgefair keeps for a user.
    """
    home = os.environ.get("JUDGEFAIR_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("judgefair")


def ledgers() -> Path:
    """The folder of the ledgers of looks at locked test splits: not a cache, nothing can make them again."""
    home = os.environ.get("JUDGEFAIR_HOME")
    return Path(home) / "ledgers" if home else platformdirs.user_data_path("judgefair") / "ledgers"


def safe_name(text: str) -> str:
    """A name out of data, such as a model's, as the name of one file or folder: it leads nowhere else, and is never hidden.

    Ordinary names stay as they are. Two names may become one: whoever makes folders of several has to look.

    >>> safe_name("gpt-4.1-mini"), safe_name("meta/llama 3"), safe_name("..")
    ('gpt-4.1-mini', 'meta-llama-3', '-.')
    """
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in text)
    if not name or name.startswith("."):
        name = f"-{name[1:]}"
    if len(name.encode("utf-8", "replace")) <= _LONGEST:
        return name
    kept = name.encode("utf-8", "replace")[: _LONGEST - 13].decode("utf-8", "ignore")
    return f"{kept}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
