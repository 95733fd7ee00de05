"""What does each fairness framework see, claim and refuse in this context? One file a lens."""

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._looking import Lensed, look_through

__all__ = ["DoesNotExtend", "Lensed", "Look", "Seen", "look_through"]
