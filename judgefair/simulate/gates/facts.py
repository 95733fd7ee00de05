"""Does the query still state the scenario's facts, and its numbers exactly?"""

from collections.abc import Iterator, Sequence
from typing import Any

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.gates.words import content_stems, declared_cues, neutral_queries, numbers, written_scenarios
from judgefair.simulate.plan import NEUTRAL

STANDS = 0.6


def facts(queries: Sequence[Query], context: Context) -> dict[str, float]:
    """Share of the facts and numbers of the block's neutral query that the query still states.

    The neutral query states a fact where 60 % of the fact's content words stand in it, by crude stems; the query still
    states it where 60 % of those stand there too. A number is kept as it is written, in digits. What the neutral query does not
    state is not asked for, and every number that stands neither there nor in a cue of the rubric counts as one more that is not
    kept. None for the neutral query itself, and none where it states neither a fact nor a number.
    """
    written = written_scenarios(queries, context)
    listed = {scenario.id: [content_stems(fact) for fact in _leaves(scenario.facts)] for scenario in context.scenarios}
    cued = {number for text in declared_cues(context.populations) for number in numbers(text)}
    neutral = neutral_queries(queries)
    found = {}
    for query in queries:
        asked = neutral.get(query.block_id)
        if query.arm == NEUTRAL or asked is None:
            continue
        before, after = content_stems(asked.text), content_stems(query.text)
        stated = [fact & before for fact in listed.get(written[query.scenario_id], []) if fact and _most(fact, before)]
        counted, said = numbers(asked.text), numbers(query.text)
        if stated or counted:
            kept = sum(_most(fact, after) for fact in stated) + len(counted & said)
            found[query.query_id] = kept / (len(stated) + len(counted) + len(said - counted - cued))
    return found


def _leaves(value: Any) -> Iterator[str]:
    """What is said, of facts that may be nested; yes and no are not said in words of their own."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _most(fact: frozenset[str], stems: frozenset[str]) -> bool:
    return len(fact & stems) >= STANDS * len(fact)
