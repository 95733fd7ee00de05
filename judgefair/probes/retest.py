"""Does the judge say the same when it is asked the same again? (Test and retest.)"""

from judgefair.probes._trial import Material, Trial, Version

QUESTION = "How far apart are two ratings when the judge is asked the same twice, with replies sampled?"
CHANGE = "nothing: the same question is asked again, at the program's temperature for replicates"
PLACEBO = "none"
IS_DIRECTED = False


def make(material: Material) -> Trial:
    """The same items twice."""
    items = material.answered
    return Trial(Version(items, replicate=1), None, Version(items, replicate=0))
