"""How are raters, populations and labels called in a report?"""

from judgefair.estimation import Estimation, Verdict
from judgefair.records import Level
from judgefair.validation import Population, Validation

_LABELLERS = {"human": "humans", "constructed": "constructed labels", "model": "model labels", "simulated": "simulated raters"}
_CAUTION = {
    "human": "",
    "constructed": " Labels: constructed by the authors of the set, given by no human rater.",
    "model": " Labels: given by a model, not by humans.",
    "simulated": " Simulation: system, raters and judge are scripted; it says nothing of any real one.",
}

UNKNOWN_SYSTEM = "not recorded"

NEARLY_ALWAYS, LOW = 0.9, 0.67
"""Share of agreeing pairs, and Krippendorff's limit of what alpha bears at all: between them agreement without variance."""


def labellers(validation: Validation) -> str:
    """Whom the judge is held against: humans, or what stands in for them."""
    return _LABELLERS[validation.scope["labels"]]


def caution(validation: Validation) -> str:
    """What must stand beside every number of a set whose labels are not human; empty where they are."""
    return _CAUTION[validation.scope["labels"]]


NO_HUMANS = {
    "constructed": "The labels of this set are constructed: no human rated these items.",
    "model": "The labels of this set were given by a model: no human rated these items.",
    "simulated": "This is a simulation. System, raters and judge are scripted, with gaps and biases that were planted; no human rated "
    "anything, and nothing here says anything of a real system or judge.",
    "mixed": "Some of the labels here were given by no human: beside each context stands what its labels are.",
}
"""What stands above a report whose labels are not human."""

_ANSWERS = {
    ("must_ignore", "disparity"): "disparity",
    ("must_ignore", "equivalent"): "equivalent",
    ("must_use", "disparity"): "difference present",
    ("must_use", "equivalent"): "difference absent",
    ("may_use", "reported"): "reported, not judged",
}


MARKS = {
    "disparity": "◆", "difference absent": "◆", "equivalent": "=", "difference present": "=", "undetermined": "?",
    "reported, not judged": "·", "failed": "×", "not shown": "?", "passed": "✓",
}  # fmt: skip
"""Signs of answers and of checks: what was found wrong, what holds, what is open, what was not asked."""


def answer_of(verdict: Verdict) -> str:
    """The verdict in the words of its axis' role."""
    return answer_in_words(verdict.role, verdict.answer)


def answer_in_words(role: str, answer: str) -> str:
    """An answer in the words of the axis' role: a difference that must be there is present, not a disparity."""
    return _ANSWERS.get((role, answer), answer)


def system_name(system: object) -> str:
    """`id (kind, fingerprint)` of the system under evaluation, or that it was not recorded."""
    return f"{system['id']} ({system['kind']}, {system['fingerprint'][:12]})" if isinstance(system, dict) else str(system)


def truth_of(
    estimation: Estimation | None, estimand: str, criterion: str, population: Population | None, contrast: Population | None
) -> float | None:
    """What a planted study made true of an estimand; None elsewhere."""
    known = (estimation.simulation or {}).get("truth") if estimation else None
    about = {"estimand": estimand, "criterion": criterion, "population": population, "contrast": contrast}
    return next((row["value"] for row in known or () if {name: row[name] for name in about} == about), None)


def contrast_name(verdict: Verdict) -> str:
    """`axis: group − reference`."""
    return f"{population_name(verdict.population)} − {next(iter(verdict.contrast.values()))}"


def told_of(verdict: Verdict) -> str:
    """Why it is what it is, and what would settle it."""
    return "; ".join(verdict.reasons) + (f". To settle it: {verdict.settles}" if verdict.settles else "")


def lacks_variance(validation: Validation, criterion: str, population: Population | None = None) -> bool:
    """Whether raters nearly always agree and their alpha is low all the same, since nearly all ratings are one level."""
    alpha, share = (validation.find(name, criterion, population) for name in ("alpha.human", "agreement.human"))
    return alpha.is_defined and alpha.value < LOW and share.value >= NEARLY_ALWAYS


def only_level(validation: Validation, criterion: str) -> Level | None:
    """The level a judge gave to each of several items, where it never gave another; agreement then tells nothing of its skill."""
    given = validation.given(criterion, "judge")
    return validation.scales[criterion].level(float(given.index[0])) if len(given) == 1 and given.iloc[0] > 1 else None


def population_name(population: Population | None) -> str:
    """`axis: group`, or "all items"."""
    return "all items" if population is None else ", ".join(f"{axis}: {group}" for axis, group in population.items())


def populations(validation: Validation) -> list[Population | None]:
    """Overall, then every population, in the order they are reported."""
    return [None, *({axis: group} for axis, groups in validation.axes.items() for group in groups)]
