"""HealthBench, physicians' grades: does a reply on health meet a criterion, by two or more physicians each?

Fields read: prompt_id, completion_id, prompt, completion, rubric, category, binary_labels, anonymized_physician_ids.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from judgefair.calibration.recipes._json_lines import read_lines
from judgefair.calibration.recipes._tables import rater_table, rating_table
from judgefair.calibration.recipes._unseen import one_answer
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError
from judgefair.fingerprint import fingerprint
from judgefair.records import Item

FIELDS = (
    "prompt_id", "completion_id", "prompt", "completion", "rubric", "category", "binary_labels", "anonymized_physician_ids",
)  # fmt: skip


def read(files: Mapping[str, Path]) -> SetTables:
    """Replies, each with one criterion to grade it by, the grades and the physicians.

    An item is a reply and a criterion; the criterion is told at the end of the query, since it differs from item to item.
    All replies to one prompt share a scenario. A physician's second, different grade leaves no grade; a null is missing.
    """
    path = files["2025-05-07-06-14-12_oss_meta_eval.jsonl"]
    graded = read_lines(path, FIELDS)
    items = {_item_id(row): row for row in graded}
    ratings = one_answer(rating_table(rating for row in graded for rating in _ratings(row, path)))
    return SetTables([_item(item_id, row) for item_id, row in items.items()], ratings, rater_table(ratings["rater_id"]))


def _item_id(row: Mapping[str, Any]) -> str:
    return f"{row['completion_id']}|{fingerprint(row['rubric'])[:12]}"


def _ratings(row: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    labels, physicians = row["binary_labels"], row["anonymized_physician_ids"]
    if len(labels) != len(physicians):
        raise InputError(
            f"{path}: completion_id '{row['completion_id']}' has {len(labels)} binary_labels and {len(physicians)} "
            "anonymized_physician_ids. Expected one id for each label"
        )
    for label, physician in zip(labels, physicians, strict=True):
        yield (
            _item_id(row),
            "met",
            str(physician),
            "" if label is None else str(label).lower(),
            "not_rated" if label is None else "",
        )


def _item(item_id: str, row: Mapping[str, Any]) -> Item:
    turns = [f"{turn['role']}: {turn['content']}" for turn in row["prompt"]]
    query = "\n\n".join([*turns, f"Criterion to grade the reply by: {row['rubric']}"])
    return Item(item_id, query, row["completion"], {"theme": row["category"]} if row["category"] else {}, str(row["prompt_id"]))
