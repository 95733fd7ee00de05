"""Can the population be read from the query?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judgefair.records import Query
from judgefair.rubric.context import Axis, Context
from judgefair.simulate.gates.readers import folds
from judgefair.simulate.gates.words import numbers, words, written_scenarios

GRAMS = (2, 4)
MAX_TAUGHT = 600


def cue(queries: Sequence[Query], context: Context, seed: int = 0) -> dict[str, float]:
    """How much more probable than by chance a held-out reader finds the query's own group.

    The number is the probability that the reader gives the group, times the number of groups that show through the same
    channel: 1 is chance, and the number of groups is certainty. A query that shows several axes is read for each, and has the
    smallest number. None where fewer than two groups or two scenarios show through the channel.

    Notes
    -----
    A reader is a logistic regression on tf-idf of words, numbers and parts of both. It learns from the queries of other
    scenarios, of many from a random 600, and from the rubric's own cues; groups count alike. It never reads a scenario that it has
    learnt from. It finds wording, and does not say whether people would recognise the population.
    """
    found: dict[str, float] = {}
    written = written_scenarios(queries, context)
    for axis in context.populations:
        for channel in sorted({query.cue for query in queries if query.cue}):
            shown = [query for query in queries if query.cue == channel and query.populations.get(axis.axis) in axis.groups]
            for query_id, number in _read(shown, axis, written, seed).items():
                found[query_id] = min(number, found.get(query_id, np.inf))
    return found


def _read(shown: Sequence[Query], axis: Axis, written: Mapping[str, str], seed: int) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    groups = sorted({query.populations[axis.axis] for query in shown})
    scenarios = [written[query.scenario_id] for query in shown]
    if len(groups) < 2 or len(set(scenarios)) < 2:
        return {}
    declared = [(text, group) for group in groups for text in _cues(axis, group, shown[0].cue or "")]
    features = _features([query.text for query in shown] + [text for text, _ in declared])
    shows = np.array([groups.index(query.populations[axis.axis]) for query in shown])
    label = np.concatenate([shows, np.array([groups.index(group) for _, group in declared], dtype=int)])
    fold = folds(scenarios, seed)
    generator = np.random.default_rng(seed)
    found = {}
    for held_out in range(fold.max() + 1):
        others = generator.permutation(np.flatnonzero(fold != held_out))[:MAX_TAUGHT]
        taught = np.concatenate([others, np.arange(len(shown), len(label))])
        if len(set(label[taught])) < 2:
            continue
        reader = LogisticRegression(C=10.0, class_weight="balanced", max_iter=500, tol=1e-3).fit(features[taught], label[taught])
        column = {int(code): place for place, code in enumerate(reader.classes_)}
        read = np.flatnonzero(fold == held_out)
        for row, probabilities in zip(read.tolist(), reader.predict_proba(features[read]), strict=True):
            if shows[row] in column:
                found[shown[row].query_id] = float(probabilities[column[int(shows[row])]]) * len(groups)
    return found


def _cues(axis: Axis, group: str, channels: str) -> list[str]:
    """What the rubric has for a group in a channel, or in several joined by +."""
    return [text for name, texts in (axis.groups[group].cues or {}).items() if name in channels.split("+") for text in texts]


def _features(texts: Sequence[str]) -> Any:
    """Tf-idf of words and numbers beside tf-idf of parts of them, (n_texts, n_features), each of length 1.

    Parts are cut once for every word there is, and not for every text: queries repeat their words.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    by_word = CountVectorizer(analyzer=lambda text: [*words(text), *sorted(numbers(text))])
    has_word = by_word.fit_transform(texts)
    has_part = has_word @ CountVectorizer(analyzer="char_wb", ngram_range=GRAMS).fit_transform(by_word.get_feature_names_out())
    return sparse.hstack([TfidfTransformer(sublinear_tf=True).fit_transform(counts) for counts in (has_word, has_part)]).tocsr()
