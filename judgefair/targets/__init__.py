"""The systems under evaluation: a model behind a prompt, a Python function, or answers that were collected elsewhere."""

from judgefair.targets._make import make_target
from judgefair.targets._refusal import marked_refusal
from judgefair.targets._target import Target

__all__ = ["Target", "make_target", "marked_refusal"]
