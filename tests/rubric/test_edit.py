"""Does an edit of a rubric's file change one text and nothing else, and does its patch apply as people apply patches?"""

import re
import subprocess
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgefair.errors import InputError
from judgefair.folders import shipped
from judgefair.rubric import load_rubric
from judgefair.rubric.edit import next_version, patch_of, replace_text, with_entry
from judgefair.rubric.include import included_in
from judgefair.rubric.lint import changelog_heading
from judgefair.rubric.strict_yaml import read_value, read_yaml

FILE = Path(__file__).with_name("library_desk.yaml")
DESK = FILE.read_text("utf-8")
QUESTION = ("criteria", 0, "question")
PLACES = (
    QUESTION,
    ("criteria", 0, "scale", "levels", 0),
    ("criteria", 0, "scale", "levels", 1),
    ("criteria", 1, "scale", "levels", 1),
)
BLOCK = """\
# before
criteria:
  - question: >-  # asked of raters
      How far does the answer
      take the reader?

    # who asks
    id: one
    levels: {yes: a, "2": 'b''s', 3: null}   # three
    note: "in \\"quotes\\""
    empty:
    last: |+
      kept

after: 1
"""


def changed(data, where, text):
    data = deepcopy(data)
    *above, last = where
    reduce(getitem, above, data)[last] = text
    return data


def comments(source):
    return re.findall(r"(?<!\S)#.*", source)


@settings(max_examples=40)
@given(st.sampled_from(PLACES), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@example(QUESTION, "How far: to the shelf?")
@example(QUESTION, "To the shelf # or not")
@example(QUESTION, "It's \"there\", and 'here'")
@example(QUESTION, "Où est le livre? 本はどこ? \U0001f4da")
@example(QUESTION, "First line\nsecond line\n")
@example(QUESTION, "next\x85line\u2028sep\ufeff\x00\x07")
@example(PLACES[1], "a, b: {c} [d]")
@example(PLACES[3], "ends here}")
@example(PLACES[3], "yes")
@example(PLACES[3], "1.5")
@example(PLACES[3], "")
@example(PLACES[3], "- & * ! | > % @ `")
@example(PLACES[3], " spaces ")
def test_any_text_is_read_back_in_its_place_and_nothing_else_changes(where, text):
    edited = replace_text(DESK, where, text)
    assert repr(read_value(edited)) == repr(changed(read_value(DESK), where, text))
    before, after = DESK.split("\n"), edited.split("\n")
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 1


@pytest.mark.parametrize("where", PLACES)
def test_putting_the_words_back_gives_the_same_file(where):
    present = reduce(getitem, where, read_value(DESK))
    there = replace_text(DESK, where, "Other words: with a colon")
    assert replace_text(there, where, present or "null").replace('"null"', "null") == DESK


@pytest.mark.parametrize(
    ("where", "text", "line"),
    [
        (("criteria", 0, "question"), "Is it far?", "  - question: Is it far?  # asked of raters"),
        (("criteria", 0, "question"), "Far: or not", '  - question: "Far: or not"  # asked of raters'),
        (("criteria", 0, "levels", "yes"), "x, y", "    levels: {yes: \"x, y\", \"2\": 'b''s', 3: null}   # three"),
        (("criteria", 0, "levels", "2"), "x", '    levels: {yes: a, "2": x, 3: null}   # three'),
        (("criteria", 0, "levels", 3), "no", "    levels: {yes: a, \"2\": 'b''s', 3: \"no\"}   # three"),
        (("criteria", 0, "note"), 'a "b"', '    note: a "b"'),
        (("criteria", 0, "empty"), "x", "    empty: x"),
        (("criteria", 0, "last"), "x", "    last: x"),
        (("after",), "2", 'after: "2"'),
    ],
)
def test_quotes_blocks_and_comments_are_kept_or_replaced_as_a_whole(where, text, line):
    edited = replace_text(BLOCK, where, text)
    assert line in edited.split("\n")
    assert comments(edited) == comments(BLOCK)
    assert yaml.safe_load(edited)["criteria"][0]["id"] == "one"
    assert repr(read_value(edited)) == repr(changed(read_value(BLOCK), where, text))


def test_the_lines_of_a_file_written_on_windows_keep_their_ends():
    edited = replace_text(BLOCK.replace("\n", "\r\n"), QUESTION, "Is it far?")
    assert edited == replace_text(BLOCK, QUESTION, "Is it far?").replace("\n", "\r\n")


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in shipped("rubrics").glob("*/rubric.yaml")))
def test_a_criterion_of_a_shipped_rubric_can_be_worded_anew(folder, tmp_path):
    path = shipped("rubrics") / folder / "rubric.yaml"
    source, rubric = path.read_text("utf-8"), load_rubric(path)
    number = max(set(range(len(rubric.criteria))) - included_in(read_yaml(path)))  # words that are shared stand elsewhere
    scale = rubric.criteria[number].scale
    for inner in (("question",), *(("scale", "levels", level) for level in scale.ends)):
        edited = replace_text(source, ("criteria", number, *inner), 'Other words: "quoted", # and more')
        assert comments(edited.replace('"Other words: \\"quoted\\", # and more"', "")) == comments(source)
    (tmp_path / "rubric.yaml").write_text(edited, "utf-8")
    assert load_rubric(tmp_path).version == rubric.version


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (DESK, ("criteria", 9, "question")),
        (DESK, ("criteria", 0, "scale", "levels", 9)),
        (DESK, ("criteria", 0, "scale", "levels", "0")),
        (DESK, ("criteria", 0, "harms")),
        ("a: &x text\nb: *x\n", ("a",)),
        ("a: [", ("a",)),
        ("a: {0, 1: x}", ("a", 0)),
    ],
)
def test_what_is_no_text_or_cannot_be_written_alone_is_refused(source, where):
    with pytest.raises(InputError, match="by hand"):
        replace_text(source, where, "Other words")


def test_the_next_version_has_no_entry_yet():
    assert next_version("1.2.9", "") == "1.2.10"
    assert next_version("1.2.0", "## 1.2.1 (0)\n\n## 1.2.2 (0)\n\n## 1.2.30 (0)\n") == "1.2.3"


def test_an_entry_stands_above_the_earlier_ones():
    rubric = load_rubric(FILE)
    old = "# Changes\n\nAbout.\n\n## 2.1.0 (0123456789abcdef)\n\n- First."
    new = with_entry(old, rubric, "## 2.1.1 (1111111111111111)", "- Second.")
    assert new == old.replace("## 2.1.0", "## 2.1.1 (1111111111111111)\n\n- Second.\n\n## 2.1.0")
    crlf = with_entry(old.replace("\n", "\r\n"), rubric, "## 2.1.1 (1111111111111111)", "- Second.")
    assert crlf == new.replace("\n", "\r\n")


def test_a_changelog_without_entries_gets_one_and_a_missing_one_is_begun():
    rubric = load_rubric(FILE)
    heading = changelog_heading(rubric)
    assert with_entry("# Mine\n", rubric, heading, "- A.") == f"# Mine\n\n{heading}\n\n- A.\n"
    begun = with_entry("", rubric, heading, "- A.\n")
    assert begun.startswith("# Changes to library_desk\n\n")
    assert begun.endswith(f"\n\n{heading}\n\n- A.\n")


TEXTS = {
    "plain": ("a\nb\nc\n", "a\nB\nc\n"),
    "no line end": ("a\nb\nc", "a\nb\nC"),
    "line end gained": ("a\nb", "a\nb\n"),
    "windows": ("a\r\nb\r\n", "a\r\nB\r\n"),
    "separators": ("a\u2028b\x0cc\nd\n", "a\u2028b\x0cc\nD\n"),
    "new": ("", "a\nb\n"),
    "far apart": ("".join(f"{k}\n" for k in range(40)), "".join(f"{k}{'!' * (k in {3, 30})}\n" for k in range(40))),
}


@pytest.mark.parametrize("tool", [("git", "apply"), ("patch", "-p1", "--binary")])
@pytest.mark.parametrize("name", ["desk/rubric.yaml", "my desk/ruß.yaml"])
@pytest.mark.parametrize(("old", "new"), TEXTS.values(), ids=list(TEXTS))
def test_a_patch_applies(tool, name, old, new, tmp_path):
    patch, file = tmp_path / "a.patch", tmp_path / name
    patch.write_bytes(patch_of(name, old, new).encode("utf-8"))
    file.parent.mkdir()
    if old:
        file.write_bytes(old.encode("utf-8"))
    command = [*tool, str(patch)] if tool[0] == "git" else [*tool, "-i", str(patch)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.read_bytes().decode("utf-8") == new


def test_a_patch_applies_in_a_folder_of_a_repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    file = tmp_path / "rubrics" / "desk" / "rubric.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("a\nb\n")
    (tmp_path / "a.patch").write_text(patch_of("desk/rubric.yaml", "a\nb\n", "a\nB\n"))
    subprocess.run(["git", "apply", str(tmp_path / "a.patch")], cwd=tmp_path / "rubrics", check=True, timeout=60)
    assert file.read_text() == "a\nB\n"


def test_nothing_changed_is_no_patch():
    assert patch_of("desk/rubric.yaml", "a\n", "a\n") == ""
