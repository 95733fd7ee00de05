"""Is the worst-off population found in the direction that harms, with an interval that allows for having looked at all?"""

import numpy as np
import pytest

from judgefair.lenses import DoesNotExtend, worst_off
from judgefair.statistics import worst_population
from tests.lenses.seeing import NOMINAL, arms, found, rated, rubric_with, seen

LENS = "lens.worst_off"
GROUPS = ("a", "b", "c", "d")


def planted(
    shift: dict[str, int],
    *,
    better: str = "higher",
    labelled: dict[str, int] | None = None,
    judge: dict[str, int] | None = None,
    labels: str = "human",
):
    items = arms(60, GROUPS)
    noise = np.random.default_rng(4).integers(-1, 2, len(items))
    group = [item.populations["dialect"] for item in items]
    true = np.array([4 + shift.get(name, 0) for name in group]) + noise
    by_judge = true + np.array([(judge or {}).get(name, 0) for name in group])
    kept = [k for k, name in enumerate(group) if k // 4 < (labelled or {}).get(name, 60)]
    ratings = [*rated(items, by_judge), *rated([items[k] for k in kept], true[kept], who="ann")]
    return seen(items, ratings, rubric_with({"depth": {"better": better}}, {"dialect": GROUPS}), labels), by_judge, true, group


def worst_of(look, what: str = "worst"):
    (finding,) = [finding for finding in look.findings if finding.estimate.estimand == f"{LENS}.{what}"]
    return finding


def test_the_worst_off_is_that_of_the_statistic():
    run, judge, true, group = planted({"b": -1, "c": -2, "d": 1})
    finding = worst_of(worst_off.look(run))
    theirs = worst_population(judge.astype(float), true.astype(float), group, "a", np.repeat(np.arange(60), 4))
    assert finding.population == {"dialect": theirs.population} == {"dialect": "c"}
    assert finding.contrast == {"dialect": "a"}
    ours = finding.estimate
    assert (ours.value, ours.low, ours.high, ours.p_value) == pytest.approx(
        (theirs.worst.value, theirs.worst.low, theirs.worst.high, theirs.worst.p_value)
    )


def test_where_less_is_better_the_worst_off_is_rated_higher():
    run, *_ = planted({"b": -1, "d": 2}, better="lower")
    assert worst_of(worst_off.look(run)).population == {"dialect": "d"}


def test_the_judges_own_worst_off_stands_beside_the_corrected_one():
    # The judge takes two off d; humans see b worst.
    run, judge, _, group = planted({"b": -1}, judge={"d": -2})
    look = worst_off.look(run)
    assert worst_of(look).population == {"dialect": "b"}
    raw = worst_of(look, "worst.raw")
    assert raw.population == {"dialect": "d"}
    means = {name: judge[[g == name for g in group]].mean() for name in GROUPS}
    assert raw.estimate.value == pytest.approx(means["a"] - means["d"])
    assert found(look, f"{LENS}.spread.raw").value == pytest.approx(max(means.values()) - min(means.values()))


def test_the_spread_is_descriptive_and_says_so():
    run, *_ = planted({"b": -1})
    spread = found(worst_off.look(run), f"{LENS}.spread")
    assert "descriptive" in spread.method
    assert spread.low != spread.low
    assert spread.p_value is None


def test_what_is_said_follows_the_interval():
    (sentence,) = worst_off.look(planted({"c": -2})[0]).says
    assert "c is served worst of the populations compared, and worse than a" in sentence
    (sentence,) = worst_off.look(planted({"b": 1, "c": 1, "d": 1})[0]).says
    assert sentence == "depth, dialect: no population is shown to be served worse than a."
    (sentence,) = worst_off.look(planted({"c": -2}, labels="model")[0]).says
    assert sentence == "depth, dialect: who is worst off is not shown: the labels are model: no human gave them."


def test_a_population_with_few_labels_is_left_out_by_name():
    run, *_ = planted({"b": -1, "c": -2}, labelled={"c": 8})
    look = worst_off.look(run)
    worst = worst_of(look)
    assert worst.population == {"dialect": "b"}
    assert "left out, since their labels cannot bear an interval: c (c: 8 labelled scenarios" in worst.estimate.method
    assert "8 labelled scenarios" in found(look, f"{LENS}.gap", "c").method
    assert not found(look, f"{LENS}.gap", "c").is_defined


def test_without_labels_nobody_is_worst_off_but_by_the_judge():
    items = arms(40, GROUPS)
    values = 4 + np.random.default_rng(2).integers(-1, 2, len(items)) - np.tile([0, 0, 2, 0], 40)
    look = worst_off.look(seen(items, rated(items, values), rubric_with(axes={"dialect": GROUPS})))
    assert not worst_of(look).estimate.is_defined
    assert worst_of(look).population is None
    assert worst_of(look, "worst.raw").population == {"dialect": "c"}
    assert "who is worst off is not shown" in look.says[0]


def test_refuses_where_no_criterion_has_a_better_direction():
    items = arms(5)
    rubric = rubric_with({"depth": {"better": "none"}, "tone": {"scale": NOMINAL, "better": "none"}})
    with pytest.raises(DoesNotExtend, match=r"depth says that neither more nor less is better.*tone has a nominal scale"):
        worst_off.look(seen(items, rated(items, [3, 4] * 5), rubric))
