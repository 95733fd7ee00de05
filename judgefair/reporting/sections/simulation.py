"""Can the simulated queries be relied on, and did a gate reject some populations more than others?"""

from collections.abc import Mapping, Sequence
from typing import Any

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import population_name
from judgefair.validation import Finding, Validation

ORDER = 60
PASS, KEPT, CARICATURE = "simulation.pass.", "simulation.kept", "simulation.caricature_auc."


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The design, pass rates by gate and population, and what each gate removed; none for runs without simulated users."""
    simulation = estimation.simulation if estimation else None
    if estimation is None or simulation is None:
        return None
    design, counts = simulation["design"], simulation["queries"]
    kept = f"{counts['kept']:,} of {counts['rendered']:,} rendered queries are kept: a scenario stays whole or is left out."
    described = (
        f"{design['blocks']:,} scenarios, {design['arms']:,} arms each, strength {design['strength']}, all combinations covered. "
        if design
        else ""
    )
    blocks: list[Block] = [
        Text(
            f"{described}{kept} The queries are themselves an input with a bias: a gate that rejects one population more than "
            "others is a finding about the simulation."
        )
    ]
    rates = [f for f in estimation.findings if f.estimate.estimand.startswith(PASS) or f.estimate.estimand == KEPT]
    gates = list(dict.fromkeys(f.estimate.estimand for f in rates))
    differing = [gate for gate in gates if any(f.estimate.value < 1 for f in rates if f.estimate.estimand == gate)]
    whole = [gate.removeprefix(PASS) for gate in gates if gate not in differing and gate != KEPT]
    if whole:
        blocks.append(Text(f"Every query passed: {', '.join(whole)}."))
    if differing:
        caption = "Share of rendered queries that passed each gate, by population, with 95% intervals"
        blocks.append(
            Table(
                caption,
                ["Population", *(gate.removeprefix(PASS).removeprefix("simulation.") for gate in differing)],
                _rows(rates, differing),
            )
        )
    blocks += _removed(simulation["removed"])
    blocks += _caricature(estimation.findings)
    return Section("simulation", "Simulated queries", blocks)


def _rows(rates: Sequence[Finding], gates: Sequence[str]) -> list[list[Cell]]:
    of = {(str(f.population), f.estimate.estimand): f.estimate for f in rates}
    names = dict.fromkeys((str(f.population), population_name(f.population)) for f in rates)
    return [
        [Cell(name), *(number(of[key, gate]) if (key, gate) in of else Cell("not applied") for gate in gates)]
        for key, name in names
    ]


def _removed(removed: Sequence[Mapping[str, Any]]) -> list[Block]:
    rows = [
        [Cell(population_name(row["population"])), Cell(row["gate"]), Cell(f"{row['n']:,}")]
        for row in removed
        if row["population"]
    ]
    return [Table("Queries that a gate removed", ["Population", "Gate", "Queries"], rows)] if rows else []


def _caricature(findings: Sequence[Finding]) -> list[Block]:
    found = [f for f in findings if f.estimate.estimand.startswith(CARICATURE)]
    told = [f for f in found if f.estimate.is_defined]
    if not told:
        why = dict.fromkeys(f.estimate.method.removeprefix("undefined: ") for f in found)
        return [Text(f"Whether the queries caricature a population cannot be told: {'; '.join(why)}.")] if why else []
    rows = [
        [Cell(population_name(f.population)), Cell(f.estimate.estimand.removeprefix(CARICATURE)), number(f.estimate)]
        for f in told
    ]
    caption = (
        "How well a classifier tells a population's queries from neutral ones by topic words alone (AUC; 0.5 not at all: no caricature), "
        "with 95% intervals"
    )
    return [Table(caption, ["Population", "Cue", "By topic words"], rows)]
