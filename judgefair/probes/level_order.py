"""Is a level chosen for the place in which it is listed?"""

from judgefair.compile.wording import Wording
from judgefair.probes._programs import LAYOUT, in_another_layout, reworded
from judgefair.probes._trial import Material, Trial, Version

QUESTION = (
    "Are ratings higher when the levels are listed from the highest to the lowest, as for a judge that takes what comes first?"
)
CHANGE = "levels are listed in reverse order, in the prompt and in the schema of the reply"
PLACEBO = LAYOUT
IS_DIRECTED = True


def make(material: Material) -> Trial:
    """The same items by a program that lists the levels in reverse; a reply means the same level in both."""
    items = material.answered
    backwards = reworded(material.program, Wording(levels_reversed=True))
    return Trial(Version(items, backwards), Version(items, in_another_layout(material.program)))
