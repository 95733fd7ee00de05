"""Is a changed rating laid to what differs by fingerprint, and to nothing where several things differ or nothing is recorded?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgefair as jf
from judgefair.comparison import Attribution, attribute, compare, comparison_document, comparison_report
from judgefair.comparison.held import read_run
from judgefair.compile import compile_judge
from judgefair.compile.program import JudgeProgram
from judgefair.records import Item
from judgefair.reporting.blocks import Table
from judgefair.rubric.rubric import Rubric
from judgefair.runs import items as run_items
from judgefair.runs import tables
from judgefair.runs.folder import PROGRAM, write_manifest
from judgefair.validation import save_validation
from tests.builders import JUDGE, planted_items, planted_rubric, rated_as
from tests.comparison.conftest import ratings_of, reader, rubric_of, set_of, validated
from tests.rubric.test_diff import edited

RUBRIC = planted_rubric("a", "b")
REWORDED = edited((("version",), "9.0.0"), (("criteria", 0, "question"), "How deep?"), base=RUBRIC)
ITEMS = planted_items(RUBRIC, 4)  # 8 items
OLD = [1, 2, 3, 4, 5, 6, 7, 1]
NEW = [1, 2, 3, 4, 5, 6, 6, 2]  # two of them
NAN = float("nan")


def run_of(
    run: Path,
    ratings: Sequence[float],
    *,
    rubric: Rubric = RUBRIC,
    program: JudgeProgram | None = None,
    items: Sequence[Item] = ITEMS,
    server: str = "http://here",
    system: Mapping[str, Any] | None = None,
    humans: Mapping[str, Sequence[float]] | None = None,
) -> Path:
    """A folder as `judge` leaves it, with whatever is said of who judged and who answered."""
    run.mkdir()
    used = program or compile_judge(rubric)
    used.save(run / PROGRAM)
    written = run_items.write_items(items, run)
    table = rated_as(items, {JUDGE: ratings, **(humans or {})})
    tables.write_coded(table, {criterion.id: criterion.scale for criterion in rubric.criteria}, run)
    content: dict[str, Any] = {
        "stage": "judge", "program": used.fingerprint, "model": {"name": JUDGE, "server": server},
        "items": {"n": written.n, "fingerprint": written.fingerprint},
    }  # fmt: skip
    write_manifest(run, content | ({"system": system} if system else {}), "2026-01-01")
    return run


def attributed(one: Path, other: Path) -> Attribution:
    return attribute(read_run(one), read_run(other))


def between(folder: Path, *, new: Sequence[float] = NEW, **changed: Any) -> Attribution:
    """From a run to one in which this is otherwise."""
    return attributed(run_of(folder / "old", OLD), run_of(folder / "new", new, **changed))


def with_examples(program: JudgeProgram) -> JudgeProgram:
    return replace(program, made_by={**program.made_by, "optimizer": "labeled_few_shot"})


def system(name: str) -> dict[str, str]:
    return {"id": name, "kind": "chat", "fingerprint": name * 12}


def test_a_rubric_alone_is_the_cause_though_the_program_made_of_it_differs_too(tmp_path: Path) -> None:
    found = between(tmp_path, rubric=REWORDED)
    assert (found.differ, found.causes, found.cause) == (("rubric", "program"), ("rubric",), "rubric")
    assert found.told == (
        "2 of 8 ratings changed; rubric and program differ, model and system are the same: the change is the rubric's."
    )
    (counted,) = found.ratings
    assert (counted.criterion, counted.n, counted.n_changed, counted.n_lost, counted.n_gained) == ("depth", 8, 2, 0, 0)


@pytest.mark.parametrize(
    ("changed", "cause", "told"),
    [
        (
            {"program": with_examples(compile_judge(RUBRIC))},
            "program",
            "program differs, rubric, model and system are the same: the change is the program's.",
        ),
        (
            {"server": "http://there"},
            "model",
            "model differs, rubric, program and system are the same: the change is the model's.",
        ),
        (
            {"items": [replace(item, response="Otherwise.") for item in ITEMS]},
            None,  # who answered is not recorded, and may have been another system
            "items differ, rubric, program and model are the same: the change is that of the judged texts, unless system changed too, "
            "of which nothing is recorded.",
        ),
    ],
)
def test_one_thing_that_differs_is_the_cause(changed: dict[str, Any], cause: str | None, told: str, tmp_path: Path) -> None:
    found = between(tmp_path, **changed)
    assert found.cause == cause
    assert found.told == f"2 of 8 ratings changed; {told}"


def test_another_system_is_the_cause_of_what_its_answers_are_rated(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", OLD, system=system("a"))
    answers = [replace(item, response="Another answer.") for item in ITEMS]
    found = attributed(one, run_of(tmp_path / "other", NEW, items=answers, system=system("b")))
    assert (found.differ, found.cause) == (("system", "items"), "system")
    assert "the change is the system's" in found.told


def test_other_answers_of_one_system_are_a_cause_of_their_own(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", OLD, system=system("a"))
    answers = [replace(item, response="Another answer.") for item in ITEMS]
    found = attributed(one, run_of(tmp_path / "other", NEW, items=answers, system=system("a")))
    assert (found.differ, found.cause) == (("items",), "items")


@pytest.mark.parametrize(
    ("changed", "causes"),
    [
        ({"rubric": REWORDED, "server": "http://there"}, ("rubric", "model")),
        ({"rubric": REWORDED, "program": with_examples(compile_judge(REWORDED))}, ("rubric", "program")),
    ],
)
def test_several_that_differ_cannot_be_told_apart(changed: dict[str, Any], causes: tuple[str, ...], tmp_path: Path) -> None:
    found = between(tmp_path, **changed)
    assert (found.causes, found.cause) == (causes, None)
    assert found.told.endswith("they cannot be told apart. Compare runs that differ in one of them.")


def test_where_nothing_differs_the_judge_said_otherwise(tmp_path: Path) -> None:
    found = between(tmp_path)
    assert (found.differ, found.cause) == ((), None)
    assert found.told == (
        "2 of 8 ratings changed; nothing that is recorded differs, rubric, program, model and system are the same: the judge said otherwise "
        "when it was asked again."
    )


def test_where_nothing_changed_there_is_nothing_to_lay_to_anything(tmp_path: Path) -> None:
    found = between(tmp_path, new=OLD, rubric=REWORDED)
    assert found.told.startswith("None of 8 ratings changed; rubric and program differ")
    assert found.told.endswith("there is nothing to lay to anything.")


def test_ratings_of_one_run_alone_are_counted_apart(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", OLD)
    other = run_of(tmp_path / "other", [NAN, 2, 3, 4, 5, 6, 7, NAN], rubric=REWORDED)
    assert (attributed(one, other).ratings[0].n, attributed(one, other).ratings[0].n_lost) == (6, 2)
    assert (attributed(other, one).ratings[0].n, attributed(other, one).ratings[0].n_gained) == (6, 2)
    assert attributed(one, other).told.startswith(
        "None of 6 ratings changed, and 2 are there in one run alone; rubric and program"
    )


def test_an_item_of_one_run_alone_counts_nowhere(tmp_path: Path) -> None:
    one, other = run_of(tmp_path / "one", OLD), run_of(tmp_path / "other", NEW[:-1], items=ITEMS[:-1], rubric=REWORDED)
    found = attributed(one, other)
    assert "items" in found.differ
    assert found.cause == "rubric"
    assert [(each.n, each.n_changed, each.n_lost) for each in found.ratings] == [(7, 1, 0)]


def test_runs_without_a_shared_item_have_nothing_to_tell(tmp_path: Path) -> None:
    others = [replace(item, item_id=f"other-{item.item_id}") for item in ITEMS]
    assert between(tmp_path, items=others).told.startswith("No item was rated in both runs")


def test_a_criterion_on_other_levels_is_not_counted(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", scale={"kind": "ordinal", "levels": {1: "low", **dict.fromkeys(range(2, 8)), 8: "high"}})
    assert list(between(tmp_path, rubric=rubric).ratings) == []


def test_other_human_labels_change_no_rating_of_the_judge(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", OLD, humans={"ann": OLD})
    found = attributed(one, run_of(tmp_path / "other", NEW, rubric=REWORDED, humans={"ann": [*OLD[:-1], 4]}))
    assert ("labels" in found.differ, found.cause) == (True, "rubric")
    assert "The human labels differ too: no changed rating is theirs" in found.told
    same = attributed(one, run_of(tmp_path / "third", NEW, rubric=REWORDED, humans={"ann": OLD}))
    assert "labels" in same.same
    assert "labels" in attributed(one, run_of(tmp_path / "fourth", NEW)).unknown


def test_of_tables_nothing_is_recorded_and_nothing_is_laid_to_anything(tmp_path: Path) -> None:
    folders = []
    for name, said in (("one", OLD), ("other", NEW)):
        table = rated_as(ITEMS, {JUDGE: said, "ann": OLD}).rename(columns={"code": "value"}).astype({"value": int})
        kept = table[["item_id", "criterion", "rater_id", "rater_kind", "value"]]
        validation = jf.validate_ratings(pd.DataFrame(kept), JUDGE, "ordinal:1-7", n_resamples=20, as_of="2026-01-01")
        save_validation(validation, tmp_path / name)
        folders.append(tmp_path / name)
    found = attributed(*folders)
    assert (found.causes, found.cause) == ((), None)
    assert set(found.unknown) == {"rubric", "program", "model"}
    assert "the change has no cause that is recorded, unless rubric, program and model changed too" in found.told


# In a comparison of runs


def test_two_runs_of_one_judge_on_the_same_items_say_what_their_changes_are_laid_to(tmp_path: Path) -> None:
    rubric = rubric_of("library")
    reworded = edited((("version",), "1.1.0"), (("criteria", 0, "question"), "How deep?"), base=rubric)
    cset = set_of("shelves", ratings_of("shelves"), rubric)
    one = validated(tmp_path / "one", reader("careful"), rubric, cset)
    other = validated(tmp_path / "other", reader("careful"), reworded, cset)
    found = compare([one, other], n_resamples=20)
    assert found.attribution == attributed(one, other)
    assert found.attribution is not None
    assert found.attribution.told.startswith("None of 100 ratings changed; rubric and program differ")
    report = comparison_report(found)
    (section,) = [section for section in report.sections if section.id == "attribution"]
    captions = [block.caption for block in section.blocks if isinstance(block, Table)]
    assert captions[0] == found.attribution.told
    assert comparison_document(found, report)["attribution"]["differ"] == ("rubric", "program")
    hasty = validated(tmp_path / "hasty", reader("hasty"), rubric, cset)
    elsewhere = validated(tmp_path / "desks", reader("careful"), rubric, set_of("desks", ratings_of("desks"), rubric))
    for runs in ([one, hasty], [one, other, hasty], [one, elsewhere]):
        assert compare(runs, n_resamples=20).attribution is None
