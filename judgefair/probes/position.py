"""Does the verdict between two responses hang on which is shown first?"""

from judgefair.probes._trial import CannotProbe, Material, Trial

QUESTION = "Is a response preferred for being shown first?"
CHANGE = "the two responses change places"
PLACEBO = "none"
IS_DIRECTED = True


def make(material: Material) -> Trial:
    """Always `CannotProbe` while an item holds one response."""
    pairwise = [criterion.id for criterion in material.rubric.criteria if criterion.scale.kind == "pairwise"]
    if not pairwise:
        raise CannotProbe("no criterion compares two responses. It would need one on a pairwise scale")
    raise CannotProbe(
        f"{', '.join(pairwise)} compares two responses, and an item holds one text of what is rated. It would need items that hold "
        "the two responses apart, so that they can change places"
    )
