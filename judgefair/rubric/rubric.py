"""What does fair mean here? A rubric: context, criteria, how it is judged, and when a judge is valid."""

import datetime
from typing import Literal

from pydantic import Field

from judgefair.fingerprint import fingerprint
from judgefair.rubric.context import Context, Strict
from judgefair.rubric.criterion import Criterion


class Judging(Strict):
    """How the judge answers."""

    mode: Literal["score", "reason_then_score", "distribution"] = Field(description="score, reason_then_score or distribution")
    criteria_per_call: Literal["one", "all"] = Field(description="one or all")


class Validity(Strict):
    """What a judge must show against humans before its ratings are relied on."""

    min_alpha_ratio: float = Field(ge=0, description="the least alpha.judge_human / alpha.human")
    alt_test_epsilon: float = Field(ge=0, lt=1, description="epsilon of the alternative annotator test")
    max_judge_error_gap: float = Field(ge=0, description="the largest gap of judge error between populations, in scale points")
    max_unparsable_rate: float = Field(ge=0, le=1, description="the largest share of unparsable replies")


class Consultation(Strict):
    """Who was asked, when, and what became of it."""

    date: datetime.date = Field(description="a date, such as 2026-05-02")
    role: str = Field(description="who was asked")
    n: int = Field(ge=1, description="how many were asked")
    change: str = Field(description="what it changed in the rubric")
    dissent: str = Field(description="what they objected to, or 'none recorded'")


class Composition(Strict):
    """A criterion that is to sum up others: being fair in each of its parts does not make it fair."""

    whole: str = Field(description="the id of a criterion that rates the whole")
    parts: list[str] = Field(min_length=1, description="a list of ids of criteria that rate its parts")


class Rubric(Strict):
    """One version of a rubric. `load_rubric` reads it from `rubrics/<id>/rubric.yaml`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in lower case, such as writing_tutor")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="a version such as 1.2.0")
    context: Context = Field(description="the use case and its stakeholders, harms and populations")
    criteria: list[Criterion] = Field(min_length=1, description="a list of criteria")
    judging: Judging = Field(description="mode and criteria_per_call")
    validity: Validity = Field(description="the gate a judge has to pass")
    participation: list[Consultation] | Literal["unknown"] = Field(description="a list of who was asked, or the word unknown")
    composition: list[Composition] = Field(
        default_factory=list, exclude_if=lambda said: not said,  # so that a rubric without one keeps its fingerprint
        description="a list of {whole, parts}: criteria that sum up others",
    )  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """sha256 of everything the rubric says; layout and comments do not count."""
        return fingerprint(self.model_dump(mode="json"))

    def criterion(self, criterion_id: str) -> Criterion:
        """The criterion of that id; KeyError otherwise."""
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)
