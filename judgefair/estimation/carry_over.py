"""May what is known of the judge from another set be carried over to this run?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.runs.facts import Facts
from judgefair.runs.texts import find_items
from judgefair.statistics import Estimate, distribution_shift
from judgefair.statistics.distribution_shift import sampled
from judgefair.statistics.finding import Population
from judgefair.validation.gate import Check
from judgefair.validation.validation import Validation

MAX_AUC = 0.7
"""Beyond it a classifier tells the two sets apart too well for the judge's error on the one to stand for that on the other."""


def refuse_another_judge(validation: Validation, program: JudgeProgram, judge: str) -> None:
    """InputError where the validation is one of another judge, or of another program."""
    if validation.scope.get("program") != program.fingerprint:
        found = str(validation.scope.get("program", "none"))[:12]
        raise InputError(
            f"--validation holds for program {found}, and the run was judged with {program.fingerprint[:12]}. "
            "Validate the run's own program.json on the set, or judge the run with the validated program"
        )
    if validation.scope["judge"] != judge:
        raise InputError(
            f"--validation holds for the judge {validation.scope['judge']}, and the run was judged by {judge}. "
            "A judge's errors are its own: validate this judge"
        )


def shift(validation: Validation, run: Path, facts: Facts, seed: int) -> Estimate:
    """AUC of a classifier between the texts of the validated set and those of the run; only texts that it reads are kept."""
    rng = np.random.default_rng(seed)
    with_text = [place for place, item in enumerate(validation.items) if item.query or item.response]
    chosen = {with_text[k] for k in sampled(len(with_text), rng)}
    of_set = [item for place, item in enumerate(validation.items) if place in chosen]
    of_run = find_items(run, facts.ids_of(sampled(len(facts), rng)))
    texts, others = (["\n".join(item.texts) for item in items] for items in (of_set, of_run))
    return distribution_shift(texts, others, [item.unit for item in of_set], [item.unit for item in of_run], seed=seed)


def not_passed(validation: Validation, criterion: str, populations: Sequence[Population]) -> list[Check]:
    """Checks of the gate on these populations, or on all items, that were not passed."""
    return [
        check
        for check in validation.gate
        if check.criterion == criterion
        and check.status != "passed"
        and (check.population is None or check.population in populations)
    ]


def why_not(validation: Validation, shifted: Estimate, criterion: str, populations: Sequence[Population]) -> list[str]:
    """Reasons against carrying the judge's error over to these populations; none where it may be."""
    name = validation.scope["set"]["id"]
    reasons = []
    if not validation.gate:
        reasons.append(f"{name} was rated without a rubric, so that no gate says whether the judge is valid there")
    if validation.scope["split"] not in {"test", "all"}:
        reasons.append(
            f"the gate counts on the locked test split, and the judge was validated on {validation.scope['split']} of {name}"
        )
    failed = not_passed(validation, criterion, populations)
    if failed:
        reasons.append(
            f"the judge did not pass the gate on {name}: {failed[0].reason}"
            + (f" (and {len(failed) - 1} more checks)" if len(failed) > 1 else "")
        )
    if not shifted.is_defined:
        reasons.append(f"whether {name} resembles the run cannot be told: {shifted.method.removeprefix('undefined: ')}")
    elif shifted.value > MAX_AUC:
        reasons.append(
            f"the items of {name} differ from the run's: a classifier tells them apart with AUC {shifted.value:.2f}, at most {MAX_AUC} is asked"
        )
    return reasons
