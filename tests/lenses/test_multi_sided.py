"""Is exposure counted by answer and split among those it names, held against each target, and never parity where nobody is named?"""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.lenses import DoesNotExtend, Look, multi_sided
from judgefair.lenses.multi_sided import Mentions
from judgefair.records import Item, Missing
from judgefair.rubric.context import Exposure
from judgefair.statistics import Estimate, missing_rate
from tests.lenses.seeing import rubric_with, seen

PRODUCERS = {"tide": ["Tide Press", "tide.example.org"], "shelf": ["Shelf Books", "https://shelf.example/"], "time": ["Time"]}
TARGETS = {"equal": {"tide": 0.4, "shelf": 0.4, "time": 0.2}, "sales": {"tide": 0.7, "shelf": 0.2, "time": 0.1}}
EXPOSURE = {"producers": PRODUCERS, "targets": TARGETS}
BOTH, TIDE, NOBODY = "Tide Press and Shelf Books have one.", "Ask Tide Press.", "Read more."


def items(answers: Sequence[str], groups: Sequence[str] = ("a",)) -> list[Item]:
    return [
        Item(f"i{k}", f"Where is book {k}?", answer, {"dialect": groups[k % len(groups)]}, f"s{k // len(groups)}")
        for k, answer in enumerate(answers)
    ]  # fmt: skip


def look(rows: Sequence[Item]) -> Look:
    return multi_sided.look(seen(rows, [], rubric_with(exposure=EXPOSURE)))


def told(of: Look, what: str, target: str | None = None, **population: str) -> Estimate:
    (one,) = [
        f.estimate
        for f in of.findings
        if f.estimate.estimand == f"lens.multi_sided.{what}"
        and dict(f.population or {}) == population
        and (f.contrast or {}).get("target") == target
    ]
    return one


# Shares


def test_an_answer_counts_once_and_is_split_among_the_producers_it_names() -> None:
    # Four of five answers name somebody: tide has 1/2 + 1 + 1 + 1/2 of 4, shelf 1/2 + 1/2, however often it is named in one.
    found = look(items([BOTH, TIDE, TIDE + " " + TIDE, NOBODY, BOTH]))
    assert told(found, "attribution").value == 4 / 5
    assert told(found, "exposure", producer="tide").value == 3 / 4
    assert told(found, "exposure", producer="shelf").value == 1 / 4
    assert told(found, "exposure", producer="time").value == 0
    assert told(found, "exposure", producer="time").high > 0.3  # none of four is no proof of none


def test_a_shortfall_is_exposure_minus_the_share_of_each_target() -> None:
    found = look(items([BOTH, TIDE, TIDE, NOBODY, BOTH]))
    exposure = told(found, "exposure", producer="tide")
    for target, share in (("equal", 0.4), ("sales", 0.7)):
        short = told(found, "shortfall", target, producer="tide")
        assert short.value == pytest.approx(exposure.value - share)
        assert (short.low, short.high) == pytest.approx((exposure.low - share, exposure.high - share))
    assert found.says[0] == "The targets equal and sales cannot both be met: they differ by up to 0.30 of all exposure, for tide."


def test_shares_that_are_there_or_not_have_the_interval_of_a_clustered_rate() -> None:
    rng = np.random.default_rng(0)
    answers = [TIDE if rng.random() < 0.4 else NOBODY for _ in range(60)]
    found = told(look(items(answers, ("a", "b"))), "attribution")
    rate = missing_rate([answer == TIDE for answer in answers], "x", [k // 2 for k in range(60)])
    assert (found.value, found.low, found.high, found.n_clusters) == (rate.value, rate.low, rate.high, 30)


def test_each_population_of_those_who_ask_has_its_own_shares() -> None:
    found = look(items([TIDE, "Shelf Books has it.", TIDE, NOBODY], ("a", "b")))
    assert told(found, "exposure", producer="tide").value == pytest.approx(2 / 3)
    assert told(found, "exposure", producer="tide", dialect="a").value == 1
    assert told(found, "exposure", producer="tide", dialect="b").value == 0
    assert told(found, "attribution", dialect="b").value == 0.5
    assert told(found, "shortfall", "equal", producer="shelf", dialect="b").value == pytest.approx(0.6)


@given(st.lists(st.sampled_from([BOTH, TIDE, NOBODY, "Time has it", "Shelf Books or Time"]), min_size=1, max_size=12))
def test_exposure_of_all_producers_sums_to_one_or_is_undefined_for_all(answers: list[str]) -> None:
    shares = [told(look(items(answers)), "exposure", producer=name).value for name in PRODUCERS]
    assert all(map(isnan, shares)) if set(answers) == {NOBODY} else sum(shares) == pytest.approx(1)


# Nobody named


def test_no_exposure_at_all_is_absorbed_and_no_parity() -> None:
    found = look(items([NOBODY] * 8, ("a", "b")))
    assert found.says[1].startswith("absorbed: none of 8 answers names a producer")
    assert found.says[1].endswith("this is no parity.")
    assert [said.split(":")[0] for said in found.says[2:]] == ["dialect, a", "dialect, b"]
    assert told(found, "attribution").value == 0
    for finding in found.findings:
        if not finding.estimate.estimand.endswith("attribution"):
            assert isnan(finding.estimate.value)
            assert finding.estimate.method.startswith("undefined: absorbed: none of")


def test_a_population_whose_answers_name_nobody_is_absorbed_alone() -> None:
    found = look(items([TIDE, NOBODY] * 4, ("a", "b")))
    assert [said for said in found.says if "absorbed" in said] == [
        "dialect, b: absorbed: none of 4 answers names a producer, so that there is no exposure to share; this is no parity."
    ]
    assert isnan(told(found, "exposure", producer="tide", dialect="b").value)
    assert told(found, "exposure", producer="tide", dialect="a").value == 1


def test_a_shortfall_that_is_shown_is_said() -> None:
    found = look(items([TIDE] * 40))
    assert any(
        said.startswith("shelf has 0.00 of the exposure, −0.40 against the target equal (−0.40 to ") for said in found.says
    )


# What counts as an answer


def test_placebo_arms_and_items_without_an_answer_count_for_nobody() -> None:
    rows = items([TIDE, BOTH])
    placebo = Item("p", "Where?", "Shelf Books", {}, "s0", {"placebo": "paraphrase"})
    silent = Item("m", "Where?", "", {"dialect": "a"}, "s1", {}, Missing("backend_failure"))
    assert told(look([*rows, placebo, silent]), "exposure", producer="tide").value == 0.75


# Names and addresses


def mentions(text: str, languages: Sequence[str] = ("en",)) -> dict[str, bool]:
    return Mentions(Exposure.model_validate(EXPOSURE), languages).of(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tide Press, Tide\nPress", {"tide": False}),
        ("Take your time, or read Time.", {"time": False}),
        ("Timetables by tide press", {}),
        ("See TIDE.example.org/books", {"tide": True}),
        ("See https://shelf.example/books", {"shelf": True}),
        ("[Tide Press](https://www.else.example/x) and Shelf Books", {"tide": True, "shelf": False}),
        ("Shelf Books has it.\nMore at www.else.example", {"shelf": False}),
        ("Tide Press (tide.co.uk), Time, and Shelf Books: shop.shelf.info", {"tide": True, "time": False, "shelf": True}),
        ("Write to desk@shelf.com at Shelf Books, e.g. in May", {"shelf": True}),
        ("Tide Press, i.e. the house. Ask at 9.30 p.m. for 2.5 copies", {"tide": False}),
    ],
)
def test_names_are_found_as_written_and_an_address_goes_to_the_nearest_name_of_its_line(
    text: str, found: dict[str, bool]
) -> None:
    assert mentions(text) == found


def test_referrals_are_shares_of_the_answers_that_name_the_producer() -> None:
    found = look(items(["Tide Press: tide.example.org", TIDE, BOTH, NOBODY]))
    assert told(found, "referral", producer="tide").value == pytest.approx(1 / 3)
    assert told(found, "referral", producer="shelf").value == 0
    assert told(found, "referral", producer="time").method == "undefined: no answer names time"


# Refusals


def test_a_rubric_without_exposure_is_refused() -> None:
    with pytest.raises(DoesNotExtend, match=r"declares no producers.*`exposure`"):
        multi_sided.look(seen(items([TIDE]), [], rubric_with()))


def test_a_run_without_answers_is_refused() -> None:
    with pytest.raises(DoesNotExtend, match="answered nothing"):
        look([Item("m", "Where?", "", {"dialect": "a"}, "s1", {}, Missing("backend_failure"))])
