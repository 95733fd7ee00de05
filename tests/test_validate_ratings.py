"""Does `judgefair validate --ratings` say exactly what `validate_ratings` says, on the votes of DICES-350?

One of the human raters is renamed to be the judge: the numbers say nothing of any model.
"""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import judgefair as jf
from judgefair.reporting import build_report
from tests.command_line import Done, judgefair

JUDGE, RENAMED = "stand_in_judge", "p003"
RATERS = 12  # of 123: the comparison is of two ways in, not of a rating
SCALE = "ordinal:no,unsure,yes"


@pytest.fixture(scope="module")
def ratings_csv(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DICES-350 votes as a table anybody might have."""
    source = next(data_folder.rglob("dices_350_crowdsourced.json"))
    path = tmp_path_factory.mktemp("dices") / "ratings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "rater_id", "value"])
        for instance in json.loads(source.read_text("utf-8"))["instances"]:
            votes = instance["annotations"]["safety"]["individual_human_scores"][:RATERS]
            for position, vote in enumerate(votes):
                rater = f"p{position:03}"
                writer.writerow([instance["id"], JUDGE if rater == RENAMED else rater, vote.lower()])
    return path


@pytest.fixture
def small_csv(tmp_path: Path) -> Path:
    """Made-up ratings."""
    path = tmp_path / "ratings.csv"
    lines = [f"i{i},{rater},{1 + (i * k) % 5},{'ab'[i % 2]}" for i in range(8) for k, rater in enumerate(("ann", "bob", "gpt"))]
    path.write_text("item_id,rater_id,value,pop.dialect\n" + "\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def validate(run: Callable[..., Done]) -> Callable[..., Done]:
    def validate(table: Path, out: Path, *more: str, judge: str = "gpt", scale: str = "ordinal:1-5") -> Done:
        return run("validate", "--ratings", table, "--judge", judge, "--scale", scale, "--out", out, *more)

    return validate


def test_the_command_gives_the_numbers_of_python_and_one_json_document(
    validate: Callable[..., Done], ratings_csv: Path, tmp_path: Path
) -> None:
    done = validate(ratings_csv, tmp_path / "out", "--json", "--as-of", "2026-01-01", judge=JUDGE, scale=SCALE)
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    validation = jf.validate_ratings(ratings_csv, JUDGE, SCALE, as_of="2026-01-01")
    report = build_report(validation)
    expected = json.loads(json.dumps(list(report.estimates)))
    kept = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert kept["estimates"] == expected
    assert printed == kept
    kept_tables = {"items.parquet", "ratings.parquet", "validation.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html",
        "report.json",
        "report.md",
        "summary.md",
    } | kept_tables


def test_the_report_states_that_there_is_no_rubric(validate: Callable[..., Done], ratings_csv: Path, tmp_path: Path) -> None:
    done = validate(ratings_csv, tmp_path / "out", judge=JUDGE, scale=SCALE)
    assert done.code == 0, done.err
    assert "Without a rubric there is no gate and no verdict" in " ".join(done.out.split())
    assert "no rubric was given" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "no rubric was given" in (tmp_path / "out" / "report.md").read_text("utf-8")


def test_a_reference_of_ones_own_is_what_gaps_are_taken_against(
    validate: Callable[..., Done], small_csv: Path, tmp_path: Path
) -> None:
    done = validate(small_csv, tmp_path / "out", "--reference", "dialect=b", "--json")
    assert done.code == 0, done.err
    gaps = [e for e in json.loads(done.out)["estimates"] if e["estimand"] == "judge_error_gap"]
    assert [(e["population"], e["contrast"]) for e in gaps] == [({"dialect": "a"}, {"dialect": "b"})]


def test_each_criterion_may_have_a_scale_of_its_own(run: Callable[..., Done], tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    rows = [
        f"i{i},{c},{r},{value}"
        for i in range(6)
        for r in ("gpt", "ann")
        for c, value in (("depth", 1 + i % 3), ("kind", "yes"[: 3 * (i % 2)] or "no"))
    ]
    path.write_text("item_id,criterion,rater_id,value\n" + "\n".join(rows) + "\n", "utf-8")
    done = run(
        "validate", "--ratings", path, "--judge", "gpt", "--scale", "depth=ordinal:1-3", "--scale", "kind=binary",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert {e["criterion"] for e in json.loads(done.out)["estimates"]} == {"depth", "kind"}


def test_a_bad_level_names_row_and_column_and_nothing_is_written(
    validate: Callable[..., Done], small_csv: Path, tmp_path: Path
) -> None:
    lines = small_csv.read_text("utf-8").splitlines()
    lines[4] = "i1,ann,six,b"  # line 5 of the file, as an editor counts
    small_csv.write_text("\n".join(lines) + "\n", "utf-8")
    done = validate(small_csv, tmp_path / "out", "--json")
    assert done.code == 1
    assert done.out == ""
    assert "row 5, column value" in done.err
    assert "'six' is no level" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_misspelt_judge_is_suggested(validate: Callable[..., Done], small_csv: Path, tmp_path: Path) -> None:
    done = validate(small_csv, tmp_path / "out", judge="gtp")
    assert done.code == 1
    assert "no rater 'gtp'. Did you mean 'gpt'?" in done.err
    assert not (tmp_path / "out").exists()


def test_a_misspelt_scale_kind_is_suggested(validate: Callable[..., Done], small_csv: Path, tmp_path: Path) -> None:
    done = validate(small_csv, tmp_path / "out", scale="ordinall:1-5")
    assert done.code == 1
    assert "Did you mean 'ordinal'?" in done.err


def test_a_table_that_is_not_there_is_bad_input(validate: Callable[..., Done], tmp_path: Path) -> None:
    done = validate(tmp_path / "no.csv", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert "no such file" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "out", "--nonsense"],
        ["--ratings", "ratings.csv", "--judge", "gpt", "--scale", "ordinal:1-5"],  # no --out
        ["--out", "out"],
        ["--out", "out", "--ratings", "ratings.csv"],
        ["--out", "out", "--ratings", "ratings.csv", "--judge", "gpt"],
        ["--out", "out", "--ratings", "ratings.csv", "--judge", "gpt", "--scale", "ordinal:1-5", "--model", "local"],
        ["--out", "out", "--program", "p.json", "--set", "hatecheck", "--model", "local", "--judge", "gpt"],
        ["--out", "out", "--program", "p.json", "--set", "hatecheck"],
        ["--out", "out", "--ratings", "ratings.csv", "--judge", "gpt", "--scale", "ordinal:1-5", "--reference", "dialect"],
    ],
)
def test_a_wrong_use_of_the_command_exits_with_2(
    run: Callable[..., Done], arguments: list[str], small_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("validate", *arguments)
    assert done.code == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()
