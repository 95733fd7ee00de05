"""Does each query get the answer that was recorded for it, and is a table that leaves it open refused by row?"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from judgefair.errors import InputError
from judgefair.records import Missing
from judgefair.targets import make_target
from tests.targets.conftest import query

LOG = Path(__file__).parent / "inspect_log.json"


def recorded(folder, **settings):
    return make_target("desk", "recorded", settings, folder)


def write(folder, name, text):
    (folder / name).write_text(text, "utf-8")
    return name


def refusal(folder, **settings):
    with pytest.raises(InputError) as caught:
        recorded(folder, **settings)
    return str(caught.value)


async def answer(target, asked, replicate=0):
    """The answer to a query whose turns all stand in the conversation; nobody is asked."""
    return await target.answer(asked, [{"role": "user", "content": turn} for turn in asked.turns], replicate, None)


async def said(target, *asked, replicate=0):
    return [getattr(found, "text", found) for found in [await answer(target, one, replicate) for one in asked]]


ATLAS, WHALES, LOST = (query(f"Where are {what}?", query_id=f"q-{what}") for what in ("maps", "whales", "keys"))
ROWS = [
    {"query_id": "q-maps", "query": "Where are maps?", "response": "Row 3.\nTop shelf, \"left\".", "replicate": 0},
    {"query_id": "q-maps", "query": "Where are maps?", "response": "Row 3, at the top.", "replicate": 1},
    {"query_id": "q-whales", "query": "Where are whales?", "response": "599", "replicate": 0},
]  # fmt: skip


# Tables


@pytest.mark.parametrize("join", ["query_id", "query"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
async def test_answers_are_joined_by_id_or_by_text_and_replicate(tmp_path, suffix, join):
    frame = pd.DataFrame(ROWS).drop(columns={"query_id": "query", "query": "query_id"}[join])
    name = f"answers.{suffix}"
    match suffix:
        case "csv" | "tsv":
            frame.to_csv(tmp_path / name, index=False, sep={"csv": ",", "tsv": "\t"}[suffix])
        case "jsonl":
            frame.to_json(tmp_path / name, orient="records", lines=True)
        case "parquet":
            frame.to_parquet(tmp_path / name)
    target = recorded(tmp_path, path=name)
    assert await said(target, ATLAS, WHALES) == ['Row 3.\nTop shelf, "left".', "599"]
    assert await said(target, ATLAS, WHALES, LOST, replicate=1) == ["Row 3, at the top.", *[Missing("not_rated")] * 2]


async def test_the_id_decides_where_both_are_there(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,query,response\nq-maps,Where are keys?,By id.\n")
    assert await said(recorded(tmp_path, path=path), ATLAS, LOST) == ["By id.", Missing("not_rated")]


async def test_text_is_joined_exactly_and_turns_by_an_empty_line(tmp_path):
    rows = [{"query": "I am new.\n\nWhere are maps?", "response": "Row 3."}, {"query": "Where are maps? ", "response": "No."}]
    path = write(tmp_path, "a.jsonl", "\n".join(json.dumps(row) for row in rows))
    target = recorded(tmp_path, path=path)
    assert await said(target, query("I am new.", "Where are maps?"), ATLAS) == ["Row 3.", Missing("not_rated")]


async def test_columns_of_other_names_are_found(tmp_path):
    path = write(tmp_path, "a.csv", "prompt,gpt,llama,n\nWhere are maps?,Row 3.,Row 4.,\nWhere are maps?,Row 5.,Row 6.,1.0\n")
    columns = {"query": "prompt", "response": "llama", "replicate": "n"}
    target = recorded(tmp_path, path=path, columns=columns)
    assert await said(target, ATLAS) + await said(target, ATLAS, replicate=1) == ["Row 4.", "Row 6."]


async def test_a_query_without_a_row_has_no_recorded_answer(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,response\nq-maps,Row 3.\n")
    missing = await answer(recorded(tmp_path, path=path), LOST)
    assert (missing, missing.detail) == (Missing("not_rated"), "no recorded answer")


async def test_a_reason_in_the_table_is_kept_with_what_was_said(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,response,missing\nq-maps,I cannot say.,refused\nq-keys,,backend_failure\n")
    target = recorded(tmp_path, path=path)
    found = [await answer(target, one) for one in (ATLAS, LOST)]
    assert [(missing, missing.detail) for missing in found] == [
        (Missing("refused"), "I cannot say."),
        (Missing("backend_failure"), ""),
    ]


async def test_one_answer_stands_for_all_turns_of_a_query_and_none_for_some(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,response\nq-two,Row 3.\n")
    target, two = recorded(tmp_path, path=path), query("I am new.", "Where are maps?", query_id="q-two")
    assert target.answers_whole_query
    assert await said(target, two) == ["Row 3."]
    user = [{"role": "user", "content": turn} for turn in (*two.turns, "Thanks. And the keys?")]
    system = {"role": "assistant", "content": "Welcome."}
    assert (await target.answer(two, (user[0], system, user[1]), 0, None)).text == "Row 3."
    for conversation in (user[:1], user):
        missing = await target.answer(two, conversation, 0, None)
        assert (missing, missing.detail[:18]) == (Missing("not_rated"), "no recorded answer")


async def test_a_row_that_stands_twice_alike_is_one_answer(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,response\nq-maps,Row 3.\nq-maps,Row 3.\n")
    assert await said(recorded(tmp_path, path=path), ATLAS) == ["Row 3."]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "a.csv",
            "query_id,response\nq1,a\nq2,b\nq1,c\n",
            "rows 2 and 4 both answer query_id 'q1', replicate 0, and differ. Keep one of them, or number them in a column replicate",
        ),
        ("a.jsonl", '{"query": "x", "response": "a"}\n{"query": "x", "response": "b"}', "rows 1 and 2 both answer query 'x'"),
        ("a.csv", "query_id,response,missing\nq1,a,\nq1,a,refused\n", "rows 2 and 3 both answer query_id 'q1', replicate 0"),
        ("a.csv", f"query,response\n{'x' * 80},a\n{'x' * 80},b\n", f"answer query '{'x' * 57}...', replicate 0"),
        ("a.csv", "query_id,response\nq1,a\nq2, \n", "row 3, column response is empty, and no reason stands in a column missing"),
        ("a.jsonl", '{"query_id": "q", "response": null}', "row 1, column response is empty"),
        (
            "a.csv",
            "query_id,response,missing\nq1,,lost\n",
            "row 2, column missing: 'lost' is no reason. Expected one of: not_app",
        ),
        ("a.csv", "query_id,response,missing\nq1,,refusd\n", "'refusd' is no reason. Did you mean 'refused'?"),
        ("a.csv", "query_id,response\n,a\n", "row 2, column query_id is empty, and answers are joined by it"),
        ("a.csv", "query_id,response,replicate\nq1,a,one\n", "row 2, column replicate: 'one' is no whole number from 0"),
        ("a.csv", "query_id,response,replicate\nq1,a,-1\n", "'-1' is no whole number from 0"),
        ("a.csv", "query_id,response,replicate\nq1,a,0.5\n", "'0.5' is no whole number from 0"),
        ("a.csv", "query_id,response,replicate\nq1,a,²\n", "'²' is no whole number from 0"),
        ("a.csv", "query_id,response\n", "no answers, only a header"),
        (
            "a.csv",
            "query_id,respones\nq1,a\n",
            "no column 'response' for response. Did you mean 'respones'? Found: query_id, respones.",
        ),
        ("a.csv", "prompt,response\nx,a\n", "neither a column query_id nor a column query to join by. Found: prompt, response"),
        ("a.txt", "hello", "'.txt' is no table"),
        ("a.json", '[{"query": "x", "response": "a"}]', "no samples in it. Expected an inspect_ai log"),
        ("a.json", '{"query": "x"}\n{"query": "y"}', "not JSON (Extra data: "),
        ("a.json", '{"samples": [{"id": 1, "epoch": 1}]}', "sample 1 is not as inspect_ai writes it (KeyError: 'input')"),
    ],
)
def test_a_table_that_leaves_an_answer_open_is_refused(tmp_path, name, text, told):
    words = refusal(tmp_path, path=write(tmp_path, name, text))
    assert words.startswith(f"{tmp_path / name}: ")
    assert told in words


def test_a_column_that_is_named_and_not_there_is_refused(tmp_path):
    path = write(tmp_path, "a.csv", "query_id,gpt_answer,n\nq1,a,0\n")
    told = refusal(tmp_path, path=path, columns={"response": "gpt_anwser"})
    assert "no column 'gpt_anwser' for response. Did you mean 'gpt_answer'? Found: query_id, gpt_answer, n" in told
    assert "no column 'replica' for replicate" in refusal(tmp_path, path=path, columns={"response": "n", "replicate": "replica"})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "target 'desk': expected exactly one of path (a file) and hub (a data set)"),
        ({"path": "a.csv", "hub": "desk/answers"}, "expected exactly one of path"),
        ({"path": "a.csv", "split": "test"}, "revision and split belong to a hub data set, and path is a file"),
        ({"path": "a.csv"}, "a.csv: no such file"),
        ({"path": "a.json"}, "a.json: no such file"),
        ({"path": "a.csv", "columns": {"question": "q"}}, "columns.question is 'question'."),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(tmp_path, settings, told):
    assert told in refusal(tmp_path, **settings)


def test_the_file_and_which_column_is_read_decide_the_fingerprint(tmp_path):
    text = "query_id,response,other\nq-maps,Row 3.,Row 4.\n"
    first = recorded(tmp_path, path=write(tmp_path, "a.csv", text))
    assert first.settings == {"kind": "recorded", "file": hashlib.sha256(text.encode()).hexdigest(), "columns": {}}
    assert recorded(tmp_path, path=write(tmp_path, "b.csv", text)).fingerprint == first.fingerprint
    assert recorded(tmp_path, path="a.csv", columns={"response": "other"}).fingerprint != first.fingerprint
    assert recorded(tmp_path, path=write(tmp_path, "a.csv", text + "q-keys,No.,No.\n")).fingerprint != first.fingerprint


# Data sets


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "desk_answers"
    folder.mkdir()
    pd.DataFrame(ROWS).to_csv(folder / "train.csv", index=False)
    pd.DataFrame(ROWS[2:]).to_csv(folder / "test.csv", index=False)
    return folder


async def test_a_data_set_is_read_by_its_split(tmp_path, hub):
    train, test = recorded(tmp_path, hub="desk_answers"), recorded(tmp_path, hub="desk_answers", split="test")
    assert await said(train, ATLAS, WHALES) == ['Row 3.\nTop shelf, "left".', "599"]
    assert await said(test, ATLAS, WHALES) == [Missing("not_rated"), "599"]
    named = {name: value for name, value in test.settings.items() if name != "answers"}
    assert named == {"kind": "recorded", "hub": "desk_answers", "revision": None, "split": "test", "columns": {}}
    assert train.settings["answers"] != test.settings["answers"]


def test_a_data_set_that_changed_under_its_name_is_another_system(tmp_path, hub):
    first = recorded(tmp_path, hub="desk_answers")
    assert recorded(tmp_path, hub="desk_answers").fingerprint == first.fingerprint
    pd.DataFrame(ROWS[1:]).to_csv(hub / "train.csv", index=False)
    assert recorded(tmp_path, hub="desk_answers").fingerprint != first.fingerprint


def test_a_split_that_is_not_there_is_told(tmp_path, hub):
    told = refusal(tmp_path, hub="desk_answers", split="dev")
    assert told.startswith("desk_answers: could not be loaded (ValueError: ")
    assert told.endswith("Check hub, revision and split (dev)")


# Logs of inspect_ai 0.3.285, run on its mockllm model with two epochs


IN_LOG = {
    "q-atlas": ("Where is the atlas?",),
    "q-whales": ("I am writing about whales.", "Which shelf has books on them?"),
    "q-borrower": ("Who borrowed it before me?",),
    "q-silence": ("Say nothing.",),
    "q-open": ("Is the desk open?",),
}
IN_WORDS = ["Row 3, top shelf.", "Shelf 599, by the window.", *map(Missing, ("refused", "unparsable", "backend_failure"))]


async def test_samples_of_a_log_are_joined_by_the_query_id_in_their_metadata():
    target = recorded(LOG.parent, path=LOG.name)
    asked = [query(*turns, query_id=query_id) for query_id, turns in IN_LOG.items()]
    assert await said(target, *asked) == IN_WORDS
    assert await said(target, *asked[:2], replicate=1) == ["Row 3, at the top.", Missing("not_rated")]
    refused, _, failed = [(await answer(target, one)).detail for one in asked[2:]]
    assert (refused, failed) == ("That is private.", "RuntimeError('the desk is closed')")


@pytest.fixture
def without_query_ids(tmp_path):
    log = json.loads(LOG.read_text("utf-8"))
    for sample in log["samples"]:
        sample["metadata"] = {}
    return write(tmp_path, "log.json", json.dumps(log))


async def test_samples_without_a_query_id_are_joined_by_what_the_user_said(tmp_path, without_query_ids):
    target = recorded(tmp_path, path=without_query_ids)
    assert await said(target, *(query(*turns, query_id="another") for turns in IN_LOG.values())) == IN_WORDS


async def test_the_samples_own_ids_can_be_named_as_query_ids(tmp_path, without_query_ids):
    target = recorded(tmp_path, path=without_query_ids, columns={"query_id": "id"})
    assert await said(target, query("?", query_id="desk-1"), query("?", query_id="desk-2")) == IN_WORDS[:2]


async def test_half_a_surrogate_pair_in_a_log_is_made_sendable(tmp_path):
    log = LOG.read_text("utf-8").replace("Row 3, top shelf.", "Row \\ud83d").replace("the desk is closed", "\\ud83d")
    target = recorded(tmp_path, path=write(tmp_path, "log.json", log))
    assert await said(target, query(query_id="q-atlas")) == ["Row ?"]
    assert (await answer(target, query(query_id="q-open"))).detail == "RuntimeError('?')"


def test_samples_that_answer_one_query_twice_are_named(tmp_path):
    log = json.loads(LOG.read_text("utf-8"))
    log["samples"][-1]["epoch"] = 1
    told = refusal(tmp_path, path=write(tmp_path, "log.json", json.dumps(log)))
    assert "samples 1 and 6 both answer query_id 'q-atlas', replicate 0, and differ" in told


def test_a_log_in_the_binary_form_says_what_reads_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    told = refusal(tmp_path, path=write(tmp_path, "log.eval", "PK"))
    assert "pip install inspect_ai, or convert the log: inspect log convert --to json" in told


async def test_a_log_in_the_binary_form_is_read_as_the_same_log(tmp_path):
    log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    log.write_eval_log(log.read_eval_log(str(LOG)), str(tmp_path / "log.eval"), format="eval")
    asked = [query(*turns, query_id=query_id) for query_id, turns in IN_LOG.items()]
    assert await said(recorded(tmp_path, path="log.eval"), *asked) == IN_WORDS
    assert "inspect_ai cannot read it" in refusal(tmp_path, path=write(tmp_path, "bad.eval", "PK"))
