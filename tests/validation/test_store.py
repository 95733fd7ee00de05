"""Is a validation that was kept the one that is read back, and is a folder that holds something else refused?"""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import judgefair as jf
from judgefair.errors import InputError
from judgefair.rubric.rubric import Rubric
from judgefair.runs import items as run_items
from judgefair.validation import Validation
from judgefair.validation.store import carry_validation, find_validation, load_validation, read_scope, save_validation
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_run, planted_validation
from tests.test_validation import FEW, made_up, rubric_of, set_of, validated


def assert_same(read: Validation, written: Validation) -> None:
    assert json.dumps([f.to_json() for f in read.findings]) == json.dumps([f.to_json() for f in written.findings])
    assert [check.to_json() for check in read.gate] == [check.to_json() for check in written.gate]
    assert (read.scope, read.notes, read.items) == (written.scope, written.notes, written.items)
    assert {name: scale.to_json() for name, scale in read.scales.items()} == {n: s.to_json() for n, s in written.scales.items()}
    columns = ["item_id", "criterion", "rater_id", "rater_kind", "replicate", "code", "expected", "missing", "rationale"]
    pd.testing.assert_frame_equal(read.ratings[columns], written.ratings[columns].reset_index(drop=True), check_dtype=False)


@pytest.fixture
def rubric() -> Rubric:
    return planted_rubric("a", "b")


@pytest.fixture
def kept(tmp_path: Path, rubric: Rubric) -> tuple[Path, Validation]:
    items = planted_items(rubric, 30)
    return tmp_path / "run", planted_validation(tmp_path / "run", rubric, items, planted_ratings(items))


def test_a_validation_of_a_table_is_read_back(tmp_path: Path) -> None:
    columns = {"pop.dialect": lambda i: ["a", "b", ""][i % 3], "query": lambda i: f"où est {i} ?"}
    validation = validated(
        made_up(**columns).assign(**{"rater.age": lambda t: t["rater_id"].map({"ann": "old", "bob": "young"})})
    )
    save_validation(validation, tmp_path / "out")
    assert_same(load_validation(tmp_path / "out"), validation)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["items.parquet", "ratings.parquet", "validation.json"]


@pytest.mark.parametrize(
    ("scale", "values"),
    [
        ("binary", lambda v: v.map(lambda x: int(x > 3))),
        ("nominal:x,y,z", lambda v: v.map(lambda x: "xyz"[x % 3])),
        ("ordinal:low,mid,high", lambda v: v.map(lambda x: ["low", "mid", "high"][x % 3])),
        ("interval:0-100", lambda v: v * 7.25),
    ],
)
def test_every_kind_of_scale_is_read_back(scale: str, values: Callable[[pd.Series], pd.Series], tmp_path: Path) -> None:
    validation = validated(made_up().assign(value=lambda t: values(t["value"])), scale)
    save_validation(validation, tmp_path)
    assert_same(load_validation(tmp_path), validation)


def test_missing_ratings_are_read_back_with_their_reasons(tmp_path: Path) -> None:
    table = made_up().astype({"value": object}).assign(missing="")
    table.loc[[0, 4], ["value", "missing"]] = [["", "refused"], ["", "not_rated"]]
    validation = validated(table)
    save_validation(validation, tmp_path)
    assert_same(load_validation(tmp_path), validation)


def test_a_validation_of_a_judged_set_is_read_back_with_distributions(tmp_path: Path) -> None:
    levels = {level: f"anchor {level}" for level in range(5)}
    program = jf.compile_judge(rubric_of({"kind": "ordinal", "levels": levels}, "distribution"))
    humans = made_up(12, query=lambda i: f"q{i}", response=lambda i: f"r{i}").query("rater_id != 'judge'").assign(value=1)
    model = jf.models.scripted("hash")
    validation = jf.validate(program, set_of(humans, "ordinal:0-4"), model, run=tmp_path, n_resamples=FEW, as_of="2026-01-01")
    judged = validation.ratings[validation.ratings["rater_kind"] == "judge"]
    assert not judged["expected"].equals(judged["code"])
    read = load_validation(tmp_path)
    pd.testing.assert_series_equal(read.ratings["expected"], validation.ratings["expected"], check_exact=False)
    assert read.find("judge_error", "depth") == validation.find("judge_error", "depth")
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["labels"] == "human"


def test_a_validation_of_a_run_is_read_back(kept: tuple[Path, Validation]) -> None:
    assert_same(load_validation(kept[0]), kept[1])


def test_a_validation_on_some_items_is_read_back_as_one_on_those(tmp_path: Path, rubric: Rubric) -> None:
    items = planted_items(rubric, 60)
    ratings = planted_ratings(items, labelled=30)
    planted_run(tmp_path, rubric, items, ratings)
    jf.estimate(tmp_path, n_resamples=FEW)
    read = load_validation(tmp_path)
    assert len(read.items) == 60
    assert set(read.ratings["item_id"]) == {item.item_id for item in read.items}
    assert len(run_items.read_run_items(tmp_path)) == 120


def test_saving_again_takes_the_place_of_the_humans_that_were_there(kept: tuple[Path, Validation]) -> None:
    run, validation = kept
    save_validation(validation, run)
    save_validation(validation, run)
    assert_same(load_validation(run), validation)


def test_where_there_is_no_validation_there_is_no_scope(tmp_path: Path) -> None:
    assert read_scope(tmp_path) is None


def test_the_scope_is_that_of_the_run_s_own_validation(kept: tuple[Path, Validation]) -> None:
    assert read_scope(kept[0]) == kept[1].scope


def test_a_table_of_ratings_never_overwrites_the_run_of_a_program(kept: tuple[Path, Validation]) -> None:
    before = {path.name: path.read_bytes() for path in kept[0].iterdir()}
    with pytest.raises(InputError, match=r"holds a run of a judge program.*judgefair estimate .* --ratings FILE"):
        save_validation(validated(made_up()), kept[0])
    assert {path.name: path.read_bytes() for path in kept[0].iterdir()} == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"no validation can be read .*Run judgefair validate \.\.\. --out .*run first"),
        ("{", r"no validation can be read .*Run judgefair validate"),
        ("[]", r"no validation of schema version 1\. Run judgefair validate .* again"),
        ('{"schema_version": 2}', r"no validation of schema version 1"),
        ('{"schema_version": 1, "scales": {}}', r"has no scope and no findings .*Run judgefair validate .* again"),
        (
            '{"schema_version": 1, "scope": {}, "scales": {}, "findings": [{}], "gate": [], "notes": [], "items": "", "ratings": ""}',
            r"a part is missing or wrong \(KeyError: 'criterion'\)\. Run validate again",
        ),
    ],
)
def test_a_validation_that_cannot_be_read_says_what_to_do(content: str | None, said: str, kept: tuple[Path, Validation]) -> None:
    path = kept[0] / "validation.json"
    path.unlink() if content is None else path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=said):
        load_validation(kept[0])


@pytest.mark.parametrize("name", ["items.parquet", "ratings.parquet"])
@pytest.mark.parametrize("content", [None, b"", b"PAR1 and then nothing"])
def test_a_table_that_cannot_be_read_says_what_to_do(name: str, content: bytes | None, kept: tuple[Path, Validation]) -> None:
    path = kept[0] / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: no (items|ratings) can be read .*Run judgefair judge"):
        load_validation(kept[0])


def test_a_validation_beside_tables_of_other_items_is_refused(kept: tuple[Path, Validation], rubric: Rubric) -> None:
    others = planted_items(rubric, 30, first=700)
    planted_run(kept[0], rubric, others, planted_ratings(others))
    with pytest.raises(InputError, match="speaks of other items"):
        load_validation(kept[0])


# Carried over


def test_a_validation_is_carried_over_whole(tmp_path: Path, kept: tuple[Path, Validation], rubric: Rubric) -> None:
    run = planted_run(tmp_path / "other", rubric, kept[1].items, kept[1].ratings)
    with pytest.raises(InputError, match="no validation can be read"):
        find_validation(run)
    carry_validation(kept[0], run)
    assert_same(find_validation(run), kept[1])
    assert sorted(path.name for path in (run / "validated").iterdir()) == ["items.parquet", "ratings.parquet", "validation.json"]
    carry_validation(run / "validated", run)
    assert_same(find_validation(run), kept[1])


def test_a_validation_of_its_own_goes_before_one_carried_over(
    tmp_path: Path, kept: tuple[Path, Validation], rubric: Rubric
) -> None:
    items = planted_items(rubric, 40)
    own = planted_validation(tmp_path / "other", rubric, items, planted_ratings(items, seed=5))
    (tmp_path / "other" / "validated").mkdir()
    for name in ("items.parquet", "ratings.parquet", "validation.json"):
        (tmp_path / "other" / "validated" / name).write_bytes((kept[0] / name).read_bytes())
    assert_same(find_validation(tmp_path / "other"), own)
