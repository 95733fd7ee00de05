"""Is a rubric that is not exactly right refused, with the place and what would be right?"""

from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import get_args, get_origin

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from judgefair.errors import InputError
from judgefair.rubric import Rubric, Scale, check_rubric, load_rubric
from judgefair.rubric.strict_yaml import MAX_BYTES, MAX_DEPTH, dotted, read_value, read_yaml

FILE = Path(__file__).with_name("library_desk.yaml")
TEXT = FILE.read_text("utf-8")
FULL = yaml.safe_load(TEXT)


def places(annotation, data, where=()):
    """Every place of `data` that a model describes, as (path, model, field)."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Scale:
        yield from (((*where, name), Scale, name) for name in ("kind", "levels"))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield (*where, name), annotation, name
            yield from places(field.annotation, data.get(name), (*where, name))
    elif origin is list:
        for i, element in enumerate(data or ()):
            yield from places(arguments[0], element, (*where, i))
    elif origin is dict:
        for key, element in (data or {}).items():
            yield from places(arguments[1], element, (*where, key))
    elif data is not None:  # a union, of which at most one option describes more places
        for option in arguments:
            yield from places(option, data, where)


def is_required(model, name):
    return model is Scale or model.model_fields[name].is_required()


REQUIRED = [where for where, model, name in places(Rubric, FULL) if is_required(model, name)]


def written(data):
    return yaml.safe_dump(data, sort_keys=False)


def without(where):
    data = deepcopy(FULL)
    del reduce(getitem, where[:-1], data)[where[-1]]
    return written(data)


def changed(old, new):
    assert TEXT.count(old) == 1, f"{old!r} stands {TEXT.count(old)} times"
    return TEXT.replace(old, new)


def line_of(text, snippet):
    assert text.count(snippet) == 1, f"{snippet!r} stands {text.count(snippet)} times"
    return text[: text.index(snippet)].count("\n") + 1


def line_at(text, where):
    """The line of a place, as PyYAML's own composer sees it."""
    node, line = yaml.compose(text), 1
    for part in where:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            key, node = next((key, value) for key, value in node.value if key.value == str(part))
            line = key.start_mark.line + 1
    return line


def load(folder, text):
    (folder / "rubric.yaml").write_text(text, "utf-8")
    return load_rubric(folder)


def refusal(folder, text):
    with pytest.raises(InputError) as caught:
        load(folder, text)
    return str(caught.value)


# A rubric that is right


def test_a_full_rubric_is_read_as_it_is_written(tmp_path):
    rubric = load(tmp_path, TEXT)
    assert (rubric.id, rubric.version) == ("library_desk", "2.1.0")
    assert [axis.axis for axis in rubric.context.populations] == ["home_language", "age"]
    assert [(criterion.id, criterion.scale.kind) for criterion in rubric.criteria] == [
        ("helpfulness", "ordinal"),
        ("talks_down", "binary"),
    ]
    assert dict(rubric.criteria[0].scale.levels) == FULL["criteria"][0]["scale"]["levels"]
    assert rubric.criteria[0].roles == {"home_language": "must_ignore", "age": "must_use"}
    assert rubric.context.scenarios[0].merit == 3
    assert rubric.participation[0].date.isoformat() == "2026-03-14"


def test_the_reader_agrees_with_plain_yaml_where_both_mean_the_same():
    assert read_yaml(FILE).data == FULL


def test_the_full_rubric_writes_every_field_of_every_model_at_least_once():
    def fields(annotation):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                yield annotation.__name__, name
                yield from fields(field.annotation)
        for argument in get_args(annotation):
            yield from fields(argument)

    def is_written(where):
        return where[-1] in reduce(getitem, where[:-1], FULL)

    found = {(model.__name__, name) for where, model, name in places(Rubric, FULL) if is_written(where)}
    assert set(fields(Rubric)) - found == set()


def test_a_rubric_is_found_by_its_folder_by_its_file_and_by_the_id_of_a_shipped_one():
    assert load_rubric(FILE) == load_rubric(str(FILE))
    assert load_rubric("writing_tutor").id == "writing_tutor"
    folder = Path(__file__).parents[2] / "rubrics" / "writing_tutor"
    assert load_rubric(folder) == load_rubric("writing_tutor")


def test_a_misspelt_rubric_id_is_suggested():
    with pytest.raises(InputError, match=r"writing_tuter: no rubric there\. Did you mean 'writing_tutor'\? Expected a folder"):
        load_rubric("writing_tuter")


# Fields that are missing


def test_the_list_of_required_fields_goes_to_every_depth():
    assert len(REQUIRED) > 60
    assert {("id",), ("context", "stakeholders", "producers"), ("criteria", 1, "scale", "levels")} <= set(REQUIRED)
    assert {len(where) for where in REQUIRED} == {1, 2, 3, 4}
    assert ("participation", 0, "dissent") in REQUIRED
    assert ("context", "scenarios", 0, "merit") not in REQUIRED


@pytest.mark.parametrize("where", REQUIRED, ids=dotted)
def test_a_rubric_without_a_required_field_is_refused_by_name_and_line(where, tmp_path):
    text = without(where)
    message = refusal(tmp_path, text)
    place = f"{tmp_path / 'rubric.yaml'}:{line_at(text, where[:-1])}"
    assert message.startswith(f"{place}: {dotted(where)} is missing. Expected ")
    assert "\n" not in message


def test_the_message_says_what_a_missing_field_would_hold(tmp_path):
    message = refusal(tmp_path, without(("criteria", 0, "tolerance")))
    assert "Expected the largest gap, in scale points, that stakeholders accept" in message


def test_the_optional_fields_are_these_and_may_be_left_out(tmp_path):
    optional = {where: (model.__name__, name) for where, model, name in places(Rubric, FULL) if not is_required(model, name)}
    assert set(optional.values()) == {
        ("Rubric", "composition"),
        ("Context", "distance"),
        ("Context", "exposure"),
        ("Context", "scenarios"),
        ("Group", "cues"),
        ("Scenario", "facts"),
        ("Scenario", "merit"),
        ("Scenario", "paraphrase"),
        ("Scenario", "turns"),
        ("Criterion", "why"),
        ("Criterion", "not_applicable"),
    }
    for where in optional:
        if where[-1] in reduce(getitem, where[:-1], FULL) and where[-1] != "why":  # age is must_use, which asks for why
            load(tmp_path, without(where))


# Keys and words that are misspelt


@pytest.mark.parametrize(
    ("old", "new", "where", "right"),
    [
        ("judging:", "judgin:", "judgin", "judging"),
        ("version:", "verison:", "verison", "version"),
        ("  deployment:", "  deploymnt:", "context.deploymnt", "deployment"),
        ("    consumers:", "    consumer:", "context.stakeholders.consumer", "consumers"),
        ("      text: A reader is told", "      txet: A reader is told", "context.harms[1].txet", "text"),
        ("      reference: adult", "      referense: adult", "context.populations[1].referense", "reference"),
        ("        child: {cues:", "        child: {cue:", "context.populations[1].groups.child.cue", "cues"),
        ("      merit:", "      merrit:", "context.scenarios[0].merrit", "merit"),
        ("    tolerance: 0.25", "    tolerence: 0.25", "criteria[0].tolerence", "tolerance"),
        ("    not_applicable:", "    not_aplicable:", "criteria[0].not_aplicable", "not_applicable"),
        ("      kind: ordinal", "      kin: ordinal", "criteria[0].scale.kin", "kind"),
        ("{kind: binary, levels:", "{kind: binary, levles:", "criteria[1].scale.levles", "levels"),
        ("  criteria_per_call:", "  criteria_percall:", "judging.criteria_percall", "criteria_per_call"),
        ("  min_alpha_ratio:", "  min_alfa_ratio:", "validity.min_alfa_ratio", "min_alpha_ratio"),
        ("dissent: none", "disent: none", "participation[0].disent", "dissent"),
    ],
)
def test_a_misspelt_key_is_refused_with_its_line_and_the_right_key(old, new, where, right, tmp_path):
    text = changed(old, new)
    message = refusal(tmp_path, text)
    assert (
        f"{tmp_path / 'rubric.yaml'}:{line_of(text, new)}: {where} is not a key here. Did you mean '{right}'? Keys: " in message
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "      kind: ordinal",
            "      kind: ordinall",
            "criteria[0].scale.kind is 'ordinall'. Did you mean 'ordinal'? Kinds: binary, interval, nominal, ordinal, pairwise",
        ),
        (
            "mode: score",
            "mode: socre",
            "judging.mode is 'socre'. Did you mean 'score'? Expected one of: score, reason_then_score, distribution",
        ),
        (
            "criteria_per_call: one",
            "criteria_per_call: onee",
            "judging.criteria_per_call is 'onee'. Did you mean 'one'? Expected one of: one, all",
        ),
        (
            "better: lower",
            "better: lowre",
            "criteria[1].better is 'lowre'. Did you mean 'lower'? Expected one of: higher, lower, none",
        ),
        (
            "age: must_use}",
            "age: must_us}",
            "criteria[0].roles.age is 'must_us'. Did you mean 'must_use'? Expected one of: must_ignore, may_use, must_use",
        ),
        (
            "adult: {cues: {explicit:",
            "adult: {cues: {explict:",
            "context.populations[1].groups.adult.cues.explict is 'explict'. Did you mean 'explicit'? "
            "Expected one of: explicit, name, dialect, situation",
        ),
    ],
)
def test_a_misspelt_word_is_refused_with_its_line_and_the_right_word(old, new, told, tmp_path):
    text = changed(old, new)
    assert refusal(tmp_path, text) == f"{tmp_path / 'rubric.yaml'}:{line_of(text, new)}: {told}"


def test_participation_is_a_list_or_the_word_unknown_and_no_other_word(tmp_path):
    head = TEXT[: TEXT.index("participation:")]
    assert load(tmp_path, f"{head}participation: unknown\n").participation == "unknown"
    message = refusal(tmp_path, f"{head}participation: unknwon\n")
    assert message.endswith(": participation is 'unknwon'. Did you mean 'unknown'? Expected one of: unknown")
    message = refusal(tmp_path, f"{head}participation: 3\n")
    assert message.endswith(
        "participation is 3: Input should be a valid list. Expected a list of who was asked, or the word unknown"
    )


def test_all_problems_are_told_at_once_each_with_its_line(tmp_path):
    text = changed("mode: score", "mode: 3").replace("  deployment:", "  deploymnt:").replace("kind: ordinal", "kind: ordnal")
    text = text.replace("role: librarian, ", "")
    lines = refusal(tmp_path, text).split("\n")
    path = tmp_path / "rubric.yaml"
    assert [line.split(" is ")[0] for line in lines] == [
        f"{path}:{line_of(text, 'context:')}: context.deployment",
        f"{path}:{line_of(text, '  deploymnt:')}: context.deploymnt",
        f"{path}:{line_of(text, 'kind: ordnal')}: criteria[0].scale.kind",
        f"{path}:{line_of(text, 'mode: 3')}: judging.mode",
        f"{path}:{line_of(text, '- {date')}: participation[0].role",
    ]


# Values of the wrong type


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version: 2.1.0", "version: 2.1", "version is 2.1: Input should be a valid string"),
        ("version: 2.1.0", "version: 2.1.x", "version is '2.1.x': String should match pattern"),
        ("id: library_desk", "id: Library desk", "id is 'Library desk': String should match pattern"),
        ("  languages: [en]", "  languages: en", "context.languages is 'en': Input should be a valid list"),
        ("  languages: [en]", "  languages: []", "context.languages is a list: List should have at least 1 item"),
        ("  languages: [en]", "  languages: [en, 3]", "context.languages[1] is 3: Input should be a valid string"),
        (
            "consumers: [reader]",
            "consumers: {reader: 1}",
            "context.stakeholders.consumers is a dict: Input should be a valid list",
        ),
        ("      merit: 3", "      merit: three", "context.scenarios[0].merit is 'three': Input should be a valid number"),
        ("      merit: 3", "      merit: true", "context.scenarios[0].merit is True: Input should be a valid number"),
        ("tolerance: 0.25", 'tolerance: "0.25"', "criteria[0].tolerance is '0.25': Input should be a valid number"),
        ("tolerance: 0.25", "tolerance: -3", "criteria[0].tolerance is -3: Input should be greater than 0"),
        ("tolerance: 0.25", "tolerance: null", "criteria[0].tolerance is None: Input should be a valid number"),
        ("harms: [fobbed_off]", "harms: []", "criteria[0].harms is a list: List should have at least 1 item"),
        (
            "alt_test_epsilon: 0.15",
            "alt_test_epsilon: 1.5",
            "validity.alt_test_epsilon is 1.5: Input should be less than 1",
        ),
        ("n: 2,", "n: 2.5,", "participation[0].n is 2.5: Input should be a valid integer"),
        ("n: 2,", "n: 0,", "participation[0].n is 0: Input should be greater than or equal to 1"),
        ("date: 2026-03-14", "date: in spring", "participation[0].date is 'in spring': Input should be a valid date"),
        ("        1: null", "        1: 7", "criteria[0].scale.levels[1] is 7. Expected an anchor: text or null"),
        (
            "levels: {0: It does not, 1: It does}",
            "levels: {true: It does}",
            "criteria[1].scale.levels is no mapping of each level",
        ),
        ("levels: {0: It does not, 1: It does}", "levels: [ab, cd]", "criteria[1].scale.levels is no mapping of each level"),
        ("levels: {0: It does not, 1: It does}", "levels: [0, 1]", "criteria[1].scale.levels is no mapping of each level"),
        (
            "levels: {0: It does not, 1: It does}",
            "levels: [[[0], no], [1, yes]]",
            "criteria[1].scale.levels is no mapping of each",
        ),
        (
            "levels: {0: It does not, 1: It does}",
            "levels: {1: a, 0: b}",
            "criteria[1].scale.levels cannot be these: binary levels are",
        ),
        ("scale: {kind: binary, levels: {0: It does not, 1: It does}}", "scale: binary", "criteria[1].scale is no mapping"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_line(old, new, told, tmp_path):
    text = changed(old, new)
    message = refusal(tmp_path, text)
    assert f"{tmp_path / 'rubric.yaml'}:{line_of(text, new)}: {told}" in message
    assert "\n" not in message


# Text that is not plain YAML


def test_yes_no_on_and_off_are_words(tmp_path):
    text = changed("      kind: ordinal", "      kind: nominal").replace("better: higher", "better: none")
    levels = TEXT[TEXT.index("        0: Nowhere") : TEXT.index("    better: higher")]
    rubric = load(tmp_path, text.replace(levels, "        yes: It helps\n        no: It does not\n        off: It is closed\n"))
    assert list(rubric.criteria[0].scale.levels) == ["yes", "no", "off"]


@pytest.mark.parametrize("word", ["010", "0x1F", "0b11", "1_000", "1:30", "yes", "No", "ON", "off", "y", "True", "FALSE"])
def test_what_yaml_1_1_would_turn_into_another_number_or_truth_value_stays_text(word, tmp_path):
    rubric = load(tmp_path, changed("copies: 2", f"copies: {word}"))
    assert rubric.context.scenarios[0].facts["copies"] == word


@pytest.mark.parametrize(
    ("word", "value"), [("10", 10), ("-3", -3), ("+4", 4), ("0", 0), ("0.5", 0.5), ("true", True), ("~", None)]
)
def test_numbers_truth_values_and_null_are_read_as_such(word, value, tmp_path):
    found = load(tmp_path, changed("copies: 2", f"copies: {word}")).context.scenarios[0].facts["copies"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("word", [".inf", "-.inf", ".nan", "2026-02-30", "9" * 5000, "!!int abc", "!!binary /w=="])
def test_what_only_looks_like_a_number_or_a_date_is_refused_with_its_line(word, tmp_path):
    text = changed("copies: 2", f"copies: {word}")
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'rubric.yaml'}:{line_of(text, f'copies: {word}')}: '")
    assert message.endswith("Expected text, a finite number or a date")
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("old", "new", "second", "where"),
    [
        ("judging:\n", "id: another_desk\njudging:\n", "id: another_desk", "id"),
        ("  mode: score\n", "  mode: score\n  mode: distribution\n", "  mode: distribution", "judging.mode"),
        ("        1: null\n", "        2: Half way\n", "        2: To the right shelf", "criteria[0].scale.levels[2]"),
        ("        child: {", "        adult: {", "I am 10 years old", "context.populations[1].groups.adult"),
    ],
)
def test_a_key_that_is_written_twice_is_refused_at_its_second_line(old, new, second, where, tmp_path):
    text = changed(old, new)
    line = line_of(text, second)
    assert refusal(tmp_path, text) == f"{tmp_path / 'rubric.yaml'}:{line}: {where} is written twice. Keep one of them"


@pytest.mark.parametrize("alias", ["*words", "<<: *words"])
def test_an_alias_is_refused_with_its_line(alias, tmp_path):
    text = f"a: &words {{b: c}}\nd:\n  {alias}\n"
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'rubric.yaml'}:3: not valid YAML: an alias; write the value out instead")


def test_a_billion_laughs_are_refused_before_anybody_laughs(tmp_path):
    text = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert ":2: not valid YAML: an alias" in refusal(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused_with_the_place_of_the_byte(tmp_path):
    (tmp_path / "rubric.yaml").write_bytes("use_case: Café".encode("latin-1"))
    with pytest.raises(InputError, match=r"rubric\.yaml: not UTF-8 text \(byte 13\)\. Save it as UTF-8"):
        load_rubric(tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path):
    message = refusal(tmp_path, TEXT + "#" * MAX_BYTES)
    assert message.endswith("rubric.yaml: more than 1,000,000 bytes, the most that is read. Keep data out of it")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000])
def test_deep_nesting_is_refused(opening, closing, depth, tmp_path):
    facts = opening * depth + "1" + closing * depth
    text = changed("facts: {shelf: 551.46, copies: 2}", f"facts: {{deep: {facts}}}")
    place = f"{tmp_path / 'rubric.yaml'}:{line_of(text, 'facts: {deep')}"
    assert refusal(tmp_path, text) == f"{place}: nested deeper than 40 levels. Flatten it"


@pytest.mark.parametrize("line", ["- - ", "? ? ", "a: b:\n"])
def test_blocks_nested_without_end_are_refused(line, tmp_path):
    assert "rubric.yaml:" in refusal(tmp_path, line * 5_000 + "x\n")


@pytest.mark.parametrize(("opening", "one", "closing"), [("[", "1,", "]"), ("{", "a,", "}"), ("", "- 1\n", "")])
def test_more_keys_and_values_than_any_rubric_has_are_refused(opening, one, closing, tmp_path, monkeypatch):
    monkeypatch.setattr("judgefair.rubric.strict_yaml.MAX_NODES", 1_000)
    message = refusal(tmp_path, opening + one * 1_000 + closing)
    assert message.endswith(": more than 1,000 keys and values. Keep data out of it")


def test_a_rubric_of_a_thousand_scenarios_is_within_the_bounds(tmp_path):
    data = yaml.safe_load(TEXT)
    (scenario, *_) = data["context"]["scenarios"]
    data["context"]["scenarios"] = [deepcopy(scenario) | {"id": f"s{k:04}"} for k in range(1_000)]
    (tmp_path / "rubric.yaml").write_text(written(data), "utf-8")
    assert len(read_yaml(tmp_path / "rubric.yaml").data["context"]["scenarios"]) == 1_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("no", "no"),
        ("0.2", 0.2),
        ("{a: [1]}", {"a": [1]}),
        ("", None),
        ("a: b: c", "a: b: c"),
        ("[" * 99, "[" * 99),
    ],
)
def test_a_value_of_the_command_line_is_read_as_in_a_file(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [x]", "*a", "[&a [x], *a]", ".inf"])
def test_a_value_that_a_file_may_not_hold_stays_text(text):
    assert read_value(text) == text


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("id: a\n  version: 2\n", 2, "not valid YAML: mapping values are not allowed here"),
        ("id: a\nversion: [1\n", 3, "not valid YAML: "),
        ("id: a\n---\nid: b\n", 2, "not valid YAML: but found another document"),
        ("id: a\nversion: !!python/name:os.system x\n", 2, "not valid YAML: could not determine a constructor"),
        (
            "id: a\nversion: !!python/object/apply:os.system [x]\n",
            2,
            "the tag tag:yaml.org,2002:python/object/apply:os.system means",
        ),
        ("id: a\nversion: !!set {b}\n", 2, "the tag tag:yaml.org,2002:set means nothing here. Remove it"),
        ("id: a\nversion: b\x07\n", 1, "not valid YAML: "),
        ("- id\n- version\n", 1, "expected a mapping with the keys id, version, context, criteria"),
        ("", 1, "expected a mapping with the keys id, version, context, criteria"),
        ("# only a comment\n", 1, "expected a mapping with the keys id, version, context, criteria"),
        ("id: a\n? [b, c]\n: d\n", 2, "a key under the top is not a plain word or number"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused_with_its_line(text, line, told, tmp_path):
    assert refusal(tmp_path, text).startswith(f"{tmp_path / 'rubric.yaml'}:{line}: {told}")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    (tmp_path / "rubric.yaml").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode("utf-8"))
    assert load_rubric(tmp_path) == load_rubric(FILE)


def test_a_changelog_that_is_not_utf_8_does_not_keep_a_rubric_from_being_read(tmp_path):
    (tmp_path / "CHANGELOG.md").write_bytes(b"## 1.0.0\nCaf\xe9\n")
    (tmp_path / "rubric.yaml").write_text(TEXT, "utf-8")
    assert check_rubric(tmp_path)[0].id == "library_desk"


# Anything at all


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_read_or_refused_as_input(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_rubric(path)


@settings(max_examples=60)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 20), st.text(alphabet="{}[]:,-#&*!|>'\"%@`~ \n\ta0.", max_size=3))
def test_a_rubric_with_any_slip_of_the_pen_is_read_or_refused_as_input(tmp_path_factory, start, length, put):
    path = tmp_path_factory.getbasetemp() / "slip.yaml"
    path.write_text(TEXT[:start] + put + TEXT[start + length :], "utf-8")
    try:
        load_rubric(path)
    except InputError as error:
        told = str(error)
    else:
        told = str(path)
    assert told.startswith(str(path))
