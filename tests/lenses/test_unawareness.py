"""Is a population that nothing but its cue gives away told blind, and one that wording gives away not blind?"""

from collections.abc import Callable, Sequence
from math import isnan

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from judgefair.lenses import DoesNotExtend, Look, unawareness
from judgefair.lenses._look import Seen
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.statistics.distribution_shift import cross_fitted
from tests.lenses.seeing import arms, found, rubric_with, seen

CUES = {"a": "Alice wrote this", "b": "Ayaan wrote this", "c": "Chidi wrote this"}
WORDS = [
    "book",
    "shelf",
    "tide",
    "river",
    "stone",
    "bird",
    "lamp",
    "door",
    "wheel",
    "chair",
    "glass",
    "road",
    "field",
    "house",
    "cloud",
]
AUC = "lens.unawareness.auc"


def rubric(*groups: str) -> Rubric:
    axis = {
        "axis": "dialect",
        "reference": "a",
        "groups": {group: {"cues": {"name": [CUES[group]]}} for group in groups or ("a", "b")},
    }
    return rubric_with(populations=[axis])


def items(n: int, said: Callable[[int, str], str], groups: Sequence[str] = ("a", "b"), *, shared: bool = True) -> list[Item]:
    return [
        Item(f"s{s:04}-{group}", said(s, group), "So.", {"dialect": group}, f"s{s:04}" if shared else f"s{s:04}-{group}")
        for s in range(n)
        for group in groups
    ]  # fmt: skip


def look(rows: Sequence[Item], of: Rubric | None = None) -> Look:
    return unawareness.look(seen(rows, [], of or rubric()))


def noise(seed: int, length: int = 12) -> Callable[[int, str], str]:
    rng = np.random.default_rng(seed)
    return lambda _s, group: f"{CUES[group]}. " + " ".join(rng.choice(WORDS, length))


# Blind, not blind, neither


@pytest.mark.parametrize(("n", "is_blind"), [(56, False), (57, True), (200, True)])
def test_queries_that_differ_in_the_cue_alone_are_blind_once_there_are_enough_of_them(n: int, is_blind: bool) -> None:
    # If texts differed in a share p of scenarios, none of n would with probability (1 - p)^n: p < 1 - 0.05^(1/n), and the AUC of
    # the best reader is 0.5 + p - p^2/2, which is under 0.55 from n = 57 on.
    told = look(items(n, lambda s, group: f"{CUES[group]}. Where is book {s} of {s % 7}?"))
    auc = found(told, AUC, "b")
    p = 1 - 0.05 ** (1 / n)
    assert auc.value == 0.5
    assert (auc.low, auc.high) == pytest.approx((0.5 - p + p * p / 2, 0.5 + p - p * p / 2))
    assert (": blind." in told.says[0]) == is_blind
    assert ("neither is shown" in told.says[0]) != is_blind


def test_a_word_that_is_no_declared_cue_gives_the_population_away() -> None:
    mix = noise(0)
    told = look(items(60, lambda s, group: f"{mix(s, group)} {'finna' if group == 'b' else 'going'}"))
    auc = found(told, AUC, "b")
    assert auc.value > 0.99
    assert auc.low > 0.8
    assert told.says[0].startswith("dialect b, queries without declared cues: not blind.")


def test_words_that_tell_nothing_are_neither_blind_nor_told_among_few() -> None:
    told = look(items(60, noise(1)))
    auc = found(told, AUC, "b")
    assert auc.low < 0.5 < auc.high
    assert auc.high > 0.55
    assert "neither is shown" in told.says[0]


def test_the_auc_is_that_of_rank_sum_tests_on_the_readers_scores_fold_by_fold() -> None:
    rows = items(50, noise(2), shared=False)
    auc = found(look(rows), AUC, "b")
    texts = [item.query.replace(CUES["a"], " ").replace(CUES["b"], " ") for item in rows]
    is_b = np.array([item.populations["dialect"] == "b" for item in rows])
    told, fold = cross_fitted(texts, is_b.astype(int), np.arange(100).astype(str), 0)
    wins = pairs = 0.0
    for each in range(5):
        cases, controls = told[is_b & (fold == each)], told[~is_b & (fold == each)]
        wins, pairs = wins + stats.mannwhitneyu(cases, controls).statistic, pairs + len(cases) * len(controls)
    assert auc.value == pytest.approx(wins / pairs)
    assert auc.n_clusters == 100


def test_each_group_is_compared_with_the_reference_and_with_no_other() -> None:
    mix = noise(3)
    told = look(
        items(40, lambda s, group: f"{mix(s, 'a')} {'finna' if group == 'c' else 'going'}", ("a", "b", "c")),
        rubric("a", "b", "c"),
    )
    assert found(told, AUC, "c").low > 0.75
    assert found(told, AUC, "b").low < 0.5
    assert len(told.findings) == len(told.says) == 2


# What is read


def test_arms_that_show_no_population_are_not_read() -> None:
    rows = items(60, lambda s, group: f"{CUES[group]}. Where is book {s}?")
    placebos = [Item(f"p{s}", f"Say where {s} is, finna", "So.", {}, f"s{s:04}", {"placebo": "paraphrase"}) for s in range(60)]
    assert found(look([*rows, *placebos]), AUC, "b").value == 0.5


def test_of_many_items_whole_scenarios_are_read_up_to_two_thousand() -> None:
    auc = found(look(items(2600, lambda s, group: f"{CUES[group]}. Where is book {s}?")), AUC, "b")
    assert auc.n_items == 2000
    assert "2,000 of 5,200 items, of whole scenarios drawn at random" in auc.method


def test_a_group_with_few_texts_is_undefined_and_says_what_is_needed() -> None:
    told = look(items(15, noise(4)))
    auc = found(told, AUC, "b")
    assert isnan(auc.value)
    assert "15 and 15 texts of 15 and 15 scenarios; 20 texts and 5 scenarios of each are needed" in auc.method
    assert "neither is shown" in told.says[0]


# Refusals


def test_items_without_populations_are_refused() -> None:
    with pytest.raises(DoesNotExtend, match="no two populations"):
        look([Item(f"i{k}", "Where?", "There.") for k in range(30)])


def test_items_without_queries_are_refused() -> None:
    with pytest.raises(DoesNotExtend, match="have no queries"):
        look(items(30, lambda _s, _group: " "))


def test_the_lens_goes_through_the_items_once() -> None:
    class Once(list[Item]):
        n = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            self.n += 1
            return super().__iter__()

    plain = seen(arms(30), [], rubric())
    once = Once(plain.items)
    unawareness.look(Seen(plain.rubric, plain.columns, plain.facts, once))
    assert once.n == 1


# Of texts that tell nothing the AUC is 0.5: 200 samples of 40 scenarios. The factor of the variance is a rough one, on the safe side.


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_intervals_hold_chance_at_least_as_often_as_they_say_where_the_texts_tell_nothing(shared: bool) -> None:
    with threadpool_limits(1):  # many small fits: threads would mostly wait for each other
        told = [found(look(items(40, noise(seed), shared=shared)), AUC, "b") for seed in range(200)]
    held = sum(each.low <= 0.5 <= each.high for each in told)
    assert held >= stats.binom.ppf(0.0005, len(told), 0.95)
    assert held < len(told)  # as wide as this, and not for want of any width
    assert abs(np.mean([each.value for each in told]) - 0.5) < 4 * np.std([each.value for each in told]) / len(told) ** 0.5
