"""Does any name out of data lead to a place of its own, and nowhere else?"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.calibration.ledger import ledger_path
from judgefair.errors import InputError
from judgefair.folders import ledgers, safe_name
from judgefair.study import load_study

STUDY = Path(__file__).parents[1] / "rubrics" / "writing_tutor" / "planted.yaml"


@pytest.mark.parametrize("name", ["gpt-4.1-mini", "o4-mini", "SmolLM2-135M-Instruct", "scripted_hash", "v1..2", "modèle"])
def test_an_ordinary_name_stays_as_it_is(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("meta/llama 3:8b", "meta-llama-3-8b"),
        ("..", "-."),
        (".", "-"),
        ("", "-"),
        (".ssh", "-ssh"),
        ("../../etc/passwd", "-.-..-etc-passwd"),
        ("/etc/passwd", "-etc-passwd"),
        ("..\\x", "-.-x"),
        ("C:\\x", "C--x"),
        ("a\0b\n", "a-b-"),
    ],
)
def test_a_name_that_is_a_path_becomes_one_that_is_none(name, safe):
    assert safe_name(name) == safe


def test_long_names_are_cut_and_stay_apart():
    one, other = safe_name("m" * 5_000 + "1"), safe_name("m" * 5_000 + "2")
    assert one != other
    assert len(one) == len(other) < 150


@given(st.text())
def test_any_name_is_one_folder_below_the_one_it_is_put_in(name):
    safe = safe_name(name)
    assert Path("runs", safe).parts == ("runs", safe)
    assert not safe.startswith(".")
    assert "\\" not in safe
    assert len(safe.encode()) < 200
    assert safe_name(safe) == safe


def test_a_ledger_is_among_the_ledgers_whatever_its_set_is_called():
    assert ledger_path("../../x").parent == ledgers()


def test_any_name_makes_a_folder(tmp_path):
    for name in ("..", "/", "a" * 4_000, "ö" * 4_000, "con/aux", "\u202e.."):
        (tmp_path / safe_name(name)).mkdir()
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_a_system_is_not_called_like_the_folder_of_the_calibration(tmp_path):
    text = STUDY.read_text("utf-8")
    assert text.count("- id: ") == 1
    (tmp_path / "study.yaml").write_text(
        "".join(f"{line.partition('id: ')[0]}id: calibration\n" if "- id: " in line else line for line in text.splitlines(True)),
        "utf-8",
    )
    with pytest.raises(InputError, match=r"study\.yaml:\d+: 'calibration' is the study's own folder"):
        load_study(tmp_path / "study.yaml")


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "..", ".x", "a/b"])
def test_a_system_s_id_is_no_path(name, tmp_path):
    text = STUDY.read_text("utf-8")
    (tmp_path / "study.yaml").write_text(
        "".join(f"{line.partition('id: ')[0]}id: {name}\n" if "- id: " in line else line for line in text.splitlines(True)),
        "utf-8",
    )
    with pytest.raises(InputError, match=r"systems\[0\]\.id"):
        load_study(tmp_path / "study.yaml")
