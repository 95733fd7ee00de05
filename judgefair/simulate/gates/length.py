"""Is the query about as long as without its population?"""

from collections.abc import Sequence

from judgefair.records import Query
from judgefair.simulate.gates.words import neutral_queries, words
from judgefair.simulate.plan import NEUTRAL


def length(queries: Sequence[Query]) -> dict[str, float]:
    """Number of words over that of the block's neutral query; none for the neutral query itself."""
    neutral = {block: len(words(query.text)) for block, query in neutral_queries(queries).items()}
    return {
        query.query_id: len(words(query.text)) / before
        for query in queries
        if query.arm != NEUTRAL and (before := neutral.get(query.block_id))
    }
