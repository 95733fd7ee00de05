"""Does a scale take exactly its levels, from words, tables and models, and give them back?"""

import json
from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.rubric import parse_scale
from judgefair.rubric.scale import make_scale, scale_from_json, scale_kind

BINARY = make_scale("binary", {0: "No", 1: "Yes"})
NOMINAL = make_scale("nominal", {"praise": None, "critique": "Names a flaw", 3: None})
LEVELS = make_scale("ordinal", {1: "Poor", 2: None, 3: "Good"})
NAMES = make_scale("ordinal", {"low": "Poor", "mid": None, "high": "Good"})
INTERVAL = make_scale("interval", {0: "None", 50: "Half", 100: "All"})
PAIR = make_scale("pairwise", {"a": "The first is better", "b": "The second is better", "tie": None})

labels = st.text(st.characters(exclude_characters=",", codec="utf-8"), min_size=1, max_size=8).map(str.strip).filter(bool)
anchors = st.none() | st.text(max_size=20)
numbers = st.integers(-50, 50) | st.floats(-50, 50).map(lambda x: round(x, 3))


def levels_of(level, *, ordered=False, least=2, most=7):
    keys = st.lists(level, min_size=least, max_size=most, unique_by=lambda x: x if isinstance(x, int | float) else str(x))
    return keys.map(lambda found: sorted(found) if ordered else found).flatmap(
        lambda found: st.lists(anchors, min_size=len(found), max_size=len(found)).map(
            lambda texts: dict(zip(found, texts, strict=True))
        )
    )


pairs = levels_of(labels, most=3).map(lambda levels: make_scale("pairwise", levels))
scales = st.one_of(
    st.tuples(anchors, anchors).map(lambda texts: make_scale("binary", dict(enumerate(texts)))),
    levels_of(labels).map(lambda levels: make_scale("nominal", levels)),
    levels_of(st.integers(-99, 99), ordered=True).map(lambda levels: make_scale("ordinal", levels)),
    levels_of(labels).map(lambda levels: make_scale("ordinal", levels)),
    levels_of(numbers, ordered=True).map(lambda levels: make_scale("interval", levels)),
    pairs,
)


def same(found, expected):
    return (type(found), found) == (type(expected), expected)


def test_the_kinds_are_those_of_the_design():
    assert set(plugins.names("scales")) >= {"binary", "nominal", "ordinal", "interval", "pairwise"}
    assert [scale_kind(name).kind for name in plugins.names("scales")] == plugins.names("scales")


# Which levels make a scale


@pytest.mark.parametrize(
    ("kind", "levels", "told"),
    [
        ("binary", {1: "a", 0: "b"}, "binary levels are 1, 0. Expected exactly 0 and 1, in this order"),
        ("binary", {0: "a", 1: "b", 2: "c"}, "binary levels are 0, 1, 2. Expected exactly 0 and 1"),
        ("binary", {"0": "a", "1": "b"}, "binary levels are 0, 1. Expected exactly 0 and 1"),
        ("binary", {0.0: "a", 1.0: "b"}, "binary levels are 0.0, 1.0. Expected exactly 0 and 1"),
        ("binary", {}, "binary levels are none"),
        ("nominal", {"a": None}, "a nominal scale has 1 level. Expected at least two"),
        ("nominal", {1: None, "1": None}, "'1' stands twice. Give each level one name"),
        ("ordinal", {1: None}, "an ordinal scale has 1 level. Expected at least two"),
        ("ordinal", {1: None, 3: None, 2: None}, "levels stand in the order 1, 3, 2. Expected lowest first"),
        ("ordinal", {1: None, "high": None}, "levels are 1, 'high'. Expected whole numbers only or names only"),
        ("ordinal", {1.0: None, 1.5: None}, r"Expected whole numbers only or names only \(half steps: kind interval\)"),
        ("interval", {0: None}, "levels are 0. Expected at least two, lowest first"),
        ("interval", {1: None, 0: None}, "levels are 1, 0. Expected at least two, lowest first"),
        ("interval", {0: None, "all": None}, "levels are 0, 'all'. Expected numbers"),
        ("pairwise", {}, "pairwise levels are none. Expected one for the first response, one for the second"),
        ("pairwise", {"a": None}, "pairwise levels are a. Expected one for the first response"),
        (
            "pairwise",
            dict.fromkeys("abcd"),
            "pairwise levels are a, b, c, d. Expected .* where a tie is allowed, one for the tie",
        ),
        ("pairwise", {1: None, 2: None}, "pairwise levels are 1, 2. Expected names, since codes are -1, 1 and 0"),
    ],
)
def test_levels_that_make_no_scale_of_the_kind_are_refused(kind, levels, told):
    with pytest.raises(InputError, match=told):
        make_scale(kind, levels)


@pytest.mark.parametrize("scale", [BINARY, NOMINAL, LEVELS, NAMES, INTERVAL, PAIR], ids=lambda scale: scale.kind)
def test_levels_that_make_a_scale_have_no_problems(scale):
    assert type(scale).problems(scale.levels) == []


def test_an_ordinal_scale_may_leave_out_whole_numbers():
    scale = make_scale("ordinal", {0: "a", 2: None, 5: "b"})
    assert (scale.span, scale.code(2)) == (5, 2)


# From words


@pytest.mark.parametrize(
    ("words", "kind", "levels"),
    [
        ("binary", "binary", [0, 1]),
        ("nominal:a,b,c", "nominal", ["a", "b", "c"]),
        ("nominal: a , b b,", "nominal", ["a", "b b"]),
        ("nominal:1,2", "nominal", ["1", "2"]),
        ("ordinal:1-5", "ordinal", [1, 2, 3, 4, 5]),
        ("ordinal:-2-1", "ordinal", [-2, -1, 0, 1]),
        ("ordinal:-3--1", "ordinal", [-3, -2, -1]),
        ("ordinal:low,mid,high", "ordinal", ["low", "mid", "high"]),
        ("ordinal:0,2,4", "ordinal", [0, 2, 4]),
        ("interval:0-100", "interval", [0, 100]),
        ("interval:-1.5-2.5", "interval", [-1.5, 2.5]),
        ("pairwise:a,b,tie", "pairwise", ["a", "b", "tie"]),
        ("pairwise: left , right", "pairwise", ["left", "right"]),
        ("pairwise:1,2", "pairwise", ["1", "2"]),
    ],
)
def test_a_scale_is_named_in_words(words, kind, levels):
    scale = parse_scale(words)
    assert scale.kind == kind
    assert all(same(found, expected) for found, expected in zip(scale.levels, levels, strict=True))
    assert set(scale.levels.values()) == {None}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ordinall:1-5", r"kind is 'ordinall'\. Did you mean 'ordinal'\? Kinds: binary, interval, nominal, ordinal, pairwise"),
        ("Binary", r"kind is 'Binary'\. Did you mean 'binary'\?"),
        ("likert", r"kind is 'likert'\. Kinds: binary"),
        ("", r"kind is ''\. Kinds: binary"),
        ("binary:0,1", r"--scale is 'binary:0,1': binary takes no levels; write 'binary', or 'nominal:a,b'"),
        ("nominal", r"--scale is 'nominal': a nominal scale has 0 level"),
        ("nominal:a", r"--scale is 'nominal:a': a nominal scale has 1 level"),
        ("nominal:a,b,a", r"--scale is 'nominal:a,b,a': 'a' stands twice"),
        ("ordinal:5-1", r"--scale is 'ordinal:5-1': an ordinal scale has 0 level"),
        ("ordinal:3,1,2", r"levels stand in the order 3, 1, 2\. Expected lowest first"),
        ("ordinal:a,a", r"'a' stands twice"),
        ("ordinal:0-1000000000", r"more than 1,000 levels; use interval:LOW-HIGH"),
        ("interval:0", r"--scale is 'interval:0': expected interval:LOW-HIGH, as in interval:0-100"),
        ("interval:a-b", r"expected interval:LOW-HIGH"),
        ("interval:100-0", r"levels are 100, 0\. Expected at least two, lowest first"),
        ("interval:5-5.0", r"Expected at least two, lowest first"),
        ("interval:nan-inf", r"expected interval:LOW-HIGH"),
        ("pairwise", r"--scale is .pairwise.: pairwise levels are none\. Expected one for the first response"),
        ("pairwise:a", r"pairwise levels are a\. Expected one for the first response"),
        ("pairwise:a,b,tie,both", r"pairwise levels are a, b, tie, both\. Expected"),
        ("pairwise:a,a", r".a. stands twice"),
    ],
)
def test_words_that_name_no_scale_are_refused_with_what_would(words, told):
    with pytest.raises(InputError, match=told):
        parse_scale(words)


@given(
    st.text(max_size=20)
    | st.sampled_from(["nominal:", "ordinal:", "interval:", "binary:", "pairwise:"]).flatmap(lambda k: st.text().map(k.__add__))
)
def test_any_words_name_a_scale_or_are_refused_as_input(words):
    try:
        scale = parse_scale(words)
    except InputError:
        return
    assert type(scale).problems(scale.levels) == []


# From a table


@pytest.mark.parametrize(
    ("scale", "text", "level"),
    [
        (BINARY, "1", 1),
        (BINARY, " No ", 0),
        (BINARY, "TRUE", 1),
        (BINARY, "false", 0),
        (BINARY, "1.0", 1),
        (LEVELS, " 2 ", 2),
        (LEVELS, "2.0", 2),
        (NAMES, " mid", "mid"),
        (NOMINAL, "3", 3),
        (INTERVAL, "50", 50.0),
        (INTERVAL, " 0.25 ", 0.25),
        (INTERVAL, "1e2", 100.0),
        (PAIR, " tie", "tie"),
    ],
)
def test_a_table_writes_a_level_as_text(scale, text, level):
    assert same(scale.read(text), level)


@pytest.mark.parametrize(
    ("scale", "text", "told"),
    [
        (BINARY, "2", r"expected 0 or 1 \(or no, yes, false, true\)"),
        (BINARY, "", "expected 0 or 1"),
        (BINARY, "y", "expected 0 or 1"),
        (LEVELS, "4", "expected one of 1, 2, 3"),
        (LEVELS, "1.5", "expected one of 1, 2, 3"),
        (LEVELS, "nan", "expected one of 1, 2, 3"),
        (NAMES, "Mid", "expected one of low, mid, high"),
        (NAMES, "0", "expected one of low, mid, high"),
        (NOMINAL, "", "expected one of praise, critique, 3"),
        (INTERVAL, "100.01", "expected a number from 0 to 100"),
        (INTERVAL, "-1", "expected a number from 0 to 100"),
        (INTERVAL, "nan", "expected a number from 0 to 100"),
        (INTERVAL, "inf", "expected a number from 0 to 100"),
        (INTERVAL, "half", "expected a number from 0 to 100"),
        (PAIR, "A", "expected one of a, b, tie"),
        (PAIR, "-1", "expected one of a, b, tie"),
    ],
)
def test_text_that_is_no_level_is_refused_with_the_levels(scale, text, told):
    with pytest.raises(ValueError, match=told):
        scale.read(text)


@given(scales)
def test_every_level_is_read_back_from_its_own_text(scale):
    for level in scale.levels:
        found = scale.read(str(level))
        assert found == level
        assert same(found, float(level) if scale.kind == "interval" else level)


# From a model


@pytest.mark.parametrize(
    ("scale", "value"),
    [
        *((BINARY, value) for value in (True, False, 1.0, "1", "yes", 2, None, [1], {"level": 1}, nan)),
        *((LEVELS, value) for value in (True, 2.0, "2", "two", 0, None, [2], nan, inf, 10**400)),
        *((NAMES, value) for value in (0, 1, True, "Mid", " mid", "", None, ["mid"])),
        *((NOMINAL, value) for value in ("3", 3.0, "blame", None)),
        *((INTERVAL, value) for value in (True, "50", None, [50], -0.01, 100.5, nan, inf, -inf, 10**400)),
        *((PAIR, value) for value in (-1, 0, 1, True, "A", " a", "", None)),
    ],
)
def test_a_models_value_that_is_no_level_is_refused_and_not_repaired(scale, value):
    with pytest.raises(ValueError, match=r"is not one of|is not a number|is not within"):
        scale.accept(value)


@given(scales)
def test_a_level_that_went_through_json_is_accepted_as_it_was(scale):
    for level in scale.levels:
        assert same(scale.accept(json.loads(json.dumps(level))), float(level) if scale.kind == "interval" else level)


@given(st.floats(0, 100) | st.integers(0, 100))
def test_an_interval_accepts_any_number_between_its_ends_as_a_float(value):
    assert same(INTERVAL.accept(value), float(value))


def test_the_schema_holds_the_levels_or_the_bounds():
    assert BINARY.schema() == {"enum": [0, 1]}
    assert NOMINAL.schema() == {"enum": ["praise", "critique", 3]}
    assert LEVELS.schema() == {"enum": [1, 2, 3]}
    assert NAMES.schema() == {"enum": ["low", "mid", "high"]}
    assert INTERVAL.schema() == {"type": "number", "minimum": 0, "maximum": 100}
    assert PAIR.schema() == {"enum": ["a", "b", "tie"]}


@given(scales)
def test_whatever_the_schema_lists_is_accepted(scale):
    schema = json.loads(json.dumps(scale.schema()))
    for value in schema.get("enum") or (schema["minimum"], schema["maximum"]):
        assert scale.accept(value) == value


# Codes


@given(scales)
def test_the_code_of_a_level_leads_back_to_it(scale):
    codes = [scale.code(level) for level in scale.levels]
    assert all(type(code) is float for code in codes)
    assert len(set(codes)) == len(codes)
    assert all(same(scale.level(scale.code(level)), level) for level in scale.levels if scale.kind != "interval")
    assert [scale.level(code) for code in codes] == list(scale.levels)


@given(st.floats(0, 100))
def test_any_number_of_an_interval_is_its_own_code(value):
    assert INTERVAL.level(INTERVAL.code(INTERVAL.accept(value))) == value


@given(scales)
def test_codes_rise_with_the_levels_of_every_kind_that_has_an_order(scale):
    codes = [scale.code(level) for level in scale.levels]
    assert codes == ([-1, 1, 0][: len(codes)] if scale.kind == "pairwise" else sorted(codes))


@given(pairs)
def test_two_responses_that_change_places_turn_the_sign_of_the_code(scale):
    swapped = make_scale("pairwise", dict.fromkeys([*list(scale.levels)[1::-1], *list(scale.levels)[2:]]))
    assert all(swapped.code(level) == -scale.code(level) for level in scale.levels)


def test_numbers_are_their_own_codes_and_names_are_counted_from_zero():
    assert [LEVELS.code(level) for level in LEVELS.levels] == [1, 2, 3]
    assert [NAMES.code(level) for level in NAMES.levels] == [0, 1, 2]
    assert [NOMINAL.code(level) for level in NOMINAL.levels] == [0, 1, 2]
    numbered = make_scale("nominal", {30: None, 10: None})  # categories called 30 and 10 are only names
    assert [numbered.code(level) for level in numbered.levels] == [0, 1]


def test_the_span_is_told_in_scale_points_and_undefined_between_categories():
    assert (BINARY.span, LEVELS.span, NAMES.span, INTERVAL.span, PAIR.span) == (1, 2, 2, 100, 2)
    assert isnan(NOMINAL.span)
    assert isnan(parse_scale("nominal:a,b").span)
    assert all(scale.has_points for scale in (BINARY, LEVELS, NAMES, INTERVAL, PAIR))
    assert not NOMINAL.has_points


def test_the_ends_are_the_outermost_levels_and_of_categories_all():
    assert (BINARY.ends, LEVELS.ends, NAMES.ends, INTERVAL.ends) == ((0, 1), (1, 3), ("low", "high"), (0, 100))
    assert NOMINAL.ends == ("praise", "critique", 3)
    assert PAIR.ends == ("a", "b")


def test_a_kind_says_how_its_levels_are_compared():
    found = {scale.kind: (scale.measurement, scale.kappa_weights) for scale in (BINARY, NOMINAL, LEVELS, INTERVAL, PAIR)}
    assert found == {
        "binary": ("nominal", (None,)),
        "nominal": ("nominal", (None,)),
        "ordinal": ("ordinal", (None, "linear", "quadratic")),
        "interval": ("interval", ("linear", "quadratic")),
        "pairwise": ("ordinal", (None, "linear", "quadratic")),
    }


# As plain data


@given(scales)
def test_a_scale_that_went_through_json_is_the_same_scale(scale):
    again = scale_from_json(json.loads(json.dumps(scale.to_json())))
    assert type(again) is type(scale)
    assert [(type(level), level, anchor) for level, anchor in again.levels.items()] == [
        (type(level), level, anchor) for level, anchor in scale.levels.items()
    ]
