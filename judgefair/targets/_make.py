"""Which system does a study name?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgefair import plugins
from judgefair.errors import InputError, did_you_mean
from judgefair.rubric.strict_yaml import Document, KeyPath, validate
from judgefair.targets._target import Target


def make_target(id: str, kind: str, settings: Mapping[str, Any], folder: Path) -> Target:  # noqa: A002
    """A system of a kind, found by its file or entry point.

    Parameters
    ----------
    settings : as a person writes them; which there are depends on the kind.
    folder : where relative paths among them are taken from.

    Raises
    ------
    InputError : no such kind; a setting is missing, unknown or wrong, all of them at once; or what they name is not there.
    ModelError : the kind asks a model, and its name or server cannot be used.

    >>> make_target("tutor", "chat", {"model": "scripted:middle"}, Path()).settings["model"]
    'scripted:middle'
    """
    known = plugins.names("targets")
    if kind not in known:
        raise InputError(f"target '{id}': kind is '{kind}'.{did_you_mean(kind, known)} Kinds: {', '.join(known)}")
    module = plugins.load("targets", kind)
    checked = validate(_Given(Path(), dict(settings), {}, target=f"target '{id}'"), module.Settings)
    target: Target = module.open_target(id, checked, folder)
    return target


@dataclass(frozen=True, slots=True)
class _Given(Document):
    """Settings whose place in a file is no longer known."""

    target: str = ""

    def at(self, where: KeyPath) -> str:  # noqa: ARG002
        return self.target
