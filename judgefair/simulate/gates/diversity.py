"""Are the scenarios of an arm still as different from each other as before the population showed?"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from judgefair.records import Query
from judgefair.rubric.context import Axis
from judgefair.simulate.gates.words import declared_cues, neutral_queries, words
from judgefair.simulate.plan import NEUTRAL


def diversity(queries: Sequence[Query], axes: Sequence[Axis]) -> dict[str, float]:
    """Mean Jaccard distance of its words to the other queries of its arm, over the same of its block's neutral query.

    1 is as diverse as neutral. Words of the rubric's cues do not count, since an arm is meant to share them. None for
    the neutral query itself, where the arm has no other query, and where the neutral queries do not differ.
    """
    cued = {word for text in declared_cues(axes) for word in words(text)}
    arms: dict[str, list[Query]] = defaultdict(list)
    for query in queries:
        arms[query.arm].append(query)
    distance = {query_id: mean for arm in arms.values() for query_id, mean in _mean_distances(arm, cued).items()}
    neutral = {block: distance.get(query.query_id, 0.0) for block, query in neutral_queries(queries).items()}
    return {
        query.query_id: distance[query.query_id] / before
        for query in queries
        if query.arm != NEUTRAL and query.query_id in distance and (before := neutral.get(query.block_id))
    }


def _mean_distances(arm: Sequence[Query], cued: set[str]) -> dict[str, float]:
    from sklearn.feature_extraction.text import CountVectorizer

    sets = [set(words(query.text)) - cued for query in arm]
    arm = [query for query, own in zip(arm, sets, strict=True) if own]
    if len(arm) < 2:
        return {}
    has = CountVectorizer(analyzer=sorted).fit_transform(own for own in sets if own).astype(float)
    shared = (has @ has.T).toarray()
    sizes = np.diag(shared)
    distances = 1 - shared / (sizes[:, None] + sizes - shared)
    return {query.query_id: float(total / (len(arm) - 1)) for query, total in zip(arm, distances.sum(axis=1), strict=True)}
