"""What is judged, for whom, on which scale, and how large a gap is tolerated?"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from judgefair.errors import InputError, did_you_mean
from judgefair.records import Level
from judgefair.rubric.context import Strict
from judgefair.rubric.scale import Scale, make_scale, scale_kind

Role = Literal["must_ignore", "may_use", "must_use"]


def _scale(written: Any) -> Scale:
    if isinstance(written, Scale):
        return written
    if not isinstance(written, dict):
        raise _wrong("is no mapping. Expected one with the keys kind and levels")
    for key in written:
        if key not in {"kind", "levels"}:
            raise _wrong(f"is not a key here.{did_you_mean(str(key), ['kind', 'levels'])} Keys: kind, levels", key)
    for key in ("kind", "levels"):
        if key not in written:
            raise _wrong("is missing. Expected kind (binary, nominal, ordinal, interval, pairwise) and levels", key)
    levels = written["levels"]
    if isinstance(levels, list) and all(isinstance(x, list) and len(x) == 2 and isinstance(x[0], Level) for x in levels):
        levels = dict(levels)
    if not isinstance(levels, dict) or any(isinstance(level, bool) or not isinstance(level, Level) for level in levels):
        raise _wrong("is no mapping of each level (a number or a name) to its anchor or null", "levels")
    for level, anchor in levels.items():
        if not isinstance(anchor, str | None):
            raise _wrong(f"is {anchor!r}. Expected an anchor: text or null", "levels", level)
    try:
        scale_kind(str(written["kind"]))
    except InputError as error:
        raise _wrong(str(error).removeprefix("kind "), "kind") from None
    try:
        return make_scale(str(written["kind"]), levels)
    except InputError as error:
        raise _wrong(f"cannot be these: {error}", "levels") from None


def _wrong(problem: str, *at: Level) -> PydanticCustomError:
    """The problem of the place `at` within a scale."""
    return PydanticCustomError("scale", "{problem}", {"problem": problem, "at": at})


ScaleField = Annotated[
    Scale,
    BeforeValidator(_scale),
    PlainSerializer(lambda scale: scale.to_json()),
    WithJsonSchema({"type": "object"}),
]


class Criterion(Strict):
    """One question about a response, answered with a level."""

    model_config = Strict.model_config | {"arbitrary_types_allowed": True}

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in lower case, such as critique_depth")
    question: str = Field(description="the question a rater answers")
    stakeholder: str = Field(description="one of the stakeholders of the context")
    harms: list[str] = Field(min_length=1, description="a list of ids of harms of the context")
    scale: ScaleField = Field(description="kind and levels")
    better: Literal["higher", "lower", "none"] = Field(description="higher, lower or none: which way is better")
    tolerance: float = Field(gt=0, description="the largest gap, in scale points, that stakeholders accept")
    roles: dict[str, Role] = Field(description="must_ignore, may_use or must_use for every axis")
    why: dict[str, str] = Field(default_factory=dict, description="for each must_use axis, why it must be used")
    not_applicable: str | None = Field(None, description="when the question does not apply, in words")
