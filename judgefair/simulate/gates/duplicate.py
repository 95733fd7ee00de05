"""Is the query nearly the same as that of another scenario?"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.gates.words import declared_cues, words, written_scenarios

SHINGLE = 3
PERMUTATIONS = 128
"""The standard error of an estimated Jaccard similarity J is the root of J (1 - J)/128: 0.035 at the limit of 0.8."""


def duplicate(queries: Sequence[Query], context: Context, seed: int = 0) -> dict[str, float]:
    """Largest estimated Jaccard similarity to a query of another scenario in the same arm, by MinHash of word shingles.

    A shingle is three words in a row; those of the rubric's cues do not count, since an arm is meant to share its cues, and versions
    of one scenario that differ in a fact alone are no other scenario. None where a query has no shingle of its own, or no other
    scenario of its arm has.

    Source: Broder 1997, through `datasketch`.
    """
    from datasketch import MinHash
    from datasketch.hashfunc import sha1_hash32

    hashed = lru_cache(maxsize=None)(sha1_hash32)  # the arms of a block share most of their shingles
    cued = {shingle for text in declared_cues(context.populations) for shingle in shingles(text)}
    written = written_scenarios(queries, context)
    arms: dict[str, list[tuple[Query, set[str]]]] = defaultdict(list)
    for query in queries:
        if own := shingles(query.text) - cued:
            arms[query.arm].append((query, own))
    found: dict[str, float] = {}
    for arm in arms.values():
        sets = ([shingle.encode() for shingle in sorted(own)] for _, own in arm)
        hashes = np.array([each.hashvalues for each in MinHash.bulk(sets, num_perm=PERMUTATIONS, seed=seed + 1, hashfunc=hashed)])
        scenarios = np.array([written[query.scenario_id] for query, _ in arm])
        for (query, _), own_hashes in zip(arm, hashes, strict=True):
            others = hashes[scenarios != written[query.scenario_id]]
            if len(others):
                found[query.query_id] = float((others == own_hashes).mean(axis=1).max())
    return found


def shingles(text: str) -> set[str]:
    """Every three words in a row.

    >>> sorted(shingles("Where is the shelf?"))
    ['is the shelf', 'where is the']
    """
    found = words(text)
    return {" ".join(found[i : i + SHINGLE]) for i in range(len(found) - SHINGLE + 1)}
