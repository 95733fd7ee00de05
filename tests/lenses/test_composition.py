"""Are whole and parts each held against their own tolerance, and is a whole not called fair since its parts are?"""

import numpy as np
import pytest
from scipy import stats

from judgefair.lenses import DoesNotExtend, composition
from tests.lenses.seeing import BINARY, NOMINAL, arms, found, rated, rubric_with, seen

LENS = "lens.composition"
NAMES = ("overall", "depth", "tone")
COMPOSED = [{"whole": "overall", "parts": ["depth", "tone"]}]


def run_with(gaps: dict[str, float], *, n: int = 80, labels: str = "human", fields: dict | None = None, labelled: bool = True):
    """`gaps` are exact for humans and judge: b differs from a by one point in that share of scenarios, or by a point more in the rest."""
    items, rng = arms(n), np.random.default_rng(7)
    ratings = []
    for name in NAMES:
        level = rng.integers(3, 6, n).repeat(2)
        less = np.zeros(2 * n, dtype=int)
        less[1::2][rng.permutation(n)[: round(n * abs(gaps.get(name, 0)))]] = np.sign(gaps.get(name, 0))
        jitter = np.zeros(2 * n, dtype=int)
        jitter[1::2] = rng.permutation(np.tile([1, -1], n // 2)) * (rng.permutation(n) < 0)
        values = level + less + jitter
        ratings += rated(items, values, name)
        if labelled:
            ratings += rated(items, values, name, "ann")
    criteria = {name: {"tolerance": 0.25} | (fields or {}).get(name, {}) for name in NAMES}
    return seen(items, ratings, rubric_with(criteria, composition=COMPOSED), labels)


def test_the_excess_is_the_whole_minus_the_mean_of_its_parts():
    look = composition.look(run_with({"overall": -0.5, "depth": -0.1, "tone": 0.2}))
    assert found(look, f"{LENS}.whole", "b").value == pytest.approx(-0.5)
    assert found(look, f"{LENS}.part", "b", "depth").value == pytest.approx(-0.1)
    assert found(look, f"{LENS}.part.raw", "b", "tone").value == pytest.approx(0.2)
    for name in ("excess", "excess.raw"):
        assert found(look, f"{LENS}.{name}", "b").value == pytest.approx(-0.5 - (-0.1 + 0.2) / 2)


def test_the_excess_is_paired_by_scenario():
    # Its interval is that of a paired t test of what each scenario says: scipy 1.17.
    run = run_with({"overall": -0.5, "depth": -0.1, "tone": 0.2})
    values = {name: run.columns.ratings(name, "judge") for name in NAMES}
    beyond = values["overall"] - (values["depth"] + values["tone"]) / 2
    theirs = stats.ttest_rel(beyond[1::2], beyond[::2]).confidence_interval(0.95)
    ours = found(composition.look(run), f"{LENS}.excess", "b")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_each_gap_is_tested_against_its_own_tolerance():
    # Two one-sided t tests on the differences of the scenarios: scipy 1.17.
    run = run_with({"overall": -0.2, "depth": -0.2, "tone": 0.1}, fields={"overall": {"tolerance": 0.5}})
    look = composition.look(run)
    for what, name, delta in (("whole", "overall", 0.5), ("part", "depth", 0.25), ("part", "tone", 0.25)):
        rating = run.columns.ratings(name, "judge")
        difference = rating[1::2] - rating[::2]
        above = stats.ttest_1samp(difference, -delta, alternative="greater").pvalue
        below = stats.ttest_1samp(difference, delta, alternative="less").pvalue
        ours = found(look, f"{LENS}.{what}", "b", name)
        assert ours.p_value == pytest.approx(max(above, below))
        assert ours.level == 0.9
        assert (ours.low > -delta and ours.high < delta) == (ours.p_value < 0.05)


def test_fair_parts_do_not_make_a_fair_whole():
    (sentence,) = composition.look(run_with({"overall": -0.5, "depth": -0.05, "tone": 0.05})).says
    assert sentence.startswith(
        "dialect, b against a: all parts (depth, tone) are equivalent within their tolerances, and the whole (overall) is not shown to be: −0.50"
    )


def test_a_fair_whole_does_not_make_fair_parts():
    (sentence,) = composition.look(run_with({"overall": 0.05, "depth": -0.5, "tone": 0.05})).says
    assert (
        sentence
        == "dialect, b against a: the whole (overall) is equivalent within its tolerance, and of its parts depth not shown to be."
    )


def test_all_may_be_equivalent_and_none():
    (sentence,) = composition.look(run_with({"overall": 0.05, "depth": 0.05, "tone": 0.05})).says
    assert sentence.endswith("all parts (depth, tone) are equivalent within their tolerances, and so is the whole (overall).")
    (sentence,) = composition.look(run_with({"overall": 0.5, "depth": 0.5, "tone": 0.05})).says
    assert sentence.endswith("neither the whole (overall) nor all of its parts are shown to be equivalent (not shown: depth).")


@pytest.mark.parametrize("how", [{"labels": "model"}, {"labelled": False}, {"n": 20}])
def test_labels_that_bear_no_claim_show_no_equivalence(how):
    look = composition.look(run_with({"overall": 0.05, "depth": 0.05, "tone": 0.05}, **how))
    assert "not shown: depth, tone" in look.says[0]


def test_scales_of_other_spans_have_no_excess():
    fields = {"tone": {"scale": BINARY}}
    rubric = rubric_with({name: fields.get(name, {}) for name in NAMES}, composition=COMPOSED)
    items = arms(40)
    ratings = [*rated(items, [3, 4] * 40, "overall"), *rated(items, [3, 4] * 40, "depth"), *rated(items, [1, 0] * 40, "tone")]
    look = composition.look(seen(items, ratings, rubric))
    excess = found(look, f"{LENS}.excess.raw", "b")
    assert excess.method == "undefined: the scales do not span the same number of points (overall 6, depth 6, tone 1)"
    assert found(look, f"{LENS}.part.raw", "b", "tone").value == -1


def test_opposite_directions_have_no_excess():
    look = composition.look(run_with({}, fields={"tone": {"better": "lower"}}))
    assert "better is not the same direction" in found(look, f"{LENS}.excess", "b").method


def test_a_nominal_part_has_no_gap():
    rubric = rubric_with({"overall": {}, "depth": {}, "tone": {"scale": NOMINAL, "better": "none"}}, composition=COMPOSED)
    items = arms(40)
    ratings = [
        *rated(items, [3, 4] * 40, "overall"),
        *rated(items, [3, 4] * 40, "depth"),
        *rated(items, ["kind", "curt"] * 40, "tone"),
    ]
    look = composition.look(seen(items, ratings, rubric))
    assert "no distances" in found(look, f"{LENS}.part", "b", "tone").method
    assert "overall 6, depth 6, tone none" in found(look, f"{LENS}.excess", "b").method


def test_refuses_where_the_rubric_composes_nothing():
    items = arms(5)
    with pytest.raises(DoesNotExtend, match=r"declares no criterion that sums up others\. It would need `composition`"):
        composition.look(seen(items, rated(items, [3, 4] * 5), rubric_with()))
