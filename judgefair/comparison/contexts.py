"""Which runs share a context, and did they rate the same items?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from judgefair.comparison.comparison import Context, Judge
from judgefair.comparison.held import Held
from judgefair.comparison.rated import Rated
from judgefair.errors import InputError


def contexts_of(validated: Sequence[Held]) -> dict[str, list[Held]]:
    """Runs by context, in the order in which contexts first appear.

    Raises
    ------
    InputError : two runs of a context rated other items, were judged by other rubrics of one version, or are by one judge
        and program.
    """
    found: dict[str, list[Held]] = {}
    for each in validated:
        found.setdefault(each.used_in, []).append(each)
    for name, runs in found.items():
        for one, other in pairwise(runs):
            _refuse_other_items(name, one, other)
        seen: dict[tuple[str, str | None, str | None], Held] = {}
        for each in runs:
            earlier = seen.setdefault((each.judge, each.server, each.program), each)
            if earlier is not each:
                raise InputError(
                    f"{earlier.run} and {each.run}: both hold {each.judge} with the same program in {name}. Leave one of them out"
                )
    return found


def context_of(name: str, runs: Sequence[Held]) -> Context:
    """What the runs of one context share."""
    validations = [each.validation for each in runs if each.validation is not None]
    scope = validations[0].scope
    return Context(
        name=name,
        rubric=dict(scope["rubric"]) if "rubric" in scope else None,
        use_case=scope.get("use_case", "not stated: no rubric was given"),
        set_id=scope["set"]["id"],
        split=scope["split"],
        split_fingerprint=scope["split_fingerprint"],
        labels=scope["labels"],
        n_items=len(validations[0].items),
        criteria=list(dict.fromkeys(criterion for validation in validations for criterion in validation.scales)),
    )


def refuse_other_labels(name: str, runs: Sequence[tuple[Held, Mapping[str, Rated]]]) -> None:
    """InputError where two runs of a context hold other items or other human ratings of a criterion that both have."""
    first: dict[str, tuple[Held, Rated]] = {}
    for each, rated in runs:
        for criterion, found in rated.items():
            other, expected = first.setdefault(criterion, (each, found))
            if found.labels() != expected.labels():
                raise InputError(
                    f"{other.run} and {each.run}: both hold {name}, with other items, scales or human ratings of {criterion}. Judges are "
                    "compared on the same labels: bring the same human ratings to both runs"
                )


def rows_of(held: Sequence[Held]) -> tuple[list[Judge], dict[str, str]]:
    """The judges as rows of the matrix, and by run folder the name of its row.

    A judge has one row, or one for each program where some context holds several of them, or where several servers have a
    judge of that name one for each server.
    """
    told: dict[str, Judge] = {}
    row_of = {}
    for each in held:
        same = [other for other in held if other.judge == each.judge]
        servers = {other.server for other in same}
        here = [other for other in same if other.server == each.server]
        by_context: dict[str, set[str | None]] = {}
        for other in here:
            by_context.setdefault(other.used_in, set()).add(other.program)
        is_split = any(len(programs) > 1 for programs in by_context.values())
        name = "".join(_parts(each, len(servers) > 1, is_split))
        told.setdefault(name, Judge(name, each.judge, each.server, each.program if is_split else None))
        row_of[str(each.run)] = name
    return list(told.values()), row_of


def _parts(each: Held, with_server: bool, with_program: bool) -> Iterator[str]:
    yield each.judge
    if with_server:
        yield f" at {each.server}" if each.server else " in a table"
    if with_program:
        yield f" ({each.program[:8]})" if each.program else " (no program)"


def _refuse_other_items(name: str, one: Held, other: Held) -> None:
    assert one.validation is not None
    assert other.validation is not None
    if one.rubric is None or other.rubric is None:
        return  # of a table the ratings by the judge are part of the fingerprint; the labels are held against each other instead
    if one.rubric["fingerprint"] != other.rubric["fingerprint"]:
        raise InputError(
            f"{one.run} and {other.run}: both were judged by {one.rubric['id']} {one.rubric['version']}, whose content differs between them. "
            "Give the changed rubric a new version, compile it and validate again"
        )
    found, expected = (each.validation.scope["split_fingerprint"] for each in (other, one) if each.validation is not None)
    if found != expected:
        raise InputError(
            f"{one.run} and {other.run}: both hold {name}, and rated other items ({expected[:12]} and {found[:12]}). Judges are compared on "
            "the same items: validate both with the same set, split and --limit"
        )
