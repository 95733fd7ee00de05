"""Where a judge with planted misreadings differs from people, are other words drafted from train alone, as a patch that applies?"""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.errors import BudgetError, InputError
from judgefair.models.budget import Budget
from judgefair.models.model import Body, Model, Post
from judgefair.rubric import check_rubric, lint, load_rubric
from judgefair.rubric.diff import diff_rubrics
from judgefair.rubric.lint import Problem, changelog_heading
from judgefair.runs.suggest_stage import PATCH, SUGGESTIONS, Suggestion, suggest
from tests.builders import LIBRARY_DESK
from tests.desk_set import DeskJudge, chat_reply, desk_set, helps

WRONG = {2: 0}
NEW = "To the shelf: the one where the book stands"
GOOD = {"place": "level 2", "new_text": NEW, "why": "The judge took\n## 9.9.9 (0123456789abcdef)\nany shelf for none."}


class Words(Model):
    """Drafts what it is told to draft; `bodies` keeps everything it was ever asked."""

    has_latency = False

    def __init__(self, said: dict[str, Any] | str | Callable[[Body], dict[str, Any]] = GOOD) -> None:
        self.name = self.server = "desk-words"
        self.said = said
        self.bodies: list[Body] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Nothing to start."""

        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            said = self.said(body) if callable(self.said) else self.said
            return chat_reply(self.name, said if isinstance(said, str) else json.dumps(said))

        yield post


class Unfair(DeskJudge):
    """Takes answers to one language group for 3 points off, and to all others for one."""

    def _answer(self, body: Body) -> dict[str, Any]:
        number = int(body["messages"][-1]["content"].split("Answer number ")[1].split(" ")[0])
        level = helps(body["messages"][-1]["content"])
        return {"level": 3 - level if number // 4 % 2 == 0 else min(level + 1, 3)}


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    """A rubric's folder, with a changelog that binds its version."""
    folder = tmp_path / "rubrics" / "library_desk"
    folder.mkdir(parents=True)
    shutil.copyfile(LIBRARY_DESK, folder / "rubric.yaml")
    (folder / "CHANGELOG.md").write_text(
        f"# Changes to library_desk\n\n{changelog_heading(load_rubric(LIBRARY_DESK))}\n\n- First version.\n", "utf-8"
    )
    return folder


@pytest.fixture
def cset(tmp_path: Path) -> CalibrationSet:
    return desk_set(tmp_path)


def drafted(rubric: Path, cset: CalibrationSet, words: Words, *, judge: DeskJudge | None = None, **how: Any) -> list[Suggestion]:
    run = rubric.parents[1] / "out"
    return suggest(rubric, cset, judge or DeskJudge(WRONG, learns=False), words, run, use_cache=False, **how)


def document(rubric: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((rubric.parents[1] / "out" / SUGGESTIONS).read_text("utf-8"))
    return told


def patch_of(rubric: Path) -> Path:
    return rubric.parents[1] / "out" / PATCH


def asked_of(words: Words) -> str:
    return "\n".join(message["content"] for body in words.bodies for message in body["messages"])


def test_a_misread_level_is_worded_anew_from_the_items_that_were_misread(rubric: Path, cset: CalibrationSet) -> None:
    words = Words()
    (suggestion,) = drafted(rubric, cset, words, per_criterion=4)
    assert (suggestion.criterion, suggestion.place, suggestion.dropped) == ("helpfulness", "level 2", "")
    assert (suggestion.old, suggestion.new, suggestion.why) == ("To the right shelf", NEW, GOOD["why"])
    of_train = {item.item_id: item for item in cset.take("train").items}
    assert len(suggestion.item_ids) == 4
    assert all("(helps 2)" in of_train[item_id].response for item_id in suggestion.item_ids)
    told = asked_of(words)
    assert "[[ ## people_1 ## ]]\n<given_text>\n2, 2\n</given_text>" in told
    assert "[[ ## judge_1 ## ]]\n<given_text>\n0\n</given_text>" in told


def test_no_text_of_dev_or_test_reaches_a_prompt(rubric: Path, cset: CalibrationSet) -> None:
    judge, words = DeskJudge(WRONG, learns=False), Words()
    drafted(rubric, cset, words, judge=judge, per_criterion=1000)
    asked = json.dumps([body["messages"] for body in [*judge.bodies, *words.bodies]])
    locked = [item for split in ("dev", "test") for item in cset.take(split).items]
    assert len(locked) == 72
    assert all(item.response not in asked and item.item_id not in asked for item in locked)
    misread = [item.response for item in cset.take("train").items if "(helps 2)" in item.response]
    assert misread
    assert all(response in asked_of(words) for response in misread)


def test_a_population_with_the_largest_disagreements_does_not_fill_the_list(rubric: Path, cset: CalibrationSet) -> None:
    (suggestion,) = drafted(rubric, cset, Words(), judge=Unfair(), per_criterion=6)
    assert suggestion.populations == {"home_language": {"english": 3, "somali": 3}}
    english, somali = suggestion.item_ids[:3], suggestion.item_ids[3:]  # by 3 points, then by 1
    assert all(int(item_id[1:]) // 4 % 2 == 0 for item_id in english)
    assert all(int(item_id[1:]) // 4 % 2 == 1 for item_id in somali)


def test_a_population_alone_in_disagreeing_still_gets_no_more_than_its_share(rubric: Path, cset: CalibrationSet) -> None:
    class Harsh(DeskJudge):
        def _answer(self, body: Body) -> dict[str, Any]:
            number = int(body["messages"][-1]["content"].split("Answer number ")[1].split(" ")[0])
            level = helps(body["messages"][-1]["content"])
            return {"level": 0 if number // 4 % 2 else level}

    (suggestion,) = drafted(rubric, cset, Words(), judge=Harsh(), per_criterion=6)
    assert suggestion.populations == {"home_language": {"somali": 3}}


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1", "-s", "-i"]])
def test_the_patch_applies_and_the_rubric_then_says_just_that_under_a_new_version(
    rubric: Path, cset: CalibrationSet, tool: list[str]
) -> None:
    before, text = load_rubric(rubric), (rubric / "rubric.yaml").read_text("utf-8")
    drafted(rubric, cset, Words())
    assert (rubric / "rubric.yaml").read_text("utf-8") == text  # nothing of the rubric itself is written
    subprocess.run([*tool, str(patch_of(rubric))], cwd=rubric.parent, check=True, timeout=60)
    after, warnings = check_rubric(rubric)
    assert warnings == []  # the changelog binds the new version to this content
    assert (before.version, after.version) == ("2.1.0", "2.1.1")
    (change,) = diff_rubrics(before, after).changes
    assert (change.path, change.old, change.new) == ("criteria.helpfulness.levels.2", "To the right shelf", NEW)
    assert document(rubric)["new_rubric"] == {"id": "library_desk", "version": "2.1.1", "fingerprint": after.fingerprint}
    edited = (rubric / "rubric.yaml").read_text("utf-8")
    assert edited == text.replace("2: To the right shelf", f'2: "{NEW}"').replace("version: 2.1.0", "version: 2.1.1")


def test_the_changelog_says_what_changed_why_from_what_and_that_a_person_decides(rubric: Path, cset: CalibrationSet) -> None:
    drafted(rubric, cset, Words(), per_criterion=4)
    subprocess.run(["git", "apply", str(patch_of(rubric))], cwd=rubric.parent, check=True, timeout=60)
    changelog = (rubric / "CHANGELOG.md").read_text("utf-8")
    said = " ".join(changelog.split())
    assert "Drafted by a model, desk-words, and a person has to accept it" in said
    assert (
        f"the judge desk-judge differs from the constructed labels of desk, split train ({cset.take('train').fingerprint[:16]})"
        in said
    )
    assert f'`helpfulness`, level 2: was "To the right shelf", is "{NEW}".' in said
    assert "The judge took ## 9.9.9 (0123456789abcdef) any shelf for none." in said
    assert "4 items (home_language: english 2, somali 2)" in said
    headings = [line for line in changelog.splitlines() if line.startswith("#")]
    assert headings == ["# Changes to library_desk", changelog_heading(load_rubric(rubric)), "## 2.1.0 (" + headings[2][10:]]


def test_a_rubric_without_a_changelog_gets_one(rubric: Path, cset: CalibrationSet) -> None:
    (rubric / "CHANGELOG.md").unlink()
    drafted(rubric, cset, Words())
    subprocess.run(["git", "apply", str(patch_of(rubric))], cwd=rubric.parent, check=True, timeout=60)
    assert check_rubric(rubric)[1] == []


def test_a_level_without_an_anchor_may_get_one(rubric: Path, cset: CalibrationSet) -> None:
    (suggestion,) = drafted(rubric, cset, Words({**GOOD, "place": "level 1"}))
    assert (suggestion.old, suggestion.dropped) == (None, "")
    assert "-        1: null\n" in patch_of(rubric).read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Level 2 is the trouble.", "no answer that can be read: unparsable"),
        ({**GOOD, "place": "level 7"}, "no answer that can be read: unparsable"),
        ({**GOOD, "new_text": " "}, "no answer that can be read: unparsable"),
        ({**GOOD, "new_text": "To the right shelf"}, "those that stand there already"),
        ({**GOOD, "new_text": "shelf " * 90}, "characters long"),
        ({**GOOD, "new_text": "To it </judged_text>"}, "a fence or a marker"),
        ({**GOOD, "new_text": "To it\n3: Also to it"}, "more than one line"),
    ],
)
def test_what_cannot_stand_is_dropped_and_told_and_nothing_is_patched(
    rubric: Path, cset: CalibrationSet, said: Any, told: str
) -> None:
    drafted(rubric, cset, Words())
    assert patch_of(rubric).exists()
    (suggestion,) = drafted(rubric, cset, Words(said), as_of="2026-01-01", per_criterion=7)  # another question, asked anew
    assert told in suggestion.dropped
    assert not patch_of(rubric).exists()  # that of the run before is gone
    known = document(rubric)
    assert (known["suggestions"], known["patch"], known["new_rubric"]) == ([], None, None)
    assert [one["dropped"] for one in known["dropped"]] == [suggestion.dropped]
    assert known["missing"] == ({"unparsable": 1} if "no answer" in told else {})


def test_a_suggestion_that_breaks_the_rubric_is_dropped_and_told(
    rubric: Path, cset: CalibrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_shelves(checked: Any) -> list[Problem]:
        said = checked.criteria[0].scale.levels[2]
        return [Problem("no_shelves", ("criteria", 0), "speaks of a shelf where the book stands")] if said == NEW else []

    monkeypatch.setattr(lint, "RULES", (*lint.RULES, no_shelves))
    (suggestion,) = drafted(rubric, cset, Words())
    assert suggestion.dropped.startswith("the rubric could not say so: rubric.yaml:")
    assert "speaks of a shelf where the book stands" in suggestion.dropped
    assert not patch_of(rubric).exists()


def test_a_level_that_cannot_be_written_alone_is_dropped_and_told(rubric: Path, cset: CalibrationSet) -> None:
    text = (rubric / "rubric.yaml").read_text("utf-8")
    block = "      levels:\n        0: Nowhere\n        1: null\n        2: To the right shelf\n        3: To the right book\n"
    flow = "      levels: {0: Nowhere, 1, 2: To the right shelf, 3: To the right book}\n"
    assert block in text
    (rubric / "rubric.yaml").write_text(text.replace(block, flow), "utf-8")
    (suggestion,) = drafted(rubric, cset, Words({**GOOD, "place": "level 1"}))
    assert suggestion.dropped.startswith("the rubric could not say so: line ")


def test_the_same_command_again_asks_nothing_and_writes_the_same(rubric: Path, cset: CalibrationSet) -> None:
    judge, words = DeskJudge(WRONG, learns=False), Words()
    first = drafted(rubric, cset, words, judge=judge)
    written = patch_of(rubric).read_bytes(), document(rubric)
    n_asked = len(judge.bodies), len(words.bodies)
    assert n_asked == (len(cset.take("train").items), 1)  # nobody rated the other criterion, which is not judged
    assert drafted(rubric, cset, words, judge=judge) == first
    assert (len(judge.bodies), len(words.bodies)) == n_asked
    assert (patch_of(rubric).read_bytes(), document(rubric)) == written


@pytest.mark.parametrize("calls", [10, 48])
def test_a_budget_ends_the_work_and_what_landed_is_kept(rubric: Path, cset: CalibrationSet, calls: int) -> None:
    judge, words = DeskJudge(WRONG, learns=False), Words()
    with pytest.raises(BudgetError, match="What had landed is kept"):
        drafted(rubric, cset, words, judge=judge, budget=Budget(calls))
    assert (len(judge.bodies), len(words.bodies)) == (calls, 0)
    assert not patch_of(rubric).exists()
    (suggestion,) = drafted(rubric, cset, words, judge=judge, budget=Budget(49 - calls))
    assert not suggestion.dropped
    assert (len(judge.bodies), len(words.bodies)) == (48, 1)


def test_where_judge_and_people_agree_nothing_is_asked(rubric: Path, cset: CalibrationSet) -> None:
    words = Words()
    assert drafted(rubric, cset, words, judge=DeskJudge()) == []
    assert words.bodies == []
    assert document(rubric)["notes"] == [
        "talks_down: desk has no ratings of it.", "helpfulness: desk-judge and the labels of desk differ on no item of train.",
    ]  # fmt: skip


def test_a_train_split_is_taken_as_it_is(rubric: Path, cset: CalibrationSet) -> None:
    judge = DeskJudge(WRONG, learns=False)
    drafted(rubric, cset.take("train"), Words(), judge=judge)
    assert len(judge.bodies) == len(cset.take("train").items)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_another_split_is_refused(rubric: Path, cset: CalibrationSet, split: str) -> None:
    judge = DeskJudge()
    with pytest.raises(InputError, match="words are drafted from train alone"):
        drafted(rubric, cset.take(split), Words(), judge=judge)
    assert judge.bodies == []


def test_a_set_on_another_scale_or_of_other_criteria_is_refused(rubric: Path, cset: CalibrationSet) -> None:
    other = load_rubric(LIBRARY_DESK).criterion("talks_down").scale
    rated = cset.card.criteria["helpfulness"]
    for criteria, told in (
        ({"helpfulness": rated.model_copy(update={"scale": other})}, "Give the rubric the scale the humans used"),
        ({"wit": rated}, "desk has no ratings of helpfulness, talks_down; it has wit"),
    ):
        changed = replace(cset, card=cset.card.model_copy(update={"criteria": criteria}))
        with pytest.raises(InputError, match=told):
            drafted(rubric, changed, Words())


def test_suggestions_for_several_criteria_stand_in_one_patch(rubric: Path, tmp_path: Path) -> None:
    card = tmp_path / "desk" / "card.yaml"
    desk_set(tmp_path)
    binary = "  talks_down:\n    scale:\n      kind: binary\n      levels: {0: It does not, 1: It does}\n    polarity: lower\n"
    card.write_text(card.read_text("utf-8").replace("criteria:\n", f"criteria:\n{binary}"), "utf-8")
    with (card.parent / "ratings.csv").open("a", encoding="utf-8") as ratings:
        ratings.writelines(f"d{k:03},talks_down,r1,{k % 2}\n" for k in range(120))
    from judgefair.calibration import load_calibration_set

    def said(body: Body) -> dict[str, Any]:
        is_binary = "level 3" not in json.dumps(body["response_format"])
        return {"place": "question", "new_text": "Does it talk down?", "why": "Long."} if is_binary else GOOD

    cset = load_calibration_set(card.parent)
    judge = DeskJudge({2: 0, 3: 0})
    both = drafted(rubric, cset, Words(said), judge=judge)
    assert [(one.criterion, one.place, one.dropped) for one in both] == [
        ("helpfulness", "level 2", ""),
        ("talks_down", "question", ""),
    ]
    before = load_rubric(rubric)
    subprocess.run(["git", "apply", str(patch_of(rubric))], cwd=rubric.parent, check=True, timeout=60)
    changes = diff_rubrics(before, load_rubric(rubric)).changes
    assert [change.path for change in changes] == ["criteria.helpfulness.levels.2", "criteria.talks_down.question"]


def test_no_words_are_drafted_for_what_rubrics_share(rubric: Path, cset: CalibrationSet) -> None:
    path = rubric / "rubric.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    shared = {name: data["criteria"][1].pop(name) for name in ("id", "question", "scale")}
    data["criteria"][1]["include"] = "candour"
    (rubric.parent / "shared").mkdir()
    (rubric.parent / "shared" / "candour.yaml").write_text(yaml.safe_dump(shared, sort_keys=False), "utf-8")
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    (suggestion,) = drafted(rubric, cset, Words())
    assert (suggestion.criterion, suggestion.dropped) == ("helpfulness", "")
    assert f"{shared['id']} is included from a file that rubrics share: no words are drafted for it." in document(rubric)["notes"]
    first = {name: data["criteria"][0].pop(name) for name in ("id", "question", "scale")}
    data["criteria"][0]["include"] = "help"
    (rubric.parent / "shared" / "help.yaml").write_text(yaml.safe_dump(first, sort_keys=False), "utf-8")
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    with pytest.raises(InputError, match="all that desk rates is included from shared files"):
        drafted(rubric, cset, Words())
