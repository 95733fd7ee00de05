"""What can be completed where the cursor stands? Names alone, from folders and file names: nothing heavy is imported."""

from collections.abc import Iterable

SCRIPTED = ("first", "middle", "hash", "length")
ISOTONIC = "isotonic"


def rubrics(incomplete: str) -> list[str]:
    """Ids of the shipped rubrics that begin so; other ones are folders, which the shell completes."""
    return _begin(_folders("rubrics", "rubric.yaml"), incomplete)


def sets(incomplete: str) -> list[str]:
    """Ids of the calibration sets that the project knows."""
    return _begin(_folders("calibration_sets", "card.yaml"), incomplete)


def models(incomplete: str) -> list[str]:
    """The models that need no server; names of others are not known beforehand."""
    return _begin(["local", *(f"scripted:{name}" for name in SCRIPTED)], incomplete)


def optimizers(incomplete: str) -> list[str]:
    """Names for `--optimizer`, those of other packages among them."""
    return _begin([*_plugged("optimizers"), ISOTONIC], incomplete)


def probes(incomplete: str) -> list[str]:
    """Names for `--probe`."""
    return _begin(_plugged("probes"), incomplete)


def targets(incomplete: str) -> list[str]:
    """Kinds of systems for `--target`."""
    return _begin(_plugged("targets"), incomplete)


def splits(incomplete: str) -> list[str]:
    """Names for `--split`."""
    return _begin(["train", "dev", "test", "all"], incomplete)


def cues(incomplete: str) -> list[str]:
    """Names for `--cue`."""
    return _begin(["explicit", "name", "dialect", "situation"], incomplete)


def _begin(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _folders(kind: str, file: str) -> list[str]:
    from judgefair import folders

    return sorted(path.parent.name for path in folders.shipped(kind).glob(f"*/{file}"))


def _plugged(group: str) -> list[str]:
    from judgefair import plugins

    return plugins.names(group)
