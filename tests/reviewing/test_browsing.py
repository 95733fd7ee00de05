"""Are the right items shown, in the right order, and all that is known of them?"""

import html
import re
from pathlib import Path

import pandas as pd
import pytest

from judgefair.reviewing.choosing import PAGE
from judgefair.runs.items import read_run_items
from judgefair.runs.tables import read_ratings
from judgefair.validation import find_validation, load_validation
from tests.builders import armed_items, planted_ratings, planted_rubric, planted_run, planted_validation
from tests.reviewing.conftest import CONTROL, HOSTILE, RUBRIC, SCALES, Client, judged_only


def ids(page: str) -> list[str]:
    """The items of a list, in its order."""
    return [html.unescape(found) for found in re.findall(r'<li><h2><a href="/item[^"]*">(.*?)</a></h2>', page)]


def listed(asked, address: str) -> list[str]:
    """The items of all pages."""
    found: list[str] = []
    while True:
        answer = asked.get(address)
        assert answer.status_code == 200, answer.text
        found += ids(answer.text)
        further = re.search(r'<a href="([^"]*)" rel="next">', answer.text)
        if further is None:
            return found
        address = html.unescape(further[1])


def told(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", re.search(r'<p role="status">(.*?)</p>', page, re.DOTALL)[1]).strip())


def wide(run: Path) -> pd.DataFrame:
    """A row an item: the code of each rater."""
    items = [item.item_id for item in read_run_items(run)]
    return read_ratings(run, SCALES).pivot(index="item_id", columns="rater_id", values="code").reindex(items)


def test_all_items_are_listed_in_the_order_of_the_table(examined: Path, client: Client) -> None:
    asked = client(examined)
    assert listed(asked, "/") == [item.item_id for item in read_run_items(examined)]
    assert len(ids(asked.get("/").text)) == PAGE
    assert told(asked.get("/?page=2").text) == "120 of 120 items, page 2 of 3."
    assert len(ids(asked.get("/?page=99").text)) == 20  # of the last page


def test_filters_choose_what_the_tables_say(examined: Path, client: Client) -> None:
    asked, items, codes = client(examined), read_run_items(examined), wide(examined)
    southern = [item.item_id for item in items if item.populations.get("dialect") == "southern"]
    assert listed(asked, "/?population=dialect: southern") == southern
    judge = codes["planted-judge"]
    assert listed(asked, "/?level=depth: 3") == list(judge.index[judge == 3])
    assert listed(asked, "/?missing=unparsable&criterion=depth") == list(judge.index[judge.isna()])
    rated = codes[["ann", "bob"]].notna().any(axis=1)
    assert listed(asked, "/?human=yes") == list(rated.index[rated])
    assert listed(asked, "/?human=no") == list(rated.index[~rated])
    assert listed(asked, "/?human=yes&population=dialect: southern") == [name for name in southern if rated[name]]
    assert "dialect: southern (30)" in asked.get("/").text
    assert "unparsable (2)" in asked.get("/").text


def test_the_items_on_which_judge_and_people_differ_most_come_first(examined: Path, client: Client) -> None:
    codes = wide(examined)
    apart = codes[["ann", "bob"]].sub(codes["planted-judge"], axis=0).abs().mean(axis=1).dropna()
    shown = listed(client(examined), "/?order=furthest")
    assert list(apart[shown]) == sorted(apart, reverse=True)
    assert len(shown) == len(apart) > 0
    assert f"{apart.max():.2f} apart" in client(examined).get("/?order=furthest").text


def test_populations_whose_gate_was_not_passed_can_be_chosen(examined: Path, client: Client) -> None:
    gate = load_validation(examined).gate
    failed = {check.population["dialect"] for check in gate if check.population and check.status != "passed"}
    assert "southern" in failed  # the judge made a gap of 1.5 points there
    expected = [item.item_id for item in read_run_items(examined) if item.populations.get("dialect") in failed]
    assert listed(client(examined), "/?gate=failed") == expected


def test_a_text_is_found_in_query_response_and_id_whatever_its_case(examined: Path, client: Client) -> None:
    asked, items = client(examined), read_run_items(examined)
    for text in ("ON SHELF 7,", "where is book 11 ", "R-B0004", "$x^2$", "<script>", ".*", "%"):
        wanted = [i.item_id for i in items if any(text.lower() in each.lower() for each in (i.item_id, *i.texts))]
        assert sorted(listed(asked, f"/?text={text.replace('%', '%25')}")) == sorted(wanted)
    assert told(asked.get("/?text=nowhere at all").text) == "0 of 120 items."


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/?criterion=dept", "criterion is 'dept'. Did you mean 'depth'?"),
        ("/?population=dialect: eastern", "population is 'dialect: eastern'"),
        ("/?page=0", "page is '0'. Expected a number from 1"),
        ("/?page=²", "page is '²'"),
        ("/item?id=nobody", "the run has no item 'nobody'"),
        ("/arms", "the run has no item ''"),
    ],
)
def test_an_address_that_names_what_is_not_there_is_told(address: str, said: str, examined: Path, client: Client) -> None:
    answer = client(examined).get(address)
    assert answer.status_code == 400
    assert said in html.unescape(answer.text)


def test_an_item_shows_its_texts_ratings_and_anchors(examined: Path, client: Client) -> None:
    item = next(item for item in read_run_items(examined) if item.populations.get("dialect") == "southern")
    page = html.unescape(client(examined).get("/item", params={"id": item.item_id}).text)
    codes = wide(examined).loc[item.item_id]
    assert item.query in page
    assert "southern" in page
    for rater, kind in (("planted-judge", "judge"), ("ann", "human"), ("bob", "human")):
        assert f"<strong>{int(codes[rater])}</strong> by {rater} ({kind})" in page
    assert RUBRIC.criterion("depth").question in page
    assert '<dt>1</dt><dd dir="auto">low</dd>' in page
    assert page.index("by planted-judge") < page.index("by ann")


def test_previous_and_next_stay_within_the_filters(examined: Path, client: Client) -> None:
    asked = client(examined)
    wanted = listed(asked, "/?population=dialect: northern&order=furthest")
    link = re.search(r'<h2><a href="([^"]*)">', asked.get("/?population=dialect: northern&order=furthest").text)[1]
    walked = []
    while link:
        page = asked.get(html.unescape(link)).text
        walked.append(html.unescape(re.search("<h1>(.*?)</h1>", page)[1]))
        further = re.search(r'<a href="([^"]*)" rel="next">', page)
        link = further and further[1]
    assert walked == wanted
    assert f"{len(wanted)} of {len(wanted)} chosen items." in page
    assert 'rel="prev"' in page


def test_arms_stand_side_by_side_the_reference_first_and_placebos_last(examined: Path, client: Client) -> None:
    asked = client(examined)
    page = asked.get("/arms?id=r-b0003-neutral-0").text
    names = [html.unescape(name) for name in re.findall(r'<h2><a href="[^"]*">(.*?)</a></h2>', page)]
    assert names == ["dialect=northern, dialect", "dialect=southern, dialect", "neutral", "dialect=southern, dialect, paraphrase"]
    assert page.count("judge: ") == 4
    assert "4 arms of one scenario" in page
    assert 'arms?id=r-b0003-neutral-0">4 arms side by side' in asked.get("/item?id=r-b0003-neutral-0").text


def test_hostile_texts_are_shown_and_do_nothing(examined: Path, client: Client) -> None:
    asked = client(examined)
    for item in read_run_items(examined)[::5]:
        page = asked.get("/item", params={"id": item.item_id}).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "</style>" not in page
        assert 'onmouseover="' not in page
        assert not set("\x00\x07\x0c\x1b\x7f\x9b\u202e\u2066") & set(page)
    assert "&lt;script&gt;alert" in asked.get("/item", params={"id": "r-b0000-dialect=southern, dialect-0"}).text
    echoed = asked.get("/", params={"text": HOSTILE[0]}).text
    assert HOSTILE[0] not in echoed
    assert html.escape(HOSTILE[0], quote=False)[:20] in echoed


def test_a_population_whose_name_holds_control_characters_can_be_chosen(tmp_path: Path, client: Client) -> None:
    items = armed_items(3, [{"dialect": "a"}, {"dialect": CONTROL}], others=False)
    asked = client(planted_run(tmp_path / "run", planted_rubric("a", CONTROL), items, judged_only(items)))
    offered = re.search(r'value="(dialect: south[^"]*)"', asked.get("/").text)[1]
    shown = asked.get("/", params={"population": html.unescape(offered)}).text
    assert told(shown) == "3 of 6 items."


def test_labels_that_no_human_gave_are_said_to_be_so(tmp_path: Path, client: Client) -> None:
    items = armed_items(10)
    planted_validation(tmp_path / "run", planted_rubric("a", "b"), items, planted_ratings(items), labels="constructed")
    for address in ("/", "/item?id=r-b0000-neutral-0", "/arms?id=r-b0000-neutral-0"):
        assert "no human rated these items" in client(tmp_path / "run").get(address).text


def test_ratings_without_a_rubric_can_be_looked_through_and_not_be_rated(tmp_path: Path, client: Client) -> None:
    import judgefair as jf

    rows = [
        {"item_id": f"i{k}", "rater_id": rater, "value": 1 + (k + j) % 5, "pop.region": "ns"[k % 2], "query": f"Q{k}", "response": "R"}
        for k in range(8) for j, rater in enumerate(("gpt", "ann"))
    ]  # fmt: skip
    validation = jf.validate_ratings(pd.DataFrame(rows), "gpt", "ordinal:1-5", n_resamples=20, as_of="2026-01-01")
    from judgefair.validation.store import save_validation

    save_validation(validation, tmp_path)
    asked = client(tmp_path)
    assert told(asked.get("/?population=region: n").text) == "4 of 8 items."
    assert asked.get("/item?id=i3").status_code == 200
    assert "has no program.json" in asked.get("/rate").text


def test_pairs_show_both_responses_and_what_was_said_in_each_order(tmp_path: Path, client: Client) -> None:
    from judgefair.runs import judge
    from tests.pairs import PairJudge, pair_program, pairs

    judge(pair_program(), pairs(4), PairJudge(follows=1.0), tmp_path / "run")
    page = html.unescape(client(tmp_path / "run").get("/item?id=p000").text)
    assert "First response</h2>" in page
    assert "Second response</h2>" in page
    assert "responses as written" in page
    assert "responses swapped" in page
    assert client(tmp_path / "run").get("/").status_code == 200


def test_what_is_shown_follows_the_files(run: Path, client: Client) -> None:
    asked = client(run)
    before = told(asked.get("/?human=yes").text)
    humans = find_validation(run).ratings
    from judgefair.runs.tables import add_human_ratings

    add_human_ratings(humans[humans["rater_id"] == "nobody"].astype({"code": float}), SCALES, run)
    assert before != told(asked.get("/?human=yes").text) == "0 of 120 items."
    assert "Run judgefair estimate" in asked.get("/").text
