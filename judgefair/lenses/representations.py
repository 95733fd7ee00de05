"""Do the responses give away whom they were written for?"""

from judgefair.lenses._look import Look, Seen
from judgefair.lenses._telling import tell_apart

FRAMEWORK = "Fair representations"
SOURCE = (
    "Zemel, Wu, Swersky, Pitassi and Dwork 2013; Madras, Creager, Pitassi and Zemel 2018; of language models: Anthis, Lum, Ekstrand, Feller "
    "and Tan 2024, The Impossibility of Fair LLMs"
)
CAN = (
    "Whether a simple reader of words can tell from the responses of this context whom they were written for, with what the user said of "
    "themselves repeated in them and without it: where it can, whoever uses the responses can treat populations differently."
)
CANNOT = (
    "That a difference is wrong: a response may rightly differ by population where its role is may_use or must_use, and may repeat what the "
    "user said; nor that responses that cannot be told apart are equally good, nor anything of the model's inner representations, "
    "which are not seen here."
)


def look(seen: Seen) -> Look:
    """`lens.representations.auc`, and `.auc_beyond_cues` with the rubric's cues taken out of the responses."""
    return tell_apart(seen, "representations", "responses", lambda item: item.response, {"auc": False, "auc_beyond_cues": True})
