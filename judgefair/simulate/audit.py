"""Which populations' queries do the gates reject?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from judgefair.records import Query
from judgefair.rubric.context import Axis, Context
from judgefair.simulate.gates.caricature import readers
from judgefair.simulate.gates.limits import LIMITS, is_within
from judgefair.simulate.plan import NEUTRAL, PARAPHRASE, SAME_GROUP
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.missing_rate import missing_rate

EARLIER = re.compile(r"-r\d+$")
WITH_ITS_BLOCK = re.compile(r"block: (\w+) of ")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One number of the audit.

    Attributes
    ----------
    gate : whose pass rate, removals or reader it tells; None where it is of all gates together.
    population : {axis: group} for the arms that show the group, placebos left out; {"arm": "neutral"} and {"placebo": kind} for
        those arms; None for all.
    n_removed : queries that are not kept because of the gate; 0 where the row tells something else.
    """

    gate: str | None
    population: Mapping[str, str] | None
    estimate: Estimate
    n_removed: int = 0


def audit(queries: Sequence[Query], context: Context, *, confidence: float = 0.95, seed: int = 0) -> list[AuditRow]:
    """How often each gate was passed, what was kept and what each gate removed, for all queries and by population.

    Parameters
    ----------
    queries : every render with its numbers. An earlier render of a query, whose id ends in `-r` and its number, counts where
        a gate's pass rate is told and nowhere else.
    context : whose axes and cues the queries render.

    Returns
    -------
    Rows for all queries first, then by population in the rubric's order, then neutral and placebo arms:

    - `simulation.kept`: share of queries that are kept;
    - `simulation.pass.<gate>`: share of renders that the gate lets pass, of those that it has a number for; the others are
      the estimate's `n_missing`;
    - `simulation.removed.<gate>`: share of queries that are not kept because the gate rejected them, or rejected another
      arm of their block; `n_removed` is their number;

    and last `simulation.caricature_auc.<cue>` by population. Shares have Wilson intervals clustered by scenario.
    """
    newest = _newest(queries)
    reasons = [reason for query in newest if (reason := removed_by(query)) is not None]
    removing = [*(gate for gate in LIMITS if gate in reasons), *sorted(set(reasons) - LIMITS.keys())]
    measured = [gate for gate in LIMITS if any(gate in query.gates for query in queries)]
    rows = []
    for population in _populations(queries, context.populations):
        mine = [query for query in newest if _shows(query, population)]
        renders = [query for query in queries if _shows(query, population)]
        rows.append(AuditRow(None, population, _share([query.kept for query in mine], mine, "simulation.kept", confidence)))
        for gate in measured:
            rows.append(AuditRow(gate, population, _passed(renders, gate, confidence)))
        for gate in removing:
            removed = [removed_by(query) == gate for query in mine]
            rows.append(AuditRow(gate, population, _share(removed, mine, f"simulation.removed.{gate}", confidence), sum(removed)))
    told = readers(newest, context, seed, confidence=confidence)
    return rows + [AuditRow("caricature", dict(reader.populations), reader.auc) for reader in told]


def removed_by(query: Query) -> str | None:
    """The gate because of which a query is not kept, whether it failed itself or another arm of its block did.

    >>> removed_by(Query("q", "s", "b", "neutral", None, None, {}, ("",), rejected_because="block: facts of sex=woman, name"))
    'facts'
    """
    if query.rejected_because is None:
        return None
    block = WITH_ITS_BLOCK.match(query.rejected_because)
    return block.group(1) if block else query.rejected_because


def _newest(queries: Sequence[Query]) -> list[Query]:
    ids = {query.query_id for query in queries}
    return [q for q in queries if (first := EARLIER.sub("", q.query_id)) == q.query_id or first not in ids]


def _populations(queries: Sequence[Query], axes: Sequence[Axis]) -> list[dict[str, str] | None]:
    """All, and those that show in some query."""
    named: list[dict[str, str]] = [{axis.axis: group} for axis in axes for group in axis.groups]
    named += [{"arm": NEUTRAL}, *({"placebo": kind} for kind in (PARAPHRASE, SAME_GROUP))]
    return [None, *(population for population in named if any(_shows(query, population) for query in queries))]


def _shows(query: Query, population: Mapping[str, str] | None) -> bool:
    if population is None:
        return True
    if "arm" in population or "placebo" in population:
        return query.arm == population.get("arm") or query.placebo == population.get("placebo", "")
    return query.placebo is None and population.items() <= query.populations.items()


def _passed(renders: Sequence[Query], gate: str, confidence: float) -> Estimate:
    known = [query for query in renders if gate in query.gates]
    passed = [is_within(gate, query.gates[gate]) for query in known]
    return replace(_share(passed, known, f"simulation.pass.{gate}", confidence), n_missing=len(renders) - len(known))


def _share(flags: Sequence[bool], queries: Sequence[Query], estimand: str, confidence: float) -> Estimate:
    """The share of true flags: the interval of a share of missing ratings is that of any share."""
    found = missing_rate(flags, "", [query.scenario_id for query in queries], confidence=confidence).renamed(estimand)
    return replace(found, method=found.method.replace("ratings", "queries"), n_missing=0)
