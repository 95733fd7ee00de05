"""Does a panel of raters say what its raters say together, leave ties missing, and come back from its folder as it was?"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import judgefair as jf
from judgefair.comparison import compare
from judgefair.errors import InputError, UsageError
from judgefair.reporting import build_report
from judgefair.validation import Validation, load_validation, save_validation
from tests.command_line import Done, judgefair

NAN = float("nan")


def table_of(
    said: Mapping[str, Sequence[object]], humans: Sequence[str] = ("ann", "bob"), **more: Sequence[object]
) -> pd.DataFrame:
    """A long table: what each rater gave the items in turn; None where there is no row, a word in brackets for a reason."""
    rows = []
    for who, values in said.items():
        for i, value in enumerate(values):
            if value is None:
                continue
            reason = str(value)[1:-1] if str(value).startswith("[") else ""
            about = {name: column[i] for name, column in more.items()}
            kind = "human" if who in humans else "judge"
            rows.append(
                {
                    "item_id": f"i{i}",
                    "rater_id": who,
                    "rater_kind": kind,
                    "value": "" if reason else value,
                    "missing": reason,
                    **about,
                }
            )
    return pd.DataFrame(rows)


def panel_of(table: pd.DataFrame, panel: Any, raters: Sequence[str] = ("x", "y", "z"), scale: str = "ordinal:1-5") -> Validation:
    return jf.validate_ratings(table, raters, scale, panel=panel, n_resamples=20, as_of="2026-01-01")


def judged(validation: Validation) -> pd.DataFrame:
    ratings = validation.ratings
    return ratings[ratings["rater_kind"] == "judge"].set_index("item_id")


SAID = {
    "x": [1, 2, 5, 1, 4],
    "y": [1, 3, 5, 3, None],
    "z": [2, 3, 2, 5, None],
    "ann": [1, 3, 5, 3, 4],
    "bob": [1, 2, 4, 3, 4],
}


@pytest.mark.parametrize(
    ("panel", "expected", "code"),
    [
        # By hand: means 4/3, 8/3, 4, 3; the last item has one rater of three.
        ("mean", [4 / 3, 8 / 3, 4, 3, NAN], [1, 3, 4, 3, NAN]),
        ("median", [1, 3, 5, 3, NAN], [1, 3, 5, 3, NAN]),
        ("majority", [1, 3, 5, NAN, NAN], [1, 3, 5, NAN, NAN]),
    ],
)
def test_a_panel_is_the_mean_the_median_or_the_majority(panel: str, expected: list[float], code: list[float]) -> None:
    ratings = judged(panel_of(table_of(SAID), panel))
    assert ratings["expected"].to_numpy() == pytest.approx(expected, nan_ok=True)
    assert ratings["code"].to_numpy() == pytest.approx(code, nan_ok=True)
    assert set(ratings["rater_id"]) == {f"{panel}(x, y, z)"}


def test_ties_are_missing_and_counted() -> None:
    validation = panel_of(table_of(SAID), "majority")
    ratings = judged(validation)
    assert ratings["missing"].tolist() == ["", "", "", "not_rated", "not_rated"]
    assert "named equally often" in ratings.loc["i3", "rationale"]
    assert "half of the panel's raters or fewer" in ratings.loc["i4", "rationale"]
    assert validation.find("missing_rate.not_rated", "rating").value == pytest.approx(2 / 5)
    assert any("levels tie (1) or half of its raters or fewer rated the item (1)" in note for note in validation.notes)
    assert any("the majority of 3 raters of the table, x, y, z" in note for note in validation.notes)


def test_a_panel_gives_the_numbers_of_one_rater_who_says_what_it_says() -> None:
    # The median of three is a level: a table in which one rater says it must give the same numbers.
    rng = np.random.default_rng(0)
    said: dict[str, list[object]] = {who: [int(v) for v in rng.integers(1, 6, 40)] for who in ("x", "y", "z", "ann", "bob")}
    groups = ["ab"[i % 2] for i in range(40)]
    middle = [int(sorted(three)[1]) for three in zip(said["x"], said["y"], said["z"], strict=True)]  # type: ignore[type-var]
    together = panel_of(table_of(said, **{"pop.dialect": groups}), "median")
    one = table_of({"m": middle, "ann": said["ann"], "bob": said["bob"]}, **{"pop.dialect": groups})
    alone = jf.validate_ratings(one, "m", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    assert [finding.to_json() for finding in together.findings] == [finding.to_json() for finding in alone.findings]


def test_a_rating_between_two_levels_counts_in_errors_and_not_in_agreement() -> None:
    # x and y: 1, 2; 2, 3; 4, 4; 5, 5. Means 1.5, 2.5, 4, 5 against 1, 2, 4, 5: errors 0.5, 0.5, 0, 0, on average 0.25.
    validation = panel_of(table_of({"x": [1, 2, 4, 5], "y": [2, 3, 4, 5], "ann": [1, 2, 4, 5]}), "mean", ["x", "y"])
    ratings = judged(validation)
    assert ratings["expected"].tolist() == [1.5, 2.5, 4, 5]
    assert ratings["code"].to_numpy() == pytest.approx([NAN, NAN, 4, 5], nan_ok=True)
    assert ratings["missing"].tolist() == [""] * 4
    assert validation.find("judge_error", "rating").value == 0.25
    assert validation.find("judge_error", "rating").n_items == 4
    assert validation.find("alpha.judge_human", "rating").n_items == 2
    assert validation.find("missing_rate.not_rated", "rating").value == 0
    assert any("2 ratings of the panel lie as near to two levels" in note and "too high" in note for note in validation.notes)


@pytest.mark.parametrize("panel", ["mean", "median", "majority"])
@pytest.mark.parametrize(
    ("scale", "levels"),
    [
        ("ordinal:1-5", [1, 2, 3, 4, 5]),
        ("ordinal:low,mid,high", ["low", "mid", "high"]),
        ("binary", [0, 1]),
        ("interval:0-1", [0.25, 0.5, 1]),
    ],
)
def test_a_panel_comes_back_from_its_folder_as_it_was(panel: str, scale: str, levels: list[object], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    said = {who: [levels[k] for k in rng.integers(len(levels), size=30)] for who in ("w", "x", "y", "z", "ann")}
    validation = panel_of(table_of(said), panel, ["w", "x", "y", "z"], scale)
    save_validation(validation, tmp_path)
    kept, given = judged(load_validation(tmp_path)), judged(validation)
    for column in ("code", "expected"):
        assert kept[column].to_numpy() == pytest.approx(given[column].to_numpy(), nan_ok=True)
    assert kept["missing"].tolist() == given["missing"].tolist()
    assert (panel == "majority" or scale.startswith("interval")) == (not (given["code"].isna() & given["expected"].notna()).any())


def test_names_have_a_majority_and_no_mean() -> None:
    said = {"x": ["a", "a", "b"], "y": ["a", "b", "b"], "z": ["c", "c", "b"], "ann": ["a", "b", "b"]}
    ratings = judged(panel_of(table_of(said), "majority", scale="nominal:a,b,c"))
    assert ratings["code"].to_numpy() == pytest.approx([0, NAN, 1], nan_ok=True)
    for panel in ("mean", "median"):
        with pytest.raises(InputError, match=f"a nominal scale has no {panel}.*majority"):
            panel_of(table_of(said), panel, scale="nominal:a,b,c")


def test_an_item_has_the_reason_that_more_than_half_of_the_raters_have() -> None:
    said = {
        "x": ["[not_applicable]", "[not_applicable]", "[refused]", 2],
        "y": ["[not_applicable]", "[unparsable]", "[refused]", 2],
        "z": [3, None, 3, 2],
        "ann": [3, 3, 3, 3],
    }
    assert judged(panel_of(table_of(said), "median"))["missing"].tolist() == ["not_applicable", "not_rated", "refused", ""]


def test_of_a_rater_who_rated_twice_the_first_rating_counts() -> None:
    table = pd.concat([table_of(SAID).assign(replicate=0), table_of({"x": [5, 5, 1, 5, 5]}).assign(replicate=1)])
    validation = panel_of(table, "median")
    assert judged(validation)["expected"].to_numpy() == pytest.approx([1, 3, 5, 3, NAN], nan_ok=True)
    assert any("of the panel rated an item more than once" in note for note in validation.notes)


def test_raters_of_the_panel_are_no_humans_and_other_judges_are_left_out() -> None:
    said = {**SAID, "other": [1, 1, 1, 1, 1]}
    validation = panel_of(table_of(said), "median")
    assert set(validation.ratings["rater_id"]) == {"median(x, y, z)", "ann", "bob"}
    assert "Left out as judges of their own: other." in validation.notes
    assert validation.scope["panel"] == {"raters": ["x", "y", "z"], "combine": "median"}


def test_one_name_is_no_panel() -> None:
    table = table_of(SAID)
    alone = jf.validate_ratings(table, "x", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    listed = jf.validate_ratings(table, ["x"], "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    assert listed.scope == alone.scope
    assert "panel" not in alone.scope
    assert [finding.to_json() for finding in listed.findings] == [finding.to_json() for finding in alone.findings]


@pytest.mark.parametrize(
    ("raters", "panel", "told"),
    [
        (["x", "y"], None, "2 judges are named"),
        (["x"], "mean", "Expected two raters"),
        (["x", "x"], "mean", "each named once"),
        (["x", "y"], "medain", "Did you mean 'median'"),
    ],
)
def test_what_is_no_panel_is_a_usage_error(raters: list[str], panel: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        panel_of(table_of(SAID), panel, raters)


def test_a_misspelt_rater_of_a_panel_is_named() -> None:
    with pytest.raises(InputError, match="no rater 'zz'"):
        panel_of(table_of(SAID), "mean", ["x", "zz"])


def test_a_panel_is_no_judge_of_another_panel(tmp_path: Path) -> None:
    table = table_of({**SAID, "z": [2, 3, 2, 5, 4], "y": [1, 3, 5, 3, 3]})
    for name in ("x", "y"):
        save_validation(jf.validate_ratings(table, name, "ordinal:1-5", n_resamples=20, as_of="2026-01-01"), tmp_path / name)
    save_validation(panel_of(table, "median"), tmp_path / "panel")
    found = compare([tmp_path / name for name in ("panel", "x", "y")], n_resamples=20)
    assert [judge.name for judge in found.judges] == ["median(x, y, z)", "x", "y"]
    assert [panel.judges for panel in found.panels] == [["x", "y"]]


# The command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    table_of(SAID).to_csv(path, index=False)
    return path


def test_the_command_gives_the_numbers_of_python(run: Callable[..., Done], csv: Path, tmp_path: Path) -> None:
    done = run(
        "validate", "--ratings", csv, "--judge", "x", "--judge", "y", "--judge", "z", "--panel", "median", "--scale", "ordinal:1-5",
        "--out", tmp_path / "out", "--as-of", "2026-01-01", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    report = build_report(jf.validate_ratings(csv, ["x", "y", "z"], "ordinal:1-5", panel="median", as_of="2026-01-01"))
    assert printed["estimates"] == json.loads(json.dumps(list(report.estimates)))
    assert printed["title"] == "median(x, y, z) as a judge of ratings.csv"
    assert any("the median of 3 raters" in note for note in printed["notes"])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--judge", "x", "--judge", "y"], "--judge names 2 raters. Choose --panel"),
        (["--judge", "x", "--panel", "mean"], "needs two raters or more"),
        (["--judge", "x", "--judge", "y", "--panel", "sum"], "sum"),
    ],
)
def test_several_judges_without_a_panel_are_a_usage_error(
    run: Callable[..., Done], csv: Path, tmp_path: Path, more: list[str], told: str
) -> None:
    done = run("validate", "--ratings", csv, *more, "--scale", "ordinal:1-5", "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert not (tmp_path / "out").exists()


def test_a_panel_does_not_go_with_a_program(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run(
        "validate", "--program", "p.json", "--set", "hatecheck", "--model", "local", "--panel", "mean", "--out", tmp_path / "out"
    )
    assert done.code == 2
    assert "--panel does not go with --program" in done.err
