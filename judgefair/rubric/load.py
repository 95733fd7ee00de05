"""Read a rubric from disk, or refuse it with every reason."""

import os
from pathlib import Path

from judgefair import folders
from judgefair.errors import InputError, did_you_mean
from judgefair.rubric.include import with_included
from judgefair.rubric.lint import lint, tell
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.strict_yaml import read_yaml, validate


def load_rubric(source: str | os.PathLike[str]) -> Rubric:
    """Read and check a rubric.

    Parameters
    ----------
    source : a folder with `rubric.yaml`, such a file, or the id of a shipped rubric.

    Raises
    ------
    InputError : every problem at once, each with file, line and what to do.

    >>> load_rubric("writing_tutor").id
    'writing_tutor'
    """
    rubric, _ = check_rubric(source)
    return rubric


def check_rubric(source: str | os.PathLike[str]) -> tuple[Rubric, list[str]]:
    """The rubric and its warnings, each with file and line; InputError as in `load_rubric`."""
    path = _find(source)
    document = with_included(read_yaml(path))
    rubric = validate(document, Rubric)
    changelog = path.parent / "CHANGELOG.md"
    problems = lint(rubric, changelog.read_text("utf-8", errors="replace") if changelog.is_file() else "")
    refused = [tell(problem, document.at(problem.where)) for problem in problems if not problem.is_warning]
    if refused:
        raise InputError("\n".join(refused))
    return rubric, [tell(problem, document.at(problem.where)) for problem in problems]


def _find(source: str | os.PathLike[str]) -> Path:
    path = Path(source)
    if path.is_dir():
        path = path / "rubric.yaml"
    if path.is_file():
        return path
    ours = folders.shipped("rubrics")
    if (ours / str(source) / "rubric.yaml").is_file():
        return ours / str(source) / "rubric.yaml"
    known = sorted(folder.parent.name for folder in ours.glob("*/rubric.yaml"))
    raise InputError(
        f"{source}: no rubric there.{did_you_mean(str(source), known)} "
        f"Expected a folder with rubric.yaml, that file, or the id of a shipped rubric: {', '.join(known)}"
    )
