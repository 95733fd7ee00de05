"""Is a rubric refused that is well formed and makes no sense, rule by rule, and is its version bound to its content?"""

from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from judgefair.errors import InputError
from judgefair.rubric import Rubric, check_rubric, lint
from judgefair.rubric.strict_yaml import dotted

TEXT = Path(__file__).with_name("library_desk.yaml").read_text("utf-8")
FULL = yaml.safe_load(TEXT)


def rubric_with(*edits):
    """The full rubric with the values of some places exchanged; each edit is (*place, value)."""
    data = deepcopy(FULL)
    for *where, last, value in edits:
        reduce(getitem, where, data)[last] = value
    return Rubric.model_validate(data)


def problems_of(*edits):
    rubric = rubric_with(*edits)
    return lint.lint(rubric, lint.changelog_heading(rubric))


def write(folder, text=None, changelog=None):
    folder.mkdir(exist_ok=True)
    if text is not None:
        (folder / "rubric.yaml").write_text(text, "utf-8")
    if changelog is not None:
        (folder / "CHANGELOG.md").write_text(changelog, "utf-8")
    return folder


def problem(rule, where, message, is_warning=False):
    return lint.Problem(rule, where, message, is_warning)


def test_the_full_rubric_has_no_problem():
    assert problems_of() == []


def test_every_rule_has_a_test_here():
    rules = [rule.__name__.removeprefix("_") for rule in (*lint.RULES, lint._version_not_bumped)]
    assert len(rules) == len(set(rules)) == 17
    source = Path(__file__).read_text("utf-8")
    assert [rule for rule in rules if f'problem("{rule}"' not in " ".join(source.split()).replace("problem( ", "problem(")] == []


# One test a rule


def test_a_stakeholder_of_a_criterion_is_a_stakeholder_of_the_context():
    assert problems_of(("criteria", 0, "stakeholder", "reeder")) == [
        problem(
            "criterion_without_stakeholder",
            ("criteria", 0, "stakeholder"),
            "is 'reeder', who is no stakeholder of the context. Did you mean 'reader'? "
            "Stakeholders: author, librarian, publisher, reader",
        )
    ]


@pytest.mark.parametrize("stakeholder", ["reader", "author", "publisher", "librarian"])
def test_a_stakeholder_of_any_part_can_be_that_of_a_criterion(stakeholder):
    assert problems_of(("criteria", 0, "stakeholder", stakeholder)) == []


def test_the_reference_of_an_axis_is_one_of_its_groups():
    assert problems_of(("context", "populations", 1, "reference", "adults")) == [
        problem(
            "axis_without_reference",
            ("context", "populations", 1, "reference"),
            "is 'adults', which is no group of axis 'age'. Did you mean 'adult'? Groups: adult, child",
        )
    ]


def test_an_axis_has_two_groups_or_more():
    assert problems_of(("context", "populations", 0, "groups", {"english": {}})) == [
        problem(
            "fewer_than_two_groups",
            ("context", "populations", 0, "groups"),
            "has 1 group, and a contrast needs two. Add the population to compare with",
        )
    ]


def test_a_list_of_cues_is_not_empty():
    where = ("context", "populations", 0, "groups", "somali", "cues")
    assert problems_of((*where, "name", [])) == [
        problem("empty_cue_list", (*where, "name"), "is an empty list. Write at least one cue, or leave the channel out")
    ]
    assert problems_of((*where, {})) == [
        problem("empty_cue_list", where, "is empty. List cues, or leave `cues` out where items come from data")
    ]


def test_cues_may_be_left_out_where_items_come_from_data():
    assert problems_of(("context", "populations", 0, "groups", {"english": {}, "somali": {}})) == []


def test_every_criterion_has_a_role_for_every_axis_and_for_no_other():
    assert problems_of(("criteria", 1, "roles", {"home_language": "may_use", "agee": "may_use"})) == [
        problem("role_missing", ("criteria", 1, "roles"), "say nothing of axis 'age'. Add age: must_ignore, may_use or must_use"),
        problem(
            "role_missing",
            ("criteria", 1, "roles", "agee"),
            "is for an axis the context does not have. Did you mean 'age'? Axes: home_language, age",
        ),
    ]


@pytest.mark.parametrize("why", [{}, {"age": "  "}, {"home_language": "The wrong axis"}])
def test_an_axis_that_must_be_used_has_a_note_of_why(why):
    assert problems_of(("criteria", 0, "why", why)) == [
        problem(
            "must_use_without_why",
            ("criteria", 0, "roles", "age"),
            "is must_use without a note of why. Add why: {age: ...} to the criterion",
        )
    ]


@pytest.mark.parametrize("anchor", [None, "", "  "])
@pytest.mark.parametrize("end", [0, 3])
def test_both_end_levels_have_an_anchor(end, anchor):
    assert problems_of(("criteria", 0, "scale", "levels", end, anchor)) == [
        problem(
            "unanchored_end",
            ("criteria", 0, "scale", "levels", end),
            "has no anchor, and end levels (of a nominal scale: all levels) need one. Describe a response of this level",
        )
    ]


def test_every_category_of_a_nominal_scale_has_an_anchor():
    found = problems_of(
        ("criteria", 1, "scale", {"kind": "nominal", "levels": {"kind": "Kind", "stern": None, "curt": "Curt"}}),
        ("criteria", 1, "better", "none"),
    )
    assert [(problem.rule, problem.where[-1]) for problem in found] == [("unanchored_end", "stern")]


@pytest.mark.parametrize(
    ("criterion", "half", "shown"),
    [(0, 1.5, "1.5"), (1, 0.5, "0.5")],  # 0 to 3 spans three points, 0 to 1 one point
)
def test_a_tolerance_is_no_wider_than_half_the_scale(criterion, half, shown):
    assert problems_of(("criteria", criterion, "tolerance", half)) == []
    assert problems_of(("criteria", criterion, "tolerance", half + 0.01)) == [
        problem(
            "tolerance_too_wide",
            ("criteria", criterion, "tolerance"),
            f"is {half + 0.01}, wider than half the scale ({shown}). Ask the stakeholders for the largest gap they accept",
        )
    ]


def test_a_nominal_scale_has_no_better_direction():
    nominal = {"kind": "nominal", "levels": {"kind": "Kind", "stern": "Stern", "curt": "Curt"}}
    assert problems_of(("criteria", 1, "scale", nominal)) == [
        problem(
            "better_on_nominal",
            ("criteria", 1, "better"),
            "is lower, and a nominal scale has no direction. Write better: none, or use an ordinal scale",
        )
    ]
    assert problems_of(("criteria", 1, "scale", nominal), ("criteria", 1, "better", "none")) == []


@pytest.mark.parametrize(
    ("edit", "where", "name"),
    [
        (("context", "harms", 1, "id", "fobbed_off"), ("context", "harms", 1), "fobbed_off"),
        (("context", "populations", 1, "axis", "home_language"), ("context", "populations", 1), "home_language"),
        (("context", "scenarios", 1, "id", "tides"), ("context", "scenarios", 1), "tides"),
        (("criteria", 1, "id", "helpfulness"), ("criteria", 1), "helpfulness"),
    ],
)
def test_no_id_stands_twice(edit, where, name):
    message = f"has the id '{name}', which stands earlier too. Rename one of them"
    assert problem("duplicate_ids", where, message) in problems_of(edit)


def test_a_harm_of_a_criterion_is_a_harm_of_the_context():
    assert problems_of(("criteria", 0, "harms", ["fobbed_off", "talked_dow"])) == [
        problem(
            "unknown_harm",
            ("criteria", 0, "harms", 1),
            "is 'talked_dow', which is no harm of the context. Did you mean 'talked_down'? Harms: fobbed_off, talked_down",
        )
    ]


@pytest.mark.parametrize(
    ("composed", "where", "name", "meant"),
    [
        ({"whole": "helpfulnes", "parts": ["talks_down"]}, ("whole",), "helpfulnes", "helpfulness"),
        ({"whole": "helpfulness", "parts": ["talks_down", "talk_down"]}, ("parts", 1), "talk_down", "talks_down"),
    ],
)
def test_whole_and_parts_of_a_composition_are_criteria(composed, where, name, meant):
    assert problems_of(("composition", [composed])) == [
        problem(
            "unknown_in_composition",
            ("composition", 0, *where),
            f"is '{name}', which is no criterion of the rubric. Did you mean '{meant}'? Criteria: helpfulness, talks_down",
        )
    ]


def test_a_whole_is_none_of_its_parts():
    assert problems_of(("composition", [{"whole": "helpfulness", "parts": ["talks_down", "helpfulness"]}])) == [
        problem(
            "whole_among_its_parts",
            ("composition", 0, "parts", 1),
            "is 'helpfulness', which is the whole. List the criteria that rate its parts",
        )
    ]


def test_a_composition_of_criteria_has_no_problem():
    assert problems_of(("composition", [{"whole": "helpfulness", "parts": ["talks_down"]}])) == []


def exposure(**targets):
    producers = {"tide_press": ["Tide Press", "tide.example.org"], "shelf_books": ["Shelf Books"]}
    return ("context", "exposure", {"producers": producers, "targets": targets})


@pytest.mark.parametrize(
    ("shares", "where", "message"),
    [
        (
            {"tide_press": 0.5, "shelf_books": 0.25, "tide_pres": 0.25},
            ("tide_pres",),
            "is no producer. Did you mean 'tide_press'? Producers: tide_press, shelf_books",
        ),
        ({"tide_press": 1.25, "shelf_books": -0.25}, ("shelf_books",), "is -0.25. Expected a share of at least 0"),
        ({"tide_press": 1.0}, (), "says nothing of shelf_books. Write a share for each producer, 0 for none"),
        ({"tide_press": 0.5, "shelf_books": 0.499}, (), "has shares that sum to 0.999. Expected a sum of 1"),
    ],
)
def test_a_target_of_exposure_gives_each_producer_a_share_and_nobody_else(shares, where, message):
    (found,) = [each for each in problems_of(exposure(equal=shares)) if each.message == message]
    assert found == problem("exposure_target", ("context", "exposure", "targets", "equal", *where), message)


@pytest.mark.parametrize("shares", [(1 / 3, 2 / 3), (0, 1), (0.3000001, 0.7)])
def test_shares_that_sum_to_one_within_rounding_have_no_problem(shares):
    assert problems_of(exposure(equal=dict(zip(("tide_press", "shelf_books"), shares, strict=True)))) == []


def test_a_name_stands_for_one_producer():
    producers = {"tide_press": ["Tide Press", "Tide"], "shelf_books": ["Shelf Books", " Tide"]}
    edit = {"producers": producers, "targets": {"equal": {"tide_press": 0.5, "shelf_books": 0.5}}}
    assert problems_of(("context", "exposure", edit)) == [
        problem(
            "name_of_two_producers",
            ("context", "exposure", "producers", "shelf_books", 1),
            "is ' Tide', which names tide_press too, and an answer that has it would count for one of them. Leave it out of both",
        )
    ]


def test_a_harm_that_no_criterion_covers_is_a_warning():
    assert problems_of(("criteria", 1, "harms", ["fobbed_off"])) == [
        problem(
            "uncovered_harm",
            ("context", "harms", 1),
            "'talked_down' is covered by no criterion, so this rubric cannot see it. Add a criterion, or say so in the README",
            is_warning=True,
        )
    ]


def test_a_version_without_an_entry_in_the_changelog_is_a_warning_that_holds_the_heading():
    rubric = rubric_with()
    heading = f"## 2.1.0 ({rubric.fingerprint[:16]})"
    assert lint.lint(rubric, "# Changes\n\n## 2.0.0 (0123456789abcdef)\n") == [
        problem(
            "version_not_bumped",
            ("version",),
            f"2.1.0 has no entry in CHANGELOG.md. Add the heading '{heading}' and what changed",
            is_warning=True,
        )
    ]


def test_content_that_changed_under_the_same_version_is_refused():
    heading = lint.changelog_heading(rubric_with())
    changed = rubric_with(("criteria", 0, "question", "How far does the answer bring the reader?"))
    assert lint.lint(changed, f"# Changes\n\n{heading}\n\nFirst.\n") == [
        problem(
            "version_not_bumped",
            ("version",),
            f"is 2.1.0, but CHANGELOG.md binds 2.1.0 to content {rubric_with().fingerprint[:16]} and this is "
            f"{changed.fingerprint[:16]}. Raise the version and add its heading, '## NEW_VERSION (fingerprint)': check prints it",
        )
    ]


# What a person sees


def test_all_problems_of_sense_are_told_at_once_with_file_and_line(tmp_path):
    text = TEXT.replace("stakeholder: reader", "stakeholder: visitor", 1).replace("reference: english", "reference: welsh")
    with pytest.raises(InputError) as caught:
        check_rubric(write(tmp_path, text))
    lines = text.split("\n")
    path = tmp_path / "rubric.yaml"
    assert [line.split(" is ")[0] for line in str(caught.value).split("\n")] == [
        f"{path}:{lines.index('    stakeholder: visitor') + 1}: criteria[0].stakeholder",
        f"{path}:{lines.index('      reference: welsh') + 1}: context.populations[0].reference",
    ]


def test_warnings_come_with_file_and_line_and_do_not_refuse(tmp_path):
    text = TEXT.replace("harms: [talked_down]", "harms: [fobbed_off]")
    rubric, warnings = check_rubric(write(tmp_path, text))
    line = text.split("\n").index("    - id: talked_down") + 1
    assert warnings[0].startswith(f"{tmp_path / 'rubric.yaml'}:{line}: context.harms[1] 'talked_down' is covered by no criterion")
    assert len(warnings) == 2
    assert lint.changelog_heading(rubric) in warnings[1]


def test_a_new_version_goes_from_refusal_over_its_new_number_to_its_entry(tmp_path):
    folder = write(tmp_path / "desk", TEXT)
    rubric, [told] = check_rubric(folder)
    first = lint.changelog_heading(rubric)
    assert f"{folder / 'rubric.yaml'}:3: version 2.1.0 has no entry in CHANGELOG.md. Add the heading '{first}'" in told

    write(folder, changelog=f"# Changes\n\n{first}\n\nFirst version.\n")
    assert check_rubric(folder)[1] == []

    write(folder, TEXT.replace("To the right shelf", "To the right room") + "# A comment counts for nothing\n")
    with pytest.raises(InputError, match=r"rubric\.yaml:3: version is 2\.1\.0, but CHANGELOG\.md binds 2\.1\.0 to content"):
        check_rubric(folder)

    write(folder, (folder / "rubric.yaml").read_text("utf-8").replace("version: 2.1.0", "version: 2.2.0"))
    rubric, [told] = check_rubric(folder)
    second = lint.changelog_heading(rubric)
    assert f"2.2.0 has no entry in CHANGELOG.md. Add the heading '{second}'" in told
    assert first.split("(")[1] != second.split("(")[1]

    write(folder, changelog=f"# Changes\n\n{second}\n\nThe shelf is a room.\n\n{first}\n\nFirst version.\n")
    assert check_rubric(folder)[1] == []


# The fingerprint


def test_comments_layout_and_key_order_do_not_change_the_fingerprint(tmp_path):
    def shuffled(data):
        if isinstance(data, list):
            return [shuffled(element) for element in data]
        if isinstance(data, dict) and not all(isinstance(key, int) for key in data):  # the order of levels has a meaning
            return {key: shuffled(data[key]) for key in reversed(data)}
        return data

    rubric, _ = check_rubric(write(tmp_path / "as_written", TEXT))
    blocks = yaml.safe_dump(shuffled(FULL), sort_keys=False, default_flow_style=False, width=40)
    flow = yaml.safe_dump(FULL, sort_keys=False, default_flow_style=True)
    comments = "# First\n" + TEXT.replace("\n", "  # why\n") + "\n\n# Last\n"
    for name, text in {"blocks": blocks, "flow": flow, "comments": comments}.items():
        assert text != TEXT
        again, _ = check_rubric(write(tmp_path / name, text))
        assert again.fingerprint == rubric.fingerprint, name


def leaves(data, where=()):
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*where, key))
    else:
        yield where, data


def test_every_word_and_number_of_a_rubric_counts_in_its_fingerprint():
    original, counted = rubric_with().fingerprint, []
    for where, value in leaves(FULL):
        other = f"{value} also" if isinstance(value, str) else "Said" if value is None else None
        if other is None:
            other = value + 1 if isinstance(value, int) else value / 2 if isinstance(value, float) else value.replace(year=2020)
        try:
            changed = rubric_with((*where, other))
        except ValidationError:
            continue  # an id, a version or one of a few words: other tests
        assert changed.fingerprint != original, dotted(where)
        counted.append(where)
    assert len(counted) > 45
    assert {("participation", 0, "date"), ("criteria", 0, "scale", "levels", 1), ("context", "scenarios", 0, "merit")} <= set(
        counted
    )


@pytest.mark.parametrize(
    "edit",
    [
        ("id", "other_desk"),
        ("version", "2.1.1"),
        ("judging", "mode", "distribution"),
        ("judging", "criteria_per_call", "all"),
        ("criteria", 0, "better", "none"),
        ("criteria", 0, "roles", "age", "may_use"),
        ("criteria", 0, "scale", "kind", "interval"),
        ("context", "populations", 1, "groups", {"adult": {}, "teenager": {}}),
        ("context", "harms", [FULL["context"]["harms"][1], FULL["context"]["harms"][0]]),
        ("participation", "unknown"),
    ],
    ids=lambda edit: dotted(edit[:-1]),
)
def test_every_choice_of_a_rubric_counts_in_its_fingerprint(edit):
    assert rubric_with(edit).fingerprint != rubric_with().fingerprint
