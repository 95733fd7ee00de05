"""Do annotators learn nothing of what they must not know, and does what they hand back come in whole or not at all?

The runs are made up, and so are the annotators.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from judgefair.errors import InputError
from judgefair.estimation import annotating, estimate, load_estimation
from judgefair.estimation.annotating import Sample, export_sample, import_annotations
from judgefair.records import Item
from judgefair.runs import judge
from judgefair.runs.items import write_items
from judgefair.runs.labels import read_inclusion, read_raters, read_sampling
from judgefair.runs.tables import read_ratings
from judgefair.validation.store import load_validation
from tests.builders import armed_items, human_csv, planted_ratings, planted_rubric, planted_run, without_humans
from tests.pairs import PairJudge, pair_program, pair_rubric, pairs

FEW = 20
GROUPS = ("northern", "southern")
PROFILES = [{"dialect": group} for group in GROUPS]
RUBRIC = planted_rubric(*GROUPS)
SCALES = {"depth": RUBRIC.criterion("depth").scale}
SYSTEM = "acme-tutor"
Rows = list[dict[str, str]]
RATERS = "rater_id,role,town\nann,teacher,Ulm\nbob,librarian,Bonn\ncarl,,\n"
INVERSE = "Labelled items count by the inverse of the probability with which they were drawn for labelling."


def items_of_run() -> list[Item]:
    """Two arms of each group by each of two channels in 40 blocks, answered by a system whose name stands in every id."""
    items = armed_items(40, PROFILES, ("dialect", "situation"))
    return [replace(item, item_id=f"{SYSTEM}-{item.item_id}", meta={**item.meta, "target": SYSTEM}) for item in items]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Judged; no human has rated anything."""
    items = items_of_run()
    return planted_run(tmp_path / "run", RUBRIC, items, without_humans(planted_ratings(items, judge_noise=1.0)))


def key(run: Path, number: int = 1) -> dict[str, Any]:
    return json.loads((run / "annotation" / f"{number}.json").read_text("utf-8"))


def contents(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file() and p.name != ".lock"}


def said_by(rater: str, task_id: str) -> str:
    """A level that differs from task to task and from rater to rater."""
    return str(1 + (int(task_id[1:]) * (3 if rater == "ann" else 5)) % 7)


def fill(
    sheet: Path, out: Path, raters: Sequence[str] = ("ann", "bob"), change: Callable[[Rows], Rows] = lambda rows: rows
) -> Path:
    """The sheet as people hand it back: every row filled by every rater, in a spreadsheet that keeps the order of columns."""
    given = csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline=""))
    rows = [
        row | {"rater_id": rater, "depth": said_by(rater, row["task_id"]), "depth.reason": f"{rater} on {row['task_id']}"}
        for row in given
        for rater in raters
    ]
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(given.fieldnames or ()))
        writer.writeheader()
        writer.writerows(change(rows))
    return out


def given_out(run: Path, n: int = 60, **more: Any) -> Path:
    """Export as a sheet; where it is."""
    return next(path for path in export_sample(run, n, format="csv", **more).files if path.suffix == ".csv")


def raters_csv(folder: Path) -> Path:
    path = folder / "people.csv"
    path.write_text(RATERS, "utf-8")
    return path


# What goes out


@pytest.mark.parametrize("form", ["csv", "label-studio"])
def test_nothing_that_is_given_out_tells_of_population_arm_system_or_item(form: str, run: Path, tmp_path: Path) -> None:
    sample = export_sample(run, 40, format=form, out=tmp_path / "out")  # type: ignore[arg-type]
    everything = "\n".join(str(path.relative_to(tmp_path)) + path.read_bytes().decode("utf-8-sig") for path in sample.files)
    assert set(sample.files) == set((tmp_path / "out").iterdir())
    items = items_of_run()
    tells = {
        SYSTEM,
        "planted-judge",
        "northern",
        "southern",
        "neutral",
        "paraphrase",
        "dialect",
        "situation",
        "b00",
        "scenario-0",
        "r-b",
    }
    for item in items:
        tells |= {item.item_id, str(item.scenario_id), item.meta["arm"], item.meta["block"]}
        everything = everything.replace(item.query, "").replace(item.response, "")
    assert [tell for tell in tells if tell in everything] == []
    assert everything.count("t00001") >= 1


@pytest.mark.parametrize("form", ["csv", "label-studio"])
def test_every_text_goes_out_whole_under_its_task(form: str, run: Path, tmp_path: Path) -> None:
    sample = export_sample(run, 40, format=form, out=tmp_path / "out")  # type: ignore[arg-type]
    if form == "csv":
        text = (tmp_path / "out" / "sheet.csv").read_bytes().decode("utf-8-sig")
        told = {row["task_id"]: (row["query"], row["response"]) for row in csv.DictReader(io.StringIO(text, newline=""))}
    else:
        tasks = [task["data"] for task in json.loads((tmp_path / "out" / "tasks.json").read_text("utf-8"))]
        told = {task["task_id"]: (task["query"], task["response"]) for task in tasks}
    by_id = {item.item_id: item for item in items_of_run()}
    assert told == {task: (by_id[item].query, by_id[item].response) for task, item in key(run)["tasks"].items()}
    assert len(told) == sample.n == 40


def test_tasks_are_numbered_in_an_order_that_is_not_the_run_s(run: Path) -> None:
    given_out(run, 60)
    place = {item.item_id: k for k, item in enumerate(items_of_run())}
    order = [place[item_id] for item_id in key(run)["tasks"].values()]
    assert list(key(run)["tasks"]) == [f"t{k:05}" for k in range(1, 61)]
    assert order != sorted(order)
    # Neither blocks nor populations come one after the other: of 59 neighbours 29.5 have the same group, with sd 3.8.
    groups = [item_id.split("dialect=")[1].split(",")[0] for item_id in key(run)["tasks"].values()]
    same = sum(a == b for a, b in pairwise(groups))
    assert 15 < same < 44
    blocks = [re.findall(r"b\d{4}", item_id)[0] for item_id in key(run)["tasks"].values()]
    assert sum(a == b for a, b in pairwise(blocks)) < 12


def test_what_was_given_out_is_told_by_population(run: Path) -> None:
    sample = export_sample(run, 60)
    assert sample == Sample(1, sample.files, 60, {"dialect: northern": 30, "dialect: southern": 30})
    assert {path.parent for path in sample.files} == {run / "annotation" / "1"}


def test_the_key_stays_in_the_run(run: Path, tmp_path: Path) -> None:
    before = set(contents(run))
    sample = export_sample(run, 20, out=tmp_path / "out")
    assert set(contents(run)) - before == {"annotation/1.json"}
    assert set(key(run)["tasks"].values()) == set(key(run)["draw"]["items"])
    assert not any("1.json" in path.name for path in sample.files)


def test_worst_gap_follows_the_plans_of_the_last_estimate(run: Path, tmp_path: Path) -> None:
    items = items_of_run()
    kept = [item.item_id for item in items if item.populations.get("dialect") == "southern" or item.meta["block"] < "b0010"]
    ratings = planted_ratings(items, judge_noise=1.5)
    ratings = ratings[ratings["item_id"].isin(kept) | (ratings["rater_kind"] == "judge")]
    estimate(
        run,
        ratings=human_csv(ratings[ratings["item_id"].isin(i.item_id for i in items if i.populations)], tmp_path / "h.csv"),
        n_resamples=FEW,
    )
    (plan,) = load_estimation(run).plans  # type: ignore[union-attr]
    lacks = {group: max(plan.needed[group] - plan.now[group], 0) for group in GROUPS}
    assert lacks["northern"] > lacks["southern"]
    sample = export_sample(run, 20, allocation="worst-gap")
    wanted = 20 * lacks["northern"] / sum(lacks.values())
    assert sample.by_population["dialect: northern"] == pytest.approx(wanted, abs=1)
    assert wanted > 11


# One sample at a time


def test_a_second_sample_waits_for_the_first(run: Path, tmp_path: Path) -> None:
    sheet = given_out(run, 20)
    before = contents(run)
    with pytest.raises(
        InputError, match=r"annotation/1\.json: sample 1 has not come back yet\. Import it first .* deleting that file"
    ):
        given_out(run, 20)
    assert contents(run) == before
    import_annotations(run, fill(sheet, tmp_path / "back.csv"))
    assert given_out(run, 20).parent == run / "annotation" / "2"
    assert set(key(run, 1)["tasks"].values()).isdisjoint(key(run, 2)["tasks"].values())


def test_a_sample_that_was_given_up_can_be_drawn_again(run: Path) -> None:
    given_out(run, 20)
    given_up = key(run)
    (run / "annotation" / "1.json").unlink()
    given_out(run, 20)
    assert key(run) == given_up


def test_what_lies_beside_the_keys_is_not_taken_for_one(run: Path, tmp_path: Path) -> None:
    sample = export_sample(run, 20, out=run / "annotation")  # tasks.json stands beside 1.json
    assert (run / "annotation" / "tasks.json") in sample.files
    (run / "annotation" / "1.json").unlink()
    sheet = given_out(run, 20)
    import_annotations(run, fill(sheet, run / "annotation" / "back.csv"))


def test_a_broken_key_is_named(run: Path) -> None:
    given_out(run, 20)
    (run / "annotation" / "1.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match=r"annotation/1\.json: cannot be read .* restore it from a copy"):
        given_out(run, 20)


# What comes back


def test_what_two_raters_said_is_in_the_run(run: Path, tmp_path: Path) -> None:
    sheet = given_out(run, 60)
    done = import_annotations(run, fill(sheet, tmp_path / "back.csv"), raters_csv(tmp_path))
    assert done == (120, 60, 2)
    ratings = read_ratings(run, SCALES)
    humans = ratings[ratings["rater_kind"] == "human"]
    assert len(humans) == 120
    task_of = {item: task for task, item in key(run)["tasks"].items()}
    for row in humans.itertuples():
        assert row.code == row.expected == float(said_by(row.rater_id, task_of[row.item_id]))
        assert row.rationale == f"{row.rater_id} on {task_of[row.item_id]}"
        assert (row.criterion, row.missing, row.replicate) == ("depth", "", 0)
    assert (ratings["rater_kind"] == "judge").sum() == len(items_of_run())  # the judge's are as they were
    raters = pq.read_table(run / "raters.parquet").to_pylist()
    assert raters == [
        {"rater_id": "ann", "role": "teacher", "town": "Ulm"},
        {"rater_id": "bob", "role": "librarian", "town": "Bonn"},
        {"rater_id": "carl", "role": "", "town": ""},
    ]
    inclusion = read_inclusion(run)
    assert len(inclusion) == 160  # every item of the four arms
    assert set(inclusion.values()) == {15 / 40}
    assert set(key(run)["tasks"].values()) <= set(inclusion)
    assert key(run)["imported"] is True


def test_two_samples_add_up(run: Path, tmp_path: Path) -> None:
    for _ in range(2):
        import_annotations(run, fill(given_out(run, 40), tmp_path / "back.csv"))
    ratings = read_ratings(run, SCALES)
    assert ratings[ratings["rater_kind"] == "human"]["item_id"].nunique() == 80
    assert set(read_inclusion(run).values()) == {0.5}
    assert set(read_sampling(run)["drawn"].values()) == {20}


def test_a_rater_who_says_that_it_does_not_apply_is_kept_as_missing(run: Path, tmp_path: Path) -> None:
    def skip(rows: Rows) -> Rows:
        return [
            row | {"depth": "not_applicable"} if row["task_id"] == "t00003" and row["rater_id"] == "bob" else row for row in rows
        ]

    import_annotations(run, fill(given_out(run, 20), tmp_path / "back.csv", change=skip))
    ratings = read_ratings(run, SCALES)
    (found,) = ratings[(ratings["rater_kind"] == "human") & ratings["code"].isna()].itertuples()
    assert (found.item_id, found.rater_id, found.missing) == (key(run)["tasks"]["t00003"], "bob", "not_applicable")


def test_raters_keep_their_attributes_when_a_later_sample_comes_without(run: Path, tmp_path: Path) -> None:
    import_annotations(run, fill(given_out(run, 20), tmp_path / "back.csv"), raters_csv(tmp_path))
    import_annotations(run, fill(given_out(run, 20), tmp_path / "back.csv", ["bob", "dora"]))
    raters = read_raters(run, read_ratings(run, SCALES)).set_index("rater_id")
    assert raters["town"].to_dict() == {"ann": "Ulm", "bob": "Bonn", "dora": ""}
    more = tmp_path / "more.csv"
    more.write_text("rater_id,town,age\nbob,,old\ndora,Jena,young\n", "utf-8")
    import_annotations(run, fill(given_out(run, 20), tmp_path / "back.csv", ["bob", "dora"]), more)
    raters = read_raters(run, read_ratings(run, SCALES)).set_index("rater_id")
    assert raters["town"].to_dict() == {"ann": "Ulm", "bob": "Bonn", "dora": "Jena"}
    assert raters["age"].to_dict() == {"ann": "", "bob": "old", "dora": "young"}


def test_estimate_weighs_by_the_draw_and_says_so(run: Path, tmp_path: Path) -> None:
    assert not any("drawn" in note for note in estimate(run, n_resamples=FEW).notes)
    import_annotations(run, fill(given_out(run, 60), tmp_path / "back.csv"))
    found = estimate(run, n_resamples=FEW)
    assert INVERSE in found.notes
    assert not any("taken as drawn at random" in note for note in found.notes)
    assert found.plans[0].now == {"northern": 30, "southern": 30}
    assert found.scope["labels"] == "human"


def test_labels_without_a_draw_on_record_are_said_to_be_taken_as_random(run: Path, tmp_path: Path) -> None:
    items = [item for item in items_of_run() if item.populations]
    humans = human_csv(planted_ratings(items, labelled=30), tmp_path / "humans.csv")
    notes = estimate(run, ratings=humans, n_resamples=FEW).notes
    assert INVERSE not in notes
    assert any("taken as drawn at random" in note for note in notes)


def alignments(run: Path) -> dict[str, str]:
    found = [f for f in load_validation(run).findings if f.estimate.estimand == "rater_alignment"]
    return {
        f"{axis}: {group}": "" if f.estimate.is_defined else f.estimate.method
        for f in found
        for axis, group in (f.population or {}).items()
    }


def test_raters_attributes_reach_their_alignment_with_the_judge(run: Path, tmp_path: Path) -> None:
    estimate(run, n_resamples=FEW)  # a validation without labels stands there already
    import_annotations(run, fill(given_out(run, 60), tmp_path / "back.csv"), raters_csv(tmp_path))
    estimate(run, n_resamples=FEW)
    expected = {"rater.role: librarian": "", "rater.role: teacher": "", "rater.town: Bonn": "", "rater.town: Ulm": ""}
    assert alignments(run) == expected
    labelled = set(key(run)["tasks"].values())
    items = [item for item in items_of_run() if item.populations and item.item_id not in labelled]
    more = human_csv(planted_ratings(items, labelled=5), tmp_path / "more.csv")
    estimate(run, ratings=more, n_resamples=FEW)  # a table of ratings, of the same raters, knows no attributes
    assert alignments(run) == expected


# What is refused


def without_some(rows: Rows) -> Rows:
    return [row | ({} if row["task_id"] > "t00004" else {"depth": "", "depth.reason": ""}) for row in rows]


def without_rows(rows: Rows) -> Rows:
    return [row for row in rows if row["task_id"] != "t00007"]


def tampered(rows: Rows) -> Rows:
    return [row | ({"response": row["response"] + " More."} if row["task_id"] == "t00005" else {}) for row in rows]


def swapped(rows: Rows) -> Rows:
    """Ids of two tasks exchanged, as after sorting one column of a sheet."""
    other = {"t00001": "t00002", "t00002": "t00001"}
    return [row | {"task_id": other.get(row["task_id"], row["task_id"])} for row in rows]


def contradictory(rows: Rows) -> Rows:
    return [*rows, rows[0] | {"depth": str(1 + int(rows[0]["depth"]) % 7)}]


def off_scale(rows: Rows) -> Rows:
    return [row | ({"depth": "8"} if row["task_id"] == "t00002" else {}) for row in rows]


def unnamed(rows: Rows) -> Rows:
    return [row | ({"rater_id": ""} if row["task_id"] == "t00002" else {}) for row in rows]


def unasked(rows: Rows) -> Rows:
    return [*rows, rows[0] | {"task_id": "t00021"}]


REFUSED: Mapping[str, tuple[Callable[[Rows], Rows], str]] = {
    "blank rows": (without_some, r"back\.csv: 4 of 20 tasks have no annotation: t00001, t00002, t00003, t00004\."),
    "rows gone": (without_rows, r"back\.csv: 1 of 20 tasks have no annotation: t00007\."),
    "changed text": (tampered, r"back\.csv: row 10: the response is not the one that was given out: .* More\."),
    "ids moved": (swapped, r"back\.csv: row 2: the query is not the one that was given out"),
    "two answers": (contradictory, r"back\.csv: row 42: rater 'ann' has annotated task t00001 before, at .*back\.csv: row 2\."),
    "no level": (off_scale, r"back\.csv: row 4: rater 'ann' gave '8' on depth of task t00002"),
    "nobody": (unnamed, r"back\.csv: row 4: rater_id is empty"),
    "another task": (unasked, r"back\.csv: row 42: no task 't00021' was given out"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_sheet_that_is_not_whole_is_refused_by_name_and_nothing_of_it_kept(name: str, run: Path, tmp_path: Path) -> None:
    change, told = REFUSED[name]
    sheet = given_out(run, 20)
    back, before = fill(sheet, tmp_path / "back.csv", change=change), contents(run)
    with pytest.raises(InputError, match=told):
        import_annotations(run, back, raters_csv(tmp_path))
    assert contents(run) == before
    import_annotations(run, fill(sheet, tmp_path / "back.csv"), raters_csv(tmp_path))  # mended, it is taken


def test_a_sheet_of_another_run_is_refused(run: Path, tmp_path: Path) -> None:
    others = [replace(item, query=f"Is this {item.query}") for item in items_of_run()]
    other = planted_run(tmp_path / "other", RUBRIC, others, without_humans(planted_ratings(others)))
    given_out(run, 20)
    back, before = fill(given_out(other, 20), tmp_path / "back.csv"), contents(run)
    with pytest.raises(InputError, match=r"back\.csv: row 2: the query is not the one that was given out: found 'Is this"):
        import_annotations(run, back)
    assert contents(run) == before


def test_a_rater_of_whom_nothing_is_said_is_refused(run: Path, tmp_path: Path) -> None:
    back, before = fill(given_out(run, 20), tmp_path / "back.csv", ["ann", "bobby"]), contents(run)
    with pytest.raises(InputError, match=r"people\.csv: no row for rater 'bobby', who has annotated\. Did you mean 'bob'"):
        import_annotations(run, back, raters_csv(tmp_path))
    assert contents(run) == before


def test_annotations_of_items_that_have_changed_since_are_refused(run: Path, tmp_path: Path) -> None:
    back = fill(given_out(run, 20), tmp_path / "back.csv")
    first = key(run)["tasks"]["t00001"]
    for changed, told in (
        (
            [replace(i, response="Another answer.") if i.item_id == first else i for i in items_of_run()],
            "the response is not the one",
        ),
        ([i for i in items_of_run() if i.item_id != first], rf"drew '{first}', which is no item of the run any more \(1 such\)"),
    ):
        write_items(changed, run)
        before = contents(run)
        with pytest.raises(InputError, match=told):
            import_annotations(run, back)
        assert contents(run) == before


def test_a_sample_under_another_rubric_is_refused(run: Path, tmp_path: Path) -> None:
    back = fill(given_out(run, 20), tmp_path / "back.csv")
    planted_run(run, planted_rubric(*GROUPS, tolerance=0.5), items_of_run(), without_humans(planted_ratings(items_of_run())))
    before = contents(run)
    with pytest.raises(InputError, match="the sample was given out under another rubric"):
        import_annotations(run, back)
    assert contents(run) == before


def test_without_a_sample_there_is_nothing_to_import(run: Path, tmp_path: Path) -> None:
    sheet = given_out(run, 20)
    back = fill(sheet, tmp_path / "back.csv")
    import_annotations(run, back)
    before = contents(run)
    with pytest.raises(InputError, match=r"no sample is out\. Draw one with: judgefair annotate export .*run --n 200"):
        import_annotations(run, back)
    assert contents(run) == before


@pytest.mark.parametrize("labels", ["simulated", "constructed", "model"])
def test_people_s_labels_are_not_put_among_others(labels: str, tmp_path: Path) -> None:
    items = items_of_run()
    run = planted_run(tmp_path / "run", RUBRIC, items, planted_ratings(items), labels=labels)
    before = contents(run)
    told = rf"run: its labels are {labels}, and people's would stand among them"
    with pytest.raises(InputError, match=told):
        export_sample(run, 20)
    with pytest.raises(InputError, match=told):
        import_annotations(run, tmp_path / "back.csv")
    assert contents(run) == before


def test_a_form_that_there_is_not_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match=r"--format is 'labelstudio'\. Did you mean 'label-studio'\? Formats: label-studio, csv"):
        export_sample(run, 20, format="labelstudio")  # type: ignore[arg-type]


def test_a_folder_that_is_no_run_is_refused_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"program\.json"):
        export_sample(tmp_path / "nothing", 20)
    assert not (tmp_path / "nothing").exists()


def test_a_process_that_ends_in_the_middle_of_an_import_can_be_run_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = fill(given_out(run, 20), tmp_path / "back.csv")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("add_human_ratings", "write_raters", "record_draw", "write_json"):
        with monkeypatch.context() as patch:
            patch.setattr(annotating, name, killed)
            with pytest.raises(KeyboardInterrupt):
                import_annotations(run, back)
    assert import_annotations(run, back) == (40, 20, 2)
    ratings = read_ratings(run, SCALES)
    assert (ratings["rater_kind"] == "human").sum() == 40


# Two responses


def test_people_see_half_of_the_pairs_swapped_and_what_they_say_comes_back_in_the_items_order(tmp_path: Path) -> None:
    items, run = pairs(40), tmp_path / "run"
    judge(pair_program(), items, PairJudge(), run)
    sheet = given_out(run, 40, seed=3)
    swapped = key(run)["swapped"]
    assert len(swapped) == 20
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    by_id = {item.item_id: item for item in items}
    for row in rows:  # an honest rater, who reads what the sheet shows
        item = by_id[key(run)["tasks"][row["task_id"]]]
        shown = item.swapped if row["task_id"] in swapped else item
        assert row["response"] == f"First response:\n{shown.response}\n\nSecond response:\n{shown.second_response}"
        first, second = map(int, re.findall(r"\(serves (\d)\)", row["response"]))
        row |= {"rater_id": "ann", "better": "tie" if first == second else "one" if first > second else "other"}
    with (tmp_path / "back.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert import_annotations(run, tmp_path / "back.csv") == (40, 40, 1)
    said = read_ratings(run, {"better": pair_rubric().criteria[0].scale})
    of = {kind: dict(zip(mine["item_id"], mine["code"], strict=True)) for kind, mine in said.groupby("rater_kind")}
    assert of["human"] == of["judge"]  # the judge reads the same figures, in both orders


def test_one_sheet_does_not_show_pairs_beside_questions_on_one_response(tmp_path: Path) -> None:
    mixed = pair_rubric().model_copy(update={"criteria": [pair_rubric().criteria[0], RUBRIC.criteria[0]]})
    items = pairs(30)
    run = planted_run(tmp_path / "run", mixed, items, without_humans(planted_ratings(items)))
    with pytest.raises(InputError, match="some criteria compare two responses and some rate one, and one sheet cannot show both"):
        export_sample(run, 20)
