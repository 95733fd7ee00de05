"""SBIC, Social Bias Frames: is a post offensive, meant to offend, or lewd?

Columns read: HITId, WorkerId, post, dataSource, offensiveYN, intentYN, sexYN, annotatorGender, annotatorAge,
annotatorRace.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from judgefair.calibration.recipes._tables import rating_table, read_text, rows
from judgefair.calibration.recipes._unseen import expect_columns, one_answer, one_text, rater_attributes
from judgefair.calibration.tables import SetTables
from judgefair.errors import InputError
from judgefair.records import Item

PARTS = ("SBIC.v2.trn.csv", "SBIC.v2.dev.csv", "SBIC.v2.tst.csv")
MOST_BYTES = 100_000_000
THREE = {"0.0": "no", "0.5": "maybe", "1.0": "yes"}
CRITERIA = {
    "offensive": ("offensiveYN", THREE),
    "intent_to_offend": ("intentYN", {"0.0": "no", "0.33": "probably_not", "0.66": "probably", "1.0": "yes"}),
    "lewd": ("sexYN", THREE),
}
ATTRIBUTES = {"annotatorGender": "gender", "annotatorAge": "age", "annotatorRace": "race"}
COLUMNS = ["HITId", "WorkerId", "post", "dataSource", *(column for column, _ in CRITERIA.values()), *ATTRIBUTES]


def read(files: Mapping[str, Path]) -> SetTables:
    """Posts of all three parts, ratings, and raters with gender, age and race.

    A row of the files is one implied statement that a rater wrote, so an answer stands in as many rows as the rater wrote
    statements; it counts once. An empty answer is missing, as is one that differs between rows. Posts with the same text
    share a scenario, though they have ids of their own. Politics and minority status of the raters, and whom they took
    the post to be about, are not read.
    """
    archive = files["SBIC.v2.tgz"]
    parts = _members(archive)
    tables = [read_text(io.BytesIO(parts[part])) for part in PARTS]
    for part, table in zip(PARTS, tables, strict=True):
        expect_columns(table.columns, COLUMNS, f"{archive}, {part}")
    told = pd.concat(tables, ignore_index=True)[COLUMNS].drop_duplicates()
    table = told.rename(columns=ATTRIBUTES | {"WorkerId": "rater_id"})
    raters = rater_attributes(table.assign(age=table["age"].str.removesuffix(".0")), list(ATTRIBUTES.values()))
    return SetTables(_items(table, archive), one_answer(_ratings(table)), raters)


def _members(archive: Path) -> dict[str, bytes]:
    """The three tables by their names, in memory: nothing is unpacked to a path that an archive names."""
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as opened:
            for member in opened:
                name = PurePosixPath(member.name).name
                stream = opened.extractfile(member) if name in PARTS and member.size <= MOST_BYTES else None
                if stream is not None:
                    found[name] = stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{archive}: cannot be read ({type(error).__name__}: {error}). Fetch the archive again") from None
    if len(found) < len(PARTS):
        raise InputError(
            f"{archive}: holds {', '.join(sorted(found)) or 'none'} of {', '.join(PARTS)} with at most {MOST_BYTES:,} bytes each. "
            "Expected all three; fetch the archive again"
        )
    return found


def _items(table: pd.DataFrame, archive: Path) -> list[Item]:
    first: dict[str, str] = {}
    return [
        Item(
            row["HITId"],
            "",
            row["post"],
            {"origin": row["dataSource"]} if row["dataSource"] else {},
            first.setdefault(row["post"], row["HITId"]),
        )
        for row in rows(one_text(table, "HITId", ["post", "dataSource"], archive))
    ]


def _ratings(table: pd.DataFrame) -> pd.DataFrame:
    # A code that is none of the published ones is passed on as it stands, for the card's scale to refuse.
    return rating_table(
        (row["HITId"], criterion, row["rater_id"], levels.get(row[column], row[column]), "" if row[column] else "not_rated")
        for row in rows(table)
        for criterion, (column, levels) in CRITERIA.items()
    )
