"""What answers prompts: the embedded model, scripted stand-ins, and any OpenAI-compatible server."""

from judgefair.models.choose import choose_model
from judgefair.models.embedded import Local as local  # noqa: N813 - jf.models.local() reads as a verb
from judgefair.models.model import Model
from judgefair.models.stand_ins import Scripted, scripted

__all__ = ["Model", "Scripted", "choose_model", "local", "scripted"]
