"""Is a judge of its system's own family told of, and no other?"""

from pathlib import Path
from typing import Any

import pytest

from judgefair.estimation import estimate
from judgefair.estimation.same_family import same_family_note
from judgefair.models.family import shared_family
from judgefair.reporting import build_report
from judgefair.runs.folder import read_manifest, write_manifest
from judgefair.runs.respond_stage import system_json
from judgefair.targets import make_target
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_run


def system(model: str | None = None, name: str = "tutor") -> dict[str, str]:
    return {"id": name, "kind": "chat", "fingerprint": "f" * 64} | ({"model": model} if model else {})


@pytest.mark.parametrize(
    ("judge", "of"),
    [
        ("gpt-4o", system("claude-3-haiku")),
        ("judge-7", system("judge-7")),  # the same name, and of no family that it tells
        ("gpt-4o", system("our-finetune")),
        ("gpt-4o", system()),
        ("scripted:hash", system("scripted:hash")),
        ("gpt-4o", "not recorded"),
        ("gpt-4o", None),
        ("gpt-4o", system("claude-3-haiku", "like gpt-4o")),  # what it is called does not count where its model is known
    ],
)
def test_nothing_is_said_where_families_differ_or_are_not_known(judge: str, of: Any) -> None:
    assert same_family_note(judge, of) is None


def test_the_note_names_both_the_family_and_what_to_do() -> None:
    note = same_family_note("meta-llama/Llama-3.1-8B-Instruct", system("TinyLlama-1.1B"))
    assert note is not None
    assert "(Meta Llama), as far as their names tell" in note
    assert "the system tutor (TinyLlama-1.1B)" in note
    assert "hold the judge's error against humans on this system's own answers" in note


def test_a_system_whose_model_is_not_recorded_is_known_by_its_id() -> None:
    note = same_family_note("gpt-4o", system(name="gpt-3.5-turbo"))
    assert note is not None
    assert "the system gpt-3.5-turbo are of one model family" in note


def test_a_model_that_judges_itself_is_called_so() -> None:
    assert "by name the same model" in str(same_family_note("gpt-4o", system("gpt-4o")))


def test_stand_ins_share_no_family() -> None:
    assert shared_family("scripted:a", "scripted:b") is None
    assert shared_family("gpt-4o", "openai/gpt-5") == "OpenAI GPT"


def test_a_chat_target_names_its_model_in_what_the_manifest_says_of_it(tmp_path: Path) -> None:
    chat = make_target("tutor", "chat", {"model": "scripted:hash"}, tmp_path)
    assert system_json(chat)["model"] == "scripted:hash"


@pytest.mark.parametrize(("model", "is_told"), [("gpt-4o-mini", True), ("claude-3-haiku", False)])
def test_an_estimation_and_its_report_carry_the_note(model: str, is_told: bool, tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 30)
    run = planted_run(tmp_path / "run", rubric, items, planted_ratings(items), judge="gpt-4o")
    write_manifest(run, read_manifest(run) | {"system": system(model)})
    found = estimate(run, n_resamples=20)
    assert any("of one model family (OpenAI GPT)" in note for note in found.notes) == is_told
    assert any("of one model family (OpenAI GPT)" in note for note in build_report(run).notes) == is_told
