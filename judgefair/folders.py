"""Where are the project's rubrics and sets, and the user's cache and ledgers?"""

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent


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
