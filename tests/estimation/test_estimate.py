"""Does `estimate` read what a run holds and refuse what it cannot, and does it leave a folder that holds together?

All runs are made up, except where a test reads the published files of ELLIPSE with a scripted judge.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import judgefair as jf
from judgefair.errors import InputError
from judgefair.estimation import Estimation, estimate, estimator, load_estimation
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.runs import items as run_items
from judgefair.runs import tables
from judgefair.validation import store
from judgefair.validation.store import find_validation, load_validation
from tests.builders import (
    JUDGE,
    human_csv,
    planted_items,
    planted_ratings,
    planted_rubric,
    planted_run,
    planted_validation,
    without_humans,
    write_ratings,
)
from tests.test_validation import shipped_set

FEW = 20
RUBRIC = planted_rubric("a", "b")


@pytest.fixture
def items() -> list[Item]:
    return planted_items(RUBRIC, 60)


@pytest.fixture
def ratings(items: list[Item]) -> pd.DataFrame:
    return planted_ratings(items)


@pytest.fixture
def run(tmp_path: Path, items: list[Item], ratings: pd.DataFrame) -> Path:
    """Judged, without a human label."""
    return planted_run(tmp_path / "run", RUBRIC, items, without_humans(ratings))


@pytest.fixture
def humans(tmp_path: Path, ratings: pd.DataFrame) -> Path:
    return human_csv(ratings, tmp_path / "humans.csv")


def mean_of(found: Estimation, group: str) -> float:
    return found.find("mean.corrected", "depth", {"dialect": group}).value


def contents(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.name != ".lock" and path.is_file()
    }


# What came first, and what is newer


def test_judging_again_keeps_the_human_ratings_of_the_items(run: Path, humans: Path, items: list[Item]) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    scales = {"depth": RUBRIC.criterion("depth").scale}
    before = tables.read_ratings(run, scales)
    again = [jf.Rating(item.item_id, "depth", JUDGE, "judge", 3) for item in items[:10]]
    run_items.put_items(items[:10], run, labels_can_be_made_again=True)
    write_ratings(again, scales, run)
    after = tables.read_ratings(run, scales)
    kept = before[(before["rater_kind"] == "human") & before["item_id"].isin([item.item_id for item in items[:10]])]
    assert len(kept)
    pd.testing.assert_frame_equal(after[after["rater_kind"] == "human"].reset_index(drop=True), kept.reset_index(drop=True))
    assert after.loc[after["rater_kind"] == "judge", "code"].tolist() == [3.0] * 10


def test_a_validation_of_earlier_ratings_is_made_anew(run: Path, humans: Path, items: list[Item]) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    before = load_validation(run).find("judge_error", "depth").value
    low = [jf.Rating(item.item_id, "depth", JUDGE, "judge", 1) for item in items]
    write_ratings(low, {"depth": RUBRIC.criterion("depth").scale}, run)
    estimate(run, n_resamples=FEW)
    assert load_validation(run).find("judge_error", "depth").value < before - 1
    jf.build_report(run)


def test_verdicts_that_are_older_than_the_ratings_are_not_reported(run: Path, humans: Path, items: list[Item]) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    jf.build_report(run)
    rating = jf.Rating(items[0].item_id, "depth", JUDGE, "judge", 3)
    write_ratings([rating], {"depth": RUBRIC.criterion("depth").scale}, run)
    with pytest.raises(InputError, match=r"its ratings are newer than its verdicts\. Run judgefair estimate"):
        jf.build_report(run)


def test_labels_added_to_labels_are_said_to_be(run: Path, humans: Path) -> None:
    whole = pd.read_csv(humans)
    first, second = run / "first.csv", run / "second.csv"
    whole.iloc[: len(whole) // 2].to_csv(first, index=False)
    whole.iloc[len(whole) // 2 :].to_csv(second, index=False)
    said = "The human ratings that were given are added to those the run already held."
    assert said not in estimate(run, ratings=first, n_resamples=FEW).notes
    assert said in estimate(run, ratings=second, n_resamples=FEW).notes


# Labels from a table


def test_labels_of_a_table_are_put_beside_the_judge_s_ratings(run: Path, humans: Path, ratings: pd.DataFrame) -> None:
    found = estimate(run, ratings=humans, n_resamples=FEW)
    kept = tables.read_ratings(run, {"depth": RUBRIC.criterion("depth").scale})
    assert kept["rater_kind"].value_counts().to_dict() == ratings["rater_kind"].value_counts().to_dict()
    mean = ratings[(ratings["rater_kind"] == "human") & ratings["item_id"].str.endswith("b")]["code"].mean()
    assert mean_of(found, "b") == pytest.approx(mean)  # all items are labelled by both humans


def test_a_frame_says_what_its_csv_says(
    run: Path, tmp_path: Path, humans: Path, items: list[Item], ratings: pd.DataFrame
) -> None:
    twin = planted_run(tmp_path / "twin" / "run", RUBRIC, items, without_humans(ratings))
    assert (
        estimate(run, ratings=humans, n_resamples=FEW).to_json()
        == estimate(twin, ratings=pd.read_csv(humans), n_resamples=FEW).to_json()
    )


def test_the_same_estimate_gives_the_same_bytes(run: Path, humans: Path) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    once = contents(run)
    estimate(run, ratings=humans, n_resamples=FEW)
    assert contents(run) == once
    estimate(run, n_resamples=FEW)
    assert contents(run) == once


def test_a_corrected_table_takes_the_place_of_the_first(run: Path, humans: Path) -> None:
    before = estimate(run, ratings=humans, n_resamples=FEW)
    table = pd.read_csv(humans)
    lowered = table.assign(value=np.where(table["item_id"].str.endswith("b"), np.maximum(table["value"] - 1, 1), table["value"]))
    lowered.to_csv(humans, index=False)
    after = estimate(run, ratings=humans, n_resamples=FEW)
    assert mean_of(after, "b") < mean_of(before, "b") - 0.9
    assert mean_of(after, "a") == mean_of(before, "a")
    assert find_validation(run).find("judge_error", "depth", {"dialect": "b"}).value > 0.8
    assert len(find_validation(run).ratings) == 2 * 60 * 3


def test_more_labels_are_added_to_those_there_are(run: Path, humans: Path) -> None:
    table = pd.read_csv(humans)
    is_first = table["item_id"] < "s0030"
    few = estimate(run, ratings=table[is_first], n_resamples=FEW)
    (plan,) = estimate(run, ratings=table[~is_first], n_resamples=FEW).plans
    assert few.plans[0].now == {"a": 30, "b": 30}
    assert plan.now == {"a": 60, "b": 60}


def test_human_labels_take_the_place_of_constructed_ones(tmp_path: Path, items: list[Item], ratings: pd.DataFrame) -> None:
    constructed = ratings.assign(rater_id=ratings["rater_id"].replace({"ann": "author", "bob": "author2"}))
    planted_validation(tmp_path / "run", RUBRIC, items, constructed, labels="constructed")
    assert estimate(tmp_path / "run", n_resamples=FEW).scope["labels"] == "constructed"
    found = estimate(tmp_path / "run", ratings=human_csv(ratings, tmp_path / "humans.csv"), n_resamples=FEW)
    assert found.scope["labels"] == "human"
    assert set(find_validation(tmp_path / "run").ratings["rater_id"]) == {JUDGE, "ann", "bob"}


def test_a_human_who_gave_no_rating_labels_nothing(run: Path, humans: Path) -> None:
    table = pd.read_csv(humans).assign(missing="")
    skipped = table["item_id"].str.endswith("b")
    table = table.astype({"value": object})
    table.loc[skipped, ["value", "missing"]] = ["", "not_rated"]
    (verdict,) = estimate(run, ratings=table, n_resamples=FEW).verdicts
    assert "no human labels of b" in verdict.reasons


# What is refused, and that nothing is written then


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(item_id=t["item_id"].replace("s0003-a", "s0003_a")), r"'s0003_a' is no item of the run .*Did you mean 's0003-a'"),
        (lambda t: t.assign(value=t["value"].where(t.index != 5, 9)), r"humans\.csv: row 7, column value: '9' is no level of depth"),
        (lambda t: t.assign(value=t["value"].astype(object).where(t.index != 5, "")), r"row 7, column value is empty"),
        (lambda t: t.assign(criterion="dept"), r"criterion 'dept' has no scale\. Did you mean 'depth'"),
        (lambda t: t.assign(rater_kind="judge"), "no rating by a human"),
        (lambda t: pd.concat([t, t.head(1)]), r"row 242, column item_id, criterion, rater_id stands in an earlier row"),
        (lambda t: t.drop(columns="rater_id"), "no column 'rater_id'"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_refused_and_nothing_is_written(change, said: str, run: Path, humans: Path) -> None:  # type: ignore[no-untyped-def]
    estimate(run, n_resamples=FEW)
    before = contents(run)
    change(pd.read_csv(humans)).to_csv(humans, index=False)
    with pytest.raises(InputError, match=said):
        estimate(run, ratings=humans, n_resamples=FEW)
    assert contents(run) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("manifest.json", None, r"manifest\.json: does not say model and as_of\. Run judgefair judge"),
        ("manifest.json", b"{", r"manifest\.json: cannot be read .*Remove it"),
        ("ratings.parquet", None, r"ratings\.parquet: no ratings can be read .*Run judgefair judge"),
        ("ratings.parquet", b"PAR1", r"ratings\.parquet: no ratings can be read"),
        ("items.parquet", None, r"items\.parquet: no items can be read .*Run judgefair judge"),
        ("items.parquet", b"", r"items\.parquet: no items can be read"),
        ("validation.json", b"{", r"validation\.json: no validation can be read .*Run judgefair validate"),
        ("validation.json", b'{"schema_version": 99}', r"no validation of schema version 1"),
        ("program.json", None, r"has no program\.json, and verdicts need the rubric in it"),
    ],
)  # fmt: skip
def test_a_file_that_is_gone_or_broken_is_named_with_what_to_do(
    name: str, content: bytes | None, said: str, run: Path, humans: Path
) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        estimate(run, n_resamples=FEW)


def test_a_broken_estimation_is_named_with_the_command_that_mends_it(run: Path) -> None:
    estimate(run, n_resamples=FEW)
    for broken in ("{", '{"schema_version": 99}', '{"schema_version": 1}', "[]"):
        (run / "estimation.json").write_text(broken, "utf-8")
        with pytest.raises(InputError, match=r"estimation\.json: no estimation can be read .*Run judgefair estimate"):
            load_estimation(run)
    estimate(run, n_resamples=FEW)
    assert load_estimation(run) is not None


def test_no_folder_is_made_for_a_run_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no program\.json"):
        estimate(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0, 95.0])
def test_a_confidence_that_is_none_is_refused(confidence: float, run: Path) -> None:
    with pytest.raises(InputError, match=r"Expected a share above 0\.5 and below 1"):
        estimate(run, confidence=confidence)


# Killed


def test_a_process_that_ends_before_the_validation_is_written_leaves_none_of_other_ratings(
    run: Path, humans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate(run, n_resamples=FEW)  # a validation without labels

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            estimate(run, ratings=humans, n_resamples=FEW)
    found = estimate(run, n_resamples=FEW)  # the labels had landed
    assert found.plans[0].now == {"a": 60, "b": 60}
    assert len(find_validation(run).items) == 120
    assert find_validation(run).find("judge_error", "depth").is_defined


def test_a_process_that_ends_while_it_writes_leaves_the_earlier_file(
    run: Path, humans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    before = contents(run)

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            estimate(run, confidence=0.9, n_resamples=FEW)
    assert {name: content for name, content in contents(run).items() if not name.endswith(".partial")} == before
    estimate(run, n_resamples=FEW)
    assert contents(run) == before


def test_a_process_that_ends_while_a_validation_is_carried_over_leaves_no_mixture(
    tmp_path: Path, run: Path, ratings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = planted_items(RUBRIC, 60, first=500)
    for name, seed in (("first", 1), ("second", 2)):
        planted_validation(tmp_path / name, RUBRIC, there, planted_ratings(there, seed=seed))
    estimate(run, validation=tmp_path / "first", n_resamples=FEW)
    real, done = store.shutil.copyfile, []

    def killed(source: Path, target: Path) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(real(source, target))

    with monkeypatch.context() as patch:
        patch.setattr(store.shutil, "copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            estimate(run, validation=tmp_path / "second", n_resamples=FEW)
    with pytest.raises(InputError, match="no validation can be read"):
        find_validation(run)
    estimate(run, validation=tmp_path / "second", n_resamples=FEW)
    assert find_validation(run).find("judge_error", "depth") == load_validation(tmp_path / "second").find("judge_error", "depth")


# What changed beneath it


def test_a_validation_of_an_earlier_program_is_made_anew(
    run: Path, humans: Path, items: list[Item], ratings: pd.DataFrame
) -> None:
    estimate(run, ratings=humans, n_resamples=FEW)
    planted_run(
        run, planted_rubric("a", "b", tolerance=0.5), items, ratings
    )  # judged again in the same folder, by another program
    found = estimate(run, n_resamples=FEW)
    assert find_validation(run).scope["program"] == found.scope["program"]


# What is reported of everything


def test_axes_that_the_rubric_does_not_declare_are_named_and_not_compared(
    tmp_path: Path, ratings: pd.DataFrame, items: list[Item]
) -> None:
    more = [
        Item(i.item_id, i.query, i.response, {**i.populations, "age": "xy"[k % 2]}, i.scenario_id) for k, i in enumerate(items)
    ]
    found = estimate(planted_run(tmp_path, RUBRIC, more, ratings), n_resamples=FEW)
    assert any("does not declare is not compared: age" in note for note in found.notes)
    assert list(found.axes) == ["dialect"]


def test_groups_that_the_rubric_does_not_declare_are_named_and_not_compared(
    tmp_path: Path, ratings: pd.DataFrame, items: list[Item]
) -> None:
    stranger = {item.item_id for item in items if item.populations["dialect"] == "b"} & {f"s{k:04}-b" for k in range(10)}
    more = [
        Item(i.item_id, i.query, i.response, {"dialect": "c"} if i.item_id in stranger else i.populations, i.scenario_id)
        for i in items
    ]
    assert stranger
    found = estimate(planted_run(tmp_path, RUBRIC, more, ratings), n_resamples=FEW)
    assert any("does not declare is not compared: dialect: c" in note for note in found.notes)
    assert found.axes["dialect"] == ["a", "b"]


def test_the_gate_asks_nothing_of_populations_that_the_rubric_does_not_name(
    tmp_path: Path, ratings: pd.DataFrame, items: list[Item]
) -> None:
    more = [
        Item(i.item_id, i.query, i.response, {**i.populations, "age": "xy"[k % 2]}, i.scenario_id) for k, i in enumerate(items)
    ]
    run = planted_run(tmp_path, RUBRIC, more, ratings)
    estimate(run, n_resamples=FEW)
    gate = load_validation(run).gate
    assert {axis for check in gate for axis in check.population or {}} == {"dialect"}
    assert any(check.population is None for check in gate)


def test_gaps_at_equal_merit_stand_beside_the_others(tmp_path: Path) -> None:
    # b gets worse answers at neither merit; b's scenarios are more often of low merit (Simpson's paradox).
    items = [
        Item(f"{g}{k}", f"q{k}", f"r{k}", {"dialect": g}, f"{g}{k}", {"merit": 2 if (k % 4 == 0) != (g == "b") else 6})
        for g in "ab"
        for k in range(120)
    ]
    rng = np.random.default_rng(0)
    code = np.array([float(np.clip(round(float(i.meta["merit"]) + rng.normal(0, 0.7)), 1, 7)) for i in items])
    frames = [
        pd.DataFrame(
            {"item_id": [i.item_id for i in items], "criterion": "depth", "rater_id": who, "rater_kind": kind, "replicate": 0,
             "code": code, "expected": code, "missing": "", "rationale": ""}
        )
        for who, kind in ((JUDGE, "judge"), ("ann", "human"))
    ]  # fmt: skip
    found = estimate(planted_run(tmp_path, RUBRIC, items, pd.concat(frames, ignore_index=True)), n_resamples=FEW)
    assert found.find("gap.corrected", "depth", {"dialect": "b"}).value == pytest.approx(-2, abs=0.3)
    assert abs(found.find("gap.corrected.given_merit", "depth", {"dialect": "b"}).value) < 0.3


def test_every_estimate_has_a_name_of_the_contract(run: Path, humans: Path) -> None:
    found = estimate(run, ratings=humans, n_resamples=FEW)
    names = {finding.estimate.estimand for finding in found.findings}
    assert names >= {
        "mean.raw",
        "mean.corrected",
        "gap.raw",
        "gap.corrected",
        "gap.judge_made",
        "gap.missingness_bounds",
        "worst_population",
    }
    assert names >= {f"missing_rate.{reason}" for reason in ("refused", "unparsable", "not_rated")}
    for finding in found.findings:
        assert finding.estimate.method, finding.estimate.estimand


def test_the_scope_says_what_the_verdicts_hold_for(run: Path, humans: Path) -> None:
    scope = estimate(run, ratings=humans, n_resamples=FEW).scope
    assert scope["rubric"] == {"id": RUBRIC.id, "version": RUBRIC.version, "fingerprint": RUBRIC.fingerprint}
    assert (scope["judge"], scope["labels"], scope["labels_from"], scope["as_of"]) == (
        JUDGE,
        "human",
        "the run itself",
        "2026-01-01",
    )
    assert scope["tolerances"] == {"depth": 0.25}


# ELLIPSE: 2,571 real essays with one consensus score each; the judge is scripted and reads only their length


@pytest.mark.slow
def test_gaps_between_writers_of_ellipse_are_small_or_unknown_and_never_a_disparity(data_folder: Path, tmp_path: Path) -> None:
    shipped = jf.load_rubric("english_learner_essay")
    rubric = Rubric.model_validate(shipped.model_dump() | {"criteria": [shipped.criterion("overall").model_dump()]})
    cset = shipped_set("ellipse", data_folder)
    jf.validate(jf.compile_judge(rubric), cset, jf.models.scripted("length"), run=tmp_path, as_of="2026-01-01", n_resamples=FEW)
    found = estimate(tmp_path, n_resamples=FEW)
    answers = {(axis, group): v for v in found.verdicts for axis, group in v.population.items()}
    assert len(answers) == 1 + 5 + 1
    assert {v.answer for v in answers.values()} <= {"equivalent", "undetermined"}
    assert answers["gender", "Female"].answer == "equivalent"
    few = answers["race_ethnicity", "American Indian/Alaskan Native"]
    assert few.answer == "undetermined"
    assert "labelled scenarios, and an interval needs 25" in few.reasons[0]
    assert "more items" in few.settles or "at least 25 scenarios" in few.settles
    assert all(v.tolerance == 0.25 for v in answers.values())
    assert any("grade" in note and "not compared" in note for note in found.notes)
    assert estimator.MIN_LABELLED == 25


def test_groups_of_4_6_and_10_essays_are_undetermined(data_folder: Path, tmp_path: Path) -> None:
    cset = shipped_set("ellipse", data_folder)
    sizes = {"four": 4, "six": 6, "ten": 10, "many": 400}
    names = [name for name, n in sizes.items() for _ in range(n)]
    shipped = jf.load_rubric("english_learner_essay").model_dump()
    axis = {"axis": "dialect", "reference": "many", "groups": {name: {} for name in sizes}}
    criterion = next(c for c in shipped["criteria"] if c["id"] == "overall") | {"roles": {"dialect": "must_ignore"}}
    rubric = Rubric.model_validate(shipped | {"context": shipped["context"] | {"populations": [axis]}, "criteria": [criterion]})
    chosen = [Item(i.item_id, i.query, i.response, {"dialect": g}) for i, g in zip(cset.items, names, strict=False)]
    program = jf.compile_judge(rubric)
    jf.runs.judge(program, chosen, jf.models.scripted("length"), tmp_path)
    humans = cset.ratings[cset.ratings["item_id"].isin([i.item_id for i in chosen]) & (cset.ratings["criterion"] == "overall")]
    found = estimate(
        tmp_path, ratings=humans.assign(value=humans["code"])[["item_id", "criterion", "rater_id", "value"]], n_resamples=FEW
    )
    assert {v.population["dialect"]: v.answer for v in found.verdicts} == dict.fromkeys(("four", "six", "ten"), "undetermined")
    for verdict in found.verdicts:
        size = sizes[verdict.population["dialect"]]
        assert f"{size} labelled scenarios, and an interval needs 25" in verdict.reasons[0]
        assert verdict.settles
