"""Are pairs judged in both orders, paid for once, and kept so that each order can be told? The pairs and judges are made up."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from judgefair.calibration import ItemsFile
from judgefair.errors import InputError
from judgefair.records import Item, Missing
from judgefair.runs import judge
from judgefair.runs.items import ITEMS, read_run_items
from judgefair.runs.pairs import Paired
from judgefair.runs.shown import show_item
from judgefair.runs.tables import RATINGS, read_ratings
from tests.builders import judgefair, run_here, tiny_items, tiny_program
from tests.pairs import PairJudge, as_row, pair, pair_program, pair_rubric, pairs

SCALES = {"better": pair_rubric().criteria[0].scale}


def judged(items: Sequence[Item], model: PairJudge, run: Path, *, allows_tie: bool = True, **more: object) -> list[dict]:
    judge(pair_program(allows_tie=allows_tie), items, model, run, **more)  # type: ignore[arg-type]
    return pq.read_table(run / RATINGS).to_pylist()


def test_a_consistent_judge_gives_the_level_of_both_orders(tmp_path: Path) -> None:
    model = PairJudge()
    rows = judged([pair(0, 3, 1), pair(1, 1, 3), pair(2, 2, 2)], model, tmp_path / "run")
    assert [row["value"] for row in rows] == ["one", "other", "tie"]
    assert [(row["as_written"], row["swapped"]) for row in rows] == [("one", "one"), ("other", "other"), ("tie", "tie")]
    assert [row["distribution"] for row in rows] == [None] * 3
    assert len(model.bodies) == 6


def test_a_judge_that_takes_what_is_shown_first_gives_ties_whose_mean_favours_nobody(tmp_path: Path) -> None:
    rows = judged(pairs(6), PairJudge(follows=1.0), tmp_path / "run")
    assert {(row["value"], row["as_written"], row["swapped"]) for row in rows} == {("tie", "one", "other")}
    assert {tuple(sorted(row["distribution"])) for row in rows} == {(("one", 0.5), ("other", 0.5))}
    frame = read_ratings(tmp_path / "run", SCALES)
    assert set(frame["expected"]) == {0.0}
    assert (set(frame["as_written"]), set(frame["swapped"])) == ({-1.0}, {1.0})


def test_without_a_tie_such_a_judge_has_no_level_and_a_mean(tmp_path: Path) -> None:
    rows = judged(pairs(4), PairJudge(follows=1.0), tmp_path / "run", allows_tie=False)
    assert {(row["value"], row["missing"]) for row in rows} == {(None, None)}
    frame = read_ratings(tmp_path / "run", {"better": pair_rubric(allows_tie=False).criteria[0].scale})
    assert np.isnan(frame["code"]).all()
    assert set(frame["expected"]) == {0.0}


def test_replicates_are_each_judged_in_both_orders(tmp_path: Path) -> None:
    model = PairJudge()
    rows = judged(pairs(3), model, tmp_path / "run", replicates=2)
    assert [(row["item_id"], row["replicate"]) for row in rows] == [(f"p{k:03}", r) for k in range(3) for r in (0, 1)]
    assert len(model.bodies) == 12


def test_where_one_order_has_no_answer_the_rating_is_missing_and_the_other_order_is_kept(tmp_path: Path) -> None:
    item = pair(0, 3, 1)
    first_shown = pair_program().prompts["better"].last_message(item).partition("second_response")[0][-60:]
    (row,) = judged([item], PairJudge(mute_if=first_shown), tmp_path / "run")
    assert (row["value"], row["missing"]) == (None, "unparsable")
    assert (row["as_written"], row["swapped"]) == (None, "one")
    assert row["rationale"].startswith("with the responses as they are: level '?' is not one of")


def test_an_item_without_an_answer_of_either_system_is_put_to_no_judge(tmp_path: Path) -> None:
    model = PairJudge()
    (row,) = judged([replace(pair(0, 3, 1), no_response=Missing("refused"))], model, tmp_path / "run")
    assert (row["missing"], model.bodies) == ("refused", [])


def test_the_same_again_asks_nothing_and_one_changed_response_both_orders(tmp_path: Path) -> None:
    items, model = pairs(5), PairJudge()
    before = judged(items, model, tmp_path / "run")
    assert judged(items, model, tmp_path / "run") == before
    assert len(model.bodies) == 10
    changed = [*items[:4], replace(items[4], second_response="In the cellar (serves 3).")]
    after = judged(changed, model, tmp_path / "run")
    assert len(model.bodies) == 12
    assert after[:4] == before[:4]


def test_an_item_with_one_response_is_refused_before_anything_is_asked_or_written(tmp_path: Path) -> None:
    model = PairJudge()
    with pytest.raises(InputError, match="item 'i01' has one response, and the rubric compares two"):
        judged([*pairs(3), *tiny_items(1)], model, tmp_path / "run")
    assert model.bodies == []
    assert not (tmp_path / "run" / ITEMS).exists()


def test_contestants_are_two_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"item 'p000': meta.contestants is 'a, b'. Expected a list of two names"):
        judged([pair(0, 1, 2, meta={"contestants": "a, b"})], PairJudge(), tmp_path / "run")


def test_pairs_and_items_with_one_response_lie_in_one_table(tmp_path: Path) -> None:
    items = [*tiny_items(2), *pairs(2)]
    judge(tiny_program(), items, _mute(), tmp_path / "run")
    assert read_run_items(tmp_path / "run") == items


def test_pairs_are_read_from_a_file(tmp_path: Path) -> None:
    items = [pair(0, 1, 2, meta={"contestants": ["old", "new"]}), pair(1, 1, 2)]
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(as_row(item)) + "\n" for item in items), "utf-8")
    assert list(ItemsFile(path)) == items


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"second_response": 7}, r"items.jsonl:2: second_response is 7. Expected text or null"),
        ({"meta": {"contestants": ["old"]}}, r"items.jsonl:2: meta.contestants is \['old'\]. Expected a list of two names"),
    ],
)
def test_a_bad_pair_in_a_file_is_named_by_its_line(change: dict, told: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(as_row(pair(0, 1, 2))) + "\n" + json.dumps(as_row(pair(1, 1, 2)) | change) + "\n", "utf-8")
    with pytest.raises(InputError, match=told):
        list(ItemsFile(path))


def test_everything_about_a_pair_is_shown(tmp_path: Path) -> None:
    judged(pairs(2), PairJudge(follows=1.0), tmp_path / "run")
    found = show_item(tmp_path / "run", "p001")
    assert found["second_response"] == pairs(2)[1].second_response
    assert [(call["is_swapped"], call["reply"]["text"]) for call in found["calls"]] == [
        (False, '{"level": "one"}'), (True, '{"level": "one"}'),
    ]  # fmt: skip
    (rating,) = found["ratings"]
    assert (rating["value"], rating["as_written"], rating["swapped"]) == ("tie", "one", "other")


# Two systems


def answers(n: int, serves: int, system: str) -> list[Item]:
    return [
        Item(f"{system}-{k}", f"Where is book {k}?", f"Said by {system} (serves {serves}).", meta={"query_id": f"q{k}"})
        for k in range(n)
    ]


def test_answers_of_two_systems_to_the_same_queries_are_compared() -> None:
    old, new = answers(2, 1, "old"), answers(2, 3, "new")
    old[1] = replace(old[1], no_response=Missing("refused"))
    one, other = Paired(old, new, ("old", "new"))
    assert (one.item_id, one.response, one.second_response) == ("old-0", old[0].response, new[0].response)
    assert one.meta == {"query_id": "q0", "contestants": ["old", "new"]}
    assert other.no_response == Missing("refused")


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (
            answers(2, 3, "new")[::-1],
            "item 1: 'old-0' and 'new-1' do not answer the same query. Both have to list the same queries",
        ),
        (answers(1, 3, "new"), "item 2: the other has no more items"),
        (answers(3, 3, "new"), "item 3: the first has no more items"),
        ([replace(item, meta={"query_id": "q9"}) for item in answers(2, 3, "new")], "item 1: 'old-0' and 'new-0' do not answer"),
    ],
)
def test_answers_to_other_queries_are_not_compared(others: list[Item], told: str) -> None:
    with pytest.raises(InputError, match=told):
        list(Paired(answers(2, 1, "old"), others, ("old", "new")))


def test_the_command_compares_two_files_of_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, serves in (("old", 1), ("new", 3)):
        rows = [
            {"item_id": item.meta["query_id"], "query": item.query, "response": item.response}
            for item in answers(4, serves, name)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    pair_program().save(tmp_path / "program.json")
    line = judgefair(
        "judge", "--program", tmp_path / "program.json", "--items", tmp_path / "old.jsonl", "--against", tmp_path / "new.jsonl",
        "--model", "scripted:first", "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert run_here(line, monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == 8
    assert [item.meta["contestants"] for item in read_run_items(tmp_path / "run")] == [["old", "new"]] * 4
    assert {row["value"] for row in pq.read_table(tmp_path / "run" / RATINGS).to_pylist()} == {"tie"}  # it always says the first


def _mute() -> PairJudge:
    return PairJudge(mute_if="")
