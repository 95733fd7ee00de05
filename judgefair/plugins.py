"""What can be plugged in, and what is? One file in the group's folder, or an entry point of the group's name."""

import pkgutil
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

from judgefair.errors import InputError, did_you_mean

GROUPS = {
    "lenses": "judgefair.lenses",
    "optimizers": "judgefair.compile.optimizers",
    "probes": "judgefair.probes",
    "recipes": "judgefair.calibration.recipes",
    "scales": "judgefair.rubric.scales",
    "sections": "judgefair.reporting.sections",
    "targets": "judgefair.targets",
}


def names(group: str) -> list[str]:
    """Names in `group`, sorted; listing imports none of them.

    >>> names("scales")
    ['binary', 'interval', 'nominal', 'ordinal', 'pairwise']
    """
    folder = Path(__file__).parent.joinpath(*GROUPS[group].split(".")[1:])
    ours = {module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")}
    return sorted(ours | {point.name for point in metadata.entry_points(group=f"judgefair.{group}")})


def load(group: str, name: str) -> ModuleType:
    """The module behind `name`; an unknown name is an InputError that lists the known ones."""
    known = names(group)
    if name not in known:
        raise InputError(f"'{name}' is not one of the {group}.{did_you_mean(name, known)} Known: {', '.join(known)}")
    for point in metadata.entry_points(group=f"judgefair.{group}", name=name):
        module = point.load()
        assert isinstance(module, ModuleType), f"entry point {point.value} is not a module"
        return module
    return import_module(f"{GROUPS[group]}.{name}")
