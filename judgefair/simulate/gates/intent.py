"""Does the query still ask what the scenario asks?"""

from collections.abc import Sequence

from judgefair.records import Query
from judgefair.simulate.gates.words import content_stems, neutral_queries
from judgefair.simulate.plan import NEUTRAL, PARAPHRASE


def intent(queries: Sequence[Query]) -> dict[str, float]:
    """Share of the content words of the block's neutral query that the query still has, by crude stems.

    None for the neutral query itself, and none for a paraphrase, whose words are meant to be others: its facts are held
    against it, and a checker model's number where there is one.

    >>> ask = Query("q0", "s", "s", "neutral", None, None, {}, ("Are school uniforms required?",))
    >>> free = Query("q1", "s", "s", "a", "name", None, {"sex": "woman"}, ("Jane here. Should a school require ties?",))
    >>> round(intent([ask, free])["q1"], 2)  # school and required of school, uniforms, required
    0.67
    """
    neutral = {block: content_stems(query.text) for block, query in neutral_queries(queries).items()}
    return {
        query.query_id: len(asked & content_stems(query.text)) / len(asked)
        for query in queries
        if query.arm != NEUTRAL and query.placebo != PARAPHRASE and (asked := neutral.get(query.block_id))
    }
