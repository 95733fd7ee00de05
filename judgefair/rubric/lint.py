"""Does a well-formed rubric also make sense?"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from judgefair.errors import did_you_mean
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.strict_yaml import KeyPath, dotted


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a rubric should not say, where it says it, and what to do. Warnings do not refuse the rubric."""

    rule: str
    where: KeyPath
    message: str
    is_warning: bool = False


def lint(rubric: Rubric, changelog: str = "") -> list[Problem]:
    """All problems of a rubric, in the order of the rules; `changelog` is the text of its CHANGELOG.md."""
    found = [problem for rule in RULES for problem in rule(rubric)]
    return [*found, *_version_not_bumped(rubric, changelog)]


def changelog_heading(rubric: Rubric) -> str:
    """The line of CHANGELOG.md that binds a version to its content.

    A later change without a new version then no longer fits its heading.
    """
    return f"## {rubric.version} ({rubric.fingerprint[:16]})"


def _criterion_without_stakeholder(rubric: Rubric) -> Iterator[Problem]:
    named = sorted(rubric.context.stakeholders.named())
    for i, criterion in enumerate(rubric.criteria):
        if criterion.stakeholder not in named:
            yield Problem(
                "criterion_without_stakeholder",
                ("criteria", i, "stakeholder"),
                f"is '{criterion.stakeholder}', who is no stakeholder of the context.{did_you_mean(criterion.stakeholder, named)} "
                f"Stakeholders: {', '.join(named)}",
            )


def _axis_without_reference(rubric: Rubric) -> Iterator[Problem]:
    for i, axis in enumerate(rubric.context.populations):
        if axis.reference not in axis.groups:
            yield Problem(
                "axis_without_reference",
                ("context", "populations", i, "reference"),
                f"is '{axis.reference}', which is no group of axis '{axis.axis}'.{did_you_mean(axis.reference, axis.groups)} "
                f"Groups: {', '.join(axis.groups) or 'none'}",
            )


def _fewer_than_two_groups(rubric: Rubric) -> Iterator[Problem]:
    for i, axis in enumerate(rubric.context.populations):
        if len(axis.groups) < 2:
            yield Problem(
                "fewer_than_two_groups",
                ("context", "populations", i, "groups"),
                f"has {len(axis.groups)} group, and a contrast needs two. Add the population to compare with",
            )


def _empty_cue_list(rubric: Rubric) -> Iterator[Problem]:
    for i, axis in enumerate(rubric.context.populations):
        for name, group in axis.groups.items():
            where = ("context", "populations", i, "groups", name, "cues")
            if group.cues == {}:
                yield Problem("empty_cue_list", where, "is empty. List cues, or leave `cues` out where items come from data")
            for cue, examples in (group.cues or {}).items():
                if not examples:
                    yield Problem(
                        "empty_cue_list", (*where, cue), "is an empty list. Write at least one cue, or leave the channel out"
                    )


def _role_missing(rubric: Rubric) -> Iterator[Problem]:
    axes = [axis.axis for axis in rubric.context.populations]
    for i, criterion in enumerate(rubric.criteria):
        for axis in axes:
            if axis not in criterion.roles:
                yield Problem(
                    "role_missing",
                    ("criteria", i, "roles"),
                    f"say nothing of axis '{axis}'. Add {axis}: must_ignore, may_use or must_use",
                )
        for axis in criterion.roles:
            if axis not in axes:
                yield Problem(
                    "role_missing",
                    ("criteria", i, "roles", axis),
                    f"is for an axis the context does not have.{did_you_mean(axis, axes)} Axes: {', '.join(axes)}",
                )


def _must_use_without_why(rubric: Rubric) -> Iterator[Problem]:
    for i, criterion in enumerate(rubric.criteria):
        for axis, role in criterion.roles.items():
            if role == "must_use" and not criterion.why.get(axis, "").strip():
                yield Problem(
                    "must_use_without_why",
                    ("criteria", i, "roles", axis),
                    f"is must_use without a note of why. Add why: {{{axis}: ...}} to the criterion",
                )


def _unanchored_end(rubric: Rubric) -> Iterator[Problem]:
    for i, criterion in enumerate(rubric.criteria):
        for end in criterion.scale.ends:
            if not (criterion.scale.levels[end] or "").strip():
                yield Problem(
                    "unanchored_end",
                    ("criteria", i, "scale", "levels", end),
                    "has no anchor, and end levels (of a nominal scale: all levels) need one. Describe a response of this level",
                )


def _tolerance_too_wide(rubric: Rubric) -> Iterator[Problem]:
    for i, criterion in enumerate(rubric.criteria):
        half = (criterion.scale.span if criterion.scale.has_points else 1.0) / 2
        if criterion.tolerance > half:
            yield Problem(
                "tolerance_too_wide",
                ("criteria", i, "tolerance"),
                f"is {criterion.tolerance}, wider than half the scale ({half:g}). Ask the stakeholders for the largest gap they accept",
            )


def _better_on_nominal(rubric: Rubric) -> Iterator[Problem]:
    for i, criterion in enumerate(rubric.criteria):
        if not criterion.scale.has_points and criterion.better != "none":
            yield Problem(
                "better_on_nominal",
                ("criteria", i, "better"),
                f"is {criterion.better}, and a nominal scale has no direction. Write better: none, or use an ordinal scale",
            )


def _duplicate_ids(rubric: Rubric) -> Iterator[Problem]:
    context = rubric.context
    for where, ids in (
        (("context", "harms"), [harm.id for harm in context.harms]),
        (("context", "populations"), [axis.axis for axis in context.populations]),
        (("context", "scenarios"), [scenario.id for scenario in context.scenarios]),
        (("criteria",), [criterion.id for criterion in rubric.criteria]),
    ):
        yield from (
            Problem("duplicate_ids", (*where, i), f"has the id '{name}', which stands earlier too. Rename one of them")
            for i, name in enumerate(ids)
            if name in ids[:i]
        )


def _unknown_harm(rubric: Rubric) -> Iterator[Problem]:
    known = [harm.id for harm in rubric.context.harms]
    for i, criterion in enumerate(rubric.criteria):
        for j, harm in enumerate(criterion.harms):
            if harm not in known:
                yield Problem(
                    "unknown_harm",
                    ("criteria", i, "harms", j),
                    f"is '{harm}', which is no harm of the context.{did_you_mean(harm, known)} Harms: {', '.join(known)}",
                )


def _unknown_in_composition(rubric: Rubric) -> Iterator[Problem]:
    known = [criterion.id for criterion in rubric.criteria]
    for i, composed in enumerate(rubric.composition):
        named: list[tuple[KeyPath, str]] = [
            (("whole",), composed.whole),
            *((("parts", j), part) for j, part in enumerate(composed.parts)),
        ]
        for where, name in named:
            if name not in known:
                yield Problem(
                    "unknown_in_composition",
                    ("composition", i, *where),
                    f"is '{name}', which is no criterion of the rubric.{did_you_mean(name, known)} Criteria: {', '.join(known)}",
                )


def _whole_among_its_parts(rubric: Rubric) -> Iterator[Problem]:
    for i, composed in enumerate(rubric.composition):
        for j, part in enumerate(composed.parts):
            if part == composed.whole:
                yield Problem(
                    "whole_among_its_parts",
                    ("composition", i, "parts", j),
                    f"is '{part}', which is the whole. List the criteria that rate its parts",
                )


def _exposure_target(rubric: Rubric) -> Iterator[Problem]:
    exposure = rubric.context.exposure
    if exposure is None:
        return
    known = list(exposure.producers)
    for target, shares in exposure.targets.items():
        where = ("context", "exposure", "targets", target)
        for name, share in shares.items():
            if name not in known:
                meant = did_you_mean(name, known)
                yield Problem("exposure_target", (*where, name), f"is no producer.{meant} Producers: {', '.join(known)}")
            elif not share >= 0:
                yield Problem("exposure_target", (*where, name), f"is {share:g}. Expected a share of at least 0")
        if lacking := [name for name in known if name not in shares]:
            yield Problem(
                "exposure_target", where, f"says nothing of {', '.join(lacking)}. Write a share for each producer, 0 for none"
            )
        elif not abs(sum(shares.values()) - 1) <= 1e-6:
            yield Problem("exposure_target", where, f"has shares that sum to {sum(shares.values()):g}. Expected a sum of 1")


def _name_of_two_producers(rubric: Rubric) -> Iterator[Problem]:
    exposure = rubric.context.exposure
    whose: dict[str, str] = {}
    for producer, names in exposure.producers.items() if exposure is not None else ():
        for i, name in enumerate(names):
            other = whose.setdefault(name.strip(), producer)
            if other != producer:
                yield Problem(
                    "name_of_two_producers",
                    ("context", "exposure", "producers", producer, i),
                    f"is '{name}', which names {other} too, and an answer that has it would count for one of them. Leave it out of both",
                )


def _uncovered_harm(rubric: Rubric) -> Iterator[Problem]:
    covered = {harm for criterion in rubric.criteria for harm in criterion.harms}
    for i, harm in enumerate(rubric.context.harms):
        if harm.id not in covered:
            yield Problem(
                "uncovered_harm",
                ("context", "harms", i),
                f"'{harm.id}' is covered by no criterion, so this rubric cannot see it. Add a criterion, or say so in the README",
                is_warning=True,
            )


def _version_not_bumped(rubric: Rubric, changelog: str) -> Iterable[Problem]:
    recorded = re.search(rf"^## {re.escape(rubric.version)} \(([0-9a-f]{{16}})\)", changelog, re.MULTILINE)
    if recorded is None:
        yield Problem(
            "version_not_bumped",
            ("version",),
            f"{rubric.version} has no entry in CHANGELOG.md. Add the heading '{changelog_heading(rubric)}' and what changed",
            is_warning=True,
        )
    elif recorded[1] != rubric.fingerprint[:16]:
        yield Problem(
            "version_not_bumped",
            ("version",),
            f"is {rubric.version}, but CHANGELOG.md binds {rubric.version} to content {recorded[1]} and this is "
            f"{rubric.fingerprint[:16]}. Raise the version and add its heading, '## NEW_VERSION (fingerprint)': check prints it",
        )


RULES: tuple[Callable[[Rubric], Iterable[Problem]], ...] = (
    _criterion_without_stakeholder,
    _axis_without_reference,
    _fewer_than_two_groups,
    _empty_cue_list,
    _role_missing,
    _must_use_without_why,
    _unanchored_end,
    _tolerance_too_wide,
    _better_on_nominal,
    _duplicate_ids,
    _unknown_harm,
    _unknown_in_composition,
    _whole_among_its_parts,
    _exposure_target,
    _name_of_two_producers,
    _uncovered_harm,
)


def tell(problem: Problem, place: str) -> str:
    """The problem in one line, behind its `file:line`."""
    return f"{place}: {dotted(problem.where)} {problem.message}"
