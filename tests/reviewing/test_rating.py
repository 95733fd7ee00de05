"""Do raters learn nothing that they must not know, and is what they say kept as they said it? Runs and raters are made up."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from judgefair.errors import InputError
from judgefair.estimation import estimate
from judgefair.estimation.annotating import export_sample
from judgefair.reviewing.app import Prefilled
from judgefair.reviewing.rating import answered_by, sample_out, save_answers
from judgefair.runs.folder import open_run, read_json
from judgefair.runs.items import read_run_items
from judgefair.runs.labels import read_raters, read_sampling
from judgefair.runs.tables import read_ratings
from judgefair.runs.texts import find_items
from tests.builders import (
    JUDGE,
    armed_items,
    planted_ratings,
    planted_rubric,
    planted_run,
    rated_as,
    tiny_rubric,
    without_humans,
)
from tests.pairs import pair_rubric, pairs
from tests.reviewing.conftest import GROUPS, HOSTILE, RUBRIC, SCALES, Client, judged_only

N = 6


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Judged; nobody has rated anything. System and populations stand in every id, arm and cue."""
    items = [
        replace(item, item_id=f"acme-{item.item_id}", meta={**item.meta, "target": "acme"})
        for item in armed_items(20, [{"dialect": group} for group in GROUPS], ("dialect", "situation"))
    ]
    return planted_run(tmp_path / "run", RUBRIC, items, without_humans(planted_ratings(items)))


def begin(asked, rater: str = "ann", n: int = N, **more: str):
    return asked.post("/rate", data={"token": asked.form_token, "rater": rater, "n": str(n), "allocation": "equal", **more})


def field(page: str, name: str) -> str:
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def answer(asked, page: str, **fields: str):
    """Send the form of a page; what comes back."""
    hidden = {name: field(page, name) for name in ("token", "rater", "task")}
    return asked.post("/rate/item", data={**hidden, "action": "save", **fields})


def of_task(run: Path, page: str) -> str:
    """The item of the page."""
    return sample_out(run).tasks[field(page, "task")]


def humans(run: Path, scales=SCALES):
    return read_ratings(run, scales, kind="human").set_index("item_id")


def test_a_rater_sees_query_response_question_and_anchors_and_nothing_else(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    page = begin(asked).text
    for _ in range(N):
        (item,) = find_items(fresh, [of_task(fresh, page)])
        shown = html.unescape(page)
        assert item.query in shown
        assert item.response in shown
        assert RUBRIC.criterion("depth").question in shown
        assert re.search(r"<strong>1</strong>\s*low", page)
        known = {*GROUPS, "dialect", "situation", "acme", "arm", "neutral", "paraphrase", JUDGE, "judge", "planted", "population"}
        words = set(re.findall(r"[a-z_-]+", shown.lower().replace(item.query.lower(), "").replace(item.response.lower(), "")))
        assert not known & words
        assert item.item_id not in page
        assert item.scenario_id not in page
        assert fresh.name not in re.findall(r"[a-z]+", html.unescape(re.search("<title>(.*?)</title>", page)[1]))
        page = answer(asked, page, **{"level-depth": "3"}).text
    assert "All items are rated" in page


def test_ratings_are_kept_at_once_beside_those_that_were_there(run: Path, client: Client) -> None:
    before, judged = humans(run), read_ratings(run, SCALES, kind="judge")
    asked = client(run)
    assert "Run judgefair estimate" not in asked.get("/").text
    page = begin(asked, "zoe").text
    first = of_task(run, page)
    page = answer(asked, page, **{"level-depth": "4", "reason-depth": "  It names\r\nthe shelf. \U0001f642 <b>"}).text
    second = of_task(run, page)
    page = answer(asked, page, **{"level-depth": "0"}).text
    after = humans(run)
    mine = after[after["rater_id"] == "zoe"]
    assert list(mine.index) == [first, second]
    assert list(mine["code"]) == [5.0, 1.0]
    assert mine["rationale"].iloc[0] == "It names\nthe shelf. \U0001f642 <b>"
    assert after[after["rater_id"] != "zoe"].equals(before)
    assert read_ratings(run, SCALES, kind="judge").equals(judged)
    assert f"2 of {N} rated or skipped by zoe." in page
    assert f"Run judgefair estimate {run} again" in html.unescape(asked.get("/").text)


def test_who_comes_back_goes_on_where_they_stopped_and_others_get_the_same_items_in_the_same_order(
    fresh: Path, client: Client
) -> None:
    asked = client(fresh)
    page = begin(asked).text
    order = list(sample_out(fresh).tasks)
    for _ in range(2):
        page = answer(asked, page, **{"level-depth": "2"}).text
    page = begin(client(fresh), n=3).text  # on another day; a sample is out, so that no other is drawn
    assert field(page, "task") == order[2]
    assert list(sample_out(fresh).tasks) == order
    assert field(begin(asked, "bob").text, "task") == order[0]


def test_a_pair_is_shown_swapped_half_of_the_time_and_kept_in_the_item_s_own_order(tmp_path: Path, client: Client) -> None:
    items, scales = pairs(12), {"better": pair_rubric().criterion("better").scale}
    run = planted_run(tmp_path / "run", pair_rubric(), items, rated_as(items, {JUDGE: [0.0] * 12}, "better"))
    asked = client(run)
    page = begin(asked, n=8).text
    shown_first = {}
    for place in range(8):
        item_id = of_task(run, page)
        first = re.search(r'First response</h2>\s*<p class="text" dir="auto">(.*?)</p>', page, re.DOTALL)[1]
        shown_first[item_id] = html.unescape(first)
        page = answer(asked, page, **{"level-better": "2" if place == 0 else "0"}).text  # a tie, then always the first shown
    kept = humans(run, scales)["code"]
    own = {item.item_id: item.response for item in items}
    swapped = [item_id for item_id, text in shown_first.items() if text != own[item_id]]
    assert len(swapped) == 4
    tie, *others = shown_first
    assert kept[tie] == 0
    assert {item_id: kept[item_id] for item_id in others} == {item_id: 1.0 if item_id in swapped else -1.0 for item_id in others}


def test_does_not_apply_skip_and_reasons_are_kept_as_what_they_are(tmp_path: Path, client: Client) -> None:
    rubric = tiny_rubric()
    scales = {criterion.id: criterion.scale for criterion in rubric.criteria}
    items = armed_items(4, [{"age": "adult"}, {"age": "child"}], others=False)
    run = planted_run(tmp_path / "run", rubric, items, rated_as(items, {JUDGE: [1.0] * 8}, "helpfulness"))
    asked = client(run)
    page = begin(asked, n=3).text
    assert page.count("Does not apply") == 1  # of two criteria, one says when
    one = of_task(run, page)
    page = answer(asked, page, **{"level-helpfulness": "not_applicable", "level-talks_down": "1"}).text
    two = of_task(run, page)
    page = answer(asked, page, action="skip").text
    kept = read_ratings(run, scales, kind="human").set_index(["item_id", "criterion"])
    assert kept.loc[(one, "helpfulness"), "missing"] == "not_applicable"
    assert kept.loc[(one, "talks_down"), "code"] == 1
    assert list(kept.loc[two, "missing"]) == ["not_rated", "not_rated"]
    assert kept["code"].notna().sum() == 1
    refused = answer(asked, page, **{"level-helpfulness": "0", "level-talks_down": "not_applicable"})
    assert refused.status_code == 422
    assert len(read_ratings(run, scales, kind="human")) == 4


@pytest.mark.parametrize("given", [{}, {"level-depth": "7"}, {"level-depth": "-1"}, {"level-depth": "1.0"}, {"level-depth": "²"}])
def test_an_answer_that_is_none_is_not_kept_and_what_was_written_stays(
    given: dict[str, str], fresh: Path, client: Client
) -> None:
    asked = client(fresh)
    page = begin(asked).text
    back = answer(asked, page, **given, **{"reason-depth": "because </textarea><b>"})
    assert back.status_code == 422
    assert field(back.text, "task") == field(page, "task")
    assert "Not saved yet: 1 of the questions below needs another look." in back.text
    assert "because &lt;/textarea&gt;&lt;b&gt;</textarea>" in back.text
    assert humans(fresh).empty


@pytest.mark.parametrize(
    ("given", "code", "missing"),
    [
        ({"level-depth": "71.5"}, 71.5, ""),
        ({"level-depth": "101"}, None, None),
        ({"level-depth": "nan"}, None, None),
        ({"apart-depth": "not_applicable", "level-depth": ""}, None, "not_applicable"),
        ({"apart-depth": "not_applicable", "level-depth": "3"}, None, None),
    ],
)
def test_a_number_on_an_interval_scale_lies_between_its_ends(
    given: dict[str, str], code: float | None, missing: str | None, tmp_path: Path, client: Client
) -> None:
    rubric = planted_rubric("a", "b", scale={"kind": "interval", "levels": {0: "none", 100: "all"}})
    items = armed_items(3, others=False)
    run = planted_run(tmp_path / "run", rubric, items, judged_only(items, 50.0))
    page = begin(client(run)).text
    assert 'type="number" step="any" min="0" max="100"' in page
    back = answer(client(run), page, **{**given, "token": field(page, "token")})
    assert back.status_code == 403  # of another server's page
    asked = client(run)
    back = answer(asked, begin(asked).text, **given)
    kept = read_ratings(run, {"depth": rubric.criterion("depth").scale}, kind="human")
    if missing is None:
        assert back.status_code == 422
        assert kept.empty
    else:
        assert kept["missing"].item() == missing
        assert kept["code"].item() == code or (code is None and kept["code"].isna().item())


def test_an_answer_can_be_given_again(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    page = begin(asked).text
    first = of_task(fresh, page)
    page = answer(asked, page, **{"level-depth": "2"}).text
    again = asked.get(html.unescape(re.search(r'<a href="([^"]*)">Answer the one before again', page)[1])).text
    assert of_task(fresh, again) == first
    page = answer(asked, again, **{"level-depth": "5"}).text
    assert humans(fresh)["code"].to_dict() == {first: 6.0}
    assert f"1 of {N} rated" in page


def test_the_draw_goes_on_record_once_somebody_has_been_through_it_and_estimates_weigh_by_it(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    page = begin(asked, n=16).text
    chosen = set(sample_out(fresh).tasks.values())
    for place in range(16):
        assert read_sampling(fresh) == {}
        page = answer(asked, page, **({"action": "skip"} if place == 7 else {"level-depth": str(place % 4)})).text
    recorded = read_sampling(fresh)
    assert set(recorded["items"]) == chosen
    assert sum(recorded["drawn"].values()) == 16
    items = {item.item_id: item for item in read_run_items(fresh)}
    assert {items[item_id].meta["arm"]: share for item_id, share in recorded["inclusion"].items()} == {
        arm: n / 20 for arm, n in recorded["drawn"].items()
    }
    assert "All items are rated" in page
    assert "Run judgefair estimate" in page
    notes = " ".join(estimate(fresh, n_resamples=50).notes)
    assert "by the inverse of the probability with which they were drawn" in notes
    assert "not among those drawn" not in notes


def test_a_sample_is_closed_only_when_somebody_has_been_through_it_and_the_next_has_other_items(
    fresh: Path, client: Client
) -> None:
    asked = client(fresh)
    page = begin(asked).text
    first = set(sample_out(fresh).tasks.values())
    early = asked.post("/rate/close", data={"token": asked.form_token, "number": "1"})
    assert early.status_code == 400
    assert f"nobody has been through all {N} items" in early.text
    with pytest.raises(InputError, match="sample 1 has not come back yet"):
        export_sample(fresh, 3)
    for _ in range(N):
        page = answer(asked, page, **{"level-depth": "2"}).text
    assert begin(asked, "bob").text.count("Rate this item")  # others still may
    asked.post("/rate/close", data={"token": asked.form_token, "number": field(page, "number")})
    assert sample_out(fresh) is None
    begin(asked)
    assert not first & set(sample_out(fresh).tasks.values())


def test_a_sample_that_was_exported_can_be_rated_here(fresh: Path, client: Client) -> None:
    export_sample(fresh, 5, seed=3)
    page = begin(client(fresh)).text
    key = read_json(fresh / "annotation" / "1.json")
    assert f"0 of {len(key['tasks'])} rated" in page
    assert field(page, "task") == next(iter(key["tasks"]))


def test_what_raters_say_of_themselves_is_kept_and_what_they_leave_out_later_stays(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    about = {
        "key-0": "first_language",
        "value-0": "Somali",
        "key-1": " role ",
        "value-1": "<b>teacher</b>",
        "key-2": "",
        "value-2": "x",
    }
    page = begin(asked, **about).text
    answer(asked, page, **{"level-depth": "2"})
    begin(asked, **{"key-0": "role", "value-0": "librarian"})
    raters = read_raters(fresh, read_ratings(fresh, SCALES)).set_index("rater_id")
    assert raters.loc["ann"].to_dict() == {"first_language": "Somali", "role": "librarian"}


def test_the_form_holds_what_the_command_line_said(fresh: Path, client: Client) -> None:
    page = client(fresh, Prefilled("eve", {"first_language": 'So"mali'})).get("/rate").text
    assert field(page, "rater") == "eve"
    assert (field(page, "key-0"), field(page, "value-0")) == ("first_language", 'So"mali')


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rater": " "}, "the rater's name is ''"),
        ({"rater": JUDGE}, f"'{JUDGE}' already rated this run, and was no human"),
        ({"rater": "a\x1bb"}, "Expected 1 to 100 characters"),
        ({"rater": "ann", "key-0": "rater_id", "value-0": "bob"}, "the attribute 'rater_id' cannot be kept"),
        ({"rater": "ann", "n": "1000"}, "--n is 1000, and 80 of the run's 80 answered items"),
        ({"rater": "ann", "n": "ten"}, "the number of items is 'ten'"),
        ({"rater": "ann", "allocation": "best"}, "the split is 'best'"),
    ],
)
def test_who_cannot_begin_is_told_why_and_nothing_is_kept(fields: dict[str, str], said: str, fresh: Path, client: Client) -> None:
    asked = client(fresh)
    back = asked.post("/rate", data={"token": asked.form_token, "n": "5", **fields})
    assert back.status_code == 400
    assert said in html.unescape(back.text)
    assert not (fresh / "annotation").exists()
    assert not (fresh / "raters.parquet").exists()


@pytest.mark.parametrize("labels", ["constructed", "model", "simulated"])
def test_a_run_whose_labels_are_no_people_s_is_looked_through_and_not_rated(labels: str, tmp_path: Path, client: Client) -> None:
    items = armed_items(5)
    asked = client(planted_run(tmp_path / "run", planted_rubric("a", "b"), items, planted_ratings(items), labels=labels))
    assert asked.get("/").status_code == 200
    for back in (asked.get("/rate"), begin(asked), asked.get("/rate/item?rater=ann")):
        assert back.status_code == 400
        assert f"its labels are {labels}, and people's would stand among them" in html.unescape(back.text)
    assert not (tmp_path / "run" / "annotation").exists()


def test_an_answer_for_a_sample_that_was_closed_meanwhile_or_a_task_that_is_none_is_refused(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    page = begin(asked).text
    back = answer(asked, page, **{"level-depth": "2", "task": "t99999"})
    assert back.status_code == 400
    with pytest.raises(InputError, match="closed or changed meanwhile"):
        save_answers(fresh, 2, field(page, "task"), "ann", None)
    assert asked.get("/rate/item?rater=ann&task=t99999").status_code == 400
    (fresh / "annotation" / "1.json").unlink()
    assert "How many items" in answer(asked, page, **{"level-depth": "2"}).text  # begins anew
    assert humans(fresh).empty


def test_while_another_process_works_in_the_run_nothing_is_kept_and_browsing_goes_on(fresh: Path, client: Client) -> None:
    asked = client(fresh)
    page = begin(asked).text
    with open_run(fresh):
        back = answer(asked, page, **{"level-depth": "2"})
        assert back.status_code == 400
        assert "another process is working in this run folder" in back.text
        assert asked.get("/").status_code == 200
    assert answer(asked, page, **{"level-depth": "2"}).status_code == 200
    assert answered_by(fresh, sample_out(fresh), "ann") == {"t00001"}


def test_hostile_texts_do_nothing_to_the_page_of_a_rater(tmp_path: Path, client: Client) -> None:
    items = [
        replace(item, query=HOSTILE[k % len(HOSTILE)], response=HOSTILE[-1 - k % len(HOSTILE)])
        for k, item in enumerate(armed_items(4, others=False))
    ]
    run = planted_run(tmp_path / "run", planted_rubric("a", "b"), items, judged_only(items))
    asked = client(run)
    page = begin(asked, rater='"><script>alert(1)</script>', n=8).text
    for _ in range(8):
        assert "<script" not in page
        assert "<img" not in page
        assert not set("\x00\x07\x1b\x9b\u202e") & set(page)
        page = answer(asked, page, **{"level-depth": "3"}).text
    assert "All items are rated" in page
