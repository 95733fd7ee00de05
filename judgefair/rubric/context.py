"""For which use case, whose harms and which populations does a rubric hold?"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Cue = Literal["explicit", "name", "dialect", "situation"]


class Strict(BaseModel):
    """A part of a file that a person writes: exact types, no unknown key, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Stakeholders(Strict):
    """Who is touched by the system, by the part they have in it."""

    consumers: list[str] = Field(min_length=1, description="a list of those who use the answers")
    subjects: list[str] = Field(description="a list of those whom the answers are about; [] if nobody")
    producers: list[str] = Field(description="a list of those whose content the answers draw on; [] if nobody")
    others: list[str] = Field(description="a list of everybody else who is touched; [] if nobody")

    def named(self) -> set[str]:
        """Every stakeholder, whatever the part."""
        return {*self.consumers, *self.subjects, *self.producers, *self.others}


class Harm(Strict):
    """One way in which the system can wrong somebody."""

    id: str = Field(description="a short name, used by criteria")
    text: str = Field(description="the harm in one sentence")


class Group(Strict):
    """One population of an axis, and how it shows in a query."""

    cues: dict[Cue, list[str]] | None = Field(
        None, description="lists of what shows the population, by channel: explicit, name, dialect, situation"
    )


class Axis(Strict):
    """Populations that are compared with each other."""

    axis: str = Field(description="the name of what the populations differ in")
    reference: str = Field(description="the group that contrasts are taken against")
    groups: dict[str, Group] = Field(description="a mapping of each group to its cues")


class Scenario(Strict):
    """One intent with its facts: what is asked whoever asks."""

    id: str = Field(description="a short name")
    intent: str = Field(description="what the user wants, in one sentence")
    facts: dict[str, Any] = Field(default_factory=dict, description="a mapping of what is the case")
    merit: float | None = Field(None, description="the level that is right by construction")
    turns: list[str] | None = Field(
        None, description="a list of what the user says, in order; {fact} stands for the value, or each value, of that fact"
    )
    paraphrase: list[str] | None = Field(
        None, exclude_if=lambda said: said is None,  # so that a rubric without one keeps its fingerprint
        description="a list of the same turns in other words, for a placebo",
    )  # fmt: skip


class Exposure(Strict):
    """Whose content the answers may draw on, how it shows in an answer, and what share each ought to have."""

    producers: dict[str, list[str]] = Field(
        min_length=2, description="a mapping of each producer to a list of what names it in an answer: names, titles, addresses"
    )
    targets: dict[str, dict[str, float]] = Field(
        min_length=1, description="by name of the target, a mapping of each producer to its share; shares of a target sum to 1"
    )


class Context(Strict):
    """The use case a rubric is written for; nothing is claimed outside it."""

    use_case: str = Field(description="the use case in one sentence")
    deployment: str = Field(description="where and how the system answers")
    languages: list[str] = Field(min_length=1, description="a list of language codes, such as [en]")
    stakeholders: Stakeholders = Field(description="consumers, subjects, producers and others")
    harms: list[Harm] = Field(min_length=1, description="a list of {id, text}")
    permitted: str = Field(description="which differences between populations are right, in words")
    populations: list[Axis] = Field(min_length=1, description="a list of axes, each with a reference and groups")
    scenarios: list[Scenario] = Field(default_factory=list, description="a list of intents with facts")
    distance: Literal["words", "merit"] | None = Field(
        None, exclude_if=lambda said: said is None,  # so that a rubric without one keeps its fingerprint
        description="how far two requests are apart, for individual fairness: words (share of words that differ) or merit",
    )  # fmt: skip
    exposure: Exposure | None = Field(
        None, exclude_if=lambda said: said is None,
        description="producers with what names them in an answer, and targets of their shares",
    )  # fmt: skip

    def axis(self, name: str) -> Axis | None:
        """The axis of that name, or None."""
        return next((axis for axis in self.populations if axis.axis == name), None)
