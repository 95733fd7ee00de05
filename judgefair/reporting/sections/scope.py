"""For what do the numbers hold?"""

from collections.abc import Mapping
from typing import Any

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.reporting.words import caution, system_name
from judgefair.statistics.estimate import signed
from judgefair.validation import Validation

ORDER = 10


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Context, rubric, judge, set and labels; nothing is claimed outside them."""
    scope = validation.scope if estimation is None else {**validation.scope, **estimation.scope}
    rubric = scope.get("rubric")
    rows = {
        "Use case": f"{scope['use_case']}. {scope['deployment']}" if rubric else "not stated: no rubric was given",
        "Languages": ", ".join(scope["languages"]) if rubric else "not stated",
        "Rubric": f"{rubric['id']} {rubric['version']} ({rubric['fingerprint'][:12]})" if rubric else "none",
        "Judge": f"{scope['judge']} at {scope['server']}, mode {scope['mode']}" if rubric else scope["judge"],
        "Judge program": f"{scope['program'][:12]}, {_made(scope.get('made_by', {}))}" if rubric else "none",
        **_run(estimation),
        "Set": f"{scope['set']['title']} ({scope['set']['id']}), licence {scope['set']['licence']}",
        "Split": f"{scope['split']} ({scope['split_fingerprint'][:12]})",
        "Labels": scope["labels"] + (f".{caution(validation)}" if caution(validation) else ""),
        "Rater pool": scope["rater_pool"],
        "Populations": "; ".join(f"{axis}: {', '.join(groups)}" for axis, groups in validation.axes.items())
        or "none in this set",
        "Tolerances": ", ".join(f"{name} {delta:g}" for name, delta in scope["tolerances"].items())
        if rubric
        else "none declared",
        "Participation": _participation(scope.get("participation", "no rubric")),
        "As of": scope["as_of"],
    }
    blocks: list[Block] = [
        Table("What the numbers hold for", ["Part", "Value"], [[Cell(name), Cell(value)] for name, value in rows.items()])
    ]
    blocks += [Text(note) for note in [*(estimation.notes if estimation else []), *validation.notes]]
    return Section("scope", "Scope", blocks)


def _run(estimation: Estimation | None) -> dict[str, str]:
    """What was evaluated, where verdicts were given."""
    if estimation is None:
        return {}
    scope = estimation.scope
    items = f"{scope['items']['n']:,} ({scope['items']['fingerprint'][:12]})"
    return {"System": system_name(scope["system"]), "Items of the run": items, "Labels from": scope["labels_from"]}


def _made(made_by: Mapping[str, Any]) -> str:
    """How a program came about: what an optimiser was allowed to change, and what it was not."""
    optimizer = made_by.get("optimizer")
    if optimizer is None:
        return "the rubric as it is"
    told = []
    for call, outcome in made_by["calls"].items():
        gain = outcome["gain"]
        shown = (
            ""
            if gain["low"] is None
            else f", agreement on dev {signed(gain['value'], 3)} [{signed(gain['low'], 3)}, {signed(gain['high'], 3)}]"
        )
        kept = "improved" if outcome["accepted"] else f"left plain, since {outcome['reason']}"
        told.append(f"{call} {kept}{shown}")
    looks = f"{made_by['looks']} looks at its test split before"
    return f"by {optimizer} on {made_by['set']}, train and dev ({looks}): {'; '.join(told)}"


def _participation(asked: object) -> str:
    if isinstance(asked, str):
        return asked
    assert isinstance(asked, list)
    return "; ".join(f"{e['date']}: {e['n']} {e['role']}, {e['change']}; dissent: {e['dissent']}" for e in asked)
