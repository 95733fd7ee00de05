"""What do recipes share? Cells read as the text that stands there, and the tables a set is made of."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

import pandas as pd

from judgefair.calibration.tables import SET_RATING_COLUMNS


def read_text(file: Path | IO[bytes], separator: str = ",") -> pd.DataFrame:
    """A delimited file, every cell as text: an id 001 stays 001, a label None stays None."""
    return pd.read_csv(file, sep=separator, dtype=str, keep_default_na=False)


def rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """A text table's rows, each a mapping of column to cell."""
    return cast(list[dict[str, str]], table.to_dict("records"))


def rating_table(ratings: Iterable[tuple[str, str, str, str, str]]) -> pd.DataFrame:
    """Tuples of item, criterion, rater, value and missing as the ratings of a set."""
    return pd.DataFrame(list(ratings), columns=list(SET_RATING_COLUMNS), dtype="str")


def rater_table(rater_ids: Iterable[str]) -> pd.DataFrame:
    """Raters of whom nothing but the id is known, each once, in the order they appear."""
    return pd.DataFrame({"rater_id": list(dict.fromkeys(rater_ids))}, dtype="str")
