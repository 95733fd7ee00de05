"""Is a response rated otherwise when sentences are added that say nothing? (Verbosity.)"""

from dataclasses import replace

from judgefair.probes._trial import Material, Trial, Version

QUESTION = "Is a response rated higher or lower when it is padded with sentences that say nothing?"
CHANGE = "three sentences without content are added at the end"
PLACEBO = "the response ends in a line break more"
IS_DIRECTED = True
SENTENCES = (
    "There is of course much that could be said about this.",
    "Many people have thought about questions of this kind, in one way or another.",
    "In any case, this is what can be said here, and it has now been said.",
)


def make(material: Material) -> Trial:
    """Each response padded; its placebo has the same words."""
    items = material.answered
    padded = [replace(item, response=f"{item.response.rstrip()} {' '.join(SENTENCES)}") for item in items]
    return Trial(Version(padded), Version([replace(item, response=f"{item.response}\n") for item in items]))
