"""Does the diff of two rubrics tell every change of meaning once, by id, and what it can reach?"""

import json
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from judgefair.compile import compile_judge
from judgefair.compile.program import ALL
from judgefair.rubric import Rubric, load_rubric
from judgefair.rubric.criterion import Role
from judgefair.rubric.diff import Change, RubricDiff, diff_rubrics, word_diff

FILE = Path(__file__).with_name("library_desk.yaml")
BASE = load_rubric(FILE)
TURNED = {"added": "removed", "removed": "added"}
NAMES = {
    "mode": ("score", "reason_then_score", "distribution"),
    "criteria_per_call": ("one", "all"),
    "better": ("higher", "lower", "none"),
    "roles": get_args(Role),
    "distance": ("words", "merit"),
}
TEXTS = ("x", "x y", "y x", "")


def written(rubric: Rubric = BASE) -> dict[str, Any]:
    return rubric.model_dump(mode="json")


def read(data: dict[str, Any]) -> Rubric:
    return Rubric.model_validate_json(json.dumps(data))


def edited(*edits: tuple[tuple, Any], base: Rubric = BASE) -> Rubric:
    """The rubric with other values at these places, each a path into its plain data."""
    data = written(base)
    for (*where, last), value in edits:
        reduce(getitem, where, data)[last] = value
    return read(data)


def told(old: Rubric, new: Rubric) -> list[tuple[str, str, Any, Any]]:
    return [(change.path, change.kind, change.old, change.new) for change in diff_rubrics(old, new).changes]


def only(old: Rubric, new: Rubric) -> Change:
    (change,) = diff_rubrics(old, new).changes
    return change


def places(data: Any, where: tuple = ()) -> list[tuple]:
    """Every place in plain data that holds something, itself and what is in it."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [where, *(place for key, entry in inside for place in places(entry, (*where, key)))]


# What is told


def test_a_reworded_anchor_is_told_by_criterion_and_level() -> None:
    change = only(BASE, edited((("criteria", 0, "scale", "levels", 2, 1), "To the shelf")))
    assert change == Change(
        "criteria.helpfulness.levels.2", "reworded", "To the right shelf", "To the shelf", ("helpfulness",), None, ("prompt",)
    )


def test_a_level_that_comes_in_is_another_thing_than_an_anchor_that_does() -> None:
    levels = written()["criteria"][0]["scale"]["levels"]
    more = edited((("criteria", 0, "scale", "levels"), [*levels, [4, None]]))
    level = only(BASE, more)
    assert (level.path, level.kind, level.new, level.reaches) == (
        "criteria.helpfulness.levels.4", "added", None, ("prompt", "verdict", "gate"),
    )  # fmt: skip
    anchor = only(more, edited((("criteria", 0, "scale", "levels", 4, 1), "Home"), base=more))
    assert (anchor.path, anchor.kind, anchor.old, anchor.new) == ("criteria.helpfulness.levels.4", "changed", None, "Home")
    assert anchor.reaches == ("prompt",)


def test_a_level_of_another_type_is_another_level() -> None:
    levels = [["0", "No"], ["1", "Yes"]]
    numbers, texts = (
        edited((("criteria", 1, "scale"), {"kind": "ordinal", "levels": given}), (("criteria", 1, "better"), "none"))
        for given in ([[0, "No"], [1, "Yes"]], levels)
    )
    assert sorted((path, kind) for path, kind, *_ in told(numbers, texts)) == [
        (f"criteria.talks_down.levels.{level}", kind) for level in (0, 1) for kind in ("added", "removed")
    ]  # fmt: skip


def test_a_fact_of_another_type_is_another_fact_though_the_two_count_as_equal() -> None:
    at = ("context", "scenarios", 0, "facts", "copies")
    whole, decimal, flag = (edited((at, value)) for value in (1, 1.0, True))
    for one, other in ((whole, decimal), (whole, flag), (decimal, flag)):
        change = only(one, other)
        assert (change.path, change.kind) == ("context.scenarios.tides.facts.copies", "changed")


def test_criteria_that_change_places_are_reordered_and_nothing_else() -> None:
    change = only(BASE, edited((("criteria",), written()["criteria"][::-1])))
    assert (change.path, change.kind, change.reaches) == ("criteria", "reordered", ("record",))
    assert (change.old, change.new) == (["helpfulness", "talks_down"], ["talks_down", "helpfulness"])


def test_an_entry_put_before_others_is_added_and_the_others_are_left_alone() -> None:
    data = written()
    for entries, entry, path in (
        (("criteria",), data["criteria"][0] | {"id": "tone"}, "criteria.tone"),
        (("context", "harms"), {"id": "misled", "text": "A reader is told what is not so"}, "context.harms.misled"),
        (("context", "scenarios"), data["context"]["scenarios"][0] | {"id": "maps"}, "context.scenarios.maps"),
        (("context", "populations"), data["context"]["populations"][0] | {"axis": "town"}, "context.populations.town"),
    ):
        new = edited((entries, [entry, *reduce(getitem, entries, data)]))
        assert [(change.path, change.kind) for change in diff_rubrics(BASE, new).changes] == [(path, "added")]


def test_a_renamed_criterion_is_one_removed_and_one_added() -> None:
    found = told(BASE, edited((("criteria", 0, "id"), "help")))
    assert [(path, kind) for path, kind, *_ in found] == [("criteria.helpfulness", "removed"), ("criteria.help", "added")]
    assert found[1][3]["levels"]["3"] == "To the right book"


def test_groups_and_mappings_in_another_order_are_no_change_and_have_the_same_fingerprint() -> None:
    data = written()
    for axis in data["context"]["populations"]:
        axis["groups"] = dict(reversed(axis["groups"].items()))
    for criterion in data["criteria"]:
        criterion["roles"] = dict(reversed(criterion["roles"].items()))
    assert diff_rubrics(BASE, read(data)).changes == ()


def test_cues_are_compared_in_step_where_there_are_as_many_and_by_what_they_say_otherwise() -> None:
    at = ("context", "populations", 0, "groups", "somali", "cues", "dialect")
    path = "context.populations.home_language.groups.somali.cues.dialect"
    two, other, three = (edited((at, cues)) for cues in (["one", "two"], ["one", "two more"], ["three", "one", "two"]))
    assert told(two, other) == [(f"{path}[1]", "reworded", "two", "two more")]
    assert told(two, three) == [(path, "added", None, "three")]
    assert told(two, edited((at, ["two", "one"]))) == [(path, "reordered", ["one", "two"], ["two", "one"])]
    assert told(edited((at, ["two", "one"])), three) == [
        (path, "added", None, "three"), (path, "reordered", ["two", "one"], ["three", "one", "two"])
    ]  # fmt: skip
    change = only(two, other)
    assert (change.populations, change.reaches, change.criteria) == ({"home_language": "somali"}, ("simulation",), ())


def test_stakeholders_come_and_go_by_name() -> None:
    found = told(BASE, edited((("context", "stakeholders", "others"), ["volunteer"])))
    assert found == [
        ("context.stakeholders.others", "removed", "librarian", None), ("context.stakeholders.others", "added", None, "volunteer")
    ]  # fmt: skip


def test_a_group_that_comes_in_is_a_population_that_verdict_gate_and_simulation_gain() -> None:
    change = only(BASE, edited((("context", "populations", 1, "groups", "elder"), {"cues": {"explicit": ["I am 80 years old"]}})))
    assert (change.path, change.kind) == ("context.populations.age.groups.elder", "added")
    assert change.populations == {"age": "elder"}
    assert change.reaches == ("verdict", "gate", "simulation")
    assert change.criteria == ()


def test_tolerance_roles_and_validity_reach_no_prompt() -> None:
    for where, value, path, reaches in (
        (("criteria", 0, "tolerance"), 0.5, "criteria.helpfulness.tolerance", ("verdict",)),
        (("criteria", 0, "roles", "age"), "may_use", "criteria.helpfulness.roles.age", ("verdict",)),
        (("validity", "max_judge_error_gap"), 0.1, "validity.max_judge_error_gap", ("verdict", "gate")),
        (("context", "populations", 1, "reference"), "child", "context.populations.age.reference", ("verdict", "gate", "simulation")),
    ):  # fmt: skip
        change = only(BASE, edited((where, value)))
        assert (change.path, change.kind, change.reaches, change.criteria) == (path, "changed", reaches, ())


def test_the_version_is_told_apart_and_is_no_change() -> None:
    new = edited((("version",), "3.0.0"))
    diff = diff_rubrics(BASE, new)
    assert diff.changes == ()
    assert (diff.old.id, diff.old.version, diff.new.version) == ("library_desk", "2.1.0", "3.0.0")
    assert (diff.old.fingerprint, diff.new.fingerprint) == (BASE.fingerprint, new.fingerprint)


def test_who_was_asked_between_two_versions_is_listed_with_the_dissent() -> None:
    entry = {"date": "2026-04-02", "role": "reader", "n": 3, "change": "a stricter level 2", "dissent": "one found it too strict"}
    new = edited((("participation",), [*written()["participation"], entry]))
    diff = diff_rubrics(BASE, new)
    assert told(BASE, new) == [("participation.2026-04-02 reader", "added", None, entry)]
    assert diff.changes[0].reaches == ("record",)
    (asked,) = diff.consultations
    assert (asked.date.isoformat(), asked.role, asked.dissent) == ("2026-04-02", "reader", "one found it too strict")
    assert diff_rubrics(new, BASE).consultations == ()


def test_an_entry_of_who_was_asked_that_is_written_again_is_reworded_and_no_new_consultation() -> None:
    new = edited((("participation", 0, "dissent"), "one would have left it out"))
    assert told(BASE, new) == [
        ("participation.2026-03-14 librarian.dissent", "reworded", "none recorded", "one would have left it out")
    ]  # fmt: skip
    assert diff_rubrics(BASE, new).consultations == ()


def test_participation_that_is_no_longer_unknown_shows_who_was_asked() -> None:
    unknown = edited((("participation",), "unknown"))
    diff = diff_rubrics(unknown, BASE)
    assert [(change.path, change.kind) for change in diff.changes] == [
        ("participation.unknown", "removed"), ("participation.2026-03-14 librarian", "added")
    ]  # fmt: skip
    assert [asked.role for asked in diff.consultations] == ["librarian"]
    assert diff_rubrics(BASE, unknown).consultations == ()


def test_a_diff_is_plain_data_in_json() -> None:
    new = edited((("context", "use_case"), "Questions"), (("criteria",), written()["criteria"][:1]))
    data = json.loads(json.dumps(diff_rubrics(BASE, new).to_json()))
    assert data["old"] == {"id": "library_desk", "version": "2.1.0", "fingerprint": BASE.fingerprint}
    assert [change["path"] for change in data["changes"]] == ["context.use_case", "criteria.talks_down"]


# What is reached: the compiled prompts themselves are the oracle


@cache
def prompts(rubric_json: str) -> dict[str, Any]:
    return {key: prompt.to_json() for key, prompt in compile_judge(Rubric.model_validate_json(rubric_json)).prompts.items()}


def prompts_of(rubric: Rubric) -> dict[str, Any]:
    return prompts(rubric.model_dump_json())


def differing(old: Rubric, new: Rubric) -> set[str]:
    mine, theirs = prompts_of(old), prompts_of(new)
    return {key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)}


def single_edits() -> list[tuple]:
    """Every leaf of the full rubric, and every entry of a list or mapping, that can be something else or be left out by itself."""
    data, found = written(), []
    for where in places(data)[1:]:
        for value in others(where, reduce(getitem, where, data)):
            changed = deepcopy(data)
            reduce(getitem, where[:-1], changed)[where[-1]] = value
            found.append((where, changed))
        changed = deepcopy(data)
        del reduce(getitem, where[:-1], changed)[where[-1]]
        found.append((where, changed))
    return [(where, changed) for where, changed in found if where != ("version",) and is_valid(changed)]


def others(where: tuple, value: Any) -> list[Any]:
    names = next((NAMES[part] for part in where if part in NAMES), None)
    if names:
        return [name for name in names if name != value]
    if isinstance(value, str):
        return [f"{value} x", f"{value}_x"]
    if isinstance(value, int | float):
        return [value + 0.05, value + 7]
    return [value[::-1]] if isinstance(value, list) and len(value) > 1 else []


def is_valid(data: dict[str, Any]) -> bool:
    try:
        read(data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("per_call", ["one", "all"])
def test_a_change_by_itself_reaches_the_prompts_of_exactly_the_criteria_that_it_names(per_call: str) -> None:
    base = edited((("judging", "criteria_per_call"), per_call))
    names = [criterion.id for criterion in base.criteria]
    n_reaching = 0
    for where, data in single_edits():
        if where[0] == "judging":
            continue
        data["judging"]["criteria_per_call"] = per_call
        new = read(data)
        diff = diff_rubrics(base, new)
        if new.fingerprint == base.fingerprint:
            assert diff.changes == (), where
            continue
        assert diff.changes, where
        reached = {criterion for change in diff.changes for criterion in change.criteria}
        if per_call == "one":
            assert reached == differing(base, new), where
        else:
            every = {*names, *(criterion.id for criterion in new.criteria)}
            assert reached == (every if differing(base, new) == {ALL} else set()), where
        n_reaching += bool(reached)
    assert n_reaching > 20


def test_a_change_of_how_the_judge_answers_reaches_every_criterion() -> None:
    for where, value in ((("judging", "mode"), "reason_then_score"), (("judging", "criteria_per_call"), "all")):
        change = only(BASE, edited((where, value)))
        assert change.criteria == ("helpfulness", "talks_down")
        assert change.reaches == ("prompt",)
        assert differing(BASE, edited((where, value))) >= {"helpfulness", "talks_down"}


def test_a_scale_of_another_kind_reaches_the_prompt_where_the_judge_is_told_of_numbers_between_levels() -> None:
    levels = [[0, "None"], [1, "All"]]
    binary, ordinal, interval = (
        edited((("criteria", 1, "scale"), {"kind": kind, "levels": levels})) for kind in ("binary", "ordinal", "interval")
    )
    for new, reaches in ((ordinal, ("verdict", "gate")), (interval, ("prompt", "verdict", "gate"))):
        change = only(binary, new)
        assert (change.path, change.old, change.reaches) == ("criteria.talks_down.scale", "binary", reaches)
        assert differing(binary, new) == set(change.criteria)


# Properties


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """A rubric a few edits away from the full one: texts, numbers and names changed, entries left out, doubled or shuffled."""
    data = written()
    for _ in range(draw(st.integers(0, 4))):
        changed = deepcopy(data)
        where = draw(st.sampled_from(places(changed)[1:]))
        parent, last = reduce(getitem, where[:-1], changed), where[-1]
        value = parent[last]
        how = draw(st.sampled_from(["change", "drop", "double"]))
        if how == "drop":
            del parent[last]
        elif how == "double" and isinstance(parent, list):
            parent.append(deepcopy(value))
        elif how == "double":
            parent[draw(st.sampled_from(["again", "once_more"]))] = deepcopy(value)
        elif isinstance(value, list) and value:
            parent[last] = draw(st.permutations(value))
        elif isinstance(value, bool | int | float) or value is None:
            parent[last] = draw(st.sampled_from([None, 0, 1, 1.0, 0.2, 2, True]))
        elif isinstance(value, str):
            parent[last] = draw(
                st.sampled_from([*TEXTS, *(name for names in NAMES.values() for name in names), f"{value} x", "1"])
            )
        if is_valid(changed):
            data = changed
    return read(data)


def turned(diff: RubricDiff) -> list[str]:
    """The changes as they would be told the other way round."""
    return sorted(
        repr((c.path, TURNED.get(c.kind, c.kind), c.new, c.old, sorted(c.criteria), c.populations, c.reaches))
        for c in diff.changes
    )


def straight(diff: RubricDiff) -> list[str]:
    return sorted(repr((c.path, c.kind, c.old, c.new, sorted(c.criteria), c.populations, c.reaches)) for c in diff.changes)


few_shrinks = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


@few_shrinks
@given(rubrics())
def test_a_rubric_does_not_differ_from_itself(rubric: Rubric) -> None:
    assert diff_rubrics(rubric, read(written(rubric))).changes == ()


@few_shrinks
@given(rubrics(), rubrics())
def test_the_other_way_round_added_is_removed_and_the_rest_is_the_same(old: Rubric, new: Rubric) -> None:
    assert straight(diff_rubrics(new, old)) == turned(diff_rubrics(old, new))


@few_shrinks
@given(rubrics(), rubrics(), st.booleans())
def test_there_are_no_changes_exactly_where_the_fingerprints_are_equal_up_to_the_version(
    old: Rubric, new: Rubric, same: bool
) -> None:
    new = old.model_copy(update={"version": "9.9.9"}) if same else new
    is_equal = old.model_copy(update={"version": new.version}).fingerprint == new.fingerprint
    assert (diff_rubrics(old, new).changes == ()) == is_equal


@few_shrinks
@given(rubrics(), rubrics())
def test_every_change_says_where_how_and_what_it_reaches(old: Rubric, new: Rubric) -> None:
    for change in diff_rubrics(old, new).changes:
        assert change.path
        assert change.reaches
        assert bool(change.criteria) == ("prompt" in change.reaches)
        assert change.kind != "added" or change.old is None
        assert change.kind != "removed" or change.new is None
        assert change.kind != "reworded" or (isinstance(change.old, str) and isinstance(change.new, str))
        assert (
            change.kind not in {"reworded", "changed", "reordered"}
            or change.old != change.new
            or repr(change.old) != repr(change.new)
        )
        json.dumps([change.old, change.new])


texts = st.lists(st.sampled_from(["one", "two", "a", "decisive", "issue"]), max_size=9).map(" ".join)


@given(texts, texts)
def test_word_diff_gives_back_both_texts_and_says_the_same_only_of_words_in_both(old: str, new: str) -> None:
    runs = word_diff(old, new)
    assert " ".join(text for kind, text in runs if kind != "added") == old
    assert " ".join(text for kind, text in runs if kind != "removed") == new
    assert all(text for _, text in runs)
    assert all(kind == "same" for kind, _ in runs) == (old == new)


def test_word_diff_of_texts_that_are_laid_out_differently_is_all_the_same() -> None:
    assert word_diff("Names one\n  issue", "Names one issue ") == [("same", "Names one issue")]
    assert word_diff("", "Names one") == [("added", "Names one")]
    assert word_diff("", "") == []
