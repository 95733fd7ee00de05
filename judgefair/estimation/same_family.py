"""Are the judge and the system of one model family, so that the judge may be kind to its like?"""

from collections.abc import Mapping

from judgefair.models.family import shared_family

SOURCE = "Panickssery et al. 2024"


def same_family_note(judge: str, system: object) -> str | None:
    """What must stand beside ratings of a system by a judge of its own family; None where either's family is not known.

    Parameters
    ----------
    judge : name of the judge's model.
    system : what the run's manifest says of the system; its model counts where it is named, else its id.

    Notes
    -----
    What Panickssery, Bowman and Feng ("LLM Evaluators Recognize and Favor Their Own Generations", NeurIPS 2024) show is that a
    model rates texts of its own higher than others' though people think them equal. It is of single models: that it extends to their
    family is a suspicion, and what the note asks for is a measurement.

    >>> same_family_note("claude-3-haiku", {"id": "tutor", "model": "gpt-4o"}) is None
    True
    """
    if not isinstance(system, Mapping):
        return None
    name = str(system.get("model") or system.get("id") or "")
    family = shared_family(judge, name)
    if family is None:
        return None
    called = str(system.get("id", name))
    who = f"the system {called}" + (f" ({name})" if name != called else "")
    alike = "are by name the same model" if judge == name else f"are of one model family ({family}), as far as their names tell"
    return (
        f"The judge {judge} and {who} {alike}. Models were found to rate texts of their own higher than people do ({SOURCE}, of single "
        "models, not of families): hold the judge's error against humans on this system's own answers, or ask a judge of another family too."
    )
