"""How are raters, populations and labels called in a report?"""

import re

from judgefair.estimation import Verdict
from judgefair.records import Level
from judgefair.validation import Population, Validation

_LABELLERS = {"human": "humans", "constructed": "constructed labels", "model": "model labels"}
_CAUTION = {
    "human": "",
    "constructed": " Labels: constructed by the authors of the set, given by no human rater.",
    "model": " Labels: given by a model, not by humans.",
}

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

NEARLY_ALWAYS, LOW = 0.9, 0.67
"""Share of agreeing pairs, and Krippendorff's limit of what alpha bears at all: between them agreement without variance."""


def printable(text: str) -> str:
    """The text with U+FFFD for each control character and half pair: they could steer a terminal, and have no place on a page.

    >>> printable("bell\\x07")
    'bell\ufffd'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def labellers(validation: Validation) -> str:
    """Whom the judge is held against: humans, or what stands in for them."""
    return _LABELLERS[validation.scope["labels"]]


def caution(validation: Validation) -> str:
    """What must stand beside every number of a set whose labels are not human; empty where they are."""
    return _CAUTION[validation.scope["labels"]]


_ANSWERS = {
    ("must_ignore", "disparity"): "disparity",
    ("must_ignore", "equivalent"): "equivalent",
    ("must_use", "disparity"): "difference present",
    ("must_use", "equivalent"): "difference absent",
    ("may_use", "reported"): "reported, not judged",
}


def answer_of(verdict: Verdict) -> str:
    """The verdict in the words of its axis' role."""
    return _ANSWERS.get((verdict.role, verdict.answer), verdict.answer)


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
    ratings = validation.ratings
    codes = ratings.loc[(ratings["criterion"] == criterion) & (ratings["rater_kind"] == "judge"), "code"].dropna()
    return validation.scales[criterion].level(float(codes.iloc[0])) if len(codes) > 1 and codes.nunique() == 1 else None


def population_name(population: Population | None) -> str:
    """`axis: group`, or "all items"."""
    return "all items" if population is None else ", ".join(f"{axis}: {group}" for axis, group in population.items())


def populations(validation: Validation) -> list[Population | None]:
    """Overall, then every population, in the order they are reported."""
    return [None, *({axis: group} for axis, groups in validation.axes.items() for group in groups)]
