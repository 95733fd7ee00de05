"""In a sentence: how far can the judge be trusted here?"""

from collections import Counter

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import number
from judgefair.reporting.words import answer_of, labellers, lacks_variance, only_level, population_name
from judgefair.statistics.estimate import Estimate
from judgefair.validation import Validation

POOR = 0.2
MOST_SHOWN = 3
ANSWERS = ("disparity", "equivalent", "difference present", "difference absent", "undetermined")
NEAR_HUMAN = 0.8


def headline(validation: Validation) -> str:
    """The judge's agreement on its worst criterion, beside the humans' own, in words that the numbers bear."""
    agreements = {name: validation.find("alpha.judge_human", name) for name in validation.scales}
    told = {name: estimate for name, estimate in agreements.items() if estimate.is_defined}
    judge, whom = validation.scope["judge"], labellers(validation)
    if not told:
        reasons = "; ".join(f"{name}: {estimate.method.removeprefix('undefined: ')}" for name, estimate in agreements.items())
        return f"How far {judge} can be trusted cannot be told from {validation.scope['set']['id']} ({reasons})."
    worst = min(told, key=lambda name: told[name].value)
    human = validation.find("alpha.human", worst)
    only = only_level(validation, worst)
    if only is not None:
        trust, because = "very little", f"it gave every item the same level, {only}"
    elif told[worst].low <= 0 < told[worst].high and lacks_variance(validation, worst):
        trust, because = "not on this evidence", f"the {whom} give nearly all items one level, so that chance would agree as well"
    else:
        trust, because = _trust(told[worst], human, whom)
    others = f" It is the weakest of {len(validation.scales)} criteria." if len(validation.scales) > 1 else ""
    untold = [name for name in agreements if name not in told]
    unknown = f" Nothing can be told of {', '.join(untold)}." if untold else ""
    missing = _missing(validation, worst)
    return (
        f"On {validation.scope['set']['id']}, trust {judge} {trust}: on {worst} {because} "
        f"(alpha {_interval(told[worst])}{_beside(human, whom)}).{missing}{others}{unknown}"
    )


def verdict_line(estimation: Estimation) -> str:
    """How many contrasts of the run are a disparity, equivalent, undetermined, and which are a disparity."""
    judged = [verdict for verdict in estimation.verdicts if verdict.role != "may_use"]
    if not judged:
        return "The rubric allows every axis to matter: differences are reported, and nothing is judged."
    answers = Counter(answer_of(verdict) for verdict in judged)
    counts = [f"{answers[answer]} {answer}" for answer in ANSWERS if answers[answer]]
    found = [verdict for verdict in judged if verdict.role == "must_ignore" and verdict.answer == "disparity"]
    shown = "; ".join(
        f"{verdict.criterion}, {population_name(verdict.population)} {number(verdict.corrected, signed=True).text.split()[0]}"
        for verdict in found[:MOST_SHOWN]
    )
    more = f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    if found:
        counts[0] += f" ({shown}{more})"
    return f"Of {len(judged)} contrasts: {', '.join(counts)}."


def _trust(agreement: Estimate, human: Estimate, whom: str) -> tuple[str, str]:
    if agreement.low != agreement.low:
        return "not on this evidence", f"its agreement with the {whom} carries no interval"
    if agreement.low <= 0:
        return "very little", f"its agreement with the {whom} cannot be told from chance" if agreement.high > 0 else (
            f"it agrees with the {whom} less than chance would"
        )
    if agreement.value < POOR:
        return "very little", f"it agrees with the {whom} only slightly beyond chance"
    if human.is_defined and human.value > 0:
        if agreement.low >= NEAR_HUMAN * human.value:
            return "about as far as one of its raters", f"it agrees with the {whom} about as they agree with each other"
        return "less than one of its raters", f"it agrees with the {whom} less than they agree with each other"
    return "with caution", f"it agrees with the {whom} beyond chance, and how far they agree among themselves is unknown"


def _missing(validation: Validation, criterion: str) -> str:
    lost = [
        f.estimate
        for f in validation.findings
        if f.criterion == criterion and f.population is None and f.estimate.estimand.startswith("missing_rate.")
    ]
    share = sum(estimate.value for estimate in lost if estimate.is_defined)
    return f" It left {share:.0%} of the items without a rating." if share >= 0.005 else ""


def _interval(estimate: Estimate) -> str:
    if estimate.low != estimate.low:
        return f"{estimate.value:.2f}, no interval"
    return f"{estimate.value:.2f}, {estimate.level:.0%} interval {estimate.low:.2f} to {estimate.high:.2f}".replace("-", "−")


def _beside(human: Estimate, whom: str) -> str:
    return f"; {whom} among themselves {human.value:.2f}" if human.is_defined else ""
