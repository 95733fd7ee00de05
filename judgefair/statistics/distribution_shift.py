"""Are the items of one set of the same kind as those of another, or can a reader of the text tell them apart?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from judgefair.statistics.estimate import Estimate, undefined

SOURCE = "classifier two-sample test: Lopez-Paz and Oquab 2017; interval of the AUC: Hanley and McNeil 1982"
MAX_TEXTS = 2000
MIN_TEXTS = 20
FOLDS = 5
WORD = r"(?u)\b\w+\b"
READER = "logistic regression on tf-idf of words and word pairs"


def distribution_shift(
    texts: Sequence[str],
    others: Sequence[str],
    groups: Sequence[str],
    other_groups: Sequence[str],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """AUC of a classifier that tells two sets of texts apart by their words, cross-validated by scenario.

    Parameters
    ----------
    texts, others : items of the two sets; of more than 2,000 a random 2,000 are read.
    groups, other_groups : scenario of each text: all texts of one scenario, in either set, fall into the same fold.

    Returns
    -------
    Estimate of `shift.auc`: 0.5 where the sets cannot be told apart, 1 where they always can. Undefined where a set has
    fewer than 20 texts or fewer than five scenarios.

    Notes
    -----
    Logistic regression on tf-idf of words and word pairs. Words see topic, wording and language, not meaning: a low AUC is
    no proof that the sets are alike.

    Examples
    --------
    >>> weather = [f"rain and wind on day {i}" for i in range(40)]
    >>> sums = [f"add {i} and three to get a total" for i in range(40)]
    >>> days = [str(i) for i in range(40)]
    >>> distribution_shift(weather, sums, days, days).value > 0.95
    True
    """
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(seed)
    first, first_groups = _taken(texts, groups, sampled(len(texts), generator))
    second, second_groups = _taken(others, other_groups, sampled(len(others), generator))
    known: dict[str, Any] = {"n_items": len(first) + len(second), "level": confidence, "seed": seed, "source": SOURCE}
    if min(len(first), len(second)) < MIN_TEXTS:
        return undefined("shift.auc", f"{len(first):,} and {len(second):,} texts; {MIN_TEXTS} of each are needed", **known)
    scenario = np.array([str(x) for x in (*first_groups, *second_groups)])
    n_scenarios, n_others = len(set(first_groups)), len(set(second_groups))
    if min(n_scenarios, n_others) < FOLDS:
        return undefined("shift.auc", f"fewer than {FOLDS} scenarios in one of the sets", **known)
    is_first = np.array([1] * len(first) + [0] * len(second))
    try:
        told, _ = cross_fitted([*first, *second], is_first, scenario, seed)
    except ValueError as error:  # sklearn: no words at all
        return undefined("shift.auc", f"the texts have no words to tell them by ({error})", **known)
    auc = float(roc_auc_score(is_first, told))
    method = f"{READER}, {FOLDS}-fold by scenario"
    known["n_clusters"] = len(set(scenario))
    se = _hanley_mcneil(auc, n_scenarios, n_others)
    if se < 1e-12:
        return Estimate("shift.auc", auc, method=f"{method}; no interval: the sets are told apart without an error", **known)
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * se
    return Estimate(
        "shift.auc", auc, max(0.0, auc - reach), min(1.0, auc + reach), se=se,
        method=f"{method}; normal interval as if over {n_scenarios:,} and {n_others:,} scenarios", **known,
    )  # fmt: skip


def cross_fitted(texts: Sequence[str], is_first: np.ndarray, scenarios: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,) how much each text looks like those of the first set to a reader of other scenarios, and the fold it was read in.

    Parameters
    ----------
    is_first, scenarios : (n,) 1 for texts of the first set and 0 for the other; names, of at least `FOLDS` scenarios in either.

    Raises
    ------
    ValueError : the texts have no words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits

    told, fold = np.full(len(texts), np.nan), np.zeros(len(texts), dtype=np.int64)
    parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(texts, is_first, scenarios)
    for number, (taught, read) in enumerate(parts):
        reader = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=50_000, token_pattern=WORD),
            LogisticRegression(class_weight="balanced", C=10.0, max_iter=1000),
        )
        with threadpool_limits(1):  # these fits are small, and threads that wait for each other take most of their time
            reader.fit([texts[i] for i in taught], is_first[taught])
        told[read], fold[read] = reader.decision_function([texts[i] for i in read]), number
    return told, fold


def sampled(n: int, generator: np.random.Generator) -> np.ndarray:
    """Which of `n` texts `distribution_shift` reads, in order: for who has them on disk, and reads no others."""
    return np.arange(n) if n <= MAX_TEXTS else np.sort(generator.choice(n, MAX_TEXTS, replace=False))


def _taken(texts: Sequence[str], groups: Sequence[str], chosen: np.ndarray) -> tuple[list[str], list[str]]:
    return [texts[i] for i in chosen], [groups[i] for i in chosen]


def _hanley_mcneil(auc: float, n: int, m: int) -> float:
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return float(np.sqrt((auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)) / (n * m)))
