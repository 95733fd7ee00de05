"""What criterion do several rubrics share? It is written once, and each rubric includes it and adds what is its own."""

import re
from typing import Any

from judgefair import folders
from judgefair.errors import InputError, did_you_mean
from judgefair.rubric.strict_yaml import Document, KeyPath, read_yaml

INCLUDE, SHARED = "include", "shared"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def with_included(document: Document) -> Document:
    """The document with each criterion's `include: NAME` replaced by what `shared/NAME.yaml` says.

    That file is looked for in the folder `shared` beside the rubric's own folder, then among the shipped rubrics. What stands in the
    rubric beside `include` takes the place of what the shared file says under the same key.

    Raises
    ------
    InputError : no such file, it is no mapping, or it includes another.
    """
    included = included_in(document)
    if not included:
        return document
    written = list(document.data["criteria"])
    places: dict[KeyPath, str] = {}
    for number in sorted(included):
        one = written[number]
        where: KeyPath = ("criteria", number)
        own = {key: value for key, value in one.items() if key != INCLUDE}
        shared = _read_shared(document, one[INCLUDE], (*where, INCLUDE))
        written[number] = {**shared.data, **own}
        for place in shared.lines:
            if place and place[0] not in own:
                places[(*where, *place)] = shared.at(place)
    return Document(document.path, {**document.data, "criteria": written}, document.lines, places)


def included_in(document: Document) -> set[int]:
    """The places of the criteria that a rubric's file includes, whose words stand in other files."""
    criteria = document.data.get("criteria") if isinstance(document.data, dict) else None
    listed = criteria if isinstance(criteria, list) else []
    return {number for number, one in enumerate(listed) if isinstance(one, dict) and INCLUDE in one}


def _read_shared(document: Document, name: Any, where: KeyPath) -> Document:
    folders_of = [document.path.resolve().parent.parent / SHARED, folders.shipped("rubrics") / SHARED]
    if isinstance(name, str) and _NAME.fullmatch(name):
        for folder in folders_of:
            if (folder / f"{name}.yaml").is_file():
                return _checked(read_yaml(folder / f"{name}.yaml"))
    known = sorted({path.stem for folder in folders_of for path in folder.glob("*.yaml")})
    raise InputError(
        f"{document.at(where)}: include is {name!r}, and no shared criterion has that name.{did_you_mean(str(name), known)} "
        f"Shared criteria: {', '.join(known) or 'none'}. Expected the name of a file in {folders_of[0]}"
    )


def _checked(shared: Document) -> Document:
    if not isinstance(shared.data, dict):
        raise InputError(f"{shared.path}:1: expected a mapping with the keys of a criterion, such as id and question")
    if INCLUDE in shared.data:
        raise InputError(f"{shared.at((INCLUDE,))}: a shared criterion includes none. Write out what it says")
    return shared
