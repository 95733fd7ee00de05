"""What does a recipe check that was never run on its original? The columns it reads, one text an id, one answer a rater."""

from collections.abc import Iterable, Sequence

import pandas as pd

from judgefair.errors import InputError, did_you_mean


def expect_columns(found: Iterable[str], expected: Sequence[str], where: object) -> None:
    """InputError with both lists where an expected column is not there."""
    columns = list(found)
    for name in expected:
        if name not in columns:
            raise InputError(
                f"{where}: no column '{name}'.{did_you_mean(name, columns)} Found: {', '.join(columns) or 'none'}. "
                f"Expected at least {', '.join(expected)}. The recipe knows the file only by its published description: "
                "check that this is the file of the card, and report the columns if it is"
            )


def one_text(table: pd.DataFrame, item_id: str, texts: Sequence[str], where: object) -> pd.DataFrame:
    """One row for each item, with its texts; InputError where an id stands beside two different ones."""
    items = table[[item_id, *texts]].drop_duplicates(ignore_index=True)
    if (twice := items[item_id].duplicated()).any():
        raise InputError(
            f"{where}: {item_id} '{items.loc[twice, item_id].iloc[0]}' stands beside two different values of {' or '.join(texts)} "
            f"({int(twice.sum()):,} such rows). Expected one an id"
        )
    return items


def one_answer(ratings: pd.DataFrame) -> pd.DataFrame:
    """The ratings, each once; a rater who gave one item different answers counts as not having rated it."""
    key = ["item_id", "criterion", "rater_id"]
    given = ratings.drop_duplicates()
    torn = given.duplicated(key, keep=False)
    once = given.drop_duplicates(key, ignore_index=True)
    is_torn = torn[given.drop_duplicates(key).index].to_numpy()
    return once.assign(value=once["value"].mask(is_torn, ""), missing=once["missing"].mask(is_torn, "not_rated"))


def rater_attributes(table: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """One row for each `rater_id`; an attribute that differs between a rater's rows, or is in none of them, is empty."""
    known = table[["rater_id", *attributes]].drop_duplicates()
    return known.groupby("rater_id", sort=False)[list(attributes)].agg(_only).reset_index()


def _only(cells: "pd.Series[str]") -> str:
    told = set(cells) - {""}
    return told.pop() if len(told) == 1 else ""
