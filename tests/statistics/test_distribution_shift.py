"""Is the AUC near 0.5 for two halves of one set and near 1 for two topics, and does no scenario tell its own fold?"""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from judgefair.statistics.distribution_shift import MAX_TEXTS, _hanley_mcneil, distribution_shift

WORDS = np.array([f"word{i}" for i in range(300)])


def write(rng: np.random.Generator, n: int, words: np.ndarray = WORDS) -> list[str]:
    return [" ".join(rng.choice(words, 12)) for _ in range(n)]


def names(n: int, prefix: str = "s") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


def test_two_halves_of_one_distribution_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(1)
    found = distribution_shift(write(rng, 200), write(rng, 200), names(200), names(200, "o"))
    assert found.value == pytest.approx(0.5, abs=0.1)
    assert found.high < 0.7
    assert (found.n_items, found.n_clusters, found.seed) == (400, 400, 0)


def test_two_topics_can_be_told_apart_and_two_that_overlap_somewhat() -> None:
    rng = np.random.default_rng(2)
    apart = distribution_shift(write(rng, 60, WORDS[:100]), write(rng, 60, WORDS[150:]), names(60), names(60, "o"))
    assert apart.value > 0.99
    some = write(rng, 45, WORDS[:200]) + write(rng, 15, WORDS[100:])
    overlapping = distribution_shift(some, write(rng, 60, WORDS[100:]), names(60), names(60, "o"))
    assert 0.6 < overlapping.value < apart.value


def test_sets_told_apart_without_an_error_have_no_interval_of_no_width() -> None:
    rng = np.random.default_rng(3)
    found = distribution_shift(write(rng, 30, WORDS[:20]), write(rng, 30, WORDS[200:220]), names(30), names(30, "o"))
    assert found.value == 1
    assert isnan(found.low)
    assert isnan(found.se)
    assert "no interval: the sets are told apart without an error" in found.method


def test_the_texts_of_a_scenario_do_not_tell_each_other() -> None:
    # 30 texts of each set, five times each, from one distribution. If copies fell into different folds, every text would be known.
    rng = np.random.default_rng(4)
    texts, others = write(rng, 30) * 5, write(rng, 30) * 5
    grouped = distribution_shift(texts, others, names(30) * 5, names(30, "o") * 5)
    assert grouped.value == pytest.approx(0.5, abs=0.15)
    assert distribution_shift(texts, others, names(150), names(150, "o")).value > 0.95


def test_a_scenario_of_both_sets_falls_into_one_fold() -> None:
    # The same texts in both sets: a copy in another fold would be known as one of the other set, and the AUC be near 0.
    texts = write(np.random.default_rng(5), 60)
    assert distribution_shift(texts, texts, names(60), names(60)).value == pytest.approx(0.5, abs=0.02)
    assert distribution_shift(texts, texts, names(60), names(60, "o")).value < 0.2


def test_copies_inside_scenarios_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(6)
    texts, others = write(rng, 40, WORDS[:220]), write(rng, 40, WORDS[80:])
    once = distribution_shift(texts, others, names(40), names(40, "o"))
    often = distribution_shift(texts * 3, others * 3, names(40) * 3, names(40, "o") * 3)
    assert often.se == pytest.approx(_hanley_mcneil(often.value, 40, 40))
    assert often.n_clusters == once.n_clusters == 80


def test_of_many_texts_a_sample_is_read_and_the_same_seed_reads_the_same() -> None:
    rng = np.random.default_rng(7)
    words = WORDS[:20]
    texts = [" ".join(rng.choice(words, 2)) for _ in range(MAX_TEXTS + 500)]
    few = [" ".join(rng.choice(words, 2)) for _ in range(20)]
    first, second = (distribution_shift(texts, few, names(len(texts)), names(20, "o"), seed=3) for _ in range(2))
    assert first == second
    assert first.n_items == MAX_TEXTS + 20


@pytest.mark.parametrize(
    ("n", "n_scenarios", "reason"),
    [(0, 0, "0 and 30 texts; 20 of each are needed"), (19, 19, "19 and 30 texts; 20 of each are needed"),
     (30, 4, "fewer than 5 scenarios in one of the sets")],
)  # fmt: skip
def test_too_few_texts_or_scenarios_are_undefined_with_the_reason(n: int, n_scenarios: int, reason: str) -> None:
    rng = np.random.default_rng(8)
    for swap in (False, True):
        sides = [(write(rng, n), [f"s{i % max(n_scenarios, 1)}" for i in range(n)]), (write(rng, 30), names(30, "o"))]
        (texts, groups), (others, other_groups) = reversed(sides) if swap else sides
        found = distribution_shift(texts, others, groups, other_groups)
        assert isnan(found.value)
        assert found.method.startswith("undefined: ")
        assert swap or found.method == f"undefined: {reason}"


def test_texts_without_words_are_undefined_with_the_reason() -> None:
    found = distribution_shift(["?!"] * 20, ["..."] * 20, names(20), names(20, "o"))
    assert isnan(found.value)
    assert found.method.startswith("undefined: the texts have no words to tell them by")


# The standard error


@pytest.mark.parametrize(("auc", "n", "m"), [(0.6, 40, 40), (0.75, 30, 80), (0.9, 60, 25)])
def test_the_standard_error_is_exact_where_hanley_and_mcneil_derived_it(auc: float, n: int, m: int) -> None:
    # For negative exponential scores (their equation 2): P(X > Y) = auc where X has the mean auc/(1 - auc) and Y the mean 1.
    rng = np.random.default_rng(9)
    scores = np.c_[rng.exponential(auc / (1 - auc), (6000, n)), rng.exponential(1, (6000, m))]
    found = (stats.rankdata(scores, axis=1)[:, :n].sum(1) - n * (n + 1) / 2) / (n * m)  # Mann and Whitney's U
    assert np.mean(found) == pytest.approx(auc, abs=0.005)
    assert _hanley_mcneil(auc, n, m) == pytest.approx(np.std(found), rel=0.04)


def test_the_standard_error_of_hanley_and_mcneils_images() -> None:
    # Hanley and McNeil 1982: 51 abnormal and 58 normal images, area 0.893. By hand, Q1 = 0.893/1.107 = 0.80668 and
    # Q2 = 2 * 0.797449/1.893 = 0.84252, so that the variance is (0.095551 + 50 * 0.009236 + 57 * 0.045075)/2958 = 0.0010570.
    assert _hanley_mcneil(0.893, 51, 58) == pytest.approx(np.sqrt(0.0010570), abs=2e-5)
