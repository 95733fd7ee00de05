"""Which judge is used where it was not validated?"""

from collections.abc import Mapping, Sequence

from judgefair.comparison.comparison import Flag
from judgefair.comparison.held import Held


def flags(held: Sequence[Held], rows: Mapping[str, str]) -> list[Flag]:
    """A flag for each run whose judge stands on another context, or on none.

    Parameters
    ----------
    rows : by run folder, the name of its judge in the comparison.
    """
    return [flag for each in held if (flag := _flag(each, held, rows[str(each.run)])) is not None]


def _flag(used: Held, held: Sequence[Held], row: str) -> Flag | None:
    if used.carried_from is not None:
        message = f"{row} was validated in {used.carried_from} and is used in {used.used_in}: its error there need not be its error here."
        return Flag("used_elsewhere", row, str(used.run), used.used_in, [used.carried_from], message)
    if used.validation is not None:
        return None
    same = [each for each in held if each.validation is not None and (each.judge, each.server) == (used.judge, used.server)]
    near = list(dict.fromkeys(each.used_in for each in same if _is_alike(each, used)))
    far = list(dict.fromkeys(each.used_in for each in same if not _is_alike(each, used)))
    where = "; ".join(near) if near else "nowhere among these runs"
    others = f", and with another rubric in: {'; '.join(far)}" if far and not near else ""
    message = f"{row} is not validated in this context ({used.used_in}); with this program or rubric it is validated in: {where}{others}."
    return Flag("not_validated", row, str(used.run), used.used_in, near, message)


def _is_alike(one: Held, other: Held) -> bool:
    """Whether both judged by one program, or by programs of one rubric in whatever version."""
    if one.program == other.program:
        return True
    return one.rubric is not None and other.rubric is not None and one.rubric["id"] == other.rubric["id"]
