"""By what numbers is a simulated query kept or rejected?"""

from collections.abc import Mapping, Sequence

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.gates.caricature import caricature
from judgefair.simulate.gates.cue import cue
from judgefair.simulate.gates.diversity import diversity
from judgefair.simulate.gates.duplicate import duplicate
from judgefair.simulate.gates.facts import facts
from judgefair.simulate.gates.intent import intent
from judgefair.simulate.gates.language import language
from judgefair.simulate.gates.length import length
from judgefair.simulate.gates.limits import LIMITS
from judgefair.simulate.gates.words import is_spaced


def measure(
    queries: Sequence[Query],
    context: Context,
    *,
    given: Mapping[str, Mapping[str, float]] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Numbers of every gate for every query, by `query_id` and then by gate in the order of `LIMITS`.

    Parameters
    ----------
    queries : the newest render of every arm of every block; readers are trained on them, so that a number belongs to the
        whole set. Their order does not matter.
    context : whose axes, cues and scenarios the queries render.
    given : by `query_id` and gate, numbers from elsewhere, such as a checker model's, which take the place of ours.
    seed : of the folds and of the hashes.

    Returns
    -------
    A gate that cannot be computed for a query has no key there: there is nothing to compare it with, or nothing to learn from.
    """
    ordered = sorted(queries, key=lambda query: query.query_id)
    worded = [query for query in ordered if is_spaced(query)]
    found = {
        "language": language(ordered),
        "duplicate": duplicate(worded, context, seed),
        "intent": intent(worded),
        "facts": facts(worded, context),
        "length": length(worded),
        "cue": cue(ordered, context, seed),
        "caricature": caricature(worded, context, seed),
        "diversity": diversity(worded, context.populations),
    }
    ours = {
        query.query_id: {gate: found[gate][query.query_id] for gate in LIMITS if query.query_id in found[gate]}
        for query in queries
    }
    return {query_id: numbers | dict((given or {}).get(query_id, {})) for query_id, numbers in ours.items()}
