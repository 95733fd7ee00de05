"""Would the system not know the population if nobody told it?"""

from judgefair.lenses._look import Look, Seen
from judgefair.lenses._telling import tell_apart

FRAMEWORK = "Fairness through unawareness"
SOURCE = (
    "named and criticised by Grgić-Hlača, Zafar, Gummadi and Weller 2016; of unstructured text: Anthis, Lum, Ekstrand, Feller and Tan "
    "2024, The Impossibility of Fair LLMs"
)
CAN = (
    "Whether a simple reader of words can still tell a population from the reference once the rubric's cues are taken out of the "
    "queries of this context: where it can, leaving those cues out would not make the system unaware."
)
CANNOT = (
    "That the system is unaware: it reads more than word counts do, it has been trained on texts by everybody, and cues that the rubric "
    "does not list word by word stay in the text; nor that being unaware would be fair, where a population needs another answer."
)


def look(seen: Seen) -> Look:
    """`lens.unawareness.auc`: how often the population's query is told from the reference's without the declared cues."""
    return tell_apart(seen, "unawareness", "queries", lambda item: item.query, {"auc": True})
