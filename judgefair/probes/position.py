"""Does the verdict between two responses hang on which is shown first?"""

from judgefair.probes._trial import CannotProbe, Material, Trial, Version
from judgefair.runs.tables import ORDERS

QUESTION = "Is a response preferred for being shown first?"
CHANGE = "the two responses change places (above 0: what is shown first is preferred)"
PLACEBO = "none"
IS_DIRECTED = True


def make(material: Material) -> Trial:
    """Each pair in both orders: what was first and loses by coming second moves the verdict up, towards the other."""
    pairs = [item for item in material.answered if item.second_response is not None]
    if not any(criterion.scale.compares for criterion in material.rubric.criteria) or not pairs:
        raise CannotProbe(
            "nothing here compares two responses. It would need a criterion on a pairwise scale and items with a second_response"
        )
    as_written, swapped = (Version(pairs, order=order) for order in ORDERS)
    return Trial(swapped, None, as_written)
