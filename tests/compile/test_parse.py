"""Is a reply a level only where it is exactly an answer, and Missing with the reason everywhere else?"""

import json
import math
from functools import cache
from pathlib import Path
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgefair.compile import Judgment, compile_judge
from judgefair.errors import ModelError
from judgefair.models.reply import Reply, Token
from judgefair.models.stand_ins import scripted
from judgefair.records import Item, Missing
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Judging
from judgefair.rubric.scale import make_scale

LIBRARY_DESK = Path(__file__).parents[1] / "rubric" / "library_desk.yaml"


SCALES = {
    "numbers": {0: "Nowhere", 1: None, 2: "To the right shelf", 3: "To the right book"},  # as the file has it
    "names": {"no": "Does not help", "unsure": None, "yes": "Helps"},
    "interval": {1: "Not at all", 5: "Fully"},
}


@cache
def program_of(scale="numbers", mode="score", per_call="one"):
    """Judges helpfulness, on the scale of that name or not applicable, and talks_down: 0 or 1, always applicable."""
    rubric = load_rubric(LIBRARY_DESK)
    made = make_scale("interval" if scale == "interval" else "ordinal", SCALES[scale])
    criteria = [rubric.criteria[0].model_copy(update={"scale": made}), rubric.criteria[1]]
    judging = Judging(mode=mode, criteria_per_call=per_call)
    return compile_judge(rubric.model_copy(update={"criteria": criteria, "judging": judging}))


def parse(reply, criterion="helpfulness", program=None):
    return (program or program_of()).parse(criterion, reply)


def unparsable(judgment):
    """The detail of a judgment that is unparsable and nothing more."""
    assert judgment == Judgment(Missing("unparsable"))
    return judgment.value.detail


# Answers


@pytest.mark.parametrize(
    "text",
    [
        '{"level": 2}',
        ' \n{ "level" :\t2 }\n\n',
        '{"\\u006cevel": 2}',
        '```json\n{"level": 2}\n```',
        '```\n{"level": 2}\n```',
        '\n```json  \n{"level": 2}```\n ',
    ],
)
def test_exactly_one_object_with_a_level_is_an_answer(text):
    assert parse(text) == Judgment(2)


@pytest.mark.parametrize("finish_reason", ["stop", None, "eos"])
def test_a_reply_that_stopped_by_itself_is_read_whatever_the_server_calls_it(finish_reason):
    assert parse(Reply('{"level": 0}', finish_reason)) == Judgment(0)


def test_levels_keep_the_type_of_their_scale():
    assert parse('{"level": "unsure"}', program=program_of("names")) == Judgment("unsure")
    for written in ("3", "3.0", "3.25"):
        value = parse(f'{{"level": {written}}}', program=program_of("interval")).value
        assert (type(value), value) == (float, float(written))


def test_a_judge_may_say_that_a_criterion_does_not_apply():
    assert parse('{"level": "not_applicable"}') == Judgment(Missing("not_applicable"))
    assert parse('{"level": "not_applicable"}', program=program_of("interval")) == Judgment(Missing("not_applicable"))


def test_a_criterion_that_always_applies_takes_no_other_answer():
    assert unparsable(parse('{"level": "not_applicable"}', "talks_down")) == "level 'not_applicable' is not one of 0, 1"


# What is no answer


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "an empty reply"),
        (" \n ", "an empty reply"),
        ("```json\n```", "an empty reply"),
        ("2", "a JSON int where an object was asked for"),
        ("null", "a JSON NoneType where an object"),
        ('"level: 2"', "a JSON str where an object"),
        ("[2]", "a JSON list where an object"),
        ('[{"level": 2}]', "a JSON list where an object"),
        ("I would say 2.", "not one JSON object: Expecting value at character 0"),
        ("level: 2", "not one JSON object"),
        ('{"level": 2', "not one JSON object"),
        ('{"level": 2,}', "not one JSON object"),
        ("{'level': 2}", "not one JSON object"),
        ('{"level": 02}', "not one JSON object"),
        ('{"level": +2}', "not one JSON object"),
        ('{"level": 2} // sure', "not one JSON object: Extra data"),
        ('Level: {"level": 2}', "not one JSON object: Expecting value"),
        ('{"level": 2}{"level": 2}', "not one JSON object: Extra data"),
        ('{"level": 2}\n{"level": 3}', "not one JSON object: Extra data"),
        ('{"level": 2, "level": 2}', "a key stands twice"),
        ('{"level": 1, "\\u006cevel": 2}', "a key stands twice"),
        ('{"level": {"level": 2, "level": 2}}', "a key stands twice"),
        ('{"level": true}', "level True is not one of 0, 1, 2, 3"),
        ('{"level": 2.0}', "level 2.0 is not one of 0, 1, 2, 3"),
        ('{"level": 2e0}', "level 2.0 is not one of"),
        ('{"level": "2"}', "level '2' is not one of"),
        ('{"level": "two"}', "level 'two' is not one of"),
        ('{"level": "N/A"}', "level 'N/A' is not one of"),
        ('{"level": 4}', "level 4 is not one of"),
        ('{"level": -1}', "level -1 is not one of"),
        ('{"level": null}', "level None is not one of"),
        ('{"level": [2]}', "level [2] is not one of"),
        ('{"level": {"level": 2}}', "level {'level': 2} is not one of"),
        ('{"level": NaN}', "NaN is no level"),
        ('{"level": Infinity}', "Infinity is no level"),
        ('{"level": -Infinity}', "-Infinity is no level"),
        ('{"level": 1e999}', "level inf is not one of"),
        ("{}", "the object has the keys [] and was to have ['level']"),
        ('{"Level": 2}', "the object has the keys ['Level'] and was to have ['level']"),
        ('{"helpfulness": 2}', "the object has the keys ['helpfulness'] and was to have ['level']"),
        ('{"level": 2, "rationale": "clear"}', "the object has the keys ['level', 'rationale'] and was to have ['level']"),
        ('```json\n```json\n{"level": 2}\n```\n```', "not one JSON object"),
        ('```json\n{"level": 2}', "not one JSON object"),
        ('{"level": 2}\n```', "not one JSON object"),
        ('```python\n{"level": 2}\n```', "not one JSON object"),
        ('Sure:\n```json\n{"level": 2}\n```', "not one JSON object"),
        ('```json\n{"level": 2}\n```\nI hope this helps.', "not one JSON object"),
        ('```json\n{"level": 2}\n```\n```json\n{"level": 2}\n```', "not one JSON object"),
        ("[" * 100_000, "not one JSON object: nested without end"),
        ('{"level":' * 100_000, "not one JSON object: nested without end"),
        ('{"level": ' + "[" * 100_000 + "]" * 100_000 + "}", "not one JSON object: nested without end"),
        ('{"level": ' + "9" * 5_000 + "}", "not one JSON object: a number of thousands of digits"),
        ('{"level": "\ud800"}', "level '\\ud800' is not one of"),
        ('\ufeff{"level": 2}', "not one JSON object"),
        ('{"level": 2}\x00', "not one JSON object: Extra data"),
    ],
)
def test_anything_but_an_answer_is_unparsable_with_the_reason(text, why):
    assert unparsable(parse(text)).startswith(why)


@pytest.mark.parametrize("depth", range(900, 1000, 7))
def test_nesting_just_within_the_parsers_reach_is_unparsable_too(depth):
    assert unparsable(parse('{"level": ' + "[" * depth + "]" * depth + "}"))


@pytest.mark.parametrize(
    "written",
    ["true", '"3"', "0.99", "5.01", "-1", "1e999", "NaN", "[3]", "null", pytest.param("1" + "0" * 400, id="a huge number")],
)
def test_an_interval_scale_takes_numbers_within_its_ends_only(written):
    assert unparsable(parse(f'{{"level": {written}}}', program=program_of("interval")))


@pytest.mark.parametrize("written", ['"Yes"', '"yes "', "1", "true", '"unsafe"', '""', '["yes"]'])
def test_a_scale_of_names_takes_exactly_its_names(written):
    assert unparsable(parse(f'{{"level": {written}}}', program=program_of("names")))


def test_a_reply_cut_off_at_its_limit_is_unparsable_even_if_what_is_there_would_do():
    assert unparsable(parse(Reply('{"level": 2}', "length"))) == "the reply was cut off at its token limit"


@pytest.mark.parametrize("text", ['{"level": 2}', "", "I cannot"])
def test_a_refusal_is_refused_whatever_else_the_reply_holds(text):
    said = parse(Reply(text, refusal="I cannot rate this. " * 1000))
    assert said == Judgment(Missing("refused"))
    assert said.value.detail.startswith("I cannot rate this.")
    assert len(said.value.detail) == 300
    withheld = parse(Reply(text, "content_filter"))
    assert withheld == Judgment(Missing("refused"))
    assert withheld.value.detail == "withheld by the server's content filter"


def test_endless_line_breaks_are_unparsable_in_no_time():
    started = process_time()
    for text in ("```json" + "\n" * 100_000, "```json\n" + " \n" * 50_000 + "x", "`" * 100_000, "\n" * 100_000 + "```"):
        assert unparsable(parse(text))
    assert process_time() - started < 5


# Any text at all

ANSWER = '```json\n{"level": 2}\n```'
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | st.text(max_size=5) | st.sampled_from(["level", "2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["level", "x"]), inner, max_size=2),
    max_leaves=5,
)
replies = st.one_of(
    st.text(),
    st.text(alphabet='{}[]"level: 0123.,`\\\n-eE', max_size=25),
    json_values.map(json.dumps),
    json_values.map(lambda value: json.dumps({"level": value})),
    st.tuples(st.integers(0, len(ANSWER)), st.integers(0, 4), st.text(max_size=2)).map(
        lambda cut: ANSWER[: cut[0]] + cut[2] + ANSWER[cut[0] + cut[1] :]
    ),
)


@settings(max_examples=600)
@given(replies)
@example(ANSWER)
def test_no_text_raises_and_only_an_exact_object_gives_a_level(text):
    judgment = parse(text)
    if isinstance(judgment.value, Missing):
        assert judgment.value.reason in {"unparsable", "not_applicable"}
        assert judgment.value.reason == "unparsable" or "not_applicable" in text
        return
    body = text.strip()
    if body.startswith("```"):
        body = body.removeprefix("```").removeprefix("json").removesuffix("```")
    pairs = json.loads(body, object_pairs_hook=list)  # all that the reply says, repeated keys included
    assert pairs == [("level", judgment.value)]
    assert type(pairs[0][1]) is int
    assert judgment.value in {0, 1, 2, 3}


@given(st.sampled_from(["score", "reason_then_score"]), st.sampled_from(["one", "all"]), st.text() | json_values.map(json.dumps))
def test_no_text_raises_in_any_mode(mode, per_call, text):
    for criterion in ("helpfulness", "talks_down"):
        assert unparsable(parse(text, criterion, program_of("numbers", mode, per_call)))


@given(st.integers(0, len(ANSWER) - 1))
def test_no_beginning_of_an_answer_is_an_answer(end):
    fenced, bare = ANSWER[:end], '{"level": 2}'[: min(end, 11)]
    assert unparsable(parse(fenced))
    assert unparsable(parse(bare))


# Reasons, and all criteria in one call


def test_a_reason_is_kept_beside_the_level():
    program = program_of("numbers", "reason_then_score")
    assert parse('{"rationale": "It names the shelf.", "level": 2}', program=program) == Judgment(2, "It names the shelf.")
    assert parse('{"level": 2, "rationale": ""}', program=program) == Judgment(2, "")
    for text in ('{"level": 2}', '{"rationale": "x"}', '{"rationale": null, "level": 2}', '{"rationale": ["x"], "level": 2}'):
        assert unparsable(parse(text, program=program))


def test_half_a_character_in_a_reason_does_not_reach_the_tables():
    judgment = parse('{"rationale": "Good \\ud83d.", "level": 2}', program=program_of("numbers", "reason_then_score"))
    assert judgment == Judgment(2, "Good ?.")
    assert judgment.rationale.encode("utf-8")


def test_a_reply_to_all_criteria_is_read_for_each():
    program = program_of("numbers", "reason_then_score", "all")
    reply = json.dumps({"helpfulness_rationale": "Shelf.", "helpfulness": 2, "talks_down_rationale": "Polite.", "talks_down": 0})
    assert parse(reply, "helpfulness", program) == Judgment(2, "Shelf.")
    assert parse(reply, "talks_down", program) == Judgment(0, "Polite.")
    bad = reply.replace('"talks_down": 0', '"talks_down": false')
    assert parse(bad, "helpfulness", program) == Judgment(2, "Shelf.")
    assert unparsable(parse(bad, "talks_down", program)) == "level False is not one of 0, 1"
    for criterion in ("helpfulness", "talks_down"):
        assert "the object has the keys" in unparsable(parse('{"helpfulness": 2, "talks_down": 0}', criterion, program))


# Level probabilities


def tokens(*pieces):
    """Tokens of (text, {alternative: probability})."""
    return [Token(text, {other: math.log(p) for other, p in chances.items()}) for text, chances in pieces]


def distribution_of(*pieces, scale="names", text=None):
    reply = Reply("".join(piece[0] for piece in pieces) if text is None else text, tokens=tokens(*pieces))
    return program_of(scale, "distribution").parse("helpfulness", reply)


def test_the_distribution_is_that_of_the_labels_where_the_answer_stands():
    # A no, B unsure, C yes, D not applicable; Z is no label. Left over the labels: .2 + .5 + .1 + .1 = .9, of which D has 1/9.
    # Given that the criterion applies: no .2/.8, unsure .5/.8, yes .1/.8.
    chances = {"A": 0.2, "B": 0.5, "C": 0.1, "D": 0.1, "Z": 0.1}
    judgment = distribution_of(
        ('{"', {'{"': 1.0}), ("level", {"A": 1.0}), ('": "', {"C": 1.0}), ("B", chances), ('"}', {"A": 1.0})
    )
    assert judgment.value == "unsure"
    assert judgment.distribution == pytest.approx({"no": 0.25, "unsure": 0.625, "yes": 0.125})


def test_numbers_from_0_to_9_are_their_own_labels():
    # .1 + .6 + .2 + .05 = .95 on 0 to 3, .05 on N: the levels' shares are over .95.
    chances = {"2": 0.6, "1": 0.2, "0": 0.1, "3": 0.05, "N": 0.05}
    judgment = distribution_of(('{"level": ', {}), ("2", chances), ("}", {}), scale="numbers")
    assert judgment.value == 2
    expected = {"0": 0.1 / 0.95, "1": 0.2 / 0.95, "2": 0.6 / 0.95, "3": 0.05 / 0.95}
    assert judgment.distribution == pytest.approx(expected)
    assert sum(judgment.distribution.values()) == pytest.approx(1)


def test_the_value_is_the_likeliest_level_and_not_the_one_that_was_sampled():
    judgment = distribution_of(('{"level": "', {}), ("A", {"A": 0.1, "C": 0.9}), ('"}', {}))
    assert judgment.value == "yes"
    assert judgment.distribution == pytest.approx({"no": 0.1, "unsure": 0, "yes": 0.9})


def test_a_judge_that_most_likely_finds_the_criterion_not_applicable_gives_no_level():
    judgment = distribution_of(('{"level": "', {}), ("B", {"B": 0.3, "A": 0.3, "D": 0.4}), ('"}', {}))
    assert judgment == Judgment(Missing("not_applicable"))
    certain = distribution_of(('{"level": "', {}), ("D", {"D": 1.0}), ('"}', {}))
    assert certain == Judgment(Missing("not_applicable"))


def test_spellings_of_one_label_count_together():
    # B: .3 + .1 + .1, A: .5, in tokens that carry the space, the quotes or the brace with them.
    chances = {' "B': 0.3, "B": 0.1, ' "B"}': 0.1, ' "A': 0.5, " AB": 0.2, "b": 0.2}
    judgment = distribution_of(('{"level":', {"A": 1.0}), (' "B', chances), ('"}', {}))
    assert judgment.distribution == pytest.approx({"no": 0.5, "unsure": 0.5, "yes": 0})


def test_tokens_before_and_after_the_text_do_not_shift_its_place():
    pieces = (
        ("\n\n", {"C": 1.0}),
        ('{"level": "', {"C": 1.0}),
        ("A", {"A": 0.75, "B": 0.25}),
        ('"}', {"C": 1.0}),
        ("<|end|>", {}),
    )
    judgment = distribution_of(*pieces, text='{"level": "A"}')
    assert judgment.distribution == pytest.approx({"no": 0.75, "unsure": 0.25, "yes": 0})


def test_an_answer_in_a_code_fence_has_its_distribution_too():
    judgment = distribution_of(("```json\n", {}), ('{"level": "', {}), ("C", {"C": 1.0}), ('"}', {}), ("\n```", {}))
    assert judgment == Judgment("yes", None, {"no": 0, "unsure": 0, "yes": 1})


@pytest.mark.parametrize(
    ("pieces", "text", "why"),
    [
        ([('{"level": "', {}), ("A", {"x": 0.5, "AB": 0.5}), ('"}', {})], None, "no level is among the likeliest tokens"),
        ([('{"level": "', {}), ("A", {}), ('"}', {})], None, "no level is among the likeliest tokens"),
        ([("something else", {"A": 1.0})], '{"level": "A"}', "the answer was not found in the tokens"),
        ([('{"level": "', {"A": 1.0})], '{"level": "A"}', "the answer was not found in the tokens"),
        (
            [("A", {"A": 1.0}), ('{"level": "\\u0041"}', {"A": 1.0})],
            '{"level": "\\u0041"}',
            "the answer was not found in the tokens",
        ),
        ([('{"level": "', {}), ("no", {"A": 1.0}), ('"}', {})], None, "level 'no' is not one of A, B, C, D"),
        ([('{"level": "', {}), ("a", {"A": 1.0}), ('"}', {})], None, "level 'a' is not one of A, B, C, D"),
        ([('{"level": ', {}), ("1", {"A": 1.0}), ("}", {})], None, "level 1 is not one of A, B, C, D"),
        ([('{"level": ["', {}), ("A", {"A": 1.0}), ('"]}', {})], None, "level ['A'] is not one of A, B, C, D"),
        ([('{"level": "', {}), ("A", {"A": 1.0})], None, "not one JSON object"),
    ],
)
def test_an_answer_whose_probabilities_cannot_be_read_is_unparsable(pieces, text, why):
    assert unparsable(distribution_of(*pieces, text=text)).startswith(why)


@pytest.mark.parametrize("written", ["true", "1.0", '"1"'])
def test_a_number_as_a_label_is_taken_in_its_own_type_only(written):
    pieces = (('{"level": ', {}), (written, {"1": 1.0}), ("}", {}))
    assert unparsable(distribution_of(*pieces, scale="numbers"))


def test_a_reply_without_log_probabilities_is_refused_with_the_mode_that_works():
    with pytest.raises(ModelError, match=r"judging mode 'distribution' reads them\. Use judging\.mode: score, or a server"):
        program_of("names", "distribution").parse("helpfulness", '{"level": "A"}')


@given(st.text(max_size=30), st.lists(st.tuples(st.text(max_size=5), st.dictionaries(st.text(max_size=2), st.floats(1e-9, 1)))))
def test_no_reply_raises_whatever_its_tokens(text, pieces):
    for reply in (Reply(text, tokens=tokens(*pieces)), Reply('{"level": "A"}', tokens=tokens(('{"level": "A"}', {}), *pieces))):
        assert unparsable(program_of("names", "distribution").parse("helpfulness", reply))


@given(st.dictionaries(st.sampled_from("ABCDZ"), st.floats(0.001, 1), min_size=1))
def test_a_distribution_is_always_over_all_levels_and_sums_to_one(chances):
    judgment = distribution_of(('{"level": "', {}), ("A", chances), ('"}', {}))
    if isinstance(judgment.value, Missing):
        levels = {label: chances.get(label, 0) for label in "ABC"}
        assert chances.get("D", 0) > max(levels.values()) or not any(levels.values())
        return
    assert list(judgment.distribution) == ["no", "unsure", "yes"]
    assert sum(judgment.distribution.values()) == pytest.approx(1)
    assert judgment.distribution[judgment.value] == max(judgment.distribution.values())


# Replies of the shipped stand-in


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("mode", ["score", "reason_then_score", "distribution"])
async def test_what_the_scripted_judge_answers_can_be_parsed(scale, mode):
    if (scale, mode) == ("interval", "distribution"):
        return  # refused when it is compiled: test_program
    program = program_of(scale, mode)
    for script in ("first", "middle", "hash", "length"):
        model = scripted(script)
        for criterion, messages in program.render(Item("i", "A query.", "A response.")).items():
            body = model.body(messages, program.prompts[criterion].schema, program.sampling, 0, 1)
            async with model.open() as post:
                reply = Reply.from_chat(await post(body))
            judgment = program.parse(criterion, reply)
            if judgment.value != Missing("not_applicable"):
                program.rubric.criterion(criterion).scale.accept(judgment.value)
                assert (judgment.distribution is not None) == (mode == "distribution")
