"""Is a response rated higher for being said to be the judge's own?

Whether a judge is kinder to what its own family wrote than people are cannot be made by changing a text. What can be changed is
who is said to have written it, and that is all that this probe tells.
"""

from dataclasses import replace

from judgefair.models.family import FAMILIES, family
from judgefair.probes._trial import CannotProbe, Material, Trial, Version

QUESTION = "Is a response rated higher when it is said to be written by the judge's own family?"
CHANGE = "a line at the end says that it was written by a model of the judge's family"
PLACEBO = "a line at the end says that it was written by a model of another family"
IS_DIRECTED = True
OTHERS = FAMILIES[:5]


def make(material: Material) -> Trial:
    """Each response with the name of the judge's family below it; its placebo has another family's, each as often."""
    own = family(material.judge)
    if own is None:
        raise CannotProbe(
            f"the name '{material.judge}' tells no family. It would need a judge of a known one: {', '.join(FAMILIES)}"
        )
    others = [name for name in OTHERS if name != own]
    items = material.answered
    return Trial(
        Version([replace(item, response=_signed(item.response, own)) for item in items]),
        Version(
            [
                replace(item, response=_signed(item.response, others[(place + material.seed) % len(others)]))
                for place, item in enumerate(items)
            ]
        ),
        change=f"a line at the end says that it was written by {own}, the judge's family",
    )


def _signed(response: str, author: str) -> str:
    return f"{response}\n\nWritten by: {author}"
