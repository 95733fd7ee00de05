"""Is a pair shown in both orders, and does what is said of it in each come to one judgment of the item's own order?"""

import pytest

from judgefair.compile import compile_judge
from judgefair.compile.fence import fence
from judgefair.compile.judge import signature
from judgefair.compile.orders import of_both_orders
from judgefair.compile.parse import Judgment
from judgefair.compile.program import ALL
from judgefair.errors import InputError
from judgefair.records import Item, Missing
from judgefair.rubric.rubric import Judging
from judgefair.rubric.scale import parse_scale
from tests.builders import tiny_rubric
from tests.pairs import pair, pair_program, pair_rubric

WITH_TIE, WITHOUT = parse_scale("pairwise:a,b,tie"), parse_scale("pairwise:a,b")
CUT = Missing("unparsable", "cut off")


def test_a_pair_is_shown_as_the_dspy_adapter_formats_it() -> None:
    import dspy

    item = pair(0, 1, 2)
    fenced = dict(zip(("query", "first_response", "second_response"), map(fence, item.texts), strict=True))
    for mode in ("score", "reason_then_score", "distribution"):
        rubric = pair_rubric().model_copy(update={"judging": Judging(mode=mode, criteria_per_call="one")})
        messages = compile_judge(rubric).render(item)["better"]
        assert messages == dspy.JSONAdapter().format(signature(rubric, "better"), [], fenced)


def test_the_prompt_names_both_sides_and_what_a_tie_is() -> None:
    (system,) = pair_program().prompts["better"].messages
    assert "Compare the two responses" in system["content"]
    assert "tie: neither of the two" in system["content"]
    assert "its neighbours" not in system["content"]


def test_swapping_changes_the_two_texts_and_nothing_else() -> None:
    prompt, item = pair_program().prompts["better"], pair(0, 1, 2)
    as_written, swapped = prompt.last_message(item), prompt.last_message(item.swapped)
    one, other = fence(item.response), fence(str(item.second_response))
    assert swapped == as_written.replace(one, "\0").replace(other, one).replace("\0", other)
    assert item.swapped.swapped == item


def test_a_pair_counts_as_two_calls_an_item() -> None:
    assert (pair_program().n_calls, compile_judge(tiny_rubric()).n_calls) == (2, 2)  # two criteria there
    assert compile_judge(tiny_rubric(per_call="all")).n_calls == 1


def test_an_item_with_one_response_cannot_be_compared() -> None:
    with pytest.raises(InputError, match=r"item 'lone' has one response, and the rubric compares two\. Give each item a second"):
        pair_program().render(Item("lone", "Where?", "There."))


def test_one_call_cannot_compare_two_responses_and_rate_one() -> None:
    criteria = [pair_rubric().criteria[0], pair_rubric().criteria[0].model_copy(update={"id": "depth", "scale": WITH_POINTS})]
    rubric = pair_rubric().model_copy(update={"criteria": criteria})
    assert len(compile_judge(rubric).prompts) == 2
    with pytest.raises(InputError, match="better compare two responses and the other criteria rate one"):
        compile_judge(rubric.model_copy(update={"judging": Judging(mode="score", criteria_per_call="all")}))
    both = rubric.model_copy(update={"criteria": [criteria[0], criteria[0].model_copy(update={"id": "clearer"})]})
    program = compile_judge(both.model_copy(update={"judging": Judging(mode="score", criteria_per_call="all")}))
    assert (list(program.prompts), program.n_calls) == ([ALL], 2)


WITH_POINTS = parse_scale("ordinal:1-5")


@pytest.mark.parametrize(
    ("as_written", "swapped", "value", "expected"),
    [
        ("a", "b", "a", -1.0),  # the same response both times
        ("b", "a", "b", 1.0),
        ("tie", "tie", "tie", 0.0),
        ("a", "a", "tie", 0.0),  # whatever is shown first
        ("b", "b", "tie", 0.0),
        ("a", "tie", "tie", -0.5),
        ("tie", "a", "tie", 0.5),
    ],
)
def test_a_side_is_preferred_where_it_is_in_both_orders_and_the_mean_keeps_half_of_each(
    as_written: str, swapped: str, value: str, expected: float
) -> None:
    found = of_both_orders(Judgment(as_written), Judgment(swapped), WITH_TIE)
    assert found.value == value
    shares = found.distribution or {value: 1.0}
    assert sum(share * WITH_TIE.code(level) for level, share in shares.items()) == expected
    assert found.orders == (as_written, {"a": "b", "b": "a", "tie": "tie"}[swapped])


def test_where_no_tie_is_allowed_an_inconsistent_judge_gives_no_level() -> None:
    found = of_both_orders(Judgment("a"), Judgment("a"), WITHOUT)
    assert (found.value, found.distribution) == (None, {"a": 0.5, "b": 0.5})


def test_probabilities_of_both_orders_are_averaged_in_the_items_order() -> None:
    one, other = Judgment("a", None, {"a": 0.75, "b": 0.25}), Judgment("a", None, {"a": 0.25, "b": 0.5, "tie": 0.25})
    found = of_both_orders(one, other, WITH_TIE)
    assert found.distribution == {"a": 0.625, "b": 0.25, "tie": 0.125}


@pytest.mark.parametrize(("one", "other", "which"), [("a", CUT, "swapped"), (CUT, "a", "as they are")])
def test_what_is_missing_in_one_order_is_missing(one: str | Missing, other: str | Missing, which: str) -> None:
    found = of_both_orders(Judgment(one), Judgment(other), WITH_TIE)
    assert isinstance(found.value, Missing)
    assert (found.value.reason, found.value.detail) == ("unparsable", f"with the responses {which}: cut off")
    assert found.distribution is None


def test_reasons_of_both_orders_are_kept() -> None:
    found = of_both_orders(Judgment("a", "short"), Judgment("b", "long"), WITH_TIE)
    assert found.rationale == "As they are: short\nSwapped: long"
