"""Are whole scenarios drawn, texts read once, and declared words found where they literally stand?"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.lenses._texts import any_of, read_texts, sampled_rows, without_cues
from judgefair.records import Item
from tests.lenses.seeing import rubric_with, seen


@given(st.lists(st.integers(0, 20), min_size=1, max_size=200), st.integers(1, 100), st.integers(0, 3))
def test_scenarios_are_drawn_whole_and_no_more_rows_than_asked(units: list[int], most: int, seed: int) -> None:
    codes, rows = np.array(units), np.arange(len(units))[::2]
    drawn = sampled_rows(rows, codes, seed, most)
    assert len(drawn) <= most
    assert set(drawn) == {row for row in rows if codes[row] in codes[drawn]}
    if len(rows) <= most:
        assert drawn.tolist() == rows.tolist()


def test_the_seed_decides_which_scenarios_are_drawn() -> None:
    units = np.repeat(np.arange(50), 4)
    one, same, other = (sampled_rows(np.arange(200), units, seed, 80) for seed in (0, 0, 1))
    assert one.tolist() == same.tolist() != other.tolist()
    assert len(one) == len(other) == 80


def test_texts_of_the_asked_rows_are_read_unless_blank() -> None:
    items = [Item(f"i{k}", text, "", {"dialect": "a"}) for k, text in enumerate(["one", "two", " ", "four"])]
    told = read_texts(seen(items, [], rubric_with()), [np.array([0, 2]), np.array([3])], lambda item: item.query)
    assert told == {0: "one", 3: "four"}


@pytest.mark.parametrize(
    ("strings", "text", "there"),
    [
        (["Ada", "Ada Lovelace"], "Ada Lovelace, Adam, Ada", ["Ada Lovelace", "Ada"]),
        (["I am 40."], "I am\n40. So", ["I am\n40."]),
        (["don't ask"], "I don’t ask, don't ask", ["don’t ask", "don't ask"]),
        (["https://tide.example/"], "see https://tide.example/books", ["https://tide.example/"]),
        (["c++", " "], "c++ and c", ["c++"]),
        ([], "anything", []),
    ],
)
def test_strings_are_found_as_whole_words_and_the_longest_first(strings: list[str], text: str, there: list[str]) -> None:
    assert re.findall(any_of(strings, ["en"]), text) == there


def test_where_words_are_not_parted_by_spaces_a_string_counts_wherever_it_stands() -> None:
    assert re.findall(any_of(["図書館"], ["ja"]), "市立図書館で") == ["図書館"]
    assert re.findall(any_of(["図書館"], ["en"]), "市立図書館で") == []


def test_cues_of_every_group_and_channel_of_the_axis_are_taken_out_and_those_of_other_axes_stay() -> None:
    axes = [
        {"axis": "dialect", "reference": "a", "groups": {
            "a": {"cues": {"name": ["Alice wrote this"]}}, "b": {"cues": {"name": ["Ayaan wrote this"], "dialect": ["I am wanting"]}}}},
        {"axis": "age", "reference": "old", "groups": {"old": {"cues": {"explicit": ["I am 70"]}}, "young": {}}},
    ]  # fmt: skip
    rubric = rubric_with({"depth": {"roles": {"dialect": "must_ignore", "age": "must_ignore"}}}, populations=axes)
    told = without_cues(seen([Item("i", "q", "r", {"dialect": "a"})], [], rubric), rubric.context.populations[0])
    assert told("i am wanting a book. I am 70. ALICE wrote  this, Ayaan wrote this.").split() == [
        "a",
        "book.",
        "I",
        "am",
        "70.",
        ",",
        ".",
    ]
